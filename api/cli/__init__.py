"""The `wangge` command, one sub-command a module."""

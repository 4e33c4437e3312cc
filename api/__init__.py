"""HTTP, maps, pages and the command line: the only place that knows a request, a setting or a clock."""

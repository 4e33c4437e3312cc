"""Alembic revisions; they import none of our code."""

"""Readers and writers, one file format a module: frame in, frame out, rejects."""

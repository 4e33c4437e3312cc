"""OpenStreetMap files -> layer frames: the walkable streets, and by a table of tags facilities and compounds."""

from layers.osm.reader import ATTRIBUTION, SUFFIXES, Extract, attribution, is_osm, read

__all__ = ["ATTRIBUTION", "SUFFIXES", "Extract", "attribution", "is_osm", "read"]

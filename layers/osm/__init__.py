"""OpenStreetMap files -> layer frames: the walkable streets, and by their tags the places beside them."""

from layers.osm.reader import ATTRIBUTION, PLACES, SUFFIXES, Extract, attribution, is_osm, read

__all__ = ["ATTRIBUTION", "PLACES", "SUFFIXES", "Extract", "attribution", "is_osm", "read"]

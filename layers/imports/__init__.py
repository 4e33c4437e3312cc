"""A stranger's file becomes a layer: fields, places, codes and parents, differences, checks, one revision."""

from layers.imports.report import ImportReport, Options
from layers.imports.run import import_file, import_frame, import_osm

__all__ = ["ImportReport", "Options", "import_file", "import_frame", "import_osm"]

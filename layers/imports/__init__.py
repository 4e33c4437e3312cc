"""A stranger's file becomes a layer: fields, places, codes and parents, differences, checks; published or drafted."""

from layers.imports.outcome import Outcome
from layers.imports.reading import Records
from layers.imports.report import ImportReport, Options
from layers.imports.run import import_file, import_frame, import_osm, publish, work_out

__all__ = [
    "ImportReport",
    "Options",
    "Outcome",
    "Records",
    "import_file",
    "import_frame",
    "import_osm",
    "publish",
    "work_out",
]

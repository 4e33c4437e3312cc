"""Incidents: filed one by one or in bulk with the area they belong to, moved, found again, and drawn."""

from layers.incidents.bulk import import_frame, import_stream, reassign_open
from layers.incidents.intake import (
    RULES,
    STATUSES,
    Filed,
    Repetition,
    Report,
    assignments,
    get,
    intake,
    reassign,
    release,
)

__all__ = [
    "RULES",
    "STATUSES",
    "Filed",
    "Repetition",
    "Report",
    "assignments",
    "get",
    "import_frame",
    "import_stream",
    "intake",
    "reassign",
    "reassign_open",
    "release",
]

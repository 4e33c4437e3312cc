"""Incidents: filed one by one or in bulk with the area they belong to, moved, found again, and drawn."""

from layers.incidents.decisions import RULES, STATUSES, assignments, get, place, reassign, release
from layers.incidents.importing import ImportCounts, import_frame, import_stream
from layers.incidents.intake import Desk, Filed, Repetition, Report, intake
from layers.incidents.moving import Moves, prepare
from layers.incidents.nearby import Nearby, Vicinity, nearby

__all__ = [
    "RULES",
    "STATUSES",
    "Desk",
    "Filed",
    "ImportCounts",
    "Moves",
    "Nearby",
    "Repetition",
    "Report",
    "Vicinity",
    "assignments",
    "get",
    "import_frame",
    "import_stream",
    "intake",
    "nearby",
    "place",
    "prepare",
    "reassign",
    "release",
]

"""Every table of the database.

A *layer* table keeps each feature's versions side by side: a row is valid from revision ``rev_from`` up to,
not including, ``rev_to`` (null: still valid). Geometries are EPSG:4326, longitude first. Codes compare byte
by byte, so their columns use the ``C`` collation.
"""

from layers.tables.accounts import Account, BrowserSession, Token
from layers.tables.base import Base
from layers.tables.derived import CompoundGrid, OldEstateCompound, PlaceName
from layers.tables.drafts import DRAFT_TABLES, Draft, DraftKey, DraftNote, DraftStep
from layers.tables.features import LAYER_TABLES
from layers.tables.incidents import Assignment, IdempotencyKey, Incident, IncidentKey
from layers.tables.jobs import Job, Result
from layers.tables.scenarios import Scenario
from layers.tables.versions import Defect, Deployment, Revision, RevisionKey, Versioned

__all__ = [
    "DRAFT_TABLES",
    "LAYER_TABLES",
    "LINK_TABLES",
    "Account",
    "Assignment",
    "Base",
    "BrowserSession",
    "Defect",
    "Deployment",
    "Draft",
    "DraftKey",
    "DraftNote",
    "DraftStep",
    "IdempotencyKey",
    "Incident",
    "IncidentKey",
    "Job",
    "PlaceName",
    "Result",
    "Revision",
    "RevisionKey",
    "Scenario",
    "Token",
    "Versioned",
]

#: Tables of the links between layers, and of the names: derived from layers.
LINK_TABLES: dict[str, type[Versioned]] = {
    "compound_grids": CompoundGrid,
    "old_estate_compounds": OldEstateCompound,
    "place_names": PlaceName,
}

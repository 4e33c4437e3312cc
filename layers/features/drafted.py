"""Features as a draft has them."""

from sqlalchemy import Table
from sqlalchemy.orm import Session

from layers.drafts import states
from layers.drafts.states import State
from layers.features import pages
from layers.features.collections import Collection
from layers.features.pages import Box, Selection
from layers.tables import DRAFT_TABLES


def selection(collection: Collection, state: State) -> Selection:
    """Return the features of a collection in a draft."""
    source = states.source(collection.layer, state)
    return Selection(collection.layer, source, collection.conditions(source))


def extent(session: Session, collection: Collection, state: State) -> Box | None:
    """Return the box around all that a draft ever made of a collection; None where it changed nothing."""
    ours: Table = DRAFT_TABLES[collection.layer]
    mine = (ours.c.draft_id == state.draft_id, *collection.conditions(ours))
    return pages.extent(session, Selection(collection.layer, ours, mine))

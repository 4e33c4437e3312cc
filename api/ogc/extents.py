"""Boxes around the features of a tree: clients zoom to them, and ask for nothing outside."""

from api.snapshots import Snapshot
from layers.database import Session
from layers.features import pages
from layers.features.collections import Collection
from layers.features.pages import Box, Period


def published(snapshot: Snapshot, collection: Collection) -> Box | None:
    """Return the box around a collection (west, south, east, north; EPSG:4326); None where it is empty."""

    def load(session: Session, revision: int) -> Box | None:
        selection = pages.published(collection.layer, Period(revision, revision))
        return pages.extent(session, selection.where(*collection.conditions(selection.source)))

    return snapshot.model(("extent", collection.name), layers=(collection.layer,), load=load)

"""Where and since when a tree has features: clients zoom there, and ask for nothing outside."""

from collections.abc import Iterable

import numpy as np

from api.dependencies import Runtime
from api.snapshots import Snapshot
from layers.database import Session
from layers.features import pages
from layers.features.collections import COLLECTIONS, Collection
from layers.features.pages import Box, Period


def published(snapshot: Snapshot, collection: Collection) -> Box | None:
    """Return the box around a collection (west, south, east, north; EPSG:4326); None where it is empty."""

    def load(session: Session, revision: int) -> Box | None:
        selection = pages.published(collection.layer, Period(revision, revision))
        return pages.extent(session, selection.where(*collection.conditions(selection.source)))

    return snapshot.model(("extent", collection.name), layers=(collection.layer,), load=load)


def hull(snapshot: Snapshot) -> Box | None:
    """Return the box around all that is published; None where nothing is."""
    found = (published(snapshot, collection) for collection in COLLECTIONS.values())
    return around(box for box in found if box is not None)


def around(boxes: Iterable[Box]) -> Box | None:
    """Return the box around boxes; None where there are none."""
    sides = list(zip(*boxes, strict=True))
    if not sides:
        return None
    west, south, east, north = sides
    return min(west), min(south), max(east), max(north)


def since(runtime: Runtime) -> str | None:
    """Return the instant from which on something is published; None where nothing is."""
    starts, _ = runtime.snapshots.in_effect()
    return f"{np.datetime_as_string(starts[0], unit='s')}Z" if len(starts) else None

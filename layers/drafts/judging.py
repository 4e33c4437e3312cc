"""What changes to a draft do to the partition, told from its neighbourhood alone, at once."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from sqlalchemy import or_
from sqlalchemy.orm import Session

from geo.changes import Changes
from geo.faults import Fault
from geo.levels import LAYER_OF, LEVEL_OF, LEVELS
from layers import deployment, diffs, gate
from layers.catalogue import SPECS
from layers.drafts import states
from layers.drafts.states import Box, State


def worse(session: Session, state: State, found: Mapping[str, Changes]) -> list[Fault]:
    """Return each defect of areas that changes to a draft make new or larger, as :func:`layers.gate.judge` does."""
    box = _around(found)
    if box is None:
        return []
    before, after = diffs.overlaid(lambda layer: _near(session, layer, state, box), found)
    return gate.judge(before, after, found, metric=deployment.get(session).metric_crs).worse


def _around(found: Mapping[str, Changes]) -> Box | None:
    """Return the box around all areas that changed, as they were and as they are."""
    sides = [
        side for layer, change in found.items() if layer in LEVEL_OF for side in (change.before, change.after)
    ]
    shapes = np.concatenate([np.empty(0, dtype=object), *(side.geometry.to_numpy() for side in sides)])
    return _bounds(shapes) if len(shapes) else None


def _near(session: Session, layer: str, state: State, box: Box) -> Any:  # noqa: ANN401 - a layer frame
    """Read of a layer what tells how land in a box is parted: with the areas that it meets, all below them."""
    if layer not in LEVEL_OF:
        return states.read(session, layer, state, within=box if SPECS[layer].geometry else None)
    levels = reversed(LEVELS[: LEVELS.index(LEVEL_OF[layer])])
    read = (_meeting(session, LAYER_OF[level], state, box) for level in levels)
    above = next((areas for areas in read if len(areas)), None)
    if above is None:
        return states.read(session, layer, state)
    wide = _bounds(np.append(above.geometry.to_numpy(), shapely.box(*box)))
    codes = list(above["code"])
    return states.read(
        session, layer, state, where=lambda c: or_(states.meets(c, wide), c.parent_code.in_(codes))
    )


def _meeting(session: Session, layer: str, state: State, box: Box) -> Any:  # noqa: ANN401 - a layer frame
    """Read the areas that meet a box; all of the layer where none does, for the layer is there."""
    found = states.read(session, layer, state, columns=["code", "geometry"], within=box)
    return found if len(found) else states.read(session, layer, state, columns=["code", "geometry"])


def _bounds(shapes: np.ndarray) -> Box:
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    return west, south, east, north

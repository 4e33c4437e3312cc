"""What an import begins with, published or in a draft, overlaid with what it is about to store."""

import datetime as dt
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.datums import Box
from layers import deployment, history, store
from layers.drafts import states
from layers.drafts.states import State as DraftState
from layers.imports.report import Options
from layers.validation import Reader

# Layers whose extent tells where the deployment lies.
_EXTENT_OF = ("districts", "subdistricts", "communities", "grids", "streets", "compounds")


@dataclass(slots=True)
class State:
    """The layers as they are, overlaid with what this import is about to store.

    ``read`` gives the layers as they are at a revision, or in a draft of it; ``metric`` is the deployment's metric CRS,
    chosen by the first layer with places; ``tolerance_m`` and ``steps_factor`` are stored with it.
    """

    session: Session
    revision: int
    read: Reader
    now: dt.datetime
    tolerance_m: float
    steps_factor: float
    pending: dict[str, pd.DataFrame] = field(default_factory=dict)
    stored: dict[str, pd.DataFrame] = field(default_factory=dict)

    def before(self, layer: str) -> pd.DataFrame:
        """Return the layer as it is."""
        if layer not in self.stored:
            self.stored[layer] = self.read(layer)
        return self.stored[layer]

    def after(self, layer: str) -> pd.DataFrame:
        """Return the layer as it will be."""
        return self.pending[layer] if layer in self.pending else self.before(layer)

    @property
    def metric(self) -> str:
        """Metric CRS of lengths and areas."""
        return deployment.get(self.session).metric_crs

    def settle(self, geoms: pd.Series) -> None:
        """Choose the metric CRS from the first places that ever come in."""
        lon, lat = shapely.get_coordinates(geoms.to_numpy(dtype=object)).T
        if len(lon):
            deployment.choose(
                self.session,
                lon,
                lat,
                now=self.now,
                tolerance_m=self.tolerance_m,
                steps_factor=self.steps_factor,
            )

    def hull(self) -> Box | None:
        """Where the deployment's data lies; None before the first layer."""
        boxes = []
        for layer in _EXTENT_OF:
            source = store.table(layer)
            box = func.ST_Extent(source.c.geom)
            corners = (func.ST_XMin(box), func.ST_YMin(box), func.ST_XMax(box), func.ST_YMax(box))
            row = self.session.execute(select(*corners).where(source.c.rev_to.is_(None))).one()
            if row[0] is not None:
                boxes.append(tuple(row))
        if not boxes:
            return None
        low, high = np.min(boxes, axis=0), np.max(boxes, axis=0)
        return float(low[0]), float(low[1]), float(high[2]), float(high[3])


def published(session: Session, options: Options, *, now: dt.datetime) -> State:
    """Return the state at the newest revision."""
    newest = history.revisions(session, limit=1)
    revision = newest[0].number if newest else 0

    def read(layer: str) -> pd.DataFrame:
        frame: pd.DataFrame = store.read(session, layer, revision)
        return frame

    return State(session, revision, read, now, options.tolerance_m, options.steps_factor)


def drafted(session: Session, draft: DraftState, options: Options, *, now: dt.datetime) -> State:
    """Return the state of a draft."""

    def read(layer: str) -> pd.DataFrame:
        frame: pd.DataFrame = states.read(session, layer, draft)
        return frame

    return State(session, draft.base, read, now, options.tolerance_m, options.steps_factor)

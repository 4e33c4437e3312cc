"""What a database decided once: its city and the metric CRS of every length and area."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from geo import crs
from geo.assign import TOLERANCE_M
from geo.streets.network import STEPS_FACTOR
from layers.errors import NotFound
from layers.tables import Deployment as DeploymentRow


@dataclass(frozen=True, slots=True)
class Deployment:
    """The settings that live with the data.

    ``metric_crs`` is chosen at the first import, stored, and never derived again: two real districts
    straddle a zone border, and a later extent must not move every length. ``tolerance_m`` is how far outside
    every area the rule ``nearest`` answers; it is stored for the same reason: every process, the command line
    and a re-assignment must answer alike; and so ``steps_factor``, the metres of level street that a metre of steps
    costs. ``invented`` marks demo data.
    """

    city: str
    metric_crs: str
    tolerance_m: float
    invented: bool
    steps_factor: float


def get(session: Session) -> Deployment:
    """Return the deployment.

    Raises
    ------
    NotFound
        If nothing was imported yet.
    """
    row = session.get(DeploymentRow, 1)
    if row is None:
        raise NotFound("Nothing has been imported yet; start with: wangge import districts FILE")
    return _decided(row)


def choose(
    session: Session,
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    *,
    now: dt.datetime,
    city: str = "",
    invented: bool = False,
    tolerance_m: float = TOLERANCE_M,
    steps_factor: float = STEPS_FACTOR,
) -> Deployment:
    """Return the deployment; the first call ever decides it, the metric CRS from these points (degrees)."""
    row = session.get(DeploymentRow, 1)
    if row is None:
        row = DeploymentRow(
            id=1,
            metric_crs=crs.choose_metric(lon, lat),
            tolerance_m=tolerance_m,
            steps_factor=steps_factor,
            city=city,
            invented=invented,
            created_at=now,
        )
        session.add(row)
        session.flush()
    return _decided(row)


def _decided(row: DeploymentRow) -> Deployment:
    return Deployment(row.city, row.metric_crs, row.tolerance_m, row.invented, row.steps_factor)

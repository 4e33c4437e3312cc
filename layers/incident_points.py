"""Incidents as points: the few columns that a map of tens of thousands needs, and none of the rest."""

from collections.abc import Sequence

import pandas as pd
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from layers.tables import Incident

_COLUMNS = ("category", "status", "rule", "area_code", "reported_at")


def read(
    session: Session, *, scope: Sequence[str] = (), scope_unassigned: bool = False, limit: int
) -> pd.DataFrame:
    """Return the newest incidents.

    Parameters
    ----------
    scope
        Codes of the areas that the reader is limited to; empty: everything, the unassigned included.
    scope_unassigned
        Whether a limited reader also sees the unassigned.
    limit
        How many at most.

    Returns
    -------
    DataFrame
        Indexed by ``id`` (text): category, status, rule, area_code, reported_at, and lon and lat in degrees,
        EPSG:4326, missing where only words tell the place.
    """
    query = select(
        Incident.id,
        *(getattr(Incident, name) for name in _COLUMNS),
        func.ST_X(Incident.geom).label("lon"),
        func.ST_Y(Incident.geom).label("lat"),
    )
    if scope:
        mine = Incident.path.bool_op("&&")(list(scope))
        query = query.where(or_(mine, Incident.area_code.is_(None)) if scope_unassigned else mine)
    rows = session.execute(query.order_by(Incident.reported_at.desc(), Incident.number.desc()).limit(limit))
    frame = pd.DataFrame(rows.all(), columns=["id", *_COLUMNS, "lon", "lat"])
    frame["id"] = frame["id"].astype(str)
    frame["reported_at"] = pd.to_datetime(frame["reported_at"], utc=True)
    return frame.set_index("id").astype({"lon": "float64", "lat": "float64"})

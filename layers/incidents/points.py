"""Incidents as points: the few columns that a map of tens of thousands needs, and none of the rest."""

from collections.abc import Sequence

import pandas as pd
from sqlalchemy import Double, Text, cast, func, or_, select
from sqlalchemy.orm import Session

from layers.tables import Incident

_COLUMNS = ("category", "status", "rule", "area_code")


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
        # Text and numbers, which cost less to read than an object for each identifier and instant.
        cast(Incident.id, Text),
        *(getattr(Incident, name) for name in _COLUMNS),
        func.extract("epoch", Incident.reported_at).cast(Double),
        func.ST_X(Incident.geom).label("lon"),
        func.ST_Y(Incident.geom).label("lat"),
    )
    if scope:
        mine = Incident.path.bool_op("&&")(list(scope))
        query = query.where(or_(mine, Incident.area_code.is_(None)) if scope_unassigned else mine)
    rows = session.execute(query.order_by(Incident.reported_at.desc(), Incident.number.desc()).limit(limit))
    columns = ["id", *_COLUMNS, "reported_at", "lon", "lat"]
    values = list(zip(*rows, strict=True)) or [() for _ in columns]
    frame = pd.DataFrame(dict(zip(columns, values, strict=True))).set_index("id")
    frame["reported_at"] = pd.to_datetime(frame["reported_at"].astype("float64"), unit="s", utc=True)
    return frame.astype({"lon": "float64", "lat": "float64"})

"""What a draft and others both changed, as replies tell it: each feature with all three states."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
import pandas as pd
import shapely

from api.access import Caller
from api.errors import Problem
from api.scopes import reads_people
from layers import catalogue
from layers.drafts.clashes import Clash, Clashing


def documents(clashes: Sequence[Clash], *, personal: bool) -> list[dict[str, Any]]:
    """Return clashes as JSON.

    Parameters
    ----------
    personal
        Whether to say who anybody is.
    """
    return [_document(clash, personal=personal) for clash in clashes]


@contextmanager
def told(caller: Caller) -> Iterator[None]:
    """Answer clashes with both states of each feature, as a conflict."""
    try:
        yield
    except Clashing as refused:
        listed = documents(refused.clashes, personal=reads_people(caller))
        raise Problem(
            "conflict", str(refused), faults=refused.faults, members={"conflicts": listed}
        ) from refused


def _document(clash: Clash, *, personal: bool) -> dict[str, Any]:
    hidden = () if personal else catalogue.personal_columns(clash.layer)
    return {
        "layer": clash.layer,
        "id": clash.id,
        "code": clash.code,
        "fields": [field for field in clash.fields if field not in hidden],
        "revision": clash.revision.number,
        "author": clash.revision.author,
        **{side: _feature(getattr(clash, side), hidden) for side in ("base", "mine", "theirs")},
    }


def _feature(row: Mapping[str, Any] | None, hidden: Sequence[str]) -> dict[str, Any] | None:
    """Return a state of a feature as GeoJSON; None where it is not there."""
    if row is None:
        return None
    shape = row.get("geometry")
    return {
        "type": "Feature",
        "geometry": None if shape is None else orjson.loads(shapely.to_geojson(shape)),
        "properties": {
            name: _plain(value) for name, value in row.items() if name != "geometry" and name not in hidden
        },
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 - a value of any column
    if isinstance(value, dict | list):
        return value
    if isinstance(value, shapely.Geometry):
        return value.wkt
    if pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value

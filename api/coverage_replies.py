"""Tables about coverage in the formats of the API and of files: one body for both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pandas as pd

from api import table_formats
from geo import coverage
from geo.coverage.city import City
from layers.files import tables


@dataclass(frozen=True, slots=True)
class Shown:
    """A table, the titles of its columns in a workbook, what stands beside it there, and in JSON.

    In GeoJSON each row has the geometry of its ``code``, an area of ``level`` in the first of ``cities`` that has it.
    """

    table: pd.DataFrame
    titles: Mapping[str, str]
    notes: Sequence[tuple[str, str]]
    about: Mapping[str, Any]
    cities: Sequence[City]
    level: str


def body(written: str, shown: Shown) -> bytes:
    """Write a table in one of :data:`api.table_formats.FORMATS`.

    Raises
    ------
    DataError
        On field ``format``, for more rows than the format can carry.
    """
    fewer = "fewer facility types or minutes, for a part of the city with within, or for csv"
    table_formats.check_size(written, len(shown.table), otherwise=fewer)
    if written == "csv":
        return tables.to_csv(shown.table)
    if written == "xlsx":
        return tables.to_xlsx(shown.table, titles=shown.titles, notes=shown.notes)
    if written == "geojson":
        placed = coverage.with_areas(shown.cities, shown.level, shown.table)
        return tables.to_geojson(placed, extra=shown.about)
    return orjson.dumps({**shown.about, "rows": tables.records(shown.table)})

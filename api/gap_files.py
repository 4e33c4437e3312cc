"""Gaps as files: what one answer becomes in each format, the same for requests and for the command line."""

from typing import Literal, get_args

import geopandas as gpd
import orjson
import pandas as pd

from api import gap_words, table_formats
from api.gap_words import About
from geo import coverage
from geo.coverage.city import City
from geo.coverage.gaps import Gaps
from layers.files import geopackage, tables

#: The lists of an answer; a format that holds one list holds the first unless another is asked for.
List = Literal["gaps", "compounds", "areas"]
LISTS: tuple[List, ...] = get_args(List)

#: Formats of the lists.
FORMATS = table_formats.FORMATS | {"gpkg": table_formats.MORE_FORMATS["gpkg"]}

_SHEETS = {"gaps": "空白区 gaps", "compounds": "小区 compounds", "areas": "区域 areas"}
_OTHERWISE = "fewer facility types or minutes, for a part of the city with within, or for csv"


def body(found: Gaps, city: City, about: About, written: str, *, which: List = "gaps") -> bytes:
    """Write gaps in one of :data:`FORMATS`.

    JSON, XLSX and GeoPackage hold all three lists, the settings and the faults; CSV and GeoJSON the one list asked for,
    CSV with the revision and whose data it is in every row.

    Raises
    ------
    DataError
        On field ``format`` for more rows than the format can carry.
    """
    frames = {"gaps": found.shapes, "compounds": found.compounds, "areas": found.areas}
    shown = len(frames[which]) if written in {"csv", "geojson"} else max(map(len, frames.values()))
    table_formats.check_size(written, shown, otherwise=_OTHERWISE)
    plain = {name: _without_geometry(frame) for name, frame in frames.items()}
    if written == "csv":
        stated = plain[which].assign(revision=about.revision, attribution=about.attribution)
        return tables.to_csv(stated)
    if written == "xlsx":
        further = {_SHEETS[name]: plain[name] for name in LISTS[1:]}
        notes = gap_words.notes(found, about)
        return tables.to_xlsx(
            plain["gaps"], titles=gap_words.TITLES, notes=notes, name=_SHEETS["gaps"], further=further
        )
    if written == "geojson":
        frame = _with_areas(found, city, about) if which == "areas" else frames[which]
        return tables.to_geojson(frame, extra=gap_words.as_dict(found, about))
    if written == "gpkg":
        notes = gap_words.notes(found, about)
        settings = pd.DataFrame(notes, columns=["term", "value"])
        places = {
            "gaps": found.shapes,
            "compounds": found.compounds,
            "areas": _with_areas(found, city, about),
        }
        return geopackage.to_gpkg({**places, "settings": settings})
    lists = {name: tables.records(frame) for name, frame in plain.items()}
    return orjson.dumps({**gap_words.as_dict(found, about), **lists})


def _without_geometry(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))


def _with_areas(found: Gaps, city: City, about: About) -> gpd.GeoDataFrame:
    return coverage.with_areas([city], about.query.level, found.areas)

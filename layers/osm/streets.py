"""Streets from OpenStreetMap ways: who may walk where, and where ways join.

Rules of the OpenStreetMap wiki: a `foot` tag outranks `access`; without either, the kind of way decides; ways
join only at nodes they share, so that a bridge and the street below, which cross without one, never do.
One-way signs are for wheels and are ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

Ints = NDArray[np.int64]

#: Kinds of ways on which people walk unless tags say otherwise.
WALKABLE = frozenset(
    [
        "footway",
        "pedestrian",
        "path",
        "steps",
        "living_street",
        "residential",
        "service",
        "unclassified",
        "road",
        "track",
        "corridor",
        "platform",
        "tertiary",
        "tertiary_link",
        "secondary",
        "secondary_link",
        "primary",
        "primary_link",
        "trunk",
        "trunk_link",
    ]
)
#: Kinds that are kept for the base map, and are walkable only where a `foot` tag allows it.
DRAWN_ONLY = frozenset(["motorway", "motorway_link", "cycleway", "bridleway", "busway", "bus_guideway"])
_ALLOWED = frozenset(["yes", "designated", "permissive", "destination", "official", "customers"])
_CLOSED = frozenset(["no", "private", "use_sidepath"])
_PRIVATE = frozenset(
    ["no", "private", "permit", "military", "delivery", "agricultural", "forestry", "residents"]
)
# OpenStreetMap's integers in a degree; a division gives the nearest float, as every other reader does.
_PER_DEGREE = 1e7
# A tenth of a millimetre: tells apart two nodes at one place that no way joins.
_ASIDE_DEG = 1e-9


@dataclass(slots=True)
class Ways:
    """Kept ways, one after the other: attributes by way, and the nodes of all."""

    records: list[dict[str, object]] = field(default_factory=list)
    nodes: list[int] = field(default_factory=list)
    x: list[int] = field(default_factory=list)
    y: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)


def classify(tags: Mapping[str, str]) -> str:
    """Say what a way is to a walker: ``walkable``, ``drawn`` (on the map only), ``private`` or ``none``.

    Private ways, and kinds that are no street (planned, under construction, razed, indoor), are left out.
    """
    kind = tags.get("highway", "")
    if kind not in WALKABLE and kind not in DRAWN_ONLY:
        return "none"
    foot, access = tags.get("foot"), tags.get("access")
    if foot in _ALLOWED:
        return "walkable"
    if foot == "private" or (foot is None and access in _PRIVATE) or tags.get("service") == "private":
        return "private"
    if foot in _CLOSED or kind in DRAWN_ONLY or tags.get("motorroad") == "yes":
        return "drawn"
    return "walkable"


def attributes(tags: Mapping[str, str]) -> dict[str, object]:
    """Columns of a street from a way's tags; `level` is the first number of `layer`."""
    return {
        "name": tags.get("name") or tags.get("ref") or "",
        "kind": tags["highway"],
        "bridge": tags.get("bridge", "no") != "no",
        "tunnel": tags.get("tunnel", "no") != "no",
        "level": _level(tags.get("layer")),
        "steps": tags["highway"] == "steps",
        "walkable": classify(tags) == "walkable",
    }


def _level(layer: str | None) -> int:
    try:
        return int(float((layer or "0").split(";")[0]))
    except ValueError:
        return 0


def streets(ways: Ways) -> tuple[gpd.GeoDataFrame, dict[str, int]]:
    """Split ways at the nodes they share.

    Returns
    -------
    GeoDataFrame, dict
        Layer frame of streets: pieces that join exactly where they share an end point, coded by way and piece
        (``w4305793-2``); and counts of ``streets``, ``joints`` (nodes shared by ways) and ``set aside`` (ends
        moved 0.1 mm because another, unconnected end lies at the very same place).
    """
    way = np.repeat(np.arange(len(ways.lengths)), ways.lengths)
    node, x, y = (np.array(values, dtype=np.int64) for values in (ways.nodes, ways.x, ways.y))
    repeated = np.concatenate([[False], (way[1:] == way[:-1]) & (node[1:] == node[:-1])])
    way, node, x, y = way[~repeated], node[~repeated], x[~repeated], y[~repeated]
    first = np.concatenate([[True], way[1:] != way[:-1]])[: len(way)]
    last = np.concatenate([way[1:] != way[:-1], [True]])[: len(way)]
    _, number, used = np.unique(node, return_inverse=True, return_counts=True)
    cut = (first | last | (used[number] > 1)) if len(way) else np.zeros(0, dtype=bool)
    lon, aside = _set_apart(node, x, y, cut)
    frame = _pieces(ways, way, lon, y / _PER_DEGREE, first=first, inner=cut & ~first & ~last)
    return frame, {"streets": len(frame), "joints": int((used > 1).sum()), "set aside": aside}


def _set_apart(node: Ints, x: Ints, y: Ints, cut: NDArray[np.bool_]) -> tuple[NDArray[np.float64], int]:
    """Move ends that lie at another node's place, so that only shared nodes join streets."""
    lon = x / _PER_DEGREE
    ends = pd.DataFrame({"node": node[cut], "x": x[cut], "y": y[cut]}).drop_duplicates("node")
    ends["rank"] = ends.groupby(["x", "y"]).cumcount()
    moved = ends[ends["rank"] > 0]
    steps = pd.Series(moved["rank"].to_numpy(), index=moved["node"]).reindex(node).fillna(0).to_numpy()
    return lon + steps * _ASIDE_DEG, len(moved)


def _pieces(
    ways: Ways,
    way: NDArray[np.intp],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    *,
    first: NDArray[np.bool_],
    inner: NDArray[np.bool_],
) -> gpd.GeoDataFrame:
    """Draw the pieces; a node inside a way where it is cut ends one piece and starts the next."""
    copies = np.repeat(np.arange(len(way)), 1 + inner)
    starts = first[copies]
    starts[1:] |= copies[1:] == copies[:-1]
    piece = np.cumsum(starts) - 1
    whole = np.bincount(piece, minlength=1)[piece] > 1 if len(piece) else np.zeros(0, dtype=bool)
    copies, piece = copies[whole], piece[whole]
    label, at, number = np.unique(piece, return_index=True, return_inverse=True)
    lines = shapely.linestrings(lon[copies], lat[copies], indices=number) if len(label) else []
    owner = way[copies[at]]
    table = pd.DataFrame(ways.records).iloc[owner].reset_index(drop=True) if len(label) else _no_streets()
    order = table.groupby("osm_id").cumcount() if len(label) else pd.Series(dtype=int)
    code = "w" + table["osm_id"].astype(str) + "-" + order.astype(str)
    return gpd.GeoDataFrame(table.drop(columns="osm_id").assign(code=code), geometry=lines, crs="EPSG:4326")


def _no_streets() -> pd.DataFrame:
    return pd.DataFrame(columns=["osm_id", "name", "kind", "bridge", "tunnel", "level", "steps", "walkable"])

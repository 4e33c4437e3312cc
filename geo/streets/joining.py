"""New lines put into a street network that is noded already: a path, a bridge."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.crs import to_metric
from geo.streets.noding import HEIGHT_COLUMNS

Floats: TypeAlias = npt.NDArray[np.float64]

#: An end of a new line is joined to the nearest walkable street within this many metres.
JOIN_M = 10.0

#: Metres in a degree, to look for what is near; less than there are anywhere a city is.
_PER_DEGREE_M = 20_000.0

#: Nodes closer than this, in metres, are one.
_SAME_M = 0.05


@dataclass(frozen=True, slots=True)
class _Node:
    """Where the new line meets a street: its metres along both, and the place in degrees, the same for both."""

    along_m: float
    street: int
    at_m: float
    place: tuple[float, float]


def join(
    streets: gpd.GeoDataFrame, line: shapely.LineString, columns: Mapping[str, object], *, metric: str
) -> gpd.GeoDataFrame | None:
    """Put a line into noded streets.

    Its two ends are joined to the nearest walkable street within :data:`JOIN_M`, at whatever height that runs; between
    them it joins the streets that it crosses at its own height (``bridge``, ``tunnel`` and ``level`` alike), so that a
    bridge joins nothing below. Streets are cut where it meets them.

    Parameters
    ----------
    streets
        Layer frame, EPSG:4326, noded (:func:`geo.streets.noding.node_lines`).
    line
        In degrees, longitude first, of positive length.
    columns
        Values of the new street's columns.
    metric
        Metric CRS in which nearness is measured.

    Returns
    -------
    GeoDataFrame or None
        The streets with the line; None where it meets no street at all.
    """
    near = _near(streets, line)
    local = streets.iloc[near]
    drawn = to_metric(np.array([line], dtype=object), metric)[0]
    shapes = to_metric(local.geometry.to_numpy(), metric)
    nodes = _nodes(drawn, local, shapes, columns) if len(local) else []
    if not nodes:
        return None
    pieces, rows = [], []
    cut = sorted({node.street for node in nodes})
    for street in cut:
        at = {node.at_m: node.place for node in nodes if node.street == street}
        parts = _cut(local.geometry.to_numpy()[street], shapes[street], at)
        pieces += parts
        rows += [local.iloc[[street]]] * len(parts)
    new = _cut_new(line, drawn, nodes)
    added = gpd.GeoDataFrame(
        [{name: columns.get(name) for name in streets.columns if name != "geometry"}] * len(new),
        geometry=new,
        crs=streets.crs,
        index=[f"new-{len(streets)}-{number}" for number in range(len(new))],
    )
    changed = gpd.GeoDataFrame(pd.concat(rows)).set_geometry(
        gpd.GeoSeries(pieces, index=pd.concat(rows).index, crs=streets.crs)
    )
    kept = np.ones(len(streets), dtype=bool)
    kept[near[cut]] = False
    parts = [streets[kept], changed, added.astype(streets.dtypes.drop("geometry").to_dict())]
    return gpd.GeoDataFrame(pd.concat(parts), crs=streets.crs)


def _near(streets: gpd.GeoDataFrame, line: shapely.LineString) -> npt.NDArray[np.intp]:
    """Rows of walkable streets whose boxes come near the line's."""
    found = np.sort(streets.sindex.query(shapely.box(*_widened(line)))).astype(np.intp)
    if "walkable" not in streets.columns:
        return found
    walked: npt.NDArray[np.intp] = found[streets["walkable"].to_numpy(dtype=bool)[found]]
    return walked


def _widened(line: shapely.LineString) -> Floats:
    return np.asarray(line.bounds) + JOIN_M / _PER_DEGREE_M * np.array([-1.0, -1.0, 1.0, 1.0])


def _nodes(
    drawn: shapely.LineString,
    local: gpd.GeoDataFrame,
    shapes: npt.NDArray[np.object_],
    columns: Mapping[str, object],
) -> list[_Node]:
    """Where the line's ends come to a street, and where it crosses streets of its height, along the line."""
    ends = []
    for at, along in ((0, 0.0), (-1, float(drawn.length))):
        end = shapely.get_point(drawn, at)
        distance = shapely.distance(shapes, end)
        if distance.min() <= JOIN_M:
            ends.append((along, int(distance.argmin()), end))
    inner = []
    for street in np.flatnonzero(_same_height(local, columns) & shapely.intersects(shapes, drawn)).tolist():
        for xy in shapely.get_coordinates(shapely.intersection(shapes[street], drawn)):
            point = shapely.Point(xy)
            along = float(drawn.project(point))
            if all(abs(along - end[0]) > _SAME_M for end in ends):
                inner.append((along, street, point))
    nodes: list[_Node] = []
    for along, street, point in sorted([*ends, *inner], key=lambda meeting: meeting[:2]):
        at_m = _snapped(float(shapes[street].project(point)), float(shapes[street].length))
        place = _place(local.geometry.to_numpy()[street], shapes[street], at_m)
        # At one crossing of several streets all of them meet the line in one node.
        same = [node.place for node in nodes if abs(node.along_m - along) <= _SAME_M]
        nodes.append(_Node(along, street, at_m, same[0] if same else place))
    return nodes


def _same_height(local: gpd.GeoDataFrame, columns: Mapping[str, object]) -> npt.NDArray[np.bool_]:
    same = np.ones(len(local), dtype=bool)
    for column in local.columns.intersection(list(HEIGHT_COLUMNS)):
        same &= local[column].fillna(0).to_numpy(dtype=np.float64) == float(columns.get(column) or 0)  # type: ignore[arg-type]  # a flag or a number
    return same


def _snapped(at_m: float, length_m: float) -> float:
    if at_m <= _SAME_M:
        return 0.0
    return length_m if at_m >= length_m - _SAME_M else at_m


def _place(degrees: shapely.LineString, metres: shapely.LineString, at_m: float) -> tuple[float, float]:
    """The point so many metres along a street, in degrees; a vertex where there is one."""
    along = _along(metres)
    xy = shapely.get_coordinates(degrees)
    vertex = int(np.abs(along - at_m).argmin())
    if abs(along[vertex] - at_m) <= _SAME_M:
        return float(xy[vertex, 0]), float(xy[vertex, 1])
    lon, lat = (float(np.interp(at_m, along, values)) for values in xy.T)
    return lon, lat


def _cut(
    degrees: shapely.LineString, metres: shapely.LineString, places: Mapping[float, tuple[float, float]]
) -> list[shapely.LineString]:
    """Cut a line at places on it, given by metres along it; ends are no cut."""
    along, xy = _along(metres), shapely.get_coordinates(degrees)
    inner = [(at, place) for at, place in sorted(places.items()) if 0.0 < at < along[-1]]
    bounds = [(0.0, tuple(xy[0])), *inner, (float(along[-1]), tuple(xy[-1]))]
    pieces = []
    for (start, first), (end, last) in pairwise(bounds):
        between = xy[(along > start + _SAME_M) & (along < end - _SAME_M)]
        pieces.append(shapely.LineString([first, *map(tuple, between), last]))
    return pieces


def _cut_new(
    line: shapely.LineString, drawn: shapely.LineString, nodes: list[_Node]
) -> list[shapely.LineString]:
    """Draw the new line from node to node; an end a little off its street is drawn on to it."""
    pieces = _cut(line, drawn, {node.along_m: node.place for node in nodes})
    for at, along in ((0, 0.0), (-1, drawn.length)):
        place = next((node.place for node in nodes if node.along_m == along), None)
        if place is None:
            continue
        xy = [tuple(point) for point in shapely.get_coordinates(pieces[at])]
        xy = [place, *xy] if at == 0 else [*xy, place]
        pieces[at] = shapely.LineString(xy)
    return [piece for piece in map(shapely.remove_repeated_points, pieces) if piece.length > 0]


def _along(metres: shapely.LineString) -> Floats:
    xy = shapely.get_coordinates(metres)
    steps: Floats = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    return steps

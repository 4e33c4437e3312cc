"""Do areas tile their parents: overlaps, gaps, slivers, unmatched borders, duplicates, and what leaves its parent.

"No gap" takes more than one look: the union of the children is compared with the parent both ways, its holes
are listed, and where there is no parent narrow slits that open to the outside are found by coverage
validation. Topology is decided in the coordinates as stored (EPSG:4326), sizes are measured in the metric CRS.
"""

from dataclasses import dataclass
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo import crs, nodes, validity

Objects = NDArray[np.object_]
Ints = NDArray[np.intp]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Default width in metres below which a gap or a part counts as narrow.
TOLERANCE_M = 0.5

_METRES_PER_DEG = 111_195.0
# A parent's straight edge and its children's nodes on it, transformed apart, part by up to this.
_BEND_M = 0.02
# Two borders that part by less than this are one: what rounding leaves of a node put on a slanting edge.
_ROUNDING_M = 1e-5
# What counts as touching when a computed border is compared with a stored one: a centimetre.
_NEXT_TO_DEG = 1e-7
# What lies on a stored border as computed: a tenth of a millimetre.
_ON_BORDER_DEG = 1e-9
_AREAL = 2
_MOST_CODES = 10


@dataclass(frozen=True, slots=True)
class _Layer:
    """Valid areas with their codes; ``faulty`` are those whose edges do not match their neighbours'."""

    geoms: Objects
    codes: Objects
    faulty: Bools
    metric: str
    tolerance_m: float

    def size_and_width(self, polygons: Objects) -> tuple[Floats, Floats]:
        """Area in m2 and mean width in m, which for a slit is its width."""
        drawn = crs.to_metric(polygons, self.metric)
        size, around = shapely.area(drawn), shapely.length(drawn)
        return size, np.divide(2 * size, around, out=np.zeros(len(drawn)), where=around > 0)

    def touching(self, places: Objects) -> list[list[str]]:
        """Codes of the areas next to each place."""
        place, area = shapely.STRtree(self.geoms).query(places, predicate="dwithin", distance=_NEXT_TO_DEG)
        found: list[list[str]] = [[] for _ in places]
        for at, code in zip(place, self.codes[area], strict=True):
            found[at].append(code)
        return found

    def pairs(self, first: Ints, second: Ints) -> list[list[str]]:
        return [[a, b] for a, b in zip(self.codes[first], self.codes[second], strict=True)]


def check(
    areas: gpd.GeoDataFrame,
    parents: gpd.GeoDataFrame | None,
    *,
    metric: str,
    tolerance_m: float = TOLERANCE_M,
) -> gpd.GeoDataFrame:
    """Find every defect of a layer of areas as a partition.

    Parameters
    ----------
    areas
        Polygons in EPSG:4326 with ``code`` and, where `parents` are given, ``parent_code``. Areas of one
        scheme; other schemes overlap rightly and are checked apart.
    parents
        Areas of the nearest level above, with ``code``; None for the top level, where only enclosed gaps and
        slits narrower than `tolerance_m` can be told from the outside.
    metric
        Metric CRS for sizes.
    tolerance_m
        A gap, and a part of an area, whose mean width (twice its area by its perimeter) is below this is
        narrow: a ``gap`` rather than a ``gap-enclosed``, a ``sliver`` rather than a part.

    Returns
    -------
    GeoDataFrame
        ``kind``, ``codes`` (list of the areas concerned, sorted), ``size`` and ``unit`` (``m2``, ``m`` or
        ``count``), ``message``, ``geometry`` (EPSG:4326: the overlap, gap or part, or the node).
        Kinds: ``overlap``, ``gap``, ``gap-enclosed``, ``gap-at-parent``, ``border-unmatched``, ``sliver``,
        ``t-junction``, ``duplicate-geometry``, ``outside-parent``, ``geometry-invalid`` and other defects of one
        geometry. Ordered by kind, the largest first. Empty when the layer is a true partition.

    Notes
    -----
    Exact between areas of the layer: an overlap of a square millimetre is listed. Against parents, parts narrower
    than 2 cm are ``border-unmatched``, with the length along which the two borders part, since a straight projected
    edge bends by that once stored as degrees; below 0.01 mm nothing is said. Areas without parent are not compared
    with one. Invalid geometries are listed and repaired for the rest.
    """
    usable, broken = _repaired(areas)
    geoms, codes = usable.geometry.to_numpy(), usable["code"].to_numpy(dtype=object)
    layer = _Layer(geoms, codes, _faulty(geoms, tolerance_m), metric, tolerance_m)
    found = [broken, *_duplicates_and_overlaps(layer), _t_junctions(layer), _slivers(layer)]
    if parents is None or parents.empty:
        holes = _holes(_union(layer.geoms, layer.faulty))
        found += [_enclosed(layer, holes), _slits(layer, holes)]
    else:
        own = usable["parent_code"].to_numpy(dtype=object)
        found += [_outside(layer, own, parents), _gaps_in_parents(layer, parents)]
    defects = pd.concat([frame for frame in found if len(frame)] or [broken])
    ordered = defects.sort_values(["kind", "size"], ascending=[True, False], ignore_index=True)
    return gpd.GeoDataFrame(ordered, geometry="geometry", crs="EPSG:4326")


def _defects(
    kind: str,
    said: str,
    *,
    codes: list[list[str]],
    geoms: Objects,
    size: Floats | None = None,
    unit: str = "count",
) -> pd.DataFrame:
    """Put defects of one kind into a frame; `said` is completed with their codes and size."""
    symbol = {"m2": " m²", "m": " m", "count": ""}[unit]
    sizes = np.ones(len(geoms)) if size is None else size
    named = [sorted(set(each)) for each in codes]
    return pd.DataFrame(
        {
            "kind": kind,
            "codes": pd.Series(named, dtype=object),
            "size": sizes,
            "unit": unit,
            "message": [
                said.format(codes=_listed(each), size=_shown(value) + symbol)
                for each, value in zip(named, sizes, strict=True)
            ],
            "geometry": geoms,
        }
    )


def _listed(codes: list[str]) -> str:
    return ", ".join(codes[:_MOST_CODES]) + (" …" if len(codes) > _MOST_CODES else "")


def _shown(size: float) -> str:
    return f"{size:,.0f}" if size >= 100 else f"{size:.3g}"  # noqa: PLR2004 - three figures


# --- single areas ----------------------------------------------------------------------------------------


def _repaired(areas: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Areas fit for topology, and the defects of those that are not."""
    geoms = areas.geometry.to_numpy()
    found = validity.find(geoms, accepted=("Polygon", "MultiPolygon"))
    rows = found["row"].to_numpy()
    places = shapely.points(found[["x", "y"]].fillna(0).to_numpy())
    places[found["x"].isna().to_numpy()] = None
    codes = [[code] for code in areas["code"].to_numpy(dtype=object)[rows]]
    broken = _defects("geometry-invalid", "", codes=codes, geoms=places)
    broken[["kind", "message"]] = found[["kind", "message"]]
    hopeless = rows[found["kind"].ne("geometry-invalid").to_numpy()]
    repaired = np.delete(validity.repair(geoms), hopeless)
    usable = areas.drop(index=areas.index[hopeless]).set_geometry(repaired, crs=areas.crs)
    return usable[usable.geometry.notna()], broken


def _slivers(layer: _Layer) -> pd.DataFrame:
    """Parts of areas too thin to be meant: left over by a cut or a badly snapped border."""
    parts, row = shapely.get_parts(layer.geoms, return_index=True)
    size, width = layer.size_and_width(parts)
    thin = width < layer.tolerance_m
    codes = [[code] for code in layer.codes[row[thin]]]
    return _defects(
        "sliver",
        "{codes} has a sliver of {size}.",
        codes=codes,
        geoms=parts[thin],
        size=size[thin],
        unit="m2",
    )


# --- between areas ---------------------------------------------------------------------------------------


def _faulty(geoms: Objects, tolerance_m: float) -> Bools:
    """Areas whose edges do not match their neighbours'; the others need no closer look."""
    if not len(geoms):
        return np.zeros(0, dtype=bool)
    edges = shapely.coverage_invalid_edges(geoms, gap_width=_width_deg(geoms, tolerance_m))
    return np.asarray(~shapely.is_empty(edges), dtype=bool)


def _width_deg(geoms: Objects, width_m: float) -> float:
    """Degrees that are at least a width in metres in every direction."""
    furthest = np.abs(shapely.bounds(geoms)[:, [1, 3]]).max()
    return width_m / _METRES_PER_DEG / max(0.01, float(np.cos(np.radians(furthest))))


def _duplicates_and_overlaps(layer: _Layer) -> tuple[pd.DataFrame, pd.DataFrame]:
    first, repeated = _duplicates(layer.geoms)
    equal = _defects(
        "duplicate-geometry",
        "{codes} have the same shape.",
        codes=layer.pairs(first, repeated),
        geoms=layer.geoms[repeated],
    )
    one, other = _overlapping_pairs(layer.geoms, layer.faulty)
    told = np.isin(one, repeated) | np.isin(other, repeated)
    one, other = one[~told], other[~told]
    common = _areal(shapely.intersection(layer.geoms[one], layer.geoms[other]))
    size, _ = layer.size_and_width(common)
    real = size > 0
    overlaps = _defects(
        "overlap",
        "{codes} overlap by {size}.",
        codes=layer.pairs(one[real], other[real]),
        geoms=common[real],
        size=size[real],
        unit="m2",
    )
    return equal, overlaps


def _duplicates(geoms: Objects) -> tuple[Ints, Ints]:
    """Rows that repeat the very shape of an earlier row, and that row."""
    shapes = pd.Series(shapely.to_wkb(shapely.normalize(geoms)), dtype=object)
    number = shapes.groupby(shapes, sort=False).ngroup().to_numpy(dtype=np.intp)
    first = np.unique(number, return_index=True)[1][number].astype(np.intp)
    repeated = np.flatnonzero(first != np.arange(len(geoms)))
    return first[repeated], repeated


def _overlapping_pairs(geoms: Objects, faulty: Bools) -> tuple[Ints, Ints]:
    """Pairs whose interiors may have a common part; of an area inside another only the inner one is faulty."""
    rows = np.flatnonzero(faulty)
    first, second = shapely.STRtree(geoms).query(geoms[rows], predicate="intersects")
    first = rows[first]
    once = (first < second) | (~faulty[second] & (first != second))
    first, second = first[once], second[once]
    parted = shapely.touches(geoms[first], geoms[second])
    return first[~parted], second[~parted]


def _areal(geoms: Objects) -> Objects:
    """Only the polygons of intersections and differences, which may also hold lines and points."""
    result = np.asarray(geoms, dtype=object).copy()
    for row in np.flatnonzero(shapely.get_type_id(result) == shapely.GeometryType.GEOMETRYCOLLECTION):
        parts = shapely.get_parts(result[row])
        result[row] = shapely.multipolygons(parts[shapely.get_dimensions(parts) == _AREAL])
    return result


def _t_junctions(layer: _Layer) -> pd.DataFrame:
    missing = nodes.find_missing(layer.geoms, tolerance=_NEXT_TO_DEG)
    return _defects(
        "t-junction",
        "A node on the common border of {codes} is missing on one side.",
        codes=layer.pairs(missing.area, missing.owner),
        geoms=np.asarray(shapely.points(missing.xy), dtype=object),
    )


# --- gaps ------------------------------------------------------------------------------------------------


def _union(geoms: Objects, faulty: Bools) -> shapely.Geometry:
    # The fast union relies on matching edges, which is what `faulty` tells.
    return shapely.union_all(geoms) if faulty.any() else shapely.coverage_union_all(geoms)


def _holes(union: shapely.Geometry) -> Objects:
    rings = [shapely.get_rings(polygon)[1:] for polygon in shapely.get_parts(union)]
    inner = np.concatenate(rings) if rings else np.empty(0, dtype=object)
    return np.asarray(shapely.polygons(inner), dtype=object)


def _enclosed(layer: _Layer, holes: Objects) -> pd.DataFrame:
    """Gaps with areas all around: narrow ones and wide ones."""
    size, width = layer.size_and_width(holes)
    narrow = width < layer.tolerance_m
    said = {
        "gap": (narrow, "A narrow gap of {size} beside {codes}."),
        "gap-enclosed": (~narrow, "{size} enclosed by {codes} belongs to no area."),
    }
    frames = [
        _defects(kind, text, codes=layer.touching(holes[rows]), geoms=holes[rows], size=size[rows], unit="m2")
        for kind, (rows, text) in said.items()
    ]
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1])


def _slits(layer: _Layer, holes: Objects) -> pd.DataFrame:
    """Narrow gaps that open to the outside, where the union shows no hole: the edges along them."""
    geoms = layer.geoms[layer.faulty]
    edges = np.empty(0, dtype=object)
    if len(geoms):
        exact = shapely.coverage_invalid_edges(geoms)
        near = shapely.coverage_invalid_edges(geoms, gap_width=_width_deg(geoms, layer.tolerance_m))
        merged = shapely.line_merge(shapely.union_all(shapely.difference(near, exact)))
        edges = shapely.get_parts(merged)
    along_hole = shapely.STRtree(holes).query(edges, predicate="dwithin", distance=_NEXT_TO_DEG)[0]
    edges = np.delete(edges, np.unique(along_hole))
    return _defects(
        "gap",
        "A narrow gap open to the outside runs for {size} along {codes}.",
        codes=layer.touching(edges),
        geoms=edges,
        size=shapely.length(crs.to_metric(edges, layer.metric)),
        unit="m",
    )


def _gaps_in_parents(layer: _Layer, parents: gpd.GeoDataFrame) -> pd.DataFrame:
    """What of the parents belongs to no area."""
    places, names = parents.geometry.to_numpy(), parents["code"].to_numpy(dtype=object)
    gaps, parent = shapely.get_parts(_uncovered(layer, places), return_index=True)
    areal = (shapely.get_dimensions(gaps) == _AREAL) & ~shapely.is_empty(gaps)
    gaps, parent = gaps[areal], parent[areal]
    inside = shapely.contains_properly(places[parent], gaps)
    inside[~inside] = ~_along(gaps[~inside], shapely.boundary(places)[parent[~inside]])
    size, width = layer.size_and_width(gaps)
    border = ~inside & (width > _BEND_M)
    near = layer.touching(gaps[border])
    parted = ~inside & ~border & (width > _ROUNDING_M)
    beside = layer.touching(gaps[parted])
    unmatched = _unmatched(
        [[names[p], *around] for p, around in zip(parent[parted], beside, strict=True)],
        gaps[parted],
        size[parted] / width[parted],
    )
    at_border = _defects(
        "gap-at-parent",
        "At the border of a parent {size} belongs to no area: {codes}.",
        codes=[[names[p], *around] for p, around in zip(parent[border], near, strict=True)],
        geoms=gaps[border],
        size=size[border],
        unit="m2",
    )
    holes = _enclosed(layer, gaps[inside])
    return pd.concat([frame for frame in (holes, at_border, unmatched) if len(frame)] or [holes])


def _along(gaps: Objects, borders: Objects) -> Bools:
    """Whether a gap has a piece of its own border in common, more than a point."""
    ends, gap = shapely.get_coordinates(gaps, return_index=True)
    same = gap[1:] == gap[:-1]
    start, end, gap = ends[:-1][same], ends[1:][same], gap[1:][same]
    shapely.prepare(borders)
    on = np.ones(len(gap), dtype=bool)
    for place in (start, end, (start + end) / 2):
        on[on] = shapely.dwithin(borders[gap[on]], shapely.points(place[on]), _ON_BORDER_DEG)
    along = np.zeros(len(gaps), dtype=bool)
    along[gap[on]] = True
    return along


def _unmatched(codes: list[list[str]], geoms: Objects, length_m: Floats) -> pd.DataFrame:
    """Where a parent's border and an area's, meant to be one, part by less than a bend."""
    said = "The borders of {codes} run {size} beside each other, less than 2 cm apart."
    return _defects("border-unmatched", said, codes=codes, geoms=geoms, size=length_m, unit="m")


def _uncovered(layer: _Layer, places: Objects) -> Objects:
    """Each parent less all areas that touch it."""
    parent, area = shapely.STRtree(layer.geoms).query(places, predicate="intersects")
    starts = np.searchsorted(parent, np.arange(len(places) + 1))
    groups = [area[start:end] for start, end in pairwise(starts)]
    unions = [_union(layer.geoms[rows], layer.faulty[rows]) for rows in groups]
    return np.asarray(shapely.difference(places, np.array(unions, dtype=object)), dtype=object)


def _outside(layer: _Layer, own: Objects, parents: gpd.GeoDataFrame) -> pd.DataFrame:
    """Parts of areas beyond their parent's border; ``own`` is the parent's code of each area."""
    place = pd.Series(parents.geometry.to_numpy(), index=parents["code"].to_numpy(dtype=object), dtype=object)
    place = place[~place.index.duplicated()]
    at = place.index.get_indexer(pd.Index(own, dtype=object))
    known = np.flatnonzero(at >= 0)
    theirs = place.to_numpy()[at[known]]
    shapely.prepare(theirs)
    parted = ~shapely.covers(theirs, layer.geoms[known])
    rows = known[parted]
    beyond = _areal(shapely.difference(layer.geoms[rows], theirs[parted]))
    parts, row = shapely.get_parts(beyond, return_index=True)
    size, width = layer.size_and_width(parts)
    named = [[a, b] for a, b in zip(layer.codes[rows], own[rows], strict=True)]
    real = width > _BEND_M
    outside = _by_area(row, parts, size, real)
    length = np.divide(size, width, out=np.zeros(len(parts)), where=width > 0)
    hairs = _by_area(row, parts, length, ~real & (width > _ROUNDING_M))
    leaving = _defects(
        "outside-parent",
        "{codes}: the area leaves its parent by {size}.",
        codes=[named[at] for at in outside.rows],
        geoms=outside.geoms,
        size=outside.size,
        unit="m2",
    )
    unmatched = _unmatched([named[at] for at in hairs.rows], hairs.geoms, hairs.size)
    return pd.concat([frame for frame in (leaving, unmatched) if len(frame)] or [leaving])


@dataclass(frozen=True, slots=True)
class _Parts:
    """Parts put together by the row of what they are parts of."""

    rows: Ints
    geoms: Objects
    size: Floats


def _by_area(row: Ints, parts: Objects, size: Floats, chosen: Bools) -> _Parts:
    rows, number = np.unique(row[chosen], return_inverse=True)
    geoms = shapely.multipolygons(parts[chosen], indices=number) if len(rows) else np.empty(0, dtype=object)
    return _Parts(
        rows, np.asarray(geoms, dtype=object), np.bincount(number, size[chosen], len(rows)).astype(np.float64)
    )

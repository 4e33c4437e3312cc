"""All levels of areas while an edit is made: what changed, what follows, and which codes are new."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate

import geopandas as gpd
import numpy as np
import shapely

from geo import edge_boxes, hierarchy
from geo.editing.edges import Edges, Place, area_of, edges_of, with_node
from geo.faults import DataError, Fault
from geo.levels import LEVELS

#: A node that was computed to lie on an edge does so within this, degrees (a hundredth of a millimetre).
ON_EDGE_DEG = 1e-10


def refuse(
    kind: str, message: str, *, code: str | None = None, place: Place | None = None, size: float | None = None
) -> DataError:
    """Return the error of an edit that cannot be made, with the place of the fault."""
    lon, lat = place or (None, None)
    return DataError(Fault(kind=kind, message=message, id=code, lon=lon, lat=lat, size=size))


class Working:
    """Areas of all levels, changed step by step; the frames given stay as they are.

    Parameters
    ----------
    levels
        By level: columns ``code`` (unique), ``parent_code``, ``geometry`` (valid, EPSG:4326). A level may be missing;
        one that has areas elsewhere and none in these frames is there, and empty.
    taken
        By level: codes that were ever given beside the current ones.
    widths
        Digits that each level adds to its parent's code.
    """

    def __init__(
        self,
        levels: Mapping[str, gpd.GeoDataFrame],
        taken: Mapping[str, Collection[str]],
        widths: Sequence[int],
    ) -> None:
        self.levels = [level for level in LEVELS if level in levels]
        self.shape: dict[str, dict[str, shapely.Geometry]] = {}
        self.parent: dict[str, dict[str, str | None]] = {}
        self.lineage: list[tuple[str, str, str]] = []
        self._widths = widths
        self._taken = {level: set(taken.get(level, ())) for level in self.levels}
        self._touched: dict[str, set[str]] = {level: set() for level in self.levels}
        self._bounds = {}
        for level in self.levels:
            frame = levels[level]
            codes = frame["code"].to_list()
            geoms = frame.geometry.to_numpy()
            self.shape[level] = dict(zip(codes, geoms, strict=True))
            # A column of text gives NaN for none.
            above = [code if isinstance(code, str) else None for code in frame["parent_code"].to_list()]
            self.parent[level] = dict(zip(codes, above, strict=True))
            self._taken[level].update(codes)
            self._bounds[level] = (np.array(codes, dtype=object), shapely.bounds(geoms))
        #: Shapes and parents by code as they were, by level.
        self.before = {level: (dict(self.shape[level]), dict(self.parent[level])) for level in self.levels}

    # --- looking -----------------------------------------------------------------------------------------

    def get(self, level: str, code: str) -> shapely.Geometry:
        """Return the shape of an area.

        Raises
        ------
        DataError
            ``edit-target`` if there is none.
        """
        if level not in self.shape:
            raise refuse("edit-target", f"There are no areas of level {level!r}.")
        if code not in self.shape[level]:
            raise refuse("edit-target", f"There is no {level} {code}.", code=code)
        return self.shape[level][code]

    def above(self, level: str) -> str | None:
        """Return the next level up that has areas."""
        at = self.levels.index(level)
        return self.levels[at - 1] if at else None

    def below(self, level: str) -> str | None:
        """Return the next level down that has areas."""
        at = self.levels.index(level)
        return self.levels[at + 1] if at + 1 < len(self.levels) else None

    def children(self, level: str, code: str) -> list[str]:
        """Return the codes of the areas below one, sorted."""
        below = self.below(level)
        return sorted(c for c, p in self.parent[below].items() if p == code) if below else []

    def family(self, level: str, code: str) -> list[tuple[str, str]]:
        """Return level and code of an area and of all below it."""
        below = self.below(level)
        return [(level, code)] + [
            each for child in self.children(level, code) if below for each in self.family(below, child)
        ]

    def near(self, level: str, bounds: Iterable[float], *, room: float = 0.0) -> list[str]:
        """Return the codes of areas whose boxes meet a box (west, south, east, north), sorted."""
        west, south, east, north = bounds
        codes, box = self._bounds[level]
        met = (box[:, 0] <= east + room) & (box[:, 2] >= west - room)
        met &= (box[:, 1] <= north + room) & (box[:, 3] >= south - room)
        found = set(codes[met]) | self.changed(level)
        return sorted(found & self.shape[level].keys())

    def changed(self, level: str) -> set[str]:
        """Return the codes of areas that are new, gone, or of another shape than before."""
        return self._touched[level]

    # --- changing ----------------------------------------------------------------------------------------

    def put(self, level: str, code: str, geom: shapely.Geometry) -> None:
        """Give an area a shape."""
        self.shape[level][code] = geom
        self._touched[level].add(code)

    def put_edges(self, level: str, code: str, edges: Edges) -> None:
        """Give an area the shape within a border.

        Raises
        ------
        DataError
            ``edit-vanishes`` if the border encloses nothing.
        """
        old = self.shape[level][code]
        made = area_of(edges, multi=old.geom_type == "MultiPolygon")
        if made is None:
            place = shapely.point_on_surface(old)
            raise refuse(
                "edit-vanishes",
                f"Nothing would be left of {level} {code}.",
                code=code,
                place=(place.x, place.y),
            )
        self.put(level, code, made)

    def add(self, level: str, shapes: Sequence[shapely.Geometry], parents: Sequence[str | None]) -> list[str]:
        """Add areas under new codes: the next free ones below their parents, in reading order."""
        at = LEVELS.index(level)
        above = ([0, *accumulate(self._widths)])[at]
        prefixes = [(parent or "").ljust(above, "0") for parent in parents]
        codes = hierarchy.generate_codes(shapes, prefixes, self._taken[level], width=self._widths[at])
        for code, shape, parent in zip(codes, shapes, parents, strict=True):
            self._taken[level].add(code)
            self.parent[level][code] = parent
            self.put(level, code, shape)
        return list(codes)

    def retire(self, level: str, code: str, successors: Iterable[str]) -> None:
        """Take an area away; its code is never given again."""
        del self.shape[level][code], self.parent[level][code]
        self._touched[level].add(code)
        self.lineage += [(level, code, successor) for successor in successors]

    def move(self, level: str, codes: Sequence[str], parent: str | None) -> list[str]:
        """Put areas below another parent, with all below them; they get new codes, for a code tells the parent."""
        new = self.add(level, [self.shape[level][code] for code in codes], [parent] * len(codes))
        for old, code in zip(codes, new, strict=True):
            below, children = self.below(level), self.children(level, old)
            self.retire(level, old, [code])
            if below and children:
                self.move(below, children, code)
        return new

    def insert(self, place: Place, *, within: float = ON_EDGE_DEG) -> int:
        """Insert a node into every edge of every level that passes it; return into how many areas."""
        x, y = place
        inserted = 0
        for level in self.levels:
            for code in self.near(level, (x, y, x, y), room=within):
                old = self.shape[level][code]
                new = with_node(old, place, within=within)
                if new is not old:
                    self.put(level, code, new)
                    inserted += 1
        return inserted

    def fit(self, bounds: Sequence[float]) -> None:
        """Insert the nodes in a box that areas of any level lack on borders, so that equal borders have equal edges."""
        near = [
            self.shape[level][code]
            for level in self.levels
            for code in self.near(level, bounds, room=ON_EDGE_DEG)
        ]
        rings = shapely.get_rings(shapely.get_parts(np.array(near, dtype=object)))
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        start, end = xy[:-1], xy[1:]
        west, south, east, north = bounds
        met = (ring[:-1] == ring[1:]) & edge_boxes.meet(start, end, (west, south, east, north))
        ends = np.stack([start[met], end[met]], axis=1)
        places = np.unique(ends.reshape(-1, 2), axis=0)
        places = places[((places >= (west, south)) & (places <= (east, north))).all(axis=1)]
        place, line = shapely.STRtree(shapely.linestrings(ends)).query(
            shapely.points(places), predicate="dwithin", distance=ON_EDGE_DEG
        )
        inner = (places[place][:, None, :] != ends[line]).any(axis=2).all(axis=1)
        for x, y in places[np.unique(place[inner])].tolist():
            self.insert((x, y))

    def edges(self, level: str, code: str) -> Edges:
        """Return the border of an area."""
        return edges_of(self.get(level, code))

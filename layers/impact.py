"""Whom a change touches before it is published, of what is stored: read about the areas it touches, and no farther.

What changes hands is found around the features that differ. An area at which anything arrived or left is then read with
all that it holds, until no other is touched.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import ARRAY, ColumnElement, Text, and_, cast, func, or_
from sqlalchemy.orm import Session

from geo import hierarchy, impact
from geo.changes import Changes
from geo.holdings import LAYERS, State
from geo.impact import Impact
from geo.levels import LAYER_OF, LEVELS
from layers import deployment, diffs, located, reading
from layers.deployment import Deployment
from layers.drafts import states
from layers.incidents.concerned import Concerned
from layers.incidents.foreseen import Foreseen
from layers.located import widened
from layers.reading import Condition, Read

#: Layers whose changes can touch somebody.
CONCERNED = (*LAYER_OF.values(), *LAYERS)

_AREA = ["code", "name", "parent_code"]
_COLUMNS = {
    "compounds": ["code", "name", "people", "households", "geometry"],
    "buildings": ["code", "name", "compound_code", "people", "households", "geometry"],
    "old_estates": ["code", "name", "geometry"],
    "facilities": ["code", "name", "geometry"],
    "posts": ["code", "role", "target_layer", "target_code"],
}

#: An area by its level and code.
Whole = tuple[str, str]


def between(session: Session, earlier: int, later: int) -> Impact:
    """Say whom the change from one revision to another touched; of incidents those that are open now.

    The revisions may stand in either order; 0 is before the first.

    Raises
    ------
    NotFound
        If there is no such revision, or nothing was ever imported.
    """
    found = {diff.layer: diff.changes for diff in diffs.between(session, earlier, later, land=False)}
    before, after = (reading.of_revision(session, number) for number in (earlier, later))
    return _work_out(session, before, after, found)


def of_draft(session: Session, state: states.State) -> Impact:
    """Say whom a draft would touch if it were published on its base.

    Raises
    ------
    NotFound
        If nothing was ever imported.
    """
    found = {layer: states.changes_of(session, layer, state) for layer in states.layers_of(session, state)}

    def after(layer: str, **options: Any) -> Any:  # noqa: ANN401 - as of layers.reading
        return states.read(session, layer, state, **options)

    return _work_out(session, reading.of_revision(session, state.base), after, found)


def _work_out(session: Session, before: Read, after: Read, found: Mapping[str, Changes]) -> Impact:
    decided = deployment.get(session)
    found = {layer: _of_scheme(layer, found[layer]) for layer in CONCERNED if layer in found}
    found = {layer: change for layer, change in found.items() if len(change)}
    surroundings = _Surroundings(before, after, found, decided)
    concerned = Concerned(
        before=before,
        after=after,
        changed=_codes(found.get("grids")),
        above=any(LAYER_OF[level] in found for level in LEVELS[:-1]),
        deployment=decided,
    )
    foreseen = Foreseen(session, concerned)
    whole: set[Whole] = set()
    while True:
        codes = surroundings.finest(whole)
        result = impact.compare(
            surroundings.read(codes),
            found,
            moves=foreseen.held(codes),
            metric=decided.metric_crs,
            tolerance_m=decided.tolerance_m,
        )
        touched = impact.touched(result.balance)
        named = touched.loc[touched["code"].notna(), ["level", "code"]].itertuples(index=False, name=None)
        more = {area for area in named if not surroundings.is_whole(area, codes)} - whole
        if not more:
            return replace(result, balance=touched.reset_index(drop=True), moves=_moved(result.moves))
        whole |= more


class _Surroundings:
    """Parts of a city around what changed, in both states."""

    def __init__(self, before: Read, after: Read, found: Mapping[str, Changes], decided: Deployment) -> None:
        self._reads = (before, after)
        self._found = found
        self._tolerance_m = decided.tolerance_m
        self._levels = [_levels(read) for read in self._reads]
        self._paths = [hierarchy.paths(levels) for levels in self._levels]
        # Areas above are read anyway, and one that only got a node is no reason to read all that it holds.
        placed = [_boxes(found[layer]) for layer in LAYERS if layer in found]
        self._places = np.concatenate([np.empty((0, 4)), *placed])

    def finest(self, whole: set[Whole]) -> set[str]:
        """Codes of the areas of the finest level that differ, and of those that lie in areas to be read whole."""
        codes: set[str] = set()
        for paths, others, levels in zip(self._paths, reversed(self._paths), self._levels, strict=True):
            level = _finest(levels)
            changed = _codes(self._found.get(LAYER_OF[level])) if level else ()
            codes |= {
                code
                for (of, code), path in paths.items()
                if of == level
                and (code in changed or others.get((of, code)) != path or not whole.isdisjoint(path.items()))
            }
        return codes

    def is_whole(self, area: Whole, codes: set[str]) -> bool:
        """Tell whether an area is of the finest level and one of those read whole."""
        level, code = area
        return code in codes and level in map(_finest, self._levels)

    def read(self, codes: Collection[str]) -> tuple[State, State]:
        """Read what these areas hold and what changed, with every area that may hold a part of it."""
        layers = [
            (LAYER_OF[level], read)
            for levels, read in zip(self._levels, self._reads, strict=True)
            if (level := _finest(levels))
        ]
        bounds = [read(layer, columns=["geometry"], codes=codes).bounds.to_numpy() for layer, read in layers]
        zone = self._around(np.concatenate([self._places, *bounds]))
        before, after = (
            self._state(read, levels, zone, codes)
            for read, levels in zip(self._reads, self._levels, strict=True)
        )
        return before, after

    def _state(
        self, read: Read, levels: Mapping[str, pd.DataFrame], zone: shapely.Geometry, codes: Collection[str]
    ) -> State:
        targets = self._targets()
        near = partial(_near, read, zone)
        buildings = near("buildings", named={"code": targets["buildings"]})
        owners = set(buildings["compound_code"].dropna())
        compounds = near("compounds", named={"code": owners | targets["compounds"]})
        buildings = near(
            "buildings", named={"code": targets["buildings"], "compound_code": compounds["code"]}
        )
        state = {
            "compounds": compounds,
            "buildings": buildings,
            "old_estates": near("old_estates"),
            "facilities": near("facilities"),
        }
        held = {*codes, *targets["grids"], *compounds["code"], *buildings["code"]}
        mine = {"target_code": held, "code": _codes(self._found.get("posts"))}
        state["posts"] = read("posts", columns=_COLUMNS["posts"], where=_any(mine))
        around = self._around(
            np.concatenate(
                [shapely.bounds(shapely.get_parts(zone)), *(_bounds(frame) for frame in state.values())]
            )
        )
        finest = _finest(levels)
        for level in levels:
            where = _touching(around) if level == finest else None
            if level == "grid":
                where = partial(_governing, where)
            state[LAYER_OF[level]] = read(LAYER_OF[level], columns=[*_AREA, "geometry"], where=where)
        return state

    def _targets(self) -> dict[str, set[str]]:
        """Codes that changed posts answer for, by layer."""
        targets: dict[str, set[str]] = {"grids": set(), "compounds": set(), "buildings": set()}
        change = self._found.get("posts")
        for frame in (change.before, change.after) if change else ():
            for layer, code in frame[["target_layer", "target_code"]].itertuples(index=False):
                targets.setdefault(layer, set()).add(code)
        return targets

    def _around(self, bounds: NDArray[np.float64]) -> shapely.Geometry:
        return shapely.union_all(shapely.box(*widened(bounds, self._tolerance_m).T))


def _near(
    read: Read,
    zone: shapely.Geometry,
    layer: str,
    named: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> Any:  # noqa: ANN401 - a layer frame
    """Read the features of a layer that touch a zone, and those that have these codes in these columns."""
    where = partial(_either, _touching(zone), _any(named)) if named else _touching(zone)
    return read(layer, columns=_COLUMNS[layer], where=where)


def _touching(zone: shapely.Geometry) -> Condition:
    blob = shapely.to_wkb(zone)
    return lambda source: func.ST_Intersects(source.geom, func.ST_GeomFromWKB(blob, 4326))


def _any(named: Mapping[str, Collection[str]]) -> Condition:
    """Condition that one of these columns holds one of its codes."""
    lists = {column: sorted(codes) for column, codes in named.items()}

    def condition(source: Any) -> ColumnElement[bool]:  # noqa: ANN401 - columns of any source
        return or_(
            *(
                source[column] == func.any(cast(codes, ARRAY(Text(collation="C"))))
                for column, codes in lists.items()
            )
        )

    return condition


def _either(first: Condition, second: Condition, source: Any) -> ColumnElement[bool]:  # noqa: ANN401 - as above
    return or_(first(source), second(source))


def _governing(further: Condition | None, grids: Any) -> ColumnElement[bool]:  # noqa: ANN401 - as above
    """Condition on grids: of the scheme that homes and incidents count for."""
    mine: ColumnElement[bool] = grids.scheme == located.SCHEME
    return mine if further is None else and_(mine, further(grids))


def _levels(read: Read) -> dict[str, pd.DataFrame]:
    """Codes, names and parents of the areas of each level that has any."""
    frames = {
        level: read(layer, columns=_AREA, where=partial(_governing, None) if layer == "grids" else None)
        for level, layer in LAYER_OF.items()
    }
    return {level: frame for level, frame in frames.items() if len(frame)}


def _finest(levels: Mapping[str, pd.DataFrame]) -> str | None:
    return next((level for level in reversed(LEVELS) if level in levels), None)


def _of_scheme(layer: str, change: Changes) -> Changes:
    """Changes of grids of the scheme that homes and incidents count for; other changes as they are."""
    if layer != "grids":
        return change
    return Changes(*(frame[frame["scheme"] == located.SCHEME] for frame in (change.before, change.after)))


def _codes(change: Changes | None) -> set[str]:
    return set() if change is None else {*change.before["code"], *change.after["code"]}


def _boxes(change: Changes) -> NDArray[np.float64]:
    return np.concatenate([_bounds(frame) for frame in (change.before, change.after)])


def _bounds(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Boxes of the features of a frame; none of a layer without places."""
    if "geometry" not in frame or frame.empty:
        return np.empty((0, 4))
    bounds: NDArray[np.float64] = shapely.bounds(frame["geometry"].to_numpy(dtype=object))
    return bounds


def _moved(moves: pd.DataFrame) -> pd.DataFrame:
    """Incidents of which anything is told: those that go over to another area, or are there by another rule."""
    return moves[moves["moved"] > 0].sort_values(["from_code", "to_code"], ignore_index=True)

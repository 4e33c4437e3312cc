"""One edit as a step that can be undone: frames of the levels in, what changed out."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from geo.editing import proof
from geo.editing.edits import EDITS, Edit, Merge, Redraw, Split, Transfer
from geo.editing.working import Working
from geo.faults import DataError, Fault
from geo.levels import CODE_WIDTHS, LEVELS

_COLUMNS = ["code", "parent_code", "geometry"]
_KEEPS_LAND = (Merge, Redraw, Split, Transfer)
_NOTHING: Mapping[str, Collection[str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit did.

    Parameters
    ----------
    upserts
        By level: areas that are new or changed, as they are now: ``code``, ``parent_code``, ``geometry`` (EPSG:4326).
    removed
        By level: codes of areas that are retired.
    replaced
        By level: changed and retired areas as they were.
    lineage
        ``level, predecessor, successor``: which retired or cut area lives on in which, one row a pair, to be read in
        both directions. An area that only changed its border has none.
    """

    upserts: dict[str, gpd.GeoDataFrame]
    removed: dict[str, list[str]]
    replaced: dict[str, gpd.GeoDataFrame]
    lineage: pd.DataFrame


def apply(
    levels: Mapping[str, gpd.GeoDataFrame],
    edit: Edit,
    *,
    taken: Mapping[str, Collection[str]] = _NOTHING,
    widths: Sequence[int] = CODE_WIDTHS,
) -> Edited:
    """Carry out one edit on the areas of all levels.

    Parameters
    ----------
    levels
        By level (``district`` … ``grid``): ``code`` (str, unique), ``parent_code`` (None at the top) and ``geometry``:
        valid polygons or multipolygons, EPSG:4326, lon before lat. Grids of one scheme. Levels without areas are
        left out; the edit then follows on the others. Of each level all areas, or those that
        :func:`geo.editing.needs` names.
    edit
        What to do; see :mod:`geo.editing.edits`.
    taken
        By level: codes that were ever given beside the current ones. None of them is given again.
    widths
        Digits that each level adds to its parent's code.

    Returns
    -------
    Edited
        Areas that are not in it are unchanged to the last bit. New codes are the next free numbers below the parent,
        from north to south and west to east. An area that comes below another parent gets a new code, and so do all
        below it; a split area is retired, of merged ones all but the first.

    Raises
    ------
    DataError
        With the place: ``edit-target`` (no such area), ``edit-line`` (it does not cross the land, crosses itself, or
        cuts more than one piece), ``edit-apart`` (no common border), ``edit-outside`` (nothing to edit there),
        ``edit-vanishes`` (nothing would be left), ``edit-crosses`` (areas would overlap), ``edit-loses`` (borders do not
        match), ``edit-nothing``, ``geometry-…`` (an area would be invalid), ``code-malformed`` (no number is left).

    Notes
    -----
    Borders stay the same vertices on every level. All land stays, save where the outer border itself is moved, a gap
    filled or an overlap trimmed. A new node on a slanting edge is rounded to the nearest double, which moves the edge by
    less than a nanometre, for all areas alike. A part that comes below another parent joins the area there with the
    longest border along it; where the ground says otherwise, transfer it again.
    """
    working = Working(levels, taken, widths)
    carry_out = next(run for kind, run in EDITS.values() if isinstance(edit, kind))
    carry_out(working, edit)
    proof.check(working, keeps_land=isinstance(edit, _KEEPS_LAND))
    return _collected(working)


def _collected(working: Working) -> Edited:
    upserts, removed, replaced = {}, {}, {}
    for level in working.levels:
        (old, was_below), (new, below) = working.before[level], (working.shape[level], working.parent[level])
        # What came and went within the edit is none; an area that kept its code kept its parent too.
        codes = sorted(code for code in working.changed(level) if old.get(code) is not new.get(code))
        now, was = ([code for code in codes if code in shapes] for shapes in (new, old))
        if codes:
            upserts[level] = _made(now, [below[code] for code in now], [new[code] for code in now])
            removed[level] = [code for code in was if code not in new]
            replaced[level] = _made(was, [was_below[code] for code in was], [old[code] for code in was])
    return Edited(upserts, removed, replaced, _lineage(working))


def _lineage(working: Working) -> pd.DataFrame:
    """Pairs of areas before and after, over what came and went within the edit."""
    followed: dict[tuple[str, str], list[str]] = {}
    for level, old, new in working.lineage:
        followed.setdefault((level, old), []).append(new)

    def ends(level: str, code: str) -> set[str]:
        direct = set(followed.get((level, code), ()))
        lasting = {new for new in direct if new in working.shape[level]}
        return lasting.union(*(ends(level, new) for new in direct - lasting))

    pairs = {
        (level, old, new)
        for level, old in followed
        if old in working.before[level][0]
        for new in ends(level, old)
    }
    return pd.DataFrame(sorted(pairs), columns=["level", "predecessor", "successor"], dtype=object)


def _made(codes: list[str], parents: list[str | None], shapes: list[shapely.Geometry]) -> gpd.GeoDataFrame:
    table = pd.DataFrame({"code": codes, "parent_code": parents, "geometry": shapes}, dtype=object)
    return gpd.GeoDataFrame(table, geometry="geometry", crs="EPSG:4326")


def _frame(areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(areas[_COLUMNS], geometry="geometry", crs="EPSG:4326")


def changed(levels: Mapping[str, gpd.GeoDataFrame], edited: Edited) -> dict[str, gpd.GeoDataFrame]:
    """Return the levels after an edit, by code; the shapes of unchanged areas are the same objects."""
    result = {}
    for level, areas in levels.items():
        frame = _frame(areas)
        if level in edited.upserts:
            gone = {*edited.removed[level], *edited.upserts[level]["code"]}
            kept = frame[~frame["code"].isin(gone)]
            parts = [part for part in (kept, edited.upserts[level]) if len(part)] or [kept]
            frame = gpd.GeoDataFrame(
                pd.concat(parts, ignore_index=True), geometry="geometry", crs="EPSG:4326"
            )
        result[level] = frame.sort_values("code", ignore_index=True)
    return result


def invert(edited: Edited) -> Edited:
    """Return what undoes an edit, to the last bit; retired areas regain their codes."""
    removed = {
        level: sorted(set(now["code"]) - set(edited.replaced[level]["code"]))
        for level, now in edited.upserts.items()
    }
    replaced = {level: now.reset_index(drop=True) for level, now in edited.upserts.items()}
    turned = edited.lineage.rename(columns={"predecessor": "successor", "successor": "predecessor"})
    return Edited(dict(edited.replaced), removed, replaced, turned[list(edited.lineage.columns)])


def parse(said: Mapping[str, Any]) -> Edit:
    """Return the edit that a request or a suggested repair (:mod:`geo.repairs`) describes.

    Parameters
    ----------
    said
        ``edit``: a key of :data:`geo.editing.edits.EDITS`, and the fields of that edit. Places are pairs of longitude and
        latitude, a ``piece`` is a GeoJSON geometry, all in EPSG:4326.

    Raises
    ------
    DataError
        ``edit-unknown`` for another word, ``field-unknown``, ``value-missing`` and ``value-invalid`` for its fields, all
        at once.
    """
    name = said.get("edit")
    if not isinstance(name, str) or name not in EDITS:
        message = f"{name!r} is no edit; there are {', '.join(EDITS)}."
        raise DataError(Fault(kind="edit-unknown", field="edit", message=message))
    kind, _ = EDITS[name]
    wanted = {field.name: field for field in fields(kind)}
    faults = [
        Fault(kind="field-unknown", field=key, message=f"{name} has no field {key!r}.")
        for key in said
        if key not in wanted and key != "edit"
    ]
    values: dict[str, Any] = {}
    for key in wanted:
        if key in said:
            try:
                values[key] = _value(key, said[key])
            except (TypeError, ValueError, shapely.GEOSException) as error:
                faults.append(Fault(kind="value-invalid", field=key, message=f"{said[key]!r}: {error}"))
        elif key != "within_m":
            faults.append(Fault(kind="value-missing", field=key, message=f"{name} needs {key}."))
    if faults:
        raise DataError(faults)
    return kind(**values)  # type: ignore[no-any-return]  # one of the classes of Edit


def _value(key: str, given: Any) -> Any:  # noqa: ANN401 - what JSON holds, what an edit holds
    """Turn a field's JSON into what its edit holds."""
    if key == "piece":
        return shapely.from_geojson(json.dumps(given))
    if key in ("lon", "lat", "within_m"):
        return float(given)
    if key == "line":
        return tuple((float(x), float(y)) for x, y in given)
    if key == "moves":
        return tuple(((float(a), float(b)), (float(c), float(d))) for (a, b), (c, d) in given)
    if key == "codes":
        return tuple(str(code) for code in given)
    if key == "level" and given not in LEVELS:
        raise ValueError(f"no level; there are {', '.join(LEVELS)}")
    return str(given)

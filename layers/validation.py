"""The full check of a layer: what stands in it that should not.

Defects are a frame: ``kind, codes, size, unit, message, geometry``, as :func:`geo.partition.check` makes it.
Two states are compared by kind and codes: a defect is *new or larger* when the sum of its sizes grew.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ARRAY, Text, cast, delete, exists, insert, select, update
from sqlalchemy.orm import Session

from geo import hierarchy, partition, validity
from geo.faults import Fault
from geo.levels import CODE_WIDTHS, LAYER_OF, LEVEL_OF, LEVELS
from geo.streets import defects as street_defects
from layers import catalogue, history
from layers.tables import Defect

COLUMNS = ("kind", "codes", "size", "unit", "message", "geometry")
#: Reads a layer as it will be: ``code``, ``geometry`` and, for areas, ``parent_code`` and ``scheme``.
Reader = Callable[[str], pd.DataFrame]
#: Layers that posts answer for.
POST_TARGETS = ("grids", "compounds", "buildings")
_NO_ONES_MISTAKE = ("t-junction", "border-unmatched")
# Growth below this is rounding, not a worse map.
_ROUNDING_M2 = 1e-3


def check(layer: str, read: Reader, *, metric: str, widths: Sequence[int] = CODE_WIDTHS) -> gpd.GeoDataFrame:
    """Find every defect of a layer.

    Areas are checked as a partition of the nearest level above that has any, each scheme of grids apart;
    streets for islands; posts for their targets; the other layers for single geometries and for what lies in no
    grid, and buildings also for what is amiss with their compounds and for borders of grids that cut them.

    Parameters
    ----------
    read
        Gives the layers' state that is checked.
    widths
        Digits that each level adds to its parent's code.
    """
    if layer in LEVEL_OF:
        return _check_areas(layer, read(layer), read, metric, widths)
    return check_features(layer, read(layer), read, metric=metric)


def check_features(layer: str, frame: pd.DataFrame, read: Reader, *, metric: str) -> gpd.GeoDataFrame:
    """Find the defects of features that are no areas: all of a layer, or of any layer but streets only some.

    Parameters
    ----------
    frame
        The features.
    read
        Reads the layers that they are held against, at least what lies where they do.
    """
    if layer == "streets":
        return joined([street_defects.islands(frame, metric=metric)[list(COLUMNS)]])
    if layer == "posts":
        return _targets(frame, read)
    if layer == "buildings":
        return joined([_check_places(layer, frame, read), *_check_buildings(frame, read, metric)])
    return _check_places(layer, frame, read)


def parent_layer(layer: str, read: Reader) -> str | None:
    """Name the layer of the nearest level above that has areas; None for the top."""
    above = reversed(LEVELS[: LEVELS.index(LEVEL_OF[layer])])
    return next((LAYER_OF[level] for level in above if len(read(LAYER_OF[level]))), None)


def child_layer(layer: str, read: Reader) -> str | None:
    """Name the layer of the nearest level below that has areas; None for the bottom."""
    below = LEVELS[LEVELS.index(LEVEL_OF[layer]) + 1 :]
    return next((LAYER_OF[level] for level in below if len(read(LAYER_OF[level]))), None)


def code_width(layer: str, widths: Sequence[int]) -> int:
    """Digits of a whole code of the layer's level."""
    return list(accumulate(widths))[LEVELS.index(LEVEL_OF[layer])]


def worse(before: pd.DataFrame, after: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the defects of `after` that are new or larger than in `before`.

    A node on one side only and a parent's border a hair beside are no one's mistake and never count: the node is to
    be inserted in the neighbour, the border put on the other.
    """
    after = after[~after["kind"].isin(_NO_ONES_MISTAKE)]
    if after.empty:
        return after
    was = before.groupby(_keys(before))["size"].sum() if len(before) else pd.Series(dtype=float)
    keys = _keys(after)
    now = after.groupby(keys)["size"].sum()
    grown = now - was.reindex(now.index).fillna(0) > _ROUNDING_M2
    return after[keys.map(grown).to_numpy(dtype=bool)]


def _keys(defects: pd.DataFrame) -> pd.Series:
    joined = [
        f"{kind}|{unit}|{'|'.join(codes)}"
        for kind, unit, codes in defects[["kind", "unit", "codes"]].to_numpy()
    ]
    return pd.Series(joined, index=defects.index, dtype=object)


def as_faults(layer: str, defects: gpd.GeoDataFrame) -> list[Fault]:
    """Defects as faults, for a refusal or a report."""
    points = shapely.point_on_surface(defects.geometry.to_numpy())
    return [
        Fault(
            kind=kind,
            layer=layer,
            id=", ".join(codes[:10]),
            lon=None if shapely.is_missing(point) else float(shapely.get_x(point)),
            lat=None if shapely.is_missing(point) else float(shapely.get_y(point)),
            size=float(size),
            unit=unit,
            message=message,
        )
        for (kind, codes, size, unit, message, _), point in zip(
            defects[list(COLUMNS)].itertuples(index=False), points, strict=True
        )
    ]


def store(session: Session, layer: str, defects: gpd.GeoDataFrame, revision: int) -> None:
    """Keep the defects that stand in a layer at a revision, in place of those kept for it before."""
    session.execute(delete(Defect).where(Defect.layer == layer))
    _insert(session, layer, defects, revision)


def _insert(session: Session, layer: str, defects: gpd.GeoDataFrame, revision: int) -> None:
    rows = [
        {
            "layer": layer,
            "revision": revision,
            "kind": kind,
            "codes": codes,
            "message": message,
            "size": float(size),
            "unit": unit,
            "geom": None if shape is None else f"SRID=4326;{shape.wkt}",
        }
        for kind, codes, size, unit, message, shape in defects[list(COLUMNS)].itertuples(index=False)
    ]
    if rows:
        session.execute(insert(Defect), rows)


def any_kept(session: Session, layer: str) -> bool:
    """Tell whether any defects of a layer are kept."""
    return bool(session.scalar(select(exists().where(Defect.layer == layer))))


def exchange(
    session: Session, layer: str, gone: gpd.GeoDataFrame, come: gpd.GeoDataFrame, revision: int
) -> None:
    """Keep what stands in a layer at a revision where a part was checked, before and after a change.

    Parameters
    ----------
    gone, come
        What was found in the part before the change and after it; what was kept beside it still stands.
    """
    version = history.versions(session, revision - 1).get(layer, 0)
    # What was found before the layer's last change is known to nobody.
    session.execute(delete(Defect).where(Defect.layer == layer, Defect.revision < version))
    named = sorted({code for codes in gone["codes"] for code in codes})
    rows = session.execute(
        select(Defect.id, Defect.kind, Defect.codes, Defect.size).where(
            Defect.layer == layer, Defect.codes.bool_op("&&")(cast(named, ARRAY(Text)))
        )
    )
    kept: dict[tuple[str, ...], list[tuple[float, int]]] = {}
    for number, kind, codes, size in rows:
        kept.setdefault((kind, *codes), []).append((size or 0.0, number))
    ended = []
    for kind, codes, size in gone[["kind", "codes", "size"]].itertuples(index=False):
        same = kept.get((kind, *codes))
        if same:
            nearest = min(same, key=lambda each: abs(each[0] - size))
            same.remove(nearest)
            ended.append(nearest[1])
    session.execute(delete(Defect).where(Defect.id.in_(ended)))
    session.execute(update(Defect).where(Defect.layer == layer).values(revision=revision))
    _insert(session, layer, come, revision)


# --- areas -----------------------------------------------------------------------------------------------


def _check_areas(
    layer: str, frame: gpd.GeoDataFrame, read: Reader, metric: str, widths: Sequence[int]
) -> gpd.GeoDataFrame:
    above = parent_layer(layer, read)
    parents = read(above) if above else None
    schemes = [part for _, part in frame.groupby("scheme")] if "scheme" in frame.columns else [frame]
    found = [partition.check(part, parents, metric=metric) for part in schemes]
    found.append(code_defects(layer, frame, parents, widths))
    return joined(found)


def code_defects(
    layer: str, frame: gpd.GeoDataFrame, parents: gpd.GeoDataFrame | None, widths: Sequence[int]
) -> gpd.GeoDataFrame:
    """Find codes of areas that are malformed, held twice, or not their parent's."""
    codes = frame["code"].astype(str)
    width = code_width(layer, widths)
    malformed = ~codes.str.fullmatch(rf"[0-9]{{{width}}}").to_numpy(dtype=bool)
    repeated = frame["code"].duplicated().to_numpy(dtype=bool)
    found = [
        _codes(frame, malformed, "code-malformed", f"{{code}} is no code of {width} digits."),
        _codes(frame, repeated, "code-duplicate", "{code} is the code of another area too."),
    ]
    if parents is not None:
        parent = frame["parent_code"]
        orphan = ~parent.isin(set(parents["code"])).to_numpy(dtype=bool)
        strange = ~orphan & np.array(
            [not str(code).startswith(str(above)) for code, above in zip(codes, parent, strict=True)],
            dtype=bool,
        )
        found.append(_codes(frame, orphan, "parent-missing", "{code} has no parent."))
        found.append(
            _codes(frame, strange, "parent-mismatch", "{code} does not start with its parent's code.")
        )
    return joined(found)


def _codes(frame: gpd.GeoDataFrame, rows: NDArray[np.bool_], kind: str, said: str) -> gpd.GeoDataFrame:
    if not rows.any():
        return _NONE
    codes = frame["code"].to_numpy(dtype=object)[rows]
    return _frame(
        kind,
        [[code] for code in codes],
        [said.format(code=code) for code in codes],
        shapely.point_on_surface(frame.geometry.to_numpy()[rows]),
    )


# --- other layers ----------------------------------------------------------------------------------------


def _check_places(layer: str, frame: gpd.GeoDataFrame, read: Reader) -> gpd.GeoDataFrame:
    geoms, codes = frame.geometry.to_numpy(), frame["code"].to_numpy(dtype=object)
    found = validity.find(geoms, accepted=catalogue.SPECS[layer].geometry)
    rows = found["row"].to_numpy()
    invalid = _frame(
        "geometry-invalid",
        [[code] for code in codes[rows]],
        found["message"].tolist(),
        shapely.points(found[["x", "y"]].fillna(0).to_numpy()),
    )
    invalid["kind"] = found["kind"].to_numpy()
    grids = read("grids")
    if not len(grids):
        return joined([invalid])
    points = shapely.point_on_surface(geoms)
    outside = hierarchy.holders(points, grids) < 0
    said = [f"{code} lies in no grid." for code in codes[outside]]
    return joined(
        [invalid, _frame("outside-parent", [[code] for code in codes[outside]], said, points[outside])]
    )


def _check_buildings(frame: gpd.GeoDataFrame, read: Reader, metric: str) -> list[gpd.GeoDataFrame]:
    compounds, points = read("compounds"), shapely.point_on_surface(frame.geometry.to_numpy())
    named = frame["compound_code"].notna().to_numpy()
    row = pd.Index(compounds["code"]).get_indexer(pd.Index(frame["compound_code"]))
    # Of a compound known as a point nobody can say who lives outside it.
    drawn = shapely.get_dimensions(compounds.geometry.to_numpy()) == 2  # noqa: PLR2004 - areas
    judged = named & (row >= 0)
    judged[judged] = drawn[row[judged]]
    outside = judged.copy()
    outside[judged] = ~shapely.covers(compounds.geometry.to_numpy()[row[judged]], points[judged])
    cut = _cut(frame, read("grids"), metric)
    said = {
        "parent-missing": (named & (row < 0), "is of compound {compound}, which does not exist."),
        "outside-parent": (outside, "lies outside its compound {compound}."),
        "building-cut": (cut, "is cut by a border of grids."),
    }
    codes, compound = (frame[column].to_numpy(dtype=object) for column in ("code", "compound_code"))
    return [
        _frame(
            kind,
            [[code] for code in codes[rows]],
            [
                f"{code} {message.format(compound=of)}"
                for code, of in zip(codes[rows], compound[rows], strict=True)
            ],
            points[rows],
        )
        for kind, (rows, message) in said.items()
    ]


def _cut(buildings: gpd.GeoDataFrame, grids: gpd.GeoDataFrame, metric: str) -> NDArray[np.bool_]:
    """Buildings that lie in several grids of one scheme."""
    codes = buildings["code"].to_numpy(dtype=object)
    cut = np.zeros(len(codes), dtype=bool)
    for _, areas in grids.groupby("scheme"):
        parts = hierarchy.compound_shares(buildings, areas, metric=metric)["compound_code"]
        cut |= np.isin(codes, parts[parts.duplicated()].to_numpy(dtype=object))
    return cut


def _targets(posts: pd.DataFrame, read: Reader) -> gpd.GeoDataFrame:
    """Posts whose grid, compound or building does not exist."""
    known = {layer: set(read(layer)["code"]) for layer in POST_TARGETS}
    missing = [
        (code, f"Post {code} is for {target} of {layer}, which does not exist.")
        for code, layer, target in posts[["code", "target_layer", "target_code"]].itertuples(index=False)
        if target not in known.get(layer, ())
    ]
    nowhere = np.full(len(missing), None, dtype=object)
    return joined(
        [_frame("parent-missing", [[code] for code, _ in missing], [said for _, said in missing], nowhere)]
    )


def _frame(
    kind: str, codes: list[list[str]], messages: list[str], geoms: NDArray[np.object_] | BaseGeometry
) -> gpd.GeoDataFrame:
    table = {
        "kind": kind,
        "codes": pd.Series(codes, dtype=object),
        "size": 1.0,
        "unit": "count",
        "message": pd.Series(messages, dtype=object),
    }
    return gpd.GeoDataFrame(table, geometry=np.asarray(geoms, dtype=object), crs="EPSG:4326")


def joined(frames: Sequence[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Put frames of defects together."""
    full = [frame for frame in frames if len(frame)]
    if not full:
        return _NONE
    return gpd.GeoDataFrame(pd.concat(full, ignore_index=True), geometry="geometry", crs="EPSG:4326")


#: What is found where nothing is wrong; nobody changes it.
_NONE = _frame("overlap", [], [], np.empty(0, dtype=object))

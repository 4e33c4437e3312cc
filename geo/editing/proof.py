"""After an edit: nothing invalid, no land claimed twice or lost that was not before."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import shapely

from geo import validity
from geo.editing.working import Working, refuse

Geometries = npt.NDArray[np.object_]

# Growth of the common land of areas below this is rounding, square degrees (a square centimetre).
_ROUNDING_DEG2 = 1e-14


def check(working: Working, *, keeps_land: bool) -> None:
    """Refuse what an edit has made of a level unless it is as good a partition as before.

    Parameters
    ----------
    keeps_land
        Whether the edit was to change borders only, so that all land has to be there afterwards.

    Raises
    ------
    DataError
        ``geometry-invalid`` where a border crosses itself, ``edit-crosses`` where areas came to overlap,
        ``edit-loses`` where land was lost, since borders that were taken for one do not match.
    """
    for level in working.levels:
        codes = sorted(working.changed(level))
        if not codes:
            continue
        before, after = working.before[level][0], working.shape[level]
        _refuse_invalid([code for code in codes if code in after], after)
        old, new = ([shapes[code] for code in codes if code in shapes] for shapes in (before, after))
        bounds = shapely.total_bounds(np.array([*old, *new], dtype=object)).tolist()
        still = [code for code in working.near(level, bounds) if code not in set(codes)]
        others = [after[code] for code in still]
        _refuse_overlaps(old, new, others)
        if keeps_land and abs(_land(new) - _land(old)) > _ROUNDING_DEG2:
            place = shapely.point_on_surface(new[0])
            said = f"Borders of the level {level} do not match here; snap them first."
            raise refuse("edit-loses", said, place=(place.x, place.y))


def _land(shapes: Sequence[shapely.Geometry]) -> float:
    return float(shapely.area(np.array(shapes, dtype=object)).sum())


def _refuse_invalid(codes: Sequence[str], shapes: Mapping[str, shapely.Geometry]) -> None:
    found = validity.find([shapes[code] for code in codes], accepted=("Polygon", "MultiPolygon"))
    for row, kind, message, x, y in found[["row", "kind", "message", "x", "y"]].itertuples(index=False):
        place = None if np.isnan(x) else (float(x), float(y))
        raise refuse(str(kind), f"The edit would break {codes[row]}: {message}", code=codes[row], place=place)


def _refuse_overlaps(
    old: Sequence[shapely.Geometry], new: Sequence[shapely.Geometry], others: Sequence[shapely.Geometry]
) -> None:
    after = _overlaps(new, others)
    size = float(shapely.area(after).sum())
    if not size or size <= float(shapely.area(_overlaps(old, others)).sum()) + _ROUNDING_DEG2:
        return
    worst = after[int(shapely.area(after).argmax())]
    place = shapely.point_on_surface(worst)
    raise refuse("edit-crosses", "Borders would cross, so that areas overlap here.", place=(place.x, place.y))


def _overlaps(shapes: Sequence[shapely.Geometry], others: Sequence[shapely.Geometry]) -> Geometries:
    """Common land of each two of some areas, and of each of them with others."""
    every = np.array([*shapes, *others], dtype=object)
    if not len(shapes):
        return np.empty(0, dtype=object)
    one, other = shapely.STRtree(every).query(every[: len(shapes)], predicate="intersects")
    once = one < other
    one, other = one[once], other[once]
    # In one order, whatever else the tree holds.
    order = np.lexsort((other, one))
    one, other = one[order], other[order]
    common = shapely.relate_pattern(every[one], every[other], "2********")
    return np.asarray(shapely.intersection(every[one[common]], every[other[common]]), dtype=object)

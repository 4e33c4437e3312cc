"""How far the land reaches that no area has around a place, which is looked for in a box that grows step by step."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import shapely

Box = tuple[float, float, float, float]
#: Shapes of the areas of a level whose boxes meet a box (west, south, east, north), in the order of their codes.
Near = Callable[[str, Box], Sequence[shapely.Geometry]]

#: How often the box doubles: a gap wider than some 60 times the area beside it is not looked for.
_DOUBLINGS = 6


def reach(near: Near, level: str, above: str | None, *, place: shapely.Point, start: Box) -> Box | None:
    """Return the box of the land around a place that no area of a level has.

    Borders of the level above part such land too.

    Parameters
    ----------
    above
        The next level up that has areas.
    place
        A place in the land, EPSG:4326.
    start
        Where to look first: the box of an area beside it.

    Returns
    -------
    tuple or None
        West, south, east, north of the land, as computed; None where an area has the place, or where no borders all
        around were found within some 60 times the size of `start`.
    """
    box = _grown(start, place)
    for _ in range(_DOUBLINGS):
        land = _free(near, level, above, place=place, box=box)
        if land is None:
            return None
        west, south, east, north = (float(side) for side in land.bounds)
        if west > box[0] and south > box[1] and east < box[2] and north < box[3]:
            return west, south, east, north
        box = _grown(box, place)
    return None


def _free(
    near: Near, level: str, above: str | None, *, place: shapely.Point, box: Box
) -> shapely.Polygon | None:
    """Return the part of the land in a box, around a place, that no area has and no border above parts."""
    land = shapely.box(*box)
    taken = list(near(level, box))
    for parent in near(above, box) if above else ():
        if parent.covers(place):
            land = shapely.intersection(land, parent)
        else:
            taken.append(parent)
    rest: npt.NDArray[np.object_] = shapely.get_parts(shapely.difference(land, shapely.union_all(taken)))
    return next((part for part in rest if shapely.get_dimensions(part) == 2 and part.contains(place)), None)  # noqa: PLR2004 - land


def _grown(box: Box, place: shapely.Point) -> Box:
    """Return a box twice as wide and high around the same middle, and around a place."""
    west, south, east, north = box
    wide, high = (east - west) / 2, (north - south) / 2
    return (
        min(west - wide, place.x - wide),
        min(south - high, place.y - high),
        max(east + wide, place.x + wide),
        max(north + high, place.y + high),
    )

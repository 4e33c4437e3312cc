"""House numbers of the demo city: odd on one side of a street, even on the other, rising along it."""

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.synthetic.terrain import Floats, Geometries

Names = NDArray[np.object_]
Ints = NDArray[np.intp]

#: Along each side of a street a new number begins every so many metres.
_PLOT_M = 8.0
#: Between two doors that have a plate, and from the middle of the street to the plate, metres.
_DOORS_M, _SETBACK_M = 60.0, 13.0
_KINDS = ("primary", "secondary", "tertiary", "residential", "living_street")
#: Share of a piece of street over which its direction is taken.
_STEP = 0.01
#: Farther apart than any two places of the city, metres.
_FAR_M = 1e6


def doors(streets: pd.DataFrame, faces: Geometries, built: NDArray[np.bool_]) -> pd.DataFrame:
    """Put plates up on both sides of the streets, where there are blocks to build on.

    Numbers follow from how far along its street a door lies, counted from the western end.

    Parameters
    ----------
    streets
        `geometry`, `name`, `kind`, `left` and `right` (blocks beside, or -1).
    faces, built
        The blocks, and which of them are neither water nor hill.

    Returns
    -------
    pandas.DataFrame
        `geometry` (point), `street`, `number` (text), `text`, each number of a street once; by street and number.
    """
    beside = streets[(streets["name"] != "") & streets["kind"].isin(_KINDS) & (streets["left"] >= 0)]
    lines = beside["geometry"].to_numpy()
    count = np.maximum(1, np.floor(shapely.length(lines) / _DOORS_M)).astype(np.intp)
    of = np.repeat(np.arange(len(lines)), count)
    share = (np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count) + 0.5) / count[of]
    middle = _along(lines[of], share)
    way = _along(lines[of], share + _STEP) - _along(lines[of], share - _STEP)
    way /= np.hypot(*way.T)[:, None]
    plot, forth = _plots(beside["name"].iloc[of], middle, way)
    setback = _SETBACK_M * np.column_stack([-way[:, 1], way[:, 0]])
    table = pd.DataFrame(
        {
            "geometry": shapely.points(np.concatenate([middle + setback, middle - setback])),
            "street": np.tile(beside["name"].to_numpy(dtype=object)[of], 2),
            "number": np.concatenate([2 * plot + np.where(forth, 1, 2), 2 * plot + np.where(forth, 2, 1)]),
        }
    )
    found = table[_on_land(table["geometry"].to_numpy(), beside.iloc[np.tile(of, 2)], faces, built)]
    found = found.drop_duplicates(["street", "number"]).sort_values(["street", "number"], ignore_index=True)
    found["number"] = found["number"].astype(str)
    plates: pd.DataFrame = found.assign(text=found["street"] + found["number"] + "号")
    return plates


def _along(lines: Geometries, share: Floats) -> Floats:
    return np.asarray(shapely.get_coordinates(shapely.line_interpolate_point(lines, share, normalized=True)))


def _plots(names: pd.Series, xy: Floats, way: Floats) -> tuple[Ints, NDArray[np.bool_]]:
    """Plot of each place along its street's longer axis, from 0 in the west, and whether its piece runs along."""
    street = pd.factorize(names)[0]
    count = np.bincount(street)
    mean = np.column_stack([np.bincount(street, each) for each in xy.T]) / count[:, None]
    x, y = (xy - mean[street]).T
    xx, yy, both = (np.bincount(street, each) for each in (x * x, y * y, x * y))
    angle = 0.5 * np.arctan2(2 * both, xx - yy)[street]
    along = np.cos(angle) * x + np.sin(angle) * y
    first = np.full(len(count), np.inf)
    np.minimum.at(first, street, along)
    plot = np.floor((along - first[street]) / _PLOT_M).astype(np.intp)
    return plot, np.cos(angle) * way[:, 0] + np.sin(angle) * way[:, 1] > 0


def _on_land(
    points: Geometries, beside: pd.DataFrame, faces: Geometries, built: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Whether each point lies in a block beside its street that is built on."""
    xy = shapely.get_coordinates(points)
    found = np.zeros(len(xy), dtype=bool)
    for side in ("left", "right"):
        block = beside[side].to_numpy()
        found |= (block >= 0) & built[block] & shapely.contains_xy(faces[block], xy)
    return found


def gate_addresses(compounds: pd.DataFrame, plates: pd.DataFrame) -> pd.DataFrame:
    """Address of each compound: the plate nearest to it.

    Returns
    -------
    pandas.DataFrame
        Aligned with `compounds`: `geometry` (point inside the compound), `street`, `number`, `text` (with the
        compound's name).
    """
    nearest = shapely.STRtree(plates["geometry"].to_numpy()).nearest(compounds["geometry"].to_numpy())
    found: pd.DataFrame = plates.iloc[nearest].set_axis(compounds.index)
    inside = shapely.point_on_surface(compounds["geometry"].to_numpy())
    return found.assign(geometry=inside, text=found["text"] + compounds["name"])


def described(points: Geometries, beside: Names, marks: pd.DataFrame) -> Names:
    """Tell in words where places are: the text of the nearest mark beside the same street or compound.

    Parameters
    ----------
    points, beside
        Places, and the street or compound beside each; may be empty.
    marks
        `geometry`, `beside` and `text` of doors and buildings.

    Returns
    -------
    numpy.ndarray
        Where nothing beside is marked, what is beside.
    """
    number, known = pd.factorize(marks["beside"])
    own = pd.Index(known).get_indexer(pd.Index(beside))
    marked = own >= 0
    # Streets and compounds stand apart in a third dimension, so that the nearest mark is one of the same.
    tree = cKDTree(np.column_stack([_middles(marks["geometry"].to_numpy()), number * _FAR_M]))
    nearest = tree.query(np.column_stack([_middles(points[marked]), own[marked] * _FAR_M]))[1]
    result = beside.copy()
    result[marked] = marks["text"].to_numpy(dtype=object)[nearest]
    return result


def _middles(shapes: Geometries) -> Floats:
    return np.asarray(shapely.get_coordinates(shapely.centroid(shapes)))

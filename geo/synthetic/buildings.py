"""Buildings of the demo city: rows of slabs, towers and houses in the cells between a compound's paths."""

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.synthetic.compounds import Homes, boxes, shares_within
from geo.synthetic.paths import stacked
from geo.synthetic.terrain import Floats, Geometries

#: By form: longest building, its depth, metres; fewest and most floors, of managed compounds until 2000 and after.
_SIZES = {"managed": (34.0, 15.0), "unmanaged": (48.0, 12.0), "self_built": (15.0, 11.0)}
_FLOORS = {"managed": (9, 33), "old": (6, 7), "unmanaged": (5, 7), "self_built": (2, 5)}
_OLD = 2000
#: From a path to the wall of a building, and between two buildings of a row, metres.
_FREE_M, _APART_M = 3.5, 7.0
#: A smaller remainder of a cell is left as garden, m2.
_SMALLEST_M2 = 60.0
#: Half the side of the one house of a compound whose cells leave no room, metres.
_HUT_M = 4.0
#: Buildings whose middles lie in one band of this height count as one row, metres.
_ROW_M = 25.0


def buildings(homes: Homes, paths: pd.DataFrame, faces: Geometries, rng: np.random.Generator) -> pd.DataFrame:
    """Build every compound up; no building crosses a path inside, or the border between two blocks.

    Parameters
    ----------
    homes
        The compounds.
    paths
        `geometry` and `compound` of the paths inside, noded.
    faces
        The blocks.
    rng
        Decides how tall buildings are.

    Returns
    -------
    pandas.DataFrame
        `geometry` (local metric plane), `compound`, `block`, `number` (1, 2 … in each compound, row by row from
        north to south), `floors`, `households` and `people` (adding up to the compound's); by compound and number.
    """
    compounds = homes.compounds
    found = _footprints(_cells(compounds, paths, faces), compounds["form"].to_numpy(dtype=object))
    found = pd.concat([found, _huts(found, compounds, faces)], ignore_index=True)
    middle = shapely.get_coordinates(shapely.centroid(found["geometry"].to_numpy()))
    row = np.floor(-middle[:, 1] / _ROW_M)
    found = found.iloc[np.lexsort((middle[:, 0], row, found["compound"]))].reset_index(drop=True)
    found["number"] = found.groupby("compound").cumcount() + 1
    found["floors"] = _floors(compounds.iloc[found["compound"]], rng)
    return _settled(found, compounds)


def _cells(compounds: pd.DataFrame, paths: pd.DataFrame, faces: Geometries) -> pd.DataFrame:
    """Cells between paths, less the way round a building; those on a border of blocks are divided there."""
    cells, owner = shapely.get_parts(
        shapely.polygonize(stacked(paths["geometry"].to_numpy(), paths["compound"].to_numpy())),
        return_index=True,
    )
    block, second = (compounds[column].to_numpy()[owner] for column in ("block", "second"))
    double = second >= 0
    pieces = [
        cells[~double],
        *(shapely.intersection(cells[double], faces[of[double]]) for of in (block, second)),
    ]
    table = pd.DataFrame(
        {
            "geometry": shapely.buffer(np.concatenate(pieces), -_FREE_M, join_style="mitre"),
            "compound": np.concatenate([owner[~double], owner[double], owner[double]]),
            "block": np.concatenate([block[~double], block[double], second[double]]),
        }
    )
    parts, origin = shapely.get_parts(table["geometry"].to_numpy(), return_index=True)
    room = shapely.area(parts) > _SMALLEST_M2
    cells_: pd.DataFrame = table.iloc[origin[room]].assign(geometry=parts[room])
    return cells_.reset_index(drop=True)


def _footprints(cells: pd.DataFrame, form: NDArray[np.object_]) -> pd.DataFrame:
    """Buildings along the middle of each cell, as many as their length allows."""
    shapes = cells["geometry"].to_numpy()
    longest, depth = np.array([_SIZES[each] for each in form[cells["compound"]]]).T
    centre, long, short = boxes(shapes)
    length, width = np.hypot(*long.T), np.hypot(*short.T)
    count = np.maximum(1, np.rint((length + _APART_M) / (longest + _APART_M))).astype(np.intp)
    of = np.repeat(np.arange(len(cells)), count)
    number = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
    pitch = (length + _APART_M) / count
    middle = (number + 0.5) * pitch[of] - 0.5 * (length + _APART_M)[of]
    half_length = 0.5 * np.minimum(pitch - _APART_M, longest)[of]
    half_depth = 0.5 * np.minimum(depth, width)[of]
    along, across = long[of] / length[of, None], short[of] / width[of, None]
    corners = [
        centre[of] + (middle + a * half_length)[:, None] * along + (b * half_depth)[:, None] * across
        for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    walls = shapely.intersection(shapely.polygons(np.stack(corners, axis=1)), shapes[of])
    whole = shapely.get_type_id(walls) == shapely.GeometryType.POLYGON
    kept = whole & (shapely.area(walls) > _SMALLEST_M2)
    result: pd.DataFrame = cells.iloc[of[kept]].assign(geometry=walls[kept])
    return result


def _huts(found: pd.DataFrame, compounds: pd.DataFrame, faces: Geometries) -> pd.DataFrame:
    """Give each compound that has no building a small one, in its first block."""
    bare = np.setdiff1d(np.arange(len(compounds)), found["compound"])
    block = compounds["block"].to_numpy()[bare]
    ground = shapely.intersection(compounds["geometry"].to_numpy()[bare], faces[block])
    x, y = shapely.get_coordinates(shapely.point_on_surface(ground)).T
    walls = shapely.intersection(shapely.box(x - _HUT_M, y - _HUT_M, x + _HUT_M, y + _HUT_M), ground)
    return pd.DataFrame({"geometry": walls, "compound": bare, "block": block})


def _floors(compounds: pd.DataFrame, rng: np.random.Generator) -> NDArray[np.intp]:
    """Floors of buildings, given the compound of each."""
    old = ((compounds["form"] == "managed") & (compounds["built_year"] <= _OLD)).to_numpy()
    kind = np.where(old, "old", compounds["form"].to_numpy(dtype=object))
    fewest, most = np.array([_FLOORS[each] for each in kind]).T
    return np.asarray(rng.integers(fewest, most + 1), dtype=np.intp)


def _settled(found: pd.DataFrame, compounds: pd.DataFrame) -> pd.DataFrame:
    """Share each compound's households out by floor space, and its people by households."""
    compound = found["compound"].to_numpy()
    space = shapely.area(found["geometry"].to_numpy()) * found["floors"].to_numpy()
    households = shares_within(compounds["households"].to_numpy(), compound, space)
    # A compound has households, so that the sum is never zero.
    people = shares_within(compounds["people"].to_numpy(), compound, households.astype(np.float64))
    return found.assign(households=households, people=people)


def people_of_blocks(found: pd.DataFrame, blocks: int) -> Floats:
    """People of each block, from :func:`buildings`."""
    return np.bincount(found["block"], found["people"].astype(float), blocks).astype(np.float64)

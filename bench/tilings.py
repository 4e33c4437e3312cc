"""Areas to look points up in, and points: invented grids of any number, and the communities of Wuhan."""

from pathlib import Path
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

Floats: TypeAlias = npt.NDArray[np.float64]

#: South-west corner of the invented grids, and how wide one is, degrees.
WEST, SOUTH, CELL = 114.0, 30.3, 0.005
#: Corners of a border between two grids: a grid has four of them.
FEWEST, MOST = 12, 500
#: Corners that a hull is drawn around.
_MOST_OF_HULL = 100_000


def tiling(count: int, *, most: int = MOST) -> gpd.GeoDataFrame:
    """Return so many grids, at least, that tile a square exactly; their wiggly borders have 12 to `most` corners."""
    random = np.random.default_rng(1)
    side = int(np.ceil(count**0.5))
    nodes = np.stack(np.meshgrid(np.arange(side + 1), np.arange(side + 1)), axis=-1).astype(float)
    nodes[1:-1, 1:-1] += random.uniform(-0.25, 0.25, (side - 1, side - 1, 2))
    level = [
        [_border(random, nodes[j, i : i + 2], j in (0, side), most) for i in range(side)]
        for j in range(side + 1)
    ]
    upright = [
        [_border(random, nodes[j : j + 2, i], i in (0, side), most) for j in range(side)]
        for i in range(side + 1)
    ]
    rings = [
        np.concatenate(
            [level[j][i][:-1], upright[i + 1][j][:-1], level[j + 1][i][:0:-1], upright[i][j][::-1]]
        )
        for j in range(side)
        for i in range(side)
    ]
    shapes = shapely.polygons([shapely.linearrings(ring * CELL + [WEST, SOUTH]) for ring in rings])
    assert shapely.is_valid(shapes).all()
    return _coded(shapes)


def _border(random: np.random.Generator, ends: Floats, straight: bool, most: int) -> Floats:  # noqa: FBT001
    """Return the corners of a border; where it is the tiling's own, it is straight."""
    corners = int(FEWEST * (most / FEWEST) ** (random.uniform() ** 1.5))
    along = np.linspace(0, 1, corners)[:, None]
    step = ends[1] - ends[0]
    line = ends[0] + along * step
    if not straight:
        waves = sum(random.normal() / k * np.sin(np.pi * k * along) for k in (1, 2, 3, 5, 9, 17))
        line += 0.06 * waves * np.sin(np.pi * along) * [step[1], -step[0]]
    line[0], line[-1] = ends
    return line


def wuhan(data: Path) -> gpd.GeoDataFrame:
    """Return the communities of Wuhan, with the faults they have."""
    frame = gpd.read_file(data / "wuhan" / "wuhan_communities_shifted_wgs84.geojson")
    return _coded(frame.geometry.to_numpy())


def _coded(shapes: npt.NDArray[np.object_]) -> gpd.GeoDataFrame:
    codes = [f"{number:015d}" for number in range(len(shapes))]
    return gpd.GeoDataFrame({"code": codes}, geometry=shapes, crs="EPSG:4326")


def anywhere(areas: gpd.GeoDataFrame, count: int) -> tuple[Floats, Floats]:
    """Return points spread evenly over the land that the areas hold, gaps between them included."""
    random = np.random.default_rng(2)
    corners = areas.geometry.get_coordinates().to_numpy()
    land = shapely.concave_hull(shapely.multipoints(corners[:: max(len(corners) // _MOST_OF_HULL, 1)]), 0.1)
    shapely.prepare(land)
    west, south, east, north = areas.total_bounds
    lon, lat = np.empty(0), np.empty(0)
    while len(lon) < count:
        x, y = random.uniform(west, east, count), random.uniform(south, north, count)
        held = shapely.intersects_xy(land, x, y)
        lon, lat = np.concatenate([lon, x[held]]), np.concatenate([lat, y[held]])
    return lon[:count], lat[:count]


def on_borders(areas: gpd.GeoDataFrame, count: int) -> tuple[Floats, Floats]:
    """Return corners, middles of edges, and their neighbours in the last bit: where engines differ."""
    corners = shapely.get_coordinates(areas.geometry.to_numpy())
    some = np.random.default_rng(3).integers(0, len(corners) - 1, count // 4)
    middles = (corners[some] + corners[some + 1]) / 2
    points = [corners[some], middles, np.nextafter(corners[some], 180.0), np.nextafter(middles, -180.0)]
    lon, lat = np.concatenate(points).T
    return np.ascontiguousarray(lon), np.ascontiguousarray(lat)

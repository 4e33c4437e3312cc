"""Areas for tests of assignment, and what plain GEOS says of points in them."""

import geopandas as gpd
import numpy as np
import shapely


def coded(shapes, codes=None):
    """A layer of shapes, with codes in their order."""
    codes = [f"{k:05d}" for k in range(len(shapes))] if codes is None else codes
    return gpd.GeoDataFrame({"code": codes}, geometry=list(shapes), crs="EPSG:4326")


def lattice(side, *, corners=40, seed=1, west=114.0, south=30.3, cell=0.005):
    """Areas in rows and columns with wiggly borders that neighbours share, corner by corner: they tile exactly."""
    random = np.random.default_rng(seed)
    nodes = np.stack(np.meshgrid(np.arange(side + 1), np.arange(side + 1)), axis=-1).astype(float)
    nodes[1:-1, 1:-1] += random.uniform(-0.25, 0.25, (side - 1, side - 1, 2))
    along = np.linspace(0, 1, corners)[:, None]

    def border(begin, end, straight):
        line = begin + along * (end - begin)
        if not straight:
            waves = [random.normal() / k * np.sin(np.pi * k * along) for k in (1, 2, 3, 5, 9)]
            line = line + 0.05 * sum(waves) * np.sin(np.pi * along) * [[end[1] - begin[1], begin[0] - end[0]]]
        line[0], line[-1] = begin, end
        return line

    outer = (0, side)
    level = {
        (i, j): border(nodes[j, i], nodes[j, i + 1], j in outer) for j in range(side + 1) for i in range(side)
    }
    upright = {
        (i, j): border(nodes[j, i], nodes[j + 1, i], i in outer) for i in range(side + 1) for j in range(side)
    }
    rings = [
        np.concatenate(
            [level[i, j][:-1], upright[i + 1, j][:-1], level[i, j + 1][:0:-1], upright[i, j][::-1]]
        )
        for j in range(side)
        for i in range(side)
    ]
    return coded([shapely.Polygon(ring * cell + [west, south]) for ring in rings])


def special_points(areas):
    """Corners, middles and thirds of all edges."""
    rings = shapely.get_rings(shapely.get_parts(areas.geometry.to_numpy()))
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    first = np.flatnonzero(ring[:-1] == ring[1:])
    a, b = corners[first], corners[first + 1]
    points = np.concatenate([corners, (a + b) / 2, a + (b - a) / 3])
    return points[:, 0], points[:, 1]


def neighbours(lon, lat):
    """Points and their neighbours in the last bit, in all eight directions."""
    lons = [lon, np.nextafter(lon, -360), np.nextafter(lon, 360)]
    lats = [lat, np.nextafter(lat, -90), np.nextafter(lat, 90)]
    return (
        np.concatenate([x for x in lons for _ in lats]),
        np.concatenate([y for _ in lons for y in lats]),
    )


def assert_equals_geos(areas, found, lon, lat):
    """Rule, area and candidates of every point are what GEOS's predicates and the rule table give.

    Codes must ascend with the rows. Points that touch nothing must be nearest or none.
    """
    shapes = shapely.from_wkb(shapely.to_wkb(areas.geometry.to_numpy()))
    point, area = shapely.STRtree(shapes).query(shapely.points(lon, lat), predicate="intersects")
    shapely.prepare(shapes)
    inner = shapely.contains_xy(shapes[area], lon[point], lat[point])
    touched, interior = np.bincount(point, minlength=len(lon)), np.bincount(point[inner], minlength=len(lon))
    rules = np.select(
        [(interior == 1) & (touched == 1), interior > 0, touched > 0], ["inside", "overlap", "border"], "none"
    )
    said = np.where(found.rule_name == "nearest", "none", found.rule_name)
    np.testing.assert_array_equal(said, rules)
    lowest = np.full(len(lon), len(shapes))
    answers = inner | (interior[point] == 0)
    np.minimum.at(lowest, point[answers], area[answers])
    np.testing.assert_array_equal(found.area[touched > 0], lowest[touched > 0])
    several = np.isin(rules, ["overlap", "border"])
    listed = np.lexsort((area, point))
    listed = listed[several[point[listed]]]
    mine = several[found.listed_point]
    np.testing.assert_array_equal(found.listed_point[mine], point[listed])
    np.testing.assert_array_equal(found.listed_area[mine], area[listed])

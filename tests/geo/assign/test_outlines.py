"""Distances to borders, against geodesics."""

import numpy as np
import pyproj
import pytest
import shapely
from shapely import box

from geo.assign import AreaIndex
from geo.assign.outlines import scale_at
from tests.geo.shapes import coded, lattice

GEOD = pyproj.Geod(ellps="WGS84")


def geodesic_m(lon, lat, line, step):
    """Metres from points to a line, measured at points this far apart along it, in degrees."""
    border = shapely.get_coordinates(shapely.segmentize(line, step))
    away = [
        GEOD.inv(np.full(len(border), x), np.full(len(border), y), *border.T)[2]
        for x, y in zip(lon, lat, strict=True)
    ]
    return np.array([metres.min() for metres in away])


@pytest.mark.parametrize("lat", [-85.0, -30.0, 0.0, 30.0, 53.5, 85.0])
def test_metres_in_a_degree(lat):
    east, _, north = scale_at(lat)
    assert east == pytest.approx(GEOD.inv(10, lat, 10.001, lat)[2] * 1000, rel=1e-6)
    assert north == pytest.approx(GEOD.inv(10, lat - 0.0005, 10, lat + 0.0005)[2] * 1000, rel=1e-6)


@pytest.mark.parametrize(
    ("south", "size"), [(30.3, 0.005), (53.0, 0.005), (0.0, 0.02), (-43.0, 0.1), (30.0, 0.4)]
)
def test_margins_are_geodesics_within_a_centimetre_or_5_in_10000(south, size):
    areas = lattice(3, south=south, cell=size)
    index = AreaIndex(areas, metric="EPSG:4547")
    random = np.random.default_rng(1)
    lon = 114.0 + 3 * size * random.uniform(size=60)
    lat = south + 3 * size * random.uniform(size=60)
    found = index.assign(lon, lat, margin=True)
    for k in range(60):
        border = shapely.boundary(areas.geometry[found.area[k]])
        rough = found.margin_m[k]
        # Measured every fiftieth of the margin along the border, the least is too large by 1 in 20,000 at most.
        near = border.intersection(
            shapely.Point(lon[k], lat[k]).buffer(3 * rough / 100_000 / np.cos(np.radians(south)))
        )
        expected = geodesic_m(lon[k : k + 1], lat[k : k + 1], near, max(rough / 50 / 111_000, 1e-9))[0]
        assert rough == pytest.approx(expected, rel=5e-4, abs=0.01)


def test_a_border_far_away():
    """A point in the middle of a province: the nearest border 100 km off."""
    areas = coded([box(113, 29, 115.2, 31)])
    index = AreaIndex(areas, metric="EPSG:4547")
    lon, lat = np.array([114.1, 114.0, 114.3]), np.array([30.0, 30.05, 29.95])
    expected = geodesic_m(lon, lat, shapely.boundary(areas.geometry[0]), 1e-4)
    np.testing.assert_allclose(index.assign(lon, lat, margin=True).margin_m, expected, rtol=5e-4)

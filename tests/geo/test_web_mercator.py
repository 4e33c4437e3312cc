import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from geo.web_mercator import HALF_WORLD_M, MOST_ZOOM, Tile, containing

TO_DEGREES = Transformer.from_crs("EPSG:3857", "EPSG:4326", always_xy=True)
#: Where the projection's square ends.
MOST_LATITUDE = math.degrees(math.atan(math.sinh(math.pi)))


@st.composite
def tiles(draw):
    zoom = draw(st.integers(0, MOST_ZOOM))
    at = st.integers(0, 2**zoom - 1)
    return Tile(zoom, draw(at), draw(at))


@given(tiles())
def test_a_tile_is_its_square_of_the_projection(tile):
    west, south, east, north = tile.box()
    left, top = -HALF_WORLD_M + tile.column * tile.width_m, HALF_WORLD_M - tile.row * tile.width_m
    corners = TO_DEGREES.transform([left, left + tile.width_m], [top, top - tile.width_m])
    assert (west, east) == pytest.approx(corners[0], abs=1e-9)
    assert (north, south) == pytest.approx(corners[1], abs=1e-9)


@given(tiles())
def test_a_margin_widens_by_parts_of_a_side_and_ends_with_the_world(tile):
    west, south, east, north = tile.box(margin=0.25)
    inner = tile.box()
    degrees = 90 / 2**tile.zoom
    assert west == pytest.approx(max(inner[0] - degrees, -180), abs=1e-12)
    assert east == pytest.approx(min(inner[2] + degrees, 180), abs=1e-12)
    assert -MOST_LATITUDE - 1e-12 <= south <= inner[1] < inner[3] <= north <= MOST_LATITUDE + 1e-12


@given(st.floats(-180, 179.9999), st.floats(-85, 85), st.integers(0, MOST_ZOOM))
def test_the_tile_that_contains_a_point_holds_it(lon, lat, zoom):
    tile = containing(lon, lat, zoom)
    assert tile.exists
    west, south, east, north = tile.box()
    assert west - 1e-9 <= lon <= east + 1e-9
    assert south - 1e-9 <= lat <= north + 1e-9


@pytest.mark.parametrize(("lon", "lat", "expected"), [(180, -90, 3), (180, 0, 3), (-180, 90, 0)])
def test_points_at_the_end_of_the_world_have_the_nearest_tile(lon, lat, expected):
    found = containing(lon, lat, 2)
    assert found.exists
    assert found.column == expected
    assert found.row == {-90: 3, 0: 2, 90: 0}[lat]


def test_the_set_ends():
    assert Tile(0, 0, 0).exists
    assert Tile(MOST_ZOOM, 2**MOST_ZOOM - 1, 0).exists
    assert not Tile(MOST_ZOOM + 1, 0, 0).exists
    assert not Tile(3, 8, 0).exists
    assert not Tile(3, 0, 8).exists
    assert not Tile(3, -1, 0).exists

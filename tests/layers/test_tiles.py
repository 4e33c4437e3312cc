"""Vector tiles as an independent reader (GDAL) finds them."""

import numpy as np
import pyogrio
import pytest
import shapely
from shapely.geometry import LineString, Point, box

from geo.web_mercator import MOST_ZOOM, Tile, containing
from layers import store, tiles
from layers.features import collections, pages
from layers.features.pages import Period
from layers.features.properties import properties_of
from tests import paper_city as paper
from tests import walking_city as city
from tests.paper_city import GRIDS, on_map, point

MIDDLE = point(7, 4)
#: Zoom levels at which one tile holds the city: the first has the world, and the city in a fraction of a unit.
ZOOMS = (0, 3, 7, 9)


@pytest.fixture
def drawn(session, tmp_path):
    """Return a tile of a collection as a frame in EPSG:3857, or None where it is empty."""

    def draw(name, tile, *, revision=1):
        collection = collections.named(name)
        selection = pages.published(collection.layer, Period(revision, revision))
        chosen = selection.where(*collection.conditions(selection.source))
        body = tiles.mvt(session, chosen, collection, tile)
        if not body:
            return None
        path = tmp_path / "tile.mvt"
        path.write_bytes(body)
        place = {"X": str(tile.column), "Y": str(tile.row), "Z": str(tile.zoom)}
        assert pyogrio.list_layers(f"MVT:{path}")[:, 0].tolist() == [name]
        return pyogrio.read_dataframe(f"MVT:{path}", CLIP="NO", **place)

    return draw


@pytest.mark.parametrize("zoom", ZOOMS)
@pytest.mark.parametrize("name", ["grids", "compounds", "compounds_points", "facilities", "streets"])
def test_every_feature_is_drawn_at_every_zoom_as_what_it_is(session, drawn, name, zoom):
    city.build(session)
    found = drawn(name, containing(*MIDDLE, zoom))
    collection = collections.named(name)
    stored = store.read(session, collection.layer, 1).to_crs("EPSG:3857")
    stored = stored[stored.geom_type == collection.geometry]
    assert sorted(found["code"]) == sorted(stored["code"])
    # GDAL tells one part from several; a tile does not.
    assert set(found.geom_type.str.removeprefix("Multi")) == {collection.geometry.removeprefix("Multi")}
    unit = containing(*MIDDLE, zoom).width_m / tiles.UNITS
    by_code = stored.set_index("code").geometry
    distances = shapely.hausdorff_distance(found.geometry.to_numpy(), by_code[found["code"]].to_numpy())
    assert distances.max() <= 3 * unit


def test_a_feature_tells_its_properties_and_not_more(session, drawn):
    city.build(session)
    found = drawn("compounds", containing(*MIDDLE, 9)).set_index("code")
    told = {name for name, known in properties_of("compounds").items() if known.kind != "geometry"}
    # What nobody states is no column; gates are places of their own; mvt_id is GDAL's.
    assert set(found.columns) - {"mvt_id", "geometry"} <= {*told, "id"} - {"code"}
    stored = store.read(session, "compounds", 1).reset_index().set_index("code")
    for code, row in found.iterrows():
        assert row["id"] == stored["id"][code]
        assert row["name"] == stored["name"][code]
        assert row["people"] == stored["people"][code]


def test_tiles_side_by_side_hold_together_what_one_holds(session, drawn):
    """No border shows where tiles meet: each draws a margin of its neighbours."""
    city.build(session)
    first, last = containing(*point(0, 8), 16), containing(*point(14, 0), 16)
    parts = []
    for row in range(first.row, last.row + 1):
        for column in range(first.column, last.column + 1):
            tile = Tile(16, row, column)
            found = drawn("grids", tile)
            if found is not None:
                parts.append(shapely.union_all(found.geometry.to_numpy()).intersection(_square(tile)))
    stored = store.read(session, "grids", 1).to_crs("EPSG:3857").union_all()
    unit = first.width_m / tiles.UNITS
    assert len(parts) > 1
    # What is thinner than two units was moved to whole ones; a seam would be wider.
    assert shapely.union_all(parts).symmetric_difference(stored).buffer(-unit).is_empty


def _square(tile):
    half = 2**tile.zoom * tile.width_m / 2
    left, top = tile.column * tile.width_m - half, half - tile.row * tile.width_m
    return box(left, top - tile.width_m, left + tile.width_m, top)


def test_an_empty_tile_is_empty(session, drawn):
    city.build(session)
    assert drawn("grids", containing(0, 0, 5)) is None
    assert drawn("addresses", containing(*MIDDLE, 0)) is None
    # The hole of a grid, and what only its box touches.
    assert drawn("grids", containing(*point(2.25, 6), 21)) is None


def test_a_long_thin_area_and_a_short_street_are_drawn_where_they_vanish(session, drawn):
    paper.build(session)
    thin = shapely.Polygon([(0, 0), (14, 7.999), (14, 8)])
    paper.publish(session, {"old_estates": _estates({"E1": thin})})
    short = city.streets().iloc[:1].copy()
    short["geometry"] = [on_map(LineString([(3, 3), (3.001, 3.001)]))]
    paper.publish(session, {"streets": short})
    for zoom in ZOOMS:
        tile = containing(*MIDDLE, zoom)
        assert len(drawn("old_estates", tile, revision=2)) == 1, zoom
        assert len(drawn("streets", tile, revision=3)) == 1, zoom


def _estates(shapes):
    return paper.areas("old_estates", shapes).drop(columns="parent_code")


def test_a_tile_is_of_one_revision(session, drawn):
    paper.build(session)
    moved = paper.grids({next(iter(GRIDS)): box(0, 0, 2, 4)})
    paper.publish(session, {"grids": moved})
    tile = containing(*MIDDLE, 9)
    before, after = (drawn("grids", tile, revision=number).set_index("code") for number in (1, 2))
    (code,) = moved["code"]
    assert before.geometry[code].area > after.geometry[code].area
    assert len(before) == len(after) == len(GRIDS)
    near = containing(*point(2, 2), 13)
    before, after = (drawn("grids", near, revision=number).set_index("code") for number in (1, 2))
    assert before.geometry[code].area == pytest.approx(2 * after.geometry[code].area, rel=0.03)


def test_points_at_the_deepest_zoom_are_where_they_are(session, drawn):
    city.build(session)
    place = on_map(Point(6, 4))
    found = drawn("facilities", containing(place.x, place.y, MOST_ZOOM))
    stored = store.read(session, "facilities", 1).to_crs("EPSG:3857").set_index("code").geometry
    assert found["code"].tolist() == ["F1"]
    assert np.abs(found.geometry.iloc[0].distance(stored["F1"])) < 1e-3

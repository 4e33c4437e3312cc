"""The city on paper with streets and facilities, so that it can be walked in; a step is about 100 m."""

import geopandas as gpd
import pandas as pd
import shapely
from shapely import LineString, MultiPoint, Point, box

from layers import deployment
from tests import paper_city, replaying
from tests.paper_city import EAST, WEST, identifiers, on_map, point


def streets():
    """Two main streets that cross at (6, 4), cut there, and a motorway that nobody walks on."""
    lines = [
        LineString([(0, 4), (6, 4)]),
        LineString([(6, 4), (14, 4)]),
        LineString([(6, 0), (6, 4)]),
        LineString([(6, 4), (6, 8)]),
        LineString([(0, 1), (14, 1)]),
    ]
    codes = [f"S{number}" for number in range(len(lines))]
    return gpd.GeoDataFrame(
        {
            "code": codes,
            "name": "路",
            "kind": ["residential"] * 4 + ["motorway"],
            "bridge": False,
            "tunnel": False,
            "level": 0,
            "steps": False,
            "walkable": [True] * 4 + [False],
        },
        geometry=[on_map(line) for line in lines],
        crs="EPSG:4326",
        index=identifiers("streets", codes),
    )


def facilities():
    """A market at the crossing, one in the far east, and a school with a site and a gate."""
    codes = ["F1", "F2", "F3"]
    frame = gpd.GeoDataFrame(
        {
            "code": codes,
            "name": ["十字菜市场", "东菜市场", "=小学"],
            "type": ["fresh_market", "fresh_market", "primary_school"],
            "address": ["十字路1号", None, None],
            "capacity": pd.array([None, None, 900], dtype="Int64"),
        },
        geometry=[on_map(Point(6, 4)), on_map(Point(13, 4)), on_map(Point(3, 3))],
        crs="EPSG:4326",
        index=identifiers("facilities", codes),
    )
    site = shapely.multipolygons([on_map(box(2, 2, 4, 3.9))])
    frame["site"] = gpd.GeoSeries([None, None, site], index=frame.index, crs="EPSG:4326")
    gate = on_map(MultiPoint([(3, 3.9)]))
    frame["entrances"] = gpd.GeoSeries([None, None, gate], index=frame.index, crs="EPSG:4326")
    return frame


def compounds():
    """One with a gate near the crossing, one over two communities, and a point far from every street."""
    codes = [WEST + "C01", WEST + "C02", EAST + "C01"]
    frame = gpd.GeoDataFrame(
        {
            "code": codes,
            "name": ["西园", "跨区", "远村"],
            "form": "managed",
            "people": pd.array([100, 60, 7], dtype="Int64"),
            "households": pd.array([40, 20, 2], dtype="Int64"),
        },
        geometry=[
            shapely.multipolygons([on_map(box(4, 2, 5.5, 3.8))]),
            shapely.multipolygons([on_map(box(7.2, 4.1, 9.2, 4.9))]),
            on_map(Point(13, 7)),
        ],
        crs="EPSG:4326",
        index=identifiers("compounds", codes),
    )
    gate = on_map(MultiPoint([(5, 3.8)]))
    frame["entrances"] = gpd.GeoSeries([gate, None, None], index=frame.index, crs="EPSG:4326")
    return frame


def build(session):
    """Publish everything as revision 1 of an empty database."""
    return replaying.once(session, __name__, lambda: _publish(session), now=paper_city.NOW)


def _publish(session):
    lon, lat = point(7, 4)
    deployment.choose(session, [lon], [lat], now=paper_city.NOW, city="纸城")
    walked = {"streets": streets(), "facilities": facilities(), "compounds": compounds()}
    return paper_city.publish(session, {**paper_city.layers(), **walked})

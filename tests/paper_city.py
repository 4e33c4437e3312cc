"""A city on paper: integer squares of 1/1024 of a degree near Wuhan, with every kind of grid.

Neighbours with a shared edge, a T-junction, a hole, an enclave, a grid in two parts, a diagonal border, an
overlap, and a grid 19 m off its neighbour. Corners are exact in binary: what is collinear on paper is
collinear on the map.
"""

import datetime as dt
from uuid import NAMESPACE_URL, uuid5

import geopandas as gpd
import pandas as pd
import shapely
from shapely import MultiPolygon, Polygon, box
from shapely.affinity import affine_transform

from layers import deployment, publishing
from tests import replaying

STEP = 1 / 1024
LON, LAT = 114.25, 30.5
NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
#: First day of the posts' term.
TERM = dt.date(2026, 1, 1)

SUBDISTRICT = "420199001"
WEST, EAST = "420199001001", "420199001002"

GRIDS = {
    WEST + "002": box(0, 0, 4, 4),
    WEST + "001": box(4, 0, 8, 4),
    WEST + "003": box(0, 4, 8, 8) - box(2, 5, 4, 7),
    WEST + "004": box(2.5, 5.5, 3.5, 6.5),
    EAST + "001": MultiPolygon([box(9, 0, 10, 1), box(9, 3, 10, 4)]),
    EAST + "002": Polygon([(8, 4), (12, 4), (12, 8)]),
    EAST + "003": box(10, 5, 14, 7),
    EAST + "004": box(8.2, 1, 8.8, 2),
}

#: Grids that tile both communities without a fault.
TILES = {
    WEST + "001": box(0, 0, 4, 8),
    WEST + "002": Polygon([(4, 0), (8, 0), (8, 4), (8, 8), (4, 8)]),
    EAST + "001": box(8, 0, 14, 4),
    EAST + "002": box(8, 4, 14, 8),
}


def on_map(shape):
    """Put paper coordinates on the map."""
    return affine_transform(shape, (STEP, 0, 0, STEP, LON, LAT))


def point(x, y):
    """Longitude and latitude of a point on paper."""
    return float(LON + x * STEP), float(LAT + y * STEP)


def areas(layer, shapes, parents=None, **columns):
    """A layer frame of areas by code."""
    return gpd.GeoDataFrame(
        {
            "code": list(shapes),
            "name": [f"{layer} {code[-3:]}" for code in shapes],
            "parent_code": [parents(code) if parents else None for code in shapes],
            **columns,
        },
        geometry=[shapely.multipolygons(shapely.get_parts([on_map(s)])) for s in shapes.values()],
        crs="EPSG:4326",
        index=identifiers(layer, shapes),
    )


def identifiers(layer, codes):
    return pd.Index([str(uuid5(NAMESPACE_URL, f"{layer}/{code}")) for code in codes], name="id", dtype=object)


def grids(shapes):
    return areas("grids", shapes, lambda code: code[:12], scheme="governance", kind="base")


def tiled():
    """Every layer, with grids that tile the city; the second of them has a post."""
    grids_ = grids(TILES).assign(people=[100, 200, 300, None], households=[40, 80, 120, 160])
    post = ("专职", "王五", "13800000000", "grids", WEST + "002", TERM, None)
    return {**layers(), "grids": grids_, "posts": posts([post])}


def posts(rows):
    codes = [f"P{number}" for number in range(len(rows))]
    columns = ["role", "name", "phone", "target_layer", "target_code", "valid_from", "valid_to"]
    return pd.DataFrame(rows, columns=columns, index=identifiers("posts", codes)).assign(code=codes)


def layers():
    """Every layer of the city, as frames."""
    everything = box(0, 0, 14, 8)
    compound = {WEST + "C01": box(1, 1, 2, 2)}
    return {
        "districts": areas("districts", {"420199": everything}),
        "subdistricts": areas("subdistricts", {SUBDISTRICT: everything}, lambda code: code[:6]),
        "communities": areas(
            "communities", {WEST: box(0, 0, 8, 8), EAST: box(8, 0, 14, 8)}, lambda code: code[:9]
        ),
        "grids": grids(GRIDS),
        "compounds": areas("compounds", compound, form="managed").drop(columns="parent_code"),
        "posts": posts(
            [
                ("网格长", "王芳", "027-5550101", "grids", WEST + "002", TERM, None),
                ("网格长", "李前", None, "grids", WEST + "002", None, dt.date(2025, 12, 31)),
                ("小区长", "赵敏", None, "compounds", WEST + "C01", None, None),
            ]
        ),
    }


def publish(session, changes, *, now=NOW):
    """Publish frames as one revision."""
    done = publishing.publish(
        session,
        {
            layer: change if isinstance(change, publishing.Change) else publishing.Change(change)
            for layer, change in changes.items()
        },
        author="test",
        note="paper",
        now=now,
    )
    session.commit()
    return done


def build(session, frames=None):
    """Publish the whole city, or other frames, as revision 1 of an empty database."""
    if frames is None:
        return replaying.once(session, __name__, lambda: _publish_first(session, layers()), now=NOW)
    return _publish_first(session, frames)


def _publish_first(session, frames):
    lon, lat = point(7, 4)
    deployment.choose(session, [lon], [lat], now=NOW, city="纸城")
    return publish(session, frames)

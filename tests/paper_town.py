"""A town on paper with names: four grids, two streets that cross, doors, compounds with buildings, a school.

Hundredths of a degree, as in :mod:`tests.layers.frames`: grid G1 is the unit square at the origin, G2 beside it in
the east, G3 and G4 above them. East Wind Street runs along y = 0.5 through G1 and G2, Lake Road along x = 0.5.
"""

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers import deployment, publishing
from tests.layers import frames
from tests.layers.frames import SOUTH, UNIT, WEST, point, square

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
GRIDS = {"G1": (0, 0), "G2": (1, 0), "G3": (0, 1), "G4": (1, 1)}


def features(rows, geometry, **columns):
    """A layer frame of rows (code, name), with further columns."""
    codes = [code for code, *_ in rows]
    return gpd.GeoDataFrame(
        {
            "code": codes,
            "name": [name for _, name, *_ in rows],
            "generated_code": False,
            "extra": [{} for _ in codes],
            **columns,
        },
        geometry=list(geometry),
        crs="EPSG:4326",
        index=pd.Index([frames.identifier(code) for code in codes], name="id"),
    )


def line(*points):
    return shapely.LineString([(WEST + x * UNIT, SOUTH + y * UNIT) for x, y in points])


def streets(rows):
    """Pieces (code, name, points)."""
    return features(
        rows, [line(*points) for *_, points in rows], kind="residential", bridge=False, tunnel=False, level=0,
        steps=False, walkable=True,
    )  # fmt: skip


def addresses(rows):
    """Doors (code, street, number, x, y)."""
    frame = features([(code, "") for code, *_ in rows], [point(x, y) for *_, x, y in rows])
    frame["street"] = [street for _, street, *_ in rows]
    frame["number"] = [number for _, _, number, *_ in rows]
    frame["text"] = frame["street"] + frame["number"] + "号"
    return frame.drop(columns="name")


def compounds(rows):
    """Compounds (code, name, x, y) of a tenth of a grid's side."""
    frame = features(rows, [square(x, y, 0.1, 0.1) for *_, x, y in rows], form="managed")
    frame["households"] = pd.array([None] * len(frame), dtype="Int64")
    return frame


def buildings(rows):
    """Buildings (code, name, number, compound, x, y) as points."""
    frame = features(rows, [point(x, y) for *_, x, y in rows])
    frame["number"] = [number for _, _, number, *_ in rows]
    frame["compound_code"] = [compound for _, _, _, compound, *_ in rows]
    return frame


def facilities(rows):
    """Facilities (code, name, x, y)."""
    return features(rows, [point(x, y) for *_, x, y in rows], type="primary_school")


def layers():
    """Every layer of the town, as frames."""
    grids = frames.grids({code: square(*corner) for code, corner in GRIDS.items()}, "C1")
    grids["name"] = ["东风社区第一网格", "东风社区第二网格", "东风社区第三网格", "东风社区第四网格"]
    districts = frames.areas({"D1": square(0, 0, 2, 2)})
    districts["name"] = "纸上市东风区（虚构）"
    communities = frames.areas({"C1": square(0, 0, 2, 2)}, "D1")
    communities["name"] = "东风社区"
    return {
        "districts": districts,
        "communities": communities,
        "grids": grids,
        "compounds": compounds([("X1", "嘉湖小区", 0.2, 0.6), ("X2", "长乐苑", 1.6, 1.6), ("X3", "嘉园里", 0.95, 0.2)]),
        "buildings": buildings(
            [("B1", "1栋", "1", "X1", 0.22, 0.65), ("B3", "3栋", "3", "X1", 0.28, 0.65), ("B9", "科技大厦", None, None, 1.2, 1.2)]
        ),
        "addresses": addresses(
            [("A2", "东风路", "2", 0.1, 0.48), ("A10", "东风路", "10", 0.5, 0.48), ("A12", "东风路", "12-1", 0.6, 0.48)]
        ),
        "facilities": facilities([("F1", "嘉湖小学", 0.4, 0.7)]),
        "streets": streets(
            [
                ("S1", "东风路", [(0, 0.5), (0.5, 0.5)]),
                ("S2", "东风路", [(0.5, 0.5), (2, 0.5)]),
                ("S3", "嘉湖大道", [(0.5, 0), (0.5, 2)]),
                ("S4", "", [(1, 1), (1, 2)]),
            ]
        ),
    }  # fmt: skip


def publish(session, changes, now=NOW):
    """Publish frames, or changes, as one revision."""
    made = {
        layer: change if isinstance(change, publishing.Change) else publishing.Change(change)
        for layer, change in changes.items()
    }
    done = publishing.publish(session, made, author="test", note="paper", now=now)
    session.commit()
    return done.revision


def build(session):
    """Publish the whole town as revision 1."""
    deployment.choose(
        session, np.array([WEST, WEST + 2 * UNIT]), np.array([SOUTH, SOUTH + 2 * UNIT]), now=NOW
    )
    return publish(session, layers())

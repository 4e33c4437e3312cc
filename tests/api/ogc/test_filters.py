"""Filters in CQL2, as text and as JSON: what each finds, and what is refused."""

import json

import pytest
import shapely
from shapely import box

from tests import paper_city as paper
from tests.api.ogc.asking import EPSG, LATER, ask, codes
from tests.paper_city import EAST, GRIDS, WEST, grids, point

TEXTS = [
    (f"code = '{WEST}002'", [WEST + "002"]),
    (f"code IN ('{WEST}002', '{EAST}001')", [WEST + "002", EAST + "001"]),
    (f"code LIKE '{EAST}%'", [code for code in sorted(GRIDS) if code.startswith(EAST)]),
    (f"code LIKE '{WEST}00_' AND NOT code LIKE '%4'", [WEST + "001", WEST + "002", WEST + "003"]),
    (f"code = '{WEST}001' OR code = '{EAST}001' AND kind = 'dedicated'", [WEST + "001"]),
    (f"(code = '{WEST}001' OR code = '{EAST}001') AND kind = 'dedicated'", []),
    ("people IS NULL AND NOT generated_code", sorted(GRIDS)),
    ("people IS NOT NULL", []),
    ("people + 1 > 5 * households", []),
    ("name = 'O''Brien'", []),
    ("CASEI(name) LIKE CASEI('GRIDS 003')", [WEST + "003", EAST + "003"]),
    (f"code BETWEEN '{WEST}002' AND '{WEST}003'", [WEST + "002", WEST + "003"]),
    ("name LIKE 'grids\\'", []),
    ("generated_code = TRUE", []),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS, ids=[text for text, _ in TEXTS])
def test_filters_in_cql2_text(items, text, expected):
    found = items(filter=text, filter_lang="cql2-text")
    assert codes(found) == sorted(expected)
    assert found["numberMatched"] == len(expected)


def wkt(*bounds):
    return box(*point(*bounds[:2]), *point(*bounds[2:])).wkt


SPATIAL = [
    ("S_INTERSECTS(geometry, {})", (4.5, 0.5, 5, 1), [WEST + "001"]),
    ("S_WITHIN(geometry, {})", (-1, -1, 5, 5), [WEST + "002"]),
    ("S_CONTAINS(geometry, {})", (1, 1, 2, 2), [WEST + "002"]),
    ("NOT S_DISJOINT(geometry, {})", (1, 1, 2, 2), [WEST + "002"]),
    ("S_TOUCHES({}, geometry)", (0, -2, 4, 0), [WEST + "001", WEST + "002"]),
    ("S_EQUALS(geometry, {})", (0, 0, 4, 4), [WEST + "002"]),
]


@pytest.mark.parametrize(("text", "bounds", "expected"), SPATIAL, ids=[text for text, *_ in SPATIAL])
def test_filters_by_place(items, text, bounds, expected):
    assert codes(items(filter=text.format(wkt(*bounds)))) == sorted(expected)


def test_a_filters_geometry_has_the_axes_of_its_crs(items):
    swapped = shapely.transform(shapely.from_wkt(wkt(1, 1, 2, 2)), lambda xy: xy[:, ::-1]).wkt
    found = items(filter=f"S_INTERSECTS(geometry, {swapped})", filter_crs=EPSG + "4326")
    assert codes(found) == [WEST + "002"]
    west, south, east, north = shapely.from_wkt(swapped).bounds
    found = items(
        filter=f"S_INTERSECTS(geometry, BBOX({west},{south},{east},{north}))", filter_crs=EPSG + "4326"
    )
    assert codes(found) == [WEST + "002"]


def test_filters_in_cql2_json(items):
    stated = {
        "op": "and",
        "args": [
            {"op": "in", "args": [{"property": "code"}, [WEST + "001", WEST + "002", EAST + "001"]]},
            {
                "op": "s_intersects",
                "args": [{"property": "geometry"}, {"bbox": [*point(1, 1), *point(2, 2)]}],
            },
        ],
    }
    assert codes(items(filter=json.dumps(stated), filter_lang="cql2-json")) == [WEST + "002"]


def test_numbers_are_compared_and_reckoned_with(items):
    assert codes(items("compounds", filter="people > 7 AND people / households >= 2.5")) == [
        WEST + "C01",
        WEST + "C02",
    ]
    assert codes(items("compounds", filter="people / (households - households) > 0")) == []
    assert codes(items("compounds_points", people=7)) == [EAST + "C01"]
    assert codes(items("streets", walkable="false")) == ["S4"]


BAD = [
    ("code = ", "cannot be read"),
    ("secret = 1", "'secret'"),
    ("extra = 1", "'extra'"),
    ("site IS NULL", "'site'"),
    ("rev_from = 1", "'rev_from'"),
    ("code = 1", "text and number"),
    ("code", "no condition"),
    ("name LIKE 1", "like"),
    ("pg_sleep(9) = 1", "'pg_sleep'"),
    ("T_AFTER(code, DATE('2020-01-01'))", "not offered"),
    ("code = 'a' AND people", "boolean"),
    ("S_INTERSECTS(geometry, POLYGON((0 0,1 1,1 0,0 1,0 0)))", "not valid"),
    ("S_INTERSECTS(geometry, GEOMETRYCOLLECTION(POINT(0 0)))", "one kind"),
    ("S_INTERSECTS(code, POINT(0 0))", "geometry"),
    ("name = 'a' OR " * 2000 + "name = 'b'", "characters"),
    ("(" * 200 + "name = 'a'" + ")" * 200, "nested"),
    ("NOT " * 3000 + "generated_code", "nested"),
    ("NOT (" * 40 + "generated_code" + ")" * 40, "nested"),
    ("people = " + "-" * 9000 + "1", "nested"),
    ("people = 1e999", "no value"),
    ("name = 'a\0b'", ""),
]


@pytest.mark.parametrize(("text", "named"), BAD, ids=[text[:40].replace("\0", "NUL") for text, _ in BAD])
def test_a_bad_filter_is_refused_by_name(items, text, named):
    problem = items("facilities" if "site" in text else "compounds", filter=text, status=400)
    (fault,) = problem["errors"]
    assert fault["field"] == "filter"
    assert named in fault["message"]


@pytest.mark.parametrize(
    "stated",
    [
        "{",
        "[]",
        "1",
        '{"op":"and"}',
        '{"op":[],"args":[1]}',
        '{"op":"in","args":[{"property":"code"}]}',
        '{"op":"=","args":[{"property":["code"]},1]}',
        '{"op":"s_within","args":[{"property":"geometry"},{"type":"Point"}]}',
        '{"op":"not","args":[' * 600 + "1" + "]}" * 600,
        '{"bbox":[1,2,3]}',
        '{"op":"+","args":[true,false]}',
    ],
)
def test_a_bad_filter_in_json_is_refused(items, stated):
    assert items(filter=stated, filter_lang="cql2-json", status=400)["errors"][0]["field"] == "filter"


HOSTILE = ["'; DROP TABLE grids; --", '"><script>', "100%", "a\\", "\\", "_", "名'称", "{}"]


def test_hostile_names_are_only_names(session, own):
    frame = grids(GRIDS).assign(name=HOSTILE)
    paper.publish(session, {"grids": frame}, now=LATER)
    for code, name in zip(GRIDS, HOSTILE, strict=True):
        only_a_name(own, code, name)


def only_a_name(own, code, name):
    quoted = name.replace("'", "''")
    for query in ({"name": name}, {"filter": f"name = '{quoted}'"}):
        assert codes(ask(own, **query)) == [code]
    escaped = quoted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    assert codes(ask(own, filter=f"name LIKE '{escaped}'")) == [code]

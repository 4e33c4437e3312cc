"""One place and files of places over HTTP, on the paper city."""

import datetime as dt
import io
import json
import threading
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from api import places
from api.app import create_app
from api.routers import locate_files
from api.warm import warm
from geo import crs
from geo.levels import LEVELS
from layers import located
from layers.publishing import Change
from tests import paper_city as city
from tests import walking_city

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
GEOJSON, GEOJSONSEQ = "application/geo+json", "application/geo+json-seq"


@pytest.fixture
def built(session, open_client):
    city.build(session)
    open_client.app.state.runtime.snapshots.refresh()
    return open_client


def get(client, place, **query):
    lon, lat = place
    return client.get("/api/locate", params={"lon": lon, "lat": lat, "datum": "wgs84", **query})


def fields(reply, status=422):
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    return {(error["kind"], error.get("field")) for error in reply.json()["errors"]}


# --- one place --------------------------------------------------------------------------------------------


def test_one_place(built):
    reply = get(built, city.point(1.5, 1.5))
    assert reply.status_code == 200
    body = reply.json()
    grid = {"code": city.WEST + "002", "name": "grids 002", "level": "grid"}
    assert body["area"] == body["path"][-1] == grid
    assert [area["level"] for area in body["path"]] == list(LEVELS)
    assert (body["rule"], body["distance_m"], body["candidates"]) == ("inside", None, [grid["code"]])
    assert body["margin_m"] == pytest.approx(140.5, abs=1)
    assert body["compound"] == {"code": city.WEST + "C01", "name": "compounds C01", "form": "managed"}
    assert [post["name"] for post in body["posts"]] == ["王芳", "赵敏"]
    assert (body["revision"], body["datum"], body["level"], body["scheme"]) == (
        1,
        "wgs84",
        "grid",
        "governance",
    )


def test_no_area(built):
    body = get(built, (120.0, 20.0)).json()
    assert (body["area"], body["rule"], body["candidates"], body["path"]) == (None, "none", [], [])
    assert (body["compound"], body["posts"]) == (None, [])


@pytest.mark.parametrize("level", LEVELS)
def test_other_levels(built, level):
    assert get(built, city.point(1, 1), level=level).json()["area"]["level"] == level


def test_another_scheme_has_its_own_grids(built):
    # "none" would say that the place lies outside, where there is nothing to lie in.
    assert fields(get(built, city.point(1, 1), scheme="unit")) == {("parameter-invalid", "scheme")}


@pytest.mark.parametrize("datum", ["wgs84", "cgcs2000", "gcj02", "bd09", "EPSG:4547", "4490", "EPSG:32650"])
def test_every_datum(built, datum):
    reference = crs.parse(datum)
    x, y = crs.from_lonlat(*(np.array([value]) for value in city.point(1.5, 1.5)), reference)
    body = get(built, (repr(float(x[0])), repr(float(y[0]))), datum=datum).json()
    assert body["area"]["code"] == city.WEST + "002"
    assert (body["lon"], body["lat"]) == pytest.approx(city.point(1.5, 1.5), abs=1e-8)
    assert body["datum"] == reference.name


def test_a_named_local_crs_and_a_default_datum(built, tmp_path):
    path = tmp_path / "local.toml"
    path.write_text(
        'wuhan_city = "+proj=tmerc +lon_0=114.25 +lat_0=30.5 +ellps=GRS80 +towgs84=0,0,0 +units=m"\n'
    )
    runtime = built.app.state.runtime
    settings = runtime.settings.model_copy(update={"local_crs_file": path, "default_datum": "wgs84"})
    object.__setattr__(runtime, "settings", settings)
    body = get(built, (140, 160), datum="wuhan_city").json()
    assert (body["area"]["code"], body["datum"]) == (city.WEST + "002", "wuhan_city")
    lon, lat = city.point(1, 1)
    assert built.get("/api/locate", params={"lon": lon, "lat": lat}).json()["datum"] == "wgs84"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, {("coordinate-missing", "lon"), ("coordinate-missing", "lat"), ("datum-missing", "datum")}),
        (
            {"lon": "x", "lat": "nan", "datum": "foo", "level": "town", "at": "soon"},
            {
                ("coordinate-not-a-number", "lon"), ("coordinate-not-a-number", "lat"), ("datum-unknown", "datum"),
                ("parameter-invalid", "level"), ("parameter-invalid", "at"),
            },
        ),
        (
            {"lon": 30.5, "lat": 114.3, "datum": "wgs84"},
            {("coordinate-swapped", "lon"), ("coordinate-swapped", "lat")},
        ),
        ({"lon": 200, "lat": 30, "datum": "wgs84"}, {("coordinate-out-of-range", "lon")}),
        ({"lon": 114.3, "lat": 30.5, "datum": "EPSG:4547"}, {("datum-contradicted", "datum")}),
        ({"lon": -71, "lat": 42, "datum": "bd09"}, {("datum-contradicted", "datum")}),
    ],
)  # fmt: skip
def test_all_faults_at_once(built, query, expected):
    assert fields(built.get("/api/locate", params=query)) == expected


def test_as_it_was_at_an_instant(built, session):
    later = city.NOW + dt.timedelta(days=10)
    moved = city.grids({city.WEST + "002": city.box(0, 0, 1, 4), city.WEST + "001": city.box(1, 0, 8, 4)})
    city.publish(session, {"grids": moved}, now=later)
    built.app.state.runtime.snapshots.refresh()
    place = city.point(1.5, 1.5)
    now = get(built, place).json()
    before = get(built, place, at=(later - dt.timedelta(seconds=1)).isoformat()).json()
    assert (now["revision"], now["area"]["code"]) == (2, city.WEST + "001")
    assert (before["revision"], before["area"]["code"]) == (1, city.WEST + "002")
    # A bare date is the end of that day, here in Shanghai.
    assert get(built, place, at="2026-03-11").json()["revision"] == 2
    assert get(built, place, at="2026-03-10").json()["revision"] == 1
    too_early = get(built, place, at="2026-02-01")
    assert (too_early.status_code, too_early.json()["type"]) == (422, "urn:wangge:problem:before-history")


def test_answers_come_from_memory(built, engine, monkeypatch):
    monkeypatch.setattr("api.snapshots.TRUSTED_S", 60.0)
    runtime = built.app.state.runtime
    warm(runtime)
    engine.dispose()
    asked_by_requests = []

    def note(*event):
        # The service's own threads go on looking for new revisions and for drafts that are due.
        if threading.current_thread().name not in {"revision poll", "timetable"}:
            asked_by_requests.append(event[2])

    event.listen(runtime.look_ups.kw["bind"], "before_cursor_execute", note)
    runtime.snapshots.refresh()
    assert asked_by_requests != []  # this thread's own question: what is asked is heard
    asked_by_requests.clear()
    assert get(built, city.point(1, 1)).status_code == 200
    assert asked_by_requests == []


def test_until_a_model_is_ready_the_database_answers(built, session, monkeypatch):
    warm(built.app.state.runtime)
    hold = threading.Event()
    patch = located.patch_areas

    def slow(*arguments, **options):
        hold.wait(20)
        return patch(*arguments, **options)

    monkeypatch.setattr(located, "patch_areas", slow)
    place = city.point(4.5, 1)
    assert get(built, place).json()["area"]["code"] == city.WEST + "001"
    moved = city.grids({city.WEST + "002": city.box(0, 0, 5, 4), city.WEST + "001": city.box(5, 0, 8, 4)})
    city.publish(session, {"grids": moved})
    waiting = get(built, place).json()
    assert (waiting["revision"], waiting["area"]["code"]) == (2, city.WEST + "002")
    snapshot = built.app.state.runtime.snapshots.refresh()
    assert places.locator_at_hand(snapshot, "grid") is None
    hold.set()
    locator = places.locator_at(snapshot, "grid")
    assert locator.areas is places.locator_at_hand(snapshot, "grid").areas
    assert get(built, place).json() == waiting


def test_the_neighbour_and_the_old_estate(built, session):
    estate = city.areas("old_estates", {"E1": city.box(1, 1, 3, 3)}).drop(columns="parent_code")
    city.publish(session, {"old_estates": estate.assign(works="basic", department="住建局")})
    body = get(built, city.point(2.75, 1.5)).json()
    assert body["neighbour"] == {"code": city.WEST + "001", "name": "grids 001", "level": "grid"}
    assert body["old_estate"] == {
        "code": "E1", "name": "old_estates E1", "works": "basic", "department": "住建局",
    }  # fmt: skip
    assert get(built, city.point(2.75, 1.5), at="2026-03-01").json()["revision"] == 2


def test_several_schemes_side_by_side(built, session):
    unit = city.grids({"420199001001901": city.box(0, 0, 8, 8)}).assign(scheme="unit", parent_code=city.WEST)
    city.publish(session, {"grids": unit})
    place = city.point(1.5, 1.5)
    usual = get(built, place).json()
    assert "schemes" not in usual
    for scheme in ("all", "governance,unit", ["governance", "unit"]):
        body = get(built, place, scheme=scheme).json()
        assert {name: body[name] for name in usual} == usual
        assert {name: one["area"]["code"] for name, one in body["schemes"].items()} == {
            "governance": city.WEST + "002", "unit": "420199001001901",
        }  # fmt: skip
        assert body["schemes"]["governance"]["margin_m"] == usual["margin_m"]
        assert [post["name"] for post in body["schemes"]["governance"]["posts"]] == ["王芳"]
        assert body["schemes"]["unit"]["posts"] == []
    other = get(built, place, scheme="unit").json()
    assert (other["scheme"], other["area"]["code"]) == ("unit", "420199001001901")
    assert list(get(built, place, scheme="all", at="2026-02-28").json().get("errors", [])) == []
    assert fields(get(built, place, scheme="all", level="community")) == {("parameter-invalid", "scheme")}
    assert fields(get(built, place, scheme="governance,x")) == {("parameter-invalid", "scheme")}


def test_the_nearest_facilities_on_foot(open_client, session):
    walking_city.build(session)
    place = city.point(5, 4.1)
    assert "facilities" not in get(open_client, place).json()
    body = get(open_client, place, facility_type="fresh_market,primary_school,post_office").json()
    market, school, post_office = body["facilities"]
    assert (market["facility_type"], market["code"], market["reason"]) == ("fresh_market", "F1", None)
    assert market["minutes"] == pytest.approx(market["metres"] / 75, abs=0.01)
    assert school["code"] == "F3"
    assert post_office == {
        "facility_type": "post_office", "code": None, "name": None, "metres": None, "minutes": None,
        "reason": "no-facility",
    }  # fmt: skip
    assert body["area"]["code"] == city.WEST + "003"
    reply = get(open_client, place, facility_type=["fresh_market", "cinema_of_dreams"])
    assert fields(reply) == {("type-unknown", "facility_type")}


def test_a_city_without_streets_tells_whose_grid_it_is(built):
    body = get(built, city.point(1.5, 1.5), facility_type="fresh_market").json()
    assert body["area"]["code"] == city.WEST + "002"
    assert body["facilities"][0]["reason"] == "no-street"


def test_all_of_it_as_it_was_at_an_instant(open_client, session):
    walking_city.build(session)
    later = city.NOW + dt.timedelta(days=10)
    removed = [city.identifiers("facilities", ["F1"])[0]]
    city.publish(
        session, {"facilities": Change(walking_city.facilities().iloc[:0], removed=removed)}, now=later
    )
    ask = partial(get, open_client, city.point(5, 4.1), facility_type="fresh_market", scheme="all")
    assert ask().json()["facilities"][0]["code"] == "F2"
    before = ask(at="2026-03-02").json()
    assert (before["revision"], before["facilities"][0]["code"]) == (1, "F1")


def test_reading_needs_an_account(client, session, sign_in):
    city.build(session)
    assert get(client, city.point(1, 1)).status_code == 401
    headers = sign_in("viewer")
    reply = client.get("/api/locate", params={"lon": 114.26, "lat": 30.51, "datum": "wgs84"}, headers=headers)
    assert reply.status_code == 200


def test_nothing_imported_yet(open_client):
    assert get(open_client, (114.3, 30.6)).status_code == 404


# --- files of places --------------------------------------------------------------------------------------

PAPER = [(1, 1), (4, 2), (12, 6), (8.1, 1.5), (60, 60)]
RULES = ["inside", "border", "overlap", "nearest", "none"]


def post(client, body, media_type, **query):
    return client.post(
        "/api/locate", params={"datum": "wgs84", **query}, content=body, headers={"Content-Type": media_type}
    )


def counts(reply):
    assert reply.status_code == 200, reply.text
    return [
        int(reply.headers[f"Wangge-Rows-{name}"]) for name in ("Total", "Assigned", "Unassigned", "Rejected")
    ]


def csv_body(places):
    return (
        "id,lon,lat\n" + "".join(f"{n:03d},{lon!r},{lat!r}\n" for n, (lon, lat) in enumerate(places))
    ).encode()


def test_csv(built):
    reply = post(built, csv_body([city.point(*place) for place in PAPER]), CSV, margin=True)
    assert counts(reply) == [5, 4, 1, 0]
    assert reply.headers["content-type"].startswith(CSV)
    rows = pd.read_csv(io.BytesIO(reply.content), dtype=str, keep_default_na=False)
    added = ["area_code", "rule", "distance_m", "margin_m", "neighbour_code", "error"]
    assert list(rows) == ["id", "lon", "lat", *added]
    assert list(rows["id"]) == ["000", "001", "002", "003", "004"]
    assert list(rows["rule"]) == RULES
    for row, place in zip(rows.itertuples(), PAPER, strict=True):
        one = get(built, city.point(*place)).json()
        assert row.area_code == (one["area"]["code"] if one["area"] else "")
        for name in ("distance_m", "margin_m"):
            value = getattr(row, name)
            assert (float(value) if value else None) == one[name]


def test_bad_rows_come_back_with_the_reason(built):
    lon, lat = city.point(1, 1)
    body = f"备注;经度;纬度\r\n好;{lon!r};{lat!r}\r\n缺;;{lat!r}\r\n字;x;{lat!r}\r\n反;{lat!r};{lon!r}\r\n短;{lon!r}\r\n"
    reply = post(built, body.encode("gbk"), CSV)
    assert counts(reply) == [5, 1, 0, 4]
    assert reply.headers["content-type"].startswith("text/csv; charset=gb")
    text = reply.text
    assert text.startswith("备注;经度;纬度;area_code;rule;distance_m;error\r\n")
    rows = pd.read_csv(io.StringIO(text), sep=";", dtype=str, keep_default_na=False)
    assert list(rows["rule"]) == ["inside", "rejected", "rejected", "rejected", "rejected"]
    assert [error.partition(":")[0] for error in rows["error"]] == [
        "", "coordinate-missing", "coordinate-not-a-number", "coordinate-swapped", "value-invalid",
    ]  # fmt: skip
    assert list(rows["备注"]) == list("好缺字反短")


def geojson(features, **members):
    return json.dumps({"type": "FeatureCollection", **members, "features": features}).encode()


def feature(place, **properties):
    return {
        "type": "Feature", "id": 7, "properties": properties or None,
        "geometry": {"type": "Point", "coordinates": [*city.point(*place), 12.5]},
    }  # fmt: skip


def test_geojson_keeps_its_members_ids_and_heights(built):
    features = [feature(place, n=n) for n, place in enumerate(PAPER)]
    features += [
        {**features[0], "geometry": None},
        {**features[0], "geometry": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}},
    ]
    reply = post(built, geojson(features, name="点", bbox=[1, 2, 3, 4]), GEOJSON)
    assert counts(reply) == [7, 4, 1, 2]
    body = reply.json()
    assert (body["type"], body["name"], body["bbox"]) == ("FeatureCollection", "点", [1, 2, 3, 4])
    assert [one["properties"]["rule"] for one in body["features"]] == [*RULES, "rejected", "rejected"]
    for before, after in zip(features, body["features"], strict=True):
        properties = {name: after["properties"][name] for name in before["properties"]}
        assert {**after, "properties": properties} == before


def test_geojson_sequence(built):
    lines = "".join(f"\x1e{json.dumps(feature(place))}\n" for place in PAPER)
    reply = post(built, lines.encode(), GEOJSONSEQ)
    assert counts(reply) == [5, 4, 1, 0]
    lines = reply.content.decode().rstrip().split("\n")
    assert [json.loads(line.lstrip("\x1e"))["properties"]["rule"] for line in lines] == RULES


@pytest.mark.parametrize("geometry", [False, True])
def test_parquet(built, geometry):
    lon, lat = np.array([city.point(*place) for place in PAPER]).T
    frame = pd.DataFrame({"n": np.arange(5, dtype="int16"), "名": list("甲乙丙丁戊")}, index=list("abcde"))
    body = io.BytesIO()
    if geometry:
        gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(lon, lat), crs=4326).to_parquet(body)
    else:
        frame.assign(lon=lon, lat=lat).to_parquet(body)
    reply = post(built, body.getvalue(), PARQUET)
    assert counts(reply) == [5, 4, 1, 0]
    read = gpd.read_parquet if geometry else pd.read_parquet
    after = read(io.BytesIO(reply.content))
    assert list(after["rule"]) == RULES
    pd.testing.assert_frame_equal(after[["n", "名"]].astype({"名": object}), frame.astype({"名": object}))
    assert after["distance_m"].dtype == np.float64


def test_most_points_outside_are_refused_with_the_share_under_each_datum(built):
    reference = crs.parse("gcj02")
    random = np.random.default_rng(2)
    lon, lat = np.array([city.point(*place) for place in random.uniform(0.5, 3.5, (50, 2))]).T
    x, y = crs.from_lonlat(lon, lat, reference)
    body = csv_body(list(zip(x.tolist(), y.tolist(), strict=True)))
    refused = post(built, body, CSV)
    assert fields(refused) == {("datum-contradicted", "datum")}
    assert "gcj02 0%" in refused.json()["detail"]
    accepted = post(built, body, CSV, accept_outside=True)
    shares = dict(part.split("=") for part in accepted.headers["Wangge-Datum-Hint"].split("; "))
    assert float(shares["gcj02"]) == 0
    assert float(shares["wgs84"]) > 0.5
    assert "Wangge-Datum-Hint" not in post(built, body, CSV, datum="gcj02").headers


@pytest.mark.parametrize(
    ("body", "media_type", "query", "expected"),
    [
        (b"a,b\n1,2\n", CSV, {}, {("field-unknown", None)}),
        (b"lon,lat\n1,2\n", CSV, {"lon": "x", "lat": "y"}, {("field-unknown", "x"), ("field-unknown", "y")}),
        (b"lon,lat,rule\n1,2,3\n", CSV, {}, {("value-invalid", "rule")}),
        (b"", CSV, {}, {("file-empty", None)}),
        (b"lon,lat\n\xff\xff\n", CSV, {}, {("encoding-unknown", None)}),
        (b"lon,lat\n1,2\n", CSV, {"datum": "", "level": "x"}, {("datum-missing", "datum"), ("parameter-invalid", "level")}),
        (b"lon,lat\n114.3,30.5\n", CSV, {"datum": "EPSG:4547"}, {("datum-contradicted", "datum")}),
        (b"[]", GEOJSON, {}, {("file-unreadable", None)}),
        (b'{"type": "Feature"}', GEOJSON, {}, {("file-unreadable", None)}),
        (b'{"features": [{"type": "Feature", "geo', GEOJSON, {}, {("file-unreadable", None)}),
        (b'{"features": [', GEOJSON, {}, {("file-truncated", None)}),
        (b'{"features": [1]}', GEOJSON, {}, {("file-unreadable", None)}),
        (b"{}\nx\n", GEOJSONSEQ, {}, {("file-unreadable", None)}),
        (b"PAR1 no", PARQUET, {}, {("file-truncated", None)}),
        (b"PK no", XLSX, {}, {("file-truncated", None)}),
        (b"no", XLSX, {}, {("file-unreadable", None)}),
    ],
)  # fmt: skip
def test_files_that_cannot_be_used(built, body, media_type, query, expected):
    assert fields(post(built, body, media_type, **query)) == expected


def test_a_format_that_is_not_read(built):
    assert post(built, b"x", "application/zip").status_code == 415
    assert post(built, b"x", "").status_code == 415


def test_a_file_over_the_limit(session, settings):
    city.build(session)
    with TestClient(
        create_app(settings.model_copy(update={"max_upload_mb": 1}), open_reading=True)
    ) as client:
        reply = post(client, b"lon,lat\n" + b"114.3,30.5\n" * 100_000, CSV)
    assert reply.status_code == 413


def test_a_small_file_of_too_many_rows_is_refused(built, monkeypatch):
    monkeypatch.setattr(locate_files, "_MOST_ROWS", 1_000)
    rows = pd.DataFrame({"lon": [114.3] * 2_000, "lat": [30.5] * 2_000})
    reply = post(built, rows.to_parquet(), PARQUET)
    assert (reply.status_code, reply.json()["type"]) == (413, "urn:wangge:problem:too-large")

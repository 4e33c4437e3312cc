"""Files of points over HTTP: options, history, formats, and that the reply is the command's."""

import datetime as dt
import io

import geopandas as gpd
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests import paper_city as city

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LATER = city.NOW + dt.timedelta(days=10)
LON, LAT = city.point(1.5, 1.5)


@pytest.fixture
def built(session, open_client):
    """The paper city, and a second revision ten days later in which a border has moved."""
    city.build(session)
    moved = city.grids({city.WEST + "002": city.box(0, 0, 1, 4), city.WEST + "001": city.box(1, 0, 8, 4)})
    city.publish(session, {"grids": moved}, now=LATER)
    open_client.app.state.runtime.snapshots.refresh()
    return open_client


def post(client, body, media_type=CSV, **query):
    query = {"datum": "wgs84", **query}
    return client.post(
        "/api/locate",
        params={name: value for name, value in query.items() if value is not None},
        content=body,
        headers={"Content-Type": media_type},
    )


def rows(reply):
    assert reply.status_code == 200, reply.text
    return pd.read_csv(io.BytesIO(reply.content), dtype=str, keep_default_na=False)


def fields(reply, status=422):
    assert reply.status_code == status, reply.text
    return {(error["kind"], error.get("field")) for error in reply.json()["errors"]}


PLACE = f"lon,lat\n{LON!r},{LAT!r}\n"


def test_as_it_was_at_an_instant(built):
    now, before = post(built, PLACE), post(built, PLACE, at="2026-03-10")
    assert (now.headers["Wangge-Revision"], rows(now)["area_code"][0]) == ("2", city.WEST + "001")
    assert (before.headers["Wangge-Revision"], rows(before)["area_code"][0]) == ("1", city.WEST + "002")
    early = post(built, PLACE, at="2026-01-01")
    assert (early.status_code, early.json()["type"]) == (422, "urn:wangge:problem:before-history")


def test_as_it_was_at_the_time_of_each_row(built):
    times = ["2026-03-11", "2026-03-10", "2026-03-01T08:00:00+08:00", "2026-02-28", "soon"]
    body = "t,lon,lat\n" + "".join(f"{time},{LON!r},{LAT!r}\n" for time in times)
    reply = post(built, body, at_column="t")
    found = rows(reply)
    assert list(found) == ["t", "lon", "lat", "area_code", "rule", "distance_m", "revision", "error"]
    assert list(found["revision"]) == ["2", "1", "1", "", ""]
    assert list(found["rule"]) == ["inside"] * 3 + ["rejected"] * 2
    assert list(found["area_code"][:3]) == [city.WEST + code for code in ("001", "002", "002")]
    assert (reply.headers["Wangge-Rows-Rejected"], "Wangge-Revision" in reply.headers) == ("2", False)
    # Each row says what one look-up as of its time says.
    for time, row in zip(times[:3], found.itertuples(), strict=False):
        one = built.get("/api/locate", params={"lon": LON, "lat": LAT, "datum": "wgs84", "at": time}).json()
        assert (one["area"]["code"], one["revision"]) == (row.area_code, int(row.revision))


@pytest.mark.parametrize("level", ["all", ["district", "grid"], "district,grid"])
def test_several_levels(built, level):
    found = rows(post(built, PLACE, level=level))
    assert found["district_code"][0] == "420199"
    assert found["grid_code"][0] == city.WEST + "001"
    assert ("subdistrict_rule" in found) == (level == "all")
    assert "area_code" not in found


def test_one_level_by_name_is_asked_as_before(built):
    found = rows(post(built, PLACE, level="community", margin=True))
    assert (found["area_code"][0], found["rule"][0]) == (city.WEST, "inside")
    assert float(found["margin_m"][0]) > 100


def geoparquet(crs):
    body = io.BytesIO()
    frame = gpd.GeoDataFrame({"n": [1]}, geometry=gpd.points_from_xy([LON], [LAT]), crs=4326)
    frame.to_crs(crs).to_parquet(body)
    return body.getvalue()


def test_geoparquet_says_its_crs(built):
    for crs in ("EPSG:4326", "EPSG:4547"):
        reply = post(built, geoparquet(crs), PARQUET, datum=None)
        assert reply.status_code == 200, reply.text
        assert gpd.read_parquet(io.BytesIO(reply.content))["area_code"][0] == city.WEST + "001"
    assert reply.headers["Wangge-Datum"] == "EPSG:4547"
    contradicted = post(built, geoparquet("EPSG:4547"), PARQUET, datum="EPSG:4549")
    assert fields(contradicted) == {("datum-contradicted", "datum")}
    assert "EPSG:4547" in contradicted.json()["detail"]
    # GCJ-02 has no code: a file can only say WGS84.
    assert post(built, geoparquet("EPSG:4326"), PARQUET, datum="gcj02").status_code == 200
    assert post(built, geoparquet("EPSG:4326"), PARQUET, datum="cgcs2000").status_code == 200
    plain = io.BytesIO()
    pq.write_table(pa.table({"lon": [LON], "lat": [LAT]}), plain)
    assert fields(post(built, plain.getvalue(), PARQUET, datum=None)) == {("datum-missing", "datum")}


def test_xlsx(built):
    book = openpyxl.Workbook()
    book.active.append(["编号", "经度", "纬度"])
    book.active.append(["007", LON, LAT])
    book.active.append(["008", None, LAT])
    body = io.BytesIO()
    book.save(body)
    reply = post(built, body.getvalue(), XLSX)
    assert reply.headers["content-type"] == XLSX
    found = [
        list(row)
        for row in openpyxl.load_workbook(io.BytesIO(reply.content)).active.iter_rows(values_only=True)
    ]
    assert found[1][:5] == ["007", LON, LAT, city.WEST + "001", "inside"]
    assert (found[2][4], found[2][6].partition(":")[0]) == ("rejected", "coordinate-missing")
    assert reply.headers["Wangge-Rows-Rejected"] == "1"


def test_points_as_wkt(built):
    found = rows(post(built, f"n,place\n1,POINT ({LON!r} {LAT!r})\n", geometry="place"))
    assert found["area_code"][0] == city.WEST + "001"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"at": "2026-03-01", "at_column": "lon"}, {("parameter-invalid", "at_column")}),
        ({"at": "soon", "level": "town", "datum": "foo"},
         {("parameter-invalid", "at"), ("parameter-invalid", "level"), ("datum-unknown", "datum")}),
        ({"at_column": "time", "lon": "long"}, {("field-unknown", "time"), ("field-unknown", "long")}),
        ({"geometry": "lon", "lon": "lon"}, {("parameter-invalid", "geometry")}),
        ({"scheme": "unit"}, {("parameter-invalid", "scheme")}),
    ],
)  # fmt: skip
def test_options_that_cannot_be_used_are_told_at_once(built, query, expected):
    assert fields(post(built, PLACE, **query)) == expected


def test_an_unknown_column_brings_those_that_are_there(built):
    reply = post(built, PLACE, lat="latt")
    assert "it has: lon, lat. Did you mean 'lat'?" in reply.json()["errors"][0]["message"]


def test_a_large_reply_comes_whole(built, monkeypatch):
    monkeypatch.setattr("api.routers.locate_files._IN_MEMORY", 1 << 10)
    body = "lon,lat\n" + f"{LON!r},{LAT!r}\n" * 20_000
    reply = post(built, body)
    assert len(rows(reply)) == 20_000
    assert reply.headers["Wangge-Rows-Assigned"] == "20000"

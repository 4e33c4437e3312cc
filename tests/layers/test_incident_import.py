"""Files of incidents: columns and values understood, faults told row by row, known incidents brought up to date."""

import datetime as dt
import gzip

import pandas as pd
import pytest
from shapely import box
from sqlalchemy import func, select

from geo.crs import from_lonlat, parse
from geo.faults import DataError
from layers import incidents
from layers.imports.incidents import FileOptions, import_file
from layers.incidents import search
from layers.incidents.search import Filters
from layers.tables import Assignment, Incident, IncidentKey
from tests import paper_city as city

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
HEADER = "工单号,事件类型,受理时间,状态,结案时间,经度,纬度,内容\n"


@pytest.fixture
def built(session):
    city.build(session)
    return session


@pytest.fixture
def load(built, tmp_path):
    def run(body, *, name="事件.csv", header=HEADER, encoding="utf-8", **options):
        path = tmp_path / name
        path.write_bytes((header + body).encode(encoding))
        rejected = []
        counts = import_file(
            built,
            path,
            FileOptions(**{"datum": "wgs84", "timezone": "Asia/Shanghai", **options}),
            actor="demo",
            now=NOW,
            on_rejects=lambda rows, faults: rejected.extend(zip(rows, faults, strict=True)),
        )
        built.commit()
        built.expire_all()
        return counts, rejected

    return run


def line(
    number, place=(1.5, 1.5), *, kind="垃圾", at="2026-03-01 08:30:00", status="办理中", closed="", text="x"
):
    lon, lat = city.point(*place) if place else ("", "")
    return f"{number},{kind},{at},{status},{closed},{lon!r},{lat!r},{text}\n".replace("''", "")


def told(session):
    found, _ = search.search(session, Filters(), limit=100)
    numbers = dict(session.execute(select(IncidentKey.id, IncidentKey.external_id)).all())
    return {numbers[one.incident.id]: one.incident for one in found}


def figures(counts):
    return counts.total, counts.added, counts.changed, counts.unchanged, counts.rejected


def test_columns_are_known_by_their_chinese_names(built, load):
    counts, rejected = load(
        line("A1", text='"垃圾, 两堆"')
        + line("A2", (12, 6), status="已办结", closed="2026/3/2 9:05")
        + line("A3", None)
    )
    assert figures(counts) == (3, 3, 0, 0, 0)
    assert rejected == []
    assert (counts.assigned, counts.unassigned) == (2, 1)
    stored = told(built)
    assert (stored["A1"].category, stored["A1"].description) == ("垃圾", "垃圾, 两堆")
    assert stored["A1"].reported_at == dt.datetime(2026, 3, 1, 0, 30, tzinfo=dt.UTC)
    assert (stored["A1"].rule, stored["A1"].area_code) == ("inside", city.WEST + "002")
    assert (stored["A1"].given_x, stored["A1"].given_datum) == (city.point(1.5, 1.5)[0], "wgs84")
    assert (stored["A2"].status, stored["A2"].closed_at) == (
        "closed",
        dt.datetime(2026, 3, 2, 1, 5, tzinfo=dt.UTC),
    )
    assert (stored["A3"].rule, stored["A3"].queue_reason) == ("none", "no coordinates were given")
    assert built.scalar(select(func.count()).select_from(Assignment)) == 3


def test_the_same_file_again_makes_no_second_records(built, load):
    body = line("A1") + line("A2", (12, 6)) + line("A3", None)
    load(body)
    counts, _ = load(body)
    assert figures(counts) == (3, 0, 0, 3, 0)
    assert built.scalar(select(func.count()).select_from(Incident)) == 3
    assert built.scalar(select(func.count()).select_from(Assignment)) == 3


def test_a_later_file_brings_up_to_date_what_its_columns_say(built, load):
    load(line("A1", text="first") + line("A2", (12, 6)) + line("A3"))
    later = "工单号,事件类型,受理时间,状态,结案时间\nA1,垃圾,2026-03-01 08:30:00,已办结,2026-03-05 10:00:00\nA4,新,2026-05-01,办理中,\n"
    counts, _ = load(later, header="")
    assert figures(counts) == (2, 1, 1, 0, 0)
    stored = told(built)
    assert (stored["A1"].status, stored["A1"].description) == ("closed", "first")
    assert stored["A1"].area_code == city.WEST + "002", "a file without places moves nothing"
    assert stored["A4"].reported_at == dt.datetime(2026, 4, 30, 16, tzinfo=dt.UTC)


def test_a_corrected_place_moves_an_open_incident_and_is_recorded(built, load):
    load(line("A1", (1.5, 1.5)) + line("A2", (1.5, 1.5), status="已办结") + line("A3", (1.5, 1.5)))
    incident = told(built)["A3"]
    incidents.reassign(built, incident.id, city.EAST + "002", reason="x", actor="li", now=NOW)
    built.commit()
    moved = line("A1", (6, 1)) + line("A2", (6, 1), status="已办结") + line("A3", (6, 1))
    counts, _ = load(moved)
    assert figures(counts) == (3, 0, 2, 1, 0)
    stored = told(built)
    assert [stored[name].area_code for name in ("A1", "A2", "A3")] == [
        city.WEST + "001", city.WEST + "002", city.EAST + "002",
    ]  # fmt: skip
    assert [one.reason for one in incidents.assignments(built, stored["A1"])] == [
        None,
        "moved by a repeated import",
    ]
    places = {found.incident.id: found.lon for found in search.search(built, Filters(), limit=9)[0]}
    assert places[stored["A2"].id] == city.point(1.5, 1.5)[0], "closed ones stay as they were"
    assert places[stored["A3"].id] == city.point(6, 1)[0]


def test_a_corrected_time_takes_an_incident_to_its_partition(built, load):
    load(line("A1"))
    incident_id = told(built)["A1"].id
    built.expunge_all()
    counts, _ = load(line("A1", at="2025-11-01 08:30:00"))
    assert figures(counts) == (1, 0, 1, 0, 0)
    after = incidents.get(built, incident_id)
    assert after.reported_at == dt.datetime(2025, 11, 1, 0, 30, tzinfo=dt.UTC)
    assert (after.id, after.area_code) == (incident_id, city.WEST + "002")
    assert built.scalar(select(func.count()).select_from(Incident)) == 1


def test_a_reopened_incident_belongs_to_where_its_place_says_now(built, load):
    load(line("A1", (3.5, 2), status="已办结"))
    halves = {city.WEST + "002": box(0, 0, 3, 4), city.WEST + "001": box(3, 0, 8, 4)}
    city.publish(built, {"grids": city.publishing.Change(city.grids(halves))}, now=NOW)
    assert told(built)["A1"].area_code == city.WEST + "002"
    load(line("A1", (3.5, 2), status="办理中"))
    assert told(built)["A1"].area_code == city.WEST + "001"


def test_a_file_without_places_reopens_an_incident_where_it_is(built, load):
    load(line("A1", (3.5, 2), status="已办结"))
    halves = {city.WEST + "002": box(0, 0, 3, 4), city.WEST + "001": box(3, 0, 8, 4)}
    city.publish(built, {"grids": city.publishing.Change(city.grids(halves))}, now=NOW)
    load("工单号,事件类型,受理时间,状态\nA1,垃圾,2026-03-01 08:30:00,办理中\n", header="")
    assert told(built)["A1"].area_code == city.WEST + "001"


def test_each_record_at_fault_is_told_once_and_stops_no_other(load):
    counts, rejected = load(
        line("A1")
        + line("A2", kind="")
        + line("A3", at="soon")
        + line("A4", at="2027-01-01 00:00:00")
        + line("A5", status="lost")
        + line("A6", (1, 1)).replace("114", "x")
        + line("A1", (2, 2))
        + "A8,too,few\n"
        + line("A9", at="", kind="")
        + line("B0", at="1850-01-01")
        + "B1,垃圾,2026-03-01 08:30:00,,,30.5,114.3,swapped\n"
        + "B2,垃圾,2026-03-01 08:30:00,,,114.25,,half\n"
    )
    assert figures(counts) == (12, 1, 0, 0, 11)
    assert counts.total == counts.assigned + counts.unassigned + counts.rejected
    assert [fault.row for fault in counts.faults] == list(range(2, 13))
    said = {row["工单号"]: (fault.row, fault.kind, fault.field) for row, fault in rejected}
    assert said["A2"] == (2, "value-missing", "category")
    assert said["A3"] == (3, "value-invalid", "reported_at")
    assert said["A4"] == (4, "value-invalid", "reported_at")
    assert said["A5"] == (5, "value-invalid", "status")
    assert said["A6"] == (6, "coordinate-not-a-number", "经度")
    assert said["A1"] == (7, "value-invalid", "external_id")
    assert said["A8"][:2] == (8, "value-invalid")
    assert said["B1"][1] == "coordinate-swapped"
    assert said["B2"][1] == "coordinate-not-a-number"
    assert "soon" in {row["工单号"]: fault.message for row, fault in rejected}["A3"]


@pytest.mark.parametrize(
    ("options", "header", "expected"),
    [
        ({"datum": None}, HEADER, ("datum-missing", None)),
        ({"named": {"category": "nothing"}}, HEADER, ("field-unknown", "nothing")),
        ({"named": {"x": "nowhere"}}, HEADER, ("field-unknown", "nowhere")),
        ({}, "工单号,什么,受理时间,状态,结案时间,经度,纬度,内容\n", ("field-unknown", "category")),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_whole(built, load, options, header, expected):
    with pytest.raises(DataError) as refused:
        load(line("A1"), header=header, **options)
    assert (refused.value.faults[0].kind, refused.value.faults[0].field) == expected
    assert built.scalar(select(func.count()).select_from(Incident)) == 0


def test_an_empty_file_is_refused(load):
    with pytest.raises(DataError, match="no record"):
        load("")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_encodings_are_found_out(built, load, encoding):
    load(line("A1", text="井盖缺失"), encoding=encoding)
    assert told(built)["A1"].description == "井盖缺失"


def test_other_formats_and_compressed_text(built, tmp_path):
    lon, lat = city.point(1.5, 1.5)
    table = pd.DataFrame(
        {
            "external_id": ["A1"],
            "category": ["c"],
            "reported_at": ["2026-03-01T08:30:00+08:00"],
            "lon": [lon],
            "lat": [lat],
        }
    )
    table.to_parquet(tmp_path / "a.parquet")
    table.to_excel(tmp_path / "a.xlsx", index=False)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(table.to_csv(index=False).encode()))
    for name, expected in (
        ("a.csv.gz", (1, 1, 0, 0, 0)),
        ("a.parquet", (1, 0, 0, 1, 0)),
        ("a.xlsx", (1, 0, 0, 1, 0)),
    ):
        counts = import_file(built, tmp_path / name, FileOptions(datum="wgs84"), actor="demo", now=NOW)
        assert (name, figures(counts)) == (name, expected)


def test_hours_that_come_twice_and_gcj02(built, load):
    x, y = (float(each) for each in from_lonlat(*city.point(1.5, 1.5), parse("gcj02")))
    body = f"A1,c,2015-11-01 01:30:00,,,{x!r},{y!r},\n"
    load(body, datum="gcj02", timezone="America/New_York")
    (found,), _ = search.search(built, Filters(), limit=5)
    assert found.incident.reported_at == dt.datetime(2015, 11, 1, 5, 30, tzinfo=dt.UTC)
    assert found.place == pytest.approx(city.point(1.5, 1.5), abs=1e-8)
    assert (found.incident.given_datum, found.incident.given_x) == ("gcj02", x)

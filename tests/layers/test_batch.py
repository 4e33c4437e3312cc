"""Files of points on the paper city: the counts, the levels, the times, and what is refused."""

import csv
import io
from contextlib import closing

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import crs
from geo.assign import AreaIndex
from geo.faults import DataError
from layers import batch
from layers.answers import Asked
from layers.batch import History
from layers.files import point_chunks, points
from layers.files.point_columns import Columns
from layers.located import Areas
from tests import paper_city as city


def made(level, frame):
    return Areas(level, AreaIndex(frame, metric="EPSG:4547"), [()] * len(frame))


LAYERS = city.layers()
PAPER = {
    level: made(level, LAYERS[layer])
    for level, layer in (("grid", "grids"), ("community", "communities"), ("district", "districts"))
}
WGS84 = crs.WGS84
NO_AREA = gpd.GeoDataFrame({"code": []}, geometry=[], crs="EPSG:4326")


def areas_of(_revision, level):
    return PAPER[level]


def assigned(body, asked=None, *, at=1, areas=areas_of, stated=None, **options):
    """Run a CSV through; return its rows, the counts and the rejects."""
    asked = asked or Asked(reference=WGS84)
    sink, rejects = io.BytesIO(), []
    file = points.open_points(
        "csv", io.BytesIO(body.encode()), sink, stated=stated or Columns(), added=asked.columns()
    )
    with closing(file):
        counts = batch.assign_points(
            file, asked, areas, at=at, on_rejects=lambda *more: rejects.append(more), **options
        )
    rows = list(csv.DictReader(io.StringIO(sink.getvalue().decode(), newline="")))
    return rows, counts, rejects


def body(*places):
    return "lon,lat\n" + "".join(f"{x!r},{y!r}\n" for x, y in places)


INSIDE, NOWHERE = city.point(1, 1), city.point(60, 60)
good = st.sampled_from([INSIDE, city.point(4, 2), city.point(12, 6), city.point(8.1, 1.5), NOWHERE])
lines = st.one_of(
    good.map(lambda place: f"{place[0]!r},{place[1]!r}"),
    st.sampled_from(["", "x,1", ",", "30.5,114.3", "200,1", "1,2,3", "nan,nan", "1"]),
)


@settings(deadline=None)
@given(rows=st.lists(lines, max_size=20), margin=st.booleans(), text=st.integers(5, 200))
def test_in_is_assigned_and_unassigned_and_rejected(rows, margin, text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(point_chunks, "CHUNK_TEXT", text)
        asked = Asked(reference=WGS84, levels=("grid", "community"), margin=margin)
        found, counts, rejects = assigned(
            "lon,lat\n" + "".join(f"{r}\n" for r in rows), asked, accept_outside=True
        )
    said = [row["grid_rule"] for row in found]
    assert counts.total == counts.assigned + counts.unassigned + counts.rejected == len(found)
    assert len(found) == sum(bool(row) for row in rows)
    assert counts.rejected == said.count("rejected") == sum(len(faults) for _, faults in rejects)
    assert counts.assigned == sum(bool(row["grid_code"] and row["community_code"]) for row in found)
    assert [bool(row["error"]) for row in found] == [rule == "rejected" for rule in said]
    numbers = [fault.row for _, faults in rejects for fault in faults]
    assert numbers == [number for number, rule in enumerate(said, start=1) if rule == "rejected"]


def test_each_level_is_decided_by_itself():
    # In a hole of the grids, in a community all the same.
    asked = Asked(reference=WGS84, levels=("grid", "community", "district"))
    rows, counts, _ = assigned(body(city.point(13.5, 1), INSIDE), asked)
    assert [(row["grid_rule"], row["community_code"], row["district_code"]) for row in rows] == [
        ("none", city.EAST, "420199"), ("inside", city.WEST, "420199"),
    ]  # fmt: skip
    assert rows[1]["grid_code"] == city.WEST + "002"
    assert (counts.assigned, counts.unassigned, counts.nowhere) == (1, 1, 0)


def test_margins_name_the_neighbour():
    rows, _, _ = assigned(body(city.point(3.9, 2)), Asked(reference=WGS84, margin=True))
    assert (rows[0]["area_code"], rows[0]["neighbour_code"]) == (city.WEST + "002", city.WEST + "001")
    assert 0 < float(rows[0]["margin_m"]) < 15


# --- times ------------------------------------------------------------------------------------------------

SINCE = np.array(["2026-01-01T00:00", "2026-02-01T00:00"], dtype="datetime64[us]")
HISTORY = History(SINCE, np.array([1, 4]), "Asia/Shanghai")
LATER = made("grid", city.grids({city.WEST + "009": city.box(0, 0, 2, 2)}))


def by_revision(revision, _level):
    return {1: PAPER["grid"], 4: LATER}[revision]


def test_each_row_is_answered_at_the_revision_in_effect_then():
    x, y = INSIDE
    times = [
        "2026-02-01T00:00:00Z",
        "2026-01-31T23:59:59Z",
        "2026-02-01 07:00",
        "2026-01-31",
        "2026-01-01",
        "?",
        "2025-12-31",
    ]
    text = "lon,lat,at\n" + "".join(f"{x!r},{y!r},{time}\n" for time in times)
    asked = Asked(reference=WGS84, by_time=True)
    rows, counts, rejects = assigned(text, asked, at=HISTORY, areas=by_revision, stated=Columns(at="at"))
    new, old = (city.WEST + "009", "4"), (city.WEST + "002", "1")
    answers = [(row["area_code"], row["revision"]) for row in rows]
    assert answers == [new, old, old, old, old, ("", ""), ("", "")]
    assert [row["rule"] for row in rows[5:]] == ["rejected"] * 2
    assert "no time" in rows[5]["error"]
    assert "first revision took effect at 2026-01-01" in rows[6]["error"]
    ((records, faults),) = rejects
    assert [(fault.row, fault.field) for fault in faults] == [(6, "at"), (7, "at")]
    assert [record["at"] for record in records] == ["?", "2025-12-31"]
    assert (counts.total, counts.assigned, counts.rejected) == (7, 5, 2)


def test_rows_that_are_all_from_before_the_first_revision():
    x, y = INSIDE
    asked = Asked(reference=WGS84, by_time=True)
    text = "lon,lat,at\n" + f"{x!r},{y!r},2025-01-01\n" * 20
    for history in (HISTORY, History(SINCE[:0], HISTORY.revision[:0], "UTC")):
        rows, counts, _ = assigned(text, asked, at=history, areas=by_revision, stated=Columns(at="at"))
        assert (counts.total, counts.rejected) == (20, 20)
        assert {row["rule"] for row in rows} == {"rejected"}


def test_few_areas_are_kept_and_asked_for_again():
    asked_for = []

    def areas(revision, _level):
        asked_for.append(revision)
        return PAPER["grid"]

    x, y = INSIDE
    months = [f"2026-{month:02d}-15T00:00:00Z" for month in range(1, 11)]
    since = np.array([f"2026-{month:02d}-01" for month in range(1, 11)], dtype="datetime64[us]")
    history = History(since, np.arange(1, 11), "UTC")
    text = "lon,lat,at\n" + "".join(f"{x!r},{y!r},{time}\n" for time in months + months)
    asked = Asked(reference=WGS84, by_time=True)
    _, counts, _ = assigned(text, asked, at=history, areas=areas, stated=Columns(at="at"))
    assert counts.assigned == 20
    assert asked_for == list(range(1, 11))


# --- what is refused --------------------------------------------------------------------------------------


def test_most_points_outside_are_refused_but_for_a_few():
    mostly = body(*[INSIDE] * 4, *[NOWHERE] * 6)
    with pytest.raises(DataError, match=r"6 of 10 points .* wgs84 60%") as refused:
        assigned(mostly)
    assert refused.value.faults[0].kind == "datum-contradicted"
    _, counts, _ = assigned(mostly, accept_outside=True)
    assert (counts.unassigned, counts.outside["wgs84"]) == (6, 0.6)
    _, counts, _ = assigned(body(NOWHERE, NOWHERE, INSIDE))
    assert (counts.assigned, counts.unassigned) == (1, 2)
    _, counts, _ = assigned(body(*[INSIDE] * 5, *[NOWHERE] * 5))
    assert counts.unassigned == 5


def test_rows_that_are_bad_one_by_one_do_not_contradict_the_datum_of_a_few():
    gcj02 = Asked(reference=crs.parse("gcj02"))
    x, y = crs.from_lonlat(*(np.array([value]) for value in INSIDE), gcj02.reference)
    rows, counts, _ = assigned(body((0.0, 0.0), (0.0, 0.0), (float(x[0]), float(y[0]))), gcj02)
    assert [row["rule"] for row in rows] == ["none", "none", "inside"]
    metres = Asked(reference=crs.parse("EPSG:4547"))
    x, y = crs.from_lonlat(*(np.array([value]) for value in INSIDE), metres.reference)
    _, counts, _ = assigned(body(INSIDE, INSIDE, (float(x[0]), float(y[0]))), metres)
    assert (counts.assigned, counts.unassigned) == (1, 2)


@pytest.mark.parametrize("count", [1, 3, 50])
def test_points_that_all_contradict_the_datum_are_refused(count):
    for datum, place in (("EPSG:4547", INSIDE), ("bd09", (-71.0, 42.0))):
        with pytest.raises(DataError, match="cannot be") as refused:
            assigned(body(*[place] * count), Asked(reference=crs.parse(datum)))
        assert refused.value.faults[0].field == "datum"


def test_a_level_without_areas_is_named():
    with pytest.raises(DataError, match="no area of level grid") as refused:
        assigned(body(INSIDE), areas=lambda *_: made("grid", NO_AREA))
    assert refused.value.faults[0].kind == "layer-empty"


def test_files_of_no_rows_and_of_bad_rows_only():
    rows, counts, rejects = assigned("lon,lat\n")
    assert (rows, counts.total, rejects) == ([], 0, [])
    rows, counts, _ = assigned("lon,lat\n" + "x,y\n" * 30)
    assert (counts.total, counts.rejected, counts.outside) == (30, 30, {})


def test_what_fails_while_it_is_read_or_written_comes_out_once():
    with pytest.raises(DataError, match="quoted value"):
        assigned(body(INSIDE) + '"x,1\n')

    class Full(io.BytesIO):
        def write(self, _data):
            raise OSError("no space left on the device")

    asked = Asked(reference=WGS84)
    sink = io.BytesIO()
    file = points.open_points("csv", io.BytesIO(body(INSIDE).encode()), sink, added=asked.columns())
    file._sink = Full()
    with pytest.raises(OSError, match="no space"):
        batch.assign_points(file, asked, areas_of, at=1)

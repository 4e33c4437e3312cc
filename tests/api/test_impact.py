"""Impact over HTTP: what is told to whom, in every format."""

import io

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from shapely import MultiPolygon, box

from api.access import ROLES, Caller
from api.impact_words import for_caller
from geo.impact import compare
from layers import incidents
from layers.drafts import keeping, steps
from layers.publishing import Change
from tests import paper_city as city

FIRST, SECOND = city.WEST + "001", city.WEST + "002"
HALVES = {SECOND: box(0, 0, 3, 4), FIRST: box(3, 0, 8, 4)}


@pytest.fixture
def drafted(session):
    """A draft that gives a quarter of a grid to its neighbour, with a compound and three incidents; its id."""
    city.build(session)
    homes = gpd.GeoDataFrame(
        {"code": ["C1"], "name": ["嘉湖小区"], "form": "managed"},
        geometry=[MultiPolygon([city.on_map(box(3, 1, 4, 2))])],
        crs="EPSG:4326",
        index=city.identifiers("compounds", ["C1"]),
    )
    counts = {"people": pd.array([100], dtype="Int64"), "households": pd.array([40], dtype="Int64")}
    city.publish(session, {"compounds": homes.assign(**counts)})
    for x, y in [(3.5, 1), (3.5, 2), (1, 1), (9.5, 0.5)]:
        lon, lat = city.point(x, y)
        report = incidents.Report(category="0101", reported_at=city.NOW, lon=lon, lat=lat)
        incidents.intake(session, report, actor="z", now=city.NOW, desk=incidents.Desk(on=city.TERM))
    made = keeping.create(session, title="界线", note="", author="li", now=city.NOW)
    change = {"grids": Change(city.grids(HALVES))}
    steps.record(session, made, change, kind="feature", said={}, author="li", now=city.NOW)
    session.commit()
    return made.id


def listed(reply):
    assert reply.status_code == 200, reply.text
    return {area["code"]: area for area in reply.json()["areas"]}


def test_a_draft_tells_whom_it_touches(client, sign_in, drafted):
    reply = client.get(f"/api/drafts/{drafted}/impact", headers=sign_in("editor"))
    found = listed(reply)
    assert set(found) == {FIRST, SECOND}
    assert found[FIRST]["people"] == {"before": 0, "gained": 100, "lost": 0, "after": 100}
    assert found[SECOND]["incidents"] == {"before": 3, "gained": 0, "lost": 2, "after": 1}
    assert found[SECOND]["change"] == "moved"
    said = reply.json()
    assert said["incidents"] == [{"from_code": SECOND, "to_code": FIRST, "number": 2}]
    assert [row["code"] for row in said["affected"]] == ["C1", "C1"]
    (total,) = said["totals"]
    assert total["level"] == "grid"
    assert total["people"] == {"before": 100, "gained": 100, "lost": 100, "after": 100}
    assert total["incidents"] == {"before": 3, "gained": 2, "lost": 2, "after": 3}
    assert (said["from_revision"], said["to_revision"], said["draft"]) == (2, None, str(drafted))


def test_revisions_tell_it_too(client, sign_in, drafted, session):
    draft = client.get(f"/api/drafts/{drafted}/impact", headers=sign_in("editor")).json()
    city.publish(session, {"grids": city.grids(HALVES)})
    found = client.get("/api/revisions/2/impact/3", headers=sign_in("reviewer"))
    assert listed(found) == {area["code"]: area for area in draft["areas"]}
    assert found.headers["wangge-revision"] == "3"


@pytest.mark.usefixtures("drafted")
def test_incidents_are_told_by_role_and_area(client, sign_in, session):
    city.publish(session, {"grids": city.grids(HALVES)})
    across = {city.WEST + "001": box(3, 0, 7, 4), city.EAST + "009": box(7, 0, 8, 4)}
    city.publish(session, {"grids": city.grids(across)})

    def asked(earlier, role, *within):
        return client.get(f"/api/revisions/{earlier}/impact/4", headers=sign_in(role, *within)).json()

    def told(said):
        return {area["code"]: area["incidents"] is not None for area in said["areas"]}

    assert asked(2, "viewer")["incidents"] is None
    assert set(told(asked(2, "worker")).values()) == {False}
    # Homes are public, incidents are those of one's own areas.
    west = asked(2, "editor", city.WEST)
    assert (told(west)[FIRST], told(west)[SECOND]) == (True, True)
    assert not told(west)[city.EAST + "009"]
    assert west["incidents"] == [{"from_code": SECOND, "to_code": FIRST, "number": 2}]
    assert all(total["incidents"] is None for total in west["totals"] if total["level"] == "grid")
    east = asked(2, "editor", city.EAST)
    assert told(east)[city.EAST + "009"]
    assert not told(east)[FIRST]
    assert east["incidents"] == []
    assert told(asked(2, "editor", "420199"))[FIRST]


@pytest.mark.parametrize(
    ("role", "within", "areas", "moves"),
    [("editor", (), 2, 1), ("editor", (FIRST,), 1, 1), ("editor", (city.EAST,), 0, 0), ("viewer", (), 0, 0)],
)
def test_an_area_that_only_hidden_incidents_touch_is_not_listed(role, within, areas, moves):
    grids = city.grids({FIRST: box(4, 0, 8, 4), SECOND: box(0, 0, 4, 4)})
    moved = pd.DataFrame({"from_code": [FIRST], "to_code": [SECOND], "number": [3], "moved": [3]})
    states = ({"grids": grids}, {"grids": grids})
    found = compare(states, {}, moves=moved, metric="EPSG:4547", tolerance_m=50.0)
    told = for_caller(found, Caller("li", ROLES[role], within), unassigned=not within)
    assert (len(told.balance), len(told.moves)) == (areas, moves)


@pytest.mark.usefixtures("drafted")
def test_incidents_outside_of_all_areas_belong_to_the_district(client, sign_in, session):
    gone = [*city.identifiers("grids", [SECOND])]
    number = city.publish(session, {"grids": Change(city.grids({FIRST: box(4.5, 0, 8, 4)}), gone)}).revision
    lost = {"from_code": SECOND, "to_code": None, "number": 3}

    def told(*within):
        reply = client.get(f"/api/revisions/{number - 1}/impact/{number}", headers=sign_in("editor", *within))
        return reply.json()["incidents"]

    assert lost in told()
    assert lost in told("420199")
    assert lost in told(city.WEST)
    assert lost not in told(city.EAST)


@pytest.mark.parametrize("form", ["csv", "xlsx", "geojson"])
def test_every_format(client, sign_in, drafted, form):
    reply = client.get(f"/api/drafts/{drafted}/impact?format={form}", headers=sign_in("editor"))
    assert reply.status_code == 200
    if form == "csv":
        table = pd.read_csv(io.BytesIO(reply.content), dtype={"code": str})
        assert list(table["code"]) == [FIRST, SECOND]
        assert list(table["people_after"]) == [100, 0]
    elif form == "xlsx":
        book = openpyxl.load_workbook(io.BytesIO(reply.content))
        assert len(book.sheetnames) == 6
        assert "人口前 people_before" in [cell.value for cell in book.worksheets[0][1]]
    else:
        whats = [feature["properties"]["what"] for feature in reply.json()["features"]]
        assert whats == ["area", "area", "affected", "affected", "land"]


@pytest.mark.parametrize(("form", "begins"), [("docx", b"PK"), ("pdf", b"%PDF")])
def test_a_report_for_paper(client, sign_in, drafted, form, begins):
    editor = sign_in("editor")
    for address in (f"/api/drafts/{drafted}/impact", "/api/revisions/0/impact/2"):
        reply = client.get(f"{address}/report?format={form}&lang=en", headers=editor)
        assert reply.status_code == 200
        assert reply.content.startswith(begins)
        assert reply.headers["content-disposition"].endswith(f'.{form}"')


@pytest.mark.usefixtures("drafted")
def test_a_report_of_nothing(client, sign_in):
    assert client.get("/api/revisions/2/impact/2/report", headers=sign_in("viewer")).status_code == 200


@pytest.mark.usefixtures("drafted")
def test_whose_post_it_is_is_told_to_nobody(client, sign_in):
    text = client.get("/api/revisions/0/impact/1", headers=sign_in("administrator")).text
    assert "网格长" in text
    assert "王芳" not in text


def test_what_cannot_be_told(client, sign_in, drafted, open_client):
    editor = sign_in("editor")
    unknown = "00000000-0000-0000-0000-000000000000"
    assert client.get(f"/api/drafts/{unknown}/impact", headers=editor).status_code == 404
    assert client.get(f"/api/drafts/{drafted}/impact?format=pdfx", headers=editor).status_code == 422
    assert client.get("/api/revisions/1/impact/99", headers=editor).status_code == 404
    assert client.get(f"/api/drafts/{drafted}/impact", headers=sign_in("viewer")).status_code == 403
    assert open_client.get(f"/api/drafts/{drafted}/impact").status_code == 401

"""Personal data in files and histories: who held a post, and what nobody has mapped, is not for everyone."""

import pytest

from layers.publishing import Change
from tests import paper_city as city

NAMES = ("王芳", "李前", "赵敏", "027-5550101", "13800001234")
DIFFS = ("/api/revisions/0/diff/2", "/api/revisions/0/diff/2?layer=posts", "/maps/data/diff.json?from=0&to=2")


@pytest.fixture
def built(session):
    """1: the city with its posts; 2: a compound with a column that was never mapped."""
    city.build(session)
    compound = city.layers()["compounds"].assign(extra=[{"contact": "13800001234"}])
    city.publish(session, {"compounds": Change(compound)})


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("role", ["viewer", "worker", "planner", "editor"])
def test_who_held_a_post_is_no_file_for_those_who_read_no_personal_data(client, sign_in, role):
    reply = client.get("/api/layers/posts?format=csv", headers=sign_in(role))
    assert (reply.status_code, reply.json()["type"]) == (403, "urn:wangge:problem:forbidden")


@pytest.mark.usefixtures("built")
def test_nor_for_those_who_read_it_of_some_areas_only(client, sign_in):
    headers = sign_in("dispatcher", city.WEST)
    assert client.get("/api/layers/posts?format=csv", headers=headers).status_code == 403
    assert "赵敏" not in client.get(DIFFS[0], headers=headers).text


@pytest.mark.usefixtures("built")
def test_a_dispatcher_of_the_whole_city_takes_it_away(client, sign_in):
    headers = sign_in("dispatcher")
    assert "027-5550101" in client.get("/api/layers/posts?format=csv", headers=headers).text
    forms = ("xlsx", "parquet", "gpkg", "geojson", "fgb", "shp")
    sent = {
        form: client.get(f"/api/layers/posts?format={form}", headers=headers).status_code for form in forms
    }
    assert set(sent.values()) <= {200, 422}, sent
    assert "027-5550101" in client.get(f"{DIFFS[0]}?format=geojson", headers=headers).text


@pytest.mark.usefixtures("built")
def test_a_visitor_of_the_demo_gets_no_posts(open_client):
    assert open_client.get("/api/layers/posts?format=csv").status_code == 401


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("path", DIFFS)
@pytest.mark.parametrize("format", ["json", "csv", "geojson"])
def test_a_diff_tells_that_a_post_changed_and_not_who_holds_it(client, sign_in, path, format):  # noqa: A002 - the parameter's name
    if path.startswith("/api"):
        path += f"{'&' if '?' in path else '?'}format={format}"
    said = client.get(path, headers=sign_in("editor")).text
    assert "posts" in said
    assert [name for name in NAMES if name in said] == []


@pytest.mark.usefixtures("built")
def test_what_was_never_mapped_is_left_out_of_files(client, sign_in):
    path = "/api/layers/compounds?format=csv"
    assert "13800001234" not in client.get(path, headers=sign_in("viewer")).text
    assert "13800001234" in client.get(path, headers=sign_in("dispatcher")).text

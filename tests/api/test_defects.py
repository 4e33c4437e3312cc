"""Full checks over HTTP: every format, every layer, and who may ask."""

import csv
import io
import json

import pyogrio
import pytest

from layers.catalogue import SPECS
from tests import paper_city as city
from tests.paper_city import EAST, WEST


@pytest.fixture
def editor(sign_in):
    return sign_in("editor")


@pytest.fixture
def built(session, client):
    city.build(session)
    client.app.state.runtime.snapshots.refresh()
    return client


def get(client, headers, layer="grids", **query):
    reply = client.get(f"/api/layers/{layer}/defects", params=query, headers=headers)
    assert reply.status_code == 200, reply.text
    return reply


def test_defects_come_with_codes_place_size_box_and_repair(built, editor):
    listed = get(built, editor).json()
    assert (listed["revision"], listed["layer"], listed["information"]) == (1, "grids", 0)
    assert listed["defects"] == len(listed["rows"])
    rows = {row["kind"]: row for row in listed["rows"]}
    overlap = rows["overlap"]
    assert overlap["codes"] == [EAST + "002", EAST + "003"]
    assert (overlap["unit"], overlap["size"] > 0, overlap["severity"]) == ("m2", True, "defect")
    assert overlap["west"] < overlap["lon"] < overlap["east"]
    assert overlap["south"] < overlap["lat"] < overlap["north"]
    assert overlap["repair"]["edit"] == "trim_overlap"
    assert rows["t-junction"]["repair"]["edit"] == "insert_node"
    assert rows["gap-enclosed"]["codes"] == [WEST + "003", WEST + "004"]


@pytest.mark.parametrize("layer", SPECS)
def test_every_layer_can_be_checked(built, editor, layer):
    assert get(built, editor, layer).json()["layer"] == layer


def test_the_same_rows_in_every_format(built, editor, tmp_path):
    rows = get(built, editor).json()["rows"]
    table = list(csv.DictReader(io.StringIO(get(built, editor, format="csv").content.decode("utf-8-sig"))))
    assert [row["message"] for row in table] == [row["message"] for row in rows]
    assert [json.loads(row["repair"] or "null") for row in table] == [row["repair"] for row in rows]
    features = get(built, editor, format="geojson").json()["features"]
    assert [feature["properties"] for feature in features] == rows
    (tmp_path / "defects.gpkg").write_bytes(get(built, editor, format="gpkg").content)
    assert len(pyogrio.read_dataframe(tmp_path / "defects.gpkg")) == len(rows)
    assert get(built, editor, format="xlsx").content.startswith(b"PK")


def test_a_compound_that_spans_grids_is_information(session, built, editor):
    across = city.areas("compounds", {WEST + "C02": city.box(3, 1, 5, 2)}, form="managed").drop(
        columns="parent_code"
    )
    city.publish(session, {"compounds": across})
    built.app.state.runtime.snapshots.refresh()
    (row,) = get(built, editor, "compounds").json()["rows"]
    assert (row["severity"], row["kind"]) == ("information", "compound-spans")
    assert row["codes"] == [WEST + "C02", WEST + "001", WEST + "002"]
    assert get(built, editor, "compounds").json()["defects"] == 0


def test_an_unknown_layer_is_not_found_and_names_the_known_ones(built, editor):
    reply = built.get("/api/layers/grid/defects", headers=editor)
    assert reply.status_code == 404
    assert "grids" in reply.json()["detail"]


def test_before_the_first_import_there_is_nothing_to_check(client, editor):
    assert client.get("/api/layers/grids/defects", headers=editor).status_code == 404


def test_visitors_must_sign_in(built):
    assert built.get("/api/layers/grids/defects").status_code == 401

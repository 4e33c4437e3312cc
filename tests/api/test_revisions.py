"""The list of revisions."""

import numpy as np
import pytest

from api.dependencies import now
from layers import deployment
from layers.publishing import Change, publish
from tests.layers.frames import areas, square


@pytest.fixture
def three(session):
    """Three revisions of one layer."""
    deployment.choose(session, np.array([105.0]), np.array([32.0]), now=now())
    for width in (1, 2, 3):
        change = Change(areas({"510899": square(0, 0, width)}))
        publish(session, {"districts": change}, author="zhang", note=f"width {width}", now=now())
    session.commit()


@pytest.mark.usefixtures("three")
def test_newest_first_and_page_by_page(open_client):
    first = open_client.get("/api/revisions?limit=2").json()
    assert [row["number"] for row in first["revisions"]] == [3, 2]
    assert first["revisions"][0]["note"] == "width 3"
    assert first["revisions"][0]["counts"]["districts"] == {"added": 0, "changed": 1, "removed": 0}
    second = open_client.get(first["next"]).json()
    assert [row["number"] for row in second["revisions"]] == [1]
    assert second["next"] is None


def test_nothing_published_is_an_empty_list(open_client):
    assert open_client.get("/api/revisions").json() == {"revision": 0, "revisions": [], "next": None}

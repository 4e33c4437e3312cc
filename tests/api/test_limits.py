"""Bodies are bounded before anything reads them, whoever sends them."""

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.limits import MOST_ELSEWHERE, MOST_FEATURES


def endless(size):
    """A body that does not state its length."""
    return (b" " * 65536 for _ in range(size // 65536 + 1))


@pytest.mark.parametrize("body", [b" " * (MOST_ELSEWHERE + 1), None])
@pytest.mark.parametrize(("path", "media_type"), [
    ("/api/incidents", "application/json"),
    ("/login", "application/x-www-form-urlencoded"),
    ("/nowhere", "text/plain"),
])  # fmt: skip
def test_without_an_account_a_body_is_small(client, path, media_type, body):
    reply = client.post(path, content=body or endless(MOST_ELSEWHERE), headers={"Content-Type": media_type})
    if path != "/nowhere" or body:
        assert (reply.status_code, reply.json()["type"]) == (413, "urn:wangge:problem:too-large")
    else:
        assert reply.status_code == 404


@pytest.mark.parametrize("body", [b" " * (MOST_ELSEWHERE + 1), None])
def test_files_may_be_larger_up_to_the_setting(settings, sign_in, body):
    headers = {**sign_in("viewer"), "Content-Type": "text/csv"}
    # 422: it was read, and holds blanks only.
    for megabytes, status in ((1, 413), (3, 422)):
        chosen = settings.model_copy(update={"max_upload_mb": megabytes})
        with TestClient(create_app(chosen)) as client:
            content = body or endless(MOST_ELSEWHERE)
            assert (
                client.post("/api/locate?datum=wgs84", content=content, headers=headers).status_code == status
            )


def test_a_file_is_read_of_nobody_unknown(client):
    reply = client.post("/api/locate?datum=wgs84", content=b"lon,lat\n", headers={"Content-Type": "text/csv"})
    assert reply.status_code == 401


@pytest.mark.parametrize("path", ["transactions", "collections/grids/items", "collections/grids/items/x"])
@pytest.mark.parametrize(("size", "status"), [(MOST_ELSEWHERE, 401), (MOST_FEATURES, 413)])
def test_features_of_a_draft_may_have_many_corners(client, path, size, status):
    method = "PUT" if path.endswith("x") else "POST"
    reply = client.request(method, f"/ogc/drafts/0/{path}", content=b" " * (size + 1))
    assert reply.status_code == status

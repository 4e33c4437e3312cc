"""Which bodies are held."""

import gzip

import pytest

from api import sent_bodies
from api.sent_bodies import SentBodies


def _unwanted():
    pytest.fail("it is held")


def test_a_body_is_written_and_compressed_once():
    bodies = SentBodies()
    first = bodies.get("a", lambda: b"table")
    assert (first.content, gzip.decompress(first.gzipped)) == (b"table", b"table")
    assert bodies.get("a", _unwanted) is first


def test_the_least_recently_asked_for_is_dropped(monkeypatch):
    monkeypatch.setattr(sent_bodies, "MOST_BYTES", 70)  # two of about 30 bytes
    bodies = SentBodies()
    for key in "ab":
        bodies.get(key, lambda: b"table")
    bodies.get("a", _unwanted)
    bodies.get("c", lambda: b"table")
    bodies.get("a", _unwanted)
    assert bodies.get("b", lambda: b"other").content == b"other"


def test_a_body_larger_than_all_room_is_held_alone(monkeypatch):
    monkeypatch.setattr(sent_bodies, "MOST_BYTES", 1)
    bodies = SentBodies()
    bodies.get("a", lambda: b"table")
    bodies.get("a", _unwanted)

"""Events for subscribers, from a process that serves: of every publication once, and only when it answers everywhere."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2 as httpx
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.dependencies import now
from api.events import Subscription
from layers import accounts, database, history, store
from layers.drafts import keeping, review, steps
from layers.publishing import Change
from tests import paper_city as city
from tests.api.serving import servers
from tests.conftest import fresh_database

FIRST = city.WEST + "001"
LISTENING = text(
    "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
)


@dataclass(frozen=True)
class Told:
    """One event, as it was sent."""

    event: str
    data: dict
    id: str | None


@pytest.fixture(scope="module")
def service(server):
    """One process on a database of its own: its address, and a session."""
    addresses = fresh_database(server)
    url = next(addresses)
    engine = database.make_engine(url, pool_size=2)
    with Session(engine, expire_on_commit=False) as session:
        city.build(session)
        with servers(url, 1) as (running,):
            yield f"http://127.0.0.1:{running.port}", session
    engine.dispose()
    next(addresses, None)


@contextmanager
def hearing(address, headers=None):
    """Yield what returns the next event of a stream."""
    with (
        httpx.Client(base_url=address, timeout=30, headers=headers) as client,
        client.stream("GET", "/api/revisions/events") as reply,
    ):
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("text/event-stream")
        yield told(reply).__next__


def told(reply):
    said = {}
    for line in reply.iter_lines():
        if not line and "event" in said:
            yield Told(said["event"], json.loads(said["data"]), said.get("id"))
        if not line:
            said = {}
        elif not line.startswith(":"):
            field, _, value = line.partition(": ")
            said[field] = value


def rename(session, name):
    return city.publish(
        session, {"grids": store.read(session, "grids", 1, codes=[FIRST]).assign(name=name)}
    ).revision


def test_each_publication_is_heard_of_and_answered_from(service):
    address, built = service
    with hearing(address) as listen, hearing(address) as other, httpx.Client(base_url=address) as client:
        first = listen()
        newest = history.newest(built)
        assert (first.event, first.id, first.data["number"]) == ("revision", str(newest), newest)
        assert other() == first
        for name in ("甲", "乙"):
            number = rename(built, name)
            event = listen()
            assert (event.event, event.id, event.data["note"]) == ("revision", str(number), "paper")
            lon, lat = city.point(5, 1)
            answer = client.get(f"/api/locate?lon={lon}&lat={lat}&datum=wgs84").json()
            assert (answer["revision"], answer["area"]["name"]) == (number, name)
            assert other() == event
        assert len(built.execute(LISTENING).all()) == 1, "one connection for all subscribers"


def test_who_comes_back_hears_what_was_missed(service):
    address, built = service
    with hearing(address) as listen:
        last = listen().id
    numbers = [rename(built, name) for name in ("丙", "丁")]
    with hearing(address, {"Last-Event-ID": last}) as listen:
        assert [listen().data["number"] for _ in range(2)] == numbers


def test_a_lost_connection_loses_no_publication(service):
    address, built = service
    with hearing(address) as listen:
        listen()
        (pid,) = built.scalars(LISTENING)
        built.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        built.commit()
        number = rename(built, "戊")
        assert listen().data["number"] == number


def test_drafts_are_told_to_those_who_edit(service):
    address, built = service
    accounts.create(built, "zhang", "correct horse", "editor", areas=(), now=city.NOW)
    editor = {"Authorization": f"Bearer {accounts.issue_token(built, 'zhang', 'test', now=now())}"}
    draft = keeping.create(built, title="北门", note="", author="zhang", now=city.NOW)
    made = {"grids": Change(store.read(built, "grids", 1, codes=[FIRST]).assign(name="新"))}
    steps.record(built, draft, made, kind="feature", said={}, author="zhang", now=city.NOW)
    built.commit()
    with hearing(address, editor) as edits, hearing(address) as reads:
        assert edits().event == reads().event == "revision"
        review.submit(built, draft, by="zhang", now=city.NOW)
        built.commit()
        event = edits()
        assert (event.event, event.id) == ("draft", None)
        assert event.data == {"id": str(draft.id), "status": "submitted", "version": 3, "revision": None}
        rename(built, "己")
        assert reads().event == "revision", "nothing of the draft before it"


def test_only_for_those_who_may_read(client, sign_in):
    assert client.get("/api/revisions/events").status_code == 401
    headers = {**sign_in("viewer"), "Last-Event-ID": "x"}
    assert client.get("/api/revisions/events", headers=headers).status_code == 422


def in_a_thread(run):
    """Outcome of an asynchronous function; where browsers are driven, this thread has a loop already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, run()).result()


def test_a_subscriber_that_does_not_read_is_dropped():
    async def run():
        loop = asyncio.get_running_loop()
        subscription = Subscription(loop)
        thread = threading.Thread(target=lambda: [subscription.tell(number) for number in range(3000)])
        thread.start()
        await asyncio.to_thread(thread.join)
        heard = []
        while (event := await subscription.next(loop.time() + 5)) is not None:
            heard.append(event)
        return heard

    assert len(in_a_thread(run)) < 3000


def test_a_stream_ends_at_its_time():
    async def run():
        loop = asyncio.get_running_loop()
        return await Subscription(loop).next(loop.time() + 0.01)

    assert in_a_thread(run) is None

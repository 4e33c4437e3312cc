"""Four server processes and a stopwatch: whoever was told of a publication is answered from it."""

import http.client
import json
import threading
import time
from dataclasses import dataclass

import pytest
from shapely import box
from sqlalchemy.orm import Session

from api.snapshots import wait_for_workers
from layers import database
from tests import paper_city as city
from tests.api.serving import servers
from tests.conftest import fresh_database

#: Either of two grids holds it, as their common border moves to and fro.
PLACE = city.point(4.5, 1)
HOLDERS = (city.WEST + "001", city.WEST + "002")


@dataclass(frozen=True)
class Reply:
    """When it was asked for, what it says, and who said it."""

    sent: float
    revision: int
    area: str
    port: int


@pytest.fixture(scope="module")
def four(server):
    """Four processes on one database of their own, and a session on it."""
    addresses = fresh_database(server)
    url = next(addresses)
    engine = database.make_engine(url, pool_size=2)
    with Session(engine, expire_on_commit=False) as session:
        city.build(session)
        with servers(url, 4) as running:
            yield running, session
    engine.dispose()
    next(addresses, None)


def publish(session):
    """Move the border over the place and back; return the revision."""
    number = len(HISTORY) + 1
    x = 4 if number % 2 else 5
    grids = city.grids({city.WEST + "002": box(0, 0, x, 4), city.WEST + "001": box(x, 0, 8, 4)})
    assert city.publish(session, {"grids": grids}).revision == number
    HISTORY.append(HOLDERS[(number + 1) % 2])
    return number


#: Who holds the place, by revision.
HISTORY = [HOLDERS[0]]


def ask(connection, port):
    lon, lat = PLACE
    sent = time.monotonic()
    connection.request("GET", f"/api/locate?lon={lon!r}&lat={lat!r}&datum=wgs84")
    body = json.loads(connection.getresponse().read())
    return Reply(sent, body["revision"], body["area"]["code"], port)


def hammer(port, ended, replies):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while not ended.is_set():
        replies.append(ask(connection, port))
    connection.close()


def test_nobody_who_was_told_is_answered_from_before(four):
    running, session = four
    ended, replies, acknowledged = threading.Event(), [], []
    threads = [threading.Thread(target=hammer, args=(each.port, ended, replies)) for each in running]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            revision = publish(session)
            wait_for_workers()
            acknowledged.append((time.monotonic(), revision))
            # Long enough for requests after the acknowledgement.
            time.sleep(0.3)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert {reply.port for reply in replies} == {each.port for each in running}
    for reply in replies:
        told = max((revision for at, revision in acknowledged if at < reply.sent), default=1)
        assert reply.revision >= told, f"{reply} was asked after {told} was acknowledged"
        assert reply.area == HISTORY[reply.revision - 1], "boundaries and revision of one state"


def test_a_process_that_was_stalled_does_not_wake_up_in_the_past(four):
    running, session = four
    for each in running[:2]:
        connection = http.client.HTTPConnection("127.0.0.1", each.port, timeout=60)
        ask(connection, each.port)
        with each.stalled():
            revision = publish(session)
            wait_for_workers()
            lon, lat = PLACE
            # It lies in the stalled process's socket, to be read before anything else happens there.
            connection.request("GET", f"/api/locate?lon={lon!r}&lat={lat!r}&datum=wgs84")
        body = json.loads(connection.getresponse().read())
        assert (body["revision"], body["area"]["code"]) == (revision, HISTORY[revision - 1])
        connection.close()

"""kill -9 of the service or the database at any moment of editing and publishing: nothing acknowledged is lost or doubled.

A few rounds; WANGGE_KILL_ROUNDS=200 makes as many.
"""

import os
import random
import shutil
import signal
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import httpx2 as httpx
import pytest

from api.dependencies import now
from api.embedded import EmbeddedServer
from layers import accounts, database
from tests import editors
from tests.api.serving import servers
from tests.editors import Editor

ROUNDS = int(os.environ.get("WANGGE_KILL_ROUNDS", "3"))
EDITORS = 4
#: Longest time between two kills, seconds: a publication takes one.
LONGEST_S = 3.0


class Service:
    """A database and one process that serves it, of which either can be killed and started again."""

    def __init__(self, folder):
        self._folder = folder / "server"
        self._database = EmbeddedServer(self._folder, settings={"fsync": "off"})
        self._serving = ExitStack()
        self._clients = []
        self.header = {}

    def __enter__(self):
        self._database.start()
        self._database.create_database("wangge")
        engine = database.make_engine(self.url, pool_size=1)
        database.migrate(engine)
        with database.sessions(engine)() as session:
            editors.build(session)
            accounts.create(session, "zhang", "correct horse", "editor", areas=(), now=now())
            token = accounts.issue_token(session, "zhang", "test", now=now())
            session.commit()
        engine.dispose()
        self.header = {"Authorization": f"Bearer {token}"}
        self._serve()
        return self

    def __exit__(self, *_):
        for client in self._clients:
            client.close()
        self._serving.close()
        self._database.stop()

    @property
    def url(self):
        return self._database.url("wangge")

    def client(self):
        """Return a client of the process that serves now."""
        return self._clients[-1]

    def kill(self, random_):
        """Kill one of the two, and start it again."""
        if random_.random() < 0.5:
            os.kill(self._server.pid, signal.SIGKILL)
            self._serving.close()
            self._serve()
            return
        (lock,) = self._folder.rglob("postmaster.pid")
        os.kill(int(lock.read_text().split()[0]), signal.SIGKILL)
        self._database.start()

    def _serve(self):
        self._serving = ExitStack()
        (self._server,) = self._serving.enter_context(servers(self.url, 1, review=False))
        address = f"http://127.0.0.1:{self._server.port}"
        self._clients.append(httpx.Client(base_url=address, headers=self.header, timeout=60))


@pytest.fixture
def service():
    folder = Path(tempfile.mkdtemp(prefix="wangge-test-"))
    folder.chmod(0o755)
    try:
        with Service(folder) as service:
            yield service
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_nothing_acknowledged_is_lost_or_made_twice_whatever_is_killed(service):
    everybody = [Editor(number, service.client) for number in range(EDITORS)]
    ended, failed = threading.Event(), []

    def work(editor):
        try:
            while not ended.is_set():
                editor.round(2)
        except BaseException as error:  # noqa: BLE001 - told by the test
            failed.append(error)

    threads = [threading.Thread(target=work, args=(editor,)) for editor in everybody]
    for thread in threads:
        thread.start()
    chosen = random.Random(5)  # noqa: S311 - moments, no secrets
    for _ in range(ROUNDS):
        time.sleep(chosen.uniform(0, LONGEST_S))
        service.kill(chosen)
        assert not failed, failed
    ended.set()
    for thread in threads:
        thread.join()
    assert not failed, failed
    engine = database.make_engine(service.url, pool_size=1)
    with database.sessions(engine)() as session:
        editors.check(session, everybody)
    engine.dispose()
    assert all(editor.published for editor in everybody)

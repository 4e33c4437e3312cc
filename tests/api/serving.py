"""Server processes for tests: the application that ships, each on a port of its own."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

import uvicorn

from api.app import create_app
from api.places import locator_at
from api.settings import Settings

#: Longest wait for a server, seconds; it is far quicker, unless the machine is busy.
PATIENCE_S = 120


@dataclass(frozen=True)
class Server:
    """One process that serves."""

    port: int
    pid: int

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Keep it from running, as a machine under memory pressure or a moved virtual one does."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)


@contextmanager
def servers(url: str, count: int, *, review: bool = True) -> Iterator[list[Server]]:
    """Run servers on one database; reading is open."""
    # Imports what they need once, and forks.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    started = []
    for _ in range(count):
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(url, there, review), daemon=True)
        process.start()
        started.append((process, here))
    try:
        yield [Server(_received(here), process.pid) for process, here in started]
    finally:
        for process, _ in started:
            process.kill()
        for process, _ in started:
            process.join(PATIENCE_S)


def _received(connection: Connection) -> int:
    assert connection.poll(PATIENCE_S), "a server did not come up"
    return connection.recv()


def _serve(url: str, told: Connection, review: bool) -> None:  # noqa: FBT001 - what a process is started with
    app = create_app(Settings(database_url=url, threads=4, review=review), open_reading=True)
    # What answers in the test; all of it would take longer than the test.
    locator_at(app.state.runtime.snapshots.current(), "grid")
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="on"))
    startup = server.startup

    async def announced(sockets: object = None) -> None:
        await startup(sockets)
        told.send(server.servers[0].sockets[0].getsockname()[1])

    server.startup = announced
    server.run()

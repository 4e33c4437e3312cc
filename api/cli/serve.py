"""`wangge serve`: the service."""

import socket
from contextlib import suppress
from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.cli.connection import Embedded, connected, named_settings
from api.cli.console import console, progress_bars
from api.cli.worker import kept_running
from api.events import Events
from api.warm import warm

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]


def serve(host: Host = "127.0.0.1", port: Port = 8000, embedded: Embedded = False) -> None:
    """Serve the API, the maps and the pages until Ctrl-C.

    Needs WANGGE_DATABASE_URL (a PostGIS 3.3 or later, migrated with `wangge db migrate`) or --embedded.
    Every request needs an account: make one with `wangge user add`. One worker for jobs runs beside it; start more with
    `wangge worker`.

    Example: WANGGE_DATABASE_URL=postgresql://wangge:secret@db/wangge wangge serve --host 0.0.0.0
    """
    with named_settings(embedded=embedded) as settings:
        with connected(settings):
            console.print("database ready", markup=False)
        listen(create_app(settings), host=host, port=port)


def listen(application: FastAPI, *, host: str, port: int) -> None:
    """Make ready what the first answers need, say the address, and serve an application until Ctrl-C.

    Raises
    ------
    OSError
        If the address cannot be listened on; before anything else is done.
    """
    with _listening_socket(host, port) as listening:
        with progress_bars() as progress:
            warm(application.state.runtime, progress)
        console.print(f"serving at [bold]http://{host}:{port}/[/bold]  (Ctrl-C ends)")
        config = uvicorn.Config(
            application,
            log_level="warning",
            # Believe a proxy on this machine about the scheme, so that cookies are marked secure behind TLS.
            proxy_headers=True,
            timeout_graceful_shutdown=10,
        )
        # Ctrl-C is how serving ends, not a failure.
        with kept_running(application.state.runtime.settings), suppress(KeyboardInterrupt):
            _Server(config, application.state.runtime.events).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Ends event streams as soon as it is told to end, for it waits for every request under way."""

    def __init__(self, config: uvicorn.Config, events: Events) -> None:
        super().__init__(config)
        self._events = events

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no further request, and end when those under way have."""
        self._events.stop()
        await super().shutdown(sockets)


def _listening_socket(host: str, port: int) -> socket.socket:
    # Bound here, for uvicorn would end the process with a log line of its own where the port is taken.
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise OSError(f"cannot listen on {host}:{port} ({error.strerror}); choose another --port.") from error

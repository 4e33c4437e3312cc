"""`wangge serve`: the service."""

import ipaddress
from typing import Annotated

import typer
import uvicorn

from api.app import create_app
from api.cli.connection import Embedded, connected, named_settings
from api.cli.console import console
from api.settings import Settings
from layers.errors import DatabaseUnsuitable

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]


def serve(host: Host = "127.0.0.1", port: Port = 8000, embedded: Embedded = False) -> None:
    """Serve the API, the maps and the pages until Ctrl-C.

    Needs WANGGE_DATABASE_URL (a PostGIS 3.3 or later, migrated with `wangge db migrate`) or --embedded.
    Every request needs an account: make one with `wangge user add`.

    Example: WANGGE_DATABASE_URL=postgresql://wangge:secret@db/wangge wangge serve --host 0.0.0.0
    """
    with named_settings(embedded=embedded) as settings:
        with connected(settings):
            console.print(f"database ready; serving at http://{host}:{port}/  (Ctrl-C ends)", markup=False)
        listen(settings, host=host, port=port, open_reading=False)


def listen(settings: Settings, *, host: str, port: int, open_reading: bool) -> None:
    """Serve until Ctrl-C.

    Raises
    ------
    DatabaseUnsuitable
        If reading was to be open to everybody on an address that is not loopback.
    """
    if open_reading and not ipaddress.ip_address(host).is_loopback:
        raise DatabaseUnsuitable("The demo is open to every reader, so it listens on loopback only.")
    uvicorn.run(
        create_app(settings, open_reading=open_reading),
        host=host,
        port=port,
        log_level="warning",
        # Believe a proxy on this machine about the scheme, so that cookies are marked secure behind TLS.
        proxy_headers=True,
        timeout_graceful_shutdown=10,
    )

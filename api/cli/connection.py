"""Which database a command works on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from api.embedded import EmbeddedServer
from api.settings import Settings
from layers import database
from layers.database import Engine, Session
from layers.errors import DatabaseUnavailable

#: Option of every command that needs a database.
Embedded = Annotated[
    bool,
    typer.Option(
        "--embedded",
        envvar="WANGGE_EMBEDDED",
        help="Use the private PostGIS of this machine (that of `wangge demo`) instead of WANGGE_DATABASE_URL.",
    ),
]


@contextmanager
def named_settings(*, embedded: bool) -> Iterator[Settings]:
    """Yield the settings with a database named: the stated one, or the embedded one, started if need be.

    Raises
    ------
    DatabaseUnavailable
        If none is named. A typo in the variable must not send incidents into an empty database, so the
        embedded one is never a silent fall-back.
    """
    settings = Settings()
    if not embedded:
        if settings.database_url is None:
            raise DatabaseUnavailable(
                "No database is named: set WANGGE_DATABASE_URL=postgresql://…, or add --embedded."
            )
        yield settings
        return
    server = EmbeddedServer(settings.data_dir)
    started = server.start()
    try:
        server.create_database()
        # It is ours alone, so it follows the program; a named database is migrated when its owner says so.
        migrate(server.url())
        yield settings.model_copy(update={"database_url": server.url()})
    finally:
        # A server that was running before is left running; one that others have joined is left to them.
        if started:
            server.stop_if_idle()


def migrate(url: str) -> None:
    """Bring the database of that address to the newest migration.

    Raises
    ------
    DatabaseUnavailable, DatabaseUnsuitable
        As in :func:`layers.database.migrate`.
    """
    engine = database.make_engine(url, pool_size=1)
    try:
        database.migrate(engine)
    finally:
        engine.dispose()


@contextmanager
def connected(settings: Settings) -> Iterator[Engine]:
    """Yield an engine on the named database after checking that it can be used.

    Raises
    ------
    DatabaseUnavailable, DatabaseUnsuitable, DatabaseOutdated
        As in :func:`layers.database.check`.
    """
    assert settings.database_url is not None  # noqa: S101 - named_settings sees to it
    engine = database.make_engine(settings.database_url, pool_size=4)
    try:
        database.check(engine)
        with database.translated():
            yield engine
    finally:
        engine.dispose()


@contextmanager
def transaction(*, embedded: bool) -> Iterator[Session]:
    """Yield a session on the named database; its work is committed at the end, or rolled back as a whole.

    Raises
    ------
    DatabaseUnavailable, DatabaseUnsuitable, DatabaseOutdated
        As in :func:`named_settings` and :func:`connected`.
    """
    with (
        named_settings(embedded=embedded) as settings,
        connected(settings) as engine,
        database.sessions(engine).begin() as session,
    ):
        yield session

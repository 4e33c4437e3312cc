"""The database: engine, sessions, readiness and migrations."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import Session, sessionmaker

import migrations
from geo.faults import DataError, Fault
from layers.errors import Conflict, DatabaseFull, DatabaseOutdated, DatabaseUnavailable, DatabaseUnsuitable
from layers.search import names
from layers.tables import Base

# The types that callers outside this package name; they import nothing of SQLAlchemy itself.
__all__ = ["Engine", "Session", "check", "make_engine", "migrate", "sessionmaker", "sessions", "translated"]

#: The oldest PostGIS that is tested.
OLDEST_POSTGIS = (3, 3)

#: A server that vanished without a word is noticed within a minute, not after the system's two hours.
_NOTICED = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # milliseconds
}
#: SQLSTATEs of a server that is out of disk, memory or connections.
_OUT_OF_RESOURCES = {"53100", "53200", "53300"}
#: Classes of SQLSTATE of a server that is shutting down, crashing or cut off.
_SERVER_LEAVING = ("57P", "08")
#: Class of SQLSTATE of a value that no column of its type can hold: a date beyond the calendar, a NUL in text.
_IMPOSSIBLE_VALUE = "22"
# Waited for a lock as long as lock_timeout allows.
_LOCKED = "55P03"


def make_engine(url: str, *, pool_size: int = 40, most: int | None = None) -> Engine:
    """Return an engine for a ``postgresql://`` address; nothing is opened yet.

    Parameters
    ----------
    pool_size
        Connections kept; it should equal the number of request threads, so that none waits for another's.
    most
        Connections at once, those beyond `pool_size` being closed after use; -1: as many as are asked for.
        `pool_size` by default.

    Raises
    ------
    DatabaseUnavailable
        If the address cannot be read.
    """
    if not re.match(r"postgres(ql)?(\+psycopg2)?://", url):
        raise DatabaseUnavailable(
            "WANGGE_DATABASE_URL must look like postgresql://user:password@host:5432/name; "
            "it does not start with postgresql://."
        )
    return create_engine(
        re.sub(r"^postgres(ql)?(\+psycopg2)?://", "postgresql+psycopg2://", url),
        pool_size=pool_size,
        max_overflow=-1 if most == -1 else (most or pool_size) - pool_size,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 5, "options": "-c timezone=UTC", **_NOTICED},
    )


def sessions(engine: Engine) -> sessionmaker[Session]:
    """Return the maker of sessions; objects stay readable after a commit."""
    return sessionmaker(engine, expire_on_commit=False)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the driver says of a missing or full server, or of an impossible value, into our errors."""
    try:
        yield
    except NoConnection as error:
        raise DatabaseUnavailable("All connections to the database are in use; try again later.") from error
    except ValueError as error:
        # The driver finds this one before the server does, and has no class of its own for it.
        if "NUL (0x00)" in str(error):
            raise _impossible("text holds the character U+0000") from error
        raise
    except (DBAPIError, psycopg2.Error) as error:
        # COPY goes through the driver itself, whose errors SQLAlchemy does not wrap.
        cause = error.orig if isinstance(error, DBAPIError) else error
        state = getattr(cause, "pgcode", None)
        if state in _OUT_OF_RESOURCES:
            raise DatabaseFull from error
        if isinstance(cause, psycopg2.OperationalError | psycopg2.InterfaceError) and state is None:
            raise DatabaseUnavailable from error
        if state == _LOCKED:
            raise Conflict("Somebody else is writing to it at this moment: try again.") from error
        if state is not None and state.startswith(_SERVER_LEAVING):
            raise DatabaseUnavailable from error
        if state is not None and state.startswith(_IMPOSSIBLE_VALUE):
            raise _impossible(str(cause).partition("\n")[0]) from error
        raise


def _impossible(why: str) -> DataError:
    return DataError(Fault(kind="value-invalid", message=f"The database cannot hold a value: {why}."))


def check(engine: Engine) -> str:
    """Return PostGIS's version when the database can be used at all.

    Raises
    ------
    DatabaseUnavailable
        If it does not answer.
    DatabaseUnsuitable
        If PostGIS is missing or older than :data:`OLDEST_POSTGIS`.
    DatabaseOutdated
        If migrations are pending, or the database is newer than this program.
    """
    with translated(), engine.connect() as connection:
        version = _postgis(connection)
        at = MigrationContext.configure(connection).get_current_revision()
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if at != head:
        raise DatabaseOutdated(
            f"The database is at migration {at or 'none'}, this program needs {head}; run: wangge db migrate"
        )
    return version


def migrate(engine: Engine) -> None:
    """Bring the database to the newest migration, in one transaction.

    What is derived from layers by our own code, a migration cannot fill: names of layers that were published
    before names were kept are made here.

    Raises
    ------
    DatabaseUnavailable, DatabaseUnsuitable
        As in :func:`check`.
    """
    with translated(), engine.begin() as connection:
        _postgis(connection)
        # Two servers started at once must not both migrate.
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('wangge migrate'))"))
        command.upgrade(_config(connection), "head")
        with Session(connection) as session:
            if names.missing(session):
                names.rebuild(session)
                session.flush()


def _postgis(connection: Connection) -> str:
    version: str | None = connection.scalar(
        text(
            "SELECT coalesce(max(installed_version), max(default_version))"
            " FROM pg_available_extensions WHERE name = 'postgis'"
        )
    )
    if version is None:
        raise DatabaseUnsuitable(
            "The database server has no PostGIS. On Debian: apt-get install postgresql-15-postgis-3"
        )
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < OLDEST_POSTGIS:
        raise DatabaseUnsuitable(f"PostGIS {version} is too old; 3.3 or later is needed.")
    return version


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    config.attributes["metadata"] = Base.metadata
    return config

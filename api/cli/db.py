"""`wangge db`: the database itself."""

import datetime as dt
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from api.cli.connection import Embedded, named_settings
from api.cli.connection import migrate as migrate_database
from api.cli.console import console
from api.embedded import EmbeddedServer, EmbeddedUnavailable, find_binaries
from api.settings import Settings

app = typer.Typer(
    no_args_is_help=True, help="Start, stop, migrate, back up and restore the database. 数据库。"
)

# The clean-up that pg_restore writes knows only what the backup holds, and takes partitions apart piece by piece, which
# PostgreSQL refuses: what an extension does not own goes first.
_EMPTY = """
DROP SCHEMA IF EXISTS wangge_read CASCADE;
DO $$ DECLARE ours regclass; BEGIN
    FOR ours IN SELECT oid FROM pg_class
        WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
    LOOP EXECUTE format('DROP TABLE %s CASCADE', ours); END LOOP;
END $$"""


@app.command()
def up() -> None:
    """Start the private PostGIS, bring it to the newest migration, and print its address."""
    server = EmbeddedServer(Settings().data_dir)
    console.print("private PostGIS started" if server.start() else "private PostGIS was running already")
    server.create_database()
    migrate_database(server.url())
    typer.echo(server.url())


@app.command()
def down() -> None:
    """Stop the private PostGIS; nothing that was committed is lost."""
    EmbeddedServer(Settings().data_dir).stop()
    console.print("private PostGIS stopped")


@app.command()
def migrate(embedded: Embedded = False) -> None:
    """Bring the database to the newest migration, in one transaction."""
    with named_settings(embedded=embedded) as settings:
        assert settings.database_url is not None  # noqa: S101 - named_settings sees to it
        migrate_database(settings.database_url)
    console.print("the database is at the newest migration")


@app.command()
def backup(
    file: Annotated[Path | None, typer.Argument(help="Where to write; a dated name if not given.")] = None,
    embedded: Embedded = False,
) -> None:
    """Write everything into one file (pg_dump's custom format)."""
    target = file or Path(f"wangge-{dt.datetime.now().astimezone():%Y%m%d-%H%M%S}.dump")
    with named_settings(embedded=embedded) as settings, target.open("wb") as handle:
        _tool("pg_dump", "--format=custom", f"--dbname={settings.database_url}", stdout=handle.fileno())
    typer.echo(str(target))


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before replacing all data.")] = False,
    embedded: Embedded = False,
) -> None:
    """Replace everything in the database by a backup, in one transaction."""
    if not yes:
        typer.confirm("This replaces all data in the database. Go on?", abort=True)
    with named_settings(embedded=embedded) as settings, tempfile.NamedTemporaryFile(suffix=".sql") as script:
        # Written whole before anything is replaced: a damaged backup must not be restored by half. Privileges of a
        # role that this server does not have would fail all of it.
        _tool(
            "pg_restore", "--clean", "--if-exists", "--no-owner", "--no-privileges",
            f"--file={script.name}", str(file),
        )  # fmt: skip
        _tool(
            "psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1",
            f"--dbname={settings.database_url}", f"--command={_EMPTY}", f"--file={script.name}",
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
    console.print("restored", markup=False)


def _tool(program: str, *arguments: str, stdout: int | None = None) -> None:
    done = subprocess.run(  # noqa: S603 - fixed programs, our own arguments
        [str(find_binaries() / program), *arguments],
        check=False, stdout=stdout, stderr=subprocess.PIPE, text=True, env=dict(os.environ),
    )  # fmt: skip
    if done.returncode != 0:
        raise EmbeddedUnavailable(f"{program} failed: {done.stderr.strip()}")

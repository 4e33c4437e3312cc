"""`wangge doctor` checks that everything the service needs is here."""

import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import version

import typer

from api.cli.connection import Embedded, connected, named_settings
from api.cli.console import console
from api.embedded import EmbeddedUnavailable, find_binaries
from api.settings import Settings
from api.web import assets
from layers import database
from layers.errors import LayersError
from layers.files import fonts

#: Free space below which a demo city and its history may not fit.
LEAST_FREE_BYTES = 2 * 1024**3


def doctor(embedded: Embedded = False) -> None:
    """Check the installation, print each finding with its remedy, and print the settings in force."""
    bad = 0
    for name, check in _checks(embedded=embedded):
        try:
            console.print(f"[green]✓[/green] {name}: {check()}")
        except (LayersError, EmbeddedUnavailable, OSError, RuntimeError) as error:
            bad += 1
            console.print(f"[red]✗[/red] {name}: {error}", soft_wrap=True)
    for field in Settings.model_fields:
        shown = "(set)" if field == "database_url" and Settings().database_url else getattr(Settings(), field)
        typer.echo(f"WANGGE_{field.upper()}={shown if shown is not None else ''}")
    raise typer.Exit(3 if bad else 0)


def _checks(*, embedded: bool) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "wangge", lambda: version("wangge")
    if embedded or Settings().database_url is None:
        yield "PostGIS programs", lambda: str(find_binaries())
    yield "database", lambda: _database(embedded=embedded)
    yield "browser packages", _browser_packages
    yield "Chinese font", _chinese_font
    yield "disk space", _disk_space


def _database(*, embedded: bool) -> str:
    with named_settings(embedded=embedded) as settings, connected(settings) as engine:
        return f"PostGIS {database.check(engine)}, migrations current"


def _browser_packages() -> str:
    return f"{len(assets.installed().files)} files"


def _chinese_font() -> str:
    return str(fonts.chinese()[0].path)


def _disk_space() -> str:
    folder = Settings().data_dir
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise RuntimeError(f"only {free / 1024**3:.1f} GiB free in {folder}; free at least 2 GiB")
    return f"{free / 1024**3:.0f} GiB free in {folder}"

"""`wangge revisions`: what was published, what it changed, and taking it back."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from api import diff_words
from api.cli.arguments import in_a_folder
from api.cli.connection import Embedded, connected, named_settings, transaction
from api.cli.console import console, print_faults, progress_bars
from api.dependencies import now
from api.maps import diff as diff_map
from api.maps import sheets, sources
from api.maps.page import MapPage, single_file
from api.settings import Settings
from api.undoing import WAYS
from api.web.assets import installed
from api.web.templating import Site
from geo.levels import LEVELS
from layers import catalogue, database, deployment, diffs, history, store, undoing
from layers.database import Session
from layers.diffs import Diff
from layers.errors import Conflict
from layers.tables import Revision

FAILED = 3

app = typer.Typer(
    no_args_is_help=True,
    help="修订 · What was published, when, by whom and why; what it changed; and taking it back.",
)

#: Who a revision that the command line publishes is by.
_AUTHOR = "command line"
_SUFFIXES = (".csv", ".xlsx", ".geojson", ".json", ".html", ".png")

Number = Annotated[int, typer.Argument(min=1, help="Number of a revision.")]
Note = Annotated[str, typer.Option(help="Why; it becomes the note of the new revision.")]


@app.command("list")
def list_revisions(
    before: Annotated[int | None, typer.Option(min=1, help="Only revisions below this number.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    embedded: Embedded = False,
) -> None:
    """列出 · Print revisions as lines of JSON, the newest first."""
    with transaction(embedded=embedded) as session:
        for revision in history.revisions(session, before=before, limit=limit):
            typer.echo(json.dumps(_row(revision), ensure_ascii=False))


@app.command("show")
def show_revision(number: Number, embedded: Embedded = False) -> None:
    """查看 · Print one revision as JSON."""
    with transaction(embedded=embedded) as session:
        typer.echo(json.dumps(_row(history.get(session, number)), ensure_ascii=False, indent=2))


@app.command("diff")
def diff_revisions(
    *,
    earlier: Annotated[int, typer.Argument(min=0, help="Number of a revision; 0: before the first.")],
    later: Annotated[int, typer.Argument(min=0, help="Number of another, in either order.")],
    layer: Annotated[str | None, typer.Option(help="Only this layer.")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            callback=in_a_folder,
            help="A .csv, .xlsx, .json, .geojson, .html (map) or .png (A4) file.",
        ),
    ] = None,
    embedded: Embedded = False,
) -> None:
    """对比 · What changed between two revisions, and the land that changed hands.

    \b
      wangge revisions diff 3 4                      a table of the features, as CSV
      wangge revisions diff 3 4 -o diff.geojson      both states and the land, for QGIS
      wangge revisions diff 3 9 --layer grids -o diff.png
    """  # noqa: D301 - typer keeps the lines of a paragraph led by \\b as they are
    suffix = output.suffix.lower() if output else ".csv"
    if suffix not in _SUFFIXES:
        raise typer.BadParameter(f"the ending says the format; use {', '.join(_SUFFIXES)}.", param_hint="-o")
    if layer is not None:
        catalogue.spec_of(layer)
    with progress_bars() as progress, transaction(embedded=embedded) as session:
        progress("对比 diff", 0, 1)
        found = diffs.between(session, earlier, later, layer=layer)
        if suffix == ".png" and diff_map.bounds(found) is None:
            message = "nothing that changed has a place to be drawn: write .csv."
            raise typer.BadParameter(message, param_hint="-o")
        body = _body(session, found, earlier, later, suffix)
        progress("对比 diff", 1, 1)
    if output is None:
        sys.stdout.buffer.write(body)
    else:
        output.write_bytes(body)
    for item in found:
        said = ", ".join(f"{kind} {count}" for kind, count in item.changes.counts.items() if count)
        console.print(f"{item.layer}: {said}", markup=False)
    if not found:
        console.print("the two revisions are the same", markup=False)


@app.command("revert")
def revert_revision(number: Number, note: Note, embedded: Embedded = False) -> None:
    """撤回 · Publish the inverse of what a revision changed; refused where later ones changed the same features."""
    _undo("revert", number, note, embedded=embedded)


@app.command("restore")
def restore_revision(number: Number, note: Note, embedded: Embedded = False) -> None:
    """恢复 · Publish the state at a revision, of the layers that it changed, over everything since."""
    _undo("restore", number, note, embedded=embedded)


def _undo(way: str, number: int, note: str, *, embedded: bool) -> None:
    if not note.strip():
        raise typer.BadParameter("say why.", param_hint="--note")
    with (
        named_settings(embedded=embedded) as settings,
        connected(settings) as engine,
        progress_bars() as progress,
        database.sessions(engine).begin() as session,
    ):
        progress(f"{way} {number}", 0, 1)
        try:
            found = WAYS[way](session, number)
        except Conflict as error:
            console.print(f"refused: {error}", markup=False, soft_wrap=True)
            print_faults(error.faults)
            raise typer.Exit(FAILED) from None
        done = undoing.publish(
            session,
            found,
            author=_AUTHOR,
            note=f"{way} {number}: {note.strip()}",
            now=now(),
            clock=now,
        )
        progress(f"{way} {number}", 1, 1)
    console.print(f"published as revision {done.revision}; incidents moved: {done.moved}", markup=False)


def _row(revision: Revision) -> dict[str, object]:
    return {
        "number": revision.number,
        "published_at": revision.published_at.isoformat(),
        "effective_from": revision.effective_from.isoformat(),
        "author": revision.author,
        "note": revision.note,
        "layers": revision.layers,
        "counts": revision.counts,
    }


def _body(session: Session, found: list[Diff], earlier: int, later: int, suffix: str) -> bytes:
    if suffix == ".html":
        return _page(session, found, earlier, later)
    if suffix == ".png":
        return _sheet(session, found, earlier, later)
    return diff_words.body(suffix[1:], found, earlier, later)


def _page(session: Session, found: list[Diff], earlier: int, later: int) -> bytes:
    newest = history.newest(session)
    page = MapPage(
        name="diff",
        site=_site(session, newest),
        bounds=diff_map.bounds(found) or sources.bounds(session, newest),
        values={
            "streets": sources.streets(session, newest),
            "areas": sources.areas(session, newest, today=now().date()),
            "diff": diff_map.diff_data(found),
        },
        chosen={"from": earlier, "to": later, "layer": None},
        context={
            "told": _told(session, earlier, later),
            "layers": catalogue.SPECS,
            "newest": newest,
            "kinds": diff_words.KINDS,
            "download": "",
        },
    )
    return single_file(page, installed()).encode()


def _sheet(session: Session, found: list[Diff], earlier: int, later: int) -> bytes:
    revision = max(earlier, later)
    told = [
        f"{one.number}  {one.published_at:%Y-%m-%d}  {one.author}" for one in _told(session, earlier, later)
    ]
    counted = [
        f"{catalogue.SPECS[item.layer].zh}  "
        + "  ".join(
            f"{diff_words.KINDS[kind][0]} {count:,}" for kind, count in item.changes.counts.items() if count
        )
        for item in found
    ]
    return sheets.changes(
        _site(session, revision),
        deployment.get(session).metric_crs,
        {level: sources.area_frame(session, revision, level) for level in LEVELS},
        store.read(session, "streets", revision, columns=["kind", "geometry"]),
        found,
        facts=[*told, *counted],
    )


def _told(session: Session, earlier: int, later: int) -> list[Revision]:
    return [history.get(session, number) for number in (earlier, later) if number]


def _site(session: Session, revision: int) -> Site:
    deployed, settings = deployment.get(session), Settings()
    return Site(
        city=deployed.city,
        invented=deployed.invented,
        revision=revision,
        attribution=sources.attribution(session, revision, settings.map_attribution),
        review_number=settings.map_review_number,
        timezone=settings.timezone,
    )

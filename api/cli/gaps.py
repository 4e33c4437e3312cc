"""`wangge coverage gaps`: what lies outside reach, as a file or as a report."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import typer

from api import coverage_words, gap_files, gap_report, gap_results
from api.cli.arguments import in_a_folder
from api.cli.connection import Embedded, transaction
from api.cli.console import console, print_faults, progress_bars
from api.dependencies import now
from api.gap_words import About
from api.maps import sources
from api.settings import Settings
from api.web.templating import Site
from geo.coverage import Query, gaps
from geo.coverage.gaps import Gaps
from geo.faults import DataError, Fault
from layers import deployment, history, store
from layers.coverage import load_city
from layers.database import Session
from layers.streets import load_network

WITH_DEFECTS, WRONG_USE = 1, 2

_FORMATS = (*gap_files.FORMATS, *gap_report.FORMATS)
_WORDS = "空白区 gaps"


def find_gaps(
    *,
    facility_type: Annotated[
        list[str] | None,
        typer.Option("--type", help="Facility types, repeated or with commas; default: all."),
    ] = None,
    minutes: Annotated[
        list[str] | None, typer.Option(help="Minutes, e.g. 5,10,15; default: each type's own circle.")
    ] = None,
    level: Annotated[
        str, typer.Option(help="district | subdistrict | community | grid: what shapes are clipped to.")
    ] = "community",
    profile: Annotated[str, typer.Option(help="adult | elderly | gb50180")] = "adult",
    weight: Annotated[str, typer.Option(help="people | households | count")] = "people",
    standard: Annotated[
        str | None, typer.Option(help="gb50180: each type against its own service radius.")
    ] = None,
    within: Annotated[str | None, typer.Option(help="Code of an area: only what lies in it.")] = None,
    least_m2: Annotated[
        float, typer.Option(help="Shapes below so many square metres are only counted.")
    ] = gaps.LEAST_M2,
    which: Annotated[
        gap_files.List, typer.Option("--list", help="Which list a .csv or .geojson holds.")
    ] = "gaps",
    lang: Annotated[Literal["zh", "en"], typer.Option(help="Language of a report.")] = "zh",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            callback=in_a_folder,
            help="A .gpkg, .xlsx, .csv, .geojson, .json, .docx or .pdf file.",
        ),
    ] = None,
    embedded: Embedded = False,
) -> None:
    """步行圈空白区 · The land and the people that no facility of a type reaches on foot.

    \b
      wangge coverage gaps --type fresh_market --minutes 10 -o gaps.gpkg        shapes and lists for QGIS
      wangge coverage gaps --type fresh_market --list compounds -o homes.csv    who is outside, most people first
      wangge coverage gaps --type fresh_market --level subdistrict -o report.docx       (.pdf; --lang en)

    Without -o the list goes to stdout as CSV. Compounds and facilities that no street reaches are named on stderr; the
    exit code is then 1.
    """  # noqa: D301 - typer keeps the lines of a paragraph led by \\b as they are
    try:
        written = _format(output)
        words = {"level": level, "profile": profile, "weight": weight, "standard": standard, "within": within}
        check = partial(gaps.check, least_m2=least_m2)
        query = coverage_words.asked(facility_type or [], minutes or [], check, **words)
    except DataError as error:
        print_faults(error.faults)
        raise typer.Exit(WRONG_USE) from None
    with progress_bars() as progress, transaction(embedded=embedded) as session:
        progress(_WORDS, 0, 2)
        found, revision, body = _work(
            session, query, least_m2=least_m2, written=written, which=which, lang=lang
        )
        progress(_WORDS, 2, 2)
    if output is None:
        sys.stdout.buffer.write(body)
    else:
        output.write_bytes(body)
    where = f" -> {output}" if output else ""
    console.print(
        f"revision {revision}: {len(found.shapes)} gaps, {len(found.compounds)} compounds outside{where}",
        markup=False,
    )
    if found.faults:
        print_faults(found.faults)
        raise typer.Exit(WITH_DEFECTS)


def _format(output: Path | None) -> str:
    """Tell the format by the file's ending."""
    word = "csv" if output is None else output.suffix.lower().removeprefix(".")
    if word not in _FORMATS:
        endings = ", ".join(f".{name}" for name in _FORMATS)
        message = f"{output and output.name}: the ending says the format; use {endings}."
        raise DataError(Fault(kind="format-unknown", message=message))
    return word


def _work(
    session: Session,
    query: Query,
    *,
    least_m2: float,
    written: str,
    which: gap_files.List,
    lang: Literal["zh", "en"],
) -> tuple[Gaps, int, bytes]:
    """Find the gaps of the current revision and write them, all layers read at that one."""
    settings, time = Settings(), now()
    revision = history.current(session, time)
    city = load_city(session, revision, load_network(session, revision))
    decided = deployment.get(session)
    versions = history.versions(session, revision)
    worked_out = gap_results.work_out(
        city, query, least_m2=least_m2, versions=versions, decided=decided, clock=now
    )
    found = worked_out.gaps
    about = About(
        query=query,
        revision=revision,
        date=time.astimezone(ZoneInfo(settings.timezone)).date(),
        city=decided.city,
        metric=decided.metric_crs,
        attribution=sources.attribution(session, revision, settings.map_attribution),
        worked_out=worked_out,
    )
    if written in gap_files.FORMATS:
        return found, revision, gap_files.body(found, city, about, written, which=which)
    site = Site(
        city=decided.city,
        invented=decided.invented,
        language=lang,
        revision=revision,
        attribution=about.attribution,
        review_number=settings.map_review_number,
        timezone=settings.timezone,
    )
    streets = store.read(session, "streets", revision, columns=["kind", "geometry"])
    return found, revision, gap_report.body(found, city, about, written, site=site, streets=streets)

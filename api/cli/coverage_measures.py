"""`wangge coverage nearest`, `elements` and `capacity`: the answers of the API, to files."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from api import coverage_measures
from api.cli.connection import Embedded, connected, named_settings
from api.cli.console import print_faults, progress_bars
from api.cli.coverage_files import WITH_DEFECTS, Output, check_output, refuse, write
from api.coverage_measures import Measure
from api.coverage_words import asked
from api.dependencies import now
from api.snapshots import Snapshots
from geo import coverage
from geo.coverage import capacity, elements, shares
from geo.faults import DataError
from layers import database
from layers.progress import during

Types = Annotated[
    list[str] | None,
    typer.Option("--type", help="Facility types, repeated or with commas; default: all."),
]
Minutes = Annotated[
    list[str] | None, typer.Option(help="Minutes, e.g. 5,10,15; default: each type's own circle.")
]
Profile = Annotated[str, typer.Option(help="adult 1.25 m/s | elderly 0.8 m/s | gb50180 (300, 500, 1000 m)")]
Weight = Annotated[str, typer.Option(help=" | ".join(shares.WEIGHTS))]
Within = Annotated[str | None, typer.Option(help="Code of an area: only rows in it.")]
Estates = Annotated[
    str | None, typer.Option(help="apart: old estates and the rest of each area in rows of their own.")
]


def nearest_table(
    *,
    facility_type: Types = None,
    profile: Profile = "adult",
    within: Within = None,
    output: Output = None,
    embedded: Embedded = False,
) -> None:
    """最近设施 · The nearest facility of each type from every compound, with minutes.

    \b
      wangge coverage nearest -o nearest.csv
      wangge coverage nearest --type fresh_market --profile elderly -o markets.xlsx

    Compounds from which no street leads to one say why.
    """  # noqa: D301 - typer keeps the lines of a paragraph led by \\b as they are

    def measure() -> Measure:
        query = asked(facility_type or [], [], profile=profile, within=within, level="compound")
        return coverage_measures.nearest_facilities(query)

    _run("最近设施 nearest", measure, output=output, embedded=embedded)


def elements_table(
    *,
    minutes: Minutes = None,
    level: Annotated[str, typer.Option(help=" | ".join(coverage.TABLE_LEVELS))] = "community",
    profile: Profile = "adult",
    method: Annotated[str, typer.Option(help="network (along streets) | circle | both")] = "network",
    weight: Weight = "people",
    within: Within = None,
    estates: Estates = None,
    output: Output = None,
    embedded: Embedded = False,
) -> None:
    """十要素完整度 · Which of the ten elements (党政居医养教文体娱商) are reached, and which are missing.

    \b
      wangge coverage elements --minutes 15 --level compound -o elements.xlsx
      wangge coverage elements --level grid -o grids.csv        each type within its own circle
    """  # noqa: D301 - typer keeps the lines of a paragraph led by \\b as they are

    def measure() -> Measure:
        words = {"level": level, "profile": profile, "method": method, "weight": weight}
        query = asked([], minutes or [], elements.check, **words, within=within, estates=estates)
        return coverage_measures.ten_elements(query)

    _run("十要素 elements", measure, output=output, embedded=embedded)


def capacity_table(
    *,
    facility_type: Types = None,
    minutes: Minutes = None,
    level: Annotated[str, typer.Option(help=" | ".join(capacity.LEVELS))] = "community",
    profile: Profile = "adult",
    weight: Weight = "people",
    standard: Annotated[
        str | None, typer.Option(help="gb50180: each type against its own service radius.")
    ] = None,
    within: Within = None,
    estates: Estates = None,
    need: Annotated[
        float, typer.Option(help="Places that one of the weight needs: 0.06 where 6 in 100 are pupils.")
    ] = 1.0,
    output: Output = None,
    embedded: Embedded = False,
) -> None:
    """容量 · Whether there is a place for those within a walk: nearest first, and a floating catchment score.

    \b
      wangge coverage capacity --type primary_school --need 0.06 -o schools.xlsx
      wangge coverage capacity --type primary_school --need 0.06 --level facility -o full.csv

    Without --type: the types of which some facility states a capacity.
    """  # noqa: D301 - typer keeps the lines of a paragraph led by \\b as they are

    def measure() -> Measure:
        words = {"level": level, "profile": profile, "weight": weight, "standard": standard}
        check = partial(capacity.check, need=need)
        query = asked(facility_type or [], minutes or [], check, **words, within=within, estates=estates)
        return coverage_measures.places(query, need=need)

    _run("容量 capacity", measure, output=output, embedded=embedded)


def _run(
    words: str,
    measure: Callable[[], Measure],
    *,
    output: Path | None,
    embedded: bool,
) -> None:
    """Understand, measure at the current revision, write."""
    try:
        check_output(output)
        asked_for = measure()
    except DataError as error:
        raise refuse(error) from None
    with (
        progress_bars() as progress,
        during(progress, words),
        named_settings(embedded=embedded) as settings,
        connected(settings) as engine,
    ):
        measured = asked_for.at(Snapshots(database.sessions(engine), now).current(), now)
    write(measured.shown, output)
    if measured.faults:
        print_faults(measured.faults)
        raise typer.Exit(WITH_DEFECTS)

"""`wangge scenario`: the saved scenarios, and what each does to coverage."""

import json
import sys
from typing import Annotated

import typer

from api.cli.connection import Embedded, transaction
from api.cli.console import print_faults, progress_bars
from api.cli.coverage_files import WITH_DEFECTS, Output, check_output, refuse, write
from api.cli.coverage_measures import Minutes, Profile, Types, Within
from api.coverage_words import asked
from api.dependencies import now
from api.scenario_words import shown
from api.scenarios import comparison_shown
from geo import coverage
from geo.coverage import changes, scenario
from geo.faults import DataError
from layers import history, scenarios
from layers.coverage import load_city
from layers.streets import load_network, load_source

app = typer.Typer(
    no_args_is_help=True,
    help="规划方案 · Saved scenarios: what if a facility, a gate, a bridge were there. Planners save them at /scenarios.",
)

Name = Annotated[str, typer.Argument(help="Name of a scenario, as `wangge scenario list` says it.")]


@app.command("list")
def list_scenarios(embedded: Embedded = False) -> None:
    """列出 · Print every scenario as a line of JSON, the last written first."""
    with transaction(embedded=embedded) as session:
        for saved in scenarios.listed(session):
            row = shown(saved).model_dump(mode="json", exclude={"changes", "note"})
            typer.echo(json.dumps(row | {"changes": len(saved.changes)}, ensure_ascii=False))


@app.command("show")
def show_scenario(name: Name, embedded: Embedded = False) -> None:
    """查看 · Print a scenario with its changes as JSON."""
    with transaction(embedded=embedded) as session:
        saved = shown(scenarios.by_name(session, name)).model_dump(mode="json")
    typer.echo(json.dumps(saved, ensure_ascii=False, indent=2))


@app.command("compare")
def compare_scenario(
    *,
    name: Name,
    facility_type: Types = None,
    minutes: Minutes = None,
    level: Annotated[str, typer.Option(help=" | ".join(coverage.TABLE_LEVELS))] = "community",
    profile: Profile = "adult",
    weight: Annotated[str, typer.Option(help=" | ".join(coverage.WEIGHTS))] = "people",
    within: Within = None,
    output: Output = None,
    embedded: Embedded = False,
) -> None:
    """比较 · Coverage before and after a scenario, and the change of each figure, by area.

    \b
      wangge scenario compare 滨江菜市场 --type fresh_market --minutes 10 -o compare.xlsx
      wangge scenario compare 滨江菜市场 --level compound --profile elderly -o compare.geojson

    Without -o the table goes to stdout as CSV. Compounds and facilities that no street reaches after it are named on
    stderr; the exit code is then 1.
    """  # noqa: D301 - typer keeps the lines of a paragraph led by \\b as they are
    try:
        check_output(output)
        words = {"level": level, "profile": profile, "weight": weight, "within": within}
        query = asked(facility_type or [], minutes or [], **words)
    except DataError as error:
        raise refuse(error) from None
    step = "方案 scenario"
    with progress_bars() as progress, transaction(embedded=embedded) as session:
        progress(step, 0, 3)
        saved = scenarios.by_name(session, name)
        revision = saved.base_revision or history.current(session, now())
        base = load_city(session, revision, load_network(session, revision))
        progress(step, 1, 3)
        stated = scenarios.changes_of(saved)
        faults = changes.faults(base, stated)
        if faults:
            raise DataError(faults)
        planned = scenario.planned(base, stated, lambda: load_source(session, revision))
        progress(step, 2, 3)
        before, after = coverage.answer(base, query), coverage.answer(planned, query)
        compared = comparison_shown(saved, (planned, base), (before, after), query, revision)
        progress(step, 3, 3)
    write(compared, output)
    sys.stdout.flush()
    if after.faults:
        print_faults(after.faults)
        raise typer.Exit(WITH_DEFECTS)

"""Scenarios: what if a facility, a gate, a bridge were there; before and after."""

from functools import partial
from typing import Annotated
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Header, Path, Response
from pydantic import BaseModel, ConfigDict

from api import stated, table_formats
from api.access import Caller, Permission, needs
from api.cities import city_at
from api.coverage_replies import body
from api.dependencies import Runtime, RuntimeDep, SessionDep, SnapshotDep
from api.errors import Problem
from api.routers.coverage import CoverageChanges, FormatDep, QuestionDep
from api.scenario_words import ScenarioIn, ScenarioList, ScenarioOut, all_faults, read_changes, shown
from api.scenarios import base_of, compared_at, plan, require_author, scope_faults
from api.snapshots import Snapshot
from geo import coverage
from geo.coverage import changes
from geo.faults import DataError, Fault
from layers import database, scenarios
from layers.scenarios import Draft
from layers.tables import Scenario

router = APIRouter(prefix="/api/scenarios", tags=["coverage"])

PlannerDep = Annotated[Caller, needs(Permission.PLAN)]
ScenarioId = Annotated[UUID, Path(description="`id` of a scenario")]
IfMatch = Annotated[str | None, Header(alias="If-Match", description="`ETag` of the scenario as it was read")]

_READ = [needs(Permission.READ_LAYERS)]


@router.post("", status_code=201, summary="Save a scenario")
async def create_scenario(
    *, said: ScenarioIn, caller: PlannerDep, snapshot: SnapshotDep, runtime: RuntimeDep, response: Response
) -> ScenarioOut:
    """Save a named set of changes to the city; nothing that is published changes.

    Every fault of every change is listed at once, with its place in `changes`. A name is taken once.
    """

    def save() -> ScenarioOut:
        draft = _draft(said, caller, snapshot, runtime)
        with database.translated(), runtime.look_ups.begin() as session:
            return shown(scenarios.create(session, draft, author=caller.name or "", now=runtime.clock()))

    return _tagged(response, await to_thread.run_sync(save, limiter=runtime.files))


@router.get("", dependencies=_READ, summary="All scenarios")
def list_scenarios(session: SessionDep) -> ScenarioList:
    """List the saved scenarios, the last written first."""
    return ScenarioList(scenarios=[shown(saved) for saved in scenarios.listed(session)])


@router.get("/{scenario_id}", dependencies=_READ, summary="One scenario")
def get_scenario(scenario_id: ScenarioId, session: SessionDep, response: Response) -> ScenarioOut:
    """Say what a scenario changes; `ETag` is the version that a later write names."""
    return _tagged(response, shown(scenarios.get(session, scenario_id)))


@router.put("/{scenario_id}", summary="Save a scenario anew")
async def rewrite_scenario(
    *,
    scenario_id: ScenarioId,
    said: ScenarioIn,
    caller: PlannerDep,
    snapshot: SnapshotDep,
    runtime: RuntimeDep,
    response: Response,
    if_match: IfMatch = None,
) -> ScenarioOut:
    """Replace a scenario of one's own; 412 where it was saved since it was read, so that nobody's work is lost."""
    version = _version(if_match)

    def save() -> ScenarioOut:
        draft = _draft(said, caller, snapshot, runtime)
        with database.translated(), runtime.look_ups.begin() as session:
            saved = scenarios.get(session, scenario_id, lock=True)
            require_author(caller, saved)
            _require_scope(caller, snapshot, saved)
            author = caller.name or ""
            return shown(
                scenarios.rewrite(session, saved, draft, version=version, author=author, now=runtime.clock())
            )

    return _tagged(response, await to_thread.run_sync(save, limiter=runtime.files))


@router.delete("/{scenario_id}", status_code=204, summary="Delete a scenario")
async def delete_scenario(
    *,
    scenario_id: ScenarioId,
    caller: PlannerDep,
    runtime: RuntimeDep,
    snapshot: SnapshotDep,
    if_match: IfMatch = None,
) -> None:
    """Delete a scenario of one's own; 412 where it was saved since it was read."""
    version = _version(if_match)

    def remove() -> None:
        # Judging the scope of an account may take the whole city.
        with database.translated(), runtime.look_ups.begin() as session:
            saved = scenarios.get(session, scenario_id, lock=True)
            require_author(caller, saved)
            _require_scope(caller, snapshot, saved)
            scenarios.remove(session, saved, version=version)

    await to_thread.run_sync(remove, limiter=runtime.files)


class ScenarioChanges(CoverageChanges):
    """A table of changes, as of `/api/coverage/changes`: before is the base at `revision`, after is the plan."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "scenario": {
                    "id": "8f0c6f7a-6a55-4a53-9d0a-0c2f6b8e7a11",
                    "name": "滨江菜市场",
                    "version": 1,
                },
                "revision": 4,
                "since_revision": 4,
                "level": "community",
                "rows": [
                    {
                        "code": "510899001001",
                        "name": "滨江社区",
                        "facility_type": "fresh_market",
                        "minutes": 10,
                        "method": "network",
                        "profile": "adult",
                        "weight": "people",
                        "covered_before": 4210.0,
                        "covered_after": 6105.0,
                        "covered_change": 1895.0,
                    }
                ],
                "demand_from": {"compound": 34},
                "not_judged": [],
                "faults": [],
            }
        }
    )

    scenario: "ScenarioName"


class ScenarioName(BaseModel):
    """Which scenario."""

    id: UUID
    name: str
    version: int


@router.get(
    "/{scenario_id}/coverage",
    dependencies=_READ,
    response_model=ScenarioChanges,
    summary="What a scenario does to coverage",
    responses={200: {"content": {media: {} for media in table_formats.FORMATS.values()}}},
)
async def get_scenario_coverage(
    *,
    scenario_id: ScenarioId,
    snapshot: SnapshotDep,
    runtime: RuntimeDep,
    query: QuestionDep,
    written: FormatDep,
) -> Response:
    """Put coverage before and after side by side: each figure, and its change, by area."""
    work = partial(_compared, scenario_id, snapshot, runtime, query, written)
    # A new bridge takes a processor for seconds: as many at once as files, and no thread of the others.
    return await to_thread.run_sync(work, limiter=runtime.files)


def _compared(
    scenario_id: UUID, snapshot: Snapshot, runtime: Runtime, query: coverage.Query, written: str
) -> Response:
    with database.translated(), runtime.look_ups() as session:
        saved = scenarios.get(session, scenario_id)
    base = base_of(runtime, snapshot, saved.base_revision)
    found = compared_at(runtime, base, saved, query)
    name = f"scenario-{query.level}"
    return table_formats.reply(body(written, found), written, name=name, revision=base.revision)


def _draft(said: ScenarioIn, caller: Caller, snapshot: Snapshot, runtime: Runtime) -> Draft:
    """Understand what is to be saved, and work it out once: what cannot be is not saved.

    Raises
    ------
    DataError
        Every fault of every change.
    """
    faults: list[Fault] = []
    if said.base_revision is not None and not 1 <= said.base_revision <= snapshot.revision:
        message = f"There is no revision {said.base_revision}; the current one is {snapshot.revision}."
        faults.append(Fault(kind="parameter-invalid", field="base_revision", message=message))
        base = snapshot
    else:
        base = base_of(runtime, snapshot, said.base_revision)
    planned, misplaced = read_changes(said, runtime.settings)
    city = city_at(base)
    found = all_faults(misplaced, changes.faults(city, planned))
    if not found:
        found = scope_faults(caller, base, planned)
    faults += found
    if faults:
        raise DataError(faults)
    plan(base, city, planned)
    return Draft(name=said.name, note=said.note, base_revision=said.base_revision, changes=planned)


def _require_scope(caller: Caller, snapshot: Snapshot, saved: Scenario) -> None:
    """Refuse to write what plans outside of the caller's areas.

    Raises
    ------
    Problem
        ``forbidden``.
    """
    if scope_faults(caller, snapshot, scenarios.changes_of(saved)):
        raise Problem(
            "forbidden", f"The scenario {saved.name!r} changes places outside of your account's areas."
        )


def _version(if_match: str | None) -> int:
    """Return the version that a write names.

    Raises
    ------
    Problem
        ``version-missing`` where it names none.
    """
    if if_match is None:
        message = "Send If-Match with the ETag of the scenario as you have read it."
        raise Problem("version-missing", message)
    return stated.version(if_match)


def _tagged(response: Response, saved: ScenarioOut) -> ScenarioOut:
    response.headers["ETag"] = f'"{saved.version}"'
    response.headers["Location"] = f"/api/scenarios/{saved.id}"
    return saved

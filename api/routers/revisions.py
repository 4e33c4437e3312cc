"""History: what was published when, what it changed, and taking it back."""

import datetime as dt
from functools import partial
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api import diff_words, table_formats
from api.access import Caller, Permission, needs
from api.dependencies import Runtime, RuntimeDep, SessionDep, SnapshotDep
from api.scopes import reads_people
from api.undoing import Undoing, carry_out
from layers import catalogue, database, diffs, history

router = APIRouter(prefix="/api/revisions", tags=["revisions"])

PublisherDep = Annotated[Caller, needs(Permission.PUBLISH)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="number of a revision")]
AnyNumber = Annotated[int, Path(ge=0, le=2**31 - 1, description="number of a revision; 0: before the first")]
Key = Annotated[
    str | None, Header(max_length=255, description="a repeated request with the same key publishes once")
]

_READ = [needs(Permission.READ_LAYERS)]


class RevisionOut(BaseModel):
    """One publication; `counts` says by layer how many features it added, changed and removed."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "number": 4,
                "published_at": "2026-03-01T01:00:00Z",
                "effective_from": "2026-03-01T01:00:00Z",
                "author": "zhang",
                "note": "import grids from grids.gpkg",
                "layers": ["grids"],
                "counts": {"grids": {"added": 600, "changed": 0, "removed": 0}},
            }
        },
    )

    number: int
    published_at: dt.datetime
    effective_from: dt.datetime
    author: str
    note: str
    layers: list[str]
    counts: dict[str, Any]


class RevisionList(BaseModel):
    """A page of revisions; `next` is the path of the next page."""

    revision: int
    revisions: list[RevisionOut]
    next: str | None


class UndoIn(BaseModel):
    """Why something is taken back: it becomes the note of the new revision."""

    model_config = ConfigDict(
        str_strip_whitespace=True, extra="forbid", json_schema_extra={"example": {"note": "划错了，沿河另划"}}
    )

    note: str = Field(min_length=1, max_length=1000)


class ChangeOut(BaseModel):
    """A feature that changed.

    `kind` is `added`, `removed`, `moved` (another border or place), `nodes` (the same land, its border with other nodes) or
    `attributes`; `fields` names what differs and `values` has it before and after, shapes apart. `grown_m2` is how much an
    area grew, `moved_m` how far a point moved.
    """

    id: str
    kind: str
    code: str
    code_before: str | None
    name: str | None
    fields: list[str]
    grown_m2: float | None
    moved_m: float | None
    values: dict[str, list[Any]]


class LandOut(BaseModel):
    """Land that changed hands; a code that is null is nobody's."""

    from_code: str | None
    to_code: str | None
    area_m2: float


class LayerDiff(BaseModel):
    """What became of one layer; `land` is null for layers that do not part the land."""

    layer: str
    counts: dict[str, int]
    changes: list[ChangeOut]
    land: list[LandOut] | None


_DIFFERENCE: dict[str, Any] = {
    "from_revision": 3,
    "to_revision": 4,
    "layers": [
        {
            "layer": "grids",
            "counts": {"added": 0, "removed": 0, "moved": 2, "nodes": 0, "attributes": 0},
            "changes": [
                {
                    "id": "8f0c6f7a-6a55-4a53-9d0a-0c2f6b8e7a11",
                    "kind": "moved",
                    "code": "510899001001003",
                    "code_before": "510899001001003",
                    "name": "第三网格",
                    "fields": ["geometry"],
                    "grown_m2": 1840.2,
                    "moved_m": None,
                    "values": {},
                }
            ],
            "land": [{"from_code": "510899001001004", "to_code": "510899001001003", "area_m2": 1840.2}],
        }
    ],
}


class DiffOut(BaseModel):
    """What turns the state at one revision into that at another."""

    model_config = ConfigDict(json_schema_extra={"example": _DIFFERENCE})

    from_revision: int
    to_revision: int
    layers: list[LayerDiff]


class DraftDiff(BaseModel):
    """What turns a draft's base into what the draft makes of it; `to_revision` is null."""

    model_config = ConfigDict(json_schema_extra={"example": {**_DIFFERENCE, "to_revision": None}})

    from_revision: int
    to_revision: None
    layers: list[LayerDiff]


@router.get("", dependencies=_READ, summary="List revisions")
def list_revisions(
    session: SessionDep,
    snapshot: SnapshotDep,
    before: Annotated[int | None, Query(ge=1, description="only revisions below this number")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="revisions a page")] = 100,
) -> RevisionList:
    """Return revisions, newest first."""
    found = history.revisions(session, before=before, limit=limit + 1)
    page = [RevisionOut.model_validate(row) for row in found[:limit]]
    more = f"/api/revisions?before={page[-1].number}&limit={limit}" if len(found) > limit else None
    return RevisionList(revision=snapshot.revision, revisions=page, next=more)


@router.get("/{number}", dependencies=_READ, summary="One revision")
def get_revision(number: Number, session: SessionDep) -> RevisionOut:
    """Say who published a revision, when, why, and how much it changed."""
    return RevisionOut.model_validate(history.get(session, number))


@router.get(
    "/{earlier}/diff/{later}",
    response_model=DiffOut,
    summary="What changed between two revisions",
    responses={200: {"content": {media: {} for media in table_formats.FORMATS.values()}}},
)
async def get_diff(
    *,
    earlier: AnyNumber,
    later: AnyNumber,
    runtime: RuntimeDep,
    caller: Annotated[Caller, needs(Permission.READ_LAYERS)],
    layer: Annotated[str | None, Query(description="only this layer; all by default")] = None,
    format: Annotated[  # noqa: A002 - the parameter's name
        str | None, Query(description=table_formats.DESCRIPTION)
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> Response:
    """List the features that differ, with the land that changed hands between codes; the order may be reversed.

    GeoJSON has each changed feature as it was and as it is (`state`), and the land (`what` is `land`).
    Who holds a post is told to accounts that read personal data of the whole city.
    """
    written = table_formats.choose(format, accept)
    if layer is not None:
        catalogue.spec_of(layer)
    work = partial(_diff, runtime, caller, (earlier, later, layer), written)
    return await to_thread.run_sync(work, limiter=runtime.files)


def _diff(runtime: Runtime, caller: Caller, asked: tuple[int, int, str | None], written: str) -> Response:
    earlier, later, layer = asked
    with database.translated(), runtime.look_ups() as session:
        found = diffs.between(session, earlier, later, layer=layer)
    if not reads_people(caller):
        found = diffs.impersonal(found)
    body = diff_words.body(written, found, earlier, later)
    return table_formats.reply(body, written, name=f"diff-{earlier}-{later}", revision=later)


@router.post("/{number}/revert", status_code=201, summary="Take a revision back")
async def revert_revision(
    *,
    number: Number,
    said: UndoIn,
    runtime: RuntimeDep,
    caller: PublisherDep,
    response: Response,
    idempotency_key: Key = None,
) -> RevisionOut:
    """Publish the inverse of what a revision changed; the history before it stays.

    409 names the features that later revisions changed again, 422 every defect that would be new or larger.
    """
    asked = Undoing(way="revert", number=number, note=said.note, key=idempotency_key)
    return await _undone(runtime, caller, asked, response)


@router.post("/{number}/restore", status_code=201, summary="Bring a state back")
async def restore_revision(
    *,
    number: Number,
    said: UndoIn,
    runtime: RuntimeDep,
    caller: PublisherDep,
    response: Response,
    idempotency_key: Key = None,
) -> RevisionOut:
    """Publish the state at a revision, of the layers that it changed, over everything that came later.

    422 names every defect that would be new or larger than now.
    """
    asked = Undoing(way="restore", number=number, note=said.note, key=idempotency_key)
    return await _undone(runtime, caller, asked, response)


async def _undone(runtime: Runtime, caller: Caller, asked: Undoing, response: Response) -> RevisionOut:
    # The whole layer is checked and the incidents are moved: as many at once as files, and no thread of the others.
    work = partial(carry_out, runtime, caller, asked)
    published, created = await to_thread.run_sync(work, limiter=runtime.files)
    response.status_code = 201 if created else 200
    response.headers["Location"] = f"/api/revisions/{published.number}"
    return RevisionOut.model_validate(published)

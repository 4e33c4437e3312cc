"""Drafts on their way: submitted, reviewed, rebased, published."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Depends, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import clash_words, draft_deeds
from api.access import Caller, Permission, needs
from api.dependencies import RuntimeDep, SessionDep
from api.draft_deeds import Asked, require_draft_scope, require_second_person
from api.drafts import DraftId, DraftOut, EditorDep, IdempotencyKey, IfMatch, require_keeper
from api.scopes import reads_people
from layers import database
from layers.database import Session
from layers.drafts import keeping, rebasing, review
from layers.tables import Draft

router = APIRouter(prefix="/api/drafts/{draft_id}", tags=["drafts"])

ReviewerDep = Annotated[Caller, needs(Permission.REVIEW)]
PublisherDep = Annotated[Caller, needs(Permission.PUBLISH)]
_Deed = Callable[[Session, Draft], None]


@dataclass(frozen=True, slots=True)
class Write:
    """Which draft a request writes to, and what it says about itself."""

    draft_id: UUID
    if_match: str | None
    key: str | None

    def asked(self, deed: str, caller: Caller, said: BaseModel) -> Asked:
        """Return the whole request."""
        return Asked(
            deed=deed,
            draft_id=self.draft_id,
            caller=caller,
            said=said,
            if_match=self.if_match,
            key=self.key,
        )


async def _write(
    draft_id: DraftId,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Write:
    return Write(draft_id, if_match, idempotency_key)


WriteDep = Annotated[Write, Depends(_write)]


class NothingIn(BaseModel):
    """Nothing needs to be said."""

    model_config = ConfigDict(extra="forbid")


class ApprovalIn(BaseModel):
    """What a reviewer says of a draft."""

    model_config = ConfigDict(
        str_strip_whitespace=True, extra="forbid", json_schema_extra={"example": {"review": "界线清楚"}}
    )

    review: Annotated[str, Field(max_length=4000)] = ""


class RejectionIn(BaseModel):
    """Why a draft goes back to its author."""

    model_config = ConfigDict(
        str_strip_whitespace=True, extra="forbid", json_schema_extra={"example": {"review": "应沿河中心划"}}
    )

    review: Annotated[str, Field(min_length=1, max_length=4000)]


class PublicationIn(BaseModel):
    """When to publish a draft (now, if nothing is said), and its note, which the revision carries."""

    model_config = ConfigDict(
        str_strip_whitespace=True,
        extra="forbid",
        json_schema_extra={
            "example": {"publish_at": "2026-03-01T00:00:00+08:00", "note": "按 3 月 1 日通知"}
        },
    )

    publish_at: AwareDatetime | None = None
    note: Annotated[str, Field(max_length=4000)] | None = None


class RebaseIn(BaseModel):
    """Whose word counts in what both sides changed, by the `id` of a feature."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"settled": {"8f0c6f7a-6a55-4a53-9d0a-0c2f6b8e7a11": "mine"}}},
    )

    settled: dict[UUID, Literal["mine", "theirs"]] = Field(default_factory=dict, max_length=100_000)


class ConflictOut(BaseModel):
    """A feature that the draft and others both changed.

    `fields` exclude each other; none where one side removed it. `revision` is the first since the base that changed it,
    `author` its author. `base`, `mine` and `theirs` are GeoJSON features, null where the feature is not there.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "layer": "grids",
                "id": "8f0c6f7a-6a55-4a53-9d0a-0c2f6b8e7a11",
                "code": "510899001001003",
                "fields": ["name"],
                "revision": 13,
                "author": "wang",
                "base": {"type": "Feature", "geometry": None, "properties": {"name": "第三网格"}},
                "mine": {"type": "Feature", "geometry": None, "properties": {"name": "北门网格"}},
                "theirs": {"type": "Feature", "geometry": None, "properties": {"name": "滨江第三网格"}},
            }
        }
    )

    layer: str
    id: UUID
    code: str
    fields: list[str]
    revision: int
    author: str
    base: dict[str, Any] | None
    mine: dict[str, Any] | None
    theirs: dict[str, Any] | None


class ConflictList(BaseModel):
    """What a rebase onto `revision` would find; `joined` are codes, by layer, in which both sides' changes come together."""

    base_revision: int
    revision: int
    conflicts: list[ConflictOut]
    joined: dict[str, list[str]]


@router.post("/submit", summary="Submit a draft for review")
def submit_draft(
    *,
    write: WriteDep,
    caller: EditorDep,
    session: SessionDep,
    runtime: RuntimeDep,
    response: Response,
    said: NothingIn | None = None,
) -> DraftOut:
    """Hand a draft in; it takes no edits until it is withdrawn or rejected. Its author and reviewers may."""
    now = runtime.clock()

    def deed(session: Session, draft: Draft) -> None:
        require_keeper(caller, draft)
        review.submit(session, draft, by=caller.name or "", now=now)

    asked = write.asked("submit", caller, said or NothingIn())
    return _done(session, asked, deed, response, now)


@router.post("/withdraw", summary="Withdraw a draft from review")
def withdraw_draft(
    *,
    write: WriteDep,
    caller: EditorDep,
    session: SessionDep,
    runtime: RuntimeDep,
    response: Response,
    said: NothingIn | None = None,
) -> DraftOut:
    """Open a draft again; an approval and a time to publish at lapse. Its author and reviewers may."""
    now = runtime.clock()

    def deed(session: Session, draft: Draft) -> None:
        require_keeper(caller, draft)
        review.withdraw(session, draft, now=now)

    asked = write.asked("withdraw", caller, said or NothingIn())
    return _done(session, asked, deed, response, now)


@router.post("/approve", summary="Approve a draft")
def approve_draft(
    *,
    write: WriteDep,
    caller: ReviewerDep,
    session: SessionDep,
    runtime: RuntimeDep,
    response: Response,
    said: ApprovalIn | None = None,
) -> DraftOut:
    """Approve a draft that was submitted; nobody who had a hand in it may. Send what you have read as `If-Match`."""
    now, words = runtime.clock(), said or ApprovalIn()

    def deed(session: Session, draft: Draft) -> None:
        require_second_person(session, caller, draft)
        require_draft_scope(session, caller, draft)
        review.approve(session, draft, by=caller.name or "", note=words.review, now=now)

    asked = write.asked("approve", caller, words)
    return _done(session, asked, deed, response, now)


@router.post("/reject", summary="Reject a draft")
def reject_draft(
    *,
    write: WriteDep,
    said: RejectionIn,
    caller: ReviewerDep,
    session: SessionDep,
    runtime: RuntimeDep,
    response: Response,
) -> DraftOut:
    """Give a draft back to its author with the reason; it is open again."""
    now = runtime.clock()

    def deed(session: Session, draft: Draft) -> None:
        require_draft_scope(session, caller, draft)
        review.reject(session, draft, by=caller.name or "", reason=said.review, now=now)

    asked = write.asked("reject", caller, said)
    return _done(session, asked, deed, response, now)


@router.get("/conflicts", summary="What others changed too")
async def list_conflicts(draft_id: DraftId, caller: EditorDep, runtime: RuntimeDep) -> ConflictList:
    """Tell what a rebase onto the newest revision would find; nothing is changed."""

    def work() -> ConflictList:
        with database.translated(), runtime.look_ups() as session:
            draft = keeping.get(session, draft_id)
            found = rebasing.compare(session, draft)
            listed = clash_words.documents(found.clashes, personal=reads_people(caller))
        return ConflictList(
            base_revision=draft.base_revision,
            revision=found.newest,
            conflicts=[ConflictOut.model_validate(each) for each in listed],
            joined=found.joined,
        )

    return await to_thread.run_sync(work, limiter=runtime.files)


@router.post("/rebase", summary="Put a draft onto the newest revision")
async def rebase_draft(
    *,
    write: WriteDep,
    caller: EditorDep,
    runtime: RuntimeDep,
    response: Response,
    said: RebaseIn | None = None,
) -> DraftOut:
    """Merge a draft's changes onto the newest revision, feature by feature and field by field, as one step.

    409 lists in `conflicts` what both sides changed and no word in `settled` decides; nothing is changed then. Steps before
    it cannot be undone any more.
    """
    words = said or RebaseIn()
    settled = {str(key): word for key, word in words.settled.items()}
    asked = write.asked("rebase", caller, words)
    now = runtime.clock()

    def deed(session: Session, draft: Draft) -> None:
        rebasing.rebase(session, draft, settled, author=caller.name or "", now=now)
        require_draft_scope(session, caller, draft)

    def work() -> DraftOut:
        with database.translated(), runtime.look_ups.begin() as session:
            return draft_deeds.carry_out(session, asked, deed, now=now)[0]

    return _tagged(response, await to_thread.run_sync(work, limiter=runtime.files))


@router.post(
    "/publish",
    status_code=201,
    summary="Publish a draft",
    responses={202: {"model": DraftOut}, 200: {"model": DraftOut}},
)
async def publish_draft(
    *,
    write: WriteDep,
    caller: PublisherDep,
    runtime: RuntimeDep,
    response: Response,
    said: PublicationIn | None = None,
) -> DraftOut:
    """Publish a draft as one revision: now (201), or at a time (202).

    409 where it is not approved, or names in `conflicts`, with both states, the features that others changed since its
    base; 422 lists each defect of areas that would be new or larger than now. At its time a draft that is refused becomes
    open again, with the report in `refusal`.
    """
    words = said or PublicationIn()
    asked = write.asked("publish", caller, words)
    work = partial(draft_deeds.publish, runtime, asked, note=words.note, at=words.publish_at)
    # The layers are checked and the incidents are moved: as many at once as files, and no thread of the others.
    done, did = await to_thread.run_sync(work, limiter=runtime.files)
    response.status_code = (201 if words.publish_at is None else 202) if did else 200
    return _tagged(response, done)


def _done(session: Session, asked: Asked, deed: _Deed, response: Response, now: dt.datetime) -> DraftOut:
    done, _ = draft_deeds.carry_out(session, asked, deed, now=now)
    return _tagged(response, done)


def _tagged(response: Response, done: DraftOut) -> DraftOut:
    response.headers["ETag"] = f'"{done.version}"'
    published = done.revision is not None
    response.headers["Location"] = (
        f"/api/revisions/{done.revision}" if published else f"/api/drafts/{done.id}"
    )
    return done

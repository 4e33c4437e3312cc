"""Drafts for callers: what is told of one, and who may write where."""

import datetime as dt
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Header, Path, Response
from pydantic import BaseModel, ConfigDict

from api import stated
from api.access import Caller, Permission, needs
from api.errors import Problem
from geo.changes import Changes
from layers import held
from layers.database import Session
from layers.drafts import keeping, states
from layers.drafts.keeping import Request
from layers.drafts.states import State
from layers.tables import Draft

DraftId = Annotated[UUID, Path(description="`id` of a draft")]
EditorDep = Annotated[Caller, needs(Permission.EDIT)]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match", description="`ETag` of the draft as it was read; 412 where it was written to since"
    ),
]

IdempotencyKey = Annotated[
    str | None,
    Header(max_length=255, description="a repeated request with the same key does nothing more"),
]


class DraftOut(BaseModel):
    """A draft: what is to become of the layers of `base_revision`.

    `step` is the step at which it stands, `version` counts every write, `revision` is what it was published as.
    `publish_at` is when it is to be published, `refusal` why that did not take place.
    """

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "id": "8f0c6f7a-6a55-4a53-9d0a-0c2f6b8e7a11",
                "title": "滨江社区网格调整",
                "note": "按 3 月 1 日通知",
                "author": "zhang",
                "base_revision": 12,
                "status": "open",
                "step": 3,
                "version": 4,
                "created_at": "2026-02-20T01:00:00Z",
                "updated_at": "2026-02-20T02:30:00Z",
                "submitted_by": None,
                "submitted_at": None,
                "reviewed_by": None,
                "reviewed_at": None,
                "review": None,
                "publish_at": None,
                "refusal": None,
                "revision": None,
            }
        },
    )

    id: UUID
    title: str
    note: str
    author: str
    base_revision: int
    status: str
    step: int
    version: int
    created_at: dt.datetime
    updated_at: dt.datetime
    submitted_by: str | None
    submitted_at: dt.datetime | None
    reviewed_by: str | None
    reviewed_at: dt.datetime | None
    review: str | None
    publish_at: dt.datetime | None
    refusal: dict[str, Any] | None
    revision: int | None


def request_of(caller: Caller, key: str | None, *said: str | BaseModel) -> Request | None:
    """Return what tells a request that may be repeated from others: what it does, to what, and its body."""
    if key is None:
        return None
    parts = [each if isinstance(each, str) else each.model_dump(mode="json") for each in said]
    digest = sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).digest()
    return Request(caller.name or "", key, digest)


def tag(draft: Draft | DraftOut) -> str:
    """Return the ``ETag`` of a draft: its version."""
    return f'"{draft.version}"'


def tagged(response: Response, draft: Draft | DraftOut) -> DraftOut:
    """Return what is told of a draft; its version is the reply's ``ETag``."""
    response.headers["ETag"] = tag(draft)
    response.headers["Location"] = f"/api/drafts/{draft.id}"
    return DraftOut.model_validate(draft)


def locked(session: Session, draft_id: UUID, if_match: str | None) -> Draft:
    """Return a draft that nobody else writes to until the request has ended.

    Raises
    ------
    NotFound
        If there is none.
    Stale
        If it is not at the version that the request names.
    Conflict
        If others write to it for too long.
    """
    draft = keeping.get(session, draft_id, lock=True)
    require_version(draft, if_match)
    return draft


def require_version(draft: Draft, if_match: str | None) -> None:
    """Refuse a write to a draft that is not at the version that the request names, if it names one.

    Raises
    ------
    Stale
        If it was written to since.
    """
    if if_match is not None:
        keeping.check_version(draft, stated.version(if_match))


def require_scope(session: Session, caller: Caller, state: State, found: Mapping[str, Changes]) -> None:
    """Refuse to change anything outside of the caller's areas; what lies nowhere is outside.

    Parameters
    ----------
    state
        The draft before these changes.

    Raises
    ------
    Problem
        ``forbidden``.
    """
    if not caller.areas:
        return
    before, after = states.step_readers(session, state, found)
    if not all(caller.covers(path) for path in held.paths(before, after, found)):
        raise Problem(
            "forbidden",
            f"It would change features outside of your account's areas ({', '.join(caller.areas)}).",
        )


def require_keeper(caller: Caller, draft: Draft) -> None:
    """Refuse what only the author of a draft and reviewers may do with it.

    Raises
    ------
    Problem
        ``forbidden``.
    """
    if caller.name != draft.author and not caller.may(Permission.REVIEW):
        raise Problem("forbidden", f"The draft {draft.title!r} is {draft.author}'s: ask them, or a reviewer.")

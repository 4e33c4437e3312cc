"""Events for subscribers: each publication, and what becomes of drafts."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from api.access import Caller, Permission, needs
from api.dependencies import RuntimeDep
from api.errors import Problem
from api.events import MOST, Event, Events, Subscription
from api.routers.revisions import RevisionOut
from layers.events import DraftTold
from layers.tables import Revision

router = APIRouter(prefix="/api/revisions", tags=["revisions"])

#: Seconds after which a stream ends: whoever comes back has its account looked at anew.
LONGEST_S = 600.0
#: Milliseconds after which a browser comes back.
_RETRY_MS = 1000


class DraftEvent(BaseModel):
    """A draft came to another status; `revision` is what it was published as."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    status: str
    version: int
    revision: int | None


class Listening:
    """A subscription with what comes first, and what its caller may hear."""

    def __init__(self, subscription: Subscription, missed: list[Revision], caller: Caller) -> None:
        self._subscription, self._missed = subscription, missed
        self._hears_drafts = caller.may(Permission.EDIT)

    async def events(self) -> AsyncIterator[Event]:
        """Yield what was missed, then what happens, for a while."""
        last = 0
        for revision in self._missed:
            last = revision.number
            yield revision
        until = asyncio.get_running_loop().time() + LONGEST_S
        while (event := await self._subscription.next(until)) is not None:
            if isinstance(event, Revision):
                if event.number > last:
                    yield event
            elif self._hears_drafts:
                yield event


async def _listening(
    runtime: RuntimeDep,
    caller: Annotated[Caller, needs(Permission.READ_LAYERS)],
    last_event_id: Annotated[
        int | None, Header(ge=0, le=2**31 - 1, description="the last revision that was heard of")
    ] = None,
) -> AsyncIterator[Listening]:
    events: Events = runtime.events
    if events.subscribers >= MOST:
        raise Problem("too-many-requests", f"{MOST} subscribers listen already; try again later.")
    loop = asyncio.get_running_loop()
    subscription, missed = await run_in_threadpool(events.subscribe, loop, last_event_id)
    try:
        yield Listening(subscription, missed, caller)
    finally:
        events.leave(subscription)


@router.get(
    "/events",
    dependencies=[needs(Permission.READ_LAYERS)],
    response_class=EventSourceResponse,
    summary="Hear of publications",
)
async def hear(listening: Annotated[Listening, Depends(_listening)]) -> AsyncIterator[ServerSentEvent]:
    """Stream Server-Sent Events: `revision` for each publication (its data as `/api/revisions/{number}`), and `draft`.

    The first event is the newest revision. `id` is the revision's number: who comes back with it as `Last-Event-ID`, as
    browsers do by themselves, hears of every revision since. Whoever is told of a revision is answered from it. Accounts
    that edit also hear when a draft comes to another status (`id`, `status`, `version`, `revision`). A stream ends after ten
    minutes; come back then.
    """
    first = True
    async for event in listening.events():
        yield _sent(event, retry=_RETRY_MS if first else None)
        first = False


def _sent(event: Event, *, retry: int | None) -> ServerSentEvent:
    if isinstance(event, DraftTold):
        return ServerSentEvent(event="draft", data=DraftEvent.model_validate(event), retry=retry)
    told = RevisionOut.model_validate(event)
    return ServerSentEvent(event="revision", id=str(told.number), data=told, retry=retry)

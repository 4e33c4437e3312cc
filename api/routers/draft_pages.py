"""Pages about drafts: the list, and one draft with its steps, map, defects, impact, review and publication."""

from typing import Annotated, Any, Literal
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api import diff_words, draft_imports, draft_words
from api.access import Caller, Permission, needs
from api.dependencies import Runtime, RuntimeDep, SessionDep, SnapshotDep
from api.drafts import DraftId, EditorDep
from api.impact_words import FIGURE_WORDS
from api.maps import diff, sources
from api.maps.encoding import dump
from api.maps.page import EVERYWHERE, script_config
from api.web import replies, words
from api.web.reader import PageRoute, ReaderDep
from geo.faults import KINDS
from layers import database
from layers.catalogue import SPECS
from layers.drafts import keeping, publishing, review, states, steps
from layers.tables import Draft

router = APIRouter(include_in_schema=False, route_class=PageRoute)

#: Drafts on a page of the list.
_SHOWN = 50

#: Which drafts a list may show, by the word in its address.
_LISTED = {"standing": keeping.STANDING, "published": ("published",), "discarded": ("discarded",)}

#: What can be done with a draft in each state, the usual first.
_DEEDS: dict[str, tuple[str, ...]] = {
    "open": ("submit", "discard"),
    "submitted": ("approve", "reject", "withdraw", "discard"),
    "approved": ("publish", "withdraw", "discard"),
    "scheduled": ("publish", "withdraw", "discard"),
}


@router.get("/drafts", dependencies=[needs(Permission.EDIT)])
def draft_list(
    *,
    reader: ReaderDep,
    session: SessionDep,
    which: Annotated[Literal["standing", "published", "discarded"], Query()] = "standing",
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """List drafts, and begin one."""
    page = keeping.listed(session, statuses=_LISTED[which], offset=offset, limit=_SHOWN)
    config = script_config(reader.site, {"drafts": "/api/drafts"})
    return reader.page(
        "drafts.html",
        config={**config, "csrf": reader.site.csrf},
        drafts=page.drafts,
        which=which,
        later=offset + _SHOWN if page.more else None,
        earlier=max(offset - _SHOWN, 0) if offset else None,
        statuses=draft_words.STATUSES,
    )


@router.get("/drafts/{draft_id}")
def draft_page(
    *,
    draft_id: DraftId,
    caller: EditorDep,
    reader: ReaderDep,
    runtime: RuntimeDep,
    session: SessionDep,
    snapshot: SnapshotDep,
) -> Response:
    """Show one draft: what it changes, step by step and on a map, what is wrong with it, and what becomes of it."""
    draft = keeping.get(session, draft_id)
    language = reader.site.language
    config = script_config(
        reader.site,
        sources.STREETS | sources.AREAS | {"diff": f"/maps/data/drafts/{draft_id}.json"},
        view=sources.view(snapshot) or EVERYWHERE,
        chosen={
            "id": str(draft_id),
            "deeds": {name: deed.in_language(language) for name, deed in draft_words.DEEDS.items()},
            "figures": {key: words.choose(pair, language) for key, pair in FIGURE_WORDS.items()},
            "changes": {kind: words.choose(pair, language) for kind, pair in diff_words.KINDS.items()},
            "kinds": {kind: words.choose(title, language) for kind, title in KINDS.items()},
            "fields": {
                name: {field.name: words.choose((field.zh, field.en), language) for field in spec.fields}
                for name, spec in SPECS.items()
            },
            "layers": {name: words.choose((spec.zh, spec.en), language) for name, spec in SPECS.items()},
        },
    )
    done = steps.listed(session, draft)
    behind = max(snapshot.revision - draft.base_revision, 0)
    offered = _offered(
        draft,
        caller,
        hands=review.hands(session, draft),
        behind=behind,
        reviewed=runtime.settings.review,
    )
    return reader.page(
        "draft.html",
        config={**config, "csrf": reader.site.csrf},
        draft=draft,
        steps=done[::-1],
        undoes=draft.status == "open" and draft.step > draft.floor_step,
        redoes=draft.status == "open" and any(step.number > draft.step for step in done),
        notes=keeping.notes(session, draft),
        behind=behind,
        refusal=draft_words.refused(draft.refusal) if draft.refusal else None,
        offered=offered,
        deeds=draft_words.DEEDS,
        waits=draft.status == "submitted" and "approve" not in offered,
        statuses=draft_words.STATUSES,
        told=draft_words.told,
        counted=draft_words.counted,
        layers=SPECS,
        endings=draft_imports.SENDABLE,
    )


@router.get("/maps/data/drafts/{draft_id}.json", dependencies=[needs(Permission.EDIT)])
async def draft_data(*, draft_id: DraftId, request: Request, runtime: RuntimeDep) -> Response:
    """Send what the map of a draft draws."""

    def work() -> dict[str, Any]:
        return _read(runtime, draft_id)

    data = await to_thread.run_sync(work, limiter=runtime.files)
    return replies.packed(request, replies.pack(dump(data)), media_type="application/json")


def _read(runtime: Runtime, draft_id: UUID) -> dict[str, Any]:
    with database.translated(), runtime.look_ups() as session:
        found = states.diffs_of(session, states.state_of(keeping.get(session, draft_id)))
    return diff.diff_data(found)


def _offered(draft: Draft, caller: Caller, *, hands: set[str], behind: int, reviewed: bool) -> list[str]:
    """Name what a caller can do with a draft, the usual first; the service decides again when it is done.

    Parameters
    ----------
    hands
        Accounts that had a hand in it, which may not approve it.
    behind
        How many revisions were published since its base.
    reviewed
        Whether it takes an approval to publish.
    """
    barred: set[str] = set()
    if not caller.may(Permission.REVIEW):
        barred |= {"approve", "reject"}
        barred |= {"submit", "withdraw", "discard"} if caller.name != draft.author else set()
    if caller.name in hands:
        barred.add("approve")
    offered = [deed for deed in _DEEDS.get(draft.status, ()) if deed not in barred]
    if not reviewed and "publish" not in offered and draft.status in publishing.UNREVIEWED:
        offered.insert(0, "publish")
    if behind and draft.status == "open":
        offered.append("rebase")
    return offered

"""Writes to the tree of a draft: what a request states, carried out as one step, and what it is answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from fastapi import Request
from fastapi.responses import Response

from api import drafts
from api.access import Caller
from api.dependencies import Runtime
from api.errors import Problem
from api.ogc import drafted as trees
from api.ogc import extents, replies, systems, transactions
from api.ogc.links import GEOJSON, JSON
from api.ogc.transactions import Actions
from api.snapshots import Snapshot
from geo.faults import DataError, Fault
from layers.database import Session
from layers.drafts import keeping, states
from layers.drafts.states import State
from layers.features import collections, drafted, pages, sent, writing
from layers.features.collections import Collection
from layers.features.places import Place
from layers.features.sent import Sent
from layers.features.writing import Write
from layers.tables import Draft

MERGE_PATCH = "application/merge-patch+json"
#: Media types of a whole feature, and of a change of one; a body of which nothing is said is taken for the first.
WHOLE = (GEOJSON, JSON)
PATCHES = (MERGE_PATCH, JSON, GEOJSON)

_LONGEST_KEY = 255
_CREATED = 201


@dataclass(frozen=True, slots=True)
class Writing:
    """One request that writes to a draft; the session is committed before its reply is sent."""

    request: Request
    session: Session
    runtime: Runtime
    snapshot: Snapshot
    raw: bytes

    def create(self, caller: Caller, draft_id: str, layer: str) -> Response:
        """Store a new feature: 201, with its address."""
        collection = collections.named(layer)

        def work(state: State, place: Place) -> Write:
            whole = self._sent(collection, place, WHOLE, whole=True)
            return writing.create(self.session, state, collection.layer, whole)

        return self._carry_out(caller, draft_id, collection, identifier=None, work=work)

    def replace(self, caller: Caller, draft_id: str, layer: str, item_id: str) -> Response:
        """Store a feature in place of another state of it: 200, as it now is."""
        collection = collections.named(layer)
        identifier = replies.identifier(layer, item_id)

        def work(state: State, place: Place) -> Write:
            whole = self._sent(collection, place, WHOLE, whole=True)
            return writing.replace(self.session, state, collection, identifier, whole)

        return self._carry_out(caller, draft_id, collection, identifier=identifier, work=work)

    def update(self, caller: Caller, draft_id: str, layer: str, item_id: str) -> Response:
        """Store what a merge patch changes of a feature: 200, as it now is."""
        collection = collections.named(layer)
        identifier = replies.identifier(layer, item_id)

        def work(state: State, place: Place) -> Write:
            patch = self._sent(collection, place, PATCHES, whole=False)
            return writing.update(self.session, state, collection, identifier, patch)

        return self._carry_out(caller, draft_id, collection, identifier=identifier, work=work)

    def remove(self, caller: Caller, draft_id: str, layer: str, item_id: str) -> Response:
        """End a feature: 204."""
        collection = collections.named(layer)
        identifier = replies.identifier(layer, item_id)

        def work(state: State, _: Place) -> Write:
            return writing.remove(self.session, state, collection, identifier)

        return self._carry_out(caller, draft_id, collection, identifier=identifier, work=work)

    def transact(self, caller: Caller, draft_id: str, if_match: str | None) -> Response:
        """Store many writes as one step, or none: 200, with what was written."""

        def work(draft: Draft, place: Place) -> dict[str, Any]:
            drafts.require_version(draft, if_match)
            known = systems.offered(self.snapshot.deployment)
            body = self._body(transactions.MEDIA_TYPES)
            actions = Actions(self.session, draft, place, known, extents.hull(self.snapshot))
            written = actions.carry_out(body, caller, now=self.runtime.clock())
            # Of the draft as this left it: who repeats the request has not seen what others wrote since.
            return {**written, "tag": drafts.tag(draft)}

        draft, told, _ = self._once(caller, draft_id, work)
        root = trees.tree(self.request, self.runtime, draft)
        preference = ", ".join(self.request.headers.getlist("prefer"))
        return transactions.reply(told, root, preference, headers={**_standing(draft), "ETag": told["tag"]})

    def _carry_out(
        self,
        caller: Caller,
        draft_id: str,
        collection: Collection,
        *,
        identifier: UUID | None,
        work: Callable[[State, Place], Write],
    ) -> Response:
        def write(draft: Draft, place: Place) -> dict[str, Any]:
            state = states.state_of(draft)
            if identifier is not None:
                self._require_match(draft, collection, identifier, place)
            done = work(state, place)
            drafts.require_scope(self.session, caller, state, done.changes)
            now = self.runtime.clock()
            writing.record(self.session, draft, done, author=caller.name or "", now=now)
            return {"write": done.kind, "id": str(done.id), "collection": done.written(collection).name}

        return self._reply(*self._once(caller, draft_id, write))

    def _once(
        self, caller: Caller, draft_id: str, work: Callable[[Draft, Place], dict[str, Any]]
    ) -> tuple[Draft, dict[str, Any], Place]:
        """Do the work in a locked, open draft; a request that repeats another is told what that was answered."""
        draft = keeping.get(self.session, trees.identifier(draft_id), lock=True)
        place = self._place()
        key = self._key(caller)
        earlier = keeping.repeated(self.session, draft, key) if key else None
        if earlier is not None:
            return draft, earlier, place
        keeping.require_open(draft)
        told = work(draft, place)
        if key:
            keeping.remember(self.session, draft, key, told, now=self.runtime.clock())
        return draft, told, place

    # --- what is stated -----------------------------------------------------------------------------------

    def _place(self) -> Place:
        """Return the CRS of the body: by the standard's own form, or as QGIS writes it, without brackets."""
        named = self.request.headers.get("content-crs")
        uri = None if named is None else named.strip().removeprefix("<").removesuffix(">")
        return systems.stated(uri, systems.offered(self.snapshot.deployment), field="Content-Crs")

    def _sent(self, collection: Collection, place: Place, types: Sequence[str], *, whole: bool) -> Sent:
        return sent.read(
            self._body(types), collection.layer, place, whole=whole, hull=extents.hull(self.snapshot)
        )

    def _body(self, types: Sequence[str]) -> Any:  # noqa: ANN401 - JSON
        sent_as = self.request.headers.get("content-type", types[0])
        if sent_as.partition(";")[0].strip().lower() not in types:
            raise Problem("unsupported-format", f"{sent_as} is not taken here; send {' or '.join(types)}.")
        try:
            return orjson.loads(self.raw)
        except orjson.JSONDecodeError as error:
            message = f"This is not JSON: {error}."
            raise DataError(Fault(kind="parameter-invalid", field="body", message=message)) from error

    def _key(self, caller: Caller) -> keeping.Request | None:
        key = self.request.headers.get("idempotency-key")
        if key is None:
            return None
        if not 1 <= len(key) <= _LONGEST_KEY:
            message = f"Between 1 and {_LONGEST_KEY} characters are wanted."
            raise DataError(Fault(kind="parameter-invalid", field="Idempotency-Key", message=message))
        said = (self.request.method, self.request.url.path, self.request.headers.get("content-crs", ""))
        digest = sha256("\n".join(said).encode() + b"\n" + self.raw).digest()
        return keeping.Request(caller.name or "", key, digest)

    def _require_match(self, draft: Draft, collection: Collection, identifier: UUID, place: Place) -> None:
        """Refuse a write to a feature that is not as its writer has read it; who says nothing writes anyhow."""
        named = self.request.headers.get("if-match")
        if named is None or named.strip() == "*":
            return
        selection = drafted.selection(collection, states.state_of(draft))
        version = pages.version(self.session, selection, identifier)
        if version is None or version in {replies.version_of(tag) for tag in named.split(",")}:
            return
        stored = pages.one(self.session, selection, identifier, place) or b"null"
        members = {"stored": orjson.Fragment(stored), "sent": orjson.Fragment(self.raw or b"null")}
        message = (
            f"The feature {identifier} of {collection.name} has changed since you read it: `stored` is how it "
            "stands, `sent` what you would have made of it. Read it again, and send your change on top."
        )
        raise Problem("stale", message, members=members)

    # --- the reply ----------------------------------------------------------------------------------------

    def _reply(self, draft: Draft, told: dict[str, Any], place: Place) -> Response:
        headers = _standing(draft)
        if told["write"] == "remove":
            return Response(status_code=204, headers=headers)
        root, name = trees.tree(self.request, self.runtime, draft), told["collection"]
        selection = drafted.selection(collections.named(name), states.state_of(draft))
        identifier = UUID(told["id"])
        version = pages.version(self.session, selection, identifier)
        status = _CREATED if told["write"] == "create" else 200
        if status == _CREATED:
            headers["Location"] = root.href("collections", name, "items", told["id"])
        if version is None:  # A repeated request whose feature has ended since.
            return Response(status_code=status, headers=headers)
        found = pages.one(self.session, selection, identifier, place)
        assert found is not None  # noqa: S101 - its version was read in the same transaction
        headers["Content-Crs"] = f"<{place.uri}>"
        headers["ETag"] = replies.tag_of(self.request, version, root, name, told["id"], place.uri)
        body = replies.linked(found, root, name, told["id"])
        return Response(body, status_code=status, media_type=GEOJSON, headers=headers)


def _standing(draft: Draft) -> dict[str, str]:
    return {"Wangge-Revision": str(draft.base_revision), "Wangge-Draft-Step": str(draft.step)}

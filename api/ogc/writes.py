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
from api.ogc import extents, replies, systems
from api.ogc.links import GEOJSON, JSON
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

_LONGEST_KEY = 200
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
            stated = self._sent(collection, place, WHOLE, whole=True)
            return writing.create(self.session, state, collection.layer, stated)

        return self._carry_out(caller, draft_id, collection, identifier=None, work=work)

    def replace(self, caller: Caller, draft_id: str, layer: str, item_id: str) -> Response:
        """Store a feature in place of another state of it: 200, as it now is."""
        collection = collections.named(layer)
        identifier = replies.identifier(layer, item_id)

        def work(state: State, place: Place) -> Write:
            stated = self._sent(collection, place, WHOLE, whole=True)
            return writing.replace(self.session, state, collection, identifier, stated)

        return self._carry_out(caller, draft_id, collection, identifier=identifier, work=work)

    def update(self, caller: Caller, draft_id: str, layer: str, item_id: str) -> Response:
        """Store what a merge patch changes of a feature: 200, as it now is."""
        collection = collections.named(layer)
        identifier = replies.identifier(layer, item_id)

        def work(state: State, place: Place) -> Write:
            stated = self._sent(collection, place, PATCHES, whole=False)
            return writing.update(self.session, state, collection, identifier, stated)

        return self._carry_out(caller, draft_id, collection, identifier=identifier, work=work)

    def remove(self, caller: Caller, draft_id: str, layer: str, item_id: str) -> Response:
        """End a feature: 204."""
        collection = collections.named(layer)
        identifier = replies.identifier(layer, item_id)

        def work(state: State, _: Place) -> Write:
            return writing.remove(self.session, state, collection, identifier)

        return self._carry_out(caller, draft_id, collection, identifier=identifier, work=work)

    def _carry_out(
        self,
        caller: Caller,
        draft_id: str,
        collection: Collection,
        *,
        identifier: UUID | None,
        work: Callable[[State, Place], Write],
    ) -> Response:
        draft = keeping.get(self.session, trees.identifier(draft_id), lock=True)
        place = self._place()
        key = self._key(caller)
        earlier = keeping.repeated(self.session, draft, key) if key else None
        if earlier is not None:
            return self._reply(draft, earlier, place)
        keeping.require_open(draft)
        state = states.state_of(draft)
        if identifier is not None:
            self._require_match(draft, collection, identifier, place)
        write = work(state, place)
        drafts.require_scope(self.session, caller, state, write.changes)
        now = self.runtime.clock()
        writing.record(self.session, draft, write, author=caller.name or "", now=now)
        told = {"write": write.kind, "id": str(write.id), "collection": _collection(write, collection)}
        if key:
            keeping.remember(self.session, draft, key, told, now=now)
        return self._reply(draft, told, place)

    # --- what is stated -----------------------------------------------------------------------------------

    def _place(self) -> Place:
        """Return the CRS of the body: by the standard's own form, or as QGIS writes it, without brackets."""
        stated = self.request.headers.get("content-crs")
        uri = None if stated is None else stated.strip().removeprefix("<").removesuffix(">")
        return systems.stated(uri, systems.offered(self.snapshot.deployment), field="Content-Crs")

    def _sent(self, collection: Collection, place: Place, types: Sequence[str], *, whole: bool) -> Sent:
        return sent.read(
            self._body(types), collection.layer, place, whole=whole, hull=extents.hull(self.snapshot)
        )

    def _body(self, types: Sequence[str]) -> Any:  # noqa: ANN401 - JSON
        stated = self.request.headers.get("content-type", types[0])
        if stated.partition(";")[0].strip().lower() not in types:
            raise Problem("unsupported-format", f"{stated} is not taken here; send {' or '.join(types)}.")
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
        headers = {"Wangge-Revision": str(draft.base_revision), "Wangge-Draft-Step": str(draft.step)}
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


def _collection(write: Write, written: Collection) -> str:
    """Name the collection that has a feature now: its geometry may have become one of another type."""
    if write.after.empty:
        return written.name
    return collections.holding(written.layer, write.after.geometry.iloc[0].geom_type).name

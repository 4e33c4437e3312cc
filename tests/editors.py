"""Editors of neighbouring grids on a small tiled city, who write over HTTP whatever happens to the service.

Each editor moves a vertex of its own round in a ring, step by step, in drafts that it publishes. A step starts exactly
where the one before ended: one that were lost, or made twice, would make the next impossible. Neighbours' vertices lie on
the same grids, so that their drafts overlap, and are rebased.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2 as httpx
import shapely
from shapely import box
from sqlalchemy import func, select

from geo import partition
from layers import store
from layers.tables import Draft, DraftStep, Revision
from tests import paper_city as city

SIDE = 6
#: Inner corners of the grids, on each of which four of them meet.
CORNERS = [(x, y) for x in range(1, SIDE) for y in range(1, SIDE)]
#: Places of a vertex on its round, and how far they lie from the corner.
TURN, AWAY = 7, 0.2
_DISTRICT, _METRIC = "420199", "EPSG:4547"
#: Replies that say "not now".
_LATER = {502, 503}


def build(session):
    """Publish a district of 36 grids in four communities; every side has a node in its middle."""
    half = SIDE // 2
    communities = {
        f"{city.SUBDISTRICT}{1 + 2 * j + i:03d}": (i * half, j * half) for j in range(2) for i in range(2)
    }
    grids = {
        f"{code}{1 + half * row + column:03d}": (west + column, south + row)
        for code, (west, south) in communities.items()
        for row in range(half)
        for column in range(half)
    }
    whole = _noded(box(0, 0, SIDE, SIDE))
    return city.build(
        session,
        {
            "districts": city.areas("districts", {_DISTRICT: whole}),
            "subdistricts": city.areas("subdistricts", {city.SUBDISTRICT: whole}, lambda code: code[:6]),
            "communities": city.areas(
                "communities",
                {code: _noded(box(x, y, x + half, y + half)) for code, (x, y) in communities.items()},
                lambda code: code[:9],
            ),
            "grids": city.grids({code: _noded(box(x, y, x + 1, y + 1)) for code, (x, y) in grids.items()}),
        },
    )


def _noded(square):
    """A rectangle with a node at every half."""
    return shapely.segmentize(square, 0.5)


def place(corner, step):
    """Where the vertex of a corner is after so many steps."""
    x, y = corner
    if step == 0:
        return list(city.point(x, y))
    angle = 2 * math.pi * (step % TURN) / TURN
    return list(city.point(x + AWAY * math.cos(angle), y + AWAY * math.sin(angle)))


@dataclass
class Editor:
    """One editor: ``reach`` returns a client of the service as it runs now."""

    number: int
    reach: Callable[[], httpx.Client]
    steps: int = 0
    #: Every write that was acknowledged: step numbers by draft, and revisions.
    acknowledged: dict[str, list[int]] = field(default_factory=dict)
    published: list[int] = field(default_factory=list)
    rebased: int = 0

    @property
    def corner(self):
        return CORNERS[self.number % len(CORNERS)]

    def round(self, edits):
        """Begin a draft, make some steps in it, and publish it, whatever others publish meanwhile."""
        draft = self._sent("POST", "/api/drafts", {"title": f"editor {self.number}"}).json()["id"]
        for _ in range(edits):
            self._edit(draft)
        while True:
            reply = self._sent("POST", f"/api/drafts/{draft}/publish", {}, allowed={200, 201, 409})
            if reply.status_code != 409:
                self.published.append(reply.json()["revision"])
                return
            assert reply.json()["conflicts"], reply.text
            self._sent("POST", f"/api/drafts/{draft}/rebase", {})
            self.rebased += 1

    def _edit(self, draft):
        moves = [[place(self.corner, self.steps), place(self.corner, self.steps + 1)]]
        said = {"edit": "move_vertices", "level": "grid", "moves": moves}
        reply = self._sent("POST", f"/api/drafts/{draft}/edits", said)
        self.acknowledged.setdefault(draft, []).append(reply.json()["step"])
        self.steps += 1

    def _sent(self, method, path, body, allowed=frozenset({200, 201})) -> Any:
        """Send a request until it is answered, always the same one."""
        headers = {"Idempotency-Key": uuid4().hex}
        until = time.monotonic() + 120
        while True:
            try:
                reply = self.reach().request(method, path, json=body, headers=headers)
            except (httpx.TransportError, httpx.InvalidURL):
                reply = None
            if reply is not None and reply.status_code not in _LATER:
                assert reply.status_code in allowed, f"{method} {path}: {reply.status_code} {reply.text}"
                return reply
            assert time.monotonic() < until, "the service did not come back"
            time.sleep(0.05)


def check(session, editors):
    """Prove from what is stored that nothing acknowledged was lost, none made twice, no revision torn."""
    newest = _check_revisions(session, editors)
    _check_steps(session, editors)
    stored = {
        layer: store.read(session, layer, newest)
        for layer in ("districts", "subdistricts", "communities", "grids")
    }
    for layer, above in (("grids", "communities"), ("communities", "subdistricts")):
        defects = partition.check(stored[layer], stored[above], metric=_METRIC)
        assert defects.empty, defects
    vertices = {tuple(each) for each in shapely.get_coordinates(stored["grids"].geometry.to_numpy())}
    for editor in editors:
        assert tuple(place(editor.corner, editor.steps)) in vertices, f"{editor.number} lost a step"
        if editor.steps:
            assert tuple(place(editor.corner, editor.steps - 1)) not in vertices


def _check_revisions(session, editors):
    revisions = list(session.scalars(select(Revision).order_by(Revision.number)))
    assert [each.number for each in revisions] == [*range(1, len(revisions) + 1)]
    said = sorted(number for editor in editors for number in editor.published)
    assert said == [each.number for each in revisions[1:]], "each publication is one revision"
    drafts = session.scalars(select(Draft.revision).where(Draft.revision.is_not(None)))
    assert sorted(drafts) == said
    for revision in revisions:
        for layer, counts in revision.counts.items():
            if layer in ("links", "incidents"):
                continue
            source = store.table(layer)
            rows = select(func.count()).select_from(source).where(source.c.rev_from == revision.number)
            begun = session.scalar(rows)
            assert begun == counts["added"] + counts["changed"], "the whole revision is there"
    return len(revisions)


def _check_steps(session, editors):
    stored: dict[str, list[int]] = {}
    rows = session.execute(
        select(DraftStep.draft_id, DraftStep.number)
        .where(DraftStep.kind == "edit")
        .order_by(DraftStep.number)
    )
    for draft, number in rows:
        stored.setdefault(str(draft), []).append(number)
    assert stored == {draft: steps for editor in editors for draft, steps in editor.acknowledged.items()}

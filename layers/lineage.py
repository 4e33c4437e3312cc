"""Where an area comes from and what became of it: splits and merges, both ways.

Nothing is stored for it: the land that changed hands at a revision tells who gave it to whom. An area *descends* from
another when it got land of it in the revision in which one of the two began or ended, slivers apart. Land that two
lasting areas pass to each other is no descent; :mod:`layers.diffs` tells of it.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo import changes, crs
from geo.changes import Changes
from geo.hierarchy import LEAST_SHARE
from geo.levels import LAYER_OF
from layers import deployment, store
from layers.errors import NotFound

#: Areas that a tree holds at most; cities renumber all their grids at times.
MOST_AREAS = 500


@dataclass(frozen=True, slots=True)
class Life:
    """A time during which a code was an area's: from revision ``begun`` up to, not including, ``ended`` (None: still)."""

    code: str
    name: str
    begun: int
    ended: int | None


@dataclass(frozen=True, slots=True)
class Descent:
    """Land that went from one area to another when one of them began or ended.

    ``share_of_from`` is its part of all the land of the giver before, ``share_of_to`` of the taker after.
    """

    revision: int
    from_code: str
    to_code: str
    area_m2: float
    share_of_from: float
    share_of_to: float


@dataclass(frozen=True, slots=True)
class Lineage:
    """An area with its ancestors and descendants; ``whole`` is False where :data:`MOST_AREAS` cut the tree off."""

    layer: str
    code: str
    areas: list[Life]
    descents: list[Descent]
    whole: bool


def of_area(session: Session, layer: str, code: str) -> Lineage:
    """Follow an area backwards to what it was made of, and forwards to what became of it.

    Raises
    ------
    NotFound
        If the layer never had such a code, or holds no areas.
    """
    if layer not in LAYER_OF.values():
        raise NotFound(f"{layer} has no lineage; these have: {', '.join(LAYER_OF.values())}.")
    if not _lives(session, layer, code):
        raise NotFound(f"There never was a {code} in {layer}.")
    tree = _Tree(session, layer)
    for backwards in (True, False):
        tree.follow(code, backwards=backwards)
    areas = [life for each in sorted(tree.known) for life in _lives(session, layer, each)]
    descents = sorted(tree.descents, key=lambda found: (found.revision, found.from_code, found.to_code))
    return Lineage(layer, code, areas, descents, tree.whole)


class _Tree:
    """What was found so far; each revision is compared once for each area."""

    def __init__(self, session: Session, layer: str) -> None:
        self.session = session
        self.layer = layer
        self.metric = deployment.get(session).metric_crs
        self.known: set[str] = set()
        self.descents: set[Descent] = set()
        self.whole = True

    def follow(self, code: str, *, backwards: bool) -> None:
        """Add the ancestors, or the descendants, of a code."""
        self.known.add(code)
        waiting = deque([(code, None)] if backwards else [(code, 0)])
        asked = set(waiting)
        while waiting:
            current, since = waiting.popleft()
            for found in self._descents(current, since, backwards=backwards):
                self.descents.add(found)
                # A reply with twice the areas tells nobody more; a stated cut does.
                step = (found.from_code if backwards else found.to_code, found.revision)
                if step in asked:
                    continue
                if step[0] not in self.known and len(self.known) >= MOST_AREAS:
                    self.whole = False
                    continue
                self.known.add(step[0])
                asked.add(step)
                waiting.append(step)

    def _descents(self, code: str, since: int | None, *, backwards: bool) -> Iterator[Descent]:
        """Descents into a code before a revision (None: ever), or out of it after one."""
        for revision in _turns(self.session, self.layer, code):
            if since is not None and (revision >= since if backwards else revision <= since):
                continue
            for found in self._at(code, revision):
                if (found.to_code if backwards else found.from_code) == code:
                    yield found

    def _at(self, code: str, revision: int) -> Iterator[Descent]:
        """Descents that a code takes part in at a revision that changed it."""
        change = _near(self.session, self.layer, code, revision)
        moved = changes.land(change, metric=self.metric)
        before, after = (self._sizes(frame) for frame in (change.before, change.after))
        for giver, taker, size in moved[["from_code", "to_code", "area_m2"]].itertuples(index=False):
            if giver is None or taker is None or code not in (giver, taker):
                continue
            shares = size / before[giver], size / after[taker]
            turned = giver not in after or taker not in before
            if turned and max(shares) >= LEAST_SHARE:
                yield Descent(revision, giver, taker, float(size), *(float(share) for share in shares))

    def _sizes(self, frame: gpd.GeoDataFrame) -> dict[str, float]:
        drawn = crs.to_metric(frame.geometry.to_numpy(), self.metric)
        return {code: shape.area for code, shape in zip(frame["code"], drawn, strict=True)}


def _near(session: Session, layer: str, code: str, revision: int) -> Changes:
    """Read what a revision changed of an area and of those that had or got land where it was or is."""
    source = store.table(layer)
    mine = (source.c.code == code) & ((source.c.rev_from == revision) | (source.c.rev_to == revision))
    zone = select(func.ST_Union(source.c.geom)).where(mine).scalar_subquery()
    touching = func.ST_Intersects(source.c.geom, zone)
    columns = ["code", "geometry"] + (["scheme"] if "scheme" in source.c else [])
    return Changes(
        store.read(
            session, layer, revision - 1, columns=columns, where=(source.c.rev_to == revision) & touching
        ),
        store.read(
            session, layer, revision, columns=columns, where=(source.c.rev_from == revision) & touching
        ),
    )


def _turns(session: Session, layer: str, code: str) -> list[int]:
    """Revisions that began, changed or ended an area."""
    source = store.table(layer)
    rows = session.execute(select(source.c.rev_from, source.c.rev_to).where(source.c.code == code))
    return sorted({revision for row in rows for revision in row if revision is not None})


def _lives(session: Session, layer: str, code: str) -> list[Life]:
    """Times during which a code was an area's, versions that follow each other joined."""
    source = store.table(layer)
    rows = session.execute(
        select(source.c.name, source.c.rev_from, source.c.rev_to)
        .where(source.c.code == code)
        .order_by(source.c.rev_from)
    )
    lives: list[Life] = []
    for name, begun, ended in rows:
        goes_on = bool(lives) and lives[-1].ended == begun
        lives.append(Life(code, name, lives.pop().begun if goes_on else begun, ended))
    return lives

"""Open incidents follow the boundaries: prepared while intake goes on, settled while it is held off.

Only the open incidents that the change concerns (:mod:`layers.incidents.concerned`) are decided anew. That takes place
before publishing locks intake out; under the lock only those that were filed or changed meanwhile are decided, and
what moved is written. Decisions made by hand stay; where their area is retired they follow its one successor, or are
queued with the reason.
"""

import datetime as dt
from dataclasses import dataclass

import pandas as pd
import shapely
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from layers import deployment, located, reading, store
from layers.incidents import answers, partitions, staging
from layers.incidents.concerned import WHERE, Concerned, by_hand
from layers.incidents.decisions import decision
from layers.tables import Incident

_STAGED = "staged_moves"
_PLACES = "id, reported_at, ST_X(geom) AS lon, ST_Y(geom) AS lat"
_ANSWER = ", ".join(answers.COLUMNS)
_SAME = """
    incident.id = staged.id AND incident.reported_at = staged.reported_at
    AND ST_X(incident.geom) = staged.lon AND ST_Y(incident.geom) = staged.lat
    AND incident.status <> 'closed' AND incident.rule <> 'manual'"""
_AFFECTED = text(f"SELECT {_PLACES} FROM incidents WHERE {WHERE}")  # noqa: S608 - constants
_FORGET_CHANGED = text(
    f"DELETE FROM {_STAGED} AS staged WHERE NOT EXISTS (SELECT FROM incidents AS incident WHERE {_SAME})"  # noqa: S608 - constants
)
_NEWER = text(
    f"""
    SELECT {_PLACES} FROM incidents WHERE {WHERE}
        AND NOT EXISTS (SELECT FROM {_STAGED} AS staged WHERE staged.id = incidents.id)"""  # noqa: S608 - constants
)
_RECORD = text(
    f"""
    INSERT INTO assignments (incident_id, decided_at, decided_by, revision, {_ANSWER}, reason)
    SELECT id, :now, :actor, :revision, {", ".join("staged." + name for name in answers.COLUMNS)},
        :reason
    FROM {_STAGED} AS staged JOIN incidents AS incident USING (id, reported_at)
    WHERE (incident.rule, incident.area_code) IS DISTINCT FROM (staged.rule, staged.area_code)"""  # noqa: S608 - constants
)
_MOVE = text(
    f"""
    UPDATE incidents AS incident SET revision = :revision, queue_reason = staged.queue_reason,
        {", ".join(f"{name} = staged.{name}" for name in answers.COLUMNS)}
    FROM {_STAGED} AS staged WHERE {_SAME}
        AND ({", ".join("incident." + name for name in answers.COLUMNS)})
            IS DISTINCT FROM ({", ".join("staged." + name for name in answers.COLUMNS)})"""  # noqa: S608 - constants
)


def prepare(session: Session, revision: int, *, now: dt.datetime) -> "Moves":
    """Decide anew, at a revision that this transaction is about to publish, what the boundaries may have moved."""
    partitions.ensure(session, now=now)
    moves = Moves(session, revision, _concerned(session, revision))
    staging.create(session, _STAGED, f"SELECT {_PLACES}, {_ANSWER}, queue_reason FROM incidents")  # noqa: S608 - constants
    if moves.concerned.codes:
        moves.stage(_AFFECTED)
        for code in moves.concerned.retired & set(
            session.scalars(by_hand(moves.concerned.codes, Incident.area_code))
        ):
            moves.concerned.successors(code)
    return moves


def _concerned(session: Session, revision: int) -> Concerned:
    """Compare the areas that a revision holds with those of the one before."""
    base = revision - 1
    mine = store.table("grids").c.scheme == located.SCHEME
    changed = store.read_changed(session, "grids", base, revision, columns=["code"], where=mine)
    return Concerned(
        before=reading.of_revision(session, base),
        after=reading.of_revision(session, revision),
        changed=changed.ended | set(changed.begun["code"]),
        above=any(
            store.has_changed(session, layer, base, revision) for layer in located.layers_of("grid")[:-1]
        ),
        deployment=deployment.get(session),
    )


@dataclass
class Moves:
    """What a revision moves; made by :func:`prepare`, and settled under the lock that holds intake off."""

    session: Session
    revision: int
    concerned: Concerned

    def settle(self, *, now: dt.datetime, actor: str) -> int:
        """Write the moves, with what was filed or changed since they were prepared; return how many there are.

        An incident moves when its area or rule changes, which is recorded; a changed margin alone is only written.
        """
        if not self.concerned.codes:
            return 0
        self.session.execute(_FORGET_CHANGED)
        self.stage(_NEWER)
        said = {
            "revision": self.revision,
            "now": now,
            "actor": actor,
            "reason": f"moved by revision {self.revision}",
        }
        recorded = self.session.execute(_RECORD, said)
        self.session.execute(_MOVE, said)
        return int(recorded.rowcount) + self._follow(now=now, actor=actor)  # type: ignore[attr-defined]  # as for every INSERT

    def stage(self, places: TextClause) -> None:
        """Decide for incidents, and put the answers aside."""
        rows = self.session.execute(places, {"zone": shapely.to_wkb(self.concerned.zone)}).all()
        if not rows:
            return
        found = pd.DataFrame(rows, columns=["id", "reported_at", "lon", "lat"])
        answered = self.concerned.answers(found["lon"].to_numpy(), found["lat"].to_numpy())
        staging.copy(
            self.session, _STAGED, pd.concat([found.assign(id=found["id"].astype(str)), answered], axis=1)
        )
        self.session.execute(text(f"ANALYZE {_STAGED}"))

    def _follow(self, *, now: dt.datetime, actor: str) -> int:
        """Move decisions made by hand whose area is no more; return how many."""
        moved = 0
        for incident in self.session.scalars(by_hand(self.concerned.codes, Incident)):
            code = str(incident.area_code)
            if code not in self.concerned.retired:
                incident.path = self.concerned.paths[code]
                continue
            heirs = self.concerned.successors(code)
            heir = heirs[0] if len(heirs) == 1 else None
            reason = f"area {code} was retired; its land went to {', '.join(heirs) or 'no area'}"
            incident.area_code = heir
            incident.path = self.concerned.path_after(heir) if heir else []
            incident.candidates = [heir] if heir else []
            incident.queue_reason = None if heir else reason
            incident.revision = self.revision
            self.session.add(decision(incident, actor=actor, now=now, reason=reason))
            moved += 1
        self.session.flush()
        return moved

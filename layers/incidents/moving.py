"""Open incidents follow the boundaries: prepared while intake goes on, settled while it is held off.

Publishing changes the answer of an incident only where an area changed its border or its chain of parents, so only
the open incidents there are decided anew. That takes place before publishing locks intake out; under the lock
only those that were filed or changed meanwhile are decided, and what moved is written. Decisions made by hand stay;
where their area is retired they follow its one successor, or are queued with the reason.
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from sqlalchemy import TextClause, func, select, text
from sqlalchemy.orm import Session

from geo.assign import AreaIndex, window
from geo.hierarchy import LEAST_SHARE
from layers import deployment, located, store
from layers.incidents import answers, partitions, staging
from layers.incidents.decisions import decision
from layers.located import Areas
from layers.tables import Incident

_STAGED = "staged_moves"
_PLACES = "id, reported_at, ST_X(geom) AS lon, ST_Y(geom) AS lat"
_ANSWER = ", ".join(answers.COLUMNS)
_WHERE = "status <> 'closed' AND rule <> 'manual' AND ST_Intersects(geom, ST_GeomFromWKB(:zone, 4326))"
_SAME = """
    incident.id = staged.id AND incident.reported_at = staged.reported_at
    AND ST_X(incident.geom) = staged.lon AND ST_Y(incident.geom) = staged.lat
    AND incident.status <> 'closed' AND incident.rule <> 'manual'"""
_AFFECTED = text(f"SELECT {_PLACES} FROM incidents WHERE {_WHERE}")  # noqa: S608 - constants
_FORGET_CHANGED = text(
    f"DELETE FROM {_STAGED} AS staged WHERE NOT EXISTS (SELECT FROM incidents AS incident WHERE {_SAME})"  # noqa: S608 - constants
)
_NEWER = text(
    f"""
    SELECT {_PLACES} FROM incidents WHERE {_WHERE}
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
    moves = Moves(session, revision)
    staging.create(session, _STAGED, f"SELECT {_PLACES}, {_ANSWER}, queue_reason FROM incidents")  # noqa: S608 - constants
    if moves.concerned:
        moves.stage(_AFFECTED)
        for code in moves.retired & set(session.scalars(_by_hand(moves.concerned, Incident.area_code))):
            moves.successors(code)
    return moves


@dataclass
class Moves:
    """What a revision moves; made by :func:`prepare`, and settled under the lock that holds intake off."""

    session: Session
    revision: int
    _heirs: dict[str, list[str]] = field(default_factory=dict)

    def settle(self, *, now: dt.datetime, actor: str) -> int:
        """Write the moves, with what was filed or changed since they were prepared; return how many there are.

        An incident moves when its area or rule changes, which is recorded; a changed margin alone is only written.
        """
        if not self.concerned:
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
        rows = self.session.execute(places, {"zone": shapely.to_wkb(self._zone)}).all()
        if not rows:
            return
        found = pd.DataFrame(rows, columns=["id", "reported_at", "lon", "lat"])
        answered = answers.of_points(self._areas, found["lon"].to_numpy(), found["lat"].to_numpy())
        staging.copy(
            self.session, _STAGED, pd.concat([found.assign(id=found["id"].astype(str)), answered], axis=1)
        )
        self.session.execute(text(f"ANALYZE {_STAGED}"))

    # --- where answers can change -------------------------------------------------------------------------

    @cached_property
    def concerned(self) -> set[str]:
        """Codes of the grids whose border or chain of parents is another than before."""
        source = store.table("grids")
        changed = store.read_changed(
            self.session,
            "grids",
            self._base,
            self.revision,
            columns=["code"],
            where=source.c.scheme == located.SCHEME,
        )
        codes = changed.ended | set(changed.begun["code"])
        above = located.layers_of("grid")[:-1]
        if any(store.has_changed(self.session, layer, self._base, self.revision) for layer in above):
            before, after = (self._chains(revision) for revision in (self._base, self.revision))
            codes |= {code for code in before.keys() | after.keys() if before.get(code) != after.get(code)}
        return codes

    @cached_property
    def retired(self) -> set[str]:
        """Codes of the grids that are no more."""
        return self.concerned - self._paths.keys()

    @property
    def _base(self) -> int:
        return self.revision - 1

    @cached_property
    def _paths(self) -> dict[str, list[str]]:
        return self._chains(self.revision, self.concerned)

    def _chains(self, revision: int, codes: Collection[str] | None = None) -> dict[str, list[str]]:
        paths = located.paths_of(self.session, revision, codes=codes)
        return {code: [area.code for area in path] for code, path in paths.items()}

    @cached_property
    def _zone(self) -> shapely.Geometry:
        """Boxes that hold every place whose answer can be another: the areas, old and new, and what is near them."""
        bounds = [
            store.read(
                self.session, "grids", revision, columns=["geometry"], codes=self.concerned
            ).bounds.to_numpy()
            for revision in (self._base, self.revision)
        ]
        return shapely.union_all(
            shapely.box(*_widened(np.concatenate(bounds), self._deployment.tolerance_m).T)
        )

    @cached_property
    def _areas(self) -> Areas:
        """Areas that can matter in the zone."""
        parts = shapely.bounds(shapely.get_parts(self._zone))
        wider = shapely.union_all(shapely.box(*_widened(parts, self._deployment.tolerance_m).T))
        source = store.table("grids")
        frame = store.read(
            self.session,
            "grids",
            self.revision,
            columns=["code", "geometry"],
            where=(source.c.scheme == located.SCHEME)
            & func.ST_Intersects(source.c.geom, func.ST_GeomFromWKB(shapely.to_wkb(wider), 4326)),
        )
        paths = located.paths_of(self.session, self.revision, codes=list(frame["code"]))
        index = AreaIndex(frame, metric=self._deployment.metric_crs, tolerance_m=self._deployment.tolerance_m)
        return Areas("grid", index, [paths[code] for code in frame["code"]])

    @cached_property
    def _deployment(self) -> deployment.Deployment:
        return deployment.get(self.session)

    # --- decisions by hand --------------------------------------------------------------------------------

    def _follow(self, *, now: dt.datetime, actor: str) -> int:
        """Move decisions made by hand whose area is no more; return how many."""
        moved = 0
        for incident in self.session.scalars(_by_hand(self.concerned, Incident)):
            code = str(incident.area_code)
            if code not in self.retired:
                incident.path = self._paths[code]
                continue
            heirs = self.successors(code)
            heir = heirs[0] if len(heirs) == 1 else None
            reason = f"area {code} was retired; its land went to {', '.join(heirs) or 'no area'}"
            incident.area_code = heir
            incident.path = self._chains(self.revision, heirs)[heir] if heir else []
            incident.candidates = [heir] if heir else []
            incident.queue_reason = None if heir else reason
            incident.revision = self.revision
            self.session.add(decision(incident, actor=actor, now=now, reason=reason))
            moved += 1
        self.session.flush()
        return moved

    def successors(self, code: str) -> list[str]:
        """Codes of the areas that took over a retired area's land, all but slivers, lowest first."""
        if code not in self._heirs:
            self._heirs[code] = self._find_successors(code)
        return self._heirs[code]

    def _find_successors(self, code: str) -> list[str]:
        held = store.read(self.session, "grids", self._base, columns=["geometry"], codes=[code])
        if held.empty:
            return []
        retired = held.geometry.iloc[0]
        source = store.table("grids")
        frame = store.read(
            self.session,
            "grids",
            self.revision,
            columns=["code", "geometry"],
            where=(source.c.scheme == located.SCHEME)
            & func.ST_Intersects(source.c.geom, func.ST_GeomFromWKB(shapely.to_wkb(retired), 4326)),
        )
        # A ratio of areas near each other is the same in degrees as in square metres.
        share = shapely.area(shapely.intersection(frame.geometry.to_numpy(), retired)) / retired.area
        return sorted(frame["code"][share >= LEAST_SHARE])


def _by_hand(codes: Collection[str], what: Any) -> Any:  # noqa: ANN401 - a column or all of the incident
    """Open incidents that a person gave to one of these areas."""
    return select(what).where(
        Incident.status != "closed", Incident.rule == "manual", Incident.area_code.in_(list(codes))
    )


def _widened(bounds: npt.NDArray[np.float64], distance_m: float) -> npt.NDArray[np.float64]:
    """Boxes (west, south, east, north) that also hold all within a distance of them."""
    low, high = window(bounds[:, 0], bounds[:, 1], distance_m), window(bounds[:, 2], bounds[:, 3], distance_m)
    # A metre spans more degrees of longitude the nearer it is to a pole.
    wider = np.maximum(bounds[:, 0] - low[0], high[2] - bounds[:, 2])
    return np.column_stack([bounds[:, 0] - wider, low[1], bounds[:, 2] + wider, high[3]])

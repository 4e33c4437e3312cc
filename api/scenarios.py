"""Scenarios at a snapshot: the cities they plan, kept while they are looked at, and who may write them."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from uuid import UUID

import numpy as np

from api import coverage_words
from api.access import Caller, Permission
from api.cities import city_at
from api.coverage_replies import Shown
from api.dependencies import Runtime
from api.errors import Problem
from api.places import areas_at
from api.snapshots import Snapshot
from geo import coverage
from geo.coverage import Answer, Query, changes, comparison, scenario
from geo.coverage.changes import Change
from geo.coverage.city import City
from geo.coverage.scenario import StreetSource
from geo.faults import DataError, Fault
from geo.levels import LEVELS
from layers import scenarios
from layers.coverage import LAYERS
from layers.streets import LAYERS as STREET_LAYERS
from layers.streets import load_source
from layers.tables import Scenario

#: Planned cities that are kept for one revision; each may hold a street network of its own.
KEPT = 4


class _Planned:
    """The planned cities of one revision, by scenario and version; shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[UUID, int], City] = OrderedDict()

    def kept(self, key: tuple[UUID, int]) -> City | None:
        """Return a city that is kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: tuple[UUID, int], city: City) -> None:
        """Keep a city, and let go of the one least recently asked for."""
        with self._lock:
            self._kept[key] = city
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)


def base_of(runtime: Runtime, snapshot: Snapshot, revision: int | None) -> Snapshot:
    """Return the snapshot that a scenario changes: of its own revision, else the current one."""
    return snapshot if revision is None else runtime.snapshots.of(revision)


def planned_at(snapshot: Snapshot, saved: Scenario) -> City:
    """Return the city that a scenario makes of a snapshot.

    Raises
    ------
    DataError
        What is wrong with its changes at this revision: a facility may have gone since it was saved.
    """
    known = snapshot.model("planned cities", layers=LAYERS, load=lambda _session, _revision: _Planned())
    key = (saved.id, saved.version)
    kept = known.kept(key)
    if kept is not None:
        return kept
    stated = scenarios.changes_of(saved)
    base = city_at(snapshot)
    faults = changes.faults(base, stated)
    if faults:
        raise DataError(faults)
    made = plan(snapshot, base, stated)
    known.keep(key, made)
    return made


def plan(snapshot: Snapshot, base: City, stated: Sequence[Change]) -> City:
    """Work out the city that changes make."""

    def source() -> StreetSource:
        return snapshot.model("street source", layers=STREET_LAYERS, load=load_source)

    return scenario.planned(base, stated, source)


def compared_at(runtime: Runtime, snapshot: Snapshot, saved: Scenario, query: Query) -> Shown:
    """Ask a question of the base and of the plan, and put the answers side by side.

    Raises
    ------
    DataError
        As :func:`planned_at` and :func:`geo.coverage.answer`.
    """
    planned = planned_at(snapshot, saved)
    answers = runtime.results.to(snapshot, query).answer, coverage.answer(planned, query)
    return comparison_shown(saved, (planned, city_at(snapshot)), answers, query, snapshot.revision)


def comparison_shown(
    saved: Scenario, cities: tuple[City, City], answers: tuple[Answer, Answer], query: Query, revision: int
) -> Shown:
    """Lay out the answers before and after (`cities`: the planned one, then the base)."""
    before, after = answers
    about = {
        "scenario": {"id": str(saved.id), "name": saved.name, "version": saved.version},
        "revision": revision,
        "since_revision": revision,
        "level": query.level,
        "demand_from": after.demand_from,
        "not_judged": list(after.not_judged),
        "faults": [fault.as_dict() for fault in after.faults],
    }
    notes = [("方案 scenario", saved.name), *coverage_words.notes(after, query, revision)]
    table = comparison.compare(before.table, after.table)
    return Shown(table, coverage_words.changes_titles(), notes, about, list(cities), query.level)


def require_author(caller: Caller, saved: Scenario) -> None:
    """Refuse a write to another one's scenario, unless by an administrator.

    Raises
    ------
    Problem
        ``forbidden``.
    """
    if caller.name != saved.created_by and not caller.may(Permission.OPERATE):
        raise Problem(
            "forbidden", f"The scenario {saved.name!r} is {saved.created_by}'s: save one of your own."
        )


def scope_faults(caller: Caller, snapshot: Snapshot, stated: Sequence[Change]) -> list[Fault]:
    """List the changes at places outside of the areas that the caller's account is limited to."""
    if not caller.areas:
        return []
    city = city_at(snapshot)
    rows, lon, lat = [], [], []
    for number, change in enumerate(stated):
        for x, y in [*changes.places(change), *changes.standing_places(city, change)]:
            rows.append(number)
            lon.append(x)
            lat.append(y)
    held = _held(caller, snapshot, np.array(lon), np.array(lat))
    outside = dict.fromkeys(row for row, inside in zip(rows, held, strict=True) if not inside)
    message = f"Lies outside of the areas of your account: {', '.join(caller.areas)}."
    return [Fault(kind="outside-parent", field=f"changes[{row}]", message=message) for row in outside]


def _held(caller: Caller, snapshot: Snapshot, lon: np.ndarray, lat: np.ndarray) -> list[bool]:
    areas = areas_at(snapshot, next(level for level in reversed(LEVELS) if _has(snapshot, level)))
    found = areas.index.assign(lon, lat).area
    return [caller.covers([area.code for area in areas.path(row)]) for row in found.tolist()]


def _has(snapshot: Snapshot, level: str) -> bool:
    return len(areas_at(snapshot, level).paths) > 0

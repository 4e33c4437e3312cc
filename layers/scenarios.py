"""Saved scenarios: named lists of changes to a city; nothing published changes by them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from geo.coverage import changes
from geo.coverage.changes import Change
from layers.errors import Conflict, NotFound, Stale
from layers.tables import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is saved of a scenario: ``base_revision`` None follows the current revision."""

    name: str
    note: str = ""
    base_revision: int | None = None
    changes: Sequence[Change]

    def columns(self) -> dict[str, Any]:
        """Columns of the table."""
        return {
            "name": self.name,
            "note": self.note,
            "base_revision": self.base_revision,
            "changes": [changes.as_record(change) for change in self.changes],
        }


def listed(session: Session) -> list[Scenario]:
    """Return all scenarios, the last written first."""
    return list(session.scalars(select(Scenario).order_by(Scenario.updated_at.desc(), Scenario.name)))


def get(session: Session, scenario_id: UUID, *, lock: bool = False) -> Scenario:
    """Return a scenario.

    Raises
    ------
    NotFound
        If there is none with this id.
    """
    query = select(Scenario).where(Scenario.id == scenario_id)
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFound(f"There is no scenario {scenario_id}.")
    return found


def by_name(session: Session, name: str) -> Scenario:
    """Return the scenario of a name.

    Raises
    ------
    NotFound
        If there is none; the message names those there are.
    """
    found = session.scalar(select(Scenario).where(Scenario.name == name))
    if found is None:
        names = ", ".join(scenario.name for scenario in listed(session)[:20]) or "none yet"
        raise NotFound(f"There is no scenario {name!r}; there are: {names}.")
    return found


def changes_of(scenario: Scenario) -> list[Change]:
    """Return what a scenario changes."""
    return [changes.from_record(record) for record in scenario.changes]


def create(session: Session, draft: Draft, *, author: str, now: dt.datetime) -> Scenario:
    """Save a new scenario.

    Raises
    ------
    Conflict
        If the name is taken.
    """
    made = Scenario(
        id=uuid4(),
        **draft.columns(),
        version=1,
        created_at=now,
        created_by=author,
        updated_at=now,
        updated_by=author,
    )
    session.add(made)
    _flush(session, draft.name)
    return made


def rewrite(
    session: Session, scenario: Scenario, draft: Draft, *, version: int, author: str, now: dt.datetime
) -> Scenario:
    """Save a scenario anew over the version that its writer had read; `scenario` is locked.

    Raises
    ------
    Stale
        If it was saved meanwhile.
    Conflict
        If the name is another one's.
    """
    check_version(scenario, version)
    for name, value in draft.columns().items():
        setattr(scenario, name, value)
    scenario.version, scenario.updated_at, scenario.updated_by = version + 1, now, author
    _flush(session, draft.name)
    return scenario


def remove(session: Session, scenario: Scenario, *, version: int) -> None:
    """Delete a scenario of the version that its remover had read; `scenario` is locked.

    Raises
    ------
    Stale
        If it was saved meanwhile.
    """
    check_version(scenario, version)
    session.delete(scenario)


def check_version(scenario: Scenario, version: int) -> None:
    """Refuse a write over a version that is not the stored one.

    Raises
    ------
    Stale
        If it is not.
    """
    if scenario.version != version:
        raise Stale(
            f"The scenario {scenario.name!r} is at version {scenario.version}, saved by {scenario.updated_by} at"
            f" {scenario.updated_at.isoformat(timespec='seconds')}, not at {version}: read it again."
        )


def _flush(session: Session, name: str) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        if "scenarios_name_key" in str(error.orig):
            raise Conflict(f"Another scenario is called {name!r}.") from error
        raise

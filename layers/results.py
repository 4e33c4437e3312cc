"""Answers that are kept: worked out once for the versions of the layers they come from, and the settings.

A result is never wrong, only unused: another revision of its layers, another setting or another program asks under
another key. What was not asked for longest goes first when there is no more room.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import orjson
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from layers.tables import Result

#: How often a result counts as used: noting every request would make each of them a write.
NOTED_EVERY = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Basis:
    """What an answer comes from, all of it: equal bases have equal answers.

    Parameters
    ----------
    kind
        What is answered, such as ``coverage``.
    question
        What was asked, as JSON.
    versions
        Of each layer that is used the revision that last changed it; 0: never published.
    settings
        Figures that the answer depends on, with their units in the names, and the program.
    """

    kind: str
    question: Mapping[str, Any]
    versions: Mapping[str, int]
    settings: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Digest of all of it."""
        parts = [self.kind, self.question, self.versions, self.settings]
        return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it is stored, when it was worked out and at which revision, and how long that took."""

    revision: int
    computed_at: dt.datetime
    seconds: float
    about: Mapping[str, Any]
    body: bytes


def find(session: Session, basis: Basis, *, now: dt.datetime) -> Kept | None:
    """Return the answer that is kept, noting that it was asked for; None if there is none."""
    row = session.execute(
        select(
            Result.revision, Result.computed_at, Result.seconds, Result.about, Result.body, Result.used_at
        ).where(Result.key == basis.key)
    ).first()
    if row is None:
        return None
    if now - row.used_at >= NOTED_EVERY:
        note_use(session, basis, now=now)
    return Kept(row.revision, row.computed_at, row.seconds, row.about, row.body)


def note_use(session: Session, basis: Basis, *, now: dt.datetime) -> None:
    """Note that an answer was asked for."""
    session.execute(
        update(Result)
        .where(Result.key == basis.key, Result.used_at <= now - NOTED_EVERY)
        .values(uses=Result.uses + 1, used_at=now)
    )


def keep(
    session: Session,
    basis: Basis,
    kept: Kept,
    *,
    most_bytes: int,
    uses: int = 1,
    used_at: dt.datetime | None = None,
) -> None:
    """Keep an answer, unless it is kept already, and drop the longest unused ones beyond `most_bytes`.

    Parameters
    ----------
    uses, used_at
        How often, and when last, its question was asked; now, once, by default.
    """
    values = {
        "key": basis.key,
        "kind": basis.kind,
        "question": dict(basis.question),
        "versions": dict(basis.versions),
        "settings": dict(basis.settings),
        "revision": kept.revision,
        "computed_at": kept.computed_at,
        "seconds": kept.seconds,
        "about": dict(kept.about),
        "body": kept.body,
        "size": len(kept.body),
        "uses": uses,
        "used_at": used_at or kept.computed_at,
    }
    session.execute(insert(Result).values(values).on_conflict_do_nothing())
    newest_first = (Result.used_at.desc(), Result.key)
    sums = select(Result.key, func.sum(Result.size).over(order_by=newest_first).label("bytes")).subquery()
    beyond = select(Result.key).where(Result.key.in_(select(sums.c.key).where(sums.c.bytes > most_bytes)))
    # Two who drop the same ones at once must not wait for each other.
    session.execute(delete(Result).where(Result.key.in_(beyond.with_for_update(skip_locked=True))))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question whose answer is kept, how often it was asked and when last."""

    question: dict[str, Any]
    uses: int
    used_at: dt.datetime


def asked_lately(
    session: Session, kind: str, versions: Mapping[str, int], *, since: dt.datetime, limit: int
) -> list[Asked]:
    """Return the questions answered from these versions that were asked since an instant, the most used first."""
    rows = session.execute(
        select(Result.question, func.sum(Result.uses), func.max(Result.used_at))
        .where(Result.kind == kind, Result.versions == dict(versions), Result.used_at >= since)
        .group_by(Result.question)
        .order_by(func.sum(Result.uses).desc(), func.max(Result.used_at).desc())
        .limit(limit)
    )
    return [Asked(question, int(uses), used_at) for question, uses, used_at in rows]


@dataclass(frozen=True, slots=True)
class Stored:
    """How many results are kept, and their bytes."""

    count: int
    size: int


def stored(session: Session) -> Stored:
    """Measure what is kept."""
    count, size = session.execute(select(func.count(), func.coalesce(func.sum(Result.size), 0))).one()
    return Stored(int(count), int(size))


@cache
def program() -> str:
    """Return the version of this program, with a digest of all that figures come from.

    A result of another program is not answered from: it may have been worked out in another way.
    """
    digest = hashlib.sha256()
    for package in ("geo", "layers"):
        for name, content in sorted(_sources(files(package), package)):
            digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return f"{version('wangge')}+{digest.hexdigest()[:12]}"


def _sources(folder: Traversable, path: str) -> list[tuple[str, bytes]]:
    found = []
    for item in folder.iterdir():
        name = f"{path}/{item.name}"
        if item.is_dir():
            found += _sources(item, name)
        elif item.name.endswith((".py", ".csv")):
            found.append((name, item.read_bytes()))
    return found

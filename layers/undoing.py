"""Undoing: what was published is taken back by publishing again; nothing in history is ever rewritten.

First what is to change is worked out, under the lock that keeps other publications off; the caller may judge it;
then it is checked as any edit is, and published as one revision.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from sqlalchemy.orm import Session

from geo import changes
from geo.changes import Changes
from geo.faults import DataError, Fault
from layers import deployment, diffs, gate, held, history, publishing, reading, store, surroundings
from layers.errors import Conflict
from layers.gate import Judged
from layers.publishing import Change, Published
from layers.tables import Revision, RevisionKey

#: Faults and codes that a refusal names in its message; all faults stand beside it.
_NAMED = 20


def repeated(session: Session, account: str, key: str, digest: bytes) -> Revision | None:
    """Return the revision that an earlier request of this key published; None where there was none.

    Two requests with one key at once: the second waits here until the first has ended.

    Raises
    ------
    Conflict
        If the key was used for another request.
    """
    history.lock_publishing(session)
    earlier = session.get(RevisionKey, (account, key))
    if earlier is None:
        return None
    if bytes(earlier.request_digest) != digest:
        raise Conflict(f"The Idempotency-Key {key!r} was used for another request; use a new one.")
    return history.get(session, earlier.revision)


def remember(session: Session, account: str, key: str, digest: bytes, published: Revision) -> None:
    """Keep which revision a request published; see :func:`repeated`."""
    kept = {"account": account, "key": key, "request_digest": digest, "revision": published.number}
    session.add(RevisionKey(**kept, created_at=published.published_at))
    session.flush()


def reverting(session: Session, number: int) -> dict[str, Changes]:
    """Work out, by layer, what takes back the change that revision `number` made.

    Other publications wait from here until the transaction ends.

    Raises
    ------
    NotFound
        If there is no such revision.
    Conflict
        If later revisions changed some of the same features; ``faults`` names each.
    """
    history.lock_publishing(session)
    revision = history.get(session, number)
    found: dict[str, Changes] = {}
    faults: list[Fault] = []
    for layer in revision.layers:
        made = diffs.of_layer(session, layer, number - 1, number)
        found[layer] = changes.inverted(made)
        faults += _changed_since(session, layer, made, number)
    if faults:
        codes = ", ".join(dict.fromkeys(str(fault.id) for fault in faults[:_NAMED]))
        more = f" and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
        raise Conflict(
            f"Revision {number} cannot be taken back alone, for {codes}{more} changed again since: take back "
            "those changes first, or restore a state.",
            faults=faults,
        )
    return _any(found, f"Revision {number} changed no feature: there is nothing to take back.")


def restoring(session: Session, number: int) -> dict[str, Changes]:
    """Work out, by layer, what brings back the state at revision `number` of the layers that it changed.

    Other publications wait from here until the transaction ends.

    Raises
    ------
    NotFound
        If there is no such revision.
    Conflict
        If these layers are in that state.
    """
    newest = history.lock_publishing(session)
    revision = history.get(session, number)
    found = {layer: diffs.of_layer(session, layer, newest, number) for layer in revision.layers}
    return _any(found, f"{', '.join(revision.layers)}: they are as they were at revision {number}.")


def publish(
    session: Session,
    found: Mapping[str, Changes],
    *,
    author: str,
    note: str,
    now: dt.datetime,
    clock: Callable[[], dt.datetime],
) -> Published:
    """Check and publish changes of the newest revision, as one; the caller holds others off, and commits.

    Raises
    ------
    DataError
        Each defect of areas that would be new or larger than now, and each code that another feature has by now.
    """
    judged = judge(session, found)
    if judged.worse:
        raise DataError(judged.worse)
    published = publishing.publish(
        session,
        {layer: _change(change) for layer, change in found.items()},
        author=author,
        note=note,
        now=now,
        clock=clock,
    )
    gate.keep(session, judged.found, published.revision)
    return published


def judge(session: Session, found: Mapping[str, Changes]) -> Judged:
    """Check changes of the newest revision; see :func:`layers.gate.judge`."""
    newest = history.newest(session)
    near = surroundings.reader(
        session, reading.of_revision(session, newest), partial(store.source, revision=newest), found
    )
    return gate.judge(
        *diffs.readers(session, newest, found),
        found,
        metric=deployment.get(session).metric_crs,
        near=diffs.overlaid(near, found),
    )


def paths(session: Session, found: Mapping[str, Changes]) -> Iterator[Sequence[str]]:
    """Yield where each changed feature lies, before and after; see :func:`layers.held.paths`."""
    return held.paths(*diffs.readers(session, history.newest(session), found), found)


def _changed_since(session: Session, layer: str, made: Changes, number: int) -> list[Fault]:
    """Name the features of a change that later revisions changed, with the first of these."""
    since = diffs.first_changes(session, layer, [*made.before.index.union(made.after.index)], number)
    codes = made.table["code"]
    return [
        Fault(
            kind="changed-since",
            layer=layer,
            id=str(codes[feature]),
            message=f"{codes[feature]} of {layer} changed again in revision {revision}.",
        )
        for feature, revision in sorted(since.items(), key=lambda each: str(codes[each[0]]))
    ]


def _any(found: dict[str, Changes], otherwise: str) -> dict[str, Changes]:
    found = {layer: change for layer, change in found.items() if len(change)}
    if not found:
        raise Conflict(otherwise)
    return found


def _change(change: Changes) -> Change:
    return Change(change.after, [str(each) for each in change.before.index.difference(change.after.index)])

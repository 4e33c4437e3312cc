"""Which state of a layer a request is about: the current one, that of an instant, or of a revision."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from api import stated
from api.dependencies import Runtime
from api.ogc.states import Held, States
from api.snapshots import Snapshot
from geo.faults import DataError, Fault
from layers.errors import BeforeHistory
from layers.features import pages
from layers.features.collections import Collection
from layers.features.pages import Period

#: Parameters that state it; at most one of them.
NAMES = ("at", "datetime", "revision")
_REVISIONS = re.compile(r"(\d{1,9})(?:/(\d{1,9}))?")
_OPEN = ("", "..")


@dataclass(frozen=True, slots=True)
class Stated:
    """The first and the last snapshot that a request is about; the same one where it is about a moment."""

    first: Snapshot | None
    last: Snapshot

    def of(self, collection: Collection) -> Held:
        """Return a collection in the period, as the layer's own versions: pages of one version stay the same ones."""
        layer = collection.layer
        revision = self.last.version([layer])[0]
        period = Period(self.first.version([layer])[0] if self.first else 0, revision)
        selection = pages.published(layer, period)
        return Held(
            selection.where(*collection.conditions(selection.source)),
            {"revision": str(revision) if period.since == revision else f"{period.since}/{revision}"},
            f"{period.since}/{revision}",
            self.last.revision,
            f"at revision {self.last.revision}",
        )


def states(runtime: Runtime, snapshot: Snapshot) -> States:
    """Return the states of the published tree."""
    return States(NAMES, lambda query, collection: read(query, runtime, snapshot).of(collection))


def read(query: Mapping[str, str], runtime: Runtime, snapshot: Snapshot) -> Stated:
    """Return the period that a query states; the current moment where it states none.

    Raises
    ------
    DataError
        If it states several, or one that cannot be read.
    layers.errors.BeforeHistory
        If nothing was published by then.
    """
    named = [name for name in NAMES if name in query]
    if len(named) > 1:
        raise _wrong(named[1], f"State one of {', '.join(NAMES)}, not {' and '.join(named)}.")
    if not named:
        return Stated(snapshot, snapshot)
    if named == ["revision"]:
        return _of_revisions(query["revision"], runtime, snapshot)
    return _of_instants(query[named[0]], runtime, snapshot, field=named[0])


def _of_revisions(text: str, runtime: Runtime, snapshot: Snapshot) -> Stated:
    found = _REVISIONS.fullmatch(text)
    if found is None:
        raise _wrong("revision", f"{text!r} is no revision; write 7, or 3/7 for what held from 3 to 7.")
    last = int(found[2] or found[1])
    first = int(found[1])
    # Another process may have answered the page before from a revision that this one has not yet noticed.
    newest = snapshot if last <= snapshot.revision else runtime.snapshots.refresh()
    if not 1 <= last <= newest.revision or first > last:
        raise _wrong("revision", f"There is no revision {text}; there are 1 to {newest.revision}.")
    snapshots = runtime.snapshots
    end = snapshots.of(last)
    return Stated(end if first == last else snapshots.of(first) if first else None, end)


def _of_instants(text: str, runtime: Runtime, snapshot: Snapshot, *, field: str) -> Stated:
    if field == "at" or "/" not in text:
        moment = _at(text, runtime, field=field)
        return Stated(moment, moment)
    start, _, end = text.partition("/")
    last = snapshot if end in _OPEN else _at(end, runtime, field=field)
    try:
        first = None if start in _OPEN else _at(start, runtime, field=field, starts=True)
    except BeforeHistory:
        first = None
    if first is not None and first.revision > last.revision:
        raise _wrong(field, f"{text!r} ends before it begins.")
    return Stated(first, last)


def _at(text: str, runtime: Runtime, *, field: str, starts: bool = False) -> Snapshot:
    instant = stated.instant(text, runtime.settings.timezone, field=field, starts=starts)
    return runtime.snapshots.at(instant)


def _wrong(field: str, message: str) -> DataError:
    return DataError(Fault(kind="parameter-invalid", field=field, message=message))

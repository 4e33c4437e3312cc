"""A file that is sent to become a step of a draft: what it is, how it is understood, and what it would change."""

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from api import diff_words
from api.access import Caller
from api.dependencies import Runtime
from api.drafts import require_scope
from api.errors import Problem
from api.maps import diff as diff_map
from api.scopes import reads_people
from geo.changes import Changes
from geo.faults import Fault
from layers import database, diffs
from layers.database import Session
from layers.diffs import Diff
from layers.drafts import keeping, states
from layers.drafts.keeping import Request
from layers.files import formats, tables
from layers.imports import Options, drafting, reading
from layers.imports.drafting import Proposal
from layers.tables import Draft

#: Endings of files by the Content-Type that says their format.
ENDINGS = {
    "application/geo+json": ".geojson",
    "application/geo+json-seq": ".geojsonl",
    "application/x-ndjson": ".geojsonl",
    "application/geopackage+sqlite3": ".gpkg",
    "application/flatgeobuf": ".fgb",
    "application/vnd.apache.parquet": ".parquet",
    "application/zip": ".zip",
    "text/csv": ".csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}
#: Endings of all files that are read; a shapefile is several files, and is sent packed.
SENDABLE = tuple(ending for ending in formats.READABLE if ending != ".shp")
#: Faults, changes and pieces of land that a reply lists of each kind; their numbers are whole.
MOST_LISTED = 1000
#: How much larger than the largest upload a file may be that is unpacked.
_MOST_GROWTH = 5
#: How long the work may take that a request waits for.
_MOST_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request wants of a file; ``version`` is that of the draft as its sender read it."""

    draft_id: UUID
    layer: str
    crs: str | None
    columns: Mapping[str, str]
    mode: str
    on_invalid: str
    sheet: str | None
    encoding: str | None
    noded: bool
    preview: bool
    note: str
    version: int | None
    key: str | None


def ending_of(name: str | None, content_type: str) -> str:
    """Return the ending of a file that is sent: its name's, else that of the Content-Type.

    Raises
    ------
    Problem
        ``unsupported-format``.
    """
    named = Path(name).suffix.lower() if name else ""
    media_type = content_type.partition(";")[0].strip().lower()
    if named in SENDABLE:
        return named
    if media_type in ENDINGS:
        return ENDINGS[media_type]
    said = f"{name!r}" if name else f"Content-Type {media_type!r}"
    advice = " Send a shapefile as a .zip of its files." if named == ".shp" else ""
    raise Problem(
        "unsupported-format",
        f"{said} is not read; say by name or Content-Type that it is {', '.join(SENDABLE)}.{advice}",
    )


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that was sent, where it lies and what it is called."""

    path: Path
    name: str


def carry_out(runtime: Runtime, caller: Caller, asked: Asked, file: Sent) -> tuple[dict[str, Any], bool]:
    """Import a file into a draft as one step, or say what it would change.

    The draft is locked only while the step is written: others go on editing it meanwhile.

    Returns
    -------
    dict, bool
        What is told of it, and whether there is a new step.

    Raises
    ------
    Conflict
        If the draft is not open, or was written to meanwhile.
    Stale
        If it is not at the version that the request names.
    DataError, NotFound, Problem
        If the file or what it would change is refused.
    """
    request = _request(caller, asked, file)
    with database.translated(), runtime.look_ups() as session:
        draft = keeping.get(session, asked.draft_id)
        earlier = keeping.repeated(session, draft, request) if request else None
        if earlier is not None:
            return earlier, False
        proposal = _propose(session, runtime, draft, asked, file)
        found = _diffs(session, caller, draft, proposal, land=asked.preview)
        told = _told(proposal, found, asked)
        if asked.preview:
            return told | _drawn(found) | {"step": None, "version": draft.version}, False
        written = _Written(proposal, caller.name or "", runtime.clock(), asked.note)
        reply, is_new = _record(session, written, told, request)
        session.commit()
    return reply, is_new


def preview(runtime: Runtime, caller: Caller, asked: Asked, file: Sent, written: str) -> tuple[bytes, int]:
    """Write what a file would change in a draft as the draft's own difference is written; nothing is stored.

    Parameters
    ----------
    written
        One of :data:`api.table_formats.FORMATS`.

    Returns
    -------
    bytes, int
        The changes, and the revision that the draft stands on.

    Raises
    ------
    Conflict
        If the draft is not open.
    Stale
        If it is not at the version that the request names.
    DataError, NotFound, Problem
        If the file or what it would change is refused; on field ``format``, for more rows than the format can carry.
    """
    with database.translated(), runtime.look_ups() as session:
        draft = keeping.get(session, asked.draft_id)
        found = _diffs(session, caller, draft, _propose(session, runtime, draft, asked, file), land=True)
        revision = draft.base_revision
    return diff_words.body(written, found, revision, None), revision


def _request(caller: Caller, asked: Asked, file: Sent) -> Request | None:
    if asked.key is None:
        return None
    digest = sha256(orjson.dumps(asdict(asked), option=orjson.OPT_SORT_KEYS))
    with file.path.open("rb") as content:
        digest.update(file_digest(content, "sha256").digest())
    return Request(caller.name or "", asked.key, digest.digest())


def _propose(session: Session, runtime: Runtime, draft: Draft, asked: Asked, file: Sent) -> Proposal:
    if asked.version is not None:
        keeping.check_version(draft, asked.version)
    settings = runtime.settings
    options = Options(
        crs=asked.crs,
        local_crs=settings.local_crs(),
        default_datum=settings.default_datum,
        columns=asked.columns,
        mode=asked.mode,
        on_invalid=asked.on_invalid,
        noded=asked.noded,
        tolerance_m=settings.tolerance_m,
        steps_factor=settings.steps_factor,
    )
    watch = _Watch(_MOST_S)
    records = reading.of_file(
        asked.layer,
        file.path,
        options,
        sheet=asked.sheet,
        encoding=asked.encoding,
        name=file.name,
        largest_unpacked=_MOST_GROWTH * (settings.max_upload_mb << 20),
        progress=watch,
    )
    return drafting.propose(session, draft, records, now=runtime.clock(), progress=watch)


@dataclass(frozen=True, slots=True)
class _Written:
    """What becomes a step, and by whom, when and why."""

    proposal: Proposal
    author: str
    now: dt.datetime
    note: str


def _record(
    session: Session, written: _Written, told: dict[str, Any], request: Request | None
) -> tuple[dict[str, Any], bool]:
    draft = keeping.get(session, written.proposal.draft_id, lock=True)
    # The same request may have been carried out while this one was worked on.
    earlier = keeping.repeated(session, draft, request) if request else None
    if earlier is not None:
        return earlier, False
    step = drafting.record(
        session, written.proposal, author=written.author, now=written.now, note=written.note
    )
    reply = told | {"step": step.number if step else None, "version": draft.version}
    if request:
        keeping.remember(session, draft, request, reply, now=written.now)
    return reply, step is not None


class _Watch:
    """Stops work that takes too long, where its next part begins."""

    def __init__(self, most_s: float) -> None:
        self._until = time.monotonic() + most_s

    def __call__(self, step: str, done: int, total: int) -> None:  # noqa: ARG002 - as layers.progress.Progress
        if time.monotonic() > self._until:
            raise Problem(
                "too-large",
                f"Importing took longer than a request may ({_MOST_S:.0f} s, at: {step}); nothing was stored. "
                "Send the file in parts, or import it where the service runs: wangge import … --draft ID.",
            )


def _diffs(session: Session, caller: Caller, draft: Draft, proposal: Proposal, *, land: bool) -> list[Diff]:
    """Return what an import would change in a draft, as the caller may know it.

    To work out the land that changes hands takes long where every border of a city moves; what is stored waits for no such
    thing, and the draft's difference tells it.
    """
    outcome = proposal.outcome
    found = outcome.differences()
    require_scope(session, caller, states.state_of(draft), found)
    listed = diffs.listed(found, metric=outcome.state.metric, land=land)
    return listed if reads_people(caller) else diffs.impersonal(listed)


def _told(proposal: Proposal, found: Sequence[Diff], asked: Asked) -> dict[str, Any]:
    outcome = proposal.outcome
    report = outcome.reports[asked.layer]
    layers = diff_words.layers([_first(diff) for diff in found])
    for layer, diff in zip(layers, found, strict=True):
        layer |= {"counts": diff.changes.counts, "land_m2": diff_words.land_m2(diff)}
    return {
        "said": proposal.said["import"],
        "preview": asked.preview,
        "reference": report.reference,
        "rows": {
            name: getattr(report, name)
            for name in ("read", "imported", "rejected", "added", "changed", "unchanged", "removed")
        },
        "counts": report.counts,
        "notes": report.notes,
        "rejects": _listed(report.faults),
        "repaired": _listed(report.repaired),
        "layers": layers,
        "features": None,
        "left_out": 0,
        "worse": _listed(outcome.worse),
        "worse_count": len(outcome.worse),
    }


def _drawn(found: Sequence[Diff]) -> dict[str, Any]:
    """Return the shapes before and after and the land that changes hands, as many as the map of a draft has."""
    drawn = diff_words.features(found)
    shown = diff_map.shown(drawn)
    return {"features": orjson.Fragment(tables.to_geojson(shown)), "left_out": len(drawn) - len(shown)}


def _first(diff: Diff) -> Diff:
    """Return the changes of the first features by code, and the largest pieces of land."""
    found = diff.changes
    ids = found.table.index[:MOST_LISTED]
    listed = Changes(*(side[side.index.isin(ids)] for side in (found.before, found.after)))
    return replace(diff, changes=listed, land=None if diff.land is None else diff.land.head(MOST_LISTED))


def _listed(faults: Sequence[Fault]) -> list[dict[str, Any]]:
    return [fault.as_dict() for fault in faults[:MOST_LISTED]]

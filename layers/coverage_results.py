"""Coverage that is kept: what a table comes from, how it is stored, and which tables a publication renews."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

import pyarrow as pa
from sqlalchemy.orm import Session

from geo.coverage import Answer, Query
from geo.coverage.circles import GB50180_M, SPEEDS
from geo.faults import Fault
from geo.streets.access_points import SNAP_LIMIT_M
from layers import deployment, history, jobs, results
from layers.coverage import LAYERS
from layers.deployment import Deployment
from layers.results import Basis, Kept

KIND = "coverage"

_COMPRESSED = pa.ipc.IpcWriteOptions(compression="lz4")

#: Questions asked within this time are worked out anew after a publication, so many at most.
RENEWED_WITHIN, RENEWED_MOST = dt.timedelta(days=14), 50


def basis(versions: Mapping[str, int], decided: Deployment, query: Query) -> Basis:
    """Say what the answer to a query comes from.

    Parameters
    ----------
    versions
        Of every layer at the revision that is asked about, as :func:`layers.history.versions`.
    """
    used = {layer: versions.get(layer, 0) for layer in LAYERS}
    return Basis(KIND, asdict(query), used, _settings(decided, query))


def _settings(decided: Deployment, query: Query) -> dict[str, Any]:
    walker = query.standard or query.profile
    if query.standard:
        walk: dict[str, Any] = {"distances": "each type's own service radius"}
    elif walker in SPEEDS:
        walk = {"speed_m_s": SPEEDS[walker]}
    else:
        walk = {"distances_m": {str(minutes): metres for minutes, metres in GB50180_M.items()}}
    return {
        **walk,
        "steps_factor": decided.steps_factor,
        "snap_limit_m": SNAP_LIMIT_M,
        "metric_crs": decided.metric_crs,
        "program": results.program(),
    }


def encode(answer: Answer) -> tuple[dict[str, Any], bytes]:
    """Write an answer as it is kept: its tables as Arrow, one after the other, and what stands beside them as JSON."""
    about = {
        "demand_from": answer.demand_from,
        "not_judged": list(answer.not_judged),
        "faults": [fault.as_dict() for fault in answer.faults],
    }
    sink = pa.BufferOutputStream()
    for frame in (answer.table, answer.overstatement):
        table = pa.Table.from_pandas(frame, preserve_index=False)
        with pa.ipc.new_stream(sink, table.schema, options=_COMPRESSED) as writer:
            writer.write_table(table)
    return about, sink.getvalue().to_pybytes()


def decode(kept: Kept) -> Answer:
    """Read an answer that :func:`encode` wrote; equal to what was written."""
    source = pa.BufferReader(kept.body)
    table, overstatement = (pa.ipc.open_stream(source).read_all().to_pandas() for _ in range(2))
    return Answer(
        table=table,
        overstatement=overstatement,
        demand_from=dict(kept.about["demand_from"]),
        not_judged=tuple(kept.about["not_judged"]),
        faults=tuple(Fault(**fault) for fault in kept.about["faults"]),
    )


def query_of(question: Mapping[str, Any]) -> Query:
    """Return the query that a basis holds as JSON."""
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in question.items()
    }
    return Query(**fields)


def wanted(basis: Basis, revision: int, **more: Any) -> jobs.Wanted:  # noqa: ANN401 - JSON
    """Return the job that works an answer out at a revision; `more` stands in its payload."""
    payload = {"revision": revision, "question": dict(basis.question), **more}
    return jobs.Wanted(KIND, f"{KIND} {basis.key}", payload)


def renew(session: Session, changed: Collection[str], revision: int, *, now: dt.datetime) -> int:
    """Queue what was asked lately and rests on layers that a publication changes; returns how many tables.

    To be called in its transaction, late: it locks the jobs it takes the place of, those of the revision before that
    nobody waits for.
    """
    if not set(LAYERS) & set(changed):
        return 0
    before = history.versions(session, revision - 1)
    used = {layer: before.get(layer, 0) for layer in LAYERS}
    lately = results.asked_lately(session, KIND, used, since=now - RENEWED_WITHIN, limit=RENEWED_MOST)
    asked: list[dict[str, Any]] = [
        {"question": item.question, "uses": item.uses, "used_at": item.used_at.isoformat()} for item in lately
    ]
    # What the publication before queued, and nobody has worked out since.
    asked += jobs.withdraw(session, KIND, why=f"Revision {revision} took its place.")
    after = {**before, **dict.fromkeys(changed, revision)}
    decided = deployment.get(session)
    for item in sorted(asked, key=lambda item: item["uses"], reverse=True)[:RENEWED_MOST]:
        found = basis(after, decided, query_of(item["question"]))
        use = {"uses": item["uses"], "used_at": item["used_at"]}
        jobs.enqueue(session, wanted(found, revision, **use), asked_by=None)
    return min(len(asked), RENEWED_MOST)

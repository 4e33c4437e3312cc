"""Files of incidents: which column is what, values of the right kind, and what is wrong with each record."""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from sqlalchemy.orm import Session

from geo import crs
from geo.crs import Reference
from geo.faults import DataError, Fault
from layers.catalogue import Field, LayerSpec
from layers.files import columns, records
from layers.files.records import Records
from layers.imports import fields
from layers.incidents.importing import ImportCounts, import_stream
from layers.instants import instants
from layers.progress import Progress, silent

#: Columns of a file of incidents, beside those of the place.
SPEC = LayerSpec(
    "incidents", "事件", "incidents", ("Point",),
    (
        Field("external_id", "text", "外部编号", "external id", aliases=("external_id", "id", "工单号", "工单编号", "事件编号", "编号", "case_enquiry_id")),
        Field("category", "text", "事件类别", "category", required=True, aliases=("category", "type", "类别", "事件类型", "类型")),
        Field("reported_at", "text", "上报时间", "reported at", required=True, aliases=("reported_at", "open_dt", "opened", "created", "发生时间", "受理时间", "时间")),
        Field("status", "text", "状态", "status", aliases=("status", "case_status", "办理状态")),
        Field("closed_at", "text", "办结时间", "closed at", aliases=("closed_at", "closed_dt", "closed", "结案时间")),
        Field("deadline", "text", "截止时间", "deadline", aliases=("deadline", "target_dt", "due", "办理时限", "截止日期")),
        Field("description", "text", "描述", "description", aliases=("description", "内容", "事件描述", "问题描述")),
        Field("address", "text", "地址", "address", aliases=("address", "地址", "事发地址", "详细地址")),
        Field("source", "text", "来源", "source", aliases=("source", "来源", "渠道")),
        Field("reporter_name", "text", "上报人", "reporter", aliases=("reporter_name", "上报人", "联系人", "姓名")),
        Field("reporter_phone", "text", "联系电话", "phone", aliases=("reporter_phone", "联系电话", "电话", "手机")),
    ),
)  # fmt: skip
_STATUSES = {
    **dict.fromkeys(("open", "办理中", "未办结", "待办", "处理中", "未结案"), "open"),
    **dict.fromkeys(("closed", "已办结", "办结", "已结案", "结案", "完成", "已完成"), "closed"),
}
_TIMES = ("reported_at", "closed_at", "deadline")
#: As the longest that can be reported one by one.
_LONGEST = {"category": 100, "address": 500, "description": 10_000, "source": 100, "reporter_name": 100,
            "reporter_phone": 50, "external_id": 200}  # fmt: skip
_EARLIEST = np.datetime64("1900-01-01", "us")
#: How far ahead the clock of a sender may be.
_CLOCKS_DIFFER = np.timedelta64(10, "m")
# 2026年3月1日 8:30, 2026/3/1 08:30:05 and the like.
_SPOKEN = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?"
)

#: What takes the records that are rejected, as text by column, each with what is wrong with it.
OnRejects = Callable[[Sequence[dict[str, str]], Sequence[Fault]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """How a file of incidents is to be understood.

    Parameters
    ----------
    datum
        Datum or CRS of the coordinates; outranks what the file says.
    local_crs, default_datum
        Named local CRSs, and the datum taken where nobody states one.
    named
        Field to column, for columns whose names do not tell; ``x`` and ``y`` name those of the coordinates.
    timezone
        Of times without an offset. Of an hour that comes twice in autumn the first is meant.
    """

    datum: str | None = None
    local_crs: Mapping[str, str] = field(default_factory=dict)
    default_datum: str | None = None
    named: Mapping[str, str] = field(default_factory=dict)
    timezone: str = "UTC"
    sheet: str | None = None
    encoding: str | None = None


def import_file(
    session: Session,
    path: Path,
    options: FileOptions,
    *,
    actor: str,
    now: dt.datetime,
    on_rejects: OnRejects = lambda *_: None,
    progress: Progress = silent,
) -> ImportCounts:
    """Store the incidents of a file with their areas, and bring known ones up to date; the caller commits.

    A record at fault is rejected, with everything that is wrong with it, and stops no other. What becomes of the
    others is told in :func:`layers.incidents.importing.import_stream`. Memory is bounded for delimited text, but for
    the external ids, which must not come twice.

    Raises
    ------
    DataError
        Faults of the whole: an unknown format or encoding, no datum, a column that does not exist, no record.
    NotFound
        If nothing was ever imported into the layers.
    """
    reading = _Reading(options, now, on_rejects)

    def frames() -> Iterator[pd.DataFrame]:
        for chunk in records.read(path, encoding=options.encoding, sheet=options.sheet):
            yield reading.understood(chunk)
            progress("read 读取", chunk.done, chunk.total)

    counts = import_stream(session, frames(), actor=actor, now=now)
    if not counts.total and not reading.rejected:
        raise DataError(Fault(kind="file-empty", message="The file holds no records."))
    counts.total += reading.rejected
    counts.rejected += reading.rejected
    counts.faults[:0] = reading.faults
    return counts


class _Reading:
    """A file being read: what its columns are, which external ids were there, and what was rejected."""

    def __init__(self, options: FileOptions, now: dt.datetime, on_rejects: OnRejects) -> None:
        self._options = options
        self._latest = np.datetime64(now.astimezone(dt.UTC).replace(tzinfo=None), "us") + _CLOCKS_DIFFER
        self._on_rejects = on_rejects
        self._seen: dict[str, int] = {}
        self._columns: dict[str, str] | None = None
        self._places: tuple[str, str] | None = None
        self._reference: Reference | None = None
        self.rejected = 0
        self.faults: list[Fault] = []

    def understood(self, chunk: Records) -> pd.DataFrame:
        """Incidents of some records, without those at fault."""
        if self._columns is None:
            self._begin(chunk)
        faults = list(chunk.faults)
        frame = self._described(chunk, faults)
        self._locate(chunk, frame, faults)
        bad = sorted({fault.row for fault in faults if fault.row is not None})
        self._reject(chunk, bad, faults)
        return frame.drop(index=bad)

    def _begin(self, chunk: Records) -> None:
        """Say which column is what, once."""
        stated = dict(self._options.named)
        names = list(chunk.columns)
        x, y = stated.pop("x", None), stated.pop("y", None)
        missing = [name for name in (x, y) if name is not None and name not in names]
        if missing:
            message = f"The file has no such column; there are: {', '.join(names)}."
            raise DataError([Fault(kind="field-unknown", field=name, message=message) for name in missing])
        self._columns = fields.match(names, SPEC, stated)
        absent = [
            Fault(
                kind="field-unknown",
                field=item.name,
                message=f"Which column is it? There are: {', '.join(names)}. State --map {item.name}=COLUMN.",
            )
            for item in SPEC.fields
            if item.required and item.name not in self._columns
        ]
        if absent:
            raise DataError(absent)
        x, y = x or columns.known(names, columns.X_NAMES), y or columns.known(names, columns.Y_NAMES)
        if x is not None and y is not None:
            self._places = (x, y)
        if self._places is not None or chunk.x is not None:
            datum = self._options.datum or chunk.crs or self._options.default_datum
            self._reference = crs.parse(datum, local=self._options.local_crs)

    def _described(self, chunk: Records, faults: list[Fault]) -> pd.DataFrame:
        """Fields of incidents, values of the right kind."""
        columns_of = self._columns or {}
        frame = pd.DataFrame(index=_numbers_of(chunk))
        for name, column in columns_of.items():
            values = _column(chunk, column)
            if name in _TIMES:
                frame[name] = self._times(name, values, faults)
                continue
            frame[name] = values
            long = frame[name].str.len() > _LONGEST.get(name, 100)
            faults += _each(
                frame.index[long], "value-invalid", name, f"is longer than {_LONGEST.get(name, 100)}"
            )
        for name in (item.name for item in SPEC.fields if item.required):
            faults += _each(frame.index[frame[name].isna()], "value-missing", name, "is required")
        self._check_times(frame, faults)
        self._set_status(frame, faults)
        if "external_id" in frame:
            self._check_repeated(frame["external_id"], faults)
        return frame

    def _times(self, name: str, values: pd.Series, faults: list[Fault]) -> pd.Series:
        """Instants, UTC; a bare date is the end of the day for a deadline, else its beginning."""
        spelled = values.map(lambda value: _iso(value, ends=name == "deadline"), na_action="ignore")
        found = instants(pa.array(spelled, type=pa.string(), from_pandas=True), self._options.timezone)
        wrong = values.notna().to_numpy() & np.isnat(found)
        faults += [
            Fault(
                kind="value-invalid",
                field=name,
                row=int(str(row)),
                message=f"{value!r} is no time; write it as 2026-01-31 08:30:00.",
            )
            for row, value in values[wrong].items()
        ]
        times: pd.Series = pd.Series(found, index=values.index).dt.tz_localize("UTC")
        return times

    def _check_times(self, frame: pd.DataFrame, faults: list[Fault]) -> None:
        reported = frame["reported_at"].dt.tz_localize(None).to_numpy()
        faults += _each(
            frame.index[reported > self._latest], "value-invalid", "reported_at", "lies in the future"
        )
        faults += _each(frame.index[reported < _EARLIEST], "value-invalid", "reported_at", "lies before 1900")

    def _set_status(self, frame: pd.DataFrame, faults: list[Fault]) -> None:
        """As said; where nothing is said, closed if there is a time of closing."""
        closed = (
            frame["closed_at"].notna() if "closed_at" in frame else pd.Series(data=False, index=frame.index)
        )
        otherwise = closed.map({True: "closed", False: "open"}).astype(object)
        if "status" not in frame:
            frame["status"] = otherwise
            return
        said = frame["status"].str.strip().str.lower()
        frame["status"] = said.map(_STATUSES).where(said.notna(), otherwise)
        known = ", ".join(_STATUSES)
        faults += _each(frame.index[frame["status"].isna()], "value-invalid", "status", f"is none of {known}")

    def _check_repeated(self, external_id: pd.Series, faults: list[Fault]) -> None:
        for row, value in external_id.dropna().items():
            first = self._seen.setdefault(value, int(str(row)))
            if first != row:
                message = f"Record {first} has the external id {value!r} too."
                faults.append(
                    Fault(kind="value-invalid", field="external_id", row=int(str(row)), message=message)
                )

    def _locate(self, chunk: Records, frame: pd.DataFrame, faults: list[Fault]) -> None:
        """Add the place as stated and in EPSG:4326."""
        if self._reference is None:
            return
        x, y = chunk.x, chunk.y
        if self._places is not None:
            x, y = (self._numbers(_column(chunk, name), faults) for name in self._places)
        if x is None or y is None:
            return
        given = np.flatnonzero(~(np.isnan(x) & np.isnan(y)))
        numbers = frame.index.to_numpy()[given]
        faults += [
            replace(fault, row=int(numbers[(fault.row or 1) - 1]))
            for fault in crs.coordinate_faults(x[given], y[given], self._reference)
        ]
        frame["lon"], frame["lat"] = crs.to_lonlat(x, y, self._reference)
        frame["given_x"], frame["given_y"] = x, y
        frame["given_datum"] = pd.Series(self._reference.name, index=frame.index, dtype=object).mask(
            np.isnan(x), None
        )

    def _numbers(self, values: pd.Series, faults: list[Fault]) -> npt.NDArray[np.float64]:
        numbers = pd.Series(pd.to_numeric(values, errors="coerce"), dtype="float64")
        faults += _each(
            values.index[values.notna() & numbers.isna()],
            "coordinate-not-a-number",
            str(values.name),
            "is no number",
        )
        return np.asarray(numbers, dtype=np.float64)

    def _reject(self, chunk: Records, bad: list[int], faults: list[Fault]) -> None:
        if not bad:
            return
        self.rejected += len(bad)
        by_row: dict[int, list[Fault]] = {row: [] for row in bad}
        for fault in faults:
            by_row[fault.row or 0].append(fault)
        # A record is told once, with all that is wrong with it.
        said = [
            replace(some[0], message="; ".join(dict.fromkeys(fault.message for fault in some)))
            for some in by_row.values()
        ]
        self.faults += said
        self._on_rejects([chunk.record(row) for row in bad], said)


def _numbers_of(chunk: Records) -> pd.RangeIndex:
    many = len(next(iter(chunk.columns.values()), ()))
    return pd.RangeIndex(chunk.first, chunk.first + many)


def _column(chunk: Records, name: str) -> pd.Series:
    """Values as text, None where blank, by record number."""
    values = [None if value is None else str(value).strip() or None for value in chunk.columns[name]]
    return pd.Series(values, index=_numbers_of(chunk), dtype=object, name=name)


def _each(rows: pd.Index, kind: str, name: str, said: str) -> list[Fault]:
    return [Fault(kind=kind, field=name, row=int(row), message=f"{name} {said}.") for row in rows]


def _iso(value: object, *, ends: bool) -> str:
    """Write a time as ISO 8601 where it is spelled as people do; other text stays as it is."""
    text = str(value).strip()
    found = _SPOKEN.fullmatch(text)
    if found is None:
        return text
    year, month, day, hour, minute, second = found.groups()
    date = f"{year}-{month:0>2}-{day:0>2}"
    if hour is None:
        return date if ends else f"{date} 00:00"
    return f"{date} {hour:0>2}:{minute}:{second or '00'}"

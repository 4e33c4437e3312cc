"""Records at fault, with the columns of their file and what is wrong with them: to be mended and sent again."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from tempfile import SpooledTemporaryFile
from typing import IO, Self

import pandas as pd

from geo.faults import Fault

#: Columns added to those of the file.
COLUMNS = ("reject_row", "reject_kind", "reject_message")
#: Columns added to those of a file of points.
OF_POINTS = ("reject_row", "reject_column", "reject_value", "reject_kind", "reject_message")
_IN_MEMORY = 1 << 20


def frame(records: pd.DataFrame, faults: Iterable[Fault]) -> pd.DataFrame:
    """Return the records at fault, each once, with all that is wrong with it.

    Parameters
    ----------
    records
        As read, indexed by record number.
    faults
        With ``row``; several of one record are joined by ``; ``.
    """
    by_row: dict[int, list[Fault]] = {}
    for fault in faults:
        if fault.row is not None:
            by_row.setdefault(fault.row, []).append(fault)
    rows = sorted(by_row)
    found = records.loc[rows].copy()
    found["reject_row"] = rows
    found["reject_kind"] = ["; ".join(dict.fromkeys(fault.kind for fault in by_row[row])) for row in rows]
    found["reject_message"] = ["; ".join(fault.message for fault in by_row[row]) for row in rows]
    return found


class RejectsFile:
    """A CSV of rejected records, whatever columns each of them has, in memory bounded by a few of them.

    Parameters
    ----------
    sink
        Where the file is written when the context ends without an error: UTF-8 with the mark that spreadsheets
        need to read Chinese.
    """

    def __init__(self, sink: IO[bytes]) -> None:
        self._sink = sink
        self._names: dict[str, None] = {}
        # Later records may have columns that the first have not, so the header is known at the end.
        self._records = SpooledTemporaryFile(_IN_MEMORY, mode="w+", encoding="utf-8")  # noqa: SIM115 - closed at the end of the context

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._records:
            if kind is None:
                self._write()

    def add(self, records: Sequence[dict[str, str]], faults: Sequence[Fault]) -> None:
        """Keep records, with what is wrong with each."""
        for record, fault in zip(records, faults, strict=True):
            self._names |= dict.fromkeys(record)
            self._records.write(json.dumps({**record, **_described(record, fault)}) + "\n")

    def _write(self) -> None:
        text = io.TextIOWrapper(self._sink, encoding="utf-8-sig", newline="", errors="backslashreplace")
        table = csv.DictWriter(text, [*self._names, *OF_POINTS], restval="")
        table.writeheader()
        self._records.seek(0)
        table.writerows(map(json.loads, self._records))
        text.detach()


def _described(record: dict[str, str], fault: Fault) -> dict[str, object]:
    column = fault.field or ""
    # A place is in one column, or in two that the fault names with a comma between.
    parts = [column] if column in record else column.split(", ")
    value = ", ".join(record.get(part, "") for part in parts)
    return dict(zip(OF_POINTS, (fault.row, column, value, fault.kind, fault.message), strict=True))

"""Records at fault, with the columns of their file and what is wrong with them: to be mended and sent again."""

from collections.abc import Iterable

import pandas as pd

from geo.faults import Fault

#: Columns added to those of the file.
COLUMNS = ("reject_row", "reject_kind", "reject_message")


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

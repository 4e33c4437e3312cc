"""Two tables of coverage side by side: what a date, or a plan, changed."""

import pandas as pd

from geo.coverage.shares import COLUMNS

#: What makes a row of one table the same row of the other.
KEYS = ["code", "facility_type", "minutes", "method"]

#: What else does, where old estates stand apart.
_PART = "estates"

#: Figures that are compared.
FIGURES = COLUMNS[COLUMNS.index("demand") :]

_ABOUT = ["name", "profile", "weight"]


def compare(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Put two tables side by side.

    Parameters
    ----------
    before, after
        As ``table`` of :class:`geo.coverage.Answer`, of the same question asked of two cities.

    Returns
    -------
    DataFrame
        :data:`KEYS` (and ``estates``, where these stand apart), ``name, profile, weight`` (as they are after, where the area is still there), and for each of
        :data:`FIGURES` its ``_before``, ``_after`` and ``_change`` (after less before). In the order of `after`,
        then what is there no more. An area that one side does not have, or whose demand is 0 there, has missing
        figures there, and missing changes.
    """
    keys = [*KEYS, _PART] if _PART in after else KEYS
    joined = after.merge(before, on=keys, how="outer", suffixes=("_after", "_before"))
    position = pd.concat([after[keys], before[keys]], ignore_index=True).drop_duplicates()
    joined = position.merge(joined, on=keys, how="left")
    table = joined[keys].copy()
    for name in _ABOUT:
        table[name] = joined[f"{name}_after"].fillna(joined[f"{name}_before"])
    for name in FIGURES:
        one, other = joined[f"{name}_before"], joined[f"{name}_after"]
        table[f"{name}_before"], table[f"{name}_after"] = one, other
        # Sums of shares end in noise far below a thousandth of a person.
        table[f"{name}_change"] = (other - one).round(9)
    return table[["code", "name", *keys[1:], *_ABOUT[1:], *table.columns[len(keys) + len(_ABOUT) :]]]

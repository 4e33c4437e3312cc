"""By how much bare circles overstate what streets reach.

A circle says that whoever lives within so many metres as the crow flies can walk there; streets, gates and rivers say
fewer. What the circle covers beyond that is its overstatement, of areas and of the whole.
"""

import numpy as np
import pandas as pd

#: Columns of :func:`summary`.
COLUMNS = [
    "facility_type",
    "minutes",
    "budget_m",
    "demand",
    "network_covered",
    "circle_covered",
    "overstated",
    "overstated_share",
    "overstated_factor",
]


def with_overstatement(table: pd.DataFrame) -> pd.DataFrame:
    """Say in each row of a circle what it covers beyond the streets.

    Parameters
    ----------
    table
        As ``table`` of :class:`geo.coverage.Answer` to a query by both methods.

    Returns
    -------
    DataFrame
        With ``overstated``, the weight covered by the circle less that covered along streets, and
        ``overstated_share``, the same as a share of the demand: 0.1 are ten points. Missing in rows of streets.
    """
    circle = (table["method"] == "circle").to_numpy()
    keys = [name for name in ("code", "facility_type", "minutes", "estates") if name in table]
    covered = pd.Series(
        table["covered"].to_numpy()[~circle], index=pd.MultiIndex.from_frame(table.loc[~circle, keys])
    )
    along = covered.reindex(pd.MultiIndex.from_frame(table.loc[circle, keys])).to_numpy()
    more = np.full(len(table), np.nan)
    more[circle] = (table["covered"].to_numpy()[circle] - along).round(9)
    demand = table["demand"].to_numpy()
    share = np.divide(more, demand, out=np.full(len(table), np.nan), where=demand > 0)
    return table.assign(overstated=more, overstated_share=share)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Sum the overstatement over all areas of a table.

    Parameters
    ----------
    table
        From :func:`with_overstatement`.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`, a row a question: ``overstated_share`` of the demand, and ``overstated_factor``, how many times
        as many the circle covers (missing where streets cover none).
    """
    keys = ["facility_type", "minutes", "budget_m"]
    by_method = [
        table[table["method"] == method].groupby(keys, sort=False)[["demand", "covered"]].sum()
        for method in ("network", "circle")
    ]
    along, circle = by_method
    result = pd.DataFrame(
        {
            "demand": along["demand"],
            "network_covered": along["covered"],
            "circle_covered": circle["covered"],
            "overstated": (circle["covered"] - along["covered"]).round(9),
        }
    )
    some = along["demand"] > 0
    result["overstated_share"] = (result["overstated"] / along["demand"]).where(some)
    result["overstated_factor"] = (circle["covered"] / along["covered"]).where(along["covered"] > 0)
    return result.reset_index()[COLUMNS]

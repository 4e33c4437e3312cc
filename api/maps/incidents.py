"""The map of incidents: tens of thousands of points, filtered in the browser."""

from typing import Any

import numpy as np
import pandas as pd

from api.maps import encoding
from api.web.words import RULES

#: Statuses and rules travel as their numbers.
_RULE_NAMES = tuple(RULES)


def incidents_data(incidents: pd.DataFrame, categories: pd.DataFrame, *, timezone: str) -> dict[str, Any]:
    """What the browser draws: one column a fact, so that a filter is a pass over numbers.

    Parameters
    ----------
    incidents
        Indexed by ``id``, with ``reported_at`` (tz-aware), ``category``, ``status``, ``rule``, ``area_code``,
        ``lon``, ``lat`` (degrees, WGS 84; incidents without a place are left out and counted).
    categories
        Incident categories by code, with ``minor_zh`` and ``minor_en``.

    timezone
        Where the city's clocks are set.

    Returns
    -------
    dict
        ``id``, ``lon``, ``lat``, ``minute`` (since 1970, by the city's clocks), ``category``, ``status``, ``rule``,
        ``area`` as columns of equal length, the last four as positions in ``categories`` (code, zh, en),
        ``statuses``, ``rules`` and ``areas``; ``unplaced`` counts what has no place.
    """
    placed = incidents["lon"].notna() & incidents["lat"].notna()
    shown = incidents[placed].sort_values("reported_at", kind="stable")
    category, codes = pd.factorize(shown["category"], sort=True)
    status, statuses = pd.factorize(shown["status"], sort=True)
    area, areas = pd.factorize(shown["area_code"], sort=True)
    rule = pd.Categorical(shown["rule"], categories=_RULE_NAMES).codes
    # The clock on the wall, so that a day in the browser is a day in the city.
    wall = pd.to_datetime(shown["reported_at"], utc=True).dt.tz_convert(timezone).dt.tz_localize(None)
    minutes = wall.astype("datetime64[s]").astype(np.int64) // 60
    names = categories.reindex(codes)[["minor_zh", "minor_en"]]
    return {
        "id": [str(value) for value in shown.index],
        **encoding.flat_points(shown["lon"].to_numpy(dtype=float), shown["lat"].to_numpy(dtype=float)),
        "minute": minutes.to_numpy(),
        "category": category,
        "status": status,
        "rule": rule.astype(np.int64),
        "area": area,
        "categories": [
            [code, zh if isinstance(zh, str) else code, en if isinstance(en, str) else code]
            for code, zh, en in zip(codes, names["minor_zh"], names["minor_en"], strict=True)
        ],
        "statuses": list(statuses),
        "rules": list(_RULE_NAMES),
        "areas": list(areas),
        "unplaced": int((~placed).sum()),
    }

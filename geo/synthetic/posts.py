"""Who answers for each grid, and for some compounds and buildings."""

import datetime as dt

import numpy as np
import pandas as pd

from geo.synthetic import names

#: Part-time grid workers of a grid, and how often.
_PART_TIME = ((0, 1, 2), (0.35, 0.45, 0.20))
_COMPOUND_HEADS = 0.7
#: Share of the buildings with a head, of those large enough to want one.
_BUILDING_HEADS, _LEAST_HOUSEHOLDS = 0.3, 20
_FIRST_DAY = dt.date(2023, 1, 1)


def posts(
    grids: list[str], compounds: pd.DataFrame, buildings: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Fill the posts: a head and a full-time worker a grid, part-time workers, heads of compounds and buildings.

    Parameters
    ----------
    grids
        Codes of all grids.
    compounds
        `code` and `form`; self-built quarters have no head.
    buildings
        `code` and `households`.

    Returns
    -------
    pandas.DataFrame
        `code`, `role`, `name`, `phone`, `target_layer`, `target_code`, `valid_from`, `valid_to` (dates or None).
    """
    part_time = rng.choice(_PART_TIME[0], len(grids), p=_PART_TIME[1])
    headed = compounds[(compounds["form"] != "self_built") & (rng.random(len(compounds)) < _COMPOUND_HEADS)]
    stairs = buildings[
        (buildings["households"] >= _LEAST_HOUSEHOLDS) & (rng.random(len(buildings)) < _BUILDING_HEADS)
    ]
    roles = [
        ("网格长", "grids", grids),
        ("专职", "grids", grids),
        ("兼职", "grids", np.repeat(np.array(grids), part_time).tolist()),
        ("小区长", "compounds", headed["code"].tolist()),
        ("楼长", "buildings", stairs["code"].tolist()),
    ]
    frame = pd.concat(
        [
            pd.DataFrame({"role": role, "target_layer": layer, "target_code": codes})
            for role, layer, codes in roles
        ],
        ignore_index=True,
    )
    count = len(frame)
    since = [_FIRST_DAY + dt.timedelta(days=int(d)) for d in rng.integers(0, 720, count)]
    return frame.assign(
        code=[f"GW{i:05d}" for i in range(1, count + 1)],
        name=names.people(count, rng),
        phone=names.phones(count, rng),
        valid_from=since,
        valid_to=None,
    )

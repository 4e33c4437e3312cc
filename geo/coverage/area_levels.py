"""Compounds in areas: which share of each compound counts for each area, at every level."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array, eye_array

from geo.levels import LEVELS

Ints: TypeAlias = npt.NDArray[np.int64]

#: The level below the areas: every compound for itself.
COMPOUND = "compound"


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """Areas that figures are summed to.

    Parameters
    ----------
    codes, names
        (areas,) of the areas.
    share
        (areas, compounds) sparse: which share of each compound counts for each area. Fractions of compounds
        add up, so an area's sum is that of its children.
    paths
        (areas,) codes from the district down to the area, itself included.
    """

    codes: npt.NDArray[np.object_]
    names: npt.NDArray[np.object_]
    share: csr_array
    paths: tuple[frozenset[str], ...]

    def within(self, code: str) -> Ints:
        """Rows of the areas that are this area or lie in it."""
        return np.array([row for row, path in enumerate(self.paths) if code in path], dtype=np.int64)

    def take(self, rows: Ints) -> "Level":
        """Keep some of the areas."""
        return Level(
            self.codes[rows], self.names[rows], self.share[rows], tuple(self.paths[row] for row in rows)
        )


def finest(areas: Mapping[str, pd.DataFrame]) -> str | None:
    """Lowest level that has areas; None where there are none at all."""
    return next((level for level in reversed(LEVELS) if level in areas and len(areas[level])), None)


def build(
    compounds: pd.DataFrame, areas: Mapping[str, pd.DataFrame], links: pd.DataFrame
) -> dict[str, Level]:
    """Link compounds to the areas of every level.

    Parameters
    ----------
    compounds
        Columns ``code`` and ``name``.
    areas
        By level: ``code``, ``name``, ``parent_code`` (a code of the nearest level above that exists, or
        missing).
    links
        Columns ``compound_code``, ``area_code`` (of the finest level) and ``share``.

    Returns
    -------
    dict
        By level, the compounds' own included; levels without areas are left out. Areas ascend by code.
    """
    base = finest(areas)
    paths = _paths(areas)
    compound = pd.Index(compounds["code"]).get_indexer(links["compound_code"]).astype(np.int64)
    share = links["share"].to_numpy(dtype=np.float64)
    levels = {}
    for level in LEVELS:
        if level not in areas or areas[level].empty or base is None:
            continue
        frame = areas[level].sort_values("code")
        own = [paths[base, code].get(level) for code in links["area_code"]]
        row = pd.Index(frame["code"]).get_indexer(own)
        linked = (row >= 0) & (compound >= 0)
        matrix = csr_array(
            (share[linked], (row[linked], compound[linked])), shape=(len(frame), len(compounds))
        )
        levels[level] = Level(
            frame["code"].to_numpy(dtype=object),
            frame["name"].to_numpy(dtype=object),
            matrix,
            tuple(frozenset(paths[level, code].values()) for code in frame["code"]),
        )
    levels[COMPOUND] = _compound_level(compounds, base, paths, links)
    return levels


def _paths(areas: Mapping[str, pd.DataFrame]) -> dict[tuple[str, str], dict[str, str]]:
    """Codes by level, from the top down to each area, top levels first so that parents are known."""
    paths: dict[tuple[str, str], dict[str, str]] = {}
    for depth, level in enumerate(LEVELS):
        if level not in areas:
            continue
        for code, parent in zip(areas[level]["code"], areas[level]["parent_code"], strict=True):
            above = next(
                (paths[upper, parent] for upper in reversed(LEVELS[:depth]) if (upper, parent) in paths), {}
            )
            paths[level, code] = {**above, level: code}
    return paths


def _compound_level(
    compounds: pd.DataFrame,
    base: str | None,
    paths: Mapping[tuple[str, str], Mapping[str, str]],
    links: pd.DataFrame,
) -> Level:
    codes = compounds["code"].to_numpy(dtype=object)
    lies_in: dict[str, set[str]] = {code: {code} for code in codes}
    for code, area in zip(links["compound_code"], links["area_code"], strict=True):
        if code in lies_in and base is not None:
            lies_in[code].update(paths[base, area].values())
    return Level(
        codes,
        compounds["name"].to_numpy(dtype=object),
        csr_array(eye_array(len(codes))),
        tuple(frozenset(lies_in[code]) for code in codes),
    )

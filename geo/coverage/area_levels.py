"""Compounds in areas: which share of each compound counts for each area, at every level.

Old estates are a level of their own beside the four: a compound counts for an estate by the share of it that lies there,
and what lies in no estate counts for none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array, eye_array

from geo import hierarchy
from geo.levels import LAYER_OF, LEVELS

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

#: The level below the areas: every compound for itself.
COMPOUND = "compound"

#: The level of renovation units; they do not tile the city.
OLD_ESTATE = "old_estate"

#: Layer that the units of each level are in.
LAYERS = {**LAYER_OF, OLD_ESTATE: "old_estates", COMPOUND: "compounds"}

#: What an area is split into where old estates stand apart.
PARTS = (OLD_ESTATE, "other")


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

    def weighed(self, part: Floats) -> "Level":
        """Count only a part of each compound, (compounds,) from 0 to 1."""
        return replace(self, share=csr_array(self.share * part[None, :]))


def finest(areas: Mapping[str, pd.DataFrame]) -> str | None:
    """Lowest level that has areas; None where there are none at all."""
    return next((level for level in reversed(LEVELS) if level in areas and len(areas[level])), None)


def build(
    compounds: pd.DataFrame,
    areas: Mapping[str, pd.DataFrame],
    links: pd.DataFrame,
    estate_links: pd.DataFrame | None = None,
) -> dict[str, Level]:
    """Link compounds to the areas of every level.

    Parameters
    ----------
    compounds
        Columns ``code`` and ``name``.
    areas
        By level: ``code``, ``name``, ``parent_code`` (a code of the nearest level above that exists, or
        missing); of old estates only the first two.
    links
        Columns ``compound_code``, ``area_code`` (of the finest level) and ``share``.
    estate_links
        As from :func:`geo.hierarchy.compounds_in_estates`, where there are old estates.

    Returns
    -------
    dict
        By level, the compounds' own included; levels without areas are left out. Areas ascend by code.
    """
    base = finest(areas)
    paths = hierarchy.paths(areas)
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
    lies_in = _areas_of(compounds, base, paths, links)
    if estate_links is not None:
        levels[OLD_ESTATE] = _estate_level(compounds, areas[OLD_ESTATE], estate_links, lies_in)
        for code, estate in zip(estate_links["compound_code"], estate_links["old_estate_code"], strict=True):
            lies_in[code].add(estate)
    codes = compounds["code"].to_numpy(dtype=object)
    levels[COMPOUND] = Level(
        codes,
        compounds["name"].to_numpy(dtype=object),
        csr_array(eye_array(len(codes))),
        tuple(frozenset(lies_in[code]) for code in codes),
    )
    return levels


def apart(levels: Mapping[str, Level], level: Level) -> dict[str, Level]:
    """Split areas into their old estates and the rest, by :data:`PARTS`; the two add up to the whole.

    A compound that lies in several areas and partly in an estate counts in each of them in the same proportion.
    """
    estates = levels.get(OLD_ESTATE)
    old: Floats = np.zeros(level.share.shape[1])
    if estates is not None:
        old = np.ones(len(estates.codes)) @ estates.share
    return {PARTS[0]: level.weighed(old), PARTS[1]: level.weighed(1.0 - old)}


def _areas_of(
    compounds: pd.DataFrame,
    base: str | None,
    paths: Mapping[tuple[str, str], Mapping[str, str]],
    links: pd.DataFrame,
) -> dict[str, set[str]]:
    """Codes of each compound and of all areas that it lies in."""
    lies_in: dict[str, set[str]] = {code: {code} for code in compounds["code"]}
    for code, area in zip(links["compound_code"], links["area_code"], strict=True):
        if code in lies_in and base is not None:
            lies_in[code].update(paths[base, area].values())
    return lies_in


def _estate_level(
    compounds: pd.DataFrame,
    estates: pd.DataFrame,
    links: pd.DataFrame,
    lies_in: Mapping[str, set[str]],
) -> Level:
    """Old estates, in the areas of their compounds."""
    frame = estates.sort_values("code")
    row = pd.Index(frame["code"]).get_indexer(links["old_estate_code"])
    compound = pd.Index(compounds["code"]).get_indexer(links["compound_code"])
    share = csr_array((links["share"], (row, compound)), shape=(len(frame), len(compounds)))
    paths = {code: {code} for code in frame["code"]}
    for estate, code in zip(links["old_estate_code"], links["compound_code"], strict=True):
        paths[estate] |= lies_in[code]
    return Level(
        frame["code"].to_numpy(dtype=object),
        frame["name"].to_numpy(dtype=object),
        share,
        tuple(frozenset(paths[code]) for code in frame["code"]),
    )

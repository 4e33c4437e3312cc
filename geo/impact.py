"""Whom a change of the layers touches: what each area holds before and after, and what changes hands.

Whole things are counted: each person, household, compound, building, old estate, facility, post and incident in one area
of the finest level, and so in one area of each level above. So figures add up exactly: what areas lose, others gain.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo import changes, crs, hierarchy, holdings, homes
from geo.changes import Changes
from geo.holdings import State
from geo.levels import LAYER_OF, LEVEL_OF, LEVELS

#: What is counted in areas.
FIGURES = ("people", "households", *holdings.LAYERS, "incidents", "area_m2")

#: Of each figure: as it was, what came, what went, as it is. before + gained - lost = after.
SIDES = ("before", "gained", "lost", "after")

#: Columns of incidents, see :class:`Impact`.
MOVES = ("from_code", "to_code", "number", "moved")

#: Stands for no area where rows are named by codes.
NOWHERE = ""

# Shares closer than this are the same share, of shapes that only got a node on their border.
_SAME_SHARE = 1e-6
# Square metres are told in tenths.
_TENTHS = 10
# Part of an area by which its measure may change when straight borders get nodes.
_BENT = 1e-4
_WHOSE = ["layer", "id", "area_code"]


@dataclass(frozen=True)
class Impact:
    """What a change touches.

    Parameters
    ----------
    balance
        One row an area, and for each level one of what lies in no area of it (``code`` None, whose ``before`` and
        ``after`` nobody knows: NaN), by level and code: ``level, code, name, path`` (codes of the areas it lies in and its
        own, in either state), ``change`` (one of :data:`geo.changes.KINDS`; None: the area itself is as it was), each of
        :data:`FIGURES` on each of :data:`SIDES`, as ``people_before``, and ``geometry``, as it is or last was.
    affected
        One row a feature and area of the finest level where its share or its people changed: ``layer, id, code, name,
        area_code`` (None: in no area), then ``share``, ``people`` and ``households`` as ``share_before, share_after`` …,
        and ``geometry`` (None of posts).
    land
        As :func:`geo.changes.land` finds it, with ``layer``.
    moves
        Incidents: ``from_code, to_code`` (None: no area), their ``number``, how many of them are ``moved``: given
        another area, or another rule; and ``path``, codes of the areas that either end lies in.
    """

    balance: gpd.GeoDataFrame
    affected: gpd.GeoDataFrame
    land: gpd.GeoDataFrame
    moves: pd.DataFrame


def compare(
    states: tuple[State, State],
    found: Mapping[str, Changes],
    *,
    moves: pd.DataFrame | None = None,
    metric: str,
    tolerance_m: float,
) -> Impact:
    """Work out what a change touches.

    Parameters
    ----------
    states
        The layers before and after, of grids one scheme; the lowest level that is there holds homes and places, even
        where it has no areas. They may be parts of a city: then the figures of an area are right where all it
        holds is there, and what changes hands where all areas are there that may hold it.
    found
        Changes between the two, by layer.
    moves
        Incidents, columns :data:`MOVES`; those that stay (from and to are one code) are part of what areas hold.
    metric, tolerance_m
        As for :class:`geo.assign.AreaIndex`.
    """
    chains = [_Chains(state, metric) for state in states]
    shares = [
        holdings.shares(
            state, chain.finest, metric=metric, tolerance_m=tolerance_m, grids=chain.level == "grid"
        )
        for state, chain in zip(states, chains, strict=True)
    ]
    shares[1] = _steadied(*shares)
    counted = [holdings.counted(share, state) for share, state in zip(shares, states, strict=True)]
    moves = pd.DataFrame({name: [] for name in MOVES}) if moves is None else moves
    entries = [
        pd.concat([_entries(held), _reported(moves, column)], ignore_index=True)
        for held, column in zip(counted, ("from_code", "to_code"), strict=True)
    ]
    land = _land(found, metric)
    levels = [level for level in LEVELS if any(level in chain.areas for chain in chains)] or LEVELS[:1]
    balance = pd.concat(
        [_balance(level, chains, entries, land, found.get(LAYER_OF[level])) for level in levels],
        ignore_index=True,
    )
    return Impact(balance, _drawn(_affected(*counted), states), land, _with_paths(moves, chains))


def touched(balance: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of areas that are new or gone, and of those that anything came to or went from.

    One that got another name, or a node on its border, holds what it held.
    """
    return balance[balance["change"].isin(changes.KINDS[:2]) | turned(balance)]


def turned(balance: pd.DataFrame) -> "pd.Series[bool]":
    """Tell by row whether anything came or went."""
    return (balance[list(_columns("gained", "lost"))] > 0).any(axis=1)


def totals(balance: pd.DataFrame) -> pd.DataFrame:
    """Sum the figures of the areas of each level, index ``level``; what is not known counts as nothing."""
    return balance.groupby("level", sort=False)[list(_columns(*SIDES))].sum()


def _columns(*sides: str) -> Iterator[str]:
    return (f"{figure}_{side}" for figure in FIGURES for side in sides)


# --- areas ------------------------------------------------------------------------------------------------


class _Chains:
    """The areas of a state, and those that each of the finest level lies in."""

    def __init__(self, state: State, metric: str) -> None:
        self._metric = metric
        self.areas = {level: state[LAYER_OF[level]] for level in LEVELS if LAYER_OF[level] in state}
        self.level = next((level for level in reversed(LEVELS) if level in self.areas), None)
        self.finest = self.areas[self.level] if self.level else None
        self._paths = hierarchy.paths(self.areas)

    def own(self, codes: pd.Series, level: str) -> NDArray[np.object_]:
        """Code at a level that each area of the finest level lies in; None where there is none."""
        known = {
            code: path.get(level) for (finest, code), path in self._paths.items() if finest == self.level
        }
        return np.array([known.get(code) for code in codes], dtype=object)

    def path(self, level: str | None, code: str | None) -> tuple[str, ...]:
        """Codes from the top down to an area; empty where there is no such area."""
        return tuple(self._paths.get((level or "", code or ""), {}).values())

    def about(self, level: str) -> pd.DataFrame:
        """Name, size and shape of each area of a level, index ``code``."""
        frame = self.areas.get(level)
        if frame is None:
            frame = pd.DataFrame({"code": [], "name": [], "geometry": []}, dtype=object)
        shapes = crs.to_metric(frame["geometry"].to_numpy(dtype=object), self._metric)
        table = pd.DataFrame(
            {
                "name": frame["name"].to_numpy(dtype=object),
                "area_m2": shapely.area(shapes),
                "geometry": frame["geometry"].to_numpy(dtype=object),
            },
            index=pd.Index(frame["code"], dtype=object),
        )
        return table[~table.index.duplicated()]


def _balance(
    level: str,
    chains: list[_Chains],
    entries: list[pd.DataFrame],
    land: gpd.GeoDataFrame,
    change: Changes | None,
) -> gpd.GeoDataFrame:
    """Figures of the areas of a level, and of what lies in none."""
    was, now = (chain.about(level) for chain in chains)
    codes = was.index.union(now.index).sort_values()
    rows = pd.Index([*codes, NOWHERE], dtype=object)
    figures = _turnover(level, chains, entries).reindex(rows, fill_value=0.0)
    tenths = (land["area_m2"] * _TENTHS).round()
    mine = land["layer"] == LAYER_OF[level]
    sizes = _sizes(land.assign(tenths=tenths)[mine], was["area_m2"], now["area_m2"])
    table = pd.concat([figures, sizes.reindex(rows, fill_value=0.0)], axis=1)
    # Of what lies nowhere only what came and went is told: the rest of it may be anywhere.
    table.loc[table.index == NOWHERE, list(_columns("before", "after"))] = np.nan
    latest = pd.concat([now, was[~was.index.isin(now.index)]]).reindex(rows)
    head = {
        "level": level,
        "code": [*codes, None],
        "name": latest["name"].where(latest["name"].notna(), None).to_numpy(dtype=object),
        "path": [_joined(*(chain.path(level, code) for chain in reversed(chains))) for code in rows],
        "change": [*_kinds(codes, was, now, change), None],
    }
    shapes = latest["geometry"].where(latest["geometry"].notna(), None).to_numpy(dtype=object)
    return gpd.GeoDataFrame(
        pd.concat([pd.DataFrame(head), table.reset_index(drop=True)], axis=1),
        geometry=shapes,
        crs="EPSG:4326",
    )


def _kinds(codes: pd.Index, was: pd.DataFrame, now: pd.DataFrame, change: Changes | None) -> list[str | None]:
    """What became of each area, by code."""
    known = {} if change is None else dict(zip(change.table["code"], change.table["kind"], strict=True))
    kinds = pd.Series([known.get(code) for code in codes], index=codes, dtype=object)
    # A code that goes over to another feature stays: its area moved.
    kinds[kinds.isin(changes.KINDS[:2])] = changes.KINDS[2]
    kinds[~codes.isin(was.index)], kinds[~codes.isin(now.index)] = changes.KINDS[:2]
    return list(kinds)


def _turnover(level: str, chains: list[_Chains], entries: list[pd.DataFrame]) -> pd.DataFrame:
    """Figures by area of a level (:data:`NOWHERE` for none): the net of each thing there, then summed."""
    sides = []
    for chain, entry in zip(chains, entries, strict=True):
        own = pd.Series(chain.own(entry["area_code"], level), dtype=object).fillna(NOWHERE)
        sides.append(entry.groupby(["figure", "key", own.rename("own")], sort=False)["number"].sum())
    both = pd.concat(sides, axis=1, keys=["before", "after"]).fillna(0.0)
    # 0.0 is added, for the greater of 0.0 and -0.0 may be either.
    both["gained"] = (both["after"] - both["before"]).clip(lower=0.0) + 0.0
    both["lost"] = (both["before"] - both["after"]).clip(lower=0.0) + 0.0
    summed = both.reset_index().pivot_table(
        index="own", columns="figure", values=list(SIDES), aggfunc="sum", fill_value=0.0
    )
    columns = pd.MultiIndex.from_tuples([(side, figure) for figure in FIGURES[:-1] for side in SIDES])
    ordered = summed.reindex(columns=columns, fill_value=0.0).astype(np.float64)
    return ordered.set_axis([f"{figure}_{side}" for side, figure in columns.tolist()], axis=1)


def _sizes(land: gpd.GeoDataFrame, was: pd.Series, now: pd.Series) -> pd.DataFrame:
    """Square metres of areas by code, in whole tenths, with the land that they gained and lost.

    A border that gets a node where it was straight in degrees is another line in metres, so that areas measured before
    and after would not add up. What an area has after is therefore what it had and the land that it gained or lost,
    unless that is farther from its measure than such a border explains: where areas overlap.
    """
    to, of = (
        land.groupby(land[column].fillna(NOWHERE))["tenths"].sum() for column in ("to_code", "from_code")
    )
    measured = {"before": was * _TENTHS, "gained": to, "lost": of, "after": now * _TENTHS}
    table = pd.concat([values.rename(side) for side, values in measured.items()], axis=1)
    table = table.astype(np.float64).fillna(0.0).round()
    after = table["before"] + table["gained"] - table["lost"]
    size = table[["before", "after"]].max(axis=1)
    told = (after - table["after"]).abs() <= np.maximum(_BENT * size, _TENTHS)
    gone = told & ~table.index.isin(now.index)
    table.loc[told, "after"] = after[told]
    table.loc[gone, "before"], table.loc[gone, "after"] = table["lost"][gone] - table["gained"][gone], 0.0
    sizes: pd.DataFrame = (table / _TENTHS).add_prefix(f"{FIGURES[-1]}_")
    return sizes


# --- what changes hands -----------------------------------------------------------------------------------


def _steadied(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Shares after a change, bit by bit as before where a feature's did not really change."""
    both = before.merge(after, on=_WHOSE, how="outer", suffixes=("_before", "_after"), indicator=True)
    near = (both["_merge"] == "both") & ((both["share_after"] - both["share_before"]).abs() < _SAME_SHARE)
    strange = set(both.loc[~near, "id"])
    same = both[~both["id"].isin(strange)].rename(columns={"share_before": "share"})
    return pd.concat([after[after["id"].isin(strange)], same[after.columns]], ignore_index=True)


def _entries(held: pd.DataFrame) -> pd.DataFrame:
    """What is counted where: ``figure, key, area_code, number``."""
    lives = held["layer"] == "compounds"
    parts = [held.assign(figure=held["layer"])]
    parts += [held[lives].assign(figure=name, number=held.loc[lives, name]) for name in homes.COUNTS]
    return pd.concat(parts)[["figure", "id", "area_code", "number"]].rename(columns={"id": "key"})


def _reported(moves: pd.DataFrame, column: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "figure": "incidents",
            "key": [str(number) for number in range(len(moves))],
            "area_code": moves[column].to_numpy(dtype=object),
            "number": moves["number"].to_numpy(),
        }
    )


def _joined(*paths: tuple[str, ...]) -> tuple[str, ...]:
    """Codes of several paths, each once."""
    return tuple(dict.fromkeys(code for path in paths for code in path))


def _with_paths(moves: pd.DataFrame, chains: Sequence[_Chains]) -> pd.DataFrame:
    """Add the codes of the areas in which incidents were and are."""
    ends = [
        [chain.path(chain.level, code) for code in moves[column]]
        for chain, column in zip(chains, MOVES[:2], strict=True)
    ]
    paths = [_joined(*pair) for pair in zip(*ends, strict=True)]
    return moves.assign(path=pd.Series(paths, moves.index, dtype=object))


def _drawn(affected: pd.DataFrame, states: Sequence[State]) -> gpd.GeoDataFrame:
    """Add the shapes of features, as they are or last were."""
    placed = (
        state[layer]["geometry"]
        for state in reversed(states)
        for layer in holdings.LAYERS
        if "geometry" in state.get(layer, ())
    )
    known = [pd.Series(shapes.to_numpy(dtype=object), shapes.index, dtype=object) for shapes in placed]
    shapes = pd.concat([pd.Series(dtype=object), *known])
    shapes = shapes[~shapes.index.duplicated()].reindex(affected["id"])
    return gpd.GeoDataFrame(affected, geometry=shapes.to_numpy(dtype=object), crs="EPSG:4326")


def _affected(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Features by area where their part changed, from the state before to that after."""
    parts = ["share", *homes.COUNTS]
    said = (
        pd.concat([after, before])
        .drop_duplicates(["layer", "id"])
        .set_index(["layer", "id"])[["code", "name"]]
    )
    both = before[[*_WHOSE, *parts]].merge(
        after[[*_WHOSE, *parts]], on=_WHOSE, how="outer", suffixes=("_before", "_after")
    )
    numbers = [f"{part}_{side}" for part in parts for side in ("before", "after")]
    both[numbers] = both[numbers].astype(np.float64).fillna(0.0)
    differs = np.zeros(len(both), dtype=bool)
    for part in parts:
        differs |= (both[f"{part}_before"] != both[f"{part}_after"]).to_numpy()
    found = both[differs].join(said, on=["layer", "id"])
    order = pd.Index(holdings.LAYERS).get_indexer(pd.Index(found["layer"]))
    found = found.assign(order=order).sort_values(["order", "code", "area_code"], na_position="last")
    return found[["layer", "id", "code", "name", "area_code", *numbers]].reset_index(drop=True)


def _land(found: Mapping[str, Changes], metric: str) -> gpd.GeoDataFrame:
    """Land that changed hands on every level, top level first."""
    parts = [
        changes.land(found[layer], metric=metric).assign(layer=layer) for layer in LEVEL_OF if layer in found
    ]
    columns = ["layer", "from_code", "to_code", "area_m2"]
    if not parts:
        empty = {name: pd.Series(dtype=np.float64 if name == "area_m2" else object) for name in columns}
        return gpd.GeoDataFrame(empty, geometry=[], crs="EPSG:4326")
    return pd.concat(parts, ignore_index=True)[[*columns, "geometry"]]

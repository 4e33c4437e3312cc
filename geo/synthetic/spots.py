"""Spots in the demo city where something may stand: behind the kerb of a street, or inside a compound."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.synthetic.blocks import Plan
from geo.synthetic.compounds import Homes
from geo.synthetic.terrain import Floats

#: Nobody opens a shop on a piece of street shorter than this.
_FRONTAGE_M = 20.0
#: How far people go to a facility as a matter of course; the reach of a compound's attraction.
_ATTRACTION_M = 350.0


@dataclass(frozen=True)
class Settlement:
    """Blocks, homes in them, and the ways between, in the local metric plane.

    Parameters
    ----------
    plan, homes
        The district so far.
    streets
        Its streets, with `left` and `right`.
    paths
        Paths inside compounds.
    """

    plan: Plan
    homes: Homes
    streets: pd.DataFrame
    paths: pd.DataFrame

    def crowd(self, xy: Floats) -> Floats:
        """How many people live about points: the sum over compounds, fading with the distance."""
        compounds = self.homes.compounds
        at = shapely.get_coordinates(shapely.centroid(compounds["geometry"].to_numpy()))
        tree = shapely.STRtree(shapely.points(at))
        near, home = tree.query(shapely.points(xy), predicate="dwithin", distance=2 * _ATTRACTION_M)
        fade = np.exp(-((xy[near] - at[home]) ** 2).sum(axis=1) / (2 * _ATTRACTION_M**2))
        people = np.bincount(near, fade * compounds["people"].to_numpy()[home], len(xy))
        return np.asarray(people + 0.01 * people.max())


@dataclass(frozen=True)
class Spots:
    """Candidate points.

    Parameters
    ----------
    xy
        Coordinates, shape (n, 2).
    block
        The block each lies in.
    appeal
        How likely each is to be taken, against the others.
    beside
        The street or the compound each belongs to; may be empty.
    """

    xy: Floats
    block: NDArray[np.intp]
    appeal: Floats
    beside: NDArray[np.object_]

    def drawn(self, rng: np.random.Generator) -> NDArray[np.intp]:
        """All spots in a random order in which the more appealing tend to come first."""
        return np.argsort(rng.exponential(1.0, len(self.appeal)) / self.appeal, kind="stable")


def street_spots(
    place: Settlement, kinds: tuple[str, ...], setback_m: float, rng: np.random.Generator
) -> Spots:
    """Points behind the kerb of streets of some kinds, on the side of one of the blocks."""
    streets = place.streets[place.streets["kind"].isin(kinds) & (place.streets["left"] >= 0)]
    geometry = streets["geometry"].to_numpy()
    middle = shapely.line_interpolate_point(geometry, rng.uniform(0.25, 0.75, len(geometry)), normalized=True)
    ends = np.stack([shapely.get_coordinates(shapely.get_point(geometry, i)) for i in (0, -1)], axis=1)
    along = ends[:, 1] - ends[:, 0]
    normal = np.column_stack([-along[:, 1], along[:, 0]]) / np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    side = rng.choice([-1.0, 1.0], (len(geometry), 1)) * rng.uniform(0.8, 1.3, (len(geometry), 1))
    xy = shapely.get_coordinates(middle) + side * setback_m * normal
    left, right = streets[["left", "right"]].to_numpy().T
    in_left = shapely.contains_xy(place.plan.faces[left], xy)
    in_right = (right >= 0) & shapely.contains_xy(place.plan.faces[right], xy)
    block = np.where(in_left, left, right)
    keep = (in_left | in_right) & ~place.plan.water[block] & (shapely.length(geometry) > _FRONTAGE_M)
    xy, block = xy[keep], block[keep]
    appeal = place.crowd(xy) * np.sqrt(shapely.length(geometry[keep]))
    return Spots(xy, block, appeal, streets["name"].to_numpy(dtype=object)[keep])


def home_spots(place: Settlement, rng: np.random.Generator) -> Spots:
    """Points beside the paths inside compounds, by people."""
    middle = shapely.line_interpolate_point(place.paths["geometry"].to_numpy(), 0.5, normalized=True)
    xy = shapely.get_coordinates(middle) + rng.uniform(-2.0, 2.0, (len(place.paths), 2))
    compound = place.paths["compound"].to_numpy()
    homes = place.homes.compounds
    appeal = homes["people"].to_numpy(dtype=float) / np.bincount(compound, minlength=len(homes)).clip(1)
    name = homes["name"].to_numpy(dtype=object)
    return Spots(xy, homes["block"].to_numpy()[compound], appeal[compound], name[compound])


def thinned(xy: Floats, count: int, spacing_m: float) -> NDArray[np.intp]:
    """Take up to `count` points in order, skipping those within `spacing_m` of one already taken."""
    size = max(spacing_m, 1e-9)
    square = size * size if spacing_m else 0.0
    taken: dict[tuple[int, int], list[tuple[float, float]]] = {}
    chosen: list[int] = []
    for i, (x, y) in enumerate(xy.tolist()):
        column, row = int(x // size), int(y // size)
        near = (taken.get((column + a, row + b), ()) for a in (-1, 0, 1) for b in (-1, 0, 1))
        if any((x - u) ** 2 + (y - v) ** 2 < square for cell in near for u, v in cell):
            continue
        taken.setdefault((column, row), []).append((x, y))
        chosen.append(i)
        if len(chosen) == count:
            break
    return np.array(chosen, dtype=np.intp)

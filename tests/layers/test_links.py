"""Links after changes of a few features: what deriving all of them again says."""

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from layers import deployment, links, store
from layers.publishing import Change, publish
from tests.layers.frames import SOUTH, WEST, areas, compounds, grids, identifier, point, square

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
STRIPS, HOMES, HOUSES = 4, 6, 14


class City:
    """Four strips of grids side by side, with compounds in them, drawn or points, and buildings, all at random."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.borders = np.arange(STRIPS + 1.0) * 2
        self.layers = {
            "grids": [str(number) for number in range(STRIPS)],
            "compounds": [f"C{number}" for number in range(HOMES)],
            "buildings": [f"B{number}" for number in range(HOUSES)],
        }

    def drawn(self, layer, codes):
        return getattr(self, layer)(codes)

    def grids(self, codes):
        strips = {}
        for code in codes:
            west, east = self.borders[int(code) : int(code) + 2]
            strips[code] = square(west, 0, east - west, 2)
        return grids(strips, "D")

    def compounds(self, codes):
        x, y = self.random.uniform(-1, 8.5), self.random.uniform(0, 1.5)
        return compounds(
            {code: point(x, y) if self.random.uniform() < 0.3 else square(x, y, 1.5, 0.5) for code in codes}
        )

    def buildings(self, codes):
        homes = [*self.layers["compounds"], None]
        frame = gpd.GeoDataFrame(
            {
                "code": codes,
                "name": codes,
                "number": None,
                "compound_code": [self.random.choice(homes) for _ in codes],
                "households": pd.array(self.random.integers(1, 90, len(codes)), dtype="Int64"),
                "generated_code": False,
                "extra": [{} for _ in codes],
            },
            geometry=[point(self.random.uniform(-0.2, 8.2), self.random.uniform(0, 2)) for _ in codes],
            crs="EPSG:4326",
            index=pd.Index([identifier(code) for code in codes], name="id"),
        )
        for column, kind in {
            "people": "Int64",
            "floors": "Int64",
            "built_year": "Int64",
            "address": object,
        }.items():
            frame[column] = pd.array([None] * len(codes), dtype=kind)
        return frame

    def change(self):
        """Return something that changes: a border, a compound, a building, one or two of them, or one that ends."""
        layer = self.random.choice(list(self.layers))
        codes = self.layers[layer]
        if layer == "grids":
            inner = int(self.random.integers(1, STRIPS))
            self.borders[inner] = inner * 2 + self.random.uniform(-0.9, 0.9)
            codes = codes[inner - 1 : inner + 1]
        else:
            codes = [
                str(code) for code in self.random.choice(codes, self.random.integers(1, 3), replace=False)
            ]
            if self.random.uniform() < 0.2:
                return {layer: Change(self.drawn(layer, codes).iloc[:0], [identifier(codes[0])])}
        return {layer: Change(self.drawn(layer, codes))}


def told(frame):
    return {(str(row.compound_id), row.grid_code): round(float(row.share), 9) for row in frame.itertuples()}


@pytest.mark.parametrize("seed", range(3))
def test_links_near_a_change_are_all_that_it_alters(session, seed):
    deployment.choose(session, np.array([WEST]), np.array([SOUTH]), now=START)
    city, moved = City(seed), 0
    first = {layer: Change(city.drawn(layer, codes)) for layer, codes in city.layers.items()}
    publish(
        session,
        {"districts": Change(areas({"D": square(0, 0, 8, 2)})), **first},
        author="t",
        note="",
        now=START,
    )
    for number in range(2, 27):
        done = publish(session, city.change(), author="t", note="", now=START)
        whole = links._compound_grids(session, number, deployment.get(session), None)
        assert told(store.read(session, "compound_grids", number)) == told(whole)
        moved += done.relinked
    assert moved > 10

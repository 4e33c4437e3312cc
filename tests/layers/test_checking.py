"""Full checks: a layer's own defects with repairs, and what its borders cut or divide."""

import geopandas as gpd
import pandas as pd

from layers import checking, validation
from tests.layers.frames import areas, compounds, grids, square

METRIC = "EPSG:4544"
A, B = "510802001001001", "510802001001002"


def reader(**layers):
    def read(layer):
        return layers.get(layer, areas({}).assign(scheme="governance"))

    return read


def check(layer, **layers):
    return checking.check(layer, reader(**layers), metric=METRIC)


TWO = grids({A: square(0, 0), B: square(1, 0)})


def test_buildings_cut_by_a_border_are_defects_of_grids_and_compounds_that_span_are_told():
    homes = compounds({"C1": square(0.5, 0, 0.8, 0.5), "C2": square(0, 0, 0.2, 0.2)})
    found = check("grids", grids=TWO, compounds=homes, buildings=compounds({"B1": square(0.9, 0, 0.3, 0.1)}))
    assert found[["severity", "kind"]].to_numpy().tolist() == [
        ["defect", "building-cut"],
        ["information", "compound-spans"],
    ]
    assert found["codes"].tolist() == [["B1", B, A], ["C1", A, B]]
    assert (found["size"] > 0).all()
    assert checking.defects(found)["kind"].tolist() == ["building-cut"]


def test_schemes_divide_compounds_apart():
    other = grids({A: square(0, 0, 1.5), B: square(1.5, 0)}).assign(scheme="unit")
    both = gpd.GeoDataFrame(pd.concat([TWO, other]), geometry="geometry", crs=4326)
    found = check("compounds", grids=both, compounds=compounds({"C1": square(0.5, 0, 0.6, 0.5)}))
    assert found["kind"].tolist() == ["compound-spans"]


def test_every_defect_of_an_area_has_a_place_to_look_at_and_a_repair():
    found = check("grids", grids=grids({A: square(0, 0, 1.2), B: square(1, 0)}))
    assert list(found.columns) == [*validation.COLUMNS, *checking.COLUMNS]
    overlap = found[found["kind"] == "overlap"].iloc[0]
    assert overlap["repair"] == {"edit": "trim_overlap", "level": "grid", "code": A, "other": B}
    assert overlap["west"] < overlap.geometry.bounds[0]


def test_a_sound_layer_has_nothing_to_tell():
    found = check("grids", grids=TWO)
    assert found.empty
    assert list(found.columns) == [*validation.COLUMNS, *checking.COLUMNS]

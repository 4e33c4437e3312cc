"""The demo city's homes: forms, gates on the border, old estates, spans over grids."""

import numpy as np
import pandas as pd
import shapely

from geo.synthetic import City
from geo.synthetic.compounds import shares_of


def test_shares_sum_to_the_whole() -> None:
    parts = shares_of(10, np.array([1.0, 1.0, 1.0]))
    assert sorted(parts.tolist()) == [3, 3, 4]


def test_three_forms(demo_city: City) -> None:
    count = demo_city.compounds["form"].value_counts()
    assert set(count.index) == {"managed", "unmanaged", "self_built"}
    assert count.min() > 50


def test_most_are_surveyed_and_a_few_are_points(demo_city: City) -> None:
    kinds = demo_city.compounds.geometry.geom_type.value_counts()
    assert set(kinds.index) == {"MultiPolygon", "Point"}
    assert 5 <= kinds["Point"] <= 25
    points = demo_city.compounds.geometry.geom_type == "Point"
    assert (demo_city.compounds["entrances"].isna() == points).all()


def test_gates_are_vertices_of_the_border(demo_city: City) -> None:
    surveyed = demo_city.compounds[demo_city.compounds["entrances"].notna()]
    gates, owner = shapely.get_coordinates(surveyed["entrances"].to_numpy(), return_index=True)
    xy, at = shapely.get_coordinates(surveyed.geometry.to_numpy(), return_index=True)
    border = set(zip(at.tolist(), *xy.T.tolist(), strict=True))
    assert set(zip(owner.tolist(), *gates.T.tolist(), strict=True)) <= border


def test_fenced_compounds_have_few_gates_and_villages_many(demo_city: City) -> None:
    surveyed = demo_city.compounds[demo_city.compounds["entrances"].notna()]
    gates = pd.Series(shapely.get_num_geometries(surveyed["entrances"].to_numpy()), surveyed.index)
    mean = gates.groupby(surveyed["form"]).mean()
    assert mean["managed"] < mean["unmanaged"] < mean["self_built"]
    assert gates.min() >= 1


def test_compounds_do_not_overlap(demo_city: City) -> None:
    shapes = demo_city.compounds.geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    first, second = shapely.STRtree(shapes).query(shapes, predicate="overlaps")
    assert len(first) == len(second) == 0


def test_no_street_but_a_bridge_runs_through_homes(demo_city: City) -> None:
    streets = demo_city.streets[
        demo_city.streets["kind"].isin(["primary", "secondary", "tertiary", "residential", "living_street"])
        & (demo_city.streets["level"] == 0)
    ]
    homes, _ = streets.sindex.query(demo_city.compounds.geometry, predicate="intersects")
    assert len(homes) == 0


def test_some_compounds_span_two_grids(demo_city: City) -> None:
    shapes = demo_city.compounds.geometry.to_numpy()
    grids = demo_city.grids.geometry.to_numpy()
    compound, grid = shapely.STRtree(grids).query(shapes, predicate="intersects")
    share = shapely.area(shapely.intersection(shapes[compound], grids[grid])) / shapely.area(
        shapes[compound]
    ).clip(1e-12)
    spans = np.bincount(compound, share > 0.1)
    assert 15 <= (spans == 2).sum() <= 120
    assert spans.max() == 2


def test_old_estates_are_compounds_built_by_2000_and_not_self_built(demo_city: City) -> None:
    old = demo_city.old_estates
    assert (old["built_year"] <= 2000).all()
    by_shape = demo_city.compounds.set_index(demo_city.compounds.geometry.to_wkb())
    own = by_shape.loc[old.geometry.to_wkb()]
    assert (own["form"] != "self_built").all()
    assert (own["people"].to_numpy() == old["people"].to_numpy()).all()
    left = demo_city.compounds[(demo_city.compounds["built_year"] <= 2000)]
    assert (left["form"] != "self_built").sum() == 625


def test_a_part_of_the_old_estates_has_a_department(demo_city: City) -> None:
    assert 120 <= demo_city.old_estates["department"].notna().sum() <= 220
    assert set(demo_city.old_estates["works"].dropna()) == {"basic", "improved", "upgraded"}


def test_households_have_believable_size(demo_city: City) -> None:
    compounds = demo_city.compounds
    assert (compounds["people"] > 0).all()
    assert 2.2 < compounds["people"].sum() / compounds["households"].sum() < 2.8
    assert demo_city.grids["households"].sum() == compounds["households"].sum()

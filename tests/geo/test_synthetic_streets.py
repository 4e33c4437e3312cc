"""The demo city's streets: noded, walkable, few bridges, and joined to homes only through gates."""

import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.synthetic import City

CUT_OFF = 5


@pytest.fixture(scope="module")
def metric(demo_city: City) -> pd.DataFrame:
    """Streets in metres, with `from` and `to` node numbers decided by equal stored coordinates."""
    streets = demo_city.streets
    stored = streets.geometry.to_numpy()
    ends = np.stack([shapely.get_coordinates(shapely.get_point(stored, i)) for i in (0, -1)], axis=1)
    _, node = np.unique(ends.reshape(-1, 2).view(np.complex128).ravel(), return_inverse=True)
    frame = pd.DataFrame(streets.drop(columns="geometry"))
    frame["geometry"] = streets.to_crs("EPSG:4544").geometry.to_numpy()
    frame["from"], frame["to"] = node.reshape(-1, 2).T
    return frame


def components(streets: pd.DataFrame) -> np.ndarray:
    """Component number by node; nodes without a walkable street are alone."""
    walkable = streets[streets["walkable"]]
    count = int(streets[["from", "to"]].to_numpy().max()) + 1
    graph = coo_array((np.ones(len(walkable)), (walkable["from"], walkable["to"])), shape=(count, count))
    return connected_components(graph, directed=False)[1]


def test_the_network_has_a_citys_size(metric: pd.DataFrame) -> None:
    assert 32_000 <= metric["walkable"].sum() <= 45_000


def test_streets_on_the_ground_meet_only_at_end_points(metric: pd.DataFrame) -> None:
    ground = metric[metric["level"] == 0]
    lines = ground["geometry"].to_numpy()
    assert shapely.is_simple(lines).all()
    assert shapely.STRtree(lines).query(lines, predicate="crosses").size == 0
    # An end point inside another line would be a junction that does not join.
    ends = shapely.get_point(lines, 0)
    point, line = shapely.STRtree(lines).query(ends, predicate="dwithin", distance=0.01)
    touching = ground["from"].to_numpy()[point, None] == ground[["from", "to"]].to_numpy()[line]
    assert touching.any(axis=1).all()


def test_no_street_is_a_point_or_given_twice(metric: pd.DataFrame) -> None:
    assert shapely.length(metric["geometry"].to_numpy()).min() > 0.01
    assert not pd.Series(shapely.to_wkb(shapely.normalize(metric["geometry"].to_numpy()))).duplicated().any()


def test_nearly_all_of_it_is_one_network_with_a_few_islands(metric: pd.DataFrame) -> None:
    walkable = metric[metric["walkable"]]
    component = components(metric)[walkable["from"]]
    size = np.bincount(component)
    assert size.max() / len(walkable) > 0.99
    assert 2 <= (size > 0).sum() <= 12


def test_the_river_has_few_bridges(demo_city: City, metric: pd.DataFrame) -> None:
    assert 3 <= demo_city.streets.loc[demo_city.streets["bridge"], "name"].str.endswith("桥").sum() <= 30
    crossing = metric[metric["bridge"] & metric["name"].str.fullmatch(r"望格.桥")]
    assert 4 <= crossing["name"].nunique() <= 7


def test_without_its_bridges_the_city_falls_apart(metric: pd.DataFrame) -> None:
    dry = metric[~(metric["bridge"] & metric["name"].str.fullmatch(r"望格.桥"))]
    size = np.sort(np.bincount(components(dry)[dry.loc[dry["walkable"], "from"]]))
    assert size[-2] > 5_000


def test_what_passes_over_or_under_crosses_without_joining(metric: pd.DataFrame) -> None:
    lines = metric["geometry"].to_numpy()
    apart = metric[(metric["level"] != 0) & metric["walkable"]]
    upper, lower = shapely.STRtree(lines).query(apart["geometry"].to_numpy(), predicate="crosses")
    assert len(upper) >= 6
    ends = apart[["from", "to"]].to_numpy()[upper]
    others = metric[["from", "to"]].to_numpy()[lower]
    assert not (ends[:, :, None] == others[:, None, :]).any()


def test_levels_tell_bridges_from_tunnels(metric: pd.DataFrame) -> None:
    assert (metric.loc[metric["bridge"], "level"] == 1).all()
    assert (metric.loc[metric["tunnel"], "level"] == -1).all()
    assert metric["tunnel"].sum() >= 3
    assert (metric.loc[~metric["bridge"] & ~metric["tunnel"], "level"] == 0).all()


def test_the_motorway_is_not_walked_and_there_are_steps(metric: pd.DataFrame) -> None:
    assert set(metric.loc[~metric["walkable"], "kind"]) == {"motorway"}
    assert metric["steps"].sum() >= 8
    assert (metric.loc[metric["steps"], "kind"] == "steps").all()


def test_the_old_town_is_denser_than_the_outskirts(demo_city: City, metric: pd.DataFrame) -> None:
    public = metric[metric["kind"].isin(["primary", "secondary", "tertiary", "residential", "living_street"])]
    at = shapely.get_coordinates(shapely.centroid(public["geometry"].to_numpy()))
    lanes = at[(public["kind"] == "living_street").to_numpy()].mean(axis=0)
    far = np.hypot(*(at - lanes).T)
    length = shapely.length(public["geometry"].to_numpy())
    inside = length[far < 600].sum() / (np.pi * 600**2)
    outside = length[far > 2500].sum() / (
        demo_city.districts.to_crs("EPSG:4544").area.sum() - np.pi * 2500**2
    )
    assert inside > 2 * outside


def test_gates_join_their_compounds_to_the_network(demo_city: City, metric: pd.DataFrame) -> None:
    gated = demo_city.compounds[demo_city.compounds["entrances"].notna()]
    gates, owner = shapely.get_coordinates(gated["entrances"].to_numpy(), return_index=True)
    stored = demo_city.streets.geometry.to_numpy()
    ends = np.vstack([shapely.get_coordinates(shapely.get_point(stored, i)) for i in (0, -1)])
    nodes = np.concatenate([metric["from"], metric["to"]])
    node_of = dict(zip(map(tuple, ends.tolist()), nodes.tolist(), strict=True))
    at_gate = np.array([node_of[tuple(gate)] for gate in gates.tolist()])
    component = components(metric)
    main = np.bincount(component[metric["from"]]).argmax()
    joined = np.bincount(owner, component[at_gate] == main, len(gated))
    assert (joined == np.bincount(owner)).sum() >= len(gated) - CUT_OFF
    assert (joined == 0).sum() <= CUT_OFF


def test_fences_are_crossed_only_at_gates(demo_city: City) -> None:
    fenced = demo_city.compounds[demo_city.compounds["entrances"].notna()]
    walls = shapely.boundary(fenced.geometry.to_numpy())
    gates = shapely.buffer(fenced["entrances"].to_numpy(), 2e-6)
    paths = demo_city.streets[demo_city.streets["kind"].isin(["footway", "service"])].geometry.to_numpy()
    wall, path = shapely.STRtree(paths).query(walls, predicate="intersects")
    assert len(wall)
    away = shapely.difference(shapely.intersection(walls[wall], paths[path]), gates[wall])
    assert shapely.is_empty(away).all()

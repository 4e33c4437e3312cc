"""Coverage of Las Palmas: pharmacies and 45 residential areas, against a networkx search of the same walks."""

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely

from geo import coverage
from geo.coverage import Query, city
from tests.geo.networks import as_networkx, las_palmas

TYPES = pd.DataFrame(
    {"circle": ["15"], "service_radius_m": [1000.0], "mandatory_levels": ["15"]},
    index=pd.Index(["pharmacy"], name="key"),
)


@pytest.fixture(scope="module")
def town(shared_data):
    folder = shared_data / "las_palmas"
    places = gpd.read_file(folder / "las_palmas_pois.geojson")
    pharmacies = places[(places["category"] == "pharmacy") & (places.geom_type == "Point")]
    homes = gpd.read_file(folder / "las_palmas_residential_areas_and_buildings.geojson")
    homes = homes[homes["landuse"] == "residential"].reset_index(drop=True)
    return city.build(
        las_palmas(shared_data),
        pharmacies.assign(
            code=[f"F{row:03d}" for row in range(len(pharmacies))],
            type="pharmacy",
            site=None,
            entrances=None,
        ),
        homes.assign(code=[f"C{row:03d}" for row in homes.index], entrances=None, people=1, households=1),
        areas={},
        links=pd.DataFrame({"compound_code": [], "area_code": [], "share": []}),
        types=TYPES,
    )


def reference_costs(town):
    """Metres to the nearest pharmacy from every access point: one networkx search from a node before them all."""
    net, offer, need = town.network, town.supply.points.snapped, town.demand.snapped
    graph = as_networkx(net)
    for edge, position, offset in zip(offer.edge, offer.position_m, offer.offset_m, strict=True):
        if edge >= 0:
            graph.add_edge("pharmacies", int(net.start[edge]), weight=offset + position)
            graph.add_edge("pharmacies", int(net.end[edge]), weight=offset + net.length_m[edge] - position)
    away = nx.single_source_dijkstra_path_length(graph, "pharmacies")
    costs = np.full(len(need.edge), np.inf)
    for point in np.flatnonzero(need.edge >= 0):
        edge, position = need.edge[point], need.position_m[point]
        ways = [
            away.get(int(net.start[edge]), np.inf) + position,
            away.get(int(net.end[edge]), np.inf) + net.length_m[edge] - position,
        ]
        same = offer.edge == edge
        ways += (offer.offset_m[same] + np.abs(offer.position_m[same] - position)).tolist()
        costs[point] = min(ways) + need.offset_m[point]
    return costs


def test_shares_equal_networkx(town):
    costs = reference_costs(town)
    table = coverage.answer(town, Query(level="compound", minutes=(5, 10, 15), weight="count")).table
    for minutes, budget in ((5, 375.0), (10, 750.0), (15, 1125.0)):
        reached = np.where(costs <= budget, town.demand.weight, 0.0)
        expected = np.bincount(town.demand.feature, weights=reached, minlength=len(town.compounds))
        served = table.loc[table["minutes"] == minutes, "served_share"]
        np.testing.assert_allclose(served, expected, atol=1e-9)
    assert 0.1 < table["served_share"].mean() < 0.9


def test_a_circle_overstates(town):
    table = coverage.answer(town, Query(level="compound", minutes=(10,), method="both")).table
    served = table.groupby("method")["served_share"].sum()
    assert served["circle"] > 1.2 * served["network"]


def test_cells_of_real_streets_leave_no_seams(town):
    cells = town.cells
    everything = cells.outline(np.ones(len(cells.polygons), dtype=bool))
    assert everything.is_valid
    assert everything.area == pytest.approx(shapely.area(cells.polygons).sum())

"""Walks in real cities beside published figures and beside circles.

Usage: python -m bench.papers [--data ../shared/data]

Prints shares, not times; docs/papers.md explains them. Las Palmas is measured as the Global Healthy and Sustainable
City Indicators do it (500 m along streets to fresh food and to convenience; Boeing et al., The Lancet Global Health
10, 2022; their tags of shops), with street points every 30 m. Their population grid is not here: where people live is
told by the homes on the map instead.
"""

import argparse
from pathlib import Path
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import osmium
import pandas as pd
import shapely
from scipy.spatial import KDTree

from bench import street_networks
from geo.crs import to_metric
from geo.streets import network, reach
from geo.streets.network import Network
from geo.streets.snapping import Snapped
from layers import osm

Floats: TypeAlias = npt.NDArray[np.float64]

METRIC = "EPSG:32628"
#: Metres along streets that count as access, and between two street points.
ACCESS_M, SPACING_M = 500.0, 30.0
#: Walking budgets whose circles are compared, metres: an adult's 5, 10 and 15 minutes.
BUDGETS_M = (375.0, 750.0, 1125.0)
#: A street point that has a home so near lies where people live, metres: a cell of their population grid.
CELL_M = 100.0
#: How far from a street a home or a shop may stand.
LIMIT_M = 200.0
#: What counts, by tag: as their osm_destination_definitions.csv.
DESTINATIONS = {
    "fresh food": {
        "shop": "supermarket grocery bakery pastry butcher seafood fishmonger greengrocer fruit fruits vegetables "
        "deli cheese marketplace market",
        "amenity": "supermarket marketplace market market_place public_market",
        "building": "supermarket",
    },
    "convenience": {"shop": "convenience kiosk newsagent newsagency", "amenity": "fuel newsagency"},
}


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    data = parser.parse_args().data
    access(data / "las_palmas")
    circles("Las Palmas", street_networks.las_palmas(data))
    circles("Wuhan", street_networks.wuhan(data))


def access(folder: Path) -> None:
    """Print which share of Las Palmas has a shop within reach, by streets and by circle."""
    pbf = folder / "las_palmas_2023-02-20.osm.pbf"
    streets = osm.read(pbf).frames["streets"]
    net = network.build(network.walkable(streets), metric=METRIC)
    city = to_metric(gpd.read_file(folder / "las_palmas_municipality.geojson").geometry.to_numpy(), METRIC)
    city = shapely.union_all(city)
    shapely.prepare(city)
    points, on_street = every(net, SPACING_M)
    inside = shapely.contains_xy(city, points[:, 0], points[:, 1])
    points, on_street = points[inside], on_street.take(inside)
    homes, floor_m2, land = _homes(folder, city)
    home = net.snap(homes[:, 0], homes[:, 1], limit_m=LIMIT_M)
    lived = shapely.dwithin(land, shapely.points(points), CELL_M)
    print(
        f"Las Palmas: {len(points):,} street points, {lived.sum():,} of them with a home within {CELL_M:.0f} m;"
    )
    print(f"  {len(homes):,} homes with {floor_m2.sum():,.0f} m² of floors")
    weighed = {
        "street points": (points, on_street, np.ones(len(points))),
        "street points near homes": (points[lived], on_street.take(lived), np.ones(lived.sum())),
        "homes by floor area": (homes, home, floor_m2),
    }
    for name, tags in DESTINATIONS.items():
        shops = _destinations(pbf, tags)
        begin = reach.starts(
            net.snap(shops[:, 0], shops[:, 1], limit_m=LIMIT_M), np.zeros(len(shops), np.int64), groups=1
        )
        print(f"  {name}, {len(shops)} places")
        for whose, (places, at, weight) in weighed.items():
            walked = reach.costs_to(net, begin, at, limit_m=ACCESS_M)[0] <= ACCESS_M
            straight = KDTree(shops).query(places)[0] <= ACCESS_M
            assert not (walked & ~straight).any(), "a walk is never shorter than the straight line"
            by_street, by_circle = (weight[held].sum() / weight.sum() for held in (walked, straight))
            print(f"    {whose:28} {by_street:6.1%} along streets, {by_circle:6.1%} by circle")


def circles(name: str, net: Network) -> None:
    """Print which share of the streets in a circle is reached from its middle within the same metres."""
    points, places = every(net, SPACING_M)
    tree, by_chain = KDTree(points), reach.by_chain(net, places)
    chosen = np.random.default_rng(1).choice(len(points), 500, replace=False)
    begin = reach.starts(places.take(chosen), np.arange(len(chosen)), groups=len(chosen))
    for budget_m in BUDGETS_M:
        reached = np.diff(reach.within(net, begin, by_chain, limit_m=budget_m).first)
        held = tree.query_ball_point(points[chosen], budget_m, return_length=True)
        low, middle, high = np.quantile(reached / held, [0.1, 0.5, 0.9])
        print(
            f"{name}, {budget_m:.0f} m: of the streets in a circle {reached.sum() / held.sum():.0%} are reached"
            f" (half of the circles: {middle:.0%} or more; a tenth: {low:.0%} or less; a tenth: {high:.0%} or more)"
        )


def every(net: Network, metres: float) -> tuple[Floats, Snapped]:
    """Return points along all edges, so far apart: (n, 2) in the network's CRS, and where on their edges."""
    count = np.maximum(np.ceil(net.length_m / metres), 1).astype(np.int64)
    edge = np.repeat(np.arange(len(count)), count)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    at_m = (step + 0.5) * (net.length_m / count)[edge]
    lines = shapely.linestrings(
        np.column_stack([net.x, net.y]), indices=np.repeat(np.arange(len(count)), np.diff(net.offsets))
    )
    points = shapely.get_coordinates(shapely.line_interpolate_point(lines[edge], at_m))
    return points, Snapped(edge, at_m, np.zeros(len(edge)))


def _homes(folder: Path, city: shapely.Geometry) -> tuple[Floats, Floats, shapely.Geometry]:
    """Middles of the residential buildings in the city, their floor area in m², and all residential land as one."""
    frame = gpd.read_file(folder / "las_palmas_residential_areas_and_buildings.geojson")
    shapes = to_metric(frame.geometry.to_numpy(), METRIC)
    levels = pd.to_numeric(frame["building:levels"], errors="coerce").fillna(1).clip(lower=1).to_numpy()
    middles = shapely.get_coordinates(shapely.point_on_surface(shapes))
    kept = frame["building"].notna().to_numpy() & shapely.contains_xy(city, middles[:, 0], middles[:, 1])
    land = shapely.union_all(shapely.make_valid(shapes))
    shapely.prepare(land)
    return middles[kept], (shapely.area(shapes) * levels)[kept], land


def _destinations(pbf: Path, tags: dict[str, str]) -> Floats:
    """Places with one of some tags: (n, 2) metres."""
    wanted = {(key, value) for key, values in tags.items() for value in values.split()}
    keys = osmium.filter.KeyFilter(*tags)
    factory, shapes = osmium.geom.WKBFactory(), []
    for item in osmium.FileProcessor(str(pbf)).with_areas(keys).with_filter(keys):
        if item.is_way() or not any((tag.k, tag.v) in wanted for tag in item.tags):
            continue
        if item.is_node():
            shapes.append(shapely.Point(item.lon, item.lat))
        elif item.is_area():
            shapes.append(shapely.from_wkb(bytes.fromhex(factory.create_multipolygon(item))).centroid)
    return shapely.get_coordinates(to_metric(np.array(shapes, dtype=object), METRIC))


if __name__ == "__main__":
    main()

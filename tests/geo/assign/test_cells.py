"""Cells answer as GEOS's predicates do, for every point, whatever the areas are like."""

import numpy as np
import pytest
import shapely
from shapely import MultiPolygon, Polygon, box

from geo.assign import AreaIndex
from tests.geo.shapes import assert_equals_geos, coded, lattice, neighbours, special_points

METRIC = "EPSG:4547"


def check(areas, lon, lat):
    index = AreaIndex(areas, metric=METRIC)
    assert_equals_geos(areas, index.assign(lon, lat), lon, lat)
    return index


def anywhere(areas, count, seed=1):
    random = np.random.default_rng(seed)
    west, south, east, north = areas.total_bounds
    wide, high = east - west, north - south
    lon = random.uniform(west - wide / 50, east + wide / 50, count)
    return lon, random.uniform(south - high / 50, north + high / 50, count)


@pytest.fixture(scope="module")
def wiggly():
    return lattice(12)


def test_a_million_random_points(wiggly):
    check(wiggly, *anywhere(wiggly, 1_000_000))


def test_every_corner_and_points_of_every_edge_to_the_last_bit(wiggly):
    check(wiggly, *neighbours(*special_points(wiggly)))


@pytest.mark.parametrize("beside", [1e-12, 1e-11, 1e-10, 1e-9, 1e-8])
def test_points_beside_every_edge(wiggly, beside):
    lon, lat = special_points(wiggly)
    random = np.random.default_rng(3)
    check(wiggly, lon + beside * random.normal(size=len(lon)), lat + beside * random.normal(size=len(lon)))


def test_sides_of_cells_and_tiles(wiggly):
    frame = AreaIndex(wiggly, metric=METRIC)._built.index.cells.frame
    west, south, per_lon, per_lat, columns, rows = frame
    lon = west + np.arange(columns * 12) / 12 / per_lon
    lat = south + np.arange(rows * 12) / 12 / per_lat
    lon, lat = (values.ravel() for values in np.meshgrid(lon, lat))
    check(wiggly, *neighbours(lon, lat))


def test_holes_parts_overlaps_and_gaps():
    shapes = list(lattice(8, corners=25).geometry)
    random = np.random.default_rng(5)
    shapes[3] = shapes[3] - shapes[3].centroid.buffer(0.001)  # a hole, and an enclave that does not fill it
    shapes.append(shapes[3].centroid.buffer(0.0007))
    shapes[10] = MultiPolygon([shapes[10], shapely.affinity.translate(shapes[10], 0.05, 0)])
    shapes[20] = shapely.affinity.scale(shapes[20], 1.3, 1.3)  # over all its neighbours
    shapes[30] = shapely.affinity.scale(shapes[30], 0.9, 0.9)  # away from them
    shapes.append(shapes[40])  # twice
    shapes += [Polygon(), None]
    areas = coded(shapes)
    shaped = areas[~(areas.geometry.isna() | areas.geometry.is_empty)]
    lon, lat = special_points(shaped)
    some = random.permutation(len(lon))[:4000]
    lon, lat = neighbours(lon[some], lat[some])
    more = anywhere(shaped, 100_000)
    check(areas, np.concatenate([lon, more[0]]), np.concatenate([lat, more[1]]))


def test_areas_that_are_small_where_people_are_many():
    """One in a thousand of the land holds nearly all areas; the index takes no more memory for that."""
    town = lattice(20, corners=12, cell=0.0005)
    around = shapely.union_all(town.geometry.to_numpy())
    country = [
        part - around
        for part in (
            box(113, 29, 114.003, 30.305),
            box(114.003, 29, 116, 30.305),
            box(113, 30.305, 114.003, 32),
            box(114.003, 30.305, 116, 32),
        )
    ]
    areas = coded([*town.geometry, *country])
    lon, lat = anywhere(areas, 50_000)
    near = anywhere(town, 50_000)
    edges = neighbours(*special_points(town[::7]))
    index = check(areas, *(np.concatenate(parts) for parts in zip((lon, lat), near, edges, strict=True)))
    alone = AreaIndex(town, metric=METRIC)
    assert index.nbytes < 2 * alone.nbytes


def test_more_areas_in_a_cell_than_a_mask_has_bits():
    """Forty slices meet in one point, and forty discs lie on each other."""
    turns = np.linspace(0, 2 * np.pi, 41)
    rim = np.column_stack([114.3 + 0.01 * np.cos(turns), 30.5 + 0.01 * np.sin(turns)])
    slices = [Polygon([(114.3, 30.5), rim[k], rim[(k + 1) % 40]]) for k in range(40)]
    discs = [shapely.Point(114.4, 30.5).buffer(0.004 + 0.00001 * k) for k in range(40)]
    areas = coded(slices + discs)
    lon, lat = neighbours(*special_points(areas))
    more = anywhere(areas, 20_000)
    random = np.random.default_rng(2)
    close = 114.3 + 1e-7 * random.normal(size=2000), 30.5 + 1e-7 * random.normal(size=2000)
    check(areas, *(np.concatenate(parts) for parts in zip((lon, lat), more, close, strict=True)))


def test_long_edges_and_slivers():
    """Edges across all cells, and areas a hair wide between them."""
    shapes = [
        Polygon([(113, 30), (115, 30 + 1e-9), (115, 30.5), (113, 30.5 + 1e-7)]),
        Polygon([(113, 30.5 + 1e-7), (115, 30.5), (115, 30.5 + 1e-9)]),
        Polygon([(113, 30.5 + 1e-7), (115, 30.5 + 1e-9), (114, 31)]),
    ]
    areas = coded(shapes)
    along = np.linspace(113, 115, 3001)
    upper = 30.5 + 1e-7 * (115 - along) / 2
    lon = np.concatenate([along, along, along, along])
    lat = np.concatenate([upper, np.full_like(along, 30.5), upper + 4e-10, np.full_like(along, 30.25)])
    check(areas, *neighbours(lon, lat))

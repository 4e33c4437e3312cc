"""The demo city as layer frames: the whole generator in one call."""

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.levels import LAYER_OF, LEVELS
from geo.synthetic import blocks, names, roads
from geo.synthetic.areas import Areas, areas, outlines
from geo.synthetic.compounds import Homes, homes
from geo.synthetic.facilities import facilities
from geo.synthetic.frames import identified, layer_frame, multi, to_lonlat
from geo.synthetic.incidents import Places, incidents
from geo.synthetic.paths import inner_paths
from geo.synthetic.posts import posts
from geo.synthetic.spots import Settlement
from geo.synthetic.streets import streets
from geo.synthetic.terrain import Geometries, terrain

_AREA = ["code", "name", "parent_code", "people", "households", "generated_code", "extra", "geometry"]
#: Share of old estates that a department looks after.
_PAIRED = 170 / 625
_COLUMNS = {
    "compounds": [
        "code",
        "name",
        "form",
        "households",
        "people",
        "built_year",
        "address",
        "generated_code",
        "extra",
        "geometry",
        "entrances",
    ],
    "old_estates": [
        "code",
        "name",
        "built_year",
        "works",
        "department",
        "households",
        "people",
        "generated_code",
        "extra",
        "geometry",
    ],
    "facilities": [
        "code",
        "name",
        "type",
        "address",
        "capacity",
        "generated_code",
        "extra",
        "geometry",
        "site",
        "entrances",
    ],
    "streets": [
        "code",
        "name",
        "kind",
        "bridge",
        "tunnel",
        "level",
        "steps",
        "walkable",
        "extra",
        "geometry",
    ],
    "posts": [
        "code",
        "role",
        "name",
        "phone",
        "target_layer",
        "target_code",
        "valid_from",
        "valid_to",
        "generated_code",
    ],
}


@dataclass(frozen=True)
class City:
    """Every layer of the demo city as a layer frame (EPSG:4326, index `id`), and a year of incidents.

    Parameters
    ----------
    name
        What to call it, saying that it is invented.
    districts, subdistricts, communities, grids
        Areas; children tile their parents exactly, vertex by vertex.
    compounds, old_estates, facilities, streets
        The other layers; streets are noded.
    posts
        Who answers for grids and compounds; no geometry.
    incidents
        `reported_at`, `category`, `description`, `address`, `lon`, `lat` (WGS 84 degrees), `status`,
        `closed_at`, `source`, oldest first.
    """

    name: str
    districts: gpd.GeoDataFrame
    subdistricts: gpd.GeoDataFrame
    communities: gpd.GeoDataFrame
    grids: gpd.GeoDataFrame
    compounds: gpd.GeoDataFrame
    old_estates: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    streets: gpd.GeoDataFrame
    posts: pd.DataFrame
    incidents: pd.DataFrame


def city(seed: int = 1) -> City:
    """Make the demo city of a seed; the same seed gives the same city, bit for bit, on the same libraries.

    Parameters
    ----------
    seed
        Not negative. It also enters the identifiers, so the features of two seeds never share one.
    """
    ground_rng, home_rng, street_rng, facility_rng, people_rng, incident_rng = np.random.default_rng(
        seed
    ).spawn(6)
    ground = terrain(ground_rng)
    north, south = (roads.bank(side, ground, ground_rng) for side in (1, -1))
    lines = pd.concat(
        [
            roads.lattice(north, ground, ground_rng, 0),
            roads.lattice(south, ground, ground_rng, roads.SOUTH_BANK),
            roads.hill_roads(ground, ground_rng, roads.ON_HILL),
            roads.river_borders(north, south, ground),
        ],
        ignore_index=True,
    )
    plan = blocks.plan(roads.clip(lines, ground), ground, ground_rng)
    settled = homes(plan, ground, home_rng)
    people = settled.people_of_blocks(len(plan.faces))
    labels = areas(plan, people, names.COUNTY_CODE)
    paths = inner_paths(settled, home_rng)
    street_table = streets(plan, settled, paths, banks=(north, south), ground=ground, rng=street_rng)
    area_tables = _area_tables(plan.faces, labels, settled, people_rng)
    compound_table = _compound_table(settled, street_table, people_rng)
    stems = {level: area_tables[level]["stem"].tolist() for level in ("subdistrict", "community")}
    place = Settlement(plan, settled, street_table, paths)
    facility_table = facilities(place, labels, stems, facility_rng)
    incident_table = incidents(_places(area_tables, compound_table, street_table, people), incident_rng)
    tables = {**area_tables, "compound": compound_table, "street": street_table, "facility": facility_table}
    tables = to_lonlat({**tables, "incident": incident_table})
    return _frames(tables, seed, people_rng)


def _area_tables(
    faces: Geometries, labels: Areas, settled: Homes, rng: np.random.Generator
) -> dict[str, pd.DataFrame]:
    """Tables of all levels in the local metric plane, people and households summed from the compounds."""
    grid_of_share, people, households = _shares_by_block(settled)
    place = names.places(rng)
    tables: dict[str, pd.DataFrame] = {}
    previous = np.zeros(len(faces), dtype=np.intp)
    for level in LEVELS:
        number = getattr(labels, level) if level != "district" else previous
        table = pd.DataFrame({"code": labels.codes[level], "geometry": outlines(faces, number)})
        parent = np.zeros(len(table), dtype=np.intp)
        parent[number] = previous
        above = LEVELS[max(0, LEVELS.index(level) - 1)]
        table["parent_code"] = (
            None if level == "district" else np.array(labels.codes[above], dtype=object)[parent]
        )
        table["people"] = np.bincount(number[grid_of_share], people, len(table)).astype(int)
        table["households"] = np.bincount(number[grid_of_share], households, len(table)).astype(int)
        table["stem"], table["name"] = _area_names(level, table, place)
        if level == "grid":
            table["name"] = tables["community"]["name"].to_numpy()[parent] + table["name"]
        tables[level], previous = table, number
    return tables


def _shares_by_block(settled: Homes) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Blocks with the people and households in them; a compound of two blocks is halved."""
    c = settled.compounds
    double = (c["second"] >= 0).to_numpy()
    halves = {column: c[column].to_numpy() // np.where(double, 2, 1) for column in ("people", "households")}
    block = np.concatenate([c["block"], c["second"][double]])
    people, households = (
        np.concatenate([half, (c[column].to_numpy() - half)[double]]) for column, half in halves.items()
    )
    return block, people, households


def _area_names(level: str, table: pd.DataFrame, place: Iterator[str]) -> tuple[list[str], list[str]]:
    if level == "district":
        return [names.DISTRICT], [f"{names.CITY}{names.DISTRICT}（虚构）"]
    if level == "grid":
        number = [f"第{names.ordinal(int(code[-3:]))}网格" for code in table["code"]]
        return number, number
    last = "街道" if level == "subdistrict" else "社区"
    stems = [next(place) for _ in range(len(table))]
    return stems, [stem + last for stem in stems]


def _compound_table(settled: Homes, street_table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    table = settled.compounds.copy()
    gates = settled.gates.sort_values("compound", kind="stable")
    entrances = shapely.multipoints(gates["gate"].to_numpy(), indices=gates["compound"].to_numpy())
    table["entrances"] = entrances
    middle = shapely.centroid(table["geometry"].to_numpy())
    order = np.lexsort((shapely.get_x(middle), -shapely.get_y(middle)))
    named = street_table[(street_table["name"] != "") & (street_table["left"] >= 0)]
    nearest = shapely.STRtree(named["geometry"].to_numpy()).nearest(table["geometry"].to_numpy())
    door = rng.integers(1, 400, len(table)).astype(str)
    table["address"] = named["name"].to_numpy(dtype=object)[nearest] + door.astype(object) + "号"
    table["code"] = ""
    table.loc[order, "code"] = [f"XQ{i:04d}" for i in range(1, len(table) + 1)]
    return table.sort_values("code").reset_index(drop=True)


def _places(
    area_tables: dict[str, pd.DataFrame],
    compounds: pd.DataFrame,
    streets_: pd.DataFrame,
    people: NDArray[np.float64],
) -> Places:
    """Places where incidents happen; the people about a street are those of the blocks on its sides."""
    on_ground = streets_[(streets_["left"] >= 0) & streets_["walkable"]]
    beside = people[on_ground["left"]] + people[on_ground["right"]] * (on_ground["right"] >= 0)
    border = np.unique(shapely.get_coordinates(area_tables["grid"]["geometry"].to_numpy()), axis=0)
    return Places(
        on_ground[["geometry", "name"]].assign(people=beside + 60.0),
        compounds[["geometry", "name", "people"]],
        border,
        area_tables["district"]["geometry"].iloc[0],
    )


def _old_estates(compounds: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Pair old compounds with a class of works (some not yet decided) and, for a part, a department."""
    old = compounds[compounds["old_estate"]].copy()
    works = np.array(["basic", "improved", "upgraded", None], dtype=object)
    old["works"] = rng.choice(works, len(old), p=(0.46, 0.30, 0.12, 0.12))
    departments = np.array([f"区{name}" for name in names.DEPARTMENTS], dtype=object)
    paired = rng.choice(departments, len(old))
    paired[rng.random(len(old)) >= _PAIRED] = None
    old["department"] = pd.Series(paired, old.index, dtype=object)
    old["name"] = old["name"] + "（老旧小区）"
    old["code"] = [f"LJ{i:04d}" for i in range(1, len(old) + 1)]
    return old


def _frames(tables: dict[str, pd.DataFrame], seed: int, rng: np.random.Generator) -> City:
    """Make the layer frames of tables that are in longitude and latitude already."""
    layers = {}
    for level in LEVELS:
        table = tables[level].astype({"people": "Int64", "households": "Int64"})
        columns = [*_AREA, "scheme", "kind"] if level == "grid" else _AREA
        table = table.assign(scheme="governance", kind="base")
        layers[LAYER_OF[level]] = layer_frame(LAYER_OF[level], table, columns, seed)
    compounds = tables["compound"]
    estates = _old_estates(compounds, rng)
    unsurveyed = ~compounds["surveyed"].to_numpy()
    compounds["geometry"] = multi(compounds["geometry"].to_numpy())
    compounds.loc[unsurveyed, "geometry"] = shapely.centroid(compounds.loc[unsurveyed, "geometry"].to_numpy())
    compounds.loc[unsurveyed, "entrances"] = None
    facility_table = tables["facility"].assign(
        code=[f"SS{i:05d}" for i in range(1, len(tables["facility"]) + 1)],
        site=multi(tables["facility"]["site"].to_numpy()),
        capacity=tables["facility"]["capacity"].astype("Int64"),
    )
    street_table = tables["street"].assign(code=[f"DL{i:05d}" for i in range(1, len(tables["street"]) + 1)])
    others = {
        "compounds": compounds,
        "old_estates": estates.assign(geometry=multi(estates["geometry"].to_numpy())),
        "facilities": facility_table,
        "streets": street_table,
    }
    layers |= {layer: layer_frame(layer, table, _COLUMNS[layer], seed) for layer, table in others.items()}
    for layer, column in (("compounds", "entrances"), ("facilities", "entrances"), ("facilities", "site")):
        layers[layer][column] = gpd.GeoSeries(layers[layer][column], crs="EPSG:4326")
    post_table = posts(layers["grids"]["code"].tolist(), compounds, rng)
    incident_table = tables["incident"]
    points = incident_table.pop("geometry").to_numpy()
    incident_table.insert(4, "lon", shapely.get_x(points))
    incident_table.insert(5, "lat", shapely.get_y(points))
    return City(
        name=f"{names.CITY}{names.DISTRICT}（虚构）",
        posts=identified("posts", post_table, _COLUMNS["posts"], seed),
        incidents=incident_table,
        **layers,
    )

"""The demo city as layer frames: the whole generator in one call."""

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.levels import LAYER_OF, LEVELS
from geo.synthetic import blocks, names, roads
from geo.synthetic.areas import Areas, areas, outlines
from geo.synthetic.buildings import buildings, people_of_blocks
from geo.synthetic.compounds import Homes, homes
from geo.synthetic.doors import described, doors, gate_addresses
from geo.synthetic.facilities import facilities
from geo.synthetic.frames import identified, layer_frame, multi, to_lonlat
from geo.synthetic.incidents import Places, incidents
from geo.synthetic.paths import inner_paths
from geo.synthetic.posts import posts
from geo.synthetic.spots import Settlement
from geo.synthetic.streets import streets
from geo.synthetic.terrain import Geometries, terrain

#: Share of old estates that a department looks after.
_PAIRED = 170 / 625


@dataclass(frozen=True)
class City:
    """Every layer of the demo city as a layer frame (EPSG:4326, index `id`), and a year of incidents.

    Parameters
    ----------
    name
        What to call it, saying that it is invented.
    districts, subdistricts, communities, grids
        Areas; children tile their parents exactly, vertex by vertex.
    compounds, buildings, addresses, old_estates, facilities, streets
        The other layers; streets are noded.
    posts
        Who answers for grids, compounds and buildings; no geometry.
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
    buildings: gpd.GeoDataFrame
    addresses: gpd.GeoDataFrame
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
    ground_rng, home_rng, street_rng, facility_rng, people_rng, incident_rng, building_rng = (
        np.random.default_rng(seed).spawn(7)
    )
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
    paths = inner_paths(settled, home_rng)
    built = buildings(settled, paths, plan.faces, building_rng)
    labels = areas(plan, people_of_blocks(built, len(plan.faces)), names.COUNTY_CODE)
    street_table = streets(plan, settled, paths, banks=(north, south), ground=ground, rng=street_rng)
    area_tables = _area_tables(plan.faces, labels, built, people_rng)
    place = Settlement(plan, settled, street_table, paths)
    stems = {level: area_tables[level]["stem"].tolist() for level in ("subdistrict", "community")}
    facility_table = facilities(place, labels, stems, facility_rng)
    tables = _addressed(place, built, facility_table)
    incident_table = incidents(_places(place, area_tables, tables), incident_rng)
    tables = {**area_tables, **tables, "street": street_table, "incident": incident_table}
    return _frames(to_lonlat(tables), seed, people_rng)


def _area_tables(
    faces: Geometries, labels: Areas, built: pd.DataFrame, rng: np.random.Generator
) -> dict[str, pd.DataFrame]:
    """Tables of all levels in the local metric plane, people and households summed from the buildings."""
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
        for column in ("people", "households"):
            table[column] = np.bincount(number[built["block"]], built[column], len(table)).astype(int)
        table["stem"], table["name"] = _area_names(level, table, place)
        if level == "grid":
            table["name"] = tables["community"]["name"].to_numpy()[parent] + table["name"]
        tables[level], previous = table, number
    return tables


def _area_names(level: str, table: pd.DataFrame, place: Iterator[str]) -> tuple[list[str], list[str]]:
    if level == "district":
        return [names.DISTRICT], [f"{names.CITY}{names.DISTRICT}（虚构）"]
    if level == "grid":
        number = [f"第{names.ordinal(int(code[-3:]))}网格" for code in table["code"]]
        return number, number
    last = "街道" if level == "subdistrict" else "社区"
    stems = [next(place) for _ in range(len(table))]
    return stems, [stem + last for stem in stems]


def _addressed(
    place: Settlement, built: pd.DataFrame, facility_table: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Tables of compounds, buildings, addresses and facilities with their codes and what is written on doors."""
    plan = place.plan
    plates = doors(place.streets, plan.faces, ~plan.water & ~plan.hill)
    compounds = _compound_table(place.homes)
    gates = gate_addresses(compounds, plates)
    compounds["address"] = gates["street"] + gates["number"] + "号"
    buildings_ = _building_table(built, compounds)
    addresses = pd.concat([plates, gates.assign(compound_code=compounds["code"])], ignore_index=True)
    addresses["code"] = _codes("MP", len(addresses))
    beside = facility_table["beside"].to_numpy(dtype=object)
    marks = pd.concat(
        [_door_marks(addresses), buildings_[["geometry", "beside"]].assign(text=buildings_["spoken"] + "旁")]
    )
    facility_table["address"] = described(facility_table["geometry"].to_numpy(), beside, marks)
    return {"compound": compounds, "building": buildings_, "address": addresses, "facility": facility_table}


def _door_marks(addresses: pd.DataFrame) -> pd.DataFrame:
    """Doors along streets, as marks that tell where a place is."""
    doors_ = addresses[addresses["compound_code"].isna()]
    return doors_[["geometry", "text"]].assign(beside=doors_["street"])


def _compound_table(settled: Homes) -> pd.DataFrame:
    """Compounds with gates and codes, ordered by code; the index tells which they are among the homes."""
    table = settled.compounds.copy()
    gates = settled.gates.sort_values("compound", kind="stable")
    entrances = shapely.multipoints(gates["gate"].to_numpy(), indices=gates["compound"].to_numpy())
    table["entrances"] = entrances
    middle = shapely.centroid(table["geometry"].to_numpy())
    order = np.lexsort((shapely.get_x(middle), -shapely.get_y(middle)))
    return table.iloc[order].assign(code=_codes("XQ", len(table), digits=4))


def _building_table(built: pd.DataFrame, compounds: pd.DataFrame) -> pd.DataFrame:
    """Buildings ordered by their compounds' codes, and by number; `spoken` is what people call them."""
    own = compounds.loc[built["compound"]]
    number = built["number"].astype(str)
    spoken = own["name"].to_numpy() + number + "栋"
    table = built.assign(
        number=number,
        name=number + "栋",
        beside=own["name"].to_numpy(),
        spoken=spoken,
        address=own["address"].to_numpy() + spoken,
        compound_code=own["code"].to_numpy(),
        built_year=own["built_year"].to_numpy(),
    )
    table = table.sort_values("compound_code", kind="stable", ignore_index=True)
    return table.assign(code=_codes("LD", len(table)))


def _codes(prefix: str, count: int, *, digits: int = 5) -> list[str]:
    return [f"{prefix}{i:0{digits}d}" for i in range(1, count + 1)]


def _places(
    place: Settlement,
    area_tables: dict[str, pd.DataFrame],
    tables: dict[str, pd.DataFrame],
) -> Places:
    """Places where incidents happen; the people about a street are those of the blocks on its sides."""
    people = people_of_blocks(tables["building"], len(place.plan.faces))
    streets_ = place.streets
    on_ground = streets_[(streets_["left"] >= 0) & streets_["walkable"]]
    beside = people[on_ground["left"]] + people[on_ground["right"]] * (on_ground["right"] >= 0)
    border = np.unique(shapely.get_coordinates(area_tables["grid"]["geometry"].to_numpy()), axis=0)
    homes_ = tables["building"]
    return Places(
        on_ground[["geometry", "name"]].assign(people=beside + 60.0),
        homes_[["geometry", "people", "compound", "spoken"]],
        _door_marks(tables["address"]),
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
        table = table.assign(scheme="governance", kind="base")
        layers[LAYER_OF[level]] = layer_frame(LAYER_OF[level], table, seed)
    estates = _old_estates(tables["compound"], rng)
    compounds = _as_surveyed(tables["compound"])
    facility_table = tables["facility"].assign(
        code=_codes("SS", len(tables["facility"])),
        site=multi(tables["facility"]["site"].to_numpy()),
        capacity=tables["facility"]["capacity"].astype("Int64"),
    )
    others = {
        "compounds": compounds,
        "buildings": tables["building"].assign(geometry=multi(tables["building"]["geometry"].to_numpy())),
        "addresses": tables["address"].assign(unit=None, building_code=None),
        "old_estates": estates.assign(geometry=multi(estates["geometry"].to_numpy())),
        "facilities": facility_table,
        "streets": tables["street"].assign(code=_codes("DL", len(tables["street"]))),
    }
    layers |= {layer: layer_frame(layer, table, seed) for layer, table in others.items()}
    for layer, column in (("compounds", "entrances"), ("facilities", "entrances"), ("facilities", "site")):
        layers[layer][column] = gpd.GeoSeries(layers[layer][column], crs="EPSG:4326")
    post_table = posts(layers["grids"]["code"].tolist(), compounds, tables["building"], rng)
    return City(
        name=f"{names.CITY}{names.DISTRICT}（虚构）",
        posts=identified("posts", post_table, seed),
        incidents=_with_lonlat(tables["incident"]),
        **layers,
    )


def _as_surveyed(compounds: pd.DataFrame) -> pd.DataFrame:
    """Draw compounds whose outline nobody has surveyed as points without gates."""
    shapes, entrances = multi(compounds["geometry"].to_numpy()), compounds["entrances"].to_numpy().copy()
    unsurveyed = ~compounds["surveyed"].to_numpy()
    shapes[unsurveyed] = shapely.centroid(shapes[unsurveyed])
    entrances[unsurveyed] = None
    return compounds.assign(geometry=shapes, entrances=entrances)


def _with_lonlat(table: pd.DataFrame) -> pd.DataFrame:
    """Put coordinates in the place of points."""
    points = table.pop("geometry").to_numpy()
    table.insert(4, "lon", shapely.get_x(points))
    table.insert(5, "lat", shapely.get_y(points))
    return table

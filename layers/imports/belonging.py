"""What belongs to what: buildings to compounds, addresses to buildings and compounds, posts to their targets."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo import hierarchy
from geo.faults import Fault
from layers.imports.coding import objects
from layers.publishing import Change
from layers.validation import POST_TARGETS, Reader

Objects = NDArray[np.object_]

#: Layers whose features may belong to a compound.
IN_COMPOUNDS = ("buildings", "addresses")
#: The number in the name of a building: 3栋, 嘉湖小区12-3幢, A座, 三号楼, 7#, or a name that is nothing else.
_NUMBER = (
    r"(?:(?<![0-9A-Za-z-])(?P<told>[0-9A-Za-z]{1,3}(?:-[0-9A-Za-z]{1,3})*|[一二三四五六七八九十]+)"
    r"\s*(?:栋|幢|座|号楼|#)|^(?P<bare>\d+))$"
)


def named(layer: str, table: pd.DataFrame) -> tuple[pd.DataFrame, list[Fault]]:
    """Complete what buildings and addresses are called from their parts, and the parts from it.

    A building without a name is called after its number and takes the number that its name ends with. An
    address without its whole text is its street and number.

    Returns
    -------
    DataFrame, list of Fault
        The table, and ``value-missing`` for each address that says nothing.
    """
    complete = _named_buildings if layer == "buildings" else _printed_addresses
    table = complete(table)
    message = "地址全称 address is required, or 道路名称 street and 门牌号 house number."
    silent = table.index[table["text"].isna()].tolist() if layer == "addresses" else []
    return table, [Fault(kind="value-missing", field="text", row=int(row), message=message) for row in silent]


def _named_buildings(table: pd.DataFrame) -> pd.DataFrame:
    name, number = table["name"], table["number"]
    called = [None if each is None else f"{each}栋" for each in objects(number)]
    found = name.astype("string").str.extract(_NUMBER)
    told = _either(found["told"], found["bare"])
    return table.assign(name=_either(name, called), number=_either(number, told))


def _printed_addresses(table: pd.DataFrame) -> pd.DataFrame:
    composed = [
        None if street is None or number is None else f"{street}{number}" + "号" * number[-1].isdigit()
        for street, number in zip(objects(table["street"]), objects(table["number"]), strict=True)
    ]
    return table.assign(text=_either(table["text"], composed))


def located(layer: str, fresh: pd.DataFrame, read: Reader) -> tuple[pd.DataFrame, dict[str, int]]:
    """Find the compound, and of an address the building, that a file does not state: the one whose outline holds it.

    A building is looked for at a point inside its outline. What lies in none keeps none.

    Parameters
    ----------
    fresh
        Layer frame of ``buildings`` or ``addresses``.
    read
        Gives the layers as they will be.

    Returns
    -------
    DataFrame, dict
        The frame, and how many compounds were ``stated``, found ``by location``, and ``none``.
    """
    stated = objects(fresh["compound_code"])
    points = shapely.point_on_surface(fresh["geometry"].to_numpy(dtype=object))
    found = stated.copy()
    if layer == "addresses":
        building = objects(fresh["building_code"])
        _fill(building, points, read("buildings"))
        fresh = fresh.assign(building_code=building)
        found = _compounds_of(building, read("buildings"), found)
    _fill(found, points, read("compounds"))
    known, given = found != None, stated != None  # noqa: E711 - elementwise
    counts = {"stated": given.sum(), "by location": (known & ~given).sum(), "none": (~known).sum()}
    return fresh.assign(compound_code=found), {how: int(count) for how, count in counts.items()}


def adopt(read: Reader, layer: str, change: Change | None) -> Change | None:
    """Give buildings or addresses that belong to no compound the one that now holds them.

    Parameters
    ----------
    read
        Gives the layers as they will be.
    change
        What the same import does to the layer otherwise; the result contains it.
    """
    frame = read(layer)
    alone = frame[frame["compound_code"].isna().to_numpy()]
    if alone.empty:
        return change
    found = located(layer, alone, read)[0]
    adopted = found[found["compound_code"].notna().to_numpy()]
    if adopted.empty or change is None:
        return Change(adopted) if len(adopted) else change
    rest = change.upserts[~change.upserts.index.isin(adopted.index)]
    upserts = gpd.GeoDataFrame(pd.concat([rest, adopted]), geometry="geometry", crs="EPSG:4326")
    return Change(upserts, change.removed)


def lost_posts(table: pd.DataFrame, read: Reader) -> list[Fault]:
    """Posts for a grid, compound or building that does not exist."""
    known = {layer: set(read(layer)["code"]) for layer in POST_TARGETS}
    return [
        Fault(
            kind="value-invalid",
            field="target_code",
            row=int(row),
            message=f"There is no {target!r} among the {layer}.",
        )
        for row, layer, target in zip(
            table.index.to_numpy(), table["target_layer"], table["target_code"], strict=True
        )
        if target is not None and target not in known[layer]
    ]


def _either(values: pd.Series, others: Sequence[str | None] | pd.Series) -> pd.Series:
    plain, other = objects(values), objects(pd.Series(others, dtype=object))
    return pd.Series(np.where(plain == None, other, plain), index=values.index, dtype=object)  # noqa: E711 - elementwise


def _fill(codes: Objects, points: Objects, holders: pd.DataFrame) -> None:
    """Put the code of the feature whose outline holds each point where there is none."""
    missing = np.flatnonzero(codes == None)  # noqa: E711 - elementwise
    if not len(missing) or not len(holders):
        return
    held = hierarchy.holders(points[missing], holders)
    codes[missing[held >= 0]] = holders["code"].to_numpy(dtype=object)[held[held >= 0]]


def _compounds_of(building: Objects, buildings: pd.DataFrame, stated: Objects) -> Objects:
    """Compound of each address's building where the address states none."""
    own = pd.Series(objects(buildings["compound_code"]), index=buildings["code"].to_numpy(dtype=object))
    inherited = objects(own.reindex(pd.Index(building, dtype=object)))
    return np.where(stated == None, inherited, stated)  # noqa: E711 - elementwise

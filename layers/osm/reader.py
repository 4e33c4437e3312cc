"""OpenStreetMap files (.osm.pbf, .osm, also compressed) -> layer frames of streets and of places beside them."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import shapely

from geo.faults import DataError, Fault
from layers.files.source import refused
from layers.osm import barriers as osm_barriers
from layers.osm import doors as osm_doors
from layers.osm import places as osm_places
from layers.osm import streets as osm_streets
from layers.progress import Progress, during, silent

#: Attribution that must stand on every map and in every export of these data.
ATTRIBUTION = "© OpenStreetMap contributors (ODbL 1.0)"
#: Layers that a file may hold beside streets, in the order in which they are loaded.
PLACES = ("compounds", "buildings", "addresses", "facilities", "barriers")
SUFFIXES = (".osm.pbf", ".pbf", ".osm", ".osm.bz2", ".osm.gz")

#: Codes that features from OpenStreetMap bear: node, way or relation, and the piece of a street.
_CODE = r"[nwr]\d+(-\d+)?"
_GATES = frozenset(
    ["gate", "lift_gate", "swing_gate", "sliding_gate", "kissing_gate", "entrance", "turnstile"]
)
_REPORT_EVERY = 20_000


def attribution(codes: pd.Series) -> str | None:
    """Return what must stand beside features of these codes; None where none came from OpenStreetMap."""
    return ATTRIBUTION if codes.str.fullmatch(_CODE).any() else None


@dataclass(frozen=True, slots=True)
class Extract:
    """What an OpenStreetMap file holds for us: a frame by layer, and counts of what was met and left out."""

    frames: dict[str, gpd.GeoDataFrame]
    counts: dict[str, int]


@dataclass(slots=True)
class _Pass:
    """What one pass over the file collects."""

    ways: osm_streets.Ways = field(default_factory=osm_streets.Ways)
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("ways", "private", "not walkable", "without nodes"), 0)
    )
    places: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in PLACES})
    shapes: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in PLACES})
    gates: list[tuple[float, float]] = field(default_factory=list)


def is_osm(path: Path) -> bool:
    """Whether a file is OpenStreetMap data by its name."""
    return path.name.lower().endswith(SUFFIXES)


def read(path: Path, *, places: Collection[str] = (), progress: Progress = silent) -> Extract:
    """Read streets, and of :data:`PLACES` those wanted, in one pass over the file.

    Facilities follow the table ``layers/data/osm_facilities.csv``, compounds are areas tagged
    ``landuse=residential`` with the gates on their outline, buildings those that people live in; see docs/osm.md.

    Raises
    ------
    DataError
        ``file-truncated`` or ``file-unreadable``; ``file-empty`` when it holds no street.
    """
    if not path.is_file():
        raise DataError(Fault(kind="file-unreadable", message=f"There is no file {path}."))
    found = _Pass()
    number = 0
    try:
        for number, item in enumerate(_objects(path, with_places=bool(places))):
            if number % _REPORT_EVERY == 0:
                progress("read OpenStreetMap", number, 0)
            _take(found, item, places)
    except RuntimeError as error:
        cut = "EOF" in str(error) or "truncated" in str(error)
        raise refused(path, "file-truncated" if cut else "file-unreadable", error) from error
    progress("read OpenStreetMap", number, number)
    if not found.ways.records:
        raise DataError(Fault(kind="file-empty", message=f"{path.name} holds no street."))
    return _assemble(found, places, progress)


def _objects(path: Path, *, with_places: bool) -> Iterator[Any]:
    processor = osmium.FileProcessor(str(path)).with_locations()
    if not with_places:
        return iter(processor.with_filter(osmium.filter.KeyFilter("highway")))
    areas = (*osm_places.keys(), *osm_doors.KEYS, "landuse")
    processor = processor.with_areas(osmium.filter.KeyFilter(*areas))
    return iter(processor.with_filter(osmium.filter.KeyFilter("highway", "barrier", "entrance", *areas)))


def _take(found: _Pass, item: Any, wanted: Collection[str]) -> None:  # noqa: ANN401 - an osmium object
    if item.is_way():
        if "highway" in item.tags:
            _take_way(found, item)
    elif item.is_node():
        _take_node(found, item, wanted)
    elif item.is_area():
        _take_area(found, item, wanted)


def _take_way(found: _Pass, way: Any) -> None:  # noqa: ANN401 - an osmium way
    tags = dict(way.tags)
    found.counts["ways"] += 1
    standing = osm_streets.classify(tags)
    if standing in ("private", "none"):
        found.counts["private"] += standing == "private"
        return
    nodes = [node for node in way.nodes if node.location.valid()]
    if len({node.ref for node in nodes}) < 2:  # noqa: PLR2004 - a line
        found.counts["without nodes"] += 1
        return
    found.counts["not walkable"] += standing == "drawn"
    found.ways.records.append({"osm_id": way.id, **osm_streets.attributes(tags)})
    found.ways.lengths.append(len(nodes))
    found.ways.nodes.extend(node.ref for node in nodes)
    found.ways.x.extend(node.location.x for node in nodes)
    found.ways.y.extend(node.location.y for node in nodes)


def _take_node(found: _Pass, node: Any, wanted: Collection[str]) -> None:  # noqa: ANN401 - an osmium node
    tags = dict(node.tags)
    if tags.get("barrier") in _GATES or tags.get("entrance", "no") not in ("no", "emergency"):
        found.gates.append((node.lon, node.lat))
    records = _records(tags, wanted)
    if "barriers" in wanted and (barrier := osm_barriers.barrier(tags)) is not None:
        records["barriers"] = barrier
    if records:
        _keep(found, f"n{node.id}", records, shapely.Point(node.lon, node.lat))


def _take_area(found: _Pass, area: Any, wanted: Collection[str]) -> None:  # noqa: ANN401 - an osmium area
    tags = dict(area.tags)
    records = _records(tags, wanted)
    if "compounds" in wanted and tags.get("landuse") == "residential":
        records["compounds"] = osm_places.compound(tags)
    if not records:
        return
    try:
        shape = shapely.from_wkb(bytes.fromhex(_WKB.create_multipolygon(area)))
    except RuntimeError:  # rings that do not close
        found.counts["areas not closed"] = found.counts.get("areas not closed", 0) + 1
        return
    _keep(found, f"{'w' if area.from_way() else 'r'}{area.orig_id()}", records, shape)


def _records(tags: dict[str, str], wanted: Collection[str]) -> dict[str, dict[str, Any]]:
    """What the tags of a point or an area make it, by layer."""
    records: dict[str, dict[str, Any] | None] = {
        "buildings": osm_doors.building(tags),
        "addresses": osm_doors.address(tags),
    }
    if rules := osm_places.candidates(tags):
        records["facilities"] = osm_places.facility(tags, rules)
    return {layer: record for layer, record in records.items() if layer in wanted and record is not None}


def _keep(found: _Pass, code: str, records: dict[str, dict[str, Any]], shape: Any) -> None:  # noqa: ANN401 - a geometry
    for layer, record in records.items():
        found.places[layer].append({"code": code, **record})
        found.shapes[layer].append(shape)


_WKB = osmium.geom.WKBFactory()


def _assemble(found: _Pass, wanted: Collection[str], progress: Progress) -> Extract:
    with during(progress, "split streets", len(found.ways.records)):
        streets, joined = osm_streets.streets(found.ways)
    frames = {"streets": streets}
    gates = np.asarray(shapely.points(np.array(found.gates).reshape(-1, 2)), dtype=object)
    makers: dict[str, Callable[..., gpd.GeoDataFrame]] = {
        "compounds": partial(osm_places.compounds, gates=gates),
        "buildings": osm_doors.buildings,
        "addresses": osm_doors.addresses,
        "facilities": partial(osm_places.facilities, gates=gates),
        "barriers": osm_barriers.barriers,
    }
    for layer in PLACES:
        if layer in wanted:
            shapes = np.array([*found.shapes[layer], None], dtype=object)[:-1]
            frames[layer] = makers[layer](found.places[layer], shapes)
            found.counts[layer] = len(frames[layer])
    return Extract(frames, {**found.counts, **joined})

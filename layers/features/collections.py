"""Collections of features as GIS clients see them: of one type of geometry each, which is all that they can draw."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, func

from layers import store
from layers.catalogue import SPECS
from layers.errors import NotFound
from layers.features.properties import PUBLISHED

#: GeoJSON's names of the types that columns of one type hold.
_TYPES = {"MULTIPOLYGON": "MultiPolygon", "LINESTRING": "LineString", "POINT": "Point"}
#: Layers of two types: what they are of first, and points.
_MIXED = {"compounds": "MultiPolygon", "buildings": "MultiPolygon", "barriers": "LineString"}
_POINTS = ("_points", "（点）", " as points")


@dataclass(frozen=True, slots=True)
class Collection:
    """A published layer, or its features of one type of geometry.

    Parameters
    ----------
    name
        The layer's own name; ``…_points`` for the points of a layer that holds others too.
    geometry
        Type of every feature's geometry, as GeoJSON calls it.
    partner
        Name of the collection that has the rest of the layer, where there is one.
    """

    name: str
    layer: str
    geometry: str
    zh: str
    en: str
    partner: str | None = None

    def conditions(self, source: FromClause) -> tuple[ColumnElement[bool], ...]:
        """Conditions on what the layer is read from that tell its features from the rest of the layer."""
        if self.partner is None:
            return ()
        return (func.GeometryType(source.c.geom) == self.geometry.upper(),)


def _of(layer: str) -> list[Collection]:
    spec = SPECS[layer]
    if layer not in _MIXED:
        stored: Any = store.table(layer).c.geom.type
        return [Collection(layer, layer, _TYPES[stored.geometry_type], spec.zh, spec.en)]
    suffix, zh, en = _POINTS
    points = layer + suffix
    return [
        Collection(layer, layer, _MIXED[layer], spec.zh, spec.en, partner=points),
        Collection(points, layer, "Point", spec.zh + zh, spec.en + en, partner=layer),
    ]


#: Every collection by name, in the order in which a city is loaded.
COLLECTIONS = {found.name: found for layer in PUBLISHED for found in _of(layer)}


def holding(layer: str, geometry: str) -> Collection:
    """Return the collection of a layer that holds its features of one type of geometry."""
    return next(each for each in COLLECTIONS.values() if each.layer == layer and each.geometry == geometry)


def named(name: str) -> Collection:
    """Return the collection of that name.

    Raises
    ------
    NotFound
        If there is none; the message names those there are.
    """
    if name not in COLLECTIONS:
        raise NotFound(f"There is no published layer {name!r:.80}; there are: {', '.join(COLLECTIONS)}.")
    return COLLECTIONS[name]

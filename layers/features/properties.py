"""What a feature of a published layer tells: its properties with their kinds and names."""

from dataclasses import dataclass
from functools import cache

from sqlalchemy import Boolean, Column, Integer

from layers import store
from layers.catalogue import SPECS, LayerSpec, facility_types, spec_of
from layers.errors import NotFound

#: Layers with places, in the order in which a city is loaded. Posts are left out: they are people.
PUBLISHED = tuple(name for name, spec in SPECS.items() if spec.geometry)

#: How the geometry is called wherever a request names it.
GEOMETRY = "geometry"
_GENERATED = ("generated_code", "自动编码", "generated code")
#: What features tell and nobody states.
READ_ONLY = ("id", _GENERATED[0])


@dataclass(frozen=True, slots=True)
class Property:
    """One property: ``kind`` is ``text``, ``integer``, ``boolean`` or ``geometry``.

    A geometry among the properties (gates, a site) is WKT in EPSG:4326, longitude first, whatever CRS is asked for.
    """

    name: str
    kind: str
    zh: str
    en: str
    required: bool
    choices: tuple[str, ...] = ()


def published(layer: str) -> LayerSpec:
    """Return what the catalogue says of a published layer.

    Raises
    ------
    NotFound
        If there is none of that name; the message names those there are.
    """
    if layer not in PUBLISHED:
        raise NotFound(f"There is no published layer {layer!r}; there are: {', '.join(PUBLISHED)}.")
    return spec_of(layer)


@cache
def properties_of(layer: str) -> dict[str, Property]:
    """Return the properties of a published layer by name; its geometry is not among them.

    Columns without a field in the catalogue (``extra``) are left out: nobody has judged whether what was never
    mapped may be read by everyone.
    """
    spec, columns = published(layer), store.table(layer).c
    found = {
        field.name: Property(
            field.name,
            "geometry" if field.kind == "geometry" else _kind(columns[field.name]),
            field.zh,
            field.en,
            required=not columns[field.name].nullable,
            choices=_choices(layer, field.name, dict.fromkeys(stored for _, stored in field.choices)),
        )
        for field in spec.fields
    }
    name, zh, en = _GENERATED
    return {**found, name: Property(name, "boolean", zh, en, required=True)}


def _kind(column: Column[object]) -> str:
    if isinstance(column.type, Boolean):
        return "boolean"
    return "integer" if isinstance(column.type, Integer) else "text"


def _choices(layer: str, name: str, stated: dict[str, None]) -> tuple[str, ...]:
    if (layer, name) == ("facilities", "type"):
        return tuple(facility_types().index)
    return tuple(stated)

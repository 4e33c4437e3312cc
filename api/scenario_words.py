"""What requests say about scenarios, and what replies say of them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from api import stated
from api.settings import Settings
from geo import crs
from geo.coverage import changes
from geo.coverage.changes import MOST_CHANGES, MOST_POINTS, Change
from geo.faults import DataError, Fault
from layers.tables import Scenario

Finite = Annotated[float, Field(allow_inf_nan=False)]
Code = Annotated[str, Field(max_length=64)]


class _Stated(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AddFacilityIn(_Stated):
    """A facility where there was none."""

    change: Literal["add_facility"]
    facility_type: Code
    lon: Finite
    lat: Finite
    name: Annotated[str, Field(max_length=200)] = ""
    capacity: Annotated[int, Field(le=2**31 - 1)] | None = None


class MoveFacilityIn(_Stated):
    """A facility at another place; its gates stay behind."""

    change: Literal["move_facility"]
    facility: Code
    lon: Finite
    lat: Finite


class CloseFacilityIn(_Stated):
    """A facility that serves nobody any more."""

    change: Literal["close_facility"]
    facility: Code


class AddEntranceIn(_Stated):
    """One more gate to a compound whose gates are known."""

    change: Literal["add_entrance"]
    compound: Code
    lon: Finite
    lat: Finite


class AddStreetIn(_Stated):
    """A new path; both ends are joined to streets within 10 m. A bridge or tunnel joins nothing between."""

    change: Literal["add_street"]
    points: Annotated[list[tuple[Finite, Finite]], Field(max_length=MOST_POINTS)]
    bridge: bool = False
    tunnel: bool = False
    steps: bool = False


class SlowStreetsIn(_Stated):
    """Streets of a `kind`, or all `steps`, where a metre costs `factor` metres of level street."""

    change: Literal["slow_streets"]
    kind: Annotated[str, Field(min_length=1, max_length=64)]
    factor: Finite


class WalkingSpeedIn(_Stated):
    """Another speed for the people of a profile."""

    change: Literal["walking_speed"]
    profile: Code
    metres_per_second: Finite


ChangeIn = Annotated[
    AddFacilityIn
    | MoveFacilityIn
    | CloseFacilityIn
    | AddEntranceIn
    | AddStreetIn
    | SlowStreetsIn
    | WalkingSpeedIn,
    Field(discriminator="change"),
]


_CHANGES: list[JsonDict] = [
    {
        "change": "add_facility",
        "facility_type": "fresh_market",
        "lon": 105.8431,
        "lat": 32.4362,
        "name": "滨江菜市场",
        "capacity": None,
    },
    {
        "change": "add_street",
        "points": [[105.842, 32.435], [105.8445, 32.435]],
        "bridge": True,
        "tunnel": False,
        "steps": False,
    },
]
_EXAMPLE: JsonDict = {
    "id": "8f0c6f7a-6a55-4a53-9d0a-0c2f6b8e7a11",
    "name": "滨江菜市场与人行桥",
    "note": "2027 年民生实事备选",
    "base_revision": None,
    "changes": _CHANGES,  # type: ignore[dict-item]  # a list of JSON is JSON
    "version": 1,
    "created_at": "2026-03-01T00:30:00Z",
    "created_by": "li",
    "updated_at": "2026-03-01T00:30:00Z",
    "updated_by": "li",
}


class ScenarioIn(BaseModel):
    """A named set of changes; `base_revision` null follows the current revision."""

    model_config = ConfigDict(
        extra="forbid",
        str_strip_whitespace=True,
        json_schema_extra={
            "example": {
                "name": "滨江菜市场与人行桥",
                "note": "2027 年民生实事备选",
                "datum": "wgs84",
                "changes": _CHANGES,  # type: ignore[dict-item]  # as above
            }
        },
    )

    name: Annotated[str, Field(min_length=1, max_length=100)]
    note: Annotated[str, Field(max_length=2000)] = ""
    base_revision: int | None = None
    datum: Annotated[str | None, Field(description="of all coordinates: wgs84, gcj02, an EPSG code, …")] = (
        None
    )
    changes: Annotated[list[ChangeIn], Field(min_length=1, max_length=MOST_CHANGES)]


class ScenarioOut(BaseModel):
    """A scenario; coordinates are EPSG:4326. `version` counts its writes, and is the `ETag`."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    id: UUID
    name: str
    note: str
    base_revision: int | None
    changes: list[dict[str, Any]]
    version: int
    created_at: AwareDatetime
    created_by: str
    updated_at: AwareDatetime
    updated_by: str


class ScenarioList(BaseModel):
    """All scenarios, the last written first."""

    model_config = ConfigDict(json_schema_extra={"example": {"scenarios": [_EXAMPLE]}})

    scenarios: list[ScenarioOut]


def shown(saved: Scenario) -> ScenarioOut:
    """Say what is stored of a scenario."""
    return ScenarioOut(
        id=saved.id,
        name=saved.name,
        note=saved.note,
        base_revision=saved.base_revision,
        changes=saved.changes,
        version=saved.version,
        created_at=saved.created_at.astimezone(dt.UTC),
        created_by=saved.created_by,
        updated_at=saved.updated_at.astimezone(dt.UTC),
        updated_by=saved.updated_by,
    )


def read_changes(said: ScenarioIn, settings: Settings) -> tuple[list[Change], list[Fault]]:
    """Return the stated changes in EPSG:4326, and the faults of their coordinates.

    Raises
    ------
    DataError
        On field ``datum``, if places are stated and it is not, or is unknown.
    """
    found = [changes.from_record(change.model_dump()) for change in said.changes]
    if not any(changes.places(change) for change in found):
        return found, []
    reference = stated.reference(said.datum, settings)
    faults: list[Fault] = []
    read = []
    for number, change in enumerate(found):
        try:
            read.append(_placed(change, reference))
        except DataError as error:
            name = "points" if isinstance(change, changes.AddStreet) else "lon"
            faults += [replace(fault, field=f"changes[{number}].{name}", row=None) for fault in error.faults]
            read.append(change)
    return read, faults


def all_faults(found: Sequence[Fault], more: Sequence[Fault]) -> list[Fault]:
    """Put faults together, of each field what was found first."""
    fields = {fault.field for fault in found}
    return [*found, *(fault for fault in more if fault.field not in fields)]


def _placed(change: Change, reference: crs.Reference) -> Change:
    x, y = np.array(changes.places(change), dtype=np.float64).reshape(-1, 2).T
    if not len(x):
        return change
    faults = crs.coordinate_faults(x, y, reference)
    if faults:
        raise DataError(faults)
    lon, lat = crs.to_lonlat(x, y, reference)
    return changes.placed(change, list(zip(lon.tolist(), lat.tolist(), strict=True)))

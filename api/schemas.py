"""What requests carry and replies say about places and incidents."""

import datetime as dt
from dataclasses import asdict
from typing import Any
from uuid import UUID

from pydantic import AliasChoices, AwareDatetime, BaseModel, ConfigDict, Field, StrictFloat

from layers.search import Hit

#: Beyond these, a report's time is a slip, and may exist in no other time zone.
_FIRST_REPORT = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)
_LAST_REPORT = dt.datetime(9998, 12, 31, tzinfo=dt.UTC)

# Parts of the examples.
_PATH: list[Any] = [
    {"code": "510899", "name": "示范区", "level": "district"},
    {"code": "510899001", "name": "东坝街道", "level": "subdistrict"},
    {"code": "510899001001", "name": "滨江社区", "level": "community"},
    {"code": "510899001001003", "name": "第三网格", "level": "grid"},
]
_ASSIGNMENT: dict[str, Any] = {
    "area": _PATH[-1],
    "rule": "inside",
    "distance_m": None,
    "margin_m": 41.27,
    "candidates": ["510899001001003"],
    "path": _PATH,
    "revision": 4,
    "reason": None,
}
_INCIDENT: dict[str, Any] = {
    "id": "0b6f5a52-8c1e-4e58-9d5e-0c6f6b8e7a11",
    "category": "0101",
    "status": "open",
    "deadline": None,
    "assignment": _ASSIGNMENT,
    "lon": 105.845,
    "lat": 32.4337,
    "datum": "gcj02",
    "address": None,
    "description": "井盖缺失",
    "source": "12345",
    "reporter_name": "王****",
    "reporter_phone": "138****1234",
    "reported_at": "2026-03-01T00:30:00Z",
    "created_at": "2026-03-01T00:31:07Z",
    "created_by": "zhang",
    "closed_at": None,
}
_POST: dict[str, Any] = {
    "role": "网格长",
    "name": "王芳",
    "phone": "0839-5550101",
    "target_layer": "grids",
    "target_code": "510899001001003",
    "valid_from": "2026-01-01",
    "valid_to": None,
}


class AreaOut(BaseModel):
    """An area of one of the four levels."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    name: str
    level: str


class CompoundOut(BaseModel):
    """The compound at the place."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    name: str
    form: str | None


class PostOut(BaseModel):
    """Somebody who answers for the grid, the compound or the building; both ends of the term are included."""

    model_config = ConfigDict(from_attributes=True)

    role: str
    name: str
    phone: str | None
    target_layer: str
    target_code: str
    valid_from: dt.date | None
    valid_to: dt.date | None


class BuildingOut(BaseModel):
    """The building whose outline holds the place."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    name: str
    compound_code: str | None


class OldEstateOut(BaseModel):
    """The old estate at the place: its class of works, and the department paired with it."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    name: str
    works: str | None
    department: str | None


class InSchemeOut(BaseModel):
    """Where a place belongs in one scheme of grids; `posts` are those of the grid."""

    area: AreaOut | None
    rule: str
    distance_m: float | None
    margin_m: float | None
    neighbour: AreaOut | None
    candidates: list[str]
    path: list[AreaOut]
    posts: list[PostOut]


class WalkOut(BaseModel):
    """The way on foot to the nearest facility of a type, along streets.

    Where there is none, `reason` says why: `no-facility` of the type, `no-street` near the place, or
    `not-connected` by streets; all else is null. `minutes` are those of an adult, at 1.25 m/s.
    """

    facility_type: str
    code: str | None
    name: str | None
    metres: float | None
    minutes: float | None
    reason: str | None


class LocationOut(BaseModel):
    """Where a place belongs, and why.

    `distance_m` is stated for rule `nearest`, `margin_m` (to the border) for `inside`; on a border it is 0.
    `neighbour` is the area across the nearest border. `schemes` is there when several were asked for, `facilities`
    when types were.
    """

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "area": {"code": "510899001001003", "name": "第三网格", "level": "grid"},
                "rule": "inside",
                "distance_m": None,
                "margin_m": 41.27,
                "neighbour": {"code": "510899001001004", "name": "第四网格", "level": "grid"},
                "candidates": ["510899001001003"],
                "path": _PATH,
                "revision": 4,
                "compound": {"code": "510899001001C01", "name": "滨江花园", "form": "managed"},
                "building": {"code": "B0000012", "name": "3栋", "compound_code": "510899001001C01"},
                "old_estate": None,
                "posts": [_POST],
                "lon": 105.845,
                "lat": 32.4337,
                "datum": "wgs84",
                "level": "grid",
                "scheme": "governance",
                "facilities": [
                    {
                        "facility_type": "fresh_market",
                        "code": "510899F0012",
                        "name": "滨江菜市场",
                        "metres": 412.5,
                        "minutes": 5.5,
                        "reason": None,
                    }
                ],
            }
        },
    )

    area: AreaOut | None
    rule: str
    distance_m: float | None
    margin_m: float | None
    neighbour: AreaOut | None
    candidates: list[str]
    path: list[AreaOut]
    revision: int
    compound: CompoundOut | None
    building: BuildingOut | None
    old_estate: OldEstateOut | None
    posts: list[PostOut]
    lon: float
    lat: float
    datum: str
    level: str
    scheme: str
    schemes: dict[str, InSchemeOut] = {}
    facilities: list[WalkOut] = []


class AssignedAreaOut(BaseModel):
    """An area an incident was assigned to; `name` and `level` are null where it is no more."""

    code: str
    name: str | None
    level: str | None


class AssignmentOut(BaseModel):
    """Which area an incident belongs to, by which rule (`manual`: a person decided), at which revision.

    `reason` tells why a person decided, or why the incident is queued without an area.
    """

    area: AssignedAreaOut | None
    rule: str
    distance_m: float | None
    margin_m: float | None
    candidates: list[str]
    path: list[AssignedAreaOut]
    revision: int
    reason: str | None


class DecisionOut(AssignmentOut):
    """One decision in an incident's history."""

    decided_at: dt.datetime
    decided_by: str


class IncidentIn(BaseModel):
    """What is reported: a category, and a place by `lon`, `lat`, `datum`, or in words by `address`."""

    model_config = ConfigDict(
        str_strip_whitespace=True,
        # A misspelt field would else be lost with what it said.
        extra="forbid",
        json_schema_extra={
            "example": {
                "category": "0101",
                "lon": 105.8487,
                "lat": 32.4313,
                "datum": "gcj02",
                "description": "井盖缺失",
                "reporter_phone": "13800001234",
                "source": "12345",
                "reported_at": "2026-03-01T08:30:00+08:00",
            }
        },
    )

    category: str = Field(min_length=1, max_length=100)
    lon: StrictFloat | str | None = Field(None, description="longitude or easting, as `datum` says")
    lat: StrictFloat | str | None = Field(None, description="latitude or northing, as `datum` says")
    datum: str | None = Field(None, description="wgs84, cgcs2000, gcj02, bd09, an EPSG code, …")
    address: str | None = Field(None, max_length=500)
    description: str | None = Field(None, max_length=10_000)
    source: str | None = Field(None, max_length=100)
    reporter_name: str | None = Field(None, max_length=100)
    reporter_phone: str | None = Field(None, max_length=50)
    reported_at: AwareDatetime | None = Field(
        None,
        validation_alias=AliasChoices("reported_at", "occurred_at"),
        ge=_FIRST_REPORT,
        le=_LAST_REPORT,
        description="now, where it is not stated",
    )


class CandidateOut(BaseModel):
    """A place that words may mean, and the area it lies in; `layer` is null for coordinates.

    `uncertainty_m` is how far from `lon`, `lat` (WGS84) the place meant may be; `score` compares the candidates
    of one search; `reasons` say in Chinese and English what was matched, and what agrees with it.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "layer": "buildings",
                "code": "LD00063",
                "name": "滨江花园3栋",
                "kind": "door",
                "matched": "滨江花园3栋",
                "reasons": {"zh": ["已登记：滨江花园3栋"], "en": ["registered: 滨江花园3栋"]},
                "score": 1.0,
                "lon": 105.845,
                "lat": 32.4337,
                "uncertainty_m": 18.6,
                "area": _PATH[-1],
                "path": _PATH,
                "rule": "inside",
                "distance_m": None,
                "margin_m": 41.27,
            }
        },
    )

    layer: str | None
    code: str
    name: str
    kind: str
    matched: str
    reasons: dict[str, list[str]]
    score: float
    lon: float
    lat: float
    uncertainty_m: float
    area: AreaOut | None
    path: list[AreaOut]
    rule: str
    distance_m: float | None
    margin_m: float | None

    @classmethod
    def of(cls, hit: Hit) -> "CandidateOut":
        """Return a hit as replies show it."""
        reasons = {language: [pair[at] for pair in hit.reasons] for at, language in enumerate(("zh", "en"))}
        return cls.model_validate({**asdict(hit), "reasons": reasons})


class IncidentOut(BaseModel):
    """An incident with the assignment that holds now; `lon`, `lat` are WGS84."""

    id: UUID
    category: str
    status: str
    deadline: dt.datetime | None
    assignment: AssignmentOut
    lon: float | None
    lat: float | None
    datum: str | None
    address: str | None
    description: str | None
    source: str | None
    reporter_name: str | None
    reporter_phone: str | None
    reported_at: dt.datetime
    created_at: dt.datetime
    created_by: str
    closed_at: dt.datetime | None


class NearbyOut(BaseModel):
    """An incident reported near by at about the same time; of the same category it may be a duplicate.

    `distance_m` is measured on the ellipsoid.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    category: str
    status: str
    area_code: str | None
    reported_at: dt.datetime
    distance_m: float
    duplicate: bool


class IncidentDetailOut(IncidentOut):
    """An incident with its team, every decision about its area, oldest first, and what was reported near by.

    `nearby` lists at most 20 incidents that the reader may see, possible duplicates first, then by distance.
    `places` are those that the address of an incident without coordinates may mean, best first.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                **_INCIDENT,
                "posts": [_POST],
                "history": [{**_ASSIGNMENT, "decided_at": "2026-03-01T00:31:07Z", "decided_by": "zhang"}],
                "places": [],
                "nearby": [
                    {
                        "id": "5a1f2c34-70f4-4a52-9a55-0d7f7c1f9b20",
                        "category": "0101",
                        "status": "open",
                        "area_code": "510899001001003",
                        "reported_at": "2026-02-28T23:52:10Z",
                        "distance_m": 12.4,
                        "duplicate": True,
                    }
                ],
            }
        }
    )

    posts: list[PostOut]
    history: list[DecisionOut]
    nearby: list[NearbyOut]
    places: list[CandidateOut]


class IncidentList(BaseModel):
    """A page of incidents, newest first; `next` is the path of the next page."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"revision": 4, "incidents": [_INCIDENT], "next": None}}
    )

    revision: int
    incidents: list[IncidentOut]
    next: str | None


class ReassignIn(BaseModel):
    """A person's decision."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"area_code": "510899001001003", "reason": "误报位置"}}
    )

    area_code: str
    reason: str = Field(max_length=1000)

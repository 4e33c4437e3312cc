"""Where to build: the sites of a facility type that would help most."""

from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from anyio import to_thread
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from api import stated
from api.access import Permission, needs
from api.cities import city_at
from api.dependencies import Runtime, RuntimeDep, SnapshotDep
from api.places import areas_at
from api.snapshots import Snapshot
from geo import crs, sites, siting
from geo.faults import DataError
from geo.sites import MOST_CANDIDATES, WEIGHTS, Proposal, Question
from layers.files import tables

router = APIRouter(tags=["coverage"])

Finite = Annotated[float, Field(allow_inf_nan=False)]
Codes = Annotated[list[str], Field(max_length=100)]


class CandidateIn(BaseModel):
    """A place where building is possible; its coordinates are as the question's `datum` says."""

    id: Annotated[str, Field(max_length=200)]
    name: Annotated[str, Field(max_length=200)] = ""
    lon: Finite
    lat: Finite
    cost: Finite = 1.0
    bonus: Annotated[Finite, Field(ge=0)] = 0.0


class SitingIn(BaseModel):
    """What is to be built, and exactly one of `sites`, `budget` and `target_share`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "facility_type": "fresh_market",
                "minutes": 10,
                "sites": 3,
                "candidates": "street_nodes",
            }
        },
    )

    facility_type: Annotated[str, Field(description="key of /api/facility-types; those that stand are kept")]
    minutes: Annotated[int | None, Field(description="walk; null: the type's own circle")] = None
    profile: Annotated[str, Field(description="adult, elderly or gb50180")] = "adult"
    weight: Annotated[str, Field(description=", ".join(WEIGHTS))] = "people"
    sites: Annotated[int | None, Field(description="build at most so many")] = None
    budget: Annotated[
        Finite | None, Field(description="build for at most so much, by the candidates' costs")
    ] = None
    target_share: Annotated[
        Finite | None, Field(description="build the fewest that bring the served share to this, 0 to 1")
    ] = None
    candidates: Annotated[
        Literal["compounds", "street_nodes"]
        | Annotated[list[CandidateIn], Field(max_length=MOST_CANDIDATES)],
        Field(
            description="the middles of compounds, junctions thinned to one in 150 m, or places of your own"
        ),
    ] = "street_nodes"
    datum: Annotated[
        str | None, Field(description="of your own candidates: wgs84, gcj02, an EPSG code, …")
    ] = None
    within: Annotated[
        str | None, Field(description="code of an area: only homes and junctions in it count")
    ] = None
    forbidden: Annotated[Codes, Field(description="codes of areas where nothing may be built")] = []
    preferred: Annotated[Codes, Field(description="codes of areas where building is preferred")] = []
    bonus: Annotated[
        Finite,
        Field(ge=0, description="what a preferred site may lose and still be chosen, in the weight's unit"),
    ] = 0.0
    exact: Annotated[bool, Field(description="prove the answer; false: a good one at once")] = True
    time_limit_s: Annotated[
        Finite,
        Field(gt=0, le=siting.TIME_LIMIT_S, description="after which the best found is given with its gap"),
    ] = 20.0


_EXAMPLE_SITE: JsonDict = {
    "order": 1,
    "id": "node-118",
    "name": "",
    "lon": 105.8431,
    "lat": 32.4362,
    "grid_code": "510899001001003",
    "cost": 1.0,
    "adds": 5310.0,
    "served": 45422.5,
    "served_share": 0.741592,
    "compounds": 11,
}


class SiteOut(BaseModel):
    """A site: what it adds to what stands and to the sites before it, and the share served with it."""

    order: int
    id: str
    name: str
    lon: float
    lat: float
    grid_code: str | None
    cost: float
    adds: float
    served: float
    served_share: float | None
    compounds: int


class SitingOut(BaseModel):
    """Sites in the order of building.

    `demand` and `served` are today's; `bound` is what no choice betters: a weight for `sites` and `budget`, a
    cost for `target_share`. `gap` 0 and `proven` mean that no choice is better. `faults` names candidates that no
    street reaches.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "revision": 4,
                "facility_type": "fresh_market",
                "budget_m": 750.0,
                "demand": 61250.0,
                "served": 40112.5,
                "sites": [_EXAMPLE_SITE],
                "bound": 5310.0,
                "gap": 0.0,
                "proven": True,
                "candidates": 412,
                "faults": [],
            }
        }
    )

    revision: int
    facility_type: str
    budget_m: float
    demand: float
    served: float
    sites: list[SiteOut]
    bound: float
    gap: float
    proven: bool
    candidates: int
    faults: list[dict[str, Any]]


@router.post(
    "/api/siting",
    dependencies=[needs(Permission.READ_LAYERS)],
    summary="Where would the next facilities help most?",
)
async def propose_sites(*, body: SitingIn, snapshot: SnapshotDep, runtime: RuntimeDep) -> SitingOut:
    """Choose the sites that serve most people within a walk along streets, or the fewest for a target.

    Solved exactly (maximal covering location problem) with the gap to the best possible choice stated. Nothing that
    is published changes. One site a kind is chosen among at most 5,000 candidates.
    """
    # Solving takes a processor for long: as many at once as files, and no thread of the others.
    return await to_thread.run_sync(partial(_propose, body, snapshot, runtime), limiter=runtime.files)


def _propose(body: SitingIn, snapshot: Snapshot, runtime: Runtime) -> SitingOut:
    copied = set(SitingIn.model_fields) - {"candidates", "datum", "forbidden", "preferred"}
    question = Question(
        **body.model_dump(include=copied), forbidden=tuple(body.forbidden), preferred=tuple(body.preferred)
    )
    city = city_at(snapshot)
    sites.check(question, city.types)
    if isinstance(body.candidates, str):
        candidates = sites.candidates_from(city, body.candidates, within=body.within)
    else:
        candidates = _given(body, runtime)
    return _reply(body, snapshot, sites.propose(city, question, candidates))


def _given(body: SitingIn, runtime: Runtime) -> pd.DataFrame:
    """Candidates of the caller's own, in EPSG:4326."""
    frame = pd.DataFrame(
        [candidate.model_dump() for candidate in body.candidates],  # type: ignore[union-attr]  # no word
        columns=list(CandidateIn.model_fields),
    )
    reference = stated.reference(body.datum, runtime.settings)
    x, y = frame["lon"].to_numpy(dtype=np.float64), frame["lat"].to_numpy(dtype=np.float64)
    faults = crs.coordinate_faults(x, y, reference)
    if faults:
        raise DataError([replace(fault, field="candidates") for fault in faults])
    frame["lon"], frame["lat"] = crs.to_lonlat(x, y, reference)
    return frame


def _reply(body: SitingIn, snapshot: Snapshot, proposal: Proposal) -> SitingOut:
    table = proposal.table
    grids = areas_at(snapshot, "grid").index.assign(table["lon"].to_numpy(), table["lat"].to_numpy())
    table = table.assign(order=np.arange(1, len(table) + 1), grid_code=grids.area_code)
    return SitingOut(
        revision=snapshot.revision,
        facility_type=body.facility_type,
        budget_m=proposal.budget_m,
        demand=proposal.demand,
        served=proposal.served,
        sites=[SiteOut.model_validate(row) for row in tables.records(table)],
        bound=proposal.sites.bound,
        gap=proposal.sites.gap,
        proven=proposal.sites.gap == 0.0,
        candidates=proposal.candidates,
        faults=[fault.as_dict() for fault in proposal.faults],
    )

"""Which open incidents a change of areas concerns, and where it puts them: what publishing does, and what a preview says.

A change of areas can alter the answer of an incident only where a grid changed its border or its chain of parents, or
near by. Decisions made by hand stay; where their grid is retired, they follow its one successor.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from sqlalchemy import ColumnElement, and_, func, select

from geo.assign import AreaIndex
from geo.hierarchy import LEAST_SHARE
from layers import located
from layers.deployment import Deployment
from layers.incidents import answers
from layers.located import Areas, widened
from layers.reading import Read
from layers.tables import Incident

#: SQL of the incidents that are decided anew: those in ``:zone`` (WKB), see :attr:`Concerned.zone`.
WHERE = "status <> 'closed' AND rule <> 'manual' AND ST_Intersects(geom, ST_GeomFromWKB(:zone, 4326))"


@dataclass
class Concerned:
    """What a change of areas does to open incidents.

    Parameters
    ----------
    before, after
        Read the areas in both states.
    changed
        Codes of the grids that are not the same in both.
    above
        Whether areas of other levels are not the same in both.
    deployment
        Tolerance and metric CRS.
    """

    before: Read
    after: Read
    changed: Collection[str]
    above: bool
    deployment: Deployment
    _heirs: dict[str, list[str]] = field(default_factory=dict)

    @cached_property
    def codes(self) -> set[str]:
        """Codes of the grids whose border or chain of parents is another than before."""
        codes = set(self.changed)
        if self.above:
            before, after = (_chains(read) for read in (self.before, self.after))
            codes |= {code for code in before.keys() | after.keys() if before.get(code) != after.get(code)}
        return codes

    @cached_property
    def retired(self) -> set[str]:
        """Codes of the grids that are no more."""
        return self.codes - self.paths.keys()

    @cached_property
    def paths(self) -> dict[str, list[str]]:
        """Codes from the district down to each of these grids that there is after the change."""
        return _chains(self.after, self.codes)

    @cached_property
    def zone(self) -> shapely.Geometry:
        """Boxes that hold every place whose answer can be another: the areas, old and new, and what is near them."""
        bounds = [
            read("grids", columns=["geometry"], codes=self.codes).bounds.to_numpy()
            for read in (self.before, self.after)
        ]
        return shapely.union_all(shapely.box(*widened(np.concatenate(bounds), self.deployment.tolerance_m).T))

    def answers(
        self, lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64], *, earlier: bool = False
    ) -> pd.DataFrame:
        """Answer for places in the zone after the change, or before it, as :func:`layers.incidents.answers.of_points`."""
        return answers.of_points(self._areas_before if earlier else self._areas_after, lon, lat)

    def successors(self, code: str) -> list[str]:
        """Codes of the areas that take over a retired area's land, all but slivers, lowest first."""
        if code not in self._heirs:
            self._heirs[code] = self._find_successors(code)
        return self._heirs[code]

    def path_after(self, code: str) -> list[str]:
        """Codes from the district down to a grid after the change."""
        return _chains(self.after, [code])[code]

    @cached_property
    def _areas_before(self) -> Areas:
        return self._areas(self.before)

    @cached_property
    def _areas_after(self) -> Areas:
        return self._areas(self.after)

    def _areas(self, read: Read) -> Areas:
        """Areas of a state that can matter in the zone."""
        parts = shapely.bounds(shapely.get_parts(self.zone))
        wider = shapely.union_all(shapely.box(*widened(parts, self.deployment.tolerance_m).T))
        frame = read("grids", columns=["code", "geometry"], where=_in_zone(wider))
        paths = located.paths_in(read, codes=list(frame["code"]))
        index = AreaIndex(frame, metric=self.deployment.metric_crs, tolerance_m=self.deployment.tolerance_m)
        return Areas("grid", index, [paths[code] for code in frame["code"]])

    def _find_successors(self, code: str) -> list[str]:
        held = self.before("grids", columns=["geometry"], codes=[code])
        if held.empty:
            return []
        retired = held.geometry.iloc[0]
        frame = self.after("grids", columns=["code", "geometry"], where=_in_zone(retired))
        # A ratio of areas near each other is the same in degrees as in square metres.
        share = shapely.area(shapely.intersection(frame.geometry.to_numpy(), retired)) / retired.area
        return sorted(frame["code"][share >= LEAST_SHARE])


def by_hand(codes: Collection[str], what: Any) -> Any:  # noqa: ANN401 - a column or all of the incident
    """Select open incidents that a person gave to one of these areas."""
    return select(what).where(
        Incident.status != "closed", Incident.rule == "manual", Incident.area_code.in_(list(codes))
    )


def _chains(read: Read, codes: Collection[str] | None = None) -> dict[str, list[str]]:
    paths = located.paths_in(read, codes=codes)
    return {code: [area.code for area in path] for code, path in paths.items()}


def _in_zone(zone: shapely.Geometry) -> Any:  # noqa: ANN401 - a condition of layers.reading
    """Grids of the incidents' scheme that touch a zone."""
    blob = shapely.to_wkb(zone)

    def condition(grids: Any) -> ColumnElement[bool]:  # noqa: ANN401 - columns of any source
        near = func.ST_Intersects(grids.geom, func.ST_GeomFromWKB(blob, 4326))
        return and_(grids.scheme == located.SCHEME, near)

    return condition

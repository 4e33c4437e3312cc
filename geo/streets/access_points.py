"""Where compounds and facilities meet the streets.

At its entrances, where they are known; else along the border of its polygon; else at its point. A gated compound with
known gates is thus entered only there. Off the street the way is straight, from the access point to the nearest
street point.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import shapely

from geo.crs import to_metric
from geo.streets.network import Network
from geo.streets.snapping import Snapped

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Objects: TypeAlias = npt.NDArray[np.object_]

#: A border is taken as points at most this many metres apart, each standing for an equal stretch of it.
BORDER_SPACING_M = 10.0

#: Nobody is taken to cross more than this many metres of open ground to the nearest street.
SNAP_LIMIT_M = 200.0


@dataclass(frozen=True, slots=True, eq=False)
class AccessPoints:
    """Access points of features, ascending by feature.

    Parameters
    ----------
    features
        How many features there are.
    feature
        (points,) row number of the feature; features without any geometry have no point.
    weight
        (points,) part of its feature: 1/n of n entrances, the stretch of the border by its length, 1 for a
        point. Adds up to 1 over a feature.
    x, y
        (points,) place in metres of the network's CRS.
    snapped
        (points,) nearest street point.
    """

    features: int
    feature: Ints
    weight: Floats
    x: Floats
    y: Floats
    snapped: Snapped

    @property
    def reachable(self) -> npt.NDArray[np.bool_]:
        """(features,) whether at least one access point is joined to a street."""
        joined = np.zeros(self.features, dtype=bool)
        joined[self.feature[self.snapped.edge >= 0]] = True
        return joined

    def followed_by(self, other: "AccessPoints") -> "AccessPoints":
        """Put the access points of other features after these."""
        return AccessPoints(
            self.features + other.features,
            np.concatenate([self.feature, other.feature + self.features]),
            np.concatenate([self.weight, other.weight]),
            np.concatenate([self.x, other.x]),
            np.concatenate([self.y, other.y]),
            self.snapped.followed_by(other.snapped),
        )


def find(network: Network, outlines: Objects, entrances: Objects) -> AccessPoints:
    """Find the access points of features.

    Parameters
    ----------
    network
        Streets to be joined to.
    outlines
        (n,) Polygon, MultiPolygon or Point of each feature, EPSG:4326. Only the outer rings of a polygon are
        a border; nobody leaves a compound through a hole in it.
    entrances
        (n,) MultiPoint or None of each feature, EPSG:4326.
    """
    gated = ~(shapely.is_missing(entrances) | shapely.is_empty(entrances))
    places = to_metric(np.where(gated, entrances, outlines), network.metric)
    points, feature, weight = _at_points(places)
    border, border_feature, border_weight = _along_borders(places)
    x, y = np.concatenate([points, border]).T
    feature, weight = np.concatenate([feature, border_feature]), np.concatenate([weight, border_weight])
    order = np.argsort(feature, kind="stable")
    x, y = np.ascontiguousarray(x[order]), np.ascontiguousarray(y[order])
    snapped = network.snap(x, y, limit_m=SNAP_LIMIT_M)
    return AccessPoints(len(outlines), feature[order], weight[order], x, y, snapped)


def _at_points(places: Objects) -> tuple[Floats, Ints, Floats]:
    """Coordinates, feature and weight of the features that are points."""
    rows = np.flatnonzero(shapely.get_dimensions(places) == 0)
    xy, part = shapely.get_coordinates(places[rows], return_index=True)
    return xy, rows[part].astype(np.int64), 1.0 / np.bincount(part, minlength=len(rows))[part]


def _along_borders(places: Objects) -> tuple[Floats, Ints, Floats]:
    """Coordinates, feature and weight of points spread evenly over the outer rings of polygons."""
    rows = np.flatnonzero(shapely.get_dimensions(places) == 2)  # noqa: PLR2004 - an area
    polygons, part = shapely.get_parts(places[rows], return_index=True)
    rings = shapely.get_exterior_ring(polygons)
    length = shapely.length(rings)
    count = np.maximum(np.ceil(length / BORDER_SPACING_M), 1).astype(np.int64)
    ring = np.repeat(np.arange(len(rings)), count)
    number = np.arange(len(ring)) - np.repeat(np.cumsum(count) - count, count)
    # Each point stands in the middle of its stretch.
    points = shapely.line_interpolate_point(rings[ring], (number + 0.5) / count[ring], normalized=True)
    whole = np.bincount(part, weights=length, minlength=len(rows))
    weight = length[ring] / count[ring] / whole[part[ring]]
    return shapely.get_coordinates(points), rows[part[ring]].astype(np.int64), weight

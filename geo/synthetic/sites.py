"""Sites of facilities that need land of their own: whole blocks where nobody lives."""

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.synthetic.spots import Settlement, Spots, thinned
from geo.synthetic.terrain import Geometries, on_grid

#: From the middle of the street to a site's border.
_MARGIN_M = 11.0


class FreeLand:
    """Blocks without homes and off the water, until a facility takes them.

    Parameters
    ----------
    place
        The settlement.
    spots
        Spots along its streets; the nearest names a site's street.
    """

    def __init__(self, place: Settlement, spots: Spots) -> None:
        taken = place.homes.compounds[["block", "second"]].to_numpy().ravel()
        free = ~place.plan.water
        free[taken[taken >= 0]] = False
        faces = place.plan.faces[free]
        self._shape = shapely.buffer(faces, -_MARGIN_M, join_style="mitre", mitre_limit=2.0)
        self._hectares = shapely.area(self._shape) / 1e4
        self._hectares[shapely.get_type_id(self._shape) != shapely.GeometryType.POLYGON] = 0.0
        self._xy = shapely.get_coordinates(shapely.point_on_surface(faces))
        self._crowd = place.crowd(self._xy)
        self._spots, self._near = spots, shapely.STRtree(shapely.points(spots.xy))
        streets = place.streets
        ground = streets["walkable"] & (streets["level"] == 0) & (streets["left"] >= 0)
        self._streets = streets.loc[ground, "geometry"].to_numpy()

    def take(self, count: int, hectares: tuple[float, float], rng: np.random.Generator) -> pd.DataFrame:
        """Take sites of a size between two bounds, near people and apart from each other.

        Returns
        -------
        pandas.DataFrame
            `geometry` (a point inside), `beside` (street), `site`, `entrances`; fewer than `count` rows when
            there are not so many blocks of that size.
        """
        order = np.argsort(rng.exponential(1.0, len(self._xy)) / self._crowd, kind="stable")
        size = self._hectares[order]
        order = order[(size >= hectares[0]) & (size <= hectares[1])]
        for spacing in (1400.0, 900.0, 600.0, 400.0, 0.0):
            chosen = order[thinned(self._xy[order], count, spacing)]
            if len(chosen) == count:
                break
        self._hectares[chosen] = 0.0
        sites = on_grid(shapely.simplify(self._shape[chosen], 0.6))
        return pd.DataFrame(
            {
                "geometry": shapely.point_on_surface(sites),
                "beside": self._spots.beside[self._near.nearest(shapely.centroid(sites))],
                "site": sites,
                "entrances": self._entrances(sites, rng),
            }
        )

    def _entrances(self, sites: Geometries, rng: np.random.Generator) -> Geometries:
        """One to three gates of a site, each where its border comes near a street."""
        count: NDArray[np.intp] = rng.integers(1, 4, len(sites))
        rings = shapely.get_exterior_ring(sites)[np.repeat(np.arange(len(sites)), count)]
        somewhere = shapely.line_interpolate_point(rings, rng.random(len(rings)), normalized=True)
        street = self._streets[shapely.STRtree(self._streets).nearest(somewhere)]
        at = shapely.line_locate_point(rings, shapely.get_point(street, 0))
        gates = on_grid(shapely.line_interpolate_point(rings, at))
        return np.asarray(shapely.multipoints(gates, indices=np.repeat(np.arange(len(sites)), count)))

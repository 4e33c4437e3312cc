"""The ground the demo city stands on: its outline, a river, a hill, and where people crowd.

The city is drawn twice. First flat: in the *unbent* plane the river runs along the x axis and streets are
nearly straight, so that blocks are easily cut. Then :meth:`Terrain.bend` carries every vertex into the local
metric plane (metres east and north of the city's centre), where the river meanders and streets curve. The map
is one-to-one on the outline, so what was noded stays noded.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Geometries = NDArray[np.object_]

#: Coordinates in the plane are whole multiples of this (metres): a power of two, so rounding is exact.
GRID_M = 1 / 16

#: Semi-axes of the outline, metres.
_HALF_LENGTH_M, _HALF_WIDTH_M = 6100.0, 4000.0

#: Centres of town: x, y, radius, peak of the density of people. The first is the old town.
_CENTRES = np.array(
    [
        (-900.0, 950.0, 1300.0, 1.0),
        (700.0, -1350.0, 1900.0, 0.82),
        (3300.0, 900.0, 1300.0, 0.62),
        (-3500.0, -900.0, 1400.0, 0.55),
        (-3300.0, 1500.0, 1100.0, 0.45),
        (3500.0, -1700.0, 1200.0, 0.45),
    ]
)

#: Neighbourhoods laid out at an angle of their own: x, y, radius, angle in radians.
_TWISTS = np.array(
    [
        (-900.0, 1000.0, 900.0, 0.26),
        (2300.0, -1900.0, 1300.0, -0.30),
        (3700.0, 1700.0, 1100.0, 0.33),
        (-3600.0, -1700.0, 1200.0, 0.24),
        (-3300.0, 2000.0, 1000.0, -0.28),
    ]
)

HILL = (1450.0, 2150.0)
HILL_RADIUS_M = 950.0


@dataclass(frozen=True)
class Terrain:
    """One seed's ground; lengths in metres.

    Parameters
    ----------
    phases
        Twelve phases in radians, what differs between seeds.
    outline
        The district in the unbent plane.
    hill
        Foot of the hill in the unbent plane.
    """

    phases: Floats
    outline: shapely.Polygon
    hill: shapely.Polygon

    def bank(self, x: Floats) -> Floats:
        """Half the river's width at `x` of the unbent plane."""
        p = self.phases
        width: Floats = 100.0 + 28.0 * np.sin(x / 900.0 + p[0]) + 14.0 * np.sin(x / 370.0 + p[1])
        return width

    def density(self, xy: Floats) -> Floats:
        """How closely people live at points of the unbent plane, 0 to 1."""
        dx = xy[:, None, 0] - _CENTRES[:, 0]
        dy = xy[:, None, 1] - _CENTRES[:, 1]
        bumps: Floats = _CENTRES[:, 3] * np.exp(-(dx**2 + dy**2) / (2 * _CENTRES[:, 2] ** 2))
        ribbon = 0.25 * np.exp(-((xy[:, 1] / 1300.0) ** 2) - (xy[:, 0] / 4300.0) ** 4)
        return np.asarray(np.clip(bumps.max(axis=1) + ribbon, 0.0, 1.0))

    def old_town(self, xy: Floats) -> Floats:
        """How old the fabric is at points of the unbent plane: 1 in the old town, 0 far from it."""
        distance = np.hypot(xy[:, 0] - _CENTRES[0, 0], xy[:, 1] - _CENTRES[0, 1])
        return np.asarray(np.exp(-((distance / 900.0) ** 2)))

    def bend(self, xy: Floats) -> Floats:
        """Carry points of the unbent plane into the local metric plane, rounded to :data:`GRID_M`."""
        out = _twist(xy)
        x, y = out[:, 0], out[:, 1]
        p = self.phases
        near = np.exp(-((y / 3200.0) ** 2))
        meander = 520.0 * np.sin(x / 1500.0 + p[2]) + 110.0 * np.sin(x / 600.0 + p[3])
        slope = 520.0 / 1500.0 * np.cos(x / 1500.0 + p[2])
        bent = np.column_stack([x - 0.6 * slope * y * np.exp(-((y / 1300.0) ** 2)), y + meander * near])
        bent += self._wobble(bent)
        return np.asarray(np.rint(bent / GRID_M) * GRID_M)

    def _wobble(self, xy: Floats) -> Floats:
        x, y = xy[:, 0], xy[:, 1]
        p = self.phases
        waves: Floats = np.column_stack(
            [
                16.0 * np.sin(y / 210.0 + p[4]) + 5.0 * np.sin((x + y) / 75.0 + p[5]),
                16.0 * np.sin(x / 240.0 + p[6]) + 5.0 * np.sin((x - y) / 82.0 + p[7]),
            ]
        )
        return waves


def terrain(rng: np.random.Generator) -> Terrain:
    """Draw the ground of one seed."""
    phases = rng.uniform(0.0, 2 * np.pi, 12)
    phases[2] = rng.uniform(-0.6, 0.6)
    angle = np.linspace(0.0, 2 * np.pi, 400, endpoint=False)
    sizes, turns = (0.05, 0.045, 0.035, 0.022, 0.014, 0.008), (2, 3, 5, 9, 17, 31)
    edge = 1 + sum(
        size * np.sin(turn * angle + phase)
        for size, turn, phase in zip(sizes, turns, rng.uniform(0.0, 2 * np.pi, 6), strict=True)
    )
    # A superellipse: a district is rarely round.
    radius = edge / (np.abs(np.cos(angle)) ** 2.6 + np.abs(np.sin(angle)) ** 2.6) ** (1 / 2.6)
    outline = np.column_stack(
        [_HALF_LENGTH_M * radius * np.cos(angle), _HALF_WIDTH_M * radius * np.sin(angle)]
    )
    foot = HILL_RADIUS_M * (1 + 0.14 * np.sin(2 * angle + phases[8]) + 0.07 * np.sin(5 * angle + phases[9]))
    hill = np.column_stack([HILL[0] + 1.15 * foot * np.cos(angle), HILL[1] + 0.85 * foot * np.sin(angle)])
    return Terrain(phases, shapely.Polygon(outline), shapely.Polygon(hill[::5]))


def on_grid(geometries: Geometries) -> Geometries:
    """Round vertices to :data:`GRID_M`."""
    return np.asarray(shapely.transform(geometries, lambda xy: np.rint(xy / GRID_M) * GRID_M))


def _twist(xy: Floats) -> Floats:
    for x, y, radius, angle in _TWISTS:
        dx, dy = xy[:, 0] - x, xy[:, 1] - y
        turn = angle * np.exp(-((dx**2 + dy**2) / radius**2))
        cos, sin = np.cos(turn), np.sin(turn)
        xy = np.column_stack([x + cos * dx - sin * dy, y + sin * dx + cos * dy])
    return xy

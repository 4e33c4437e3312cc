"""Tiles of the world in Web Mercator (EPSG:3857), as the tile matrix set *WebMercatorQuad* numbers them.

At zoom 0 one square tile is the world between 85.06° south and north; each zoom level halves its sides. Rows are
counted from the north, columns from 180° west (OGC 17-083r4, annex D.1).
"""

import math
from dataclasses import dataclass

#: Highest zoom level of the set; a pixel is below a centimetre there.
MOST_ZOOM = 24
#: Half the width of the world, metres of the projection.
HALF_WORLD_M = math.pi * 6378137.0

_HALF_TURN = 180.0


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile by its place in the set."""

    zoom: int
    row: int
    column: int

    @property
    def exists(self) -> bool:
        """Whether the set has it."""
        return 0 <= self.zoom <= MOST_ZOOM and all(0 <= at < 2**self.zoom for at in (self.row, self.column))

    @property
    def width_m(self) -> float:
        """Length of its sides, metres of the projection."""
        return 2 * HALF_WORLD_M / (1 << self.zoom)

    def box(self, *, margin: float = 0.0) -> tuple[float, float, float, float]:
        """Return west, south, east, north in degrees, with a margin in parts of its sides; within the world."""
        most = 2**self.zoom
        west, east = (max(self.column - margin, 0), min(self.column + 1 + margin, most))
        north, south = (max(self.row - margin, 0), min(self.row + 1 + margin, most))
        return (
            _longitude(west / most),
            _latitude(south / most),
            _longitude(east / most),
            _latitude(north / most),
        )


def containing(lon: float, lat: float, zoom: int) -> Tile:
    """Return the tile that holds a point of EPSG:4326; the nearest one for points beyond the projection."""
    most = 2**zoom
    across = (lon + _HALF_TURN) / (2 * _HALF_TURN)
    # The inverse hyperbolic tangent of the sine is the Mercator ordinate; at the poles it would be infinite.
    sine = max(min(math.sin(math.radians(lat)), 1 - 1e-12), -1 + 1e-12)
    down = 0.5 - math.atanh(sine) / (2 * math.pi)
    row, column = (min(max(int(part * most), 0), most - 1) for part in (down, across))
    return Tile(zoom, row, column)


def _longitude(across: float) -> float:
    return across * 2 * _HALF_TURN - _HALF_TURN


def _latitude(down: float) -> float:
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * down))))

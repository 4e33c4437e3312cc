"""Several layers asked at once answer as each of them alone."""

import geopandas as gpd
import numpy as np
import pytest
from shapely import box

from geo.assign import AreaIndex
from geo.assign.stacked import Stacked


def index(tolerance_m=0.0, **shapes):
    """An index of rectangles in hundredths of a degree."""
    geometry = [
        box(114 + 0.01 * west, 30 + 0.01 * south, 114 + 0.01 * east, 30 + 0.01 * north)
        for west, south, east, north in shapes.values()
    ]
    frame = gpd.GeoDataFrame({"code": list(shapes)}, geometry=geometry, crs="EPSG:4326")
    return AreaIndex(frame, metric="EPSG:4547", tolerance_m=tolerance_m)


def test_each_layer_answers_as_it_does_alone():
    areas = index(50.0, a=(0, 0, 2, 2), b=(2, 0, 4, 2), c=(1, 1, 3, 3))
    others = [index(x=(0, 0, 1, 1)), index(), index(y=(1, 0, 3, 2), z=(0.5, 0.5, 3, 3))]
    stacked = Stacked(areas, others)
    random = np.random.default_rng(5)
    on_paper = [*random.uniform(-0.5, 4.5, (300, 2)), (1, 1), (2, 0), (2, 1), (0, 0), (4, 2.0001)]
    for x, y in on_paper:
        lon, lat = 114 + 0.01 * float(x), 30 + 0.01 * float(y)
        alone = areas.one(lon, lat)
        rows = [other.one(lon, lat, margin=False).area for other in others]
        assert repr(stacked.ask(lon, lat)) == repr((*alone[:5], *rows))


def test_another_number_of_layers_is_refused():
    with pytest.raises(ValueError, match="3 other layers"):
        Stacked(index(), [index()])

"""Maps on paper."""

import io

import pandas as pd
import pytest
from PIL import Image

from api.maps import sheets
from api.maps.chosen import Chosen
from api.maps.sources import FacilityType
from api.web.templating import Site
from tests import walking_city
from tests.api.test_maps_data import METRIC, areas_by_level, walked

__all__ = ["walked"]

SITE = Site(city="纸城 $x$", invented=True, revision=4, review_number="审(2026)1号", attribution="© OSM")


def size_of(png):
    with Image.open(io.BytesIO(png)) as image:
        return image.size


@pytest.mark.parametrize("language", ["zh", "en"])
def test_grids_fill_an_a4_sheet(language):
    site = Site(city="纸城", invented=False, language=language, revision=4)
    assert size_of(sheets.grids(site, METRIC, areas_by_level(), walking_city.streets())) == (2338, 1654)


def test_coverage_is_printed_for_one_budget(walked):
    market = FacilityType("fresh_market", "菜市场", "market", 2)
    chosen = Chosen(facility_type="fresh_market", minutes=10, level="grid")
    assert size_of(sheets.coverage(SITE, walked, walking_city.streets(), chosen, market)) == (2338, 1654)


def test_incidents_are_printed_and_those_without_a_place_left_out():
    points = pd.DataFrame(
        {
            "rule": ["inside", "none"],
            "lon": [114.251, None],
            "lat": [30.501, None],
            "reported_at": pd.to_datetime(["2026-01-01", "2026-02-01"], utc=True),
        }
    )
    assert size_of(sheets.incidents(SITE, METRIC, areas_by_level(), walking_city.streets(), points)) == (
        2338,
        1654,
    )


def test_an_empty_city_is_an_empty_sheet():
    areas = {level: frame.iloc[:0] for level, frame in areas_by_level().items()}
    assert size_of(sheets.grids(SITE, METRIC, areas, walking_city.streets().iloc[:0])) == (2338, 1654)

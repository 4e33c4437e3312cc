"""The demo city, made once for all tests of this package."""

import pytest

from geo.synthetic import City, city


@pytest.fixture(scope="session")
def demo_city() -> City:
    return city(1)

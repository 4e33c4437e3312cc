"""Fixtures for every test: where the real data is."""

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data; a test that needs it is skipped only where the folder is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real data not present: no folder {SHARED_DATA.name} beside the checkout")
    return SHARED_DATA

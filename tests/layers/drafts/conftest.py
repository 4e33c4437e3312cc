"""A city on paper with a draft of it."""

import pytest

from layers.drafts import keeping
from tests import paper_city as city


@pytest.fixture
def built(session):
    """Revision 1: the whole city."""
    city.build(session)
    return session


@pytest.fixture
def draft(built):
    """An open draft of revision 1."""
    return keeping.create(built, title="北门", note="", author="zhang", now=city.NOW)

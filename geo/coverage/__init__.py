"""Which share of people, homes or land has each kind of facility within a walk.

:mod:`geo.coverage.table` answers a question about a :class:`geo.coverage.city.City`.
"""

from geo.coverage.table import (
    TABLE_LEVELS,
    WEIGHTS,
    Answer,
    Query,
    answer,
    check,
    type_faults,
    with_areas,
)

__all__ = ["TABLE_LEVELS", "WEIGHTS", "Answer", "Query", "answer", "check", "type_faults", "with_areas"]

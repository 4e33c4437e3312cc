"""Gaps that were worked out, with what they come from: the same for requests and for the command line."""

import datetime as dt
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

from geo.coverage import Query, gaps
from geo.coverage.city import City
from geo.coverage.gaps import Gaps
from layers import coverage_results
from layers.deployment import Deployment
from layers.results import Basis


@dataclass(frozen=True, slots=True)
class FoundGaps:
    """Gaps, what they come from, when and in what time they were worked out; ``kept``: not just now."""

    gaps: Gaps
    basis: Basis
    computed_at: dt.datetime
    seconds: float
    kept: bool = False


def work_out(
    city: City,
    query: Query,
    *,
    least_m2: float,
    versions: Mapping[str, int],
    decided: Deployment,
    clock: Callable[[], dt.datetime],
) -> FoundGaps:
    """Find the gaps of a city.

    Parameters
    ----------
    versions
        Of every layer at the revision of the city.

    Raises
    ------
    DataError
        As :func:`geo.coverage.gaps.find`.
    """
    begun = time.perf_counter()
    found = gaps.find(city, query, least_m2=least_m2)
    basis = coverage_results.basis(versions, decided, query)
    basis = replace(basis, kind="gaps", question={**asdict(query), "least_m2": least_m2})
    return FoundGaps(found, basis, clock(), time.perf_counter() - begun)

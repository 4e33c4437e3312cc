"""Make what the first answers need before anybody asks for it."""

from api import kernels
from api.cities import city_at, facilities_at
from api.dependencies import Runtime
from api.places import locator_at, schemes_at
from geo.coverage import Query
from geo.faults import DataError
from geo.levels import LEVELS
from layers.progress import Progress, silent


def warm(runtime: Runtime, progress: Progress = silent) -> None:
    """Load the models of the current revision: areas of each level, the street network, the usual coverage.

    A city without streets or facilities has no coverage to make; that is no fault here.

    Raises
    ------
    layers.errors.DatabaseUnavailable
        If the database does not answer.
    """
    progress("compiling 编译算法", 0, 1)
    kernels.load()
    progress("compiling 编译算法", 1, 1)
    snapshot = runtime.snapshots.current()
    if snapshot.revision == 0:
        return
    for done, level in enumerate(LEVELS):
        progress("indexing areas 建立网格索引", done, len(LEVELS))
        locator_at(snapshot, level)
    for scheme in schemes_at(snapshot):
        locator_at(snapshot, "grid", scheme)
    progress("indexing areas 建立网格索引", len(LEVELS), len(LEVELS))
    try:
        progress("street network and coverage 道路网络与覆盖", 0, 1)
        facilities_at(snapshot)
        city = city_at(snapshot)
        runtime.results.to(snapshot, Query())
        # What further questions start from, also where that answer is kept; and what circles are drawn with.
        _ = city.street_costs, city.cells
    except DataError as error:
        progress(f"no coverage yet: {error.faults[0].message}", 1, 1)
    else:
        progress("street network and coverage 道路网络与覆盖", 1, 1)

"""Walks along streets and the whole city's coverage, ours beside the peers, in one process.

Usage: python -m bench.coverage [--data ../shared/data] [--seed 1] [--facilities 2000] [--peers 100]

Every line first asserts that the engines give equal answers. Engines are run in turn, three times each; the
median counts. Peers that are not installed (bench/requirements.txt) are left out, and said so. Times depend on
the machine, ratios hardly.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import pandas as pd

from bench import big_city, walks
from bench.timing import REPEATS, timed
from geo import coverage, hierarchy, synthetic
from geo.coverage import Query, city
from geo.crs import choose_metric
from geo.levels import LAYER_OF
from geo.streets import network, reach
from layers.catalogue import facility_types

#: An adult's 15 minutes.
BUDGET_M = 1125.0


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--facilities", type=int, default=2000)
    parser.add_argument("--peers", type=int, default=100)
    options = parser.parse_args()
    print(f"compile the kernels, cold     {_compile(cold=True):8.2f} s")
    print(f"load them from the cache      {_compile(cold=False):8.2f} s")
    reach.compile_kernels()
    walks.compare_all(options.data, (options.facilities, options.peers), BUDGET_M)
    whole_city(options.seed)
    big_city.run()


def _compile(*, cold: bool) -> float:
    """Seconds that a new process takes to have the kernels ready."""
    with tempfile.TemporaryDirectory() as folder:
        cache = {"NUMBA_CACHE_DIR": folder} if cold else {}
        code = "import time; from geo.streets import reach; t = time.time(); reach.compile_kernels(); print(time.time() - t)"
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            text=True,
            env={**os.environ, **cache},
        )
    return float(done.stdout)


def whole_city(seed: int) -> None:
    """Every compound, facility type and budget of the demo city, after the network is loaded."""
    town = synthetic.city(seed)
    lon, lat = town.districts.get_coordinates().to_numpy().T
    metric = choose_metric(lon, lat)
    net, loaded = timed(lambda: network.build(town.streets, metric=metric))
    links = hierarchy.compound_shares(town.compounds, town.grids, metric=metric)
    links = links.rename(columns={"grid_code": "area_code"})
    areas = {level: getattr(town, layer) for level, layer in LAYER_OF.items()}
    types = facility_types()

    def table() -> tuple[city.City, pd.DataFrame]:
        model = city.build(net, town.facilities, town.compounds, areas=areas, links=links, types=types)
        return model, coverage.answer(model, Query(minutes=(5, 10, 15), level="compound")).table

    (model, cold_table), cold = timed(table)
    again = [timed(table) for _ in range(REPEATS)]
    assert all(cold_table.equals(result) for (_, result), _ in again)
    kept = timed(lambda: coverage.answer(model, Query(minutes=(5, 10, 15), level="grid")))[1]
    cells = timed(lambda: model.cells)[1]
    print(
        f"\nDemo city: {len(net.start):,} edges, {len(town.facilities):,} facilities of {len(types)} types, "
        f"{len(town.compounds)} compounds, 3 budgets"
    )
    print(f"  network from the frame      {loaded:8.2f} s")
    print(f"  whole table, first time     {cold:8.2f} s   (limit 2)")
    print(f"  whole table, again          {median(seconds for _, seconds in again):8.2f} s")
    print(f"  by grid, distances kept     {kept:8.2f} s")
    print(f"  cells to draw with, once    {cells:8.2f} s")


if __name__ == "__main__":
    main()

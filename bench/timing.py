"""Time engines in turn, so that what else the machine does slows all of them."""

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

REPEATS = 3


def timed(run: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a call returns, and its seconds."""
    begin = time.perf_counter()
    result = run()
    return result, time.perf_counter() - begin


def in_turn(engines: Mapping[str, Callable[[], Any]]) -> tuple[dict[str, Any], dict[str, float]]:
    """Run every engine :data:`REPEATS` times in turn; return the last answers and the median seconds."""
    taken: dict[str, list[float]] = {name: [] for name in engines}
    answers = {}
    for _ in range(REPEATS):
        for name, run in engines.items():
            answers[name], seconds = timed(run)
            taken[name].append(seconds)
    return answers, {name: median(seconds) for name, seconds in taken.items()}

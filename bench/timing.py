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
    answers, taken, _ = worked_in_turn(engines)
    return answers, taken


def worked_in_turn(
    engines: Mapping[str, Callable[[], Any]],
) -> tuple[dict[str, Any], dict[str, float], dict[str, float]]:
    """Do as :func:`in_turn`, and return also the median seconds of processor time.

    They are those of all threads, and hardly more where other programs run.
    """
    taken: dict[str, list[float]] = {name: [] for name in engines}
    worked: dict[str, list[float]] = {name: [] for name in engines}
    answers = {}
    for _ in range(REPEATS):
        for name, run in engines.items():
            begin = time.process_time()
            answers[name], seconds = timed(run)
            worked[name].append(time.process_time() - begin)
            taken[name].append(seconds)
    return answers, _medians(taken), _medians(worked)


def _medians(seconds: dict[str, list[float]]) -> dict[str, float]:
    return {name: median(each) for name, each in seconds.items()}

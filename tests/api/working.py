"""Workers for tests: the one that ships, in threads and in processes that may be killed."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from api import coverage_results
from api.settings import Settings
from api.worker import Worker
from geo import coverage
from layers import jobs

#: Longest wait for a worker, seconds; it is far quicker, unless the machine is busy.
PATIENCE_S = 120

#: So that a test need not wait long for a dead worker's job.
_LEASE_S = 3.0


@contextmanager
def worker(settings: Settings) -> Iterator[Worker]:
    """Run a worker in a thread."""
    stop = threading.Event()
    made = Worker(settings, stop)
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        yield made
    finally:
        stop.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


@contextmanager
def workers(url: str, count: int, record: Path, *, step_s: float) -> Iterator[list[multiprocessing.Process]]:
    """Run workers in processes, each table taking ten steps, noted in a file when they begin."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    started = [
        context.Process(target=_work, args=(url, str(record), step_s), daemon=True) for _ in range(count)
    ]
    for process in started:
        process.start()
    try:
        yield started
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.join(PATIENCE_S)


def _work(url: str, record: str, step_s: float) -> None:
    jobs.LEASE_S = _LEASE_S
    answer = coverage.answer

    def slow(city: object, query: coverage.Query, *, told: Callable[[int, int], None]) -> coverage.Answer:
        with Path(record).open("a") as lines:
            lines.write(f"{os.getpid()} {query.minutes[0]}\n")
        for step in range(10):
            told(step, 10)
            time.sleep(step_s)
        return answer(city, query)

    coverage_results.coverage.answer = slow
    # As `wangge worker` does, but for the line that says what it waits for.
    from api.cli.worker import _work as work  # noqa: PLC0415 - its signals are for a process of its own

    work(Settings(database_url=url), threading.Event())


def until(true: Callable[[], object]) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.05)

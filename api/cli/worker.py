"""`wangge worker`: works through the queue of jobs."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from api import kernels, logs
from api.cli.connection import Embedded, connected, named_settings
from api.cli.console import console
from api.settings import Settings
from api.worker import Worker

#: Seconds that a worker has to give its job back before it is killed, which loses nothing but time.
_GRACE_S = 10.0
#: Seconds before a worker that died is started again.
_AGAIN_S = 2.0


def worker(embedded: Embedded = False) -> None:
    """Work out what is asked for in the background, until Ctrl-C; `wangge serve` starts one of these by itself.

    Any number may run, on any machine that reaches the database; no job is done twice. A worker that is killed
    loses nothing: another takes its job.

    Example: WANGGE_DATABASE_URL=postgresql://wangge:secret@db/wangge wangge worker
    """
    with named_settings(embedded=embedded) as settings:
        with connected(settings):
            console.print("database ready, waiting for jobs (Ctrl-C ends)", markup=False)
        kernels.load()
        _work(settings, threading.Event())


@contextmanager
def kept_running(settings: Settings) -> Iterator[None]:
    """Keep one worker running in a process of its own, started again where it dies."""
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(settings, over), name="worker keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


def _keep(settings: Settings, over: threading.Event) -> None:
    context = multiprocessing.get_context("spawn")
    while not over.is_set():
        process = context.Process(target=_beside, args=(settings,), name="wangge worker")
        process.start()
        while process.is_alive() and not over.wait(0.2):
            pass
        if process.is_alive():
            process.terminate()
            process.join(_GRACE_S)
            process.kill()
        process.join()
        over.wait(_AGAIN_S)


def _beside(settings: Settings) -> None:
    """Work in a process beside a server, and end when that is gone."""
    logs.configure()
    stop = threading.Event()
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent and not stop.wait(1.0):
            pass
        stop.set()

    threading.Thread(target=watch, name="server watch", daemon=True).start()
    _work(settings, stop)


def _work(settings: Settings, stop: threading.Event) -> None:
    def end(number: int, _frame: object) -> None:
        # Asked once it ends at the next step of its job, asked again at once.
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    Worker(settings, stop).run()

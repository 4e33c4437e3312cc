"""What numba compiles, all of it: once for every process of this installation, never in a request."""

import fcntl
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from multiprocessing.process import BaseProcess
from pathlib import Path

import geo
from geo import assign
from geo.assign import stacked
from geo.coverage import allocation
from geo.streets import reach
from layers import files
from layers.files import scan

#: Packages with kernels; those of one file call into others of its package and of the packages in it.
_PACKAGES = tuple(Path(package.__path__[0]) for package in (geo, files))
#: Modules with kernels by subject: what one compiles, no other subject needs.
_SUBJECTS = ((assign, stacked), (reach, allocation, scan))


def load() -> None:
    """Have every kernel at hand in this process."""
    compile_all()
    for subject in range(len(_SUBJECTS)):
        _compile(subject)


def compile_all() -> None:
    """Compile every kernel into the cache, unless those there are of the sources as they are.

    Two things of numba's cache are mended here. It knows that a kernel is stale by its own file alone: one that calls
    into a file that has changed would go on with the old code, and answer wrongly. And two processes that compile one
    function at a time can leave the code of one under the signature of the other, which is an error for ever after. So
    one process compiles, the others wait for it.
    """
    if are_compiled():
        return
    stamp = _stamp()
    with _alone(stamp.with_suffix(".lock")):
        if are_compiled():
            return
        for folder in _PACKAGES:
            for index in folder.rglob("*.nbi"):
                index.unlink(missing_ok=True)
        spawn = multiprocessing.get_context("spawn")
        beside: list[BaseProcess] = [
            spawn.Process(target=_compile, args=(subject,)) for subject in range(1, len(_SUBJECTS))
        ]
        for process in beside:
            process.start()
        _compile(0)
        for subject, process in enumerate(beside, start=1):
            process.join()
            if process.exitcode:
                # Compiled here, it succeeds, or says what is wrong.
                _compile(subject)
        try:
            stamp.write_text(_digest())
        except OSError:
            # A folder that cannot be written to holds no kernels either: numba keeps them elsewhere then.
            return


def are_compiled() -> bool:
    """Whether the cache holds every kernel of the sources as they are."""
    stamp = _stamp()
    return stamp.exists() and stamp.read_text() == _digest()


def _stamp() -> Path:
    return _PACKAGES[0] / "__pycache__" / "kernels.sha256"


def _digest() -> str:
    sources = sorted(source for folder in _PACKAGES for source in folder.rglob("*.py"))
    return sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Keep other processes out, where there is a folder to lock."""
    try:
        lock.parent.mkdir(exist_ok=True)
        held = lock.open("w")
    except OSError:
        yield
        return
    with held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _compile(subject: int) -> None:
    for module in _SUBJECTS[subject]:
        module.compile_kernels()

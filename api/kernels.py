"""What numba compiles, all of it: at set-up into a cache, never in a request."""

import multiprocessing
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
_STAMP = "kernels.sha256"


def compile_all() -> None:
    """Compile every kernel, or find it in the cache; with none there, a process for each subject does it."""
    drop_stale()
    if not any(True for folder in _PACKAGES for _ in folder.rglob("*.nbi")):
        spawn = multiprocessing.get_context("spawn")
        beside: list[BaseProcess] = [
            spawn.Process(target=_compile, args=(subject,)) for subject in range(1, len(_SUBJECTS))
        ]
        for process in beside:
            process.start()
        _compile(0)
        for process in beside:
            process.join()
    for subject in range(len(_SUBJECTS)):
        _compile(subject)


def _compile(subject: int) -> None:
    for module in _SUBJECTS[subject]:
        module.compile_kernels()


def drop_stale() -> None:
    """Drop compiled kernels that were made of other sources, before any of them is called.

    numba knows that a kernel is stale by its own file alone: one that calls into a file that has changed would go on
    with the old code, and answer wrongly.
    """
    for folder in _PACKAGES:
        digest = sha256(b"".join(source.read_bytes() for source in sorted(folder.rglob("*.py")))).hexdigest()
        stamp = folder / "__pycache__" / _STAMP
        if stamp.exists() and stamp.read_text() == digest:
            continue
        for index in folder.rglob("*.nbi"):
            index.unlink(missing_ok=True)
        try:
            stamp.parent.mkdir(exist_ok=True)
            stamp.write_text(digest)
        except OSError:
            # A folder that cannot be written to holds no kernels either: numba keeps them elsewhere then.
            continue

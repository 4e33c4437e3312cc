"""How long work tells how far it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Called with the step's name, how much is done and how much there is (0: not known).
Progress = Callable[[str, int, int], None]


def silent(step: str, done: int, total: int) -> None:
    """Tell nobody."""


@contextmanager
def during(progress: Progress, step: str, total: int = 1) -> Iterator[None]:
    """Tell that a step begins, and that it is done when the block ends without an error."""
    progress(step, 0, total)
    yield
    progress(step, total, total)

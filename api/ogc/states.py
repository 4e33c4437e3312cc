"""Which state of its layers a tree shows: of a published one that of a revision, of a draft's that of a step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from layers.features.collections import Collection
from layers.features.pages import Selection


@dataclass(frozen=True, slots=True)
class Held:
    """A collection at one state.

    Parameters
    ----------
    selection
        Its features.
    pinned
        Parameters by which a later request states the same state, so that pages hold together.
    version
        Another one whenever the features may be others.
    revision
        The revision that it is, or stands on.
    named
        What a message calls it: ``at revision 7``.
    """

    selection: Selection
    pinned: Mapping[str, str]
    version: str
    revision: int
    named: str


@dataclass(frozen=True, slots=True)
class States:
    """The states of a tree: ``names`` are the parameters that state one, ``read`` finds it.

    ``read`` raises DataError for what cannot be read.
    """

    names: tuple[str, ...]
    read: Callable[[Mapping[str, str], Collection], Held]

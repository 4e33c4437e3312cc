"""A state of the layers that can be read, be it of a revision or of a draft: what works on either takes its reader."""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, Protocol

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from layers import store

#: Returns a condition on the columns of a layer's source; it narrows, it does not decide.
Condition = Callable[[Any], ColumnElement[bool]]


class Read(Protocol):
    """Reads a layer of one state as :func:`layers.store.read` does, the condition given as a function of the columns."""

    def __call__(
        self,
        layer: str,
        *,
        columns: Sequence[str] | None = None,
        codes: Collection[str] | None = None,
        where: Condition | None = None,
    ) -> Any:  # noqa: ANN401 - as of store.read
        """Return a layer frame, ordered by id."""


def of_revision(session: Session, revision: int) -> Read:
    """Return what reads the layers as they stood at a revision."""
    return partial(_at_revision, session, revision)


def _at_revision(
    session: Session,
    revision: int,
    layer: str,
    *,
    columns: Sequence[str] | None = None,
    codes: Collection[str] | None = None,
    where: Condition | None = None,
) -> Any:  # noqa: ANN401 - as of store.read
    condition = None if where is None else where(store.table(layer).c)
    return store.read(session, layer, revision, columns=columns, codes=codes, where=condition)

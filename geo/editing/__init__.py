"""Edits of areas that keep the partition on all four levels: move, redraw, split, merge, transfer, fill, trim, snap.

:func:`apply` carries out one edit on frames of the levels and returns what changed, :func:`invert` its undoing;
:func:`needs` finds the few areas that it takes.
:mod:`geo.editing.edits` are the edits, :mod:`geo.editing.edges` the algebra of borders, :mod:`geo.editing.following`
what follows on the levels above and below.
"""

from geo.editing.edits import (
    Edit,
    FillGap,
    InsertNode,
    Merge,
    MoveVertices,
    Redraw,
    Snap,
    Split,
    Transfer,
    TrimOverlap,
)
from geo.editing.needs import Needs, Read, needs
from geo.editing.step import Edited, apply, changed, invert, parse

__all__ = [
    "Edit",
    "Edited",
    "FillGap",
    "InsertNode",
    "Merge",
    "MoveVertices",
    "Needs",
    "Read",
    "Redraw",
    "Snap",
    "Split",
    "Transfer",
    "TrimOverlap",
    "apply",
    "changed",
    "invert",
    "needs",
    "parse",
]

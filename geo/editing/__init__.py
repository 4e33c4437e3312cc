"""Edits of areas that keep the partition on all four levels: move, redraw, split, merge, transfer, fill, trim, snap.

:func:`apply` carries out one edit on frames of the levels and returns what changed, :func:`invert` its undoing.
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
from geo.editing.step import Edited, apply, changed, invert, parse

__all__ = [
    "Edit",
    "Edited",
    "FillGap",
    "InsertNode",
    "Merge",
    "MoveVertices",
    "Redraw",
    "Snap",
    "Split",
    "Transfer",
    "TrimOverlap",
    "apply",
    "changed",
    "invert",
    "parse",
]

"""Which area a point belongs to, and by which rule: the only place where that is decided.

:mod:`geo.assign.index` states the rules. Behind it, :mod:`geo.assign.indexing` makes and patches an index,
:mod:`geo.assign.lookup` is the rules as compiled kernels; one point in several layers: :mod:`geo.assign.stacked`.
"""

from geo.assign.index import (
    BORDER,
    INSIDE,
    NEAREST,
    NONE,
    OVERLAP,
    RULES,
    TIE_M,
    TOLERANCE_M,
    AreaIndex,
    Assigned,
    One,
    compile_kernels,
    window,
)

__all__ = [
    "BORDER",
    "INSIDE",
    "NEAREST",
    "NONE",
    "OVERLAP",
    "RULES",
    "TIE_M",
    "TOLERANCE_M",
    "AreaIndex",
    "Assigned",
    "One",
    "compile_kernels",
    "window",
]

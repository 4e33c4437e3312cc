"""What numba compiles, all of it: at set-up into a cache, never in a request."""

from geo import assign, reach, stacked
from layers.files import scan


def compile_all() -> None:
    """Compile every kernel, or find it in the cache."""
    assign.compile_kernels()
    reach.compile_kernels()
    stacked.compile_kernels()
    scan.compile_kernels()

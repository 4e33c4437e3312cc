"""A query that names what no route takes is refused: a misspelt filter would else answer for everything."""

from collections.abc import Callable, Iterator
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from geo.faults import DataError, Fault

_TAKEN: dict[Callable[..., Any], tuple[str, ...]] = {}


async def known(request: Request) -> None:
    """Check the names in a request's query against those its route and its dependencies take.

    Raises
    ------
    DataError
        With a fault for each unknown name.
    """
    route = request.scope["route"]
    # Pages take no notice of what links add to their addresses.
    if not request.query_params or not isinstance(route, APIRoute) or not route.path.startswith("/api/"):
        return
    names = _taken(route)
    faults = [
        Fault(
            kind="parameter-invalid",
            field=name,
            message=f"There is no parameter {name!r} here; there are: {', '.join(names) or 'none'}.",
        )
        for name in dict.fromkeys(request.query_params)
        if name not in names
    ]
    if faults:
        raise DataError(faults)


def _taken(route: APIRoute) -> tuple[str, ...]:
    """Names that a route takes, worked out once."""
    names = _TAKEN.get(route.endpoint)
    if names is None:
        names = _TAKEN[route.endpoint] = tuple(sorted(set(_names(route.dependant))))
    return names


def _names(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for below in dependant.dependencies:
        yield from _names(below)

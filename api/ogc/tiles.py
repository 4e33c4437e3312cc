"""Tiles as replies: drawn once for a state of their layer, then sent from memory."""

import re

from fastapi import Request
from fastapi.responses import Response

from api.ogc.links import MVT
from api.ogc.states import Held
from api.sent_bodies import SentBodies
from api.web.replies import REVALIDATED, Packed, packed
from geo.web_mercator import MOST_ZOOM, Tile
from layers import tiles
from layers.database import Session
from layers.errors import NotFound
from layers.features.collections import Collection

_NUMBER = re.compile(r"[0-9]{1,9}")


def address(zoom: str, row: str, column: str) -> Tile:
    """Return the tile that an address names.

    Raises
    ------
    NotFound
        If the tile matrix set has no such tile.
    """
    texts = (zoom, row, column)
    if all(_NUMBER.fullmatch(text) for text in texts):
        found = Tile(*map(int, texts))
        if found.exists:
            return found
    message = (
        f"There is no tile {zoom}/{row}/{column}: zoom is 0 to {MOST_ZOOM}, row and column below 2^zoom."
    )
    raise NotFound(message)


def known(request: Request, held: Held, *, kept: SentBodies) -> Response | None:
    """Send a tile from memory, at once; None where it has to be drawn."""
    body = kept.held(_key(request, held))
    return None if body is None else _sent(request, held, body)


def tile(
    request: Request, session: Session, collection: Collection, held: Held, at: Tile, *, kept: SentBodies
) -> Response:
    """Send a tile of a collection at one state; 204 where it has no feature there."""
    body = kept.get(_key(request, held), lambda: tiles.mvt(session, held.selection, collection, at))
    return _sent(request, held, body)


def _key(request: Request, held: Held) -> tuple[str, str]:
    # The path names tree, collection and tile; the version what they hold.
    return request.url.path, held.version


def _sent(request: Request, held: Held, body: Packed) -> Response:
    stated = {"Wangge-Revision": str(held.revision)}
    if not body.content:
        return Response(status_code=204, headers={**stated, "Cache-Control": REVALIDATED})
    response = packed(request, body, media_type=MVT)
    response.headers.update(stated)
    return response

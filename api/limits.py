"""A bound on every request's body, answered as a problem document."""

import re

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import too_large

#: Paths that take files; everything else takes a form or a few fields.
UPLOADS = re.compile(r"/api/locate|/api/drafts/[^/]+/imports/[^/]+")
#: Paths that take features: one of many corners, or many.
FEATURES = re.compile(r"/ogc/drafts/[^/]+/(?:transactions|collections/[^/]+/items(?:/[^/]+)?)")
#: Largest body of features, and where neither files nor features are taken. Such bodies are read before the caller is
#: known, and JSON grows when parsed.
MOST_FEATURES, MOST_ELSEWHERE = 8 << 20, 1 << 20


class BodyLimit:
    """Refuse a body that is too large: at once where its length is stated, else while it arrives.

    Files may have ``most_bytes``. Starlette's own limit answers in plain text, whatever the application's
    handlers say.
    """

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._most(scope["path"])
        stated = Headers(scope=scope).get("content-length", "")
        if stated.isdecimal() and int(stated) > most:
            await too_large(most)(scope, receive, send)
            return
        arrived = 0

        async def counted() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > most:
                raise HTTPException(413, f"The body is larger than {most} bytes.")
            return message

        await self._app(scope, counted, send)

    def _most(self, path: str) -> int:
        if UPLOADS.fullmatch(path):
            return self._most_bytes
        return min(MOST_FEATURES if FEATURES.fullmatch(path) else MOST_ELSEWHERE, self._most_bytes)

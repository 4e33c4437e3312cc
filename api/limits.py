"""A bound on every request's body, answered as a problem document."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import too_large


class BodyLimit:
    """Refuse a body of more than ``most_bytes``: at once where its length is stated, else while it arrives.

    Starlette's own limit answers in plain text, whatever the application's handlers say.
    """

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        stated = Headers(scope=scope).get("content-length", "")
        if stated.isdecimal() and int(stated) > self._most_bytes:
            await too_large(self._most_bytes)(scope, receive, send)
            return
        arrived = 0

        async def counted() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > self._most_bytes:
                raise HTTPException(413, f"The body is larger than {self._most_bytes} bytes.")
            return message

        await self._app(scope, counted, send)

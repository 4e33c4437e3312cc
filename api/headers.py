"""Headers of every reply, whoever made it: those that protect it, and one that clients read letter by letter."""

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: For replies that state none of their own: no page, no frame, no guessing of types, nothing kept.
SAFE: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_NOT_MODIFIED = 304
_ONE_YEAR_TLS = "max-age=31536000"


class SafeHeaders:
    """Add :data:`SAFE` to every reply, and to those over TLS that the browser shall ask for no others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its reply with the headers."""

        async def protected(message: Message) -> None:
            # Without a policy, the browser keeps the one that fits what it has.
            if message["type"] == "http.response.start" and message["status"] != _NOT_MODIFIED:
                headers = MutableHeaders(scope=message)
                for name, value in SAFE.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = _ONE_YEAR_TLS
            await send(message)

        await self._app(scope, receive, protected)


class SpelledLocation:
    """Send ``Location`` with a capital: QGIS compares the letters, and takes what it created for not created.

    To be the outermost, for the framework finds headers by their lower case. Without the header QGIS says that nothing
    was stored, and who saves once more has stored it twice.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its reply with the header's letters."""

        async def spelled(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.get("headers", ())
                message["headers"] = [
                    (_LOCATION if name == b"location" else name, value) for name, value in headers
                ]
            await send(message)

        await self._app(scope, receive, spelled)


class _Spelled(bytes):
    """A header's name whose letters stay as they are: the quicker of uvicorn's two servers lowers all others."""

    __slots__ = ()

    def lower(self) -> bytes:
        return self


_LOCATION = _Spelled(b"Location")

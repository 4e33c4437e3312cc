"""Headers that protect every reply, whoever made it."""

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

"""How pages, their files and their data are sent: nonce, Content-Security-Policy, ETag, gzip."""

import gzip
import hashlib
import secrets
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import Response

from api.web.templating import NONCE

#: Kept by the browser, asked about each time: access is checked again, and equal content is not sent again.
REVALIDATED = "private, no-cache"
#: For addresses that change with their content.
FOR_GOOD = "public, max-age=31536000, immutable"

_PLAIN_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}


@dataclass(frozen=True, slots=True)
class Packed:
    """Bytes ready to be sent often.

    Parameters
    ----------
    content, gzipped
        The same, plain and compressed; None where compressing saves nothing.
    etag
        Names this content.
    """

    content: bytes
    gzipped: bytes | None
    etag: str


def pack(content: bytes, *, effort: int = 6) -> Packed:
    """Compress once what many requests will ask for, with an effort of 1 to 9."""
    return Packed(content, gzip.compress(content, compresslevel=effort, mtime=0), _etag(content))


def page(request: Request, text: str) -> Response:
    """Send a page, with a nonce of its own in the place of :data:`api.web.templating.NONCE`."""
    etag = _etag(text.encode())
    headers = {"ETag": etag, "Cache-Control": REVALIDATED, "Vary": "Cookie"}
    if _known(request, etag):
        # Without a policy: the browser keeps the one that fits the nonce in the page it has.
        return Response(status_code=304, headers=headers)
    nonce = secrets.token_urlsafe(16)
    headers |= _PLAIN_HEADERS | {"Content-Security-Policy": content_security_policy(nonce)}
    return Response(text.replace(NONCE, nonce), media_type="text/html", headers=headers)


def wants_page(request: Request) -> bool:
    """Tell whether a browser opens this address: scripts and other clients do not ask for HTML by name."""
    return "text/html" in request.headers.get("accept", "")


def error(text: str, *, status_code: int, headers: dict[str, str] | None = None) -> Response:
    """Send the page of a failure: nobody keeps it, and it runs no script."""
    safe = _PLAIN_HEADERS | {"Cache-Control": "no-store"}
    safe["Content-Security-Policy"] = content_security_policy(secrets.token_urlsafe(16))
    return Response(text, status_code=status_code, media_type="text/html", headers=safe | (headers or {}))


def packed(request: Request, body: Packed, *, media_type: str, cache_control: str = REVALIDATED) -> Response:
    """Send a file or data, compressed where the client takes that, or not at all where it has it."""
    headers = {"ETag": body.etag, "Cache-Control": cache_control, "Vary": "Accept-Encoding"} | _PLAIN_HEADERS
    if _known(request, body.etag):
        return Response(status_code=304, headers=headers)
    if body.gzipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(body.gzipped, media_type=media_type, headers=headers)
    return Response(body.content, media_type=media_type, headers=headers)


def content_security_policy(nonce: str) -> str:
    """Only scripts of this response run, and nothing is asked of another machine."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{nonce}'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self' data:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'self'",
        )
    )


def _etag(content: bytes) -> str:
    # Weak: the same page differs by its nonce, the same data by its compression.
    return f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'


def _known(request: Request, etag: str) -> bool:
    named = request.headers.get("if-none-match", "")
    return etag in {part.strip() for part in named.split(",")} or named.strip() == "*"

"""Who may do what: decided here and nowhere else.

Every route names the one permission it needs, through :func:`needs`; :func:`rules` lists them and refuses a
route that names none. A caller's role gives permissions; its areas limit incidents, personal data and writes.
"""

import base64
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from typing import Annotated, Any
from urllib.parse import urlsplit

from anyio import CapacityLimiter
from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from fastapi.security import (
    APIKeyCookie,
    HTTPAuthorizationCredentials,
    HTTPBasic,
    HTTPBasicCredentials,
    HTTPBearer,
)
from starlette.concurrency import run_in_threadpool

from api.errors import Problem
from api.guesses import Guesses
from layers.accounts import SignedIn

#: Name of the browser session's cookie.
COOKIE = "wangge_session"

#: How long a checked credential is trusted without asking the database again; a revoked one works this long.
TRUSTED_S = 5.0

#: Passwords checked at once: each takes 64 MB and a processor for a tenth of a second, on purpose.
_PASSWORDS_AT_ONCE = 2

_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_CHALLENGE = {"WWW-Authenticate": 'Bearer, Basic realm="wangge", charset="UTF-8"'}


class Permission(StrEnum):
    """What a route can need."""

    PUBLIC = "public"
    READ_LAYERS = "read layers"
    READ_STATISTICS = "read statistics"
    PLAN = "save scenarios"
    EDIT = "edit drafts"
    REVIEW = "review drafts"
    PUBLISH = "publish revisions"
    READ_INCIDENTS = "read incidents"
    READ_PERSONAL = "read personal data"
    FILE_INCIDENTS = "file incidents"
    DISPATCH_INCIDENTS = "dispatch incidents"
    OPERATE = "operate"


_READ = {Permission.PUBLIC, Permission.READ_LAYERS}
# Counts by border tell nobody what was reported.
_JUDGE = _READ | {Permission.READ_STATISTICS}
_FIELD = _READ | {Permission.READ_INCIDENTS, Permission.FILE_INCIDENTS}
_DESK = _FIELD | {Permission.READ_STATISTICS, Permission.READ_PERSONAL, Permission.DISPATCH_INCIDENTS}

#: What each role may do.
ROLES: dict[str, frozenset[Permission]] = {
    "viewer": frozenset(_READ),
    "worker": frozenset(_FIELD),
    "dispatcher": frozenset(_DESK),
    "planner": frozenset(_JUDGE | {Permission.PLAN, Permission.READ_INCIDENTS}),
    "editor": frozenset(_JUDGE | {Permission.EDIT, Permission.PUBLISH}),
    "reviewer": frozenset(_JUDGE | {Permission.EDIT, Permission.REVIEW, Permission.PUBLISH}),
    "administrator": frozenset(Permission),
}

#: What a visitor without an account may do in the demo, which listens on loopback only.
_OPEN_READING = frozenset(_JUDGE | {Permission.READ_INCIDENTS})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: an account, or a visitor (``name`` is None).

    ``areas`` holds the codes that limit incidents, personal data and writes; empty means no limit.
    """

    name: str | None
    permissions: frozenset[Permission]
    areas: tuple[str, ...] = ()
    csrf: str | None = None

    def may(self, permission: Permission) -> bool:
        """Tell whether the role allows it, apart from areas."""
        return permission in self.permissions

    def covers(self, path: Sequence[str]) -> bool:
        """Tell whether something assigned along ``path`` (codes, district first) lies in the caller's areas."""
        return not self.areas or any(code in self.areas for code in path)


class _Basic(HTTPBasic):
    """Name and password in UTF-8 (RFC 7617, 2.1); the framework's own reads ASCII only."""

    async def __call__(self, request: Request) -> HTTPBasicCredentials | None:  # type: ignore[override]
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, colon, password = base64.b64decode(encoded).decode().partition(":")
        except ValueError:
            colon = ""
        if not colon:
            raise Problem("unauthenticated", "Basic needs base64 of name:password.", headers=_CHALLENGE)
        return HTTPBasicCredentials(username=name, password=password)


_BEARER = HTTPBearer(auto_error=False, description="A token made by `wangge user token NAME`")
_BASIC = _Basic(auto_error=False, description="Account name and password, for QGIS")
_COOKIE = APIKeyCookie(name=COOKIE, auto_error=False, description="A browser's session")


class _Need:
    """Dependency of a route that needs a permission; its value is the caller."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(
        self,
        request: Request,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
        basic: Annotated[HTTPBasicCredentials | None, Depends(_BASIC)],
        cookie: Annotated[str | None, Depends(_COOKIE)],
    ) -> Caller:
        caller = await _caller(request, bearer, basic, cookie)
        if caller.may(self.permission):
            return caller
        raise refused(caller, f"The account {caller.name} lacks the permission to {self.permission}.")


def refused(caller: Caller, why: str) -> Problem:
    """Return the refusal of what a caller may not do: a visitor is asked to sign in first."""
    if caller.name is None:
        message = "Sign in at /login, or send a token: Authorization: Bearer …"
        return Problem("unauthenticated", message, headers=_CHALLENGE)
    return Problem("forbidden", why)


class _Public:
    """Dependency of a route that anybody may use; its value is the caller, where one is known."""

    permission = Permission.PUBLIC

    async def __call__(self, request: Request) -> Caller:
        # Read here, not as dependencies: the API's description shall not ask for credentials.
        return await _caller(request, await _BEARER(request), await _BASIC(request), await _COOKIE(request))


def needs(permission: Permission) -> Any:  # noqa: ANN401 - FastAPI's own type for a dependency
    """Return the dependency that a route declares its need with."""
    return Depends(_Public() if permission is Permission.PUBLIC else _Need(permission))


def rules(routers: Iterable[APIRouter]) -> dict[tuple[str, str], Permission]:
    """Return what each (method, path) needs.

    Raises
    ------
    RuntimeError
        If a route names no permission: such a route must not be served.
    """
    found: dict[tuple[str, str], Permission] = {}
    for route in (route for router in routers for route in router.routes):
        if not isinstance(route, APIRoute):
            raise RuntimeError(f"{route!r} is not a plain route, so it can name no permission")  # noqa: TRY004
        named = [
            dependency.call.permission
            for dependency in route.dependant.dependencies
            if isinstance(dependency.call, _Need | _Public)
        ]
        if not named:
            raise RuntimeError(f"{route.path} names no permission; add needs(Permission.…) to it")
        for method in sorted(route.methods or ()):
            # A route with several needs asks for all of them; the strictest stands for it here.
            found[method, route.path] = max(named, key=lambda need: list(Permission).index(need))
    return found


class Credentials:
    """Checks credentials against the stored accounts, and remembers the answer for :data:`TRUSTED_S`."""

    def __init__(self, look_up: Any, *, open_reading: bool) -> None:  # noqa: ANN401 - see api.app
        self._look_up = look_up
        self.visitor = Caller(None, _OPEN_READING if open_reading else frozenset({Permission.PUBLIC}))
        self._known: dict[bytes, tuple[float, Caller | None]] = {}
        self._guesses = Guesses()
        self._passwords = CapacityLimiter(_PASSWORDS_AT_ONCE)

    async def by_password(self, request: Request, name: str, password: str) -> Caller | None:
        """Return who signs in with a password, or None.

        Raises
        ------
        Problem
            ``too-many-requests`` after too many wrong ones, see :mod:`api.guesses`.
        """
        client = request.client.host if request.client else ""
        async with self._passwords:
            self._guesses.check(name, client)
            caller = await self.caller("basic", name, password)
            if caller is None:
                self._guesses.wrong(name, client)
        return caller

    async def caller(self, kind: str, *secret: str) -> Caller | None:
        """Return whom a ``bearer``, ``basic`` or ``cookie`` secret stands for, or None."""
        key = sha256("\0".join((kind, *secret)).encode()).digest()
        known = self._known.get(key)
        if known is not None and time.monotonic() - known[0] < TRUSTED_S:
            return known[1]
        signed_in: SignedIn | None = await run_in_threadpool(self._look_up, kind, *secret)
        caller = None
        if signed_in is not None:
            caller = Caller(signed_in.name, ROLES[signed_in.role], signed_in.areas, signed_in.csrf)
        if len(self._known) > 10_000:  # noqa: PLR2004 - a bound on memory under guessing, nothing finer
            self._known.clear()
        self._known[key] = (time.monotonic(), caller)
        return caller

    def forget(self) -> None:
        """Ask the database again for every credential, as after signing out."""
        self._known.clear()


async def _caller(
    request: Request,
    bearer: HTTPAuthorizationCredentials | None,
    basic: HTTPBasicCredentials | None,
    cookie: str | None,
) -> Caller:
    credentials: Credentials = request.app.state.credentials
    if bearer is not None:
        return _proved(await credentials.caller("bearer", bearer.credentials), "This token is not valid.")
    if basic is not None:
        _check_origin(request)
        found = await credentials.by_password(request, basic.username, basic.password)
        return _proved(found, "This name and password are not valid.")
    if cookie is not None:
        caller = await credentials.caller("cookie", cookie)
        if caller is not None:
            await _check_csrf(request, caller)
            return caller
    return credentials.visitor


def _proved(caller: Caller | None, otherwise: str) -> Caller:
    if caller is None:
        raise Problem("unauthenticated", otherwise, headers=_CHALLENGE)
    return caller


def _check_origin(request: Request) -> None:
    """Refuse a write that another site's page sent: browsers repeat a typed password by themselves."""
    if request.method in _SAFE_METHODS:
        return
    origin = request.headers.get("Origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("Host")
    if foreign or request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}:
        raise Problem("forbidden", "A page of another site may not write with your password.")


async def _check_csrf(request: Request, caller: Caller) -> None:
    """Refuse a write that only proves to come from the browser, not from one of our pages."""
    if request.method in _SAFE_METHODS:
        return
    given = request.headers.get("X-CSRF-Token")
    if given is None and request.headers.get("content-type", "").startswith(
        "application/x-www-form-urlencoded"
    ):
        field = (await request.form()).get("csrf")
        given = field if isinstance(field, str) else None
    if given is None or caller.csrf is None or not compare_digest(given, caller.csrf):
        raise Problem("forbidden", "The page is out of date (CSRF token missing or wrong): reload it.")

"""Pages for people: the landing page and its three jobs, signing in and out, and the API's documentation."""

import datetime as dt
import secrets
from dataclasses import replace
from hmac import compare_digest
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from api.access import COOKIE, Caller, Credentials, Permission, needs
from api.dependencies import Runtime, RuntimeDep, SessionDep, SnapshotDep
from api.errors import PROBLEMS, Problem
from api.maps import sources
from api.maps.chosen import ChosenDep
from api.maps.page import EVERYWHERE, script_config
from api.ogc.links import service
from api.scopes import visible
from api.snapshots import Snapshot
from api.web import replies
from api.web.assets import installed
from api.web.reader import PageRoute, Reader, ReaderDep
from api.web.words import RULES, Language
from geo.faults import KINDS
from layers import accounts, catalogue, database, defects
from layers.catalogue import SPECS
from layers.database import Session

router = APIRouter(include_in_schema=False, route_class=PageRoute)

#: Cookie that ties the sign-in form to the browser it was sent to.
LOGIN_COOKIE = "wangge_login"

#: Defects listed on a page; `wangge check` writes them all.
_SHOWN_DEFECTS = 300

_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}


class SignIn(BaseModel):
    """What the sign-in form sends."""

    username: Annotated[str, Field(max_length=200)] = ""
    password: Annotated[str, Field(max_length=1000)] = ""
    csrf: Annotated[str, Field(max_length=200)] = ""
    next: Annotated[str, Field(max_length=2000)] = "/"


@router.get("/")
def landing(
    caller: Annotated[Caller, needs(Permission.PUBLIC)], reader: ReaderDep, snapshot: SnapshotDep
) -> Response:
    """Lead each user to the job in one click."""
    may_read = caller.may(Permission.READ_LAYERS)
    return reader.page(
        "index.html",
        counts=_counts(snapshot) if may_read else None,
        layers=SPECS,
        facility_types=sources.types(snapshot) if may_read else [],
        suggested=sources.SUGGESTED_TYPE,
    )


@router.get("/locate", dependencies=[needs(Permission.READ_LAYERS)])
def locate(reader: ReaderDep, snapshot: SnapshotDep, runtime: RuntimeDep) -> Response:
    """Answer whose grid a place is in."""
    west, south, east, north = view = sources.view(snapshot) or EVERYWHERE
    return reader.page(
        "locate.html",
        config=script_config(reader.site, sources.STREETS | sources.AREAS, view=view),
        placeholder=f"{(west + east) / 2:.4f}, {(south + north) / 2:.4f}",
        datum=runtime.settings.default_datum or "wgs84",
        facility_types=[kind for kind in sources.types(snapshot) if kind.count],
    )


@router.get("/incidents", dependencies=[needs(Permission.READ_INCIDENTS)])
def incident_list(reader: ReaderDep, runtime: RuntimeDep) -> Response:
    """List incidents, newest first, as far back as anybody cares to look."""
    names = catalogue.incident_categories()[["minor_zh", "minor_en"]]
    categories = {str(code): list(row) for code, *row in names.itertuples(name=None)}
    config = script_config(
        reader.site,
        {"incidents": "/api/incidents"},
        chosen={"categories": categories, "rules": RULES, "timezone": runtime.settings.timezone},
    )
    return reader.page("incidents.html", config=config, categories=categories, rules=RULES)


@router.get("/incidents/{incident_id}")
def incident(
    *,
    incident_id: UUID,
    reader: ReaderDep,
    session: SessionDep,
    snapshot: SnapshotDep,
    runtime: RuntimeDep,
    caller: Annotated[Caller, needs(Permission.READ_INCIDENTS)],
) -> Response:
    """Show one incident, and hand it to a neighbouring grid."""
    found = visible(session, snapshot, incident_id, caller)
    categories = catalogue.incident_categories()
    named = found.category in categories.index
    config = script_config(
        reader.site,
        sources.STREETS | sources.AREAS | sources.INCIDENTS,
        view=sources.view(snapshot) or EVERYWHERE,
        chosen={
            "id": str(incident_id),
            "category": list(categories.loc[found.category, ["minor_zh", "minor_en"]]) if named else None,
            "dispatches": caller.may(Permission.DISPATCH_INCIDENTS),
            "timezone": runtime.settings.timezone,
        },
    )
    return reader.page(
        "incident.html",
        config={**config, "csrf": reader.site.csrf},
        dispatches=caller.may(Permission.DISPATCH_INCIDENTS),
    )


@router.get("/coverage", dependencies=[needs(Permission.READ_LAYERS)])
def coverage(reader: ReaderDep, snapshot: SnapshotDep, chosen: ChosenDep) -> Response:
    """Answer who is outside the circle."""
    types = sources.types(snapshot)
    facility = sources.chosen_type(types, chosen.facility_type)
    return reader.page(
        "coverage.html",
        config={**script_config(reader.site, {}), "csrf": reader.site.csrf},
        chosen=replace(chosen, facility_type=facility.key),
        facility_types=types,
    )


@router.get("/layers", dependencies=[needs(Permission.READ_LAYERS)])
def layers(reader: ReaderDep, runtime: RuntimeDep, snapshot: SnapshotDep, session: SessionDep) -> Response:
    """Show whether the data is sound, and how one connects to it."""
    return reader.page(
        "layers.html",
        counts=_counts(snapshot),
        layers=SPECS,
        versions=snapshot.versions,
        defects=defects.standing(session, snapshot.versions, limit=_SHOWN_DEFECTS),
        defect_counts=defects.counts(session, snapshot.versions),
        kinds=KINDS,
        metric=snapshot.deployment.metric_crs if snapshot.deployment else None,
        base_url=service(reader.request, runtime),
    )


@router.get("/docs", dependencies=[needs(Permission.PUBLIC)])
def docs(reader: ReaderDep) -> Response:
    """Document the API, from this machine's files."""
    return reader.page("docs.html")


@router.get("/openapi.json", dependencies=[needs(Permission.PUBLIC)])
def openapi(request: Request) -> dict[str, Any]:
    """What the API offers, for programs."""
    document: dict[str, Any] = request.app.openapi()
    return document


@router.get("/assets/{path:path}", dependencies=[needs(Permission.PUBLIC)])
def asset(request: Request, path: str, v: str = "") -> Response:
    """Styles, scripts and pictures; `v` is the start of the file's digest."""
    found = installed().get(path)
    if found is None:
        raise Problem("not-found", f"The pages have no file {path}.")
    body = replies.Packed(found.content, found.gzipped, f'W/"{found.digest[:32]}"')
    kept = replies.FOR_GOOD if v and found.digest.startswith(v) else replies.REVALIDATED
    return replies.packed(request, body, media_type=found.media_type, cache_control=kept)


@router.get("/login", dependencies=[needs(Permission.PUBLIC)])
def login_form(reader: ReaderDep, next_page: Annotated[str, Query(alias="next")] = "/") -> Response:
    """Ask for name and password."""
    return _login_form(reader, SignIn(next=_own_page(next_page)))


@router.post("/login")
async def login(
    request: Request,
    caller: Annotated[Caller, needs(Permission.PUBLIC)],
    form: Annotated[SignIn, Form()],
    reader: ReaderDep,
    runtime: RuntimeDep,
) -> Response:
    """Open a browser session; scripts and other sites never see its cookie."""
    # Where a session is open already, api.access has compared its token.
    if caller.name is None and not _from_our_form(request, form.csrf):
        failed = ("页面已过期，请重新登录。", "The page was out of date: sign in again.")
        return _login_form(reader, form, failed)
    credentials: Credentials = request.app.state.credentials
    try:
        known = await credentials.by_password(request, form.username, form.password)
    except Problem as problem:
        return _refused_form(reader, form, problem)
    if known is None or known.name is None:
        return _login_form(reader, form, ("账号或密码不正确。", "Name or password is wrong."))
    lifetime = dt.timedelta(hours=runtime.settings.session_hours)
    before = request.cookies.get(COOKIE)
    secret = await run_in_threadpool(_open_session, runtime, known.name, lifetime, before)
    credentials.forget()
    reply = RedirectResponse(_own_page(form.next), status_code=303)
    reply.delete_cookie(LOGIN_COOKIE, path="/login")
    # Browsers take a secure cookie over plain HTTP from this machine only.
    reply.set_cookie(
        COOKIE, secret, max_age=int(lifetime.total_seconds()), secure=True, httponly=True, samesite="lax"
    )
    return reply


@router.post("/logout", dependencies=[needs(Permission.PUBLIC)])
def logout(request: Request, session: SessionDep, lang: Language = "zh") -> Response:
    """End the browser session, here and for a copied cookie."""
    secret = request.cookies.get(COOKIE)
    if secret is not None:
        accounts.close_browser_session(session, secret)
        credentials: Credentials = request.app.state.credentials
        credentials.forget()
    reply = RedirectResponse("/" if lang == "zh" else "/?lang=en", status_code=303)
    reply.delete_cookie(COOKIE)
    return reply


def _open_session(runtime: Runtime, name: str, lifetime: dt.timedelta, before: str | None) -> str:
    """Open a session and end the one this browser had; committed when this returns."""
    with database.translated(), runtime.look_ups.begin() as session:
        if before is not None:
            accounts.close_browser_session(session, before)
        return accounts.open_browser_session(session, name, now=runtime.clock(), lifetime=lifetime)[0]


def _refused_form(reader: Reader, form: SignIn, problem: Problem) -> Response:
    """Say on the form that there were too many attempts."""
    wait = (problem.headers or {}).get("Retry-After", "60")
    said = (f"尝试次数过多，请在 {wait} 秒后重试。", f"Too many attempts: try again in {wait} seconds.")
    reply = _login_form(reader, form, said)
    reply.status_code = PROBLEMS[problem.name][0]
    reply.headers["Retry-After"] = wait
    return reply


def _login_form(reader: Reader, form: SignIn, failed: tuple[str, str] | None = None) -> Response:
    token = reader.site.csrf or secrets.token_urlsafe(24)
    url = reader.request.url
    reply = replace(reader, site=replace(reader.site, csrf=token)).page(
        "login.html",
        form=form,
        failed=failed,
        # A password over plain HTTP can be read on the way, and the session's cookie would not be kept.
        unprotected=url.scheme != "https" and url.hostname not in _THIS_MACHINE,
    )
    reply.headers["Cache-Control"] = "no-store"
    if failed is not None:
        reply.status_code = 401
    reply.set_cookie(LOGIN_COOKIE, token, path="/login", secure=True, httponly=True, samesite="strict")
    return reply


def _from_our_form(request: Request, token: str) -> bool:
    """Tell whether a sign-in was sent from a form of ours in the same browser, not from another site."""
    expected = request.cookies.get(LOGIN_COOKIE, "")
    return bool(expected) and compare_digest(expected, token)


def _own_page(address: str) -> str:
    """Return an address of this service; anything that could lead elsewhere becomes the landing page."""
    own = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if own and address.isprintable() else "/"


def _counts(snapshot: Snapshot) -> dict[str, int]:
    """Return how many features each layer has."""
    return {name: _count(snapshot, name) for name in SPECS}


def _count(snapshot: Snapshot, layer: str) -> int:
    def load(session: Session, revision: int) -> int:
        return sources.feature_count(session, layer, revision)

    return snapshot.model(("feature count", layer), layers=(layer,), load=load)

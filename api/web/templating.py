"""Jinja2 templates of the pages: everything is escaped, and a missing value is an error."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from api.web import words
from api.web.assets import Assets
from api.web.words import Language

#: Stands for the nonce of a response in the text of a page.
NONCE = "nonce-of-this-response"

#: Characters that could end or open markup inside a script element, and the two that end a line in JavaScript.
_ESCAPED = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What every page says about the deployment and its reader.

    Parameters
    ----------
    city
        Name of the deployment's city or district.
    path, query
        Where the page is, so that it can be offered in the other language.
    invented
        The data is made up; every page then says so.
    language
        ``zh`` or ``en``.
    revision
        Revision the page speaks of; None where it speaks of none.
    account
        Name of the signed-in account, None without one.
    csrf
        Token that forms send back.
    attribution
        Whose data the map shows; empty where it is the deployment's own.
    review_number
        The map review number (审图号), empty without one.
    timezone
        Of the clock on the wall, by which instants are told.
    """

    city: str
    invented: bool
    path: str = "/"
    query: tuple[tuple[str, str], ...] = ()
    language: Language = "zh"
    revision: int | None = None
    account: str | None = None
    csrf: str = ""
    attribution: str = ""
    review_number: str = ""
    timezone: str = "UTC"


def script_json(value: object) -> Markup:
    """JSON that may stand inside a script element: no name in it can close the element or open another."""
    text = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return Markup(text.translate(_ESCAPED))  # noqa: S704 - every character of markup is escaped


def render(name: str, site: Site, assets: Assets, **values: object) -> str:
    """Fill the template ``name``.

    Raises
    ------
    jinja2.UndefinedError
        The template uses a value that was not given.
    """
    return (
        _environment()
        .get_template(name)
        .render(
            site=site,
            lang=site.language,
            say=_say(site.language),
            href=_href(site.language),
            other_language=_other_language(site),
            words=words,
            clock=_clock(site.timezone),
            nonce=NONCE,
            asset=lambda path: assets[path].href,
            **values,
        )
    )


def _clock(timezone: str) -> Callable[[dt.datetime], str]:
    """Return what tells an instant as the clock on the wall does."""
    zone = ZoneInfo(timezone)
    return lambda instant: f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["script_json"] = script_json
    environment.filters["thousands"] = lambda number: "—" if number is None else f"{number:,}"
    return environment


def _say(language: Language) -> Callable[[str, str], str]:
    return lambda chinese, english: words.choose((chinese, english), language)


def _href(language: Language) -> Callable[..., str]:
    """Addresses of pages that keep the reader's language, which no cookie remembers."""

    def href(path: str, **query: object) -> str:
        if language != "zh":
            query.setdefault("lang", language)
        kept = {key: value for key, value in query.items() if value is not None}
        return f"{path}?{urlencode(kept)}" if kept else path

    return href


def _other_language(site: Site) -> str:
    query = [(key, value) for key, value in site.query if key != "lang"]
    if site.language == "zh":
        query.append(("lang", "en"))
    return f"{site.path}?{urlencode(query)}" if query else site.path

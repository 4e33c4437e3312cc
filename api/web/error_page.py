"""A problem as a page, for people who opened an address that fails."""

from typing import Any

from fastapi import Request
from fastapi.responses import Response

from api.web import replies, templating
from api.web.assets import installed
from api.web.templating import Site
from api.web.words import Language


def error_page(request: Request, problem: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """Return the page of a problem document.

    Nothing on it comes from the database, which may be what failed; so it names neither city nor account.
    """
    language: Language = "en" if request.query_params.get("lang") == "en" else "zh"
    query = tuple(request.query_params.multi_items())
    site = Site(city="", invented=False, path=request.url.path, query=query, language=language)
    text = templating.render(
        "error.html",
        site,
        installed(),
        problem=problem,
        title=problem["title_zh"] if language == "zh" else problem["title"],
        faults=problem.get("errors", []),
    )
    return replies.error(text, status_code=problem["status"], headers=headers)

"""Who reads a page and in which language: what page routes take from their request."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from fastapi.responses import RedirectResponse, Response
from fastapi.routing import APIRoute

from api.access import Caller, Permission, needs
from api.dependencies import RuntimeDep, SnapshotDep
from api.errors import Problem
from api.maps import sources
from api.web import replies, templating
from api.web.assets import Assets, installed
from api.web.templating import Site
from api.web.words import Language


class PageRoute(APIRoute):
    """A route for people: who must sign in is led to the page for it, and from there back."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler that leads to the sign-in page."""
        handler = super().get_route_handler()

        async def lead(request: Request) -> Response:
            try:
                return await handler(request)
            except Problem as problem:
                leads = request.method == "GET" and replies.wants_page(request)
                if problem.name != "unauthenticated" or not leads:
                    raise
            here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            query = {"next": here}
            if request.query_params.get("lang") == "en":
                query["lang"] = "en"
            return RedirectResponse(f"/login?{urlencode(query)}", status_code=303)

        return lead


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asked for a page: ``site`` tells what every page says, ``assets`` are the files it may load."""

    request: Request
    site: Site
    assets: Assets

    def page(self, template: str, **values: object) -> Response:
        """Send a filled template."""
        return self.send(templating.render(template, self.site, self.assets, **values))

    def send(self, text: str) -> Response:
        """Send the text of a page."""
        return replies.page(self.request, text)


def _reader(
    request: Request,
    runtime: RuntimeDep,
    snapshot: SnapshotDep,
    caller: Annotated[Caller, needs(Permission.PUBLIC)],
    lang: Annotated[Language, Query(description="language of the page")] = "zh",
) -> Reader:
    deployment = snapshot.deployment
    site = Site(
        city=deployment.city if deployment else "",
        invented=bool(deployment and deployment.invented),
        path=request.url.path,
        query=tuple(request.query_params.multi_items()),
        language=lang,
        revision=snapshot.revision,
        account=caller.name,
        csrf=caller.csrf or "",
        attribution=sources.attributed(snapshot, runtime.settings.map_attribution),
        review_number=runtime.settings.map_review_number,
        timezone=runtime.settings.timezone,
    )
    return Reader(request, site, installed())


ReaderDep = Annotated[Reader, Depends(_reader)]

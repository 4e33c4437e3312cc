"""Features as replies: pages, single ones, and the headers by which clients keep them."""

import gzip
import hashlib
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any
from uuid import UUID

import orjson
from fastapi import Request
from fastapi.responses import Response

from api.ogc import queries
from api.ogc.links import GEOJSON, JSON, Tree, link
from api.ogc.queries import Asked
from api.ogc.states import States
from api.web.replies import REVALIDATED
from layers.database import Session
from layers.errors import NotFound
from layers.features import pages


def document(body: Mapping[str, Any], media_type: str = JSON) -> Response:
    """Send a document."""
    return Response(orjson.dumps(body), media_type=media_type)


def page(request: Request, session: Session, asked: Asked, states: States, root: Tree) -> Response:
    """Send a page of features, all at one state of the layer, with the link to the next."""
    headers = _headers(request, asked, root)
    if _is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    body = _page(request, session, asked, states, root)
    if _takes_gzip(request):
        # The quickest level takes a fifth of the usual one's time, and saves nearly as much of coordinates.
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, compresslevel=1, mtime=0)
    return Response(body, media_type=GEOJSON, headers=headers)


def feature(
    request: Request, session: Session, asked: Asked, item_id: str, root: Tree, *, tag: str | None = None
) -> Response:
    """Send one feature, under an entity tag of its own where there is one.

    Raises
    ------
    NotFound
        If there is none of this id.
    """
    name, headers = asked.collection.name, _headers(request, asked, root)
    found = pages.one(session, asked.selection, identifier(name, item_id), asked.place)
    if found is None:
        raise NotFound(f"There is no feature {item_id} in {name} {asked.held.named}.")
    headers |= {"ETag": tag} if tag else {}
    if _is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(linked(found, root, name, item_id), media_type=GEOJSON, headers=headers)


def linked(found: bytes, root: Tree, name: str, item_id: str) -> bytes:
    """Return a feature as GeoJSON, with its links."""
    links = [
        link(root.href("collections", name, "items", item_id), "self", GEOJSON, "要素 feature"),
        link(root.href("collections", name), "collection", JSON, "图层 layer"),
    ]
    return found[:-1] + b',"links":' + orjson.dumps(links) + b"}"


def tag_of(request: Request, version_: str, root: Tree, *told: str) -> str:
    """Return the entity tag of a feature: its version, and what else its bytes depend on; see :func:`version_of`."""
    parts = (version("wangge"), root.root, *told, str(_takes_gzip(request)))
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f'"{version_}.{digest[:16]}"'


def version_of(tag: str) -> str:
    """Return the version of the feature that a client has read under an entity tag."""
    # A proxy that compresses marks tags as weak; they are ours all the same.
    return tag.strip().removeprefix("W/").strip('"').partition(".")[0]


def identifier(name: str, text: str) -> UUID:
    """Return the id of a feature of a collection as its address states it.

    Raises
    ------
    NotFound
        If it is none.
    """
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(f"There is no feature {text!r} in {name}: ids are UUIDs.") from error


def _page(request: Request, session: Session, asked: Asked, states: States, root: Tree) -> bytes:
    """Write a FeatureCollection; its features come as text already."""
    name = asked.collection.name
    found = pages.page(session, asked.selection, asked.place, after=asked.after, limit=asked.limit)
    here = root.href("collections", name, "items", query=dict(request.query_params))
    links = [
        link(here, "self", GEOJSON, "本页 this page"),
        link(root.href("collections", name), "collection", JSON, "图层 layer"),
    ]
    if found.last is not None:
        query = queries.following(request, asked, states, found.last)
        there = root.href("collections", name, "items", query=query)
        links.append(link(there, "next", GEOJSON, "下一页 next page"))
    about = {
        "type": "FeatureCollection",
        "numberMatched": pages.count(session, asked.selection),
        "numberReturned": len(found.features),
        "links": links,
    }
    return orjson.dumps(about)[:-1] + b',"features":[' + b",".join(found.features) + b"]}"


def _headers(request: Request, asked: Asked, root: Tree) -> dict[str, str]:
    # All that the body depends on: whoever holds it under this name holds the same bytes.
    parts = (
        version("wangge"),
        root.root,
        request.url.path,
        request.url.query,
        asked.held.version,
        str(_takes_gzip(request)),
    )
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return {
        "Content-Crs": f"<{asked.place.uri}>",
        "Wangge-Revision": str(asked.held.revision),
        "ETag": f'"{digest[:32]}"',
        "Cache-Control": REVALIDATED,
        "Vary": "Accept-Encoding",
    }


def _takes_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


def _is_known(request: Request, etag: str) -> bool:
    named = request.headers.get("if-none-match", "")
    return etag in {part.strip().removeprefix("W/") for part in named.split(",")} or named.strip() == "*"

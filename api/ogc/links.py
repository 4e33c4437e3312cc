"""Addresses of the tree as its clients see them: always whole, for QGIS refuses layers with shorter ones."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from fastapi import Request

from api.dependencies import Runtime

JSON = "application/json"
GEOJSON = "application/geo+json"
SCHEMA = "application/schema+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
MVT = "application/vnd.mapbox-vector-tile"

QUERYABLES = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
SCHEMA_OF = "http://www.opengis.net/def/rel/ogc/1.0/schema"
TILESETS = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector"
TILING_SCHEME = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"
TILING_SCHEMES = "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes"


@dataclass(frozen=True, slots=True)
class Tree:
    """The root of the tree, without a slash at its end."""

    root: str

    def href(self, *path: str, query: dict[str, str] | None = None) -> str:
        """Return the address of a resource below the root; of the root itself without a path."""
        below = "/".join(quote(part, safe="") for part in path)
        return f"{self.root}/{below}" + (f"?{urlencode(query)}" if query else "")


def service(request: Request, runtime: Runtime) -> str:
    """Return the address by which this request's client reaches the service, without a slash at its end."""
    return (runtime.settings.public_url or str(request.base_url)).rstrip("/")


def tree(request: Request, runtime: Runtime) -> Tree:
    """Return the published tree as this request's client reaches it."""
    return Tree(service(request, runtime) + "/ogc")


def link(href: str, rel: str, media_type: str, title: str) -> dict[str, str]:
    """Return one link of a document."""
    return {"href": href, "rel": rel, "type": media_type, "title": title}

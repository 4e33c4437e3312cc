"""A draft's tree as one client uses it."""

from dataclasses import dataclass
from typing import Any

import shapely
from shapely.geometry import mapping, shape

from tests.api.ogc.asking import codes
from tests.paper_city import on_map

MERGE_PATCH = "application/merge-patch+json"
GEOJSON = "application/geo+json"


@dataclass
class Drafting:
    """A client and the draft to which it writes; places are on paper."""

    client: Any
    draft: str

    def path(self, layer="grids", item="", below="items"):
        return "/".join(filter(None, (f"/ogc/drafts/{self.draft}/collections/{layer}/{below}", item)))

    def items(self, layer="grids", *, status=200, **query):
        named = {name.replace("_", "-"): value for name, value in query.items()}
        reply = self.client.get(self.path(layer), params=named)
        assert reply.status_code == status, reply.text
        return reply.json()

    def codes(self, layer="grids", **query):
        return codes(self.items(layer, limit=1000, **query))

    def find(self, code, layer="grids"):
        (found,) = self.items(layer, code=code)["features"]
        return found

    def get(self, item, layer="grids", **query):
        return self.client.get(self.path(layer, item), params=query)

    def post(self, geometry, layer="grids", *, status=201, properties=None, **headers):
        body = {"type": "Feature", "geometry": stated(geometry), "properties": properties or {}}
        return self._send("POST", self.path(layer), body, status, {"Content-Type": GEOJSON, **headers})

    def put(self, item, geometry, layer="grids", *, status=200, properties=None, **headers):
        body = {"type": "Feature", "geometry": stated(geometry), "properties": properties or {}}
        return self._send("PUT", self.path(layer, item), body, status, {"Content-Type": GEOJSON, **headers})

    def patch(self, item, body, layer="grids", *, status=200, **headers):
        return self._send(
            "PATCH", self.path(layer, item), body, status, {"Content-Type": MERGE_PATCH, **headers}
        )

    def delete(self, item, layer="grids", *, status=204, **headers):
        return self._send("DELETE", self.path(layer, item), None, status, headers)

    def _send(self, method, path, body, status, headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = self.client.request(method, path, json=body, headers=named)
        assert reply.status_code == status, reply.text
        return reply


def stated(paper):
    """A shape on paper as GeoJSON; what is GeoJSON already stays."""
    return mapping(on_map(paper)) if isinstance(paper, shapely.Geometry) else paper


def drawn(feature):
    return shape(feature["geometry"])

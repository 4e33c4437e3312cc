"""Pages of 1,000 features by OGC API – Features, ours beside tipg's, on the same table.

Usage: python -m bench.items [--grids 50000] [--tipg PYTHON] [--pages 8]

Two servers of one process each, on one database; the client asks each in turn for the same page and takes gzip, as
browsers and QGIS do. Before a time counts, the features are compared: ids, properties, and coordinates (tipg's
have nine decimals, ours all that is stored). Each page is asked for three times, the median counts. tipg goes to a page by
OFFSET, which costs it more the deeper the page lies; ours by the id of the last feature.
"""

from collections.abc import Callable
from statistics import median
from typing import Any

import httpx
import numpy as np
import shapely
from shapely.geometry import shape

from bench.served_grids import PROPERTIES, arguments, served
from bench.timing import REPEATS, timed

PAGE = 1000
_ROUNDED = 1e-9


def main() -> None:
    """Print every figure."""
    parser = arguments(__doc__)
    parser.add_argument(
        "--pages", type=int, default=8, help="pages asked for, the first ones and the deepest"
    )
    options = parser.parse_args()
    with served(options.grids, options.tipg) as (ours, theirs):
        pages = options.grids // PAGE
        every = _following(ours, pages)
        half = options.pages // 2
        for title, chosen in (("first", range(half)), ("deepest", range(pages - half, pages))):
            _compete(title, ours, theirs, {number: every[number] for number in chosen})


def _following(ours: httpx.Client, pages: int) -> list[str]:
    """Return the addresses of our pages: each is in the link of the one before."""
    found = [f"/ogc/collections/grids/items?limit={PAGE}"]
    while len(found) < pages:
        links = ours.get(found[-1]).json()["links"]
        found += [link["href"] for link in links if link["rel"] == "next"]
    return found


def _compete(title: str, ours: httpx.Client, theirs: httpx.Client, pages: dict[int, str]) -> None:
    taken: dict[str, list[float]] = {"ours": [], "tipg": []}
    for number, address in pages.items():
        query = f"limit={PAGE}&offset={number * PAGE}&properties={','.join(PROPERTIES)}"
        asked = {
            "ours": _asking(ours, address),
            "tipg": _asking(theirs, f"/collections/public.grids/items?{query}"),
        }
        seconds: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(REPEATS):
            found = {}
            for name, ask in asked.items():
                found[name], once = timed(ask)
                seconds[name].append(once)
        assert_equal(found["ours"], found["tipg"])
        for name, each in seconds.items():
            taken[name].append(median(each))
    mean = {name: float(np.mean(each)) for name, each in taken.items()}
    print(
        f"{title} {len(pages)} pages of {PAGE}: ours {mean['ours'] * 1e3:.0f} ms, tipg {mean['tipg'] * 1e3:.0f} ms a page;"
        f" tipg / ours = {mean['tipg'] / mean['ours']:.1f}"
    )


def _asking(client: httpx.Client, address: str) -> Callable[[], httpx.Response]:
    return lambda: client.get(address, headers={"Accept-Encoding": "gzip"})


def assert_equal(ours: httpx.Response, theirs: httpx.Response) -> None:
    """Assert that two pages tell the same."""
    one, other = _told(ours), _told(theirs)
    assert len(one) == PAGE
    assert list(one) == list(other)
    assert [told for told, _ in one.values()] == [told for told, _ in other.values()]
    mine, other_shapes = (np.array([geometry for _, geometry in page.values()]) for page in (one, other))
    assert shapely.equals_exact(mine, other_shapes, _ROUNDED).all()
    assert ours.json()["numberMatched"] == theirs.json()["numberMatched"]


def _told(reply: httpx.Response) -> dict[str, tuple[dict[str, Any], shapely.Geometry]]:
    return {
        feature["id"]: (
            {name: feature["properties"][name] for name in PROPERTIES},
            shape(feature["geometry"]),
        )
        for feature in reply.raise_for_status().json()["features"]
    }


if __name__ == "__main__":
    main()

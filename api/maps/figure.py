"""folium without the internet: a figure whose every script and style is ours, and the same bytes each time.

Stock folium links eleven files on other machines and gives its elements random names. Here the links are
looked up in the manifest of the browser packages, an unknown one is an error rather than a white page, and
elements are numbered, so that a page of unchanged data has an unchanged ETag. Data never passes through
folium's templates, which render their own output a second time: it stands in JSON blocks beside them.
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import folium
from branca.element import CssLink, Element, Figure, JavascriptLink, Link, MacroElement
from folium.template import Template
from markupsafe import Markup

from api.web.assets import Asset, Assets, AssetsError
from api.web.templating import NONCE

#: Anything that makes a browser ask another machine.
_OUTSIDE = re.compile(
    r"""(?:\b(?:src|srcset|href|action|data|poster)\s*=\s*["']?|url\(\s*["']?|@import\s+["']?)\s*(?:[a-z]+:)?//[^\s"')>]*""",
    re.IGNORECASE,
)
_INLINE = re.compile(r"<(script|style)(?=[\s>])", re.IGNORECASE)
_CSS_URL = re.compile(r"url\(\s*[\"']?([^\"')]+)[\"']?\s*\)")


class LocalMap(folium.Map):
    """A folium map that links Leaflet only and takes its size from the page around it."""

    # Only Leaflet: the other links of folium's map serve markers we do not use.
    default_js = [  # noqa: RUF012 - folium's own declaration
        link for link in folium.Map.default_js if link[0] == "leaflet"
    ]
    default_css = [  # noqa: RUF012 - as above
        link for link in folium.Map.default_css if link[0] == "leaflet_css"
    ]

    _template = Template("""
        {% macro html(this, kwargs) %}<div class="folium-map" id="{{ this.get_name() }}"></div>{% endmacro %}
        {% macro script(this, kwargs) %}
        const {{ this.get_name() }} = wangge.createMap("{{ this.get_name() }}", {{ this.options|tojson }});
        {% endmacro %}
    """)

    def __init__(self, bounds: tuple[float, float, float, float]) -> None:
        """Show ``bounds``: west, south, east, north in degrees."""
        west, south, east, north = bounds
        super().__init__(location=((south + north) / 2, (west + east) / 2), tiles=None, prefer_canvas=True)
        self.options = {
            "bounds": [[south, west], [north, east]],
            "preferCanvas": True,
            "minZoom": 8,
            "maxZoom": 19,
        }


class Drawn(MacroElement):
    """A layer drawn by one of our scripts: it calls ``wangge.<draws>(map)``.

    Parameters
    ----------
    draws
        Name of the function.
    """

    _template = Template("""
        {% macro script(this, kwargs) %}wangge.{{ this.draws }}({{ this._parent.get_name() }});{% endmacro %}
    """)

    def __init__(self, draws: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # branca ships some types, not all
        self._name = draws.capitalize()
        self.draws = draws


@dataclass(frozen=True, slots=True)
class Parts:
    """What the elements of a figure want written into a page; inline elements carry :data:`NONCE`.

    ``styles`` and ``scripts`` are our files in the order in which folium links them; ``head`` and ``body``
    are markup, ``script`` the element that builds the map and must come after all of them.
    """

    styles: list[Asset]
    scripts: list[Asset]
    head: Markup
    body: Markup
    script: Markup


class OfflineFigure(Figure):
    """Collects what folium elements want to write, with every link replaced by our own file.

    Parameters
    ----------
    assets
        The files pages may load.
    """

    def __init__(self, assets: Assets) -> None:
        super().__init__()
        self.assets = assets

    def parts(self) -> Parts:
        """Render once.

        Raises
        ------
        AssetsError
            An element links a file for which there is no local copy, or asks another machine in its text.
        """
        for number, element in enumerate(_walk(self)):
            element._id = str(number)  # noqa: SLF001 - branca offers no other way to name an element
        for child in list(self._children.values()):
            child.render()
        styles, scripts = self._take(CssLink), self._take(JavascriptLink)
        self.header._children.pop("meta_http", None)  # noqa: SLF001 - the page around states its charset
        head, body = _checked(self.header.render()), _checked(self.html.render())
        return Parts(styles, scripts, head, body, _checked(f"<script>{self.script.render()}</script>"))

    def _take(self, kind: type[Link]) -> list[Asset]:
        """Take the links of one kind out of the header."""
        children = self.header._children  # noqa: SLF001 - as above
        links = {name: child.url for name, child in children.items() if isinstance(child, kind)}
        for name in links:
            del children[name]
        return [self.assets.local(url) for url in links.values()]


def inlined(asset: Asset, assets: Assets) -> Markup:
    """The text of a style or script as it may stand inside its element, pictures as ``data:`` addresses."""
    text = asset.content.decode()
    if asset.path.endswith(".css"):
        text = _CSS_URL.sub(lambda match: f"url({_picture(asset, match.group(1), assets)})", text)
    # What an HTML parser would take for the end of the element.
    text = re.sub(r"</(?=script|style)", r"<\\/", text, flags=re.IGNORECASE)
    return Markup(text)  # noqa: S704 - our own files


def _picture(asset: Asset, address: str, assets: Assets) -> str:
    if address.startswith(("data:", "#")):
        return address
    picture = assets.get((PurePosixPath(asset.path).parent / address).as_posix())
    if picture is None:
        raise AssetsError(f"{asset.path} uses {address}, which is not among the pages' files")
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.content).decode()}"


def _checked(text: str) -> Markup:
    found = _OUTSIDE.search(text)
    if found:
        raise AssetsError(f"a map element asks another machine: {found.group()}")
    return Markup(_INLINE.sub(rf'<\1 nonce="{NONCE}"', text))  # noqa: S704 - folium's own text; it holds no data


def _walk(element: Element) -> Iterator[Element]:
    yield element
    for child in element._children.values():  # noqa: SLF001 - as above
        yield from _walk(child)

"""One map as a page: served with linked files and data by address, or as one file that travels alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from markupsafe import Markup

from api.maps.figure import Drawn, LocalMap, OfflineFigure, inlined
from api.web import templating, words
from api.web.assets import Asset, Assets
from api.web.templating import NONCE, Site

#: Scripts and styles of every map, after Leaflet's.
STYLES = ("static/site.css", "static/map.css")
SCRIPTS = ("static/core.js", "static/streets.js", "static/areas.js")

#: China, where a page without any data looks.
EVERYWHERE = (73.5, 18.0, 135.1, 53.6)


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPage:
    """What makes a map.

    Parameters
    ----------
    name
        ``grids``, ``coverage``, ``incidents`` or ``borders``: names the template, the script and the function that draws.
    site
        What the page says about the deployment and its reader.
    bounds
        What to show first: west, south, east, north in degrees; None for an empty database.
    addresses
        By name, where the page fetches its data.
    values
        By name, data that stands in the page itself.
    chosen
        Settings the page was asked with; both the template and the script see them.
    context
        What else the template uses.
    """

    name: str
    site: Site
    bounds: tuple[float, float, float, float] | None
    addresses: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)
    chosen: Mapping[str, object] = field(default_factory=dict)
    context: Mapping[str, object] = field(default_factory=dict)


def linked(page: MapPage, assets: Assets) -> str:
    """Return the page for a browser of this service, with :data:`api.web.templating.NONCE` for its nonce.

    Equal pages are equal byte by byte.
    """

    def style(asset: Asset) -> Markup:
        return Markup('<link rel="stylesheet" href="{}">').format(asset.href)

    def script(asset: Asset) -> Markup:
        return Markup('<script nonce="{}" src="{}"></script>').format(NONCE, asset.href)

    return _render(page, assets, style, script, single_file=False)


def single_file(page: MapPage, assets: Assets) -> str:
    """Return the page with everything in it, for a disk without a service.

    ``page.values`` must hold all the data it draws.
    """

    def style(asset: Asset) -> Markup:
        return Markup("<style>{}</style>").format(inlined(asset, assets))

    def script(asset: Asset) -> Markup:
        return Markup("<script>{}</script>").format(inlined(asset, assets))

    text = _render(page, assets, style, script, single_file=True)
    return text.replace(f' nonce="{NONCE}"', "")


def _render(
    page: MapPage,
    assets: Assets,
    style: Callable[[Asset], Markup],
    script: Callable[[Asset], Markup],
    *,
    single_file: bool,
) -> str:
    figure = OfflineFigure(assets)
    view = page.bounds or EVERYWHERE
    drawn = LocalMap(view)
    figure.add_child(drawn)
    drawn.add_child(Drawn("streets"))
    drawn.add_child(Drawn(page.name))
    parts = figure.parts()
    ours = [assets[path] for path in (*SCRIPTS, f"static/{page.name}.js")]
    return templating.render(
        f"map_{page.name}.html",
        page.site,
        assets,
        single_file=single_file,
        styles=[style(asset) for asset in (*parts.styles, *(assets[path] for path in STYLES))],
        scripts=[script(asset) for asset in (*parts.scripts, *ours)],
        parts=parts,
        config=script_config(page.site, page.addresses, view=view, chosen=page.chosen),
        blocks=page.values,
        chosen=page.chosen,
        **page.context,
    )


def script_config(
    site: Site,
    addresses: Mapping[str, str],
    *,
    view: tuple[float, float, float, float] = EVERYWHERE,
    chosen: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Return what the scripts of a page with a map read first.

    Parameters
    ----------
    addresses
        By name, where they fetch data.
    view
        West, south, east, north of what to show, in degrees.
    chosen
        Settings the page was asked with.
    """
    west, south, east, north = view
    said = (
        (site.invented, ("虚构演示数据", "Invented demonstration data")),
        (site.review_number, (f"审图号：{site.review_number}", f"Map review number: {site.review_number}")),
        (site.attribution, (site.attribution, site.attribution)),
    )
    return {
        "language": site.language,
        "revision": site.revision,
        "data": dict(addresses),
        "chosen": dict(chosen or {}),
        "bounds": [[south, west], [north, east]],
        "attributions": [words.choose(pair, site.language) for true, pair in said if true],
    }

"""Maps on paper: A4 landscape, drawn in the deployment's metric CRS so that the scale bar is true."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon, Rectangle
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from api.web.templating import Site
from geo.crs import to_metric

#: A4, in inches, and dots an inch.
_SIZE = (11.69, 8.27)
_DPI = 200

#: The first that is installed is used; the last has no Chinese and is there for machines without such a font.
_FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "DejaVu Sans")

_INK, _MUTED, _LINE = "#1c2733", "#55626f", "#b8c1ca"

#: Lengths a scale bar may have, in metres.
_BARS_M = np.array([50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What stands around a printed map.

    Parameters
    ----------
    site
        What every page says.
    metric
        CRS it is drawn in.
    title
        Title.
    facts
        Settings and figures, one a line.
    """

    site: Site
    metric: str
    title: str
    facts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Style:
    """How features are drawn.

    Parameters
    ----------
    fill
        Colour of polygons and points, ``none`` for outlines only.
    edge, width
        Colour and width in points of lines and outlines; for points, ``width`` is their diameter.
    label
        What the legend says; empty: nothing.
    """

    fill: str = "none"
    edge: str = "none"
    width: float = 0.5
    label: str = ""


def draw(sheet: Sheet, layers: Sequence[tuple[gpd.GeoSeries, Style]], *, names: gpd.GeoDataFrame) -> bytes:
    """Print a map.

    Parameters
    ----------
    layers
        Features of one kind of geometry each (EPSG:4326) with their style, from the ground up; what carries a
        fill or belongs to the first layer decides how far the map reaches.
    names
        Areas whose ``name`` is written on the map.

    Returns
    -------
    bytes
        PNG.
    """
    figure = Figure(figsize=_SIZE, dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.025, 0.06, 0.72, 0.83), aspect="equal", anchor="N", xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set_color(_LINE)
    for order, (geometries, style) in enumerate(layers):
        _add(axes, to_metric(geometries.to_numpy(), sheet.metric), style, order)
    axes.margins(0.02)
    axes.autoscale_view()
    font = FontProperties(family=_family())
    _write_names(axes, names, sheet.metric, font)
    _write_around(figure, sheet, font)
    _write_legend(figure, [style for _, style in layers if style.label], font)
    _scale_bar(figure, axes, font)
    _north(figure, font)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Title": sheet.title, "Software": None})
    return buffer.getvalue()


def _family() -> str:
    installed = set(font_manager.get_font_names())
    return next((name for name in _FONTS if name in installed), _FONTS[-1])


def _add(axes: Axes, shapes: Any, style: Style, order: int) -> None:  # noqa: ANN401 - an array of geometries
    shapes = shapes[~shapely.is_empty(shapes)]
    if not len(shapes):
        return
    dimension = int(shapely.get_dimensions(shapes).max())
    if dimension == 0:
        x, y = shapely.get_coordinates(shapes).T
        axes.scatter(
            x, y, s=style.width**2, c=style.fill, edgecolors=style.edge, linewidths=0.2, zorder=order
        )
    elif dimension == 1:
        parts = [shapely.get_coordinates(part) for part in shapely.get_parts(shapes)]
        axes.add_collection(LineCollection(parts, colors=style.edge, linewidths=style.width, zorder=order))
    else:
        paths = [_path(shape) for shape in shapes]
        axes.add_collection(
            PathCollection(
                paths, facecolors=style.fill, edgecolors=style.edge, linewidths=style.width, zorder=order
            )
        )


def _path(shape: shapely.Geometry) -> Path:
    """One path of all rings: holes turn the other way, so they stay empty."""
    rings = shapely.get_rings(shapely.get_parts(shapely.orient_polygons(shape)))
    return Path.make_compound_path(*(Path(shapely.get_coordinates(ring), closed=True) for ring in rings))


def _write_names(axes: Axes, names: gpd.GeoDataFrame, metric: str, font: FontProperties) -> None:
    places = shapely.point_on_surface(to_metric(names.geometry.to_numpy(), metric))
    halo = [withStroke(linewidth=2.4, foreground="white", alpha=0.9)]
    for name, place in zip(names["name"], places, strict=True):
        axes.text(
            place.x,
            place.y,
            # A dollar would begin a formula.
            str(name).replace("$", r"\$"),
            fontproperties=font,
            fontsize=8.5,
            color="#16467a",
            ha="center",
            va="center",
            path_effects=halo,
            zorder=99,
            clip_on=True,
        )


def _write_around(figure: Figure, sheet: Sheet, font: FontProperties) -> None:
    site = sheet.site
    zh = site.language == "zh"
    say: dict[str, Any] = {"fontproperties": font, "color": _INK, "parse_math": False}
    figure.text(0.025, 0.935, sheet.title, fontsize=17, **say)
    figure.text(0.025, 0.903, site.city, fontsize=10, **say | {"color": _MUTED})
    figure.text(0.765, 0.885, "\n".join(sheet.facts), fontsize=8.5, va="top", linespacing=1.7, **say)
    notes = [
        f"{'数据修订' if zh else 'Data revision'} {site.revision}",
        f"{'投影' if zh else 'Projection'} {sheet.metric}",
        site.attribution,
        (f"审图号：{site.review_number}" if zh else f"Map review number: {site.review_number}")
        if site.review_number
        else "",
    ]
    figure.text(0.025, 0.028, "    ".join(filter(None, notes)), fontsize=7.5, **say | {"color": _MUTED})
    if site.invented:
        words = (
            "虚构演示数据，与任何真实地点和个人无关"
            if zh
            else "Invented demonstration data: no real place or person"
        )
        figure.text(0.975, 0.945, words, fontsize=9, ha="right", **say | {"color": "#8a4b00"})


def _write_legend(figure: Figure, styles: Sequence[Style], font: FontProperties) -> None:
    small = font.copy()
    small.set_size(8.5)
    if styles:
        figure.legend(
            handles=[_entry(style) for style in styles],
            loc="upper left",
            bbox_to_anchor=(0.758, 0.66),
            frameon=False,
            prop=small,
            labelspacing=0.55,
        )


def _entry(style: Style) -> Patch | Line2D:
    if style.fill == "none":
        return Line2D([], [], color=style.edge, linewidth=max(style.width, 0.8), label=style.label)
    if style.edge == "white":
        return Line2D([], [], marker="o", linestyle="", color=style.fill, markersize=5, label=style.label)
    return Patch(facecolor=style.fill, edgecolor="#77828c", linewidth=0.4, label=style.label)


def _scale_bar(figure: Figure, axes: Axes, font: FontProperties) -> None:
    """Draw a bar of a round length, about a sixth of the map's width."""
    figure.draw_without_rendering()  # the aspect decides how many metres an inch of paper is
    box = axes.get_position()
    west, east = axes.get_xlim()
    length_m = int(_BARS_M[np.abs(_BARS_M - (east - west) / 6).argmin()])
    wide = box.width * length_m / (east - west)
    left, low = 0.765, 0.085
    for part in range(4):
        colour = _INK if part % 2 == 0 else "white"
        figure.add_artist(
            Rectangle(
                (left + wide * part / 4, low),
                wide / 4,
                0.009,
                facecolor=colour,
                edgecolor=_INK,
                linewidth=0.6,
            )
        )
    text = f"{length_m / 1000:g} km" if length_m >= 1000 else f"{length_m} m"  # noqa: PLR2004 - a kilometre
    small: dict[str, Any] = {"fontproperties": font, "fontsize": 8, "color": _INK}
    figure.text(left, low + 0.015, "0", **small)
    figure.text(left + wide, low + 0.015, text, ha="right", **small)


def _north(figure: Figure, font: FontProperties) -> None:
    """Draw an arrow up: grid north, within two degrees of true north in a three-degree zone."""
    x, y = 0.955, 0.085
    for side, colour in ((-0.008, _INK), (0.008, "white")):
        figure.add_artist(
            Polygon(
                [(x, y + 0.05), (x + side, y), (x, y + 0.01)], facecolor=colour, edgecolor=_INK, linewidth=0.6
            )
        )
    figure.text(x, y + 0.055, "N", fontproperties=font, fontsize=10, color=_INK, ha="center")

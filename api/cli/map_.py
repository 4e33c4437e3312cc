"""`wangge map`: a map as one HTML file that needs no service, or as a printed sheet."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import geopandas as gpd
import typer

from api.borders import Asked
from api.cli.arguments import in_a_folder
from api.cli.connection import Embedded, transaction
from api.cli.console import console, progress_bars
from api.dependencies import now
from api.maps import borders, coverage, incidents, sheets, sources
from api.maps.chosen import Chosen
from api.maps.page import MapPage, single_file
from api.settings import Settings
from api.web.assets import installed
from api.web.templating import Site
from geo.coverage.city import City
from geo.levels import LEVELS
from layers import catalogue, deployment, history, store
from layers.borders import Question, Statistics, answer
from layers.coverage import load_city
from layers.database import Session
from layers.incidents import points as incident_points
from layers.streets import load_network

Kind = Literal["grids", "coverage", "incidents", "borders"]

_SUFFIXES = (".html", ".png")


def draw_map(
    kind: Annotated[Kind, typer.Argument(help="What to draw.")],
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", callback=in_a_folder, help="An .html or .png file.")
    ],
    lang: Annotated[Literal["zh", "en"], typer.Option(help="Language of the map.")] = "zh",
    facility_type: Annotated[
        str, typer.Option("--type", help="coverage: facility type; `wangge coverage --type '?'` lists them.")
    ] = "",
    minutes: Annotated[int, typer.Option(help="coverage: 5, 10 or 15; the HTML map has all three.")] = 15,
    level: Annotated[
        Literal["district", "subdistrict", "community", "grid"],
        typer.Option(help="coverage: areas to colour."),
    ] = "community",
    profile: Annotated[Literal["adult", "elderly", "gb50180"], typer.Option(help="coverage: who walks.")] = (
        "adult"
    ),
    weight: Annotated[
        Literal["people", "households", "count", "land"], typer.Option(help="coverage: what is summed.")
    ] = "people",
    embedded: Embedded = False,
) -> None:
    """网格图、覆盖图、事件图、边界疑点图 · Draw a map: .html travels on a disk and opens without a service, .png is for paper.

    \b
      wangge map grids -o grids.html
      wangge map coverage --type fresh_market --minutes 10 -o market.png
      wangge map incidents --lang en -o incidents.html
      wangge map borders -o borders.html        (wangge borders asks for periods and areas)
    """  # noqa: D301 - typer keeps the lines of a paragraph led by \\b as they are
    suffix = output.suffix.lower()
    if suffix not in _SUFFIXES:
        raise typer.BadParameter(f"{output.name}: the ending says the format; use {' or '.join(_SUFFIXES)}.")
    if minutes not in coverage.BUDGETS:
        raise typer.BadParameter(f"minutes: {minutes} is none of 5, 10, 15.")
    chosen = Chosen(facility_type, minutes, level, profile, weight)  # type: ignore[arg-type]  # checked above
    with progress_bars() as progress, transaction(embedded=embedded) as session:
        progress(f"map {kind}", 0, 1)
        drawing = _Drawing(session, lang, chosen)
        body = drawing.printed(kind) if suffix == ".png" else drawing.page(kind).encode()
        progress(f"map {kind}", 1, 1)
    output.write_bytes(body)
    console.print(f"revision {drawing.revision} -> {output} ({len(body) / 1e6:.1f} MB)", markup=False)


class _Drawing:
    """Everything a map may need, read at one revision when it is asked for."""

    def __init__(self, session: Session, language: Literal["zh", "en"], chosen: Chosen) -> None:
        settings = Settings()
        self.session = session
        self.revision = history.current(session, now())
        self.deployed = deployment.get(session)
        self.timezone = settings.timezone
        types = sources.facility_types(session, self.revision)
        self.facility = sources.chosen_type(types, chosen.facility_type)
        self.chosen = Chosen(self.facility.key, chosen.minutes, chosen.level, chosen.profile, chosen.weight)
        self.site = Site(
            city=self.deployed.city,
            invented=self.deployed.invented,
            language=language,
            revision=self.revision,
            attribution=sources.attribution(session, self.revision, settings.map_attribution),
            review_number=settings.map_review_number,
            timezone=settings.timezone,
        )

    def page(self, kind: Kind) -> str:
        """Return the page as one file."""
        today = now().astimezone(ZoneInfo(self.timezone)).date()
        values: dict[str, object] = {
            "streets": sources.streets(self.session, self.revision),
            "areas": sources.areas(self.session, self.revision, today=today),
        }
        if kind == "coverage":
            values["coverage"] = coverage.coverage_data(self._city(), self.chosen)
        elif kind == "incidents":
            points = incident_points.read(self.session, limit=sources.MOST_INCIDENTS)
            categories = catalogue.incident_categories()
            values["incidents"] = incidents.incidents_data(points, categories, timezone=self.timezone)
        elif kind == "borders":
            values["borders"] = borders.borders_data(*self._borders(), with_points=True)
        page = MapPage(
            name=kind,
            site=self.site,
            bounds=sources.bounds(self.session, self.revision),
            values=values,
            chosen=asdict(Asked()) if kind == "borders" else self.chosen.as_query(),
            context={"facility": self.facility},
        )
        return single_file(page, installed())

    def printed(self, kind: Kind) -> bytes:
        """Return the sheet as PNG."""
        draw: dict[Kind, Callable[[], bytes]] = {
            "grids": self._grids_sheet,
            "coverage": self._coverage_sheet,
            "incidents": self._incidents_sheet,
            "borders": self._borders_sheet,
        }
        return draw[kind]()

    def _grids_sheet(self) -> bytes:
        return sheets.grids(self.site, self.deployed.metric_crs, self._areas(), self._streets())

    def _coverage_sheet(self) -> bytes:
        return sheets.coverage(self.site, self._city(), self._streets(), self.chosen, self.facility)

    def _incidents_sheet(self) -> bytes:
        points = incident_points.read(self.session, limit=sources.MOST_INCIDENTS)
        return sheets.incidents(self.site, self.deployed.metric_crs, self._areas(), self._streets(), points)

    def _borders_sheet(self) -> bytes:
        statistics, _ = self._borders()
        return sheets.borders(self.site, self.deployed.metric_crs, self._areas(), self._streets(), statistics)

    def _borders(self) -> tuple[Statistics, Question]:
        question = Asked().question(self.timezone)
        return answer(self.session, self.revision, question), question

    def _areas(self) -> dict[str, gpd.GeoDataFrame]:
        return {level: sources.area_frame(self.session, self.revision, level) for level in LEVELS}

    def _streets(self) -> gpd.GeoDataFrame:
        return store.read(self.session, "streets", self.revision, columns=["kind", "geometry"])

    def _city(self) -> City:
        network = load_network(self.session, self.revision)
        return load_city(self.session, self.revision, network)

"""The report on gaps, for Word and PDF: what was asked, figures, maps, lists, where they come from and what is wrong."""

import datetime as dt
from collections.abc import Sequence

import geopandas as gpd
import pandas as pd

from api import gap_words, table_formats
from api.gap_words import About, Pair, choose, type_name
from api.maps import sheets
from api.maps.sheets import GapQuestion
from api.web import words
from api.web.templating import Site
from geo.coverage.city import City
from geo.coverage.gaps import Gaps
from geo.faults import DataError, Fault
from layers.files import pdf, word
from layers.files.documents import Block, Document, Heading, Paragraph, Sheet, Table

#: Formats of a report.
FORMATS = {name: table_formats.MORE_FORMATS[name] for name in ("docx", "pdf")}

#: Questions that one report holds, and how many of them with a map; more paper than that nobody reads.
MOST_QUESTIONS, MOST_MAPS = 12, 4

#: Lines of each list; the files hold all.
MOST_LINES = 60


def body(
    found: Gaps, city: City, about: About, written: str, *, site: Site, streets: gpd.GeoDataFrame
) -> bytes:
    """Write a report as one of :data:`FORMATS`, in the language of `site`.

    Raises
    ------
    DataError
        On field ``facility_type`` for more than :data:`MOST_QUESTIONS`.
    layers.errors.FontMissing
        For a PDF, where no font with Chinese is installed.
    """
    asked = found.areas.drop_duplicates(["facility_type", "minutes"])
    if len(asked) > MOST_QUESTIONS:
        message = f"{len(asked)} facility types and minutes are more than the {MOST_QUESTIONS} of one report: ask for fewer."
        raise DataError(Fault(kind="parameter-invalid", field="facility_type", message=message))
    document = _Report(found, city, about, site).document(streets)
    return word.to_docx(document) if written == "docx" else pdf.to_pdf(document)


class _Report:
    """A report being written, in one language."""

    def __init__(self, found: Gaps, city: City, about: About, site: Site) -> None:
        self._found = found
        self._city = city
        self._about = about
        self._site = site
        self._questions = [
            self._question(str(kind), int(minutes))
            for kind, minutes in found.areas[["facility_type", "minutes"]]
            .drop_duplicates()
            .itertuples(index=False)
        ]

    def document(self, streets: gpd.GeoDataFrame) -> Document:
        """Put it all together."""
        about, say = self._about, self._say
        title = say("步行圈空白区报告", "Gaps in walking coverage")
        revision = f"{say('修订', 'revision')} {about.revision}"
        if self._site.review_number:
            revision += f"    {say('审图号', 'map review number')} {self._site.review_number}"
        invented = [
            Paragraph(
                say(
                    "虚构演示数据，与任何真实地点和个人无关。",
                    "Invented demonstration data: no real place or person.",
                )
            )
        ]
        facts = gap_words.settings(self._found, about)
        return Document(
            title=title,
            subtitle=" · ".join(filter(None, [about.city, about.date.isoformat(), revision])),
            language=self._site.language,
            facts=[(self._choose(term), self._choose(value)) for term, value in facts],
            blocks=[
                *(invented if self._site.invented else []),
                *self._summary(),
                *self._maps(streets),
                *self._areas(),
                *self._gaps(),
                *self._compounds(),
                *self._faults(),
            ],
            footer=" · ".join(filter(None, [about.city, title, revision, about.attribution])),
            created=dt.datetime.combine(about.date, dt.time(), dt.UTC),
        )

    # --- words ---------------------------------------------------------------------------------------------

    def _say(self, chinese: str, english: str) -> str:
        return choose((chinese, english), self._site.language)

    def _choose(self, pair: Pair) -> str:
        return choose(pair, self._site.language)

    def _titles(self, *names: str) -> list[str]:
        """Column titles; the columns' own names are the English ones."""
        chinese = self._site.language == "zh"
        return [gap_words.TITLES.get(name, name) if chinese else _ENGLISH[name] for name in names]

    def _question(self, facility_type: str, minutes: int) -> GapQuestion:
        named = self._choose(type_name(facility_type))
        about = self._about
        areas = self._found.areas
        mine = areas[(areas["facility_type"] == facility_type) & (areas["minutes"] == minutes)]
        facts = [
            f"{self._say('圈外', 'Outside')}  {_number(mine['outside'].sum())} / {_number(mine['demand'].sum())}",
            f"{self._say('圈外土地', 'Land outside')}  {mine['gap_m2'].sum() / 1e6:,.2f} km²",
            f"{self._say('步行者', 'Walker')}  {self._choose(words.PROFILES[about.query.standard or about.query.profile])}",
            f"{self._say('衡量', 'Weight')}  {self._choose(words.WEIGHTS[about.query.weight])}",
            self._say("编号同空白区清单", "Numbers as in the list of gaps"),
        ]
        title = self._say(f"{named} {minutes} 分钟步行圈之外", f"Beyond {minutes} minutes' walk of: {named}")
        return GapQuestion(
            facility_type=facility_type,
            minutes=minutes,
            level=about.query.level,
            named=named,
            title=title,
            facts=facts,
        )

    def _named(self, row: pd.Series) -> str:
        return f"{self._choose(type_name(str(row['facility_type'])))} {row['minutes']}{self._say(' 分钟', ' min')}"

    def _cut(self, rows: int, shown: int) -> list[Block]:
        if rows <= shown:
            return []
        return [
            Paragraph(
                self._say(
                    f"另有 {rows - shown:,} 行，见表格下载（XLSX、CSV、GeoPackage）。",
                    f"{rows - shown:,} more are in the files (XLSX, CSV, GeoPackage).",
                )
            )
        ]

    # --- sections ------------------------------------------------------------------------------------------

    def _summary(self) -> list[Block]:
        header = [
            self._say("设施与步行圈", "Facility and circle"),
            *self._titles("demand", "outside"),
            self._say("圈外占比", "Share outside"),
            *(self._choose(words.STATUSES[name]) for name in ("partial", "uncovered", "unreachable")),
            self._say("圈外土地 km²", "Land outside, km²"),
            *self._titles("gaps", "slivers"),
        ]
        rows = []
        for question in self._questions:
            areas = question.rows(self._found.areas)
            status = question.rows(self._found.compounds)["status"].value_counts()
            demand, outside = areas["demand"].sum(), areas["outside"].sum()
            rows.append(
                [
                    f"{question.named} {question.minutes}{self._say(' 分钟', ' min')}",
                    _number(demand),
                    _number(outside),
                    f"{outside / demand:.1%}" if demand else "—",
                    *(str(int(status.get(name, 0))) for name in ("partial", "uncovered", "unreachable")),
                    f"{areas['gap_m2'].sum() / 1e6:,.2f}",
                    str(areas["gaps"].sum()),
                    str(areas["slivers"].sum()),
                ]
            )
        said = self._say(
            "部分覆盖、未覆盖、无法到达三列为小区数。", "Partial, uncovered and unreachable count compounds."
        )
        table = Table(header, rows, (2.6, 1.4, 1.4, 1.3, 1.2, 1.8, 1.9, 1.4, 1, 1.2), frozenset(range(1, 10)))
        return [Heading(self._say("概要", "Summary")), table, Paragraph(said)]

    def _maps(self, streets: gpd.GeoDataFrame) -> list[Block]:
        drawn: list[Block] = []
        for question in self._questions[:MOST_MAPS]:
            png = sheets.gaps(self._site, self._city, streets, self._found, question)
            drawn.append(Sheet(png, question.title))
        return drawn

    def _areas(self) -> list[Block]:
        columns = ("code", "name", "demand", "outside", "beside", "gap_m2", "gaps")
        header = [self._say("设施与步行圈", "Facility and circle"), *self._titles(*columns)]
        table = self._found.areas.sort_values(
            ["outside", "gap_m2", "code"], ascending=[False, False, True], kind="stable"
        )
        rows = [
            [
                self._named(row),
                str(row["code"]),
                str(row["name"]),
                *(_number(row[name]) for name in ("demand", "outside", "beside", "gap_m2", "gaps")),
            ]
            for _, row in table.head(MOST_LINES).iterrows()
        ]
        widths = (2.4, 2.2, 2.2, 1.2, 1.2, 1.1, 1.5, 0.8)
        return [
            Heading(self._say("各区域", "By area")),
            Table(header, rows, widths, frozenset(range(3, 8))),
            *self._cut(len(table), MOST_LINES),
        ]

    def _gaps(self) -> list[Block]:
        header = [
            self._say("编号", "No."),
            self._say("设施与步行圈", "Facility and circle"),
            *self._titles("code", "name", "outside", "compounds", "area_m2", "lon", "lat"),
        ]
        shapes = self._found.shapes
        rows = [
            [
                f"#{row['gap']}",
                self._named(row),
                str(row["code"]),
                str(row["name"]),
                *(_number(row[name]) for name in ("outside", "compounds", "area_m2")),
                f"{row['lon']:.5f}",
                f"{row['lat']:.5f}",
            ]
            for _, row in shapes.head(MOST_LINES).iterrows()
        ]
        widths = (0.8, 2.2, 1.9, 1.8, 1.2, 1.6, 1.5, 1.5, 1.3)
        return [
            Heading(self._say("空白区清单（按圈外人数）", "Gaps, those with most people first")),
            Table(header, rows, widths, frozenset(range(4, 9))),
            *self._cut(len(shapes), MOST_LINES),
        ]

    def _compounds(self) -> list[Block]:
        header = [
            *self._titles("code", "name", "area_name"),
            self._say("设施与步行圈", "Facility and circle"),
            *self._titles("status", "outside", "walk_minutes"),
            self._say("原因或缺少的设施", "Reason, or what is missing"),
        ]
        compounds = self._found.compounds
        rows = [
            [
                str(row["code"]),
                str(row["name"]),
                "" if pd.isna(row["area_name"]) else str(row["area_name"]),
                self._named(row),
                self._choose(words.STATUSES[str(row["status"])]),
                _number(row["outside"]),
                "—" if pd.isna(row["walk_minutes"]) else f"{row['walk_minutes']:.1f}",
                self._why(row),
            ]
            for _, row in compounds.head(MOST_LINES).iterrows()
        ]
        widths = (1.5, 1.9, 1.8, 2.1, 1.7, 1.1, 1.0, 2.8)
        return [
            Heading(self._say("圈外小区（按圈外人数）", "Compounds outside, those with most people first")),
            Table(header, rows, widths, frozenset({5, 6})),
            *self._cut(len(compounds), MOST_LINES),
        ]

    def _why(self, row: pd.Series) -> str:
        if pd.notna(row["reason"]):
            return self._choose(gap_words.REASONS[str(row["reason"])])
        separator = self._say("、", ", ")
        return separator.join(self._choose(type_name(key)) for key in str(row["missing"]).split())

    def _faults(self) -> list[Block]:
        faults: Sequence[Fault] = self._found.faults
        heading = Heading(self._say("数据中的问题", "What is wrong with the data"))
        if not faults:
            return [heading, Paragraph(self._say("没有发现问题。", "Nothing was found."))]
        header = [
            self._say("问题", "Fault"),
            self._say("图层", "Layer"),
            self._say("编码", "Code"),
            self._say("说明", "Message"),
        ]
        rows = [
            [self._choose(fault.title), self._layer(fault), fault.id or "", fault.message]
            for fault in faults[:MOST_LINES]
        ]
        return [heading, Table(header, rows, (1.6, 1, 1.6, 5)), *self._cut(len(faults), MOST_LINES)]

    def _layer(self, fault: Fault) -> str:
        return self._choose(words.LAYERS[fault.layer]) if fault.layer in words.LAYERS else fault.layer or ""


_ENGLISH = {
    "code": "Code",
    "name": "Name",
    "area_name": "Area",
    "demand": "Demand",
    "outside": "Outside",
    "beside": "In no shape",
    "gap_m2": "Land outside, m²",
    "gaps": "Gaps",
    "slivers": "Slivers",
    "compounds": "Compounds",
    "area_m2": "m²",
    "lon": "Longitude",
    "lat": "Latitude",
    "status": "Status",
    "walk_minutes": "Walk, min",
}


def _number(value: object) -> str:
    return f"{float(str(value)):,.0f}"

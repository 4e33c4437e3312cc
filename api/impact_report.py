"""The report on whom a change touches, for Word and PDF: figures, a map, areas, homes and land that change hands."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd

from api import diff_words, impact_words, table_formats
from api.maps import sheets
from api.web import words
from api.web.templating import Site
from geo.impact import Impact
from layers.catalogue import SPECS
from layers.diffs import Diff
from layers.files import pdf, tables, word
from layers.files.documents import Block, Document, Heading, Paragraph, Sheet, Table

#: Formats of a report.
FORMATS = {name: table_formats.MORE_FORMATS[name] for name in ("docx", "pdf")}

#: Lines of each list; the files hold all.
MOST_LINES = 60

# Figures that fit beside each other on paper.
_SHOWN = ("people", "households", "compounds", "incidents", "area_m2")
_SIDES = ("before", "gained", "lost", "after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What stands on the paper beside the figures.

    Parameters
    ----------
    site
        City, language and what every page says.
    subject
        What the change is: a draft's title, or revisions.
    date
        Of the report.
    metric
        CRS that the map is drawn in.
    areas, streets
        Ground of the map: areas by level, and streets with their ``kind``.
    """

    site: Site
    subject: str
    date: dt.date
    metric: str
    areas: Mapping[str, gpd.GeoDataFrame]
    streets: gpd.GeoDataFrame


def body(found: Impact, diffs: Sequence[Diff], paper: Paper, written: str) -> bytes:
    """Write a report as one of :data:`FORMATS`, in the language of the site.

    Parameters
    ----------
    diffs
        What changes, for the map.

    Raises
    ------
    layers.errors.FontMissing
        For a PDF, where no font with Chinese is installed.
    """
    document = _Report(found, paper).document(diffs)
    return word.to_docx(document) if written == "docx" else pdf.to_pdf(document)


class _Report:
    """A report being written, in one language."""

    def __init__(self, found: Impact, paper: Paper) -> None:
        self._found = found
        self._paper = paper
        self._site = paper.site

    def document(self, diffs: Sequence[Diff]) -> Document:
        """Put it all together."""
        paper, site = self._paper, self._site
        title = self._say("影响报告", "Whom it touches")
        revision = f"{self._say('数据修订', 'Data revision')} {site.revision}"
        return Document(
            title=title,
            subtitle=" · ".join(filter(None, [site.city, paper.subject, paper.date.isoformat()])),
            language=site.language,
            facts=self._facts(),
            blocks=[*self._invented(), *self._totals(), *self._map(diffs), *self._areas(), *self._lists()],
            footer=" · ".join(filter(None, [site.city, title, revision, site.attribution])),
            created=dt.datetime.combine(paper.date, dt.time(), dt.UTC),
        )

    def _say(self, chinese: str, english: str) -> str:
        return words.choose((chinese, english), self._site.language)

    def _titles(self, *names: str) -> list[str]:
        chinese = self._site.language == "zh"
        return [impact_words.TITLES.get(name, name) if chinese else _ENGLISH[name] for name in names]

    def _facts(self) -> list[tuple[str, str]]:
        facts = [
            (self._say("变更", "Change"), self._paper.subject),
            (self._say("数据修订", "Data revision"), str(self._site.revision)),
            (
                self._say("计数", "Counting"),
                self._say(
                    "整人整户，每处只计入一个网格：前 + 划入 − 划出 = 后。",
                    "Whole people and things, each in one grid: before + gained − lost = after.",
                ),
            ),
            (self._say("投影", "Projection"), self._paper.metric),
        ]
        if self._site.review_number:
            facts.append((self._say("审图号", "Map review number"), self._site.review_number))
        return facts

    def _invented(self) -> list[Block]:
        said = self._say(
            "虚构演示数据，与任何真实地点和个人无关。",
            "Invented demonstration data: no real place or person.",
        )
        return [Paragraph(said)] if self._site.invented else []

    def _totals(self) -> list[Block]:
        heading = Heading(self._say("合计", "Totals"))
        table = impact_words.totals_table(self._found)
        if table.empty:
            nobody = self._say("没有人、住房、设施或事件受到影响。", "Nobody and nothing is touched.")
            return [heading, Paragraph(nobody)]
        rows = [[self._level(row["level"]), *_numbers(row)] for row in tables.records(table)]
        return [heading, *self._figures([self._say("层级", "Level")], rows, (1.2,))]

    def _areas(self) -> list[Block]:
        table = impact_words.balance_table(self._found)
        rows = [
            [
                self._level(row["level"]),
                row["code"] or "—",
                row["name"] or self._say("不在任何区域", "In no area"),
                self._kind(row["change"]),
                *_numbers(row),
            ]
            for row in tables.records(table.head(MOST_LINES))
        ]
        head = [self._say("层级", "Level"), *self._titles("code", "name", "change")]
        blocks = self._figures(head, rows, (0.9, 2.0, 1.6, 1.1))
        return [Heading(self._say("各区域", "By area")), *blocks, *self._cut(len(table))]

    def _figures(self, head: list[str], rows: list[list[str]], widths: tuple[float, ...]) -> list[Block]:
        """Set rows of figures behind their titles."""
        if not rows:
            return []
        shown = [words.choose(impact_words.FIGURE_WORDS[name], self._site.language) for name in _SHOWN]
        numbers = frozenset(range(len(head), len(head) + len(shown)))
        return [Table([*head, *shown], rows, (*widths, 2.0, 1.8, 1.4, 1.5, 2.4), numbers)]

    def _map(self, diffs: Sequence[Diff]) -> list[Block]:
        placed = [diff for diff in diffs if isinstance(diff.changes.after, gpd.GeoDataFrame)]
        if not placed:
            return []
        paper, language = self._paper, self._site.language
        facts = [
            f"{self._layer(diff.layer)}  "
            + "  ".join(
                f"{words.choose(diff_words.KINDS[kind], language)} {count:,}"
                for kind, count in diff.changes.counts.items()
                if count
            )
            for diff in placed
        ]
        png = sheets.changes(
            self._site, paper.metric, paper.areas, paper.streets, placed, facts=[paper.subject, *facts]
        )
        return [Sheet(png, paper.subject)]

    def _lists(self) -> list[Block]:
        lists = [
            (self._say("受影响的住房、设施与岗位", "Homes, places and posts"), self._affected()),
            (self._say("易主的土地", "Land that changes hands"), self._land()),
            (self._say("改属的未结事件", "Open incidents that move"), self._moves()),
        ]
        blocks: list[Block] = []
        for title, table in lists:
            if table.rows:
                blocks += [
                    Heading(title),
                    Table(table.header, table.rows[:MOST_LINES], table.widths, table.numbers),
                ]
                blocks += self._cut(len(table.rows))
        return blocks

    def _affected(self) -> Table:
        rows = [
            [
                self._layer(row["layer"]),
                row["code"],
                row["name"] or "",
                row["area_code"] or "—",
                f"{row['share_before']:.1%} → {row['share_after']:.1%}",
                f"{row['people_before']:,.0f} → {row['people_after']:,.0f}"
                if row["layer"] == "compounds"
                else "",
            ]
            for row in tables.records(impact_words.affected_table(self._found))
        ]
        header = [
            *self._titles("layer", "code", "name", "area_code"),
            self._say("份额", "Share"),
            self._say("人口", "People"),
        ]
        return Table(header, rows, (1, 1.8, 2, 1.8, 1.7, 1.5), frozenset({4, 5}))

    def _land(self) -> Table:
        rows = [
            [
                self._layer(row["layer"]),
                row["from_code"] or "—",
                row["to_code"] or "—",
                f"{row['area_m2']:,.1f}",
            ]
            for row in tables.records(impact_words.land_table(self._found))
        ]
        header = self._titles("layer", "from_code", "to_code", "area_m2")
        return Table(header, rows, (1, 2, 2, 1.5), frozenset({3}))

    def _moves(self) -> Table:
        rows = [
            [row["from_code"] or "—", row["to_code"] or "—", f"{row['number']:,}"]
            for row in tables.records(impact_words.moves_table(self._found))
        ]
        return Table(self._titles("from_code", "to_code", "number"), rows, (2, 2, 1), frozenset({2}))

    def _cut(self, rows: int) -> list[Block]:
        if rows <= MOST_LINES:
            return []
        more = rows - MOST_LINES
        said = self._say(
            f"另有 {more:,} 行，见表格下载（XLSX）。", f"{more:,} more are in the workbook (XLSX)."
        )
        return [Paragraph(said)]

    def _level(self, level: str) -> str:
        return words.choose(words.LEVELS[level], self._site.language)

    def _layer(self, layer: str) -> str:
        return words.choose((SPECS[layer].zh, SPECS[layer].en), self._site.language)

    def _kind(self, kind: str | None) -> str:
        return words.choose(diff_words.KINDS[kind], self._site.language) if kind else "—"


def _numbers(row: Mapping[str, Any]) -> list[str]:
    """Figures of a row: before → after, with what came and what went where both did."""
    return [_figure(*(row[f"{name}_{side}"] for side in _SIDES)) for name in _SHOWN]


def _figure(before: float, gained: float, lost: float, after: float) -> str:
    if pd.isna(gained):
        return "—"
    turnover = " ".join(f"{sign}{number:,.0f}" for sign, number in (("+", gained), ("−", lost)) if number)
    if pd.isna(before):
        return turnover or "—"
    return f"{before:,.0f} → {after:,.0f}" + (f" ({turnover})" if gained and lost else "")


_ENGLISH = {
    "code": "Code",
    "name": "Name",
    "change": "Change",
    "layer": "Layer",
    "area_code": "Area",
    "from_code": "From",
    "to_code": "To",
    "area_m2": "m²",
    "number": "Number",
}

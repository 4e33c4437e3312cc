"""Reports for Word (.docx)."""

import io
from collections.abc import Sequence

import docx
from docx.document import Document as WordDocument
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.section import Section
from docx.shared import Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.table import Table as WordTable
from docx.text.paragraph import Paragraph as WordParagraph

from layers.files.documents import Document, Heading, Paragraph, Sheet, Table, plain

_PORTRAIT = (Mm(210), Mm(297))
_MARGIN = Mm(18)
#: Fonts of a usual office machine: the reader's own are taken where these are not installed.
_LATIN, _CHINESE = "Calibri", "Microsoft YaHei"
_INK = RGBColor(0x1C, 0x27, 0x33)
_HEAD = "EEF2F6"


def to_docx(document: Document) -> bytes:
    """Write a report as a Word document: A4, maps on landscape pages, header rows repeated on each page."""
    word = docx.Document()
    _set_up(word, document)
    _page(word.sections[0], landscape=False)
    _footer(word.sections[0], plain(document.footer))
    word.add_heading(plain(document.title), level=0)
    word.add_paragraph(plain(document.subtitle))
    facts = _table(
        word, Table((), [[name, value] for name, value in document.facts], (1, 3)), bold_first=True
    )
    facts.alignment = WD_TABLE_ALIGNMENT.LEFT
    landscape = False
    for block in document.blocks:
        wanted = isinstance(block, Sheet)
        if wanted != landscape:
            _page(word.add_section(), landscape=wanted)
            landscape = wanted
        _add(word, block)
    buffer = io.BytesIO()
    word.save(buffer)
    return buffer.getvalue()


def _add(word: WordDocument, block: Heading | Paragraph | Table | Sheet) -> None:
    if isinstance(block, Heading):
        word.add_heading(plain(block.text), level=1)
    elif isinstance(block, Paragraph):
        word.add_paragraph(plain(block.text))
    elif isinstance(block, Table):
        _table(word, block)
        word.add_paragraph()
    else:
        height, width = _PORTRAIT[0] - 2 * _MARGIN, _PORTRAIT[1] - 2 * _MARGIN
        # The sheet is A4 and the page has margins: it fills the page's height, less a line for the paragraph's own.
        word.add_picture(io.BytesIO(block.png), width=min(width, int((height - Mm(8)) * 297 / 210)))
        described = word.inline_shapes[-1]._inline.docPr  # noqa: SLF001 - the library has no other way to describe a picture
        described.set("descr", plain(block.text))


def _set_up(word: WordDocument, document: Document) -> None:
    about = word.core_properties
    about.title, about.subject = plain(document.title), plain(document.subtitle)
    about.author, about.last_modified_by, about.comments = "Wangge 网格", "Wangge 网格", ""
    about.created = about.modified = document.created.replace(tzinfo=None)
    about.language = "zh-CN" if document.language == "zh" else "en"
    for name, size in (("Normal", 10), ("Title", 20), ("Heading 1", 14)):
        style = word.styles[name]
        assert isinstance(style, ParagraphStyle)  # noqa: S101 - the template's own styles
        style.font.name, style.font.size, style.font.color.rgb = _LATIN, Pt(size), _INK
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for kind in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
            fonts.attrib.pop(qn(kind), None)
        fonts.set(qn("w:eastAsia"), _CHINESE)
        fonts.set(qn("w:ascii"), _LATIN)
        fonts.set(qn("w:hAnsi"), _LATIN)


def _page(section: Section, *, landscape: bool) -> None:
    width, height = reversed(_PORTRAIT) if landscape else _PORTRAIT
    section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = width, height
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = _MARGIN


def _footer(section: Section, text: str) -> None:
    """Write the foot of every page; later sections take it over."""
    paragraph = section.footer.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    run = paragraph.add_run(f"{text}    ")
    run.font.size = Pt(8)
    number = paragraph.add_run()
    number.font.size = Pt(8)
    for kind, words in (("begin", None), (None, "PAGE"), ("end", None)):
        if kind:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
        else:
            mark = OxmlElement("w:instrText")
            mark.set(qn("xml:space"), "preserve")
            mark.text = words
        number._r.append(mark)  # noqa: SLF001 - the library writes no fields


def _table(word: WordDocument, block: Table, *, bold_first: bool = False) -> WordTable:
    lines = [block.header, *block.rows] if block.header else list(block.rows)
    table: WordTable = word.add_table(rows=len(lines), cols=len(block.widths), style="Table Grid")
    table.autofit = False
    whole = _PORTRAIT[0] - 2 * _MARGIN
    widths = [int(whole * part / sum(block.widths)) for part in block.widths]
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    # Asked for row by row: the library counts all cells anew for each that is asked for by its place.
    for number, (row, line) in enumerate(zip(table.rows, lines, strict=True)):
        head = bool(block.header) and number == 0
        _fill(row.cells, line, widths, numbers=block.numbers, bold=head)
        if bold_first:
            row.cells[0].paragraphs[0].runs[0].bold = True
        if head:
            _repeat(row._tr)  # noqa: SLF001 - the library has no other way to repeat a header
    return table


def _fill(
    cells: Sequence[object],
    line: Sequence[str],
    widths: Sequence[int],
    *,
    numbers: frozenset[int],
    bold: bool,
) -> None:
    for column, (cell, text, width) in enumerate(zip(cells, line, widths, strict=True)):
        cell.width = width  # type: ignore[attr-defined]  # a cell
        paragraph: WordParagraph = cell.paragraphs[0]  # type: ignore[attr-defined]  # a cell
        paragraph.paragraph_format.space_after = Pt(1)
        run = paragraph.add_run(plain(text))
        run.font.size, run.bold = Pt(8.5), bold
        if column in numbers:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        if bold:
            shade = OxmlElement("w:shd")
            shade.set(qn("w:val"), "clear")
            shade.set(qn("w:fill"), _HEAD)
            cell._tc.get_or_add_tcPr().append(shade)  # type: ignore[attr-defined]  # noqa: SLF001 - as above


def _repeat(row: object) -> None:
    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    row.get_or_add_trPr().append(mark)  # type: ignore[attr-defined]  # a row's element

"""Reports as PDF, with the Chinese font in the file, so that they look the same everywhere."""

from io import BytesIO

from fpdf import FPDF
from fpdf.enums import TableBordersLayout, TableCellFillMode, WrapMode, XPos, YPos
from fpdf.fonts import FontFace

from layers.files import fonts
from layers.files.documents import Block, Document, Heading, Paragraph, Sheet, Table, plain

_MARGIN_MM = 18.0
_A4_MM = (210.0, 297.0)
_FONT = "chinese"
_INK, _MUTED, _HEAD = (28, 39, 51), (85, 98, 111), (238, 242, 246)


def to_pdf(document: Document) -> bytes:
    """Write a report as PDF: A4, maps on landscape pages, header rows repeated on each page.

    Raises
    ------
    layers.errors.FontMissing
        If no font with Chinese is installed.
    """
    pdf = _Report(document)
    pdf.add_page()
    pdf.say(document.title, size=20, bold=True)
    pdf.say(document.subtitle, size=11)
    pdf.ln(2)
    pdf.facts(document)
    for block in document.blocks:
        pdf.add(block)
    return bytes(pdf.output())


class _Report(FPDF):
    """A report being set."""

    def __init__(self, document: Document) -> None:
        super().__init__(orientation="portrait", unit="mm", format="A4")
        self._foot = plain(document.footer)
        # Chinese may be broken anywhere, English between words.
        self._wrap = WrapMode.CHAR if document.language == "zh" else WrapMode.WORD
        regular, bold = fonts.chinese()
        self.add_font(_FONT, "", regular.path, collection_font_number=regular.number)
        self.add_font(_FONT, "B", bold.path, collection_font_number=bold.number)
        self.set_title(plain(document.title))
        self.set_subject(plain(document.subtitle))
        self.set_author("Wangge 网格")
        self.set_lang("zh-CN" if document.language == "zh" else "en")
        self.set_creation_date(document.created)
        self.set_margin(_MARGIN_MM)
        self.set_auto_page_break(auto=True, margin=_MARGIN_MM)
        self.set_text_color(*_INK)

    def footer(self) -> None:
        """Write the foot of a page; the base class calls it."""
        self.set_y(-12)
        self.set_font(_FONT, size=7.5)
        self.set_text_color(*_MUTED)
        # A map says at its own foot whose data it shows.
        text = f"{self.page_no()}" if self.w > self.h else f"{self._foot}    {self.page_no()}"
        self.cell(w=0, text=text, align="C")
        self.set_text_color(*_INK)

    def say(self, text: str, *, size: float, bold: bool = False) -> None:
        """Write a paragraph."""
        self.set_font(_FONT, "B" if bold else "", size)
        self.multi_cell(
            w=0,
            text=plain(text),
            h=size * 0.55,
            align="L",
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
            wrapmode=self._wrap,
        )
        self.ln(size * 0.12)

    def facts(self, document: Document) -> None:
        """Write names and values below each other."""
        rows = [(name, value) for name, value in document.facts]
        self._lines(Table((), rows, (1, 3)), borders=TableBordersLayout.NONE)

    def add(self, block: Block) -> None:
        """Set a block where the last one ended."""
        if isinstance(block, Sheet):
            self.add_page(orientation="landscape")
            self.image(BytesIO(block.png), x=0, y=0, w=_A4_MM[1], h=_A4_MM[0], alt_text=plain(block.text))
            return
        if self.w > self.h:
            self.add_page(orientation="portrait")
        if isinstance(block, Heading):
            self.ln(3)
            # A heading alone at the foot of a page says nothing.
            if self.will_page_break(30):
                self.add_page()
            self.say(block.text, size=13, bold=True)
        elif isinstance(block, Paragraph):
            self.say(block.text, size=9.5)
        else:
            self._lines(block, borders=TableBordersLayout.HORIZONTAL_LINES)
            self.ln(2)

    def _lines(self, block: Table, *, borders: TableBordersLayout) -> None:
        self.set_font(_FONT, size=8.5)
        self.set_draw_color(184, 193, 202)
        self.set_line_width(0.1)
        align = tuple("RIGHT" if column in block.numbers else "LEFT" for column in range(len(block.widths)))
        with self.table(
            col_widths=tuple(block.widths),
            text_align=align,
            line_height=4.6,
            padding=(0.6, 1.2),
            borders_layout=borders,
            cell_fill_mode=TableCellFillMode.NONE,
            headings_style=FontFace(emphasis="BOLD", fill_color=_HEAD, color=_INK),
            first_row_as_headings=bool(block.header),
            wrapmode=self._wrap,
        ) as table:
            for line in [block.header, *block.rows] if block.header else block.rows:
                row = table.row()
                for text in line:
                    row.cell(plain(text))

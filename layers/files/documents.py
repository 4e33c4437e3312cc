"""A report on paper, whatever its format: blocks of words, tables and maps in their order."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

#: What no document may hold (XML 1.0, section 2.2), and what would turn the order of its neighbours.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


@dataclass(frozen=True, slots=True)
class Heading:
    """A line above a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a header, which is repeated on each page.

    Parameters
    ----------
    widths
        Of the columns, to each other.
    numbers
        Numbers of the columns that are set flush right.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[float]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture (PNG, A4 landscape) on a page of its own, with what it shows for those who cannot see it."""

    png: bytes
    text: str


Block: TypeAlias = Heading | Paragraph | Table | Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A report.

    Parameters
    ----------
    facts
        Names and values at its head.
    footer
        What stands at the foot of each page, before its number.
    """

    title: str
    subtitle: str
    language: Literal["zh", "en"]
    facts: Sequence[tuple[str, str]]
    blocks: Sequence[Block]
    footer: str
    created: dt.datetime


def plain(text: str) -> str:
    """Return text on one line that every document can hold; what cannot be printed becomes a question mark."""
    return " ".join(_UNPRINTABLE.sub("?", text).split())

"""What a caller's words say about a place, before anything is looked up: pure, and without a gazetteer.

A phrase is read as one squeezed text (:func:`layers.search.spelling.squeezed`) in which some characters are
house numbers, building numbers or codes. Names are not cut out of it: which part is a name is known only from
the names there are.
"""

import re
import unicodedata
from dataclasses import dataclass

from geo.faults import DataError, Fault
from layers.search import wording
from layers.search.coordinates import Pasted, pasted
from layers.search.spelling import is_chinese, squeezed, syllabified

#: Longest text that is understood, characters.
MOST = 500

_BUILDING = re.compile(r"(?P<number>\d{1,4}|[a-z]\d{0,2})(?:号楼|栋|幢|座|#楼|#)")
_HOUSE = re.compile(
    r"(?P<number>\d{1,5})(?:-\d{1,4}|/\d{1,4})*(?:号院|号(?!楼|线|门(?![前口])|网格|公路|店|桥|岗))|(?P<lane>\d{1,5})弄"
)
#: A bare number right after a kind of street, or at the very end of a text in letters.
_BARE = re.compile(
    r"(?<=[路街巷道])(?P<number>\d{1,5})(?=$|[^\d路街巷道站栋幢座楼单号网])|(?<=[a-z])(?P<last>\d{1,5})(?=$)"
)
#: Written as everybody writes codes: a few letters, then digits; or digits only.
_CODE = re.compile(r"(?:[a-z]{1,8}[-_]?\d{1,20}|\d{2,20})(?:[a-z]\d{1,6})?", re.IGNORECASE)
_LETTERS = re.compile(r"[a-z]+")
#: Readings in pinyin tried at most; each doubles the work.
_MOST_READINGS = 4


@dataclass(frozen=True, slots=True)
class Unit:
    """The least that a name is compared with: a character, a typed syllable, or a typed initial.

    ``start`` and ``end`` are where it stands in the squeezed text; ``generic`` tells that it belongs to a word
    that says what kind of place is meant.
    """

    text: str
    start: int
    end: int
    typed: bool = False
    generic: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a door (``house``) or of a building, and where it stands in the squeezed text."""

    value: str
    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Phrase:
    """What was understood.

    Parameters
    ----------
    text
        Squeezed.
    readings
        The text as units, in every way its letters may be meant: as letters first, then as pinyin.
    crossing
        Whether the place is where two streets meet.
    lettered
        Whether the text holds letters and no Chinese character, and the first reading is of letters only.
    """

    text: str
    readings: tuple[tuple[Unit, ...], ...]
    numbers: tuple[Number, ...] = ()
    code: str | None = None
    coordinates: Pasted | None = None
    crossing: bool = False
    lettered: bool = False


def parse(text: str) -> Phrase:
    """Understand a text.

    Raises
    ------
    DataError
        On field ``q``, when it is empty, longer than :data:`MOST`, or holds neither word nor number.
    """
    stripped = text.strip()
    if not stripped:
        raise _unusable("Say a place: a name, an address, a crossing, a code, pinyin or coordinates.")
    if len(stripped) > MOST:
        raise _unusable(
            f"The text has {len(stripped)} characters, at most {MOST} are read: say the place only."
        )
    plain = squeezed(stripped)
    if not any(character.isalnum() for character in plain):
        raise _unusable(f"{stripped[:40]!r} holds no word, number or coordinate.")
    whole = _CODE.fullmatch(unicodedata.normalize("NFKC", stripped))
    coded = whole is not None and not whole[0].isdigit()
    # The letters of a code are no pinyin, its digits no house number.
    readings = (_literal(plain),) if coded else tuple(_readings(plain))
    return Phrase(
        text=plain,
        readings=readings,
        numbers=() if coded else tuple(numbers(plain)),
        code=whole[0] if whole else None,
        coordinates=pasted(stripped),
        crossing=bool(wording.CROSSING.search(plain)),
        lettered=len(readings) > 1 and not any(is_chinese(character) for character in plain),
    )


def house_number(text: str) -> str | None:
    """Return the number of a house or building at the beginning of a text such as 120号, 12-3, 3栋 or A座."""
    found = re.match(r"\d{1,5}|[a-z]\d{0,2}(?![a-z])", squeezed(text))
    return found[0].lstrip("0") or "0" if found else None


def _unusable(message: str) -> DataError:
    return DataError(Fault(kind="parameter-invalid", field="q", message=message))


def numbers(text: str) -> list[Number]:
    """Return the numbers of houses and buildings in a squeezed text, in their order."""
    found: list[Number] = []
    taken: set[int] = set()
    for kind, pattern in (("building", _BUILDING), ("house", _HOUSE), ("house", _BARE)):
        for match in pattern.finditer(text):
            value = next(value for value in match.groupdict().values() if value)
            if not taken & set(range(*match.span())):
                found.append(Number(value.lstrip("0") or "0", kind, *match.span()))
                taken |= set(range(*match.span()))
    return sorted(found, key=lambda number: number.start)


def _readings(text: str) -> list[tuple[Unit, ...]]:
    """Return the text as characters and, where it holds letters, with the letters as pinyin."""
    literal = _literal(text)
    runs = list(_LETTERS.finditer(text))
    if not runs or max(len(run[0]) for run in runs) > 60:  # noqa: PLR2004 - no name sounds that long
        return [literal]
    # Letters after a digit or before a kind of building number a building: A座.
    found: list[tuple[Unit, ...]] = [()]
    end = 0
    for run in runs:
        between = literal[end : run.start()]
        divisions = [_typed(run, parts) for parts in syllabified(run[0])]
        found = [(*before, *between, *part) for before in found for part in divisions][:_MOST_READINGS]
        end = run.end()
    readings = [(*before, *literal[end:]) for before in found]
    return readings if any(is_chinese(c) for c in text) else [literal, *readings]


def _literal(text: str) -> tuple[Unit, ...]:
    generic = {at for span in wording.kinds_in(text) for at in range(*span)}
    return tuple(Unit(c, at, at + 1, generic=at in generic) for at, c in enumerate(text))


def _typed(run: re.Match[str], parts: tuple[str, ...]) -> tuple[Unit, ...]:
    units, start = [], run.start()
    for part in parts:
        units.append(Unit(part, start, start + len(part), typed=True))
        start += len(part)
    return tuple(units)

"""How names are written and sound: one spelling for all that mean the same, and the pinyin of characters.

A *squeezed* text has full-width forms, letters' case, accents, Chinese numerals and everything that is
neither letter nor digit evened out, so that 第３网格, 第三网格 and ３网格 are one.
"""

import re
import unicodedata
from functools import cache, lru_cache

from pypinyin import Style, pinyin
from pypinyin.constants import PHRASES_DICT
from pypinyin.contrib.tone_convert import to_normal

_NUMERALS = "零一二三四五六七八九"
_DIGITS = {character: str(digit) for digit, character in enumerate(_NUMERALS)} | {"〇": "0"}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_NUMERAL = re.compile(rf"第?[{_NUMERALS}〇十百千]+")
_WELL_FORMED = re.compile(
    rf"([{_NUMERALS[1:]}]千)?零?([{_NUMERALS[1:]}]百)?零?([{_NUMERALS[1:]}]?十)?零?[{_NUMERALS[1:]}]?"
)
_ORDINAL = re.compile(r"第(?=\d)")
_JOINED = re.compile(r"(?<=\d)[^\w-]+(?=\d)")
_NOT_WORD = re.compile(r"[^\w#-]|_")
_DASH = re.compile(r"(?<!\d)-|-(?!\d)")
#: Share of the dictionary's phrases with a character in which one of its readings must stand to be kept.
_USUAL = 0.04
#: Sounds that speakers of the south do not tell apart, nor those who type what they hear.
_ALIKE_INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("l", "n"))
_ALIKE_FINALS = (("ang", "an"), ("eng", "en"), ("ing", "in"))
#: Nobody types more initials than this without a syllable.
_MOST_INITIALS = 8
#: Readings of digits, as names with numerals are typed in pinyin.
_DIGIT_READINGS = {
    "0": "ling",
    "1": "yi",
    "2": "er",
    "3": "san",
    "4": "si",
    "5": "wu",
    "6": "liu",
    "7": "qi",
    "8": "ba",
    "9": "jiu",
}
#: Where GB 2312 keeps its 3755 common characters: every syllable is among them.
_COMMON = (0xB0, 0xD8)


@lru_cache(maxsize=65_536)
def squeezed(text: str) -> str:
    """Return the one spelling of a text: lower-case letters, digits and Chinese characters without gaps.

    Numerals become digits (二十四 → 24, 一二零 → 120), and 第 before them is dropped. Only `#` and dashes
    between digits are kept of all marks; digits that a gap parted are kept apart by `/`.
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    # Accents of letters; marks of other scripts are decomposed alike on both sides of every comparison.
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    text = _NUMERAL.sub(lambda found: _number(found[0]), text)
    text = _ORDINAL.sub("", text)
    text = _JOINED.sub("/", text)
    text = "/".join(_NOT_WORD.sub("", part) for part in text.split("/"))
    return _DASH.sub("", re.sub(r"(?<!\d)/|/(?!\d)", "", text))


def _number(text: str) -> str:
    """Write a numeral in digits; what is none, such as 千 alone, stays."""
    bare = text.removeprefix("第")
    if all(character in _DIGITS for character in bare):
        return "".join(_DIGITS[character] for character in bare)
    if bare in {"百", "千"} or not _WELL_FORMED.fullmatch(bare):
        return text
    total, digit = 0, 0
    for character in bare:
        if character in _UNITS:
            total += (digit or 1) * _UNITS[character]
            digit = 0
        else:
            digit = int(_DIGITS[character])
    return str(total + digit)


@lru_cache(maxsize=65_536)
def readings(character: str) -> tuple[str, ...]:
    """Return the toneless pinyin of a Chinese character or digit, usual readings first; empty for others.

    A character with several readings (长, 重, 乐) has all that are usual, wherever it stands: which one a name
    takes is rarely known, and callers who type another mean the same place.
    """
    if character in _DIGIT_READINGS:
        return (_DIGIT_READINGS[character],)
    if not is_chinese(character):
        return ()
    found = pinyin(character, style=Style.NORMAL, heteronym=True, errors="ignore")
    every = list(dict.fromkeys(found[0])) if found else []
    counts = _in_phrases().get(character, {})
    total = sum(counts.values())
    usual = [one for one in every if counts.get(one, 0) >= _USUAL * total]
    return tuple(sorted(usual, key=lambda one: -counts.get(one, 0)) or every[:1])


@cache
def _in_phrases() -> dict[str, dict[str, int]]:
    """In how many phrases of the dictionary each character is read how."""
    found: dict[str, dict[str, int]] = {}
    for phrase, syllables_ in PHRASES_DICT.items():
        for character, said in zip(phrase, syllables_, strict=False):
            counts = found.setdefault(character, {})
            plain = _toneless(said[0])
            counts[plain] = counts.get(plain, 0) + 1
    return found


_toneless = lru_cache(maxsize=8192)(to_normal)


@lru_cache(maxsize=4096)
def alike(syllable: str) -> str:
    """Return what a syllable and those that sound like it have in common."""
    for sound, plain in _ALIKE_INITIALS:
        if syllable.startswith(sound):
            syllable = plain + syllable[len(sound) :]
            break
    for sound, plain in _ALIKE_FINALS:
        if syllable.endswith(sound):
            return syllable[: -len(sound)] + plain
    return syllable


@lru_cache(maxsize=65_536)
def sounds(character: str) -> frozenset[str]:
    """Return the readings of a character as :func:`alike` writes them."""
    return frozenset(alike(reading) for reading in readings(character))


def is_chinese(character: str) -> bool:
    """Tell whether this is a Chinese character."""
    return "\u3400" <= character <= "\u9fff" or "\U00020000" <= character <= "\U0003ffff"


@cache
def syllables() -> frozenset[str]:
    """Every toneless syllable."""
    first, last = _COMMON
    codes = (bytes((row, cell)) for row in range(first, last) for cell in range(0xA1, 0xFF))
    characters = (code.decode("gb2312", errors="ignore") for code in codes)
    return frozenset(reading for character in characters if character for reading in readings(character))


def syllabified(letters: str, *, most: int = 2) -> list[tuple[str, ...]]:
    """Divide typed letters into syllables and initials, the likeliest divisions first, and initials alone last.

    ``jiahuxiaoqu`` is jia hu xiao qu; ``jiahxq`` is jia h x q; ``jhxq`` is j h x q; ``xian`` is xian or xi an.
    """
    known = syllables()
    # Best divisions of every beginning: (cost, parts). A syllable says more than an initial.
    best: list[list[tuple[float, tuple[str, ...]]]] = [[(0.0, ())]]
    for end in range(1, len(letters) + 1):
        found = []
        for start in range(max(0, end - 6), end):
            part = letters[start:end]
            if part in known or len(part) == 1:
                cost = 1.0 if part in known and len(part) > 1 else 1.6
                found += [(before + cost, (*parts, part)) for before, parts in best[start]]
        best.append(sorted(found)[:most])
    divided = [parts for _, parts in best[-1]]
    initials = [tuple(letters)] if len(letters) <= _MOST_INITIALS else []
    return list(dict.fromkeys([*divided, *initials]))

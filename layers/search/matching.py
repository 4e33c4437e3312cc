"""How well a name fits a part of a phrase: pure.

A name's proper part is compared character by character: the same, the same sound, a sound taken for it, another
(a weighted edit distance, Damerau 1964), anywhere in the phrase. Its kind is compared as a word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from layers.search import wording
from layers.search.phrases import Phrase, Unit
from layers.search.spelling import alike, is_chinese, readings, sounds

#: What a character costs that differs, by how.
_SAME_SOUND, _SOUNDS_ALIKE, _OTHER = 0.15, 0.25, 1.0
_TYPED, _TYPED_ALIKE, _TYPED_INITIAL = 0.06, 0.2, 0.12
_MISSING, _EXTRA, _SWAPPED = 1.0, 0.8, 0.5
#: Weight of a character within a name that only says what kind of place it is.
_GENERIC = 0.35
#: What another kind than the name's costs: one of the same class, one of another.
_SYNONYM, _OTHER_KIND = 0.35, 1.2
#: Share of a kind that may be misspelt where no other kind stands.
_HALF = 0.5
#: Among parts that fit a stem nearly as well, the kind that follows decides.
_KINDS_DIFFER = 0.5
#: Below this a name does not fit.
LEAST = 0.5


@dataclass(frozen=True, slots=True)
class Fit:
    """A name's best place in a phrase: from ``start`` to ``end`` of the squeezed text, and how well, 0 to 1."""

    quality: float
    start: int
    end: int


def fit(key: str, phrase: Phrase) -> Fit | None:
    """Return where a squeezed name fits a phrase best; None where it fits nowhere well enough."""
    at = phrase.text.find(key)
    if at >= 0:
        return Fit(1.0, at, at + len(key))
    stem, kind = wording.split(key)
    weights = _weights(stem)
    # Letters are compared with letters as they stand, with characters by what they spell.
    ways = phrase.readings[1:] if phrase.lettered and _has_characters(key) else phrase.readings
    found = [_aligned(stem, kind, weights, units, phrase.text) for units in ways]
    best = max(found, key=lambda one: (one.quality, one.end - one.start))
    return best if best.quality >= LEAST else None


@lru_cache(maxsize=65_536)
def _has_characters(key: str) -> bool:
    return any(is_chinese(character) for character in key)


def _aligned(stem: str, kind: str, weights: Sequence[float], units: Sequence[Unit], text: str) -> Fit:
    total = sum(weights) + bool(kind)
    ends = _ends(stem, weights, units)
    least = min(cost for cost, _ in ends)
    best = Fit(0.0, 0, 0)
    for last, (cost, first) in enumerate(ends):
        if cost > least + _KINDS_DIFFER or last <= first:
            continue
        start, end = units[first].start, units[last - 1].end
        of_kind, end = _kind_cost(kind, units, last, text) if kind else (0.0, end)
        quality = max(0.0, 1 - (cost + of_kind) / total)
        if (quality, end - start) > (best.quality, best.end - best.start):
            best = Fit(quality, start, end)
    return best


def _kind_cost(kind: str, units: Sequence[Unit], after: int, text: str) -> tuple[float, int]:
    """Compare a name's kind with what follows its proper part; the cost, and where it ends in the text."""
    if after < len(units) and units[after].text == "的":
        after += 1
    end = units[after - 1].end
    if text.startswith(kind, end):
        return 0.0, end + len(kind)
    rest = units[after : after + len(kind)]
    misspelt = sum(difference(character, unit) for character, unit in zip(kind, rest, strict=False)) / len(
        kind
    )
    if len(rest) == len(kind) and misspelt <= _SOUNDS_ALIKE:
        return misspelt, rest[-1].end
    said = wording.kind_at(text, end)
    of_class = wording.class_of(kind)
    if said:
        return (_SYNONYM, end + len(said)) if wording.class_of(said) == of_class else (_OTHER_KIND, end)
    # Somebody who is still typing has said the beginning of the kind.
    if text[end:] and kind.startswith(text[end:]):
        return _SYNONYM / 2, len(text)
    dropped = wording.DROPPED.get(of_class, wording.DROPPED_ELSE)
    if len(rest) == len(kind) and misspelt <= _HALF:
        return min(misspelt, dropped), rest[-1].end
    return dropped, end


@lru_cache(maxsize=65_536)
def _kind_positions(stem: str) -> tuple[bool, ...]:
    marked = [False] * len(stem)
    for start, end in wording.kinds_in(stem):
        marked[start:end] = [True] * (end - start)
    return tuple(marked) if not all(marked) else (False,) * len(stem)


def _weights(stem: str) -> list[float]:
    return [_GENERIC if generic else 1.0 for generic in _kind_positions(stem)]


def difference(character: str, unit: Unit) -> float:
    """Return how much a character of a proper name differs from what was said, 0 (the same) to 1.

    What belongs to a word of kind was not said for a proper name that sounds like it: 家属院 is no 书源.
    """
    if unit.generic and character != unit.text:
        return _OTHER
    return _sounding(character, unit)


def _sounding(character: str, unit: Unit) -> float:
    if character == unit.text:
        return 0.0
    return _typed(character, unit.text) if unit.typed else _written(character, unit.text)


@lru_cache(maxsize=65_536)
def _written(character: str, other: str) -> float:
    mine = readings(character)
    if not mine:
        return _OTHER
    if not set(mine).isdisjoint(readings(other)):
        # Digits sound alike only to who spells them out.
        return _OTHER if character.isdigit() and other.isdigit() else _SAME_SOUND
    return _OTHER if sounds(character).isdisjoint(sounds(other)) else _SOUNDS_ALIKE


@lru_cache(maxsize=65_536)
def _typed(character: str, letters: str) -> float:
    mine = readings(character)
    if letters in mine:
        return _TYPED
    if len(letters) == 1:
        return _TYPED_INITIAL if any(reading.startswith(letters) for reading in mine) else _OTHER
    return _TYPED_ALIKE if alike(letters) in sounds(character) else _OTHER


def _ends(stem: str, weights: Sequence[float], units: Sequence[Unit]) -> list[tuple[float, int]]:
    """Compare a stem with every part of the units: by the unit after the part, its cost and its first unit."""
    count = len(units)
    before = [(0.0, at) for at in range(count + 1)]
    older = before
    for row, (character, weight) in enumerate(zip(stem, weights, strict=True)):
        now = [(before[0][0] + weight * _MISSING, 0)]
        for at, unit in enumerate(units, start=1):
            cost, first = before[at - 1]
            best = (cost + weight * difference(character, unit), first)
            for cost, first in (
                (before[at][0] + weight * _MISSING, before[at][1]),
                (now[at - 1][0] + _EXTRA, now[at - 1][1]),
            ):
                if cost < best[0]:
                    best = (cost, first)
            if row and at > 1 and stem[row - 1] == unit.text and character == units[at - 2].text:
                cost, first = older[at - 2]
                best = min(best, (cost + _SWAPPED, first))
            now.append(best)
        older, before = before, now
    return before

"""What names are found by: short pieces of their spelling and sound, kept in one inverted index.

PostgreSQL's trigrams know no character in a database whose locale is plain C, and tell little of a name of two
characters, so names carry pieces of our own. The pieces of a name and of a phrase are made alike; those shared
say which names to compare with the phrase (:mod:`layers.search.matching`), not how well they fit.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise, product

from layers.search import wording
from layers.search.phrases import Phrase, Unit
from layers.search.spelling import alike, is_chinese, readings, sounds

#: Initials are looked up by their beginning; longer ones say no more.
_MOST_INITIALS = 8
#: Ways to read a name's initials kept, where characters have several readings.
_MOST_READINGS = 6
_SHORT = 2


def of_name(key: str, spoken: str) -> list[str]:
    """Return the pieces of a name.

    Parameters
    ----------
    key
        The squeezed name.
    spoken
        The name as written, whose numerals are read aloud.
    """
    if not any(is_chinese(character) for character in key):
        return sorted({f"~{key[at : at + 3]}" for at in range(max(1, len(key) - 2))})
    generic = _generic(key)
    found = {key} if len(key) == 1 else set()
    for at in range(len(key) - 1):
        if generic[at : at + 2] != b"\1\1":
            found |= {_pair(key[at], key[at + 1]), *_sounded(sounds(key[at]), sounds(key[at + 1]))}
    stem, kind = wording.split(key)
    if kind and len(stem) == _SHORT:
        found.add(_headed(stem[0], kind))
    return sorted(found | _initials(spoken))


def of_phrase(phrase: Phrase) -> list[str]:
    """Return the pieces of a phrase, over all its readings."""
    text = phrase.text
    found = {f"~{text[at : at + 3]}" for at in range(len(text) - 2) if _latin(text[at : at + 3])}
    found |= set(text) if len(text) == 1 else set()
    found |= {_pair(text[at], text[at + 1]) for at in range(len(text) - 1)}
    for start, end in _kinds(text):
        found |= {_headed(text[at], text[start:end]) for at in range(max(0, start - 3), start)}
    for units in phrase.readings:
        for one, two in pairwise(units):
            found |= set(_sounded(_sounds(one), _sounds(two)))
        found |= set(_typed_initials(units))
    return sorted(found)


def _generic(key: str) -> bytes:
    """Mark the characters that only say what kind of place it is; none, where a name says nothing else."""
    marked = bytearray(len(key))
    for start, end in wording.kinds_in(key):
        marked[start:end] = b"\1" * (end - start)
    return bytes(marked) if not all(marked) else bytes(len(key))


def _pair(one: str, two: str) -> str:
    # Neighbours in either order: two characters that changed places are a common slip.
    return one + two if one <= two else two + one


def _sounded(one: frozenset[str], two: frozenset[str]) -> Iterator[str]:
    return (f"{a} {b}" for a, b in product(one, two))


def _headed(character: str, kind: str) -> str:
    return f"{character}*{kind}"


def _kinds(text: str) -> Iterator[tuple[int, int]]:
    """Where a kind may stand in a text, the longest at each position."""
    for start in range(1, len(text)):
        kind = wording.kind_at(text, start)
        if kind:
            yield start, start + len(kind)


def _sounds(unit: Unit) -> frozenset[str]:
    if not unit.typed:
        return sounds(unit.text)
    return frozenset({alike(unit.text)}) if len(unit.text) > 1 else frozenset()


def _latin(text: str) -> bool:
    return text.isalnum() and not any(is_chinese(character) for character in text)


def _initials(spoken: str) -> set[str]:
    """Beginnings of a name's initials, from two letters on."""
    letters = [sorted({reading[0] for reading in readings(c)}) for c in spoken if is_chinese(c)]
    found: set[str] = set()
    for chosen in list(product(*letters[:_MOST_INITIALS]))[:_MOST_READINGS]:
        word = "".join(chosen)
        found |= {f"={word[:length]}" for length in range(2, len(word) + 1)}
    return found


def _typed_initials(units: Sequence[Unit]) -> Iterator[str]:
    """Initials of each run of typed units, where at least one of them is an initial."""
    run: list[str] = []
    for unit in (*units, Unit("", 0, 0)):
        if unit.typed:
            run.append(unit.text)
            continue
        if len(run) > 1 and any(len(part) == 1 for part in run):
            yield "=" + "".join(part[0] for part in run[:_MOST_INITIALS])
        run = []

"""Which guess is meant: those that fit best and agree with the rest of the phrase come first. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from layers.search.guesses import Guess, Mention, Reason

#: What tells the place more exactly comes first among equals.
_KINDS = {
    "coordinate": 0.05,
    "code": 0.04,
    "door": 0.03,
    "crossing": 0.03,
    "between": 0.02,
    "feature": 0.0,
    "nearest": -0.03,
    "street": -0.05,
}
_LAYERS = {
    "buildings": 0.015,
    "compounds": 0.012,
    "communities": 0.008,
    "facilities": 0.006,
    "addresses": 0.01,
    "grids": 0.004,
    "subdistricts": 0.004,
}
#: Parts of a phrase say the same place when they lie this far apart at most beyond both uncertainties, metres;
#: what it is worth that another part does, or does not.
TOGETHER_M = 250.0
_AGREES, _DISAGREES = 0.05, -0.12
#: Worst fit of a part that counts for or against another.
_LEAST_WITNESS = 0.85
#: How much worse than the best of its part a guess may fit to stand for the part.
_BEST = 0.05
#: Inside an area that the phrase names, or outside it.
_INSIDE, _OUTSIDE = 0.03, -0.15
#: A guess from less of the text than another that fits as well.
_DOMINATED, _AS_WELL = -0.15, 0.1
#: What nearness to the place that the caller is thought to be at is worth, and how far it reaches, metres.
_NEAR, _NEAR_M = 0.02, 1500.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A guess with its score; above 1 where other parts of the phrase agree."""

    guess: Guess
    score: float


def rank(
    guesses: Sequence[Guess],
    xy: Floats,
    *,
    paths: Sequence[frozenset[str]],
    context: Sequence[Mention] = (),
    near: tuple[float, float] | None = None,
) -> list[Ranked]:
    """Order guesses, best first, each with why its score changed.

    Parameters
    ----------
    xy
        Their places in the metric plane, shape (n, 2).
    paths
        Codes of the areas that each lies in.
    context
        Areas that the phrase names beside the place itself.
    near
        Where the caller is thought to be, in the metric plane.
    """
    found = []
    for at, guess in enumerate(guesses):
        score = guess.quality + _KINDS[guess.kind] + _LAYERS.get(guess.layer or "", 0.0)
        score += _DOMINATED if any(_dominates(other, guess) for other in guesses) else 0.0
        change, reasons = _witnesses(guesses, xy, at)
        score += change
        for area in context:
            if area.end <= guess.start or area.start >= guess.end:
                change, reason = _in_context(paths[at], area)
                score, reasons = score + change, [*reasons, *reason]
        if near is not None:
            apart_m = float(np.hypot(*(xy[at] - near)))
            score += _NEAR * float(np.exp(-apart_m / _NEAR_M))
        found.append(Ranked(replace(guess, reasons=(*guess.reasons, *reasons)), score))
    return sorted(found, key=lambda one: (-one.score, one.guess.uncertainty_m, one.guess.code))


def _dominates(one: Guess, other: Guess) -> bool:
    longer = (
        one.start <= other.start and other.end <= one.end and one.end - one.start > other.end - other.start
    )
    return longer and one.quality >= other.quality - _AS_WELL


def _witnesses(guesses: Sequence[Guess], xy: Floats, at: int) -> tuple[float, list[Reason]]:
    """Compare a guess with what the other parts of the phrase mean."""
    mine = guesses[at]
    change, reasons = 0.0, []
    for part in _parts(guesses, mine):
        apart_m = np.hypot(*(xy[part] - xy[at]).T)
        reach_m = mine.uncertainty_m + np.array([guesses[i].uncertainty_m for i in part]) + TOGETHER_M
        witness = guesses[part[int(np.argmin(apart_m - reach_m))]]
        nearest_m = float(np.min(apart_m))
        if (apart_m <= reach_m).any():
            change += _AGREES
            reasons.append((f"与“{witness.name}”相符", f"agrees with {witness.name}"))
        else:
            change += _DISAGREES
            reasons.append(
                (f"与“{witness.name}”相距{nearest_m:.0f}米", f"{nearest_m:.0f} m from {witness.name}")
            )
    return change, reasons


def _parts(guesses: Sequence[Guess], mine: Guess) -> list[list[int]]:
    """Positions of good guesses, by the part of the phrase they are from, for the parts that are not mine."""
    parts: list[tuple[int, int, list[int]]] = []
    for at, guess in sorted(enumerate(guesses), key=lambda pair: pair[1].start - pair[1].end):
        apart = guess.end <= mine.start or guess.start >= mine.end
        if not apart or guess.quality < _LEAST_WITNESS or guess.layer in _AREAS:
            continue
        part = next((part for part in parts if guess.start < part[1] and part[0] < guess.end), None)
        if part is None:
            parts.append((guess.start, guess.end, [at]))
        else:
            part[2].append(at)
    # Only the best of a part say what it means.
    best = [max(guesses[at].quality for at in positions) for _, _, positions in parts]
    return [
        [at for at in positions if guesses[at].quality >= quality - _BEST]
        for quality, (_, _, positions) in zip(best, parts, strict=True)
    ]


_AREAS = frozenset({"districts", "subdistricts", "communities", "grids"})


def _in_context(path: frozenset[str], area: Mention) -> tuple[float, list[Reason]]:
    name = area.name.name
    if area.name.code in path:
        return _INSIDE, [(f"位于{name}内", f"inside {name}")]
    return _OUTSIDE * area.quality, [(f"不在{name}内", f"not inside {name}")]

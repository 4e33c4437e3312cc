"""From what somebody says to ranked places, each with its area by :mod:`geo.assign`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from geo import crs
from geo.levels import LEVEL_OF, LEVELS
from layers import deployment, located
from layers.located import Area, Areas
from layers.search import candidates, guesses, phrases, ranking
from layers.search.guesses import Gazetteer, Guess, Mention, Reason
from layers.search.phrases import Phrase

#: Hits at most.
LIMIT = 10
#: Guesses that are ranked; the rest fit worse.
_MOST_GUESSES = 60
#: An area is what a place lies in, rather than the place, where something finer is named as well as this.
_LEAST_FINER = 0.8
#: Least score of a hit that may be taken without asking, and how far it must be ahead of every other place.
_SURE, _AHEAD = 0.85, 0.08
#: Two hits from one part of the text are one place within this distance beyond their uncertainties, metres.
_SAME_M = 50.0
#: Share of a compound in one grid from which it counts as whole.
_WHOLE = 0.999


@dataclass(frozen=True, slots=True)
class Hit:
    """A place that may be meant, with the area it lies in.

    Parameters
    ----------
    layer, code, name
        The feature; ``layer`` is None for a pasted coordinate.
    kind
        How the place was told, see :class:`layers.search.guesses.Guess`.
    matched
        The part of the text that it was found by.
    reasons
        Why, in Chinese and English.
    score
        0 to 1, for comparison with the other hits of one search.
    lon, lat
        EPSG:4326.
    uncertainty_m
        How far from there what is meant may lie, metres.
    area, path, rule, distance_m, margin_m
        The answer of ``geo.assign`` for lon, lat.
    whole
        Whether all that is meant lies in that area: a large compound may span several.
    """

    layer: str | None
    code: str
    name: str
    kind: str
    matched: str
    reasons: tuple[Reason, ...]
    score: float
    lon: float
    lat: float
    uncertainty_m: float
    area: Area | None
    path: tuple[Area, ...]
    rule: str
    distance_m: float | None
    margin_m: float | None
    whole: bool

    @property
    def grid_code(self) -> str | None:
        """Code of the area, None where there is none."""
        return self.area.code if self.area else None


def find(
    session: Session,
    revision: int,
    text: str,
    *,
    limit: int = LIMIT,
    near: tuple[float, float] | None = None,
    areas: Areas | None = None,
) -> list[Hit]:
    """Return the places that a text may mean at a revision, best first; none where nothing fits.

    Parameters
    ----------
    text
        Names, addresses, crossings, codes, pinyin, initials; not coordinates, whose datum must be asked for.
    near
        Longitude and latitude that the caller is thought to be near to; of equals the nearer come first.
    areas
        Areas to answer with, of the same revision; the grids by default, which are then read.

    Raises
    ------
    DataError
        On field ``q``, if the text cannot be read, see :func:`layers.search.phrases.parse`.
    NotFound
        If nothing was ever imported.
    """
    phrase = phrases.parse(text)
    gazetteer = Gazetteer(session, revision, deployment.get(session).metric_crs)
    if areas is None:
        areas = located.load_areas(session, revision)
    named = guesses.mentions(gazetteer, phrase)
    context = _context(named)
    found = guesses.guesses(gazetteer, phrase, named)
    found = [guess for guess in found if not _only_context(guess, context)]
    found = sorted(found, key=lambda one: (-one.quality, one.start - one.end))[:_MOST_GUESSES]
    found = _within(gazetteer, [guesses.related(phrase, guess) for guess in found], context)
    return _hits(gazetteer, phrase, found, context, near=near, areas=areas)[:limit]


def confident(hits: Sequence[Hit]) -> Hit | None:
    """Return the hit that may be taken without asking a person; None where there is doubt.

    It fits well, is well ahead of every other place, and all that it may mean lies in one area: an area told by
    a code or a name, a compound that one grid holds whole, or a place farther inside than its uncertainty.
    """
    if not hits:
        return None
    best, *others = hits
    if best.score < _SURE or best.rule != "inside" or not _certain(best):
        return None
    rivals = (hit for hit in others if hit.score > best.score - _AHEAD)
    return best if all(_same_place(best, hit) for hit in rivals) else None


def _certain(hit: Hit) -> bool:
    if hit.kind in {"nearest", "street"}:
        return False
    if hit.layer == "compounds" and hit.kind in {"feature", "code"}:
        return hit.whole
    if hit.area is not None and hit.code == hit.area.code:
        return True
    return hit.margin_m is not None and hit.margin_m >= hit.uncertainty_m


def _same_place(one: Hit, other: Hit) -> bool:
    """Whether two hits say one place: the same one, or one told by two parts of the text that agree."""
    if one.grid_code != other.grid_code:
        return False
    parts = one.matched not in other.matched and other.matched not in one.matched
    most_m = one.uncertainty_m + other.uncertainty_m + (ranking.TOGETHER_M if parts else _SAME_M)
    north_m = 111_195 * (one.lat - other.lat)
    east_m = 111_195 * float(np.cos(np.radians(one.lat))) * (one.lon - other.lon)
    return float(np.hypot(north_m, east_m)) <= most_m


def _context(named: Sequence[Mention]) -> list[Mention]:
    """Areas in which something finer lies that the phrase names too: the best of each part of it."""
    found: list[Mention] = []
    for area in (one for one in named if one.name.layer in LEVEL_OF):
        finer = [
            one for one in named if _apart(one, area) and _finer(one, area) and one.quality >= _LEAST_FINER
        ]
        taken = any(not _apart(area, other) for other in found)
        if finer and not taken and area.quality >= _LEAST_FINER:
            found.append(area)
    return found


def _apart(one: Mention, other: Mention) -> bool:
    return one.end <= other.start or other.end <= one.start


def _finer(one: Mention, area: Mention) -> bool:
    levels = [LEVEL_OF.get(mention.name.layer) for mention in (one, area)]
    return levels[0] is None or LEVELS.index(levels[0]) > LEVELS.index(levels[1] or "district")


def _only_context(guess: Guess, context: Sequence[Mention]) -> bool:
    return any(guess.code == area.name.code and guess.layer == area.name.layer for area in context)


def _within(gazetteer: Gazetteer, found: list[Guess], context: Sequence[Mention]) -> list[Guess]:
    """Move streets without a known number into the area that the phrase names."""
    if not context:
        return found
    finest = max(context, key=lambda area: LEVELS.index(LEVEL_OF[area.name.layer]))
    streets = [guess for guess in found if guess.kind == "street"][:3]
    moved = {id(street): guesses.within(gazetteer, street, finest) for street in streets}
    return [moved.get(id(guess), guess) for guess in found]


def _hits(
    gazetteer: Gazetteer,
    phrase: Phrase,
    found: Sequence[Guess],
    context: Sequence[Mention],
    *,
    near: tuple[float, float] | None,
    areas: Areas,
) -> list[Hit]:
    lon, lat = (np.array([getattr(guess, name) for guess in found]) for name in ("lon", "lat"))
    reference = crs.parse(gazetteer.metric)
    xy = np.column_stack(crs.from_lonlat(lon, lat, reference))
    there = None
    if near is not None:
        x, y = crs.from_lonlat([near[0]], [near[1]], reference)
        there = (float(x[0]), float(y[0]))
    rows = areas.index.assign(lon, lat).area
    paths = [frozenset(area.code for area in areas.path(int(row))) for row in rows]
    ranked = _distinct(ranking.rank(found, xy, paths=paths, context=context, near=there))
    return placed(gazetteer, phrase.text, ranked, areas)


def _distinct(ranked: Sequence[ranking.Ranked]) -> list[ranking.Ranked]:
    """Each place once, by its best guess."""
    found: dict[tuple[str | None, str, str], ranking.Ranked] = {}
    for one in ranked:
        crossing = f"{one.guess.lon:.6f},{one.guess.lat:.6f}" if one.guess.kind == "crossing" else ""
        found.setdefault((one.guess.layer, one.guess.code, crossing), one)
    return list(found.values())


def placed(gazetteer: Gazetteer, text: str, ranked: Sequence[ranking.Ranked], areas: Areas) -> list[Hit]:
    """Return ranked guesses with the area of each."""
    lon, lat = ([getattr(one.guess, name) for one in ranked] for name in ("lon", "lat"))
    assigned = areas.index.assign(lon, lat, margin=True)
    compounds = {one.guess.code for one in ranked if one.guess.layer == "compounds"}
    shares = candidates.shares(gazetteer.session, gazetteer.revision, compounds, located.SCHEME)
    hits = []
    for at, (guess, score) in enumerate((one.guess, one.score) for one in ranked):
        path = areas.path(int(assigned.area[at]))
        hits.append(
            Hit(
                layer=guess.layer,
                code=guess.code,
                name=guess.name,
                kind=guess.kind,
                matched=text[guess.start : guess.end],
                reasons=guess.reasons,
                score=round(min(1.0, max(0.0, score)), 4),
                lon=guess.lon,
                lat=guess.lat,
                uncertainty_m=round(guess.uncertainty_m, 1),
                area=path[-1] if path else None,
                path=path,
                rule=str(assigned.rule_name[at]),
                distance_m=located.number(assigned.distance_m[at]),
                margin_m=located.number(assigned.margin_m[at]),
                whole=shares.get(guess.code, 0.0) >= _WHOLE if guess.layer == "compounds" else True,
            )
        )
    return hits

"""What each part of a phrase may mean: a feature, a door, a building, a crossing, each with its place.

Geometry is decided by :mod:`geo.house_numbers`; how the guesses compare, by :mod:`layers.search.ranking`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from geo import crs, house_numbers
from layers import store
from layers.search import candidates, grams, matching, wording
from layers.search.candidates import Name
from layers.search.phrases import Number, Phrase

Reason = tuple[str, str]
Geometries = NDArray[np.object_]

#: How far a place may lie from where its layer has it, metres: a door is a point on a long wall.
OWN_M = {"addresses": 8.0, "facilities": 15.0, "buildings": 5.0}
#: Characters between a street and its number.
_GAP = 3
#: Streets and compounds whose doors are looked up, streets whose crossings are, for each part of the phrase.
_MOST_HOLDERS, _MOST_STREETS = 5, 4
#: Worst fit of a street that a number or a crossing is looked up on, and how much worse than the best.
_LEAST_HOLDER, _WORSE_HOLDER = 0.6, 0.2
#: How far beside its street a door may lie, metres: this tells streets of one name apart, no place.
_ASIDE_M = 500.0
#: From this fit on, what was found is what was meant, and hides what fits less.
_SURE = 0.9
#: What a compound fits less for a building that is not registered.
_UNKNOWN = 0.97
_NO_LINES: Geometries = np.empty(0, dtype=object)
_LONGEST_STREET = 12
#: Words that join two streets where they meet.
_JOINING = frozenset({"与", "和", "跟", "及", "交", "同", "/", "-", ""})


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in a phrase, from ``start`` to ``end`` of its text."""

    name: Name
    quality: float
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A place that a part of the phrase may mean.

    Parameters
    ----------
    kind
        ``feature``, ``code``, ``door`` (a registered number), ``between`` and ``nearest`` (a number placed among
        known ones), ``street`` (its middle), ``crossing`` or ``coordinate``.
    quality
        How well it fits its part of the phrase, 0 to 1.
    start, end
        That part of the squeezed text.
    """

    layer: str | None
    code: str
    name: str
    kind: str
    quality: float
    start: int
    end: int
    lon: float
    lat: float
    uncertainty_m: float
    reasons: tuple[Reason, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """What is stored, at one revision."""

    session: Session
    revision: int
    metric: str


def mentions(gazetteer: Gazetteer, phrase: Phrase) -> list[Mention]:
    """Return the names that fit a part of a phrase, each feature by its best-fitting name."""
    found: dict[tuple[str, UUID], Mention] = {}
    pieces = grams.of_phrase(phrase)
    for name in candidates.by_pieces(gazetteer.session, gazetteer.revision, pieces):
        fit = matching.fit(name.spelling, phrase)
        if fit is None:
            continue
        mention = Mention(name, fit.quality, fit.start, fit.end)
        key = (name.layer, name.feature)
        if key not in found or _better(mention, found[key]):
            found[key] = mention
    best = [one for one in found.values() if one.quality >= _SURE]
    whole = [one for one in found.values() if not any(_swallows(other, one) for other in best)]
    return sorted(whole, key=lambda one: (-one.quality, one.start - one.end, one.name.code))


def guesses(gazetteer: Gazetteer, phrase: Phrase, named: Sequence[Mention]) -> list[Guess]:
    """Return everything that parts of a phrase may mean."""
    found = [_feature(phrase, mention) for mention in named]
    found += _numbered(gazetteer, phrase, named)
    found += _crossings(gazetteer, phrase, named)
    if phrase.code is not None:
        found += _coded(gazetteer, phrase, phrase.code)
    return found


def _swallows(one: Mention, other: Mention) -> bool:
    """Whether a name takes more of the phrase than one within it, and fits as well: 安堤街道, not 安堤街."""
    longer = one.end - one.start > other.end - other.start
    return longer and one.start <= other.start and other.end <= one.end and one.quality >= other.quality


def _better(one: Mention, other: Mention) -> bool:
    return (one.quality, one.end - one.start) > (other.quality, other.end - other.start)


# --- features ---------------------------------------------------------------------------------------------


def _feature(phrase: Phrase, mention: Mention) -> Guess:
    name = mention.name
    said = phrase.text[mention.start : mention.end]
    if said == name.spelling:
        reason = (f"名称“{name.name}”", f"its name is {name.name}")
    else:
        reason = (f"“{said}”近似“{name.name}”", f"“{said}” is close to {name.name}")
    return Guess(
        layer=name.layer,
        code=name.code,
        name=name.name,
        kind="street" if name.layer == "streets" else "feature",
        quality=mention.quality,
        start=mention.start,
        end=mention.end,
        lon=name.lon,
        lat=name.lat,
        uncertainty_m=name.radius_m + OWN_M.get(name.layer, 0.0),
        reasons=(reason,),
    )


def _coded(gazetteer: Gazetteer, phrase: Phrase, code: str) -> Iterator[Guess]:
    for name in candidates.by_code(gazetteer.session, gazetteer.revision, code):
        whole = name.code.lower() == code.lower()
        found = _feature(phrase, Mention(name, 1.0, 0, len(phrase.text)))
        reason = (f"编码{name.code}", f"its code is {name.code}")
        share = len(code) / len(name.code)
        yield replace(found, kind="code", quality=1.0 if whole else 0.6 + 0.3 * share, reasons=(reason,))


# --- numbers ----------------------------------------------------------------------------------------------


def _numbered(gazetteer: Gazetteer, phrase: Phrase, named: Sequence[Mention]) -> list[Guess]:
    holders = [(number, mention) for number in phrase.numbers for mention in _holders(phrase, number, named)]
    parts = {part for _, mention in holders for part in (mention.name.spelling, mention.name.code)}
    known = candidates.doors(gazetteer.session, gazetteer.revision, parts)
    found: list[Guess] = []
    unknown: list[tuple[Number, Mention, list[Name]]] = []
    for number, holder in holders:
        mine = [door for door in known if _belongs(door, holder.name)]
        exact = _usual([door for door in mine if door.number == number.value])
        found += [_door(phrase, door, holder, end=number.end) for door in exact]
        if not exact:
            unknown.append((number, holder, mine))
    found += _spelled(gazetteer, phrase)
    # What somebody registered as a building of the compound is no unknown building of the old estate on it.
    taken = {(guess.start, guess.end) for guess in found if guess.quality >= _SURE}
    return found + _unregistered(gazetteer, phrase, [one for one in unknown if _part(one) not in taken])


def _part(unknown: tuple[Number, Mention, list[Name]]) -> tuple[int, int]:
    number, holder, _ = unknown
    return holder.start, number.end


def _holders(phrase: Phrase, number: Number, named: Sequence[Mention]) -> list[Mention]:
    """Names right before a number, best first."""
    found = [
        mention
        for mention in named
        if mention.end <= number.start
        and number.start - mention.end <= _GAP
        and not any(character.isdigit() for character in phrase.text[mention.end : number.start])
    ]
    least = max(_LEAST_HOLDER, found[0].quality - _WORSE_HOLDER) if found else 0.0
    return [mention for mention in found if mention.quality >= least][:_MOST_HOLDERS]


def _unregistered(
    gazetteer: Gazetteer, phrase: Phrase, unknown: Sequence[tuple[Number, Mention, list[Name]]]
) -> list[Guess]:
    """Place numbers that are not registered on the street, or in the compound, that they follow."""
    streets = {holder.name.name for _, holder, _ in unknown if holder.name.layer == "streets"}
    lines = candidates.street_lines(gazetteer.session, gazetteer.revision, streets)
    found = []
    for number, holder, doors in unknown:
        said = phrase.text[number.start : number.end]
        plain = replace(_feature(phrase, holder), end=number.end)
        name = holder.name.name
        if holder.name.layer == "streets" and number.kind == "house":
            plates = [door for door in doors if door.layer == "addresses" and (door.number or "").isdigit()]
            found.append(_among(gazetteer, plain, plates, number, lines.get(name, _NO_LINES)))
        elif holder.name.layer in {"compounds", "old_estates"}:
            reason = (f"{said}未登记，取{name}的位置", f"{said} is not registered: the place of {name}")
            found.append(replace(plain, reasons=(*plain.reasons, reason), quality=_UNKNOWN * plain.quality))
    return found


def _belongs(door: Name, holder: Name) -> bool:
    """Whether a door is one of a street or compound, and lies where that does: others may have its name."""
    if door.part_of == holder.code and holder.layer != "streets":
        return True
    if door.part_of != holder.spelling:
        return False
    north_m = 111_000 * abs(door.lat - holder.lat)
    east_m = 111_000 * abs(door.lon - holder.lon) * float(np.cos(np.radians(holder.lat)))
    return float(np.hypot(north_m, east_m)) <= holder.radius_m + _ASIDE_M


def _usual(doors: Sequence[Name]) -> list[Name]:
    """Of several rows with one number, those of the layer that is there to hold them."""
    for layer in ("addresses", "buildings"):
        chosen = [door for door in doors if door.layer == layer]
        if chosen:
            return chosen[:3]
    return list(doors)


def _door(phrase: Phrase, door: Name, holder: Mention, *, end: int) -> Guess:
    of = holder.name.name
    shown = f"{of}{door.name}" if door.layer == "buildings" and not door.name.startswith(of) else door.name
    found = _registered(phrase, door, holder.start, end, shown=shown)
    return replace(found, quality=holder.quality)


def _registered(phrase: Phrase, door: Name, start: int, end: int, *, shown: str) -> Guess:
    said = phrase.text[start:end]
    if door.layer in {"addresses", "buildings"}:
        reason = (f"已登记：{shown}", f"registered: {shown}")
    else:
        reason = (f"{door.name}的地址是{said}", f"{said} is the address of {door.name}")
    return Guess(
        layer=door.layer,
        code=door.code,
        name=shown,
        kind="door",
        quality=1.0,
        start=start,
        end=end,
        lon=door.lon,
        lat=door.lat,
        uncertainty_m=door.radius_m + OWN_M.get(door.layer, 0.0),
        reasons=(reason,),
    )


def _spelled(gazetteer: Gazetteer, phrase: Phrase) -> Iterator[Guess]:
    """Numbers on streets that no layer has, found by the spelling before the number."""
    pairs: dict[tuple[str, str], tuple[int, int]] = {}
    for number in phrase.numbers:
        for start in range(max(0, number.start - _LONGEST_STREET), number.start - 1):
            pairs[phrase.text[start : number.start], number.value] = (start, number.end)
    for door in _usual(candidates.numbered(gazetteer.session, gazetteer.revision, pairs)):
        start, end = pairs[door.part_of or "", door.number or ""]
        yield _registered(phrase, door, start, end, shown=door.name)


def _among(
    gazetteer: Gazetteer, street: Guess, known: Sequence[Name], number: Number, lines: Geometries
) -> Guess:
    """Place a number that is not registered among those of its street that are."""
    if not known:
        reason = (
            f"{street.name}没有登记门牌，取道路中点",
            f"no number of {street.name} is registered: the middle of the street",
        )
        return replace(street, kind="street", reasons=(*street.reasons, reason))
    numbers = np.array([int(door.number or 0) for door in known])
    reference = crs.parse(gazetteer.metric)
    x, y = crs.from_lonlat([door.lon for door in known], [door.lat for door in known], reference)
    plane = crs.to_metric(lines, gazetteer.metric)
    placed = house_numbers.door(plane, numbers, x, y, wanted=int(number.value))
    lon, lat = crs.to_lonlat([placed.x], [placed.y], reference)
    return replace(
        street,
        kind=placed.how,
        name=f"{street.name}{number.value}号",
        lon=float(lon[0]),
        lat=float(lat[0]),
        uncertainty_m=placed.uncertainty_m + OWN_M["addresses"],
        reasons=(*street.reasons, _told(street.name, number.value, [known[at] for at in placed.known])),
    )


def _told(street: str, value: str, known: Sequence[Name]) -> Reason:
    numbers = [f"{door.number}号" for door in known]
    if len(known) == 1:
        return (
            f"{value}号未登记，取最近的{numbers[0]}",
            f"number {value} is not registered: the nearest known, {known[0].number}",
        )
    return (
        f"{value}号未登记，在{numbers[0]}与{numbers[1]}之间推算",
        f"number {value} is not registered: placed between {known[0].number} and {known[1].number} on {street}",
    )


# --- crossings --------------------------------------------------------------------------------------------


def _crossings(gazetteer: Gazetteer, phrase: Phrase, named: Sequence[Mention]) -> list[Guess]:
    """Where two streets of the phrase meet, when it says so."""
    streets = [one for one in named if one.name.layer == "streets" and one.quality >= _LEAST_HOLDER]
    pairs = [pair for pair in _pairs(streets) if _meet(phrase, *pair)]
    if not pairs:
        return []
    names = {mention.name.name for pair in pairs for mention in pair}
    lines = {
        name: crs.to_metric(each, gazetteer.metric)
        for name, each in candidates.street_lines(gazetteer.session, gazetteer.revision, names).items()
    }
    return [guess for pair in pairs for guess in _where_met(gazetteer, pair, lines)]


def _pairs(streets: Sequence[Mention]) -> list[tuple[Mention, Mention]]:
    """Pairs of streets in different parts of the phrase, the best of each part."""
    parts: list[list[Mention]] = []
    for street in streets:
        part = next((part for part in parts if _overlap(part[0], street)), None)
        if part is None:
            parts.append([street])
        elif len(part) < _MOST_STREETS:
            part.append(street)
    parts.sort(key=lambda part: part[0].start)
    return [
        pair for at, part in enumerate(parts) for other in parts[at + 1 :] for pair in product(part, other)
    ]


def _overlap(one: Mention, other: Mention) -> bool:
    return one.start < other.end and other.start < one.end


def _meet(phrase: Phrase, one: Mention, other: Mention) -> bool:
    if one.name.name == other.name.name:
        return False
    return phrase.crossing or phrase.text[one.end : other.start] in _JOINING


def _where_met(
    gazetteer: Gazetteer, pair: tuple[Mention, Mention], lines: dict[str, np.ndarray]
) -> Iterator[Guess]:
    one, other = pair
    if not {one.name.name, other.name.name} <= lines.keys():
        return
    x, y, spread_m = house_numbers.crossings(lines[one.name.name], lines[other.name.name])
    lon, lat = crs.to_lonlat(x, y, crs.parse(gazetteer.metric))
    said = f"{one.name.name}与{other.name.name}"
    for at in range(len(x)):
        yield Guess(
            layer="streets",
            code=one.name.code,
            name=f"{said}路口",
            kind="crossing",
            quality=min(one.quality, other.quality),
            start=one.start,
            end=other.end,
            lon=float(lon[at]),
            lat=float(lat[at]),
            uncertainty_m=float(spread_m[at]) + 20.0,
            reasons=((f"{said}在此相交", f"{one.name.name} meets {other.name.name} here"),),
        )


# --- streets within an area -------------------------------------------------------------------------------


def within(gazetteer: Gazetteer, street: Guess, area: Mention) -> Guess:
    """Move a street told without a known number to its middle inside a named area, where it passes there."""
    lines = candidates.street_lines(gazetteer.session, gazetteer.revision, [street.name]).get(street.name)
    frame = store.read(
        gazetteer.session, area.name.layer, gazetteer.revision, columns=["geometry"], codes=[area.name.code]
    )
    if lines is None or frame.empty:
        return street
    inside = shapely.intersection(shapely.multilinestrings(lines), frame.geometry.iloc[0])
    if inside.is_empty:
        return street
    plane = crs.to_metric([inside], gazetteer.metric)
    middle = shapely.get_point(shapely.shortest_line(plane, shapely.centroid(plane)), 0)
    lonlat = crs.from_metric(middle, gazetteer.metric)[0]
    reason = (f"取道路在{area.name.name}内的中点", f"the middle of the street inside {area.name.name}")
    return replace(
        street,
        lon=float(shapely.get_x(lonlat)),
        lat=float(shapely.get_y(lonlat)),
        uncertainty_m=float(shapely.hausdorff_distance(middle, plane)[0]),
        reasons=(*street.reasons, reason),
    )


def related(phrase: Phrase, guess: Guess) -> Guess:
    """Widen a guess by the word about the way to it that follows it, such as 附近."""
    word = wording.relation(phrase.text[guess.end : guess.end + 3])
    if word is None:
        return guess
    most_m = wording.RELATIONS[word]
    reason = (f"“{word}”：可能相差{most_m:.0f}米", f"“{word}”: up to {most_m:.0f} m from it")
    return replace(guess, uncertainty_m=guess.uncertainty_m + most_m, reasons=(*guess.reasons, reason))

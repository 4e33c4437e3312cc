"""What a city's coverage is measured by beside the table: the nearest facilities, the ten elements, and places.

Each is worked out here and made ready to be shown, for the API and the command line alike.
"""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from api import provenance
from api.cities import city_at
from api.coverage_replies import Shown
from api.coverage_results import basis_at
from api.coverage_words import TITLES, catalogue
from api.snapshots import Snapshot
from geo.coverage import Query, capacity, elements, nearest
from geo.coverage.area_levels import COMPOUND
from geo.coverage.city import City
from geo.coverage.elements import ELEMENTS
from geo.faults import Fault
from layers.results import Basis

#: What the elements are about.
_ELEMENT_WORDS = {
    "party": "党建",
    "government": "政务",
    "residents": "居民事务",
    "medical": "医疗",
    "elderly": "养老",
    "education": "教育",
    "culture": "文化",
    "sport": "体育",
    "leisure": "娱乐",
    "commerce": "商业",
}

NEAREST_TITLES = TITLES | {
    "facility_code": "最近设施编码",
    "facility_name": "最近设施",
    "metres": "步行米数",
    "minutes": "步行分钟",
    "reason": "走不到的原因",
}

ELEMENTS_TITLES = (
    TITLES
    | {
        "complete": "十要素齐全",
        "complete_share": "齐全率",
        "score": "完整度(满分10)",
        "missing": "缺少的要素",
        "partial": "部分可达的要素",
    }
    | {key: f"{word}({_ELEMENT_WORDS[key]})" for word, key in ELEMENTS.items()}
)

CAPACITY_TITLES = TITLES | {
    "overloaded": "可达但超载",
    "served": "步行可达",
    "placed": "有位",
    "turned_away": "无位",
    "placed_share": "有位率",
    "sfca_per_1000": "每千人可及位数(2SFCA)",
    "status": "状态",
    "capacity": "容量",
    "used": "已用",
    "free": "空余",
    "full": "已满",
    "per_1000": "服务范围内每千人位数",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """A table ready to be shown, the compounds and facilities that count for nothing, and what it comes from."""

    shown: Shown
    faults: tuple[Fault, ...]
    basis: Basis
    computed_at: dt.datetime
    seconds: float
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """Something to be measured: its question beside the query, and what makes the table of a city at a revision."""

    kind: str
    query: Query
    more: dict[str, Any]
    shown: Callable[[City, int], tuple[Shown, tuple[Fault, ...]]]

    def at(self, snapshot: Snapshot, clock: Callable[[], dt.datetime]) -> Measured:
        """Work it out at a snapshot.

        Raises
        ------
        geo.faults.DataError
            As :func:`api.cities.city_at`, and for a question that cannot be answered for this city.
        layers.errors.NotFound
            If nothing was ever imported.
        """
        begun = time.perf_counter()
        basis = basis_at(snapshot, self.query)
        basis = replace(basis, kind=self.kind, question={**asdict(self.query), **self.more})
        shown, faults = self.shown(city_at(snapshot), snapshot.revision)
        measured = Measured(shown, faults, basis, clock(), time.perf_counter() - begun)
        about = {**shown.about, "provenance": provenance.document(measured)}
        notes = [*shown.notes, *provenance.notes(measured)]
        return replace(measured, shown=replace(shown, about=about, notes=notes))


def nearest_facilities(query: Query) -> Measure:
    """Measure the way to the nearest facility of each type from every compound."""

    def shown(city: City, revision: int) -> tuple[Shown, tuple[Fault, ...]]:
        notes = [
            *_notes(query, revision),
            ("步行分钟 minutes", "从最近的出入口 · from the nearest of the compound's entrances"),
            ("平均步行分钟 mean_min", "各出入口平均 · the mean over its entrances"),
            ("走不到的原因 reason", "no-street, island, no-facility, not-connected"),
        ]
        table = nearest.of_compounds(city, query)
        return Shown(table, NEAREST_TITLES, notes, {"revision": revision}, [city], COMPOUND), ()

    return Measure("nearest facilities", query, {}, shown)


def ten_elements(query: Query) -> Measure:
    """Measure which of the ten elements are reached."""

    def shown(city: City, revision: int) -> tuple[Shown, tuple[Fault, ...]]:
        answer = elements.answer(city, query)
        notes = [
            *_notes(query, revision),
            ("完整度 score", "十个要素可达份额之和 · the sum of the elements' shares, 0 to 10"),
            ("缺少 missing", "无人可达的要素 · elements that nobody reaches"),
        ]
        notes += [
            (f"{word} {ELEMENTS[word]}", ", ".join(str(catalogue().loc[key, "zh"]) for key in types))
            for word, types in answer.types.items()
        ]
        about: dict[str, Any] = {
            "revision": revision,
            "level": query.level,
            "elements": [
                {"element": word, "key": ELEMENTS[word], "facility_types": list(types)}
                for word, types in answer.types.items()
            ],
            "faults": [fault.as_dict() for fault in answer.faults],
        }
        notes += _faults(answer.faults)
        return Shown(answer.table, ELEMENTS_TITLES, notes, about, [city], query.level), answer.faults

    return Measure("ten elements", query, {}, shown)


def places(query: Query, *, need: float) -> Measure:
    """Measure who finds a place, the nearest first, and what is within a walk."""

    def shown(city: City, revision: int) -> tuple[Shown, tuple[Fault, ...]]:
        answer = capacity.answer(city, query, need=need)
        notes = [
            *_notes(query, revision),
            ("每单位需要的位数 need", f"{need:g}"),
            ("先近后远 nearest first", "位满后到步行范围内下一处 · then the next nearest within the walk"),
            ("可达但超载 overloaded", "已含在覆盖与部分覆盖之中 · a part of covered and partial"),
            ("2SFCA", "Luo & Wang 2003"),
        ]
        notes += [
            (f"未填容量,视为不限 no capacity stated, not limited: {key}", str(count))
            for key, count in answer.without_capacity.items()
            if count
        ]
        about: dict[str, Any] = {
            "revision": revision,
            "level": query.level,
            "need": need,
            "without_capacity": answer.without_capacity,
            "not_judged": list(answer.not_judged),
            "faults": [fault.as_dict() for fault in answer.faults],
        }
        notes += _faults(answer.faults)
        return Shown(answer.table, CAPACITY_TITLES, notes, about, [city], query.level), answer.faults

    return Measure("places", query, {"need": need}, shown)


def _notes(query: Query, revision: int) -> list[tuple[str, str]]:
    return [
        ("修订 revision", str(revision)),
        ("人群 profile", query.standard or query.profile),
        ("统计口径 weight", query.weight),
        ("范围 within", query.within or "全部 all"),
        ("步行 walking", "沿道路步行距离,不是直线半径 · along streets, not a straight radius"),
    ]


def _faults(faults: Sequence[Fault]) -> list[tuple[str, str]]:
    return [(f"{fault.title[0]} {fault.id or ''}", fault.message) for fault in faults]

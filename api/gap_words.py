"""What gaps are, in words: titles of columns, and the settings that stand beside every list, file and report of them."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from api import coverage_words, provenance
from api.provenance import WorkedOut
from api.web import words
from api.web.words import Language
from geo.coverage import Query
from geo.coverage.gaps import Gaps

#: A text in Chinese and English.
Pair = tuple[str, str]

#: Titles of the columns of the three lists.
TITLES = coverage_words.TITLES | {
    "gap": "序号",
    "outside": "圈外",
    "compounds": "小区数",
    "area_m2": "面积(平方米)",
    "lon": "经度",
    "lat": "纬度",
    "area_code": "所在区域编码",
    "area_name": "所在区域",
    "status": "状态",
    "walk_m": "步行(米)",
    "walk_minutes": "步行(分钟)",
    "reason": "不可达原因",
    "missing": "缺少的设施",
    "beside": "不在图斑内",
    "land_m2": "土地(平方米)",
    "gap_m2": "圈外土地(平方米)",
    "gaps": "图斑数",
    "slivers": "细碎图斑数",
    "slivers_m2": "细碎图斑(平方米)",
    "revision": "修订",
    "attribution": "数据来源",
}

#: Why no way leads to a facility.
REASONS: dict[str, Pair] = {
    "no-street": ("附近没有道路", "no street near"),
    "island": ("附近道路不与路网相连", "streets near are not joined to the network"),
    "no-facility": ("没有这类设施", "there is none of this type"),
    "not-connected": ("没有道路通到这类设施", "no street leads to one"),
}

#: Where figures and shapes come from.
SOURCE: Pair = (
    (
        "人数与步行时间按沿道路的精确步行距离、从小区出入口算起，不取自图形。图形为区域减去绘制的可达范围：绘制与精确"
        "街道时间相比 F1 为 0.96 至 0.99，只有土地面积取自图形。出入口被图形误画入圈内的居民，计入“不在图斑内”，不遗漏。"
    ),
    (
        "People and walking times come from exact distances along streets, from the gates of compounds, never from a shape. A "
        "shape is the area less the drawn reach, which agrees with exact street times at F1 .96 to .99; only figures of land "
        "come from it. People at gates that the drawing takes for reached are counted beside the shapes, so that nobody is lost."
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What gaps were found in: by whose data, when, and asked how."""

    query: Query
    revision: int
    date: dt.date
    city: str
    metric: str
    attribution: str
    worked_out: WorkedOut


def settings(found: Gaps, about: About) -> list[tuple[Pair, Pair]]:
    """Say what was asked and of what data: terms and values."""
    query = about.query
    walker = (
        ("GB 50180 各类设施服务半径", "GB 50180, each type's own radius")
        if query.standard
        else words.PROFILES[query.profile]
    )
    size = f"{found.least_m2:,.0f} m²"
    lines: list[tuple[Pair, Pair]] = [
        (("城市", "City"), (about.city or "—",) * 2),
        (("数据修订", "Data revision"), (str(about.revision),) * 2),
        (("日期", "Date"), (about.date.isoformat(),) * 2),
        (("设施与步行圈", "Facilities and circles"), questions(found)),
        (("步行者", "Walker"), walker),
        (("衡量", "Weight"), words.WEIGHTS[query.weight]),
        (("汇总到", "Summed to"), words.LEVELS[query.level]),
        (("范围", "Within"), (query.within or "全部", query.within or "everything")),
        (("最小图斑", "Least shape"), (f"{size}，更小的只计数", f"{size}; smaller ones are only counted")),
        (
            ("坐标", "Coordinates"),
            (
                f"EPSG:4326（视同 CGCS2000）；面积按 {about.metric}",
                f"EPSG:4326 (CGCS2000 taken as equal); areas in {about.metric}",
            ),
        ),
        (("数字来源", "Figures"), SOURCE),
    ]
    versions = ", ".join(f"{layer}={version}" for layer, version in about.worked_out.basis.versions.items())
    lines.append((("图层版本", "Layer versions"), (versions,) * 2))
    if found.not_judged:
        lines.append((("标准未规定", "Not judged"), (", ".join(found.not_judged),) * 2))
    if about.attribution:
        lines.append((("数据来源", "Data"), (about.attribution,) * 2))
    return lines


def questions(found: Gaps) -> Pair:
    """Name each asked type with its minutes and metres."""
    asked = found.areas.drop_duplicates(["facility_type", "minutes"])
    named = [
        (type_name(str(row.facility_type)), row.minutes, row.budget_m)
        for row in asked[["facility_type", "minutes", "budget_m"]].itertuples(index=False)
    ]
    return (
        "；".join(f"{pair[0]} {minutes} 分钟 {metres:g} 米" for pair, minutes, metres in named),
        "; ".join(f"{pair[1]} {minutes} min, {metres:g} m" for pair, minutes, metres in named),
    )


def type_name(key: str) -> Pair:
    """Name a facility type."""
    row = coverage_words.catalogue().loc[key]
    return str(row["zh"]), str(row["en"])


def notes(found: Gaps, about: About) -> list[tuple[str, str]]:
    """Return the settings and the faults in both languages, for a sheet or table beside the lists."""
    lines = [(f"{term[0]} {term[1]}", _both(value)) for term, value in settings(found, about)]
    lines += provenance.notes(about.worked_out)
    return lines + [(f"{fault.title[0]} {fault.id or ''}", fault.message) for fault in found.faults]


def as_dict(found: Gaps, about: About) -> dict[str, Any]:
    """Return what stands beside the lists in JSON."""
    query = about.query
    return {
        "revision": about.revision,
        "settings": {
            "facility_types": found.areas["facility_type"].drop_duplicates().tolist(),
            "minutes": list(query.minutes),
            "level": query.level,
            "profile": query.profile,
            "weight": query.weight,
            "standard": query.standard,
            "within": query.within,
            "least_m2": found.least_m2,
            "crs": "EPSG:4326",
            "metric_crs": about.metric,
        },
        "provenance": provenance.document(about.worked_out),
        "source": SOURCE[1],
        "attribution": about.attribution,
        "not_judged": list(found.not_judged),
        "faults": [fault.as_dict() for fault in found.faults],
    }


def choose(pair: Pair, language: Language) -> str:
    """Return the one of a pair that the language asks for."""
    return words.choose(pair, language)


def _both(pair: Pair) -> str:
    return pair[0] if pair[0] == pair[1] else f"{pair[0]} · {pair[1]}"

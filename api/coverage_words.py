"""From the words of a request or a command to a query, and from an answer to words for a reader."""

from collections.abc import Callable, Sequence

import pandas as pd

from geo import coverage
from geo.coverage import Answer, Query, comparison
from geo.faults import DataError, Fault
from layers import catalogue as layers_catalogue

#: Titles of the table's columns.
TITLES = {
    "code": "编码",
    "name": "名称",
    "facility_type": "设施类型",
    "minutes": "分钟",
    "method": "方法",
    "demand": "总量",
    "covered": "覆盖",
    "partial": "部分覆盖",
    "uncovered": "未覆盖",
    "unreachable": "无法到达",
    "covered_share": "覆盖率",
    "served_share": "服务率",
    "mean_min": "平均步行分钟",
    "p90_min": "九成人步行分钟",
    "cannot_reach": "走不到任何一处",
    "budget_m": "步行距离(米)",
    "profile": "人群",
    "weight": "统计口径",
    "mandatory": "标准必配",
    "mandatory_levels": "标准必配层级",
    "overstated": "圆多算",
    "overstated_share": "圆多算占比",
    "overstated_factor": "圆为步行的倍数",
    "network_covered": "步行覆盖",
    "circle_covered": "圆覆盖",
    "estates": "老旧小区与其他",
    "built_year": "建成年份",
    "works": "改造类别",
    "department": "联系部门",
    "demand_from": "总量来源",
}

#: Where a compound's number of people or households is from.
SOURCES = {
    "compound": "小区填报 stated by the compound",
    "buildings": "楼栋合计 sum of its buildings",
    "buildings-part": "部分楼栋合计 sum of its buildings, some of which state none",
    "none": "不详,按 0 计 not known, counts as 0",
}


#: Titles of what a comparison adds to a figure's.
_SIDES = {"before": "前", "after": "后", "change": "变化"}


def changes_titles() -> dict[str, str]:
    """Titles of the columns of :func:`geo.coverage.comparison.compare`."""
    sides = {
        f"{figure}_{side}": f"{TITLES[figure]}({word})"
        for figure in comparison.FIGURES
        for side, word in _SIDES.items()
    }
    return TITLES | sides


def catalogue() -> pd.DataFrame:
    """Facility types, index ``key``."""
    return layers_catalogue.facility_types()


def asked(
    facility_types: Sequence[str],
    minutes: Sequence[str],
    check: Callable[[Query, pd.DataFrame], None] = coverage.check,
    /,
    **words: str | None,
) -> Query:
    """Understand a query; lists may be repeated or separated by commas.

    Parameters
    ----------
    check
        What refuses a query, given the facility types: the check of the table that is asked for.

    Raises
    ------
    DataError
        Every fault at once: minutes that are not numbers, and those of `check`.
    """
    numbers, faults = whole_numbers(minutes, field="minutes")
    query = Query(
        facility_types=tuple(listed(facility_types)),
        minutes=tuple(numbers),
        **words,  # type: ignore[arg-type]  # the callers pass the fields of a query
    )
    try:
        check(query, catalogue())
    except DataError as error:
        raise DataError([*faults, *error.faults]) from None
    if faults:
        raise DataError(faults)
    return query


#: Longer numbers are no minutes, and Python reads none of thousands.
_DIGITS = 9


def whole_numbers(values: Sequence[str], *, field: str) -> tuple[list[int], list[Fault]]:
    """Numbers of a list, ascending, each once; and the faults of what is not a whole number."""
    words = listed(values)
    good = [word for word in words if word.isascii() and word.isdigit() and len(word) <= _DIGITS]
    faults = [
        Fault(
            kind="parameter-invalid",
            field=field,
            message=f"{word[:40]!r} is not a whole number, or far too long.",
        )
        for word in words
        if word not in good
    ]
    return sorted({int(word) for word in good}), faults


def type_faults(keys: Sequence[str], *, field: str) -> list[Fault]:
    """List the facility types that the catalogue does not have."""
    return coverage.type_faults(keys, catalogue(), field=field)


def notes(answer: Answer, query: Query, revision: int) -> list[tuple[str, str]]:
    """What a table is, for the sheet beside it."""
    lines = [
        ("修订 revision", str(revision)),
        ("层级 level", query.level),
        ("人群 profile", query.standard or query.profile),
        ("方法 method", query.method),
        ("统计口径 weight", query.weight),
        ("范围 within", query.within or "全部 all"),
        ("老旧小区 estates", query.estates or "不分列 not apart"),
        ("步行 walking", "沿道路步行距离,不是直线半径 · along streets, not a straight radius"),
        ("总量 demand", "覆盖+部分覆盖+未覆盖+无法到达 · covered + partial + uncovered + unreachable"),
    ]
    lines += [
        (f"总量来源 demand from: {SOURCES[source]}", f"{count} 个小区 compounds")
        for source, count in answer.demand_from.items()
    ]
    lines += [
        (
            f"圆多算 circle overstates: {row.facility_type} {row.minutes} min",
            f"{row.overstated:.0f} ({row.overstated_share:.1%} of demand)",
        )
        for row in answer.overstatement.dropna(subset="overstated_share").itertuples()
    ]
    types = catalogue().loc[answer.table["facility_type"].unique()]
    lines += [(str(key), f"{row['zh']} {row['en']}") for key, row in types.iterrows()]
    if answer.not_judged:
        lines.append(("标准未规定 not judged", ", ".join(answer.not_judged)))
    return lines + [(f"{fault.title[0]} {fault.id or ''}", fault.message) for fault in answer.faults]


def listed(values: Sequence[str]) -> list[str]:
    """Words of a list that may be repeated or separated by commas, each once."""
    words = (word.strip() for value in values for word in value.split(","))
    return list(dict.fromkeys(word for word in words if word))

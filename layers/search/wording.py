"""The words that place names are made of, and those that callers put around them.

Chinese names are a proper part and a kind: 嘉湖 + 小区. Callers drop the kind or say another one, but never
the proper part, so the two are compared apart.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache

#: Kinds of places by class; words of one class are used for each other.
KINDS: dict[str, tuple[str, ...]] = {
    "home": (
        *("小区", "花园", "家园", "嘉园", "雅园", "雅苑", "雅居", "名苑", "公寓", "新村", "新居", "家属院", "家属区"),
        *("宿舍", "大院", "公馆", "华府", "华庭", "名邸", "苑", "府", "居", "庭", "园", "坊", "里", "湾", "院", "邨"),
    ),
    "area": (
        *("街道办事处", "街办事处", "办事处", "街道", "街办", "镇", "乡", "区", "县", "市"),
        *("社区居委会", "社区居民委员会", "居民委员会", "居委会", "社区"),
        *("村民委员会", "村村委会", "村委会", "村"),
    ),
    "grid": ("网格",),
    "street": (
        *("大道", "大街", "胡同", "路", "街", "巷", "道", "弄"),
        *("路东段", "路西段", "路南段", "路北段", "路中段", "东段", "西段", "南段", "北段", "中段"),
    ),
    "primary school": ("小学", "小学校"),
    "middle school": ("中学", "初中", "高中", "学校"),
    "kindergarten": ("幼儿园", "幼稚园", "托儿所"),
    "health": ("社区卫生服务中心", "卫生服务中心", "社区卫生服务站", "卫生服务站", "卫生院", "卫生站", "医院", "诊所", "门诊部"),
    "police": ("派出所", "警务室"),
    "office": ("社区服务中心", "便民服务中心", "党群服务中心", "服务中心", "社区服务站", "服务站", "司法所"),
    "market": ("菜市场", "农贸市场", "生鲜超市", "市场"),
    "shop": ("便利店", "超市", "商店", "小卖部"),
    "mall": ("购物中心", "商场", "广场"),
    "tower": ("大厦", "大楼"),
    "restaurant": ("饭馆", "餐馆", "饭店", "餐厅", "食堂"),
    "park": ("公园", "游园", "绿地"),
    "bank": ("银行",),
    "pharmacy": ("药店", "药房"),
    "elderly": ("养老院", "敬老院", "养护院", "日间照料中心", "托老所"),
    "culture": ("文化活动中心", "文化活动站", "文化站"),
    "sports": ("体育馆", "健身点", "健身房", "健身场地", "运动场", "球场"),
    "toilet": ("公共厕所", "公厕", "厕所"),
    "waste": ("垃圾收集点", "垃圾收集站", "垃圾点", "垃圾站"),
    "recycling": ("再生资源回收点", "回收点", "废品站"),
    "parcel": ("快递驿站", "快递点", "驿站"),
    "post office": ("邮政所", "邮局"),
    "station": ("公交站", "车站", "地铁站"),
}  # fmt: skip

#: What leaving out a name's kind costs, in characters of its proper part; said of no class: the name is another's.
DROPPED = {"home": 0.5, "area": 0.4, "grid": 0.6, "street": 0.6}
DROPPED_ELSE = 1.5

_CLASS_OF = {word: kind for kind, words in KINDS.items() for word in words}

#: Words about the way to a place: how far from it what is meant may lie, metres.
RELATIONS: dict[str, float] = {
    "附近": 100.0,
    "周边": 100.0,
    "一带": 200.0,
    "对面": 50.0,
    "斜对面": 60.0,
    "对过": 50.0,
    "隔壁": 40.0,
    "旁边": 40.0,
    "边上": 40.0,
    "侧面": 40.0,
    "后面": 60.0,
    "前面": 60.0,
    "背后": 60.0,
    "门口": 30.0,
    "门前": 30.0,
    "旁": 40.0,
}
_RELATION = re.compile("|".join(sorted(RELATIONS, key=len, reverse=True)))

#: That two streets are meant where they meet.
CROSSING = re.compile("交叉口|交叉路口|路口|交汇|交会|交叉|交界|转角|拐角|十字口")

#: Names of a field, in a source's own columns, that hold further names.
ALIAS_FIELDS = frozenset(
    {
        *("别名", "曾用名", "俗称", "俗名", "简称", "又名", "原名", "旧名"),
        *("alias", "aliases", "alt_name", "old_name", "short_name", "loc_name", "official_name"),
    }
)
_BETWEEN_ALIASES = re.compile(r"[;；,，、/|]")


def aliases(extra: dict[str, object]) -> Iterator[str]:
    """Further names in a feature's unmapped fields."""
    for field, value in extra.items():
        if field.strip().lower() in ALIAS_FIELDS and value:
            values = value if isinstance(value, list) else _BETWEEN_ALIASES.split(str(value))
            yield from (str(name).strip() for name in values if str(name).strip())


def relation(text: str) -> str | None:
    """Return the widest word about the way to a place; None where there is none."""
    found = _RELATION.findall(text)
    return max(found, key=RELATIONS.__getitem__) if found else None


@cache
def _kinds() -> re.Pattern[str]:
    # Single characters are kinds at the end of a name only; within one they are part of a proper name.
    words = [word for word in _CLASS_OF if len(word) > 1]
    return re.compile("|".join(sorted(words, key=len, reverse=True)))


@cache
def _lengths() -> list[int]:
    return sorted({len(word) for word in _CLASS_OF}, reverse=True)


@lru_cache(maxsize=200_000)
def split(name: str) -> tuple[str, str]:
    """Divide a name into its proper part, never under two characters, and its kind, which may be empty."""
    for length in _lengths():
        if len(name) - length >= 2 and name[-length:] in _CLASS_OF:  # noqa: PLR2004 - see above
            return name[:-length], name[-length:]
    return name, ""


def kind_at(text: str, position: int) -> str:
    """Return the longest kind that stands at a position of a text; empty where none does."""
    for length in _lengths():
        if text[position : position + length] in _CLASS_OF:
            return text[position : position + length]
    return ""


def class_of(kind: str) -> str:
    """Return the class of a kind; empty for no kind."""
    return _CLASS_OF.get(kind, "")


def kinds_in(text: str) -> list[tuple[int, int]]:
    """Return where words of kind stand in a text: pairs of start and end."""
    return [found.span() for found in _kinds().finditer(text)]

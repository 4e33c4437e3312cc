"""Places as callers say them, made from the data they live in: a phrase, and what it means.

Labels come from the layers alone: nothing of the search is used to make them, nor to choose them. A phrase is
drawn from one feature and spoiled by one rule; it is right to find that feature, or, for a place that no
layer holds, a point near where it truly is.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pypinyin import lazy_pinyin

#: Words around a place that say nothing about it.
AROUND = (
    *("我在{}这边", "{}这里路灯坏了", "你好，{}附近有人打架", "麻烦看一下{}，垃圾没人收", "就是{}那个地方"),
    *("{}门口停满了车", "喂，我要反映一下{}的噪音问题", "{}，有人占道经营", "位于{}"),
)
KINDS_OF_HOME = ("小区", "花园", "苑", "家园", "公寓", "雅居", "府", "新村", "家属院", "大院")
NUMERALS = "零一二三四五六七八九"


@dataclass(frozen=True)
class Said:
    """A phrase of a kind, and what it means: features by (layer, code), or points within some metres."""

    kind: str
    text: str
    features: frozenset[tuple[str, str]] = frozenset()
    points: tuple[tuple[float, float], ...] = ()
    within_m: float = 60.0
    near: tuple[float, float] | None = None

    def right(self, hits, most: int) -> bool:
        """Whether one of the first hits is what was meant."""
        return any((hit.layer, hit.code) in self.features or self._close(hit) for hit in hits[:most])

    def _close(self, hit) -> bool:
        east = np.cos(np.radians(hit.lat))
        return any(
            111_195 * np.hypot((hit.lon - lon) * east, hit.lat - lat) <= self.within_m
            for lon, lat in self.points
        )


def held_out(addresses: gpd.GeoDataFrame, *, every: int = 4) -> np.ndarray:
    """Which addresses are kept from the database, so that their places are known to nobody but the labels."""
    return np.arange(len(addresses)) % every == 1


def demo(city, *, each: int, seed: int = 1) -> Iterator[Said]:
    """Phrases about the demo city, `each` of every kind."""
    draw = random.Random(seed)  # noqa: S311 - repeatable phrases, no secrets
    for kind, make in _DEMO.items():
        # A rule may find nothing to spoil in a feature; another is drawn then.
        found = 0
        while found < each:
            said = make(city, draw)
            if said is not None:
                found += 1
                yield Said(kind, **said)


def wuhan(places: pd.DataFrame, *, each: int, seed: int = 1) -> Iterator[Said]:
    """Phrases about places of Wuhan: `layer`, `code`, `name`, `district` (name), `common` (others have the name)."""
    draw = random.Random(seed)  # noqa: S311 - repeatable phrases, no secrets
    for kind, (make, chosen) in _WUHAN.items():
        rows = places[chosen(places)]
        found = 0
        while found < each:
            row = rows.iloc[draw.randrange(len(rows))]
            text = make(row, draw)
            if text is not None:
                found += 1
                yield Said(kind, text, frozenset({(row["layer"], row["code"])}))


def _by_hand(text: str, layer: str, code: str) -> Said:
    return Said("written by hand", text, frozenset({(layer, code)}))


#: Phrases that somebody thought up, each with what it means in the demo city of seed 1.
BY_HAND = (
    _by_hand("喂你好，我在曙坡家园3栋2单元这里，楼道灯坏了", "buildings", "LD00339"),
    _by_hand("曙坡家园三号楼", "buildings", "LD00339"),
    _by_hand("蜀坡家园3#楼下有人烧烤", "buildings", "LD00339"),
    _by_hand("曙桥街1号曙坡家园6幢", "buildings", "LD00342"),
    _by_hand("兴园小区4栋旁边的垃圾桶满了", "buildings", "LD00862"),
    _by_hand("星园小区", "compounds", "XQ0056"),
    _by_hand("xingyuan小区2号楼", "buildings", "LD00860"),
    _by_hand("青井家园第五栋", "buildings", "LD01432"),
    _by_hand("清井家园5栋", "buildings", "LD01432"),
    _by_hand("qjjy", "compounds", "XQ0121"),
    _by_hand("青井家园那边停水了怎么回事啊", "compounds", "XQ0121"),
    _by_hand("仁滩大院", "compounds", "XQ0201"),
    _by_hand("人滩大院门口", "compounds", "XQ0201"),
    _by_hand("我住仁滩，1栋", "buildings", "LD02194"),
    _by_hand("瑞津府后门", "compounds", "XQ0334"),
    _by_hand("瑞京府", "compounds", "XQ0334"),
    _by_hand("紫谷巷瑞津府", "compounds", "XQ0334"),
    _by_hand("盛园家属院", "compounds", "XQ0411"),
    _by_hand("盛园家属区", "compounds", "XQ0411"),
    _by_hand("生园家属院那里", "compounds", "XQ0411"),
    _by_hand("祥井府业主群投诉的", "compounds", "XQ0501"),
    _by_hand("xiangjingfu", "compounds", "XQ0501"),
    _by_hand("云川家园", "compounds", "XQ0641"),
    _by_hand("云穿家园小区", "compounds", "XQ0641"),
    _by_hand("仁坡公寓楼下", "compounds", "XQ0701"),
    _by_hand("同岗苑小区", "compounds", "XQ0802"),
    _by_hand("学湾里", "compounds", "XQ0851"),
    _by_hand("竹塔公园北门", "facilities", "SS00004"),
    _by_hand("在竹塔公园旁边", "facilities", "SS00004"),
    _by_hand("第十一初级中学", "facilities", "SS00021"),
    _by_hand("市十一初级中学门口", "facilities", "SS00021"),
    _by_hand("金滩小学对面的文具店", "facilities", "SS00071"),
    _by_hand("今滩小学", "facilities", "SS00071"),
    _by_hand("盛塔文化站", "facilities", "SS00501"),
    _by_hand("书畔社区服务站", "facilities", "SS00901"),
    _by_hand("康峰饭店油烟扰民", "facilities", "SS01501"),
    _by_hand("诗渡街公厕", "facilities", "SS04401"),
    _by_hand("学塘大院的快递点", "facilities", "SS02601"),
    _by_hand("丹井路54号", "addresses", "MP00008"),
    _by_hand("丹井路五十四号门前积水", "addresses", "MP00008"),
    _by_hand("云塔路844号", "addresses", "MP01333"),
    _by_hand("云塔路 844 号旁边", "addresses", "MP01333"),
    _by_hand("望格区文堤东路538号", "addresses", "MP06668"),
    _by_hand("桂谷西路五百二十八号", "addresses", "MP12001"),
    _by_hand("荷林东路34", "addresses", "MP20001"),
    _by_hand("龙堤街29号院", "addresses", "MP25335"),
    _by_hand("翠坡社区第六网格", "grids", "990102001001006"),
    _by_hand("翠坡6网格", "grids", "990102001001006"),
    _by_hand("盛津社区第五网格长", "grids", "990102002002005"),
    _by_hand("康渡社区居委会", "communities", "990102001008"),
    _by_hand("990102004004004", "grids", "990102004004004"),
    _by_hand("xq0641", "compounds", "XQ0641"),
)


# --- what spoils a name -----------------------------------------------------------------------------------


@cache
def _by_sound() -> dict[str, list[str]]:
    """Common characters (GB 2312, first level) by toneless pinyin."""
    found = defaultdict(list)
    for row in range(0xB0, 0xD8):
        for cell in range(0xA1, 0xFF):
            character = bytes((row, cell)).decode("gb2312", errors="ignore")
            if character:
                found[lazy_pinyin(character)[0]].append(character)
    return found


def homophone(name: str, draw: random.Random) -> str | None:
    """One character typed as another that sounds the same."""
    at = draw.randrange(min(len(name), 4))
    others = [c for c in _by_sound().get(lazy_pinyin(name[at])[0], []) if c != name[at]]
    return name[:at] + draw.choice(others) + name[at + 1 :] if others else None


def accent(name: str, draw: random.Random) -> str | None:
    """One character heard as one that sounds nearly the same to a speaker from the south."""
    at = draw.randrange(min(len(name), 4))
    sound = lazy_pinyin(name[at])[0]
    pairs = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("l", "n"), ("ang", "an"), ("eng", "en"), ("ing", "in"))
    heard = []
    for one, two in pairs:
        for a, b in ((one, two), (two, one)):
            if sound.startswith(a) and a[0] in "zcsln" and not sound.startswith(a + "h"):
                heard.append(b + sound[len(a) :])
            elif a[0] in "aei" and sound.endswith(a):
                heard.append(sound[: -len(a)] + b)
    others = [character for each in heard for character in _by_sound().get(each, [])]
    return name[:at] + draw.choice(others) + name[at + 1 :] if others else None


def wrong(name: str, draw: random.Random) -> str:
    """One character replaced by any other."""
    at = draw.randrange(len(name))
    return name[:at] + draw.choice(draw.choice(list(_by_sound().values()))) + name[at + 1 :]


def missing(name: str, draw: random.Random) -> str:
    """One character left out."""
    at = draw.randrange(len(name))
    return name[:at] + name[at + 1 :]


def swapped(name: str, draw: random.Random) -> str:
    """Two neighbours in the wrong order."""
    at = draw.randrange(len(name) - 1)
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :]


def pinyin(name: str) -> str:
    """Toneless pinyin in one word."""
    return "".join(lazy_pinyin(name))


def initials(name: str) -> str:
    """First letters."""
    return "".join(syllable[0] for syllable in lazy_pinyin(name))


def numeral(number: int) -> str:
    """A number in Chinese characters, as it is said."""
    if number >= 100:
        return (
            NUMERALS[number // 100]
            + "百"
            + ("零" if 0 < number % 100 < 10 else "")
            + (numeral(number % 100) if number % 100 else "")
        )
    tens, ones = divmod(number, 10)
    return ("" if not tens else "十" if tens == 1 else NUMERALS[tens] + "十") + (
        NUMERALS[ones] if ones else ""
    )


def full_width(text: str) -> str:
    """Digits as a Chinese input method may type them."""
    return "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isdigit() else c for c in text)


# --- the demo city ----------------------------------------------------------------------------------------

Label = dict[str, object] | None


def _named(layer: str, spoil: Callable[[str, random.Random], str | None]) -> Callable[..., Label]:
    def make(city, draw) -> Label:
        frame = _unique(city, layer)
        row = frame.iloc[draw.randrange(len(frame))]
        text = spoil(row["name"], draw)
        # What is spoiled into the name of another place means that one.
        if text is None or text in _all_names(city) - {row["name"]}:
            return None
        return {"text": text, "features": _same(city, layer, row)}

    return make


def _unique(city, layer: str) -> gpd.GeoDataFrame:
    """Features whose name no other of the layer has."""
    frame = getattr(city, layer)
    return frame[~frame["name"].duplicated(keep=False)]


def _all_names(city) -> set[str]:
    layers = ("communities", "compounds", "facilities", "streets", "grids")
    return set().union(*(getattr(city, layer)["name"].dropna() for layer in layers))


def _same(city, layer: str, row) -> frozenset[tuple[str, str]]:
    """The feature; of a compound also the old estate that it is: they are one place."""
    found = {(layer, row["code"])}
    if layer == "compounds":
        estates = city.old_estates
        same = estates[estates["name"].str.startswith(row["name"] + "（")]
        found |= {("old_estates", code) for code in same["code"]}
    return frozenset(found)


def _kept(name: str, _draw: random.Random) -> str:
    return name


def _surrounded(name: str, draw: random.Random) -> str:
    return draw.choice(AROUND).format(name)


def _stem(name: str) -> str | None:
    kinds = [kind for kind in (*KINDS_OF_HOME, "村", "坊", "里", "湾") if name.endswith(kind)]
    return name[: -len(kinds[0])] if kinds else None


def _dropped(name: str, _draw: random.Random) -> str | None:
    return _stem(name)


def _other_kind(name: str, draw: random.Random) -> str | None:
    stem = _stem(name)
    return stem + draw.choice(KINDS_OF_HOME[:4]) if stem else None


def _initials(city, draw) -> Label:
    """Initials typed into the map's search box: the map shows the neighbourhood."""
    frame = _unique(city, "compounds")
    row = frame.iloc[draw.randrange(len(frame))]
    middle = row.geometry.representative_point()
    near = (middle.x + draw.uniform(-0.006, 0.006), middle.y + draw.uniform(-0.006, 0.006))
    return {"text": initials(row["name"]), "features": _same(city, "compounds", row), "near": near}


def _door(city, draw, spoken: Callable[[str, int], str]) -> Label:
    frame = city.addresses[
        ~held_out(city.addresses) & city.addresses["number"].str.fullmatch("[0-9]+", na=False)
    ]
    row = frame.iloc[draw.randrange(len(frame))]
    text = spoken(row["street"], int(row["number"]))
    points = _points(frame[(frame["street"] == row["street"]) & (frame["number"] == row["number"])])
    return {"text": text, "points": points, "within_m": 40.0}


def _unknown_door(city, draw) -> Label:
    frame = city.addresses[held_out(city.addresses)]
    frame = frame[frame["street"].notna() & frame["number"].str.fullmatch("[0-9]+", na=False)]
    row = frame.iloc[draw.randrange(len(frame))]
    return {
        "text": f"{row['street']}{row['number']}号",
        "points": _points(frame[frame["code"] == row["code"]]),
    }


def _points(frame: gpd.GeoDataFrame) -> tuple[tuple[float, float], ...]:
    return tuple(zip(frame.geometry.x.tolist(), frame.geometry.y.tolist(), strict=True))


def _building(city, draw) -> Label:
    compounds = _unique(city, "compounds").set_index("code")["name"]
    frame = city.buildings[city.buildings["compound_code"].isin(compounds.index)]
    row = frame.iloc[draw.randrange(len(frame))]
    number = "".join(filter(str.isdigit, row["number"] or row["name"]))
    if not number:
        return None
    said = draw.choice(("{}栋", "{}号楼", "{}幢", "{}#")).format(draw.choice((number, numeral(int(number)))))
    if said.endswith("#"):
        said = f"{number}#"
    return {
        "text": f"{compounds[row['compound_code']]}{said}",
        "features": frozenset({("buildings", row["code"])}),
    }


def _building_and_street(city, draw) -> Label:
    """A street and number beside it, and a building: 东风路120号附近 嘉湖小区3栋."""
    label = _building(city, draw)
    if label is None:
        return None
    building = city.buildings.set_index("code").loc[next(iter(label["features"]))[1]]
    doors = city.addresses[~held_out(city.addresses) & city.addresses["street"].notna()]
    doors = doors[doors["number"].str.fullmatch("[0-9]+", na=False)]
    middle = building.geometry.representative_point()
    nearest = doors.iloc[int(np.argmin(np.hypot(doors.geometry.x - middle.x, doors.geometry.y - middle.y)))]
    return {**label, "text": f"{nearest['street']}{nearest['number']}号附近 {label['text']}"}


@cache
def _ends(city_key: int) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Where pieces of two named streets end in one point."""
    city = _CITIES[city_key]
    streets = city.streets[(city.streets["name"] != "") & ~city.streets["bridge"] & ~city.streets["tunnel"]]
    at = defaultdict(set)
    for name, line in zip(streets["name"], streets.geometry, strict=True):
        for end in (line.coords[0], line.coords[-1]):
            at[end].add(name)
    met = defaultdict(list)
    for end, names in at.items():
        for one in sorted(names):
            for two in sorted(names - {one}):
                met[one, two].append(end)
    return dict(met)


_CITIES: dict[int, object] = {}


def _crossing(city, draw) -> Label:
    _CITIES[id(city)] = city
    met = _ends(id(city))
    one, two = draw.choice(sorted(met))
    said = draw.choice(("{}与{}交叉口", "{}和{}路口", "{}{}交叉口", "{}与{}的十字路口", "{}跟{}交汇处"))
    return {"text": said.format(one, two), "points": tuple(met[one, two]), "within_m": 50.0}


def _beside(city, draw) -> Label:
    frame = _unique(city, "facilities")
    row = frame.iloc[draw.randrange(len(frame))]
    said = draw.choice(("{}对面", "{}旁边", "{}隔壁的巷子", "{}门口", "{}后面的空地"))
    return {"text": said.format(row["name"]), "features": frozenset({("facilities", row["code"])})}


def _code(city, draw) -> Label:
    layer = draw.choice(("grids", "communities", "compounds", "facilities", "buildings"))
    frame = getattr(city, layer)
    code = frame["code"].iloc[draw.randrange(len(frame))]
    return {
        "text": draw.choice((code, code.lower(), full_width(code))),
        "features": frozenset({(layer, code)}),
    }


def _in_area(city, draw) -> Label:
    """A name with the areas it lies in before it, as addresses are written."""
    frame = _unique(city, "compounds")
    row = frame.iloc[draw.randrange(len(frame))]
    middle = row.geometry.representative_point()
    area = next(
        (
            name
            for name, shape in zip(city.subdistricts["name"], city.subdistricts.geometry, strict=True)
            if shape.contains(middle)
        ),
        None,
    )
    if area is None:
        return None
    return {"text": f"望格区{area}{row['name']}", "features": _same(city, "compounds", row)}


_DEMO: dict[str, Callable[..., Label]] = {
    "name of a compound": _named("compounds", _kept),
    "name of a facility": _named("facilities", _kept),
    "name of a grid": _named("grids", _kept),
    "name of a community": _named("communities", _kept),
    "name among other words": _named("compounds", _surrounded),
    "kind left out": _named("compounds", _dropped),
    "another kind": _named("compounds", _other_kind),
    "character of the same sound": _named("compounds", homophone),
    "character heard wrong": _named("compounds", accent),
    "any character wrong, compound": _named("compounds", wrong),
    "any character wrong, facility": _named("facilities", wrong),
    "character missing": _named("compounds", missing),
    "characters swapped": _named("compounds", swapped),
    "pinyin": _named("compounds", lambda name, _: pinyin(name)),
    "pinyin in syllables": _named("facilities", lambda name, _: " ".join(lazy_pinyin(name))),
    "pinyin and characters": _named("compounds", lambda name, _: pinyin(name[:2]) + name[2:]),
    "initials, map near by": _initials,
    "house number": lambda city, draw: _door(city, draw, lambda street, number: f"{street}{number}号"),
    "house number in other digits": lambda city, draw: _door(
        city, draw, lambda street, number: draw.choice(
            (f"{street}{numeral(number)}号", full_width(f"{street}{number}号"), f"我在{street}{number}号附近")
        ) if number < 1000 else f"{street} {number} 号"
    ),
    "house number nobody registered": _unknown_door,
    "building": _building,
    "house number and building": _building_and_street,
    "crossing": _crossing,
    "beside a facility": _beside,
    "code": _code,
    "in its subdistrict": _in_area,
}  # fmt: skip


# --- Wuhan ------------------------------------------------------------------------------------------------


def _short(name: str) -> str:
    return name.replace("社区居委会", "社区").replace("村村委会", "村").replace("村委会", "村")


_WUHAN: dict[str, tuple[Callable[..., str | None], Callable[[pd.DataFrame], pd.Series]]] = {
    "official name": (lambda row, _: row["name"], lambda places: ~places["common"]),
    "short name": (lambda row, _: _short(row["name"]), lambda places: ~places["common"]),
    "name among other words": (
        lambda row, draw: draw.choice(AROUND).format(_short(row["name"])),
        lambda places: ~places["common"],
    ),
    "name that others have, with its district": (
        lambda row, _: row["district"] + _short(row["name"]),
        lambda places: places["common"],
    ),
    "character of the same sound": (
        lambda row, draw: homophone(_short(row["name"]), draw),
        lambda places: ~places["common"],
    ),
    "pinyin": (lambda row, _: pinyin(_short(row["name"])), lambda places: ~places["common"]),
}


def wuhan_places(folder) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, pd.DataFrame]:
    """Districts and committees of Wuhan as layer frames' columns, and the places to speak of."""
    districts = gpd.read_file(folder / "wuhan" / "wuhan_districts_wgs84.geojson")
    rows = pd.read_csv(folder / "wuhan" / "wuhan_admin_codes_2016.csv", dtype={"code": str})
    rows = rows[(rows["level"] == "village") & rows["lon_wgs84"].notna()].drop_duplicates("code")
    geometry = gpd.points_from_xy(rows["lon_wgs84"], rows["lat_wgs84"], crs="EPSG:4326")
    committees = gpd.GeoDataFrame(rows[["code", "name", "county"]], geometry=geometry).reset_index(drop=True)
    joined = shapely.STRtree(districts.geometry.to_numpy()).query(
        committees.geometry.to_numpy(), predicate="within"
    )
    lies_in = pd.Series(None, index=committees.index, dtype=object)
    name = next(column for column in ("name", "NAME", "fullname") if column in districts.columns)
    lies_in.iloc[joined[0]] = districts[name].to_numpy(dtype=object)[joined[1]]
    # The source geocoded some committees into another district: what a caller says there is no label.
    committees = committees[lies_in == committees["county"]].reset_index(drop=True)
    short = committees["name"].map(_short)
    twins = short.duplicated(keep=False)
    same_place = committees.assign(short=short).duplicated(["short", "county"], keep=False)
    places = committees.assign(layer="facilities", district=committees["county"], common=twins)[~same_place]
    return districts.rename(columns={name: "name"}), committees, pd.DataFrame(places.drop(columns="geometry"))

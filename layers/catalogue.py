"""The layers by name: their columns, what each accepts, what it is called, and the code lists they use."""

from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import pandas as pd

import layers
from geo.levels import LAYER_OF
from layers.errors import NotFound


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a layer.

    ``kind`` is ``text``, ``integer``, ``count`` (a whole number, never below zero), ``boolean``, ``date`` or
    ``geometry``; ``aliases`` are names, compared without case, under which a file may carry it; ``choices``
    maps accepted words to the stored value.
    """

    name: str
    kind: str
    zh: str
    en: str
    required: bool = False
    aliases: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """One layer: its geometry types (empty: no place), its level when it holds areas, and its fields."""

    name: str
    zh: str
    en: str
    geometry: tuple[str, ...]
    fields: tuple[Field, ...]
    level: str | None = None

    def field(self, name: str) -> Field:
        """Return the field of that name.

        Raises
        ------
        KeyError
            If the layer has none.
        """
        return {item.name: item for item in self.fields}[name]


# adcode stands in the files of the map providers, XZQDM and XZQMC in those of the land surveys.
_CODE = Field(
    "code",
    "text",
    "编码",
    "code",
    aliases=(
        *("编码", "代码", "code", "id_code", "编号", "gridcode"),
        *("区划代码", "行政区划代码", "adcode", "xzqdm"),
    ),
)
_NAME = Field("name", "text", "名称", "name", aliases=("名称", "name", "mc", "标准名称", "xzqmc"))
_PEOPLE = Field(
    "people", "count", "人口", "people", aliases=("人口", "人口数", "people", "population", "pop")
)
_HOUSEHOLDS = Field(
    "households", "count", "户数", "households", aliases=("户数", "总户数", "households", "hu")
)
_BUILT = Field(
    "built_year", "count", "建成年份", "built in", aliases=("建成年份", "建成年代", "built_year", "year")
)
_ADDRESS = Field("address", "text", "地址", "address", aliases=("地址", "详细地址", "address", "addr"))
_ENTRANCES = Field(
    "entrances", "geometry", "出入口", "entrances", aliases=("出入口", "大门", "entrances", "gates")
)
_PARENT = Field(
    "parent_code",
    "text",
    "上级编码",
    "parent's code",
    aliases=("上级编码", "父级编码", "parent_code", "parent", "pcode"),
)
# House number and building number are two things: 东风路120号, 3栋.
_NAME_OF_BUILDING = replace(_NAME, aliases=(*_NAME.aliases, "楼栋名称", "楼名", "楼栋", "building_name"))
_NUMBER_OF_BUILDING = Field(
    "number", "text", "楼号", "number", aliases=("楼号", "栋号", "幢号", "楼栋号", "number", "building_no")
)
_FLOORS = Field(
    "floors", "count", "层数", "floors", aliases=("层数", "楼层数", "地上层数", "floors", "building:levels")
)
_COMPOUND = Field(
    "compound_code",
    "text",
    "小区编码",
    "compound's code",
    aliases=("小区编码", "小区代码", "所属小区编码", "compound_code"),
)
_BUILDING = Field(
    "building_code",
    "text",
    "楼栋编码",
    "building's code",
    aliases=("楼栋编码", "楼栋代码", "所属楼栋编码", "building_code"),
)
_TEXT = Field(
    "text",
    "text",
    "地址全称",
    "address",
    aliases=("地址全称", "标准地址", "门牌地址", "详细地址", "地址", "text", "address", "addr", "addr:full"),
)
_STREET = Field(
    "street",
    "text",
    "道路名称",
    "street",
    aliases=("道路名称", "路名", "街路巷", "街路巷名称", "道路", "street", "addr:street"),
)
_HOUSE_NUMBER = Field(
    "number",
    "text",
    "门牌号",
    "house number",
    aliases=("门牌号", "门牌", "门牌号码", "number", "housenumber", "house_number", "addr:housenumber"),
)
_UNIT = Field("unit", "text", "单元", "unit", aliases=("单元", "单元号", "unit", "addr:unit"))
_FORMS = (
    ("managed", "managed"),
    ("物业小区", "managed"),
    ("unmanaged", "unmanaged"),
    ("无物业小区", "unmanaged"),
    ("self_built", "self_built"),
    ("自建房街区", "self_built"),
)
_WORKS = (
    ("basic", "basic"),
    ("基础类", "basic"),
    ("improved", "improved"),
    ("完善类", "improved"),
    ("upgraded", "upgraded"),
    ("提升类", "upgraded"),
)
_KINDS = (("base", "base"), ("基础", "base"), ("dedicated", "dedicated"), ("专属", "dedicated"))

_AREA_NAMES = {
    "district": ("区县", "districts"),
    "subdistrict": ("街道(镇乡)", "subdistricts"),
    "community": ("社区(村)", "communities"),
    "grid": ("网格", "grids"),
}


def _areas(level: str) -> LayerSpec:
    zh, en = _AREA_NAMES[level]
    fields = [_CODE, _NAME, _PARENT, _PEOPLE, _HOUSEHOLDS]
    if level == "grid":
        fields += [
            Field("scheme", "text", "网格体系", "scheme", aliases=("scheme", "网格体系")),
            Field("kind", "text", "网格类型", "kind", aliases=("kind", "网格类型"), choices=_KINDS),
        ]
    return LayerSpec(LAYER_OF[level], zh, en, ("Polygon", "MultiPolygon"), tuple(fields), level)


#: Every layer, in the order in which a city is loaded.
SPECS: dict[str, LayerSpec] = {
    **{LAYER_OF[level]: _areas(level) for level in _AREA_NAMES},
    "compounds": LayerSpec(
        "compounds",
        "小区",
        "residential compounds",
        ("Polygon", "MultiPolygon", "Point"),
        (
            _CODE,
            _NAME,
            Field("form", "text", "小区形态", "form", aliases=("form", "小区形态", "类型"), choices=_FORMS),
            _HOUSEHOLDS,
            _PEOPLE,
            _BUILT,
            _ADDRESS,
            _ENTRANCES,
        ),
    ),
    "buildings": LayerSpec(
        "buildings",
        "楼栋",
        "buildings",
        ("Polygon", "MultiPolygon", "Point"),
        (
            _CODE,
            _NAME_OF_BUILDING,
            _NUMBER_OF_BUILDING,
            _COMPOUND,
            _HOUSEHOLDS,
            _PEOPLE,
            _FLOORS,
            _BUILT,
            _ADDRESS,
        ),
    ),
    "addresses": LayerSpec(
        "addresses",
        "门牌地址",
        "addresses",
        ("Point",),
        (_CODE, _TEXT, _STREET, _HOUSE_NUMBER, _UNIT, _COMPOUND, _BUILDING),
    ),
    "old_estates": LayerSpec(
        "old_estates",
        "老旧小区",
        "old estates",
        ("Polygon", "MultiPolygon"),
        (
            _CODE,
            _NAME,
            _BUILT,
            Field("works", "text", "改造类别", "works", aliases=("works", "改造类别"), choices=_WORKS),
            Field(
                "department", "text", "联系部门", "department", aliases=("department", "联系部门", "包保部门")
            ),
            _HOUSEHOLDS,
            _PEOPLE,
        ),
    ),
    "facilities": LayerSpec(
        "facilities",
        "设施",
        "facilities",
        ("Point", "Polygon", "MultiPolygon"),
        (
            _CODE,
            _NAME,
            Field(
                "type",
                "text",
                "设施类型",
                "type",
                required=True,
                aliases=("type", "设施类型", "类型", "类别"),
            ),
            _ADDRESS,
            Field("capacity", "count", "容量", "capacity", aliases=("capacity", "容量", "床位", "学位")),
            Field("site", "geometry", "用地范围", "site", aliases=("site", "用地范围")),
            _ENTRANCES,
        ),
    ),
    "streets": LayerSpec(
        "streets",
        "道路",
        "streets",
        ("LineString", "MultiLineString"),
        (
            _CODE,
            Field(
                "name", "text", "名称", "name", aliases=("名称", "道路名称", "路名", "name", "mc", "roadname")
            ),
            Field(
                "kind", "text", "道路类别", "kind", aliases=("kind", "highway", "fclass", "道路类别", "等级")
            ),
            Field("bridge", "boolean", "桥梁", "bridge", aliases=("bridge", "桥梁", "是否桥梁")),
            Field("tunnel", "boolean", "隧道", "tunnel", aliases=("tunnel", "隧道", "是否隧道")),
            Field("level", "integer", "层", "level", aliases=("level", "layer", "层", "层级")),
            Field("steps", "boolean", "台阶", "steps", aliases=("steps", "台阶")),
            Field("walkable", "boolean", "可步行", "walkable", aliases=("walkable", "可步行")),
        ),
    ),
    "barriers": LayerSpec(
        "barriers",
        "障碍",
        "barriers",
        ("Point", "LineString"),
        (
            _CODE,
            replace(_NAME, aliases=(*_NAME.aliases, "障碍名称")),
            Field(
                "kind", "text", "障碍类别", "kind", aliases=("kind", "barrier", "障碍类别", "类型", "类别")
            ),
        ),
    ),
    "posts": LayerSpec(
        "posts",
        "岗位",
        "posts",
        (),
        (
            _CODE,
            Field("role", "text", "岗位", "role", required=True, aliases=("role", "岗位", "职务")),
            Field("name", "text", "姓名", "name", required=True, aliases=("姓名", "name")),
            Field(
                "phone", "text", "工作电话", "work phone", aliases=("phone", "电话", "工作电话", "联系电话")
            ),
            Field(
                "target_layer",
                "text",
                "对象图层",
                "target layer",
                aliases=("target_layer", "对象图层"),
                choices=(
                    ("grids", "grids"),
                    ("网格", "grids"),
                    ("compounds", "compounds"),
                    ("小区", "compounds"),
                    ("buildings", "buildings"),
                    ("楼栋", "buildings"),
                ),
            ),
            Field(
                "target_code",
                "text",
                "对象编码",
                "target code",
                required=True,
                aliases=("target_code", "网格编码", "对象编码", "小区编码", "楼栋编码"),
            ),
            Field("valid_from", "date", "起始日期", "valid from", aliases=("valid_from", "起始日期")),
            Field("valid_to", "date", "截止日期", "valid to", aliases=("valid_to", "截止日期")),
        ),
    ),
}


#: Layers whose features are people.
PEOPLE = ("posts",)


def personal_columns(layer: str) -> list[str]:
    """Columns of a layer that say who somebody is, or may: nobody has judged what was never mapped (``extra``)."""
    return ["name", "phone", "extra"] if layer in PEOPLE else ["extra"]


def spec_of(layer: str) -> LayerSpec:
    """Return what the catalogue says of a layer.

    Raises
    ------
    NotFound
        If there is no such layer; the message names those there are.
    """
    if layer not in SPECS:
        raise NotFound(f"There is no layer {layer!r}; there are: {', '.join(SPECS)}.")
    return SPECS[layer]


@cache
def facility_types() -> pd.DataFrame:
    """Return the facility types, indexed by ``key`` in the order of the standard's table.

    Columns: zh, en, domain, element, circle (``15``, ``10``, ``5`` or ``block``), service_radius_m (m, may be
    missing), mandatory_levels, optional_levels, min_population, max_population, note, confidence. Most radii
    are unverified, as ``confidence`` says (GB 50180-2018 and local practice).
    """
    return _read("facility_types.csv").set_index("key")


@cache
def incident_categories() -> pd.DataFrame:
    """Return the incident categories, indexed by ``code``; the edition stands in each row."""
    return _read("incident_categories.csv").set_index("code")


def _read(name: str) -> pd.DataFrame:
    with files(layers).joinpath("data", name).open(encoding="utf-8") as handle:
        frame = pd.read_csv(handle, dtype=str, keep_default_na=False)
    for column in frame.columns.intersection(["service_radius_m", "min_population", "max_population"]):
        frame[column] = pd.to_numeric(frame[column])
    return frame

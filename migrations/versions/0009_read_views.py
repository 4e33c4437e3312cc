"""Views of the current features for those who read PostGIS directly: no person, nothing that was never mapped."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_CODE, _NAME = ("code", "编码 code"), ("name", "名称 name")
_PARENT = ("parent_code", "上级编码 parent's code")
_PEOPLE, _HOUSEHOLDS = ("people", "人口 people"), ("households", "户数 households")
_BUILT, _ADDRESS = ("built_year", "建成年份 built in"), ("address", "地址 address")
_COMPOUND = ("compound_code", "小区编码 compound's code")
_ENTRANCES = ("entrances", "出入口 entrances")
_AREA = (_CODE, _NAME, _PARENT, _PEOPLE, _HOUSEHOLDS)

# Table, what it is called, its columns; of posts neither the name nor the phone.
_LAYERS = (
    ("districts", "区县 districts", _AREA),
    ("subdistricts", "街道(镇乡) subdistricts", _AREA),
    ("communities", "社区(村) communities", _AREA),
    ("grids", "网格 grids", (*_AREA, ("scheme", "网格体系 scheme"), ("kind", "网格类型 kind"))),
    (
        "compounds",
        "小区 residential compounds",
        (_CODE, _NAME, ("form", "小区形态 form"), _HOUSEHOLDS, _PEOPLE, _BUILT, _ADDRESS, _ENTRANCES),
    ),
    (
        "buildings",
        "楼栋 buildings",
        (
            *(_CODE, _NAME, ("number", "楼号 number"), _COMPOUND, _HOUSEHOLDS, _PEOPLE),
            *(("floors", "层数 floors"), _BUILT, _ADDRESS),
        ),
    ),
    (
        "addresses",
        "门牌地址 addresses",
        (
            *(_CODE, ("text", "地址全称 address"), ("street", "道路名称 street")),
            *(("number", "门牌号 house number"), ("unit", "单元 unit"), _COMPOUND),
            ("building_code", "楼栋编码 building's code"),
        ),
    ),
    (
        "old_estates",
        "老旧小区 old estates",
        (
            *(_CODE, _NAME, _BUILT, ("works", "改造类别 works"), ("department", "联系部门 department")),
            *(_HOUSEHOLDS, _PEOPLE),
        ),
    ),
    (
        "facilities",
        "设施 facilities",
        (
            *(_CODE, _NAME, ("type", "设施类型 type"), _ADDRESS, ("capacity", "容量 capacity")),
            *(("site", "用地范围 site"), _ENTRANCES),
        ),
    ),
    (
        "streets",
        "道路 streets",
        (
            *(_CODE, _NAME, ("kind", "道路类别 kind"), ("bridge", "桥梁 bridge"), ("tunnel", "隧道 tunnel")),
            *(("level", "层 level"), ("steps", "台阶 steps"), ("walkable", "可步行 walkable")),
        ),
    ),
    ("barriers", "障碍 barriers", (_CODE, _NAME, ("kind", "障碍类别 kind"))),
    (
        "posts",
        "岗位 posts",
        (
            *(_CODE, ("role", "岗位 role"), ("target_layer", "对象图层 target layer")),
            *(("target_code", "对象编码 target code"), ("valid_from", "起始日期 valid from")),
            ("valid_to", "截止日期 valid to"),
        ),
    ),
)
# A GIS draws one type of geometry in a layer: of these the points have a view of their own.
_MIXED = {"compounds": "MULTIPOLYGON", "buildings": "MULTIPOLYGON", "barriers": "LINESTRING"}

_ID = ("id", "标识 id: the same for good; the key to choose in QGIS")
_LAST = (
    ("generated_code", "自动编码 generated code"),
    ("revision", "修订 revision that last changed it"),
)
_GEOM = ("geom", "几何 geometry, EPSG:4326")


def upgrade():
    """Add the schema with a view, commented, of the current rows of each layer."""
    op.execute("CREATE SCHEMA wangge_read")
    op.execute("COMMENT ON SCHEMA wangge_read IS '已发布图层，只读 published layers, to be read'")
    for view, title, table, columns, condition in _views():
        told = ", ".join("rev_from AS revision" if name == "revision" else name for name, _ in columns)
        current = f"SELECT {told} FROM public.{table} WHERE rev_to IS NULL{condition}"  # noqa: S608 - words from above
        op.execute(f"CREATE VIEW wangge_read.{view} AS {current}")
        op.execute(f"COMMENT ON VIEW wangge_read.{view} IS {_quoted(title)}")
        for name, said in columns:
            op.execute(f"COMMENT ON COLUMN wangge_read.{view}.{name} IS {_quoted(said)}")


def downgrade():
    """Drop the views and their schema; it fails where somebody has put something else into it."""
    for view, *_ in _views():
        op.execute(f"DROP VIEW wangge_read.{view}")
    op.execute("DROP SCHEMA wangge_read")


def _views():
    for table, title, own in _LAYERS:
        columns = (_ID, *own, *_LAST) if table == "posts" else (_ID, *own, *_LAST, _GEOM)
        if table not in _MIXED:
            yield table, title, table, columns, ""
            continue
        zh, _, en = title.partition(" ")
        points = f"{zh}（点） {en} as points"
        yield table, title, table, columns, f" AND GeometryType(geom) = '{_MIXED[table]}'"
        yield f"{table}_points", points, table, columns, " AND GeometryType(geom) = 'POINT'"


def _quoted(text):
    return "'" + text.replace("'", "''") + "'"

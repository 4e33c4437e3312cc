"""What is wrong with data, as a value: named, located, and saying what to do.

A fault is a result, not an accident: readers and checks collect *all* faults of an input and either return
them (rejects, defects) or raise them together as one :class:`DataError`. The command line, the rejects files
and the HTTP replies all print the same :class:`Fault`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

#: Every kind of fault with its title in Chinese and English. The kind is stable: clients rely on it.
KINDS: dict[str, tuple[str, str]] = {
    # coordinates
    "coordinate-missing": ("缺少坐标", "Coordinate missing"),
    "coordinate-not-a-number": ("坐标不是数字", "Coordinate is not a number"),
    "coordinate-out-of-range": ("坐标超出范围", "Coordinate out of range"),
    "coordinate-swapped": ("经纬度颠倒", "Longitude and latitude swapped"),
    "datum-missing": ("未说明坐标系", "Datum or CRS not stated"),
    "datum-unknown": ("坐标系无法识别", "Unknown datum or CRS"),
    "datum-contradicted": ("坐标系与位置范围矛盾", "The extent contradicts the stated datum or CRS"),
    "datum-ballpark": ("坐标转换精度未知", "Only a transformation of unknown accuracy exists"),
    # one geometry
    "geometry-missing": ("缺少几何", "Geometry missing"),
    "geometry-empty": ("几何为空", "Empty geometry"),
    "geometry-invalid": ("几何无效", "Invalid geometry"),
    "geometry-type": ("几何类型不符", "Wrong geometry type"),
    "geometry-curved": ("曲线几何", "Curved geometry"),
    "geometry-3d": ("三维坐标已去除", "Heights were dropped"),
    "geometry-antimeridian": ("跨越 180° 经线", "Crosses the antimeridian"),
    "geometry-repaired": ("几何已修复", "Geometry was repaired"),
    # codes, hierarchy, values
    "code-missing": ("缺少编码", "Code missing"),
    "code-malformed": ("编码格式错误", "Malformed code"),
    "code-duplicate": ("编码重复", "Duplicate code"),
    "code-generated": ("编码由系统生成", "Code was generated"),
    "code-retired": ("编码已停用", "Code was retired and belongs to another feature"),
    "parent-missing": ("上级不存在", "Parent not found"),
    "parent-mismatch": ("编码与上级不符", "Code does not start with its parent's"),
    "outside-parent": ("超出上级边界", "Outside its parent"),
    "value-invalid": ("字段值无效", "Invalid value"),
    "value-missing": ("缺少必填字段", "Required value missing"),
    "changed-since": ("此后又有修改", "Changed again since"),
    "feature-missing": ("要素不存在", "No such feature"),
    "field-unknown": ("字段不存在", "No such field"),
    "type-unknown": ("设施类型未知", "Unknown facility type"),
    "building-cut": ("楼栋被网格界线穿过", "A border of grids cuts a building"),
    "compound-spans": ("小区跨网格", "Compound spans grids"),
    # the partition
    "overlap": ("重叠", "Overlap"),
    "gap": ("缝隙", "Gap"),
    "gap-enclosed": ("内部空洞", "Enclosed gap"),
    "gap-at-parent": ("与上级边界间的缝隙", "Gap at the parent's border"),
    "border-unmatched": ("界线与上级不重合", "Border beside its parent's"),
    "sliver": ("细碎面", "Sliver"),
    "t-junction": ("单侧节点", "Node on one side only"),
    "duplicate-geometry": ("几何重复", "Duplicate geometry"),
    # edits of areas
    "edit-unknown": ("编辑操作不存在", "No such edit"),
    "edit-target": ("编辑对象不存在", "No such area to edit"),
    "edit-line": ("编辑线无法切分", "The line cannot cut"),
    "edit-apart": ("区域不相邻", "No common border"),
    "edit-outside": ("编辑位置不在区域内", "Nothing to edit here"),
    "edit-vanishes": ("区域将消失", "An area would vanish"),
    "edit-crosses": ("边界将交叉", "Borders would cross"),
    "edit-loses": ("界线不匹配，土地将丢失", "Borders do not match; land would be lost"),
    "edit-nothing": ("编辑无变化", "The edit changes nothing"),
    # streets
    "street-island": ("孤立路段", "Street island"),
    "street-dangling": ("端点悬空", "Dead end beside a street"),
    "street-crossing": ("交叉处缺少节点", "Crossing without a node"),
    "barrier-idle": ("障碍不在道路上", "Barrier on no street"),
    "street-joined": ("立体交叉被误连", "Streets of different levels share a node"),
    "snapped-far": ("离道路过远", "Far from any street"),
    "unreachable": ("无法到达", "Unreachable"),
    # files and requests
    "file-unreadable": ("文件无法读取", "Unreadable file"),
    "file-truncated": ("文件不完整", "Truncated file"),
    "file-empty": ("文件中没有数据", "No data in the file"),
    "file-too-large": ("文件过大", "File too large"),
    "format-unknown": ("格式不支持", "Unsupported format"),
    "encoding-unknown": ("文字编码无法识别", "Unknown text encoding"),
    "parameter-invalid": ("参数错误", "Invalid parameter"),
    "layer-empty": ("图层为空", "The layer is empty"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong.

    Parameters
    ----------
    kind
        A key of :data:`KINDS`.
    message
        What is wrong, quoting the offending value, and what to do about it.
    layer, field
        Where in the data model.
    row
        Record number in its file, from 1, headers not counted.
    id
        Code, or else the identifier, of the feature.
    lon, lat
        A place of the fault, EPSG:4326.
    size, unit
        How large: ``m``, ``m2`` or ``count``.
    """

    kind: str
    message: str
    layer: str | None = None
    field: str | None = None
    row: int | None = None
    id: str | None = None
    lon: float | None = None
    lat: float | None = None
    size: float | None = None
    unit: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no such kind of fault: {self.kind!r}")

    @property
    def title(self) -> tuple[str, str]:
        """The kind in Chinese and in English."""
        return KINDS[self.kind]

    def as_dict(self) -> dict[str, str | int | float]:
        """The stated fields only, for JSON."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    def __str__(self) -> str:
        where = [f"row {self.row}" if self.row is not None else "", self.id or "", self.field or ""]
        if self.lon is not None and self.lat is not None:
            where.append(f"at {self.lon:.6f},{self.lat:.6f}")
        place = ", ".join(part for part in where if part)
        return f"{self.kind}: {place + ': ' if place else ''}{self.message}"


class DataError(ValueError):
    """Input that cannot be used; carries every fault found in it, never only the first."""

    def __init__(self, faults: Fault | Iterable[Fault]) -> None:
        self.faults: Sequence[Fault] = (faults,) if isinstance(faults, Fault) else tuple(faults)
        super().__init__("; ".join(map(str, self.faults[:20])))

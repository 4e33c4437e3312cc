"""Words of the screens, Chinese first, English beside it."""

from typing import Literal

#: Languages of the screens.
Language = Literal["zh", "en"]

LEVELS: dict[str, tuple[str, str]] = {
    "district": ("区县", "District"),
    "subdistrict": ("街道", "Subdistrict"),
    "community": ("社区", "Community"),
    "grid": ("网格", "Grid"),
}

LAYERS: dict[str, tuple[str, str]] = {
    "districts": ("区县", "Districts"),
    "subdistricts": ("街道", "Subdistricts"),
    "communities": ("社区", "Communities"),
    "grids": ("网格", "Grids"),
    "compounds": ("小区", "Compounds"),
    "buildings": ("楼栋", "Buildings"),
    "addresses": ("门牌地址", "Addresses"),
    "old_estates": ("老旧小区", "Old estates"),
    "facilities": ("设施", "Facilities"),
    "streets": ("道路", "Streets"),
    "barriers": ("障碍", "Barriers"),
}

STATUSES: dict[str, tuple[str, str]] = {
    "covered": ("已覆盖", "Covered"),
    "partial": ("部分覆盖", "Partial"),
    "uncovered": ("未覆盖", "Uncovered"),
    "unreachable": ("无法到达", "Unreachable"),
}

RULES: dict[str, tuple[str, str]] = {
    "inside": ("位于网格内部", "Inside"),
    "border": ("正好在边界上", "On a border"),
    "overlap": ("网格重叠处", "In an overlap"),
    "nearest": ("就近归属", "Nearest"),
    "none": ("无归属", "None"),
    "manual": ("人工指定", "By hand"),
}

BORDER_KINDS: dict[str, tuple[str, str]] = {
    "shared": ("两区之间的边界", "border between two areas"),
    "outer": ("外边界", "outer border"),
    "gap": ("空隙（无人管辖）", "gap that belongs to nobody"),
    "overlap": ("重叠（两区都占）", "overlap of two areas"),
}

SIGNS: dict[str, tuple[str, str]] = {
    "borderline": ("靠近边界", "Near the border"),
    **{rule: RULES[rule] for rule in ("border", "overlap", "nearest", "none")},
    "handed_over": ("人工移交", "Handed over"),
}

PROFILES: dict[str, tuple[str, str]] = {
    "adult": ("成人 1.25 m/s", "Adult 1.25 m/s"),
    "elderly": ("老年人 0.8 m/s", "Elderly 0.8 m/s"),
    "gb50180": ("GB 50180 距离", "GB 50180 distances"),
}

WEIGHTS: dict[str, tuple[str, str]] = {
    "people": ("人口", "People"),
    "households": ("户数", "Households"),
    "count": ("小区数", "Compounds"),
    "land": ("面积 m²", "Land m²"),
}

DATUMS: dict[str, tuple[str, str]] = {
    "wgs84": ("WGS 84（GPS）", "WGS 84 (GPS)"),
    "cgcs2000": ("CGCS2000（国家 2000）", "CGCS2000"),
    "gcj02": ("GCJ-02（高德、腾讯）", "GCJ-02 (AMap, Tencent)"),
    "bd09": ("BD-09（百度）", "BD-09 (Baidu)"),
}


def choose(pair: tuple[str, str], language: Language) -> str:
    """The one of a (Chinese, English) pair that ``language`` asks for."""
    return pair[0] if language == "zh" else pair[1]

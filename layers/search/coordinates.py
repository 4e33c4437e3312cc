"""Coordinates that somebody pasted: two numbers, decimal or in degrees, minutes and seconds."""

import re
import unicodedata
from dataclasses import dataclass

_NUMBER = re.compile(
    r"(?:(?P<before>[东西]经|[南北]纬|(?<![A-Za-z])[NSEWnsew](?![A-Za-z]))\s*)?"
    r"(?P<degrees>[-+]?\d+(?:\.\d+)?)\s*"
    r"(?:[°º˚度]\s*(?:(?P<minutes>\d+(?:\.\d+)?)\s*[′'’分]\s*)?(?:(?P<seconds>\d+(?:\.\d+)?)\s*(?:[″\"”秒]|''|’’)?)?)?\s*"
    r"(?P<after>[NSEWnsew](?![A-Za-z]))?"
)
#: What may stand around two numbers without making them anything but coordinates.
_AROUND = re.compile(
    r"经纬度|坐标|位置|经度|纬度|longitude|latitude|lon|lng|lat|wgs-?84|gcj-?02|bd-?09|cgcs2000|[\s,，;；:：=()\[\]{}、/|]",
    re.IGNORECASE,
)
_LATITUDE_FIRST = re.compile(r"\W*(?:纬度|latitude|lat)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pasted:
    """Two numbers as they were pasted, ``x`` being longitude or easting.

    ``marked`` tells that the text itself says which is which; else the first was taken for ``x``.
    """

    x: float
    y: float
    marked: bool


def pasted(text: str) -> Pasted | None:
    """Return the coordinates that a text consists of; None where it says anything else.

    Two whole numbers are no coordinates unless something marks them: 12 34 may be a house and a building.
    """
    # ° would be decomposed, and ″ made of two ′.
    text = "".join(c if c in "°º˚′″" else unicodedata.normalize("NFKC", c) for c in text)
    found = list(_NUMBER.finditer(text))
    if len(found) != 2 or _AROUND.sub("", _NUMBER.sub("", text)):  # noqa: PLR2004 - a pair
        return None
    (first, first_axis), (second, second_axis) = (_read(match) for match in found)
    marked = first_axis is not None or second_axis is not None
    if not marked and not any("." in match[0] or re.search("[°º˚度]", match[0]) for match in found):
        return None
    if first_axis == second_axis and first_axis is not None:
        return None
    if first_axis == "y" or second_axis == "x":
        return Pasted(second, first, marked=True)
    if not marked and _LATITUDE_FIRST.match(text):
        return Pasted(second, first, marked=True)
    return Pasted(first, second, marked=marked)


def _read(match: re.Match[str]) -> tuple[float, str | None]:
    degrees = float(match["degrees"])
    value = abs(degrees) + float(match["minutes"] or 0) / 60 + float(match["seconds"] or 0) / 3600
    mark = (match["before"] or match["after"] or "").upper()
    negative = match["degrees"].startswith("-") or mark[:1] in {"S", "W", "南", "西"}
    axis = "y" if mark[:1] in set("NS南北") else "x" if mark else None
    return (-value if negative else value), (axis if mark else None)

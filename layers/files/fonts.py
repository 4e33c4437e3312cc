"""Fonts with Chinese that are installed on this machine, for what is set without a browser."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTCollection
from matplotlib import font_manager

from layers.errors import FontMissing

#: File names without their ending, regular and bold, the best first.
_KNOWN = (
    ("NotoSansCJK-Regular", "NotoSansCJK-Bold"),
    ("NotoSansCJKsc-Regular", "NotoSansCJKsc-Bold"),
    ("NotoSansSC-Regular", "NotoSansSC-Bold"),
    ("wqy-microhei", "wqy-microhei"),
    ("wqy-zenhei", "wqy-zenhei"),
)


@dataclass(frozen=True, slots=True)
class Face:
    """A font file, and the number of its face where it holds several."""

    path: Path
    number: int = 0


@cache
def chinese() -> tuple[Face, Face]:
    """Find a font with Chinese, regular and bold; found once in the life of a process.

    Raises
    ------
    FontMissing
        If none is installed.
    """
    # Unsorted, and each folder may hold one of the same name.
    installed = {Path(path).stem: Path(path) for path in sorted(font_manager.findSystemFonts(), reverse=True)}
    for regular, bold in _KNOWN:
        if regular in installed:
            return _face(installed[regular]), _face(installed.get(bold, installed[regular]))
    raise FontMissing


def _face(path: Path) -> Face:
    """Choose the face for simplified Chinese."""
    if path.suffix.lower() != ".ttc":
        return Face(path)
    with TTCollection(str(path), lazy=True) as faces:
        names = [str(face["name"].getDebugName(1)) for face in faces.fonts]
    return Face(path, next((number for number, name in enumerate(names) if name.endswith(" SC")), 0))

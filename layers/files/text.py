"""Text of unknown encoding: files from Chinese offices are UTF-8 or GBK, and often do not say which.

UTF-8 is tried first, since GBK text is hardly ever valid UTF-8, while UTF-8 text can look like valid GBK.
GB18030 stands for GBK and GB2312, which it contains.
"""

import codecs
from collections.abc import Iterable, Sequence

from geo.faults import DataError, Fault

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Tried in this order when nothing states the encoding.
USUAL = ("utf-8", "gb18030")


def decode(content: bytes, *, stated: str | None = None) -> tuple[str, str]:
    """Decode a whole text file.

    Parameters
    ----------
    stated
        The encoding that the user names; then no other is tried.

    Returns
    -------
    str, str
        The text and the encoding that was taken.

    Raises
    ------
    DataError
        ``encoding-unknown`` when none fits, with the place of the first bad byte.
    """
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    tried = (stated,) if stated else (marked,) if marked else USUAL
    for name in tried:
        try:
            return content.decode(name), "utf-8" if name == "utf-8-sig" else name
        except UnicodeDecodeError as error:
            place = error.start
        except (LookupError, ValueError) as error:  # also a name with characters that no name has
            raise _unknown(f"{name!r} is no encoding") from error
    raise _unknown(f"Not text in {' or '.join(tried)} (byte {place})")


def choose(values: Iterable[bytes], candidates: Sequence[str]) -> str:
    """Return the first encoding in which all values can be decoded; each may be cut off within a character.

    Raises
    ------
    DataError
        ``encoding-unknown`` when none fits.
    """
    distinct = set(values)
    for name in candidates:
        try:
            b"  ".decode(name)  # what turns no bytes into text is no encoding, and says so here
            for value in distinct:
                decode_cut(value, name)
        except (ValueError, LookupError):
            continue
        return name
    raise _unknown(f"Not text in {' or '.join(candidates)}")


def decode_cut(value: bytes, encoding: str) -> str:
    """Decode a value whose last character may be cut off by the width of its field."""
    return codecs.getincrementaldecoder(encoding)().decode(value, final=False)


def _unknown(why: str) -> DataError:
    return DataError(Fault(kind="encoding-unknown", message=f"{why}; state it with --encoding."))

"""Where records and fields of delimited text begin and end, and the numbers in them, from its bytes.

The rules are those of RFC 4180 as spreadsheets write it: fields may be quoted, and hold delimiters, line ends
and doubled quotes then. Bytes are looked at, not characters: delimiters, quotes and line ends are ASCII in
every encoding that comes here, and in GBK the second byte of a character is passed over.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]

_LF, _CR, _QUOTE, _SPACE, _TAB = 10, 13, 34, 32, 9
_ZERO, _NINE, _PLUS, _MINUS, _DOT = 48, 57, 43, 45, 46
# First bytes of characters of two or four bytes in GB18030.
_LEAD_FIRST, _LEAD_LAST = 0x81, 0xFE
# Digits of an exponent; more are no coordinate.
_MOST_EXPONENT = 3
#: Line ends by their number.
ENDS = (b"", b"\n", b"\r\n", b"\r")
#: What a field is to whoever wants a number of it.
NUMBER, BLANK, OTHER = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Records:
    """Records that are not blank, by their offsets in a text.

    Attributes
    ----------
    start, end
        Of each record, without its line end.
    line_end
        Position in :data:`ENDS`.
    cut
        Where its fields beyond the wanted number begin; `end` where there are none.
    fields
        How many it has.
    wanted
        Starts and ends of wanted fields, shape (records, wanted, 2); empty where a record has too few.
    taken
        Where the first record begins that is not here.
    full
        Whether that is because of `most`; else the text must go on for it.
    broken
        Offset of a quoted field that goes on after its end, or never ends; -1 where there is none.
    """

    start: Offsets
    end: Offsets
    line_end: npt.NDArray[np.int8]
    cut: Offsets
    fields: Offsets
    wanted: Offsets
    taken: int
    full: bool
    broken: int

    def __len__(self) -> int:
        return len(self.start)


def records(
    text: Bytes, *, delimiter: int, wide: bool, final: bool, width: int, wanted: Offsets, most: int
) -> Records:
    """Find the records of a text.

    Parameters
    ----------
    delimiter
        Its byte.
    wide
        Whether bytes from 0x81 on begin a character of two.
    final
        Whether nothing follows; else the last record may be cut off, and is left for later.
    width
        How many fields a record should have.
    wanted
        Numbers of the fields whose places are wanted, sorted, from 0.
    most
        How many records to find.
    """
    most = min(most, int(np.count_nonzero(text == _LF) + np.count_nonzero(text == _CR)) + 1)
    start, end, cut, fields = (np.empty(most, dtype=np.int64) for _ in range(4))
    line_end = np.empty(most, dtype=np.int8)
    found = np.zeros((most, len(wanted), 2), dtype=np.int64)
    options = (delimiter, wide, final, width)
    count, taken, broken = _scan(text, options, wanted, start, end, cut, fields, line_end, found)
    return Records(
        start[:count], end[:count], line_end[:count], cut[:count], fields[:count], found[:count],
        taken, bool(count == most and taken < len(text)), broken,
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _scan(text, options, wanted, start, end, cut, fields, line_end, found):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, C901, PLR0912, PLR0915, PLR0917 - one pass over bytes, compiled
    delimiter, wide, final, width = options
    size = len(text)
    count = at = taken = 0
    while at < size and count < len(start):
        begin = at
        number = next_wanted = 0
        cut_at = -1
        closed = False
        while not closed:
            # One field.
            field = at
            if at < size and text[at] == _QUOTE:
                at += 1
                while True:
                    while at < size and text[at] != _QUOTE:
                        at += 2 if wide and _LEAD_FIRST <= text[at] <= _LEAD_LAST else 1
                    if at + 1 >= size and not final:
                        return count, taken, -1
                    if at >= size:
                        return count, taken, field
                    at += 1
                    if at < size and text[at] == _QUOTE:
                        at += 1
                    else:
                        break
                if at < size and text[at] != delimiter and text[at] != _LF and text[at] != _CR:
                    return count, taken, field
            else:
                while at < size and text[at] != delimiter and text[at] != _LF and text[at] != _CR:
                    at += 2 if wide and _LEAD_FIRST <= text[at] <= _LEAD_LAST else 1
                at = min(at, size)
            if next_wanted < len(wanted) and number == wanted[next_wanted]:
                found[count, next_wanted, 0] = field
                found[count, next_wanted, 1] = at
                next_wanted += 1
            number += 1
            if number == width:
                cut_at = at
            if at < size and text[at] == delimiter:
                at += 1
            else:
                closed = True
        stop = at
        if at >= size:
            if not final:
                return count, taken, -1
            ending = 0
        elif text[at] == _LF:
            ending = 1
            at += 1
        elif at + 1 >= size and not final:
            return count, taken, -1
        elif at + 1 < size and text[at + 1] == _LF:
            ending = 2
            at += 2
        else:
            ending = 3
            at += 1
        taken = at
        if stop > begin:
            start[count], end[count] = begin, stop
            cut[count] = cut_at if cut_at >= 0 else stop
            fields[count], line_end[count] = number, ending
            count += 1
        else:
            # What a blank line left there belongs to the next record.
            found[count] = 0
    return count, taken, -1


def slices(text: Bytes, start: Offsets, end: Offsets) -> pa.Array:
    """Pieces of a text, as they stand in it: Arrow binary values."""
    offsets = np.zeros(len(start) + 1, dtype=np.int32)
    np.cumsum(end - start, out=offsets[1:])
    data = np.empty(int(offsets[-1]), dtype=np.uint8)
    _copy(text, start, end, offsets, data)
    return _binary(offsets, data)


@njit(cache=True, nogil=True)
def _copy(text, start, end, offsets, data):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled
    for row in range(len(start)):
        to = offsets[row]
        for at in range(start[row], end[row]):
            data[to] = text[at]
            to += 1


def values(text: Bytes, start: Offsets, end: Offsets) -> pa.Array:
    """Values of fields, their quotes taken off: Arrow binary values."""
    offsets = np.zeros(len(start) + 1, dtype=np.int32)
    data = np.empty(int((end - start).sum()), dtype=np.uint8)
    _unquote(text, start, end, offsets, data)
    return _binary(offsets, data)


@njit(cache=True, nogil=True)
def _unquote(text, start, end, offsets, data):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled
    to = 0
    for row in range(len(start)):
        at, last = start[row], end[row]
        if at < last and text[at] == _QUOTE:
            at += 1
            last -= 1
            while at < last:
                # A quote within stands twice.
                if text[at] == _QUOTE:
                    at += 1
                data[to] = text[at]
                to += 1
                at += 1
        while at < last:
            data[to] = text[at]
            to += 1
            at += 1
        offsets[row + 1] = to


def numbers(
    text: Bytes, start: Offsets, end: Offsets
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int8]]:
    """Decimal numbers of fields, quoted or not, with blanks around them or not.

    Returns
    -------
    ndarray, ndarray
        The nearest doubles, NaN where a field holds none; and :data:`NUMBER`, :data:`BLANK` or :data:`OTHER`.
    """
    offsets = np.zeros(len(start) + 1, dtype=np.int32)
    data = np.empty(int((end - start).sum()) + len(start), dtype=np.uint8)
    kind = np.empty(len(start), dtype=np.int8)
    _digits(text, start, end, offsets, data, kind)
    result = _binary(offsets, data).cast(pa.string()).cast(pa.float64()).to_numpy().copy()
    # Beyond every double.
    kind[np.isinf(result)] = OTHER
    result[kind != NUMBER] = np.nan
    return result, kind


@njit(cache=True, nogil=True)
def _digits(text, start, end, offsets, data, kind):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0917 - compiled
    to = 0
    for row in range(len(start)):
        first, last = start[row], end[row]
        if first < last and text[first] == _QUOTE:
            first, last = first + 1, last - 1
        while first < last and (text[first] == _SPACE or text[first] == _TAB):
            first += 1
        while first < last and (text[last - 1] == _SPACE or text[last - 1] == _TAB):
            last -= 1
        kind[row] = BLANK if first >= last else NUMBER if _is_number(text, first, last) else OTHER
        if kind[row] == NUMBER:
            for at in range(first, last):
                data[to] = text[at]
                to += 1
        else:
            data[to] = _ZERO
            to += 1
        offsets[row + 1] = to


@njit(cache=True, nogil=True)
def _is_number(text, at, last):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled
    """Whether a text is a sign, digits with a point among them, and an exponent, or the latter parts absent."""
    if text[at] == _PLUS or text[at] == _MINUS:
        at += 1
    digits = 0
    while at < last and _ZERO <= text[at] <= _NINE:
        at += 1
        digits += 1
    if at < last and text[at] == _DOT:
        at += 1
        while at < last and _ZERO <= text[at] <= _NINE:
            at += 1
            digits += 1
    if digits and at < last and (text[at] == 69 or text[at] == 101):  # noqa: PLR2004 - E or e
        at += 1
        if at < last and (text[at] == _PLUS or text[at] == _MINUS):
            at += 1
        exponent = last - at
        while at < last and _ZERO <= text[at] <= _NINE:
            at += 1
        return at == last and 0 < exponent <= _MOST_EXPONENT
    return digits > 0 and at == last


def _binary(offsets: npt.NDArray[np.int32], data: Bytes) -> pa.Array:
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, buffers)


def compile_kernels() -> None:
    """Compile into numba's cache, so that no request waits for the compiler."""
    text = np.frombuffer(b'1,"2"\n', dtype=np.uint8)
    found = records(text, delimiter=44, wide=False, final=True, width=2, wanted=np.arange(2), most=9)
    first, second = found.wanted[:, 0], found.wanted[:, 1]
    numbers(text, first[:, 0], first[:, 1])
    values(text, second[:, 0], second[:, 1])
    slices(text, found.start, found.end)

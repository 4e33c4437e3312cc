"""Tables in the format a request asks for: by the word of ``format``, else by ``Accept``."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from fastapi.responses import Response

from api.errors import Problem
from geo.coverage import circles
from geo.faults import DataError, Fault

#: Formats by the word of `format`, with the media types of `Accept`.
FORMATS = {
    "json": "application/json",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "geojson": "application/geo+json",
}

#: Formats that only some tables have.
MORE_FORMATS = {
    "gpkg": "application/geopackage+sqlite3",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
}

#: How the API's description says them.
DESCRIPTION = ", ".join(FORMATS) + "; default: by Accept, else json"

_PLAIN_NAME = re.compile(r"[\w .-]+", re.ASCII)

#: Rows that a format can carry without tying up the server for long; CSV and JSON have no limit.
_MOST_ROWS = {"geojson": 20_000, "xlsx": 100_000, "gpkg": 100_000}


def choose(word: str | None, accept: str, offered: Mapping[str, str] = FORMATS) -> str:
    """Return the format asked for, of those offered by their words; the first where any will do.

    Raises
    ------
    Problem
        ``invalid-request`` for an unknown word, ``not-acceptable`` where no offered type is accepted.
    """
    if word is not None:
        if word not in offered:
            faults = circles.word_faults("format", word, tuple(offered))
            raise Problem("invalid-request", faults[0].message, faults=faults)
        return word
    for media in _by_preference(accept):
        for name, kind in offered.items():
            if media in {kind, "*/*", kind.split("/")[0] + "/*"}:
                return name
    raise Problem("not-acceptable", f"Offered are {', '.join(offered.values())}.")


def check_size(written: str, rows: int, *, otherwise: str) -> None:
    """Refuse more rows than a format can carry; `otherwise` says what to ask for.

    Raises
    ------
    DataError
        On field ``format``.
    """
    most = _MOST_ROWS.get(written)
    if most is not None and rows > most:
        message = f"{rows} rows are more than the {most} that {written} can carry: ask for {otherwise}."
        raise DataError(Fault(kind="parameter-invalid", field="format", message=message))


def reply(body: bytes, written: str, *, name: str, revision: int) -> Response:
    """Send a table; what browsers cannot show as a file called `name`."""
    return Response(
        body, media_type=media_type(written), headers=headers(written, name=name, revision=revision)
    )


def media_type(written: str) -> str:
    """Media type of a format, as a reply states it."""
    return (FORMATS | MORE_FORMATS)[written] + ("; charset=utf-8" if written == "csv" else "")


def headers(written: str, *, name: str, revision: int) -> dict[str, str]:
    """Return the headers of a table, see :func:`reply`."""
    found = {"Wangge-Revision": str(revision), "Vary": "Accept, Prefer"}
    if written not in {"json", "geojson"}:
        found["Content-Disposition"] = attachment(f"{name}.{written}")
    return found


def attachment(name: str) -> str:
    """Return the Content-Disposition of a file; a code in its name may be Chinese, or hold quotes (RFC 6266, RFC 8187)."""
    if _PLAIN_NAME.fullmatch(name):
        return f'attachment; filename="{name}"'
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


def _by_preference(accept: str) -> list[str]:
    """Media types of an Accept header, the most wanted first (RFC 9110, 12.5.1); refused ones left out."""
    stated = []
    for part in accept.split(","):
        media, *parameters = (word.strip().lower() for word in part.split(";"))
        quality = next((word[2:] for word in parameters if word.startswith("q=")), "1")
        try:
            stated.append((float(quality), media))
        except ValueError:
            continue
    return [media for quality, media in sorted(stated, key=lambda pair: -pair[0]) if quality > 0]

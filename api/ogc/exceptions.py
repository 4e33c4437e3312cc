"""Errors as QGIS shows them: it tells the user the text of an OWS exception report, and of nothing else."""

from typing import Any
from xml.sax.saxutils import escape, quoteattr

from fastapi import Request
from fastapi.responses import Response

_ROOT = "/ogc"


def in_tree(request: Request) -> bool:
    """Tell whether a request is one to OGC API – Features, whose standard says 400 of every bad query."""
    path = request.url.path
    return path == _ROOT or path.startswith(_ROOT + "/")


def wants_report(request: Request) -> bool:
    """Tell whether QGIS asks for something of the tree."""
    return in_tree(request) and "qgis" in request.headers.get("user-agent", "").lower()


def report(problem: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """Return an OWS exception report (OGC 06-121r9) that says what a problem document says."""
    told = problem.get("errors") or [{"message": problem["detail"]}]
    code = problem["type"].rpartition(":")[2]
    body = "".join(_exception(code, fault) for fault in told)
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/2.0" version="2.0.0" xml:lang="en">'
        f"{body}</ows:ExceptionReport>\n"
    )
    return Response(text, status_code=problem["status"], media_type="application/xml", headers=headers)


def _exception(code: str, fault: dict[str, Any]) -> str:
    locator = f" locator={quoteattr(_printable(str(fault['field'])))}" if fault.get("field") else ""
    message = escape(_printable(str(fault["message"])))
    return (
        f"<ows:Exception exceptionCode={quoteattr(code)}{locator}>"
        f"<ows:ExceptionText>{message}</ows:ExceptionText></ows:Exception>"
    )


def _printable(text: str) -> str:
    """Leave out what XML cannot hold at all."""
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")

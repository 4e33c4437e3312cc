"""The one table from errors to HTTP replies, as ``application/problem+json`` (RFC 9457)."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from api.headers import SAFE
from api.ogc import exceptions
from api.web import replies
from api.web.error_page import error_page
from geo.faults import DataError, Fault
from layers import errors

_log = structlog.get_logger(__name__)

#: Every problem: stable name, status, title in English and Chinese.
PROBLEMS: dict[str, tuple[int, str, str]] = {
    "bad-request": (400, "The request cannot be understood", "无法理解该请求"),
    "invalid-request": (422, "The request is not valid", "请求无效"),
    "invalid-data": (422, "The data cannot be used", "数据无法使用"),
    "before-history": (422, "Nothing was published yet at that time", "该时间尚无已发布数据"),
    "unauthenticated": (401, "Sign in first", "请先登录"),
    "forbidden": (403, "Your account may not do this", "当前账号无此权限"),
    "not-found": (404, "Not found", "未找到"),
    "method-not-allowed": (405, "This method is not offered here", "不支持该请求方法"),
    "not-acceptable": (406, "None of the accepted formats is offered", "不支持所要求的格式"),
    "conflict": (409, "The request contradicts what is stored", "与现有数据冲突"),
    "stale": (412, "The record has changed since you read it", "记录已被他人修改"),
    "version-missing": (428, "Say which version you have read", "须说明所读版本"),
    "too-large": (413, "The request is too large", "请求过大"),
    "unsupported-format": (415, "The format is not supported", "不支持的数据格式"),
    "too-many-requests": (429, "Too many requests", "请求过于频繁"),
    "internal": (500, "Something failed on our side", "服务内部错误"),
    "database-unavailable": (503, "The database does not answer", "数据库无法访问"),
    "not-installed": (503, "The server lacks something for this", "服务器缺少所需组件"),
}

_BY_STATUS = {status: name for name, (status, _, _) in reversed(PROBLEMS.items())}

#: From an error's class to its problem; the first that fits decides.
_BY_CLASS: Sequence[tuple[type[Exception], str]] = (
    (errors.BeforeHistory, "before-history"),
    (errors.NotFound, "not-found"),
    (errors.Conflict, "conflict"),
    (errors.Stale, "stale"),
    (errors.TooManyJobs, "too-many-requests"),
    (errors.DatabaseUnavailable, "database-unavailable"),
    (errors.DatabaseOutdated, "database-unavailable"),
    (errors.DatabaseUnsuitable, "database-unavailable"),
    (errors.FontMissing, "not-installed"),
)


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """A reply that is a problem; routes raise it where no domain error says the same."""

    def __init__(
        self,
        name: str,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        headers: dict[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.name = name
        self.detail = detail
        self.faults = faults
        self.headers = headers
        #: Further members of the document (RFC 9457, 3.2).
        self.members = members or {}


def install(app: FastAPI) -> None:
    """Make every error of the application a problem document."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(DataError, _data_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(errors.LayersError, _layers_error)
    app.add_exception_handler(Exception, _unexpected)


def document(name: str, detail: str, problems: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Return a problem document; ``errors`` lists every fault, with the field and what to do."""
    status, title, title_zh = PROBLEMS[name]
    body: dict[str, Any] = {
        "type": f"urn:wangge:problem:{name}",
        "title": title,
        "title_zh": title_zh,
        "status": status,
        "detail": detail,
    }
    if problems:
        body["errors"] = list(problems)
    return body


def too_large(most_bytes: int) -> Response:
    """Return the reply to a body of more than ``most_bytes``."""
    return _sent(document("too-large", f"The body is larger than {most_bytes} bytes; send it in parts."))


def _reply(
    request: Request,
    name: str,
    detail: str,
    problems: Sequence[dict[str, Any]] = (),
    headers: dict[str, str] | None = None,
    *,
    members: Mapping[str, Any] | None = None,
) -> Response:
    # The standard of that tree knows 400 where we say what is amiss by 422.
    bad = name in {"invalid-request", "invalid-data"} and exceptions.in_tree(request)
    body = document("bad-request" if bad else name, detail, problems) | dict(members or {})
    if exceptions.wants_report(request):
        return exceptions.report(body, headers)
    return error_page(request, body, headers) if replies.wants_page(request) else _sent(body, headers)


def _sent(body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(body),
        status_code=body["status"],
        media_type="application/problem+json",
        headers=headers,
    )


def _fault(fault: Fault) -> dict[str, Any]:
    zh, en = fault.title
    return {"title": en, "title_zh": zh, **fault.as_dict()}


def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for this class only
    faults = [_fault(fault) for fault in error.faults]
    return _reply(request, error.name, error.detail, faults, error.headers, members=error.members)


def _data_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DataError)  # noqa: S101 - registered for this class only
    count = len(error.faults)
    detail = error.faults[0].message if count == 1 else f"{count} faults were found; all are listed."
    return _reply(request, "invalid-data", detail, [_fault(f) for f in error.faults])


def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    found = [_invalid(item) for item in error.errors()]
    detail = "; ".join(f"{item['field']}: {item['message']}" for item in found)
    return _reply(request, "invalid-request", detail, found)


def _invalid(item: dict[str, Any]) -> dict[str, Any]:
    """Return one complaint of the framework's in our words."""
    if item["type"] == "json_invalid":
        reason = item.get("ctx", {}).get("error", item["msg"])
        message = f"This is not JSON: {reason} (character {item['loc'][-1]})."
        return {"kind": "parameter-invalid", "field": "body", "message": message}
    field = ".".join(str(part) for part in item["loc"][1:]) or str(item["loc"][0])
    return {"kind": "parameter-invalid", "field": field, "message": item["msg"]}


def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    name = _BY_STATUS.get(error.status_code, "internal" if error.status_code >= 500 else "invalid-request")  # noqa: PLR2004 - the class of server errors
    status, title, _title_zh = PROBLEMS[name]
    detail = str(error.detail) if status < 500 else title  # noqa: PLR2004 - as above
    return _reply(request, name, detail, headers=dict(error.headers or {}))


def _layers_error(request: Request, error: Exception) -> Response:
    for kind, name in _BY_CLASS:
        if isinstance(error, kind):
            headers = {"Retry-After": "5"} if name == "database-unavailable" else None
            faults = error.faults if isinstance(error, errors.Conflict) else ()
            return _reply(request, name, str(error), [_fault(f) for f in faults], headers)
    return _unexpected(request, error)


def _unexpected(request: Request, error: Exception) -> Response:
    """Hide what failed, and log it under an id that the reply names."""
    reference = uuid4().hex[:12]
    _log.error("unexpected error", reference=reference, exc_info=error)
    # This reply is made outside of every middleware.
    return _reply(
        request,
        "internal",
        f"The failure is logged under {reference}; tell your operator this number.",
        headers=dict(SAFE),
    )

"""Logs: one line of JSON an event, on stderr."""

import sys

import structlog
from asgi_correlation_id import correlation_id
from structlog.typing import EventDict, WrappedLogger


def configure() -> None:
    """Set logging up for this process.

    Tracebacks come without the values of local variables, which may hold personal data.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            _add_request_id,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _add_request_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    request = correlation_id.get()
    if request is not None:
        event["request"] = request
    return event

"""
The log lines of the service: one JSON line per event, on standard error.

A line holds a time, a level, an event, ids, outcomes and durations. INVARIANT (nothing personal): no line holds a body
or a value in it, a path or a header as sent, or the message of an unforeseen error, which may quote a value. For such an
error, the line has its class and its places in the code.

Lines below the level that is set are left out. INVARIANT (the audit is whole): the lines `audit` are written at every level.
"""

import json
import logging
import sys
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

PLACES_OF_AN_ERROR = 12
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def logger(stream: TextIO | None = None, level: str = "info") -> FilteringBoundLogger:
    """A logger of JSON lines from one of the LEVELS on, on standard error if no stream is given."""
    bound: FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(stream or sys.stderr),
        processors=[_only_from(level), _line] if LEVELS[level] > logging.INFO else [_line],
        # Not above `info`: the lines of the audit have this level.
        wrapper_class=structlog.make_filtering_bound_logger(min(LEVELS[level], logging.INFO)),
        cache_logger_on_first_use=True,
    ).bind()
    return bound


def audit(say: FilteringBoundLogger, action: str, **what: object) -> None:
    """A line for the audit: who did what, or was refused it. It has only ids and names of things."""
    say.info("audit", action=action, **what)


def note(scope: MutableMapping[str, Any], **what: object) -> None:
    """Add to the log line of a request: ids and outcomes only, never a fact."""
    scope["said"].update(what)


def described(error: BaseException) -> dict[str, Any]:
    """An unforeseen error without its message: its class, and the places in the code, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)[-PLACES_OF_AN_ERROR:]
    return {
        "error": type(error).__name__,
        "at": [f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}" for frame in frames],
    }


class ServerMessages(logging.Handler):
    """Writes uvicorn's own warnings as lines like all others."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line. A traceback is cut to its first line, which holds no value."""
        say = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        say("server", message=record.getMessage().splitlines()[0])


def _only_from(level: str) -> Processor:
    def processor(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        if LEVELS.get(method, logging.CRITICAL) < LEVELS[level] and event["event"] != "audit":
            raise structlog.DropEvent
        return event

    return processor


_encode = json.JSONEncoder(default=repr).encode


def _line(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """The event as JSON, with time, level and event first, for people who read raw lines."""
    timestamp = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return _encode({"timestamp": timestamp, "level": method, "event": event.pop("event"), **event})

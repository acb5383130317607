"""
What the service says about itself: one JSON line an event, on standard error.

A line holds a time, a level, an event, ids, outcomes and durations. INVARIANT (nothing personal): no line holds a body,
a value of one, a path or a header as sent, or the message of an unforeseen error (which may quote a value); of such an
error its class and the places in the code are written.
"""

import json
import logging
import sys
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

PLACES_OF_AN_ERROR = 12


def logger(stream: TextIO | None = None) -> FilteringBoundLogger:
    """A logger of JSON lines; to standard error unless told otherwise."""
    bound: FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(stream or sys.stderr),
        processors=[_line],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    ).bind()
    return bound


def audit(say: FilteringBoundLogger, action: str, **what: object) -> None:
    """A line for whoever watches over the service: who did, or was refused, what. Ids and names of things only."""
    say.info("audit", action=action, **what)


def note(scope: MutableMapping[str, Any], **what: object) -> None:
    """Add to the log line of a request: ids and outcomes only, never a fact."""
    scope["said"].update(what)


def described(error: BaseException) -> dict[str, Any]:
    """An unforeseen error without its message: its class, and where it came from, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)[-PLACES_OF_AN_ERROR:]
    return {
        "error": type(error).__name__,
        "at": [f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}" for frame in frames],
    }


class ServerMessages(logging.Handler):
    """Lets uvicorn's own warnings out as lines like all others."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """One line; of a traceback only its first line, which carries no value."""
        say = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        say("server", message=record.getMessage().splitlines()[0])


_encode = json.JSONEncoder(default=repr).encode


def _line(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """Time, level and event lead, for the reader of raw lines."""
    timestamp = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return _encode({"timestamp": timestamp, "level": method, "event": event.pop("event"), **event})

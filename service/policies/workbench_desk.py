"""
The desk at which policies are edited: what a page asks goes in, what the desk's process answers comes out (`service.language_server.desk`).

The process is begun with the first question, is told the served policies once, and ends after some minutes without a question. One question
is answered at a time. It needs the extra `editor`; without it there is no desk.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from service.policies.live import Live
from service.problems import RequestRefused

MODULE = "service.language_server.desk"
TURN = 20.0  # seconds that a question waits for those before it
LONGEST = 60.0  # seconds for one answer
PLACES = 4  # questions that are answered or wait; each holds a thread
IDLE = 900.0  # seconds without a question, after which the process ends
_LATER = {"Retry-After": "5"}


def can_edit() -> bool:
    """Whether the language server is installed."""
    return find_spec("pygls") is not None


class WorkbenchDesk:
    """The desk of one process of the service."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._places = threading.BoundedSemaphore(PLACES)
        self._process: subprocess.Popen[bytes] | None = None
        self._told: tuple[str, str] | None = None
        self._end: threading.Timer | None = None

    def ask(self, live: Live, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What the desk answers. Raises RequestRefused while it is busy, and where it takes too long."""
        busy = RequestRefused("busy", "others are editing policies; try again in a moment", headers=_LATER)
        if not self._places.acquire(blocking=False):
            raise busy
        try:
            if not self._turn.acquire(timeout=TURN):
                raise busy
            try:
                answer = self._answer(live, asked)
            finally:
                self._turn.release()
        finally:
            self._places.release()
        if answer is None:
            raise RequestRefused("busy", "reading these policies took too long or too much memory", headers=_LATER)
        if answer.get("full"):
            raise RequestRefused("busy", "as many edit policies as can at a time; try again in ten minutes", headers=_LATER)
        if "wrong" in answer:
            raise RequestRefused("bad-request", answer["wrong"])
        return answer

    def _answer(self, live: Live, asked: Mapping[str, Any]) -> dict[str, Any] | None:
        if self._end is not None:
            self._end.cancel()
        process = self._running()
        digests = live.digests.source, live.digests.meaning
        said = dict(asked)
        if self._told != digests:
            said["served"] = {name: data.decode("utf-8", "surrogateescape") for name, data in live.bundle.sources.items()}
            said["settings"] = {"trust": live.bundle.settings.trust, "norms": live.bundle.settings.norms}
        late = threading.Timer(LONGEST, process.kill)
        late.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(said).encode() + b"\n")
            process.stdin.flush()
            answer: dict[str, Any] = json.loads(process.stdout.readline())
        except (OSError, ValueError):
            self._stop()
            return None
        finally:
            late.cancel()
        self._told = digests
        self._end = threading.Timer(IDLE, self._stop_if_idle)
        self._end.daemon = True
        self._end.start()
        return answer

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self._told = None
            # Its error output is not shown: the text of an error may quote a value.
            self._process = subprocess.Popen(
                [sys.executable, "-m", MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        return self._process

    def _stop_if_idle(self) -> None:
        if self._turn.acquire(blocking=False):
            try:
                self._stop()
            finally:
                self._turn.release()

    def _stop(self) -> None:
        process, self._process, self._told = self._process, None, None
        if process is not None:
            process.kill()
            process.communicate()

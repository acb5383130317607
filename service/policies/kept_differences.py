"""
Differences between bundles that decided: two of them go in; what differs comes out once a process of its own has found it.

One comparison of a kind runs at a time. The last ones are kept in memory: a kept bundle never changes, and neither does what differs. What
rests on the log too is kept for a while only.
"""

import json
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date
from typing import Any

SECONDS = 20.0  # for deciding exchanges
LONGEST = 180.0  # seconds, of the whole process
MOST_KEPT = 8

Digests = tuple[str, str]  # source, meaning


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    A comparison as far as it is: `state` is `running`, `waiting` while another one runs, `failed`, or `done`, and then `found` has it.
    """

    state: str
    found: dict[str, Any] | None = None


class KeptDifferences:
    """
    The comparisons of one kind in one process; `database` is the address of the database that keeps the bundles.

    `made_by` is the module whose process finds what differs, and may decide for `seconds`. It is kept as long as `lasts`, in seconds too.
    """

    def __init__(
        self,
        database: str,
        made_by: str = "service.policies.difference_process",
        seconds: float = SECONDS,
        lasts: float = float("inf"),
    ) -> None:
        self._database = database  # its address
        self._made_by, self._seconds, self._lasts = made_by, seconds, lasts
        self._turn = threading.Lock()
        self._done: OrderedDict[tuple[Digests, Digests], tuple[Comparison, float]] = OrderedDict()
        self._running: tuple[Digests, Digests] | None = None

    def of(self, old: Digests, new: Digests, today: date) -> Comparison:
        """What differs between two kept bundles. It is begun if it was not, and nothing waits for it."""
        pair = (old, new)
        with self._turn:
            comparison, at = self._done.get(pair, (None, 0.0))
            if comparison is not None and time.monotonic() < at + self._lasts:
                self._done.move_to_end(pair)
                return comparison
            if self._running is not None:
                return Comparison("running" if self._running == pair else "waiting")
            self._running = pair
        threading.Thread(target=self._compare, args=(pair, today), daemon=True).start()
        return Comparison("running")

    def _compare(self, pair: tuple[Digests, Digests], today: date) -> None:
        asked = {
            "database": self._database,
            "old": pair[0],
            "new": pair[1],
            "seconds": self._seconds,
            "today": today.isoformat(),
        }
        comparison = Comparison("failed")
        try:
            # Its error output is not shown: the text of an error may quote a value.
            made = subprocess.run(
                [sys.executable, "-m", self._made_by],
                input=json.dumps(asked).encode() + b"\n",
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=LONGEST,
                check=True,
            )
            found: dict[str, Any] = json.loads(made.stdout)
            if "not_kept" not in found:
                comparison = Comparison("done", found)
        except (OSError, ValueError, subprocess.SubprocessError):
            pass
        with self._turn:
            self._running = None
            self._done[pair] = comparison, time.monotonic()
            self._done.move_to_end(pair)
            while len(self._done) > MOST_KEPT:
                self._done.popitem(last=False)

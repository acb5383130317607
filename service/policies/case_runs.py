"""
The test cases of one policy, decided for a page: the live policies and the name of a policy in, how each case came out.

One run at a time goes on in a process, for a few seconds at most, and makes room for decisions after each case. What there was no time for
is run next. The code is that of `fifthfactor test`; the engines are those that decide here.
"""

import threading
import time
from dataclasses import dataclass

import engine
from service.policies.live import Live
from service.problems import RequestRefused

SECONDS = 5.0  # of a run
MOST_CASES = 200  # of a run
_PAUSE = 0.001  # seconds after each case, in which another thread may decide


@dataclass(frozen=True, slots=True)
class CaseResults:
    """How cases came out, from the case with the number `first` on; `engines` decided them."""

    first: int
    results: tuple[engine.Result, ...]
    engines: tuple[str, ...]


class CaseRuns:
    """The runs of one process."""

    def __init__(self) -> None:
        self._turn = threading.Lock()

    def run(self, live: Live, policy: str, first: int) -> CaseResults:
        """Run the cases of a policy, as many as there is time for, at least one. Raises RequestRefused while another run goes on."""
        if not self._turn.acquire(blocking=False):
            raise RequestRefused(
                "busy", "the cases of another policy are running; try again in a moment", headers={"Retry-After": "5"}
            )
        try:
            results, end = [], time.monotonic() + SECONDS
            for result in engine.run_policy(live.bundle, policy, live.pdp, first):
                results.append(result)
                if len(results) == MOST_CASES or time.monotonic() >= end:
                    break
                time.sleep(_PAUSE)
            return CaseResults(first, tuple(results), tuple(each.name for each in live.pdp.engines))
        finally:
            self._turn.release()

"""Rate limits: one token bucket per name, for a bounded number of names."""

import time
from collections import OrderedDict
from collections.abc import Callable

MOST_NAMES = 10_000


class Buckets:
    """
    Token buckets: each name may do `burst` things at once, and then `rate` per second.

    Where there are too many names, the one that was quiet longest loses its bucket. If it comes back, its bucket is full.
    """

    def __init__(self, rate: float, burst: int, *, most: int = MOST_NAMES, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._most = most
        self._clock = clock
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what is left, and at what time

    def take(self, name: str) -> float:
        """Do one thing. Returns 0 if it may be done, or else the seconds until it may. A rate of 0 is no limit."""
        if not self._rate:
            return 0.0
        now = self._clock()
        left, since = self._held.pop(name, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._rate)
        wait = 0.0 if left >= 1 else (1 - left) / self._rate
        self._held[name] = (left if wait else left - 1, now)
        if len(self._held) > self._most:
            self._held.popitem(last=False)
        return wait

"""How often somebody may do something: a token bucket a name, for a bounded number of names."""

import time
from collections import OrderedDict
from collections.abc import Callable

MOST_NAMES = 10_000


class Buckets:
    """
    Token buckets: each name may do `burst` things at once and `rate` a second from then on.

    The bucket of the name that was quiet for the longest time is given up for a new name; it comes back full.
    """

    def __init__(self, rate: float, burst: int, *, most: int = MOST_NAMES, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._most = most
        self._clock = clock
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what is left, and since when

    def take(self, name: str) -> float:
        """Do one thing: 0 where it may be done, else the seconds until it may. A rate of 0 is no limit."""
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

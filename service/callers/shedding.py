"""
The requests that a process has under way, and whether it accepts more. Under load it refuses early, and says when to try again.

INVARIANT (bounded): at most `most` requests are under way, besides those that watch the service. So their memory is at most that
number times the memory of one request. Once the oldest record has waited for the disk longer than `patience` seconds, a request that
would write is refused before it is decided.
"""

from collections.abc import Callable
from dataclasses import dataclass

from service.problems import RequestRefused

# The paths that watch the service. They must be answered above all under load.
WATCHING = frozenset(("/livez", "/readyz", "/metrics"))

_READING = frozenset(("GET", "HEAD", "OPTIONS"))


@dataclass(slots=True)
class Load:
    """The load of one process. Belongs to its event loop. `behind` returns the seconds that the oldest record has waited."""

    most: int
    patience: float
    behind: Callable[[], float]
    under_way: int = 0
    shed: int = 0
    draining: bool = False

    def refusal(self, method: str) -> RequestRefused | None:
        """The refusal of a request if it is not accepted now. The reason is the load, never the request itself."""
        if self.under_way >= self.most:
            return self.turn_away(f"{self.most} requests are under way already")
        if method not in _READING and self.behind() > self.patience:
            return self.turn_away("the log has fallen behind")
        return None

    def turn_away(self, reason: str) -> RequestRefused:
        """A refusal because of the load. It is counted."""
        self.shed += 1
        return RequestRefused("busy", f"{reason}; try again in a moment", headers={"Retry-After": "1"})

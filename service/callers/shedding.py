"""
What a process has under way, and whether it takes more: fail early, with a word when to come again, and never by growing.

INVARIANT (bounded): at most `most` requests are under way besides those that watch the service, so what they hold in memory is
bounded by that number times what one may hold. A request that would write is turned away before it is decided once the oldest record
has waited for the disk longer than `patience` seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass

from service.problems import RequestRefused

# How the service is watched; it must be heard most of all when there is much to do.
WATCHING = frozenset(("/livez", "/readyz", "/metrics"))

_READING = frozenset(("GET", "HEAD", "OPTIONS"))


@dataclass(slots=True)
class Load:
    """The load of one process; belongs to its event loop. `behind` tells for how many seconds the oldest record has waited."""

    most: int
    patience: float
    behind: Callable[[], float]
    under_way: int = 0
    shed: int = 0
    draining: bool = False

    def refusal(self, method: str) -> RequestRefused | None:
        """Why a request is not taken now, if it is not; it says nothing about the request itself."""
        if self.under_way >= self.most:
            return self.turn_away(f"{self.most} requests are under way already")
        if method not in _READING and self.behind() > self.patience:
            return self.turn_away("the log has fallen behind")
        return None

    def turn_away(self, reason: str) -> RequestRefused:
        """A refusal for want of room, counted."""
        self.shed += 1
        return RequestRefused("busy", f"{reason}; try again in a moment", headers={"Retry-After": "1"})

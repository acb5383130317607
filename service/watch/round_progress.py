"""
How far the rounds of the watch are in this process, for its metrics: what a round did goes in, figures come out.

A round is due when the day or the policies changed. It stays due until this process has finished it, or found that another one did.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from service.telemetry.metrics import Metrics
from service.watch.round import RoundDone


@dataclass(slots=True)
class RoundProgress:
    """The rounds of one process."""

    rounds: int = 0  # that came to their end here
    due_since: float | None = None
    failed_rounds: int = 0
    _before: RoundDone = field(default_factory=RoundDone)  # what earlier rounds did
    _now: RoundDone = field(default_factory=RoundDone)

    def due(self) -> None:
        """A round is due."""
        if self.due_since is None:
            self.due_since = monotonic()

    def moved(self, done: RoundDone) -> None:
        """A round has moved on; `done` is what it did so far."""
        if done is not self._now:
            self._before.decided += self._now.decided
            self._before.told += self._now.told
            self._before.failed += self._now.failed
        self._now = done
        self.rounds += done.whole

    def done(self) -> None:
        """No round is due any more."""
        self.due_since = None

    def register(self, metrics: Metrics) -> None:
        """Have metrics show it."""
        figures: tuple[tuple[str, str, Callable[[], float]], ...] = (
            ("fifthfactor_watch_rounds_total", "Rounds of the watch that came to their end.", lambda: self.rounds),
            ("fifthfactor_watch_round_failures_total", "Rounds of the watch that stopped early.", lambda: self.failed_rounds),
            (
                "fifthfactor_watch_decided_total",
                "Commitments that the watch decided again.",
                lambda: self._before.decided + self._now.decided,
            ),
            ("fifthfactor_watch_events_total", "Events that the watch told.", lambda: self._before.told + self._now.told),
            (
                "fifthfactor_watch_undecided_total",
                "Commitments that the watch could not decide.",
                lambda: self._before.failed + self._now.failed,
            ),
        )
        for name, documentation, read in figures:
            metrics.tell("counter", name, documentation, read)
        metrics.tell(
            "gauge",
            "fifthfactor_watch_due_seconds",
            "For how long a round of the watch has been due that is not done; 0 if none is.",
            lambda: 0.0 if self.due_since is None else monotonic() - self.due_since,
            over="largest",
        )
        metrics.tell(
            "gauge",
            "fifthfactor_watch_backlog",
            "Commitments that the round under way has not looked at yet.",
            lambda: 0 if self._now.whole else max(0, self._now.running - self._now.looked_at),
            over="largest",
        )

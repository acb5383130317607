"""Everything the endpoints share: settings, policies, log, clock, incidents, and turns of the event loop."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from structlog.typing import FilteringBoundLogger

from service import telemetry
from service.incidents import Incidents
from service.live import Live, Policies
from service.log.store import Store
from service.settings import Settings
from service.turns import Turns


def now_utc() -> datetime:
    """The one clock of the service."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Service:
    """The open service. Whoever opened it closes it."""

    settings: Settings
    policies: Policies
    store: Store
    say: FilteringBoundLogger
    clock: Callable[[], datetime]
    incidents: Incidents
    turns: Turns

    @property
    def live(self) -> Live:
        """What decides now; read once a request, since it may be replaced."""
        return self.policies.live

    @classmethod
    def open(
        cls, settings: Settings, *, say: FilteringBoundLogger | None = None, clock: Callable[[], datetime] = now_utc
    ) -> Self:
        """
        Load the policies, then open the log.

        Raises engine.BundleRefused where the policies do not hold, SettingRefused for a mode or a folder that is not
        there, DatabaseRefused where the log cannot be opened.
        """
        policies = Policies(Live.load(settings))
        say = say or telemetry.logger()
        store = Store.open(settings.database)
        store.writer.on_failure = lambda reason: say.error("log_failed", reason=reason)
        return cls(settings, policies, store, say, clock, Incidents(say), Turns())

    def close(self) -> None:
        """Write what waits and let go of the log."""
        self.store.close()

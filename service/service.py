"""Everything the endpoints share: settings, policies, engine, log, clock, incidents, and turns of the event loop."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from structlog.typing import FilteringBoundLogger

import engine
from service import telemetry
from service.incidents import Incidents
from service.log.store import Store
from service.settings import SettingRefused, Settings
from service.turns import Turns


def now_utc() -> datetime:
    """The one clock of the service."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Service:
    """The open service. Whoever opened it closes it."""

    settings: Settings
    bundle: engine.Bundle
    pdp: engine.PDP
    store: Store
    say: FilteringBoundLogger
    clock: Callable[[], datetime]
    incidents: Incidents
    turns: Turns

    @classmethod
    def open(
        cls, settings: Settings, *, say: FilteringBoundLogger | None = None, clock: Callable[[], datetime] = now_utc
    ) -> Self:
        """
        Load the policies, then open the log.

        Raises engine.BundleRefused where the policies do not hold, SettingRefused for a mode or a folder that is not
        there, StoreRefused where the log cannot be opened.
        """
        if settings.mode not in engine.MODES:
            raise SettingRefused(f"there is no mode `{settings.mode}`; use one of {', '.join(engine.MODES)}")
        policies = settings.policies or engine.bundled_policies()
        try:
            bundle = engine.load(policies, engine.Settings(trust=settings.trust, norms=settings.norms))
        except OSError as refused:
            raise SettingRefused(f"the policies `{policies}` cannot be read: {refused.strerror or refused}") from None
        pdp = engine.PDP(bundle, mode=settings.mode)
        say = say or telemetry.logger()
        store = Store.open(settings.database)
        store.on_failure = lambda reason: say.error("log_failed", reason=reason)
        return cls(settings, bundle, pdp, store, say, clock, Incidents(pdp, say), Turns())

    def close(self) -> None:
        """Write what waits and let go of the log."""
        self.store.close()

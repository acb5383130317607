"""Everything the endpoints share: settings, policies, log, clock, incidents, and turns of the event loop."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from structlog.typing import FilteringBoundLogger

from service import telemetry
from service.incidents import Incidents
from service.keys import KeyRing
from service.live import Live, Policies
from service.log.store import Store
from service.settings import SettingRefused, Settings
from service.tokens import Tokens
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
    keys: KeyRing
    tokens: Tokens | None

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
        there and where a key is needed and none would be accepted, DatabaseRefused where the log cannot be opened.
        """
        policies = Policies(Live.load(settings))
        say = say or telemetry.logger()
        store = Store.open(settings.database)
        store.writer.on_failure = lambda reason: say.error("log_failed", reason=reason)
        keys = KeyRing(store.database, clock)
        tokens = Tokens(settings.jwks_url, settings.jwt_issuer, settings.jwt_audience) if settings.jwks_url else None
        if settings.key_required and tokens is None and not keys.any_good():
            store.close()
            raise SettingRefused(
                "a key is needed here and there is none: make one with `fifthfactor keys create`, or set FIFTHFACTOR_JWKS_URL"
            )
        return cls(settings, policies, store, say, clock, Incidents(say), Turns(), keys, tokens)

    def close(self) -> None:
        """Write what waits and let go of the log."""
        self.store.close()
        if self.tokens is not None:
            self.tokens.close()

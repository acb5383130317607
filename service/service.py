"""Everything the endpoints share: settings, policies, log, clock, incidents, and turns of the event loop."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self, TypeVar

import sqlalchemy as sa
from structlog.typing import FilteringBoundLogger

import engine
from service.callers.caller import Caller
from service.callers.context import Context
from service.callers.keys import KeyRing
from service.callers.openid_provider import Provider
from service.callers.sessions import Lifetime, Sessions
from service.callers.shedding import Load
from service.callers.sign_in import SignInAttempts
from service.callers.tokens import Tokens
from service.documents.signed_statements import Verifier
from service.documents.trusted_signers import TrustedSigners
from service.event_loop import Turns
from service.log.proofs import LogTree, NotInTree, log_tree
from service.log.store import Store, Stored, record_of
from service.log.witness_client import Witnesses
from service.log.witness_server import WitnessServer
from service.policies import kept_bundles, reload_triggers
from service.policies.live import Live
from service.policies.loading import SourceRefused
from service.policies.prepared_policies import PreparedPolicies
from service.policies.reload_triggers import Reloading
from service.policies.reloading import Policies, PoliciesRefused
from service.policies.shadow import GivenToShadow, Shadow
from service.problems import RequestRefused, not_readable
from service.settings import SettingRefused, Settings, webhook_secrets
from service.store.database import DatabaseRefused, file_of, missing_file
from service.store.log_key import LogRefused
from service.store.row_seals import SealBroken
from service.store.upgrade import open_present
from service.telemetry import log_lines
from service.telemetry.incidents import Incidents
from service.telemetry.metrics import Metrics
from service.telemetry.tracing import Tracing

_NO_KEY = "callers need a key and there is none: make one with `fifthfactor keys create`, or set FIFTHFACTOR_JWKS_URL"

Door = TypeVar("Door", bound=Context)
Result = TypeVar("Result")


def now_utc() -> datetime:
    """The one clock of the service."""
    return datetime.now(UTC)


def check_keys(settings: Settings, clock: Callable[[], datetime] = now_utc) -> None:
    """
    Refuse at once, before policies are loaded, where callers need a key and there is none. Raises SettingRefused.

    Nothing is made. A database that cannot be read as it is is left to whoever opens it for writing.
    """
    if not _keys_alone(settings):
        return
    file = file_of(settings.database)
    try:
        if file is not None and not file.exists():
            none = missing_file(file.absolute()) is None
        else:
            with closing(open_present(settings.database, settings.log_key)) as database:
                none = not KeyRing(database, clock).any_good()
    except (DatabaseRefused, LogRefused, SealBroken, sa.exc.SQLAlchemyError, OSError):
        return
    if none:
        raise SettingRefused(_NO_KEY)


def _keys_alone(settings: Settings) -> bool:
    """Whether nobody is let in without a key that the service made."""
    return settings.key_required and not settings.jwks_url and not settings.oidc_issuer


@dataclass(frozen=True, slots=True)
class Service:
    """The open service. The code that opens it also closes it."""

    settings: Settings
    policies: Policies
    store: Store
    say: FilteringBoundLogger
    clock: Callable[[], datetime]
    incidents: Incidents
    turns: Turns
    load: Load
    metrics: Metrics
    keys: KeyRing
    tokens: Tokens | None
    reloading: Reloading
    sessions: Sessions
    attempts: SignInAttempts
    verifier: Verifier
    provider: Provider | None = None
    shadow: Shadow | None = None
    tracing: Tracing | None = None
    cosigning: WitnessServer | None = None
    witnesses: Witnesses | None = None
    story: bool = False  # it tells a story: nothing in it happened, and its pages say so

    @property
    def live(self) -> Live:
        """The policies that decide now. Read this once per request, since a reload may replace them."""
        return self.policies.live

    def context(self, door: type[Door], caller: Caller, request_id: str) -> Door:
        """A caller who is let in by a door now, under the policies that decide now. Raises RequestRefused."""
        return door(caller, self.live, self.clock(), self.settings, request_id, self.incidents)

    @property
    def token_issuer(self) -> str | None:
        """The issuer of the tokens that are accepted, None if none is set."""
        return self.settings.jwt_issuer or None

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        say: FilteringBoundLogger | None = None,
        clock: Callable[[], datetime] = now_utc,
        prepared: PreparedPolicies | None = None,
        story: bool = False,
    ) -> Self:
        """
        Load the policies, open the log, and keep the policies in it. `prepared` are those that the parent of this process has loaded;
        with `story` the pages say that nothing in it happened.

        Raises engine.BundleRefused where the policies are not valid; SettingRefused where the mode, a key file or the policies do not
        exist, where the policies are not signed or are older than those that decided before, or where callers need a key and no key
        would be accepted; DatabaseRefused where the log cannot be opened.
        """
        if settings.webhook_secret:
            webhook_secrets(settings.webhook_secret)
        signers = TrustedSigners.read(settings.document_signers)
        if prepared is None or not prepared.unchanged():
            check_keys(settings, clock)
            prepared = PreparedPolicies.of(settings)
        origin, loaded, live = prepared.origin, prepared.loaded, prepared.live
        watched = (
            {**prepared.states, **{path: reload_triggers.state(path) for path in settings.shadow}} if settings.watch else {}
        )
        say = say or log_lines.logger(level=settings.log_level)
        tracing = Tracing.of(os.environ, engine.__version__, say)
        store = Store.open(settings.database, log_key=settings.log_key)
        keys = KeyRing(store.database, clock)
        try:
            if _keys_alone(settings) and not keys.any_good():
                raise SettingRefused(_NO_KEY)
            provider = Provider(settings, say) if settings.oidc_issuer else None
            cosigning = WitnessServer.open(settings.witness_logs, store.database) if settings.witness_logs else None
            witnesses = Witnesses.open(settings.witnesses, store, say, clock) if settings.witnesses else None
            recorded = settings.recorded((key.id for key in origin.keys), signers.recorded())
            live = live.noted(kept_bundles.keep_now(store.database, loaded, recorded, clock()))
            shadow = Shadow.open(settings.shadow, settings, store, say, clock) if settings.shadow else None
        except SourceRefused as older:
            store.close()
            raise SettingRefused(str(older)) from None
        except (DatabaseRefused, SettingRefused):
            store.close()
            raise
        store.database.on_failed_read = lambda reason: say.error("read_failed", reason=reason)
        store.writer.on_failure = lambda reason: say.error("log_failed", reason=reason)
        issuer = settings.jwks_url, settings.jwt_issuer, settings.jwt_audience
        tokens = Tokens(*issuer, say) if settings.jwks_url else None
        if store.unindexed:
            say.warning("log_not_indexed", records=store.unindexed, do="run `fifthfactor log reindex`")
        policies = Policies(origin, loaded, live, recorded, store, say, clock)

        async def reload() -> None:
            with suppress(PoliciesRefused):  # the refusal is logged and counted there
                await policies.reload()
            if shadow:
                shadow.renew()

        reloading = Reloading(reload, say, watched)
        lifetime = Lifetime(timedelta(hours=settings.session_hours), timedelta(minutes=settings.session_idle_minutes))
        sessions = Sessions(store.database, keys, store.do, clock, settings.oidc_issuer or None, lifetime)
        attempts = SignInAttempts(lambda message: store.database.log_key().seal(message), clock)
        load = Load(settings.most_under_way, settings.shed_seconds, lambda: store.writer.behind)
        return cls(
            settings,
            policies,
            store,
            say,
            clock,
            Incidents(say),
            Turns(),
            load,
            Metrics(),
            keys,
            tokens,
            reloading,
            sessions,
            attempts,
            Verifier(signers),
            provider,
            shadow,
            tracing,
            cosigning,
            witnesses,
            story,
        )

    def read(self, look: Callable[[sa.Connection], Result], what: str = "log") -> Result:
        """
        What `look` reads from the database. It waits for the disk, so call it in a thread.

        Raises RequestRefused, which names `what`, where the database does not answer.
        """
        try:
            with self.store.database.reading.connect() as connection:
                return look(connection)
        except sa.exc.SQLAlchemyError:
            raise not_readable(what) from None

    def read_tree(self, look: Callable[[LogTree], Result], what: str = "log") -> Result:
        """What `look` reads from the tree of the log as it is committed now. Otherwise as `read`; what is not there is refused."""
        try:
            with log_tree(self.store.database) as tree:
                return look(tree)
        except NotInTree as absent:
            raise RequestRefused("not-found", str(absent)) from None
        except LogRefused as refused:
            self.say.error("log_not_proven", reason=str(refused))
            raise RequestRefused("not-ready", "the tree of the log cannot be shown", headers={"Retry-After": "1"}) from None
        except sa.exc.SQLAlchemyError:
            raise not_readable(what) from None

    def stored(self, id: str) -> Stored:
        """The record of a decision. It waits for the disk. Raises RequestRefused where there is none."""
        return self.read(lambda connection: record_of(connection, id))

    @property
    def today(self) -> date:
        """The present day, in the zone of the settings."""
        return self.settings.day_of(self.clock())

    def compare(self, sequence: int, given: GivenToShadow | None) -> None:
        """Give a decision whose record is durable to the shadow, if there is one."""
        if self.shadow and given:
            self.shadow.look(sequence, given)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The work beside the requests: reloading policies, and the shadow."""
        working = [asyncio.create_task(each.work()) for each in (self.shadow, self.witnesses) if each]
        async with self.reloading.running():
            yield
        for each in working:
            each.cancel()

    def close(self) -> None:
        """Write the waiting records and close the log."""
        if self.shadow:
            self.shadow.close()
        self.store.close()
        if self.tokens is not None:
            self.tokens.close()
        if self.provider is not None:
            self.provider.close()
        if self.tracing:
            self.tracing.close()

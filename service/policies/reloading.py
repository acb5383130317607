"""
The policies of a running service: they are loaded at the start, held, and loaded again.

Input: the paths of the policies, and the trusted keys. Output: `live`, which decides. Loading many policies takes seconds of processor
time. It is done in a thread, so that the event loop goes on, although more slowly.

INVARIANT (all or nothing): `live` is replaced as one value, and only by a bundle that was read completely, is signed if keys are set,
is not older than what decided before, holds, has engines, and is kept in the log. In every other case the last good bundle goes on
deciding.
"""

import asyncio
import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from structlog.typing import FilteringBoundLogger

import engine
from service.log.store import Store
from service.policies import kept_bundles, steady_memory
from service.policies.live import Live
from service.policies.loading import LoadedBundle, SourceRefused
from service.policies.loading import load as load_source
from service.policies.signing_keys import KeyRefused, public_keys
from service.problems import RequestRefused, places_of
from service.settings import SettingRefused, Settings
from service.store.writer import NotRecorded
from service.telemetry.log_lines import described
from service.transparency.ed25519 import PublicKey

PLACES_LOGGED = 10


@dataclass(frozen=True, slots=True)
class PoliciesRefusal:
    """Why new policies were refused, and when. `diagnostics` has the findings, if the policies were read and do not hold."""

    at: datetime
    reason: str
    diagnostics: tuple[engine.Diagnostic, ...] = ()


class PoliciesRefused(RequestRefused):
    """New policies were refused; the last good ones go on deciding."""

    def __init__(self, refusal: PoliciesRefusal) -> None:
        super().__init__("policies-refused", refusal.reason, errors=places_of(refusal.diagnostics) or None)
        self.refusal = refusal

    def __str__(self) -> str:
        return self.detail


@dataclass(frozen=True, slots=True)
class Origin:
    """Where policies are taken from, how they are read and which engines decide by them."""

    paths: tuple[Path, ...]
    settings: engine.PolicySettings
    keys: tuple[PublicKey, ...]
    mode: str
    persons: int = 1  # who sign off

    @classmethod
    def of(cls, paths: Sequence[Path], settings: Settings, mode: str) -> Self:
        """By the settings of the service; without paths, the bundled policies. Raises SettingRefused."""
        if mode not in engine.MODES:
            raise SettingRefused(f"there is no mode `{mode}`; use one of {', '.join(engine.MODES)}")
        try:
            keys = public_keys(settings.bundle_keys)
        except KeyRefused as refused:
            raise SettingRefused(str(refused)) from None
        meant = engine.PolicySettings(trust=settings.trust, norms=settings.norms)
        return cls(tuple(paths) or (engine.bundled_policies(),), meant, keys, mode, settings.sign_off_persons)

    def load(self, but: Live | None = None) -> tuple[LoadedBundle, Live | None]:
        """
        The policies, and what decides by them, None if they have the same digests as `but`.

        Raises SourceRefused, engine.BundleRefused, engine.EngineUnavailable.
        """
        loaded = load_source(self.paths, self.settings, self.keys)
        same = but is not None and loaded.bundle.digests == but.bundle.digests
        return loaded, None if same else Live.of(loaded.bundle, self.mode, self.persons)

    def start(self) -> tuple[LoadedBundle, Live]:
        """The policies at the start. Raises SettingRefused, engine.BundleRefused, engine.EngineUnavailable."""
        try:
            loaded, live = self.load()
        except SourceRefused as refused:
            raise SettingRefused(str(refused)) from None
        assert live is not None
        return loaded, live


@contextmanager
def _collected_once() -> Iterator[None]:
    """
    Search for cycles only once, at the end; this also frees the old policies.

    Otherwise Python would stop all threads several times meanwhile, to search half a million new objects that all stay.
    """
    gc.disable()
    try:
        yield
    finally:
        # The old policies were left out of searches from the start on. What stays is not left out again: the thread that loaded may
        # still hold the old policies, and they would then stay too.
        gc.unfreeze()
        gc.collect()
        steady_memory.give_back()
        gc.enable()


class Policies:
    """The live policies, since when they are live, and the results of reloads. `reload` belongs to one event loop."""

    def __init__(
        self,
        origin: Origin,
        loaded: LoadedBundle,
        live: Live,
        recorded: Mapping[str, Any],
        store: Store,
        say: FilteringBoundLogger,
        clock: Callable[[], datetime],
    ) -> None:
        self.origin = origin
        self.live = live
        self.signed = loaded.signed
        self.since = clock()
        self.reloads = 0  # accepted reloads, and reloads that found nothing new
        self.refusals = 0
        self.reloaded_at: datetime | None = None
        self.refused: PoliciesRefusal | None = None  # of the last reload, if it was refused
        self._recorded = recorded  # the settings of the process that the log records
        self._store = store
        self._say = say
        self._clock = clock
        self._one = asyncio.Lock()

    @property
    def reloading(self) -> bool:
        """Whether policies are being loaded now."""
        return self._one.locked()

    async def reload(self) -> bool:
        """
        Load the policies again and let them decide. Returns whether they are new ones.

        Raises PoliciesRefused; the live policies then go on deciding.
        """
        async with self._one:
            with _collected_once():
                return await self._reload()

    async def _reload(self) -> bool:
        try:
            loaded, live = await asyncio.to_thread(self.origin.load, self.live)
            if live is not None:
                await asyncio.to_thread(live.pdp.set_up)  # else the first exchange would keep all others waiting for it
            # The same policies may have been signed again, with a higher version.
            if live is not None or loaded.signed != self.signed:
                now = self._clock()
                written = await asyncio.to_thread(self._to_keep, loaded)
                noted = await self._store.do(
                    lambda transaction: kept_bundles.keep(transaction, loaded, written, self._recorded, now)
                )
                live = live and live.noted(noted)
        except Exception as failed:  # noqa: BLE001 - whatever it is, the last good ones go on
            raise PoliciesRefused(self._refuse(failed)) from None
        self.refused = None
        self.reloads += 1
        self.reloaded_at = self._clock()
        self.signed = loaded.signed
        if live is None:
            self._say.info("policies_unchanged", live=self.live.digests.source)
            return False
        before, self.live, self.since = self.live, live, self.reloaded_at
        self._say.info("policies_reloaded", before=before.digests.source, after=live.digests.source)
        return True

    def _to_keep(self, loaded: LoadedBundle) -> bytes | None:
        with self._store.database.reading.connect() as connection:
            return kept_bundles.to_keep(connection, loaded)

    def _refuse(self, failed: Exception) -> PoliciesRefusal:
        now = self._clock()
        match failed:
            case engine.BundleRefused():
                count = len(failed.diagnostics)
                refusal = PoliciesRefusal(
                    now, f"the policies are not sound: {count} finding{'s' * (count > 1)}", failed.diagnostics
                )
            case SourceRefused() | engine.EngineUnavailable():
                refusal = PoliciesRefusal(now, str(failed))
            case NotRecorded():
                refusal = PoliciesRefusal(now, f"the log cannot keep the policies: {failed}")
            case _:
                # No error may stop the deciding. A loader that fails on a file is a fault of this program.
                refusal = PoliciesRefusal(now, f"loading failed: {type(failed).__name__}")
                self._say.error("internal", request_id=None, **described(failed))
        self.refusals += 1
        self.refused = refusal
        places = [f"{each.at} {each.code}" for each in refusal.diagnostics[:PLACES_LOGGED]]
        self._say.error("policies_refused", reason=refusal.reason, places=places, live=self.live.digests.source)
        return refusal

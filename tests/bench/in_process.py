"""
One service in this process: exchanges in, decisions out with the bytes of their answers and records, as the endpoints make them.

It is the service's own path from an exchange to what is sent and recorded. Nothing is written unless `record` is called.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Self

import engine
from service.callers.caller import LOCAL
from service.decisions.answer_options import AnswerOptions
from service.decisions.decider import DecidedExchange, Decider
from service.decisions.exchange_bodies import ExchangeBodies
from service.log.leaf import SealedRecord
from service.policies.prepared_policies import PreparedPolicies
from service.policies.steady_memory import settle
from service.service import Service
from service.settings import Settings
from tests.bench.forgetful import forget
from tests.bench.traffic import DAY

NOON = datetime.combine(DAY, time(12), UTC)
ASKED = AnswerOptions()


class InProcess:
    """An open service on the bundled policies, asked on DAY by a caller who may do everything."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.live = service.live
        self._decider = Decider(service)
        self._bodies = ExchangeBodies(service)

    @classmethod
    @contextmanager
    def opened(cls, mode: str, folder: Path, prepared: PreparedPolicies | None = None) -> Iterator[Self]:
        """A service with a new database in a folder; `prepared` are policies that are loaded already."""
        settings = Settings(watch=False, policies=engine.bundled_policies(), database=str(folder / f"{mode}.db"), mode=mode)
        service = Service.open(settings, prepared=prepared)
        usual = gc.get_threshold()
        settle()  # as the service does
        try:
            yield cls(service)
        finally:
            gc.unfreeze()
            gc.set_threshold(*usual)
            service.close()

    def read(self, raw: bytes) -> engine.Exchange:
        """Parse an exchange. Raises RequestRefused."""
        return self._bodies.read(self.live, raw, NOON, LOCAL)

    def answer(self, raw: bytes) -> DecidedExchange:
        """The decision on the exchange in these bytes, made or found, with the bytes of its answer and of its record."""
        return self._decider.answer(self.live, raw, ASKED, NOON, "bench", LOCAL)

    def decide(self, exchange: engine.Exchange) -> DecidedExchange:
        """The same, made from a parsed exchange; it is never found."""
        return self._decider.decide(self.live, exchange, ASKED, NOON, "bench", LOCAL)

    def forget(self) -> None:
        """Drop whatever decisions have left behind for later ones."""
        forget(self.live)

    def record(self, entries: Sequence[SealedRecord]) -> None:
        """Write records, and wait until they are durable."""
        asyncio.run(self.service.store.append_many(entries))

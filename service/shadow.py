"""
A shadow bundle: other policies, evaluated beside the live ones, whose differences are recorded.

Goes in: what was decided, once its record is durable. Comes out: rows of `shadow_difference`, and counts. INVARIANT (it never hurts):
no answer waits for a shadow or depends on one; what does not fit into its queue is dropped and counted, and so is whatever fails. It
holds exchanges in memory only, and a row holds no fact.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Self

import sqlalchemy as sa
from structlog.typing import FilteringBoundLogger

import engine
from service.bundles.sources import SourceRefused
from service.live import Live
from service.log.store import Store, moment_text
from service.policies import Origin
from service.store.tables import shadow_difference
from service.telemetry import described

MODE = "bitset"  # one engine is enough for what decides nothing
WAITING = 1_000
AT_ONCE = 20  # so that a thread, and the processor, are given back soon
UNREADABLE = "unreadable"  # the outcome of an exchange that the shadow's vocabulary refuses


@dataclass(frozen=True, slots=True)
class Given:
    """What a shadow has to know of a decision: the exchange, and what was said to it."""

    id: str
    exchange: engine.Exchange
    as_of: date
    today: date
    outcome: str
    proceed: bool
    provisions: tuple[str, ...]

    @classmethod
    def of(cls, written: engine.Written, exchange: engine.Exchange, today: date) -> Self:
        """Of a decision as it was written."""
        named = written.named["provision"]
        return cls(written.id, exchange, written.as_of, today, written.outcome, written.proceed, named)


@dataclass(slots=True)
class Counts:
    """Since the start, of this process."""

    compared: int = 0
    differing: int = 0
    dropped: int = 0
    failed: int = 0
    refused: int = 0  # reloads of the shadow


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the shadow says otherwise than the decision that was given; provisions are those that stand on one side only."""

    sequence: int
    id: str
    shadow: engine.Digests
    outcomes: tuple[str, str]  # live, shadow
    proceeds: tuple[bool, bool]
    only_live: tuple[str, ...]
    only_shadow: tuple[str, ...]

    def row(self, now: datetime) -> dict[str, object]:
        """As the table holds it."""
        return {
            "sequence": self.sequence,
            "id": self.id,
            "at": moment_text(now),
            "shadow_source": self.shadow.source,
            "shadow_meaning": self.shadow.meaning,
            "live_outcome": self.outcomes[0],
            "live_proceed": self.proceeds[0],
            "shadow_outcome": self.outcomes[1],
            "shadow_proceed": self.proceeds[1],
            "only_live": json.dumps(self.only_live),
            "only_shadow": json.dumps(self.only_shadow),
        }


@dataclass(eq=False)
class Shadow:
    """The shadow of a service. `look` and `work` belong to one event loop."""

    origin: Origin
    live: Live
    store: Store
    say: FilteringBoundLogger
    clock: Callable[[], datetime]
    counts: Counts = field(default_factory=Counts)
    refused: str | None = None  # why it was not loaded anew, the last time

    def __post_init__(self) -> None:
        self._queue: asyncio.Queue[tuple[int, Given]] = asyncio.Queue(WAITING)

    def look(self, sequence: int, given: Given) -> None:
        """Look at a decision some time later, if there is room for it; its record, of this number, is durable by now."""
        try:
            self._queue.put_nowait((sequence, given))
        except asyncio.QueueFull:
            self.counts.dropped += 1

    async def reload(self) -> None:
        """Load the shadow anew; where that fails the old one goes on."""
        try:
            _, live = await asyncio.to_thread(self.origin.load, self.live)
        except Exception as failed:  # noqa: BLE001 - it never hurts
            known = isinstance(failed, (engine.BundleRefused, SourceRefused))
            self.refused = str(failed).partition("\n")[0] if known else f"loading failed: {type(failed).__name__}"
            self.counts.refused += 1
            self.say.error("shadow_refused", reason=self.refused)
            return
        self.refused = None
        if live is not None:
            self.live = live
            self.say.info("shadow_reloaded", after=live.digests.source)

    async def work(self) -> None:
        """Look at what waits, for ever."""
        while True:
            looks = [await self._queue.get()]
            while len(looks) < AT_ONCE and not self._queue.empty():
                looks.append(self._queue.get_nowait())
            try:
                await self._compare(looks)
            except Exception as failed:  # noqa: BLE001 - it never hurts
                self.counts.failed += len(looks)
                self.say.error("shadow_failed", **described(failed))

    async def _compare(self, looks: Sequence[tuple[int, Given]]) -> None:
        shadow = self.live
        found, failed = await asyncio.to_thread(_differences, shadow, looks)
        self.counts.compared += len(looks) - failed
        self.counts.failed += failed
        if found:
            rows = [difference.row(self.clock()) for difference in found]
            await self.store.do(lambda transaction: transaction.execute(sa.insert(shadow_difference), rows) and None)
            self.counts.differing += len(found)


def _differences(shadow: Live, looks: Sequence[tuple[int, Given]]) -> tuple[list[Difference], int]:
    """Where the shadow says otherwise, and on how many it failed."""
    found, failed = [], 0
    for sequence, given in looks:
        try:
            difference = _difference(shadow, sequence, given)
        except Exception:  # noqa: BLE001 - it never hurts; one exchange that it fails on spoils no other
            failed += 1
            continue
        if difference:
            found.append(difference)
    return found, failed


def _difference(shadow: Live, sequence: int, given: Given) -> Difference | None:
    outcome, proceed, standing = UNREADABLE, False, frozenset[str]()
    try:
        # By its own vocabulary, as if it had come to the shadow.
        exchange = engine.parse_exchange(shadow.bundle, json.dumps(given.exchange.document).encode())
    except engine.ExchangeRefused:
        pass
    else:
        said = shadow.pdp.write(exchange, as_of=given.as_of, today=given.today, id=given.id)
        outcome, proceed, standing = said.outcome, said.proceed, frozenset(said.named["provision"])
    if (outcome, proceed) == (given.outcome, given.proceed):
        return None
    stood = frozenset(given.provisions)
    return Difference(
        sequence,
        given.id,
        shadow.bundle.digests,
        (given.outcome, outcome),
        (given.proceed, proceed),
        tuple(sorted(stood - standing)),
        tuple(sorted(standing - stood)),
    )

"""
A shadow bundle: other policies, evaluated beside the live ones. Where they decide differently, the difference is recorded.

Input: decisions, once their records are durable. Output: rows of `shadow_difference`, and counts. INVARIANT (it never hurts): no answer
waits for a shadow or depends on one, and a shadow runs in a process of its own. A decision that does not fit into the queue is dropped and
counted, and so is one on which the shadow fails. A shadow holds exchanges in memory only, and a row holds no fact.
"""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from structlog.typing import FilteringBoundLogger

import engine
from service.log.record import PolicyDigests
from service.log.store import Store
from service.settings import SettingRefused, Settings
from service.store.moments import moment_text
from service.store.tables import shadow_difference
from service.telemetry.log_lines import described

WAITING = 1_000
AT_ONCE = 20
RESTART_SECONDS = 1.0
_Any = sa.Row[*tuple[Any, ...]]
_KINDS = (
    shadow_difference.c.live_outcome,
    shadow_difference.c.live_proceed,
    shadow_difference.c.shadow_outcome,
    shadow_difference.c.shadow_proceed,
)


@dataclass(frozen=True, slots=True)
class GivenToShadow:
    """What a shadow needs to know of a decision: the exchange, and how it was decided."""

    id: str
    exchange: engine.Exchange
    as_of: date
    today: date
    outcome: str
    proceed: bool
    provisions: tuple[str, ...]

    @classmethod
    def of(cls, judgement: engine.Judgement, id: str, today: date) -> Self:
        """From the judgement on an exchange."""
        outcome, proceeds = judgement.outcome.word, judgement.proceeds(today)
        return cls(id, judgement.exchange, judgement.as_of, today, outcome, proceeds, judgement.provisions)

    def line(self, sequence: int) -> dict[str, Any]:
        """The line that is sent to the shadow's process."""
        return {
            "sequence": sequence,
            "id": self.id,
            "exchange": self.exchange.document,
            "shown": {name: until.isoformat() for name, until in self.exchange.shown_until.items()},
            "as_of": self.as_of.isoformat(),
            "today": self.today.isoformat(),
            "outcome": self.outcome,
            "proceed": self.proceed,
            "provisions": self.provisions,
        }


@dataclass(slots=True)
class ComparedCounts:
    """Counts since the start of this process."""

    compared: int = 0
    differing: int = 0
    dropped: int = 0
    failed: int = 0
    refused: int = 0  # reloads of the shadow


class ShadowGone(Exception):
    """The shadow's process has ended."""


class ShadowRefused(Exception):
    """The shadow's policies are refused; the message says why."""


class Process:
    """The shadow's process. `load` and `ask` wait for its answer: call them in a thread."""

    def __init__(self, where: dict[str, Any]) -> None:
        self._where = where
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    @property
    def number(self) -> int | None:
        """The id of the process, None if there is none."""
        return self._process.pid if self._process else None

    def load(self) -> PolicyDigests:
        """Load the policies, in a new process if there is none. Returns their digests. Raises ShadowRefused, ShadowGone."""
        answer = self.ask({"load": self._where}, start=True)
        if "refused" in answer:
            raise ShadowRefused(answer["refused"])
        return PolicyDigests(**answer)

    def ask(self, question: dict[str, Any], start: bool = False) -> dict[str, Any]:
        """The answer to one line. Raises ShadowGone."""
        with self._turn:
            if self._process is None and start and not self._closed:
                # Its error output is not shown: the text of an error may quote a value.
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "service.policies.shadow_process"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            if self._process is None:
                raise ShadowGone
            assert self._process.stdin
            assert self._process.stdout
            try:
                self._process.stdin.write(json.dumps(question).encode() + b"\n")
                self._process.stdin.flush()
                line = self._process.stdout.readline()
                answer: dict[str, Any] = json.loads(line)
            except (OSError, ValueError):
                self._process.kill()
                self._process.communicate()
                self._process = None
                raise ShadowGone from None
            return answer

    def close(self) -> None:
        """End the process, even while it works."""
        self._closed = True
        process = self._process
        if process:
            process.kill()
            process.wait()


@dataclass(eq=False)
class Shadow:
    """The shadow of a service. `look` and `work` belong to one event loop; `close()` at the end."""

    paths: tuple[Path, ...]
    process: Process
    digests: PolicyDigests
    store: Store
    say: FilteringBoundLogger
    clock: Callable[[], datetime]
    counts: ComparedCounts = field(default_factory=ComparedCounts)
    refused: str | None = None  # why the last reload was refused, if it was

    def __post_init__(self) -> None:
        self._queue: asyncio.Queue[tuple[int, GivenToShadow]] = asyncio.Queue(WAITING)
        self._renewing: asyncio.Task[None] | None = None

    @classmethod
    def open(
        cls, paths: Sequence[Path], settings: Settings, store: Store, say: FilteringBoundLogger, clock: Callable[[], datetime]
    ) -> Self:
        """Start a shadow. Raises SettingRefused if its policies are refused."""
        keys = [str(key.absolute()) for key in settings.bundle_keys]
        there = [str(path.absolute()) for path in paths]
        process = Process({"paths": there, "keys": keys, "trust": settings.trust, "norms": settings.norms})
        try:
            return cls(tuple(paths), process, process.load(), store, say, clock)
        except (ShadowRefused, ShadowGone) as refused:
            process.close()
            raise SettingRefused(f"the shadow cannot be loaded: {str(refused) or 'its process ended'}") from None

    def look(self, sequence: int, given: GivenToShadow) -> None:
        """Queue a decision to be compared later, if there is room. Its record has this number and is durable already."""
        try:
            self._queue.put_nowait((sequence, given))
        except asyncio.QueueFull:
            self.counts.dropped += 1

    def renew(self) -> None:
        """Load the shadow again, some time later. Nobody waits for this, since its process may hang."""
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.get_running_loop().create_task(self._reload())

    async def _reload(self) -> None:
        """Load the shadow again. If this fails, the old one goes on."""
        try:
            digests = await asyncio.to_thread(self.process.load)
        except (ShadowRefused, ShadowGone, OSError) as failed:
            self.refused = str(failed) or "its process ended"
            self.counts.refused += 1
            self.say.error("shadow_refused", reason=self.refused)
            return
        self.refused = None
        if digests != self.digests:
            self.digests = digests
            self.say.info("shadow_reloaded", after=digests.source)
        else:
            self.say.info("shadow_unchanged", shadow=digests.source)

    async def work(self) -> None:
        """Compare the decisions in the queue, for ever."""
        while True:
            looks = [await self._queue.get()]
            while len(looks) < AT_ONCE and not self._queue.empty():
                looks.append(self._queue.get_nowait())
            try:
                await self._compare(looks)
            except ShadowGone:
                self.counts.failed += len(looks)
                self.say.error("shadow_failed", error=ShadowGone.__name__, at=[])
                await asyncio.sleep(RESTART_SECONDS)
                await self._reload()
            except Exception as failed:  # noqa: BLE001 - it never hurts
                self.counts.failed += len(looks)
                self.say.error("shadow_failed", **described(failed))

    def close(self) -> None:
        """End the shadow's process."""
        self.process.close()

    async def _compare(self, looks: Sequence[tuple[int, GivenToShadow]]) -> None:
        question = {"looks": [given.line(sequence) for sequence, given in looks]}
        answer = await asyncio.to_thread(self.process.ask, question)
        found = answer["found"]
        if found:
            at = moment_text(self.clock())
            rows = [{**each, "at": at} for each in found]
            await self.store.do(lambda transaction: transaction.execute(sa.insert(shadow_difference), rows) and None)
        self.counts.compared += len(looks) - answer["failed"]
        self.counts.failed += answer["failed"]
        self.counts.differing += len(found)


def differences(
    connection: sa.Connection, shadow: PolicyDigests, before: int | None, limit: int
) -> tuple[Sequence[_Any], int | None]:
    """
    At most `limit` of the latest differences with a shadow, in records before a number: both outcomes, and what stands on one side only;
    and the number to go on before, None at the end.
    """
    table = shadow_difference.c
    wanted = _with(shadow) if before is None else _with(shadow) & (table.sequence < before)
    shown = sa.select(table.sequence, table.id, table.at, *_KINDS, table.only_live, table.only_shadow).where(wanted)
    rows = connection.execute(shown.order_by(table.sequence.desc()).limit(limit + 1)).all()
    return rows[:limit], rows[limit - 1].sequence if len(rows) > limit else None


def outcome_moves(connection: sa.Connection, shadow: PolicyDigests) -> Sequence[_Any]:
    """How many decisions go from one outcome to another under a shadow, the most first."""
    count = sa.func.count()
    return connection.execute(
        sa.select(*_KINDS, count).where(_with(shadow)).group_by(*_KINDS).order_by(count.desc(), *_KINDS)
    ).all()


def _with(shadow: PolicyDigests) -> sa.ColumnElement[bool]:
    table = shadow_difference.c
    return (table.shadow_source == shadow.source) & (table.shadow_meaning == shadow.meaning)

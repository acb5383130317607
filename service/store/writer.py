"""
The one writer of a process: it takes work from any number of requests at once, and returns the results once they are durable.

Who owns what, and what is true when a call returns:

- INVARIANT (durable first): `do` returns only after the commit that holds its changes returned, and that commit waits for the
  disk. A caller that sends its answer after `do` never answers unrecorded.
- INVARIANT (group commit): the writer thread takes all work that waits, does it in the order it came, in one transaction, and commits
  it together. A failed commit gives no results. Work that raises undoes its own changes and no others.
- INVARIANT (one lock): a transaction holds the database's writing lock from its beginning, whichever process it is in.
- The checkpoint of what is committed is kept beside the log's key, see service.store.kept_checkpoint.
- INVARIANT (sealed growth): the leaves that all work of a transaction appends are sealed at its end, see service.store.log_tree.
- A record may exist although its answer never left (the process died in between). No answer leaves without its record.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from time import monotonic
from typing import Any, TypeVar

import sqlalchemy as sa

from service.store.database import Database, plain
from service.store.kept_checkpoint import CheckpointKeeper
from service.store.log_key import LogRefused
from service.store.log_tree import Growth

QUEUE_LIMIT = 2_000  # records: a full batch, and as many that came alone

Result = TypeVar("Result")


class NotRecorded(Exception):
    """What was to be written is not known to be durable, so its answer must not leave."""


class LogBusy(NotRecorded):
    """Too much work waits already."""


@dataclass(frozen=True, slots=True)
class _Failed:
    """What a piece of work raised, for its own caller."""

    error: Exception


@dataclass(frozen=True, slots=True)
class _Job:
    """A job of the writer: work to do or an item to add, and the future that waits for it."""

    work: Callable[[sa.Connection], Any] | None
    item: Any
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[Any]


@dataclass(slots=True)
class WriterCounts:
    """What the writer has done since it was opened. Only the writer writes them."""

    commits: int = 0
    failures: int = 0
    lock_seconds: float = 0.0  # waited for the database's writing lock
    writing_seconds: float = 0.0  # in transactions that hold it, up to the end of their commits
    failing: bool = False  # whether the last transaction that held items failed, or any other since


@dataclass(eq=False)
class Writer:
    """
    The writer of an open database. End it with `close()`. Any number of event loops may call `do` and `add`.

    `adding` adds items in bulk and gives a result for each: most writes are records, one for each request.
    """

    database: Database
    adding: Callable[[sa.Connection, list[Any]], Sequence[Any]]
    queue_limit: int = QUEUE_LIMIT
    counts: WriterCounts = field(default_factory=WriterCounts)
    on_failure: Callable[[str], None] = lambda reason: None
    on_end: Callable[[bool], None] = lambda committed: None  # after each transaction, before its callers get results

    def __post_init__(self) -> None:
        self._queue: deque[_Job] = deque()
        self._queued = 0
        self._oldest: float | None = None  # when the oldest waiting job came
        self._writing: float | None = None  # when the oldest job came that is being written
        self._waiting = threading.Condition()
        self._closing = False
        self._connection: sa.Connection | None = None
        self._erased = False
        self._file = self.database.identity()
        self._keeper = CheckpointKeeper(self.database.kept, lambda reason: self.on_failure(reason))
        self._thread = threading.Thread(target=self._write_until_closed, name="writer", daemon=True)
        self._thread.start()

    async def do(self, work: Callable[[sa.Connection], Result]) -> Result:
        """
        Do work in a writing transaction; returns its result once that is durable.

        If the work raises, its own changes are undone and the error is raised here. Raises NotRecorded, and LogBusy if too much waits.
        """
        result: Result = await self._ask(work, None, 1)
        return result

    async def add(self, item: Any, size: int) -> Any:
        """
        Add an item, which takes `size` places in the queue. Returns the result of `adding` once it is durable.

        If adding fails, everything in the same transaction fails. Raises NotRecorded, and LogBusy if too much waits already.
        """
        return await self._ask(None, item, size)

    @property
    def waiting(self) -> int:
        """How much waits to be written."""
        return self._queued

    @property
    def behind(self) -> float:
        """The seconds that the oldest job that is not yet durable has waited; 0 if none waits."""
        oldest = self._writing or self._oldest
        return monotonic() - oldest if oldest else 0.0

    def erased(self) -> None:
        """Work that erases values calls this, so that no old copy of them is left after its commit."""
        self._erased = True

    def close(self) -> None:
        """Accept no more work, write what waits, and end the writer. May be called twice."""
        with self._waiting:
            self._closing = True
            self._waiting.notify()
        self._thread.join()
        self._keeper.close()
        self._disconnect()

    async def _ask(self, work: Callable[[sa.Connection], Any] | None, item: Any, size: int) -> Any:
        loop = asyncio.get_running_loop()
        job = _Job(work, item, loop, loop.create_future())
        with self._waiting:
            if self._closing:
                raise NotRecorded("the log is closed")
            if self._queued + size > self.queue_limit:
                raise LogBusy("too many records wait to be written")
            if not self._queue or self._queue[-1].loop is not loop:
                # The writer wakes when this turn of the loop is over: one commit takes all that the turn brings.
                loop.call_soon(self._wake)
            if self._oldest is None:
                self._oldest = monotonic()
            self._queue.append(job)
            self._queued += size
        return await job.done

    # --- the writer's thread -----------------------------------------------------------------------------------------

    def _wake(self) -> None:
        with self._waiting:
            self._waiting.notify()

    def _write_until_closed(self) -> None:
        try:
            while jobs := self._take():
                try:
                    results = self._write(jobs)
                except BaseException as failed:
                    self._fail(jobs, failed)
                    if not isinstance(failed, Exception):
                        raise
                else:
                    _settle(jobs, results)
                self._writing = None
        finally:
            # INVARIANT (fail closed): without a writer no job is accepted and none waits.
            with self._waiting:
                self._closing = True
                left = list(self._queue)
                self._queue.clear()
            _settle(left, [_Failed(NotRecorded("the log is closed"))] * len(left))

    def _take(self) -> list[_Job]:
        """All jobs that wait, or none once the writer is closing and everything is written."""
        with self._waiting:
            while not self._queue and not self._closing:
                self._waiting.wait()
            jobs = list(self._queue)
            self._queue.clear()
            self._queued = 0
            self._writing, self._oldest = self._oldest, None
            return jobs

    def _write(self, jobs: list[_Job]) -> list[Any]:
        """One transaction and one commit for all jobs; durable when it returns."""
        if self.database.identity() != self._file:
            raise NotRecorded("the database file was moved or replaced")
        connection = self._connection or self._connect()
        counts, began = self.counts, monotonic()
        held: float | None = None  # since when the lock is
        try:
            with connection.begin(), self.database.growing(connection) as growth:
                held = monotonic()
                results = [result for run in _runs(jobs) for result in self._done(connection, growth, run)]
        finally:
            ended = monotonic()
            counts.lock_seconds += (held or ended) - began
            counts.writing_seconds += ended - (held or ended)
        counts.commits += 1
        if growth.after is not None:
            key, after = growth.after
            self._keeper.grew(key, after.frontier)
        if any(job.work is None for job in jobs):
            self.counts.failing = False
        self.on_end(True)
        if self._erased:
            self._erased = not self.database.forget(connection)
        return results

    def _done(self, connection: sa.Connection, growth: Growth, jobs: list[_Job]) -> Sequence[Any]:
        """
        The results of items that are added together, or of one piece of work.

        An error of the database itself fails all jobs, since the state of the transaction is then unknown.
        """
        work = jobs[0].work
        if work is None:
            return self.adding(connection, [job.item for job in jobs])
        leaves = len(growth)
        try:
            with connection.begin_nested():
                return (work(connection),)
        except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.InternalError, OSError, LogRefused):
            raise
        except Exception as error:
            # SQLite has no other word for a damaged page. What the work itself did wrong has a word of its own.
            if type(error) is sa.exc.DatabaseError:
                raise
            growth.undo(leaves)
            return (_Failed(error),)

    def _connect(self) -> sa.Connection:
        self._connection = self.database.writing.connect()
        return self._connection

    def _fail(self, jobs: list[_Job], failed: BaseException) -> None:
        """Fail these jobs. The connection is closed, so that the next job starts from what is on the disk."""
        self.counts.failures += 1
        self.counts.failing = True
        self.on_end(False)
        self._disconnect()
        told = isinstance(failed, NotRecorded | LogRefused)
        reason = str(failed) if told else plain(failed)
        with suppress(Exception):
            self.on_failure(reason)  # first, so that a caller who is answered finds it reported
        _settle(jobs, [_Failed(NotRecorded(reason))] * len(jobs))

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(Exception):
                self._connection.invalidate()
            with suppress(Exception):
                self._connection.close()
            self._connection = None


def _runs(jobs: list[_Job]) -> Iterator[list[_Job]]:
    """The jobs in their order: each run of items together, each piece of work by itself."""
    for adds, run in groupby(jobs, key=lambda job: job.work is None):
        together = list(run)
        yield from [together] if adds else ([job] for job in together)


def _settle(jobs: Sequence[_Job], results: Sequence[Any]) -> None:
    """Wake the waiting callers, with one call into each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for job, result in zip(jobs, results, strict=True):
        by_loop.setdefault(job.loop, []).append((job.done, result))
    for loop, settled in by_loop.items():
        with suppress(RuntimeError):  # in a closed loop nobody waits any more
            loop.call_soon_threadsafe(_resolve, settled)


def _resolve(settled: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for done, result in settled:
        if done.done():
            continue  # cancelled: the caller has gone
        if isinstance(result, _Failed):
            done.set_exception(result.error)
        else:
            done.set_result(result)

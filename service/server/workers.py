"""
Several worker processes and the one that looks after them: work to do in, an exit status out.

The workers are forked one by one, and each opens its own connections and threads after that; the parent has none. They share what the
parent holds open, the listening socket above all. The first worker starts alone: what stops a start is said once. From then on a
worker that ends is followed by another, later and later where they keep ending; the parent gives up where none gets ready any more.

SIGTERM and SIGINT go to every worker as SIGTERM and are waited for, SIGHUP goes on as it is. A worker whose parent is gone ends too.
"""

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from traceback import print_exc

from structlog.typing import FilteringBoundLogger

MOST_FAILED_STARTS = 5  # in a row
FIRST_PAUSE = 0.05  # seconds before a worker is started again, doubled for each that ended early
LONGEST_PAUSE = 5.0
EARLY_SECONDS = 10.0

_LOOK = 0.02  # seconds between looks while a worker gets ready or a start is due
_SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

Ready = Callable[[bytes], None]


@dataclass(slots=True)
class _Worker:
    number: int
    began: float
    tells: int  # a pipe: something to read once it is ready
    ready: bool = False


class Supervisor:
    """
    Keeps `count` workers going until it is told to stop.

    `work` is what a worker does: it calls what it is given, with a few bytes, once it is ready, and returns its exit status. `ready` is
    called in the parent with the bytes of the first, once all are ready; `gone` with the process id of each that ended; `stopping`
    when the end begins. A worker that does not end within `patience` seconds of that is killed.
    """

    def __init__(
        self,
        count: int,
        work: Callable[[Ready], int],
        say: FilteringBoundLogger,
        *,
        ready: Ready,
        stopping: Callable[[], None],
        gone: Callable[[int], None],
        patience: float,
    ) -> None:
        self._count = count
        self._work = work
        self._say = say
        self._ready = ready
        self._on_stop = stopping
        self._gone = gone
        self._patience = patience
        self._workers: dict[int, _Worker] = {}  # by process id
        self._due: dict[int, float] = {0: 0.0}  # by number: when it is to be started
        self._told: bytes | None = None  # by the first worker
        self._announced = False
        self._failed_starts = 0
        self._early = 0
        self._status: int | None = None  # of the end, once it has begun
        self._until = 0.0
        self._life = os.pipe()  # nothing is ever written: it ends for the workers when the parent does

    def run(self) -> int:
        """The exit status, once every worker has ended: 0 where it was told to stop."""
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        gc.freeze()
        while self._status is None or self._workers:
            self._start_due()
            waits = self._due or not self._announced or any(not each.ready for each in self._workers.values())
            match signal.sigtimedwait(_SIGNALS, _LOOK if waits else 1.0):
                case signal.struct_siginfo(si_signo=signal.SIGTERM | signal.SIGINT):
                    self._stop(0)
                case signal.struct_siginfo(si_signo=signal.SIGHUP):
                    self._send(signal.SIGHUP)
            self._hear()
            self._reap()
            if self._status is not None and monotonic() > self._until:
                self._say.error("worker_killed", pids=list(self._workers), reason="it did not end in time")
                self._send(signal.SIGKILL)
                self._status = self._status or 1
                self._until = monotonic() + self._patience
        return self._status

    # --- starting ----------------------------------------------------------------------------------------------------

    def _start_due(self) -> None:
        now = monotonic()
        for number in [number for number, when in self._due.items() if when <= now and self._status is None]:
            del self._due[number]
            self._start(number)

    def _start(self, number: int) -> None:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid:
            os.close(writing)
            os.set_blocking(reading, False)
            self._workers[pid] = _Worker(number, monotonic(), reading)
            return
        status = 70
        try:
            os.close(reading)
            status = self._be_a_worker(writing)
        except BaseException:  # noqa: BLE001 - a forked process must not go on as its parent
            print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)

    def _be_a_worker(self, telling: int) -> int:
        living, life = self._life
        os.close(life)
        for each in self._workers.values():
            os.close(each.tells)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        threading.Thread(target=_end_with_parent, args=(living,), name="parent", daemon=True).start()

        def ready(told: bytes) -> None:
            os.write(telling, told or b"\n")
            os.close(telling)

        return self._work(ready)

    def _hear(self) -> None:
        """Which workers got ready meanwhile; with the first the others start, with the last the parent is ready."""
        for pid, each in self._workers.items():
            if each.ready:
                continue
            with suppress(BlockingIOError):
                if told := os.read(each.tells, 65_536):
                    each.ready = True
                    self._failed_starts = 0
                    self._say.info("worker_started", pid=pid)
                    if self._told is None:
                        self._told = told
                        self._due = dict.fromkeys(range(1, self._count), 0.0)
        if not self._announced and self._told is not None and sum(each.ready for each in self._workers.values()) == self._count:
            self._announced = True
            self._ready(self._told)

    # --- ending ------------------------------------------------------------------------------------------------------

    def _reap(self) -> None:
        while self._workers:
            pid, ended = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            worker = self._workers.pop(pid)
            os.close(worker.tells)
            self._gone(pid)
            if self._status is None:
                self._follow(pid, worker, os.waitstatus_to_exitcode(ended))

    def _follow(self, pid: int, worker: _Worker, status: int) -> None:
        """After a worker that ended by itself."""
        if self._told is None:
            self._stop(status if status > 0 else 70)  # it has said why
            return
        self._early = self._early + 1 if monotonic() - worker.began < EARLY_SECONDS else 0
        self._failed_starts += not worker.ready
        if self._failed_starts >= MOST_FAILED_STARTS:
            print(f"error: {self._failed_starts} workers in a row ended before they were ready; see above why", file=sys.stderr)
            self._stop(2)
            return
        pause = min(FIRST_PAUSE * 2 ** min(self._early, 10), LONGEST_PAUSE)
        self._say.error("worker_ended", pid=pid, status=status, again_in_seconds=pause)
        self._due[worker.number] = monotonic() + pause

    def _stop(self, status: int) -> None:
        """Begin the end, or hurry it."""
        if self._status is None:
            self._status = status
            self._until = monotonic() + self._patience
            self._due.clear()
            self._on_stop()
        self._send(signal.SIGTERM)

    def _send(self, number: int) -> None:
        for pid in self._workers:
            os.kill(pid, number)  # it is our child and not reaped, so the id is its own


def _end_with_parent(living: int) -> None:
    os.read(living, 1)
    os.kill(os.getpid(), signal.SIGTERM)

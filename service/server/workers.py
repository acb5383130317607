"""
Several worker processes under one supervisor: work to do in, an exit status out.

The parent forks the workers one by one. Each then opens its own connections and threads; the parent has none. The workers share what the
parent has loaded, as long as neither writes to it, and its open files, above all the listening socket. The first worker starts alone, so
that an error of the start is printed once. After that, the parent replaces each worker that ends, with longer and longer pauses if workers
end early. It gives up if MOST_FAILED_STARTS workers in a row end before they are ready, unless it was complete and another is ready still.

On SIGTERM or SIGINT the parent sends SIGTERM to every worker and waits for them. It passes on SIGHUP. A worker whose parent has ended
ends too.

Above the parent is another process (`generations`), which tells it by a channel to let a worker go or to start the next one, while another
parent replaces this one. If the channel ends, so does the parent.
"""

import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic, sleep
from traceback import print_exc

from structlog.typing import FilteringBoundLogger

from service.server.generations import COMPLETE, GONE, READY

MOST_FAILED_STARTS = 5  # in a row
FIRST_PAUSE = 0.05  # seconds before a worker is started again, doubled for each that ended early
LONGEST_PAUSE = 5.0
EARLY_SECONDS = 10.0

_LOOK = 0.02  # seconds between looks while a worker gets ready or a start is due
PATIENCE_SECONDS = 45.0  # of a worker whose parent has ended
LEAVE = signal.SIGUSR1  # to a worker: another one takes its place

_SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)

Ready = Callable[[bytes], None]


@dataclass(slots=True)
class _Worker:
    number: int
    began: float
    tells: int  # a pipe that can be read once the worker is ready
    ready: bool = False
    leaving: bool = False


class Supervisor:
    """
    Keeps `count` workers running until a signal stops it.

    `work` runs in a worker. It calls its argument with a few bytes once it is ready, and returns its exit status. The parent calls
    `ready` with the bytes of the first worker once all are ready, `gone` with the process id of each worker that ended, and `stopping`
    when the end begins. A worker that does not end within `patience` seconds after that is killed.

    `above` is the channel to the process above; where it `replaces` another parent, each further worker starts when that process says so.
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
        above: socket.socket,
        replaces: bool = False,
    ) -> None:
        above.setblocking(False)
        self._above = above
        self._replaces = replaces
        self._wanted = self._count = count
        self._work = work
        self._say = say
        self._ready = ready
        self._on_stop = stopping
        self._gone = gone
        self._patience = patience
        self._workers: dict[int, _Worker] = {}  # by process id
        self._due: dict[int, float] = {0: 0.0}  # by number: the time to start the worker
        self._told: bytes | None = None  # the bytes from the first worker
        self._announced = False
        self._failed_starts = 0
        self._early = 0
        self._status: int | None = None  # the exit status, once the end has begun
        self._until = 0.0
        self._life = os.pipe()  # nothing is ever written: workers read its end when the parent ends

    def run(self) -> int:
        """Run until every worker has ended. Returns the exit status, which is 0 after a signal to stop."""
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        gc.freeze()
        while self._status is None or self._workers:
            self._listen_above()
            self._start_due()
            waits = self._due or not self._announced or any(not each.ready for each in self._workers.values())
            match signal.sigtimedwait(_SIGNALS, _LOOK if waits else 1.0):
                case signal.struct_siginfo(si_signo=signal.SIGTERM | signal.SIGINT):
                    self._stop(0)
                case signal.struct_siginfo(si_signo=signal.SIGHUP):
                    self._send(signal.SIGHUP)
            self._hear()
            self._reap()
            if self._status is not None and self._workers and monotonic() > self._until:
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
        self._above.close()
        for each in self._workers.values():
            os.close(each.tells)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        threading.Thread(target=_end_with_parent, args=(living,), name="parent", daemon=True).start()

        def ready(told: bytes) -> None:
            os.write(telling, told or b"\n")
            os.close(telling)

        return self._work(ready)

    def _hear(self) -> None:
        """Notice workers that became ready. After the first, the others start; after the last, the parent is ready."""
        for pid, each in self._workers.items():
            if each.ready:
                continue
            with suppress(BlockingIOError):
                if told := os.read(each.tells, 65_536):
                    each.ready = True
                    self._failed_starts = 0
                    self._say.info("worker_started", pid=pid)
                    self._tell_above(READY)
                    if self._told is None:
                        self._told = told
                        if not self._replaces:
                            self._due = dict.fromkeys(range(1, self._count), 0.0)
        if not self._announced and self._told is not None and sum(each.ready for each in self._workers.values()) == self._count:
            self._announced = True
            self._ready(self._told)
            self._tell_above(COMPLETE)

    # --- replaced, or replacing ----------------------------------------------------------------------------------------

    def _listen_above(self) -> None:
        """Do what the process above says. If it has ended, end too."""
        try:
            words = self._above.recv(4096)
        except BlockingIOError:
            return
        except ConnectionError:
            words = b""
        if not words:
            if self._status is None:
                self._stop(0)
            return
        for word in words:
            match bytes((word,)):
                case b"g":
                    self._start_next()
                case b"l":
                    self._let_go()
                case b"b":
                    self._count = self._wanted
                    there = {each.number for each in self._workers.values() if not each.leaving}
                    self._due |= {number: 0.0 for number in range(self._count) if number not in there | self._due.keys()}

    def _start_next(self) -> None:
        there = {each.number for each in self._workers.values()} | self._due.keys()
        if free := [number for number in range(self._count) if number not in there]:
            self._due[free[0]] = 0.0

    def _let_go(self) -> None:
        """Let one worker go, first one that is not ready. Its connections are answered; where there is none, that is said at once."""
        staying = sorted((each.ready, pid) for pid, each in self._workers.items() if not each.leaving)
        self._count = max(0, self._count - 1)
        if self._due:
            self._due.popitem()
        elif staying:
            ready, pid = staying[0]
            self._workers[pid].leaving = True
            os.kill(pid, LEAVE if ready else signal.SIGTERM)
            self._say.info("worker_leaving", pid=pid)
            return
        self._tell_above(GONE)
        self._end_if_replaced()

    def _end_if_replaced(self) -> None:
        if self._count == 0 and not self._workers and self._status is None:
            self._status = 0  # nobody is left to wait for

    def _tell_above(self, word: bytes) -> None:
        with suppress(OSError):  # it has ended, which is noticed by `_listen_above`
            self._above.send(word)

    # --- ending ------------------------------------------------------------------------------------------------------

    def _reap(self) -> None:
        while self._workers:
            pid, ended = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            worker = self._workers.pop(pid)
            os.close(worker.tells)
            self._gone(pid)
            if worker.leaving:
                self._say.info("worker_left", pid=pid)
                self._tell_above(GONE)
                self._end_if_replaced()
            elif self._status is None:
                self._follow(pid, worker, os.waitstatus_to_exitcode(ended))

    def _follow(self, pid: int, worker: _Worker, status: int) -> None:
        """Plan the next start after a worker that ended by itself."""
        if self._told is None:
            self._stop(status if status > 0 else 70)  # the worker has printed the reason
            return
        self._early = self._early + 1 if monotonic() - worker.began < EARLY_SECONDS else 0
        self._failed_starts += not worker.ready
        # Once it is complete, those that are ready go on without the others: as after an upgrade that failed behind the tables.
        going_on = self._announced and any(each.ready and not each.leaving for each in self._workers.values())
        if self._failed_starts >= MOST_FAILED_STARTS and not going_on:
            print(
                f"error: {self._failed_starts} workers in a row ended before they were ready; the lines above say why",
                file=sys.stderr,
            )
            self._stop(2, LEAVE if self._replaces else signal.SIGTERM)  # the workers of the other generation go on
            return
        pause = min(FIRST_PAUSE * 2 ** min(self._early, 10), LONGEST_PAUSE)
        self._say.error("worker_ended", pid=pid, status=status, again_in_seconds=pause)
        self._due[worker.number] = monotonic() + pause

    def _stop(self, status: int, number: int = signal.SIGTERM) -> None:
        """Begin the end, or repeat the signal to end: by another number, since two that wait under one number are one (signal(7))."""
        if self._status is not None:
            number = signal.SIGINT
        else:
            self._status = status
            self._until = monotonic() + self._patience + (PATIENCE_SECONDS if number == LEAVE else 0.0)
            self._due.clear()
            self._on_stop()
        self._send(number)

    def _send(self, number: int) -> None:
        for pid in self._workers:
            os.kill(pid, number)  # the child is not reaped yet, so the id is still its own


def _end_with_parent(living: int) -> None:
    """Leave once the parent has ended: another generation may take the next connection, and what is under way is answered."""
    os.read(living, 1)
    os.kill(os.getpid(), LEAVE)
    sleep(PATIENCE_SECONDS)  # it ends before, unless it was not ready yet
    os.kill(os.getpid(), signal.SIGTERM)

"""
The process above the workers: it keeps the port open while the program is replaced under it.

`fifthfactor serve --workers 2` is three kinds of processes. This one, whose id is that of the service, holds the listening socket and
little else. Below it is a generation: a process that has loaded the program and the policies, and supervises the workers that it forks
(`workers`). On SIGUSR2 this process starts the program anew, as it is on the disk by now, as a second generation on the same socket:

1. The new generation starts one worker. Nothing else happens until that worker is ready.
2. The old generation lets one worker go: it takes no more connections, answers those that it has, and ends.
3. Then the new generation starts its next worker, and so on. There is never a worker fewer than before, and at most one more.

Where the new generation ends before all its workers are ready, or its first worker is not ready within LONGEST_START seconds, it is ended,
and the old one gets back to its number. The port stays open all the while: what connects meanwhile waits in the one queue of the socket.

SIGTERM, SIGINT and SIGHUP are passed on to every generation. A generation whose parent has ended ends too.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from traceback import print_exc

from structlog.typing import FilteringBoundLogger

INHERITED = "FIFTHFACTOR_INHERITED"  # in the environment of a new generation: what it gets from this process
LONGEST_START = 300.0  # seconds until the first worker of a new generation must be ready

# What is said between this process and a generation, a byte each; SIGUSR1 makes a generation listen.
GO_ON, LET_GO, BACK = b"g", b"l", b"b"  # start the next worker; let one go; get back to the number of workers
READY, GONE, COMPLETE = b"r", b"e", b"c"  # a worker is ready for the first time; one that was let go has ended; all are ready

MOST_WORKERS = 64

UNHEARD = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)  # by a new generation until it listens: they would end it

_LOOK = 0.02
_SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


@dataclass(slots=True, eq=False)
class Generation:
    """A process that supervises workers, and what is said with it."""

    pid: int
    channel: socket.socket
    began: float
    ready: int = 0  # workers that became ready while it replaced another

    def say(self, word: bytes) -> None:
        """Say a word, and make it listen."""
        with suppress(OSError):  # it has ended
            self.channel.send(word)
            os.kill(self.pid, signal.SIGUSR1)

    def heard(self) -> bytes:
        """What it said since."""
        try:
            return self.channel.recv(4096)
        except (BlockingIOError, ConnectionError):
            return b""


class Generations:
    """
    Keeps a generation running until a signal stops it, and replaces it by a new one on SIGUSR2.

    `work` is the first generation: it runs in a process of its own, takes the channel to this one, and returns an exit status. `command`
    starts the program anew; `given` are the open files that it gets beside its channel. `stopping` is called when the end begins.
    """

    def __init__(
        self,
        work: Callable[[socket.socket], int],
        command: Sequence[str],
        given: Mapping[str, int | str],
        say: FilteringBoundLogger,
        stopping: Callable[[], None],
    ) -> None:
        self._work, self._command, self._given, self._say, self._on_stop = work, command, given, say, stopping
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self._now: Generation | None = None  # the one that answers
        self._next: Generation | None = None  # the one that replaces it
        self._all: list[Generation] = []  # these, and those that were replaced and have not ended yet
        self._status: int | None = None  # the exit status, once the end has begun

    def run(self) -> int:
        """Run until every generation has ended. Returns the exit status, which is 0 after a signal to stop."""
        self._now = self._fork()
        while self._all:
            match signal.sigtimedwait(_SIGNALS, _LOOK if len(self._all) > 1 else 1.0):
                case signal.struct_siginfo(si_signo=signal.SIGTERM | signal.SIGINT):
                    self._stop(0)
                case signal.struct_siginfo(si_signo=signal.SIGHUP):
                    self._send(signal.SIGHUP)
                case signal.struct_siginfo(si_signo=signal.SIGUSR2):
                    self._replace()
            for each in self._all:
                for word in each.heard():
                    self._hear(each, bytes((word,)))
            self._give_up_waiting()
            self._reap()
        return self._status or 0

    # --- starting ----------------------------------------------------------------------------------------------------

    def _fork(self) -> Generation:
        """The first generation: a copy of this process, which has the program loaded."""
        above, below = socket.socketpair()
        pid = os.fork()
        if pid:
            below.close()
            return self._generation(pid, above)
        status = 70
        try:
            above.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
            status = self._work(below)
        except BaseException:  # noqa: BLE001 - a forked process must not go on as its parent
            print_exc()
        finally:
            for each in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):
                    each.flush()
            os._exit(status)

    def _replace(self) -> None:
        """Start the program anew, as it is on the disk by now."""
        if self._status is not None:
            return
        if self._next is not None:
            self._say.warning("upgrade_under_way", pid=self._next.pid)
            return
        above, below = socket.socketpair()
        files = {name: each for name, each in self._given.items() if isinstance(each, int)}
        try:
            for each in (below.fileno(), *files.values()):
                os.set_inheritable(each, True)
            told = ",".join(f"{name}={each}" for name, each in {**self._given, "channel": below.fileno()}.items())
            pid = os.posix_spawnp(
                self._command[0], [*self._command], {**os.environ, INHERITED: told}, setsigmask={*self._mask, *UNHEARD}
            )
        except OSError as failed:
            above.close()
            self._say.error("upgrade_failed", reason=f"`{self._command[0]}` cannot be started: {failed.strerror}")
            return
        finally:
            below.close()
            for each in files.values():
                os.set_inheritable(each, False)
        self._next = self._generation(pid, above)
        self._say.info("upgrade_began", pid=pid)

    def _generation(self, pid: int, channel: socket.socket) -> Generation:
        channel.setblocking(False)
        self._all.append(made := Generation(pid, channel, monotonic()))
        return made

    # --- replacing ---------------------------------------------------------------------------------------------------

    def _hear(self, of: Generation, word: bytes) -> None:
        match word:
            case b"r" if of is self._next:
                of.ready += 1
                if self._now is not None:
                    self._now.say(LET_GO)
                else:
                    of.say(GO_ON)
            case b"e" if of is self._now and self._next is not None:
                self._next.say(GO_ON)
            case b"c" if of is self._next:
                self._say.info("upgraded", pid=of.pid, workers=of.ready)
                if self._now is not None:
                    self._now.say(LET_GO * MOST_WORKERS)  # the new generation may have fewer
                self._now, self._next = of, None

    def _give_up_waiting(self) -> None:
        following = self._next
        if following is not None and not following.ready and monotonic() - following.began > LONGEST_START:
            self._say.error("upgrade_late", pid=following.pid, reason=f"no worker was ready after {LONGEST_START:.0f} seconds")
            os.kill(following.pid, signal.SIGKILL)  # it is not reaped yet, so the id is its own
            following.ready = 1

    def _reap(self) -> None:
        for each in list(self._all):
            pid, ended = os.waitpid(each.pid, os.WNOHANG)
            if not pid:
                continue
            self._all.remove(each)
            each.channel.close()
            status = os.waitstatus_to_exitcode(ended)
            if each is self._next:
                self._next = None
                if self._status is None:
                    self._say.error("upgrade_failed", pid=pid, status=status, reason="it ended; the lines above say why")
                if self._now is not None:
                    self._now.say(BACK)
            elif each is self._now:
                self._now = None
                if self._next is not None:
                    self._next.say(GO_ON)
            if self._now is None and self._next is None and self._status is None:
                self._stop(status if status >= 0 else 70)

    def _stop(self, status: int) -> None:
        """Begin the end, or repeat the signal to end: by another number, since two that wait under one number are one (signal(7))."""
        repeated = self._status is not None
        if not repeated:
            self._status = status
            self._on_stop()
        self._send(signal.SIGINT if repeated else signal.SIGTERM)

    def _send(self, number: int) -> None:
        for each in self._all:
            os.kill(each.pid, number)


def command() -> list[str]:
    """
    The command line of this process, to start the program anew.

    A script is run by its own first line: where it is a link, or was written anew, it may name another Python by now.
    """
    program = sys.orig_argv[1:]
    if program and not program[0].startswith("-") and os.access(program[0], os.X_OK):
        return program
    return [sys.executable, *program]


def given() -> dict[str, str]:
    """What this process got from the one above it, by name; nothing where it is the first. It is told once."""
    for each in UNHEARD:
        signal.signal(each, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, UNHEARD)
    told = os.environ.pop(INHERITED, "")
    return dict(each.split("=", 1) for each in told.split(",")) if told else {}

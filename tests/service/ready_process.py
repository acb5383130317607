"""
Processes of `fifthfactor` that begin with everything imported: arguments in, a process out that can be waited for and signalled.

A server of its own is what most tests of the service need, and most of its start is the import of a thousand modules and the bundled
policies with their engines. So one process makes all that once, does nothing else, and every server and command begins as a copy of it
(fork), as the service's own workers do. All workers of a run share it (`ready_doors`). A server with policies of its own is a copy of a
process without the bundled ones: when it loads its policies again it searches all its objects for cycles, and has a tenth of them. How
the program starts from nothing is tested too: by the container, the examples of the first page and of keys, and `fresh` servers.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import engine
from service.policies import archive
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from tests import read_once
from tests.service import (
    archives_once,
    commands_once,
    patience,
    ready_doors,
    routes_on_demand,
    set_day,
    statements_once,
    unsynced,
)
from tests.service.ready_doors import BUNDLED, OTHERS, READY

ROOT = Path(__file__).parents[2]
IMPORTED = (
    "service.cli.database",
    "service.cli.keys",
    "service.cli.main",
    "service.client",
    "service.server.serve",
    "httptools",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
)
LONGEST = 1 << 20  # bytes of a request
COMMAND, CODE = "fifthfactor", "python"  # what a copy becomes


class Process:
    """A copy at work, as `subprocess.Popen` would show it."""

    def __init__(self, tells: int) -> None:
        """`tells`: a pipe on which come the process's id and, when it has ended, its status."""
        self._tells = os.fdopen(tells, "r")
        self.pid = int(self._tells.readline())
        self.returncode: int | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        with closing(self._tells):
            self.returncode = int(self._tells.readline() or -signal.SIGKILL)
        self._ended.set()

    def poll(self) -> int | None:
        """Its status, or None while it runs."""
        return self.returncode if self._ended.is_set() else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; its status. Raises TimeoutExpired."""
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def start(
    *arguments: str,
    folder: Path,
    environment: Mapping[str, str],
    output: int,
    errors: int,
    given: int | None = None,
    kind: str = COMMAND,
) -> Process:
    """
    `fifthfactor` with these arguments, in a folder, with exactly this environment, writing to two open files.

    It reads from the open file that is `given`, or nothing. Of the `kind` CODE it is Python, and the arguments are `-c` and a program.
    """
    begins, lock = _connected(OTHERS if _has_policies(arguments, environment) else BUNDLED)
    tells, told = os.pipe()
    wanted = {"arguments": arguments, "folder": str(folder), "environment": dict(environment), "kind": kind}
    asked = json.dumps(wanted).encode() + b"\n"
    with Path(os.devnull).open("rb") as nothing:
        try:
            with lock:
                reads = nothing.fileno() if given is None else given
                sent = socket.send_fds(begins, [asked], [reads, output, errors, told])
                begins.sendall(asked[sent:])
        finally:
            os.close(told)
    return Process(tells)


def run(*arguments: str, folder: Path, environment: Mapping[str, str], given: bytes = b"") -> tuple[int, str, str]:
    """Run `fifthfactor` to its end: status, output, errors. What is `given`, it reads; it has to fit into a pipe."""
    pipes = [os.pipe() for _ in range(2)]
    reads, writes = os.pipe()
    with os.fdopen(writes, "wb") as pipe:
        pipe.write(given)
    process = start(*arguments, folder=folder, environment=environment, output=pipes[0][1], errors=pipes[1][1], given=reads)
    os.close(reads)
    said = ["", ""]

    def read(number: int) -> None:
        with os.fdopen(pipes[number][0], encoding="utf-8", newline="") as pipe:
            said[number] = pipe.read()

    readers = [threading.Thread(target=read, args=[number]) for number in range(2)]
    for reader, (_, written) in zip(readers, pipes, strict=True):
        os.close(written)
        reader.start()
    for reader in readers:
        reader.join()
    return process.wait(60), said[0], said[1]


PROGRAM = """#!{python} -SEs
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as door:
    door.connect({door!r})
    asked = {{"arguments": sys.argv[1:], "folder": os.getcwd(), "environment": dict(os.environ), "kind": {kind!r}}}
    socket.send_fds(door, [json.dumps(asked).encode() + b"\\n"], [0, 1, 2])
    sys.exit(int(door.recv(9) or 1))
"""


@contextmanager
def installed(program: Path, python: Path) -> Iterator[None]:
    """
    Files that are `fifthfactor` and `python -c` to whoever runs them, as long as the block lasts: each run is a copy of the process that
    is ready.
    """
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as door:
        door.bind(f"{folder}/door")
        door.listen()
        for file, kind in ((program, COMMAND), (python, CODE)):
            file.write_text(PROGRAM.format(python=sys.executable, door=f"{folder}/door", kind=kind))
            file.chmod(0o755)
        threading.Thread(target=_open, args=(door,), daemon=True).start()
        yield
        door.shutdown(socket.SHUT_RDWR)


def _open(door: socket.socket) -> None:
    """Start a thread for each program that comes, until the door is shut."""
    with suppress(OSError):
        while True:
            threading.Thread(target=_serve, args=(door.accept()[0],), daemon=True).start()


def _serve(caller: socket.socket) -> None:
    """Run what a program asks for with its own files, and tell it the status."""
    with caller:
        text, files = _next(caller)
        asked = json.loads(text)
        given, output, errors = files
        process = start(
            *asked["arguments"],
            folder=asked["folder"],
            environment=asked["environment"],
            given=given,
            output=output,
            errors=errors,
            kind=asked["kind"],
        )
        for file in files:
            os.close(file)
        status = process.wait()
        caller.sendall(str(status if status >= 0 else 128 - status).encode())


def _has_policies(arguments: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether it is a server with policies of its own."""
    return arguments[:1] == ("serve",) and ("--policies" in arguments or "FIFTHFACTOR_POLICIES" in environment)


@cache
def _connected(name: str) -> tuple[socket.socket, threading.Lock]:
    """The process behind a door, at which only this process asks."""
    asks = socket.socket(socket.AF_UNIX)
    asks.connect(str(_folder() / name))
    return asks, threading.Lock()


@cache
def _folder() -> Path:
    """The folder of the doors: that of all workers, or one of this process, which ends with it."""
    if READY in os.environ:
        return Path(os.environ[READY])
    folder, begin = ready_doors.opened()
    atexit.register(begin())
    return folder


def main() -> None:
    """Be the two processes behind the doors, until their owner is gone."""
    bundled, others, owner = (socket.socket(fileno=int(number)) for number in sys.argv[1:])
    read_once.begin()
    for name in IMPORTED:
        importlib.import_module(name)
    for each in (
        archives_once.once,
        commands_once.once,
        patience.begin,
        routes_on_demand.on_demand,
        statements_once.once,
        unsynced.begin,
    ):
        each()
    _begin_once()
    gc.collect()
    gc.freeze()
    child = os.fork()
    if child == 0:
        others.close()
        _behind(bundled, owner, _prepare_bundled)
    else:
        bundled.close()
        _behind(others, owner, lambda: None)
        os.waitpid(child, 0)


def _prepare_bundled() -> None:
    """What a service with the bundled policies makes of them at its start."""
    bundle = engine.load(engine.bundled_policies())
    engine.PDP(bundle).set_up()
    archive.write(bundle.sources)


def _begin_once() -> None:
    """Open a service and make its application: what is imported and kept on the way, the copies need not make again."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            watch=False, policies=ROOT / "tests" / "service" / "bundle" / "policies", database=f"{folder}/log.db"
        )
        service = Service.open(settings)
        create_app(settings, service)
        service.close()


def _behind(door: socket.socket, owner: socket.socket, prepare: Callable[[], object]) -> None:
    """Become, for each who knocks, a process that is copied when asked to. What is prepared for the first, all share."""
    prepared = False
    while owner not in select.select([door, owner], [], [])[0]:
        asks, _ = door.accept()
        _reap()
        if not prepared:
            prepare()
            gc.collect()
            gc.freeze()
            prepared = True
        if os.fork() == 0:
            door.close()
            owner.close()
            _copied(asks)
            os._exit(0)
        asks.close()


def _copied(asks: socket.socket) -> None:
    """Be copied when asked to, until nobody can ask any more."""
    while True:
        asked, files = _next(asks)
        _reap()
        if not asked:
            return
        if os.fork() == 0:  # who waits for a copy is a process of its own
            asks.close()
            _keep(json.loads(asked), *files)
        for file in files:
            os.close(file)


def _reap() -> None:
    """Let go of those whose copies have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _next(asks: socket.socket) -> tuple[bytes, list[int]]:
    asked, files, *_ = socket.recv_fds(asks, LONGEST, 4)
    while asked and not asked.endswith(b"\n"):
        asked += asks.recv(LONGEST)
    return asked, files


def _keep(asked: dict[str, Any], given: int, output: int, errors: int, told: int) -> None:
    """Copy once more, tell the copy's id, wait for its end, and tell how it ended. Returns in the copy only."""
    copy = os.fork()
    if copy == 0:
        os.close(told)
        _become(asked, given, output, errors)
    for file in (given, output, errors):
        os.close(file)
    os.write(told, f"{copy}\n".encode())
    status = os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])
    os.write(told, f"{status}\n".encode())
    os._exit(0)


def _become(asked: dict[str, Any], given: int, output: int, errors: int) -> NoReturn:
    """Be `fifthfactor`, or Python with a program, as if just started."""
    for number, file in enumerate((given, output, errors)):
        os.dup2(file, number)
        os.close(file)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    if unsynced.SYNCED in os.environ:
        unsynced.end()
    if patience.IMPATIENT in os.environ:
        patience.end()
    if set_day.SET_DAY in os.environ:
        set_day.begin(os.environ[set_day.SET_DAY])
    time.tzset()
    arguments = asked["arguments"]
    try:
        if asked["kind"] == CODE:
            _run_code(arguments[1])
        else:
            sys.argv = ["fifthfactor", *arguments]
            importlib.import_module("service.cli.main").main()
        code = None
    except SystemExit as ended:
        code = ended.code
    _end(code)


def _run_code(program: str) -> None:
    """Run a program as `python -c` does, with what PYTHONPATH leads to."""
    sys.argv = ["-c"]
    sys.modules["__main__"] = its = ModuleType("__main__")
    sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    try:
        exec(compile(program, "<string>", "exec"), vars(its))
    except Exception:  # noqa: BLE001 - whatever it is, Python prints it and ends with 1
        traceback.print_exc()
        raise SystemExit(1) from None


def _end(code: object) -> NoReturn:
    """End as a program ends, but let go of a million objects at once: to free them one by one takes as long as a short command."""
    if isinstance(code, str):
        print(code, file=sys.stderr)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for each in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            each.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    main()

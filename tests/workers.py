"""
Workers that share out the tests: collected items in, reports out. `--workers 4` forks four of them.

One process collects, reads what most tests need, and forks. So that is done once, whatever the number of workers, and they share its
memory. Each takes the tests of one module after another from a pipe, runs them as pytest does, and sends its reports through a pipe of
its own. The process that forked them prints them.
"""

from __future__ import annotations

import atexit
import gc
import os
import pickle
import selectors
import signal
import traceback
import warnings
from contextlib import suppress
from itertools import groupby
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

_PLACE = 4  # bytes of the number of a group


class Workers:
    """The workers of a session, from their start to their end."""

    def __init__(self, session: pytest.Session, number: int) -> None:
        """Fork them. No other thread may run."""
        self._session = session
        self._groups = [list(group) for _, group in groupby(session.items, key=lambda item: item.path)]
        wanted, self._wants = os.pipe()
        self._pipes: dict[int, int] = {}  # of each worker, by its process
        self._running: dict[int, tuple[str, Any]] = {}
        gc.collect()
        gc.freeze()
        for each in range(number):
            reads, writes = os.pipe()
            process = os.fork()
            if process == 0:
                for pipe in (self._wants, reads, *self._pipes.values()):
                    os.close(pipe)
                _Worker(session, self._groups, each, wanted, writes).work()
            os.close(writes)
            self._pipes[process] = reads
        os.close(wanted)

    def follow(self) -> None:
        """Hand out all tests and print what comes of them. Raises Failed and Interrupted as the loop of pytest does."""
        try:
            with os.fdopen(self._wants, "wb") as wants:
                for place in range(len(self._groups)):
                    wants.write(place.to_bytes(_PLACE, "big"))
            with selectors.DefaultSelector() as ready:
                for process, pipe in self._pipes.items():
                    ready.register(os.fdopen(pipe, "rb"), selectors.EVENT_READ, process)
                while ready.get_map():
                    for key, _ in ready.select():
                        if not self._heard(key.fileobj, key.data):
                            ready.unregister(key.fileobj)
                            key.fileobj.close()  # type: ignore[union-attr]
                    if self._session.shouldfail:
                        raise self._session.Failed(self._session.shouldfail)
                    if self._session.shouldstop:
                        raise self._session.Interrupted(self._session.shouldstop)
        except BaseException:
            self._end()
            raise
        for process in self._pipes:
            os.waitpid(process, 0)

    def _heard(self, pipe: Any, process: int) -> bool:
        """Whether a worker said something more, which is passed on."""
        hook = self._session.config.hook
        try:
            kind, told = pickle.load(pipe)
        except EOFError:
            if process in self._running:
                pytest.exit(f"a worker ended in {self._running[process][0]}", 1)
            return False
        if kind == "started":
            self._running[process] = told
            hook.pytest_runtest_logstart(nodeid=told[0], location=told[1])
        elif kind == "finished":
            del self._running[process]
            hook.pytest_runtest_logfinish(nodeid=told[0], location=told[1])
        elif kind == "warned":
            hook.pytest_warning_recorded.call_historic(kwargs=told)
        elif kind == "broken":
            pytest.exit(f"a worker ended:\n{told}", 1)
        else:
            report = hook.pytest_report_from_serializable(config=self._session.config, data=told)
            hook.pytest_runtest_logreport(report=report)
        return True

    def _end(self) -> None:
        """Interrupt them all, also where an interrupt from the keyboard is ignored. They put away what they began."""
        for process in self._pipes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGUSR1)
        for process in self._pipes:
            with suppress(ChildProcessError):
                os.waitpid(process, 0)


class _Worker:
    """This process as a worker: a plugin that sends away what others print."""

    def __init__(self, session: pytest.Session, groups: list[list[pytest.Item]], number: int, wanted: int, tells: int) -> None:
        self._session, self._groups = session, groups
        self._wanted, self._tells = wanted, os.fdopen(tells, "wb")
        config = session.config
        atexit._clear()
        signal.signal(signal.SIGUSR1, signal.default_int_handler)
        _capture_apart(config)
        _write_apart(config, number)
        for name in ("terminalreporter", "cacheprovider", "junitxml"):
            config.pluginmanager.unregister(name=name)
        config.pluginmanager.register(self, "worker")

    def work(self) -> NoReturn:
        """Run tests until none is left, and end."""
        try:
            try:
                self._run()
            finally:
                for number in (signal.SIGINT, signal.SIGUSR1):
                    signal.signal(number, signal.SIG_IGN)
                self._session._setupstate.teardown_exact(None)
                atexit._run_exitfuncs()
        except KeyboardInterrupt:
            pass
        except BaseException:  # noqa: BLE001 - whatever it is, the others are told
            self._tell("broken", traceback.format_exc())
        finally:
            os._exit(0)

    def _run(self) -> None:
        # What ends a module keeps what all tests share, and ends the rest: nobody knows which module comes next.
        session: Any = SimpleNamespace(listchain=lambda: [self._session])
        while place := os.read(self._wanted, _PLACE):
            group = self._groups[int.from_bytes(place, "big")]
            for item, following in zip(group, [*group[1:], session], strict=True):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)

    def _tell(self, kind: str, told: object) -> None:
        with suppress(BrokenPipeError):  # nobody listens any more, and the interrupt comes
            pickle.dump((kind, told), self._tells)
            self._tells.flush()

    def pytest_runtest_logstart(self, nodeid: str, location: Any) -> None:
        self._tell("started", (nodeid, location))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        config = self._session.config
        self._tell("report", config.hook.pytest_report_to_serializable(config=config, report=report))

    def pytest_runtest_logfinish(self, nodeid: str, location: Any) -> None:
        self._tell("finished", (nodeid, location))

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: Any) -> None:
        message = warning_message.category(str(warning_message.message))
        told = warnings.WarningMessage(message, warning_message.category, warning_message.filename, warning_message.lineno)
        self._tell("warned", {"warning_message": told, "when": when, "nodeid": nodeid, "location": location})


def _capture_apart(config: pytest.Config) -> None:
    """Let the output of this process's tests go into files of its own."""
    manager: Any = config.pluginmanager.getplugin("capturemanager")
    manager.stop_global_capturing()
    manager.start_global_capturing()


def _write_apart(config: pytest.Config, number: int) -> None:
    """Let this process's tests write into a folder of its own."""
    factory: Any = vars(config)["_tmp_path_factory"]
    factory._basetemp = factory.getbasetemp() / f"worker-{number}"
    factory._basetemp.mkdir(mode=0o700)

"""
Run the service: settings in, a process that answers until a signal stops it, or several processes under `workers`.

Every error that can stop the start shows before the first request: in the settings, the policies, the log or the port.
After a SIGTERM or Ctrl-C, `/readyz` answers 503, and the service still accepts requests for `drain_seconds`. It then finishes the
requests under way, writes the waiting records, and ends with 0. A second signal ends the accepting at once.
"""

import json
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from types import FrameType

import uvicorn
from structlog.typing import FilteringBoundLogger

import engine
from service.callers.shedding import Load
from service.limits import SHUTDOWN_SECONDS, WORKER_CLOSING_SECONDS
from service.policies import steady_memory
from service.policies.prepared_policies import PreparedPolicies
from service.server.app import create_app, preload
from service.server.bounded_heads import BoundedHeads
from service.server.workers import Supervisor
from service.service import Service
from service.settings import SettingRefused, Settings
from service.store.database import DatabaseRefused
from service.telemetry import log_lines, metrics

SWITCH_SECONDS = 0.001  # after which a thread that waits for Python gets it: the writer needs it several times for one commit


class CannotServe(Exception):
    """The service cannot start. The message is for the operator; the status is the exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def serve(settings: Settings) -> None:
    """Serve until a signal stops it. Raises CannotServe."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there are policies to reload
    with _starting():
        engine.need_engines(settings.mode)
    listening = _listen(settings.host, settings.port)
    say = log_lines.logger()
    if settings.workers == 1:
        _answer(settings, listening, say, lambda service: _announce(say, settings, listening, *_named(service)))
        return

    prepared = prepared_policies(settings)

    def work(ready: Callable[[bytes], None]) -> int:
        try:
            _answer(settings, listening, say, lambda service: ready(json.dumps(_named(service)).encode()), figures, prepared)
        except CannotServe as refused:
            print(refused, file=sys.stderr)
            return refused.status
        return 0

    with TemporaryDirectory(prefix="fifthfactor-") as folder:
        figures = Path(folder)
        supervisor = Supervisor(
            settings.workers,
            work,
            say,
            ready=lambda told: _announce(say, settings, listening, *json.loads(told)),
            stopping=listening.close,  # each worker holds it too while it accepts requests
            gone=lambda pid: metrics.worker_ended(figures, pid),
            patience=settings.drain_seconds + SHUTDOWN_SECONDS + WORKER_CLOSING_SECONDS,
        )
        if status := supervisor.run():
            raise CannotServe("", status)


def _answer(
    settings: Settings,
    listening: socket.socket,
    say: FilteringBoundLogger,
    ready: Callable[[Service], None],
    figures: Path | None = None,
    prepared: PreparedPolicies | None = None,
) -> None:
    """Answer in this process until a signal stops it. `ready` is called before the first request. Raises CannotServe."""
    with _starting():
        service = Service.open(settings, say=say, prepared=prepared)
    if prepared is None or service.live is not prepared.live:
        service.live.pdp.set_up()  # else the first exchange would keep all others waiting for it
    if figures:
        service.metrics.share(figures)
    app = create_app(settings, service)
    steady_memory.settle()
    sys.setswitchinterval(SWITCH_SECONDS)
    server = _Server(
        uvicorn.Config(
            app,
            loop="auto",
            http=BoundedHeads,
            ws="none",
            lifespan="on",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        ),
        service.load,
        settings.drain_seconds,
    )
    messages = logging.getLogger("uvicorn.error")
    messages.addHandler(log_lines.ServerMessages(say))
    messages.propagate = False
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    signal.signal(signal.SIGHUP, lambda number, frame: service.reloading.ask())
    ready(service)
    server.run(sockets=[listening])


def prepared_policies(settings: Settings) -> PreparedPolicies:
    """The policies, for workers that are forked from this process. Raises CannotServe."""
    with _starting():
        prepared = PreparedPolicies.of(settings)
    prepared.live.pdp.set_up()
    preload()
    steady_memory.settle()
    return prepared


@contextmanager
def _starting() -> Iterator[None]:
    """What can stop the start, as CannotServe."""
    try:
        yield
    except engine.BundleRefused as refused:
        raise CannotServe(str(refused), 1) from None
    except (engine.EngineUnavailable, SettingRefused, DatabaseRefused) as refused:
        raise CannotServe(f"error: {refused}", 2) from None


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, load: Load, drain_seconds: float) -> None:
        super().__init__(config)
        self._load = load
        self._drain_seconds = drain_seconds
        self._until: float | None = None  # the end of accepting requests, once a signal came

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to stop, at any time, so that the process ends with 0. A second signal ends it sooner."""
        self._load.draining = True
        if self._until is None and self._drain_seconds:
            self._until = monotonic() + self._drain_seconds
        else:
            self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Whether to stop accepting requests now. The server asks ten times a second."""
        if self._until is not None and monotonic() >= self._until:
            self.should_exit = True
        return await super().on_tick(counter)


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket. It opens before the start, so that a used port gives one clear error and port 0 gets its number."""
    address = "127.0.0.1" if host.lower() == "localhost" else host
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen()
    except OSError as refused:
        listening.close()
        raise CannotServe(f"error: cannot listen on {host} port {port}: {refused.strerror}", 2) from None
    return listening


def _named(service: Service) -> tuple[str, str]:
    """The database and the digest of the policies, for the line that is printed at the start."""
    return service.store.database.shown, service.live.digests.source


def _announce(say: FilteringBoundLogger, settings: Settings, listening: socket.socket, database: str, source: str) -> None:
    host, port = listening.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    say.info(
        "started",
        address=address,
        database=database,
        mode=settings.mode,
        policies=source,
        engine=engine.__version__,
        workers=settings.workers,
    )
    if sys.stderr.isatty():
        policies = ", ".join(map(str, settings.policies)) or "the bundled policies"
        print(
            f"Fifth Factor answers on {address}, decides by {policies} ({source[:12]}),"
            f" records in {database}; stop it with Ctrl-C",
            file=sys.stderr,
        )

"""
Run the service: settings in, a process that answers until a signal stops it, or several processes under `workers`.

Every error that can stop the start shows before the first request: in the settings, the policies, the log or the port.
After a SIGTERM or Ctrl-C, `/readyz` answers 503, and the service still accepts requests for `drain_seconds`. It then finishes the
requests under way, writes the waiting records, and ends with 0. A second signal ends the accepting at once.
"""

import asyncio
import json
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from time import monotonic
from types import FrameType

import sqlalchemy as sa
import uvicorn
from structlog.typing import FilteringBoundLogger

import engine
from service.callers.shedding import Load
from service.limits import SHUTDOWN_SECONDS, WORKER_CLOSING_SECONDS
from service.log.search_index import newest_moment
from service.policies import steady_memory
from service.policies.prepared_policies import PreparedPolicies
from service.server.app import create_app, preload
from service.server.bounded_heads import SECONDS, BoundedHeads
from service.server.listening import CannotServe
from service.server.service_manager import tell_ready
from service.server.tls_certificate import CertificateRefused, Certificates
from service.server.workers import LEAVE, Supervisor
from service.service import Service, check_keys
from service.settings import SettingRefused, Settings
from service.store.database import DatabaseRefused
from service.store.moments import moment_text
from service.telemetry import log_lines, metrics

LEAVING_SECONDS = SECONDS + 5  # that a worker which is replaced keeps connections; the longest that one may be idle
TICKS_WITHOUT = 10  # so that the handshake of a connection that was just accepted has time to end
ALONE = "one process answers: start the service with `--workers 2` or more, and it can be replaced while it runs"
CLOCKS_APART = timedelta(minutes=1)  # clocks of machines that work together differ by less
SWITCH_SECONDS = 0.001  # after which a thread that waits for Python gets it: the writer needs it several times for one commit


def serve_alone(settings: Settings, listening: socket.socket) -> None:
    """Answer in this process until a signal stops it. Raises CannotServe."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there are policies to reload
    with _starting():
        engine.need_engines(settings.mode)
    say = log_lines.logger(level=settings.log_level)
    _answer(settings, listening, say, lambda service: _announce(say, settings, listening, *_named(service)))


def serve_generation(
    settings: Settings, listening: socket.socket, figures: Path, channel: socket.socket, *, replaces: bool = False
) -> int:
    """Supervise workers that answer, until a signal or the process above ends it. The exit status. Raises CannotServe."""
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    say = log_lines.logger(level=settings.log_level)
    prepared = prepared_policies(settings)

    def work(ready: Callable[[bytes], None]) -> int:
        try:
            _answer(settings, listening, say, lambda service: ready(json.dumps(_named(service)).encode()), figures, prepared)
        except CannotServe as refused:
            print(refused, file=sys.stderr)
            return refused.status
        return 0

    return Supervisor(
        settings.workers,
        work,
        say,
        ready=lambda told: _announce(say, settings, listening, *json.loads(told)),
        stopping=listening.close,  # each worker holds it too while it accepts requests
        gone=lambda pid: metrics.worker_ended(figures, pid),
        patience=settings.drain_seconds + SHUTDOWN_SECONDS + WORKER_CLOSING_SECONDS,
        above=channel,
        replaces=replaces,
    ).run()


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
        service.metrics.share(figures, say)
    _compare_clocks(service, say)
    with _starting():
        certificates = _certificates(settings, service)
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
            ssl_context_factory=(lambda config, usual: certificates.context) if certificates else None,
        ),
        service.load,
        settings.drain_seconds,
        lambda: ready(service),
        say,
        certificates,
    )
    messages = logging.getLogger("uvicorn.error")
    messages.addHandler(log_lines.ServerMessages(say))
    messages.propagate = False
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    if figures:
        signal.signal(LEAVE, server.handle_replacement)
    else:
        signal.signal(signal.SIGUSR2, server.handle_vain_replacement)

    def reload(number: int, frame: FrameType | None) -> None:
        service.reloading.ask()
        if certificates:
            certificates.ask()

    signal.signal(signal.SIGHUP, reload)
    server.run(sockets=[listening])


def _certificates(settings: Settings, service: Service) -> Certificates | None:
    """The certificate with which the service is called, and its figures; None without TLS. Raises CannotServe."""
    try:
        certificates = Certificates.open(settings, service.say, service.clock)
    except CertificateRefused as refused:
        service.close()
        raise CannotServe(f"error: {refused}", 2) from None
    service.metrics.tell(
        "gauge",
        "fifthfactor_tls_certificate_expiry_timestamp_seconds",
        "Until when the certificate is valid that new connections get.",
        lambda: (({}, certificates.served.until.timestamp()),) if certificates else (),
    )
    service.metrics.tell(
        "gauge",
        "fifthfactor_tls_certificate_refused",
        "Whether the certificate in the files was refused, and the one before goes on.",
        lambda: (({}, certificates.refused),) if certificates else (),
        over="largest",
    )
    return certificates


def prepared_policies(settings: Settings) -> PreparedPolicies:
    """The policies, for workers that are forked from this process. Raises CannotServe."""
    with _starting():
        check_keys(settings)
        engine.need_engines(settings.mode)
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
    def __init__(
        self,
        config: uvicorn.Config,
        load: Load,
        drain_seconds: float,
        ready: Callable[[], None],
        say: FilteringBoundLogger,
        certificates: Certificates | None = None,
    ) -> None:
        super().__init__(config)
        self._say = say
        self._certificates = certificates
        self._load = load
        self._drain_seconds = drain_seconds
        self._ready = ready
        self._until: float | None = None  # the end of accepting requests, once a signal came
        self._last = 0.0
        self._left = -1  # ticks without a connection since another worker took the place of this one
        self._in_vain = False  # whether somebody wants to replace this process, which is alone

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept requests, and say so."""
        await super().startup(sockets)
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to stop, at any time, so that the process ends with 0. A second signal ends it sooner."""
        self._load.draining = True
        if self._until is None and self._drain_seconds:
            self._until = monotonic() + self._drain_seconds
        else:
            self.should_exit = True

    def handle_replacement(self, sig: int, frame: FrameType | None) -> None:
        """Another worker takes the place of this one: accept no more connections, answer those that are there, and end."""
        self._load.draining = self._load.replaced = True

    def handle_vain_replacement(self, sig: int, frame: FrameType | None) -> None:
        """
        Nobody takes the place of a process that is alone, and a line says so.

        It is written later: the signal may have come while another line was written, and for that one line at a time has a lock.
        """
        self._in_vain = True

    async def main_loop(self) -> None:
        """Serve until it is time to stop, and look after the certificate meanwhile."""
        looking = asyncio.create_task(self._certificates.work()) if self._certificates else None
        try:
            await super().main_loop()
        finally:
            if looking:
                looking.cancel()

    async def on_tick(self, counter: int) -> bool:
        """Whether to stop accepting requests now. The server asks ten times a second."""
        if self._in_vain:
            self._in_vain = False
            self._say.error("upgrade_failed", reason=ALONE)
        if self._load.replaced and self._until is None:
            if self._left < 0:
                for each in self.servers:
                    each.close()
                self._last = monotonic() + LEAVING_SECONDS
            # A connection that was just accepted is among them a tick later. One that is idle ends as it always does.
            self._left = 0 if self.server_state.connections else self._left + 1
            self.should_exit |= self._left > TICKS_WITHOUT or monotonic() > self._last
        if self._until is not None and monotonic() >= self._until:
            self.should_exit = True
        return await super().on_tick(counter)


def _compare_clocks(service: Service, say: FilteringBoundLogger) -> None:
    """Say that the clock is behind the log: what ends by a day or a moment may go on, and what is over count again."""
    now = service.clock()
    try:
        with service.store.database.reading.connect() as connection:
            newest = newest_moment(connection)
    except sa.exc.SQLAlchemyError:
        return  # the database reports it, and `/readyz` is 503
    if newest is not None and newest > now + CLOCKS_APART:
        say.warning("clock_behind", newest_record=moment_text(newest), now=moment_text(now))


def _named(service: Service) -> tuple[str, str]:
    """The database and the digest of the policies, for the line that is printed at the start."""
    return service.store.database.shown, service.live.digests.source


def _announce(say: FilteringBoundLogger, settings: Settings, listening: socket.socket, database: str, source: str) -> None:
    host, port = listening.getsockname()[:2]
    scheme = "https" if settings.tls_certificate else "http"
    address = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
    say.info(
        "started",
        address=address,
        database=database,
        mode=settings.mode,
        policies=source,
        engine=engine.__version__,
        workers=settings.workers,
    )
    tell_ready()
    if sys.stderr.isatty():
        policies = ", ".join(map(str, settings.policies)) or "the bundled policies"
        print(
            f"Fifth Factor answers on {address}, decides by {policies} ({source[:12]}),"
            f" records in {database}; stop it with Ctrl-C",
            file=sys.stderr,
        )

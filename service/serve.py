"""
Run the service: settings in, a process that answers until it is told to stop.

Everything that can stop the start is found before the first request: the settings, the policies, the log, the port.
A SIGTERM or Ctrl-C stops taking requests, finishes those under way, writes what waits, and ends with 0.
"""

import logging
import signal
import socket
import sys
from types import FrameType

import uvicorn

import engine
from service import telemetry
from service.app import create_app
from service.service import Service
from service.settings import SettingRefused, Settings
from service.store.database import DatabaseRefused

GRACE_SECONDS = 10


class CannotServe(Exception):
    """The service cannot start; the message is for the operator, the status is the process's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def serve(settings: Settings) -> None:
    """Serve until told to stop. Raises CannotServe."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there are policies to load anew
    listening = _listen(settings.host, settings.port)
    say = telemetry.logger()
    try:
        service = Service.open(settings, say=say)
    except engine.BundleRefused as refused:
        raise CannotServe(str(refused), 1) from None
    except (engine.EngineUnavailable, SettingRefused, DatabaseRefused) as refused:
        raise CannotServe(f"error: {refused}", 2) from None
    app = create_app(settings, service)
    server = _Server(
        uvicorn.Config(
            app,
            loop="auto",
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    messages = logging.getLogger("uvicorn.error")
    messages.addHandler(telemetry.ServerMessages(say))
    messages.propagate = False
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.stop)
    signal.signal(signal.SIGHUP, lambda number, frame: service.reloading.ask())
    _announce(service, listening)
    server.run(sockets=[listening])


class _Server(uvicorn.Server):
    def stop(self, number: int, frame: FrameType | None) -> None:
        """
        End after the requests under way.

        Uvicorn raises a signal that it took once more at its end; with this as the handler that changes nothing, and
        the process ends with 0.
        """
        self.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket; taken here so that a port in use is one sentence, and port 0 is known before the start."""
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


def _announce(service: Service, listening: socket.socket) -> None:
    host, port = listening.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    digests = service.live.digests
    service.say.info(
        "started",
        address=address,
        database=service.store.database.shown,
        mode=service.settings.mode,
        policies=digests.source,
        engine=engine.__version__,
    )
    if sys.stderr.isatty():
        policies = service.settings.policies or "the bundled policies"
        print(
            f"Fifth Factor answers on {address}, decides by {policies} ({digests.source[:12]}),"
            f" records in {service.store.database.shown}; stop it with Ctrl-C",
            file=sys.stderr,
        )

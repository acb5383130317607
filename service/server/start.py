"""
Start the service: settings in, one process that answers, or a process that keeps generations of workers under it (`generations`).

The process above the workers stays small: what answers is imported in the generation, which is another process.
"""

import os
import socket
from pathlib import Path
from tempfile import TemporaryDirectory

from service.server.generations import Generations, command, given
from service.server.listening import CannotServe, inherited, listen
from service.settings import Settings
from service.telemetry import log_lines

__all__ = ["CannotServe", "serve_until_stopped"]


def serve_until_stopped(settings: Settings) -> None:
    """Serve until a signal stops it. Raises CannotServe."""
    if got := given():
        _replace(settings, got)
        return
    listening = listen(settings.host, settings.port)
    if settings.workers == 1:
        from service.server.serve import serve_alone

        serve_alone(settings, listening)
        return

    def first(channel: socket.socket) -> int:
        return _generation(settings, listening, Path(folder), channel)

    with TemporaryDirectory(prefix="fifthfactor-") as folder:
        shared: dict[str, int | str] = {"listening": listening.fileno(), "figures": folder}
        if status := Generations(first, command(), shared, log_lines.logger(level=settings.log_level), listening.close).run():
            raise CannotServe("", status)


def _replace(settings: Settings, got: dict[str, str]) -> None:
    """Be the generation that replaces another one. Raises CannotServe."""
    channel = socket.socket(fileno=int(got["channel"]))
    channel.set_inheritable(False)
    listening = inherited(int(got["listening"]), settings.host, settings.port)
    if status := _generation(settings, listening, Path(got["figures"]), channel, replaces=True):
        raise CannotServe("", status)


def _generation(
    settings: Settings, listening: socket.socket, figures: Path, channel: socket.socket, *, replaces: bool = False
) -> int:
    from service.server.serve import serve_generation

    try:
        return serve_generation(settings, listening, figures, channel, replaces=replaces)
    except CannotServe as refused:
        if str(refused):
            os.write(2, f"{refused}\n".encode())
        return refused.status

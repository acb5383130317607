"""
The port of the service: an address and a number go in, a listening socket comes out.

It opens before anything else, so that a used port gives one clear error and port 0 gets its number. A generation that replaces another
(`generations`) gets the socket that is there: the port is never closed.
"""

import errno
import socket


class CannotServe(Exception):
    """The service cannot start. The message is for the operator; the status is the exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises CannotServe."""
    address = _address(host)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen()
    except OSError as refused:
        listening.close()
        other = "; `--port` (or FIFTHFACTOR_PORT) names another, 0 a free one" if refused.errno == errno.EADDRINUSE else ""
        raise CannotServe(f"error: cannot listen on {host} port {port}: {refused.strerror}{other}", 2) from None
    return listening


def inherited(descriptor: int, host: str, port: int) -> socket.socket:
    """The socket that is open already. Raises CannotServe where the settings name another address or port by now."""
    listening = socket.socket(fileno=descriptor)
    listening.set_inheritable(False)
    there = listening.getsockname()[:2]
    if there[0] != _address(host) or port not in (0, there[1]):
        raise CannotServe(
            f"error: the service listens on {there[0]} port {there[1]}, and the settings say {host} port {port}: to change"
            " these, stop it and start it again",
            2,
        )
    return listening


def _address(host: str) -> str:
    return "127.0.0.1" if host.lower() == "localhost" else host

"""A port for a server that is started later, or again and again: one that stays free until then."""

from __future__ import annotations

import random
import socket
from pathlib import Path

_GIVEN = Path("/proc/sys/net/ipv4/ip_local_port_range")  # the ports that the system gives to whoever asks for any
_CHANCE = random.SystemRandom()


def free_port() -> int:
    """
    A port of this machine on which nobody listens.

    It is below those that the system gives to connections and to servers that take any port: other tests use hundreds of these while
    a program starts, and one of them would have it by then.
    """
    first = int(_GIVEN.read_text().split()[0])
    while True:
        port = _CHANCE.randrange(max(first // 2, 1024), first)
        with socket.socket() as found:
            try:
                found.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port

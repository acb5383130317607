"""A port for a server that must be named before it listens, or that listens at the same one twice."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

BELOW = range(20_000, 32_000)  # Linux gives whoever asks for any port, and whoever connects, one from 32,768 on


def own_port() -> int:
    """
    A port on which nobody listens.

    It is none that the system gives to others by itself. Of those the test would lose its own to whichever process asks next.
    """
    while True:
        port = random.SystemRandom().choice(BELOW)
        with suppress(OSError), socket.socket() as tried:
            tried.bind(("127.0.0.1", port))
            return port

"""
What the service tells the manager that started it, such as systemd: that it answers.

The manager names a datagram socket in NOTIFY_SOCKET (the protocol of sd_notify(3)). Until it is told, it neither goes on with what needs
the service nor sends it a signal to reload, which would end a program that is still being loaded.
"""

import os
import socket
from contextlib import suppress

NOTIFY_SOCKET = "NOTIFY_SOCKET"  # in the environment: a path, or `@` and a name without a file


def tell_ready() -> bool:
    """Say that requests are accepted. False where no manager waits, or the one that is named cannot be reached."""
    address = os.environ.get(NOTIFY_SOCKET, "")
    if not address.startswith(("/", "@")):
        return False
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.connect("\0" + address[1:] if address.startswith("@") else address)
        manager.send(b"READY=1")
        return True
    return False

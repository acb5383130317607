"""
Connections to webhooks: an address from the settings goes in, the status of a POST comes out.

- INVARIANT (the address that is connected to is checked): a name is resolved here, once, and the connection goes to an address that was
  checked. A name that resolves otherwise a moment later changes nothing. TLS verifies the certificate for the name.
- Addresses of this machine, of private networks and of links are refused, unless the settings allow them. No redirect is followed, no
  proxy is used, and the whole call has a deadline.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpcore

DEADLINE_SECONDS = 15.0
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Of IPv6 nothing else is given to networks of the public internet (IANA). What is outside leads to machines of a network's own choice, as
# 64:ff9b:1::/48 and fec0::/10 do, or carries an IPv4 address in a form that is given up, as ::127.0.0.1 does.
_GIVEN_OUT = ipaddress.ip_network("2000::/3")
# Inside of what is given out, and of IPv4: documentation, and what the nearest network answers (relays of 6to4, anycast of protocols).
_NOT_OF_A_PLACE = tuple(map(ipaddress.ip_network, ("3fff::/20", "192.88.99.0/24", "192.0.0.0/24")))

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class WebhookUnreachable(Exception):
    """A webhook could not be reached; the message is a few words without the address."""


def digest_of(address: str) -> str:
    """The digest by which rows name an address, which may hold a secret."""
    return sha256(address.encode()).hexdigest()[:32]


def is_public(address: IPAddress) -> bool:
    """Whether an address is one of the public internet, also where an IPv6 address carries an IPv4 address."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(inner)
        if address not in _GIVEN_OUT:
            return False
    if any(address in each for each in _NOT_OF_A_PLACE):
        return False
    return address.is_global and not address.is_multicast


def post(address: str, body: bytes, headers: Mapping[str, str], *, private: bool, authorities: Path | None = None) -> int:
    """
    The status of the answer to a POST; the answer itself is not read.

    `private`: addresses that are not public are allowed. `authorities` is a PEM file of those that may certify the receiver, without it
    those of the system. It waits, so call it in a thread. Raises WebhookUnreachable.
    """
    try:
        context = ssl.create_default_context(cafile=authorities)
    except OSError:
        raise WebhookUnreachable("the file of certificate authorities cannot be read") from None
    backend = CheckedNetwork(private=private, refusal="its address is not public, and FIFTHFACTOR_WEBHOOK_PRIVATE is not set")
    backend.within(DEADLINE_SECONDS)
    limits = dict.fromkeys(("connect", "read", "write", "pool"), DEADLINE_SECONDS)
    try:
        with (
            httpcore.ConnectionPool(ssl_context=context, network_backend=backend, max_connections=1) as pool,
            pool.stream("POST", address, headers=list(headers.items()), content=body, extensions={"timeout": limits}) as answer,
        ):
            return answer.status
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as failed:
        raise WebhookUnreachable(f"no answer ({type(failed).__name__})") from None


class CheckedNetwork(httpcore.NetworkBackend):
    """
    Resolves a name and connects to an address that is allowed, until a deadline, which is set anew by `within`.

    `private`: addresses that are not public are allowed. `public`: those that are. `refusal` says what is not allowed.
    """

    def __init__(self, *, private: bool, public: bool = True, refusal: str) -> None:
        self._private, self._public, self._refusal = private, public, refusal
        self._real = httpcore.SyncBackend()
        self._deadline = 0.0

    def within(self, seconds: float) -> None:
        """Everything from now on, also on connections that are open, ends within this time."""
        self._deadline = time.monotonic() + seconds

    def left(self, late: type[Exception]) -> float:
        """The seconds until the deadline. Raises `late` behind it."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise late
        return left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(each[4][0]).partition("%")[0] for each in found))
        allowed = [each for each in addresses if (self._public if is_public(ipaddress.ip_address(each)) else self._private)]
        if not allowed:
            raise WebhookUnreachable(self._refusal)
        for last, each in enumerate(allowed, 1 - len(allowed)):
            try:
                left = max(self._deadline - time.monotonic(), 0.001)
                return _Bounded(self._real.connect_tcp(each, port, left, local_address, socket_options), self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if last == 0:
                    raise
        raise AssertionError


class _Bounded(httpcore.NetworkStream):
    """A connection that ends at the deadline of its network, however slowly the other side sends."""

    def __init__(self, real: httpcore.NetworkStream, network: CheckedNetwork) -> None:
        self._real, self._network = real, network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._real.read(max_bytes, self._network.left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._real.write(buffer, self._network.left(httpcore.WriteTimeout))

    def close(self) -> None:
        self._real.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._network.left(httpcore.ConnectTimeout)
        return _Bounded(self._real.start_tls(ssl_context, server_hostname, left), self._network)

    def get_extra_info(self, info: str) -> Any:
        return self._real.get_extra_info(info)

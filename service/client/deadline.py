"""
A deadline for a blocking call, whatever the server does.

The time-outs of httpx limit each single wait, so a server that sends a byte now and then can hold its caller for ever. Here
every wait of a connection ends at the deadline of the call.
"""

import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic, sleep
from typing import Any

import httpcore
import httpx

_until: ContextVar[float] = ContextVar("until", default=float("inf"))

pause = sleep

_MEANINGS: tuple[tuple[type[Exception], type[httpx.HTTPError]], ...] = (
    (httpcore.ConnectTimeout, httpx.ConnectTimeout),
    (httpcore.PoolTimeout, httpx.PoolTimeout),
    (httpcore.TimeoutException, httpx.ReadTimeout),
    (httpcore.ConnectError, httpx.ConnectError),
    (httpcore.NetworkError, httpx.ReadError),
    (httpcore.ProtocolError, httpx.ProtocolError),
)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Limits all waiting for the network inside the block to this many seconds."""
    token = _until.set(monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def connections(tls: ssl.SSLContext) -> httpx.Client:
    """Connections to a service, which obey `within` and know nothing of the environment."""
    return httpx.Client(transport=_Transport(tls), trust_env=False, timeout=None)


class _Transport(httpx.BaseTransport):
    def __init__(self, tls: ssl.SSLContext) -> None:
        self._pool = httpcore.ConnectionPool(ssl_context=tls, network_backend=_Backend(), max_connections=100)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. The body of the answer arrives while it is read. Raises httpx.HTTPError."""
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        sent = httpcore.Request(request.method, url, headers=request.headers.raw, content=request.stream)
        sent.extensions = {"timeout": {"pool": _left(None)}}
        with _meant():
            response = self._pool.handle_request(sent)
        assert isinstance(response.stream, Iterable)
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response.stream))

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with _meant():
            yield from self._stream

    def close(self) -> None:
        self._stream.close()


class _Backend(httpcore.SyncBackend):
    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *more: Any, **named: Any
    ) -> httpcore.NetworkStream:
        return _Stream(super().connect_tcp(host, port, _left(httpcore.ConnectTimeout), *more, **named))


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _left(httpcore.ConnectTimeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(late: type[Exception] | None) -> float | None:
    left = _until.get() - monotonic()
    if left > 0:
        return None if left == float("inf") else left
    if late:
        raise late
    return 0.001


@contextmanager
def _meant() -> Iterator[None]:
    try:
        yield
    except Exception as failed:
        for theirs, meant in _MEANINGS:
            if isinstance(failed, theirs):
                raise meant(str(failed)) from None
        raise

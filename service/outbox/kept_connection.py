"""
A connection to one receiver that is kept from request to request: a body goes in, a status and the beginning of the answer come out.

The address that is connected to is checked as those of webhooks are (service.watch.webhook_connections): a private one only where the
settings allow it. Without TLS the address must be a private one. No redirect is followed, no proxy is used, and each call has a deadline.
"""

import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpcore

from service.outbox.sinks import SinkUnreachable
from service.settings import SettingRefused
from service.watch.webhook_connections import DEADLINE_SECONDS, CheckedNetwork, WebhookUnreachable

MOST_ANSWERED = 64 * 1024  # bytes of an answer that are read


class KeptConnection:
    """
    A connection to an address. One thread uses it at a time.

    Raises SettingRefused, which names the sink and the file, where the file of authorities cannot be used.
    """

    def __init__(self, name: str, address: str, *, private: bool, authorities: Path | None) -> None:
        plain = urlsplit(address).scheme == "http"
        refusal = "its address is public, and it has no TLS" if plain else "its address is not public, and `private` is not set"
        self._address = address
        self._network = CheckedNetwork(private=private, public=not plain, refusal=refusal)
        try:
            self._context = ssl.create_default_context(cafile=authorities)
        except OSError:
            raise SettingRefused(
                f"the sink `{name}`: the file of certificate authorities `{authorities}` cannot be used"
            ) from None
        self._pool: httpcore.ConnectionPool | None = None

    def post(self, body: bytes, headers: Mapping[str, str], seconds: float = DEADLINE_SECONDS) -> tuple[int, bytes]:
        """The status and the beginning of the answer to a POST, within so many seconds. Raises SinkUnreachable."""
        self._network.within(seconds)
        kept = self._pool is not None
        try:
            try:
                return self._posted(body, headers, seconds)
            except (httpcore.NetworkError, httpcore.RemoteProtocolError):
                if not kept:
                    raise
                self.close()  # the receiver may have ended a connection that was idle: once more, on a new one
                return self._posted(body, headers, seconds)
        except WebhookUnreachable as refused:
            self.close()
            raise SinkUnreachable(str(refused)) from None
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as failed:
            self.close()
            raise SinkUnreachable(f"no answer ({type(failed).__name__})") from None

    def _posted(self, body: bytes, headers: Mapping[str, str], seconds: float) -> tuple[int, bytes]:
        pool = self._pool = self._pool or httpcore.ConnectionPool(
            ssl_context=self._context, network_backend=self._network, max_connections=1
        )
        limits = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        with pool.stream(
            "POST", self._address, headers=list(headers.items()), content=body, extensions={"timeout": limits}
        ) as answer:
            answered = b""
            for some in answer.iter_stream():
                answered += some
                if len(answered) > MOST_ANSWERED:
                    break  # this connection is not used again
            return answer.status, answered[:MOST_ANSWERED]

    def close(self) -> None:
        """Let go of the connection. The next call makes another."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

"""The client for programs without asyncio. Every method blocks until there is an answer, and ends within the time-out."""

import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from service.client import calls
from service.client.answers import Answer, Committed
from service.client.calls import RETRIES, TIMEOUT_SECONDS, Again, Attempts, Call, Gathered, Options, Read, came, failure
from service.client.deadline import Transport, within
from service.client.errors import Refused


class Client:
    """
    Asks one service. Use it as `with Client(address) as client:`, or close it. Threads may share it.

    `key` is an API key; if not given, FIFTHFACTOR_KEY of the environment. `timeout` is the longest time of a call in seconds, over all
    its attempts. `tls` says how the service's certificate is checked; if not given, by the authorities of the machine. The client follows
    no redirects and uses no proxies or credentials of the environment. Every method raises Refused, Unavailable or Malformed where there
    is no answer.
    """

    def __init__(
        self,
        address: str = "http://127.0.0.1:8080",
        *,
        key: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        retries: int = RETRIES,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._options = Options.of(address, key, timeout, retries)
        self._http = httpx.Client(transport=Transport(tls or ssl.create_default_context()), trust_env=False, timeout=None)

    def __repr__(self) -> str:
        return f"Client({self._options.address!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def evaluate(self, exchange: Mapping[str, Any], *, include: Iterable[str] = (), lang: str = "") -> Answer:
        """The recorded decision on an exchange. The service's README explains `include` and `lang`."""
        return self._call(calls.evaluate(exchange, include, lang))

    def may_proceed(self, exchange: Mapping[str, Any]) -> bool:
        """
        Whether an exchange may happen: True only if the service said so, False in every other case.

        A failure is not raised. False may mean a refusal, a service that cannot be reached, or a mistake in the exchange: use
        `evaluate` to know which.
        """
        try:
            return self.evaluate(exchange).proceed is True
        except Exception:  # noqa: BLE001 - an error is not a permit
            return False

    def evaluate_batch(
        self, exchanges: Sequence[Mapping[str, Any]], *, include: Iterable[str] = (), lang: str = ""
    ) -> list[Answer | Refused]:
        """For each exchange, in order, its decision or its refusal. A refusal is returned, not raised."""
        return self._call(calls.evaluate_batch(exchanges, include, lang))

    def decision(self, id: str) -> dict[str, Any]:
        """The record of a decision, and its place in the log."""
        return self._call(calls.decision(id))

    def decisions(self, **filters: str | int | bool) -> dict[str, Any]:
        """A page of decisions that match the filters."""
        return self._call(calls.decisions(filters))

    def commit(self, decision: str) -> Committed:
        """Commit a decided exchange: it happens."""
        return self._call(calls.commit(decision))

    def withdraw(self, commitment: str, reason: str) -> Committed:
        """Withdraw a commitment: the exchange does not happen."""
        return self._call(calls.withdraw(commitment, reason))

    def amend(self, commitment: str, decision: str, reason: str) -> Committed:
        """Amend a commitment: `decision` is the one on the exchange as it really happened."""
        return self._call(calls.amend(commitment, decision, reason))

    def put_party(self, id: str, party: Mapping[str, Any]) -> dict[str, Any]:
        """Write a party of the register. `party` replaces everything stated before."""
        return self._call(calls.put("parties", id, party))

    def party(self, id: str) -> dict[str, Any]:
        """Read a party of the register."""
        return self._call(calls.get("parties", id))

    def put_asset(self, id: str, asset: Mapping[str, Any]) -> dict[str, Any]:
        """Write a data asset of the register. `asset` replaces everything stated before."""
        return self._call(calls.put("assets", id, asset))

    def asset(self, id: str) -> dict[str, Any]:
        """Read a data asset of the register."""
        return self._call(calls.get("assets", id))

    def _call(self, call: Call[Read]) -> Read:
        attempts = Attempts(call, self._options)
        while True:
            try:
                return self._attempt(attempts)
            except Again as failed:
                time.sleep(attempts.pause(failed))

    def _attempt(self, attempts: Attempts[Read]) -> Read:
        call = attempts.call
        gathered = Gathered(attempts)
        try:
            with (
                within(attempts.left),
                self._http.stream(
                    call.method,
                    self._options.address + call.path,
                    content=call.body,
                    headers=self._options.headers(attempts),
                    follow_redirects=False,
                ) as response,
            ):
                for piece in response.iter_raw():
                    gathered.add(piece)
        except httpx.HTTPError as failed:
            raise failure(failed) from None
        return attempts.read(came(response, gathered.body()))

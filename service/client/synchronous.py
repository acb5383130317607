"""The client for programs that wait: every method blocks until there is an answer, for no longer than the time-out."""

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
    Asks one service. Use it as `with Client(address) as client:`, or close it; threads may share it.

    `key`: an API key, or FIFTHFACTOR_KEY in the environment. `timeout`: the most that a call takes in seconds, with all its attempts.
    `tls`: how the service's certificate is checked, by the machine's authorities if not given. Redirects, proxies and credentials that
    the environment names are not followed. Every method raises Refused, Unavailable or Malformed where there is no answer.
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
        """The decision on an exchange, recorded. `include` and `lang` as the service's README has them."""
        return self._call(calls.evaluate(exchange, include, lang))

    def may_proceed(self, exchange: Mapping[str, Any]) -> bool:
        """
        Whether an exchange may happen: True only where the service said so; False where it did not, whatever the reason.

        For places that want no exception. It does not tell a refusal from a service that cannot be reached, or from a mistake in
        the exchange: use `evaluate` to know.
        """
        try:
            return self.evaluate(exchange).proceed is True
        except Exception:  # noqa: BLE001 - an error is not a permit
            return False

    def evaluate_batch(
        self, exchanges: Sequence[Mapping[str, Any]], *, include: Iterable[str] = (), lang: str = ""
    ) -> list[Answer | Refused]:
        """For each exchange, in order, its decision, or why it was refused (given, not raised)."""
        return self._call(calls.evaluate_batch(exchanges, include, lang))

    def decision(self, id: str) -> dict[str, Any]:
        """The record of a decision, and its place in the log."""
        return self._call(calls.decision(id))

    def decisions(self, **filters: str | int | bool) -> dict[str, Any]:
        """A page of decisions that match."""
        return self._call(calls.decisions(filters))

    def commit(self, decision: str) -> Committed:
        """A decided exchange happens."""
        return self._call(calls.commit(decision))

    def withdraw(self, commitment: str, reason: str) -> Committed:
        """A committed exchange does not happen after all."""
        return self._call(calls.withdraw(commitment, reason))

    def amend(self, commitment: str, decision: str, reason: str) -> Committed:
        """A committed exchange was otherwise than told; `decision` is the one on what it really was."""
        return self._call(calls.amend(commitment, decision, reason))

    def put_party(self, id: str, party: Mapping[str, Any]) -> dict[str, Any]:
        """A party of the register, as it is from now on."""
        return self._call(calls.put("parties", id, party))

    def party(self, id: str) -> dict[str, Any]:
        """A party of the register."""
        return self._call(calls.get("parties", id))

    def put_asset(self, id: str, asset: Mapping[str, Any]) -> dict[str, Any]:
        """A data asset of the register, as it is from now on."""
        return self._call(calls.put("assets", id, asset))

    def asset(self, id: str) -> dict[str, Any]:
        """A data asset of the register."""
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

"""The client for programs of asyncio: every method is awaited, for no longer than the time-out."""

import asyncio
import ssl
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from service.client import calls
from service.client.answers import Answer, Committed
from service.client.calls import RETRIES, TIMEOUT_SECONDS, Again, Attempts, Call, Gathered, Options, Read, came, failure
from service.client.errors import Refused, Unavailable


class AsyncClient:
    """
    Asks one service, from one event loop. Use it as `async with AsyncClient(address) as client:`, or close it.

    Everything is as with `Client`, and awaited.
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
        self._http = httpx.AsyncClient(verify=tls or ssl.create_default_context(), trust_env=False, timeout=None)

    def __repr__(self) -> str:
        return f"AsyncClient({self._options.address!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def evaluate(self, exchange: Mapping[str, Any], *, include: Iterable[str] = (), lang: str = "") -> Answer:
        """The decision on an exchange, recorded. `include` and `lang` as the service's README has them."""
        return await self._call(calls.evaluate(exchange, include, lang))

    async def may_proceed(self, exchange: Mapping[str, Any]) -> bool:
        """
        Whether an exchange may happen: True only where the service said so; False where it did not, whatever the reason.

        For places that want no exception. It does not tell a refusal from a service that cannot be reached, or from a mistake in
        the exchange: use `evaluate` to know.
        """
        try:
            return (await self.evaluate(exchange)).proceed is True
        except Exception:  # noqa: BLE001 - an error is not a permit
            return False

    async def evaluate_batch(
        self, exchanges: Sequence[Mapping[str, Any]], *, include: Iterable[str] = (), lang: str = ""
    ) -> list[Answer | Refused]:
        """For each exchange, in order, its decision, or why it was refused (given, not raised)."""
        return await self._call(calls.evaluate_batch(exchanges, include, lang))

    async def decision(self, id: str) -> dict[str, Any]:
        """The record of a decision, and its place in the log."""
        return await self._call(calls.decision(id))

    async def decisions(self, **filters: str | int | bool) -> dict[str, Any]:
        """A page of decisions that match."""
        return await self._call(calls.decisions(filters))

    async def commit(self, decision: str) -> Committed:
        """A decided exchange happens."""
        return await self._call(calls.commit(decision))

    async def withdraw(self, commitment: str, reason: str) -> Committed:
        """A committed exchange does not happen after all."""
        return await self._call(calls.withdraw(commitment, reason))

    async def amend(self, commitment: str, decision: str, reason: str) -> Committed:
        """A committed exchange was otherwise than told; `decision` is the one on what it really was."""
        return await self._call(calls.amend(commitment, decision, reason))

    async def put_party(self, id: str, party: Mapping[str, Any]) -> dict[str, Any]:
        """A party of the register, as it is from now on."""
        return await self._call(calls.put("parties", id, party))

    async def party(self, id: str) -> dict[str, Any]:
        """A party of the register."""
        return await self._call(calls.get("parties", id))

    async def put_asset(self, id: str, asset: Mapping[str, Any]) -> dict[str, Any]:
        """A data asset of the register, as it is from now on."""
        return await self._call(calls.put("assets", id, asset))

    async def asset(self, id: str) -> dict[str, Any]:
        """A data asset of the register."""
        return await self._call(calls.get("assets", id))

    async def _call(self, call: Call[Read]) -> Read:
        attempts = Attempts(call, self._options)
        while True:
            try:
                return await self._attempt(attempts)
            except Again as failed:
                await asyncio.sleep(attempts.pause(failed))

    async def _attempt(self, attempts: Attempts[Read]) -> Read:
        call = attempts.call
        gathered = Gathered(attempts)
        try:
            async with (
                asyncio.timeout(attempts.left),
                self._http.stream(
                    call.method,
                    self._options.address + call.path,
                    content=call.body,
                    headers=self._options.headers(attempts),
                    follow_redirects=False,
                ) as response,
            ):
                async for piece in response.aiter_raw():
                    gathered.add(piece)
        except httpx.HTTPError as failed:
            raise failure(failed) from None
        except TimeoutError:
            raise Unavailable("there was no answer in time") from None
        return attempts.read(came(response, gathered.body()))

"""The client for asyncio programs. Every method is awaited, and ends within the time-out."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import date
from types import TracebackType
from typing import Any, Self

import httpx

from . import calls
from .answers import Answer, Committed
from .attempts import RETRIES, TIMEOUT_SECONDS, Again, Attempts, Call, Gathered, Options, Read, came, failure
from .errors import Malformed, Refused, Unavailable
from .explanation import Explanation
from .pages import Filter, Item, Pages
from .promises import Promise
from .reviews import Recorded, Review, SignOff, SignOffsGiven


class AsyncClient:
    """
    Asks one service, from one event loop. Use it as `async with AsyncClient(address) as client:`, or close it.

    It has the methods and parameters of `Client`. The methods are awaited; those that give an iterator are for `async for`.
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
        """The recorded decision on an exchange. The service's README explains `include` and `lang`."""
        return await self._call(calls.evaluate(exchange, include, lang))

    async def may_proceed(self, exchange: Mapping[str, Any]) -> bool:
        """
        Whether an exchange may happen: True only if the service said so, False in every other case.

        A failure is not raised. False may mean a refusal, a service that cannot be reached, or a mistake in the exchange: use
        `evaluate` to know which.
        """
        try:
            return (await self.evaluate(exchange)).proceed is True
        except Exception:  # noqa: BLE001 - an error is not a permit
            return False

    async def evaluate_batch(
        self, exchanges: Sequence[Mapping[str, Any]], *, include: Iterable[str] = (), lang: str = ""
    ) -> list[Answer | Refused]:
        """For each exchange, in order, its decision or its refusal. A refusal is returned, not raised."""
        return await self._call(calls.evaluate_batch(exchanges, include, lang))

    async def decision(self, id: str) -> dict[str, Any]:
        """The record of a decision, and its place in the log."""
        return await self._call(calls.decision(id))

    async def receipt(self, id: str) -> bytes:
        """The receipt of a decision, to be passed on as it is."""
        return await self._call(calls.receipt(id))

    async def withdrawals(self) -> tuple[bytes, ...]:
        """The signed list of withdrawals, a note for each page. The time-out is that of a page."""
        notes, cursor = [], None
        for _ in range(calls.MOST_PAGES):
            note, cursor = await self._call(calls.withdrawals(cursor))
            notes.append(note)
            if cursor is None:
                return tuple(notes)
        raise Malformed("the pages of the answer have no end")

    async def decisions(self, **filters: Filter) -> dict[str, Any]:
        """A page of decisions that match the filters. A filter of several values, in a list, takes any of them."""
        return await self._call(calls.decisions(filters))

    def each_decision(self, **filters: Filter) -> AsyncIterator[Recorded]:
        """Every decision that matches the filters, newest first. The time-out is that of a page."""
        return self._each(calls.each_decision(filters))

    async def explanation(self, id: str, parts: Iterable[str] = (), *, lang: str = "") -> Explanation:
        """Why a recorded decision is as it is, by the parts that are named; the service's pages list the parts."""
        return await self._call(calls.explanation(id, parts, lang))

    def reviews(self) -> AsyncIterator[Review]:
        """The reviews that wait for a person, newest first. The time-out is that of a page."""
        return self._each(calls.reviews())

    async def review(self, id: str) -> Review:
        """
        The review of one decision: what may be signed off of it. `provisions` is empty if its outcome is not a review.

        Raises Malformed for a record of an earlier shape, which does not say it; `reviews` does.
        """
        return await self._call(calls.review(id))

    async def approve(
        self, decision: str, provisions: Iterable[str] = (), *, requirement: str = "", reason: str, until: date
    ) -> SignOffsGiven:
        """Sign off provisions of a decision, or a requirement that is met only in doubt. `until` is the last day of the approval."""
        return await self._call(calls.sign_off(decision, "approve", provisions, requirement, reason, until))

    async def refuse(
        self, decision: str, provisions: Iterable[str] = (), *, requirement: str = "", reason: str
    ) -> SignOffsGiven:
        """Refuse to sign off. This withdraws the approvals that were given before for the same provisions and facts."""
        return await self._call(calls.sign_off(decision, "refuse", provisions, requirement, reason))

    async def sign_offs(self, decision: str) -> tuple[SignOff, ...]:
        """Every sign-off that was given for a decision, in order. The last one for each provision counts."""
        return await self._call(calls.sign_offs(decision))

    async def commit(self, decision: str) -> Committed:
        """Commit a decided exchange: it happens."""
        return await self._call(calls.commit(decision))

    async def withdraw(self, commitment: str, reason: str) -> Committed:
        """Withdraw a commitment: the exchange does not happen."""
        return await self._call(calls.withdraw(commitment, reason))

    async def amend(self, commitment: str, decision: str, reason: str) -> Committed:
        """Amend a commitment: `decision` is the one on the exchange as it really happened."""
        return await self._call(calls.amend(commitment, decision, reason))

    def promises(self, **filters: Filter) -> AsyncIterator[Promise]:
        """The promises of committed exchanges, by their last days; filtered by `party` or `state`. The time-out is that of a page."""
        return self._each(calls.promises(filters))

    async def keep_promise(self, commitment: str, number: int, *, evidence: str, dated: date, document: str) -> Promise:
        """Report that a promise was kept: the kind and day of the document that shows it, and its SHA-256 in hexadecimal."""
        return await self._call(calls.keep(commitment, number, evidence, dated, document))

    async def put_party(self, id: str, party: Mapping[str, Any]) -> dict[str, Any]:
        """Write a party of the register. `party` replaces everything stated before."""
        return await self._call(calls.put("parties", id, party))

    async def party(self, id: str) -> dict[str, Any]:
        """Read a party of the register."""
        return await self._call(calls.get("parties", id))

    async def put_asset(self, id: str, asset: Mapping[str, Any]) -> dict[str, Any]:
        """Write a data asset of the register. `asset` replaces everything stated before."""
        return await self._call(calls.put("assets", id, asset))

    async def asset(self, id: str) -> dict[str, Any]:
        """Read a data asset of the register."""
        return await self._call(calls.get("assets", id))

    async def _each(self, pages: Pages[Item]) -> AsyncIterator[Item]:
        while pages.more:
            for each in await self._call(pages.call()):
                yield each

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

"""
From decided exchanges to a durable record and an answer: the one path for every endpoint that decides.

Input: a request, and a function that decides it. Output: the response. One commit records all decisions of a request, or none. A shadow
gets them, and the log line of the request names them, only once they are durable.

- INVARIANT (durable first): no answer leaves before the commit that holds its records.
- Without an `Idempotency-Key` the records are committed together with those of other requests. With a key, the records and the answer
  that is kept for retries are in one transaction of their own.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import sqlalchemy as sa
from fastapi import Request, Response
from starlette.responses import StreamingResponse

from service.callers.caller import Caller
from service.decisions.decider import DecidedExchange
from service.decisions.idempotency import KeptAnswer, Work, key_of, once_prepared
from service.log.durable_record import durable
from service.log.leaf import SealedRecord
from service.policies.shadow import GivenToShadow
from service.service import Service
from service.telemetry.log_lines import note


@dataclass(frozen=True, slots=True)
class Outgoing:
    """
    Decisions and their answer: the records in order, for each what a shadow needs to know of it, and a body.

    The body is in pieces, so that a large one is put together only if it must be. `noted` goes into the log line of the request.
    `refused` is the kind of problem, if the answer is a problem.
    """

    entries: Sequence[SealedRecord]
    given: Sequence[GivenToShadow | None]
    pieces: Sequence[bytes]
    noted: Mapping[str, object]
    status: int = 200
    media_type: str = "application/json"
    refused: str | None = None

    @classmethod
    def of(cls, decided: DecidedExchange, body: bytes, noted: Mapping[str, object], **more: Any) -> Self:
        """One decision, answered by a body."""
        return cls((decided.entry,), (decided.given,), (body,), noted, **more)

    def kept(self, service: Service, request: Request, records: range) -> KeptAnswer:
        """The same as an answer that is kept for retries. `records` has the numbers of its records, in the transaction under way."""
        return KeptAnswer(
            b"".join(self.pieces),
            self.status,
            self.media_type,
            records=records,
            after=lambda: self.tell(service, request, records),
        )

    def tell(self, service: Service, request: Request, records: range) -> None:
        """Report the decisions to the log line and to the shadow, now that their records are durable."""
        note(request.scope, **self.noted)
        if self.refused:
            request.scope["refused"] = self.refused
        for sequence, given in zip(records, self.given, strict=True):
            service.compare(sequence, given)

    def response(self) -> Response:
        """The response; a body of several pieces is sent piece by piece."""
        if len(self.pieces) == 1:
            return Response(self.pieces[0], self.status, media_type=self.media_type)
        headers = {"Content-Length": str(sum(map(len, self.pieces)))}
        return StreamingResponse(_sent(self.pieces), self.status, headers, self.media_type)


async def record_and_answer(
    service: Service, request: Request, caller: Caller, raw: bytes, decide: Callable[[], Awaitable[Outgoing]]
) -> Response:
    """
    Decide what a request asks, record it, and answer it, once for all calls with one `Idempotency-Key`.

    `raw` is the body as it was sent; a retry is recognized by it. `decide` is not called if an answer is kept already. Raises
    RequestRefused, and what `decide` raises; then nothing is recorded.
    """

    async def prepare() -> Work:
        made = await decide()

        def work(transaction: sa.Connection) -> KeptAnswer:
            records = service.store.record(transaction, made.entries) if made.entries else range(0)
            return made.kept(service, request, records)

        return work

    if key_of(request) is not None:
        return await once_prepared(service, request, caller, raw, prepare)
    made = await decide()
    made.tell(service, request, await durable(service.store.append_many(made.entries)))
    return made.response()


async def _sent(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece

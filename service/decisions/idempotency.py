"""
Calls that can be repeated: `Idempotency-Key` on everything that writes.

A caller that got no answer sends the same call again with the same key, and gets the first answer, byte for byte. There is never a second
record, commit or count.

- INVARIANT (one commit): what a call writes and the answer kept for its retries are in one transaction, under the one writing lock. There
  the kept answer is looked up once more. So of two equal calls only one writes, in any processes, and both get the same answer.
- A call that is refused or fails keeps nothing, and may be tried again.
- INVARIANT (only what the service kept): a row that somebody else changed, moved or added has not its seal, and its call is refused. It is
  not done anew either, since it may have been done before.
- An answer with values of a record is emptied when these values are erased. The digest of its call is erased too, since guesses could be
  compared with it. The row stays: a retry is refused because of the erasure, and records nothing.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import sqlalchemy as sa
from fastapi import Request, Response

from service.callers import sessions
from service.callers.caller import Caller
from service.log.durable_record import durable
from service.problems import RequestRefused, not_readable
from service.service import Service
from service.store import answer_seals
from service.store.moments import moment_text
from service.store.tables import idempotency as rows
from service.store.writer import NotRecorded
from service.telemetry.log_lines import note

PURGED_AT_ONCE = 10  # an answer may be large, and others wait for the lock
PURGE_PAUSE_SECONDS = 0.05
PURGE_SECONDS = 600.0

_KEY = re.compile(rb"[!-~]{1,255}")


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """
    The answer of a call that writes, sent once the call is durable; and what is kept of it for retries.

    `records` has the numbers of the records whose values are in the body, `subject` is the entity of the register that is in it. When
    one of them is erased, the kept answer is emptied. `kept` is kept in place of a body that must not be kept. `after` runs in the event
    loop once the call is durable, but not for a retry; for example, it writes log lines.
    """

    body: bytes
    status: int = 200
    media_type: str = "application/json"
    location: str | None = None
    etag: str | None = None
    subject: str | None = None
    records: range = range(0)
    kept: bytes | None = None
    after: Callable[[], None] = lambda: None

    def response(self, *, replayed: bool = False) -> Response:
        """The response. If it is a replay, a header says so."""
        headers = {name: value for name, value in (("Location", self.location), ("ETag", self.etag)) if value}
        if replayed:
            headers["Idempotency-Replayed"] = "true"
        return Response(self.body, self.status, headers, self.media_type)


Work = Callable[[sa.Connection], KeptAnswer]


async def once(service: Service, request: Request, caller: Caller, raw: bytes, work: Work) -> Response:
    """
    Do a call's work in a writing transaction, once for all calls with the same `Idempotency-Key`; without a key, for every call.

    `raw` is the body of the call as it was sent; `caller` makes the call. `work` gets the transaction, writes only with it, and returns
    the answer. It runs on the writer's thread and must be short. An exception undoes what `work` wrote, and is raised here; a refusal is
    raised, not returned. Raises RequestRefused, also if the key was sent with another call before, or if the answer was erased.

    Some checks may give another result for the same call a minute later: a day is over, or a row exists. `work` makes these checks, or
    the `prepare` of once_prepared does, so that a retry still gets the first answer.
    """

    async def prepare() -> Work:
        return work

    return await once_prepared(service, request, caller, raw, prepare)


async def once_prepared(
    service: Service, request: Request, caller: Caller, raw: bytes, prepare: Callable[[], Awaitable[Work]]
) -> Response:
    """
    The same for calls that do much before the transaction: `prepare` does this (it decides, for example), and returns the work.

    `prepare` is not called if an answer is kept already. If another call with the same key writes meanwhile, the prepared work is
    dropped, and the answer of the other call is given.
    """
    key = key_of(request)
    if key is None:
        answer = await durable(service.store.do(await prepare()))
        answer.after()
        return answer.response()
    call = _Call(caller.id, key, _digest(request, raw))
    kept = await _look(service, call)
    if kept is None:
        work = await prepare()
        answer, replayed = await durable(service.store.do(lambda transaction: _once(service, transaction, call, work)))
    else:
        answer, replayed = kept, True
    if replayed:
        note(request.scope, replayed=True)
    else:
        answer.after()
    return answer.response(replayed=replayed)


def once_in(
    service: Service, transaction: sa.Connection, caller: str, key: str, digest: str, work: Work
) -> tuple[KeptAnswer, bool]:
    """
    Do work in a writing transaction under way, once for all with the same caller and key; and whether it was done before.

    `digest` is that of what is to be done. Raises RequestRefused where the key came with another digest, and what `work` raises.
    """
    return _once(service, transaction, _Call(caller, key, digest), work)


def key_of(request: Request) -> str | None:
    """The `Idempotency-Key` of a request, if it has one. Raises RequestRefused."""
    sent = [value for name, value in request.scope["headers"] if name == b"idempotency-key"]
    if not sent:
        return None
    if len(sent) > 1 or not _KEY.fullmatch(sent[0]):
        raise RequestRefused("bad-request", "send one `Idempotency-Key` at most, with 1 to 255 visible ASCII characters")
    return str(sent[0], "ascii")


async def purge_now_and_then(service: Service) -> None:
    """Delete answers that have been kept long enough, and sessions that are over, a few at a time, until cancelled."""
    while True:
        with suppress(NotRecorded, sa.exc.SQLAlchemyError):
            while await asyncio.to_thread(_any_old_session, service):
                await service.store.do(lambda transaction: sessions.purge(transaction, service.clock()))
            while await asyncio.to_thread(_any_old, service):
                await service.store.do(partial(purge, service))
                await asyncio.sleep(PURGE_PAUSE_SECONDS)
        await asyncio.sleep(PURGE_SECONDS)


def purge(service: Service, transaction: sa.Connection) -> int:
    """Delete some of the answers that have been kept long enough; returns how many."""
    old = sa.select(rows.c.caller, rows.c.key).where(rows.c.created_at < _since(service)).limit(PURGED_AT_ONCE)
    return transaction.execute(sa.delete(rows).where(sa.tuple_(rows.c.caller, rows.c.key).in_(old))).rowcount


def _any_old_session(service: Service) -> bool:
    with service.store.database.reading.connect() as connection:
        return sessions.any_old(connection, service.clock())


@dataclass(frozen=True, slots=True)
class _Call:
    """A call: its caller, its key, and a digest of everything that was sent."""

    caller: str
    key: str
    digest: str


def _once(service: Service, transaction: sa.Connection, call: _Call, work: Work) -> tuple[KeptAnswer, bool]:
    """In the writing transaction: the kept answer, or the answer of the work; and whether it was kept."""
    kept = _find(service, transaction, call)
    if kept is not None:
        return kept, True
    answer = work(transaction)
    row = {
        "caller": call.caller,
        "key": call.key,
        "digest": call.digest,
        "status": answer.status,
        "media_type": answer.media_type,
        "location": answer.location,
        "etag": answer.etag,
        "subject": answer.subject,
        "body": answer.body if answer.kept is None else answer.kept,
        "first_record": answer.records.start if answer.records else None,
        "last_record": answer.records[-1] if answer.records else None,
        "created_at": moment_text(service.clock()),
    }
    answer_seals.put(transaction, row)  # also in the place of an answer that was kept long enough
    return answer, False


async def _look(service: Service, call: _Call) -> KeptAnswer | None:
    def look() -> KeptAnswer | None:
        with service.store.database.reading.connect() as connection:
            return _find(service, connection, call)

    try:
        return await asyncio.to_thread(look)
    except sa.exc.SQLAlchemyError:
        raise not_readable("log") from None


def _find(service: Service, connection: sa.Connection, call: _Call) -> KeptAnswer | None:
    """
    The answer that is kept for a call.

    Raises RequestRefused if the key was sent with another call, or the answer was erased, and SealBroken if somebody else changed it.
    """
    row = answer_seals.kept(connection, call.caller, call.key, _since(service))
    if row is None:
        return None
    if row.body is None or answer_seals.is_of_erased(connection, row):
        raise RequestRefused("idempotency-erased", "this call was answered, and its answer has been erased since")
    if row.digest != call.digest:
        raise RequestRefused(
            "idempotency-mismatch", "this `Idempotency-Key` came with another call before; a new call needs a new key"
        )
    return KeptAnswer(bytes(row.body), row.status, row.media_type, row.location, row.etag)


def forget(transaction: sa.Connection, subject: str) -> None:
    """Empty the answers with an entity of the register, in the transaction that erases the entity."""
    answer_seals.empty(transaction, rows.c.subject == subject)


def _any_old(service: Service) -> bool:
    with service.store.database.reading.connect() as connection:
        old = sa.select(rows.c.key).where(rows.c.created_at < _since(service)).limit(1)
        return connection.execute(old).first() is not None


def _since(service: Service) -> str:
    """The moment since which answers are kept."""
    return moment_text(service.clock() - timedelta(hours=service.settings.idempotency_hours))


def _digest(request: Request, raw: bytes) -> str:
    scope = request.scope
    path = scope.get("raw_path") or scope["path"].encode()
    parts = (scope["method"].encode(), path, scope["query_string"], raw)
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()

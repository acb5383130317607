"""
The rows of a run that may proceed are committed, in their order: each is decided by itself as the service decides it, and then committed.

Decided rows go in; decisions and commitments of the ledger come out, and a line for each of these rows in a side file. The ledger counts a
commitment before the next row is judged, so a threshold is exact at the row. What some rows write is in one transaction.

- INVARIANT (once): a row is known by its key. What commits it and the note that it was committed are in one transaction. So a run that was
  broken off and is begun again commits nothing twice, as long as answers are kept for retries.
- A row that the table did not let proceed is never committed, and neither is one whose day is not today (semantics 1.4).
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import sqlalchemy as sa

from engine.tables import DecidedRows
from service.callers.caller import Caller
from service.callers.context import Committing
from service.decisions.answer_options import AnswerOptions
from service.decisions.commitment_writer import CommitmentWriter, NoLongerPermitted
from service.decisions.decider import DecidedExchange, Decider
from service.decisions.idempotency import KeptAnswer, once_in
from service.log.canonical_json import canonical
from service.problems import RequestRefused
from service.service import Service
from service.tables.manifest import RunCommits

AT_ONCE = 50  # rows that are decided and written together: others wait for the lock meanwhile


@dataclass(frozen=True, slots=True)
class _Row:
    """A row to be committed: what names it, and the bytes of its exchange."""

    part: str
    number: int
    key: str
    raw: bytes

    @property
    def once(self) -> str:
        """The name under which it is committed once."""
        return f"row-{sha256(self.key.encode()).hexdigest()}"


class _NotPermitted(Exception):
    """A row may not proceed with the ledger as it is now. Nothing is kept for its key, so it may be tried again."""

    def __init__(self, decided: DecidedExchange) -> None:
        super().__init__(decided.outcome)
        self.decided = decided


class RowCommitter:
    """
    Commits rows for `by`, an author without a person, and writes a line for each into a file.

    `lang` is that of what is said of a row that was not committed. Leave it as a context, so that the file is closed.
    """

    def __init__(self, service: Service, by: str, path: Path, lang: str) -> None:
        self._service = service
        self._caller = Caller(by, frozenset({"evaluate", "commit", "read"}))
        self._decider = Decider(service)
        self._ledger = CommitmentWriter(service)
        self._asked = AnswerOptions(lang=lang)
        self._file = path.open("wb")
        self._digest = sha256()
        self._committed = self._refused = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def take(self, part: str, rows: DecidedRows) -> None:
        """Commit those of some decided rows that may proceed. Raises NotRecorded."""
        going = [int(place) for place in np.flatnonzero(rows.outcomes.proceed[rows.places])]
        for first in range(0, len(going), AT_ONCE):
            asyncio.run(self._commit([_row(part, rows, place) for place in going[first : first + AT_ONCE]]))
        self._file.flush()

    def commits(self) -> RunCommits:
        """What was committed so far, and the digest of the side file."""
        return RunCommits(committed=self._committed, refused=self._refused, sha256=self._digest.hexdigest())

    async def _commit(self, rows: Sequence[_Row]) -> None:
        """Decide some rows, and do the work of all in their order; then tell what came of each."""
        works = [self._service.store.do(self._work(row)) for row in rows]
        for row, done in zip(rows, await asyncio.gather(*works, return_exceptions=True), strict=True):
            match done:
                case _NotPermitted() | NoLongerPermitted():
                    decided = done.decided if isinstance(done, _NotPermitted) else done.tell()
                    await self._service.store.do(partial(self._record, decided))
                    self._tell(row, {"decision": decided.id, "outcome": decided.outcome}, committed=False)
                case RequestRefused(kind="idempotency-mismatch"):
                    detail = "a row with this key and another exchange was committed before"
                    self._tell(row, {"refused": "key-twice", "detail": detail}, committed=False)
                case RequestRefused():
                    self._tell(row, {"refused": done.kind, "detail": done.detail}, committed=False)
                case BaseException():
                    raise done
                case _:
                    self._tell(row, done, committed=True)

    def _work(self, row: _Row) -> Callable[[sa.Connection], dict[str, Any]]:
        """What is to be done with a row in a writing transaction."""
        service, now = self._service, self._service.clock()
        try:
            decided = self._decider.answer(service.live, row.raw, self._asked, now, row.once, self._caller)
        except RequestRefused as refused:
            return partial(_refuse, refused)

        def work(transaction: sa.Connection) -> KeptAnswer:
            if not decided.proceed:
                raise _NotPermitted(decided)
            self._record(decided, transaction)
            done = self._ledger.commit(service.context(Committing, self._caller, row.once), decided.id, transaction)
            told = {"decision": done.decided.id, "outcome": done.decided.outcome, "commitment": done.commitment.id}
            return KeptAnswer(canonical(dict(told)))

        def once(transaction: sa.Connection) -> dict[str, Any]:
            kept, _ = once_in(service, transaction, self._caller.id, row.once, sha256(row.raw).hexdigest(), work)
            return dict(json.loads(kept.body))

        return once

    def _record(self, decided: DecidedExchange, transaction: sa.Connection) -> None:
        self._service.store.record(transaction, [decided.entry])

    def _tell(self, row: _Row, told: dict[str, Any], *, committed: bool) -> None:
        self._committed += committed
        self._refused += not committed
        said = {"part": row.part, "row": row.number, "key": row.key, **told}
        line = json.dumps(said, ensure_ascii=False).encode() + b"\n"
        self._digest.update(line)
        self._file.write(line)


def _row(part: str, rows: DecidedRows, place: int) -> _Row:
    """A row that may proceed. It says its day, so that after midnight it is one of yesterday, which is not committed."""
    day = rows.outcome(place).as_of
    assert day is not None
    exchange = {**rows.exchange(place), "as_of": day.isoformat()}
    return _Row(part, rows.first + place, rows.keys[place], canonical(exchange))


def _refuse(refused: RequestRefused, transaction: sa.Connection) -> dict[str, Any]:
    raise refused

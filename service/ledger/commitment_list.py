"""
Commitments as they are read: a caller and what it asks for go in, commitments with their history come out.

What is committed, withdrawn and ended is written by `service.decisions.commitment_writer`. The parts of the ledger's answers are here
too.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field

import engine
from service.callers.context import Reading
from service.ledger import commitment_references, money_sums, party_view, rights_book
from service.ledger.commitment_events import STAGES, Stage
from service.ledger.commitment_references import ReferencePart
from service.ledger.counter_book import Book
from service.ledger.counter_sums import ends
from service.ledger.share_book import OF_COUNTERS
from service.problems import RequestRefused
from service.store.tables import commitment, commitment_event, commitment_reference, movement

State = Literal["committed", "withdrawn", "superseded"]
StageWanted = Literal[Stage, "none"]

_BOOK = Book()


class LedgerPart(BaseModel):
    """A part of an answer of the ledger."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CountPart(LedgerPart):
    """A number of people, or of other things that are counted. Without `at_most` it has no upper end."""

    at_least: int = Field(ge=0)
    at_most: int | None = Field(default=None, ge=0)


class SumPart(LedgerPart):
    """A sum of money, like `1200.00 CNY`. Without `at_most` it has no upper end."""

    at_least: str
    at_most: str | None = None


class MovedPart(LedgerPart):
    """
    What a commitment adds to one counted fact, and on which day of the counter's calendar. `counts`: it still counts.

    Of money, both ends are sums in the currency of the price, like `1200.00 CNY`.
    """

    fact: str
    day: date
    at_least: int | str
    at_most: int | str | None = None
    counts: bool


class CounterMovePart(LedgerPart):
    """A counted fact before and after a commitment, as the ledger has it."""

    before: CountPart | SumPart
    after: CountPart | SumPart


class EventPart(LedgerPart):
    """Something that happened to a commitment. `other` is the commitment that this one replaces, or that replaces it."""

    kind: Literal["committed", "withdrawn", "amended", "recounted", "ended", Stage]
    at: datetime
    by: str
    reason: str | None = None
    other: str | None = None
    first_day_without: date | None = Field(
        default=None, description="of the kind `ended`: the first day on which the rights that were granted no longer stand"
    )
    on: date | None = Field(default=None, description="of a stage: the day on which it was reached")
    evidence: str | None = Field(default=None, description="of a stage: the SHA-256 of what shows it")


class Commitment(LedgerPart):
    """A decided exchange that happened or was going to happen."""

    id: str
    decision: str = Field(description="the decision that the caller named")
    evaluation: str = Field(description="the decision made when it was committed, with the counters of that moment")
    state: State
    stage: Stage | None = Field(default=None, description="the last stage that the exchange reached; left out before the first")
    stages: dict[Stage, date] = Field(default={}, description="the day of each stage that it reached")
    references: list[ReferencePart] = Field(default=[], description="the numbers by which others know it")
    as_of: date
    committed_at: datetime
    replaces: str | None = None
    replaced_by: str | None = None
    moved: list[MovedPart]
    events: list[EventPart]
    counters: dict[str, CounterMovePart] | None = Field(
        default=None, description="only in the answer of the call that commits it"
    )


@dataclass(frozen=True, slots=True)
class CommitmentsWanted:
    """Which commitments: of an exporter, in a state, at a stage (`none`: at no stage yet), with a reference; None for any."""

    exporter: str | None = None
    state: State | None = None
    stage: StageWanted | None = None
    reference: str | None = None

    def conditions(self) -> Iterator[sa.ColumnElement[bool]]:
        """What their rows fulfil, but for the exporter."""
        if self.state is not None:
            yield commitment.c.state == self.state
        if self.stage is not None:
            yield commitment.c.stage.is_(None) if self.stage == "none" else commitment.c.stage == self.stage
        if self.reference is not None:
            yield commitment.c.id.in_(commitment_references.with_reference(self.reference))


def one(context: Reading, id: str, connection: sa.Connection) -> Commitment:
    """A commitment. A caller who belongs to a party gets its own. Raises RequestRefused."""
    party_view.check_commitment(connection, _BOOK, id, context.caller)
    found = read(connection, id)
    if found is None:
        raise RequestRefused("not-found", "there is no commitment with this id")
    return found


def page(
    context: Reading, wanted: "CommitmentsWanted", after: int | None, limit: int, connection: sa.Connection
) -> tuple[list[Commitment], int | None]:
    """
    Commitments in order, after a place; of those that are wanted. And the place to go on after, None at the end.

    A caller who belongs to a party gets that exporter's. Raises RequestRefused.
    """
    exporter = party_view.of_exporter(wanted.exporter, context.caller)
    place = commitment.c.sequence
    query = sa.select(commitment).where(place > (-1 if after is None else after)).order_by(place).limit(limit + 1)
    if exporter is not None:
        query = query.where(commitment.c.exporter == party_view.hashed(connection, _BOOK, exporter))
    query = query.where(*wanted.conditions())
    rows = connection.execute(query).all()
    return _told(connection, rows[:limit]), rows[limit - 1].sequence if len(rows) > limit else None


def record_number(connection: sa.Connection, id: str) -> int:
    """The number of the record by which a commitment was made: its references are erased with it."""
    number: int = connection.execute(sa.select(commitment.c.sequence).where(commitment.c.id == id)).scalar_one()
    return number


def known(id: str, connection: sa.Connection) -> Commitment:
    """A commitment that is there, for work that has looked already who asks."""
    found = read(connection, id)
    assert found is not None
    return found


def read(connection: sa.Connection, id: str) -> Commitment | None:
    """A commitment, or None; for work that has looked already who asks."""
    row = connection.execute(sa.select(commitment).where(commitment.c.id == id)).one_or_none()
    return None if row is None else _told(connection, [row])[0]


def _told(connection: sa.Connection, rows: Sequence[Any]) -> list[Commitment]:
    """Commitments as they are answered, from their rows."""
    ids = [row.id for row in rows]
    events = _grouped(connection, commitment_event, commitment_event.c.commitment, ids, commitment_event.c.number)
    moved = _grouped(connection, movement, movement.c.commitment, ids, movement.c.fact, OF_COUNTERS)
    named = _grouped(connection, commitment_reference, commitment_reference.c.commitment, ids, commitment_reference.c.number)
    ended = rights_book.ended_on(connection, ids)
    replaced = _grouped(connection, commitment, commitment.c.replaces, ids, commitment.c.sequence)
    return [
        Commitment(
            id=row.id,
            decision=row.decision,
            evaluation=row.evaluation,
            state=row.state,
            stage=row.stage,
            stages={e.kind: date.fromisoformat(e.day) for e in events(row.id) if e.kind in STAGES},
            references=[
                ReferencePart(kind=each.kind, number=each.text, at=datetime.fromisoformat(each.at), by=each.by)
                for each in named(row.id)
            ],
            as_of=date.fromisoformat(row.as_of),
            committed_at=datetime.fromisoformat(row.committed_at),
            replaces=row.replaces,
            replaced_by=next((each.id for each in replaced(row.id)), None),
            moved=[
                MovedPart(
                    fact=m.fact.partition(" ")[0],
                    day=date.fromisoformat(m.day),
                    at_least=money_sums.shown(m.fact, m.low),
                    at_most=money_sums.shown(m.fact, m.high),
                    counts=m.live,
                )
                for m in moved(row.id)
            ],
            events=[
                EventPart(
                    kind=e.kind,
                    at=datetime.fromisoformat(e.at),
                    by=e.by,
                    reason=e.reason,
                    other=e.other,
                    first_day_without=ended.get(row.id) if e.kind == "ended" else None,
                    on=None if e.day is None else date.fromisoformat(e.day),
                    evidence=e.evidence,
                )
                for e in events(row.id)
            ],
        )
        for row in rows
    ]


def _grouped(
    connection: sa.Connection,
    table: sa.Table,
    by: sa.Column[Any],
    ids: list[str],
    order: sa.Column[Any],
    *where: sa.ColumnElement[bool],
) -> Callable[[str], list[Any]]:
    """The rows of a table that belong to some ids, each id's in order."""
    groups: dict[str, list[Any]] = {}
    for row in connection.execute(sa.select(table).where(by.in_(ids), *where).order_by(order)):
        groups.setdefault(getattr(row, by.name), []).append(row)
    return lambda id: groups.get(id, [])


def counted_part(counter: engine.Counter, tally: engine.Tally, currency: str) -> CountPart | SumPart:
    """A count of a counter as it is answered; of money in a currency."""
    if counter.currency:
        return SumPart.model_validate(money_sums.sums(tally.sum(), currency))
    return CountPart.model_validate(ends(tally.range(counter.distinct)))

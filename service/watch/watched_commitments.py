"""
What was committed and still runs: the rows of the ledger go in, commitments with their records come out, and their exchanges read again.

A commitment runs until it is withdrawn or replaced. An exchange that happens once runs on its own day only, one with a term until its end,
one whose rights were ended until the day before. After that only its duties are watched.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import sqlalchemy as sa

import engine
from service.ledger.commitment_term import runs_until
from service.ledger.counter_marks import bare
from service.log.canonical_json import canonical
from service.log.leaf import erased, with_personal_values
from service.log.record import exchange_of
from service.log.store import Stored, of_numbers
from service.policies.live import Live
from service.register import entity_versions, named_exchanges
from service.register.entity import Version
from service.register.recorded_entities import named_in
from service.store.tables import commitment, personal, record, right_line, watched

_OF_THE_REGISTER = ("unknown-entity", "entity-withdrawn", "entity-expired", "entity-not-yet-valid")


class NotDecidable(Exception):
    """
    A commitment cannot be decided any more.

    `why` is `erased` (a personal value of its record), `entity-erased`, `entity-withdrawn`, `entity-expired`, `entity-not-yet-valid` or
    `unknown-entity` (an entity of the register that it names), or `policies` (they can no longer read the exchange).
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class WatchedRow:
    """
    A commitment that counts, with what the watch has written of it, None if it is new to the watch.

    `sequence` is the record of its evaluation, `named` that of the decision that the caller named. `erased`: a value of it is erased.
    `ended` is the first day on which the rights that it granted no longer stand, None where nobody ended them.
    """

    id: str
    decision: str
    evaluation: str
    as_of: date
    at: str
    sequence: int
    named: int
    erased: bool
    ended: date | None
    watched: Any | None


@dataclass(frozen=True)
class WatchedCommitment:
    """A commitment with the record that it was committed by."""

    row: WatchedRow
    stored: Stored

    @cached_property
    def record(self) -> dict[str, Any]:
        """The record, with the personal values that were not erased."""
        return with_personal_values(self.stored.entry.leaf, self.stored.entry.openings)

    @property
    def outcome(self) -> str:
        """The outcome by which it was committed."""
        word: str = self.record["decision"]["outcome"]
        return word

    @property
    def erased(self) -> bool:
        """Whether a personal value of the record is erased."""
        return bool(erased(self.stored.entry.openings))

    @cached_property
    def entities(self) -> tuple[tuple[str, str, bool], ...]:
        """The kind and the id of each entity that the exchange names, and whether the register had it when this was committed."""
        return tuple((each.kind, each.id, each.version is not None) for each in named_in(self.record) if each.id is not None)

    def exchange(self, live: Live, connection: sa.Connection, day: date, held: Callable[[str, str], bool]) -> engine.Exchange:
        """
        The exchange as its caller sent it, with the shares of its record and what the register says for a day, and without counters. Raises
        NotDecidable.

        `held` says of the kind and the name of an entity whether the register ever had it.
        """
        if self.erased:
            raise NotDecidable("erased")
        for kind, id, known in self.entities:
            if known and named_exchanges.unknown(connection, kind, id):
                raise NotDecidable("entity-erased")
        request = exchange_of(self.record)
        document = dict(bare(request, self.record.get("counted", {})))
        # Without those that are 0 anyhow, so that what is decided alike is decided once, and those that the policies no longer have.
        fills = {each.fact for each in live.counting.shares}
        said = {
            fact: of for fact, of in request.get(engine.SHARES, {}).items() if fact in fills and of not in ("too-few", "none")
        }
        document.pop("as_of", None)
        filled: Mapping[str, Any] = document.pop(engine.REGISTER, {})
        named = {name: entity["id"] for name, entity in filled.items() if "id" in entity}
        if named:
            document[named_exchanges.NAMED] = named
        try:
            exchange = named_exchanges.read(live, canonical(document), connection, day, True, held).accept()
            return engine.with_shares(live.bundle, exchange, said) if said else exchange
        except engine.ExchangeRefused as refused:
            codes = [each.code for each in refused.problems if each.code in _OF_THE_REGISTER]
            raise NotDecidable(codes[0] if codes else "policies") from None

    def versions(self, connection: sa.Connection) -> list[Version]:
        """Every version of each entity that the exchange names."""
        return [each for kind, id, _ in self.entities for each in entity_versions.history(connection, kind, id)]

    def runs_until(self, exchange: engine.Exchange) -> date | None:
        """The last day on which the exchange runs; None if it runs until it is ended."""
        last = runs_until(exchange, self.row.as_of)
        return last if self.row.ended is None else min(last or date.max, self.row.ended - timedelta(days=1))


def page(connection: sa.Connection, after: int, limit: int) -> list[WatchedRow]:
    """Commitments that count, in the order of their records, after a record."""
    named = record.alias("named")
    gone = personal.c.sequence == commitment.c.sequence, personal.c.erased_at.is_not(None)
    ended = sa.select(sa.func.min(right_line.c.ended)).where(right_line.c.source == commitment.c.id)
    rights_ended = ended.correlate(commitment).scalar_subquery()
    query = (
        sa.select(
            commitment,
            named.c.sequence.label("named"),
            sa.exists().where(*gone).label("is_erased"),
            rights_ended.label("rights_ended"),
            *(each.label(f"watched_{each.name}") for each in watched.columns),
        )
        .join(named, named.c.id == commitment.c.decision)
        .outerjoin(watched, watched.c.commitment == commitment.c.id)
        .where(commitment.c.state == "committed", commitment.c.sequence > after)
        .order_by(commitment.c.sequence)
        .limit(limit)
    )
    return [
        WatchedRow(
            row.id,
            row.decision,
            row.evaluation,
            date.fromisoformat(row.as_of),
            row.committed_at,
            row.sequence,
            row.named,
            bool(row.is_erased),
            None if row.rights_ended is None else date.fromisoformat(row.rights_ended),
            None if row.watched_commitment is None else row,
        )
        for row in connection.execute(query)
    ]


def count(connection: sa.Connection) -> int:
    """How many commitments count."""
    query = sa.select(sa.func.count()).select_from(commitment).where(commitment.c.state == "committed")
    return connection.execute(query).scalar_one()


def open_commitments(connection: sa.Connection, rows: Sequence[WatchedRow]) -> list[WatchedCommitment]:
    """Commitments with their records."""
    records = {each.sequence: each for each in of_numbers(connection, [row.sequence for row in rows])}
    return [WatchedCommitment(row, records[row.sequence]) for row in rows if row.sequence in records]

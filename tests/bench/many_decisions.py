"""
A database with so many decisions: a service and a number go in, and the tables that pages read are filled.

Some thousand exchanges of the policies' tests, between parties of their own, are decided as the service decides them. Each decision is
recorded many times over three years, each time under an id and a moment of its own and with commitments that open, so every record is sound
and a leaf of the tree. The newest decisions are asked, committed, signed off and commented over HTTP. What became of these is copied for
older records: the rows of the ledger, of the reviews, of the documents and of the watch. These copies have no leaves of their own.
"""

from __future__ import annotations

import json
import random
import sys
import time
from bisect import bisect
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import accumulate, count, islice
from typing import Any

import sqlalchemy as sa
from uuid_utils import UUID

import engine
from service.callers.caller import LOCAL, Caller
from service.decisions.answer_options import AnswerOptions
from service.decisions.decider import Decider
from service.decisions.exchange_bodies import ExchangeBodies
from service.log.canonical_json import canonical
from service.log.leaf import SealedRecord, commitment
from service.log.review_cases import APPROVED, OVER, REFUSED, WAITS
from service.log.search_index import Word, entry_values, moment_of
from service.problems import RequestRefused
from service.service import Service
from service.store.database import Database
from service.store.log_tree import growth_of
from service.store.moments import moment_text
from service.store.tables import entry, head, personal, record, review_case, sign_off
from service.transparency.merkle_tree import leaf_hash
from tests.bench.traffic import varied

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
YEARS = timedelta(days=3 * 365)
TEMPLATES = 10_000  # different decisions, at most
AT_ONCE = 20_000  # records of one transaction
EXPORTERS, RECIPIENTS, CALLERS = 2_000, 20_000, 12
STATES = (*[WAITS] * 4, *[APPROVED] * 9, *[REFUSED] * 3, *[OVER] * 4)  # of the cases of reviews
PERMITTED = ("permitted", "permitted_with_obligations")


@dataclass(frozen=True, slots=True)
class Template:
    """A decision that is recorded many times: what was sent, its record, the numbers of its words, and what a sign-off would name."""

    sent: dict[str, Any]
    entry: SealedRecord
    row: dict[str, Any]  # of `entry`, with the numbers of its words
    meanings: dict[str, str]  # of the provisions that wait for a sign-off

    @property
    def parts(self) -> tuple[bytes, bytes]:
        """The opened decision and the commitment to it."""
        [decision] = [each for each in self.entry.openings if each.pointer == "decision"]
        assert decision.salt is not None
        assert decision.value is not None
        return decision.value, commitment(decision.salt, decision.value).encode()


@dataclass(frozen=True, slots=True)
class Copy:
    """A record that was made from a template: its number, its id, when it was made, and of which template."""

    sequence: int
    id: str
    at: datetime
    template: int


def told(text: str) -> None:
    """Say how far it is, to whoever looks."""
    print(f"    {text}", file=sys.stderr, flush=True)


def exchanges(bundle: engine.Bundle, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Exchanges of the policies' tests again and again: some exporters and recipients are in many of them, most are in few."""
    exporters, recipients = (list(accumulate(1 / (n + 3) for n in range(most))) for most in (EXPORTERS, RECIPIENTS))
    sent = varied(bundle)
    for number in count():
        document = json.loads(sent[number % len(sent)])
        for role, weights in (("exporter", exporters), ("recipient", recipients)):
            party = document.setdefault(role, {})
            if isinstance(party, dict):
                party["id"] = f"{role}-{bisect(weights, chance.random() * weights[-1]):05d}"
        yield document


def templates(service: Service, many: int) -> list[Template]:
    """Different decisions as the service makes them, by several callers; none of them is recorded."""
    chance, bodies, decider, live = random.Random(7), ExchangeBodies(service), Decider(service), service.live
    callers = [replace(LOCAL, id=f"key:caller-{n}") for n in range(CALLERS)]
    made: list[tuple[dict[str, Any], SealedRecord]] = []
    for document in exchanges(engine.load(engine.bundled_policies()), chance):  # with their files of tests
        caller: Caller = chance.choice(callers)
        with suppress(engine.ExchangeRefused, RequestRefused):
            exchange = bodies.read(live, canonical(document), NOW, caller)
            made.append((document, decider.decide(live, exchange, AnswerOptions(), NOW, "", caller).entry))
        if len(made) == many:
            break
    values = [entry_values(0, each.id, each.summary) for _, each in made if each.summary is not None]
    words = {word for row in values for word in row["words"]}
    with service.store.database.transaction() as transaction:
        numbers = _numbered(service, transaction, words)
    for row in values:
        for party in ("exporter", "recipient"):
            row[party] = None if row[party] is None else numbers[row[party]]
        row["words"] = ",".join(str(numbers[word]) for word in row["words"])
    found = []
    for (document, sealed), row in zip(made, values, strict=True):
        waiting = sealed.case.provisions if sealed.case is not None else ()
        meanings = {each: engine.meaning_of(live.bundle, each) or "" for each in waiting}
        found.append(Template(document, sealed, row, meanings))
    return found


def _numbered(service: Service, transaction: sa.Connection, words: set[Word]) -> dict[Word, int]:
    return service.store.index._numbered(transaction, words)


def copied(database: Database, made: Sequence[Template], many: int, began: float) -> list[Copy]:
    """Record the templates again and again, evenly over three years; what was recorded, the oldest first."""
    chance, apart = random.Random(11), YEARS / (many + 1)
    copies: list[Copy] = []
    for first in range(0, many, AT_ONCE):
        some = [
            Copy(n, _id(chance, NOW - YEARS + n * apart), NOW - YEARS + n * apart, chance.randrange(len(made)))
            for n in range(first, min(first + AT_ONCE, many))
        ]
        with database.transaction() as transaction:
            _record(transaction, database, made, some, chance)
        copies += some
        told(f"{len(copies):,} of {many:,} records, {time.perf_counter() - began:,.0f} s")
    return copies


def _record(
    transaction: sa.Connection, database: Database, made: Sequence[Template], some: Sequence[Copy], chance: random.Random
) -> None:
    growth = growth_of(transaction)
    records, openings, entries, cases, signed = [], [], [], [], []
    for each in some:
        of = made[each.template]
        old, new, at = of.entry.id.encode(), each.id.encode(), moment_text(each.at)
        value, sealed = of.parts
        changed = value.replace(old, new)
        leaf = of.entry.leaf.replace(old, new).replace(
            b'"recorded_at":"2026-11-27T12:00:00Z"', b'"recorded_at":"%b"' % at.encode()
        )
        leaf = leaf.replace(b'"as_of":"2026-11-27"', b'"as_of":"%b"' % each.at.date().isoformat().encode())
        for opening in of.entry.openings:
            told = changed if opening.pointer == "decision" else opening.value
            openings.append((each.sequence, opening.pointer, opening.salt, told, None))
            if opening.pointer == "decision" and opening.salt is not None:
                leaf = leaf.replace(sealed, commitment(opening.salt, changed).encode())
        hashed = leaf_hash(leaf)
        records.append((each.sequence, each.id, leaf, hashed, growth.append_record(each.sequence, leaf, hashed)))
        moment = moment_of(each.at)
        own = {"sequence": each.sequence, "moment": moment, "id": each.id, "as_of": each.at.date().isoformat()}
        entries.append(tuple((of.row | own).values()))
        case = of.entry.case
        if case is not None and case.kinds:
            facts = sha256(each.id.encode()).hexdigest()
            state = chance.choice(STATES) if case.provisions else chance.choice((WAITS, OVER, OVER, OVER))
            last = (each.at + timedelta(days=chance.randrange(30, 1_500))).date().isoformat()
            until = last if state == APPROVED else None
            due = chance.choice((case.due, None, None, (each.at + timedelta(days=chance.randrange(400))).date().isoformat()))
            assignee = chance.choice((None, None, "key:counsel"))
            row = (facts, each.id, each.sequence, moment, state, until, ",".join(case.kinds), json.dumps(case.provisions))
            cases.append((*row, due, assignee, json.dumps([of.row["caller"]])))
            if state in (APPROVED, REFUSED):
                signed += [(each, facts, provision, of.meanings[provision], state, last) for provision in case.provisions]
    put(transaction, record, records)
    put(transaction, personal, openings)
    put(transaction, entry, entries)
    put(transaction, review_case, cases)
    first = transaction.execute(sa.select(sa.func.coalesce(sa.func.max(sign_off.c.number), -1))).scalar_one() + 1
    put(transaction, sign_off, [_signed(number, *each) for number, each in enumerate(signed, first)])
    transaction.execute(sa.update(head).where(head.c.name == "record").values(next=some[-1].sequence + 1))


def _signed(number: int, of: Copy, facts: str, provision: str, meaning: str, state: str, last: str) -> tuple[Any, ...]:
    at = moment_text(of.at + timedelta(hours=5))
    verdict, until = ("approve", last) if state == APPROVED else ("refuse", None)
    reason = "counsel has read the contract and the assessment"
    return (
        number,
        f"sign-off-{number}",
        of.id,
        provision,
        meaning,
        facts,
        verdict,
        reason,
        until,
        at,
        "key:counsel",
        None,
        None,
    )


def _id(chance: random.Random, at: datetime) -> str:
    """A UUID of version 7 of a moment."""
    milliseconds = int(at.timestamp() * 1_000)
    return str(UUID(int=milliseconds << 80 | 7 << 76 | chance.getrandbits(12) << 64 | 2 << 62 | chance.getrandbits(62)))


def put(transaction: sa.Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Put in many rows, in the order of the columns. PostgreSQL copies them, which takes a tenth of the time."""
    if transaction.dialect.name == "sqlite":
        if rows:
            marks = ", ".join("?" for _ in table.columns)
            transaction.exec_driver_sql(f'INSERT INTO "{table.name}" VALUES ({marks})', list(rows))
        return
    raw: Any = transaction.connection.driver_connection
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    with raw.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copying:
        for row in rows:
            copying.write_row(row)


def sort_in(service: Service, upto: int) -> None:
    """Sort the words of the records below a number into the index, all at once."""
    with service.store.database.transaction() as transaction:
        service.store.index.sort(transaction, 0, upto)
        transaction.execute(sa.update(head).where(head.c.name == "sorted").values(next=upto))


def some_of(made: Sequence[Template], many: int) -> list[int]:
    """The places of templates that are asked over HTTP: those that may proceed first, then others."""
    places = sorted(range(len(made)), key=lambda n: made[n].row["outcome"] not in PERMITTED)
    may = sum(each.row["outcome"] in PERMITTED for each in made)
    return [*islice(places, min(may, many // 2)), *islice(places, may, may + many - min(may, many // 2))]

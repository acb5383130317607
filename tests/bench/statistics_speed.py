"""
`make bench ARGS="statistics 1000000"`: how long questions take over the lines of so many commitments, on SQLite and PostgreSQL.

The lines are of 300 suppliers and 3,000 recipients over 24 months: a supplier has its country, a sector or two, and mostly one kind of data
and one venue, as suppliers have. They are made as a commitment makes them and put in in bulk, without leaves; the index of the log gets two
decisions for each. Each question is asked over HTTP in this process, and its best of three times is told.
"""

from __future__ import annotations

import io
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa
from starlette.testclient import TestClient
from uuid_utils import uuid7

import engine
from engine.values import Money, Range
from service.callers import entrance
from service.callers.caller import Caller
from service.ledger import flow_sums, hashed_names
from service.ledger.counter_book import Book
from service.ledger.flow_lines import FlowLines
from service.log.search_index import moment_of
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store.tables import commitment, entry_term, flow, flow_party, flow_sum, head, term
from service.telemetry import log_lines
from tests.bench.figures import line
from tests.service.databases import PostgreSQL

POLICIES = Path(__file__).parents[1] / "service" / "ledger" / "policies"
NOW = datetime(2026, 12, 5, 12, tzinfo=UTC)
MONTHS = [date(year, month, 1) for year in (2024, 2025, 2026) for month in range(1, 13)][11:35]
SUPPLIERS, RECIPIENTS, AT_ONCE = 300, 3_000, 40_000
READER = Caller("reader", frozenset({"read"}))
QUESTIONS = (
    ("all", ""),
    ("by month", "?by=month"),
    ("by month and venue", "?by=month,venue"),
    ("by pair and sector, from one country", "?by=pair,sector&pair=C1>"),
    ("by month and kind, of one venue", "?by=month,kind&venue=venue-1"),
    ("by pair and venue, from one country, a year", "?by=pair,venue&pair=C1>&from=2026-01"),
    ("by month, from one country", "?by=month&pair=C1>"),
    ("by venue, kind and grade (from the lines)", "?by=venue,kind,grade"),
    ("concentration by kind", "/concentration?by=kind"),
    ("concentration by venue, a year", "/concentration?by=venue&from=2026"),
    ("concentration by kind and venue (from the lines)", "/concentration?by=kind,venue"),
)


def main(count: int, databases: Sequence[str]) -> None:
    """Measure on each database."""
    for kind in databases:
        line(f"{count:,} lines on {kind}")
        if kind == "sqlite":
            with tempfile.TemporaryDirectory() as folder:
                measure(str(Path(folder) / "log.db"), count)
        else:
            with PostgreSQL.running() as server:
                measure(server.new(), count)


def measure(database: str, count: int) -> None:
    """Put the lines in, and ask."""
    settings = Settings(database=database, policies=POLICIES, watch=False, watch_commitments=False)
    service = Service.open(settings, say=log_lines.logger(io.StringIO()), clock=lambda: NOW)
    client = TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080")
    with client:
        began = time.perf_counter()
        put_in(service, count)
        line("  made in", f"{time.perf_counter() - began:,.0f} s")
        with service.store.database.reading.connect() as connection:
            for table in (flow_sum, flow_party):
                rows = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
                line(f"  rows of `{table.name}`", f"{rows:,}")
        for name, query in QUESTIONS:
            line(f"  {name}", asked(client, query))
        with patch.object(entrance, "LOCAL", READER):
            for name, query in (
                ("others, by month", "?by=month"),
                ("others, by venue", "?by=venue"),
                ("others, by pair", "?by=pair"),
            ):
                line(f"  {name}", asked(client, query))
        line("  what a commitment's line costs", entered(service))


def asked(client: TestClient, query: str) -> str:
    """The best of three times of a question, the work of this process in it, and the size of the answer."""
    times, worked = [], []
    for _ in range(3):
        began, work = time.perf_counter(), time.process_time()
        answer = client.get(f"/v1/statistics{query}")
        times.append(time.perf_counter() - began)
        worked.append(time.process_time() - work)
        assert answer.status_code == 200, answer.text
    return f"{min(times):.3f} s, {min(worked):.3f} s of work, {len(answer.json()['cells']):,} cells"


def put_in(service: Service, count: int) -> None:
    """Put in so many lines, with their commitments and their sums, and the outcomes of twice as many decisions."""
    database, book, meaning = service.store.database, Book(), service.live.flows.meaning
    told = lines(random.Random(5), count)
    known: dict[str, str] = {}
    for first in range(0, count, AT_ONCE):
        with database.writing.connect() as transaction, transaction.begin():
            database.lock(transaction)
            rows = [_row(book, transaction, meaning, known, *next(told)) for _ in range(first, min(first + AT_ONCE, count))]
            _commitments(transaction, rows, first)
            transaction.execute(sa.insert(flow), rows)
            flow_sums.add(transaction, rows)
    with database.writing.connect() as transaction, transaction.begin():
        database.lock(transaction)
        transaction.execute(sa.insert(term), [{"id": 10**6, "kind": "outcome", "value": "permitted"}])
        for first in range(0, 2 * count, 50_000):
            moment = moment_of(datetime(2026, 1, 1, tzinfo=UTC))
            numbers = range(first, min(first + 50_000, 2 * count))
            database.insert(transaction, entry_term, [(10**6, moment + number, number) for number in numbers])
        transaction.execute(sa.update(head).where(head.c.name == "sorted").values(next=2 * count))
    if database.dialect == "postgresql":
        with database.writing.connect() as free:
            free.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")


def _row(
    book: Book, transaction: sa.Connection, meaning: str, known: dict[str, str], day: date, told: engine.Flow
) -> dict[str, Any]:
    row = FlowLines(book).line(transaction, meaning, day, _unnamed(told))
    for side in flow_sums.SIDES:
        id = getattr(told, side)
        if id not in known:
            known[id] = hashed_names.party(book, transaction, id)
        row[side] = known[id]
    return {**row, "commitment": str(uuid7()), "live": True}


def _unnamed(told: engine.Flow) -> engine.Flow:
    values = {name: getattr(told, name) for name in told.__dataclass_fields__}
    return engine.Flow(**{**values, "supplier": None, "recipient": None})


def _commitments(transaction: sa.Connection, rows: Sequence[dict[str, Any]], first: int) -> None:
    shared = {"committed_at": "2026-11-01T00:00:00.000000Z", "state": "committed", "counting": ""}
    transaction.execute(
        sa.insert(commitment),
        [
            {"id": row["commitment"], "decision": row["commitment"], "evaluation": row["commitment"], "sequence": number}
            | {"as_of": f"{row['month']}-01", **shared}
            for number, row in enumerate(rows, first)
        ],
    )


def lines(chance: random.Random, count: int) -> Iterator[tuple[date, engine.Flow]]:
    """The flows of a ledger, month by month."""

    def some(prefix: str, number: int) -> str:
        return f"{prefix}{min(int(chance.expovariate(1) * number / 4), number - 1)}"

    suppliers = [
        (
            f"s{n}",
            some("C", 20),
            " ".join(sorted({some("sector-", 12), some("sector-", 12)})),
            some("kind-", 12),
            some("venue-", 8),
        )
        for n in range(SUPPLIERS)
    ]
    recipients = [(f"r{n}", some("C", 40)) for n in range(RECIPIENTS)]
    for number in range(count):
        id, source, sector, kind, venue = suppliers[min(int(chance.expovariate(1) * SUPPLIERS / 4), SUPPLIERS - 1)]
        recipient, destination = recipients[min(int(chance.expovariate(1) * RECIPIENTS / 4), RECIPIENTS - 1)]
        price = None if chance.random() < 0.3 else Money(Decimal(chance.randint(1, 10**7)) / 100, some("CU", 3))
        people = Range.exact(chance.randint(0, 5000))
        yield (
            MONTHS[number * len(MONTHS) // count],
            engine.Flow(
                pair=f"{source}>{destination}",
                venue=venue if chance.random() < 0.8 else some("venue-", 8),
                grade=some("grade-", 3),
                sector=sector,
                kind=kind if chance.random() < 0.8 else some("kind-", 12),
                lanes=chance.choice(["", "", "space"]),
                exclusive=chance.choice(["no", "no", "no", "yes", "?"]),
                people=people,
                price=price,
                source_country_share=None,
                public_share=price.amount / 20 if price else None,
                supplier=id,
                recipient=recipient,
                purpose=some("purpose-", 6),
                source_register=some("register-", 3),
                destination_register=some("register-", 3),
                reached=some("band-", 5),
            ),
        )


def entered(service: Service, times: int = 200) -> str:
    """What it costs, in a transaction, to put one line into the sums and take it out again."""
    with service.store.database.writing.connect() as transaction, transaction.begin():
        rows = transaction.execute(sa.select(flow).limit(times)).mappings().all()
        began = time.process_time()
        for row in rows:
            flow_sums.add(transaction, [dict(row)], -1)
            flow_sums.add(transaction, [dict(row)])
        took = (time.process_time() - began) / len(rows)
    return f"{took * 1e3:.2f} ms of work out of the sums and in again"

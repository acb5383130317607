"""
`make bench ARGS="watch 100000"`: how long a round of the watch takes over so many commitments, on SQLite (or on what stands behind).

The commitments are made from exchanges of the policies' tests that may proceed under the bundled policies: each is decided once, and its
record is copied for exporters of their own. They are put in in bulk; the counters move as the ledger moves them. First all of them are made
on one day, then on the days of a history, each decided on its own.
"""

from __future__ import annotations

import asyncio
import json
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice, product
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from uuid_utils import uuid7

import engine
from service.callers.caller import LOCAL
from service.decisions.answer_options import AnswerOptions
from service.decisions.commitment_writer import _contributions
from service.decisions.decider import Decider
from service.decisions.exchange_bodies import ExchangeBodies
from service.decisions.exchange_judge import ExchangeJudge
from service.ledger.counter_book import Book
from service.ledger.counter_totals import Moment
from service.log.canonical_json import canonical
from service.log.leaf import HIDDEN, SealedRecord, seal, with_personal_values
from service.problems import RequestRefused
from service.service import Service
from service.settings import Settings
from service.store.moments import moment_text
from service.store.tables import commitment
from service.watch.round import RoundDone, run
from service.watch.transactions import writing
from tests.bench.figures import line
from tests.bench.traffic import varied
from tests.service.databases import PostgreSQL

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
DIFFERENT = 300  # exchanges
EXPORTERS = 20  # commitments of one exporter
AT_ONCE = 500

HISTORY = 300  # days on which commitments were made


class MadeRecord(NamedTuple):
    """The record of a decision by which an exchange may proceed, its personal places, its judgement, and when it was decided."""

    document: dict[str, Any]
    pointers: tuple[str, ...]
    judgement: engine.Judgement
    at: datetime


def main(count: int, databases: Sequence[str]) -> None:
    """Measure on each database, with commitments of one day and with those of a history."""
    for kind, days in product(databases, (1, HISTORY)):
        line(f"{count:,} commitments of {days:,} {'days' if days > 1 else 'day'} on {kind}")
        if kind == "sqlite":
            with tempfile.TemporaryDirectory() as folder:
                measure(str(Path(folder) / "log.db"), count, days)
        else:
            with PostgreSQL.running() as server:
                measure(server.new(), count, days)


def measure(database: str, count: int, days: int) -> None:
    """A first round, the same day again, the next day, and a month later, when every day of that month is new."""
    now = [NOON]
    service = Service.open(Settings(database=database, watch=False, ledger_since=date(2026, 1, 1)), clock=lambda: now[0])
    try:
        began = time.perf_counter()
        flows = list(permitted(service))
        line("  different exchanges that may proceed", f"{len(flows):,}")
        put_in(service, made_on(service, flows, count, days))
        line("  made in", f"{time.perf_counter() - began:,.0f} s")
        line("  first round", timed(service, NOON.date()))
        line("  the same day again", timed(service, NOON.date()))
        now[0] += timedelta(days=1)
        line("  the next day", timed(service, now[0].date()))
        now[0] += timedelta(days=30)
        line("  a month later", timed(service, now[0].date()))
        line("  memory at most", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024:,} MiB")
    finally:
        service.close()


def timed(service: Service, day: date) -> str:
    """The time of a round, and what it did."""
    began, worked = time.perf_counter(), time.process_time()

    def tell(done: RoundDone) -> None:
        if done.looked_at % 10_000 == 0:
            line("   ", f"{done.looked_at:,} in {time.perf_counter() - began:,.0f} s")

    done = run(service, writing(service), day, progress=tell)
    took, worked = time.perf_counter() - began, time.process_time() - worked
    each = f", {1e3 * worked / done.decided:,.1f} ms of a processor each" if done.decided else ""
    return f"{took:,.1f} s, {done.decided:,} decided, {done.told:,} events, {done.failed} failed{each}"


def permitted(service: Service) -> Iterator[bytes]:
    """Exchanges that may proceed today."""
    found = 0
    for raw in varied(engine.load(engine.bundled_policies())):  # with their files of tests
        sent = json.loads(raw)
        sent.pop("as_of", None)
        if not isinstance(sent.get("exporter"), dict):
            continue
        sent["exporter"] |= {"id": "org", "group": "group"}
        if _made(service, canonical(sent), NOON):
            yield canonical(sent)
            found += 1
            if found == DIFFERENT:
                return


def made_on(service: Service, flows: Sequence[bytes], count: int, days: int) -> Iterator[MadeRecord]:
    """So many records: the exchanges in turn, decided on the days of a history, up to today, in their order."""
    known: dict[tuple[int, int], MadeRecord | None] = {}
    number = made = 0
    while made < count:
        flow, day = number % len(flows), days - 1 - made * days // count
        if (flow, day) not in known:
            known[flow, day] = _made(service, flows[flow], NOON - timedelta(days=day))
        number += 1
        if found := known[flow, day]:
            made += 1
            yield found


def _made(service: Service, raw: bytes, at: datetime) -> MadeRecord | None:
    """The record of the decision on an exchange at a moment, if it may proceed."""
    live = service.live
    try:
        judged = ExchangeJudge(service).judge(live, ExchangeBodies(service).read(live, raw, at, LOCAL), at, "")
    except (engine.ExchangeRefused, RequestRefused):
        return None
    if not judged.proceeds:
        return None
    entry = Decider(service).tell(judged, AnswerOptions(), "", LOCAL).entry
    pointers = tuple(each.pointer for each in entry.openings if each.pointer not in HIDDEN)
    return MadeRecord(with_personal_values(entry.leaf, entry.openings), pointers, judged.unsigned, at)


def put_in(service: Service, made: Iterator[MadeRecord]) -> None:
    """Commit each exchange."""
    book, write, numbered = Book(), writing(service), enumerate(made)
    while some := list(islice(numbered, AT_ONCE)):

        def work(transaction: sa.Connection, some: Sequence[tuple[int, MadeRecord]] = some) -> None:
            _commit(transaction, service, book, some)

        write(work)
    asyncio.run(service.store.do(lambda transaction: book.note(transaction, service.live.counting, NOON.date())))


def _commit(transaction: sa.Connection, service: Service, book: Book, each: Sequence[tuple[int, MadeRecord]]) -> None:
    entries = [_copied(made.document, made.pointers, number) for number, made in each]
    sequences = service.store.record(transaction, entries)
    for (number, made), entry, sequence in zip(each, entries, sequences, strict=True):
        id, day = str(uuid7()), made.at.date()
        row = {"id": id, "decision": entry.id, "evaluation": entry.id, "sequence": sequence, "as_of": day.isoformat()}
        more = {"committed_at": moment_text(made.at), "state": "committed", "counting": service.live.counting.meaning}
        transaction.execute(sa.insert(commitment).values(**row, **more))
        found = _contributions(service.live, made.judgement, Moment(day, made.at))
        moved = [(_of(each, counter, _exporter(number)), counter, day) for each, counter, day in found]
        book.move(transaction, id, sequence, moved)


def _of(each: engine.Contribution, counter: engine.Counter, names: dict[str, str]) -> engine.Contribution:
    parts = zip(counter.per, each.key, strict=True)
    key = tuple(json.dumps(names[fact.partition(".")[2]]) if fact.startswith("exporter.") else part for fact, part in parts)
    return engine.Contribution(each.counter, each.fact, key, each.people)


def _exporter(number: int) -> dict[str, str]:
    """The id and the group of the exporter of a commitment."""
    return {"id": f"org-{number // EXPORTERS}", "group": f"group-{number // EXPORTERS}"}


def _copied(document: dict[str, Any], pointers: tuple[str, ...], number: int) -> SealedRecord:
    request = {**document["request"], "exporter": {**document["request"]["exporter"], **_exporter(number)}}
    id = str(uuid7())
    decision = {**document["decision"], "id": id}
    return seal({**document, "id": id, "request": request, "decision": decision}, pointers)

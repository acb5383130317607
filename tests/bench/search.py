"""
`make bench ARGS="search 1000000"`: how long a page of a search takes in a log of so many records, on both databases (or on one, whose
name stands behind).

The records are made up: small leaves, and as many words as a decision of the bundled policies has, some in most records and some in few.
They are put in in bulk, the index as the service does it. Then each search is asked for many times, its first page and one far back.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

import sqlalchemy as sa

from service.log.leaf import SealedRecord, seal
from service.log.record_summary import Summary
from service.log.search import RecordPage, find
from service.log.search_query import Query
from service.log.store import Store
from tests.service.databases import PostgreSQL

START = datetime(2026, 1, 1, tzinfo=UTC)
AT_ONCE = 1_000
LIMIT = 50
ROUNDS = 30
OUTCOMES = {
    "requirements_unmet": 60,
    "review": 20,
    "permitted_with_obligations": 10,
    "permitted": 6,
    "undetermined": 3,
    "prohibited": 1,
}
COUNTRIES = [f"{a}{b}" for a in "ABCDEFGH" for b in "ABCDEFGH"]

QUERIES = {
    "everything": Query(),
    "a week": Query(since=START + timedelta(days=10), until=START + timedelta(days=17)),
    "a common outcome": Query(outcome=("requirements_unmet",)),
    "a rare outcome": Query(outcome=("prohibited",)),
    "what may proceed": Query(proceed=True),
    "a jurisdiction": Query(jurisdiction=("AA",)),
    "a common provision": Query(provision=("law-0/art-1",)),
    "a rare provision": Query(provision=("law-1400/art-1",)),
    "a requirement": Query(requirement=("requirement-3",)),
    "a missing fact": Query(missing=("fact-2",)),
    "a category": Query(category=("category-1",)),
    "an exporter": Query(exporter=("org-77",)),
    "a recipient": Query(recipient=("org-5000",)),
    "a pair of countries": Query(exporter_country=("AA",), recipient_country=("AB",)),
    "a rare pair of countries": Query(exporter_country=("HH",), recipient_country=("HG",)),
    "a caller": Query(caller=("caller-2",)),
    "a bundle, by 8 digits": Query(bundle=("03030303",)),
    "three outcomes": Query(outcome=("review", "prohibited", "undetermined")),
    "rare and common": Query(provision=("law-1400/art-1",), outcome=("requirements_unmet",)),
    "common and common": Query(provision=("law-0/art-1",), outcome=("requirements_unmet",), jurisdiction=("AA",)),
    "common, and never together": Query(outcome=("permitted",), category=("only-when-refused",)),
    "seven at once": Query(
        since=START + timedelta(days=5),
        proceed=False,
        outcome=("requirements_unmet", "review"),
        jurisdiction=("AA", "AB"),
        exporter_country=("AA", "AB"),
        recipient_country=("AC",),
        category=("category-0",),
        caller=("caller-0", "caller-1"),
    ),
    "a text of many answers": Query(text="assessment"),
    "a text of a party": Query(text="org-5000"),
    "a text of no record": Query(text="nowhere to be found"),
    "a rare provision and a text": Query(provision=("law-1400/art-1",), text="org-1"),
    "a word of no record": Query(exporter=("nobody",)),
}


class Chooser:
    """Words of which the first are in most records, and the last in hardly any."""

    def __init__(self, words: list[str], chance: random.Random) -> None:
        self.words = words
        self.weights = list(accumulate(1 / (place + 1) for place in range(len(words))))
        self.chance = chance

    def some(self, count: int) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.chance.choices(self.words, cum_weights=self.weights, k=count)))


def entries(count: int, seed: int = 1) -> Iterator[SealedRecord]:
    """Records made up, a second apart or less, not quite in order."""
    chance = random.Random(seed)
    choosers = {
        "jurisdiction": (Chooser(COUNTRIES, chance), 3),
        "provision": (Chooser([f"law-{n}/art-1" for n in range(1_500)], chance), 20),
        "requirement": (Chooser([f"requirement-{n}" for n in range(150)], chance), 4),
        "missing": (Chooser([f"fact-{n}" for n in range(100)], chance), 2),
        "category": (Chooser([f"category-{n}" for n in range(30)], chance), 3),
        "exporter": (Chooser([f"org-{n}" for n in range(20_000)], chance), 1),
        "recipient": (Chooser([f"org-{n}" for n in range(20_000)], chance), 1),
        "exporter_country": (Chooser(COUNTRIES, chance), 1),
        "recipient_country": (Chooser(COUNTRIES, chance), 1),
    }
    apart = timedelta(days=60) / count
    for number in range(count):
        [outcome] = chance.choices(list(OUTCOMES), list(OUTCOMES.values()))
        proceed = outcome.startswith("permitted")
        named = {kind: chooser.some(most) for kind, (chooser, most) in choosers.items()}
        if not proceed:
            named["category"] += ("only-when-refused",)
        moment = START + number * apart + timedelta(milliseconds=chance.randint(-50, 50))
        short = Summary(
            moment,
            moment.date().isoformat(),
            outcome,
            proceed,
            False,
            "Not yet: a contract, an assessment and a notice are wanted. " * 4,
            f"caller-{chance.randint(0, 4)}",
            f"{chance.randint(0, 7):02d}" * 32,
            named,
        )
        document = {"id": f"{number:032x}", "request": {}, "recorded_at": moment.isoformat(), "decision": {"outcome": outcome}}
        yield seal(document, (), summary=short)


def fill(url: str, count: int) -> None:
    """Put records into a new log."""
    with Store.open(url, queue_limit=AT_ONCE) as store:
        start = time.perf_counter()
        some: list[SealedRecord] = []
        for number, entry in enumerate(entries(count), 1):
            some.append(entry)
            if len(some) == AT_ONCE or number == count:
                asyncio.run(store.append_many(some))
                some.clear()
                told(f"{number:,} of {count:,} records, {number / (time.perf_counter() - start):,.0f} a second")
        told("")


def told(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:70}", end="", file=sys.stderr, flush=True)


def measure(url: str, count: int) -> None:
    with Store.open(url) as store, store.database.reading.connect() as connection:
        deep = None
        for _ in range(min(200, count // LIMIT // 2)):
            deep = find(connection, Query(), deep, LIMIT).next
        for name, query in QUERIES.items():
            line(name, connection, query, None)
        line("everything, a page far back", connection, Query(), deep)
        asyncio.run(recording(store, count))


async def recording(store: Store, count: int) -> None:
    """How long one record more takes, on the disk before the next begins."""
    times = []
    for number, entry in enumerate(entries(ROUNDS, seed=2)):
        start = time.perf_counter()
        await store.append(replace(entry, id=f"{count + number:032x}"))
        times.append((time.perf_counter() - start) * 1e3)
    print(f"  {'one record more, durable':30}{statistics.median(times):9.1f} ms{max(times):9.1f} ms", flush=True)


def line(name: str, connection: sa.Connection, query: Query, cursor: str | None) -> None:
    times = []
    page: RecordPage | None = None
    find(connection, query, cursor, LIMIT)
    for _ in range(ROUNDS):
        start = time.perf_counter()
        page = find(connection, query, cursor, LIMIT)
        times.append((time.perf_counter() - start) * 1e3)
    assert page is not None
    more = "and more" if page.next else ""
    print(f"  {name:30}{statistics.median(times):9.1f} ms{max(times):9.1f} ms{len(page.rows):5} rows {more}", flush=True)


def main(count: int, kinds: list[str]) -> None:
    """Fill and measure."""
    with tempfile.TemporaryDirectory() as folder:
        if "sqlite" in kinds:
            path = Path(folder) / "log.db"
            run("SQLite", str(path), count)
            print(f"  the database has {path.stat().st_size / 2**20:,.0f} MB")
    if "postgresql" in kinds:
        with PostgreSQL.running() as server:
            run("PostgreSQL", server.new(), count)


def run(name: str, url: str, count: int) -> None:
    start = time.perf_counter()
    fill(url, count)
    seconds = time.perf_counter() - start
    print(f"{name}, {count:,} records, put in within {seconds:,.0f} s; a page of {LIMIT}: median, longest", flush=True)
    measure(url, count)

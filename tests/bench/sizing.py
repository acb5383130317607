"""
`make bench ARGS=sizing`: what a service needs of a machine, as the page `service/docs/sizing.md` shows it.

First four real services, with one and two workers on SQLite and PostgreSQL: how fast they start, what they decide a second, what a worker
holds, what a decision takes on the disk. Then a log is filled on both databases by the log's own append path, with decisions of the
policies' tests, and everything that an operator does is timed at a tenth of the records and at all of them, the deep verification at fewer.
What takes ten times as long grows with the log, what takes as long does not. What takes more than ten times as long is marked as a cliff.
On a busy machine read the work, which is that of this process; a server of PostgreSQL works elsewhere, so there the clock counts.
"""

from __future__ import annotations

import asyncio
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import islice
from pathlib import Path

import psycopg
import sqlalchemy as sa

import engine
from service.audit.deep_verification import DeepVerification, snapshot
from service.callers.caller import LOCAL
from service.decisions.answer_options import AnswerOptions
from service.decisions.decider import Decider
from service.decisions.exchange_bodies import ExchangeBodies
from service.log import verification
from service.log.backup import copy_file
from service.log.canonical_json import canonical
from service.log.leaf import SealedRecord, commitment
from service.log.proofs import log_tree
from service.log.search import find
from service.log.search_query import Query
from service.log.store import Store
from service.policies.prepared_policies import PreparedPolicies
from service.problems import RequestRefused
from service.service import Service
from service.settings import Settings
from service.store.moments import moment_text
from service.store.postgresql_programs import PostgresPrograms, new_database
from service.store.upgrade import open_present
from service.transparency.merkle_tree import leaf_hash
from tests.bench import many_decisions, traffic
from tests.bench.figures import line, progress
from tests.bench.http_load import Load, in_turn, post
from tests.service import unsynced
from tests.service.cli.test_database import postgresql_program
from tests.service.conftest import running
from tests.service.databases import PostgreSQL
from tests.service.load import children

RECORDS = 60_000
SERVICES = "services"
ALL = (SERVICES, "sqlite", "postgresql")
ASKED = 400  # different exchanges, each of which a service is asked once before it is measured
TEMPLATES = 200
AT_ONCE = 1_000
DEEP = "log verify --deep, beside that"
YEAR = 365_000_000  # decisions, a million a day
CLIFF = 13.0  # times as long at ten times the records
LEAST_SECONDS = 0.2  # below which a time is no cliff but noise
# What does not grow with the log; its times are printed, and no price of a record.
BOUNDED = (
    "a thousand records more", "a page of the newest decisions", "a page of a week, not to proceed", "a page of a text and a rare outcome",
    "a checkpoint", "a proof of a record", "opening the log",
)  # fmt: skip
NOW = many_decisions.NOW


@dataclass(frozen=True, slots=True)
class Timed:
    """What was timed with so many records: seconds on the clock, and of work of this process."""

    records: int
    clock: float
    work: float


@dataclass(slots=True)
class Measured:
    """What is timed on one database with fewer records and with more, and the bytes with these."""

    name: str
    times: dict[str, list[Timed]] = field(default_factory=dict)
    bytes: list[tuple[int, int]] = field(default_factory=list)
    backup_bytes: list[tuple[int, int]] = field(default_factory=list)


def main(count: int, kinds: Sequence[str]) -> None:
    """Measure, and print the tables of the page."""
    unsynced.end()  # a record is on the disk when it is answered, as in a service
    line("machine", f"{platform.machine()}, {_processors()} processors, Python {platform.python_version()}")
    with PostgreSQL.running() as server, tempfile.TemporaryDirectory() as name:
        with psycopg.connect(server.address, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = on")  # as an operator has it
            connection.execute("ALTER SYSTEM SET autovacuum = on")
            connection.execute("SELECT pg_reload_conf()")
            line("PostgreSQL", str(connection.info.server_version // 10_000))
        if SERVICES in kinds:
            services(Path(name), server)
        prepared = PreparedPolicies.of(_settings(str(Path(name) / "models.db")))
        made = models(prepared)
        found = [at_size(kind, Path(name), server, count, prepared, made) for kind in kinds if kind != SERVICES]
    table(found, count)


# --- services that answer ---------------------------------------------------------------------------------------------


def services(folder: Path, postgresql: PostgreSQL) -> None:
    """The start, the rate and the memory of real services, and the bytes of a decision."""
    exchanges = traffic.varied(engine.load(engine.bundled_policies()))[:ASKED]
    requests = [post("/v1/evaluate", raw) for raw in exchanges]
    loads: list[tuple[Load, float, str, int]] = []
    with ExitStack() as servers:
        for workers in (1, 2):
            for url in (str(folder / f"{workers}.db"), postgresql.new()):
                kind = "PostgreSQL" if "://" in url else "SQLite"
                progress(f"starting a service: {kind}, {workers}")
                empty = _size(url)
                began = time.perf_counter()
                options = ("--policies", str(engine.bundled_policies()), "--workers", str(workers))
                server = servers.enter_context(running(url, *options, folder=folder, module="service.cli"))
                load = Load(
                    f"{kind}, {workers} worker{'s' * (workers > 1)}",
                    server.port,
                    server.process.pid,
                    requests,
                    first=len(requests),
                )
                loads.append((load, time.perf_counter() - began, url, empty))
        in_turn([load for load, *_ in loads], rounds=5)
        held = [sum(map(_share, _tree(load.pid))) for load, *_ in loads]
    print()
    line(
        "a service, varied traffic, 16 connections",
        "decisions/s",
        "to one worker",
        "ready after s",
        "MB a worker",
        "bytes/decision",
        width=44,
    )
    for (load, began, url, empty), memory in zip(loads, held, strict=True):
        one = next(each for each, *_ in loads if each.name.split(",")[0] == load.name.split(",")[0])
        workers = int(load.name.split()[1])
        with closing(open_present(url)) as database, database.reading.connect() as connection:
            recorded = connection.exec_driver_sql("SELECT next FROM head WHERE name = 'record'").scalar_one()
        line(
            f"  {load.name}", f"{load.rate:,.0f}", f"{load.against(one):.2f}×", f"{began:,.1f}", f"{memory / workers:,.0f}",
            f"{(_size(url) - empty) / recorded:,.0f}", width=44,
        )  # fmt: skip


def _tree(pid: int) -> list[int]:
    return [pid, *(each for child in children(pid) for each in _tree(child))]


def _share(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(each.split()[1]) for each in lines if each.startswith("Pss:")) / 1024


def _processors() -> int:
    return len(os.sched_getaffinity(0))


# --- a log that grows -------------------------------------------------------------------------------------------------


def at_size(
    kind: str, folder: Path, postgresql: PostgreSQL, count: int, prepared: PreparedPolicies, made: Sequence[SealedRecord]
) -> Measured:
    """Fill a log by its own append path, and time what an operator does with it, at a tenth and at all of its records."""
    url = str(folder / "filled.db") if kind == "sqlite" else postgresql.new()
    found = Measured("SQLite" if kind == "sqlite" else "PostgreSQL")
    done = 0
    for upto in (count // 100, count // 10, count):
        with closing(Service.open(_settings(url), prepared=prepared)) as service:
            began, worked = time.perf_counter(), time.process_time()
            asyncio.run(append(service.store, made, done, upto, count))
            part = (upto - done) / 1000
            took = Timed(upto, (time.perf_counter() - began) / part, (time.process_time() - worked) / part)
            if upto > count // 100:
                found.times.setdefault("a thousand records more", []).append(took)
        done = upto
        if upto < count:
            _verify_deep(url, upto, found)
        if upto > count // 100:
            found.bytes.append((upto, _size(url)))
            _operate(url, folder, upto, found)
    if kind == "sqlite":
        Path(url).unlink()
    return found


def _settings(url: str) -> Settings:
    return Settings(watch=False, policies=engine.bundled_policies(), database=url)


def models(prepared: PreparedPolicies, number: int = TEMPLATES) -> list[SealedRecord]:
    """Different decisions as the service makes them, asked by a caller of this machine; none of them is recorded."""
    progress("deciding what is recorded")
    with (
        tempfile.TemporaryDirectory() as name,
        closing(Service.open(_settings(f"{name}/log.db"), prepared=prepared)) as service,
    ):
        bodies, decider, live, made = ExchangeBodies(service), Decider(service), service.live, []
        for document in many_decisions.exchanges(engine.load(engine.bundled_policies()), random.Random(7)):  # with their tests
            with suppress(engine.ExchangeRefused, RequestRefused):
                exchange = bodies.read(live, canonical(document), NOW, LOCAL)
                made.append(decider.decide(live, exchange, AnswerOptions(), NOW, "", LOCAL).entry)
            if len(made) == number:
                break
    return made


def copies(made: Sequence[SealedRecord], first: int, upto: int, all: int) -> Iterator[SealedRecord]:
    """Records of the same exchanges on the same day, each with an id and a moment of its own over a year, and sound."""
    chance = random.Random(first)
    for number in range(first, upto):
        of = chance.choice(made)
        at = NOW - timedelta(days=365) * (1 - number / all)
        id = many_decisions._id(chance, at)
        old, new = of.id.encode(), id.encode()
        leaf = of.leaf.replace(old, new)
        leaf = leaf.replace(b'"recorded_at":"2026-11-27T12:00:00Z"', b'"recorded_at":"%b"' % moment_text(at).encode())
        openings = []
        for opening in of.openings:
            each = opening
            if each.pointer == "decision" and each.salt is not None and each.value is not None:
                value = each.value.replace(old, new)
                leaf = leaf.replace(commitment(each.salt, each.value).encode(), commitment(each.salt, value).encode())
                each = replace(each, value=value)
            openings.append(each)
        summary = None if of.summary is None else replace(of.summary, recorded_at=at)
        yield SealedRecord(id, leaf, leaf_hash(leaf), tuple(openings), summary, of.case)


async def append(store: Store, made: Sequence[SealedRecord], first: int, upto: int, all: int) -> None:
    entries = copies(made, first, upto, all)
    done = first
    while some := list(islice(entries, AT_ONCE)):
        await store.append_many(some)
        done += len(some)
        if done % (20 * AT_ONCE) == 0:
            progress(f"{done:,} of {upto:,} records")


def _verify_deep(url: str, records: int, found: Measured) -> None:
    """The dearest of all, so it is timed with a hundredth and a tenth of the records."""
    with closing(open_present(url)) as database, snapshot(database) as state:
        if DEEP not in found.times:
            _sound(
                list(DeepVerification(state, database).findings())
            )  # which loads the policies that decided, once in a process
        _time(found, DEEP, records, lambda: _sound(list(DeepVerification(state, database).findings())))


def _time(found: Measured, name: str, records: int, what: Callable[[], object], rounds: int = 1) -> None:
    took = []
    for _ in range(rounds):
        began, worked = time.perf_counter(), time.process_time()
        what()
        took.append(Timed(records, time.perf_counter() - began, time.process_time() - worked))
    found.times.setdefault(name, []).append(sorted(took, key=lambda each: each.clock)[len(took) // 2])
    progress(
        f"{found.name}, {records:,} records: {name}: {took[0].clock:,.2f} s, {took[0].work:,.2f} s of them work of this process"
    )


def _operate(url: str, folder: Path, records: int, found: Measured) -> None:
    """Time each thing that an operator does with a database."""

    def timed(name: str, what: Callable[[], object], rounds: int = 1) -> None:
        _time(found, name, records, what, rounds)

    with closing(open_present(url)) as database, database.reading.connect() as connection:
        everything, rare = Query(), Query(outcome=("prohibited",), text="exporter-00042")
        week = Query(since=NOW - timedelta(days=30), until=NOW - timedelta(days=23), proceed=False)
        timed("a page of the newest decisions", lambda: find(connection, everything, None, 50), 9)
        timed("a page of a week, not to proceed", lambda: find(connection, week, None, 50), 9)
        timed("a page of a text and a rare outcome", lambda: find(connection, rare, None, 50), 9)

        def checkpoint() -> None:
            with log_tree(database) as tree:
                tree.checkpoint()

        timed("a checkpoint", checkpoint, 9)
        with log_tree(database) as tree:
            [id] = connection.execute(sa.text("SELECT id FROM record WHERE sequence = 7")).scalars()
            timed("a proof of a record", lambda: tree.proof(id), 9)
        timed("log verify", lambda: _sound(verification.verify(connection, lambda done, all: None, database.log_key())[1]))
        backup = folder / "backup"
        backup.unlink(missing_ok=True)
        if database.dialect == "sqlite":
            timed("a backup", lambda: copy_file(database, backup))
            restored = folder / "restored.db"
            timed("its restore", lambda: subprocess.run(["cp", str(backup), str(restored)], check=True))
            restored.unlink()
        else:
            programs = PostgresPrograms.found(1, Path(postgresql_program("pg_dump")).parent)
            timed("a backup", lambda: programs.dump(url, backup))
            with new_database(url, keep=False) as place:
                timed("its restore", lambda: programs.restore(backup, place))
        found.backup_bytes.append((records, backup.stat().st_size))
        backup.unlink()

    def start() -> None:
        Store.open(url).close()

    timed("opening the log", start, 3)


def _sound(faults: Sequence[object]) -> None:
    assert not faults, f"the log that was filled is not sound: {faults[:3]}"


def _size(url: str) -> int:
    if "://" not in url:
        return sum(each.stat().st_size for each in Path(url).parent.glob(f"{Path(url).name}*")) if Path(url).exists() else 0
    with psycopg.connect(url) as connection:
        return int(connection.execute("SELECT pg_database_size(current_database())").fetchone()[0])  # type: ignore[index]


# --- what is printed --------------------------------------------------------------------------------------------------


def table(found: Sequence[Measured], count: int) -> None:
    """What was timed, what each further record costs, and what a year of a million decisions a day would take at that price."""
    for each in found:
        print()
        line(f"{each.name}: with", "records", "clock", "work here", "ten times as many", "a record more", "in a year", width=40)
        for name, (small, large) in each.times.items():
            bounded = name in BOUNDED
            price = (
                (large.work - small.work) / (large.records - small.records)
                if each.name == "SQLite"
                else ((large.clock - small.clock) / (large.records - small.records))
            )
            growth = large.clock / small.clock
            cliff = " CLIFF" if growth > CLIFF and large.clock > LEAST_SECONDS else ""
            line(
                f"  {name}", f"{large.records:,}", _duration(large.clock), _duration(large.work), f"{growth:.1f}×{cliff}",
                "" if bounded else f"{max(price, 0) * 1e6:,.0f} µs", "" if bounded else _duration(max(price, 0) * YEAR), width=40,
            )  # fmt: skip
        for name, ((few, small_size), (many, large_size)) in (("the database", each.bytes), ("the backup", each.backup_bytes)):
            price = (large_size - small_size) / (many - few)
            line(
                f"  {name}", f"{many:,}", f"{large_size / 1e6:,.0f} MB", "", f"{large_size / small_size:.1f}×", f"{price:,.0f} bytes",
                f"{price * YEAR / 1e12:,.1f} TB", width=40,
            )  # fmt: skip


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:,.1f} ms"
    if seconds < 120:
        return f"{seconds:,.1f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.0f} h"


if __name__ == "__main__":
    records, *databases = sys.argv[1:] or [str(RECORDS)]
    main(int(records), databases or ALL)

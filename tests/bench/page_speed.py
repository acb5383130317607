"""
`make bench ARGS="pages 1000000"`: the size and the time of every page of the workspace over so many decisions, on SQLite and PostgreSQL.

`many_decisions` and `what_became` fill a new database. Then each page is asked for by the application in this process: once cold, which is
the first time in this process, and several times more. The work is the time on the processors, of this process and of the server of the
database. In place of a kind of database its address may be given: then it is kept, and one that is filled already is measured as it is.
"""

from __future__ import annotations

import gc
import io
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import sqlalchemy as sa
from starlette.testclient import TestClient

import engine
from service.policies.steady_memory import settle
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store.database import Database
from service.store.tables import (
    head,
)
from service.telemetry import log_lines
from tests.bench import many_decisions, what_became
from tests.bench.figures import line
from tests.bench.many_decisions import NOW, TEMPLATES
from tests.bench.what_became import Desk
from tests.bench.workspace_pages import AskedPage, pages
from tests.service.databases import PostgreSQL

MOST_BYTES, MOST_MILLISECONDS = 100_000, 200
TIMES = 7
BY_HTTP = 2_500  # decisions that are asked over HTTP, at most
SUPPLIES = 600
WIDTH = 52
BROWSER = {"accept": "text/html"}
FORM = {"content-type": "application/x-www-form-urlencoded", "origin": "http://127.0.0.1:8080"}


@dataclass(frozen=True, slots=True)
class Measured:
    """A page: its status, its bytes, and milliseconds, the first time and then: of the clock, and of the processors."""

    name: str
    status: int
    size: int
    cold: tuple[float, float]
    clock: Sequence[float]
    worked: Sequence[float]

    @property
    def met(self) -> bool:
        """Whether the page is within its length, and its time on the processors within the limit each time but the first."""
        return self.status == 200 and self.size <= MOST_BYTES and max(self.worked) <= MOST_MILLISECONDS


def main(count: int, databases: Sequence[str], only: str = "") -> None:
    """Fill and measure each database."""
    for kind in databases:
        if kind == "sqlite":
            with tempfile.TemporaryDirectory() as folder:
                run(str(Path(folder) / "log.db"), count, only)
        elif kind == "postgresql":
            with PostgreSQL.running() as server:
                run(server.new(), count, only)
        else:
            run(kind, count, only)


@contextmanager
def opened(database: str) -> Iterator[tuple[Service, TestClient]]:
    """The service on a database, as it is at noon of the last day of the log, and who talks to it."""
    settings = Settings(
        database=database,
        policies=engine.bundled_policies(),
        watch=False,
        watch_commitments=False,
        ledger_since=date(2023, 1, 1),
        log_key=Path(key) if (key := os.environ.get("FIFTHFACTOR_LOG_KEY")) and "://" in database else None,
    )
    service = Service.open(settings, say=log_lines.logger(io.StringIO()), clock=lambda: NOW)
    usual = gc.get_threshold()
    settle()  # as the service does
    try:
        with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
            yield service, client
    finally:
        gc.unfreeze()
        gc.set_threshold(*usual)
        service.close()


def run(database: str, count: int, only: str = "", times: int = TIMES) -> list[Measured]:
    """Fill a database if it is empty, and measure the pages whose names begin with `only`, each so many times."""
    with opened(database) as (service, client):
        with service.store.database.reading.connect() as connection:
            there = connection.execute(sa.select(head.c.next).where(head.c.name == "record")).scalar_one()
        if not there:
            began = time.perf_counter()
            fill(service, client, count)
            line(
                f"{service.store.database.dialect}: {count:,} decisions, put in within", f"{time.perf_counter() - began:,.0f} s"
            )
    with opened(database) as (service, client):
        return list(measured(service, client, only, times))


def fill(service: Service, client: TestClient, count: int) -> None:
    """Record so many decisions, with all that became of them."""
    began, database = time.perf_counter(), service.store.database
    if database.dialect == "sqlite":
        with database.writing.connect() as connection:  # a new database needs no protection from a power cut
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA synchronous = OFF")
            connection.exec_driver_sql("BEGIN")
    models = many_decisions.templates(service, min(TEMPLATES, max(20, count // 5)))
    asked = many_decisions.some_of(models, min(BY_HTTP, max(10, count // 10)))
    supplied = list(what_became.supplies(min(SUPPLIES, max(5, count // 50))))
    copies = many_decisions.copied(database, models, max(1, count - len(asked) - len(supplied)), began)
    many_decisions.sort_in(service, len(copies))
    many_decisions.told(f"sorted in, {time.perf_counter() - began:,.0f} s")
    desk = Desk(client)
    for place in asked:
        desk.ask(place, models[place], commit=True)
    for number, sent in enumerate(supplied):  # copied as if they were decisions of other templates
        desk.ask(number, replace(models[number], sent=sent), commit=True)
    presented = desk.presented()
    many_decisions.told(f"asked over HTTP, {time.perf_counter() - began:,.0f} s")
    made = what_became.copy_ledger(service, copies, desk, max(5, count // 10))
    what_became.copy_others(service, desk, presented, copies, made)
    vacuum(database)


def vacuum(database: Database) -> None:
    """Have PostgreSQL count what is in its tables, as its own process does some minutes later."""
    if database.dialect == "postgresql":
        with database.writing.connect() as free:
            free.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")


# --- the measurement ---------------------------------------------------------------------------------------------------------


def measured(service: Service, client: TestClient, only: str = "", many: int = TIMES) -> Iterator[Measured]:
    """Ask for each page, and print what was measured."""
    clock = Processors(service.store.database)
    line("  page", "bytes", "cold", "median", "worst", "cold, work", "median, work", "worst, work", "", width=WIDTH)
    with service.store.database.reading.connect() as connection:
        asked = list(pages(service, connection))
    missed = 0
    for name, path, form in _followed(client, asked, only):
        times = [_once(client, clock, path, form) for _ in range(many + 1)]
        (status, size), (cold, cold_work) = times[0][0], times[0][1]
        found = Measured(name, status, size, (cold, cold_work), [t[1][0] for t in times[1:]], [t[1][1] for t in times[1:]])
        _print(found)
        missed += not found.met
        yield found
    line("  pages that miss the goal", f"{missed}", width=WIDTH)


def _followed(client: TestClient, asked: Sequence[AskedPage], only: str) -> Iterator[AskedPage]:
    """The pages, and behind each that has a next page by a cursor, that page; and a draft with its question."""
    for name, path, form in asked:
        if not name.startswith(only):
            continue
        yield name, path, form
        if form is None and (following := _next(client, path)) is not None:
            yield f"{name}, next page", following, None
        if name == "asking" and (draft := _draft(client)) is not None:
            yield "asking, a draft", draft, None


def _next(client: TestClient, path: str) -> str | None:
    """The address of the page behind one, as its link has it, three pages further where there are so many."""
    found: str | None = None
    for _ in range(3):
        text = client.get(found or path, headers=BROWSER).text.replace("&amp;", "&")
        here = path.partition("?")[0]
        starts = [each.partition('"')[0] for each in text.split('href="')[1:]]
        links = [each for each in starts if "cursor=" in each and each.partition("?")[0] in ("", here)]
        if not links:
            break
        found = here + links[-1][links[-1].index("?") :]
    return found


def _draft(client: TestClient) -> str | None:
    """The address of a draft that was begun by the form of `/ask`."""
    text = client.get("/ask", headers=BROWSER).text
    token = text.partition('name="token" value="')[2][:64]
    answer = client.post("/ask", data={"token": token}, headers=FORM, follow_redirects=False)
    return answer.headers.get("location")


def _once(
    client: TestClient, clock: Processors, path: str, form: Mapping[str, str] | None
) -> tuple[tuple[int, int], tuple[float, float]]:
    token = ""
    if form is not None:
        token = client.get("/reports", headers=BROWSER).text.partition('name="token" value="')[2][:64]
    worked, began = clock.now(), time.perf_counter()
    if form is None:
        answer = client.get(path, headers=BROWSER)
    else:
        answer = client.post(path, data={**form, "token": token}, headers={**FORM, **BROWSER})
    took = time.perf_counter() - began
    return (answer.status_code, len(answer.content)), (took * 1e3, (clock.now() - worked) * 1e3)


def _print(found: Measured) -> None:
    cells = [
        f"{found.size:,}",
        *(f"{each:,.0f} ms" for each in (found.cold[0], statistics.median(found.clock), max(found.clock))),
    ]
    cells += [f"{each:,.0f} ms" for each in (found.cold[1], statistics.median(found.worked), max(found.worked))]
    said = "met" if found.met else "NOT MET"
    line(f"  {found.name}", *cells, said if found.status == 200 else f"{said} ({found.status})", width=WIDTH)


class Processors:
    """The time on the processors of this process, and of the processes that serve it in the database's server, if that runs here."""

    def __init__(self, database: Database) -> None:
        self._postmaster: int | None = None
        self._serving: dict[int, bool] = {}
        self._worked: dict[int, float] = {}
        if database.dialect == "postgresql":
            with database.reading.connect() as connection:
                own = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            self._postmaster = _parent(own)

    def now(self) -> float:
        """In seconds."""
        for process in self._children():
            self._worked[process] = max(
                self._worked.get(process, 0.0), _worked(process)
            )  # of one that has ended, what it had worked
        return time.process_time() + sum(self._worked.values())

    def _children(self) -> list[int]:
        if self._postmaster is None:
            return []
        children = Path(f"/proc/{self._postmaster}/task/{self._postmaster}/children")
        return [process for process in map(int, children.read_text().split()) if self._serves(process)]

    def _serves(self, process: int) -> bool:
        """Whether a process answers queries: others write what is due, and clean up, whatever is asked for here."""
        if process not in self._serving:
            with suppress(OSError):
                title = Path(f"/proc/{process}/cmdline").read_text()
                self._serving[process] = "[local]" in title or "parallel worker" in title
        return self._serving.get(process, False)


def _parent(process: int) -> int | None:
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        return None
    return int(status.read_text().partition("PPid:")[2].split()[0])


def _worked(process: int) -> float:
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, IndexError):
        return 0.0

"""Sums of counters from years, months and days: the same as of all days, from few rows, and nothing from rows without their seal."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

import engine
from service.ledger import sealed_sums
from service.ledger.counter_sums import ALWAYS, NOTHING, CounterQuery
from service.log.store import Store
from service.store.row_seals import SealBroken, sealed_rows
from tests.service.conftest import BOTH_DATABASES

FIRST = date(2023, 11, 20)
DAYS = [FIRST + timedelta(days=number) for number in range(900)]
KEYS, FACTS = ("a", "b", "c"), ("counts.year", "counts.year EUR")
COUNTER: Any = SimpleNamespace(meaning="m", name="counts.year")
MOST_ROWS = 40

Days = dict[sealed_sums.Place, tuple[int, int, int, int]]


@contextmanager
def summed(database: str, days: Days) -> Iterator[sa.Connection]:
    """A connection to a database with these sums of days."""
    with Store.open(database) as store:
        with store.database.transaction() as transaction:
            sealed_sums.change(transaction, days, lambda place, _: days[place])
        with store.database.reading.connect() as connection:
            yield connection


@pytest.fixture
def filled(database: str) -> Iterator[tuple[sa.Connection, Days]]:
    """A connection to a database with sums of many days, and these."""
    chance = random.Random(20261130)
    days = {
        ("m", key, day.isoformat(), fact): (
            chance.randrange(9),
            chance.randrange(99),
            chance.randrange(999),
            int(chance.random() < 0.01),
        )
        for day in chance.sample(DAYS, 300)
        for key in KEYS
        for fact in FACTS
        if chance.random() < 0.4
    }
    with summed(database, days) as connection:
        yield connection, days


def wanted(first: date, last: str = ALWAYS) -> CounterQuery:
    """A counter that has one key of its own and one that may be the same."""
    return CounterQuery(COUNTER, ("a",), ("a", "b"), first, last)


def of_days(days: Days, first: str, last: str) -> dict[str, engine.Tally]:
    """The sums of all days."""
    sums: dict[str, engine.Tally] = {}
    for (_, key, day, fact), (largest, least, most, endless) in days.items():
        if key in ("a", "b") and first <= day <= last:
            end = None if endless else most
            added = engine.Tally(largest, least, end) if key == "a" else engine.Tally(most=end)
            sums[fact] = sums.get(fact, NOTHING) + added
    return sums


@BOTH_DATABASES
def test_years_months_and_days_give_the_sums_of_all_days(filled: Any) -> None:
    """Of windows that begin and end anywhere, and of openings within them."""
    connection, days = filled
    chance = random.Random(7)
    for _ in range(150):
        first, last, opened = sorted(chance.choices(DAYS, k=3))
        ends = chance.choice([ALWAYS, last.isoformat(), f"{last:%Y}-12-31"])
        first, opened = (each.replace(day=1) if chance.random() < 0.3 else each for each in (first, opened))
        first = first.replace(month=1, day=1) if chance.random() < 0.2 else first
        found = sealed_sums.of_windows(connection, {5: wanted(first, ends)}, {5: opened.isoformat()})[5]
        begun = max(first, opened).isoformat()
        assert found == (of_days(days, first.isoformat(), ends), of_days(days, begun, ends))


@BOTH_DATABASES
def test_days_that_change_change_their_months_and_years(filled: Any, database: str) -> None:
    """A sum that is lowered, one that is raised, and a day that is new."""
    _, days = filled
    lowered, raised = [place for place in days if place[1] == "a"][:2]
    changed = {lowered: (0, 0, 0, 0), raised: (77, 770, 7700, 1), ("m", "a", "2031-02-03", FACTS[0]): (1, 2, 3, 0)}
    with summed(database, changed) as connection:
        found = sealed_sums.of_windows(connection, {0: wanted(FIRST), 1: wanted(date(2024, 5, 15))}, {})
    assert found[0][0] == of_days({**days, **changed}, FIRST.isoformat(), ALWAYS)
    assert found[1][0] == of_days({**days, **changed}, "2024-05-15", ALWAYS)


TODAY = date(2026, 11, 30)
WINDOWS = {
    "a day": (TODAY, ALWAYS),
    "30 days": (TODAY - timedelta(days=30), ALWAYS),
    "a year": (date(2025, 12, 2), ALWAYS),
    "a year that is over": (date(2024, 3, 17), "2025-03-16"),
    "7 years": (date(2019, 12, 2), ALWAYS),
    "7 years that are over": (date(2017, 3, 17), "2024-03-16"),
    "without end": (date.min, ALWAYS),
}


@BOTH_DATABASES
def test_few_rows_are_read_and_checked_of_a_history_of_ten_years(database: str) -> None:
    """Whatever the window: at most five of a key, with their seals, and two more where the counter was opened within the window."""
    every = [TODAY - timedelta(days=number) for number in range(3_650)]
    days: Days = {("m", key, day.isoformat(), FACTS[0]): (1, 2, 3, 0) for day in every for key in ("a", "b")}
    with summed(database, days) as connection:
        statements: list[str] = []
        sa.event.listen(connection, "before_cursor_execute", lambda *given: statements.append(given[2]))
        rows: list[int] = []

        def counted(*given: Any, **more: Any) -> list[Any]:
            found = [*sealed_rows(*given, **more)]
            rows.append(len(found))
            return found

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sealed_sums, "sealed_rows", counted)
            for name, (first, last) in WINDOWS.items():
                found = sealed_sums.of_windows(connection, {0: wanted(first, last)}, {})[0][0]
                assert found == of_days(days, first.isoformat(), last), name
                opened = date(2021, 7, 7).isoformat()
                sealed_sums.of_windows(connection, {0: wanted(first, last)}, {0: opened})
    assert max(rows) == 2 * 7 <= MOST_ROWS
    assert len(statements) == len(rows)
    assert all(statement.count("counter_sum") == 1 for statement in statements)


@pytest.mark.parametrize(
    ("statement", "first"),
    [
        ("UPDATE counter_sum SET sums = replace(sums, '0', '1') WHERE key = 'b' AND period = 'all'", date(2023, 1, 1)),
        ("UPDATE counter_sum SET sums = replace(sums, '1', '0') WHERE key = 'b' AND period = '2024'", date(2024, 5, 1)),
        ("UPDATE counter_sum SET sums = '{}' WHERE key = 'a' AND period = '2024-05'", date(2024, 5, 15)),
        ("UPDATE counter_sum SET period = '2019' WHERE key = 'a' AND period = '2024'", date(2024, 5, 15)),
        ("UPDATE counter_sum SET key = 'z' WHERE key = 'a' AND period = 'all'", None),
        ("DELETE FROM counter_sum WHERE key = 'a' AND period = '2024'", date(2024, 5, 1)),
        ("DELETE FROM counter_sum WHERE key = 'a' AND period = '2024-05'", date(2024, 5, 15)),
        ("DELETE FROM subject_seal WHERE subject = 'counter/m/a'", date(2024, 1, 1)),
        ("UPDATE counter_sum SET below = '{}' WHERE key = 'a' AND period = '2024'", date(2024, 5, 15)),
        ("UPDATE counter_sum SET below = '{\"a\":\"b\"}' WHERE key = 'a' AND period = '2024-05'", date(2024, 5, 15)),
        (
            "UPDATE counter_sum SET sums = (SELECT sums FROM counter_sum WHERE key = 'b' AND period = '2024-05')"
            " WHERE key = 'a' AND period = '2024-05'",
            date(2024, 5, 15),
        ),
        (
            "UPDATE subject_seal SET code = (SELECT code FROM subject_seal WHERE subject = 'counter/m/b')"
            " WHERE subject = 'counter/m/a'",
            date(2024, 1, 1),
        ),
    ],
)
def test_rows_without_their_seal_give_no_sums(filled: Any, database: str, statement: str, first: date | None) -> None:
    """A sum that was changed or taken away, of all years, a year or a month; and a seal that was. Nor are they changed."""
    connection, _ = filled
    other = CounterQuery(COUNTER, ("z",), ("z",), date(2024, 1, 1)) if first is None else wanted(first)
    sealed_sums.of_windows(connection, {0: other}, {})
    engine_ = sa.create_engine(f"sqlite:///{database}")
    with engine_.begin() as beside:
        assert beside.exec_driver_sql(statement).rowcount
    with pytest.raises(SealBroken):
        sealed_sums.of_windows(connection, {0: other}, {})
    engine_.dispose()

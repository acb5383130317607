"""Sums of counters from months and days: the same as of all days, whatever the window; and nothing from rows without their seal."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

import engine
from service.ledger import sealed_sums
from service.ledger.counter_sums import ALWAYS, NOTHING, CounterQuery
from service.log.store import Store
from service.store.row_seals import SealBroken
from service.store.tables import tally
from tests.service.conftest import ONE_DATABASE

FIRST = date(2023, 11, 20)
DAYS = [FIRST + timedelta(days=number) for number in range(900)]
KEYS, FACTS = ("a", "b", "c"), ("counts.year", "counts.year EUR")
COUNTER: Any = SimpleNamespace(meaning="m", name="counts.year")


@pytest.fixture
def filled(database: str) -> Iterator[tuple[sa.Connection, list[dict[str, Any]]]]:
    """A connection to a database with sums of many days, and these."""
    chance = random.Random(20261130)
    rows = [
        {
            "meaning": "m",
            "key": key,
            "day": day.isoformat(),
            "fact": fact,
            "largest": chance.randrange(9),
            "least": chance.randrange(99),
            "most": chance.randrange(999),
            "endless": int(chance.random() < 0.01),
        }
        for day in chance.sample(DAYS, 300)
        for key in KEYS
        for fact in FACTS
        if chance.random() < 0.4
    ]
    with Store.open(database) as store:
        with store.database.transaction() as transaction, sealed_sums.adding(transaction, rows):
            transaction.execute(sa.insert(tally), rows)
        with store.database.reading.connect() as connection:
            yield connection, rows


def wanted(first: date, last: str = ALWAYS) -> CounterQuery:
    """A counter that has one key of its own and one that may be the same."""
    return CounterQuery(COUNTER, ("a",), ("a", "b"), first, last)


def of_days(rows: list[dict[str, Any]], first: str, last: str) -> dict[str, engine.Tally]:
    """The sums of all days."""
    sums: dict[str, engine.Tally] = {}
    for row in rows:
        if row["key"] in ("a", "b") and first <= row["day"] <= last:
            exact, most = row["key"] == "a", None if row["endless"] else row["most"]
            added = engine.Tally(row["largest"], row["least"], most) if exact else engine.Tally(most=most)
            sums[row["fact"]] = sums.get(row["fact"], NOTHING) + added
    return sums


def test_months_and_days_give_the_sums_of_all_days(filled: Any) -> None:
    """Of windows that begin and end anywhere, and of openings within them."""
    connection, rows = filled
    chance = random.Random(7)
    for _ in range(150):
        first, last, opened = sorted(chance.choices(DAYS, k=3))
        ends = chance.choice([ALWAYS, last.isoformat()])
        first, opened = (each.replace(day=1) if chance.random() < 0.3 else each for each in (first, opened))
        found = sealed_sums.of_windows(connection, {5: wanted(first, ends)}, {5: opened.isoformat()})[5]
        begun = max(first, opened).isoformat()
        assert found == (of_days(rows, first.isoformat(), ends), of_days(rows, begun, ends))


@ONE_DATABASE
@pytest.mark.parametrize(
    ("statement", "first"),
    [
        ("UPDATE tally_month SET most = most + 1 WHERE key = 'b' AND month = '2024-05'", date(2024, 1, 1)),
        ("DELETE FROM tally_month WHERE key = 'a' AND month = '2024-05'", date(2024, 1, 1)),
        ("UPDATE tally SET least = least + 1 WHERE key = 'a' AND day BETWEEN '2024-05-01' AND '2024-05-31'", date(2024, 5, 15)),
        ("DELETE FROM tally WHERE key = 'a' AND day BETWEEN '2024-05-16' AND '2024-05-31'", date(2024, 5, 15)),
        ("DELETE FROM subject_seal WHERE subject = 'counter/m/a'", date(2024, 1, 1)),
    ],
)
def test_rows_without_their_seal_give_no_sums(filled: Any, database: str, statement: str, first: date) -> None:
    """A sum that was changed or taken away, of a month or of a day within one that is cut; and a seal that was."""
    connection, _ = filled
    assert sealed_sums.of_windows(connection, {0: wanted(first)}, {})
    engine_ = sa.create_engine(f"sqlite:///{database}")
    with engine_.begin() as beside:
        assert beside.exec_driver_sql(statement).rowcount
    with pytest.raises(SealBroken):
        sealed_sums.of_windows(connection, {0: wanted(first)}, {})
    engine_.dispose()

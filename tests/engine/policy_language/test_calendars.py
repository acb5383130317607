"""
Calendars of working days: the bundled ones are what the library says, and a day counted on them is the same for everyone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.backends.durable import Durable
from engine.backends.reference import Reference
from engine.policy_language.calendars import due_day, is_worked, last_working_day
from engine.rules import AS_OF, Truth
from service.cli import calendars
from service.cli.command import UsedWrongly

CALENDARS = engine.bundled_policies() / "vocabulary" / "calendars.yaml"

# A vocabulary and a law around the calendars, so that they load without the bundled policies.
WORDS = b"""\
vocabulary: words
facts:
  x.on: {type: date, title: a day}
jurisdictions:
  AA: {title: Aland}
"""


def law(due: Any = None) -> bytes:
    """A law with one duty, due as said."""
    duty = {"duty": "file it", "who": "exporter", "due": due or {"on": "2026-01-01"}}
    rule = {"id": "r", "title": "r", "cite": "r", "says": "r", "source": "r", "status": "confirmed", "oblige": duty}
    head = {"policy": "p", "title": "p", "jurisdiction": "AA", "instrument": {"issuer": "a", "force": "law"}}
    whole = {**head, "in_force": {"from": "0001-01-01"}, "applies": {"x.on": {"from": "0001-01-01"}}, "rules": [rule]}
    return json.dumps(whole).encode()


def load(text: bytes, due: Any = None) -> engine.Bundle:
    return engine.load_sources({"words.yaml": WORDS, "calendars.yaml": text, "law.yaml": law(due)})


@pytest.fixture(scope="module")
def bundled() -> engine.Bundle:
    return load(CALENDARS.read_bytes())


def test_the_bundled_calendars_are_what_the_library_says(bundled: engine.Bundle) -> None:
    """The file is, byte for byte, what `fifthfactor calendars` writes with the library that is installed."""
    assert calendars.text(bundled) == CALENDARS.read_text()


def test_the_make_up_days_of_the_mainland_are_worked(bundled: engine.Bundle) -> None:
    """The notice of 4 November 2025 on the holidays of 2026, day by day: what it frees, and the weekends on which it has people work."""
    free = {
        *(date(2026, 1, day) for day in range(1, 4)),
        *(date(2026, 2, day) for day in range(15, 24)),
        *(date(2026, 4, day) for day in range(4, 7)),
        *(date(2026, 5, day) for day in range(1, 6)),
        *(date(2026, 6, day) for day in range(19, 22)),
        *(date(2026, 9, day) for day in range(25, 28)),
        *(date(2026, 10, day) for day in range(1, 8)),
    }
    worked = {date(2026, *day) for day in ((1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10))}
    mainland = bundled.rules.calendars["CN"]
    for number in range(365):
        day = date(2026, 1, 1) + timedelta(days=number)
        assert is_worked(mainland, day) is (day in worked or (day.weekday() < 5 and day not in free)), day


def test_the_general_holidays_of_hong_kong_are_more_than_those_of_its_workers(bundled: engine.Bundle) -> None:
    """Good Friday and the day after it are general holidays, as Easter Monday is; the list of 2026, day by day, Sundays aside."""
    free = {
        *((1, 1), (2, 17), (2, 18), (2, 19), (4, 3), (4, 4), (4, 6), (4, 7), (5, 1), (5, 25), (6, 19), (7, 1), (9, 26)),
        *((10, 1), (10, 19), (12, 25), (12, 26)),
    }
    calendar = bundled.rules.calendars["HK"]
    for number in range(365):
        day = date(2026, 1, 1) + timedelta(days=number)
        assert is_worked(calendar, day) is (day.weekday() < 6 and (day.month, day.day) not in free), day
    assert not any(is_worked(calendar, date(2027, 3, day)) for day in (26, 27, 28, 29))


def test_no_calendar_knows_a_year_that_is_not_announced(bundled: engine.Bundle) -> None:
    """The mainland's holidays are announced each November for the year after: of 2027 nothing is known."""
    assert bundled.rules.calendars["CN"].known_until == date(2026, 12, 31)
    assert last_working_day(bundled.rules.calendars["CN"], 10, date(2026, 12, 17)) == date(2026, 12, 31)
    assert last_working_day(bundled.rules.calendars["CN"], 10, date(2026, 12, 18)) is None


HEAD = """\
calendars:
  AA:
    title: Aland
    source: made up
    status: confirmed
    weekend: [sat, sun]
    known_from: 2026-01-01
    known_until: 2026-12-31
"""


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("    library: QQ\n", "knows no place `QQ`"),
        ("    library: GB-QQ\n", "knows no place `GB-QQ`"),
        ("    library: HK\n", "the weekend is"),
        ("    library: HK:optionnal\n", "knows no holidays `optionnal` of `HK`"),
        ("    library: IN\n    known_until: 2027-12-31\n", "is not announced yet"),
    ],
)
def test_what_the_library_does_not_know_is_not_written(changed: str, said: str) -> None:
    """A place it does not know, another weekend, and a holiday that is an estimate are refused."""
    head = HEAD.replace("    known_until: 2026-12-31\n", "") if "known_until" in changed else HEAD
    with pytest.raises(UsedWrongly, match=said):
        calendars.text(load(f"vocabulary: c\n{head}{changed}".encode()))


def test_a_calendar_kept_by_hand_is_left_alone(tmp_path: Path) -> None:
    """A calendar without `library` is not in the file that is written, and its own file is not overwritten."""
    for name, text in (("words.yaml", WORDS), ("law.yaml", law()), ("hand.yaml", f"vocabulary: c\n{HEAD}".encode())):
        (tmp_path / name).write_bytes(text)
    assert "AA" not in calendars.text(load(f"vocabulary: c\n{HEAD}".encode()))
    with pytest.raises(UsedWrongly, match="calendars without `library`: AA"):
        calendars.calendars([tmp_path], tmp_path / "hand.yaml")
    assert calendars.calendars([tmp_path], tmp_path / "made.yaml") == 0
    assert (tmp_path / "made.yaml").read_text() == calendars.text(load(f"vocabulary: c\n{HEAD}".encode()))


SMALL = b"""\
vocabulary: c
calendars:
  AA:
    title: Aland
    source: made up
    status: confirmed
    weekend: [sat, sun]
    known_from: 2026-02-01
    known_until: 2026-03-31
    holidays: [2026-02-16, 2026-02-17, 2026-03-02]
    workdays: [2026-02-15, 2026-02-28]
"""
DUES = (
    {"within": "1 working day in AA", "after": "x.on"},
    {"within": "7 working days in AA", "after": "x.on"},
    {"within": "10 days", "after": "x.on"},
    {"within": "1 month", "after": "x.on"},
    {"on": "1 March", "after": "x.on"},
    {"on": "29 February", "after": "x.on"},
    {"on": "2026-03-01"},
    {"earliest_of": [{"within": "7 working days in AA", "after": "x.on"}, {"on": "1 March", "after": "x.on"}]},
)


def days(first: date, count: int) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range(count))


@pytest.mark.parametrize("due", DUES, ids=str)
def test_the_last_day_that_is_told_is_the_one_that_decides(due: dict[str, Any]) -> None:
    """Both back ends call a duty overdue from the day after the one that a decision shows, and never before."""
    made = load(SMALL, due)
    backends = (Reference(made.rules), Durable(made.rules))
    duty = made.rules.duties()["p/r.1"]
    told = 0
    for start in days(date(2026, 1, 28), 34):
        exchange = engine.parse_exchange(made, json.dumps({"x": {"on": start.isoformat()}}).encode())
        last = due_day(duty.due, {"x.on": start, AS_OF: start}.get, made.rules.calendars)
        told += last is not None
        for today in days(date(2026, 2, 14), 30):
            for backend in backends:
                late = backend.evaluate(exchange, today).overdue["p/r.1"]
                if last is not None:
                    assert late is (Truth.YES if today > last else Truth.NO), (backend.name, start, today, last)
                elif start > date(2026, 1, 30) and "within" in due:
                    assert late is not Truth.YES, (backend.name, start, today)
    assert told

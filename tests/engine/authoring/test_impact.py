"""How many rows move under other policies: the same as where every row is decided under both, one by one."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

import engine
from engine.authoring.impact import NOTHING, ImpactComparison, ImpactRow
from tests.service.cli.differing_bundles import LAW, NEW, OLD, WORDS, bundle

DAY = date(2026, 6, 1)


def document(people: Any, recipient: str = "BB", kinds: Sequence[str] = ("report",), **more: Any) -> dict[str, Any]:
    """An exchange from Aland."""
    data = {"people": people, "kinds": list(kinds)}
    return {"exporter": {"country": "AA"}, "recipient": {"country": recipient}, "data": data, **more}


def several() -> list[ImpactRow]:
    """Exchanges of each kind that the two laws tell apart."""
    contract = {"contract": {"dated": "2024-05-30", "covers": True}}
    every = itertools.product(
        (10, 10_000, 1_000_000, "unknown"), ("BB", "CC"), (["report"], ["image"], []), ({}, {"evidence": contract})
    )
    days = itertools.cycle((date(2024, 6, 1), date(2025, 6, 1), date(2026, 6, 1)))
    return [
        ImpactRow(f"row {number}", document(people, recipient, kinds, **more), day)
        for number, ((people, recipient, kinds, more), day) in enumerate(zip(every, days, strict=False))
    ]


def compared(
    rows: Sequence[ImpactRow], old: engine.Bundle, new: engine.Bundle, at_once: int = 512, mode: str = "bitset"
) -> engine.Impact:
    comparison = ImpactComparison(old, new, mode)
    for first in range(0, len(rows), at_once):
        comparison.take(rows[first : first + at_once])
    return comparison.report()


def one_by_one(
    rows: Sequence[ImpactRow], old: engine.Bundle, new: engine.Bundle
) -> Counter[tuple[str, str, tuple[str, ...], str]]:
    """How many rows move: the words of both outcomes, the jurisdictions that move, and the month, by the reference engine."""
    before, after = (engine.PDP(each, "reference") for each in (old, new))
    found: Counter[tuple[str, str, tuple[str, ...], str]] = Counter()
    for row in rows:
        was = before.judge(engine.accept_exchange(old, row.read), as_of=row.as_of).outcome
        now = after.judge(engine.accept_exchange(new, row.read), as_of=row.as_of).outcome
        names = sorted({*was.jurisdictions, *now.jurisdictions})
        moving = tuple(each for each in names if was.jurisdictions.get(each, NOTHING) != now.jurisdictions.get(each, NOTHING))
        if moving or was.bounds != now.bounds:
            found[was.word, now.word, moving, f"{row.as_of:%Y-%m}"] += row.count
    return found


def as_counted(found: engine.Impact) -> Counter[tuple[str, str, tuple[str, ...], str]]:
    """The groups of a report in the same shape."""
    counted: Counter[tuple[str, str, tuple[str, ...], str]] = Counter()
    for group in found.groups:
        was, now = (word_of(each) for each in (group.old, group.new))
        counted[was, now, group.jurisdictions, group.month] += group.rows
    return counted


def word_of(told: str) -> str:
    """The word of an outcome as a report tells it."""
    words = ("permitted", "permitted_with_obligations", "requirements_unmet", "review", "prohibited", "not_applicable")
    language = engine.LANGUAGES["en"]
    return "undetermined" if told.startswith("not decided") else next(each for each in words if language.level(each) == told)


@pytest.mark.parametrize("at_once", [1, 7, 512])
def test_rows_move_as_where_each_is_decided_by_itself(at_once: int) -> None:
    """Whatever the size of a batch; every group has the outcomes, the jurisdictions and the month of its rows."""
    old, new, rows = bundle(OLD), bundle(NEW), several()
    found = compared(rows, old, new, at_once)
    expected = one_by_one(rows, old, new)
    assert as_counted(found) == expected
    assert found.moved == expected.total() > 10
    assert {each.direction for each in found.outcomes} > {"permits more", "stricter"}
    assert (found.rows, found.troubled, found.unread) == (len(rows), 0, 0)


def test_equal_rows_are_decided_once_and_counted_each() -> None:
    """Rows that state the same, rows that stand for several, and the same exchange of a day between which and the first nothing changes."""
    row = ImpactRow("first", document(10_000), DAY)
    rows = [row, replace(row, name="second"), replace(row, name="many", count=40), replace(row, as_of=date(2026, 7, 1))]
    found = compared(rows, bundle(OLD), bundle(NEW), at_once=2)
    assert (found.rows, found.distinct, found.moved) == (43, 1, 43)
    assert [(each.month, each.rows, each.example) for each in found.groups] == [
        ("2026-06", 42, "first"),
        ("2026-07", 1, "first"),
    ]


def test_days_between_which_nothing_changes_are_decided_once() -> None:
    """Over three years, of an exchange with days of its own and of one without: each day comes out as where it is decided by itself."""
    old, new = bundle(OLD), bundle({**NEW, "law.yaml": LAW.replace("10 thousand", "9 thousand")})
    contract = {"contract": {"dated": "2024-05-30", "covers": True, "expires": "2025-08-01"}}
    days = [date.fromordinal(day) for day in range(date(2023, 6, 1).toordinal(), date(2026, 6, 1).toordinal(), 6)]
    rows = [
        ImpactRow(f"{name} {day}", stated, day)
        for day in days
        for name, stated in (("plain", document(9_500)), ("shown", document(9_500, evidence=contract)))
    ]
    found = compared(rows, old, new, at_once=32)
    assert as_counted(found) == one_by_one(rows, old, new)
    assert found.moved > 50
    assert found.distinct < len(rows) / 8


def test_a_row_that_the_new_door_refuses_is_an_outcome_of_its_own() -> None:
    """It was permitted and is refused at the door: that permits less; a row that neither reads is not compared."""
    without = {**OLD, "words.yaml": WORDS.replace("  data.made_on: {type: date, title: day it was made}\n", "")}
    permitted, unread = document(10), document(10)
    permitted["data"]["made_on"] = "2024-01-01"
    unread["data"]["nonsense"] = 1
    rows = [
        ImpactRow("dropped", permitted, DAY),
        ImpactRow("nobody reads it", unread, DAY),
        ImpactRow("fine", document(5), DAY),
    ]
    found = compared(rows, bundle(OLD), bundle(without))
    assert (found.rows, found.refused, found.unread, found.moved) == (3, 1, 1, 1)
    (group,) = found.groups
    assert (group.direction, group.old, group.example) == ("permits less", "permitted", "dropped")
    assert group.new == engine.LANGUAGES["en"].level("refused")
    assert [(each.row, each.problem) for each in found.unread_rows] == [("nobody reads it", "/data/nonsense (unknown-fact)")]
    back = compared(rows, bundle(without), bundle(OLD))
    assert [(each.direction, each.rows) for each in back.outcomes] == [("permits more", 1)]
    assert back.refused == 0


def test_a_row_moves_where_only_a_jurisdiction_does() -> None:
    """The law of Aland prohibits all the same, but that of Beland asks for no review any more."""
    head, rules = LAW[: LAW.index("define:")], LAW[LAW.index("  - id: art-2") :]
    bans = LAW.replace("review: Look at the images.", "prohibit: Images stay.")
    beland = head.replace("a.law", "b.law").replace("jurisdiction: AA", "jurisdiction: BB") + "rules:\n" + rules
    words = WORDS.replace("subjects:", "  BB: {title: Beland}\n\nsubjects:", 1)
    both = {"words.yaml": words, "law.yaml": bans, "other.yaml": beland}
    milder = {**both, "other.yaml": beland.replace("{has: image}", "{has: photo}")}
    rows = [ImpactRow("scan", document(5, kinds=["scan"]), DAY), ImpactRow("report", document(5), DAY)]
    found = compared(rows, bundle(both), bundle(milder))
    (group,) = found.groups
    assert (group.direction, group.old, group.new) == ("same outcome", "prohibited", "prohibited")
    assert (group.example, group.jurisdictions, group.instruments, found.troubled) == ("scan", ("BB",), ("b.law",), 0)


def test_what_a_group_would_owe_is_owed_under_the_new_policies() -> None:
    """A contract that is shown is to be filed, where the law asks for it only now."""
    few = {**OLD, "law.yaml": LAW.replace("10 thousand", "5")}
    contract = {"contract": {"dated": "2024-05-30", "covers": True}}
    rows = [ImpactRow("shown", document(10, evidence=contract), DAY), ImpactRow("small", document(4), DAY)]
    (group,) = compared(rows, bundle(OLD), bundle(few)).groups
    assert (group.example, group.instruments, group.jurisdictions) == ("shown", ("a.law",), ("AA",))
    assert [(each.name, each.rows) for each in group.duties] == [("exporter: File the contract.", 1)]


def test_a_row_with_disputed_facts_is_decided_by_the_ordinary_engines() -> None:
    """The register says that many people are concerned: the stricter outcome counts, under both."""
    register = {"exporter.id": {"kind": "party", "version": 1, "states": {"data": {"people": 50_000}}}}
    sent = document(10)
    sent["exporter"]["id"] = "one"
    rows = [ImpactRow("disputed", {**sent, "register": register}, DAY)]
    old, new = bundle(OLD), bundle(NEW)
    assert engine.accept_exchange(old, rows[0].read).disputed == ("data.people",)
    found = compared(rows, old, new)
    assert (found.disputed, found.troubled) == (1, 0)
    assert (
        as_counted(found) == one_by_one(rows, old, new) == Counter({("requirements_unmet", "permitted", ("AA",), "2026-06"): 1})
    )


def test_the_end_of_a_decision_on_adequacy_moves_what_rested_on_it() -> None:
    """The bundled policies, without the adequacy of Switzerland: rows of their tests of the Union move as where each is decided."""
    sources = engine.gather_sources(engine.source_files([engine.bundled_policies()]))
    name = next(each for each in sources if each.endswith("vocabulary/registers.yaml"))
    entry = b"CH: {from: 2000-07-26, source"
    assert entry in sources[name]
    ended = sources[name].replace(entry, b"CH: {from: 2000-07-26, until: 2020-01-01, source")
    old, new = engine.load_sources(sources), engine.load_sources({**sources, name: ended})
    trials = [each for each in engine.trials(old, old, "eu/gdpr-chapter-v") if each.raw]
    # Those that name Switzerland, and one in ten of the others.
    some = [each for number, each in enumerate(trials) if b'"CH"' in each.raw or number % 10 == 0]
    rows = [ImpactRow(each.at, json.loads(each.raw), each.as_of or DAY) for each in some]
    found = compared(rows, old, new)
    expected = one_by_one(rows, old, new)
    assert as_counted(found) == expected
    assert found.moved == expected.total() > 0
    assert found.troubled == 0
    assert {each.name for each in found.jurisdictions} == {"EU"}
    assert found.instruments[0].name == "eu.gdpr-chapter-v"
    assert "permits less" in {each.direction for each in found.outcomes}

"""
What damns an exchange damns it everywhere: no permitted exchange of the bundled tests stays permitted once one of these is said of it.

From every second test file its first permitted case is taken. Source: semantics 2.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest

import engine
from engine.authoring.prepared_case import PreparedCase
from engine.authoring.testing import prepare
from engine.values.outcome_levels import Level

FOLLOWERS: Mapping[str, tuple[bool, str]] = {
    "act.evades": (True, "evasion"),
    "act.security_concern": (True, "state-security"),
    "data.lawful_source": (False, "unlawful-source"),
}
LISTS = (
    "un-sanctions", "us-ofac", "eu-sanctions", "gb-sanctions", "us-entity-list", "us-military-end-user", "cn-banned",
    "cn-restricted", "cn-countermeasure", "cn-export-control",
)  # fmt: skip
PROHIBITED = ("evasion", "un-sanctions")
# The decision of a review that was called for answers it.
DECIDED = ("evidence.cn-security-review", "evidence.cn-hgr-security-review")
BUNDLE = engine.load(engine.bundled_policies())
PDP = engine.PDP(BUNDLE, "bitset")


@cache
def permitted() -> tuple[PreparedCase, ...]:
    """A permitted case of every second file that has one."""
    return tuple(found for file, _ in BUNDLE.tests[::2] if (found := next(_permitted(file), None)))


def _permitted(file: str) -> Iterator[PreparedCase]:
    for case in prepare(BUNDLE, file):
        bounds = PDP.outcome(case.exchange, case.as_of).bounds
        if bounds.low >= Level.PERMITTED and not bounds.high.refused and case.exchange.values.keys().isdisjoint(DECIDED):
            yield case


def bare(case: PreparedCase) -> dict[str, Any]:
    """The exchange of a case without what follows from the bars; a test may state it beside them."""
    document = dict(case.exchange.document)
    for follower in FOLLOWERS:
        document = engine.with_fact_set(document, follower, None)
    return document


def outcome(case: PreparedCase, document: Mapping[str, Any]) -> Level:
    """The highest level that an exchange may come to on the day of a case."""
    return PDP.outcome(BUNDLE.reader.accept(document), case.as_of).bounds.high


def test_enough_exchanges_are_permitted() -> None:
    """From every part of the world, so that the tests below try many laws."""
    assert len(permitted()) > 60
    assert len({str(case.exchange.value("exporter.country")) for case in permitted()}) > 20


@pytest.mark.parametrize("bar", [bar for _, bar in FOLLOWERS.values()])
def test_no_exchange_is_permitted_beside_a_bar_that_damns(bar: str) -> None:
    """Said with the others under `act.bars` it prohibits, or leads to a person."""
    for case in permitted():
        document = bare(case)
        found = outcome(case, engine.with_fact_set(document, "act.bars", [*document.get("act", {}).get("bars", []), bar]))
        assert found is Level.PROHIBITED if bar in PROHIBITED else found.refused, (case.file, case.case)


@pytest.mark.parametrize(("follower", "damning", "bar"), [(name, *told) for name, told in FOLLOWERS.items()])
def test_no_exchange_is_permitted_beside_a_statement_that_damns(follower: str, damning: bool, bar: str) -> None:
    """Said by its own name it contradicts a closed set of bars, and where they are left out it weighs as much as the bar itself."""
    for case in permitted():
        document = engine.with_fact_set(bare(case), follower, damning)
        with pytest.raises(engine.ExchangeRefused) as refused:
            BUNDLE.reader.accept(engine.with_fact_set(document, "act.bars", []))
        assert {each.pointer for each in refused.value.problems} == {f"/{follower.replace('.', '/')}", "/act/bars"}
        left_out = engine.with_fact_set(document, "act.bars", None)
        assert outcome(case, left_out).refused, (case.file, case.case)
        assert outcome(case, left_out) == outcome(case, engine.with_fact_set(bare(case), "act.bars", [bar, "unknown"]))


@pytest.mark.parametrize("listed", LISTS)
def test_no_recipient_on_a_list_gets_anything_without_a_look(listed: str) -> None:
    """A list of the United Nations prohibits; a list of one state binds under its own law, and a person looks at it elsewhere."""
    for case in permitted():
        # The British list is of the end of 2020; at home, two Chinese ones are of personal information only.
        at_home = listed in ("cn-banned", "cn-restricted") and case.exchange.value("exporter.country") == "CN"
        if case.as_of.year > 2020 and not at_home:
            found = outcome(case, engine.with_fact_set(case.exchange.document, "recipient.listed_on", [listed]))
            assert found is Level.PROHIBITED if listed in PROHIBITED else found.refused, (case.file, case.case)


def test_what_follows_is_never_asked() -> None:
    """Where the bars are left out they are asked, and nothing that follows from them."""
    for case in permitted()[::10]:
        exchange = BUNDLE.reader.accept(engine.with_fact_set(bare(case), "act.bars", None))
        asked = PDP.judge(exchange, as_of=case.as_of).open_facts
        assert "act.bars" in asked, (case.file, case.case)
        assert FOLLOWERS.keys().isdisjoint(asked)
    assert all(BUNDLE.vocabulary.facts[name].ask is None for name in FOLLOWERS)

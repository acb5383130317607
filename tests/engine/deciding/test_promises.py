"""What exchanges promise: only what has a known last day, and whose it is only where that is known."""

import json
from datetime import date
from typing import Any

import pytest

import engine

VOCABULARY = """
vocabulary: test
facts:
  exporter.id: {type: id, title: exporter}
  recipient.id: {type: id, title: recipient}
  terms.by: {type: date, title: last day}
  terms.places: {type: count, title: places}
  promises.overdue: {type: count, title: overdue promises}
  promises.disputed: {type: count, title: disputed reports}
evidence:
  record: {title: record}
  letter: {title: letter}
promises:
  training:
    title: training
    due: terms.by
    by: exporter.id
    to: recipient.id
    terms: {places: terms.places}
    number: terms.places
    evidence: [record]
    fills: promises.overdue
    disputed: promises.disputed
    beside: terms.places
jurisdictions:
  XX: {title: somewhere}
"""
POLICY = """
policy: xx.test
title: Test
jurisdiction: XX
instrument: {issuer: nobody, number: none, force: law}
in_force: {from: 2020-01-01}
applies: {any_of: [{promises.overdue: {at_least: 1}}, {promises.disputed: {at_least: 1}}]}
rules:
  - id: kept
    title: Promises are kept
    cite: Art. 1
    says: Nobody breaks a promise.
    source: none
    status: confirmed
    when: {promises.overdue: {at_least: 1}}
    prohibit: A promise is overdue.
  - id: settled
    title: Disputes are settled
    cite: Art. 2
    says: Nobody leaves a dispute open.
    source: none
    status: confirmed
    when: {promises.disputed: {at_least: 1}}
    review: A report is disputed.
"""


def counting(text: str = VOCABULARY) -> tuple[engine.Bundle, engine.BundleCounters]:
    """A bundle of these words alone."""
    bundle = engine.load_sources({"words.yaml": text.encode(), "xx.yaml": POLICY.encode()})
    return bundle, engine.BundleCounters(bundle)


def made(**terms: Any) -> engine.DatedPromise | None:
    """What an exchange with these terms promises."""
    bundle, found = counting()
    sent = {"exporter": {"id": "clinic"}, "recipient": {"id": "unknown"}, "terms": terms}
    return found.promises[0].made(engine.parse_exchange(bundle, json.dumps(sent).encode()))


def test_a_promise_has_a_known_last_day() -> None:
    """Without one it is none; a party that is not known stays unknown."""
    promised = made(by="2026-12-31", places=40)
    assert promised is not None
    assert (promised.due.isoformat(), promised.by, promised.to) == ("2026-12-31", "clinic", None)
    assert made(places=40) is None
    assert made(by="unknown") is None


def test_it_says_how_much_is_promised_at_least() -> None:
    """Of a number between two the lower one; nothing where it is nought or not known."""
    for places, least in ((40, 40), ({"at_least": 20, "at_most": 40}, 20), (0, None), ("unknown", None)):
        promised = made(by="2026-12-31", places=places)
        assert promised is not None
        assert promised.number == least


@pytest.mark.parametrize("mode", engine.MODES)
def test_nothing_is_in_dispute_where_nobody_says_so(mode: str) -> None:
    """So no exchange is asked about it; who says that it is not known is."""
    bundle, _ = counting()
    pdp = engine.PDP(bundle, mode=mode)
    for promises, level in (
        ({"overdue": 0}, "not_applicable"),
        ({"overdue": 0, "disputed": 0}, "not_applicable"),
        ({"overdue": 0, "disputed": 1}, "review"),
        ({"overdue": 0, "disputed": "unknown"}, "undetermined"),
    ):
        exchange = engine.parse_exchange(bundle, json.dumps({"promises": promises}).encode())
        assert pdp.judge(exchange, as_of=date(2026, 11, 24)).outcome.word == level, promises


def test_its_meaning_is_what_is_promised_and_by_whom() -> None:
    """A title, or another document that shows it, changes nothing of what was promised; its last day and its terms do."""
    _, before = counting()
    for old, new, same in (
        ("title: training", "title: places", True),
        ("evidence: [record]", "evidence: [record, letter]", True),
        ("terms: {places: terms.places}", "terms: {}", False),
        ("    number: terms.places\n", "", False),
        ("    disputed: promises.disputed\n", "", False),
        ("by: exporter.id", "by: recipient.id", False),
    ):
        _, after = counting(VOCABULARY.replace(old, new))
        assert (after.promises[0].meaning == before.promises[0].meaning) is same
        assert (after.meaning == before.meaning) is same

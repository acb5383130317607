"""What exchanges promise: only what has a known last day, and whose it is only where that is known."""

import json
from typing import Any

import engine

VOCABULARY = """
vocabulary: test
facts:
  exporter.id: {type: id, title: exporter}
  recipient.id: {type: id, title: recipient}
  terms.by: {type: date, title: last day}
  terms.places: {type: count, title: places}
  promises.overdue: {type: count, title: overdue promises}
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
    evidence: [record]
    fills: promises.overdue
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
applies: {promises.overdue: {at_least: 1}}
rules:
  - id: kept
    title: Promises are kept
    cite: Art. 1
    says: Nobody breaks a promise.
    source: none
    status: confirmed
    prohibit: A promise is overdue.
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


def test_its_meaning_is_what_is_promised_and_by_whom() -> None:
    """A title, or another document that shows it, changes nothing of what was promised; its last day and its terms do."""
    _, before = counting()
    for old, new, same in (
        ("title: training", "title: places", True),
        ("evidence: [record]", "evidence: [record, letter]", True),
        ("terms: {places: terms.places}", "terms: {}", False),
        ("by: exporter.id", "by: recipient.id", False),
    ):
        _, after = counting(VOCABULARY.replace(old, new))
        assert (after.promises[0].meaning == before.promises[0].meaning) is same
        assert (after.meaning == before.meaning) is same

"""
What the register says counts (semantics 1.8): the outcome of a dispute, what is asked beside it, and what the decision says of it.

How each test of a disputed fact reads is shown by the cases of every back end.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

import engine
from engine.authoring.testing import build
from engine.deciding.disputed_facts import MOST_CHOICES, choices, overall_bounds, stricter_bounds
from engine.register_facts import says_less
from engine.values import SetOf
from engine.values.outcome_levels import Bounds, Level
from tests.engine.test_decision import BASE, bundle

DAY = date(2026, 6, 15)
RULES: dict[str, Any] = {
    "rules": [
        {"id": "bar", "when": {"data.label": "bar"}, "prohibit": "Nothing of this kind leaves."},
        {"id": "watch", "when": {"data.grade": {"at_least": "core"}}, "review": "Counsel looks at it"},
        {"id": "need", "when": {"data.shared": "yes"}, "require": "certificate"},
        {"id": "ground", "when": [{"evidence": {"has": "certificate"}}], "satisfies": "certificate"},
        {"id": "keep", "when": {"data.sold": "yes"}, "oblige": {"duty": "keep a copy", "who": "exporter"}},
        {"id": "many", "when": {"data.people.total": {"at_least": "100"}}, "review": "Many people"},
    ]
}
BUNDLE = bundle(RULES)
PDP = engine.PDP(BUNDLE)
PLAIN = {**BASE, "data.label": "none", "data.grade": "general", "data.shared": "no", "data.sold": "no", "data.people.rest": 0}


def decide(registered: Any, lang: str = "en", **more: Any) -> engine.Decision:
    """The decision on an exchange of which the register says something."""
    changed = {name.replace("__", "."): value for name, value in more.items()}
    sent = {**PLAIN, "register": {"exporter.id": registered}, **changed}
    exchange = build(BUNDLE, sent)
    return PDP.decide(exchange, as_of=DAY, today=DAY, id="1", lang=lang, include=["remedies", "holds_until"])


def bounds(low: Level, high: Level | None = None) -> Bounds:
    return Bounds(low, high or low)


NA, OK, OWED, UNMET, REVIEW, NO = Level


@pytest.mark.parametrize(
    ("whole", "chosen", "found"),
    [
        ((OK, NO), [(OK,), (NO,)], (NO,)),  # every choice is settled: the upper bound decides
        ((OK, NO), [(OK,), (OK,)], (NO,)),  # though no choice reaches it
        ((OK, NO), [(OK,), (REVIEW,)], (NO,)),
        ((OK, NO), [(OK, REVIEW), (REVIEW,)], (REVIEW, NO)),  # something else is open too
        ((OK, NO), [(OK, NO), (NO,)], (NO,)),  # whatever it turns out to be
        ((OK, OWED), [(OK,), (OWED,)], (OWED,)),
        ((OK, OWED), [(OK, OWED), (OWED,)], (OWED,)),  # both ends permit
        ((NA, OK), [(NA,), (OK,)], (NA,)),  # no law applies by one value: no permit
        ((NA, OK), [(OK,), (OK,)], (OK,)),
        ((NA, OK), [(NA, OK), (OK,)], (NA, OK)),
        ((NA, NO), [(NA,), (NO,)], (NO,)),
        ((OK, NO), [], (NO,)),  # too many choices
        ((NA, OK), [], (NA,)),
        ((OK, OK), [], (OK,)),
    ],
)
def test_the_stricter_counts(whole: tuple[Level, Level], chosen: list[tuple[Level, ...]], found: tuple[Level, ...]) -> None:
    """The highest lower bound; the upper bound for what the dispute alone leaves open; never a permit that one choice refuses."""
    assert overall_bounds(bounds(*whole), [bounds(*each) for each in chosen]) == bounds(*found)


def test_each_jurisdiction_takes_the_stricter_too() -> None:
    """By its own choices, whatever is open elsewhere."""
    assert stricter_bounds(bounds(NA, OK), [bounds(NA), bounds(OK)]) == bounds(OK)
    assert stricter_bounds(bounds(OK, NO), [bounds(OK, UNMET), bounds(REVIEW)]) == bounds(REVIEW, NO)


def test_a_dispute_is_no_question() -> None:
    """The outcome is the stricter one, and nobody is asked for what the register states otherwise."""
    made = decide({"data.label": "bar"})
    assert (made.outcome, made.proceed, made.missing) == ("prohibited", False, [])
    assert {each.jurisdiction: each.outcome for each in made.jurisdictions} == {"AA": "prohibited"}


def test_what_else_is_open_is_asked() -> None:
    """Only other facts are; once they are known, the dispute decides."""
    made = decide({"data.grade": "core", "data.people.ordinary": "500"}, data__label="unknown")
    assert (made.outcome, made.bounds.lowest, made.bounds.highest) == ("undetermined", "review", "prohibited")
    assert [[each.fact for each in part.facts] for part in made.missing] == [["data.label"]]
    assert made.missing[0].settles
    assert decide({"data.grade": "core"}, data__label="none").outcome == "review"


def test_the_decision_names_the_contradiction() -> None:
    """The fact, what was stated, what is registered, and by which entity; in the answer's words too, in every language."""
    made = decide({"data.label": "bar", "data.grade": "core"})
    assert made.disputed is not None
    assert [each.model_dump() for each in made.disputed] == [
        {"fact": "data.grade", "stated": "general", "registered": "core", "entity": "exporter.id", "kind": "", "version": None},
        {"fact": "data.label", "stated": "none", "registered": "bar", "entity": "exporter.id", "kind": "", "version": None},
    ]
    assert made.answer == (
        "Do not proceed: the register contradicts what was stated, and the stricter of both counts: grade: stated general, registered core;"
        " label: stated none, registered bar. So this may apply: Nothing of this kind leaves (a law, Art. 1)."
        " No exemption helps; the exchange itself would have to change."
    )
    assert "登记内容与所述不一致" in decide({"data.label": "bar"}, lang="zh").answer
    reason = next(each for each in made.reasons if each.provision == "p/bar")
    assert (reason.standing, reason.evidence[0].value) == ("possible", {"stated": "none", "registered": "bar"})
    lines = dict(engine.PlainText(bundle=BUNDLE).sections(made))
    assert lines["What the register says otherwise"] == [
        "grade: stated general, registered core (entity of `exporter.id`)",
        "label: stated none, registered bar (entity of `exporter.id`)",
    ]


@pytest.mark.parametrize(("fact", "stated", "registered", "says"), [
    ("data__grade", "general", {"data.grade": "core"}, "before a person has looked at it"),
    ("data__shared", "no", {"data.shared": "yes"}, "Do not proceed yet"),
    ("data__sold", "no", {"data.sold": "yes"}, "This may go ahead"),
])  # fmt: skip
def test_each_outcome_of_a_dispute_says_so(fact: str, stated: Any, registered: Any, says: str) -> None:
    """Whether it may proceed comes first, and the contradiction is named."""
    made = decide(registered, **{fact: stated})
    assert says in made.answer
    assert "the register contradicts what was stated" in made.answer.lower()


def test_the_sender_cannot_state_a_listing_away() -> None:
    """Nor can the register take back what the sender admits."""
    assert decide({"data.label": "bar"}, data__label="none").outcome == "prohibited"
    assert decide({"data.label": "none"}, data__label="bar").outcome == "prohibited"
    assert decide({"data.label": "bar"}, data__label="left out").outcome == "prohibited"


def test_a_personal_value_is_not_shown() -> None:
    """Neither of the two."""
    made = decide({"data.names": ["Ann"]}, data__names=["Bob"])
    assert made.disputed is not None
    assert (made.disputed[0].stated, made.disputed[0].registered) == ("personal", "personal")
    assert "Ann" not in made.model_dump_json()
    assert "Bob" not in made.model_dump_json()


def test_no_remedy_states_a_dispute_away() -> None:
    """To state it otherwise changes nothing that the register says."""
    levers = bundle(RULES, more=b"vocabulary: more\nfacts:\n  exporter.id: {type: id, title: exporter}\n")
    pdp = engine.PDP(levers)
    sent = {**PLAIN, "evidence.certificate": "none", "data.shared": "yes"}
    shown = {"evidence.certificate": {"dated": "2026-05-01", "covers": "yes"}}
    for registered, remedies in (("none", 1), (shown, 0)):
        exchange = build(levers, {**sent, "register": {"exporter.id": registered}})
        made = pdp.decide(exchange, as_of=DAY, today=DAY, id="1", include=["remedies"])
        assert made.outcome == "requirements_unmet"
        assert made.remedies is not None
        assert len(made.remedies.remedies) == remedies


def test_too_many_disputes_are_decided_by_the_upper_bound() -> None:
    """Their choices are not tried one by one."""
    disputed = {
        "data.grade": "core",
        "data.shared": "yes",
        "data.sold": "yes",
        "data.personal": "yes",
        "data.category": "health",
    }
    exchange = build(BUNDLE, {**PLAIN, "data.category": "weather", "register": {"exporter.id": disputed}})
    assert 2 ** len(exchange.disputed) > MOST_CHOICES
    assert list(choices(exchange)) == []
    assert PDP.judge(exchange, as_of=DAY).outcome.word == "requirements_unmet"


def test_a_value_is_from_where_it_is_stated() -> None:
    """What the register fills in or confirms is registered; what it disputes is only stated."""
    registered = {"data.label": "none", "data.grade": "core", "data.rate": "0.5"}
    exchange = build(BUNDLE, {**PLAIN, "exporter.id": "x", "register": {"exporter.id": registered}})
    assert exchange.sources == {"exporter.id.registered": "registered", "data.label": "registered", "data.rate": "registered"}
    assert exchange.disputed == ("data.grade",)
    assert exchange.as_stated().value("data.grade") == "general"


def test_engines_that_disagree_on_one_choice_permit_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dispute is tried in every engine; a difference under one value is a review at least."""
    inner = PDP.engines[1].evaluate

    def broken(exchange: engine.Exchange, *more: Any) -> Any:
        if not exchange.disputed:
            raise RuntimeError("it breaks")
        return inner(exchange, *more)

    exchange = build(BUNDLE, {**PLAIN, "register": {"exporter.id": {"data.sold": "yes"}}})
    assert PDP.judge(exchange, as_of=DAY).outcome.permits
    monkeypatch.setattr(PDP.engines[1], "evaluate", broken)
    judgement = PDP.judge(exchange, as_of=DAY)
    assert (judgement.agreed, judgement.outcome.word) == (False, "review")


def test_the_outcome_holds_until_a_registered_day() -> None:
    """The horizon knows the days of either value."""
    rules: dict[str, Any] = {
        "rules": [{"id": "old", "when": {"data.collected_on": {"older_than": "1 year"}}, "prohibit": "too old"}]
    }
    aged = bundle(rules)
    sent = {**BASE, "data.collected_on": "2026-06-01", "register": {"exporter.id": {"data.collected_on": "2025-07-01"}}}
    made = engine.PDP(aged).decide(build(aged, sent), as_of=DAY, today=DAY, id="1", include=["holds_until"])
    assert (made.outcome, made.proceed) == ("permitted", True)
    assert made.holds_until is not None
    assert made.holds_until.holds_until == date(2026, 6, 30)


def test_a_dispute_adds_to_counters_from_the_least_to_the_most() -> None:
    """And under no certain key."""
    counting = engine.BundleCounters(BUNDLE)
    counter = next(each for each in counting.counters if each.name == "counts.files")
    sent = {**PLAIN, "data.files": "5", "register": {"exporter.id": {"data.files": "9", "exporter.country": "BB"}}}
    exchange = build(BUNDLE, sent)
    assert counting.own(counter, "counts.files", exchange) == engine.Range(5, 9)  # type: ignore[arg-type]
    assert counting.key(counter, exchange) == (None,)
    assert counting.key(counter, exchange.as_stated()) == ('"AA"',)


def test_a_leg_may_begin_where_the_register_says() -> None:
    """A plan is refused only where no value fits."""

    def leg(**registered: Any) -> dict[str, Any]:
        return {"exchange": {"exporter": {"country": "CC"}, "register": {"exporter.id": {"states": registered}}}, "after": 1}

    first = {"exchange": {"exporter": {"country": "AA"}, "recipient": {"country": "BB"}}}
    assert len(engine.read_plan(BUNDLE, json.dumps({"legs": [first, leg(exporter={"country": "BB"})]}).encode())) == 2
    with pytest.raises(engine.ExchangeRefused, match="begins in CC, EE"):
        engine.read_plan(BUNDLE, json.dumps({"legs": [first, leg(exporter={"country": "EE"})]}).encode())


@pytest.mark.parametrize(
    ("wide", "narrow", "less"),
    [
        (SetOf(frozenset({"health"}), open=True), SetOf(frozenset({"clinical"})), True),
        (SetOf(frozenset({"health", "contact"}), open=True), SetOf(frozenset({"clinical"})), False),
        (SetOf(frozenset({"clinical"}), open=True), SetOf(frozenset({"health"})), False),
        (SetOf(frozenset({"health"})), SetOf(frozenset({"clinical"})), False),
        ("health", "clinical", True),
        ("clinical", "health", False),
    ],
)
def test_a_wider_value_contradicts_no_narrower_one(wide: Any, narrow: Any, less: bool) -> None:
    """In a set that is left open, each of its values may be one that lies under it (semantics 1.8, 2.5)."""
    type = engine.load(engine.bundled_policies()).vocabulary.type_of("data.categories")
    assert type
    assert says_less(wide, narrow, type.values) is less

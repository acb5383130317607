"""
What a permit rests on, in the decision: order and sources, approvals, travelled conditions, what matters only together, both languages.

What is named is a case in `backends/cases`; that it is never too little is tested at random beside this file.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

import engine
from engine.authoring.testing import build, cases
from engine.deciding.judgement import Judgement
from engine.decision import Decision
from tests.chance import share, some
from tests.engine.deciding.test_carried_conditions import CAME
from tests.engine.deciding.test_sign_off_scope import RULES, signed, written
from tests.engine.test_decision import BASE, LABELS, MORE, bundle, decide
from tests.engine.test_plan import DAY, THERE, travelling

SHOWN = {"dated": "2026-06-01", "covers": "yes"}
GROUND_TOO = {"id": "ground-too", "when": [{"evidence": {"has": "contract"}}], "satisfies": "contract"}
BESIDE = {"exporter.country": "review", "data.personal": "review", "data.categories": "review"}  # of every permit here


def named(decision: Decision) -> dict[str, str]:
    """Each statement with the worst outcome without it, in the order of the decision."""
    return {part.fact: part.without for part in decision.rests_on or ()}


def permit(pdp: engine.PDP | engine.Bundle, **facts: Any) -> Decision:
    """The decision on an exchange of some facts and BESIDE."""
    return decide(pdp, data__people_in="left out", **facts)


def test_only_a_permit_rests_on_something() -> None:
    """What is refused or open has no such member, in JSON neither."""
    made = bundle(LABELS)
    assert decide(made, data__label="bar").rests_on is None
    assert decide(made).rests_on is None
    assert named(decide(made, data__label="none"))["data.label"] == "prohibited"
    assert decide(made, data__label="none").exact is None


def test_the_document_comes_first_and_then_the_worst() -> None:
    """Then by name; what may only be missing together with others comes last."""
    found = named(permit(bundle(LABELS), data__label="need", evidence__certificate=SHOWN, evidence__contract=SHOWN))
    document, *others = found
    assert document == "evidence.certificate"
    without = [found[name] for name in others]
    assert without == sorted(without, key=["prohibited", "requirements_unmet", "review", "permitted"].index)
    unmet = dict.fromkeys(("exporter.country", "evidence.certificate"), "requirements_unmet")
    assert found == {**BESIDE, **unmet, "data.label": "prohibited"}


LIFTED = {
    "rules": [
        {"id": "bar", "when": {"data.label": "bar"}, "prohibit": "Nothing of this kind leaves."},
        {"id": "free", "when": {"data.label": "bar", "data.shared": "yes"}, "exempts": ["bar"]},
        {"id": "many", "when": {"data.files": {"more_than": 9}}, "review": "Counsel looks at it"},
    ]
}


@pytest.mark.parametrize("mode", engine.MODES)
def test_what_lifted_comes_before_counts_and_these_before_ordinary_facts(mode: str) -> None:
    """What the lift tests and what it lifts does not; the label is tested by both, and only decides that the bar is asked."""
    made = engine.PDP(bundle(LIFTED), mode)
    found = permit(made, data__label="bar", data__shared="yes", data__files=3)
    assert list(named(found))[:2] == ["data.shared", "data.files"]
    assert {part.fact for part in found.rests_on or () if part.ordinary} == {*BESIDE, "data.label"}
    # Where there is nothing to lift, the same fact is ordinary.
    idle = permit(made, data__label="none", data__shared="yes", data__files=3)
    assert all(part.ordinary for part in idle.rests_on or () if part.fact != "data.files")


@pytest.mark.parametrize(
    ("source", "first"), [({}, "evidence.contract"), ({"shown_until": {"evidence.contract": DAY}}, "evidence.certificate")]
)
def test_a_document_that_was_shown_is_no_longer_asked_for_first(source: dict[str, Any], first: str) -> None:
    """It stands among what lifted, behind what nobody has shown, even where more comes of its absence."""
    made = engine.PDP(bundle({"rules": [*LABELS["rules"], {"id": "both", "require": "contract"}, GROUND_TOO]}))
    exchange = build(
        made.bundle,
        {**BASE, "data.label": "need", "evidence.certificate": SHOWN, "evidence.contract": SHOWN, "data.people_in": "left out"},
    )
    judgement = made.judge(replace(exchange, **source), as_of=DAY)
    statements = made.rests_on(judgement)
    assert statements[0].fact == first
    answer = json.loads(made.answer(judgement, today=DAY, id="1").json())
    assert [each["fact"] for each in answer["rests_on"]] == [each.fact for each in statements if not each.ordinary]
    assert answer["more"]["ordinary_facts"] == sum(each.ordinary for each in statements) > 0
    assert answer["also_rests_on"] == [each.fact for each in statements if each.ordinary]


@pytest.mark.parametrize("mode", engine.MODES)
def test_every_mode_names_the_same_where_nothing_else_would_do(mode: str) -> None:
    """By a proposal or by evaluating again without each."""
    made = engine.PDP(bundle(LABELS), mode)
    for facts in ({"data__label": "none"}, {"data__label": "keep"}, {"data__label": "need", "evidence__certificate": SHOWN}):
        assert named(permit(made, **facts)) == named(permit(engine.PDP(made.bundle, "reference"), **facts))


def test_an_approval_is_a_statement_of_the_person_who_signed() -> None:
    """Without it there is a review, or what the doubtful lift lifts is back."""
    made = bundle(RULES)
    of_review = written(made, signed("watch"), data__label="watch").document()
    assert (part := next(each for each in of_review.rests_on if each.fact == "p/watch")).source == "signed"
    assert part.without == "review"
    of_lift = written(made, signed("lift"), data__label="bar", data__shared="yes").document()
    assert {"p/lift": "prohibited", "data.shared": "prohibited"}.items() <= named(of_lift).items()
    assert {each.source for each in of_lift.rests_on if each.fact != "p/lift"} == {"stated"}


def test_a_condition_that_came_with_the_data_makes_its_fact_a_statement() -> None:
    """Without the fact it may not be met."""
    friendly = {"condition": "The data stay with friends.", "when": {"recipient.country": "CC"}, "else": "prohibited"}
    pdp = travelling(friendly)
    for came, without in ((CAME, "prohibited"), ([], None)):
        exchange = engine.parse_exchange(pdp.bundle, json.dumps({**THERE, "carried": came}).encode())
        found = named(pdp.decide(exchange, as_of=DAY, today=DAY, id="1"))
        assert found.get("recipient.country") == without


def test_where_too_many_matter_only_together_every_statement_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The permit stands with everything that is not named unknown, also where the search for the fewest is given up."""
    made = engine.PDP(bundle(LABELS))
    facts = {"data__label": "need", "evidence__certificate": SHOWN, "data__files": 3}
    right = named(permit(made, **facts))
    assert not {"recipient.country", "data.files"} & right.keys()
    monkeypatch.setattr("engine.deciding.rests_on.MAX_PASSES", 0)
    assert named(permit(made, **facts)).keys() == {*right, "recipient.country", "data.files"}


def test_asked_for_it_names_only_what_matters_by_itself_and_says_so() -> None:
    """Of two facts that keep a review away one is named, so that the list is enough; exactly, neither matters."""
    pair = {"id": "pair", "when": {"data.sold": "yes", "data.shared": "yes"}, "review": "look at it"}
    made = engine.PDP(bundle({"rules": [pair]}))
    exchange = engine.accept_exchange(
        made.bundle,
        {
            "exporter": {"country": "AA"},
            "data": {"personal": False, "categories": [], "sold": False, "shared": False},
        },
    )
    usual, exact = (made.decide(exchange, as_of=DAY, today=DAY, id="1", include=include) for include in ((), ("rests_on",)))
    assert (usual.exact, exact.exact) == (None, True)
    # BB has a law that bars, and the country of the recipient is not known.
    beside = {**BESIDE, "exporter.country": "prohibited"}
    assert named(exact) == beside
    assert named(usual) in ({**beside, "data.sold": "permitted"}, {**beside, "data.shared": "permitted"})


def test_where_a_statement_is_from_is_named() -> None:
    """What the register states is registered, the rest is stated."""
    made = engine.PDP(bundle(LABELS))
    exchange = engine.accept_exchange(
        made.bundle,
        {"exporter": {"country": "AA"}, "data": {"personal": False, "categories": [], "label": "none"}},
    )
    registered = replace(exchange, sources={"data.label": "registered"})
    decision = made.decide(registered, as_of=DAY, today=DAY, id="1")
    assert {part.fact: part.source for part in decision.rests_on or ()} == {
        **dict.fromkeys(BESIDE, "stated"),
        "data.label": "registered",
    }


WANTED = b"organisation: acme\ntitle: Acme\nmust_be_shown: [data.label, evidence.certificate]\n"


@pytest.mark.parametrize("mode", engine.MODES)
def test_what_must_be_shown_does_not_count_while_it_is_only_stated(mode: str) -> None:
    """In every mode; the decision names it, in both languages, and the request is recorded as it was sent."""
    made = engine.PDP(bundle(LABELS, more=MORE), mode)
    wanting = engine.PDP(engine.load_sources({**made.bundle.sources, "acme.yaml": WANTED}), mode)
    facts = {"data__label": "need", "evidence__certificate": SHOWN}
    assert (permit(made, **facts).outcome, permit(made, **facts).must_be_shown) == ("permitted", None)
    refused = permit(wanting, **facts)
    assert (refused.outcome, refused.bounds.highest) == ("undetermined", "prohibited")
    assert refused.must_be_shown == ["data.label", "evidence.certificate"]
    assert refused.answer.endswith(" Stated, but must be shown to count: label and certificate.")
    assert [question.fact for part in refused.missing for question in part.facts] == ["data.label"]
    exchange = build(wanting.bundle, {**BASE, "data.label": "need", "evidence.certificate": SHOWN})
    chinese = wanting.decide(exchange, as_of=DAY, today=DAY, id="1", lang="zh")
    assert chinese.answer.endswith("以下事项仅有陈述，须出示后方予采信：label和certificate。")
    judged = wanting.judge(exchange, as_of=DAY).exchange
    assert judged.document == exchange.document
    assert wanting.judge(judged, as_of=DAY).exchange == judged


def test_what_is_not_merely_stated_counts_though_it_must_be_shown() -> None:
    """What the register states is not the sender's word."""
    made = bundle(LABELS, more=MORE)
    wanting = engine.PDP(engine.load_sources({**made.sources, "acme.yaml": WANTED}))
    exchange = build(wanting.bundle, {**BASE, "data.label": "none"})
    registered = replace(exchange, sources={"data.label": "registered"})
    outcomes = [wanting.decide(each, as_of=DAY, today=DAY, id="1").outcome for each in (exchange, registered)]
    assert outcomes == ["undetermined", "permitted"]


@pytest.mark.parametrize("mode", engine.MODES)
def test_a_document_that_somebody_checked_counts_until_its_last_day(mode: str) -> None:
    """In every mode: then the permit rests on it as shown; from the day after it is merely stated, and the horizon says so."""
    made = bundle(LABELS, more=MORE)
    words = b"organisation: acme\ntitle: Acme\nmust_be_shown: [evidence.certificate]\n"
    wanting = engine.PDP(engine.load_sources({**made.sources, "acme.yaml": words}), mode)
    exchange = build(wanting.bundle, {**BASE, "data.label": "need", "evidence.certificate": SHOWN})
    last = DAY + timedelta(days=9)
    shown = exchange.as_shown({"evidence.certificate": last, "evidence.contract": last})
    assert shown.shown_until == {"evidence.certificate": last}  # the other one is not presented
    assert shown.document == exchange.document
    decision = wanting.decide(shown, as_of=DAY, today=DAY, id="1", include=["holds_until"])
    assert (decision.outcome, decision.must_be_shown) == ("permitted", None)
    assert {part.fact: part.source for part in decision.rests_on or ()}["evidence.certificate"] == "shown"
    assert decision.holds_until is not None
    assert decision.holds_until.holds_until == last
    assert decision.holds_until.because == ["the check of the certificate ends on 2026-06-24"]
    ahead = wanting.ahead(wanting.judge(shown, as_of=DAY), DAY + timedelta(days=30))
    assert [(move.day, move.after, move.causes) for move in ahead.moves] == [
        (last + timedelta(days=1), "requirements_unmet", ("document",))
    ]
    for day, outcome in ((last, "permitted"), (last + timedelta(days=1), "requirements_unmet")):
        judged = wanting.judge(shown, as_of=day)
        assert judged.outcome.word == outcome
        assert judged.exchange.source("evidence.certificate") == ("shown" if outcome == "permitted" else None)
    chinese = wanting.decide(shown, as_of=DAY, today=DAY, id="1", include=["holds_until"], lang="zh")
    assert chinese.holds_until is not None
    assert "“certificate”的核验于" in chinese.holds_until.because[0]


def test_each_language_says_what_a_permit_rests_on() -> None:
    """With the title of the fact, where it is from, and what may come without it."""
    made = engine.PDP(bundle(LABELS))
    decision = decide(made, data__label="none", data__people__rest=0, relies_on=["certificate"])
    said = {
        lang: dict(engine.PlainText(language, made.bundle).sections(decision)) for lang, language in engine.LANGUAGES.items()
    }
    assert said["en"]["What the permit rests on"] == ["4 ordinary facts (`--json` lists them)"]
    assert said["zh"]["许可所依据的陈述"] == ["4项一般事实（`--json`列出全部）"]
    lifted = decide(made, data__label="need", data__people__rest=0, evidence__certificate=SHOWN)
    said = {lang: dict(engine.PlainText(language, made.bundle).sections(lifted)) for lang, language in engine.LANGUAGES.items()}
    assert said["en"]["What the permit rests on"] == [
        "certificate (stated): without it perhaps requirements unmet",
        "4 ordinary facts (`--json` lists them)",
    ]
    assert said["zh"]["许可所依据的陈述"][0] == "certificate（由请求方陈述）：如无此项，结果可能为要求未满足"
    book = engine.Phrasebook(made.bundle)
    assert [book.statement(name) for name in ("data.people.rest", "relies_on", "p/bar", "evidence.certificate")] == [
        "people in this exchange, all others",
        "what the exchange relies on",
        "p/bar",
        "certificate",
    ]


@pytest.mark.parametrize("every", [36, pytest.param(4, marks=pytest.mark.fuzz(weight=3))])
def test_what_it_rests_on_does_not_depend_on_the_order_of_what_was_sent(every: int) -> None:
    """A record has its request in an order of its own, and what was decided on it must be found again."""
    bundle = engine.load(engine.bundled_policies())
    pdp = engine.PDP(bundle, "bitset")
    draw, permits, number = random.Random(1), 0, 0
    trials = engine.trials(bundle, bundle)
    for trial in some(trials[::every], len(trials[::36])):
        number += 1
        try:
            exchange = engine.parse_exchange(bundle, trial.raw)
        except engine.ExchangeRefused:
            continue
        day = exchange.as_of or date(2026, 11, 27)
        names = list(exchange.values)
        draw.shuffle(names)
        found = pdp.judge(exchange, as_of=day)
        other = pdp.judge(replace(exchange, values={name: exchange.values[name] for name in names}), as_of=day)
        assert pdp.rests_on(found) == pdp.rests_on(other), trial.name
        permits += found.outcome.permits
    assert permits > number / (18 if share() is None else 36)  # of those that a share of the time leaves, fewer may be


def test_what_has_to_lie_within_a_document_is_proposed_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The people that an assessment covers are named without a search: one evaluation verifies the proposal."""
    made = engine.load(engine.bundled_policies())
    pdp = engine.PDP(made, "bitset")
    measured = [case for file in ("filing-guide", "cybersecurity-law") for case in _permits(pdp, made, file)]
    assert len(measured) > 5
    looked = []
    look = engine.PDP._look

    def counted(self: engine.PDP, *told: Any) -> Any:
        looked.append(told)
        return look(self, *told)

    monkeypatch.setattr(engine.PDP, "_look", counted)
    for judgement in measured:
        looked.clear()
        named = {each.fact for each in pdp.rests_on(judgement)}
        assert named & {"data.people.ordinary", "data.people.sensitive"}
        assert len(looked) <= 1 + ("relies_on" in named)


def _permits(pdp: engine.PDP, made: engine.Bundle, file: str) -> Iterator[Judgement]:
    """The permits among the cases of a file that present the impact assessment."""
    only = replace(made, tests=tuple(each for each in made.tests if each[0].endswith(f"cn/{file}.test.yaml")))
    for case in cases(only):
        judgement = pdp.judge(case.exchange, as_of=case.as_of)
        if judgement.outcome.permits and "evidence.cn-impact-assessment" in case.exchange.values:
            yield judgement

"""
Sign-off: what an approval changes, what it never changes, what it is bound to, and what the decision says of it (semantics 4.6).
"""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

import engine
from engine.authoring.testing import build, prepare
from engine.backends.bitset import Bitset
from engine.backends.durable import Durable
from engine.backends.reference import Reference
from engine.deciding.coverage import Coverage
from engine.deciding.sign_off_scope import can_be_signed, signable
from engine.policy_language.bundle_digests import printed_settings
from engine.values.outcome_levels import Level
from tests import chance as left_to_chance
from tests.engine.backends.agreement import counting
from tests.engine.backends.random_bundles import AS_OF, Maker, completed, read
from tests.engine.test_decision import BASE as COUNTRIES
from tests.engine.test_decision import DAY, Planted, bundle

UNTIL = date(2026, 12, 31)
BASE = {**COUNTRIES, "data.sold": "no", "data.shared": "no"}
RULES: dict[str, Any] = {
    "rules": [
        {"id": "watch", "title": "Labels are watched", "when": {"data.label": "watch"}, "review": "Counsel looks at it"},
        {"id": "also", "when": {"data.sold": "yes"}, "review": "Sales are looked at"},
        {"id": "bar", "when": {"data.label": "bar"}, "prohibit": "Nothing of this kind leaves."},
        {"id": "need", "when": {"data.label": "need"}, "require": "certificate"},
        {
            "id": "ground",
            "status": "unsure",
            "when": [{"evidence": {"has": "certificate"}}],
            "satisfies": "certificate",
            "duties": [{"duty": "keep it", "who": "exporter"}],
        },
        {"id": "lift", "title": "Sharing is free", "status": "unsure", "when": {"data.shared": "yes"}, "exempts": ["bar"]},
    ]
}


def signed(*provisions: str, until: date = UNTIL) -> list[engine.Approval]:
    """Approvals of provisions, all by one person."""
    return [engine.Approval(f"p/{each}", f"s-{each}", "counsel", until) for each in provisions]


def written(
    made: engine.Bundle, given: list[engine.Approval], include: tuple[str, ...] = (), lang: str = "en", **facts: Any
) -> Any:
    """What the two engines write on an exchange of some facts."""
    exchange = build(made, {**BASE, **{name.replace("__", "."): value for name, value in facts.items()}})
    pdp = engine.PDP(made)
    return pdp.write(exchange, as_of=DAY, today=DAY, id="1", include=include, lang=lang, signed=given)


@pytest.mark.parametrize(
    "seeds", [range(12), pytest.param(range(1_000, 2_000), marks=pytest.mark.fuzz(weight=5))], ids=["some", "many"]
)
def test_engines_agree_on_whatever_is_signed_off(seeds: range) -> None:
    """
    On random bundles with random provisions signed off every engine gives one verdict, and no prohibition yields to a review.

    What counts of the signatures decides alone, and nothing else changes what may be signed off: a signature elsewhere moves no bounds.
    """
    chance = random.Random(7)
    reviewed = lifted = idle = 0
    first = left_to_chance.seed(0)
    for seed in (first + number for number in left_to_chance.some(seeds, 12)):
        maker = Maker(seed)
        made = maker.bundle()
        engines = tuple(make(made.rules) for make in (Reference, Bitset, Durable))
        names = sorted({rule.provision.id for rule in made.rules.rules})
        doubtful = {rule.provision.id for rule in made.rules.rules if rule.doubtful}
        every = [maker.exchange() for _ in range(20)]
        for sent in every:
            exchange = read(made, completed(maker, sent, every) if chance.random() < 0.5 else sent)
            chosen = frozenset(chance.sample(names, chance.randint(1, len(names))))
            unsigned = engines[0].evaluate(exchange, AS_OF)
            meaning, *others = (each.evaluate(exchange, AS_OF, chosen) for each in engines)
            for other in others:
                assert not meaning.differences(other), f"seed {seed}"
            counted = counting(made, exchange, meaning, chosen)
            assert not meaning.differences(engines[0].evaluate(exchange, AS_OF, counted)), f"seed {seed}"
            reviewed += meaning.jurisdictions != unsigned.jurisdictions
            lifted += meaning.stands != unsigned.stands or meaning.requirements != unsigned.requirements
            offered = signable(unsigned, Coverage((), ()))
            for name in sorted(chosen.difference(offered))[:2]:
                alone = engines[1].evaluate(exchange, AS_OF, frozenset((name,)))
                assert (alone.jurisdictions, alone.owed) == (unsigned.jurisdictions, unsigned.owed), f"seed {seed}: {name}"
                idle += 1
            # Once a person has said that a doubtful law reaches, what it requires is certainly unmet, which is stricter.
            reached = any(rule.effect == "doubts" for rule in made.rules.rules)
            if not chosen & doubtful and not reached:
                for place, bounds in meaning.jurisdictions.items():
                    before, beneath = unsigned.jurisdictions[place], unsigned.beneath[place]
                    assert beneath.low <= bounds.low <= before.low
                    assert beneath.high <= bounds.high <= before.high
                    assert (bounds.low is Level.PROHIBITED) == (before.low is Level.PROHIBITED)
                if chosen.issuperset(offered):
                    assert meaning.jurisdictions == unsigned.beneath
    assert reviewed > 6
    assert lifted > 0
    assert idle > 160


def test_a_decision_without_sign_off_is_as_it_was() -> None:
    """It has no member that tells of sign-offs, and names what might be signed off beside the document."""
    found = written(bundle(RULES), [], data__label="watch")
    assert "signed_off" not in json.loads(found.json())
    assert found.signable == ("p/watch",)
    assert found.document().signed_off is None


def test_a_review_that_is_signed_off_lets_the_exchange_go_ahead_and_the_decision_says_so() -> None:
    """Who approved, which sign-off it was and until when stand in the decision, and the answer ends with it."""
    found = written(bundle(RULES), signed("watch"), data__label="watch").document()
    assert (found.proceed, found.outcome) == (True, "permitted")
    [part] = found.signed_off
    assert part.model_dump(mode="json") == {
        "provision": "p/watch",
        "accepts": "review",
        "sign_off": "s-watch",
        "by": "counsel",
        "until": "2026-12-31",
    }
    rests = " This rests on a sign-off that approves a review, valid until 2026-12-31: Labels are watched (a law, Art. 1)."
    assert found.answer.endswith(rests)
    assert written(bundle(RULES), signed("watch"), lang="zh", data__label="watch").document().answer.count("签核") == 1


def test_what_is_left_is_said() -> None:
    """Of two reviews, one signed off: the outcome stays a review, and its reason is the other one alone."""
    found = written(bundle(RULES), signed("watch"), data__label="watch", data__sold="yes").document()
    assert found.outcome == "review"
    assert "Sales are looked at" in found.answer or "sales are looked at" in found.answer
    assert "ounsel looks at it" not in found.answer


def test_a_doubtful_lift_that_is_accepted_frees_what_it_covers_and_the_decision_says_so() -> None:
    """
    A prohibition lifted in doubt is between review and prohibited. No fact could settle it, so a person must look at it.

    Once the lift is accepted it is gone, and the answer tells why.
    """
    made = bundle(RULES)
    before = written(made, [], data__label="bar", data__shared="yes")
    assert (before.outcome, before.signable) == ("review", ("p/lift",))
    assert (before.judgement.outcome.bounds.low.word, before.judgement.outcome.bounds.high.word) == ("review", "prohibited")
    assert before.answer.startswith("Do not proceed before a person has looked at it: ")
    after = written(made, signed("lift"), data__label="bar", data__shared="yes").document()
    assert (after.proceed, after.outcome) == (True, "permitted")
    assert [(part.provision, part.accepts) for part in after.signed_off] == [("p/lift", "lift")]
    assert "accepts an exemption or a ground that is in doubt, valid until 2026-12-31: Sharing is free" in after.answer


def test_a_doubtful_ground_that_is_accepted_brings_its_duties() -> None:
    """The requirement is met by it, and what the ground owes is owed."""
    shown: dict[str, Any] = {"evidence__certificate": {"dated": "2026-06-01", "covers": "yes"}}
    found = written(bundle(RULES), signed("ground"), data__label="need", **shown).document()
    assert (found.outcome, [duty.duty for duty in found.duties]) == ("permitted_with_obligations", ["keep it"])


def test_a_review_that_only_may_stand_is_not_signed_off() -> None:
    """While it is not known whether the data are sold, the approval of the review of sales permits nothing and is not told of."""
    made = bundle(RULES)
    for label, outcome in (("free", "undetermined"), ("watch", "undetermined")):
        found = written(made, signed("also", "watch"), data__label=label, data__sold="left out")
        assert (found.outcome, found.proceed) == (outcome, False)
        assert [part["provision"] for part in json.loads(found.json()).get("signed_off", ())] == ["p/watch"] * (
            label == "watch"
        )
    unsigned = written(made, [], data__label="watch", data__sold="left out")
    assert (unsigned.outcome, unsigned.signable) == ("review", ("p/watch",))
    [missing] = written(made, signed("watch"), data__label="watch", data__sold="left out").missing
    assert [question.fact for question in missing.facts] == ["data.sold"]


def test_what_is_asked_is_what_is_open_beside_the_sign_off() -> None:
    """A fact that moves nothing but what was signed off would seem to settle it, since the review comes back with any other fact."""
    first = {"id": "first", "when": {"data.grade": "core"}, "oblige": {"duty": "keep a copy", "who": "exporter"}}
    made = bundle({"rules": [first, *RULES["rules"]]})
    facts: dict[str, Any] = {"data__label": "watch", "data__sold": "left out"}
    assert written(made, [], **facts).outcome == "review"
    found = written(made, signed("watch"), **facts)
    assert (found.outcome, [[each.fact for each in part.facts] for part in found.missing]) == ("undetermined", [["data.sold"]])


def test_a_lift_that_only_may_stand_is_not_accepted() -> None:
    """While it is not known whether the data are shared, the approval of the exemption of sharing lifts nothing."""
    made = bundle(RULES)
    plain, after = (written(made, given, data__label="bar", data__shared="left out") for given in ([], signed("lift")))
    assert (plain.outcome, plain.signable) == ("undetermined", ())
    assert after.json() == plain.json()


def test_no_signature_takes_the_place_of_an_authority_s_order() -> None:
    """Of the exchanges that the bundled tests permit, none goes ahead where nothing is said of orders, whatever is approved."""
    made = engine.load(engine.bundled_policies())
    pdp = engine.PDP(made, "bitset")
    everything = [engine.Approval(rule.provision.id, "s", "counsel", UNTIL) for rule in made.rules.rules if can_be_signed(rule)]
    order, tried = "orders.suspension/stands", 0
    for file, _ in made.tests[::20]:
        for case in prepare(made, file):
            bars = case.exchange.document.get("act", {}).get("bars")
            if bars == [] and case.as_of >= date(2018, 5, 25) and pdp.outcome(case.exchange, case.as_of).permits:
                document = {**case.exchange.document, "act": {**case.exchange.document["act"], "bars": "unknown"}}
                silent = engine.parse_exchange(made, json.dumps(document).encode())
                found = pdp.judge(silent, as_of=case.as_of, signed=[replace(each, until=case.as_of) for each in everything])
                assert (found.outcome.word, order in found.signable) == ("undetermined", False), case.case
                assert found.unsignable(order) == "possible"
                assert found.awaited(made.rules, order) == ("act.bars",)
                assert order not in [part.provision for part in found.signed_off]
                tried += 1
    assert tried > 25


def test_what_to_find_out_before_a_sign_off_is_named() -> None:
    """What leaves the rule open, and what leaves open whether it is exempted; a document that is not there, or a field of it."""
    rules = {
        "rules": [
            {"id": "watch", "when": [{"data.label": "watch"}, {"evidence": {"has": "report"}}], "review": "look"},
            {"id": "also", "when": {"data.people.total": {"at_least": "10"}}, "review": "look"},
            {"id": "free", "when": {"data.sold": "yes"}, "exempts": ["watch"]},
            {"id": "doubt", "status": "unsure", "when": {"data.shared": "yes"}, "exempts": ["watch"]},
        ]
    }
    made = bundle(rules)
    pdp = engine.PDP(made)

    def first(provision: str, **facts: Any) -> tuple[str, ...]:
        told = {**BASE, **{name.replace("__", "."): value for name, value in facts.items()}}
        judged = pdp.judge(build(made, told), as_of=DAY)
        assert judged.unsignable(f"p/{provision}") == ("possible" if judged.awaited(made.rules, f"p/{provision}") else None)
        return judged.awaited(made.rules, f"p/{provision}")

    shown: dict[str, Any] = {"dated": "2026-06-01", "covers": "yes"}
    assert first("watch", data__label="watch") == ("evidence.report",)
    assert first("watch", data__label="watch", evidence__report={"dated": "2026-06-01"}) == ("evidence.report.covers",)
    assert first("watch", data__label="watch", evidence__report=shown) == ()
    assert first("watch", data__label="watch", evidence__report=shown, data__shared="unknown") == ()
    assert first("watch", data__label="watch", evidence__report=shown, data__sold="unknown") == ("data.sold",)
    assert first("watch", data__label="left out", data__sold="unknown") == ("data.label", "evidence.report", "data.sold")
    assert first("also", data__people__ordinary="5") == ("data.people.sensitive",)


def test_a_judgement_says_why_a_provision_cannot_be_signed_off() -> None:
    """
    Nothing of it is to be put away, it binds, it compels against another sovereign, there is none, or the engines disagree.

    It only may stand, or what it lifts in doubt stays in doubt.
    """
    duty = {"id": "duty", "oblige": {"duty": "keep a copy", "who": "exporter"}}
    order = {"id": "order", "compels": "hand it over"}
    foreign = {"policy": "foreign", "jurisdiction": "BB", "applies": {"recipient.country": "BB"}, "rules": [order]}
    pdp = engine.PDP(bundle({"rules": [*RULES["rules"], duty]}, foreign))

    def judged(**facts: Any) -> engine.Judgement:
        exchange = build(pdp.bundle, {**BASE, **{name.replace("__", "."): value for name, value in facts.items()}})
        return pdp.judge(exchange, as_of=DAY)

    names = ("p/watch", "p/also", "p/bar", "p/need", "p/duty", "p/lift", "p/none")
    assert [judged(data__label="watch").unsignable(each) for each in names] == [
        None, "nothing", "prohibits", "requires", "obliges", "nothing", "no-provision",
    ]  # fmt: skip
    assert judged(data__label="bar", data__shared="yes").unsignable("p/lift") is None
    assert judged(data__label="bar", data__shared="left out").unsignable("p/lift") == "possible"
    assert judged(data__label="left out").unsignable("p/watch") == "possible"
    assert judged(data__label="need", recipient__country="BB").unsignable("foreign/order") == "nothing"
    pdp.engines = (pdp.engines[0], Planted(pdp.bundle, lambda verdict: replace(verdict, jurisdictions={})))
    assert judged(data__label="watch").unsignable("p/watch") == "disagreement"


def test_a_lift_that_is_in_doubt_itself_is_signed_off_after_what_casts_the_doubt() -> None:
    """Its approval alone changes nothing, so none is offered; once the other lift is accepted, it is offered and frees."""
    chain = [
        RULES["rules"][2],
        {"id": "lift", "status": "unsure", "when": {"data.shared": "yes"}, "exempts": ["bar"]},
        {"id": "unless", "exempts": ["lift"]},
        {"id": "doubt", "status": "unsure", "exempts": ["unless"]},
    ]
    made = bundle({"rules": chain})
    facts: dict[str, Any] = {"data__label": "bar", "data__shared": "yes"}
    before, once, twice = (
        written(made, given, **facts) for given in ([], signed("lift"), signed("lift", "doubt"))
    )  # fmt: skip
    assert (before.outcome, before.signable) == ("review", ("p/doubt",))
    assert before.judgement.unsignable("p/lift") == "doubted"
    assert once.json() == before.json()
    assert written(made, signed("doubt"), **facts).signable == ("p/lift",)
    assert (twice.outcome, {part.provision for part in twice.document().signed_off}) == ("permitted", {"p/lift", "p/doubt"})


@pytest.mark.parametrize(("label", "name"), [("bar", "bar"), ("need", "need")])
def test_a_prohibition_and_a_requirement_are_never_touched(label: str, name: str) -> None:
    """Signing them off changes nothing, and nothing is said to be signed off."""
    made = bundle(RULES)
    unsigned, after = (written(made, given, data__label=label) for given in ([], signed(name)))
    assert after.json() == unsigned.json()
    assert f"p/{name}" not in unsigned.signable


def test_a_sign_off_ends() -> None:
    """After its last day it counts for nothing."""
    made = bundle(RULES)
    assert written(made, signed("watch", until=DAY), data__label="watch").outcome == "permitted"
    assert written(made, signed("watch", until=DAY - timedelta(days=1)), data__label="watch").outcome == "review"


def test_the_end_of_a_sign_off_is_the_end_of_what_it_permits() -> None:
    """`holds_until` is the last day of the sign-off, and says what comes then and why."""
    found = written(bundle(RULES), signed("watch"), include=("holds_until",), data__label="watch").document().holds_until
    assert (found.holds_until, found.then) == (UNTIL, "review")
    assert found.because == ["a sign-off ends on 2026-12-31"]


def test_engines_that_disagree_leave_nothing_to_sign_off() -> None:
    """Their review stays whatever was approved, and the decision tells of no approval."""

    class Liar:
        name = "bitset"

        def __init__(self, honest: Any) -> None:
            self.honest = honest

        def evaluate(self, exchange: engine.Exchange, as_of: date, given: frozenset[str] = frozenset()) -> Any:
            verdict = self.honest.evaluate(exchange, as_of, given)
            return replace(verdict, holds=verdict.doubted)

    made = bundle(RULES)
    pdp = engine.PDP(made)
    pdp.engines = (Liar(pdp.engines[0]), pdp.engines[1])
    exchange = build(made, {**BASE, "data.label": "watch"})
    found = pdp.write(exchange, as_of=DAY, today=DAY, id="1", signed=signed("watch"))
    assert (found.proceed, found.outcome, found.signable) == (False, "review", ())
    assert "signed_off" not in found.members


def test_what_a_decision_tells_of_its_approvals_decides_the_same_again() -> None:
    """A replay needs no more than the decision's own member."""
    made = bundle(RULES)
    every = signed("watch", "lift", "ground")
    first = written(made, every, ("holds_until", "trace"), data__label="watch", data__shared="yes")
    told = [engine.Approval.told(part.model_dump(mode="json")) for part in first.document().signed_off]
    again = written(made, told, ("holds_until", "trace"), data__label="watch", data__shared="yes")
    assert again.json() == first.json()


def test_the_meaning_of_a_provision_changes_with_what_it_rests_on_and_with_nothing_else() -> None:
    """Its own text, a definition it names, and what it lifts enter the digest; its neighbours do not."""

    def changed(number: int, **parts: Any) -> engine.Bundle:
        rules = [dict(rule) for rule in RULES["rules"]]
        rules[number] |= parts
        return bundle({**RULES, "rules": rules, "define": {"sensitive": {"data.sold": "yes"}}})

    plain = bundle({**RULES, "define": {"sensitive": {"data.sold": "yes"}}})
    meaning = engine.meaning_of(plain, "p/watch")
    assert meaning == engine.meaning_of(changed(1, review="Sales are looked at twice"), "p/watch")
    assert meaning != engine.meaning_of(changed(0, review="Counsel looks at it twice"), "p/watch")
    assert meaning != engine.meaning_of(changed(0, when={"data.label": "other"}), "p/watch")
    assert engine.meaning_of(plain, "p/lift") != engine.meaning_of(changed(2, prohibit="Nothing leaves at all."), "p/lift")
    uses = [bundle({**RULES, "rules": [{**RULES["rules"][0], "when": ["p/sensitive"]}], "define": {"sensitive": {"data.sold": word}}})
            for word in ("yes", "no")]  # fmt: skip
    assert len({engine.meaning_of(each, "p/watch") for each in uses}) == 2
    assert engine.meaning_of(plain, "p/nothing") is None
    assert engine.meaning_of(bundle(RULES, trust="from-memory"), "p/watch") != engine.meaning_of(bundle(RULES), "p/watch")


def test_the_digest_of_facts_leaves_out_the_day_and_the_counters() -> None:
    """Another day or another count of what went before is the same facts; any other difference is not."""
    made = engine.load(engine.bundled_policies())

    def digest(document: dict[str, Any]) -> str:
        return engine.facts_digest(made, engine.parse_exchange(made, json.dumps(document).encode()).document)

    facts = {"exporter": {"country": "CN"}, "recipient": {"country": "US"}, "data": {"personal": True}}
    same = [
        {**facts, "as_of": "2026-01-01"},
        {**facts, "counts": {"cn": {"sensitive": 12_000}}},
        {**facts, "counts": {"cn": {"sensitive": 900_000}, "cn_all": {"ordinary": 5}}, "schema": "fifthfactor/exchange/1"},
    ]
    assert {digest(each) for each in same} == {digest(facts)}
    assert digest({**facts, "recipient": {"country": "GB"}}) != digest(facts)
    assert digest({**facts, "data": {"personal": True, "people": {"sensitive": 5}}}) != digest(facts)


def test_a_digest_outlives_the_name_of_a_class() -> None:
    """What a bundle means does not hang on what a class of the engine is called: sign-offs are bound to it for years."""
    assert printed_settings(engine.PolicySettings()) == "Settings(trust='confirmed', norms='bind')"

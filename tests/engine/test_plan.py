"""
Plans: what travels from leg to leg, and that a plan is never milder than its legs.
"""

from __future__ import annotations

import json
import re
from datetime import date
from itertools import product
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

import engine
from engine.authoring.testing import build
from engine.deciding.carried_conditions import Carried
from engine.deciding.carried_conditions import raise_bounds as raised_by
from engine.plan import _strictest
from engine.rules import Truth
from engine.values.outcome_levels import Bounds, Level, outcome_word
from service.cli.main import app
from tests.engine.backends.test_cases import VOCABULARY, policy
from tests.engine.covering import covering

DAY = date(2026, 6, 15)
NOVEMBER = date(2026, 11, 24)
HERE: dict[str, Any] = {
    "exporter": {"country": "AA"},
    "recipient": {"country": "BB"},
    "data": {"personal": False, "categories": ["weather"], "people_in": [], "sold": True, "shared": False},
}
THERE: dict[str, Any] = {**HERE, "exporter": {"country": "BB"}, "recipient": {"country": "CC"}}
SHOWN = {"certificate": {"dated": "2026-06-01", "covers": True}}
KEEP = {"id": "keep", "when": {"data.personal": "yes"}, "oblige": {"duty": "keep a copy", "who": "exporter"}}
NEED = {"id": "need", "require": "certificate"}
GROUND = {"id": "ground", "when": [{"evidence": {"has": "certificate"}}], "satisfies": "certificate"}
SECRET = "The data are kept secret."
FRIENDS = "The data stay with friends."


def laws(*here: dict[str, Any], abroad: bool = True) -> engine.PDP:
    """A law of AA with these rules, and beside it one of BB that permits; by every engine."""
    there = {**policy({"policy": "q", "rules": [KEEP]}), "jurisdiction": "BB", "applies": {"exporter.country": "BB"}}
    written = [policy({"policy": "p", "rules": list(here)}), *([there] if abroad else [])]
    return engine.PDP(engine.load_sources(covering(VOCABULARY.read_bytes(), written)))


def travelling(travels: Any, **ground: Any) -> engine.PDP:
    """A law of AA whose certificate lays something on the data."""
    return laws(NEED, {**GROUND, **ground, "travels": travels})


def decide(pdp: engine.PDP, *legs: dict[str, Any], today: date = DAY, lang: str = "en") -> engine.PlanDecision:
    plan = engine.read_plan(pdp.bundle, json.dumps({"legs": legs}).encode())
    return engine.decide_plan(pdp, plan, as_of=DAY, today=today, id="plan", lang=lang)


def leg(exchange: dict[str, Any], after: Any = None, **more: Any) -> dict[str, Any]:
    return {"exchange": exchange, **({} if after is None else {"after": after}), **more}


FIRST = leg({**HERE, "evidence": SHOWN}, id="out")


# What travels


def test_a_condition_to_observe_travels_as_a_duty() -> None:
    """Nothing can be tested, so the later leg may go ahead and is told."""
    plan = decide(travelling(SECRET), FIRST, leg(THERE, "out", id="on"))
    out, on = plan.legs
    assert (out.decision.outcome, out.carried) == ("permitted", [])
    assert (on.after, on.decision.outcome, on.decision.proceed) == ("out", "permitted_with_obligations", True)
    assert on.decision.answer.endswith(
        "A condition came with the data (from leg out) and must be observed: The data are kept secret (a law, Art. 1)."
    )
    assert on.carried[0].model_dump(by_alias=True) == {
        "from": "out",
        "provision": "p/ground",
        "instrument": "a law",
        "citation": "Art. 1",
        "mark": "confirmed",
        "condition": SECRET,
        "state": "observe",
        "else": None,
        "asks": [],
        "certain": True,
    }
    assert (plan.outcome, plan.proceed) == ("permitted_with_obligations", True)


def test_without_an_earlier_leg_nothing_is_carried() -> None:
    """The same exchange on its own, or beside the other, has no condition."""
    plan = decide(travelling(SECRET), FIRST, leg(THERE, id="on"))
    assert plan.legs[1].carried == []
    assert plan.legs[1].decision.outcome == "permitted"


@pytest.mark.parametrize(
    ("recipient", "otherwise", "state", "outcome"),
    [
        ("CC", "prohibited", "met", "permitted"),
        ("DD", "prohibited", "violated", "prohibited"),
        ("DD", "review", "violated", "review"),
        ("unknown", "prohibited", "unknown", "undetermined"),
        ("unknown", "review", "unknown", "undetermined"),
    ],
)
def test_what_can_be_tested_is_met_violated_or_unknown(recipient: str, otherwise: str, state: str, outcome: str) -> None:
    """A later leg that does not meet it is what the provision says; one that may not is asked."""
    pdp = travelling({"condition": FRIENDS, "when": {"recipient.country": {"in": "FRIENDS"}}, "else": otherwise})
    plan = decide(pdp, FIRST, leg({**THERE, "recipient": {"country": recipient}}, "out", id="on"))
    carried, decision = plan.legs[1].carried[0], plan.legs[1].decision
    assert (carried.state, carried.else_, decision.outcome) == (state, otherwise, outcome)
    assert carried.asks == (["recipient.country"] if state == "unknown" else [])
    assert (plan.outcome, plan.proceed) == (outcome, outcome == "permitted")
    told = {part.jurisdiction: part.outcome for part in decision.jurisdictions}
    assert told.get("AA", "not told") == ("not told" if state == "met" else outcome)
    if state != "met":
        assert "The data stay with friends (a law, Art. 1)" in plan.answer
        assert decision.beneath.highest == otherwise


def test_a_document_that_is_not_shown_meets_nothing() -> None:
    """What a later leg has to show reads as it does in a ground."""
    pdp = travelling({"condition": "A report goes with them.", "when": {"evidence": {"has": "report"}}, "else": "review"})
    plan = decide(pdp, FIRST, leg(THERE, "out"), leg({**THERE, "evidence": {"report": SHOWN["certificate"]}}, "out"))
    assert [part.carried[0].state for part in plan.legs[1:]] == ["violated", "met"]


def test_a_condition_goes_on_from_leg_to_leg() -> None:
    """A third leg is bound by what the first laid on the data."""
    pdp = travelling({"condition": FRIENDS, "when": {"recipient.country": {"in": "FRIENDS"}}, "else": "prohibited"})
    last = {**THERE, "exporter": {"country": "CC"}, "recipient": {"country": "EE"}}
    plan = decide(pdp, FIRST, leg(THERE, "out", id="on"), leg(last, "on", id="end"))
    assert [(part.from_, part.state) for part in plan.legs[2].carried] == [("out", "violated")]
    assert plan.legs[2].decision.outcome == "prohibited"
    assert plan.answer.startswith(
        "Leg end holds this plan back. Do not proceed: this exchange does not meet a condition that came with the data (from leg out): "
    )


def test_only_what_stands_travels() -> None:
    """A certificate that was not shown carried nothing, and a refused plan stays refused."""
    pdp = travelling({"condition": FRIENDS, "when": {"recipient.country": {"in": "FRIENDS"}}, "else": "prohibited"})
    plan = decide(pdp, leg(HERE, id="out"), leg({**THERE, "recipient": {"country": "DD"}}, "out"))
    assert plan.legs[1].carried == []
    assert (plan.legs[1].decision.outcome, plan.outcome, plan.proceed) == ("permitted", "requirements_unmet", False)


def test_what_may_stand_may_travel() -> None:
    """Whether the certificate covers the first leg is not known: the second may be bound."""
    pdp = travelling({"condition": FRIENDS, "when": {"recipient.country": {"in": "FRIENDS"}}, "else": "prohibited"})
    open_ = {**HERE, "evidence": {"certificate": {"dated": "2026-06-01", "covers": "unknown"}}}
    plan = decide(pdp, leg(open_, id="out"), leg({**THERE, "recipient": {"country": "DD"}}, "out"))
    assert not plan.legs[1].carried[0].certain
    assert plan.legs[1].decision.outcome == "undetermined"
    assert (plan.legs[1].decision.bounds.lowest, plan.legs[1].decision.bounds.highest) == ("permitted", "prohibited")
    assert plan.legs[1].decision.answer.startswith(
        "Not decided: this exchange does not meet a condition that may have come with the data (from leg out): "
    )


def test_an_exemption_can_travel_too() -> None:
    """Whoever was free from the certificate is bound by what freed her."""
    free = {"id": "free", "when": [{"evidence": {"has": "certificate"}}], "exempts": ["certificate"], "travels": SECRET}
    pdp = laws(NEED, free)
    plan = decide(pdp, FIRST, leg(THERE, "out"))
    assert [part.condition for part in plan.legs[1].carried] == [SECRET]


def test_doubt_never_makes_a_bar() -> None:
    """What an unsure provision lays on the data is reviewed, whatever it says."""
    travels = {"condition": FRIENDS, "when": {"recipient.country": {"in": "FRIENDS"}}, "else": "prohibited"}
    pdp = travelling(travels, status="unsure")
    plan = decide(pdp, FIRST, leg({**THERE, "recipient": {"country": "DD"}}, "out"))
    assert (plan.legs[1].carried[0].else_, plan.legs[1].decision.outcome) == ("review", "review")


# The plan


def test_a_plan_is_as_strict_as_its_strictest_leg() -> None:
    """The mildest leg does not help."""
    pdp = travelling(SECRET)
    assert decide(pdp, FIRST).outcome == "permitted"
    assert decide(pdp, FIRST, leg(HERE)).outcome == "requirements_unmet"
    plan = decide(pdp, FIRST, leg(HERE, id="bare"), leg(HERE))
    assert plan.answer.startswith("Leg bare holds this plan back. Do not proceed yet")
    assert plan.answer.endswith("1 other leg holds it back as well.")


def test_a_leg_that_no_law_permits_keeps_the_plan_from_a_permit() -> None:
    """Not applicable is no permit, and a condition to observe makes none of it."""
    pdp = laws(NEED, {**GROUND, "travels": SECRET}, abroad=False)
    plan = decide(pdp, FIRST, leg(THERE, "out", id="on"))
    out, on = plan.legs
    assert (out.decision.outcome, on.decision.outcome) == ("permitted", "not_applicable")
    assert [part.state for part in on.carried] == ["observe"]
    assert (plan.outcome, plan.bounds.highest, plan.proceed) == ("not_applicable", "not_applicable", False)


def test_no_bounds_make_a_plan_a_permit_unless_every_leg_is_one() -> None:
    """Over all pairs of bounds."""
    every = [Bounds(low, high) for low in Level for high in Level if low <= high]
    permits = ("permitted", "permitted_with_obligations")
    for first, second in product(every, every):
        whole = _strictest([first, second])
        assert (outcome_word(whole) in permits) == (outcome_word(first) in permits and outcome_word(second) in permits)
        if outcome_word(first) == "prohibited":
            assert outcome_word(whole) == "prohibited"


def test_what_is_carried_never_makes_a_leg_milder_or_a_permit_of_none() -> None:
    """Over all bounds and all that can be carried."""
    pdp = travelling({"condition": FRIENDS, "when": {"recipient.country": "CC"}, "else": "prohibited"})
    rule = next(rule for rule in pdp.bundle.rules.rules if rule.travels)
    permits = ("permitted", "permitted_with_obligations")
    for low, high, certain, truth in product(Level, Level, (True, False), (None, *Truth)):
        if low > high:
            continue
        base = Bounds(low, high)
        raised = raised_by(base, [Carried("1", rule, certain, truth)], low >= Level.PERMITTED)
        assert raised.low >= low
        assert raised.high >= high
        assert not (outcome_word(raised) in permits and outcome_word(base) not in permits)
        if certain and truth is Truth.NO:
            assert outcome_word(raised) == "prohibited"


def test_a_plan_of_another_day_is_hypothetical() -> None:
    """It permits nothing."""
    plan = decide(travelling(SECRET), FIRST, leg(THERE, "out"), today=date(2026, 6, 16))
    assert (plan.proceed, plan.hypothetical, plan.outcome) == (False, True, "permitted_with_obligations")
    assert plan.answer == "Hypothetically, on 2026-06-15: Every leg of this plan may go ahead."


def test_a_plan_holds_until_its_first_leg_changes() -> None:
    """The certificate of the first leg runs out; and by then the condition is met or not as well."""
    pdp = travelling({"condition": FRIENDS, "when": {"recipient.country": {"in": "FRIENDS"}}, "else": "prohibited"})
    until = {**HERE, "evidence": {"certificate": {**SHOWN["certificate"], "expires": "2026-12-31"}}}
    plan = decide(pdp, leg(until, id="out"), leg(THERE, "out", id="on"))
    assert plan.holds_until
    assert (plan.holds_until.holds_until, plan.holds_until.then) == (date(2026, 12, 31), "requirements_unmet")
    assert plan.holds_until.because == ["leg out: certificate expires on 2026-12-31"]
    back = {**THERE, "exporter": {"country": "BB"}, "recipient": {"country": "BB"}}
    plan = decide(pdp, leg(until, id="out"), leg(back, "out", id="on"))
    assert plan.holds_until
    assert (plan.holds_until.holds_until, plan.holds_until.then) == (date(2026, 6, 30), "prohibited")
    assert plan.holds_until.because == ["leg on: BB is among friendly countries until 2026-06-30"]


def test_a_plan_is_told_in_the_language_that_is_asked_for() -> None:
    """Its own sentences, those of its legs, and what ends it; what is decided is the same."""
    pdp = travelling({"condition": FRIENDS, "when": {"recipient.country": {"in": "FRIENDS"}}, "else": "prohibited"})
    until = {**HERE, "evidence": {"certificate": {**SHOWN["certificate"], "expires": "2026-12-31"}}}
    legs = [leg(until, id="out"), leg({**THERE, "recipient": {"country": "DD"}}, "out", id="on"), leg(HERE, id="bare")]
    english, chinese = decide(pdp, *legs), decide(pdp, *legs, lang="zh")
    assert chinese.answer.startswith("环节on使本计划不能进行。不得进行：本次交换不满足数据附带的下列条件（来自环节out）：")
    assert chinese.answer.endswith("另有1个环节也使本计划不能进行。")
    assert chinese.holds_until
    assert all(text.startswith("环节") for text in chinese.holds_until.because)
    assert [part.decision.outcome for part in chinese.legs] == [part.decision.outcome for part in english.legs]
    assert decide(pdp, legs[0], lang="zh").answer == "本计划的每个环节均可进行。"
    on = {**THERE, "recipient": {"country": "DD"}}
    open_ = {**HERE, "evidence": {"certificate": {"dated": "2026-06-01", "covers": "unknown"}}}
    perhaps = decide(pdp, leg(open_, id="out"), leg(on, "out"), lang="zh").legs[1]
    assert perhaps.decision.answer.startswith("尚不能作出决定：本次交换不满足数据可能附带的下列条件（来自环节out）：")


# Reading


def refused(*legs: Any, **more: Any) -> list[tuple[str, str]]:
    with pytest.raises(engine.ExchangeRefused) as caught:
        engine.read_plan(travelling(SECRET).bundle, json.dumps({"legs": list(legs), **more}).encode())
    return [(problem.pointer, problem.code) for problem in caught.value.problems]


def test_every_problem_of_a_plan_is_told_at_its_place() -> None:
    """Keys, ids, earlier legs, and the exchanges themselves."""
    assert refused(
        {"id": "a", "exchange": {"exporter": {"contry": "AA"}}},
        {"id": "a", "exchange": {}},
        {"after": 2, "exchange": HERE, "when": "soon"},
        {"after": "d", "exchange": None},
        schema="fifthfactor/exchange/1",
        name="x",
    ) == [
        ("/name", "unknown-key"),
        ("/schema", "wrong-value"),
        ("/legs/0/exchange/exporter/contry", "unknown-fact"),
        ("/legs/1/id", "wrong-value"),
        ("/legs/2/when", "unknown-key"),
        ("/legs/3/after", "unknown-leg"),
        ("/legs/3/exchange", "not-json"),
    ]


@pytest.mark.parametrize("legs", [None, [], "none", [1], [{"exchange": {}}] * 17])
def test_a_plan_is_a_list_of_legs(legs: Any) -> None:
    """One to sixteen of them."""
    with pytest.raises(engine.ExchangeRefused, match="must be a list of 1 to 16 objects"):
        engine.read_plan(travelling(SECRET).bundle, json.dumps({"legs": legs}).encode())


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"legs": [], "legs": []}', b"\xff", b'{"legs": NaN}'])
def test_what_is_no_plan_is_refused(raw: bytes) -> None:
    """As strictly as an exchange."""
    with pytest.raises(engine.ExchangeRefused):
        engine.read_plan(travelling(SECRET).bundle, raw)


def test_a_leg_begins_where_the_one_before_it_ends() -> None:
    """A leg between is missing, or another is meant."""
    elsewhere = {**THERE, "exporter": {"country": "DD"}}
    assert refused(FIRST, leg(elsewhere, "out")) == [("/legs/1/after", "broken-chain")]


def test_legs_of_two_days_are_two_plans() -> None:
    """A plan is decided under the law of one day."""
    first, second = ({**HERE, "as_of": day} for day in ("2026-06-15", "2026-06-16"))
    assert refused(leg(first), leg(second)) == [("/legs/1/exchange/as_of", "wrong-value")]


def test_legs_without_ids_are_called_by_their_place() -> None:
    """And `after` may name a place, counted from 1."""
    plan = engine.read_plan(
        travelling(SECRET).bundle, json.dumps({"legs": [leg(HERE), leg(THERE, 1), leg(THERE, "1")]}).encode()
    )
    assert [(each.id, each.after) for each in plan] == [("1", ""), ("2", "1"), ("3", "1")]


# The contracts of the Greater Bay Area


@pytest.fixture(scope="module")
def bundled() -> engine.PDP:
    return engine.PDP(engine.load(engine.bundled_policies()))


def bay(pdp: engine.PDP, place: str) -> dict[str, Any]:
    """The exchange that the tests of the bay's contract with a place begin with."""
    text = yaml.load((engine.bundled_policies() / "cn" / f"gba-{place}.test.yaml").read_bytes(), Loader=yaml.BaseLoader)
    return dict(build(pdp.bundle, text["exchange"]).document)


def onward(origin: str, recipient: dict[str, str]) -> dict[str, Any]:
    """The same customers' data going on."""
    return {
        "exporter": {
            "country": origin,
            "kind": "company",
            "sectors": ["commerce"],
            "role": "controller",
            "organised_in": [origin],
            "targets": [origin],
        },
        "recipient": {
            "kind": "company",
            "role": "controller",
            "relation": "unrelated",
            "listed_on": [],
            "under": [],
            **recipient,
        },
        "data": {
            "personal": True,
            "state": "identified",
            "kind": "dataset",
            "categories": ["contact"],
            "grades": ["general"],
            "source": "received",
            "people_in": ["CN"],
            "collected_in": ["CN"],
            "stored_in": [origin],
            "lawful_source": True,
            "controls": [],
        },
        "act": {"kind": "provide", "trigger": "own", "bars": [], "security_concern": False},
        "purpose": {"is": ["service-provision"]},
    }


@pytest.mark.parametrize(
    ("place", "origin", "recipient", "state", "outcome"),
    [
        ("hong-kong", "HK", {"country": "SG"}, "violated", "prohibited"),
        ("hong-kong", "HK", {"country": "MO"}, "met", "review"),
        ("hong-kong", "HK", {"country": "CN", "zone": "CN-GBA"}, "met", "permitted_with_obligations"),
        ("hong-kong", "HK", {"country": "CN", "zone": "CN-FTZ-GD"}, "met", "permitted_with_obligations"),
        ("hong-kong", "HK", {"country": "CN", "zone": "none"}, "violated", "prohibited"),
        ("hong-kong", "HK", {"country": "CN"}, "unknown", "undetermined"),
        ("macau", "MO", {"country": "PT"}, "violated", "prohibited"),
        ("macau", "MO", {"country": "HK"}, "met", "requirements_unmet"),
    ],
)
def test_what_left_under_a_contract_of_the_bay_stays_in_the_bay(
    bundled: engine.PDP, place: str, origin: str, recipient: dict[str, str], state: str, outcome: str
) -> None:
    """Regulator's answer of January 2026; a leg inside the bay is what the law of its start says."""
    legs = {"legs": [leg(bay(bundled, place), id="out"), leg(onward(origin, recipient), "out", id="on")]}
    plan = engine.decide_plan(
        bundled,
        engine.read_plan(bundled.bundle, json.dumps(legs).encode()),
        as_of=NOVEMBER,
        today=NOVEMBER,
        id="1",
        ahead=False,
    )
    out, on = plan.legs
    assert out.decision.proceed
    assert [(part.provision, part.state) for part in on.carried] == [(f"cn.gba-{place}/contract", state)]
    proceeds = outcome == "permitted_with_obligations"
    assert (on.decision.outcome, plan.outcome, plan.proceed) == (outcome, outcome, proceeds)
    assert proceeds or plan.holds_until is None


def test_the_desk_decides_a_plan(bundled: engine.PDP, tmp_path: Any) -> None:
    """`fifthfactor plan FILE`, for people and as JSON; ends as `evaluate` does."""
    file = tmp_path / "plan.json"
    legs = [leg(bay(bundled, "hong-kong"), id="out"), leg(onward("HK", {"country": "SG"}), "out", id="on")]
    file.write_text(json.dumps({"legs": legs}), encoding="utf-8")
    runner = CliRunner()
    told = runner.invoke(app, ["plan", str(file), "--as-of", "2026-11-24", "--mode", "bitset"])
    assert told.exit_code == 1
    assert told.stdout.startswith("Leg on holds this plan back. ")
    assert "Do not proceed:" in told.stdout.partition("\n\n")[0]
    assert (
        "Leg out\nPROCEED" in told.stdout or "Leg out\nDO NOT PROCEED  permitted" in told.stdout
    )  # as of another day than today
    written = runner.invoke(app, ["plan", str(file), "--as-of", "2026-11-24", "--mode", "bitset", "--json"])
    assert json.loads(written.stdout)["legs"][1]["carried"][0]["state"] == "violated"
    chinese = runner.invoke(app, ["plan", str(file), "--as-of", "2026-11-24", "--mode", "bitset", "--lang", "zh"])
    assert chinese.exit_code == 1
    assert chinese.stdout.startswith("环节on使本计划不能进行。")
    assert "\n\n环节out\n" in chinese.stdout
    assert "事实不变，结果持续到" in chinese.stdout
    assert "The same facts give this outcome until" in told.stdout
    assert not re.search(r"\b(Leg|leg|until|Proceed)\b", chinese.stdout)
    assert runner.invoke(app, ["plan", str(file), "--lang", "xx"]).exit_code == 2
    file.write_text('{"legs": []}', encoding="utf-8")
    assert runner.invoke(app, ["plan", str(file)]).exit_code == 2

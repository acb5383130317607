"""
Plans under the bundled law, judged as a whole: unrelated legs, aggregates, honest onward chains with documents, and dishonest ones.

A company in China sends customers' data to Germany under a standard contract, with all documents; from there they may go on to countries
with an adequate level of protection. Chinese law lets nothing go to whom it has banned, wherever the data come from.
"""

from __future__ import annotations

import copy
import json
from datetime import date
from typing import Any

import pytest

import engine
from tests.engine.test_everyday_exchanges import exchange
from tests.engine.test_plan import HERE, KEEP, THERE, bay, decide, laws, leg, onward

DAY = date(2026, 11, 24)
BUNDLE = engine.load(engine.bundled_policies())
PDPS = {mode: engine.PDP(BUNDLE, mode) for mode in ("bitset", "checked")}
PERMIT = "permitted_with_obligations"


def deep(one: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """An exchange with other facts, by their names with dots; None leaves a fact out."""
    found = copy.deepcopy(one)
    for name, value in facts.items():
        *path, last = name.split(".")
        here = found
        for each in path:
            here = here.setdefault(each, {})
        here[last] = value
        if value is None:
            del here[last]
    return found


CONTRACT = "A hundred thousand people are no important data, and the contract carries them"
SENT = next(trial.raw for trial in engine.trials(BUNDLE, BUNDLE, "cn/automotive-2021") if trial.name == CONTRACT)


def out(**facts: Any) -> dict[str, Any]:
    """China to Germany under the standard contract, as a bundled test has it; `__` in the name of a fact is a dot."""
    return deep(json.loads(SENT), named(facts))


def on(country: str, *listed: str, sender: str = "DE", **facts: Any) -> dict[str, Any]:
    """The same customers' data going on from Germany."""
    of = {"collected_in": ["CN"], "stored_in": [sender], "source": "received", "grades": ["general"]}
    made = exchange(sender, country, "contact", about="CN", data=of, safeguards={"basis": ["contract"]})
    return deep(made, {"recipient.listed_on": list(listed), **named(facts)})


def weather(sender: str, country: str, **facts: Any) -> dict[str, Any]:
    return deep(exchange(sender, country, "weather", data={"grades": ["general"]}), named(facts))


def named(facts: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("__", "."): value for name, value in facts.items()}


def plan(*legs: dict[str, Any], mode: str = "bitset", lang: str = "en") -> engine.PlanDecision:
    read = engine.read_plan(BUNDLE, json.dumps({"legs": list(legs)}).encode())
    return engine.decide_plan(PDPS[mode], read, as_of=DAY, today=DAY, id="plan", ahead=False, lang=lang)


OUT = leg(out(data__id="customers"), id="out")
OTHER = {"data__derived": "other", "data__id": "suppliers"}
ANONYMOUS = {"data__state": "anonymised", "data__personal": False, "data__derived": "aggregated"}
NATIVE = {"exporter__cn_ciio": False}
PLANS: dict[str, tuple[list[dict[str, Any]], str]] = {
    # Honest chains, with their documents.
    "on to Britain": ([OUT, leg(on("GB"), "out")], PERMIT),
    "on to Switzerland": ([OUT, leg(on("CH"), "out")], PERMIT),
    "on to New Zealand": ([OUT, leg(on("NZ"), "out")], PERMIT),
    "on to two": ([OUT, leg(on("GB"), "out"), leg(on("CH"), "out")], PERMIT),
    "said to be the same": ([OUT, leg(on("GB", data__derived="same", data__id="customers"), "out")], PERMIT),
    "fewer people": ([OUT, leg(on("GB", data__people={"ordinary": 500, "sensitive": 0}), "out")], PERMIT),
    # A laboratory that the first exporter's law has banned.
    "the banned at once": ([leg(out(recipient__listed_on=["cn-banned"]))], "prohibited"),
    "the banned by two legs": ([OUT, leg(on("GB", "cn-banned"), "out")], "prohibited"),
    "the banned in Switzerland": ([OUT, leg(on("CH", "cn-banned"), "out")], "prohibited"),
    "the countered": ([OUT, leg(on("GB", "cn-countermeasure"), "out")], "prohibited"),
    "the banned beside an honest one": ([OUT, leg(on("GB"), "out"), leg(on("CH", "cn-banned"), "out")], "prohibited"),
    "who is banned is not said": ([OUT, leg(on("GB", recipient__listed_on="unknown"), "out")], "undetermined"),
    "the sanctioned, whom every law bars": ([OUT, leg(on("GB", "un-sanctions"), "out")], "prohibited"),
    # What does not end the whole, and what does.
    "called other data without an id": ([OUT, leg(on("GB", "cn-banned", data__derived="other"), "out")], "prohibited"),
    "called other data under the same id": (
        [OUT, leg(on("GB", "cn-banned", data__derived="other", data__id="Customers"), "out")],
        "prohibited",
    ),
    "other data": ([OUT, leg(on("GB", **OTHER), "out")], PERMIT),
    "other data to the banned": ([OUT, leg(on("GB", "cn-banned", **OTHER), "out")], "review"),
    "an aggregate of identified people": ([OUT, leg(on("GB", "cn-banned", data__derived="aggregated"), "out")], "prohibited"),
    # Legs that do not say where their data are from.
    "nothing is said of where they came from": ([OUT, leg(on("GB", "cn-banned"))], "undetermined"),
    "an honest leg that does not say either": ([OUT, leg(on("GB"))], "undetermined"),
    "said to be other data, with an id": ([OUT, leg(on("GB", **OTHER))], PERMIT),
    "said to be other data, without": ([OUT, leg(on("GB", data__derived="other"))], "undetermined"),
    "after another leg": (
        [OUT, leg(weather("IN", "DE"), id="in"), leg(on("GB", "cn-banned"), "in", id="on")],
        "undetermined",
    ),
    # Unrelated legs.
    "weather of India": ([OUT, leg(weather("IN", "SG"))], PERMIT),
    "weather of India and of Brazil": ([leg(weather("IN", "SG")), leg(weather("BR", "DE"))], "permitted"),
    "another company in Germany": (
        [leg(out(recipient__id="auto")), leg(on("GB", "cn-banned", exporter__id="bank"))],
        "review",
    ),
    "the same company in Germany": (
        [leg(out(recipient__id="auto")), leg(on("GB", "cn-banned", exporter__id="AUTO"))],
        "undetermined",
    ),
    # What legs contradict in each other.
    "more people": ([OUT, leg(on("GB", data__people={"ordinary": 100_001, "sensitive": 0}), "out")], "review"),
    "collected elsewhere": ([OUT, leg(on("GB", data__collected_in=["CN", "DE"]), "out")], "review"),
    "other people": ([OUT, leg(on("GB", data__people_in=["CN", "FR"]), "out")], "review"),
    "another role": ([leg(out(recipient__role="processor"), id="out"), leg(on("GB"), "out")], "review"),
    "another kind of party": ([leg(out(recipient__kind="university"), id="out"), leg(on("GB"), "out")], "review"),
    "more people, of whom some go to the banned": (
        [OUT, leg(on("GB", "cn-banned", data__people={"ordinary": 100_001, "sensitive": 0}), "out")],
        "prohibited",
    ),
    # Longer chains.
    "by three legs": (
        [OUT, leg(on("GB"), "out", id="on"), leg(on("CH", sender="GB", exporter__role="processor"), "on")],
        PERMIT,
    ),
    "the banned by three legs": (
        [OUT, leg(on("GB"), "out", id="on"), leg(on("CH", "cn-banned", sender="GB", exporter__role="processor"), "on")],
        "prohibited",
    ),
    "the banned behind an idle leg": (
        [leg(weather("IN", "CN"), id="in"), leg(OUT["exchange"], "in", id="out"), leg(on("GB", "cn-banned"), "out")],
        "prohibited",
    ),
    "back to where it came from": (
        [leg(weather("IN", "CH"), id="in"), leg(weather("CH", "IN", data__collected_in=["IN"]), "in")],
        "permitted",
    ),
    # Under the contract of the bay, whose condition travels.
    "inside the bay": (
        [leg(bay(PDPS["bitset"], "hong-kong"), id="out"), leg(onward("HK", {"country": "CN", "zone": "CN-GBA"}), "out")],
        PERMIT,
    ),
    "out of the bay": (
        [leg(bay(PDPS["bitset"], "hong-kong"), id="out"), leg(onward("HK", {"country": "SG"}), "out")],
        "prohibited",
    ),
}


@pytest.mark.parametrize(("legs", "outcome"), PLANS.values(), ids=PLANS)
def test_a_plan_is_judged_by_its_legs_and_as_a_whole(legs: list[dict[str, Any]], outcome: str) -> None:
    """Each with its outcome; a permit implies that no leg alone and no whole is refused."""
    found = plan(*legs)
    assert (found.outcome, found.proceed) == (outcome, outcome in ("permitted", PERMIT)), found.answer
    if found.proceed:
        assert all(part.decision.proceed for part in found.legs)
        assert not found.wholes
        assert not found.contradictions
        assert not found.unlinked


def test_there_are_thirty_plans_and_more() -> None:
    """Permitted ones and others."""
    assert len(PLANS) >= 30
    assert {outcome for _, outcome in PLANS.values()} == {"permitted", PERMIT, "review", "prohibited", "undetermined"}


@pytest.mark.parametrize("name", ["the banned by two legs", "other data", "who is banned is not said", "more people"])
def test_all_engines_judge_a_whole_alike(name: str) -> None:
    """The same wholes by every engine; nothing of a whole rests on one of them."""
    legs, _ = PLANS[name]
    bitset, checked = (plan(*legs, mode=mode) for mode in PDPS)
    assert (checked.outcome, checked.wholes, checked.contradictions) == (bitset.outcome, bitset.wholes, bitset.contradictions)


def test_the_banned_get_by_no_honest_plan_what_they_do_not_get_at_once() -> None:
    """Every later leg of every permitted plan of these customers' data, with a recipient that the first exporter's law has banned."""
    tried = 0
    for legs, outcome in PLANS.values():
        for number, each in enumerate(legs):
            others = each["exchange"]["data"].get("derived") == "other"
            if (
                outcome == PERMIT
                and each.get("after") == "out"
                and each["exchange"]["recipient"]["country"] != "CN"
                and not others
            ):
                banned = {**each, "exchange": deep(each["exchange"], {"recipient.listed_on": ["cn-banned"]})}
                found = plan(*legs[:number], banned, *legs[number + 1 :])
                alone = [part.decision for part in found.legs]
                assert alone[number].outcome == "review"  # the list is another state's
                assert all(each.proceed for each in alone[:number] + alone[number + 1 :])
                assert (found.outcome, found.proceed) == ("prohibited", False)
                tried += 1
    assert tried >= 7


def test_the_decision_names_who_cannot_get_it_by_whose_law() -> None:
    """In both languages, with the provision; the second leg alone is no more than a review, since the list is another state's."""
    legs, _ = PLANS["the banned by two legs"]
    english, chinese = (plan(*legs, lang=lang) for lang in ("en", "zh"))
    assert [part.decision.outcome for part in english.legs] == [PERMIT, "review"]
    (whole,) = english.wholes
    assert (whole.first, whole.leg, whole.outcome, whole.against) == ("out", "2", "prohibited", ["cn.pipl/art-42-banned"])
    assert english.answer == (
        "The legs of this plan hold it back together. From the exporter of leg out to the recipient of leg 2 this is prohibited"
        " (Personal Information Protection Law, Art. 42)."
    )
    assert (
        chinese.answer
        == "本计划各环节合起来不能进行。从环节out的提供方到环节2的接收方，结果为禁止（《个人信息保护法》第四十二条）。"
    )


def test_what_a_whole_does_not_know_is_asked() -> None:
    """The lists, by the first exporter's law."""
    found = plan(*PLANS["who is banned is not said"][0])
    assert found.wholes[0].asks
    assert found.wholes[0].asks.fact == "recipient.listed_on"


def test_a_permit_rests_on_what_says_that_data_are_other_data() -> None:
    """And only a permit does; a leg that leaves it open is asked."""
    found = plan(*PLANS["other data"][0])
    assert [(part.leg, part.fact, part.source) for part in found.rests_on or ()] == [
        ("2", "data.derived", "stated"),
        ("2", "data.id", "stated"),
    ]
    asked = plan(*PLANS["said to be other data, without"][0])
    assert asked.rests_on is None
    assert [(part.leg, part.of) for part in asked.unlinked] == [("2", "out")]
    assert "`data.derived: other`" in asked.answer


@pytest.mark.parametrize(
    ("name", "kind", "fact"),
    [
        ("more people", "people", "data.people.ordinary"),
        ("collected elsewhere", "places", "data.collected_in"),
        ("other people", "places", "data.people_in"),
        ("another role", "party", "exporter.role"),
        ("another kind of party", "party", "exporter.kind"),
    ],
)
def test_a_contradiction_is_named_and_nobody_signs_it_off(name: str, kind: str, fact: str) -> None:
    """Each leg by itself may go ahead, so no leg has anything to sign."""
    found = plan(*PLANS[name][0])
    assert [(part.kind, part.fact) for part in found.contradictions] == [(kind, fact)]
    assert [part.decision.proceed for part in found.legs] == [True, True]
    assert (found.bounds.lowest, found.bounds.highest) == ("review", "review")


def test_a_plan_holds_only_as_long_as_its_whole() -> None:
    """A bar of the first exporter's law against the last recipient, from a day on, ends what the decision says; each leg goes on."""
    bar = {
        "id": "bar",
        "in_force": {"from": "2026-09-01"},
        "when": {"recipient.country": "CC"},
        "prohibit": "Nothing goes there.",
    }
    pdp = laws(KEEP, bar)
    legs = [leg(HERE, id="out"), leg({**THERE, "recipient": {"country": "CC"}}, "out", id="on")]
    found = decide(pdp, *legs)
    assert (found.outcome, found.wholes) == ("permitted", [])
    assert found.holds_until
    assert (found.holds_until.holds_until, found.holds_until.then) == (date(2026, 8, 31), "prohibited")
    assert found.holds_until.provisions == ["p/bar"]
    later = engine.read_plan(pdp.bundle, json.dumps({"legs": legs}).encode())
    after = engine.decide_plan(pdp, later, as_of=date(2026, 9, 1), today=date(2026, 9, 1), id="plan")
    assert [part.decision.outcome for part in after.legs] == ["permitted", "permitted"]
    assert [(part.outcome, part.against) for part in after.wholes] == [("prohibited", ["p/bar"])]


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        ({"prohibit": "Nothing goes there."}, "prohibited"),
        ({"review": "look at it"}, "permitted"),
        ({"require": "certificate"}, "permitted"),
    ],
)
def test_of_the_whole_only_what_prohibits_is_asked(rule: dict[str, Any], outcome: str) -> None:
    """What else the first exporter's law asks of the last recipient stays with the legs; in every engine."""
    pdp = laws(KEEP, {"id": "there", "when": {"recipient.country": "CC"}, **rule})
    assert decide(pdp, leg(HERE, id="out"), leg(THERE, "out")).outcome == outcome


def test_a_lift_that_is_doubtful_leaves_a_review_of_the_whole() -> None:
    """And one that is sure leaves nothing."""
    bar = {"id": "bar", "when": {"recipient.country": "CC"}, "prohibit": "Nothing goes there."}
    free = {"id": "free", "when": {"data.sold": "yes"}, "exempts": ["bar"]}
    legs = [leg(HERE, id="out"), leg(THERE, "out")]
    assert decide(laws(KEEP, bar, free), *legs).outcome == "permitted"
    doubtful = decide(laws(KEEP, bar, {**free, "status": "unsure"}), *legs)
    assert (doubtful.proceed, doubtful.bounds.lowest, doubtful.bounds.highest) == (False, "review", "prohibited")


def test_the_claims_of_a_later_exporter_free_nothing_of_the_whole() -> None:
    """Unless the first exporter claims the same."""
    bar = {"id": "bar", "when": {"recipient.country": "CC"}, "prohibit": "Nothing goes there."}
    free = {"id": "free", "when": [{"claims": {"has": "necessity"}}], "exempts": ["bar"]}
    claim = {"claims": {"necessity": {"dated": "2026-06-01", "covers": True}}}
    pdp = laws(KEEP, bar, free)
    assert decide(pdp, leg(HERE, id="out"), leg({**THERE, **claim}, "out")).outcome == "prohibited"
    assert decide(pdp, leg({**HERE, **claim}, id="out"), leg({**THERE, **claim}, "out")).outcome == "permitted"


def counted(files: int, count: int, country: str = "AA", **more: Any) -> dict[str, Any]:
    """A leg with so many files, of which its exporter has sent so many this year, this leg included."""
    sent = deep(HERE, {"data.files": files, "counts.files": count, "exporter.country": country, "recipient.country": "CC"})
    return leg(sent, **more)


@pytest.mark.parametrize(
    ("legs", "outcomes", "outcome"),
    [
        ([counted(60, 60), counted(40, 40)], ["permitted", "permitted"], "permitted"),
        ([counted(60, 60), counted(60, 60)], ["permitted", "undetermined"], "undetermined"),
        ([counted(60, 60), counted(60, 120)], ["permitted", "prohibited"], "prohibited"),
        ([counted(30, 70), counted(40, 40)], ["permitted", "undetermined"], "undetermined"),
        ([counted(40, 40), counted(30, 30), counted(40, 40)], ["permitted", "permitted", "undetermined"], "undetermined"),
        ([counted(60, 60), counted(60, 60, "BB")], ["permitted", "permitted"], "permitted"),
    ],
)
def test_counters_add_up_over_the_legs(legs: list[dict[str, Any]], outcomes: list[str], outcome: str) -> None:
    """A leg may not leave out of its count what legs before it send; of another exporter nothing is added."""
    pdp = laws(KEEP, {"id": "many", "when": {"counts.files": {"more_than": 100}}, "prohibit": "Not so many."})
    found = decide(pdp, *legs)
    assert [part.decision.outcome for part in found.legs] == outcomes
    assert found.outcome == outcome


@pytest.mark.parametrize(
    ("derived", "data", "said"),
    [
        ("data.derivd", "data.label", "an exchange has no fact `data.derivd`"),
        ("data.label", "data.labl", "an exchange has no fact `data.labl`"),
        ("data.grade", "data.label", "`data.grade` must have the values `same`, `aggregated`, `other`"),
    ],
)
def test_what_legs_are_compared_by_is_checked(derived: str, data: str, said: str) -> None:
    """Each fact is there, and how data derive has the three values."""
    plans = {
        "derived": derived,
        "data": data,
        "aggregated": {},
        "people": "data.people",
        "places": ["data.people_in"],
        "party": {"recipient.place": "exporter.place"},
        "asks": [],
    }
    sources = dict(laws(KEEP).bundle.sources)
    sources["plans.yaml"] = json.dumps({"vocabulary": "plans", "plans": plans}).encode()
    with pytest.raises(engine.BundleRefused) as caught:
        engine.load_sources(sources)
    assert said in str(caught.value)


def granted(country: str, to: str, **facts: Any) -> dict[str, Any]:
    """A leg that conveys the right to use a data set of the weather, by a company that shows its title."""
    terms = {"purposes": ["research"], "territory": ["worldwide"], "term": "1 year", "exclusive": True, "sublicensable": False}
    proof = {"rights-beyond-the-book": {"dated": "2026-01-01", "covers": True}}
    sent = deep(weather("CN", country, rights__conveyed=["operate"]), {"terms": terms, "evidence": proof})
    return leg(deep(sent, {"exporter.id": "met", "recipient.id": to, "data.id": "weather", **named(facts)}), id=to)


def test_a_right_is_given_exclusively_once_in_a_plan() -> None:
    """Each leg may go ahead by itself, and so may both where neither is exclusive or they are of other data."""
    pdp = PDPS["bitset"]
    first, second = granted("DE", "mill"), granted("SG", "bank", data__id="Weather")
    assert [decide(pdp, each).outcome for each in (first, second)] == ["permitted"] * 2
    both = decide(pdp, first, second)
    assert (both.outcome, both.proceed) == ("requirements_unmet", False)
    assert [part.decision.outcome for part in both.legs] == ["permitted", "requirements_unmet"]
    assert decide(pdp, first, granted("SG", "bank", data__id="tides")).outcome == "permitted"
    assert decide(pdp, first, {**granted("SG", "mill"), "id": "again"}).outcome == "permitted"
    shared = (granted(country, to, terms__exclusive=False) for country, to in (("DE", "mill"), ("SG", "bank")))
    assert decide(pdp, *shared).outcome == "permitted"

"""
The decision document: what it says first, that it never permits by mistake, what it keeps to itself, what else it holds.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.authoring.testing import build
from engine.backends.bitset import Bitset
from engine.backends.durable import Durable
from engine.backends.reference import Reference
from engine.rules import Truth
from engine.values.outcome_levels import Bounds, Level
from engine.verdict import Verdict
from tests.engine.backends.test_cases import VOCABULARY, policy
from tests.engine.covering import covering

DAY = date(2026, 6, 15)
ROOT = Path(__file__).parents[2]
MORE = b"""
vocabulary: more
facts:
  exporter.id: {type: id, title: exporter, personal: yes}
  data.names: {type: set of id, title: names, personal: yes}
  data.born: {type: date, title: birthday, personal: yes}
  data.homes: {type: set of country, title: homes, personal: yes}
  data.ages: {type: count, by: sensitivity, title: ages, personal: yes}
registers:
  OLD-FRIENDS:
    title: old friends
    of: country
    source: made up
    status: confirmed
    entries:
      AA: {until: 2019-12-31}
      BB: {until: 2019-12-31}
      EE: {}
factor:
  value:
    title: value
    lines:
      price: {title: price, fact: data.price}
      grade: {title: grade, fact: data.grades, take: highest}
      people: {title: people, fact: data.people}
      names: {title: names, fact: data.names}
"""
BASE = {
    "exporter.country": "AA",
    "recipient.country": "AA",
    "data.personal": "no",
    "data.categories": [],
    "data.people_in": [],
}
LABELS: dict[str, Any] = {
    "rules": [
        {"id": "bar", "when": {"data.label": "bar"}, "prohibit": "Nothing of this kind leaves."},
        {"id": "watch", "when": {"data.label": "watch"}, "review": "Counsel looks at it"},
        {"id": "need", "when": {"data.label": "need"}, "require": {"any_of": ["certificate", "contract"]}},
        {"id": "ground", "when": [{"evidence": {"has": "certificate"}}], "satisfies": "certificate"},
        {"id": "keep", "when": {"data.label": "keep"}, "oblige": {"duty": "keep a copy", "who": "exporter"}},
    ]
}


def bundle(*policies: dict[str, Any], more: bytes = MORE, **settings: str) -> engine.Bundle:
    """A bundle of small policies, with the words of the cases and some of our own."""
    written = covering(VOCABULARY.read_bytes(), [policy(each) for each in policies])
    return engine.load_sources({**written, "words-more.yaml": more}, engine.PolicySettings(**settings))


def decide(pdp: engine.PDP | engine.Bundle, as_of: date = DAY, today: date = DAY, **facts: Any) -> engine.Decision:
    """The decision on an exchange; `__` in a fact's name is a dot."""
    made = pdp if isinstance(pdp, engine.PDP) else engine.PDP(pdp)
    flat = {name.replace("__", "."): value for name, value in facts.items()}
    return made.decide(build(made.bundle, {**BASE, **flat}), as_of=as_of, today=today, id="1")


# What it says first


NOTHING_FOUND = " Nothing was found against it in the law of Aland on anything (coverage AA/anything)."
ANSWERS: list[tuple[dict[str, Any], str, str]] = [
    ({"data__label": "none"}, "permitted", f"This may go ahead under the law of Aland.{NOTHING_FOUND}"),
    (
        {"data__label": "keep"},
        "permitted_with_obligations",
        f"This may go ahead under the law of Aland, with 1 duty: keep a copy.{NOTHING_FOUND}",
    ),
    (
        {"data__label": "need"},
        "requirements_unmet",
        "Do not proceed yet: 1 thing is required and not shown: certificate or contract (a law, Art. 1).",
    ),
    (
        {"data__label": "watch"},
        "review",
        "Do not proceed before a person has looked at it: Counsel looks at it (a law, Art. 1).",
    ),
    (
        {"data__label": "bar"},
        "prohibited",
        "Do not proceed: Nothing of this kind leaves (a law, Art. 1). Nothing makes this exchange lawful as it is.",
    ),
    (
        {"exporter__country": "BB"},
        "not_applicable",
        "No law that is modelled here speaks of this exchange, and that is not a permit: the law of Aland on anything does not"
        " reach it; the law of Beland on anything does not reach it.",
    ),
    (
        {"exporter__country": "CC"},
        "review",
        "Do not proceed before a person has looked at it: the law of CC is not modelled here, and the exporter is there.",
    ),
    (
        {"data__label": "unknown"},
        "undetermined",
        "Not decided under the law of Aland: the answers below can make it anything from permitted to prohibited. What is the label?",
    ),
]


@pytest.mark.parametrize(("facts", "outcome", "sentence"), ANSWERS, ids=[sentence for _, _, sentence in ANSWERS])
def test_the_answer_is_a_sentence(facts: dict[str, Any], outcome: str, sentence: str) -> None:
    """Each outcome has its sentence: what to do, and the first reasons for it."""
    decision = decide(bundle(LABELS), **facts)
    assert (decision.outcome, decision.answer) == (outcome, sentence)


@pytest.mark.parametrize(("facts", "outcome", "sentence"), ANSWERS, ids=[outcome for _, outcome, _ in ANSWERS])
def test_only_the_two_permitted_outcomes_proceed(facts: dict[str, Any], outcome: str, sentence: str) -> None:
    """`proceed` is true for permitted, with or without obligations, and for nothing else."""
    assert decide(bundle(LABELS), **facts).proceed is outcome.startswith("permitted")
    assert sentence.startswith("This may go ahead") is outcome.startswith("permitted")


@pytest.mark.parametrize("days", [-1, 1])
def test_a_hypothetical_decision_never_proceeds(days: int) -> None:
    """On the law of another day than today nothing may go ahead, and the sentence says so."""
    decision = decide(bundle(LABELS), today=DAY + timedelta(days=days), data__label="none")
    assert (decision.outcome, decision.proceed, decision.hypothetical) == ("permitted", False, True)
    assert decision.answer == f"Hypothetically, on 2026-06-15: This may go ahead under the law of Aland.{NOTHING_FOUND}"


def test_the_decision_leads_with_whether_to_proceed() -> None:
    """A reader who stops after a few lines has read `proceed`, `answer` and the outcome."""
    keys = list(json.loads(decide(bundle(LABELS), data__label="need").model_dump_json(by_alias=True)))
    assert keys[:5] == ["schema", "id", "proceed", "answer", "outcome"]


def test_a_decision_can_be_read_back() -> None:
    """The JSON of a decision is the whole of it."""
    for facts, _, _ in ANSWERS:
        decision = decide(bundle(LABELS), **facts)
        assert engine.Decision.model_validate_json(decision.model_dump_json(by_alias=True)) == decision


def test_the_same_exchange_has_the_same_decision() -> None:
    """Nothing of an earlier exchange stays behind in a PDP."""
    pdp = engine.PDP(bundle(LABELS))
    alone = {outcome: decide(bundle(LABELS), **facts) for facts, outcome, _ in ANSWERS}
    for facts, outcome, _ in [*ANSWERS, *reversed(ANSWERS)]:
        if outcome != "review":
            assert decide(pdp, **facts) == alone[outcome]


# Engines that fail or lie


class Planted:
    """An engine that answers by a function of what the reference says."""

    name = "planted"

    def __init__(self, made: engine.Bundle, answer: Any) -> None:
        self.honest = Reference(made.rules)
        self.answer = answer

    def evaluate(self, exchange: engine.Exchange, as_of: date, signed: frozenset[str] = frozenset()) -> Verdict:
        verdict: Verdict = self.answer(self.honest.evaluate(exchange, as_of))
        return verdict


def says(level: Level) -> Any:
    """An answer whose only difference is the outcome."""
    return lambda verdict: replace(verdict, jurisdictions={"AA": Bounds(level, level)})


def fails(verdict: Verdict) -> Verdict:
    raise RuntimeError("out of order")


LIES = {
    "that it is permitted": says(Level.PERMITTED),
    "that no law applies": says(Level.NOT_APPLICABLE),
    "that it is prohibited": says(Level.PROHIBITED),
    "that it may be prohibited": lambda v: replace(v, jurisdictions={"AA": Bounds(Level.PERMITTED, Level.PROHIBITED)}),
    "nothing": fails,
    "that a rule does not hold": lambda v: replace(v, holds={**v.holds, "p/bar": Truth.UNKNOWN}),
    "that a rule stands in doubt": lambda v: replace(v, doubted={**v.doubted, "p/bar": Truth.YES}),
    "that a requirement is met": lambda v: replace(v, requirements={**v.requirements, "report": frozenset()}),
    "that a duty is done": lambda v: replace(v, done={**v.done, "p/keep.1": Truth.YES}),
    "that another duty is owed": lambda v: replace(v, owed={**v.owed, "p/keep.1": Truth.UNKNOWN}),
    "that there is no jurisdiction": lambda v: replace(v, jurisdictions={}),
}


@pytest.mark.parametrize("place", [0, 1], ids=["first", "second"])
@pytest.mark.parametrize("lie", LIES)
def test_engines_that_disagree_never_permit(lie: str, place: int) -> None:
    """Whatever one of two engines says that the other does not, nobody proceeds, and the decision says why."""
    pdp = engine.PDP(bundle(LABELS))
    engines = list(pdp.engines)
    engines[place] = Planted(pdp.bundle, LIES[lie])
    pdp.engines = tuple(engines)
    for label in ("none", "keep", "bar"):
        decision = decide(pdp, data__label=label)
        if lie == "that it is permitted" and label == "none":
            continue  # no lie
        if lie == "that it is prohibited" and label == "bar":
            continue
        assert not decision.proceed
        assert not decision.engine.agreed
        assert decision.engine.disagreement
        stricter = label == "bar" or lie in ("that it is prohibited", "that it may be prohibited")
        assert decision.outcome == ("prohibited" if stricter else "review")
        assert decision.beneath == decision.bounds
        assert decision.answer == ("Do not proceed: the engines disagree on this exchange, so a person must look at it.")


@pytest.mark.parametrize("answer", [lambda v: replace(v, defined={}), lambda v: None], ids=["no definitions", "no verdict"])
def test_an_engine_that_answers_nonsense_is_an_engine_that_fails(answer: Any) -> None:
    """A verdict that cannot be read is a failure of the engine: a review by the other one's word."""
    pdp = engine.PDP(bundle(LABELS))
    pdp.engines = (pdp.engines[0], Planted(pdp.bundle, answer))
    decision = decide(pdp, data__label="none")
    assert (decision.outcome, decision.engine.agreed) == ("review", False)


def test_without_any_engine_there_is_no_decision() -> None:
    """Where every engine fails, the caller gets an exception and no document that could be misread."""
    pdp = engine.PDP(bundle(LABELS))
    pdp.engines = (Planted(pdp.bundle, fails), Planted(pdp.bundle, fails))
    with pytest.raises(engine.EnginesFailed, match="planted failed"):
        decide(pdp, data__label="none")


def test_each_mode_decides_alike_and_names_its_engines() -> None:
    """A decision says which engines decided; the document is otherwise the same."""
    made = bundle(LABELS)
    with pytest.raises(ValueError, match="no mode"):
        engine.PDP(made, "quick")
    for facts, _, _ in ANSWERS:
        decisions = {mode: decide(engine.PDP(made, mode), **facts) for mode in engine.MODES}
        assert [d.engine.engines for d in decisions.values()] == [list(names) for names in engine.MODES.values()]
        # Of statements that matter only together, each mode may name another (semantics 4.11).
        alike = {"engine": None, "rests_on": None}
        assert len({d.model_copy(update=alike).model_dump_json() for d in decisions.values()}) == 1


def test_the_durable_engine_decides_in_the_checked_mode() -> None:
    """The second engine is durable-rules, and not the first once more."""
    assert [type(one) for one in engine.PDP(bundle(LABELS)).engines] == [Bitset, Durable]


# What it keeps to itself

SECRETS: dict[str, Any] = {
    "exporter__id": "dr-li-na",
    "data__names": ["wang-fang"],
    "data__born": "1987-06-05",
    "data__homes": ["NO"],
    "evidence__certificate": {"dated": "2026-06-01", "covers": "yes", "attested_by": "notary-smith"},
    "claims__necessity": {"dated": "2026-06-01", "covers": "yes", "attested_by": "notary-jones"},
}
SECRET_WORDS = ("dr-li-na", "wang-fang", "1987-06-05", "notary-smith", "notary-jones")
NOSY: list[dict[str, Any]] = [
    {"id": "a", "when": {"exporter.id": "x", "data.label": "x"}, "review": "look"},
    {"id": "b", "unless": [{"exporter.id": "x"}], "review": "look"},
    {"id": "c", "unless": [{"data.names": {"has": "x"}}], "require": "certificate"},
    {"id": "d", "when": {"data.born": {"until": "2000-01-01"}}, "advise": "do it", "lane": "fast"},
    {"id": "e", "when": {"data.born": {"from": "2000-01-01"}}, "advise": "do it", "lane": "fast"},
    {"id": "f", "when": [{"evidence": {"has": "certificate"}}, {"claims": {"has": "necessity"}}], "satisfies": "certificate"},
    {"id": "g", "unless": [{"evidence.certificate.attested_by": "x"}], "prohibit": "no"},
    {"id": "h", "unless": [{"claims.necessity.attested_by": "x"}], "oblige": {"duty": "keep it", "who": "exporter"}},
    {"id": "i", "when": {"data.homes": {"has": "AA"}}, "prohibit": "no"},
    {"id": "j", "unless": [{"data.label": "x"}], "review": "look"},
]


def test_personal_values_are_not_in_the_decision() -> None:
    """Rules that test personal facts give reasons, and the values are said to be personal."""
    decision = decide(bundle({"rules": NOSY}), **SECRETS)
    told = decision.model_dump_json(by_alias=True)
    assert [word for word in SECRET_WORDS if word in told] == []
    tested = {line.fact: line.value for reason in decision.reasons for line in reason.evidence}
    assert tested["exporter.id"] == "personal"
    assert tested["data.names"] == "personal"
    assert decision.factor.account["value"]["names"].value == "personal"


def test_what_is_not_personal_is_told() -> None:
    """The test above would see a value: the same exchange's other values are in the decision."""
    told = decide(bundle({"rules": NOSY}), data__label="some-label", **SECRETS).model_dump_json(by_alias=True)
    assert "some-label" in told
    assert "2026-06-01" in told


def test_a_personal_family_is_not_in_the_account() -> None:
    """A line of the data factor account over a personal family says `personal`."""
    ages = MORE + b"      ages: {title: ages, fact: data.ages}\n"
    decision = decide(bundle({"rules": NOSY}, more=ages), data__ages__ordinary="7654321")
    assert "7654321" not in decision.model_dump_json(by_alias=True)


def test_a_failing_engine_does_not_give_values_away() -> None:
    """An exception may quote what it choked on; a personal value in it stays out of the decision."""

    def chokes(verdict: Verdict) -> Verdict:
        raise ValueError("cannot read 'dr-li-na'")

    pdp = engine.PDP(bundle({"rules": NOSY}))
    pdp.engines = (pdp.engines[0], Planted(pdp.bundle, chokes))
    assert "dr-li-na" not in decide(pdp, **SECRETS).model_dump_json(by_alias=True)


# What else it holds


def test_a_refused_exchange_owes_the_duties_of_its_refusal() -> None:
    """A duty that arises from a refusal is told where the jurisdiction certainly prohibits, and only there (3.6)."""
    report = {"duty": "report the attempt", "who": "exporter", "arises": "refusal"}
    made = bundle({"rules": [*LABELS["rules"], {"id": "report", "oblige": report}]})
    owed = {label: [d.duty for d in decide(made, data__label=label).duties] for label in ("bar", "watch", "none", "unknown")}
    assert owed == {"bar": ["report the attempt"], "watch": [], "none": [], "unknown": ["keep a copy"]}


def test_a_duty_has_its_last_day() -> None:
    """A duty says who owes what to whom, until when, and whether that day has passed."""
    due = {"within": "1 month", "after": "data.collected_on"}
    duty = {"duty": "file it", "who": "exporter", "cite": "Art. 9", "due": due, "keep": "3 years"}
    [part] = decide(bundle({"rules": [{"id": "r", "oblige": duty}]}), data__collected_on="2026-05-31").duties
    assert (part.duty, part.who, part.citation, part.keep) == ("file it", "exporter", "Art. 9", "3 years")
    assert (part.due, part.overdue, part.certain) == (date(2026, 6, 30), "no", True)


def test_reasons_say_where_they_stand() -> None:
    """A reason carries its citation, its mark, what it tested and the line of its file."""
    [reason] = decide(bundle(LABELS), data__label="watch").reasons
    assert (reason.provision, reason.citation, reason.mark, reason.force) == ("p/watch", "Art. 1", "confirmed", "law")
    assert (reason.standing, reason.effect) == ("certain", "review")
    file, _, line = reason.at.partition(":")
    lines = bundle(LABELS).sources[file].decode().splitlines()
    assert lines[int(line) - 1].strip() == "{"
    assert '   "id": "watch",' in lines[int(line) : int(line) + 7]
    assert ("data.label", "watch", "yes") in [(line.fact, line.value, line.truth) for line in reason.evidence]


def test_what_is_beaten_says_by_what() -> None:
    """A rule that would stand but for an exemption is told with the exemption."""
    made = bundle(
        {"rules": [{"id": "bar", "prohibit": "no"}, {"id": "lift", "when": {"data.sold": "yes"}, "exempts": ["bar"]}]}
    )
    [beaten] = decide(made, data__sold="yes").beaten
    assert (beaten.provision, beaten.by, beaten.certain, beaten.doubtful) == ("p/bar", ["p/lift"], True, False)
    assert decide(made, data__sold="no").beaten == []


def test_a_requirement_says_how_it_stands_and_what_meets_it() -> None:
    """A requirement that is asked for has its state, how to meet it, who asks, and by what it is met."""
    made = bundle(LABELS)
    shown: dict[str, Any] = {"evidence__certificate": {"dated": "2026-06-01", "covers": "yes"}}
    parts = {p.requirement: p for p in decide(made, data__label="need", **shown).requirements}
    assert {name: part.state for name, part in parts.items()} == {"certificate": "met", "contract": "unmet"}
    assert (parts["certificate"].met_by, parts["certificate"].required_by) == (["p/ground"], ["p/need"])
    assert parts["contract"].how == "sign one"
    assert decide(made, data__label="none", **shown).requirements == []


def test_beneath_is_what_remains_without_reviews() -> None:
    """`beneath` is without the reviews that certainly stand; one that only may, or a prohibition, stays (4.6)."""
    made = bundle(LABELS)
    assert decide(made, data__label="watch").beneath.highest == "permitted"
    assert decide(made, data__label="bar").beneath.highest == "prohibited"
    open_ = bundle({"rules": [{"id": "watch", "when": {"data.sold": "yes"}, "review": "look"}]})
    assert (decide(open_).outcome, decide(open_).beneath.highest) == ("undetermined", "review")
    # Whoever has read the law may sign for a gap, as long as it is known of what the data are.
    assert decide(made, exporter__country="CC").beneath.highest == "permitted"
    assert decide(made, exporter__country="CC", data__personal="left out").beneath.highest == "review"


def test_a_lane_that_meets_a_bar_is_a_notice() -> None:
    """An open lane lifts nothing: it is told beside the bar, and the outcome stays (4.7)."""
    made = bundle(LABELS, {"policy": "soft", "force": "soft", "rules": [{"id": "lane", "advise": "use it", "lane": "fast"}]})
    decision = decide(made, data__label="bar")
    assert [(part.kind, part.provisions) for part in decision.conflicts] == [("notice", ["soft/lane"])]
    assert decision.outcome == "prohibited"
    assert [(lane.lane, lane.state) for lane in decision.factor.lanes] == [("fast", "open")]
    assert decide(made, data__label="none").conflicts == []


def test_what_is_compelled_and_refused_is_a_conflict() -> None:
    """Where one sovereign compels what another refuses, the decision lists the conflict, which raises nothing (4.7)."""
    foreign = {
        "policy": "foreign",
        "jurisdiction": "BB",
        "applies": {"recipient.country": "BB"},
        "rules": [{"id": "order", "compels": "hand it over"}],
    }
    decision = decide(bundle(LABELS, foreign), data__label="need", recipient__country="BB")
    assert [(part.kind, part.provisions) for part in decision.conflicts] == [("conflict", ["foreign/order", "p/need"])]
    assert decision.conflicts[0].certain
    assert (decision.outcome, decision.proceed) == ("requirements_unmet", False)


def test_the_account_has_the_values_of_its_lines() -> None:
    """A line shows a fact as sent, the highest of several grades, a family by its members; what was not sent has no line."""
    decision = decide(bundle(LABELS), data__grades=["general", "core", "important"], data__people__ordinary="5")
    values = {name: line.value for name, line in decision.factor.account["value"].items()}
    assert values == {"grade": "core", "people": {"ordinary": 5}}


def test_the_account_has_fields_of_documents() -> None:
    """A line may name a field of a document: a date is told, who attested it is personal, and what was not sent has no line."""
    lines = MORE + (
        b"      dated: {title: dated, fact: evidence.certificate.dated}\n"
        b"      by: {title: by, fact: evidence.certificate.attested_by}\n"
    )
    made = bundle(LABELS, more=lines)
    shown = decide(made, evidence__certificate={"dated": "2026-06-01", "covers": "yes", "attested_by": "notary-jones"})
    account = shown.factor.account["value"]
    assert (account["dated"].value, account["by"].value) == ("2026-06-01", "personal")
    assert "notary-jones" not in shown.model_dump_json(by_alias=True)
    nothing = decide(made, data__grades=["core"]).factor.account["value"]
    assert nothing.keys() == {"grade"}


def test_a_part_of_which_nothing_was_sent_is_left_out_of_the_account() -> None:
    """What an exchange has nothing of is not printed, line by line."""
    assert "value" in decide(bundle(LABELS), data__grades=["core"]).factor.account
    assert decide(bundle(LABELS)).factor.account == {}


def test_an_institution_that_attests_is_told() -> None:
    """Where the vocabulary says that only an institution attests a kind of document, its name is no personal data."""
    kind = b"evidence:\n  entry: {title: entry, institution: yes}\nfactor:\n"
    made = bundle(LABELS, more=MORE.replace(b"factor:\n", kind) + b"      by: {title: by, fact: evidence.entry.attested_by}\n")
    sent = {"dated": "2026-06-01", "covers": "yes", "attested_by": "the land registry"}
    assert decide(made, evidence__entry=sent).factor.account["value"]["by"].value == "the land registry"


def test_the_jurisdictions_are_those_that_may_apply() -> None:
    """A jurisdiction that may apply is listed, a country without policies under its own code, one not known nowhere."""
    made = bundle({**LABELS, "applies": {"data.shared": "yes"}})
    expected: list[tuple[dict[str, Any], dict[str, str]]] = [
        ({"data__shared": "unknown"}, {"AA": "undetermined"}),
        ({"data__shared": "no"}, {}),
        ({"data__shared": "yes", "exporter__country": "CC", "data__label": "none"}, {"AA": "permitted", "CC": "review"}),
        ({"data__shared": "yes", "exporter__country": "unknown", "data__label": "none"}, {"AA": "permitted"}),
    ]
    for facts, places in expected:
        assert {part.jurisdiction: part.outcome for part in decide(made, **facts).jurisdictions} == places


def test_a_gap_in_coverage_is_listed() -> None:
    """What no policy covers is in the decision, with as what it is touched and whether it is reviewed (4.3)."""
    decision = decide(bundle(LABELS), recipient__country="CC")
    assert [(g.country, g.subject, g.touched_as, g.reviewed) for g in decision.coverage.not_modelled] == [
        ("CC", "all", ["recipient"], False)
    ]
    assert decision.coverage.jurisdictions == ["AA"]

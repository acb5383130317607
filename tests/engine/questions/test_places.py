"""
Places inside countries (semantics 1.6): where nobody is in one, none is asked for; and nothing proposed puts somebody in a place abroad.
"""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from typing import Any

import pytest
import yaml

import engine
from engine.authoring.testing import build
from engine.backends.bitset import Bitset
from engine.deciding.combine import Combiner
from engine.decision import Decision
from engine.exchange import Exchange
from engine.questions.levers import Levers
from engine.questions.possible_answers import AnswerBook
from engine.questions.remedies import Remedies
from tests.engine.backends.test_cases import VOCABULARY, policy
from tests.engine.questions.test_remedies import runner

DAY = date(2026, 6, 15)
BUNDLED = engine.load(engine.bundled_policies())
CANADA = ["CA-NL", "CA-PE", "CA-NS", "CA-NB", "CA-QC", "CA-ON", "CA-MB", "CA-SK", "CA-AB", "CA-BC", "CA-YT", "CA-NT", "CA-NU"]
# All that Canadian law asks of an export of contact data to another province, but for the place of the exporter.
EXPORT: dict[str, Any] = {
    "exporter.country": "CA", "exporter.kind": "company", "exporter.role": "controller", "exporter.targets": ["CA"],
    "recipient.country": "CA", "recipient.zone": "CA-ON", "recipient.kind": "company", "recipient.role": "processor",
    "recipient.relation": "unrelated", "recipient.under": [], "recipient.carve_outs": [], "recipient.listed_on": [],
    "data.kind": "dataset", "data.personal": "yes", "data.state": "identified", "data.categories": ["contact"], "data.grades": [],
    "data.controls": [], "data.people.ordinary": 500, "data.people.sensitive": 0, "data.people_in": ["CA"],
    "data.collected_in": ["CA"], "data.stored_in": ["CA"], "act.kind": "provide", "act.trigger": "own",
    "act.frequency": "repeated", "act.evades": "no", "act.bars": [], "act.security_concern": "no",
    "data.lawful_source": "yes", "purpose.is": ["service-provision"], "safeguards.basis": ["contract"],
}  # fmt: skip


def made(*rules: dict[str, Any], change: tuple[str, ...] = (), **more: Any) -> engine.Bundle:
    """One law over the words of the cases: AA has places and a rest, BB has two places and nothing else, CC and DD have none."""
    words = yaml.load(VOCABULARY.read_bytes(), Loader=yaml.BaseLoader)
    for fact in change:
        words["facts"][fact]["change"] = "yes"
    law = policy({"policy": "p", "applies": {"data.sold": "yes"}, "rules": list(rules), **more})
    return engine.load_sources(
        {"words.yaml": yaml.safe_dump(words, sort_keys=False).encode(), "law.yaml": json.dumps(law).encode()}
    )


LAW = made(
    {"id": "city", "when": {"exporter.place": "AA-city"}, "prohibit": "not from the city"},
    {"id": "east", "when": {"exporter.place": "BB-east"}, "review": "from the east"},
)


FACTS = {"data.sold": "yes", "data.personal": "no", "data.categories": ["weather"], "recipient.country": "AA"}


def decide(bundle: engine.Bundle, **facts: Any) -> Decision:
    exchange = build(bundle, {**FACTS, **facts})
    return engine.PDP(bundle, "bitset").decide(exchange, as_of=DAY, today=DAY, id="1")


def asked(decision: Decision) -> dict[str, list[str]]:
    """Every fact that is asked for, with its choices."""
    return {question.fact: question.values for part in decision.missing for question in part.facts}


def test_a_place_is_asked_for_where_the_country_has_one_that_matters() -> None:
    """The choices are the places of the country that was stated; the rest of it is one of them only where it has a rest."""
    for country, choices in {"AA": ["none", "AA-city", "AA-port"], "BB": ["BB-east", "BB-west"]}.items():
        decision = decide(LAW, **{"exporter.country": country})
        assert asked(decision) == {"exporter.place": choices}
        [part] = decision.missing
        assert part.settles


@pytest.mark.parametrize("country", ["CC", "DD", "NO"])
@pytest.mark.parametrize("place", ["left out", "unknown", "none"])
def test_in_a_country_without_places_nothing_is_asked_and_nothing_is_open(country: str, place: str) -> None:
    """No rule about places holds there, whether the place is left out, unknown or said to be none."""
    decision = decide(LAW, **{"exporter.country": country, "exporter.place": place})
    assert decision.missing == []
    assert not [part for part in decision.reasons if part.provision in ("p/city", "p/east")]


def test_the_country_is_asked_before_the_place() -> None:
    """Whose country is not known has no places to choose from yet."""
    for facts in ({}, {"exporter.country": "unknown"}, {"exporter.country": "unknown", "exporter.place": "unknown"}):
        assert set(asked(decide(LAW, **facts))) == {"exporter.country"}
    # Where the place was sent, only its own country can be the answer.
    book = AnswerBook(LAW, build(LAW, {"exporter.place": "AA-port"}), DAY)
    assert book.of("exporter.country").values == ["AA"]
    assert set(AnswerBook(LAW, build(LAW, {"exporter.place": "none"}), DAY).of("exporter.country").values) >= {"AA", "CC"}
    assert "BB" not in AnswerBook(LAW, build(LAW, {"exporter.place": "none"}), DAY).of("exporter.country").values


def test_the_answers_stand_for_all_places_of_the_country_and_no_others() -> None:
    """Each place that a rule tests, and one for all that no rule tells apart."""
    for country, places in {"AA": {"none", "AA-city"}, "BB": {"BB-east", "BB-west"}}.items():
        found = AnswerBook(LAW, build(LAW, {"exporter.country": country}), DAY).of("exporter.place")
        assert set(found.values) == places
        assert found.whole


def test_no_remedy_moves_a_recipient_out_of_its_place() -> None:
    """A country in which the stated place does not lie is no remedy; where no place was stated it is one."""
    law = made({"id": "r", "when": {"recipient.country": "AA"}, "prohibit": "not to AA"}, change=("recipient.country",))
    facts = {**FACTS, "exporter.country": "AA"}
    assert countries_proposed(law, build(law, facts))
    assert not countries_proposed(law, build(law, {**facts, "recipient.place": "AA-port"}))
    free = countries_proposed(law, build(law, {**facts, "recipient.place": "none"}))
    assert free
    assert "BB" not in free


def test_no_remedy_joins_a_country_and_a_place_of_another() -> None:
    """Where both may change, a country that permits only while its place is one abroad is no remedy."""
    law = made(
        {"id": "r", "when": {"recipient.country": ["AA", "CC", "DD", "EE", "NO"]}, "prohibit": "only to BB"},
        {"id": "s", "when": {"recipient.place": "BB-east"}, "prohibit": "not to the east"},
        {"id": "t", "when": {"recipient.place": "AA-port"}, "prohibit": "not to the port"},
        change=("recipient.country", "recipient.place"),
    )
    for place in ("left out", "AA-port", "none"):
        assert not found(law, build(law, {**FACTS, "exporter.country": "AA", "recipient.place": place}))


def test_the_levers_remember_by_what_was_sent() -> None:
    """The answers found for one exchange are not those of another, in another country."""
    law = made({"id": "r", "when": {"recipient.place": "AA-port"}, "prohibit": "no"}, change=("recipient.country",))
    levers = Levers(law)
    number = levers.names.index("recipient.country")
    free = levers.values(number, build(law, {"recipient.country": "CC"}), DAY)
    bound = levers.values(number, build(law, {"recipient.country": "AA", "recipient.place": "AA-port"}), DAY)
    assert (free, bound) == (["AA", "BB"], [])
    assert levers.values(number, build(law, {"recipient.country": "CC"}), DAY) == free


def found(bundle: engine.Bundle, exchange: Exchange) -> list[Any]:
    backend, combine = Bitset(bundle.rules), Combiner(bundle)

    def evaluate(changed: Exchange, as_of: date) -> Any:
        verdict = backend.evaluate(changed, as_of)
        return verdict, combine.outcome(changed, verdict, as_of)

    return Remedies(bundle).find(exchange, DAY, evaluate, runner(bundle)).remedies


def countries_proposed(bundle: engine.Bundle, exchange: Exchange) -> set[Any]:
    return {each.to for remedy in found(bundle, exchange) for each in remedy.changes if each.fact == "recipient.country"}


# --- the law of Quebec -----------------------------------------------------------------------------------------------


@cache
def deciding() -> engine.PDP:
    return engine.PDP(BUNDLED, "bitset")


def exported(**facts: Any) -> Decision:
    exchange = build(BUNDLED, {**EXPORT, **facts})
    return deciding().decide(exchange, as_of=date(2026, 11, 24), today=date(2026, 11, 24), id="1")


def test_an_export_from_quebec_needs_its_assessment() -> None:
    """And one from Ontario does not: the boundary is the province."""
    decision = exported(**{"exporter.zone": "CA-QC"})
    assert (decision.outcome, decision.proceed) == ("requirements_unmet", False)
    assert "ca.quebec/s-17" not in {part.provision for part in exported(**{"exporter.zone": "CA-ON"}).reasons}


def test_who_is_somewhere_in_canada_is_asked_where() -> None:
    """The choices are its thirteen provinces and territories."""
    decision = exported()
    assert decision.outcome == "undetermined"
    assert asked(decision) == {"exporter.zone": CANADA}


@pytest.mark.parametrize("country", ["KE", "JP", "DE", "HK"])
def test_nobody_abroad_is_asked_for_a_province(country: str) -> None:
    """Countries without places are not asked for one, in whatever policy a rule tests it."""
    facts = {
        "exporter.country": country,
        "recipient.country": country,
        "recipient.zone": "left out",
        "exporter.role": "left out",
    }
    assert not {"exporter.zone", "recipient.zone"} & set(asked(exported(**facts)))


def test_the_lists_that_are_complete_are_so() -> None:
    """Thirteen provinces and territories of Canada; fifty states of the United States and the District of Columbia."""
    zone = BUNDLED.vocabulary.values["zone"]
    assert list(zone.of_country("CA")) == CANADA
    assert len(zone.of_country("US")) == 51
    assert {"none", "CN-GBA", "CN-FTZ-SH"} < set(zone.of_country("CN"))
    assert zone.of_country("AE") == ("none", "AE-DIFC", "AE-ADGM")
    assert zone.of_country("KE") == ()

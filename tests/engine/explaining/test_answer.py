"""
The answer over the bundled policies: short whatever is sent, of its model, and never open without a question.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

import engine
from engine.answer import MOST_BYTES
from engine.explaining.answer_room import MOST, fit_items
from engine.values.outcome_levels import Level

DAY = date(2026, 11, 24)
ID = "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"
BUNDLE = engine.load(engine.bundled_policies())
MEXICO: dict[str, Any] = {"exporter": {"country": "MX"}, "recipient": {"country": "US"}}
LITTLE: tuple[dict[str, Any], ...] = (
    {},
    {"exporter": {"country": "CN"}},
    {"exporter": {"country": "US"}},
    {"recipient": {"country": "DE"}},
    {"data": {"personal": True}},
    {"data": {"kind": "model-weights"}},
    {"evidence": {"cn-standard-contract": {"dated": "2026-01-01", "covers": True}}},
)


@pytest.fixture(scope="module")
def pdp() -> engine.PDP:
    """One engine; what is written does not depend on which."""
    return engine.PDP(BUNDLE, "bitset")


def held(pdp: engine.PDP, judgement: engine.Judgement, lang: str) -> dict[str, Any]:
    """The answer to a judged exchange, held to its model and its size."""
    written = pdp.answer(judgement, today=DAY, id=ID, lang=lang)
    assert len(written.json().encode()) <= MOST_BYTES == 4_096
    answer: dict[str, Any] = json.loads(written.json())
    engine.Answer.model_validate(answer)
    asked = len(answer["questions"])
    assert asked in {"undetermined": range(1, 4), "review": range(4)}.get(answer["outcome"], range(1)), answer
    return answer


def every(step: int) -> Iterator[tuple[engine.Exchange, date]]:
    """One in so many test exchanges of the bundled policies, with the day of its law."""
    for trial in engine.trials(BUNDLE, BUNDLE)[::step]:
        exchange = engine.parse_exchange(BUNDLE, trial.raw)
        yield exchange, trial.as_of or exchange.as_of or DAY


def test_an_answer_has_at_most_four_kilobytes_and_what_is_open_is_asked(pdp: engine.PDP) -> None:
    """In both languages; both say the same but for the words."""
    outcomes = set()
    for exchange, day in every(30):
        judgement = pdp.judge(exchange, as_of=day)
        english, chinese = (held(pdp, judgement, lang) for lang in ("en", "zh"))
        same = ("proceed", "outcome", "bounds", "beneath", "engine", "bundle", "verdict")
        assert [english.get(name) for name in same] == [chinese.get(name) for name in same]
        assert [each["fact"] for each in english["questions"][:1]] == [each["fact"] for each in chinese["questions"][:1]]
        outcomes.add(english["outcome"])
    assert len(outcomes) == 7


@pytest.mark.parametrize("sent", LITTLE, ids=json.dumps)
def test_who_says_nothing_or_one_thing_is_asked_and_never_permitted(pdp: engine.PDP, sent: dict[str, Any]) -> None:
    """Most is open, and the answer is as short."""
    judgement = pdp.judge(engine.parse_exchange(BUNDLE, json.dumps(sent).encode()), as_of=DAY)
    for lang in engine.LANGUAGES:
        answer = held(pdp, judgement, lang)
        assert (answer["proceed"], answer["outcome"]) == (False, "undetermined")


def test_what_a_list_leaves_out_is_counted(pdp: engine.PDP) -> None:
    """What is shown and what is left out are together what the explanation has."""
    left: dict[str, int] = {}
    for exchange, day in every(50):
        judgement = pdp.judge(exchange, as_of=day)
        answer = held(pdp, judgement, "en")
        more = answer["more"]
        if not more.keys() & {"owed", "rests_on", "jurisdictions"}:
            continue
        whole = json.loads(pdp.tell(judgement, today=DAY, id=ID, asking=False).json())  # none of the parts below is a question
        for name, of in (("owed", "duties"), ("jurisdictions", "jurisdictions"), ("rests_on", "rests_on")):
            ordinary = more.get("ordinary_facts", 0) if name == "rests_on" else 0
            elsewhere = answer["elsewhere"]["count"] if name == "jurisdictions" and "elsewhere" in answer else 0
            assert len(answer.get(name, ())) + more.get(name, 0) + ordinary + elsewhere == len(whole.get(of, ()))
            left[name] = left.get(name, 0) + more.get(name, 0)
    assert all(left.values()), left


@pytest.mark.parametrize("most", [MOST_BYTES, 2_000])
def test_what_a_permit_rests_on_and_has_no_room_for_is_named_and_then_counted(
    pdp: engine.PDP, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """In the same order; nearly all of it in four kilobytes, and in fewer bytes the first ones."""
    monkeypatch.setattr("engine.explaining.answer_writer.MOST_BYTES", most)
    permits = named = counted = 0
    for exchange, day in every(40):
        judgement = pdp.judge(exchange, as_of=day)
        if judgement.outcome.permits:
            whole = [each.fact for each in pdp.rests_on(judgement)]
            answer = held(pdp, judgement, "en")
            also = answer.get("also_rests_on", [])
            told = [*(each["fact"] for each in answer["rests_on"]), *also]
            assert told == whole[: len(told)]
            assert len(told) + answer["more"].get("also_rests_on", 0) == len(whole)
            written = pdp.answer(judgement, today=DAY, id=ID)
            assert written.also_rests_on == tuple(also)
            assert len(written.json().encode()) <= most or not also
            permits, named, counted = permits + 1, named + len(also), counted + answer["more"].get("also_rests_on", 0)
    assert permits > 20
    assert named > 10 * permits if most == MOST_BYTES else 0 < counted > permits
    assert most < MOST_BYTES or counted * 20 < named


def test_the_documents_and_claims_of_a_permit_are_what_its_answer_leads_with(pdp: engine.PDP) -> None:
    """Nine in ten of them at least, however much else it rests on; of the kind of the data there is only the name."""
    named = given = permits = 0
    for exchange, day in every(40):
        judgement = pdp.judge(exchange, as_of=day)
        if judgement.outcome.permits:
            permits += 1
            found = {each.fact for each in pdp.rests_on(judgement) if each.fact.startswith(("evidence.", "claims."))}
            answer = [each["fact"] for each in held(pdp, judgement, "en")["rests_on"]]
            assert "data.kind" not in answer
            assert found.isdisjoint(answer[len(found) :])
            named, given = named + len(found), given + len(found.intersection(answer))
    assert permits > 20
    assert given * 10 >= named * 9 > 0


def test_a_refusal_of_more_than_three_things_has_each_as_an_item_and_three_in_its_sentence(pdp: engine.PDP) -> None:
    """One that is of up to three has no list, since its sentence has them all; what does not fit is counted."""
    of_many = 0
    for exchange, day in every(13):
        answer = held(pdp, pdp.judge(exchange, as_of=day), "en")
        items = answer.get("items", [])
        if answer["outcome"] in ("undetermined", "permitted", "permitted_with_obligations", "not_applicable"):
            assert not items
        if items:
            told = [each for each in items if each in answer["answer"]]
            assert items[: len(told)] == told
            assert 1 <= len(told) <= 3, answer["answer"]
            assert len(items) + answer["more"].get("items", 0) > 3
            of_many += 1
    assert of_many > 10


def test_a_refusal_tells_what_it_turns_on_and_counts_the_rest(pdp: engine.PDP) -> None:
    """One duty, but for those that the refusal brings; gaps that raise it, or one; how to meet a requirement, or the ways."""
    cut: Counter[str] = Counter()
    for exchange, day in every(15):
        judgement = pdp.judge(exchange, as_of=day)
        answer = held(pdp, judgement, "en")
        high, more, duties = judgement.outcome.bounds.high, answer["more"], pdp.owed(judgement)
        assert len(answer["owed"]) + more.get("owed", 0) == len(duties)
        idle = [gap for gap in answer["gaps"] if not gap["reviewed"]]
        if high > Level.REVIEW:
            assert len(answer["owed"]) <= max(1, sum(each.part.arises == "refusal" for each in duties))
            cut["owed"] += more.get("owed", 0)
        if high.refused:
            assert not idle or len(answer["gaps"]) == 1
            cut["gaps"] += more.get("gaps", 0)
        for part in (part for unmet in answer["unmet"] for way in unmet["ways"] for part in way):
            certain = [line for line in part.get("by", ()) if not line.get("doubtful")]
            assert not certain or "how" not in part
            cut["how"] += bool(certain) and bool(BUNDLE.rules.requirements[part["requirement"]].how.en)
    assert min(cut[name] for name in ("owed", "gaps", "how")) > 3, cut


def test_a_permit_names_the_provision_it_stands_on_or_the_law_in_which_nothing_was_found(pdp: engine.PDP) -> None:
    """Where a place has neither, no law of a country speaks for it: a house or an acceptance does, and the sentence names that."""
    by_provision = by_coverage = 0
    for exchange, day in every(30):
        judgement = pdp.judge(exchange, as_of=day)
        if judgement.outcome.permits:
            said = json.loads(pdp.answer(judgement, today=DAY, id=ID).json())["answer"]
            by_provision += " It stands on: " in said
            by_coverage += (nothing := " Nothing was found against it in the law of " in said)
            assert nothing or " It stands on: " in said or " rests on " in said, said
            if nothing:
                assert re.search(r"\(coverage [A-Z]{2}/[a-z-]+\)", said), said
    assert min(by_provision, by_coverage) > 3


def test_no_personal_value_is_in_an_answer_or_its_explanation(pdp: engine.PDP) -> None:
    """Nor in any part of the explanation, in either language."""
    sent = {
        "exporter": {"id": "practice-of-dr-li-na", "country": "CN"},
        "recipient": {"id": "lab-of-dr-smith", "country": "US"},
        "data": {"personal": True, "people": {"ordinary": 5}},
        "evidence": {"cn-standard-contract": {"dated": "2026-01-01", "covers": True, "attested_by": "Wang Fang, notary"}},
    }
    exchange = engine.parse_exchange(BUNDLE, json.dumps(sent).encode())
    assert len(exchange.personal) == 3
    judgement = pdp.judge(exchange, as_of=DAY)
    for lang in engine.LANGUAGES:
        told = pdp.answer(judgement, today=DAY, id=ID, parts=engine.PARTS, lang=lang).json()
        for value in ("practice-of-dr-li-na", "lab-of-dr-smith", "Wang Fang"):
            assert value not in told


def test_the_same_answer_is_the_same_bytes_and_the_same_digest(pdp: engine.PDP) -> None:
    """Another engine comes to the same verdict, and its digest; another fact to another one."""
    reference = engine.PDP(BUNDLE, "reference")
    digests = set()
    for exchange, day in every(600):
        judgement = pdp.judge(exchange, as_of=day)
        one, again = (pdp.answer(judgement, today=DAY, id=ID) for _ in range(2))
        assert one.json() == again.json()
        other = reference.judge(exchange, as_of=day)
        digest = pdp.digest(judgement)
        assert reference.digest(other) == digest == json.loads(one.members["verdict"])
        digests.add(digest)
    assert len(digests) > 5


def test_the_strictest_jurisdiction_comes_first_and_the_strictest_instrument_in_it(pdp: engine.PDP) -> None:
    """By the highest outcome that is still possible."""
    order = ["prohibited", "requirements_unmet", "review", "permitted_with_obligations", "permitted", "not_applicable"]
    for exchange, day in every(30):
        judgement = pdp.judge(exchange, as_of=day)
        found = engine.Answer.model_validate_json(pdp.answer(judgement, today=DAY, id=ID).json())
        highest = [order.index(each.bounds.highest if each.bounds else each.outcome) for each in found.jurisdictions]
        assert highest == sorted(highest)
        for each in found.jurisdictions:
            settled = [order.index(line.outcome) for line in each.instruments if line.outcome != "undetermined"]
            assert settled == sorted(settled)


def test_the_places_concerned_come_first_and_law_elsewhere_is_one_line_with_its_question(pdp: engine.PDP) -> None:
    """An exchange from Mexico to America that says nothing else may be under any law; its answer and its reasons open with the two."""
    judgement = pdp.judge(engine.parse_exchange(BUNDLE, json.dumps(MEXICO).encode()), as_of=DAY)
    for lang, named in (("en", "Mexico and the United States"), ("zh", "墨西哥和美国")):
        answer = held(pdp, judgement, lang)
        assert answer["outcome"] == "undetermined"
        assert named in answer["answer"].partition(":" if lang == "en" else "：")[0]
        assert {each["jurisdiction"] for each in answer["jurisdictions"]} == {"MX", "US"}
        whole = json.loads(pdp.tell(judgement, today=DAY, id=ID, lang=lang).json())
        line = answer["elsewhere"]
        assert line["count"] == len(whole["elsewhere"]["places"]) > 30
        assert line["fact"] == whole["elsewhere"]["fact"] == "data.people_in"
        assert line["says"].endswith(whole["elsewhere"]["question"])
        assert "MX" not in whole["elsewhere"]["places"]
        for list_ in ("jurisdictions", "reasons"):
            places = [each["jurisdiction"] for each in whole[list_]]
            first = list(dict.fromkeys(places))[:2]
            assert first == ["MX", "US"]
            assert not {"MX", "US"} & set(places[places.index(next(each for each in places if each not in first)) :])
        told = engine.PlainText(engine.LANGUAGES[lang], BUNDLE)
        sections = dict(told.sections(engine.Decision.model_validate(whole)))
        assert sections[engine.LANGUAGES[lang].sections["jurisdictions"]][-1] == line["says"]
        possible = json.loads(pdp.explain(judgement, today=DAY, id=ID, parts=("possible",), lang=lang))["possible"]
        assert [each["jurisdiction"] for each in possible[:1]] == ["MX"]
    silent = list(dict.fromkeys(gap.country for gap in judgement.outcome.coverage.gaps))
    assert silent == ["MX", "US", ""]
    # Once it is known where the people are, their law is concerned too.
    people = {**MEXICO, "data": {"people_in": ["BR"], "personal": True}}
    now = pdp.judge(engine.parse_exchange(BUNDLE, json.dumps(people).encode()), as_of=DAY)
    assert now.concerned[:3] == ("MX", "US", "BR")
    assert "CN" not in now.concerned


def test_what_is_asked_first_is_about_the_places_concerned(pdp: engine.PDP) -> None:
    """However much law elsewhere needs a fact."""
    stated = {**MEXICO, "data": {"personal": False, "categories": ["weather"], "kind": "dataset"}}
    judgement = pdp.judge(engine.parse_exchange(BUNDLE, json.dumps(stated).encode()), as_of=DAY)
    asked = held(pdp, judgement, "en")["questions"]
    assert asked
    told = json.loads(pdp.tell(judgement, today=DAY, id=ID).json())["reasons"]
    of = {each["jurisdiction"] for each in told if any(test["fact"] == asked[0]["fact"] for test in each["evidence"])}
    abroad = {name for name in judgement.elsewhere if BUNDLE.vocabulary.jurisdictions[name].countries}
    assert abroad
    assert of - abroad, (asked[0], of)


def test_the_lists_take_turns_and_the_questions_always_fit() -> None:
    """One long list does not crowd out the others; what does not fit closes its list."""
    items = {name: [f'"{name}{number}"' + " " * 40 for number in range(9)] for name in MOST}
    shown = fit_items(items, 1_600)
    assert len(shown["questions"]) == MOST["questions"]
    lengths = [len(shown[name]) for name in MOST if name != "questions"]
    assert max(lengths) - min(lengths) <= 1
    assert fit_items(items, 0)["questions"] == items["questions"][: MOST["questions"]]
    assert fit_items({**items, "unmet": ['"' + "x" * 5_000 + '"']}, 3_000)["unmet"] == []


def test_the_parts_of_an_explanation_are_those_that_are_asked_for(pdp: engine.PDP) -> None:
    """Each part by itself has its own members, and all together have each of them with the same bytes."""
    judgement = pdp.judge(engine.parse_exchange(pdp.bundle, b'{"exporter": {"country": "CN"}}'), as_of=DAY)
    every = json.loads(pdp.explain(judgement, today=DAY, id=ID))
    for part in engine.PARTS:
        alone = json.loads(pdp.explain(judgement, today=DAY, id=ID, parts=[part]))
        assert alone.items() <= every.items(), part
    assert every["possible_count"] == len(every["possible"]) > 300
    assert {each["standing"] for each in every["reasons"]} <= {"certain"}
    engine.Explanation.model_validate(every)


def test_an_answer_with_an_explanation_is_the_answer_and_the_explanation(pdp: engine.PDP) -> None:
    """What is asked for beside an answer changes nothing in it."""
    judgement = pdp.judge(engine.parse_exchange(pdp.bundle, b"{}"), as_of=DAY)
    short = pdp.answer(judgement, today=DAY, id=ID)
    long = pdp.answer(judgement, today=DAY, id=ID, parts=["reasons", "duties"])
    assert {name: text for name, text in long.members.items() if name != "explanation"} == dict(short.members)
    assert long.members["explanation"] == pdp.explain(judgement, today=DAY, id=ID, parts=["reasons", "duties"])


def test_the_duties_that_stay_owed_are_those_of_the_decision(pdp: engine.PDP) -> None:
    """Each once and in its order; and from each `keep` of the bundled policies a last day can be read."""
    kept = set()
    for sent in LITTLE:
        judgement = pdp.judge(engine.parse_exchange(BUNDLE, json.dumps(sent).encode()), as_of=DAY)
        owed = pdp.owed(judgement)
        told = json.loads(pdp.explain(judgement, today=DAY, id=ID, parts=("duties",)))["duties"]
        assert [each.part.model_dump(mode="json") for each in owed] == told
        assert all((each.kept_until(DAY) is None) is (each.part.keep == "") for each in owed)
        kept |= {(each.part.keep, each.kept_until(date(2024, 2, 29))) for each in owed if each.part.keep}
    assert {("3 years", date(2027, 2, 28)), ("10 years", date(2034, 2, 28))} <= kept

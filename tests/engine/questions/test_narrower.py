"""
What is asked where something was sent that says too little: a value with narrower ones (semantics 2.5), a document without a field (2.3).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import product
from typing import Any

import pytest
import yaml

import engine
from engine.authoring.testing import build, prepare
from engine.decision import MissingPart, QuestionPart
from engine.exchange import Exchange
from engine.values import SetOf, Value
from tests.chance import share, some
from tests.engine.backends.test_cases import VOCABULARY, policy

DAY = date(2026, 7, 15)
BASE = {
    "exporter.country": "AA",
    "recipient.country": "AA",
    "data.personal": "no",
    "data.categories": [],
    "data.people_in": [],
}
TITLES = {
    "genetic": ("genetic data", "遗传数据"),
    "genome": ("genomes", "基因组"),
    "no-genome": ("other genetic data", "其他遗传数据"),
}


def bundle(*rules: dict[str, Any], titles: bool = False) -> engine.Bundle:
    """One law over the words of the cases."""
    words = yaml.load(VOCABULARY.read_bytes(), Loader=yaml.BaseLoader)
    for value, (english, chinese) in TITLES.items() if titles else ():
        words["values"]["category"]["values"][value]["title"] = {"en": english, "zh": chinese}
    law = policy({"policy": "p", "rules": list(rules)})
    return engine.load_sources(
        {
            "words.yaml": yaml.safe_dump(words, sort_keys=False, allow_unicode=True).encode(),
            "law.yaml": json.dumps(law).encode(),
        }
    )


def review(when: Any) -> dict[str, Any]:
    return {"id": "r", "when": when, "review": "look at it"}


def asked(made: engine.Bundle, lang: str = "en", **facts: Any) -> list[MissingPart]:
    """The lists of questions about an exchange."""
    exchange = build(made, {**BASE, **{name.replace("__", "."): value for name, value in facts.items()}})
    return engine.PDP(made).decide(exchange, as_of=DAY, today=DAY, id="1", lang=lang).missing


def only(made: engine.Bundle, lang: str = "en", **facts: Any) -> QuestionPart:
    """The one question about an exchange."""
    [part] = asked(made, lang, **facts)
    [question] = part.facts
    return question


# A value that is too wide


def test_a_value_that_may_be_narrower_is_asked_about() -> None:
    """The choices are what it may mean, as closely as the values allow; each of them settles it, and the rest of it is one."""
    made = bundle(review({"data.category": "genome"}))
    [part] = asked(made, data__category="genetic")
    assert part.settles
    assert [(q.fact, q.values, q.narrows) for q in part.facts] == [("data.category", ["genome", "no-genome"], ["genetic"])]
    for choice in part.facts[0].values:
        assert asked(made, data__category=choice) == []


def test_what_is_asked_about_a_value_high_up_is_asked_down_to_the_narrowest() -> None:
    """The choices under `health` are those under `genetic` too, and not `genetic` itself, which would say too little again."""
    question = only(bundle(review({"data.category": "genome"})), data__category="health")
    assert question.values == ["genome", "no-genome", "imaging", "other-health"]


def test_a_question_about_narrower_values_reads_well_in_both_languages() -> None:
    """It names what was sent and what it may mean; of a set, several may be meant."""
    one, several = (
        bundle(review({"data.category": "genome"}), titles=True),
        bundle(review({"data.categories": {"has": "genome"}}), titles=True),
    )
    assert [only(one, lang, data__category="genetic").question for lang in ("en", "zh")] == [
        "What exactly is meant by “genetic data” (category): genomes; other genetic data?",
        "category中的“遗传数据”具体指下列哪一项：基因组；其他遗传数据？",
    ]
    assert [only(several, lang, data__categories=["genetic"]).question for lang in ("en", "zh")] == [
        "What exactly is meant by “genetic data” (categories)? Name all of these that apply: genomes; other genetic data.",
        "categories中的“遗传数据”具体指下列哪些（请全部列出）：基因组；其他遗传数据？",
    ]


def test_a_value_that_is_told_apart_by_no_rule_is_not_asked_about() -> None:
    """Nobody needs to know which genetic data they are where only health data matter."""
    made = bundle(review({"data.category": "health", "data.sold": "yes"}))
    assert only(made, data__category="genetic").fact == "data.sold"


def test_a_value_that_is_exact_is_not_asked_about() -> None:
    """`contact` says that it is no address."""
    made = bundle(review({"any_of": [{"data.category": "address"}, {"data.sold": "yes"}]}))
    assert only(made, data__category="contact").fact == "data.sold"


def test_a_value_is_asked_about_for_a_register_too() -> None:
    """Whether genetic data are in a register of genomes depends on which they are."""
    made = bundle(review({"data.category": {"in": "MEDICAL"}}))
    assert asked(made, data__category="genetic") == []
    words = {name: text.replace(b"entries: [health]", b"entries: [genome]") for name, text in made.sources.items()}
    narrow = engine.load_sources({name: _entries(text) for name, text in words.items()})
    assert only(narrow, data__category="genetic").values == ["genome", "no-genome"]


def _entries(text: bytes) -> bytes:
    """The words with one genome in the register of medical data."""
    words = yaml.load(text, Loader=yaml.BaseLoader)
    if "registers" not in words:
        return text
    words["registers"]["MEDICAL"]["entries"] = ["genome"]
    return yaml.safe_dump(words, sort_keys=False).encode()


# A set with members that are too wide


def test_a_member_that_may_be_narrower_is_replaced_and_the_others_stay() -> None:
    """The answers put one or more narrower values in its place."""
    made = bundle(
        review({"data.categories": {"has": "genome"}}),
        {"id": "s", "when": {"data.categories": {"has": "weather"}}, "oblige": {"duty": "tell", "who": "exporter"}},
    )
    [part] = asked(made, data__categories=["genetic", "weather"])
    assert part.settles
    assert [(q.values, q.narrows) for q in part.facts] == [(["genome", "no-genome"], ["genetic"])]
    assert asked(made, data__categories=["genome", "no-genome", "weather"]) == []


def test_several_members_are_asked_about_in_one_question() -> None:
    """One question for a fact, whose choices are those under each of its members."""
    when = {"any_of": [{"data.categories": {"has": "genome"}}, {"data.categories": {"has": "imaging"}}]}
    question = only(bundle(review(when)), data__categories=["genetic", "health"])
    assert question.narrows == ["genetic"]  # beside it, `health` says nothing more
    question = only(
        bundle(review({"data.categories": {"only": ["genome", "imaging"]}})), data__categories=["genetic", "health"]
    )
    assert question.narrows == ["genetic", "health"]


def test_a_member_beside_a_narrower_one_is_asked_about_only_where_all_must_be_inside() -> None:
    """To `has` it says nothing more; `only` wants to know what else it is."""
    assert asked(bundle(review({"data.categories": {"has": "genome"}})), data__categories=["health", "imaging"]) == []
    question = only(bundle(review({"data.categories": {"only": "imaging"}})), data__categories=["health", "imaging"])
    assert question.narrows == ["health"]


def test_an_open_set_is_asked_for_as_a_whole_and_about_its_members() -> None:
    """There may be other members, and one of those that were sent may be narrower."""
    question = only(bundle(review({"data.categories": {"has": "genome"}})), data__categories=["genetic", "unknown"])
    assert question.question == (
        "What is the categories? What exactly is meant by “genetic” (categories)? Name all of these that apply: genome; no-genome."
    )
    assert ("weather" in question.values, question.narrows) == (True, ["genetic"])


def test_a_set_that_is_compared_with_another_is_asked_about_where_it_may_be_within_it() -> None:
    """Which genetic data go, where genomes are allowed; and what the limits mean, where only they are wide."""
    made = bundle(review({"data.categories": {"not": {"only": {"fact": "limits.categories"}}}}))
    question = only(made, data__categories=["genetic"], limits__categories=["no-genome"])
    assert (question.fact, question.narrows) == ("data.categories", ["genetic"])
    question = only(made, data__categories=["genome"], limits__categories=["genetic"])
    assert (question.fact, question.narrows) == ("limits.categories", ["genetic"])
    [part] = asked(made, data__categories=["genetic"], limits__categories=["genetic"])
    assert [q.fact for q in part.facts] == ["data.categories", "limits.categories"]
    assert not part.settles


def test_a_set_that_was_not_sent_is_answered_by_the_members_of_the_other() -> None:
    """What the limits are decides it, and the answers that are tried hold all that goes."""
    made = bundle(review({"data.categories": {"not": {"only": {"fact": "limits.categories"}}}}))
    question = only(made, data__categories=["weather", "imaging"])
    assert (question.fact, question.narrows) == ("limits.categories", [])
    assert asked(made, data__categories=["weather", "imaging"], limits__categories=["imaging", "weather"]) == []


# A document without a field


@pytest.mark.parametrize(
    ("document", "field", "question"),
    [
        ({"covers": "yes"}, "dated", "What is the date of the certificate?"),
        ({"dated": "2026-01-01"}, "covers", "Does the certificate cover this exchange?"),
        ({"dated": "2026-01-01", "covers": "yes", "expires": "unknown"}, "expires", "Until when does the certificate hold?"),
        ({"dated": "unknown", "covers": "yes"}, "dated", "What is the date of the certificate?"),
    ],
    ids=["dated", "covers", "expires", "dated is unknown"],
)
def test_a_document_that_lacks_a_field_is_asked_for_that_field(document: dict[str, str], field: str, question: str) -> None:
    """The document is there; what is not known is whether it counts, and the field decides it."""
    need = {"id": "need", "require": "certificate"}
    made = bundle(need, {"id": "ground", "when": [{"evidence": {"has": "certificate"}}], "satisfies": "certificate"})
    [part] = asked(made, evidence__certificate=document)
    assert [(q.fact, q.question) for q in part.facts] == [(f"evidence.certificate.{field}", question)]
    assert part.settles


def test_two_fields_of_a_document_are_asked_for_together() -> None:
    """Neither alone would do."""
    need = {"id": "need", "require": "certificate"}
    made = bundle(need, {"id": "ground", "when": [{"evidence": {"has": "certificate"}}], "satisfies": "certificate"})
    [part] = asked(made, evidence__certificate={"filed": "2026-01-01"})
    assert [q.fact for q in part.facts] == ["evidence.certificate.dated", "evidence.certificate.covers"]
    assert part.settles


def test_a_document_that_cannot_count_is_asked_for_nothing() -> None:
    """An expired document needs no date."""
    need = {"id": "need", "require": "certificate"}
    made = bundle(need, {"id": "ground", "when": [{"evidence": {"has": "certificate"}}], "satisfies": "certificate"})
    assert asked(made, evidence__certificate={"expires": "2026-01-01"}) == []


@pytest.mark.parametrize(
    ("test", "field"),
    [
        ({"evidence.certificate.expires": {"from": "2027-01-01"}}, "expires"),
        ({"evidence.certificate.filed": {"until": "as_of"}}, "filed"),
        ({"evidence.certificate.people": {"at_least": "100"}}, "people"),
    ],
    ids=["expires", "filed", "people"],
)
def test_a_field_that_a_rule_tests_is_asked_for(test: dict[str, Any], field: str) -> None:
    """The document counts, and what the rule asks beyond that is not told; the answer is read where the document stands."""
    need = {"id": "need", "require": "certificate"}
    made = bundle(need, {"id": "ground", "when": [{"evidence": {"has": "certificate"}}, test], "satisfies": "certificate"})
    people = {"data__people__ordinary": "0", "data__people__sensitive": "120"}
    [part] = asked(made, evidence__certificate={"dated": "2026-01-01", "covers": "yes"}, **people)
    assert ([q.fact for q in part.facts], part.settles) == ([f"evidence.certificate.{field}"], True)


# The bundled policies

WIDE = (
    "cn/credit-reporting", "cn/human-genetic-resources", "cn/order-19", "gb/uk-gdpr", "in/payment-data", "kr/pipa",
    "us/padfa", "us/data-security-program",
)  # fmt: skip


def wide(made: engine.Bundle, exchange: Exchange) -> Iterator[tuple[str, list[Value]]]:
    """Each fact of an exchange that holds values which may be narrower, and what they may be."""
    for fact, value in exchange.values.items():
        known = made.vocabulary.facts.get(fact)
        narrower = known.type.values.narrower if known and known.type.values else {}
        if isinstance(value, str) and value in narrower:
            yield fact, [*narrower[value]]
        elif isinstance(value, SetOf) and (vague := sorted(value.members & narrower.keys())):
            kept = value.members - set(vague)
            yield fact, [replace(value, members=kept | set(each)) for each in product(*(narrower[m] for m in vague))]


@pytest.mark.parametrize("policy", [*WIDE, pytest.param("", marks=pytest.mark.fuzz(weight=5))])
def test_an_outcome_that_a_wide_value_leaves_open_asks_which_it_is(policy: str) -> None:
    """In the bundled tests: where any of the narrower values settles the outcome, the value is asked about."""
    made = engine.load(engine.bundled_policies())
    pdp = engine.PDP(made, mode="bitset")
    found = 0
    for file in some([file for file, _ in made.tests if f"/{policy}" in f"/{file}"], 10):
        for case in prepare(made, file):
            if not pdp.outcome(case.exchange, case.as_of).open:
                continue
            for fact, narrower in wide(made, case.exchange):
                answers = (case.exchange.with_values({fact: answer}) for answer in narrower)
                if not any(pdp.outcome(answered, case.as_of).open for answered in answers):
                    decision = pdp.decide(case.exchange, as_of=case.as_of, today=case.as_of, id="1")
                    questions = [question for part in decision.missing for question in part.facts]
                    assert any(q.fact == fact and q.narrows for q in questions), f"{case.file}:{case.line}: {fact}"
                    found += 1
    assert found or share() is not None or policy in ("us/padfa", "us/data-security-program")  # a share of the time leaves some


@pytest.mark.parametrize(
    ("fact", "value", "choices"),
    [
        ("act.us_deal", "brokerage", ["data-sale", "in-course-of-trade"]),
        ("data.categories", "health", ["clinical", "other-health"]),
        ("terms.venue", "exchange", ["national-exchange", "regional-exchange", "industry-platform", "other-exchange"]),
    ],
)
def test_every_wide_value_has_all_its_choices(fact: str, value: str, choices: list[str]) -> None:
    """The narrower values of the bundled vocabulary, with the rest of them; a caller can look them up."""
    made = engine.load(engine.bundled_policies())
    known = made.vocabulary.facts[fact].type.values
    assert known is not None
    entry = made.facts[fact]
    assert list(entry.narrower[value]) == choices
    assert entry.narrower == known.narrower
    assert all(known.rest & set(narrower) for narrower in known.narrower.values())

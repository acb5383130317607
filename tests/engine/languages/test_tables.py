"""Every code has a word, and each language every sentence with grammar; one that lacks some is not made."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args

import pytest

import engine
from engine.decision import (
    CarriedPart,
    ConflictPart,
    DutyPart,
    LanePart,
    Outcome,
    ReasonPart,
    RequirementPart,
    SettlementPart,
    TruthWord,
)
from engine.languages import CHINESE, ENGLISH, LANGUAGES, Language
from engine.languages.english import English
from engine.policy_language.document_text import Force, Status, Text
from engine.policy_language.written_effects import EFFECTS
from engine.values.multilingual import Words


def said(part: Any, name: str) -> set[str]:
    """The codes that a member of a decision may have."""
    return set(get_args(part.model_fields[name].annotation))


CODES = {
    "outcome": set(get_args(Outcome)),
    "truth": set(get_args(TruthWord)),
    "overdue": set(get_args(TruthWord)),
    "effect": set(EFFECTS) | {"exempts", "doubts"},
    "force": set(get_args(Force)),
    "mark": set(get_args(Status)),
    "requirement": said(RequirementPart, "state"),
    "lane": said(LanePart, "state"),
    "carried": said(CarriedPart, "state"),
    "standing": said(ReasonPart, "standing"),
    "arises": said(DutyPart, "arises"),
    "settlement": said(SettlementPart, "state"),
    "notice": said(ConflictPart, "kind"),
}


@pytest.mark.parametrize("kind", CODES)
def test_every_code_has_a_word(kind: str) -> None:
    """The codes of decisions and of policies, no more and no fewer."""
    assert ENGLISH.codes[kind].keys() == CODES[kind]


def test_a_language_is_a_class_and_a_field() -> None:
    """Texts of the program and of authors are in the languages there are."""
    codes = list(LANGUAGES)
    assert [field.name for field in fields(Words)] == codes
    assert list(Text.model_fields) == codes


@pytest.mark.parametrize("missing", sorted(Language.__abstractmethods__))
def test_a_language_that_lacks_something_cannot_be_made(missing: str) -> None:
    """Whatever is missing, it is said by name when the language is made, and not in a decision."""
    members = {name: member for name, member in vars(English).items() if name != missing}
    with pytest.raises(TypeError, match=missing):
        type("Half", (Language,), members)()


def test_one_mark_has_one_word() -> None:
    """A brief, a line at a terminal and a page say the same of a provision that was read in its source."""
    assert CHINESE.word("mark", "confirmed") == "已核实"
    bundle = engine.load(engine.bundled_policies())
    order = next(each for each in engine.instruments(bundle) if each.text.policy == "cn.order-16")
    assert "- **确信程度**: 已核实" in engine.brief(bundle, order, "zh")
    assert "- **Certainty**: confirmed" in engine.brief(bundle, order, "en")


TITLES = [
    ("the data are personal", "the data are personal", "the data are not personal"),
    ("the recipient can read the data", "the recipient can read the data", "the recipient cannot read the data"),
    ("the rights may be passed on", "the rights may be passed on", "the rights may not be passed on"),
    ("plain", "plain: yes", "plain: no"),
]


@pytest.mark.parametrize(("title", "yes", "no"), TITLES)
def test_a_fact_of_yes_and_no_reads_as_a_sentence_where_its_title_is_one(title: str, yes: str, no: str) -> None:
    """A title with a verb is said, or denied; any other has its answer behind it."""
    assert (ENGLISH.yes_no(title, yes=True), ENGLISH.yes_no(title, yes=False)) == (yes, no)


PLACES = [
    ("where the people concerned are", "has", "the people concerned are in China", "the people concerned are not in China"),
    ("where the data are stored", "only", "the data are stored only in China", "the data are not stored only in China"),
    ("where the data are read from", "has", "the data are read from China", "the data are not read from China"),
    ("where the people are whom it serves", "has", "the people whom it serves are in China", "the people whom it serves are not in China"),
    ("exporter's country", "is", "the exporter is in China", "the exporter is not in China"),
    ("exporter's sectors", "has", "exporter's sectors include China", "exporter's sectors do not include China"),
    ("legal basis", "has", "legal basis includes China", "legal basis does not include China"),
    ("class of data", "only", "class of data is only China", "class of data is not only China"),
]  # fmt: skip


@pytest.mark.parametrize(("title", "op", "holds", "fails"), PLACES)
def test_a_test_reads_by_its_title(title: str, op: str, holds: str, fails: str) -> None:
    """Places are where somebody is; several things include, and one includes."""
    told = [ENGLISH.test(title, op, "value", ["China"], negated, listed=False) for negated in (False, True)]
    assert told == [holds, fails]


SETS = [
    ("purpose", "only", "purpose stays within “allowed”", "purpose does not stay within “allowed”"),
    ("categories of data", "has", "categories of data overlap with “allowed”", "categories of data do not overlap with “allowed”"),
    ("purpose", "has_all", "purpose covers all of “allowed”", "purpose does not cover all of “allowed”"),
]  # fmt: skip


@pytest.mark.parametrize(("title", "op", "holds", "fails"), SETS)
def test_two_sets_are_compared_in_a_sentence(title: str, op: str, holds: str, fails: str) -> None:
    """One set stays within another, overlaps with it, or covers all of it, or does not."""
    assert [ENGLISH.of_sets(title, op, "“allowed”", negated) for negated in (False, True)] == [holds, fails]


def test_an_empty_set_reads_as_none_or_some() -> None:
    """`only: []` is that there are none, and its contrary that there are some."""
    for language, words in ((ENGLISH, ("sectors: none", "sectors: some")), (CHINESE, ("sectors：无", "sectors：有"))):
        told = tuple(language.test("sectors", "only", "value", [], negated, listed=False) for negated in (False, True))
        assert told == words


NUMBERS = [
    ("people here", "count", "at_least", "10", "at least 10 people here", "fewer than 10 people here"),
    ("people here", "count", "at_most", "0", "no people here", "some people here"),
    ("people here", "count", "at_least", "1", "some people here", "no people here"),
    ("price", "money", "less_than", "10 USD", "price is less than 10 USD", "price is at least 10 USD"),
    ("day of filing", "date", "at_most", "2026-01-01", "day of filing is on or before 2026-01-01", "day of filing is after 2026-01-01"),
]  # fmt: skip


@pytest.mark.parametrize(("title", "kind", "op", "target", "holds", "fails"), NUMBERS)
def test_a_comparison_reads_by_its_title(title: str, kind: str, op: str, target: str, holds: str, fails: str) -> None:
    """So many people, and a price that is so much."""
    told = [ENGLISH.test(title, op, kind, [target], negated, listed=False) for negated in (False, True)]
    assert told == [holds, fails]

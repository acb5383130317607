"""
The titles of what laws require: noun phrases that can stand after "requires", in both languages.
"""

from __future__ import annotations

import re

import pytest

import engine
from engine.values.multilingual import Words

BUNDLE = engine.load(engine.bundled_policies())
TITLES = sorted((name, requirement.title) for name, requirement in BUNDLE.rules.requirements.items())
NOUNS = {"contract", "notice", "report", "register", "record", "permit", "file", "separate", "use"}  # that are verbs as well
# What duties begin with: they are told in the imperative.
VERBS = {duty.text.en.split()[0].lower().rstrip(",") for duty in BUNDLE.duties.values()} - NOUNS
FINITE = re.compile(r"\b(is|are|was|were|must|shall|should|needs|has)\b")
RELATIVE = re.compile(r"\b(that|which|who|whom|whoever)\b[^,]*")


@pytest.mark.parametrize(("name", "title"), TITLES, ids=[name for name, _ in TITLES])
def test_the_title_of_a_requirement_can_stand_after_requires(name: str, title: Words) -> None:
    """It begins with no verb, has none outside a relative clause, and is no sentence; its Chinese has no Latin letters."""
    first = title.en.split()[0]
    assert first.lower() not in VERBS | {"no", "not", "whether"}
    assert not FINITE.search(RELATIVE.sub("", title.en))
    assert first[0].islower() or first.isupper()
    assert title.zh
    assert not re.search(r"[A-Za-z]", title.zh)
    assert not title.en.endswith(".")
    assert not title.zh.endswith("。")


def test_a_sentence_is_told_from_a_noun_phrase() -> None:
    """A verb at the beginning or in the middle is found; one in a relative clause is none of the title."""
    assert {"keep", "have", "tell"} <= VERBS
    assert FINITE.search(RELATIVE.sub("", "the map is reviewed"))
    assert not FINITE.search(RELATIVE.sub("", "assessment for a country that is not adequate"))


@pytest.mark.parametrize(
    ("lang", "alone", "beside"),
    [("en", "each of them: 0", "ordinary personal data: 5; all others: 0"), ("zh", "各项：0", "一般个人信息：5；其余各项：0")],
)
def test_what_a_family_states_of_all_others_is_told_in_words(lang: str, alone: str, beside: str) -> None:
    """Never by the name of the key."""
    book = engine.Phrasebook(BUNDLE, engine.LANGUAGES[lang])
    assert book.told("data.people", {"rest": 0}) == alone
    assert book.told("data.people", {"ordinary": 5, "rest": 0}) == beside

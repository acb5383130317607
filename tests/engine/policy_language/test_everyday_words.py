"""The register of everyday words: what each may mean, who may write it, and what is wrong with an entry."""

import pytest

import engine
from engine.policy_language.everyday_words import Meaning

BUNDLE = engine.load(engine.bundled_policies())
POLICY = b"""policy: xx.law
title: law
jurisdiction: xx
instrument: {force: law, issuer: parliament}
in_force: {from: 2020-01-01}
applies: always
rules:
  - {id: art-1, title: bar, cite: Art. 1, says: no red, source: made up, status: confirmed, when: {data.colour: red}, prohibit: no}
"""
SMALL = """vocabulary: small
semantics: 3
jurisdictions:
  xx: {title: XX}
values:
  colour: {title: colour, values: {red: red, green: green}}
facts:
  data.colour: {type: colour, title: colour, ask: Which colour?}
  data.shades: {type: set of colour, title: shades, ask: Which shades?}
evidence:
  paper: {title: paper, ask: Is there a paper?}
"""


def load(words: str, more: str = "") -> engine.Bundle:
    """A small vocabulary with words, and perhaps a second file of words."""
    sources = {"xx/law.yaml": POLICY, "xx/words.yaml": (SMALL + words).encode()}
    return engine.load_sources(sources | ({"yy/words.yaml": more.encode()} if more else {}))


def test_there_are_hundreds_of_words_in_both_languages() -> None:
    """Each of them leads to what it is said of."""
    texts = [each for name, data in BUNDLE.sources.items() if "/words-of-" in name for each in data.decode().splitlines()]
    assert len(texts) > 300
    vocabulary = BUNDLE.vocabulary
    said = {word: Meaning(name) for name, words in vocabulary.said.items() if "/" not in name for word in words}
    assert len(said) > 300
    assert sum(not word.isascii() for word in said) > 100
    for word, meaning in said.items():
        assert meaning in BUNDLE.words.meanings(word), word


@pytest.mark.parametrize(
    ("word", "fact", "value"),
    [
        ("payroll", "data.categories", "employee"),
        ("Salaries", "data.categories", None),
        ("salary", "data.categories", "employee"),
        ("工资", "purpose.is", "hr"),
        ("email", "data.categories", "contact"),
        ("passport", "data.categories", "identity"),
        ("telemetry", "data.categories", "industrial"),
        ("backup", "act.kind", "store-abroad"),
        ("bank", "exporter.sectors", "finance"),
        ("subsidiary", "recipient.relation", "same-group"),
        ("母公司", "recipient.relation", "same-group"),
        ("vendor", "recipient.role", "processor"),
        ("CC-BY", "terms.licence", "open-data"),
        ("encrypted", "safeguards.measures", "encryption-at-rest"),
        ("Germany", "recipient.country", "DE"),
    ],
)
def test_a_word_leads_to_the_value_that_says_it(word: str, fact: str, value: str | None) -> None:
    """In the fact where it is said; a form that nobody wrote down leads nowhere for sure."""
    found = BUNDLE.words.values_of(word)
    assert value in found[fact] if value else fact not in found


def test_a_word_leads_to_documents_and_to_facts() -> None:
    """Of a document and of a fact there is no value to say."""
    assert BUNDLE.words.values_of("SCC") == {
        "evidence.cn-standard-contract": [], "evidence.eu-scc-m1": [], "evidence.eu-scc-m2": []
    }  # fmt: skip
    assert "exporter.sectors" in BUNDLE.words.values_of("industry")
    assert Meaning("EEA", "country") in BUNDLE.words.meanings("EU")


def test_a_word_may_be_said_of_several_things_and_in_several_files() -> None:
    """It leads to all of them; an organisation adds words of its own to what has some."""
    words = "words:\n  colour:\n    red: {en: [warm]}\n    green: {en: [grass, warm]}\n  evidence:\n    paper: {zh: [纸]}\n"
    more = "vocabulary: more\nwords:\n  colour:\n    red: {en: [crimson]}\n  facts:\n    data.shades: {en: [tones]}\n"
    bundle = load(words, more)
    assert bundle.words.values_of("warm") == {"data.colour": ["red", "green"], "data.shades": ["red", "green"]}
    assert bundle.words.values_of("crimson")["data.colour"] == ["red"]
    assert bundle.words.values_of("纸") == {"evidence.paper": []}
    assert bundle.words.values_of("data tones") == {"data.shades": []}


def test_words_change_no_meaning() -> None:
    """The digest of what the policies mean is the same with and without them; that of the files is not."""
    bare, spoken = load(""), load("words:\n  colour:\n    red: {en: [warm]}\n")
    assert bare.digests.meaning == spoken.digests.meaning
    assert bare.digests.source != spoken.digests.source


def test_the_log_is_searched_by_what_people_call_categories_and_countries() -> None:
    """A filter finds the name itself, and what the word means; ids are not words."""
    called = engine.PDP(BUNDLE, "bitset").naming.called
    assert called("category", "payroll") == ("payroll", "employee")
    assert called("category", "病历") == ("病历", "health")
    assert called("exporter_country", "Germany") == ("Germany", "DE")
    assert called("recipient_country", "英国") == ("英国", "GB")
    assert called("exporter", "Germany") == ("Germany",)
    assert called("category", "zeppelin") == ("zeppelin",)


@pytest.mark.parametrize(
    ("name", "fact"),
    [("industry", "exporter.sectors"), ("行业", "exporter.sectors"), ("special category", "data.people.sensitive")],
)
def test_an_access_request_is_refused_with_the_fact_that_people_call_so(name: str, fact: str) -> None:
    """The attribute of an access request that may mean a fact is looked for among the same words (semantics 1.9)."""
    assert fact in engine.Places(BUNDLE.vocabulary).nearest(name)

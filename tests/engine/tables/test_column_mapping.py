"""A mapping says which column states what; whatever is wrong in it is named with its line and what may be meant."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

import engine
from engine.tables import ColumnsRefused, FactColumn, MappingRefused, TableDecider, TableMapping, read_mapping
from engine.tables.coded_chunk import of_texts
from engine.tables.column_mapping import FactPlaces, stated_columns
from tests.engine.tables.small_policies import POLICY, VOCABULARY, bundle

BUNDLE = bundle()


def read(text: str) -> TableMapping:
    return read_mapping(BUNDLE, "mapping.yaml", text.encode())


def test_columns_words_constants_and_the_key_are_read() -> None:
    """A word of the table is the value that it means, in the type of its fact."""
    found = read("""
map:
  sender: exporter.country
  kinds: {fact: data.categories, split: ";", values: {DNA: genetic, both: [health, genetic], n/a: ""}}
  private: {fact: data.personal, values: {J: yes, N: no, "?": unknown}}
constants:
  recipient.country: DE
key: number
ignore: [comment]
""")
    kinds = FactColumn("kinds", "data.categories", {"DNA": ["genetic"], "both": ["health", "genetic"], "n/a": None}, ";")
    private = FactColumn("private", "data.personal", {"J": True, "N": False, "?": "unknown"})
    assert found == TableMapping(
        (FactColumn("sender", "exporter.country"), kinds, private),
        {"recipient.country": "DE"},
        "number",
        frozenset({"comment"}),
    )
    places = FactPlaces(BUNDLE)
    assert places.value(kinds, "weather; DNA") == ["weather", "genetic"]
    assert places.value(kinds, "both") == ["health", "genetic"]
    assert places.value(kinds, "n/a") is None
    assert places.value(kinds, "nothing of the kind") == ["nothing of the kind"]
    assert [places.value(private, cell) for cell in ("J", "N", "?", "")] == [True, False, "unknown", None]


def stated(mapping: str, cells: dict[str, str]) -> dict[str, Any]:
    """The exchange of a row of a table of texts."""
    decider = TableDecider(BUNDLE, as_of=date(2026, 11, 24), mapping=read(mapping))
    [rows] = decider.chunks([of_texts(list(cells), [list(cells.values())])])
    return dict(rows.exchange(0))


def test_a_word_that_means_nothing_of_the_kind_states_the_empty_set() -> None:
    """It is not dropped: nobody is something else than not known. With a word that states nothing, nothing is stated."""
    for told in ("[]", "'[]'", "[], split: ';'"):
        words, split, rest = told.partition(", split")
        mapping = f"map: {{k: {{fact: data.categories, values: {{nobody: {words}, n/a: ''}}{split}{rest}}}}}"
        assert stated(mapping, {"k": "nobody"}) == {"data": {"categories": []}}
        assert stated(mapping, {"k": "[]"}) == {"data": {"categories": []}}
        assert stated(mapping, {"k": "n/a"}) == {}
        assert stated(mapping, {"k": "weather"}) == {"data": {"categories": ["weather"]}}
    assert stated("map: {k: {fact: data.categories, values: {nobody: [], n/a: ''}, split: ';'}}", {"k": "nobody;n/a"}) == {}


def test_a_document_is_written_as_yaml() -> None:
    """With its yes and no, in a word and for every row."""
    document = {"dated": "2024-05-01", "covers": True}
    mapping = 'map: {c: {fact: evidence.contract, values: {Y: {"dated": "2024-05-01", "covers": true}, N: none}}}'
    assert stated(mapping, {"c": "Y"}) == {"evidence": {"contract": document}}
    assert stated(mapping, {"c": "N"}) == {"evidence": {"contract": "none"}}
    constants = "constants:\n  evidence.contract:\n    dated: 2024-05-01\n    covers: yes\n"
    assert stated(constants, {"exporter.country": "DE"})["evidence"] == {"contract": document}


def test_a_title_means_its_value_and_never_two() -> None:
    """In any case; a code in another case, a part of a title and a title of two values stay as they are, and the door refuses them."""
    places = FactPlaces(BUNDLE)
    column = FactColumn("c", "exporter.country", {"Deutschland": "DE"}, titles=True)
    cells = ("Germany", " UNITED states ", "CN", "Deutschland", "cn", "United", "Unknown", "unknown")
    assert [places.value(column, each) for each in cells] == ["DE", "US", "CN", "DE", "cn", "United", "Unknown", "unknown"]
    twice = engine.load_sources(
        {"p/vocabulary.yaml": VOCABULARY.replace(b"US: United States", b"US: germany"), "p/law.yaml": POLICY}
    )
    assert FactPlaces(twice).value(column, "Germany") == "Germany"
    assert stated("map: {c: {fact: exporter.country, titles: yes}}", {"c": "germany"}) == {"exporter": {"country": "DE"}}


def test_a_column_states_several_facts() -> None:
    """Each with the words of the column."""
    mapping = "map: {c: {fact: [exporter.country, recipient.country], values: {Bund: DE}}, d: [data.collected]}"
    found = stated(mapping, {"c": "Bund", "d": "2024-03-22 00:00:00"})
    assert found == {"exporter": {"country": "DE"}, "recipient": {"country": "DE"}, "data": {"collected": "2024-03-22"}}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("map:\n  a: exporter.contry\n", 2, "did you mean `exporter.country`?"),
        ("map:\n  a: {fact: data.categories, values: {DNA: genetics}}\n", 2, "did you mean `genetic`?"),
        ("map:\n  a: exporter.country\nconstants:\n  recipient.country: Germny\n", 4, "did you mean `DE` (Germany)?"),
        ("map:\n  a: exporter.country\n  b: exporter.country\n", 3, "stated by the columns `a` and `b`"),
        ("map:\n  a: exporter.country\nconstants:\n  exporter.country: DE\n", 2, "stated by a column and under `constants`"),
        ("map:\n  a: {fact: exporter.country, split: ','}\n", 2, "there is nothing to split"),
        ("map:\n  a: {fact: exporter.country, worth: 1}\n", 2, "there is no key `worth` here"),
        ("map:\n  a: evidence.contrakt.dated\n", 2, "contract"),
        ("map:\n  a: exporter.country\nignore: [a]\n", 2, "mapped and ignored"),
        ("map:\n  a: {fact: exporter.id, titles: yes}\n", 2, "has no values with titles"),
        ("map:\n  a: [{fact: exporter.id}]\n", 2, "a column states a fact, or several"),
        ("map:\n  a: [exporter.id, exporter.id]\n", 2, "states `exporter.id` twice"),
        ("map: [\n", 1, "this is not YAML"),
        ("", 1, "the mapping is empty"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, line: int, said: str) -> None:
    """The door of exchanges proposes what may be meant."""
    with pytest.raises(MappingRefused) as refused:
        read(text)
    assert said in str(refused.value)
    assert f"mapping.yaml:{line}:" in str(refused.value)


def test_all_that_is_wrong_is_named_at_once() -> None:
    """An author corrects a mapping once."""
    with pytest.raises(MappingRefused) as refused:
        read("map:\n  a: exporter.contry\n  b: recipient.contry\n")
    assert [each.at.line for each in refused.value.findings] == [2, 3]


def test_a_column_that_states_nothing_is_refused_before_the_first_row() -> None:
    """A misspelt fact is never overlooked, and neither is a column that the table lacks; the key and ignored columns may be anything."""
    mapping = TableMapping((FactColumn("sender", "exporter.country"),), {}, "number", frozenset({"comment"}))
    places = FactPlaces(BUNDLE)
    found = stated_columns(["number", "sender", "comment", "data.personal", "evidence.contract.dated"], mapping, places)
    assert found.key == 0
    assert [each.fact for _, each in found.facts] == ["exporter.country", "data.personal", "evidence.contract.dated"]
    for names, said in (
        (["number", "sender", "recipient.contry"], "did you mean `recipient.country`?"),
        (["number"], "`sender`: the mapping names it"),
        (["sender"], "`number`: the key"),
        (["number", "sender", "exporter.country"], "both state `exporter.country`"),
        (["number", "sender", "sender"], "two columns have this name"),
    ):
        with pytest.raises(ColumnsRefused) as refused:
            stated_columns(names, mapping, places)
        assert said in str(refused.value)


def test_a_column_that_is_called_like_an_id_may_be_the_key() -> None:
    """As long as there is no other key."""
    places = FactPlaces(BUNDLE)
    for name in ("id", "order_no", "transferId", "Key"):
        with pytest.raises(ColumnsRefused, match=f"give `--key {name}`"):
            stated_columns([name], TableMapping(), places)
        with pytest.raises(ColumnsRefused, match=r"^((?!--key).)*$"):
            stated_columns([name, "k"], TableMapping(key="k"), places)
    with pytest.raises(ColumnsRefused, match=r"^((?!--key).)*$"):
        stated_columns(["paid"], TableMapping(), places)


def test_a_count_with_a_point_is_refused_with_the_number_that_it_may_be() -> None:
    """As pandas writes it; with three digits after the point it may be thousands, and nothing is proposed."""
    places = FactPlaces(BUNDLE)
    assert places.wrong("data.people", "180.0").endswith("write `180`")
    assert places.wrong("data.people", "1,200").endswith("write `1200`")
    assert "write" not in places.wrong("data.people", "1.000")

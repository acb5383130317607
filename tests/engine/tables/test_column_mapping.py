"""A mapping says which column states what; whatever is wrong in it is named with its line and what may be meant."""

from __future__ import annotations

import pytest

from engine.tables import ColumnsRefused, FactColumn, MappingRefused, TableMapping, read_mapping
from engine.tables.column_mapping import FactPlaces, stated_columns
from tests.engine.tables.small_policies import bundle

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
        ("map: [\n", 2, "this is not YAML"),
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

"""A filter of rows: which cells are alike, what cannot be told by a cell, and what is refused. SQL is tested where databases are."""

from __future__ import annotations

from datetime import date

import pytest

from engine.tables import FactColumn, FilterRefused, TableMapping, filter_rows, write_sql
from engine.tables.row_filter import FilterColumn
from tests.engine.tables import small_policies

DAY = small_policies.DAY
BUNDLE = small_policies.bundle()
CHINA = TableMapping(constants={"exporter.country": "CN", "data.personal": False, "data.categories": ["weather"]})


def column(name: str, *others: str, day: date = DAY) -> FilterColumn:
    return filter_rows(BUNDLE, [name, *others], CHINA, day).columns[0]


def test_numbers_between_two_at_which_a_test_changes_are_alike() -> None:
    """Each such number is by itself, and so are the ends."""
    found = column("counts.people")
    assert found.left_out == ""
    assert [each.numbers for each in found.classes] == [
        None,
        (0, 0),
        (1, 999),
        (1_000, 1_000),
        (1_001, 2**53 - 2),
        (2**53 - 1,) * 2,
    ]


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("data.people", ()),  # a counter that is left out is no lower than this
        ("counts.people", ("data.people",)),  # the door holds the two to each other
        ("data.share", ()),
        ("data.collected", ()),
        ("evidence.contract", ()),
        ("exporter.id", ()),
    ],
)
def test_what_cannot_be_told_passes_only_where_it_is_empty(name: str, others: tuple[str, ...]) -> None:
    """And the filter says so."""
    found = column(name, *others)
    assert [each.empty for each in found.classes] == [True]
    assert found.left_out


def test_too_many_combinations_are_refused_with_what_to_leave_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """So is a filter without a column."""
    monkeypatch.setattr("engine.tables.row_filter.MOST", 20)
    with pytest.raises(FilterRefused, match=r"30 combinations .* at most 20 .*`counts[.]people`, which has 6"):
        filter_rows(BUNDLE, ["counts.people", "recipient.country"], CHINA, DAY)
    with pytest.raises(FilterRefused, match="no column states a fact"):
        filter_rows(BUNDLE, [], CHINA, DAY)
    several = TableMapping((FactColumn("c", "exporter.country"), FactColumn("c", "recipient.country")))
    with pytest.raises(FilterRefused, match="`c` states several facts"):
        filter_rows(BUNDLE, ["c"], several, DAY)


def test_the_title_of_a_value_lets_no_row_pass() -> None:
    """A filter compares codes; a row with a title is decided by the program, or not at all."""
    columns = FactColumn("to", "recipient.country", titles=True), FactColumn("to", "recipient.country")
    constants = {**CHINA.constants, "counts.people": 5}
    titled, plain = (
        write_sql(filter_rows(BUNDLE, ["to"], TableMapping((each,), constants), DAY), "duckdb") for each in columns
    )
    assert titled == plain
    assert "'DE'" in titled
    assert "Germany" not in titled


def test_where_no_row_may_proceed_the_condition_is_false() -> None:
    """Of a country on which no law speaks."""
    mapping = TableMapping(constants={**CHINA.constants, "exporter.country": "DE"})
    assert write_sql(filter_rows(BUNDLE, ["counts.people"], mapping, DAY), "postgres") == "FALSE"

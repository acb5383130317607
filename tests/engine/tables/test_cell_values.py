"""A cell becomes the JSON of its fact where it can be read so; nothing is made to fit."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from engine.tables.cell_values import cell_value
from engine.values import Type

COUNT, YES_NO, RATIO, DAY, ID, QUANTITY = (Type(kind) for kind in ("count", "yes/no", "ratio", "date", "id", "quantity"))
WORDS = Type("id", True)


@pytest.mark.parametrize(
    ("cell", "type", "value"),
    [
        ("12000", COUNT, 12000),
        (12000.0, COUNT, 12000),
        (Decimal("12000"), COUNT, 12000),
        ('{"at_least": 3}', COUNT, {"at_least": 3}),
        ("120 kWh", QUANTITY, "120 kWh"),
        ('{"at_least": "120 kWh"}', QUANTITY, {"at_least": "120 kWh"}),
        ({"at_least": 3, "at_most": None}, COUNT, {"at_least": 3}),
        ("TRUE", YES_NO, True),
        ("no", YES_NO, False),
        (0.25, RATIO, "0.25"),
        (Decimal("0.250"), RATIO, "0.25"),
        (1, RATIO, "1"),
        (date(2024, 3, 22), DAY, "2024-03-22"),
        (datetime(2024, 3, 22), DAY, "2024-03-22"),  # noqa: DTZ001 (as Arrow has a moment without a zone)
        ("2024-03-22 00:00:00", DAY, "2024-03-22"),
        ("2024-03-22T00:00:00.000", DAY, "2024-03-22"),
        (17, ID, "17"),
        ('["a","b"]', WORDS, ["a", "b"]),
        ("a", WORDS, ["a"]),
        ("unknown", WORDS, "unknown"),
        (["a", "b"], WORDS, ["a", "b"]),
        ('{"dated": "2024-03-22"}', None, {"dated": "2024-03-22"}),
        ("none", None, "none"),
        ("unknown", COUNT, "unknown"),
        ("", COUNT, None),
        (None, COUNT, None),
    ],
)
def test_a_cell_that_can_be_read_is_the_json_of_its_fact(cell: Any, type: Type | None, value: Any) -> None:
    """Texts of CSV, typed cells of Arrow and JSON come to the same."""
    found = cell_value(cell, type)
    assert found == value
    assert found.__class__ is value.__class__


@pytest.mark.parametrize(
    ("cell", "type", "value"),
    [
        ("twelve", COUNT, "twelve"),
        (1.5, COUNT, "1.5"),
        (120, QUANTITY, 120),
        (float("nan"), COUNT, "nan"),
        (1, YES_NO, 1),
        ("maybe", YES_NO, "maybe"),
        ("180.0", COUNT, "180.0"),
        ("2024-03-22T00:00:01", DAY, "2024-03-22T00:00:01"),
        ("2024-03-22T00:00:00+08:00", DAY, "2024-03-22T00:00:00+08:00"),
        (datetime(2024, 3, 22, 9, 30), DAY, "2024-03-22T09:30:00"),  # noqa: DTZ001
        ('{"a": 1, "a": 2}', None, '{"a": 1, "a": 2}'),
        ('{"at_least": NaN}', COUNT, '{"at_least": NaN}'),
        ("[1", WORDS, "[1"),
    ],
)
def test_what_does_not_fit_stays_as_it_is(cell: Any, type: Type | None, value: Any) -> None:
    """So that the door of exchanges refuses it: a half is no count, 1 is not yes, and of two members of one name none is chosen."""
    assert cell_value(cell, type) == value


def test_a_text_is_parted_where_the_mapping_says_so() -> None:
    """Empty pieces are no members."""
    assert cell_value("a; b;", WORDS, ";") == ["a", "b"]

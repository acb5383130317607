"""What comes back to an agent: nothing hidden, nothing too large, and nothing dropped in silence."""

import json
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from service.doors.agents.quoting import fitted, page, shown, size

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=2_000),
    lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text(max_size=20), inner, max_size=8),
    max_leaves=60,
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("plain", "plain"),
        ("中文 é ﬁ", "中文 é ﬁ"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("\x1b[2J", "⟨U+001B⟩[2J"),
        ("zero\u200bwidth", "zero⟨U+200B⟩width"),
        ("tag\U000e0041", "tag⟨U+E0041⟩"),
        ("two\nlines\tand", "two\nlines\tand"),
        ("x" * 705, "x" * 700 + " … (5 more characters)"),
    ],
)
def test_what_nobody_sees_is_shown(text: str, told: str) -> None:
    """By its number; letters of any script stay."""
    assert shown(text) == told


@settings(deadline=None, max_examples=40, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(document=st.dictionaries(st.text(max_size=10), values, max_size=6))
def test_any_document_fits(document: dict[str, Any]) -> None:
    """Within the bound, as JSON, with every text visible; what fits as it is stays as it is."""
    found = fitted(document, 4_000)
    assert size(found) <= 4_000
    assert json.loads(json.dumps(found)) == found
    plain = {"a": [1, 2], "b": "x"}
    assert fitted(plain) == plain


def test_what_is_left_out_is_counted() -> None:
    """By the place of its list."""
    found = fitted({"items": [{"text": "x" * 300}] * 50, "kept": "y"}, 3_000)
    assert len(found["items"]) + found["left_out"]["items"] == 50
    assert found["kept"] == "y"


def test_places_with_long_names_are_counted_elsewhere() -> None:
    """What is left out of members whose names have hundreds of characters still fits."""
    document = {f"{number}" + "\u202e" * 60: {"items": ["x" * 300] * 20} for number in range(8)}
    found = fitted(document, 4_000)
    assert size(found) <= 4_000
    assert found["left_out"]["elsewhere"] > 0


def test_pages_have_every_item_once() -> None:
    """However large the items are: one that does not fit by itself is cut, and counted."""
    items = [{"number": n, "text": "x" * (200 if n % 7 else 40_000)} for n in range(50)]
    found: list[Any] = []
    first: int | None = 0
    while first is not None:
        taken, first = page(items, first, 3_000)
        assert taken
        found += taken
    assert [each["number"] for each in found] == list(range(50))

"""The canonical JSON of RFC 8785."""

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from service.log.canonical_json import NotCanonical, canonical

numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
documents = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(documents)
def test_the_fast_way_writes_what_the_library_writes(document):
    """Whatever the document, the bytes are those of the library `rfc8785`."""
    assert canonical(document) == rfc8785.dumps(document)


def test_the_example_of_the_rfc():
    """RFC 8785 section 3.2.3 gives this document and these bytes."""
    document = json.loads(
        r'{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],'
        r'"string": "\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}'
    )
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical(document) == expected.encode()


def test_keys_are_sorted_by_utf_16_units():
    """RFC 8785 section 3.2.3: a smiley (two units from U+D83D) comes before a Hebrew presentation form (U+FB33)."""
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    order = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(canonical(dict.fromkeys(keys, 0)))) == order


@pytest.mark.parametrize("document", [2**53, {"a": [-(2**53)]}, float("nan"), [float("inf")], "\ud800", {"\udfff": 1}])
def test_what_json_cannot_carry_safely_is_refused(document):
    """Integers beyond 2^53 - 1, numbers that are none and half characters have no canonical form."""
    with pytest.raises(NotCanonical):
        canonical(document)


def test_nesting_without_end_is_refused():
    """A document nested more deeply than Python's stack is refused, not a crash."""
    document: object = 0
    for _ in range(100_000):
        document = [document]
    with pytest.raises(NotCanonical):
        canonical(document)  # type: ignore[arg-type]

"""Receipts in COSE, and the little of CBOR that they are made of."""

from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.transparency.cbor import NotDeterministic, Tagged, decoded, encoded
from service.transparency.cose_receipt import CoseReceipt, ReceiptRefused, thumbprint
from service.transparency.ed25519 import PrivateKey
from service.transparency.merkle_tree import inclusion_proof, leaf_hash
from tests.service.transparency.recursive_tree import RecursiveTree

KEY = PrivateKey.from_raw(bytes(range(32)))
OTHER = PrivateKey.from_raw(bytes(32))
TREE = RecursiveTree([b"record %d" % number for number in range(20)])
LEAF = leaf_hash(b"record 17")
PATH = inclusion_proof(17, 20, TREE.node)
RECEIPT = CoseReceipt.issued(17, 20, LEAF, PATH, KEY)

# Source: RFC 8949, appendix A; those of the kinds that are read here.
RFC_8949 = {
    "00": 0,
    "0a": 10,
    "17": 23,
    "1818": 24,
    "1864": 100,
    "1903e8": 1000,
    "1a000f4240": 1_000_000,
    "1b000000e8d4a51000": 1_000_000_000_000,
    "1bffffffffffffffff": 2**64 - 1,
    "3bffffffffffffffff": -(2**64),
    "20": -1,
    "29": -10,
    "3863": -100,
    "3903e7": -1000,
    "f6": None,
    "40": b"",
    "4401020304": b"\x01\x02\x03\x04",
    "60": "",
    "6449455446": "IETF",
    "62c3bc": "ü",
    "64f0908591": "𐅑",
    "80": [],
    "8301820203820405": [1, [2, 3], [4, 5]],
    "98190102030405060708090a0b0c0d0e0f101112131415161718181819": list(range(1, 26)),
    "a0": {},
    "a201020304": {1: 2, 3: 4},
    "a26161016162820203": {"a": 1, "b": [2, 3]},
    "c074323031332d30332d32315432303a30343a30305a": Tagged(0, "2013-03-21T20:04:00Z"),
    "d74401020304": Tagged(23, b"\x01\x02\x03\x04"),
}


@pytest.mark.parametrize(("written", "value"), RFC_8949.items())
def test_the_examples_of_cbor(written, value):
    """Both ways."""
    assert encoded(value).hex() == written
    assert decoded(bytes.fromhex(written)) == value


@pytest.mark.parametrize(
    "written",
    [
        *(
            "",
            "18",
            "1817",
            "190017",
            "1a00000017",
            "1b0000000000000017",
            "3817",
        ),  # no value, and numbers that could be shorter
        *(
            "f4",
            "f5",
            "f7",
            "f90000",
            "fb3ff199999999999a",
            "c249",
        ),  # simple values, floats, half a number
        *("5f42010243030405ff", "7f657374726561646d696e67ff", "9fff", "bfff", "ff", "1c", "1f"),  # indefinite lengths, nothing
        *("41", "4201", "61", "61ff", "81", "8201", "a1", "a101", "d2"),  # what ends too early, and a text that is none
        *("a203040102", "a201020102", "a2616201616101", "a18001"),  # keys not sorted, twice, of another kind
        *(
            "0000",
            "f6f6",
            "81" * 17 + "00",
            "9bffffffffffffffff00",
            "5bffffffffffffffff00",
        ),  # what follows, is deep, or is huge
    ],
)
def test_other_cbor_is_refused(written):
    """Each value has one form in bytes."""
    with pytest.raises(NotDeterministic):
        decoded(bytes.fromhex(written))


@pytest.mark.parametrize("value", [2**64, -(2**64) - 1, True, 1.5, [object()], {1: {2}}])
def test_what_a_receipt_does_not_need_is_not_written(value):
    """Larger integers, booleans, fractions, sets."""
    with pytest.raises((TypeError, ValueError), match="written"):
        encoded(value)


VALUES = st.recursive(
    st.none() | st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=40) | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers(-500, 500) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=5,
)


@settings(max_examples=30, deadline=None)
@given(VALUES)
def test_what_is_written_is_read(value):
    """And in no other bytes."""
    assert decoded(encoded(value)) == value


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_bytes_are_either_written_so_or_refused(data):
    """There is no third way, and no other error."""
    try:
        value = decoded(data)
    except NotDeterministic:
        return
    assert encoded(value) == data


def test_a_receipt_has_the_bytes_of_the_standard():
    """Put together by hand here: tag 18, the protected header as bytes, one proof, no payload; and the signature over the root."""
    x = KEY.public.raw
    kid = sha256(bytes.fromhex("a3 01 01 20 06 21 58 20") + x).digest()
    protected = bytes.fromhex("a3 01 32 04 58 20") + kid + bytes.fromhex("19 01 8b 01")
    path = b"".join(b"\x58\x20" + each for each in PATH)
    proof = bytes.fromhex("83 14 11 83") + path
    signed = b"\x84\x6aSignature1\x58" + bytes([len(protected)]) + protected + b"\x40\x58\x20" + TREE.root(20)
    assert len(PATH) == 3
    assert RECEIPT.to_bytes() == (
        b"\xd2\x84\x58"
        + bytes([len(protected)])
        + protected
        + bytes.fromhex("a1 19 01 8c a1 20 81 58")
        + bytes([len(proof)])
        + proof
        + b"\xf6\x58\x40"
        + KEY.sign(signed)
    )


def test_a_receipt_is_written_read_and_verified():
    """With the leaf's hash and the key; what comes out is the root."""
    receipt = CoseReceipt.parse(RECEIPT.to_bytes())
    assert receipt == RECEIPT
    assert receipt.verify(LEAF, KEY.public) == TREE.root(20)


def test_what_does_not_hold_is_refused():
    """Another entry, another key, a proof that leads elsewhere or nowhere."""
    for leaf, key in ((leaf_hash(b"record 16"), KEY), (LEAF, OTHER)):
        with pytest.raises(ReceiptRefused):
            RECEIPT.verify(leaf, key.public)
    renamed = replace(RECEIPT, key_thumbprint=thumbprint(OTHER.public))
    for receipt in (
        replace(RECEIPT, index=16),
        replace(RECEIPT, hashes=PATH[:2]),
        replace(RECEIPT, hashes=(*PATH, LEAF)),
        renamed,
    ):
        with pytest.raises(ReceiptRefused):
            receipt.verify(LEAF, KEY.public)
    with pytest.raises(ReceiptRefused):
        renamed.verify(LEAF, OTHER.public)


def test_no_wrong_bit_of_a_receipt_shows_another_root():
    """Size and index are not signed: with another size the path may lead to the same root. Every other bit is refused."""
    data = RECEIPT.to_bytes()
    held = []
    for bit in range(8 * len(data)):
        wrong = bytearray(data)
        wrong[bit // 8] ^= 1 << bit % 8
        try:
            receipt = CoseReceipt.parse(bytes(wrong))
            assert receipt.verify(LEAF, KEY.public) == TREE.root(20)
        except ReceiptRefused:
            continue
        held.append((receipt.index, receipt.size))
        assert replace(receipt, size=20, index=17) == RECEIPT
    assert all(size != 20 for _, size in held)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        Tagged(18, []),
        Tagged(98, decoded(RECEIPT.to_bytes()).value),
        decoded(RECEIPT.to_bytes()).value,
        Tagged(18, [*decoded(RECEIPT.to_bytes()).value, None]),
    ],
)
def test_another_structure_is_refused(value):
    """A receipt is a tagged COSE_Sign1 of four members."""
    with pytest.raises(ReceiptRefused):
        CoseReceipt.parse(encoded(value))


@pytest.mark.parametrize(
    ("protected", "unprotected", "payload", "signature"),
    [
        ({1: -8}, {}, None, None),  # another name of the algorithm
        ({395: 2}, {}, None, None),
        ({3: "text/plain"}, {}, None, None),
        ({4: "x" * 32}, {}, None, None),
        ({}, {4: b"key"}, None, None),
        ({}, {396: {-2: [b""]}}, None, None),
        ({}, {396: {-1: []}}, None, None),
        ({}, {396: {-1: [b"\x80"]}}, None, None),
        ({}, {396: {-1: [encoded([20, 17, []])]}}, None, None),
        ({}, {396: {-1: [encoded([20, 17, [list(each) for each in PATH]])]}}, None, None),
        ({}, {396: {-1: [encoded([20, 20, list(PATH)])]}}, None, None),
        ({}, {396: {-1: [encoded([20, 17, list(PATH)])] * 2}}, None, None),
        ({}, {}, TREE.root(20), None),
        ({}, {}, None, b"short"),
        ({}, {}, None, "x" * 64),
    ],
)
def test_other_headers_are_refused(protected, unprotected, payload, signature):
    """Only what `to_bytes` writes is read, so that nothing in a receipt goes unread."""
    before = decoded(RECEIPT.to_bytes()).value
    changed = [
        encoded({**decoded(before[0]), **protected}),
        {**before[1], **unprotected},
        payload,
        before[3] if signature is None else signature,
    ]
    with pytest.raises(ReceiptRefused):
        CoseReceipt.parse(encoded(Tagged(18, changed)))


def test_a_tree_of_one_entry_has_no_receipt():
    """The standard wants a path of at least one hash."""
    with pytest.raises(ReceiptRefused, match="from 1"):
        CoseReceipt.issued(0, 1, LEAF, (), KEY)


def test_a_long_receipt_is_refused():
    """The largest that there can be has some two thousand bytes."""
    with pytest.raises(ReceiptRefused, match="at most"):
        CoseReceipt.parse(bytes(4097))

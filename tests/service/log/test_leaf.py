"""The bytes of a record in the log, recomputed here by hand."""

from dataclasses import replace
from hashlib import sha256

import pytest

from service.log.leaf import Opening, SealedRecord, commitments, faults, opened, outermost_pointers, seal, with_personal_values
from service.transparency.merkle_tree import leaf_hash

SALT = bytes(range(32))
RECORD = {
    "schema": "fifthfactor/record/3",
    "id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
    "recorded_at": "2026-11-24T12:00:00.000001Z",
    "asked_by": "gateway",
    "as_of": "2026-11-24",
    "request": {"recipient": {"country": "US"}, "exporter": {"id": "李娜", "country": "CN"}},
    "decision": {"proceed": False, "answer": "No."},
    "bundle": {"source": "b" * 64, "meaning": "a" * 64},
    "engine": {"version": "0.12.0", "semantics": 3},
}


def committed(written: str) -> str:
    """The commitment to a value that is written so."""
    return sha256(b"fifthfactor/commitment/1" + b"\x00" + SALT + written.encode()).hexdigest()


COMMITMENT = committed('"李娜"')
DECISION = committed('{"answer":"No.","proceed":false}')
REQUEST = committed('{"exporter":{"country":"CN","id":{"commitment":"' + COMMITMENT + '"}},"recipient":{"country":"US"}}')
LEAF = (
    '{"as_of":"2026-11-24","asked_by":"gateway","bundle":{"meaning":"' + "a" * 64 + '","source":"' + "b" * 64 + '"},'
    '"decision":{"commitment":"' + DECISION + '"},"engine":{"semantics":3,"version":"0.12.0"},'
    '"id":"019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071","recorded_at":"2026-11-24T12:00:00.000001Z",'
    '"request":{"commitment":"' + REQUEST + '"},"schema":"fifthfactor/record/3"}'
).encode()


@pytest.fixture
def entry() -> SealedRecord:
    """The record above, sealed with a salt that is known."""
    return seal(RECORD, ["/exporter/id"], random=lambda length: SALT)


def wrong(entry: SealedRecord) -> tuple[str, ...]:
    """What is wrong with an entry."""
    return faults(entry.id, entry.leaf, entry.leaf_hash, entry.openings)


def test_the_leaf_is_these_bytes(entry):
    """Keys sorted, no spaces, UTF-8, a commitment for the personal value; written out here in full."""
    assert entry.leaf == LEAF


def test_the_leaf_has_this_hash(entry):
    """RFC 6962: SHA-256 over a zero byte and the leaf; of this leaf, for good, this number."""
    assert entry.leaf_hash == sha256(b"\x00" + LEAF).digest()
    assert entry.leaf_hash.hex() == "ce9bda08d52b0db7c946a69aa04713494c6bf0496256ebe29624e75277b984d6"


def test_the_empty_leaf_of_rfc_6962():
    """The hash of an empty leaf, as published in RFC 6962's reference test data."""
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


def test_the_record_itself_is_not_changed(entry):
    """Sealing leaves the caller's document as it was."""
    assert RECORD["request"]["exporter"]["id"] == "李娜"  # type: ignore[index]


def test_personal_values_stand_beside_the_leaf_and_can_be_put_back(entry):
    """The clear value is not in the leaf; with it, the record is as it was."""
    assert "李娜".encode() not in entry.leaf
    assert with_personal_values(entry.leaf, entry.openings) == RECORD


def test_every_personal_value_has_a_salt_of_its_own():
    """Two equal values do not show that they are equal."""
    record = {**RECORD, "request": {"exporter": {"id": "same"}, "recipient": {"id": "same"}}}
    entry = seal(record, ["/exporter/id", "/recipient/id"])
    held = commitments(entry.leaf, entry.openings)
    assert held["/exporter/id"] != held["/recipient/id"]


def test_a_sound_record_has_no_faults(entry):
    """As sealed, it verifies."""
    assert wrong(entry) == ()


def test_an_erased_record_has_no_faults_and_the_same_hash(entry):
    """With value and salt gone the leaf still verifies, and the commitment stands where the value was."""
    erased = other(entry, salt=None, value=None)
    assert wrong(erased) == ()
    assert with_personal_values(erased.leaf, erased.openings)["request"]["exporter"]["id"] == {"commitment": COMMITMENT}


def other(entry: SealedRecord, **changes: object) -> SealedRecord:
    """The entry with another opening."""
    return replace(entry, openings=(replace(entry.openings[0], **changes), *entry.openings[1:]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tamper", "fault"),
    [
        (lambda e: replace(e, leaf=e.leaf.replace(b"0.12", b"0.13")), "the leaf does not have the stored hash"),
        (lambda e: replace(e, leaf_hash=bytes(32)), "the leaf does not have the stored hash"),
        (lambda e: replace(e, id="another"), "the leaf belongs to another id"),
        (lambda e: replace(e, openings=()), "do not match one to one"),
        (lambda e: replace(e, openings=(*e.openings, Opening("/x", None, None))), "do not match one to one"),
        (lambda e: other(e, pointer="/recipient/country"), "do not match one to one"),
        (lambda e: other(e, value='"李四"'.encode()), "does not open its commitment"),
        (lambda e: other(e, salt=bytes(32)), "does not open its commitment"),
        (lambda e: other(e, salt=None), "half erased"),
        (lambda e: other(e, value=None), "half erased"),
    ],
)
def test_each_change_is_found(entry, tamper, fault):
    """Whatever is changed in the rows, the check says what."""
    assert fault in " ".join(wrong(tamper(entry)))


@pytest.mark.parametrize(
    "leaf", [b"", b"\xff", b"[]", b"{}", b'{"request": 1e999}', b'{"request": [[', b'{"request": "\\ud800"}']
)
def test_bytes_that_are_no_record_are_found(leaf):
    """A leaf that is no record is a fault, never an error."""
    assert faults("x", leaf, leaf_hash(leaf), ())


def test_a_leaf_written_otherwise_is_found(entry):
    """The same record with a space more has a hash too, and is not canonical."""
    spaced = entry.leaf.replace(b'":', b'": ', 1)
    assert "the leaf is not canonical JSON" in faults(entry.id, spaced, leaf_hash(spaced), entry.openings)


def test_pointers_lead_through_lists_and_escapes():
    """RFC 6901: `~1` is a slash, `~0` a tilde, numbers count in lists."""
    request = {"a/b": [{"c~d": "first"}, {"c~d": "second"}]}
    entry = seal({**RECORD, "request": request}, ["/a~1b/1/c~0d"])
    assert commitments(entry.leaf, entry.openings).keys() == {"/a~1b/1/c~0d", "request", "decision"}
    assert opened(entry.leaf, entry.openings)["request"]["a/b"][0] == {"c~d": "first"}
    assert with_personal_values(entry.leaf, entry.openings)["request"] == request
    assert wrong(entry) == ()


def test_a_pointer_into_a_value_that_is_committed_as_a_whole_is_covered():
    """Of two pointers of which one leads into the other's value, the outer one counts."""
    assert outermost_pointers(["/a/b", "/a", "/ab", "/a"]) == ("/a", "/ab")
    assert outermost_pointers(["", "/a"]) == ("",)

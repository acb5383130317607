"""
The bytes of a record in the log, and how they are checked.

Input: a record as a JSON document, and the places of the personal values in its request. Output: the leaf, which is canonical
JSON with a commitment in place of each personal value, and of five members as wholes: the request, the decision, the words
that the record is found by, the commitments whose overdue promises were counted, and the shares of the ledger; the leaf's RFC 6962 hash;
and the openings of the commitments. An erasure removes the openings of personal values, and of `overdue`, which leads to the party, and
leaves the leaf and its hash as they are. So the values are gone, and every proof over the leaves stays valid.

    leaf        = RFC 8785 of the record, with {"commitment": "<hex>"} in place of the request, of the decision, of `found_by`,
                  of `contract`, of `overdue`, of `shares`, and, within the request, of each personal value
    leaf hash   = SHA-256(00 || leaf)                                                       (RFC 6962, section 2.1)
    commitment  = SHA-256("fifthfactor/commitment/1" || 00 || salt || RFC 8785 of the value)
    salt        = 32 bytes from the operating system, new for each value

`faults` checks one stored record from its rows alone, without the engine and without the models.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import JsonValue

from service.log.canonical_json import NotCanonical, canonical, canonical_object
from service.log.record_summary import Summary
from service.log.review_cases import ReviewCase
from service.transparency.merkle_tree import leaf_hash
from service.transparency.salted_commitment import SALT_BYTES as SALT_BYTES
from service.transparency.salted_commitment import commitment as commitment

_NOTHING: Mapping[str, bytes] = MappingProxyType({})
OVERDUE = "overdue"  # a member that is erased with the personal values
CONTRACT = "contract"  # the same: its digest would confirm a guess at them
SHARES = "shares"  # the member that is withheld from parties
WHOLE = ("decision", "found_by", "request")  # the members to which a leaf holds a commitment
ERASED = (CONTRACT, OVERDUE)
HIDDEN = (*WHOLE, *ERASED, SHARES)  # the same, with those that not every record has


@dataclass(frozen=True, slots=True)
class Opening:
    """
    The salt and the value that open one commitment, both None after an erasure.

    The pointer leads into the record's request, or is one of HIDDEN for the commitment to a whole member.
    """

    pointer: str
    salt: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """
    A record ready for the log: its id, its bytes, their hash, and the openings of its commitments.

    `summary` is for searches, `case` for the queue of reviews.
    """

    id: str
    leaf: bytes
    leaf_hash: bytes
    openings: tuple[Opening, ...]
    summary: Summary | None = None
    case: ReviewCase | None = None


def seal(
    document: Mapping[str, Any],
    personal: Sequence[str],
    *,
    written: Mapping[str, bytes] = _NOTHING,
    summary: Summary | None = None,
    case: ReviewCase | None = None,
    random: Callable[[int], bytes] = os.urandom,
) -> SealedRecord:
    """
    Make the log entry of a record.

    `written` has the members of the record that are canonical JSON already; `document` has all others, among them `id` and
    `request`. `personal` has JSON Pointers into the request; each must lead to a value. `summary` is the summary of the record,
    if it is known already, and `case` what it is to the queue of reviews. Raises NotCanonical.
    """
    request = document["request"]
    openings = []
    for pointer in outermost_pointers(personal):
        opening = Opening(pointer, random(SALT_BYTES), canonical(value_at(request, pointer)))
        request = with_value(request, pointer, {"commitment": _commitment_of(opening)})
        openings.append(opening)
    members = {name: canonical(value) for name, value in document.items() if name != "request"}
    members = {**members, **written, "request": canonical(request)}
    for name in sorted(members.keys() & set(HIDDEN)):
        opening = Opening(name, random(SALT_BYTES), members[name])
        members[name] = b'{"commitment":"%b"}' % _commitment_of(opening).encode()
        openings.append(opening)
    leaf = canonical_object(members)
    return SealedRecord(document["id"], leaf, leaf_hash(leaf), tuple(openings), summary, case)


def outermost_pointers(pointers: Sequence[str]) -> tuple[str, ...]:
    """The pointers, each once and in order, without those that lead into a value that another pointer covers."""
    kept: list[str] = []
    for pointer in sorted(set(pointers), key=lambda each: (each.count("/"), each)):
        if not any(pointer.startswith(cover + "/") for cover in kept):
            kept.append(pointer)
    return tuple(sorted(kept))


def with_personal_values(leaf: bytes, openings: Sequence[Opening]) -> dict[str, Any]:
    """The record of a leaf, with the personal values that were not erased put back."""
    document = opened(leaf, openings)
    for opening in openings:
        if opening.value is not None and opening.pointer not in HIDDEN:
            document["request"] = with_value(document["request"], opening.pointer, json.loads(opening.value))
    return document


def opened(leaf: bytes, openings: Sequence[Opening]) -> dict[str, Any]:
    """The record of a leaf, with request and decision put back, and commitments in place of the personal values."""
    document: dict[str, Any] = json.loads(leaf)
    document |= {each.pointer: json.loads(each.value) for each in openings if each.pointer in HIDDEN and each.value is not None}
    return document


def erased(openings: Sequence[Opening]) -> tuple[str, ...]:
    """The JSON Pointers to the values of a request that were erased."""
    return tuple(each.pointer for each in openings if each.value is None and each.pointer not in HIDDEN)


def commitments(leaf: bytes, openings: Sequence[Opening]) -> dict[str, str]:
    """The commitments of a record, by the pointers of their openings."""
    document = json.loads(leaf)
    whole = {name: hexadecimal for name in HIDDEN for at, hexadecimal in commitments_in(document.get(name), "") if not at}
    return {**whole, **dict(commitments_in(opened(leaf, openings)["request"], ""))}


def faults(id: str, leaf: bytes, stored_hash: bytes, openings: Sequence[Opening]) -> tuple[str, ...]:
    """
    The faults of a stored record, found from its rows alone: a sentence for each fault, none if the record is sound.

    The sentences name places, never values.
    """
    if leaf_hash(leaf) != stored_hash:
        return ("the leaf does not have the stored hash",)
    try:
        document = json.loads(leaf)
        written = canonical(document)
        held = commitments(leaf, openings)
    except (ValueError, NotCanonical, KeyError, TypeError, AttributeError):
        return ("the leaf is not the canonical JSON of a record",)
    found = []
    if written != leaf:
        found.append("the leaf is not canonical JSON")
    if document.get("id") != id:
        found.append("the leaf belongs to another id")
    if sorted(held) != sorted(opening.pointer for opening in openings):
        found.append("the commitments in the leaf and the openings beside it do not match one to one")
    for opening in openings:
        if opening.salt is None and opening.value is None:
            if opening.pointer in (*WHOLE, SHARES):
                found.append(f"the {opening.pointer} is gone, and only personal values are ever erased")
            continue
        if opening.salt is None or opening.value is None:
            found.append(f"the opening of `{opening.pointer}` is half erased")
        elif len(opening.salt) != SALT_BYTES or _commitment_of(opening) != held.get(opening.pointer):
            found.append(f"the value of `{opening.pointer}` does not open its commitment")
    return tuple(found)


def _commitment_of(opening: Opening) -> str:
    assert opening.salt is not None
    assert opening.value is not None
    return commitment(opening.salt, opening.value)


def commitments_in(value: JsonValue, at: str = "") -> Iterator[tuple[str, str]]:
    """The commitments in a document, each with the JSON Pointer that leads to it."""
    match value:
        case {"commitment": str(hexadecimal), **others} if not others and len(hexadecimal) == 64:
            yield at, hexadecimal
        case dict():
            for key, inner in value.items():
                yield from commitments_in(inner, f"{at}/{_escape(key)}")
        case list():
            for index, inner in enumerate(value):
                yield from commitments_in(inner, f"{at}/{index}")


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _steps(pointer: str) -> list[str]:
    if pointer and not pointer.startswith("/"):
        raise ValueError("not a JSON Pointer")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def value_at(document: Any, pointer: str) -> Any:
    """The value in a document at a pointer. Raises ValueError, LookupError, TypeError if it leads to none."""
    for step in _steps(pointer):
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


def with_value(document: Any, pointer: str, value: JsonValue) -> Any:
    """A document with another value at a pointer. It shares its unchanged parts with the old one, which stays as it is."""
    return _replaced(document, _steps(pointer), value)


def _replaced(document: Any, steps: list[str], value: JsonValue) -> Any:
    if not steps:
        return value
    step, *rest = steps
    if isinstance(document, list):
        index = int(step)
        return [_replaced(each, rest, value) if at == index else each for at, each in enumerate(document)]
    return {**document, step: _replaced(document[step], rest, value)}

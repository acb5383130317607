"""
The little of CBOR (RFC 8949) that a COSE receipt is made of, in its deterministic form (section 4.2.1) and in no other.

Values are integers of up to 64 bits, bytes, text, None, lists, maps and tags. INVARIANT (one form): what is read would be written
again in the same bytes, so lengths are definite and short, and the keys of a map are sorted and there once. A library would read
much more, and each thing more would have to be refused afterwards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

MAX_DEPTH: Final = 16

_NULL = b"\xf6"
_LENGTHS = {24: 1, 25: 2, 26: 4, 27: 8}  # of the number that follows the first byte


class NotDeterministic(ValueError):
    """These bytes are not deterministic CBOR of the kinds that are read here; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """A value with a tag."""

    tag: int
    value: Any


class _Major(IntEnum):
    """The major types of RFC 8949, section 3.1."""

    UNSIGNED = 0
    NEGATIVE = 1
    BYTES = 2
    TEXT = 3
    ARRAY = 4
    MAP = 5
    TAG = 6
    SIMPLE = 7


def encoded(value: Any) -> bytes:
    """The value in CBOR. Raises TypeError for a value that is not written here, ValueError for an integer beyond 64 bits."""
    match value:
        case None:
            return _NULL
        case int() if not isinstance(value, bool):
            return _head(_Major.UNSIGNED, value) if value >= 0 else _head(_Major.NEGATIVE, -1 - value)
        case bytes():
            return _head(_Major.BYTES, len(value)) + value
        case str():
            data = value.encode()
            return _head(_Major.TEXT, len(data)) + data
        case Tagged():
            return _head(_Major.TAG, value.tag) + encoded(value.value)
        case Mapping():
            members = sorted((encoded(key), encoded(member)) for key, member in value.items())
            return _head(_Major.MAP, len(members)) + b"".join(key + member for key, member in members)
        case Sequence():
            return _head(_Major.ARRAY, len(value)) + b"".join(map(encoded, value))
        case _:
            raise TypeError(f"no {type(value).__name__} is written")


def decoded(data: bytes) -> Any:
    """The one value in these bytes; an array is a list, a map a dict. Raises NotDeterministic."""
    value, _ = _value(data, 0, 0)
    if encoded(value) != data:
        raise NotDeterministic("the value is not written in the deterministic form, or bytes follow it")
    return value


def _value(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """The value that begins at a byte, and where it ends."""
    if depth > MAX_DEPTH or at >= len(data):
        raise NotDeterministic("the value is nested too deeply, or ends too early")
    if data[at : at + 1] == _NULL:
        return None, at + 1
    major, short = _Major(data[at] >> 5), data[at] & 31
    end = at + 1 + _LENGTHS.get(short, 0)
    number = int.from_bytes(data[at + 1 : end], "big") if short in _LENGTHS else short
    at = end
    match major:
        case _Major.UNSIGNED:
            return number, at
        case _Major.NEGATIVE:
            return -1 - number, at
        case _Major.BYTES:
            return data[at : at + number], at + number
        case _Major.TEXT:
            try:
                return data[at : at + number].decode(), at + number
            except UnicodeDecodeError:
                raise NotDeterministic("a text is not UTF-8") from None
        case _Major.ARRAY:
            items = []
            for _ in range(number):
                item, at = _value(data, at, depth + 1)
                items.append(item)
            return items, at
        case _Major.MAP:
            members = {}
            for _ in range(number):
                key, at = _value(data, at, depth + 1)
                if not isinstance(key, int | str | bytes):
                    raise NotDeterministic("a key of a map is not an integer, text or bytes")
                members[key], at = _value(data, at, depth + 1)
            return members, at
        case _Major.TAG:
            inner, at = _value(data, at, depth + 1)
            return Tagged(number, inner), at
        case _Major.SIMPLE:
            raise NotDeterministic("of the simple values only null is read")


def _head(major: _Major, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for short, length in _LENGTHS.items():
        if number < 1 << 8 * length:
            return bytes([major << 5 | short]) + number.to_bytes(length, "big")
    raise ValueError("an integer beyond 64 bits is not written")

"""
The canonical JSON of RFC 8785, fast where that is safe.

Input: a JSON document. Output: its one canonical form in bytes, over which hashes are computed. The library `rfc8785`
defines this form, but it walks the document in Python and costs as much as a decision. Python's own encoder in C writes the
same bytes for every document without fractions, large integers and characters beyond U+FFFF. In practice every record is such
a document. So this encoder goes first, and its text is checked for the exceptions.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache

import rfc8785
from pydantic import JsonValue

_INTEGERS_BELOW = 2**53

# The first bytes of characters beyond U+FFFF: RFC 8785 sorts keys by UTF-16 units, Python by code points, and only
# these sort differently.
_in_another_plane = re.compile(rb"[\xf0-\xf4]").search


class NotCanonical(ValueError):
    """A document that RFC 8785 cannot write: an integer beyond 2^53 - 1, NaN or infinity, half a character (a lone surrogate)."""


class _NotPlain(ValueError):
    """A number whose canonical form may differ from the form that Python writes."""


def _plain_integer(digits: str) -> None:
    if len(digits) > 15 and not -_INTEGERS_BELOW < int(digits) < _INTEGERS_BELOW:
        raise _NotPlain


def _no_fraction(digits: str) -> None:
    raise _NotPlain


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False).encode
# Of a written document, which bytes are digits, and which may follow one in a fraction.
_DIGITS = bytes(ord("0") if chr(byte) in "0123456789" else ord(".") if chr(byte) in ".eE" else ord(" ") for byte in range(256))
_look_at_numbers = json.JSONDecoder(parse_int=_plain_integer, parse_float=_no_fraction).decode


def joined(members: Mapping[str, bytes]) -> bytes:
    """The JSON of an object, from the JSON of its members in their order. It has at least one; the names are plain ASCII words."""
    # One list and one copy: a decision's longest member has as many bytes as all others together.
    pieces = [piece for name, text in members.items() for piece in (_lead(name), text)]
    pieces[0] = b"{" + pieces[0][1:]
    pieces.append(b"}")
    return b"".join(pieces)


def canonical_object(members: Mapping[str, bytes]) -> bytes:
    """
    The RFC 8785 bytes of an object, put together from members that are in that form already.

    Raises NotCanonical.
    """
    written = joined(dict(sorted(members.items())))
    return canonical(json.loads(written)) if _beyond_the_first_plane(written) else written


def canonical(document: JsonValue) -> bytes:
    """
    The RFC 8785 bytes of a JSON document (its keys are strings, as everywhere in JSON).

    Raises NotCanonical.
    """
    # INVARIANT (one way of writing): whenever this returns, `rfc8785` would have returned the same bytes.
    try:
        text = _encode(document)
        written = text.encode()
        if _perhaps_a_number(written):
            _look_at_numbers(text)
    except (ValueError, RecursionError):
        pass  # the library decides, and says what is wrong
    else:
        if not _beyond_the_first_plane(written):
            return written
    try:
        return rfc8785.dumps(document)
    except RecursionError:
        raise NotCanonical("nested too deeply") from None
    except ValueError:  # from the library, or from Python for half a character in a key
        raise NotCanonical("a number or a text that canonical JSON cannot carry") from None


@lru_cache(maxsize=1024)
def _lead(name: str) -> bytes:
    return b',"%b":' % name.encode("ascii")


def _perhaps_a_number(written: bytes) -> bool:
    """Whether there is a fraction, or an integer of 15 digits or more. One within a text only leads to a closer look."""
    digits = written.translate(_DIGITS)
    return b"0." in digits or b"0" * 15 in digits


def _beyond_the_first_plane(written: bytes) -> bool:
    return not written.isascii() and _in_another_plane(written) is not None

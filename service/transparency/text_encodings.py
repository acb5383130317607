"""
Bytes and numbers as the text formats of a log write them, each in one form only.

What is read here comes from elsewhere, so each reader gives None for what is not in that form, and the format says what is wrong.
"""

import base64
import binascii
from collections.abc import Sequence

from .merkle_tree import HASH_BYTES

_MAX_DIGITS = 19  # of 2**63 - 1


def base64_of(data: bytes) -> str:
    """Base64 (RFC 4648, section 4), padded."""
    return base64.b64encode(data).decode()


def from_base64(text: str) -> bytes | None:
    """The bytes in base64, or None if it is not what `base64_of` writes: bits that are left over are zero."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64_of(data) == text else None


def lines_of_hashes(hashes: Sequence[bytes]) -> str:
    """Hashes in base64, each in a line of its own."""
    return "".join(f"{base64_of(each)}\n" for each in hashes)


def from_lines_of_hashes(lines: Sequence[str], *, at_most: int) -> tuple[bytes, ...] | None:
    """The hashes in lines, or None if one is no hash of 32 bytes or there are too many."""
    if len(lines) > at_most:
        return None
    hashes = tuple(each for line in lines if (each := from_base64(line)) is not None and len(each) == HASH_BYTES)
    return hashes if len(hashes) == len(lines) else None


def from_decimal(text: str) -> int | None:
    """The number in ASCII digits without leading zeros, at most 19 of them, or None."""
    if not (text.isascii() and text.isdigit()) or len(text) > _MAX_DIGITS or (text[0] == "0" and text != "0"):
        return None
    return int(text)

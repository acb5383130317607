"""
Salted commitments: what stands in a leaf of the log in place of a value, and is opened by the value and its salt.

    commitment = SHA-256("fifthfactor/commitment/1" || 00 || salt || RFC 8785 of the value)
    salt       = 32 random bytes, new for each value

Without the salt nobody can check a guess at the value.
"""

from hashlib import sha256
from typing import Final

SALT_BYTES: Final = 32

_DOMAIN = b"fifthfactor/commitment/1\x00"


def commitment(salt: bytes, value: bytes) -> str:
    """The commitment to a value, as 64 hexadecimal digits. `value` is canonical JSON."""
    return sha256(_DOMAIN + salt + value).hexdigest()

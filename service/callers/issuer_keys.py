"""
The keys of a token issuer: the address of its JWKS (RFC 7517) goes in, the keys that may verify signatures come out.

The issuer is trusted to name keys, and for nothing else; `issuer_documents` bounds its answer. A key that is marked for something else than
signatures, such as encryption (RFC 7517, sections 4.2 and 4.3), verifies nothing here.
"""

import json
from hashlib import sha256
from typing import Any

from service.callers import issuer_documents

MOST_BYTES = issuer_documents.MOST_BYTES
MOST_KEYS = 100


class KeysRefused(Exception):
    """The keys cannot be fetched, or the answer holds no key that verifies signatures; the message says which."""


def fetch(url: str, seconds: float) -> list[dict[str, Any]]:
    """The keys at an address that may verify signatures, at least one. The body arrives within `seconds`. Raises KeysRefused."""
    try:
        document = issuer_documents.fetch(url, seconds)
    except issuer_documents.IssuerDocumentRefused as refused:
        raise KeysRefused(str(refused)) from None
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or len(keys) > MOST_KEYS:
        raise KeysRefused(f"the answer is not a JWKS of at most {MOST_KEYS} keys")
    usable = [key for key in keys if isinstance(key, dict) and verifies(key)]
    if not usable:
        raise KeysRefused("no key in the answer verifies signatures")
    return usable


def digest(key: dict[str, Any]) -> str:
    """A digest of a key, by which it is known again."""
    return sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


def verifies(key: dict[str, Any]) -> bool:
    """Whether a key may verify signatures: neither its `use` nor its `key_ops` says that it is for something else."""
    uses, operations = key.get("use", "sig"), key.get("key_ops", ["verify"])
    return uses == "sig" and isinstance(operations, list) and "verify" in operations

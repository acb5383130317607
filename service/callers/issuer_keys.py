"""
The keys of a token issuer: the address of its JWKS (RFC 7517) goes in, the keys that may verify signatures come out.

The issuer is trusted to name keys, and for nothing else. So its answer is bounded in bytes, in time and in number of keys, and no redirect
is followed: it could lead to another scheme or another machine. A key that is marked for something else than signatures, such as
encryption (RFC 7517, sections 4.2 and 4.3), verifies nothing here.
"""

import http.client
import json
import time
import urllib.request
from typing import Any

MOST_BYTES = 256 * 1024
MOST_KEYS = 100
_AT_ONCE = 16 * 1024


class KeysRefused(Exception):
    """The keys cannot be fetched, or the answer holds no key that verifies signatures; the message says which."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def fetch(url: str, seconds: float) -> list[dict[str, Any]]:
    """The keys at an address that may verify signatures, at least one. The body arrives within `seconds`. Raises KeysRefused."""
    until = time.monotonic() + seconds
    try:
        with urllib.request.build_opener(_NoRedirects()).open(url, timeout=seconds) as answer:
            data = bytearray()
            while more := answer.read1(_AT_ONCE):
                data += more
                if len(data) > MOST_BYTES:
                    raise KeysRefused(f"the answer has more than {MOST_BYTES >> 10} KiB")
                if time.monotonic() > until:
                    raise KeysRefused(f"the answer takes more than {seconds:g} seconds")
        document = json.loads(data)
    except (OSError, http.client.HTTPException) as failed:
        raise KeysRefused(f"the keys cannot be fetched: {type(failed).__name__}") from None
    except (ValueError, RecursionError):
        raise KeysRefused("the answer is not JSON") from None
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or len(keys) > MOST_KEYS:
        raise KeysRefused(f"the answer is not a JWKS of at most {MOST_KEYS} keys")
    usable = [key for key in keys if isinstance(key, dict) and verifies(key)]
    if not usable:
        raise KeysRefused("no key in the answer verifies signatures")
    return usable


def verifies(key: dict[str, Any]) -> bool:
    """Whether a key may verify signatures: neither its `use` nor its `key_ops` says that it is for something else."""
    uses, operations = key.get("use", "sig"), key.get("key_ops", ["verify"])
    return uses == "sig" and isinstance(operations, list) and "verify" in operations

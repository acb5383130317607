"""The key of a call: what a request over HTTP sent, or the key of the process where nothing was sent."""

from typing import Any

BEARER = "bearer "
MOST_KEY = 8_400  # characters of a header with a key


def key_of(request: Any, own: str) -> str:
    """The key of a call; `own` where it came over stdio, or sent none. Whoever must send one was refused before (`http_guard`)."""
    sent = "" if request is None else request.headers.get("authorization", "")
    return bearer(sent) or own


def bearer(header: str) -> str:
    """The key in an `Authorization` header; "" where there is none."""
    if len(header) > MOST_KEY or not header.lower().startswith(BEARER):
        return ""
    key = header[len(BEARER) :].strip()
    return key if key.isascii() and key.isprintable() and " " not in key else ""

"""
JSON documents of an issuer, fetched over HTTP: an address in, what it answers out.

The issuer is trusted to say what its documents say, and for nothing else. So an answer is bounded in bytes and in time, and no redirect is
followed: it could lead to another scheme or another machine. No part of an answer and no part of what is sent is in an error.
"""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_BYTES = 256 * 1024
_AT_ONCE = 16 * 1024


class IssuerDocumentRefused(Exception):
    """The document cannot be fetched, or is none; the message says why."""


@dataclass(frozen=True, slots=True)
class IssuerAnswer:
    """An answer of an issuer: its status, and its document."""

    status: int
    document: Any


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def fetch(url: str, seconds: float) -> Any:
    """The document at an address. Its body arrives within `seconds`. Raises IssuerDocumentRefused, also where the issuer refuses."""
    until = time.monotonic() + seconds
    try:
        with urllib.request.build_opener(_NoRedirects()).open(url, timeout=seconds) as answer:
            return _document(_body(answer, seconds, until))
    except (OSError, http.client.HTTPException, ValueError) as failed:
        raise _unreachable(failed) from None


def call(url: str, seconds: float, headers: Mapping[str, str], sent: bytes | None = None) -> IssuerAnswer:
    """What an address answers to a call, with `sent` as the body of a POST. A refusal is an answer too. Raises IssuerDocumentRefused."""
    until = time.monotonic() + seconds
    try:
        request = urllib.request.Request(url, sent, dict(headers))
        try:
            with urllib.request.build_opener(_NoRedirects()).open(request, timeout=seconds) as answer:
                return IssuerAnswer(answer.status, _document(_body(answer, seconds, until)))
        except urllib.error.HTTPError as refused:
            with refused:
                return IssuerAnswer(refused.code, _document(_body(refused, seconds, until)))
    except (OSError, http.client.HTTPException, ValueError) as failed:
        raise _unreachable(failed) from None


def _body(answer: Any, seconds: float, until: float) -> bytes:
    data = bytearray()
    while more := answer.read1(_AT_ONCE):
        data += more
        if len(data) > MOST_BYTES:
            raise IssuerDocumentRefused(f"the answer has more than {MOST_BYTES >> 10} KiB")
        if time.monotonic() > until:
            raise IssuerDocumentRefused(f"the answer takes more than {seconds:g} seconds")
    return bytes(data)


def _document(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise IssuerDocumentRefused("the answer is not JSON") from None


def _unreachable(failed: Exception) -> IssuerDocumentRefused:
    return IssuerDocumentRefused(f"the address cannot be fetched: {type(failed).__name__}")

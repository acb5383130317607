"""
The filters in the address of a page for a browser: an address goes in, its filters come out, each with one value.

A form sends its empty fields too, so an empty filter is none. What a page does not know is a wrong address, not a filter without effect.
"""

from collections.abc import Collection
from datetime import date

from fastapi import Request

from service.api import paging

MOST_LETTERS = 300  # in the value of a filter


def filters(request: Request, known: Collection[str]) -> dict[str, str]:
    """The filters of an address without its language. Raises ValueError for one that is not known, comes twice, or is too long."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name == "lang" or not value:
            continue
        most = paging.MOST_CURSOR if name == "cursor" else MOST_LETTERS
        if name not in known or name in found or len(value) > most or "\x00" in value:
            raise ValueError("no such filter")
        found[name] = value
    return found


def one_of(value: str | None, known: Collection[str]) -> str | None:
    """A value that must be one of those known. Raises ValueError."""
    if value is not None and value not in known:
        raise ValueError("no such value")
    return value


def day(value: str | None) -> date | None:
    """A day like 2026-11-24. Raises ValueError."""
    if value is None:
        return None
    found = date.fromisoformat(value)
    if found.isoformat() != value:
        raise ValueError("no day")
    return found

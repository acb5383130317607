"""
Pages: every list is read with `limit` and `cursor`, and every page has `next`, the cursor of the page after it or null.

A cursor holds the place where its page ended, and a mark of the list and its filters, so that it is not taken for another list. It gives
access to nothing. Callers send it back as it came.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Generic, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict

from service.api.parameters import number, parameter, single, wrong
from service.problems import RequestRefused

NEXT = "the cursor of the next page; null on the last"
MOST_CURSOR = 1_024  # characters

Item = TypeVar("Item")


def parameters(default: int | None, most: int, what: str) -> list[dict[str, Any]]:
    """For a list's documentation: its two parameters. `what` are its items, in the plural. Without a default all are given at once."""
    size = {"type": "integer", "minimum": 1, "maximum": most} | ({} if default is None else {"default": default})
    return [
        parameter("limit", f"how many {what} a page has at most", size),
        parameter(
            "cursor",
            "`next` of the page before; without it, the first page",
            {"type": "string", "minLength": 1, "maxLength": MOST_CURSOR},
        ),
    ]


@dataclass(frozen=True, slots=True)
class Asked:
    """The page that a request asks for: at most `limit` items, after the place in `cursor`."""

    limit: int
    cursor: str | None

    @classmethod
    def of(cls, request: Request, default: int, most: int) -> "Asked":
        """Raises RequestRefused."""
        return cls.in_query(single(request), default, most)

    @classmethod
    def in_query(cls, sent: Mapping[str, str], default: int, most: int) -> "Asked":
        """The page that a query asks for. Raises RequestRefused."""
        limit = number("limit", sent["limit"], 1, most) if "limit" in sent else default
        cursor = sent.get("cursor")
        if cursor is not None and not 0 < len(cursor) <= MOST_CURSOR:
            raise unknown()
        return cls(limit, cursor)

    def after(self, name: str, *kinds: type, filters: tuple[Any, ...] = ()) -> list[Any] | None:
        """
        The place where the page before ended, None for the first page; of the list `name` with these filters.

        `kinds` are the types of its parts, int (of 64 bits) or str. Raises RequestRefused.
        """
        if self.cursor is None:
            return None
        try:
            raw = base64.b64decode(self.cursor + "=" * (-len(self.cursor) % 4), altchars=b"-_", validate=True)
            found: list[Any] = json.loads(raw)
            mark, *place = found
        except (ValueError, TypeError, RecursionError, binascii.Error):
            raise unknown() from None
        if mark != _mark(name, filters) or tuple(map(type, place)) != kinds or not all(map(_storable, place)):
            raise unknown()
        return place

    def cut(self, items: Sequence[Item], key: Callable[[Item], str], name: str) -> tuple[Sequence[Item], str | None]:
        """A page of a list that is in memory, and the cursor of the next. Each item has a key of its own. Raises RequestRefused."""
        begin = 0
        if (place := self.after(name, str)) is not None:
            keys = [key(each) for each in items]
            if place[0] not in keys:
                raise unknown()
            begin = keys.index(place[0]) + 1
        end = begin + self.limit
        return items[begin:end], written(name, key(items[end - 1])) if end < len(items) else None


class Page(BaseModel):
    """The base of the answers with one page of a list. Whatever else is left out, its `next` is always there."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True)
class Listing(Generic[Item]):
    """
    A list that is read in pages: what its cursors are marked with, what its items are in the plural, and how many a page has.

    `place` are the types of what a page ended at. A page for a browser takes no `limit`, so its `most` is its `size`.
    """

    name: str
    what: str
    place: tuple[type, ...]
    size: int
    most: int

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """The two parameters, for the list's documentation."""
        return parameters(self.size, self.most, self.what)

    def page(
        self,
        sent: Mapping[str, str],
        find: Callable[[Any, int], tuple[Sequence[Item], Any]],
        filters: tuple[Any, ...] = (),
    ) -> tuple[list[Item], str | None]:
        """
        The items of the page that a query asks for, and the cursor of the next. Raises RequestRefused.

        `find` gets the place after which the page begins, None for the first, and the most items that it has; it gives these and the place
        to go on after, None at the end. A place of one part is that part, of several a tuple.
        """
        asked = Asked.in_query(sent, self.size, self.most)
        parts = asked.after(self.name, *self.place, filters=filters)
        after = None if parts is None else parts[0] if len(self.place) == 1 else tuple(parts)
        found, following = find(after, asked.limit)
        if following is None:
            return [*found], None
        return [*found], written(self.name, *(following if len(self.place) > 1 else (following,)), filters=filters)


def written(name: str, *place: int | str, filters: tuple[Any, ...] = ()) -> str:
    """The cursor of a page that ended at a place of the list `name`."""
    text = json.dumps([_mark(name, filters), *place], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def unknown() -> RequestRefused:
    """The refusal of a cursor that no page of the list gave."""
    return wrong("cursor", "`cursor` takes the `next` of a page of the same list, with the same filters")


def _storable(part: int | str) -> bool:
    """Whether a database can hold a part of a place."""
    return "\x00" not in part if isinstance(part, str) else -(2**63) <= part < 2**63


def _mark(name: str, filters: tuple[Any, ...]) -> str:
    # A hash, since a filter may name a person.
    return sha256(repr((name, filters)).encode()).hexdigest()[:12]

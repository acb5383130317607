"""
A page of a book of rights: what it says of one holder and one asset on a day, as an exchange and its record have it.

Nothing in a page names a party or an asset: it has ids of commitments, purposes and places.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.books.benefit_page import BenefitsPage

BOOKS = "books"  # the member of an exchange with what the books say of it


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RightScope(_Part):
    """
    How far a right reaches. What is left out is not known.

    `sure`: it is proven up to an opening of the book. `by` are the ids of the lines behind it, the nearest first, and `origin` says whether
    the nearest is an opening. `bound` are the ids of exclusive grants to others that came before it.
    """

    right: str
    purposes: tuple[str, ...] | None = None
    territory: tuple[str, ...] | None = None
    until: date | None = None
    onward: bool | None = None
    sure: bool
    by: tuple[str, ...]
    origin: Literal["registered", "counted"]
    bound: tuple[str, ...] = ()


class Granted(_Part):
    """A grant that stands, to somebody who takes no part in the exchange. `certain`: it is known whether it is exclusive."""

    id: str
    purposes: tuple[str, ...] | None = None
    territory: tuple[str, ...] | None = None
    first: date | None = Field(default=None, description="its first day")
    until: date | None = None
    own: bool = Field(default=True, description="the exporter itself made it")
    certain: bool = True


class RightsPage(_Part):
    """
    What a book says of one holder and one asset, `on` a day.

    `known`: the holder is known; otherwise the book only says that it has lines of the asset. `complete`: an opening says that the book has
    everything that the holder holds of the asset.
    """

    on: date
    known: bool = True
    complete: bool = False
    holds: tuple[RightScope, ...] = ()
    exclusive: tuple[Granted, ...] = ()
    given: tuple[Granted, ...] = ()


BookPage = RightsPage | BenefitsPage


def read_pages(json: Any, books: Collection[str], benefits: str = "") -> dict[str, BookPage]:
    """The pages of an exchange, by book, from its member `books`; `benefits` is the book of benefits. Raises ValueError with a sentence."""
    names = {*books, benefits} - {""}
    if not isinstance(json, dict) or not json.keys() <= names:
        raise ValueError(f"must be an object with members like {', '.join(f'`{name}`' for name in sorted(names)) or 'none'}")
    try:
        return {name: (BenefitsPage if name == benefits else RightsPage).model_validate(page) for name, page in json.items()}
    except ValidationError as failed:
        error = failed.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, error['loc']))}: {error['msg']}") from None

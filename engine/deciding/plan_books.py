"""
Books of rights over the legs of a plan: what earlier legs convey stands in a book when a later leg is held against it (semantics 4.14).

A book and the exchanges of earlier legs go in; out come the lines that they would write if they happened before, for one asset. A plan
without a ledger has a page of these lines alone.

INVARIANT (an unnamed granter may be anybody): an exclusive grant by whom nobody knows may be one of the exporter itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TypeAlias

from engine.books.filling import BookReader
from engine.books.grants import BookFacts, Grant, grants
from engine.books.page import BookPage, RightsPage
from engine.exchange import Exchange
from engine.values.id_spellings import folded_id

AFTER_ALL = 2**63  # the order of the first line of a plan: after every line that was committed

# The name of a party or an asset in the role of a fact, None where nobody knows it.
Name: TypeAlias = Callable[[Exchange, str], str | None]
# What the books say of an exchange beside earlier ones, by book; nothing of an asset that a book does not have.
Pages: TypeAlias = Callable[[Exchange, Sequence[Exchange]], Mapping[str, BookPage]]


def conveyed_lines(book: BookFacts, exchange: Exchange, before: Sequence[Exchange], day: date, name: Name) -> Iterator[Grant]:
    """The lines that earlier exchanges write of the asset of another one, on a day; the parties are told apart by their names."""
    asset, exporter = name(exchange, book.of), name(exchange, book.by)
    for number, each in enumerate(before):
        if asset is None or name(each, book.of) != asset:
            continue
        granter, holder = name(each, book.by), name(each, book.to)
        for grant in grants(book, each.value, day, f"leg {number + 1}", AFTER_ALL + number, granter, holder):
            unnamed = replace(grant, granter=exporter, exclusive=None if grant.exclusive else grant.exclusive)
            yield grant if granter is not None else unnamed


def pages_of_legs(books: Sequence[BookReader], day: date) -> Pages:
    """The pages where there is no ledger: those that an exchange has itself, with the lines of earlier legs."""

    def pages(exchange: Exchange, before: Sequence[Exchange]) -> Mapping[str, BookPage]:
        own = {each.reader.book.name: each.page for each in exchange.books if each.page is not None}
        found: dict[str, BookPage] = {}
        for reader in books:
            book = reader.book
            lines = list(conveyed_lines(book, exchange, before, day, _folded))
            if lines:
                page = reader.reckoner.page(lines, _folded(exchange, book.by), _folded(exchange, book.to), day)
                mine = own.get(book.name)
                found[book.name] = _beside(mine, page) if isinstance(mine, RightsPage) else page
        return own | found

    return pages


def _beside(own: RightsPage, page: RightsPage) -> RightsPage:
    """A page with what another one says of grants; what the exporter holds is as the first one has it."""
    if not page.known:
        return page
    return own.model_copy(update={"exclusive": (*own.exclusive, *page.exclusive), "given": (*own.given, *page.given)})


def _folded(exchange: Exchange, fact: str) -> str | None:
    id = exchange.value(fact)
    return folded_id(id) if isinstance(id, str) else None

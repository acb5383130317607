"""
The lines of a book of rights: which facts it is made of, and what a committed exchange writes into it.

A book is declared in the vocabulary, and Python names no fact of it. Source: semantics 2.9.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from engine.values import Duration, SetOf, Value
from engine.values.multilingual import Words

PERPETUAL = date.max  # the last day of what has no end
LIMITS = ("right", "purpose", "territory", "term", "onward")  # what an exchange may go beyond


@dataclass(frozen=True, slots=True)
class BookFacts:
    """
    One book of the vocabulary, by the names of its facts.

    `of` is the asset, `by` who grants, `to` who gets, `granted` the rights. `purposes`, `territory` and `term` are the limits of a
    grant, `exclusive` and `onward` its marks. `held`, `beyond`, `bound`, `encumbered` and `older` are the facts that the book fills.
    `proof` is the document that shows what the book does not have, `consent` that by which the holder of an exclusive grant agrees to
    another.
    """

    name: str
    title: Words
    of: str
    granted: str
    by: str
    to: str
    purposes: str
    territory: str
    term: str
    exclusive: str
    onward: str
    held: str
    beyond: str
    bound: str
    encumbered: str
    older: str
    proof: str
    consent: str

    @property
    def scope(self) -> tuple[str, ...]:
        """The facts of how far a grant goes."""
        return self.purposes, self.territory, self.term

    @property
    def inputs(self) -> frozenset[str]:
        """The facts from which what the book fills is made."""
        return frozenset((self.granted, *self.scope, self.exclusive, self.onward, self.proof, self.consent))

    @property
    def stated(self) -> tuple[str, ...]:
        """The fact that a sender states and the book fills too."""
        return (self.held,)

    @property
    def fills(self) -> tuple[str, ...]:
        """The facts that nobody states and the book fills."""
        return self.beyond, self.bound, self.encumbered, self.older


@dataclass(frozen=True, slots=True)
class Grant:
    """
    A line of a book: one right, from `granter` to `holder`; of an opening, the granter is None and `opened` is true.

    Parties are any texts that tell them apart; None where a party is not known. Of `purposes` and `territory` None means not known, of
    `until` too; what has no end lasts until PERPETUAL. `order` is the order in which grants were made. `ended` is the first day on which
    the line no longer stands: of one that was withdrawn, date.min.
    """

    id: str
    right: str
    granter: str | None
    holder: str | None
    purposes: frozenset[str] | None
    territory: frozenset[str] | None
    first: date
    until: date | None
    exclusive: bool | None
    onward: bool | None
    order: int
    opened: bool = False
    ended: date | None = None

    def stands(self, day: date) -> bool:
        """Whether the line stands on a day; one whose last day is not known may."""
        return self.first <= day <= (self.until or PERPETUAL) and (self.ended is None or day < self.ended)

    @property
    def last(self) -> date | None:
        """The last day on which the line stands, None where it is not known: that of its term, or the day before it ends."""
        if self.ended is None or self.ended == date.min:
            return self.until
        return min(self.until or PERPETUAL, self.ended - timedelta(days=1))


def grants(
    book: BookFacts, value: Callable[[str], Value], first: date, id: str, order: int, granter: str | None, holder: str | None
) -> list[Grant]:
    """
    The lines that a committed exchange writes: one for each right that it conveys.

    `value` gives the value of a fact of the exchange, `id` is that of the commitment, and `first` its day. The parties are told apart by
    the texts given. What is not known for certain, because it is open or disputed, is None; of rights that may be conveyed only those that
    are known are written.
    """
    rights = value(book.granted)
    term = value(book.term)

    def limit(fact: str) -> frozenset[str] | None:
        found = value(fact)
        return found.members if isinstance(found, SetOf) and not found.open else None

    def mark(fact: str) -> bool | None:
        found = value(fact)
        return found if isinstance(found, bool) else None

    return [
        Grant(
            id=id,
            right=right,
            granter=granter,
            holder=holder,
            purposes=limit(book.purposes),
            territory=limit(book.territory),
            first=first,
            until=last_day(first, term) if isinstance(term, Duration) and not term.working_days else None,
            exclusive=mark(book.exclusive),
            onward=mark(book.onward),
            order=order,
        )
        for right in sorted(rights.members if isinstance(rights, SetOf) else ())
    ]


def last_day(first: date, term: Duration) -> date:
    """The last day of a term that begins on a day: the day before its anniversary (semantics 2.9)."""
    if term.perpetual:
        return PERPETUAL
    end = term.after(first)
    return end if end == PERPETUAL else end - timedelta(days=1)

"""
The facts of an exchange that a book of rights fills in.

A page and the values of an exchange go in. Out come what the exporter holds, which of its own limits it goes beyond, whether an exclusive
grant to somebody else stands in the way, and whether an exclusive grant would stand beside earlier ones. Source: semantics 1.8, 2.1.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from engine.books.chains import Reach, Reckoner
from engine.books.grants import PERPETUAL, BookFacts, last_day
from engine.books.page import Granted, Page, Scope
from engine.registered import COUNTED, REGISTERED
from engine.rules import Measure, Truth
from engine.values import Disputed, Document, Duration, Missing, SetOf, Value


@dataclass(frozen=True, slots=True)
class BookEntry:
    """
    What a book fills in an exchange: `values`, with their `sources`, and the statements that each `follows` from.

    `asks` has, for each of its facts that is open, what to ask for; nothing where no answer of the sender closes it.
    """

    values: Mapping[str, Value]
    sources: Mapping[str, str] = field(default_factory=dict)
    follows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    asks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class BookReader:
    """Fills the facts of one book. `reckoner` says how far limits reach, `measures` what the proof may state that it covers."""

    def __init__(self, book: BookFacts, reckoner: Reckoner, measures: Sequence[Measure] = ()) -> None:
        self.book = book
        self.reckoner = reckoner
        self.measures = measures

    @property
    def inputs(self) -> frozenset[str]:
        """The facts from which what the book fills is made."""
        return self.book.inputs.union(*(each.stated for each in self.measures))

    def nothing(self) -> BookEntry:
        """Where the book has no line of the asset: nothing is beyond it, and nothing stands in the way."""
        values: dict[str, Value] = {self.book.beyond: SetOf(frozenset()), self.book.bound: False, self.book.encumbered: False}
        return BookEntry(values, follows=dict.fromkeys(values, ()))

    def fill(self, page: Page, values: Mapping[str, Value]) -> BookEntry:
        """What a page says of an exchange with these values, as they are stated."""
        book = self.book
        if not page.known:
            stated = values.get(book.held, Missing.LEFT_OUT)
            open_: dict[str, Value] = {
                book.held: Missing.UNKNOWN if isinstance(stated, Missing) else SetOf(frozenset(), open=True),
                book.beyond: SetOf(frozenset(), open=True),
                book.bound: Missing.UNKNOWN,
                book.encumbered: Missing.UNKNOWN,
            }
            return BookEntry(open_, dict.fromkeys(open_, COUNTED), asks=dict.fromkeys(open_, (book.by,)))
        return _Filling(self, page, values).entry()


class _Filling:
    """The facts that one page fills in one exchange."""

    def __init__(self, reader: BookReader, page: Page, values: Mapping[str, Value]) -> None:
        self.book = reader.book
        self.reckoner = reader.reckoner
        self.measures = reader.measures
        self.page = page
        self.values = values
        self.day = page.on
        self.proof = self._proof()
        registered = bool(page.holds) and all(scope.origin == REGISTERED for scope in page.holds)
        self.source = REGISTERED if registered else COUNTED
        self.rights = _set_of(values.get(self.book.granted, Missing.LEFT_OUT))
        self.purposes = _set_of(values.get(self.book.purposes, Missing.LEFT_OUT))
        self.territory = _set_of(values.get(self.book.territory, Missing.LEFT_OUT))
        term = values.get(self.book.term, Missing.LEFT_OUT)
        self.until = last_day(page.on, term) if isinstance(term, Duration) and not term.working_days else None

    def entry(self) -> BookEntry:
        book = self.book
        held, held_asks = self._held()
        beyond, beyond_asks = self._beyond()
        bound, encumbered = self._bound(), self._encumbered()
        filled = {book.held: held, book.beyond: beyond, book.bound: bound, book.encumbered: encumbered}
        sent = tuple(each for each in (book.of, book.by, book.granted, *book.scope) if each in self.values)
        marks = tuple(each for each in (book.exclusive,) if each in self.values)
        shown = (book.proof, *self._measured_by()) if self.proof is Truth.YES else ()
        follows = {
            book.held: (book.held, book.of, book.by, *shown),
            book.beyond: (book.beyond, *sent, *shown),
            book.bound: (book.bound, *sent),
            book.encumbered: (book.encumbered, *sent, *marks),
        }
        missing = self._missing()
        asks = {
            book.held: held_asks,
            book.beyond: tuple(missing) or beyond_asks,
            book.bound: tuple(missing),
            book.encumbered: tuple(self._missing(book.exclusive)),
        }
        sources = dict.fromkeys(filled, self.source)
        return BookEntry(filled, sources, follows, asks)

    def _proof(self) -> Truth:
        """Whether a document shows what the book does not have; "no" only where the sender says that there is none."""
        document = self.values.get(self.book.proof, Missing.LEFT_OUT)
        if not isinstance(document, Document):
            return Truth.UNKNOWN
        if document.state != "shown":
            return Truth.NO
        dated, covers = document.fields.get("dated"), document.fields.get("covers")
        expires = document.fields.get("expires", PERPETUAL)
        if (
            isinstance(dated, date)
            and dated <= self.day
            and covers is True
            and isinstance(expires, date)
            and expires >= self.day
            and all(each.within(document.fields, each.told(self.values)) is Truth.YES for each in self.measures)
        ):
            return Truth.YES
        return Truth.UNKNOWN

    def _measured_by(self) -> Iterator[str]:
        """The facts that lie within what the proof states."""
        document = self.values.get(self.book.proof)
        fields = document.fields if isinstance(document, Document) else {}
        for each in self.measures:
            if each.name in fields:
                yield from (fact for fact in each.stated if fact in self.values)

    def _held(self) -> tuple[Value, tuple[str, ...]]:
        """The rights that the exporter holds, and what to ask for where that is open."""
        sure = frozenset(scope.right for scope in self.page.holds if scope.sure)
        may = frozenset(scope.right for scope in self.page.holds) - sure
        whole = self.page.complete or self.proof is Truth.NO
        stated = self.values.get(self.book.held, Missing.LEFT_OUT)
        if isinstance(stated, Disputed):
            return stated, ()
        if not isinstance(stated, SetOf):
            if self.proof is Truth.YES or not whole or may:
                return SetOf(sure, open=True), (self.book.held,)
            return SetOf(sure), ()
        if stated.members <= sure or (self.proof is Truth.YES and not self.page.complete):
            return stated, (self.book.held,)
        if not whole or stated.members <= sure | may:
            return SetOf(stated.members & sure, open=True), self._ask_proof()
        return Disputed(stated, SetOf(sure)), ()

    def _ask_proof(self) -> tuple[str, ...]:
        """The document that shows what the book does not have, where the sender has not said that there is none."""
        return (self.book.proof,) if self.proof is Truth.UNKNOWN and not self.page.complete else ()

    def _missing(self, *more: str) -> Iterator[str]:
        """The facts of the exchange that must be known to hold it against the book."""
        for fact in (self.book.granted, *self.book.scope, *more):
            value = self.values.get(fact, Missing.LEFT_OUT)
            if isinstance(value, Missing) or (isinstance(value, SetOf) and value.open):
                yield fact

    def _beyond(self) -> tuple[Value, tuple[str, ...]]:
        """The limits of its own that the exporter goes beyond, and what to ask for where that is open."""
        if self.proof is Truth.YES and not self.page.complete:
            return SetOf(frozenset()), ()
        whole = self.page.complete or self.proof is Truth.NO
        certain: set[str] = set()
        open_ = bool([*self._missing()])
        unproven = False
        for right in self.rights.members:
            scopes = [scope for scope in self.page.holds if scope.right == right]
            for limit, truth in self._against(scopes):
                if truth is Truth.NO and whole:
                    certain.add(limit)
                elif truth is not Truth.YES:
                    open_ = unproven = True
        if self.rights.open or not self.rights.members:
            open_ = open_ and (self.rights.open or bool(self.rights.members))
        return SetOf(frozenset(certain), open=open_), self._ask_proof() if unproven else ()

    def _against(self, scopes: Sequence[Scope]) -> Iterator[tuple[str, Truth]]:
        """How the scopes of one right read against the exchange, by limit: "no" where the exchange goes beyond."""
        if not scopes:
            yield "right", Truth.NO
            return
        for purpose in self.purposes.members or (None,):
            for place in self.territory.members or (None,):
                yield from self._at(scopes, purpose, place)

    def _at(self, scopes: Sequence[Scope], purpose: str | None, place: str | None) -> Iterator[tuple[str, Truth]]:
        """The same, for one purpose in one place; None for one that is not known, which is asked for."""
        for_purpose = [(scope, self._covers(self.reckoner.purposes, scope.purposes, purpose)) for scope in scopes]
        here = [
            (scope, min(known, self._covers(self.reckoner.territory, scope.territory, place))) for scope, known in for_purpose
        ]
        best = max(min(known, _sure(scope)) for scope, known in here)
        if best is Truth.NO:
            purposes = max(known for _, known in for_purpose)
            places = max(self._covers(self.reckoner.territory, scope.territory, place) for scope in scopes)
            if purposes is Truth.NO or places is not Truth.NO:
                yield "purpose", Truth.NO
            if places is Truth.NO or purposes is not Truth.NO:
                yield "territory", Truth.NO
            return
        covering = [(scope, known) for scope, known in here if known is not Truth.NO]
        onward = [(scope, min(known, _mark(scope.onward))) for scope, known in covering]
        yield "right", max(min(known, _sure(scope)) for scope, known in here)
        passed = max(min(known, _sure(scope)) for scope, known in onward)
        yield "onward", passed
        if passed is Truth.NO:
            return
        if self.until is not None:
            kept = [(scope, min(known, self._lasts(scope))) for scope, known in onward]
            yield "term", max(min(known, _sure(scope)) for scope, known in kept)

    def _lasts(self, scope: Scope) -> Truth:
        if scope.until is None:
            return Truth.UNKNOWN
        return Truth.YES if self.until is not None and scope.until >= self.until else Truth.NO

    @staticmethod
    def _covers(reach: Reach, granted: Collection[str] | None, wanted: str | None) -> Truth:
        return Truth.YES if wanted is None else reach.covers(granted, wanted)

    def _meets(self, grant: Granted) -> Truth:
        """Whether a grant is for a purpose, a place and a time that the exchange is for too."""
        truths = []
        for reach, mine, theirs in (
            (self.reckoner.purposes, self.purposes, grant.purposes),
            (self.reckoner.territory, self.territory, grant.territory),
        ):
            truth = reach.overlap(mine.members, theirs)
            truths.append(Truth.UNKNOWN if truth is Truth.NO and mine.open else truth)
        if grant.until is None:
            truths.append(Truth.UNKNOWN)
        elif grant.until < self.day:
            truths.append(Truth.NO)
        if not self.rights.members:
            truths.append(Truth.UNKNOWN if self.rights.open else Truth.NO)
        return min(truths, default=Truth.YES)

    def _bound(self) -> Value:
        """Whether an exclusive grant to somebody else stands for what the exchange is for."""
        free = [scope for scope in self.page.holds if not scope.bound]
        found = Truth.NO
        for grant in self.page.exclusive:
            truth = min(self._meets(grant), Truth.YES if grant.certain else Truth.UNKNOWN)
            if not grant.own and free and truth is not Truth.NO:
                # A holder that has the same from elsewhere is not bound by what came before another of its lines.
                unbound = [limit for right in self.rights.members for limit in self._against_free(right, free)]
                truth = min(truth, max(unbound, default=Truth.UNKNOWN))
            found = max(found, truth)
        return _value(found)

    def _against_free(self, right: str, free: Sequence[Scope]) -> Iterator[Truth]:
        """For each limit, "yes" where the scopes that nothing binds do not cover the exchange."""
        for _, truth in self._against([scope for scope in free if scope.right == right]):
            yield ~truth

    def _encumbered(self) -> Value:
        """Whether an exclusive grant would stand beside earlier grants of the exporter."""
        found = max((self._meets(grant) for grant in self.page.given), default=Truth.NO)
        exclusive = self.values.get(self.book.exclusive, Missing.LEFT_OUT)
        return _value(min(found, Truth.UNKNOWN if isinstance(exclusive, Missing) else _mark(exclusive is True)))


def _set_of(value: Value) -> SetOf:
    return value if isinstance(value, SetOf) else SetOf(frozenset(), open=True)


def _sure(scope: Scope) -> Truth:
    return Truth.YES if scope.sure else Truth.UNKNOWN


def _mark(mark: bool | None) -> Truth:
    return Truth.UNKNOWN if mark is None else Truth.YES if mark else Truth.NO


def _value(truth: Truth) -> Value:
    return Missing.UNKNOWN if truth is Truth.UNKNOWN else truth is Truth.YES

"""
The facts of an exchange that a book of rights fills in.

A page and the values of an exchange go in. Out come what the exporter holds, which of its own limits it goes beyond, whether an exclusive
grant to somebody else stands in the way, and whether an exclusive grant would stand beside earlier ones. Source: semantics 1.8, 2.1.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from engine.books.chains import LimitValues, Reckoner
from engine.books.grants import PERPETUAL, BookFacts, last_day
from engine.books.page import Granted, RightScope, RightsPage
from engine.register_facts import COUNTED, REGISTERED
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

    def without(self, facts: Collection[str]) -> BookEntry:
        """The entry without some facts."""
        if self.values.keys().isdisjoint(facts):
            return self
        return BookEntry(_besides(self.values, facts), self.sources, _besides(self.follows, facts), _besides(self.asks, facts))


class BookReader:
    """Fills the facts of one book. `reckoner` says how far limits reach, `measures` what the proof may state that it covers."""

    def __init__(self, book: BookFacts, reckoner: Reckoner, measures: Sequence[Measure] = ()) -> None:
        self.book = book
        self.reckoner = reckoner
        self.measures = measures
        nothing: dict[str, Value] = {**dict.fromkeys(book.fills, False), book.beyond: SetOf(frozenset())}
        self._nothing = BookEntry(nothing, follows=dict.fromkeys(nothing, ()))

    @property
    def inputs(self) -> frozenset[str]:
        """The facts from which what the book fills is made."""
        return self.book.inputs.union(*(each.stated for each in self.measures))

    def fill(self, page: RightsPage | None, values: Mapping[str, Value]) -> BookEntry:
        """
        What a page says of an exchange with these values, as they are stated.

        Without a page the book has no line of the asset: nothing is beyond it, and nothing stands in the way. Where rights are spoken of
        and no asset is named, nobody knows which page it would be, and the asset is asked for.
        """
        book = self.book
        if page is not None and page.known:
            return _Filling(self, page, values).entry()
        stated = values.get(book.held, Missing.LEFT_OUT)
        conveyed = values.get(book.granted, Missing.LEFT_OUT)
        unknown: dict[str, Value] = {
            book.beyond: SetOf(frozenset(), open=True),
            book.bound: Missing.UNKNOWN,
            book.encumbered: Missing.UNKNOWN,
            book.older: Missing.UNKNOWN,
        }
        if page is not None:
            unknown[book.held] = Missing.UNKNOWN if isinstance(stated, Missing) else SetOf(frozenset(), open=True)
            asks = () if isinstance(values.get(book.by, Missing.LEFT_OUT), str) else (book.by,)
            return BookEntry(unknown, dict.fromkeys(unknown, COUNTED), asks=dict.fromkeys(unknown, asks))
        if isinstance(values.get(book.of, Missing.LEFT_OUT), str) or conveyed is Missing.LEFT_OUT:
            return self._nothing
        if conveyed == SetOf(frozenset()):  # nothing of its own is given away; what it promised to others may stand in the way
            unknown |= {book.beyond: SetOf(frozenset()), book.encumbered: False}
        if book.consent not in values:
            unknown[book.older] = False
        follows = dict.fromkeys(unknown, (book.granted,))
        return BookEntry(unknown, follows=follows, asks=dict.fromkeys(unknown, (book.of,)))


class _Filling:
    """The facts that one page fills in one exchange."""

    def __init__(self, reader: BookReader, page: RightsPage, values: Mapping[str, Value]) -> None:
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
        binding = [*self._binding()]
        bound, encumbered = _value(max((truth for _, truth in binding), default=Truth.NO)), self._encumbered()
        older, older_asks = self._older([grant for grant, _ in binding])
        filled = {
            book.held: held,
            book.beyond: beyond,
            book.bound: bound,
            book.encumbered: encumbered,
            book.older: older,
        }
        sent = tuple(each for each in (book.of, book.by, book.granted, *book.scope) if each in self.values)
        marks = tuple(each for each in (book.exclusive,) if each in self.values)
        shown = (book.proof, *self._measured_by()) if self.proof is Truth.YES else ()
        follows = {
            book.held: (book.held, book.of, book.by, *shown),
            book.beyond: (book.beyond, *sent, *shown),
            book.bound: (book.bound, *sent),
            book.encumbered: (book.encumbered, *sent, *marks),
            book.older: (book.older, *sent, *([book.consent] if book.consent in self.values else ())),
        }
        conveys = () if all(grant.own for grant, _ in binding) else (book.granted,)
        asks = {
            book.held: held_asks,
            book.beyond: tuple(self._missing(book.granted, *book.scope)) or beyond_asks,
            book.bound: tuple(self._missing(*conveys, book.purposes, book.territory)),
            book.encumbered: tuple(self._missing(book.granted, book.purposes, book.territory, book.exclusive)),
            book.older: older_asks,
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

    def _missing(self, *facts: str) -> Iterator[str]:
        """Those facts of the exchange that are not known, of some that must be to hold it against the book."""
        for fact in facts:
            value = self.values.get(fact, Missing.LEFT_OUT)
            if isinstance(value, Missing) or (isinstance(value, SetOf) and value.open):
                yield fact

    def _beyond(self) -> tuple[Value, tuple[str, ...]]:
        """The limits of its own that the exporter goes beyond, and what to ask for where that is open."""
        if self.proof is Truth.YES and not self.page.complete:
            return SetOf(frozenset()), ()
        whole = self.page.complete or self.proof is Truth.NO
        certain: set[str] = set()
        open_ = bool([*self._missing(self.book.granted, *self.book.scope)])
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

    def _against(self, scopes: Sequence[RightScope]) -> Iterator[tuple[str, Truth]]:
        """How the scopes of one right read against the exchange, by limit: "no" where the exchange goes beyond."""
        if not scopes:
            yield "right", Truth.NO
            return
        for purpose in self.purposes.members or (None,):
            for place in self.territory.members or (None,):
                yield from self._at(scopes, purpose, place)

    def _at(self, scopes: Sequence[RightScope], purpose: str | None, place: str | None) -> Iterator[tuple[str, Truth]]:
        """The same, for one purpose in one place; None for one that is not known, which is asked for."""
        read = [
            (
                scope,
                self._covers(self.reckoner.purposes, scope.purposes, purpose),
                self._covers(self.reckoner.territory, scope.territory, place),
            )
            for scope in scopes
        ]
        here = [(scope, min(for_it, there)) for scope, for_it, there in read]
        if any(known is not Truth.NO for _, known in here):
            yield "right", max(min(known, _sure(scope)) for scope, known in here)
            yield from self._passed([(scope, known) for scope, known in here if known is not Truth.NO])
            return
        for_purpose, in_place = (any(each[of] is not Truth.NO for each in read) for of in (1, 2))
        if in_place or not for_purpose:
            yield "purpose", Truth.NO
        if for_purpose or not in_place:
            yield "territory", Truth.NO
        # What comes nearest says whether the exchange goes beyond the other limits, too.
        near = [(scope, max(for_it, there)) for scope, for_it, there in read]
        yield from self._passed([each for each in near if each[1] is not Truth.NO] or [(scope, Truth.YES) for scope in scopes])

    def _passed(self, scopes: Sequence[tuple[RightScope, Truth]]) -> Iterator[tuple[str, Truth]]:
        """Whether some scopes may be passed on, and last long enough: each by itself, and both in one scope."""
        may = [(min(known, _sure(scope)), _mark(scope.onward), self._lasts(scope)) for scope, known in scopes]
        onward, term = (max(min(read[0], read[each]) for read in may) for each in (1, 2))
        both = max(min(read) for read in may)
        apart = both is Truth.NO and Truth.NO not in (onward, term)  # each is there, and not in the same scope
        yield "onward", Truth.NO if apart else onward
        yield "term", Truth.NO if apart else term if Truth.NO in (onward, term) else both

    def _lasts(self, scope: RightScope) -> Truth:
        if self.until is None:
            return Truth.YES  # a term that is not known is asked for
        if scope.until is None:
            return Truth.UNKNOWN
        return Truth.YES if scope.until >= self.until else Truth.NO

    @staticmethod
    def _covers(reach: LimitValues, granted: Collection[str] | None, wanted: str | None) -> Truth:
        return Truth.YES if wanted is None else reach.covers(granted, wanted)

    def _meets(self, grant: Granted) -> Truth:
        """Whether a grant is for a purpose, a place and a time that the exchange is for too."""
        truths = []
        for reach, mine, theirs in (
            (self.reckoner.purposes, self.purposes, grant.purposes),
            (self.reckoner.territory, self.territory, grant.territory),
        ):
            if mine.members or mine.open:
                truth = reach.overlap(mine.members, theirs)
                truths.append(Truth.UNKNOWN if truth is Truth.NO and mine.open else truth)
        if grant.until is None:
            truths.append(Truth.UNKNOWN)
        elif grant.until < self.day:
            truths.append(Truth.NO)
        return min(truths, default=Truth.YES)

    def _binding(self) -> Iterator[tuple[Granted, Truth]]:
        """The exclusive grants to somebody else, and whether each stands in the way, whatever right is conveyed, if any."""
        free = [scope for scope in self.page.holds if not scope.bound]
        for grant in self.page.exclusive:
            truth = min(self._meets(grant), Truth.YES if grant.certain else Truth.UNKNOWN)
            if not grant.own and free and truth is not Truth.NO:
                # A holder that has the same from elsewhere is not bound by what came before another of its lines.
                truth = min(truth, self._unfree(free))
            if truth is not Truth.NO:
                yield grant, truth

    def _unfree(self, free: Sequence[RightScope]) -> Truth:
        """Whether the scopes that nothing binds do not cover all that is conveyed; where that is nothing, one right is enough."""
        rights = self.rights.members or {scope.right for scope in free}
        reads = [
            max(~truth for _, truth in self._against([scope for scope in free if scope.right == right])) for right in rights
        ]
        if self.rights.members:
            return max(reads)
        return max(Truth.UNKNOWN, min(reads)) if self.rights.open else min(reads)

    def _older(self, binding: Sequence[Granted]) -> tuple[Value, tuple[str, ...]]:
        """Whether the consent that is shown is older than an exclusive grant that stands in the way, and what to ask for."""
        document = self.values.get(self.book.consent, Missing.LEFT_OUT)
        if not binding or not isinstance(document, Document) or document.state != "shown":
            return False, ()
        dated = document.fields.get("dated")
        if not isinstance(dated, date):
            return Missing.UNKNOWN, (f"{self.book.consent}.dated",)
        if any(grant.first is not None and dated < grant.first for grant in binding):
            return True, ()
        return (Missing.UNKNOWN, ()) if any(grant.first is None for grant in binding) else (False, ())

    def _encumbered(self) -> Value:
        """Whether an exclusive grant would stand beside earlier grants of the exporter."""
        found = max((self._meets(grant) for grant in self.page.given), default=Truth.NO)
        if not self.rights.members:
            found = min(found, Truth.UNKNOWN if self.rights.open else Truth.NO)
        exclusive = self.values.get(self.book.exclusive, Missing.LEFT_OUT)
        return _value(min(found, Truth.UNKNOWN if isinstance(exclusive, Missing) else _mark(exclusive is True)))


def _besides(of: Mapping[str, Any], facts: Collection[str]) -> dict[str, Any]:
    return {fact: each for fact, each in of.items() if fact not in facts}


def _set_of(value: Value) -> SetOf:
    return value if isinstance(value, SetOf) else SetOf(frozenset(), open=True)


def _sure(scope: RightScope) -> Truth:
    return Truth.YES if scope.sure else Truth.UNKNOWN


def _mark(mark: bool | None) -> Truth:
    return Truth.UNKNOWN if mark is None else Truth.YES if mark else Truth.NO


def _value(truth: Truth) -> Value:
    return Missing.UNKNOWN if truth is Truth.UNKNOWN else truth is Truth.YES

"""
Books of rights: what was granted to whom, and what follows from it for an exchange.

The lines of one asset go in. For a holder and a day comes out a page: what the holder has, by a chain of lines that each give no more than
the line before, and which exclusive grants bind it. From a page and an exchange come the facts that the vocabulary says the book fills: what
the exporter holds, which of its own limits it goes beyond, whether an exclusive grant to somebody else stands in the way, and whether an
exclusive grant would stand beside earlier ones. The caller keeps the lines; this module stores nothing. Source: semantics 1.8, 2.4, 2.5, 2.9.

INVARIANT (nothing unproven counts as held): what rests on a line that ended, on a granter that had less, or on a term that is not known
is open, never "yes" and never "no".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.multilingual import Words
from engine.registered import COUNTED, REGISTERED
from engine.rules import Truth
from engine.values import Disputed, Document, Duration, Missing, SetOf, Value, ValueSet

if TYPE_CHECKING:
    from engine.exchange import Exchange

BOOKS = "books"  # the member of an exchange with what the books say of it
PERPETUAL = date.max  # the last day of what has no end
MOST_SCOPES = 256  # of a page; further ones are not proven
LIMITS = ("right", "purpose", "territory", "term", "onward")  # what an exchange may go beyond


@dataclass(frozen=True, slots=True)
class Book:
    """
    One book of the vocabulary, by the names of its facts.

    `of` is the asset, `by` who grants, `to` who gets, `granted` the rights. `purposes`, `territory` and `term` are the limits of a grant,
    `exclusive` and `onward` its marks. `held`, `beyond`, `bound` and `encumbered` are the facts that the book fills. `proof` is the document
    that shows what the book does not have.
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
    proof: str

    @property
    def scope(self) -> tuple[str, ...]:
        """The facts of how far a grant goes."""
        return self.purposes, self.territory, self.term

    @property
    def inputs(self) -> frozenset[str]:
        """The facts from which what the book fills is made."""
        return frozenset((self.granted, *self.scope, self.exclusive, self.onward, self.proof))

    @property
    def fills(self) -> tuple[str, ...]:
        """The facts that nobody states and the book fills."""
        return self.beyond, self.bound, self.encumbered


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


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Scope(_Part):
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
    """A grant that stands, to somebody who takes no part in the exchange."""

    id: str
    purposes: tuple[str, ...] | None = None
    territory: tuple[str, ...] | None = None
    until: date | None = None
    own: bool = Field(default=True, description="the exporter itself made it")


class Page(_Part):
    """
    What a book says of one holder and one asset, `on` a day.

    `known`: the holder is known; otherwise the book only says that it has lines of the asset. `complete`: an opening says that the book has
    everything that the holder holds of the asset.
    """

    on: date
    known: bool = True
    complete: bool = False
    holds: tuple[Scope, ...] = ()
    exclusive: tuple[Granted, ...] = ()
    given: tuple[Granted, ...] = ()


@dataclass(frozen=True, slots=True)
class Reach:
    """The values of a limit: a set with values that lie under others, and perhaps one that means all of them."""

    values: ValueSet

    def covers(self, granted: Collection[str] | None, wanted: str) -> Truth:
        """Whether a limit covers a value; where the limit is not known, or the value may turn out narrower, it may."""
        if granted is None:
            return Truth.UNKNOWN
        if self.whole(granted) or not self.values.ancestors(wanted).isdisjoint(granted):
            return Truth.YES
        narrower = self.values.narrower.get(wanted, ())
        if any(not self.values.ancestors(each).isdisjoint(granted) for each in narrower) or wanted == self.values.everything:
            return Truth.UNKNOWN if wanted != self.values.everything else Truth.NO
        return Truth.NO

    def whole(self, granted: Collection[str]) -> bool:
        """Whether a limit is no limit."""
        return bool(self.values.everything) and self.values.everything in granted

    def common(self, one: Collection[str] | None, other: Collection[str] | None) -> frozenset[str] | None:
        """What two limits both cover; None where one of them is not known."""
        if one is None or other is None:
            return None
        return frozenset(
            [each for each in one if self.covers(other, each) is Truth.YES]
            + [each for each in other if self.covers(one, each) is Truth.YES]
        )

    def overlap(self, one: Collection[str] | None, other: Collection[str] | None) -> Truth:
        """Whether two limits have a value in common."""
        if one is None or other is None:
            return Truth.UNKNOWN
        if self.common(one, other):
            return Truth.YES
        wide = any(self.covers(b, a) is Truth.UNKNOWN for a, b in [(a, other) for a in one] + [(b, one) for b in other])
        return Truth.UNKNOWN if wide else Truth.NO


class Reckoner:
    """Follows the lines of assets under one vocabulary. `purposes` and `territory` are the value sets of these limits."""

    def __init__(self, purposes: ValueSet, territory: ValueSet) -> None:
        self.purposes = Reach(purposes)
        self.territory = Reach(territory)

    def held(self, grants: Iterable[Grant], day: date) -> dict[str, list[tuple[Grant, list[Scope]]]]:
        """
        What each holder has on a day: each of its lines that stands, with the scopes that it gives.

        A line gives what its granter had when it was made and has on the day; what goes beyond is a scope that is not sure.
        """
        standing = [each for each in sorted(grants, key=lambda each: (not each.opened, each.order)) if each.stands(day)]
        exclusive: dict[str | None, list[Grant]] = {}
        for each in standing:
            if each.exclusive is not False and not each.opened:
                exclusive.setdefault(each.granter, []).append(each)
        found: dict[str, list[tuple[Grant, list[Scope]]]] = {}
        for each in standing:
            if each.holder is not None:
                scopes = [_whole(each, True)] if each.opened else self._given(each, found, exclusive)
                found.setdefault(each.holder, []).append((each, scopes))
        return found

    def _given(
        self,
        grant: Grant,
        found: Mapping[str, list[tuple[Grant, list[Scope]]]],
        exclusive: Mapping[str | None, list[Grant]],
    ) -> list[Scope]:
        """The scopes of a line that is no opening."""
        before = tuple(
            each.id
            for each in exclusive.get(grant.granter, ())
            if grant.granter is not None and each.order < grant.order and each.holder != grant.holder
        )
        pieces = []
        for line, scopes in found.get(grant.granter or "", ()) if grant.granter is not None else ():
            if line.first > grant.first or (not line.opened and line.order >= grant.order):
                continue
            for scope in scopes:
                if scope.right == grant.right and scope.onward is not False:
                    piece = self._common(grant, scope, before)
                    if piece is not None:
                        pieces.append(piece)
        if not self._all_proven(grant, pieces):
            pieces.append(_whole(grant, False, before))
        return pieces

    def _common(self, grant: Grant, scope: Scope, before: tuple[str, ...]) -> Scope | None:
        """What a line gives out of one scope of its granter; None where that is nothing."""
        purposes = self.purposes.common(grant.purposes, scope.purposes)
        territory = self.territory.common(grant.territory, scope.territory)
        if purposes == frozenset() or territory == frozenset():
            return None
        ends = [each for each in (grant.until, scope.until) if each is not None]
        known = None not in (grant.until, scope.until, purposes, territory)
        return Scope(
            right=grant.right,
            purposes=_sorted(purposes),
            territory=_sorted(territory),
            until=min(ends) if ends else None,
            onward=grant.onward,
            sure=scope.sure and scope.onward is True and known,
            by=(grant.id, *scope.by),
            origin=COUNTED,
            bound=tuple(dict.fromkeys((*before, *scope.bound))),
        )

    def _all_proven(self, grant: Grant, pieces: Sequence[Scope]) -> bool:
        """Whether sure scopes cover all that a line gives."""
        if grant.purposes is None or grant.territory is None or grant.until is None:
            return False
        return all(
            any(
                piece.sure
                and piece.until is not None
                and piece.until >= grant.until
                and self.purposes.covers(piece.purposes, purpose) is Truth.YES
                and self.territory.covers(piece.territory, place) is Truth.YES
                for piece in pieces
            )
            for purpose in grant.purposes
            for place in grant.territory
        )

    def page(
        self, grants: Sequence[Grant], holder: str | None, recipient: str | None, day: date, complete: bool = False
    ) -> Page:
        """
        What the lines of an asset say of a holder that would supply it to a recipient on a day.

        The lines are all those of the asset, or at least those to the holder, to whoever granted them in turn, and those that these
        parties granted.
        """
        if holder is None:
            return Page(on=day, known=False)
        scopes = _merged(scope for _, found in self.held(grants, day).get(holder, ()) for scope in found)
        binding = {name for scope in scopes for name in scope.bound}
        exclusive, given = [], []
        for each in grants:
            if each.opened or not each.stands(day) or (each.holder == recipient and recipient is not None) or each.holder == holder:
                continue
            own = each.granter == holder
            if each.exclusive is not False and (own or each.id in binding):
                exclusive.append(_granted(each, own))
            if own:
                given.append(_granted(each, True))
        if len(scopes) > MOST_SCOPES:
            open_ = [scope.model_copy(update={"sure": False}) for scope in scopes[MOST_SCOPES - 1 :]]
            scopes = [*scopes[: MOST_SCOPES - 1], *_widest(open_)]
        return Page(
            on=day,
            complete=complete,
            holds=tuple(scopes),
            exclusive=tuple(dict.fromkeys(exclusive)),
            given=tuple(_once(given)),
        )


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
    """Fills the facts of one book. `value_of` says how far limits reach."""

    def __init__(self, book: Book, reckoner: Reckoner) -> None:
        self.book = book
        self.reckoner = reckoner

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
        shown = (book.proof,) if self.proof is Truth.YES else ()
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
        if isinstance(dated, date) and dated <= self.day and covers is True and isinstance(expires, date) and expires >= self.day:
            return Truth.YES
        return Truth.UNKNOWN

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
        if not whole or stated.members & may:
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
        here = [(scope, min(known, self._covers(self.reckoner.territory, scope.territory, place))) for scope, known in for_purpose]
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
        yield "onward", passed if passed is not Truth.NO or best is not Truth.YES else Truth.NO
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
            truth = self._meets(grant)
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


def read_pages(json: Any, books: Collection[str]) -> dict[str, Page]:
    """The pages of an exchange, by book, from its member `books`. Raises ValueError with a sentence."""
    if not isinstance(json, dict) or not json.keys() <= set(books):
        raise ValueError(f"must be an object with members like {', '.join(f'`{name}`' for name in sorted(books)) or 'none'}")
    try:
        return {name: Page.model_validate(page) for name, page in json.items()}
    except ValidationError as failed:
        error = failed.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, error['loc']))}: {error['msg']}") from None


def grants(book: Book, exchange: Exchange, first: date, id: str, order: int, granter: str | None, holder: str | None) -> list[Grant]:
    """
    The lines that a committed exchange writes: one for each right that it conveys.

    `id` is that of the commitment, `first` its day. The parties are told apart by the texts given. What is not known for certain, because it
    is open or disputed, is None; of rights that may be conveyed only those that are known are written.
    """
    value = exchange.value
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


def _whole(grant: Grant, sure: bool, bound: tuple[str, ...] = ()) -> Scope:
    known = None not in (grant.purposes, grant.territory, grant.until)
    return Scope(
        right=grant.right,
        purposes=_sorted(grant.purposes),
        territory=_sorted(grant.territory),
        until=grant.until,
        onward=grant.onward,
        sure=sure and known,
        by=(grant.id,),
        origin=REGISTERED if grant.opened else COUNTED,
        bound=bound,
    )


def _granted(grant: Grant, own: bool) -> Granted:
    return Granted(
        id=grant.id, purposes=_sorted(grant.purposes), territory=_sorted(grant.territory), until=grant.until, own=own
    )


def _once(given: Iterable[Granted]) -> Iterator[Granted]:
    """Of grants that reach equally far, the one that lasts longest."""
    longest: dict[Any, Granted] = {}
    for each in given:
        known = longest.setdefault((each.purposes, each.territory), each)
        if (each.until or PERPETUAL) > (known.until or PERPETUAL):
            longest[each.purposes, each.territory] = each
    yield from longest.values()


def _merged(scopes: Iterable[Scope]) -> list[Scope]:
    """Scopes that reach equally far once, the one that lasts longest."""
    best: dict[Any, Scope] = {}
    for each in scopes:
        place = each.right, each.purposes, each.territory, each.onward, each.bound, each.sure, each.until is None
        known = best.get(place)
        if known is None or (each.until or date.min) > (known.until or date.min):
            best[place] = each
    return list(best.values())


def _widest(scopes: Iterable[Scope]) -> Iterator[Scope]:
    """For each right of some scopes one that is not known to be limited."""
    for each in {scope.right: scope for scope in scopes}.values():
        yield each.model_copy(update={"purposes": None, "territory": None, "until": None, "onward": None})


def _sorted(values: Collection[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(sorted(values))


def _set_of(value: Value) -> SetOf:
    return value if isinstance(value, SetOf) else SetOf(frozenset(), open=True)


def _sure(scope: Scope) -> Truth:
    return Truth.YES if scope.sure else Truth.UNKNOWN


def _mark(mark: bool | None) -> Truth:
    return Truth.UNKNOWN if mark is None else Truth.YES if mark else Truth.NO


def _value(truth: Truth) -> Value:
    return Missing.UNKNOWN if truth is Truth.UNKNOWN else truth is Truth.YES

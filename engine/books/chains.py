"""
Chains of grants: what each holder has, by lines that each give no more than the line before.

The lines of one asset go in. For a holder and a day comes out a page: what the holder has, and which exclusive grants bind it.

INVARIANT (nothing unproven counts as held): what rests on a line that ended, on a granter that had less, or on a term that is not known
is not sure, and neither "yes" nor "no" to whoever reads it. Source: semantics 2.4, 2.5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from engine.books.grants import PERPETUAL, Grant
from engine.books.page import Granted, RightScope, RightsPage
from engine.register_facts import COUNTED, REGISTERED
from engine.rules import Truth
from engine.values import ValueSet

MOST_SCOPES = 256  # of a page; further ones are not proven


@dataclass(frozen=True, slots=True)
class LimitValues:
    """The values of a limit: a set with values that lie under others, and perhaps one that means all of them."""

    values: ValueSet

    def covers(self, granted: Collection[str] | None, wanted: str) -> Truth:
        """Whether a limit covers a value; where the limit is not known, or the value may turn out narrower, it may."""
        if granted is None:
            return Truth.UNKNOWN
        if self.whole(granted) or not self.values.ancestors(wanted).isdisjoint(granted):
            return Truth.YES
        narrower = self.values.narrower.get(wanted, ())
        return Truth.UNKNOWN if any(not self.values.ancestors(each).isdisjoint(granted) for each in narrower) else Truth.NO

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


class _Had:
    """
    What one holder has of one right, by its lines so far, in their order.

    Of scopes that reach equally far only the one that lasts longest is looked at, so that many like lines cost no more than one.
    """

    def __init__(self) -> None:
        self._lines: list[tuple[Grant, list[RightScope]]] = []
        self._longest: dict[Any, RightScope] = {}
        self._first, self._order = date.min, -1  # the latest of the lines

    def add(self, line: Grant, scopes: list[RightScope]) -> None:
        """A further line."""
        self._lines.append((line, scopes))
        self._first = max(self._first, line.first)
        self._order = self._order if line.opened else max(self._order, line.order)
        for scope in scopes:
            _keep_longest(self._longest, scope)

    def before(self, grant: Grant) -> Iterable[RightScope]:
        """The scopes of the lines that were made before a grant and had begun."""
        if self._first <= grant.first and self._order < grant.order:
            return self._longest.values()
        return [
            scope
            for line, scopes in self._lines
            if line.first <= grant.first and (line.opened or line.order < grant.order)
            for scope in scopes
        ]


class Reckoner:
    """Follows the lines of assets under one vocabulary. `purposes` and `territory` are the value sets of these limits."""

    def __init__(self, purposes: ValueSet, territory: ValueSet) -> None:
        self.purposes = LimitValues(purposes)
        self.territory = LimitValues(territory)

    def held(self, grants: Iterable[Grant], day: date) -> dict[str, list[tuple[Grant, list[RightScope]]]]:
        """
        What each holder has on a day: each of its lines that stands, with the scopes that it gives.

        A line gives what its granter had for certain when it was made and has on the day. Where that is not all of it, the whole line is a
        scope too, which is not sure.
        """
        standing = [each for each in sorted(grants, key=lambda each: (not each.opened, each.order)) if each.stands(day)]
        exclusive: dict[str | None, list[Grant]] = {}
        for each in standing:
            if each.exclusive is not False and not each.opened:
                exclusive.setdefault(each.granter, []).append(each)
        found: dict[str, list[tuple[Grant, list[RightScope]]]] = {}
        had: dict[tuple[str, str], _Had] = {}
        for each in standing:
            if each.holder is not None:
                scopes = [_whole(each, True)] if each.opened else self._given(each, had, exclusive)
                found.setdefault(each.holder, []).append((each, scopes))
                had.setdefault((each.holder, each.right), _Had()).add(each, scopes)
        return found

    def _given(
        self, grant: Grant, had: Mapping[tuple[str, str], _Had], exclusive: Mapping[str | None, list[Grant]]
    ) -> list[RightScope]:
        """The scopes of a line that is no opening."""
        if grant.granter is None:
            return [_whole(grant, False)]
        before = tuple(
            each.id for each in exclusive.get(grant.granter, ()) if each.order < grant.order and each.holder != grant.holder
        )
        pieces: list[RightScope] = []
        bound = dict.fromkeys(before)
        mine = had.get((grant.granter, grant.right))
        for scope in mine.before(grant) if mine is not None else ():
            bound |= dict.fromkeys(scope.bound)
            piece = self._common(grant, scope, before) if scope.sure and scope.onward else None
            if piece is not None:
                pieces.append(piece)
        if not self.proven(grant, pieces):
            pieces.append(_whole(grant, False, tuple(bound)))
        return _merged(pieces)

    def _common(self, grant: Grant, scope: RightScope, before: tuple[str, ...]) -> RightScope | None:
        """What a line gives out of a sure scope of its granter; None where that is nothing, or not known."""
        purposes = self.purposes.common(grant.purposes, scope.purposes)
        territory = self.territory.common(grant.territory, scope.territory)
        if not purposes or not territory or grant.last is None or scope.until is None:
            return None
        return RightScope(
            right=grant.right,
            purposes=_sorted(purposes),
            territory=_sorted(territory),
            until=min(grant.last, scope.until),
            onward=grant.onward,
            sure=True,
            by=(grant.id, *scope.by),
            origin=COUNTED,
            bound=tuple(dict.fromkeys((*before, *scope.bound))),
        )

    def proven(self, grant: Grant, pieces: Sequence[RightScope]) -> bool:
        """Whether some scopes cover all that a line gives, until its last day."""
        last = grant.last
        if grant.purposes is None or grant.territory is None or last is None:
            return False
        return all(
            any(
                piece.until is not None
                and piece.until >= last
                and self.purposes.covers(piece.purposes, purpose) is Truth.YES
                and self.territory.covers(piece.territory, place) is Truth.YES
                for piece in pieces
            )
            for purpose in grant.purposes
            for place in grant.territory
        )

    def page(
        self, grants: Sequence[Grant], holder: str | None, recipient: str | None, day: date, complete: bool = False
    ) -> RightsPage:
        """
        What the lines of an asset say of a holder that would supply it to a recipient on a day.

        The lines are all those of the asset, or at least those to the holder, to whoever granted them in turn, and those that these
        parties granted.
        """
        if holder is None:
            return RightsPage(on=day, known=False)
        scopes = _merged(scope for _, found in self.held(grants, day).get(holder, ()) for scope in found)
        binding = {name for scope in scopes for name in scope.bound}
        exclusive, given = [], []
        for each in grants:
            if (
                each.opened
                or not each.stands(day)
                or (each.holder == recipient and recipient is not None)
                or each.holder == holder
            ):
                continue
            own = each.granter == holder
            if each.exclusive is not False and (own or each.id in binding):
                exclusive.append(_granted(each, own))
            if own:
                given.append(_granted(each, True))
        if len(scopes) > MOST_SCOPES:
            open_ = [scope.model_copy(update={"sure": False}) for scope in scopes[MOST_SCOPES - 1 :]]
            scopes = [*scopes[: MOST_SCOPES - 1], *_widest(open_)]
        return RightsPage(
            on=day,
            complete=complete,
            holds=tuple(scopes),
            exclusive=tuple(dict.fromkeys(exclusive)),
            given=tuple(_once(given)),
        )


def _whole(grant: Grant, sure: bool, bound: tuple[str, ...] = ()) -> RightScope:
    known = None not in (grant.purposes, grant.territory, grant.last)
    return RightScope(
        right=grant.right,
        purposes=_sorted(grant.purposes),
        territory=_sorted(grant.territory),
        until=grant.last,
        onward=grant.onward,
        sure=sure and known,
        by=(grant.id,),
        origin=REGISTERED if grant.opened else COUNTED,
        bound=bound,
    )


def _granted(grant: Grant, own: bool) -> Granted:
    return Granted(
        id=grant.id,
        purposes=_sorted(grant.purposes),
        territory=_sorted(grant.territory),
        first=grant.first,
        until=grant.last,
        own=own,
        certain=grant.exclusive is not None,
    )


def _once(given: Iterable[Granted]) -> Iterator[Granted]:
    """Of grants that reach equally far, the one that lasts longest."""
    longest: dict[Any, Granted] = {}
    for each in given:
        known = longest.setdefault((each.purposes, each.territory), each)
        if (each.until or PERPETUAL) > (known.until or PERPETUAL):
            longest[each.purposes, each.territory] = each
    yield from longest.values()


def _merged(scopes: Iterable[RightScope]) -> list[RightScope]:
    """Scopes that reach equally far once, the one that lasts longest."""
    best: dict[Any, RightScope] = {}
    for each in scopes:
        _keep_longest(best, each)
    return list(best.values())


def _keep_longest(best: dict[Any, RightScope], scope: RightScope) -> None:
    """Keep a scope, unless one that reaches equally far lasts as long."""
    place = scope.right, scope.purposes, scope.territory, scope.onward, scope.bound, scope.sure, scope.until is None
    known = best.get(place)
    if known is None or (scope.until or date.min) > (known.until or date.min):
        best[place] = scope


def _widest(scopes: Iterable[RightScope]) -> Iterator[RightScope]:
    """For each right of some scopes one that is not known to be limited."""
    for each in {scope.right: scope for scope in scopes}.values():
        yield each.model_copy(update={"purposes": None, "territory": None, "until": None, "onward": None})


def _sorted(values: Collection[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(sorted(values))

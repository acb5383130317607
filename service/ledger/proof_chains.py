"""
The chains of grants by which a holder's rights in an asset are proven, each up to an opening.

The lines of an asset go in. For each right that is wanted, for each purpose and place, comes out the shortest chain of lines that gives it,
of several the one whose lines are oldest. Where no chain is sure, one that may give the right is taken, so that nobody whose right it may
be is passed over.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import engine

MOST_LOOKS = 200_000  # at a line, for one exchange

Chain = tuple[engine.Grant, ...]


class TooManyChains(Exception):
    """So many lines or limits are to be looked at that the chains are not read."""


@dataclass(frozen=True, slots=True)
class ChainQuery:
    """What chains are asked for: rights, all that are held if there are none, and how far they must reach."""

    rights: Collection[str] = ()
    purposes: Collection[str] = ()
    territory: Collection[str] = ()


class ProofChains:
    """The chains of one asset on a day. The lines are those to a holder and to whoever granted them in turn."""

    def __init__(self, reckoner: engine.Reckoner, grants: Sequence[engine.Grant], day: date) -> None:
        self._reckoner = reckoner
        held = reckoner.held(grants, day)
        self._scopes = {line: scopes for some in held.values() for line, scopes in some}
        # Each line comes after those that it may rest on.
        self._lines = sorted(self._scopes, key=lambda line: (not line.opened, line.order, line.id))

    def of(self, holder: str, wanted: ChainQuery) -> list[Chain]:
        """The chains to a holder, the nearest line first, each once. Raises TooManyChains."""
        mine = {line.right for line in self._lines if line.holder == holder}
        rights = [right for right in sorted(wanted.rights) if right in mine] or sorted(mine)
        needs = [
            (right, purpose, place)
            for right in rights
            for purpose in sorted(wanted.purposes) or (None,)
            for place in sorted(wanted.territory) or (None,)
        ]
        if len(needs) * len(self._lines) > MOST_LOOKS:
            raise TooManyChains
        found: dict[Chain, None] = {}
        for right, purpose, place in needs:
            chain = self._best(holder, right, purpose, place) or self._best(holder, right, None, None, sure=False)
            if chain:
                found[chain] = None
        return [*found]

    def _best(self, holder: str, right: str, purpose: str | None, place: str | None, sure: bool = True) -> Chain:
        chains: dict[str | None, list[Chain]] = {}  # to each party, of lines that give what is wanted
        best: list[Chain] = []
        for line in self._lines:
            if line.right != right or (sure and not any(self._gives(line, purpose, place))):
                continue
            behind = [each for each in chains.get(line.granter, ()) if _before(each[0], line)] if line.granter else []
            if line.opened or not behind:
                if sure and not line.opened:
                    continue
                chain: Chain = (line,)
            else:
                chain = (line, *min(behind, key=_length))
            if line.holder == holder:
                best.append(chain)
            if not sure or any(self._gives(line, purpose, place, onward=True)):
                chains.setdefault(line.holder, []).append(chain)
        return min(best, key=_length, default=())

    def _gives(self, line: engine.Grant, purpose: str | None, place: str | None, onward: bool = False) -> Iterator[bool]:
        """Whether the scopes of a line give something for certain."""
        for scope in self._scopes[line]:
            for_it = purpose is None or self._reckoner.purposes.covers(scope.purposes, purpose) is engine.Truth.YES
            there = place is None or self._reckoner.territory.covers(scope.territory, place) is engine.Truth.YES
            yield scope.sure and for_it and there and (bool(scope.onward) or not onward)


def _before(line: engine.Grant, other: engine.Grant) -> bool:
    return line.first <= other.first and (line.opened or line.order < other.order)


def _length(chain: Chain) -> tuple[int, list[tuple[int, str]]]:
    return len(chain), [(line.order, line.id) for line in chain]

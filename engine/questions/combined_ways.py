"""
Ways in combination: what makes a refused exchange a permit, found by taking one way after the other.

The search goes from what refuses, best first: of the reasons that are left it takes the one that has fewest ways, and tries each of these.
A reason is a requirement that is not met, whose ways are its grounds, excuses and exemptions; or a prohibition or a review, whose ways are
the exemptions from it. Of every reason it is one more way that its rule holds no longer. What was changed stays. What is found is decided
again without each of its changes, and only those are kept that it needs. Source: semantics 4.13.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from heapq import heappop, heappush
from itertools import count

from engine.deciding.combine import Evaluate, Outcome
from engine.deciding.search_pauses import pause
from engine.exchange import Exchange
from engine.questions.taken_ways import TakenWays
from engine.questions.ways import CLAIMS, MET, WaysRead
from engine.rules import Need, Rule
from engine.values import Value
from engine.verdict import Verdict, numbers

MAX_OPTIONS = 6  # ways out of one reason that are tried
MAX_CHANGES = 10

Changes = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class PermittingChanges:
    """Changes with which an exchange is permitted, and how it is then decided."""

    changes: Changes
    verdict: Verdict
    outcome: Outcome


class _Spent(Exception):
    """The search has used up its evaluations."""


class CombinedWays:
    """One search. `left` is how often it may evaluate; without `claims` no claim is made. `complete` says whether all was tried."""

    def __init__(
        self, taking: TakenWays, exchange: Exchange, as_of: date, evaluate: Evaluate, left: int, claims: bool = False
    ) -> None:
        self.taking = taking
        self.exchange = exchange
        self.as_of = as_of
        self.evaluate = evaluate
        self.left = left
        self.claims = claims
        self.complete = True

    def run(self, most: int) -> list[PermittingChanges]:
        """At most so many sets of changes, the smallest first; none contains another."""
        found: list[PermittingChanges] = []
        try:
            for each in self._search():
                needed = self._needed(each)
                names = needed.changes.keys()
                if not any(other.changes.keys() <= names for other in found):
                    found = [other for other in found if not names <= other.changes.keys()] + [needed]
                if len(found) >= most:
                    break
        except _Spent:
            self.complete = False
        return found

    def _search(self) -> Iterator[PermittingChanges]:
        order = count()
        seen: set[frozenset[str]] = set()
        waiting: list[tuple[int, int, Changes, PermittingChanges]] = []

        def push(changes: Changes) -> None:
            names = frozenset(changes)
            if names in seen or len(changes) > MAX_CHANGES:
                self.complete = self.complete and names in seen
                return
            seen.add(names)
            node = self._tried(changes)
            if node is not None:
                heappush(waiting, (len(changes) + len(self._reasons(node)), next(order), changes, node))

        push({})
        while waiting:
            _, _, changes, node = heappop(waiting)
            if node.outcome.permits:
                yield node
                continue
            for more in self._options(node):
                push({**changes, **more})

    def _tried(self, changes: Changes) -> PermittingChanges | None:
        """The exchange with some changes, decided again; None where it contradicts itself."""
        changed = self.exchange.with_values(changes)
        if changes and self.taking.ways.bundle.coherence.contradictions(changed, True):
            return None
        if not self.left:
            raise _Spent
        self.left -= 1
        return PermittingChanges(changes, *self.evaluate(changed, self.as_of))

    def _reasons(self, node: PermittingChanges) -> list[Rule]:
        """The rules that refuse, or may."""
        verdict = node.verdict
        found = []
        for number in numbers(verdict.stands.possible):
            rule = verdict.rules[number]
            if rule.effect in ("prohibit", "review") or (rule.need is not None and not _met(rule.need, verdict)):
                found.append(rule)
        return found

    def _options(self, node: PermittingChanges) -> list[dict[str, Value]]:
        """What ends the reason that fewest ways end; nothing if one cannot be ended."""
        exchange = self.exchange.with_values(node.changes)
        best: list[dict[str, Value]] | None = None
        for rule in self._reasons(node):
            pause()
            options = self._ending(rule, exchange, node)
            if best is None or len(options) < len(best):
                best = options
            if not best:
                return []
        return best or []

    def _ending(self, rule: Rule, exchange: Exchange, node: PermittingChanges) -> list[dict[str, Value]]:
        ways, verdict = self.taking.ways, node.verdict
        read = WaysRead(ways, exchange, verdict, self.as_of)
        found = [way.node for way in read.out_of(rule) if not way.rule.doubtful]
        for name in _wanted(rule.need, verdict) if rule.need else ():
            found += [way.node for way in read.to(name) if not way.rule.doubtful]
        options: list[dict[str, Value]] = []
        for each in (*found, ways.ending(rule)):
            taken = self.taking.taken(each, exchange, verdict, self.as_of, node.changes.keys())
            if taken and (self.claims or not any(name.startswith(CLAIMS) for name in taken)) and taken not in options:
                options.append(taken)
        options.sort(key=len)
        self.complete = self.complete and len(options) <= MAX_OPTIONS
        return options[:MAX_OPTIONS]

    def _needed(self, found: PermittingChanges) -> PermittingChanges:
        """The same with fewer changes, as long as it is permitted."""
        for name in list(found.changes):
            brought = self.taking.brought(name, found.changes[name], self.exchange)
            if self.taking.brings(name, found.changes, self.exchange):
                continue  # it changes with another fact
            fewer = {each: value for each, value in found.changes.items() if each != name and each not in brought}
            without = self._tried(fewer)
            if without is not None and without.outcome.permits:
                return self._needed(without)
        return found


def _met(need: Need, verdict: Verdict) -> bool:
    if need.op == "one":
        return verdict.requirements[need.requirement] == MET
    parts = (_met(part, verdict) for part in need.parts)
    return any(parts) if need.op == "any_of" else all(parts)


def _wanted(need: Need, verdict: Verdict) -> Iterator[str]:
    """The requirements to meet next: of alternatives each one's, of several the first that is not met."""
    if need.op == "one":
        if verdict.requirements[need.requirement] != MET:
            yield need.requirement
    elif need.op == "any_of":
        for part in need.parts:
            yield from _wanted(part, verdict)
    else:
        for part in need.parts:
            if not _met(part, verdict):
                yield from _wanted(part, verdict)
                return

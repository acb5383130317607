"""
Ways taken: what an exchange has to state so that a way holds, and whether the whole exchange is then permitted.

A document is obtained on the day and covers the exchange; a claim is made on the day; a fact takes the nearest value with which its tests
read as the way needs them. Each is verified by reading the tests on the changed exchange. A test that nothing satisfies is ruled out, and
the next alternative of the way is taken. Source: semantics 4.9, 4.13.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date

from engine.backends.reference.three_values import KnownFacts
from engine.deciding.combine import Evaluate
from engine.exchange import Exchange
from engine.policy_language.vocabulary import stated_in
from engine.questions.levers import Levers
from engine.questions.possible_answers import AnswerBook
from engine.questions.ways import CLAIMS, EVIDENCE, Way, Ways, WaysRead
from engine.rules import Truth
from engine.values import Document, Missing, Value
from engine.verdict import Verdict

MAX_ALTERNATIVES = 8  # of one way that are tried


class TakenWays:
    """Takes the ways of one bundle. Made once."""

    def __init__(self, ways: Ways, levers: Levers) -> None:
        self.ways = ways
        self.levers = levers
        self._book = AnswerBook(ways.bundle, Exchange({}, {}), date.min)
        self._number = {name: number for number, name in enumerate(levers.names)}

    def taken(
        self, node: int, exchange: Exchange, verdict: Verdict, as_of: date, stated: Collection[str] = ()
    ) -> dict[str, Value] | None:
        """
        What has to be stated for a way by its node: a value for each fact, document and claim. None if nothing would do.

        `stated` are facts that were changed already, and stay.
        """
        excluded: set[int] = set()
        for _ in range(MAX_ALTERNATIVES):
            read = WaysRead(self.ways, exchange, verdict, as_of, excluded)
            if read.read(node) is None:
                return None
            grouped: dict[str, list[int]] = {}
            for test in dict.fromkeys(read.needed(node)):
                grouped.setdefault(stated_in(self.ways.atoms[test].fact), []).append(test)
            answers: dict[str, Value] = {}
            failed: list[int] = []
            for name, tests in grouped.items():
                if all(read.state(test) == "have" for test in tests):
                    continue
                found = None if name in stated else self._value(name, tests, exchange, as_of)
                if found is None:
                    failed += [test for test in tests if read.state(test) != "have"]
                else:
                    answers |= found
            if not failed:
                return answers
            excluded.update(failed)
        return None

    def _value(self, name: str, tests: Collection[int], exchange: Exchange, as_of: date) -> dict[str, Value] | None:
        """What states a fact or a document so that its tests read as they are wanted."""
        for value in self._values(name, exchange, as_of):
            answers = {name: value, **self.brought(name, value, exchange)}
            known = KnownFacts(self.ways.bundle.rules, exchange.with_values(answers), as_of)
            if all(known.test(self.ways.atoms[test]) is _wanted(self.ways.wanted[test]) for test in tests):
                return answers
        return None

    def brought(self, name: str, value: Value, exchange: Exchange) -> dict[str, Value]:
        """The facts that change with a fact."""
        return self.levers.brought(self._number[name], value, exchange) if name in self._number else {}

    def brings(self, name: str, changes: Mapping[str, Value], exchange: Exchange) -> bool:
        """Whether a fact changes with another one of some changes."""
        return any(name in self.brought(other, value, exchange) for other, value in changes.items() if other != name)

    def _values(self, name: str, exchange: Exchange, as_of: date) -> Iterator[Value]:
        sent = exchange.value(name)
        if name.startswith(CLAIMS):
            yield self._claimed(name, exchange, as_of)
        elif name in self._number:
            yield from self.levers.values(self._number[name], exchange, as_of)
        if isinstance(sent, Missing) and not name.startswith((CLAIMS, EVIDENCE)):
            members = self.ways.bundle.rules.families.get(name, ("", (name,)))[1]
            if members == (name,) and name in self.ways.bundle.vocabulary.facts:
                yield from self._book.about(exchange, as_of).of(name).values

    def _claimed(self, name: str, exchange: Exchange, as_of: date) -> Document:
        """A claim that is made on the day for this exchange."""
        fields: dict[str, Value] = {"dated": as_of, "covers": True}
        for measure in self.ways.bundle.rules.measures.get(name, ()):
            around = measure.around(measure.told(exchange.values))
            if measure.must and around is not None:
                fields[measure.name] = around
        return Document("shown", fields)


class WaysToPermit:
    """Which ways lead to a permit: the whole exchange is decided again with each, at most so many times."""

    def __init__(self, taking: TakenWays, read: WaysRead, as_of: date, evaluate: Evaluate, most: int) -> None:
        self._taking = taking
        self._read = read
        self._as_of = as_of
        self._evaluate = evaluate
        self._left = most
        self._known: dict[int, bool] = {}

    def leads(self, way: Way) -> bool:
        """Whether the whole exchange is permitted with a way; no if that was not tried."""
        if way.node not in self._known and self._left:
            self._left -= 1
            exchange = self._read.exchange
            answers = self._taking.taken(way.node, exchange, self._read.verdict, self._as_of)
            self._known[way.node] = answers is not None and self._permits(exchange, answers)
        return self._known.get(way.node, False)

    def _permits(self, exchange: Exchange, answers: Mapping[str, Value]) -> bool:
        changed = exchange.with_values(answers)
        if self._taking.ways.bundle.coherence.contradictions(changed, True):
            return False
        return self._evaluate(changed, self._as_of)[1].permits


def _wanted(wanted: bool) -> Truth:
    return Truth.YES if wanted else Truth.NO

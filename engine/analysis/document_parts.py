"""
Documents as literals: a variable for each part by which a document counts (2.2, 2.3).

What a document states of people, recipients, purposes and data sets is one part of which nothing is said: so the clauses allow more than
the law does, and what they rule out is ruled out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from engine.analysis.dated_facts import DatedFact, LawDay, threshold
from engine.analysis.gates import Gates
from engine.analysis.number_lines import NumberLine
from engine.backends.lanes.slots import Pair
from engine.rules import Measure

DATES = ("dated", "filed")


class DocumentLiterals:
    """One kind of document: `shown`, `unknown` or neither. The parts say something only of one that is shown."""

    def __init__(self, gates: Gates, name: str, law: LawDay, complete: int) -> None:
        self.gates = gates
        self.name = name
        self.law = law
        self.complete = complete
        self.shown = gates.variable((name, "shown"), seldom=True)
        self.unknown = gates.variable((name, "unknown"), seldom=True)
        self.covers = self._pair("covers")
        self._within: dict[object, Pair] = {}
        self.expires = gates.variable((name, "expires"), seldom=True)  # a last day is stated
        self.expiry_known = gates.variable((name, "expiry known"))
        self.ended = gates.variable((name, "ended"), seldom=True)  # before the day of the law
        self.last = NumberLine(gates, (name, "last day"))
        self.dates: dict[str, DatedFact] = {}
        gates.say(-self.shown, -self.unknown)
        gates.say(-complete, -self.unknown)
        gates.say(-complete, self.expiry_known)

    def _pair(self, *part: object) -> Pair:
        must, may = (self.gates.variable((self.name, *part, end)) for end in ("must", "may"))
        self.gates.follows(must, may)
        self.gates.say(-self.complete, must, -may)
        return Pair(must, may)

    def date_of(self, field: str) -> DatedFact:
        """A date that the document states."""
        if field not in self.dates:
            self.dates[field] = DatedFact(self.gates, f"{self.name}.{field}", self.law)
            self.gates.say(-self.complete, self.dates[field].known)
        return self.dates[field]

    def counts(self, open_: bool, measures: Sequence[Measure] = (), wider: bool = False) -> Pair:
        """2.3: whether it counts; `open_` is what a test reads where it is not shown: unknown, else no."""
        both, either, dated, covers = self.gates.both, self.gates.either, self.date_of("dated"), self.covering(measures, wider)
        lasts = either((-self.expires, both((self.expiry_known, -self.ended))))
        may_last = either((-self.expires, -self.expiry_known, -self.ended))
        must = both((self.shown, dated.known, -dated.later, lasts, covers.must))
        may = both((self.shown, either((-dated.known, -dated.later)), may_last, covers.may))
        return Pair(must, either((self.unknown, may, *self._absent(open_))))

    def covering(self, measures: Sequence[Measure], wider: bool = False) -> Pair:
        """
        2.3: whether it covers the exchange; `measures` are what it may state that it covers.

        With `wider` by values that tell less apart than others: then it covers no less.
        """
        both, key = self.gates.both, (*measures, *(("wider",) if wider else ()))
        if key not in self._within:
            self._within[key] = self._pair("within", *key)
            if wider:
                self.covering(measures)
                for narrow, wide in zip(self._within[tuple(measures)], self._within[key], strict=True):
                    self.gates.follows(narrow, wide)
        within = self._within[key]
        return Pair(both((self.covers.must, within.must)), both((self.covers.may, within.may)))

    def covers_all(self, open_: bool, measures: Sequence[Measure], wanted: bool, wider: bool = False) -> Pair:
        """A test of `covers`: whether it is as wanted."""
        both, either, (must, may) = self.gates.both, self.gates.either, self.covering(measures, wider)
        must, may = (must, may) if wanted else (-may, -must)
        return Pair(both((self.shown, must)), either((self.unknown, both((self.shown, may)), *self._absent(open_))))

    def of_date(self, field: str, reads: int, open_: bool) -> Pair:
        """A test of a date that reads a literal where the date is known and not later than the day (2.9)."""
        both, either, dated = self.gates.both, self.gates.either, self.date_of(field)
        must = both((self.shown, dated.known, -dated.later, reads))
        may = [self.unknown, both((self.shown, -dated.known)), both((self.shown, -dated.later, reads))]
        if open_:
            may += [*self._absent(open_), both((self.shown, dated.known, dated.later))]
        return Pair(must, either(may))

    def of_expiry(self, reads: int, open_: bool) -> Pair:
        """A test of the last day that reads a literal where that is known. Without one the test is open."""
        both, either = self.gates.both, self.gates.either
        must = both((self.shown, self.expires, self.expiry_known, reads))
        known = both((self.expires, self.expiry_known))
        return Pair(must, either((self.unknown, both((self.shown, either((-known, reads)))), *self._absent(open_))))

    def has_passed(self, field: str, over: int) -> Pair:
        """3.6: whether a last day that is counted from a date of the document has passed."""
        both, dated = self.gates.both, self.date_of(field)
        known = both((self.shown, dated.known))
        return Pair(both((known, over)), self.gates.either((-known, over)))

    def last_from(self, day: date) -> int:
        """The literal of the last day being a day or a later one."""
        return self.last.from_(threshold(day))

    def _absent(self, open_: bool) -> tuple[int, ...]:
        return (self.gates.both((-self.shown, -self.unknown)),) if open_ else ()

    def finish(self) -> None:
        """Say how the dates hang together. A document expires no earlier than it is dated (the door refuses it)."""
        say = self.gates.say
        for each in self.dates.values():
            each.finish()
        if "dated" in self.dates:
            dated, ends = self.dates["dated"], (-self.shown, -self.dates["dated"].known, -self.expires, -self.expiry_known)
            say(*ends, -dated.later, -self.ended)
            say(*ends, -dated.today, -self.ended)
            for at in {**dated.line.at, **self.last.at} if self.last.at else ():
                say(*ends, -dated.line.from_(at), self.last.from_(at))
        for at, here in list(self.last.at.items()):
            begun = self.law.from_(date.fromordinal(int(at[0])))
            say(-self.ended, -here, begun)
            say(self.ended, -begun, here)
        self.last.finish()

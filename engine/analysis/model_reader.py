"""
From a model of the clauses to an exchange that can be sent, as JSON: the values of the facts that are wanted, on a day that fits.

What a free pair says is not put into words: where a model rests on one, an engine may not confirm the exchange, and it is searched again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Any, TypeAlias

from engine.analysis.dated_facts import DatedFact
from engine.analysis.document_parts import DocumentLiterals
from engine.analysis.formula import Formula
from engine.analysis.number_lines import NumberLine, NumberRange, Threshold
from engine.analysis.word_choices import OneWord
from engine.policy_language.public_recipient import EVERYONE
from engine.policy_language.written_exchange import path_of
from engine.rules import Atom
from engine.values import EXACT, FIRST_DAY, LAST_DAY, MAX_COUNT
from engine.values.document_facts import nested

Holds: TypeAlias = Callable[[int], bool]
"""Whether a literal holds in a model."""
NumberSpan: TypeAlias = tuple[Decimal, Decimal | None]

ANY_DAY = date(2026, 1, 1)  # where nothing turns on the day
ONE_DAY = timedelta(days=1)


class ModelReader:
    """Makes exchanges of models of one formula."""

    def __init__(self, formula: Formula) -> None:
        self.formula = formula
        self.exchange = formula.exchange

    def names(self) -> Iterator[str]:
        """Every fact and document that a model says something of."""
        yield from self.exchange.words
        yield from dict.fromkeys(name for name, _ in self.exchange.numbers)
        yield from self.exchange.dates
        yield from self.exchange.documents
        yield from dict.fromkeys(fact for fact, _ in self._ids())

    def document(self, holds: Holds, cone: Collection[str], whole: bool = False) -> dict[str, Any]:
        """The exchange of a model: the facts and documents of a cone, or with `whole` all, and the ways of the cone that are relied on."""
        wanted = None if whole else cone
        flat: dict[str, Any] = {}
        days = list(_days(self.exchange.day.line, holds))
        tried = [self._dated(holds, wanted, day) for day in days]
        best = min(range(len(days)), key=lambda number: tried[number][1])
        flat |= self._words(holds, wanted)
        flat |= self._numbers(holds, wanted)
        flat |= {name: value for name, value in self._named_ids(holds) if wanted is None or name in wanted}
        flat |= tried[best][0]
        for book in self.formula.bundle.vocabulary.books.values():
            if book.granted in flat:
                flat.setdefault(book.of, "data-1")  # where rights are spoken of, a book asks of which data
        found = {"as_of": days[best].isoformat()} | nested({path_of(name): value for name, value in flat.items()})
        ways = [name for (of, name), literal in self.exchange.named.items() if of == "relies_on" and holds(literal)]
        ways = [way for way in ways if way in cone]
        if ways:
            found["relies_on"] = ways
        if self.formula.public:
            found[self.formula.bundle.vocabulary.recipient] = EVERYONE[0]
        return found

    # Values

    def _words(self, holds: Holds, wanted: Collection[str] | None) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, fact in self.exchange.words.items():
            if (wanted is not None and name not in wanted) or not holds(fact.stated) or not self._is_sent(name):
                continue
            words = [self._word(name, number, each, holds) for number, each in enumerate(fact.words) if holds(fact.has[number])]
            found[name] = words[0] if isinstance(fact, OneWord) else [*words, *(["unknown"] if holds(fact.open) else [])]
        return found

    def _word(self, name: str, number: int, words: Any, holds: Holds) -> Any:
        """A word of a class; another one where the model says that another fact has not the same."""
        unlike = (
            pair.must
            for key, pair in self.exchange.free.items()
            if isinstance(key, tuple) and key[:2] == ("same", name) and key[4] == number
        )
        return words[1] if len(words) > 1 and any(not holds(each) for each in unlike) else words[0]

    def _is_sent(self, name: str) -> bool:
        fact = self.formula.bundle.vocabulary.facts.get(name)
        return fact is not None and not fact.register_only and fact.follows is None

    def _numbers(self, holds: Holds, wanted: Collection[str] | None) -> dict[str, Any]:
        vocabulary, ranges = self.formula.bundle.vocabulary, dict[str, NumberSpan]()
        found: dict[str, Any] = {}
        for (name, unit), number in self.exchange.numbers.items():
            if (wanted is not None and name not in wanted) or not holds(number.stated) or not self._is_sent(name):
                continue
            low, high = _ends(number, holds)
            if unit:
                ends = {"at_least": f"{low:f} {unit}"} | ({} if high is None else {"at_most": f"{high:f} {unit}"})
                found[name] = f"{low:f} {unit}" if low == high else ends
            else:
                ranges[name] = low, high
        self._compare(ranges, holds)
        for name, (low, high) in ranges.items():
            fact = vocabulary.facts[name]
            if fact.counts:
                own = [ranges[each][0] for each in vocabulary.families.get(fact.counts, (fact.counts,)) if each in ranges]
                exact = low == high
                low = max([low, *own])
                high = low if exact or (high is not None and high < low) else high
            if fact.type.kind == "count":
                whole = {"at_least": int(low)} | ({} if high is None else {"at_most": int(high)})
                found[name] = int(low) if low == high else whole
            elif low == high:
                found[name] = f"{low:f}"
        return found

    def _compare(self, ranges: dict[str, NumberSpan], holds: Holds) -> None:
        """Move numbers within their thresholds so that one is more than another where the model says so."""
        for pair, op, one, two in self.exchange.compared:
            more, less = (pair.must, -pair.may) if op in ("more_than", "at_least") else (-pair.may, pair.must)
            if holds(more) or holds(less):
                larger, smaller = (one, two) if holds(more) else (two, one)
                above, below = (self._span(each, ranges) for each in (larger, smaller))
                if above is not None and below is not None and below[1] is not None and above[0] <= below[1]:
                    step = Decimal(1) if larger.whole else Decimal("0.001")
                    if larger.name in ranges and _fits(larger, below[1] + step, holds):
                        ranges[larger.name] = below[1] + step, None if above[0] != above[1] else below[1] + step
                    elif smaller.name in ranges and above[0] >= step and _fits(smaller, above[0] - step, holds):
                        ranges[smaller.name] = above[0] - step, above[0] - step

    def _span(self, number: NumberRange, ranges: Mapping[str, NumberSpan]) -> NumberSpan | None:
        """The least and the most of a number that is stated; of a total, those of its members together."""
        total = self.exchange.totals.get(number.name)
        if total is None:
            return ranges.get(number.name)
        each = [ranges.get(member.name, (Decimal(0), None)) for member in total.members]
        highs = [high for _, high in each if high is not None]
        low = max(low for low, _ in each) if total.distinct else sum((low for low, _ in each), Decimal(0))
        return low, sum(highs, Decimal(0)) if len(highs) == len(each) else None

    def _ids(self) -> Iterator[tuple[str, Atom]]:
        for key in self.exchange.free:
            if isinstance(key, tuple) and isinstance(key[0], Atom) and key[0].type.kind == "id" and key[0].other:
                yield key[0].fact, key[0]
                yield key[0].other, key[0]

    def _named_ids(self, holds: Holds) -> Iterator[tuple[str, str]]:
        """Ids where facts that name somebody are compared: one where they are certainly the same, two where they are not."""
        for key, (must, may) in self.exchange.free.items():
            known = holds(must) or not holds(may)
            if known and isinstance(key, tuple) and isinstance(key[0], Atom) and key[0].type.kind == "id" and key[0].other:
                yield key[0].fact, "party-1"
                yield key[0].other, "party-1" if holds(must) else "party-2"

    # Dates

    def _dated(self, holds: Holds, wanted: Collection[str] | None, law: date) -> tuple[dict[str, Any], int]:
        """What is stated of dates and documents, and how many dates do not fit the day."""
        found: dict[str, Any] = {}
        missing = 0
        for name, fact in self.exchange.dates.items():
            if (wanted is None or name in wanted) and holds(fact.known) and self._is_sent(name):
                day = _date(fact, holds, law)
                missing += day is None
                if day is not None:
                    found[name] = day.isoformat()
        for name, document in self.exchange.documents.items():
            if wanted is not None and name not in wanted:
                continue
            if holds(document.unknown):
                found[name] = "unknown"
            elif holds(document.shown):
                found[name], more = self._shown(document, holds, law)
                missing += more
        return found, missing

    def _shown(self, document: DocumentLiterals, holds: Holds, law: date) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        missing = 0
        for field, fact in document.dates.items():
            if holds(fact.known):
                day = _date(fact, holds, law)
                missing += day is None
                if day is not None:
                    found[field] = day.isoformat()
        covers = document.covering(self.formula.bundle.rules.measures.get(document.name, ()))
        if holds(covers.must) or not holds(covers.may):
            found["covers"] = holds(covers.must)
        if holds(document.expires):
            found["expires"] = "unknown"
            if holds(document.expiry_known):
                low, high = _cell(document.last, holds)
                choices = (law - ONE_DAY, low, high) if holds(document.ended) else (high, law, low)
                fits = (d for d in choices if d and _in_cell(d, low, high) and (d < law) is holds(document.ended))
                days = [d for d in fits if d.isoformat() >= found.get("dated", "")]
                missing += not days
                found |= {"expires": days[0].isoformat()} if days else {}
        if found.get("covers"):
            found |= self._measures(document.name, holds)
        return found, missing

    def _measures(self, name: str, holds: Holds) -> Mapping[str, Any]:
        """What a document must say that it covers: all that the exchange has."""
        found: dict[str, Any] = {}
        for measure in self.formula.bundle.rules.measures.get(name, ()):
            if measure.must and measure.name == "people":
                found[measure.name] = MAX_COUNT
            elif measure.must and measure.fact in self.exchange.words:
                fact = self.exchange.words[measure.fact]
                found[measure.name] = [str(w[0]) for w, has in zip(fact.words, fact.has, strict=True) if holds(has)]
        return found


def _cell(line: NumberLine, holds: Holds) -> tuple[date | None, date | None]:
    """The first and the last day between the thresholds that a model reaches and does not reach; None where there is no end."""
    reached = [at for at, literal in line.at.items() if holds(literal)]
    beyond = [at for at, literal in line.at.items() if not holds(literal)]
    low = date.fromordinal(int(max(reached)[0])) if reached else None
    return low, date.fromordinal(int(min(beyond)[0])) - ONE_DAY if beyond else None


def _in_cell(day: date, low: date | None, high: date | None) -> bool:
    return (low is None or low <= day) and (high is None or day <= high) and FIRST_DAY <= day <= LAST_DAY


def _days(line: NumberLine, holds: Holds) -> Iterator[date]:
    """Days that fit a model."""
    low, high = _cell(line, holds)
    yield from dict.fromkeys(day for day in (low, high) if day is not None and _in_cell(day, low, high))
    if low is None and high is None:
        yield ANY_DAY
    elif low is None or high is None:
        far = low or high
        assert far is not None
        for years in (3, 10):
            day = far.replace(year=far.year + (years if low else -years), day=min(far.day, 28))
            if _in_cell(day, low, high):
                yield day


def _date(fact: DatedFact, holds: Holds, law: date) -> date | None:
    """A date that fits a model on a day; None where there is none among the ends."""
    low, high = _cell(fact.line, holds)
    ends = [law, low, high, law + ONE_DAY, law - ONE_DAY]
    ends += [length.before(law) + step * ONE_DAY for length, _ in fact.over for step in (0, -1, 1)]
    for day in ends:
        if day is not None and _in_cell(day, low, high) and (day > law) is holds(fact.later):
            run = (
                ((law > length.after(day)) if late else law >= length.after(day), literal)
                for (length, late), literal in fact.over.items()
            )
            if all(over is holds(literal) for over, literal in run):
                return day
    return None


def _ends(number: NumberRange, holds: Holds) -> tuple[Decimal, Decimal | None]:
    """The least and the most that a number is in a model."""
    cuts = sorted(number.thresholds())
    low = [at for at in cuts if holds(number.low.from_(at))]
    high = [at for at in cuts if not holds(number.high.from_(at))]
    if [at for at in cuts if holds(number.high.from_(at))] == low:
        least = _least(low[-1] if low else None, high[0] if high else None, number.whole)
        return least, least
    return _least(low[-1] if low else None, None, number.whole), _most(high[0] if high else None, cuts, number.whole)


def _fits(number: NumberRange, value: Decimal, holds: Holds) -> bool:
    """Whether a value lies between the thresholds that the least and the most of a number reach in a model."""
    return all(holds(number.low.from_(at)) <= (at <= (value, 0)) <= holds(number.high.from_(at)) for at in number.thresholds())


def _least(at: Threshold | None, before: Threshold | None, whole: bool) -> Decimal:
    """The smallest number that is easily written from a threshold on, and below another."""
    if at is None or at[0] < 0:
        return Decimal(0)
    if not at[1]:
        return at[0]
    if whole:
        return at[0] + 1
    with localcontext(EXACT):
        return at[0] + (Decimal("0.01") if before is None else min((before[0] - at[0]) / 2, Decimal("0.01")))


def _most(at: Threshold | None, cuts: list[Threshold], whole: bool) -> Decimal | None:
    """The largest such number below a threshold."""
    if at is None:
        return None
    if at[1]:
        return at[0]
    if whole:
        return at[0] - 1
    below = [each[0] for each in cuts if each < at]
    with localcontext(EXACT):
        return (at[0] + max(below, default=Decimal(0))) / 2

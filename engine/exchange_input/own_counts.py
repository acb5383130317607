"""
An exchange's own counts: its values go in, with counters that are no lower; so does what the ledger counted, and what that rests on.

Each counter includes the exchange itself (semantics 2.8).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from engine.exchange import Exchange
from engine.exchange_input.exchange_problems import ExchangeProblem, pointer
from engine.policy_language.vocabulary import Vocabulary
from engine.register_facts import COUNTED
from engine.values import Disputed, Missing, Money, MoneyRange, Number, Range, Value, either


class OwnCounts:
    """
    The counters of one vocabulary, beside the counts of an exchange that they count.

    `kept` has, of each counter that a ledger keeps, the fact that says so. `without_ledger` are the values that hold where no ledger says
    otherwise: no counter is kept, and nothing that was promised is in dispute.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        # A counter of a family counts different people, so it is at least as large as the largest member.
        counts = {fact.name: fact.counts for fact in vocabulary.facts.values() if fact.counts}
        self._sums = {name: counted for name, counted in counts.items() if vocabulary.facts[name].type.kind == "money"}
        self._counters = {
            name: vocabulary.families.get(counted, (counted,)) for name, counted in counts.items() if name not in self._sums
        }
        self.kept = {name: text.kept for name, text in vocabulary.counters.items() if text.kept}
        disputed = (text.disputed for text in vocabulary.promises.values() if text.disputed)
        self.without_ledger: Mapping[str, Value] = {
            **dict.fromkeys(self.kept.values(), False),
            **dict.fromkeys(disputed, Range.exact(0)),
        }

    def count(self, values: dict[str, Value], follows: dict[str, tuple[str, ...]] | None = None) -> list[ExchangeProblem]:
        """
        Compare counters with this exchange's own counts: no counter lies below them (semantics 2.8). Changes `values`.

        Where an own count is disputed, this is done for either value, and a counter that was stated is disputed too. `follows` gets each
        counter that rests on own counts, with the statements that it rests on.
        """
        problems = []
        for name, price in self._sums.items():
            sum_, own_sum = (either(values.get(each, Missing.LEFT_OUT))[0] for each in (name, price))
            if isinstance(sum_, Money | MoneyRange) and isinstance(own_sum, Money) and _is_below(sum_, own_sum):
                detail = f"is below what this exchange adds, {own_sum}; a counter includes the exchange itself"
                problems.append(ExchangeProblem(pointer(name.split(".")), "counter-below", detail))
        disputed = Disputed in map(type, values.values())
        for name, counted in self._counters.items():
            own = [values[each] for each in counted if each in values]
            if not own:
                continue
            counter = values.get(name, Missing.LEFT_OUT)
            stated = registered = _counting(counter, own)
            if stated is counter and not disputed:
                continue  # the counter includes them already
            if disputed and any(type(each) is Disputed for each in (counter, *own)):
                stated, registered = (_counting(either(counter)[end], [either(each)[end] for each in own]) for end in (0, -1))
            if stated is None:
                low = _largest([either(each)[0] for each in own])
                detail = f"is below this exchange's own count, {low:,}; a counter includes the exchange itself"
                problems.append(ExchangeProblem(pointer(name.split(".")), "counter-below", detail))
                continue
            if registered is None and (low := _largest([either(each)[-1] for each in own])) is not None:
                registered = Range(low, None)
            assert registered is not None
            if stated == registered:
                values[name] = stated
            elif isinstance(counter, Disputed) or (isinstance(counter, Range) and counter.high is not None):
                values[name] = Disputed(stated, registered)
            else:
                lows = [each.low for each in (stated, registered) if isinstance(each, Range)]
                values[name] = Range(min(lows), None)
            if values[name] is Missing.LEFT_OUT:
                del values[name]
            elif follows is not None and values[name] != counter:
                sent = () if isinstance(counter, Missing) else (name,)
                facts = (each for each in counted if each in values)
                follows[name] = (*sent, *dict.fromkeys(source for fact in facts for source in follows.get(fact, (fact,))))
        return problems

    def counted(
        self,
        exchange: Exchange,
        counters: Collection[str],
        raised: Collection[str],
        stated: Collection[str],
        asks: Mapping[str, tuple[str, ...]],
    ) -> Exchange:
        """
        The exchange with some counters from the ledger; each includes the exchange itself, so it rests on its own counts too.

        `raised` are those that were stated and that the ledger raised, `stated` those that stand as they were stated. `asks` has what the
        ledger lacks. A counter rests on what the exchange says of people who are counted twice, too.
        """
        follows = dict(exchange.follows)
        for name in counters:
            own = (each for each in (*self._counters.get(name, ()), self._sums.get(name, "")) if each in exchange.values)
            said = self._counted_twice(exchange, name)
            follows[name] = (name, *dict.fromkeys(source for each in own for source in follows.get(each, (each,))), *said)
        for name in (*raised, *stated):
            if said := self._counted_twice(exchange, name):
                follows[name] = (name, *said)
        sources = {**exchange.sources, **dict.fromkeys(counters, COUNTED)}
        families = {self._vocabulary.facts[name].family or name for name in (*counters, *raised, *stated)}
        kept = {fact: True for counter, fact in self.kept.items() if counter in families}
        asks = {**dict(self._records(exchange, (*counters, *raised))), **asks}
        return replace(exchange, values={**exchange.values, **kept}, follows=follows, sources=sources, asks=asks)

    def _records(self, exchange: Exchange, counters: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The record to ask for, of each counter that adds up people of whom some may be the same: no stated count lowers it."""
        for name in counters:
            text = self._vocabulary.counters.get(self._vocabulary.facts[name].family or name)
            count, record = exchange.values.get(name), f"evidence.{text.record}" if text and text.record else ""
            adds_up = isinstance(count, Range) and count.high is not None and count.low < count.high
            if record and adds_up and exchange.values.get(record, Missing.LEFT_OUT) is Missing.LEFT_OUT:
                yield name, (record,)

    def _counted_twice(self, exchange: Exchange, name: str) -> tuple[str, ...]:
        """The statements of an exchange on people whom a counter would count twice (semantics 2.8)."""
        text = self._vocabulary.counters.get(self._vocabulary.facts[name].family or name)
        says = (text.same or "", f"evidence.{text.record}") if text else ()
        return tuple(each for each in says if not isinstance(exchange.values.get(each, Missing.LEFT_OUT), Missing))


def _counting(counter: Value, own: Iterable[Value]) -> Value | None:
    """A counter that is at least as large as each of the own counts; None where it was sent as smaller (semantics 2.8)."""
    low = _largest(own)
    if low is None:
        return counter
    if not isinstance(counter, Range):
        return Range(low, None)
    if counter.high is not None and counter.high < low:
        return None
    return counter if counter.low >= low else Range(low, counter.high)


def _is_below(sum_: Money | MoneyRange, own: Money) -> bool:
    """Whether a counted sum of money is certainly less than what the exchange itself adds; only in one currency can it be."""
    most = sum_.amount if isinstance(sum_, Money) else sum_.high
    return sum_.currency == own.currency and most is not None and most < own.amount


def _largest(counts: Iterable[Value]) -> Number | None:
    lows = [each.low for each in counts if isinstance(each, Range)]
    return max(lows) if lows else None

"""
Codes in, the message that each ruleset is sent out.

An exchange is read fact by fact, each where a ruleset first hears of it; what a value says to each ruleset is remembered, since values
recur. A ruleset is sent only codes that some test of it holds of: a test of what is not sent does not hold either.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from typing import NamedTuple, TypeVar

from engine.backends.durable.encode import FALSE, MAYBE, TRUE, Codes, Encoder, Source
from engine.backends.durable.network import Message, Ruleset, Test, Written, written
from engine.exchange import Exchange
from engine.values import Document, Range, SetOf, Value

MAX_REMEMBERED = 256  # values of a source, selections of sources; more are forgotten together
MAX_MEMBERS, MAX_TEXT = 16, 64  # of a value that is remembered

Piece = tuple[str, int]  # the written codes for one ruleset, and its tests that hold of them but not certainly


class _Prop:
    """One property of one ruleset. Its codes are few, places among some cuts, so each is written once."""

    def __init__(self, prop: str, tests: Mapping[Test, int]) -> None:
        self.prop = prop
        self._tests = tests
        self._pieces: dict[Codes, Piece] = {}

    def piece(self, codes: Codes) -> Piece:
        """What is sent of codes: nothing where no test holds of them."""
        found = self._pieces.get(codes)
        if found is None:
            found = self._pieces[codes] = _written(self.prop, codes, self._tests)
        return found


class Said(NamedTuple):
    """What a value says: the written codes by ruleset, and, where there are any, the tests that hold of them but not certainly."""

    texts: dict[int, str]
    unsure: dict[int, int]


class _Read(NamedTuple):
    """A source, its fact where it is one, the properties that each ruleset tests, and what values said before."""

    source: Source
    fact: str
    heard: list[tuple[int, list[_Prop]]]
    remembered: dict[Hashable, Said]


class _Heard(NamedTuple):
    """Of a ruleset: the sources it hears, as bits and one by one, with what each says where it is left out."""

    sources: int
    with_facts: int
    each: list[tuple[int, int, str, int]]  # number, bit, text, unsure
    selections: dict[int, tuple[list[int], str, int]]  # the sources that are told: their numbers, and what the others say


class Telling(NamedTuple):
    """One exchange on its way to the rulesets: which sources are told, and, once they are read, what they say."""

    exchange: Exchange
    day: date
    told: int
    texts: list[dict[int, str] | None]
    unsure: list[dict[int, int]]


class Messages:
    """Writes the messages of one list of rulesets."""

    def __init__(self, encoder: Encoder, rulesets: Sequence[Ruleset]) -> None:
        props = [{prop: _Prop(prop, tests) for prop, tests in _by_prop(ruleset).items()} for ruleset in rulesets]
        self._heads = [_Heads([prop for name, prop in table.items() if name.startswith("p")]) for table in props]
        self._sources: list[_Read] = []
        self._bits: dict[str, int] = {}  # of each fact, the sources that it is read by
        self._always = 0  # the sources without a fact: the day
        for number, source in enumerate(encoder.sources.values()):
            heard = [(n, [table[prop] for prop in source.coders if prop in table]) for n, table in enumerate(props)]
            fact = source.facts[0] if len(source.facts) == 1 else ""
            self._sources.append(_Read(source, fact, [(n, tested) for n, tested in heard if tested], {}))
            for each in source.facts:
                self._bits[each] = self._bits.get(each, 0) | 1 << number
            self._always |= 0 if source.facts else 1 << number
        # Where a fact is left out, no coder looks at the day.
        silence = [self._say(read, Exchange({}, {}), date.min) for read in self._sources]
        self._rulesets = [self._heard(ruleset, silence) for ruleset in range(len(rulesets))]

    def _heard(self, ruleset: int, silence: Sequence[Said]) -> _Heard:
        each = [
            (number, 1 << number, said.texts[ruleset], said.unsure.get(ruleset, 0))
            for number, said in enumerate(silence)
            if ruleset in said.texts
        ]
        sources = sum(bit for _, bit, _, _ in each)
        return _Heard(sources, sources & ~self._always, each, {})

    def read(self, exchange: Exchange, day: date) -> Telling:
        """An exchange of which nothing is told yet."""
        bits, told = self._bits, self._always
        for fact in exchange.values:
            told |= bits.get(fact, 0)
        return Telling(exchange, day, told, [None] * len(self._sources), [])

    def silent(self, ruleset: int, telling: Telling) -> bool:
        """Whether a ruleset hears of no fact, though perhaps of the day."""
        return not telling.told & self._rulesets[ruleset].with_facts

    def message(self, ruleset: int, telling: Telling, certain: int, possible: int) -> Message:
        """The message for a ruleset, where these heads are certain and these possible."""
        heard, texts = self._rulesets[ruleset], telling.texts
        told = telling.told & heard.sources
        numbers, text, unsure = heard.selections.get(told) or remember(heard.selections, told, _selected(heard.each, told))
        for number in numbers:
            if texts[number] is None:
                self._hear(number, telling)
        heads, bits = self._heads[ruleset].written(certain, possible)
        unsure |= bits
        for each in telling.unsure:
            unsure |= each.get(ruleset, 0)
        return Written("".join([text, heads, *[texts[number][ruleset] for number in numbers]])), unsure  # type: ignore[index]

    def _hear(self, number: int, telling: Telling) -> None:
        """Read one source."""
        read, values = self._sources[number], telling.exchange.values
        source = read.source
        key: Hashable = _key(values[read.fact]) if read.fact else tuple([_key(values.get(fact)) for fact in source.facts])
        if source.dated:
            key = (telling.day, key)
        said = read.remembered.get(key)
        if said is None:
            said = self._say(read, telling.exchange, telling.day)
            if all(_small(values.get(fact)) for fact in source.facts):
                remember(read.remembered, key, said)
        telling.texts[number] = said.texts
        if said.unsure:
            telling.unsure.append(said.unsure)

    def _say(self, read: _Read, exchange: Exchange, day: date) -> Said:
        codes = read.source.codes(exchange, day)
        said = Said({}, {})
        for ruleset, props in read.heard:
            text, unsure = "", 0
            for prop in props:
                more, bits = prop.piece(codes[prop.prop])
                text += more
                unsure |= bits
            said.texts[ruleset] = text
            if unsure:
                said.unsure[ruleset] = unsure
        return said


class _Heads:
    """The heads that one ruleset tests."""

    def __init__(self, props: Sequence[_Prop]) -> None:
        self._codes = []
        self._tested = 0
        for prop in props:
            number = int(prop.prop[1:])
            self._codes.append((number, [prop.piece(codes) for codes in ((FALSE, FALSE), (None, MAYBE), (TRUE, TRUE))]))
            self._tested |= 1 << number
        self._remembered: dict[tuple[int, int], Piece] = {}

    def written(self, certain: int, possible: int) -> Piece:
        """What is said of them where these are certain and these possible."""
        key = (certain & self._tested, possible & self._tested)
        found = self._remembered.get(key)
        if found is None:
            text, unsure = "", 0
            for number, pieces in self._codes:
                piece, bits = pieces[(certain >> number & 1) + (possible >> number & 1)]
                text += piece
                unsure |= bits
            found = remember(self._remembered, key, (text, unsure))
        return found


def _selected(each: Sequence[tuple[int, int, str, int]], told: int) -> tuple[list[int], str, int]:
    """The sources that are told, and what those say that are left out."""
    numbers, texts, unsure = [], [], 0
    for number, bit, text, bits in each:
        if told & bit:
            numbers.append(number)
        else:
            texts.append(text)
            if bits:
                unsure |= bits
    return numbers, "".join(texts), unsure


def _by_prop(ruleset: Ruleset) -> dict[str, dict[Test, int]]:
    """A ruleset's tests with their bits, by property."""
    tests: dict[str, dict[Test, int]] = {}
    for test, number in ruleset.tests.items():
        tests.setdefault(test.prop, {})[test] = 1 << number
    return tests


def _written(prop: str, codes: Codes, tests: Mapping[Test, int]) -> Piece:
    """What is sent of a property's codes, and the tests that hold of it but not certainly."""
    certain, possible = codes
    holding = {test: bit for test, bit in tests.items() if test.holds(possible)}
    unsure = sum(bit for test, bit in holding.items() if certain is None or not test.holds(certain))
    return (written(prop, possible) if holding else "", unsure)


def _key(value: Value | None) -> Hashable:
    """What tells two values of one fact apart, in the form that is quickest to look up."""
    kind = type(value)
    if kind is Range:
        return (value.low, value.high)  # type: ignore[union-attr]
    if kind is SetOf:
        return (value.members, value.open)  # type: ignore[union-attr]
    if kind is Document:
        return (value.state, *value.fields.items())  # type: ignore[union-attr]
    return value


_K = TypeVar("_K")
_V = TypeVar("_V")


def remember(table: dict[_K, _V], key: _K, value: _V) -> _V:
    """Keep a value in a table that never grows beyond its bound."""
    if len(table) >= MAX_REMEMBERED:
        table.clear()
    table[key] = value
    return value


def _small(value: Value | None) -> bool:
    match value:
        case SetOf(members=members):
            return len(members) <= MAX_MEMBERS
        case str():
            return len(value) <= MAX_TEXT
        case Document(fields=fields):
            return all(_small(inner) for inner in fields.values())
    return True

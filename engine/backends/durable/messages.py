"""
Codes in, the message that each ruleset is sent out.

An exchange is read once, fact by fact; what a value says to each ruleset is remembered, since values recur. A ruleset is sent only
codes that some test of it holds of: a test of what is not sent does not hold either.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from typing import NamedTuple, TypeVar

from engine.backends.durable.encode import FALSE, MAYBE, TRUE, Codes, Encoder, Source
from engine.backends.durable.lower import derived
from engine.backends.durable.network import Message, Ruleset, Test, Written, written
from engine.exchange import Exchange
from engine.values import Document, Range, SetOf, Value

MAX_REMEMBERED = 256  # values of a source, forms of exchanges; more are forgotten together
MAX_MEMBERS, MAX_TEXT = 16, 64  # of a value that is remembered

Piece = tuple[str, int]  # the written codes for one ruleset, and its tests that hold of them but not certainly


class Said(NamedTuple):
    """What a value says: the written codes by ruleset, and, where there are any, the tests that hold of them but not certainly."""

    texts: dict[int, str]
    unsure: dict[int, int]


class _Read(NamedTuple):
    """A source, its fact where it is one, and what its values said before."""

    source: Source
    fact: str
    remembered: dict[Hashable, Said]


class _Form(NamedTuple):
    """
    Exchanges that tell the same facts: what is read of them, which of that each ruleset hears, and what is left out.

    `silent` are the rulesets that hear of no fact, though perhaps of the day.
    """

    read: list[_Read]
    heard: list[list[int]]
    left_out: list[Piece]
    silent: frozenset[int]


class Telling(NamedTuple):
    """One exchange on its way to the rulesets; what its facts say, as its form lists them, is filled in as they are read."""

    exchange: Exchange
    day: date
    form: _Form
    texts: list[dict[int, str] | None]
    unsure: list[dict[int, int]]


class Messages:
    """Writes the messages of one list of rulesets."""

    def __init__(self, encoder: Encoder, rulesets: Sequence[Ruleset]) -> None:
        self._tests = [_by_prop(ruleset) for ruleset in rulesets]
        self._heads = [_Heads(tests) for tests in self._tests]
        self._sources = [
            _Read(source, source.facts[0] if len(source.facts) == 1 else "", {}) for source in encoder.sources.values()
        ]
        # Where a fact is left out, no coder looks at the day.
        nothing = Exchange({}, {})
        self._silence = {read.source.facts: self._say(read.source, nothing, date.min) for read in self._sources}
        self._forms: dict[tuple[str, ...], _Form] = {}

    def read(self, exchange: Exchange, day: date) -> Telling:
        """An exchange of which nothing is told yet."""
        told = tuple(exchange.values)
        form = self._forms.get(told)
        if form is None:
            form = remember(self._forms, told, self._form(exchange.values))
        return Telling(exchange, day, form, [None] * len(form.read), [])

    def message(self, ruleset: int, telling: Telling, certain: int, possible: int) -> Message:
        """The message for a ruleset, where these heads are certain and these possible."""
        texts, form = telling.texts, telling.form
        heard = form.heard[ruleset]
        for place in heard:
            if texts[place] is None:
                self._hear(place, telling)
        text, unsure = form.left_out[ruleset]
        heads, bits = self._heads[ruleset].written(certain, possible)
        unsure |= bits
        for each in telling.unsure:
            unsure |= each.get(ruleset, 0)
        return Written("".join([text, heads, *[texts[place][ruleset] for place in heard]])), unsure  # type: ignore[index]

    def _hear(self, place: int, telling: Telling) -> None:
        """Read one source."""
        source, fact, remembered = telling.form.read[place]
        values = telling.exchange.values
        key: Hashable = _key(values[fact]) if fact else tuple([_key(values.get(fact)) for fact in source.facts])
        if source.dated:
            key = (telling.day, key)
        said = remembered.get(key)
        if said is None:
            said = self._say(source, telling.exchange, telling.day)
            if all(_small(values.get(fact)) for fact in source.facts):
                remember(remembered, key, said)
        telling.texts[place] = said.texts
        if said.unsure:
            telling.unsure.append(said.unsure)

    def _form(self, values: Mapping[str, Value]) -> _Form:
        read = [each for each in self._sources if not each.source.facts or any(f in values for f in each.source.facts)]
        told = {each.source.facts for each in read}
        heard = [
            [place for place, each in enumerate(read) if each.source.coders.keys() & tests.keys()] for tests in self._tests
        ]
        silence = [said for facts, said in self._silence.items() if facts not in told]
        left_out = [
            _joined([(said.texts[n], said.unsure.get(n, 0)) for said in silence if n in said.texts])
            for n in range(len(self._tests))
        ]
        silent = {n for n, places in enumerate(heard) if not any(read[place].source.facts for place in places)}
        return _Form(read, heard, left_out, frozenset(silent))

    def _say(self, source: Source, exchange: Exchange, day: date) -> Said:
        codes = source.codes(exchange, day)
        said = Said({}, {})
        for ruleset, tests in enumerate(self._tests):
            if codes.keys() & tests.keys():
                text, unsure = _joined([_written(prop, codes[prop], tests[prop]) for prop in codes if prop in tests])
                said.texts[ruleset] = text
                if unsure:
                    said.unsure[ruleset] = unsure
        return said


class _Heads:
    """The heads that one ruleset tests."""

    def __init__(self, tests: Mapping[str, Mapping[Test, int]]) -> None:
        self._codes = []
        self._tested = 0
        for prop, tested in tests.items():
            number = derived(next(iter(tested)))
            if number is not None:
                self._codes.append(
                    (number, [_written(prop, codes, tested) for codes in ((FALSE, FALSE), (None, MAYBE), (TRUE, TRUE))])
                )
                self._tested |= 1 << number
        self._remembered: dict[tuple[int, int], tuple[str, int]] = {}

    def written(self, certain: int, possible: int) -> tuple[str, int]:
        key = (certain & self._tested, possible & self._tested)
        found = self._remembered.get(key)
        if found is None:
            text, unsure = "", 0
            for number, pieces in self._codes:
                piece, bits = pieces[(certain >> number & 1) + (possible >> number & 1)]
                text += piece
                unsure |= bits
            found = (text, unsure)
            remember(self._remembered, key, found)
        return found


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


def _joined(pieces: Sequence[Piece]) -> Piece:
    unsure = 0
    for _, bits in pieces:
        unsure |= bits
    return "".join(text for text, _ in pieces), unsure


def _small(value: Value | None) -> bool:
    match value:
        case SetOf(members=members):
            return len(members) <= MAX_MEMBERS
        case str():
            return len(value) <= MAX_TEXT
        case Document(fields=fields):
            return all(_small(inner) for inner in fields.values())
    return True

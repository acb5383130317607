"""
Codes go in, the message for each ruleset comes out.

An exchange is read once, fact by fact. What a value says to each ruleset is remembered, because values recur. A ruleset is sent only
codes of which one of its tests holds; no test holds of a code that is not sent. Rulesets of one network are sent their messages together,
so a digest of all of them can be had before they are written.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from hashlib import blake2b
from sys import intern
from typing import NamedTuple, TypeVar

from engine.backends.durable.exchange_encoding import Codes, Encoder, Source
from engine.backends.durable.network import Message, PropertyTest, Ruleset, Written, written
from engine.backends.durable.value_answers import FALSE, MAYBE, TRUE
from engine.exchange import Exchange
from engine.values import Disputed, Document, Range, SetOf, Value

MAX_REMEMBERED = 256  # values of a source, selections of sources; where there are more, all are forgotten together
MAX_STATED = 2_048  # selections of facts of which it is remembered what they state
MAX_MEMBERS, MAX_TEXT = 16, 64  # the largest value that is remembered

Piece = tuple[str, int]  # the written codes for one ruleset, and its tests that hold of them but not certainly


class _Prop:
    """One property of one ruleset. Its codes are few, such as places among some cuts, so each is written once."""

    def __init__(self, prop: str, tests: Mapping[PropertyTest, int]) -> None:
        self.prop = prop
        self._tests = tests
        self._pieces: dict[Codes, Piece] = {}

    def piece(self, codes: Codes) -> Piece:
        """What is sent for these codes: nothing where no test holds of them."""
        found = self._pieces.get(codes)
        if found is None:
            found = self._pieces[codes] = _written(self.prop, codes, self._tests)
        return found


class ValueTexts(NamedTuple):
    """
    What a value says: by ruleset its written codes and, where there are any, the tests that hold of them but not certainly.

    `together` has both as one text, of all rulesets of a network, by network.
    """

    texts: dict[int, str]
    unsure: dict[int, int]
    together: dict[int, str]


class _Read(NamedTuple):
    """A source with its number, the properties that each ruleset tests, and what values said before."""

    number: int
    source: Source
    dated: bool
    heard: list[tuple[int, list[_Prop]]]
    remembered: dict[Hashable, ValueTexts]


class _Heard(NamedTuple):
    """The sources that a ruleset hears, as bits and one by one, with what each says where it is left out."""

    sources: int
    each: list[tuple[int, int, str, int]]  # number, bit, text, unsure
    selections: dict[int, tuple[list[int], str, int]]  # by the sources stated: their numbers, and what the others say


class Telling(NamedTuple):
    """What one exchange says: the sources that it states, as bits, and what each source says; what of it is unsure."""

    told: int
    said: list[ValueTexts]
    unsure: list[dict[int, int]]


class _Network(NamedTuple):
    """What the rulesets of a network hear together: the sources, as bits, and the heads."""

    sources: int
    heads: int
    selections: dict[int, tuple[list[int], str]]  # by the sources stated: their numbers, and the same as a text


class Messages:
    """Writes the messages of the rulesets of some networks. Networks and rulesets have their numbers in the order in which they come."""

    def __init__(self, encoder: Encoder, networks: Sequence[Sequence[Ruleset]]) -> None:
        rulesets = [ruleset for network in networks for ruleset in network]
        self._network_of = [number for number, network in enumerate(networks) for _ in network]
        props = [{prop: _Prop(prop, tests) for prop, tests in _by_prop(ruleset).items()} for ruleset in rulesets]
        self._heads = [_Heads([prop for name, prop in table.items() if name.startswith("p")]) for table in props]
        self._sources: list[_Read] = []
        for number, source in enumerate(encoder.sources.values()):
            heard = [(n, [table[prop] for prop in source.coders if prop in table]) for n, table in enumerate(props)]
            self._sources.append(_Read(number, source, source.dated, [(n, tested) for n, tested in heard if tested], {}))
        self._single = {read.source.facts[0]: read for read in self._sources if len(read.source.facts) == 1}
        self._joint: dict[str, list[_Read]] = {}  # those that read several facts, by each of these
        for read in self._sources:
            if len(read.source.facts) > 1:
                for fact in read.source.facts:
                    self._joint.setdefault(fact, []).append(read)
        self._always = [read for read in self._sources if not read.source.facts]  # the day
        self._stated: dict[tuple[str, ...], tuple[int, list[_Read]]] = {}  # by the facts that are sent
        # No coder looks at the day where a fact is left out.
        silence = [self._say(read, Exchange({}, {}), date.min) for read in self._sources]
        self._nothing = [ValueTexts({}, {}, {})] * len(silence)
        self._rulesets = [self._heard(ruleset, silence) for ruleset in range(len(rulesets))]
        self._networks = [_Network(0, 0, {})] * len(networks)
        for network, hearing, heads in zip(self._network_of, self._rulesets, self._heads, strict=True):
            others = self._networks[network]
            self._networks[network] = _Network(others.sources | hearing.sources, others.heads | heads.tested, {})

    def _heard(self, ruleset: int, silence: Sequence[ValueTexts]) -> _Heard:
        each = [
            (number, 1 << number, said.texts[ruleset], said.unsure.get(ruleset, 0))
            for number, said in enumerate(silence)
            if ruleset in said.texts
        ]
        sources = sum(bit for _, bit, _, _ in each)
        return _Heard(sources, each, {})

    def read(self, exchange: Exchange, day: date) -> Telling:
        """Read an exchange, fact by fact."""
        values, single = exchange.values, self._single
        every, unsure = self._nothing.copy(), list[dict[int, int]]()
        facts = tuple(values)
        told, several = self._stated.get(facts) or remember(self._stated, facts, self._states(facts), MAX_STATED)
        for fact, value in values.items():
            read = single.get(fact)
            if read is None:
                continue
            number, _, dated, _, remembered = read
            # What tells two values of a fact apart, in the form that is quickest to look up.
            kind = type(value)
            key: Hashable
            if kind is Range:
                key = (value.low, value.high)  # type: ignore[union-attr]
            elif kind is SetOf:
                key = (value.members, value.open)  # type: ignore[union-attr]
            else:
                key = _key(value) if kind is Document or kind is Disputed else value
            if dated:
                key = (day, key)
            said = remembered.get(key) or self._fresh(read, key, exchange, day)
            every[number] = said
            if said[1]:
                unsure.append(said[1])
        for read in several:
            key = (day, *[_key(values.get(fact)) for fact in read.source.facts])
            said = read.remembered.get(key) or self._fresh(read, key, exchange, day)
            every[read.number] = said
            if said[1]:
                unsure.append(said[1])
        return Telling(told, every, unsure)

    def _states(self, facts: Sequence[str]) -> tuple[int, list[_Read]]:
        """The sources that an exchange of some facts states, as bits, and of these the ones that read several facts, or none."""
        single = [self._single[fact] for fact in facts if fact in self._single]
        several = [*self._always]
        for fact in facts:
            several += [read for read in self._joint.get(fact, ()) if read not in several]
        return sum(1 << read.number for read in (*single, *several)), several

    def digest(self, network: int, telling: Telling, certain: int, possible: int) -> bytes:
        """A digest of the messages for all rulesets of a network, with the heads as for `message`. Only equal messages have equal ones."""
        told, said, _ = telling
        sources, heads, selections = self._networks[network]
        told &= sources
        selected = selections.get(told)
        if selected is None:
            selected = remember(selections, told, ([n for n in range(told.bit_length()) if told >> n & 1], f"{told:x}"))
        texts = [said[number][2][network] for number in selected[0]]
        texts += (selected[1], f"{certain & heads:x} {possible & heads:x}")
        return blake2b("\0".join(texts).encode(), digest_size=16).digest()

    def message(self, ruleset: int, telling: Telling, certain: int, possible: int) -> Message:
        """The message for a ruleset, where `certain` are the certain heads and `possible` the possible ones."""
        told, said, doubts = telling
        sources, each, selections = self._rulesets[ruleset]
        told &= sources
        selected = selections.get(told)
        if selected is None:
            selected = remember(selections, told, _selected(each, told))
        numbers, text, unsure = selected
        heads, bits = self._heads[ruleset].written(certain, possible)
        unsure |= bits
        for doubt in doubts:
            if ruleset in doubt:
                unsure |= doubt[ruleset]
        return Written("".join([text, heads, *[said[number][0][ruleset] for number in numbers]])), unsure

    def _fresh(self, read: _Read, key: Hashable, exchange: Exchange, day: date) -> ValueTexts:
        """What a value says that was not read before, or that was forgotten."""
        said = self._say(read, exchange, day)
        if all(_small(exchange.values.get(fact)) for fact in read.source.facts):
            remember(read.remembered, key, said)
        return said

    def _say(self, read: _Read, exchange: Exchange, day: date) -> ValueTexts:
        codes = read.source.codes(exchange, day)
        said = ValueTexts({}, {}, {})
        for ruleset, props in read.heard:
            text, unsure = "", 0
            for prop in props:
                more, bits = prop.piece(codes[prop.prop])
                text += more
                unsure |= bits
            said.texts[ruleset] = text
            if unsure:
                said.unsure[ruleset] = unsure
            network = self._network_of[ruleset]
            said.together[network] = f"{said.together.get(network, '')}\2{text}\1{unsure}"
        for network, all_ in said.together.items():
            said.together[network] = intern(all_)  # many values say the same
        return said


class _Heads:
    """The heads that one ruleset tests."""

    def __init__(self, props: Sequence[_Prop]) -> None:
        self._codes = []
        self.tested = 0
        for prop in props:
            number = int(prop.prop[1:])
            self._codes.append((number, [prop.piece(codes) for codes in ((FALSE, FALSE), (None, MAYBE), (TRUE, TRUE))]))
            self.tested |= 1 << number
        self._remembered: dict[tuple[int, int], Piece] = {}

    def written(self, certain: int, possible: int) -> Piece:
        """What is said of these heads, where `certain` are the certain ones and `possible` the possible ones."""
        key = (certain & self.tested, possible & self.tested)
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
    """The sources that an exchange states, and what the sources that it leaves out say."""
    numbers, texts, unsure = [], [], 0
    for number, bit, text, bits in each:
        if told & bit:
            numbers.append(number)
        else:
            texts.append(text)
            if bits:
                unsure |= bits
    return numbers, "".join(texts), unsure


def _by_prop(ruleset: Ruleset) -> dict[str, dict[PropertyTest, int]]:
    """A ruleset's tests with their bits, by property."""
    tests: dict[str, dict[PropertyTest, int]] = {}
    for test, number in ruleset.tests.items():
        tests.setdefault(test.prop, {})[test] = 1 << number
    return tests


def _written(prop: str, codes: Codes, tests: Mapping[PropertyTest, int]) -> Piece:
    """What is sent for a property's codes, and the tests that hold of the property but not certainly."""
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
    if kind is Disputed:
        return (Disputed, _key(value.stated), _key(value.registered))  # type: ignore[union-attr]
    return value


_K = TypeVar("_K")
_V = TypeVar("_V")


def remember(table: dict[_K, _V], key: _K, value: _V, most: int = 0) -> _V:
    """Keep a value in a table that never grows beyond its bound."""
    if len(table) >= (most or MAX_REMEMBERED):
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
        case Disputed(stated=stated, registered=registered):
            return _small(stated) and _small(registered)
    return True

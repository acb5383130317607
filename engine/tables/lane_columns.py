"""
What lanes came to as columns of outcomes: sets of rows go in, and each distinct text is written once.

A list is a column of sets, one for each name that may be in it. Rows that are in the same of these sets have the same text, which is
written for the first of them. What is asked of an outcome is asked of sets, and never of a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.backends.lanes.lane_cases import LaneSet
from engine.backends.lanes.lane_outcomes import Both, LaneOutcomes, Levels
from engine.rules import Need
from engine.tables.lane_words import rows_of, stacked, wide
from engine.tables.outcome_columns import OutcomeColumns, TextColumn
from engine.tables.outcomes import OutcomeReader, encoded, quiet_name
from engine.tables.row_patterns import WORD, Words, alike, members, turned
from engine.values.outcome_levels import BOUNDS, Level, closed, outcome_word, permitting
from engine.verdict import numbers

_SCALE = len(Level)
_PAIRS = [BOUNDS[low][high] for low in Level for high in Level]
_CLOSED, _PERMITS = (np.array([ask(each) for each in _PAIRS], dtype=np.bool_) for ask in (closed, permitting))
_LOW, _HIGH = ([bounds.low.word for bounds in _PAIRS], [bounds.high.word for bounds in _PAIRS])
_BOUNDS = [encoded([low, high]) for low, high in zip(_LOW, _HIGH, strict=True)]


class NamedSet(NamedTuple):
    """A name that a list may have, and the rows whose list has it."""

    name: str
    rows: LaneSet


@dataclass(frozen=True, slots=True)
class RowDays:
    """The days of rows: each day once, and for each row the number of its own. A row may proceed only on the day that is `today`."""

    days: Sequence[date]
    codes: NDArray[np.int32]
    today: date | None


class StackedSets(NamedTuple):
    """What sets are of, and their words, one below the other."""

    names: Sequence[Any]
    words: Words

    @classmethod
    def of(cls, named: Iterable[tuple[Any, LaneSet]]) -> StackedSets:
        """Those of some sets that are not empty."""
        there = [(name, lanes) for name, lanes in named if lanes]
        return cls([name for name, _ in there], stacked([lanes for _, lanes in there]))

    def within(self, some: slice) -> StackedSets:
        """Those of which some row has a bit in some words."""
        words = self.words[:, some]
        there = np.flatnonzero(words.any(axis=1)).tolist()
        return StackedSets([self.names[at] for at in there], words[there])


@dataclass(frozen=True, slots=True)
class WideOutcomes:
    """
    What many rows came to, in sets: for each list of an outcome the names that may be in it, and the bounds of each jurisdiction.

    Each of `levels` is of a number: two for each of `places`, whose lowest and whose highest level is one more in the rows of the set.
    `unclosed` are the rows that are open, and that no fact could close.
    """

    days: RowDays
    pairs: NDArray[np.int8]
    lists: Mapping[str, StackedSets]
    places: Sequence[str]
    levels: StackedSets
    unclosed: NDArray[np.bool_]

    def columns(self, first: int, end: int) -> OutcomeColumns:
        """The outcomes of some rows; `first` is a whole number of words."""
        count, pairs, some = end - first, self.pairs[first:end], slice(first // WORD, -(-end // WORD))
        days = self.days.codes[first:end]
        today = np.array([day == self.days.today for day in self.days.days], dtype=np.bool_)[days]
        texts = {
            "outcome": _words([outcome_word(each) for each in _PAIRS], pairs),
            "low": _words(_LOW, pairs),
            "high": _words(_HIGH, pairs),
            "jurisdictions": _places(self.places, self.levels.within(some), count),
        }
        texts |= {name: _lists(named.within(some), count) for name, named in self.lists.items()}
        return OutcomeColumns(self.days.days, days, _PERMITS[pairs] & today, texts)


class LaneColumns:
    """Reads what lanes came to under one bundle."""

    def __init__(self, reader: OutcomeReader) -> None:
        self._reader = reader
        self._rules = reader.rules
        facts = reader.missing
        self._facts = [tuple(numbers(facts.read_by(1 << number, False))) for number in range(len(self._rules))]
        self._coverage = tuple(numbers(facts.read_by(0, True)))

    def read(self, found: LaneOutcomes, unknown: Sequence[LaneSet], days: RowDays) -> WideOutcomes:
        """The outcomes of rows. `unknown` has the rows in which each fact to find out is not known."""
        count, every = found.count, found.every
        low, high = (_levels(each, count) for each in (found.overall.low, found.overall.high))
        pairs = low * _SCALE + high
        open_ = wide(~_CLOSED[pairs])
        strict = found.overall.at_least(Level.REQUIREMENTS_UNMET)[0]
        standing, quiet = found.standing, self._quiet(found)
        bearing = [number for number, each in enumerate(standing) if each[1] and number in self._reader.bearing]
        may_only = {number: lanes for number in bearing if (lanes := standing[number][1] & (every ^ standing[number][0]))}
        missing = list(self._missing(found, may_only, quiet, unknown, open_))
        lists: dict[str, Iterable[NamedSet]] = {
            "stands": self._provisions((number, standing[number][0]) for number in bearing),
            "may_stand": self._provisions(may_only.items()),
            "unmet": self._unmet(found),
            "besides": self._besides(standing, strict, quiet),
            "gaps": (NamedSet(name, may) for name, (_, may) in quiet.items()),
            "coverage": self._settled(found, wide(_PERMITS[pairs])),
            "missing": missing,
        }
        there = {name: each for name, each in sorted(found.jurisdictions.items()) if name and any(each.high)}
        levels = (
            (2 * at + side, lanes)
            for at, each in enumerate(there.values())
            for side, row in enumerate((each.low, each.high))
            for lanes in row
        )
        return WideOutcomes(
            days,
            pairs,
            {name: StackedSets.of(named) for name, named in lists.items()},
            list(there),
            StackedSets.of(levels),
            rows_of(open_ & (every ^ _any(each.rows for each in missing)), count),
        )

    def _provisions(self, rules: Iterable[tuple[int, LaneSet]]) -> list[NamedSet]:
        """The provisions of some rules, in the order in which they are written."""
        found: dict[str, LaneSet] = {}
        for number, lanes in rules:
            name = self._rules[number].provision.id
            found[name] = found.get(name, 0) | lanes
        return [NamedSet(name, found[name]) for name in sorted(found, key=self._reader.place_of.__getitem__)]

    def _quiet(self, found: LaneOutcomes) -> dict[str, Both]:
        """Where law certainly is silent, and where it may be, by the names of places and subject matters."""
        quiet: dict[str, Both] = {}
        for place, (must, may) in found.silences.items():
            name = quiet_name(*place)
            before = quiet.get(name, (0, 0))
            quiet[name] = before[0] | must, before[1] | may
        return dict(sorted(quiet.items()))

    def _unmet(self, found: LaneOutcomes) -> Iterable[NamedSet]:
        """The requirements of what certainly stands and is not met for certain, which themselves are not."""
        every = found.every
        met = {name: each.sure for name, each in found.requirements.items()}
        for number in self._reader.needing:
            need = self._rules[number].need
            stands = found.standing[number][0]
            if need is not None and stands and (asked := stands & (every ^ _met(need, met))):
                for name in need.requirements():
                    yield NamedSet(name, asked & (every ^ met[name]))

    def _besides(self, standing: Sequence[Both], strict: LaneSet, quiet: Mapping[str, Both]) -> Iterable[NamedSet]:
        """What a person certainly must look at beside a stricter outcome."""
        if not strict:
            return
        for number in self._reader.reviews:
            yield NamedSet(self._rules[number].provision.id, standing[number][0] & strict)
        for name, (must, _) in quiet.items():
            yield NamedSet(name, must & strict)

    def _settled(self, found: LaneOutcomes, permits: LaneSet) -> list[NamedSet]:
        """The coverage that a permit stands on."""
        settled = {f"{place}/{subject}": lanes for (place, subject), lanes in found.settled.items()}
        return [NamedSet(name, lanes & permits) for name, lanes in sorted(settled.items())]

    def _missing(
        self,
        found: LaneOutcomes,
        may_only: Mapping[int, LaneSet],
        quiet: Mapping[str, Both],
        unknown: Sequence[LaneSet],
        open_: LaneSet,
    ) -> Iterable[NamedSet]:
        """The facts to find out: of provisions that only may stand, where they may raise an outcome that is open."""
        every, read_by = found.every, [0] * len(unknown)
        reaching = {name: _reaching(each, found.overall) & open_ for name, each in found.jurisdictions.items()}
        asked = [
            (self._facts[n], lanes & reaching.get(self._rules[n].provision.jurisdiction, 0)) for n, lanes in may_only.items()
        ]
        asked.append((self._coverage, _any(may & (every ^ must) for must, may in quiet.values()) & open_))
        for facts, lanes in asked:
            if lanes:
                for fact in facts:
                    read_by[fact] |= lanes
        for name, lanes, there in zip(self._reader.missing.names, read_by, unknown, strict=True):
            yield NamedSet(name, lanes & there)


def _any(every: Iterable[LaneSet]) -> LaneSet:
    found = 0
    for each in every:
        found |= each
    return found


def _met(need: Need, met: Mapping[str, LaneSet]) -> LaneSet:
    """Where a need is met for certain."""
    if need.op == "one":
        return met[need.requirement]
    parts = [_met(part, met) for part in need.parts]
    found = parts[0]
    for part in parts[1:]:
        found = found | part if need.op == "any_of" else found & part
    return found


def _reaching(place: Levels, overall: Levels) -> LaneSet:
    """Where the bounds of a place are open, and its highest is above the lowest over all."""
    open_ = _any(high & (high ^ low) for low, high in zip(place.low, place.high, strict=True))
    above = _any(high & (high ^ (high & low)) for low, high in zip(overall.low, place.high, strict=True))
    return open_ & above


def _levels(sets: Sequence[LaneSet], count: int) -> NDArray[np.int8]:
    """The level of each row, from the rows that are at least at each level above the first."""
    found = np.zeros(count, dtype=np.int8)
    for each in sets:
        found += rows_of(each, count)
    return found


def _words(words: Sequence[str], codes: NDArray[np.int8]) -> TextColumn:
    """A column of words, of which several may be the same."""
    told = list(dict.fromkeys(words))
    return TextColumn(told, np.array([told.index(word) for word in words], dtype=np.int32)[codes])


def _kinds(sets: Words, count: int) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """The distinct rows of some sets, and for each row the number of its kind."""
    columns = [each[:count] for each in turned(sets)]
    first, number = alike(columns, count)
    return members(columns, first, len(sets)), number


def _lists(named: StackedSets, count: int) -> TextColumn:
    """A column of lists of names, as JSON."""
    if not named.names:
        return TextColumn(["[]"], np.zeros(count, dtype=np.int32))
    bits, number = _kinds(named.words, count)
    rows, columns = _nonzero(bits)
    names = [encoded(each) for each in named.names]
    repeated = len(set(names)) < len(names)
    texts = _joined(rows, np.array(names, dtype=object)[columns], len(bits), repeated)
    return TextColumn([f"[{text}]" for text in texts], number)


def _places(names: Sequence[str], levels: StackedSets, count: int) -> TextColumn:
    """The column of the bounds of each jurisdiction whose law applies or may, as JSON."""
    if not levels.names:
        return TextColumn(["{}"], np.zeros(count, dtype=np.int32))
    bits, number = _kinds(levels.words, count)
    found = np.zeros((2 * len(names), len(bits)), dtype=np.int8)
    for place, end in enumerate(levels.names):
        found[end] += bits[:, place]
    low, high = found[::2].T, found[1::2].T
    rows, columns = _nonzero(high > 0)
    said = np.array([[f"{encoded(name)}:{each}" for each in _BOUNDS] for name in names], dtype=object)
    texts = said[columns, low[rows, columns] * _SCALE + high[rows, columns]]
    return TextColumn([f"{{{text}}}" for text in _joined(rows, texts, len(bits), repeated=False)], number)


def _nonzero(bits: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows and columns of what is true, row by row."""
    rows, columns = np.divmod(np.flatnonzero(bits), bits.shape[1])
    return rows, columns


def _joined(rows: NDArray[Any], texts: NDArray[Any], count: int, repeated: bool) -> Iterable[str]:
    """The texts of each of so many rows, put together; `rows` says of each text in which row it is, in their order."""
    told, begin, comma = texts.tolist(), 0, ","
    for end in np.cumsum(np.bincount(rows, minlength=count)).tolist():
        yield comma.join(dict.fromkeys(told[begin:end]) if repeated else told[begin:end])
        begin = end

"""
What lanes came to as columns of outcomes: sets of rows go in, and each distinct text is written once.

A list is a column of sets, one for each name that may be in it. Rows that are in the same of these sets have the same text, which is
written for the first of them. What is asked of an outcome is asked of sets, and never of a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.backends.lanes.lane_cases import LaneSet
from engine.backends.lanes.lane_outcomes import Both, LaneOutcomes, Levels
from engine.rules import Need
from engine.tables.lane_words import rows_of, wide, words_of
from engine.tables.outcome_columns import OutcomeColumns, TextColumn
from engine.tables.outcomes import OutcomeReader, encoded, quiet_name
from engine.tables.row_patterns import alike, members, turned
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


class LaneColumns:
    """Reads what lanes came to under one bundle."""

    def __init__(self, reader: OutcomeReader) -> None:
        self._reader = reader
        self._rules = reader.rules
        facts = reader.missing
        self._facts = [tuple(numbers(facts.read_by(1 << number, False))) for number in range(len(self._rules))]
        self._coverage = tuple(numbers(facts.read_by(0, True)))

    def read(self, found: LaneOutcomes, unknown: Sequence[LaneSet], days: RowDays) -> tuple[OutcomeColumns, NDArray[np.bool_]]:
        """
        The outcomes of rows, and which rows no fact could close. `unknown` has the rows in which each fact to find out is not known.
        """
        count, every = found.count, found.every
        low, high = (_levels(each, count) for each in (found.overall.low, found.overall.high))
        pair = low * _SCALE + high
        permits, open_ = (_PERMITS[pair], ~_CLOSED[pair])
        strict = found.overall.at_least(Level.REQUIREMENTS_UNMET)[0]
        standing, quiet = found.standing, self._quiet(found)
        bearing = [number for number, each in enumerate(standing) if each[1] and number in self._reader.bearing]
        may_only = {number: lanes for number in bearing if (lanes := standing[number][1] & (every ^ standing[number][0]))}
        missing = list(self._missing(found, may_only, quiet, unknown, wide(open_)))
        texts = {
            "outcome": _words([outcome_word(each) for each in _PAIRS], pair),
            "low": _words(_LOW, pair),
            "high": _words(_HIGH, pair),
            "jurisdictions": _places(found.jurisdictions, count),
            "stands": _lists(self._provisions((number, standing[number][0]) for number in bearing), count),
            "may_stand": _lists(self._provisions(may_only.items()), count),
            "unmet": _lists(list(self._unmet(found)), count),
            "besides": _lists(list(self._besides(standing, strict, quiet)), count),
            "gaps": _lists([NamedSet(name, may) for name, (_, may) in quiet.items()], count),
            "coverage": _lists(self._settled(found, wide(permits)), count),
            "missing": _lists(missing, count),
        }
        nothing = np.array([text == "[]" for text in texts["missing"].texts], dtype=np.bool_)[texts["missing"].codes]
        today = np.array([day == days.today for day in days.days], dtype=np.bool_)[days.codes]
        return OutcomeColumns(days.days, days.codes, permits & today, texts), open_ & nothing

    def _provisions(self, rules: Iterable[tuple[int, LaneSet]]) -> list[NamedSet]:
        """The provisions of some rules. Neighbours are often of one provision."""
        named = ((self._rules[number].provision.id, lanes) for number, lanes in rules)
        return [NamedSet(name, _any(lanes for _, lanes in some)) for name, some in groupby(named, key=lambda each: each[0])]

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


def _kinds(sets: Sequence[LaneSet], count: int) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """The distinct rows of some sets that are not empty, and for each row the number of its kind."""
    words = [words_of(each) for each in sets]
    columns = [each[:count] for each in turned(words)]
    first, number = alike(columns, count)
    return members(columns, first, len(words)), number


def _lists(named: Sequence[NamedSet], count: int) -> TextColumn:
    """A column of lists of names, as JSON."""
    there = [each for each in named if each.rows]
    if not there:
        return TextColumn(["[]"], np.zeros(count, dtype=np.int32))
    bits, number = _kinds([each.rows for each in there], count)
    rows, columns = np.nonzero(bits)
    names = [encoded(each.name) for each in there]
    repeated = len(set(names)) < len(names)
    return TextColumn(_joined("[]", rows, np.array(names, dtype=object)[columns], len(bits), repeated), number)


def _places(levels: Mapping[str, Levels], count: int) -> TextColumn:
    """The column of the bounds of each jurisdiction whose law applies or may, as JSON."""
    there = [(name, each) for name, each in sorted(levels.items()) if name and any(each.high)]
    if not there:
        return TextColumn(["{}"], np.zeros(count, dtype=np.int32))
    sets = [
        (2 * at + side, lanes)
        for at, (_, each) in enumerate(there)
        for side, row in enumerate((each.low, each.high))
        for lanes in row
        if lanes
    ]
    bits, number = _kinds([lanes for _, lanes in sets], count)
    found = np.zeros((2 * len(there), len(bits)), dtype=np.int8)
    for place, (end, _) in enumerate(sets):
        found[end] += bits[:, place]
    low, high = found[::2].T, found[1::2].T
    rows, columns = np.nonzero(high)
    said = np.array([[f"{encoded(name)}:{each}" for each in _BOUNDS] for name, _ in there], dtype=object)
    return TextColumn(
        _joined("{}", rows, said[columns, low[rows, columns] * _SCALE + high[rows, columns]], len(bits), False), number
    )


def _joined(around: str, rows: NDArray[Any], texts: NDArray[Any], count: int, repeated: bool) -> list[str]:
    """The texts of each of so many rows, put together; `rows` says of each text in which row it is, in their order."""
    told, ends = texts.tolist(), np.cumsum(np.bincount(rows, minlength=count)).tolist()
    found, begin = [], 0
    for end in ends:
        some = told[begin:end]
        found.append(around[0] + ",".join(dict.fromkeys(some) if repeated else some) + around[1])
        begin = end
    return found

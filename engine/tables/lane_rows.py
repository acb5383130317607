"""
Deciding the distinct rows of a chunk all at once, by the program of and, or, not over lanes: a row is a lane.

Coded rows go in. The door reads each part of a row once (`fact_clusters`), values become sets of lanes, the program runs, and outcomes come
out. A row that the door has something to say about, that contradicts itself, or of which no fact could close the outcome is left to the
ordinary engines. The word of an open outcome is that of its bounds: what semantics 4.5 says of questions is for the answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.backends.lanes.lane_cases import Cases, value_key
from engine.backends.lanes.lane_outcomes import LaneOutcomes, Levels
from engine.bundle import Bundle
from engine.pdp import PDP
from engine.tables.arrow import LEFT_OUT, Codes
from engine.tables.distinct_rows import ConstantFact, DistinctRows
from engine.tables.fact_clusters import FactClusters
from engine.tables.outcomes import OutcomeReader, RowOutcome, is_open, quiet_name, told, told_places
from engine.values import Missing, Value
from engine.values.outcome_levels import BOUNDS, Bounds, closed, outcome_word, permitting

Bits: TypeAlias = NDArray[np.bool_]
LANES = 8_192  # rows at once


class _Found(NamedTuple):
    """What the lanes of a run came to, as arrays with a row for each lane."""

    low: NDArray[np.int8]
    high: NDArray[np.int8]
    places: Sequence[tuple[str, NDArray[np.int8], NDArray[np.int8]]]
    sure: Bits
    may: Bits
    met: Mapping[str, Bits]
    silent: Sequence[tuple[str, Bits, Bits]]
    settled: Sequence[tuple[str, Bits]]
    incoherent: Bits


class LaneRows:
    """Decides rows under one bundle."""

    def __init__(self, bundle: Bundle, pdp: PDP, reader: OutcomeReader) -> None:
        self._runner = pdp.lanes
        self._clusters = FactClusters(bundle)
        self._reader = reader
        self._missing = reader.missing
        self._base = self._clusters.base
        self._open_in_base = [is_open(self._base.get(name, Missing.LEFT_OUT)) for name in self._missing.names]
        self._epoch = -1

    def decide(
        self, rows: DistinctRows, asked: Sequence[int], days: Sequence[date], today: date | None
    ) -> Iterator[RowOutcome | None]:
        """The outcome of each of some distinct rows, in their order; None of those that are left to the ordinary engines."""
        if rows.epoch != self._epoch:
            self._clusters.forget()
            self._epoch = rows.epoch
        for first in range(0, len(asked), LANES):
            yield from self._decide(rows, asked[first : first + LANES], days[first : first + LANES], today)

    def _decide(
        self, rows: DistinctRows, asked: Sequence[int], days: Sequence[date], today: date | None
    ) -> list[RowOutcome | None]:
        if not rows.whole:
            return [None] * len(asked)  # a member that is no fact: the recipient, the ways relied on, a whole object
        keys = rows.distinct[np.array(asked)]
        codes = rows.codes[rows.first[np.array(asked)]]
        left = np.zeros(len(asked), dtype=np.bool_)
        other, unknown = self._values(rows, keys, codes, left)
        days_of: dict[date, list[int]] = {}
        for lane, day in enumerate(days):
            days_of.setdefault(day, []).append(lane)
        cases = Cases(len(asked), self._base, other, {day: _lanes(lanes, len(asked)) for day, lanes in days_of.items()})
        found = self._found(self._runner.decide(cases))
        left |= found.incoherent
        return self._outcomes(found, unknown, left, days, today)

    def _values(
        self, rows: DistinctRows, keys: Codes, codes: Codes, left: Bits
    ) -> tuple[dict[str, list[tuple[int, Value]]], Bits]:
        """
        The values of facts, each with its lanes, and for each fact to find out whether it is not known. Marks rows of which the door has
        something to say.
        """
        count = len(keys)
        other: dict[str, list[tuple[int, Value]]] = {}
        unknown = np.tile(np.array(self._open_in_base, dtype=np.bool_), (count, 1))
        clusters = self._clusters.of(rows.facts)
        constants: dict[str, list[ConstantFact]] = {}
        for constant in rows.constants:
            constants.setdefault(self._clusters.root(constant.name), []).append(constant)
        for cluster in dict.fromkeys((*clusters, *constants)):
            places, stated = clusters.get(cluster, []), constants.get(cluster, [])
            part = np.ascontiguousarray(keys[:, places])
            if not stated and (part == LEFT_OUT).all():
                continue
            parts, first, number = _parts(part, count)
            read = [
                self._clusters.read(cluster, key, rows.stated(codes[row], places, stated))
                for key, row in zip(parts, first, strict=True)
            ]
            refused = np.array([each.values is None for each in read], dtype=np.bool_)
            left |= refused[number]
            for name in dict.fromkeys(name for each in read if each.values for name in each.values):
                said = [(each.values or {}).get(name, self._base.get(name, Missing.LEFT_OUT)) for each in read]
                kinds: dict[Any, int] = {}
                kind = np.array([kinds.setdefault(value_key(value), len(kinds)) for value in said], dtype=np.int32)[number]
                values = dict(zip((value_key(value) for value in said), said, strict=True))
                other[name] = [(_bits(kind == at), values[key]) for key, at in kinds.items()]
                if name in self._missing.place:
                    unknown[:, self._missing.place[name]] = np.array([is_open(value) for value in values.values()])[
                        np.array([list(values).index(key) for key in kinds])
                    ][kind]
        return other, unknown

    def _found(self, outcomes: LaneOutcomes) -> _Found:
        count = outcomes.count

        def levels(bounds: Levels) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
            low, high = (
                np.array([_array(each, count) for each in row]).sum(axis=0, dtype=np.int8) for row in (bounds.low, bounds.high)
            )
            return low, high

        incoherent = np.zeros(count, dtype=np.bool_)
        for lanes in outcomes.incoherent.values():
            if lanes:
                incoherent |= _array(lanes, count)
        standing = outcomes.standing
        return _Found(
            *levels(outcomes.overall),
            [(name, *levels(each)) for name, each in sorted(outcomes.jurisdictions.items()) if name and any(each.high)],
            np.array([_array(must, count) for must, _ in standing]).T,
            np.array([_array(may, count) for _, may in standing]).T,
            {name: _array(each.sure, count) for name, each in outcomes.requirements.items()},
            sorted(
                (
                    (quiet_name(*place), _array(must, count), _array(may, count))
                    for place, (must, may) in outcomes.silences.items()
                ),
                key=itemgetter(0),
            ),
            [(f"{place}/{subject}", _array(lanes, count)) for (place, subject), lanes in sorted(outcomes.settled.items())],
            incoherent,
        )

    def _outcomes(
        self, found: _Found, unknown: Bits, left: Bits, days: Sequence[date], today: date | None
    ) -> list[RowOutcome | None]:
        """The outcomes of rows; what several rows have in common is worked out once."""
        reader = self._reader
        sure, may, open_ = map(_rows, (found.sure, found.may, unknown))
        names = [name for name, _, _ in found.places]
        places = _columns([each for _, low, high in found.places for each in (low, high)], len(days))
        quiet = _columns([each for _, must, maybe in found.silent for each in (must, maybe)], len(days))
        settled = _columns([each for _, each in found.settled], len(days))
        met = _columns(list(found.met.values()), len(days))
        bounds_of = _Once(lambda key: dict(_bounds(names, key)))
        text_of = _Once(lambda key: told_places(bounds_of[key]))
        quiet_of = _Once(
            lambda key: [(found.silent[at][0], bool(key[2 * at])) for at in range(len(found.silent)) if key[2 * at + 1]]
        )
        gaps_of = _Once(lambda key: told([name for name, _ in quiet_of[key]]))
        settled_of = _Once(lambda key: told([name for (name, _), there in zip(found.settled, key, strict=True) if there]))
        met_of = _Once(lambda key: {name for name, there in zip(found.met, key, strict=True) if there})
        unmet_of = _Once(lambda key: told(reader.unmet(key[0], met_of[key[1]])))
        reaching_of = _Once(lambda key: reader.reaching(key[0], bounds_of[key[1]]))
        outcomes: list[RowOutcome | None] = []
        for lane, day in enumerate(days):
            if left[lane]:
                outcomes.append(None)
                continue
            bounds = BOUNDS[found.low[lane]][found.high[lane]]
            certain, possible = sure[lane], may[lane]
            here, there = places[lane], quiet[lane]
            missing: list[str] = []
            if not closed(bounds):
                silent = any(not each for _, each in quiet_of[there])
                missing = reader.missing.of(possible & ~certain & reaching_of[bounds.low, here], silent, open_[lane])
                if not missing:
                    outcomes.append(None)
                    continue
            permits = permitting(bounds)
            outcomes.append(
                RowOutcome(
                    as_of=day,
                    outcome=outcome_word(bounds),
                    low=bounds.low.word,
                    high=bounds.high.word,
                    proceed=permits and today is not None and day == today,
                    jurisdictions=text_of[here],
                    stands=reader.provisions(certain),
                    may_stand=reader.provisions(possible & ~certain),
                    unmet=unmet_of[certain & reader.needing, met[lane]],
                    besides=told(reader.besides(bounds, certain, quiet_of[there])),
                    gaps=gaps_of[there],
                    coverage=settled_of[settled[lane]] if permits else told([]),
                    missing=told(missing),
                )
            )
        return outcomes


class _Once(dict[Any, Any]):
    """Values that are worked out when they are first asked for."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: Any) -> Any:
        found = self[key] = self._make(key)
        return found


def _bounds(names: Sequence[str], key: bytes) -> Iterator[tuple[str, Bounds]]:
    """The bounds of the jurisdictions whose law applies, or may."""
    for at, name in enumerate(names):
        if key[2 * at + 1]:
            yield name, BOUNDS[key[2 * at]][key[2 * at + 1]]


def _rows(bits: Bits) -> list[int]:
    """Each row of bits as a set."""
    packed = np.packbits(bits, axis=1, bitorder="little")
    return [int.from_bytes(row, "little") for row in _split(packed)]


def _columns(columns: Sequence[NDArray[Any]], count: int) -> list[bytes]:
    """Columns of small numbers as a row of bytes for each lane."""
    if not columns:
        return [b""] * count
    return _split(np.ascontiguousarray(np.array(columns).astype(np.uint8).T))


def _split(rows: NDArray[np.uint8]) -> list[bytes]:
    width, data = rows.shape[1], rows.tobytes()
    return [data[at : at + width] for at in range(0, len(data), width)] if width else [b""] * len(rows)


def _parts(part: Codes, count: int) -> tuple[list[bytes], list[int], NDArray[np.int64]]:
    """The distinct rows of some columns, the first of each, and for each row the number of its own."""
    known: dict[bytes, int] = {}
    first: list[int] = []
    numbers = np.zeros(count, dtype=np.int64)
    width = part.shape[1] * part.dtype.itemsize
    data = part.tobytes()
    for row in range(count):
        key = data[row * width : (row + 1) * width]
        number = known.get(key)
        if number is None:
            number = known[key] = len(first)
            first.append(row)
        numbers[row] = number
    return list(known), first, numbers


def _bits(rows: Bits) -> int:
    """Rows as a set of lanes."""
    return int.from_bytes(np.packbits(rows, bitorder="little").tobytes(), "little")


def _lanes(lanes: Sequence[int], count: int) -> int:
    rows = np.zeros(count, dtype=np.bool_)
    rows[list(lanes)] = True
    return _bits(rows)


def _array(lanes: int, count: int) -> Bits:
    """A set of lanes as rows."""
    data = np.frombuffer(lanes.to_bytes((count + 7) // 8, "little"), dtype=np.uint8)
    return np.unpackbits(data, count=count, bitorder="little").astype(np.bool_)

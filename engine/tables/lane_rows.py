"""
Deciding the distinct rows of a chunk all at once, by the program of and, or, not over lanes: a row is a lane.

Coded rows go in. The door reads each part of a row once (`fact_clusters`), values become sets of rows, the program runs, and columns of
outcomes come out. A row of which a part is no fact, that the door has something to say about, that contradicts itself, or of which no fact
could close the outcome is left to the ordinary engines. The word of an open outcome is that of its bounds: what semantics 4.5 says of
questions is for the answers.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.backends.lanes.lane_cases import LaneSet, value_key
from engine.backends.lanes.lane_runner import LaneRunner
from engine.bundle import Bundle
from engine.pdp import PDP
from engine.tables import lane_words
from engine.tables.arrow import LEFT_OUT
from engine.tables.distinct_rows import ConstantFact, DistinctRows
from engine.tables.fact_clusters import FactClusters, ReadPart
from engine.tables.lane_columns import LaneColumns, RowDays, WideOutcomes
from engine.tables.lane_words import ValueColumn, in_columns, rows_of, wide
from engine.tables.outcomes import OutcomeReader, is_open
from engine.tables.row_patterns import alike
from engine.values import Missing, Value

Bits = NDArray[np.bool_]


class LanesDecided(NamedTuple):
    """The outcomes of rows, and which of them are left to the ordinary engines: what they have here is nothing."""

    outcomes: WideOutcomes
    left: Bits


class LaneRows:
    """Decides rows under one bundle."""

    def __init__(self, bundle: Bundle, pdp: PDP, reader: OutcomeReader) -> None:
        self._runner = LaneRunner(bundle.rules, bundle.vocabulary, pdp.lanes.program, lane_words.function)
        self._clusters = FactClusters(bundle)
        self._columns = LaneColumns(reader)
        self._asked = reader.missing.names
        self._base = self._clusters.base
        self._epoch = -1

    def decide(self, rows: DistinctRows, left: Bits, days: RowDays) -> LanesDecided:
        """The outcomes of distinct rows. Those that are `left` already are decided too, and come to nothing."""
        if rows.epoch != self._epoch:
            self._clusters.forget()
            self._epoch = rows.epoch
        left = left | rows.beside_facts
        columns = self._values(rows, left)
        count = len(left)
        every = wide(np.ones(count, dtype=np.bool_))
        unknown: list[LaneSet] = []
        for name in self._asked:
            if name not in columns:
                unknown.append(every if is_open(self._base.get(name, Missing.LEFT_OUT)) else 0)
                continue
            values, codes = columns[name]
            open_ = np.array([is_open(value) for value in values], dtype=np.bool_)
            unknown.append(wide(open_[codes]) if open_.any() else 0)
        found = self._runner.decide(in_columns(every, count, self._base, columns, days.days, days.codes))
        for lanes in found.incoherent.values():
            if lanes:
                left |= rows_of(lanes, count)
        outcomes = self._columns.read(found, unknown, days)
        return LanesDecided(outcomes, left | outcomes.unclosed)

    def _values(self, rows: DistinctRows, left: Bits) -> dict[str, ValueColumn]:
        """The values of the facts that some row states. Marks rows of which the door has something to say."""
        found: dict[str, ValueColumn] = {}
        facts = {place: rows.facts[place] for place in rows.fact_places}
        clusters: dict[str, list[int]] = {}
        for place, name in facts.items():
            clusters.setdefault(self._clusters.root(name), []).append(place)
        constants: dict[str, list[ConstantFact]] = {}
        for constant in rows.constants:
            constants.setdefault(self._clusters.root(constant.name), []).append(constant)
        for cluster in dict.fromkeys((*clusters, *constants)):
            places, stated = clusters.get(cluster, []), constants.get(cluster, [])
            part = [rows.distinct[:, place] for place in places]
            if not stated and all((each == LEFT_OUT).all() for each in part):
                continue
            first, number = alike(part, len(left))
            read = self._read(rows, cluster, places, first, stated)
            refused = np.array([each.values is None for each in read], dtype=np.bool_)
            if refused.any():
                left |= refused[number]
            for name in dict.fromkeys(name for each in read if each.values for name in each.values):
                base = self._base.get(name, Missing.LEFT_OUT)
                values: list[Value] = []
                kinds: dict[Hashable, int] = {}
                of_part = np.zeros(len(read), dtype=np.int32)
                for at, each in enumerate(read):
                    value = base if each.values is None else each.values.get(name, base)
                    of_part[at] = kind = kinds.setdefault(value_key(value), len(values))
                    if kind == len(values):
                        values.append(value)
                found[name] = ValueColumn(values, of_part[number])
        return found

    def _read(
        self, rows: DistinctRows, cluster: str, places: Sequence[int], first: NDArray[np.int64], stated: Sequence[ConstantFact]
    ) -> list[ReadPart]:
        """What each distinct part of some rows says; `first` has a row of each."""
        keys = np.ascontiguousarray(rows.distinct[first][:, places])
        width, data = keys.dtype.itemsize * len(places), keys.tobytes()

        def read(at: int, row: int) -> ReadPart:
            key = data[at * width : (at + 1) * width]
            return self._clusters.read(cluster, key, lambda: rows.stated(rows.codes[rows.first[row]], places, stated))

        return [read(at, row) for at, row in enumerate(first.tolist())]

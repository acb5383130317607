"""
Rows of each outcome that are explained: those whose keys have the smallest digests, so that order and division never matter.

Decided rows go in, part by part. Out come the rows with the exchanges that they state; equal exchanges are explained once.
"""

import heapq
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.tables import PROBLEM, DecidedRows


@dataclass(frozen=True, slots=True, order=True)
class SampledRow:
    """A row to be explained; `order` is the digest of its key."""

    order: str
    part: str
    row: int
    key: str = field(compare=False)
    day: str = field(compare=False)
    outcome: str = field(compare=False)
    bounds: tuple[str, str] = field(compare=False)
    exchange: dict[str, Any] = field(compare=False)


class RowSample:
    """At most `most` rows of each outcome."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rows: dict[str, list[tuple[int, SampledRow]]] = {}  # the largest digest first

    def add(self, part: str, rows: DecidedRows, digests: Sequence[bytes]) -> None:
        """
        Look at rows that were decided; `digests` are those of their keys. A row that the door refused has no explanation: its problems say
        it all.
        """
        if not self._most:
            return
        words, codes = rows.words
        heads = np.frombuffer(b"".join(each[:8] for each in digests), dtype=">u8")
        for number in np.unique(codes).tolist():
            if (word := words[number]) == PROBLEM:
                continue
            places = np.flatnonzero(codes == number)
            places = places[
                np.argsort(heads[places], kind="stable")[: self._most + 1]
            ]  # no two heads are alike but by rare chance
            for place in places.tolist():
                order, kept = digests[place].hex(), self._rows.get(word, [])
                if len(kept) < self._most or order < kept[0][1].order:
                    self._look_at(part, rows, place, order)

    def _look_at(self, part: str, rows: DecidedRows, place: int, order: str) -> None:
        outcome = rows.outcome(place)
        if outcome.as_of is None:
            return
        self.put(
            SampledRow(
                order,
                part,
                rows.first + place,
                rows.keys[place],
                outcome.as_of.isoformat(),
                outcome.outcome,
                (outcome.low, outcome.high),
                dict(rows.exchange(place)),
            )
        )

    def put(self, row: SampledRow) -> None:
        kept = self._rows.setdefault(row.outcome, [])
        entry = (-int(row.order, 16), row)
        if len(kept) < self._most:
            heapq.heappush(kept, entry)
        else:
            heapq.heappushpop(kept, entry)

    def __iter__(self) -> Iterator[SampledRow]:
        """The rows, by their outcome and then by their digest."""
        for _, kept in sorted(self._rows.items()):
            yield from sorted(row for _, row in kept)

    def write(self, path: Path) -> None:
        """Write the rows, a line for each."""
        with path.open("w", encoding="utf-8") as file:
            for each in self:
                file.write(json.dumps({name: getattr(each, name) for name in each.__slots__}, ensure_ascii=False) + "\n")

    def read(self, lines: Iterable[bytes]) -> None:
        """Add rows that `write` wrote."""
        for line in lines:
            told = json.loads(line)
            self.put(SampledRow(**{**told, "bounds": tuple(told["bounds"])}))

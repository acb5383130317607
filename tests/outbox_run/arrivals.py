"""What has arrived, compared with what the log has: nothing may be missing, and the first arrivals of a key are in the order of the log."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SinkComparison:
    """The figures of one sink. All but `arrived`, `twice` and `keys` must be 0."""

    expected: int
    arrived: int  # with those that came again
    twice: int
    missing: int
    foreign: int  # numbers that the log does not have
    disordered: int  # first arrivals before an earlier one of the same exporter
    wrong_keys: int  # keys that stand for two exporters, exporters with two keys
    keys: int

    @property
    def sound(self) -> bool:
        """Whether nothing was lost and the order was kept."""
        return not (self.missing or self.foreign or self.disordered or self.wrong_keys)


def compare(sequences: Sequence[int], exporters: Sequence[str], arrived: Iterable[tuple[int, str]]) -> SinkComparison:
    """
    Compare. `sequences` are the numbers of the log's leaves, rising, and `exporters` the exporter of each, known from what was recorded and
    not from what was sent; `arrived` are numbers and keys in the order of arrival.
    """
    place = {sequence: n for n, sequence in enumerate(sequences)}
    first = array("q", [-1]) * len(sequences)
    exporter_of: dict[str, str] = {}
    key_of: dict[str, str] = {}
    count = twice = foreign = wrong = 0
    for at, (sequence, key) in enumerate(arrived):
        count += 1
        n = place.get(sequence)
        if n is None:
            foreign += 1
            continue
        if first[n] >= 0:
            twice += 1
        else:
            first[n] = at
        name = exporters[n]
        if bool(key) != bool(name) or exporter_of.setdefault(key, name) != name or key_of.setdefault(name, key) != key:
            wrong += 1
    missing = disordered = 0
    last: dict[str, int] = {}
    for n, name in enumerate(exporters):
        if first[n] < 0:
            missing += 1
        elif name:
            disordered += first[n] < last.get(name, -1)
            last[name] = max(first[n], last.get(name, -1))
    return SinkComparison(len(sequences), count, twice, missing, foreign, disordered, wrong, len(exporter_of.keys() - {""}))


def lines(content: Iterable[bytes]) -> Iterable[tuple[int, str]]:
    """The arrivals in a receiver's file."""
    for line in content:
        sequence, _, key = line.decode().rstrip("\n").partition(" ")
        yield int(sequence), key

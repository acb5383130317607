"""
Replay of a whole log: every record is decided again and compared, a part of the log after the other.

Input: a database, and a time. Output: for each part how many records came out the same, and each one that did not, with what differs.
The parts may be replayed by several processes. Each process opens the database by itself, and keeps the policies that it used last.

With a sample, lanes compare the bounds of all records first (`recorded_bounds`). Then only the records of the sample are decided again,
those that lanes decide otherwise, and those that they cannot decide.
"""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal

import sqlalchemy as sa

import engine
from service.decisions.recorded_bounds import ReplaySample, agreeing
from service.decisions.replay import CannotReplay, Replay, ReplayDifference, decider, kept_decider, replay_with_members
from service.log.leaf import erased
from service.log.record import PolicyDigests
from service.log.search_index import numbers_between
from service.log.store import Stored, scan
from service.store.forked_reading import ForkedReading
from service.store.upgrade import reading

PART = 100  # records that are replayed together
LANES_PART = 512  # the same, where lanes compare them first
MOST_POLICIES = 2  # ready to decide in one process; each takes as much memory as a service

# How a record comes out. Those of SAME confirm the record: byte for byte, in meaning by another version of the engine, in one of these ways
# without the values that were erased, or in its bounds by lanes. `other-semantics`: it comes out otherwise, and may. `erased`,
# `policies` and `version` could not be compared. `lanes`: the engines confirm the record, and lanes do not.
SAME = ("bytes", "meaning", "without-erased", "bounds")
FINDINGS = ("different", "unsound", "refused", "failed", "missing", "lanes")
Result = Literal[
    "bytes", "meaning", "without-erased", "bounds", "other-semantics", "erased", "policies", "version",
    "different", "unsound", "refused", "failed", "missing", "lanes",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class RecordResult:
    """How one record comes out; `detail` says why it could not be compared. The pointers of `differences` lead into the record."""

    number: int
    id: str | None
    result: Result
    detail: str = ""
    differences: tuple[ReplayDifference, ...] = ()


@dataclass(frozen=True, slots=True)
class PartResult:
    """
    A part of the log that was replayed: up to, but not including, the number `upto`.

    `counts` has the number of records by their result. `told` are the records that are not the same, in their order.
    """

    upto: int
    counts: Counter[Result]
    told: tuple[RecordResult, ...]


@dataclass(eq=False)
class LogReplay:
    """
    The replay of the records of a log from `since` on and before `until`, by `given` policies or by those that the log keeps.

    With a `sample`, bounds are compared by lanes first. `parts` and `prepare` are called before processes are forked, and `part` in each
    of them.
    """

    url: str
    given: engine.Bundle | None = None
    since: datetime | None = None
    until: datetime | None = None
    sample: ReplaySample | None = None
    _ready: dict[tuple[PolicyDigests, str], engine.PDP | CannotReplay] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._reading = ForkedReading(self.url)

    def prepare(self, after: int = -1) -> range:
        """
        The numbers of the records after a number that are to be replayed. Raises DatabaseRefused.

        The policies of the first of them are loaded, so that forked processes share them.
        """
        with reading(self.url) as connection:
            found = numbers_between(connection, self.since, self.until)
            numbers = range(max(found.start, after + 1), max(found.stop, after + 1))
            first = next(scan(connection, numbers.start, numbers.stop), None)
            if first is not None and (named := _policies(first)):
                with suppress(CannotReplay):  # each record that needs them says so
                    pdp = self._kept(connection, *named)
                    if self.sample:
                        pdp.lanes.set_up()
        return numbers

    def parts(self, numbers: range) -> "LogParts":
        """The parts of some numbers."""
        return LogParts(numbers, LANES_PART if self.sample else PART)

    def part(self, numbers: range) -> PartResult:
        """Replay the records of some numbers. Raises DatabaseRefused."""
        with self._reading.connection() as connection:
            held = list(scan(connection, numbers.start, numbers.stop))
            stored = [each for each in held if recorded_within(each, self.since, self.until)]
            # Policies take seconds to load: those of a part are used one after the other.
            results: list[RecordResult] = []
            named = sorted(((repr(_policies(each)), each) for each in stored), key=itemgetter(0))
            for _, group in groupby(named, itemgetter(0)):
                results += self._results(connection, [each for _, each in group])
        missing = set(numbers).difference(each.sequence for each in held)
        results += [RecordResult(number, None, "missing", "there is no record of this number") for number in missing]
        counts = Counter[Result](each.result for each in results)
        results.sort(key=lambda each: each.number)
        return PartResult(numbers.stop, counts, tuple(each for each in results if each.result not in SAME))

    def _results(self, connection: sa.Connection, records: Sequence[Stored]) -> list[RecordResult]:
        """How records that the same policies decided come out."""
        if not self.sample:
            return [self._replayed(connection, each) for each in records]
        agree = agreeing(records, lambda bundle, mode: self._kept(connection, bundle, mode))
        found = []
        for each in records:
            agrees = agree.get(each.sequence)
            if agrees and not self.sample.has(each.sequence):
                found.append(RecordResult(each.sequence, each.entry.id, "bounds"))
                continue
            result = self._replayed(connection, each)
            if agrees is False and result.result in ("bytes", "meaning"):
                told = "the engines confirm the record, and lanes come to other bounds"
                result = RecordResult(each.sequence, each.entry.id, "lanes", told)
            found.append(result)
        return found

    def _replayed(self, connection: sa.Connection, stored: Stored) -> RecordResult:
        number, id = stored.sequence, stored.entry.id
        try:
            found, beside = replay_with_members(stored, lambda bundle, mode: self._kept(connection, bundle, mode))
        except CannotReplay as cannot:
            result: Result = (
                "erased" if erased(stored.entry.openings) and cannot.cause in ("refused", "failed") else cannot.cause
            )
            return RecordResult(number, id, result, str(cannot))
        except (LookupError, TypeError, ValueError, AttributeError) as failed:  # somebody wrote and hashed something else
            return RecordResult(number, id, "unsound", f"the record lacks what its shape has ({type(failed).__name__})")
        differences = (*(_in_record(each) for each in found.differences), *beside)
        result = "different" if beside else _compared(found)
        match result:
            case "erased":
                return RecordResult(number, id, result, f"it rests on erased values: {', '.join(found.erased)}")
            case "other-semantics":
                said = f"decided under semantics {found.recorded_under}, under {found.replayed_under} it comes out otherwise"
                return RecordResult(number, id, result, found.refused or said, differences)
        return RecordResult(number, id, result, "", differences if result == "different" else ())

    def _kept(self, connection: sa.Connection, bundle: PolicyDigests, mode: str) -> engine.PDP:
        """The decision point for a record. Raises CannotReplay."""
        key = (bundle, mode)
        found = self._ready.pop(key, None)
        if found is None:
            if len(self._ready) >= MOST_POLICIES:
                del self._ready[next(iter(self._ready))]
            try:
                found = decider(self.given, bundle, mode) if self.given else kept_decider(connection, bundle, mode)
            except CannotReplay as cannot:
                found = cannot
        self._ready[key] = found  # the one used last comes last
        if isinstance(found, CannotReplay):
            raise CannotReplay(str(found), found.cause)
        return found

    def close(self) -> None:
        """Close what this process opened."""
        self._reading.close()


def recorded_within(stored: Stored, since: datetime | None, until: datetime | None) -> bool:
    """Whether a record is of a time, from `since` on and before `until`; one that cannot be read is."""
    if since is None and until is None:
        return True
    try:
        moment = datetime.fromisoformat(json.loads(stored.entry.leaf)["recorded_at"])
        return (since is None or moment >= since) and (until is None or moment < until)
    except (ValueError, LookupError, TypeError):
        return True


@dataclass(frozen=True)
class LogParts(Sequence[range]):
    """Numbers in parts of at most `most`, made when they are asked for: a log may have millions of records."""

    numbers: range
    most: int

    def __len__(self) -> int:
        return -(-len(self.numbers) // self.most)

    def __getitem__(self, at: Any) -> Any:
        if not 0 <= at < len(self):
            raise IndexError
        return self.numbers[at * self.most : (at + 1) * self.most]


def _policies(stored: Stored) -> tuple[PolicyDigests, str] | None:
    """Which policies a record names, and the mode of the engine; None where it cannot be read."""
    try:
        record = json.loads(stored.entry.leaf)
        openings = {each.pointer: each.value for each in stored.entry.openings}
        decision = json.loads(openings.get("decision") or b"null") or record["decision"]
        return PolicyDigests(**record["bundle"]), str(decision["engine"]["mode"])
    except (ValueError, LookupError, TypeError):
        return None


def _compared(found: Replay) -> Result:
    if found.same == "bytes" or (found.same == "meaning" and found.holds):
        return "without-erased" if found.erased else found.same
    if found.recorded_under != found.replayed_under:
        return "other-semantics"
    return "erased" if found.erased else "different"


def _in_record(difference: ReplayDifference) -> ReplayDifference:
    return ReplayDifference(f"/decision{difference.pointer}", difference.recorded, difference.replayed)

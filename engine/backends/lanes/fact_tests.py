"""
What the program is given: the tests of the facts, by what each reads.

No test reads more than two facts, a fact and the day, or the members of a family. Whether a document counts (2.3) is read by its parts:
the document and the day, and each thing that it covers beside what the exchange says of that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol, TypeAlias

from engine.backends.lanes.slots import Pair
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, stated_in
from engine.rules import AS_OF, Atom, OnDate, OnDay, Period, RuleSet

COVERS = ".covers"
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Late:
    """3.6: whether the last day of a duty has passed."""

    due: Period | OnDay | OnDate


@dataclass(frozen=True, slots=True)
class Undated:
    """1.5: a test of what cannot be true together; every date of a document is read as it was sent, whatever the day."""

    atom: Atom


Test: TypeAlias = Atom | Late | Undated


class Tested(Protocol):
    """What has tests: the slots that are given by name, and those of each test."""

    @property
    def inputs(self) -> Mapping[object, int]: ...

    @property
    def tests(self) -> Mapping[Test, Pair]: ...


def sources(test: Test, rules: RuleSet) -> tuple[str, ...]:
    """The values of an exchange that a test reads: facts, documents, the members of a family."""
    return tuple(dict.fromkeys(_sources(test, rules)))


def _sources(test: Test, rules: RuleSet) -> Iterator[str]:
    if isinstance(test, Late):
        if not isinstance(test.due, OnDate) and test.due.after != AS_OF:
            yield stated_in(test.due.after)
        return
    if isinstance(test, Undated):
        yield from _sources(test.atom, rules)
        return
    for fact in filter(None, (test.fact, test.other)):
        if fact in rules.families:
            yield from rules.families[fact][1]
        elif fact != AS_OF:
            document = stated_in(fact)
            yield document
            if test.op == "counts" or fact.endswith(COVERS):
                for measure in rules.measures.get(document, ()):
                    yield from measure.stated


def turning_days(test: Test, rules: RuleSet) -> list[date] | None:
    """The days from which a test that reads the day may answer otherwise, whatever it reads beside; None if that may be any day."""
    match test:
        case Late(due=OnDate(day=day)):
            return list(_after(day))
        # A last day counted from the day of the law moves with it, and never passes.
        case Late(due=OnDay(after=fact)) if fact == AS_OF:
            return []
        case Late(due=Period(after=fact, within=length)) if fact == AS_OF and not (length.working_days or length.hours % 24):
            return []
        case Atom(fact=fact, other="", op=op, operands=operands, register=register) if op not in (
            "counts",
            "within",
            "older_than",
        ):
            if fact == AS_OF and not register and all(isinstance(each, date) for each in operands):
                return [day for each in operands if isinstance(each, date) for day in (each, *_after(each))]
            if register and AS_OF not in (fact, *operands) and fact.partition(".")[0] not in DOCUMENT_GROUPS:
                entries = [entry for each in rules.registers[register].values() for entry in each]
                ends = [day for entry in entries if entry.until for day in _after(entry.until)]
                return [*ends, *(entry.from_ for entry in entries if entry.from_)]
    return None


def _after(day: date) -> tuple[date, ...]:
    return () if day == date.max else (day + ONE_DAY,)


def reads_the_day(test: Test, rules: RuleSet) -> bool:
    """Whether the answer to a test depends on the day as well."""
    if isinstance(test, Undated):
        return False
    if (
        isinstance(test, Late)
        or test.op in ("counts", "within", "older_than")
        or AS_OF in (test.fact, test.other, *test.operands)
    ):
        return True
    if test.register:
        windows = (window for each in rules.registers[test.register].values() for window in each)
        return any(window.from_ or window.until for window in windows)
    # A date of a document after the day is not shown (2.9).
    return any(fact.partition(".")[0] in DOCUMENT_GROUPS for fact in (test.fact, test.other))

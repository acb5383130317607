"""
What was counted of rows that move: comparisons of rows go in, an Impact comes out.

The totals of several parts of a table or a log are put together in the order of the parts, and are JSON in between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any, Literal, Self

from pydantic import Field

from engine.authoring.difference import DIRECTIONS, Direction
from engine.bundle import Bundle
from engine.decision import DigestsPart, Part

MOST_NAMED = 10  # rows that are named of those that could not be compared
NUMBERS = ("rows", "distinct", "refused", "disputed", "unread", "troubled", "erased")  # that are added up


@dataclass(frozen=True, slots=True)
class RowMove:
    """How an exchange moves: what a group of rows has in common, and the duties that are owed for certain under the new policies."""

    direction: Direction
    old: str
    new: str
    jurisdictions: tuple[str, ...]
    instruments: tuple[str, ...]
    month: str = ""
    duties: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class RowComparison:
    """
    What comes of a row: its move, None where it has none; whether the new bundle's door refuses what the old one reads, and whether facts
    are disputed. `unread` are the places that neither door reads, `trouble` says that engines failed or differ.
    """

    move: RowMove | None = None
    refused: bool = False
    disputed: bool = False
    unread: str = ""
    trouble: str = ""


# The document


class MoveCountPart(Part):
    """How many rows move from one outcome to another."""

    direction: Direction
    old: str
    new: str
    rows: int


class RowCountPart(Part):
    """How many rows have something in common: a jurisdiction, an instrument, a month, a duty."""

    name: str
    rows: int


class RowTroublePart(Part):
    """A row that could not be compared, or on which engines differ, and why."""

    row: str
    problem: str


class MoveGroupPart(Part):
    """
    Rows that move alike. `jurisdictions` are those whose bounds differ, `instruments` those of which a provision stands differently there.

    `example` is the name of one of the rows. `duties` are owed under the new policies, by how many of the rows.
    """

    direction: Direction
    old: str
    new: str
    jurisdictions: tuple[str, ...]
    instruments: tuple[str, ...]
    month: str
    rows: int
    example: str
    duties: tuple[RowCountPart, ...]


class Impact(Part):
    """
    How many rows move, the largest groups first. A row may count for several jurisdictions and instruments, and for one group.

    `complete` is false where the comparison was stopped. `distinct` counts the exchanges that were decided. `refused` are the rows that
    the old door reads and the new one refuses, `disputed` those with facts of which a register says otherwise, `unread` those that neither
    reads, `erased` records of a log without the personal values that were erased.
    """

    schema_: Literal["fifthfactor/impact/1"] = Field("fifthfactor/impact/1", alias="schema")
    old: DigestsPart
    new: DigestsPart
    mode: str
    complete: bool
    rows: int
    distinct: int
    moved: int
    refused: int
    disputed: int
    unread: int
    troubled: int
    erased: int = 0
    outcomes: tuple[MoveCountPart, ...]
    jurisdictions: tuple[RowCountPart, ...]
    instruments: tuple[RowCountPart, ...]
    months: tuple[RowCountPart, ...]
    groups: tuple[MoveGroupPart, ...]
    unread_rows: tuple[RowTroublePart, ...]
    troubles: tuple[RowTroublePart, ...]

    @property
    def same_meaning(self) -> bool:
        """Whether the two mean the same, word for word; then no row is compared."""
        return self.old.meaning == self.new.meaning


# What is counted


@dataclass(slots=True)
class _Group:
    """The rows that move alike."""

    example: str
    rows: int = 0
    duties: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class ImpactTotals:
    """What was counted so far. `erased` are rows without the personal values that were erased."""

    rows: int = 0
    distinct: int = 0
    refused: int = 0
    disputed: int = 0
    unread: int = 0
    troubled: int = 0
    erased: int = 0
    groups: dict[RowMove, _Group] = field(default_factory=dict)
    unread_rows: list[tuple[str, str]] = field(default_factory=list)
    troubles: list[tuple[str, str]] = field(default_factory=list)

    def add(self, name: str, day: date, count: int, found: RowComparison) -> None:
        """Count so many rows of a day, of which `name` is the first."""
        self.rows += count
        self.refused += count if found.refused else 0
        self.disputed += count if found.disputed else 0
        if found.unread:
            self.unread += count
            _name(self.unread_rows, name, found.unread)
        if found.trouble:
            self.troubled += count
            _name(self.troubles, name, found.trouble)
        if found.move:
            group = self.groups.setdefault(replace(found.move, month=f"{day:%Y-%m}", duties=()), _Group(name))
            group.rows += count
            group.duties.update(dict.fromkeys(found.move.duties, count))

    def take(self, part: ImpactTotals) -> None:
        """Count what was counted of the next part."""
        for name in NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(part, name))
        for move, theirs in part.groups.items():
            group = self.groups.setdefault(move, _Group(theirs.example))
            group.rows += theirs.rows
            group.duties.update(theirs.duties)
        for mine, others in ((self.unread_rows, part.unread_rows), (self.troubles, part.troubles)):
            mine += others[: MOST_NAMED - len(mine)]

    def document(self) -> dict[str, Any]:
        """The same as JSON."""
        groups = [asdict(move) | asdict(group) for move, group in self.groups.items()]
        told = {name: getattr(self, name) for name in NUMBERS}
        return {**told, "groups": groups, "unread_rows": self.unread_rows, "troubles": self.troubles}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Totals that were JSON. Raises LookupError, TypeError."""
        found = cls(**{name: document[name] for name in NUMBERS})
        for each in document["groups"]:
            lists = {name: tuple(each[name]) for name in ("jurisdictions", "instruments")}
            move = RowMove(each["direction"], each["old"], each["new"], **lists, month=each["month"])
            found.groups[move] = _Group(each["example"], each["rows"], Counter(each["duties"]))
        found.unread_rows = [(row, problem) for row, problem in document["unread_rows"]]
        found.troubles = [(row, problem) for row, problem in document["troubles"]]
        return found

    def report(self, old: Bundle, new: Bundle, mode: str, complete: bool = True) -> Impact:
        """What was found so far if the new bundle replaced the old one, where engines of a mode decided again."""
        outcomes: Counter[tuple[Direction, str, str]] = Counter()
        each: dict[str, Counter[str]] = {name: Counter() for name in ("jurisdictions", "instruments", "months")}
        for move, group in self.groups.items():
            outcomes[move.direction, move.old, move.new] += group.rows
            each["months"][move.month] += group.rows
            each["jurisdictions"].update(dict.fromkeys(move.jurisdictions, group.rows))
            each["instruments"].update(dict.fromkeys(move.instruments, group.rows))
        return Impact(
            schema="fifthfactor/impact/1",
            old=DigestsPart(meaning=old.digests.meaning, source=old.digests.source),
            new=DigestsPart(meaning=new.digests.meaning, source=new.digests.source),
            mode=mode,
            complete=complete,
            rows=self.rows,
            distinct=self.distinct,
            moved=outcomes.total(),
            refused=self.refused,
            disputed=self.disputed,
            unread=self.unread,
            troubled=self.troubled,
            erased=self.erased,
            outcomes=tuple(
                MoveCountPart(direction=direction, old=was, new=now, rows=rows)
                for (direction, was, now), rows in sorted(
                    outcomes.items(), key=lambda pair: (DIRECTIONS.index(pair[0][0]), -pair[1], pair[0])
                )
            ),
            jurisdictions=_largest(each["jurisdictions"]),
            instruments=_largest(each["instruments"]),
            months=tuple(RowCountPart(name=name, rows=rows) for name, rows in sorted(each["months"].items())),
            groups=tuple(_groups(self.groups)),
            unread_rows=_named(self.unread_rows),
            troubles=_named(self.troubles),
        )


def _groups(groups: Mapping[RowMove, _Group]) -> Iterator[MoveGroupPart]:
    """The groups, the largest first; of equal size those that permit more."""

    def importance(pair: tuple[RowMove, _Group]) -> tuple[object, ...]:
        move, group = pair
        direction = DIRECTIONS.index(move.direction)
        return -group.rows, direction, move.old, move.new, move.jurisdictions, move.instruments, move.month

    for move, group in sorted(groups.items(), key=importance):
        yield MoveGroupPart(
            direction=move.direction,
            old=move.old,
            new=move.new,
            jurisdictions=move.jurisdictions,
            instruments=move.instruments,
            month=move.month,
            rows=group.rows,
            example=group.example,
            duties=_largest(group.duties),
        )


def _largest(counted: Counter[str]) -> tuple[RowCountPart, ...]:
    ranked = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(RowCountPart(name=name, rows=rows) for name, rows in ranked)


def _name(rows: list[tuple[str, str]], row: str, problem: str) -> None:
    if len(rows) < MOST_NAMED:
        rows.append((row, problem))


def _named(rows: Sequence[tuple[str, str]]) -> tuple[RowTroublePart, ...]:
    return tuple(RowTroublePart(row=row, problem=problem) for row, problem in rows)

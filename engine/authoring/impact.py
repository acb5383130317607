"""
What would move among many exchanges if one bundle replaced another: rows that state exchanges go in, an Impact comes out.

The programs of both bundles decide the rows, many lanes at a time. Only a row whose bounds differ, overall or in a jurisdiction, is decided
again by the ordinary engines, for its reasons and duties; so is a row with disputed facts. Equal exchanges are decided once. A row that a
bundle cannot read is not permitted under that bundle.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from pydantic import Field

from engine.authoring.difference import DIRECTIONS, Direction, SidePart, direction_of, places_of
from engine.backends.lanes.lane_cases import members
from engine.backends.lanes.lane_outcomes import NOWHERE, LaneOutcomes, Levels
from engine.bundle import Bundle, accept_exchange
from engine.deciding.judgement import BEARING, Judgement
from engine.decision import BoundsPart, DigestsPart, Part
from engine.exchange import Exchange
from engine.exchange_input.exchange_problems import ExchangeRefused
from engine.pdp import PDP, EnginesFailed
from engine.values.outcome_levels import Bounds, Level
from engine.verdict import numbers

LANES = 512  # rows that one pass of the programs decides
MOST_KNOWN = 100_000  # exchanges of which it is kept how they move
MOST_NAMED = 10  # rows that are named of those that could not be compared
NOTHING = Bounds(Level.NOT_APPLICABLE, Level.NOT_APPLICABLE)


# The rows


@dataclass(frozen=True, slots=True)
class ImpactRow:
    """
    A row that states an exchange, or so many equal rows as `count`; `name` is that of the first.

    `document` is the JSON of the exchange. `as_of` is the day whose law counts. `problem` says why the row cannot be read; it is empty
    where it can. Rows of one `key` state the same exchange; None lets the exchange itself tell.
    """

    name: str
    document: Mapping[str, Any]
    as_of: date
    problem: str = ""
    count: int = 1
    key: Hashable = None

    @property
    def kind(self) -> Hashable:
        """What rows share that state the same exchange of one day."""
        told = json.dumps(self.document, ensure_ascii=False, sort_keys=True) if self.key is None else self.key
        return told, self.as_of, self.problem


@dataclass(frozen=True, slots=True)
class RowMove:
    """How an exchange moves: what a group of rows has in common, and the duties that are owed for certain under the new policies."""

    direction: Direction
    old: str
    new: str
    jurisdictions: tuple[str, ...]
    instruments: tuple[str, ...]
    month: str
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
    reads.
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


# The comparison


@dataclass(slots=True)
class _Group:
    """The rows that move alike."""

    example: str
    rows: int = 0
    duties: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Totals:
    """What was counted so far."""

    rows: int = 0
    distinct: int = 0
    refused: int = 0
    disputed: int = 0
    unread: int = 0
    troubled: int = 0
    groups: dict[RowMove, _Group] = field(default_factory=dict)
    unread_rows: list[RowTroublePart] = field(default_factory=list)
    troubles: list[RowTroublePart] = field(default_factory=list)

    def add(self, row: ImpactRow, found: RowComparison) -> None:
        self.rows += row.count
        self.refused += row.count if found.refused else 0
        self.disputed += row.count if found.disputed else 0
        if found.unread:
            self.unread += row.count
            _name(self.unread_rows, row.name, found.unread)
        if found.trouble:
            self.troubled += row.count
            _name(self.troubles, row.name, found.trouble)
        if found.move:
            group = self.groups.setdefault(found.move, _Group(row.name))
            group.rows += row.count
            group.duties.update(dict.fromkeys(found.move.duties, row.count))


class ImpactComparison:
    """Compares rows under two bundles. `mode` names the engines that decide rows again."""

    def __init__(self, old: Bundle, new: Bundle, mode: str = "bitset") -> None:
        self.bundles = (old, new)
        self.mode = mode
        self.pdps = (PDP(old, mode), PDP(new, mode))
        self._known: dict[Hashable, RowComparison] = {}
        self._totals = _Totals()

    def take(self, rows: Sequence[ImpactRow]) -> None:
        """Compare some rows, at best LANES of them."""
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        kinds = [row.kind for row in rows]
        fresh = {kind: row for kind, row in zip(kinds, rows, strict=True) if kind not in self._known}
        self._known.update(zip(fresh, self._compare(list(fresh.values())), strict=True))
        self._totals.distinct += sum(not self._known[kind].unread for kind in fresh)
        for kind, row in zip(kinds, rows, strict=True):
            self._totals.add(row, self._known[kind])

    def report(self, complete: bool = True) -> Impact:
        """What was found so far."""
        totals, (old, new) = self._totals, self.bundles
        outcomes: Counter[tuple[Direction, str, str]] = Counter()
        each: dict[str, Counter[str]] = {name: Counter() for name in ("jurisdictions", "instruments", "months")}
        for move, group in totals.groups.items():
            outcomes[move.direction, move.old, move.new] += group.rows
            each["months"][move.month] += group.rows
            each["jurisdictions"].update(dict.fromkeys(move.jurisdictions, group.rows))
            each["instruments"].update(dict.fromkeys(move.instruments, group.rows))
        return Impact(
            schema="fifthfactor/impact/1",
            old=DigestsPart(meaning=old.digests.meaning, source=old.digests.source),
            new=DigestsPart(meaning=new.digests.meaning, source=new.digests.source),
            mode=self.mode,
            complete=complete,
            rows=totals.rows,
            distinct=totals.distinct,
            moved=outcomes.total(),
            refused=totals.refused,
            disputed=totals.disputed,
            unread=totals.unread,
            troubled=totals.troubled,
            outcomes=tuple(
                MoveCountPart(direction=direction, old=was, new=now, rows=rows)
                for (direction, was, now), rows in sorted(
                    outcomes.items(), key=lambda pair: (DIRECTIONS.index(pair[0][0]), -pair[1], pair[0])
                )
            ),
            jurisdictions=_largest(each["jurisdictions"]),
            instruments=_largest(each["instruments"]),
            months=tuple(RowCountPart(name=name, rows=rows) for name, rows in sorted(each["months"].items())),
            groups=tuple(_groups(totals.groups)),
            unread_rows=tuple(totals.unread_rows),
            troubles=tuple(totals.troubles),
        )

    def _compare(self, rows: Sequence[ImpactRow]) -> list[RowComparison]:
        """What comes of each of some rows that state different exchanges."""
        found = [RowComparison(unread=row.problem) for row in rows]
        lanes: dict[tuple[str, str], list[tuple[int, Exchange, Exchange]]] = {}
        for number, row in enumerate(rows):
            if row.problem:
                continue
            old, new = (_read(bundle, row.document) for bundle in self.bundles)
            if not isinstance(old, Exchange) or not isinstance(new, Exchange):
                found[number] = self._one_door(old, new, row.as_of)
            elif old.disputed or new.disputed:
                found[number] = self._again(old, new, row.as_of, disputed=True)
            else:
                found[number] = RowComparison()
                lanes.setdefault((old.everyone, new.everyone), []).append((number, old, new))
        for those in lanes.values():
            days = [rows[number].as_of for number, _, _ in those]
            before = self.pdps[0].lane_outcomes([(old, day) for (_, old, _), day in zip(those, days, strict=True)])
            after = self.pdps[1].lane_outcomes([(new, day) for (_, _, new), day in zip(those, days, strict=True)])
            for lane in members(_moving(before, after)):
                number, old, new = those[lane]
                expected = before.overall.of(lane), after.overall.of(lane)
                found[number] = self._again(old, new, days[lane], expected=expected)
        return found

    def _one_door(self, old: Exchange | list[str], new: Exchange | list[str], day: date) -> RowComparison:
        """An exchange that one of the doors refuses, or both."""
        if not isinstance(old, Exchange) and not isinstance(new, Exchange):
            return RowComparison(unread="; ".join(dict.fromkeys([*old, *new])))
        refused = not isinstance(new, Exchange)
        disputed = any(isinstance(each, Exchange) and each.disputed for each in (old, new))
        was, now = (self._judged(pdp, each, day) for pdp, each in zip(self.pdps, (old, new), strict=True))
        move = self._move(was, now, day, () if isinstance(old, Exchange) else old, () if isinstance(new, Exchange) else new)
        return RowComparison(move, refused, bool(disputed), trouble=_trouble(was, now))

    def _again(
        self, old: Exchange, new: Exchange, day: date, expected: tuple[Bounds, Bounds] | None = None, disputed: bool = False
    ) -> RowComparison:
        """An exchange decided by the ordinary engines under both; `expected` are the bounds that the programs found."""
        was, now = (self._judged(pdp, each, day) for pdp, each in zip(self.pdps, (old, new), strict=True))
        trouble = _trouble(was, now)
        if (
            not trouble
            and expected
            and expected != tuple(each.outcome.bounds for each in (was, now) if isinstance(each, Judgement))
        ):
            trouble = "the program of many exchanges and the engines differ"
        return RowComparison(self._move(was, now, day), disputed=disputed, trouble=trouble)

    def _judged(self, pdp: PDP, read: Exchange | list[str], day: date) -> Judgement | str:
        """The judgement on an exchange, or why there is none."""
        if not isinstance(read, Exchange):
            return "refused"
        try:
            return pdp.judge(read, as_of=day)
        except EnginesFailed:
            return "failed"

    def _move(
        self,
        was: Judgement | str,
        now: Judgement | str,
        day: date,
        old_problems: Sequence[str] = (),
        new_problems: Sequence[str] = (),
    ) -> RowMove | None:
        """How an exchange moves between two judgements; None where neither its bounds nor those of a jurisdiction differ."""
        old, new = _side(was, old_problems), _side(now, new_problems)
        jurisdictions: tuple[str, ...] = ()
        instruments: tuple[str, ...] = ()
        if isinstance(was, Judgement) and isinstance(now, Judgement):
            before, after = was.outcome.jurisdictions, now.outcome.jurisdictions
            names = sorted({*before, *after})
            jurisdictions = tuple(each for each in names if before.get(each, NOTHING) != after.get(each, NOTHING))
            if not jurisdictions and was.outcome.bounds == now.outcome.bounds:
                return None
            instruments = _instruments(was, now, jurisdictions)
        elif was == now:
            return None
        duties: tuple[str, ...] = ()
        if isinstance(now, Judgement):
            owed = (each for each in self.pdps[1].owed(now) if each.part.certain and not each.done)
            duties = tuple(dict.fromkeys(f"{each.part.who}: {each.part.duty}" for each in owed))
        direction = direction_of(old, new)
        return RowMove(direction, old.told, new.told, jurisdictions, instruments, f"{day:%Y-%m}", duties)


def _read(bundle: Bundle, document: Mapping[str, Any]) -> Exchange | list[str]:
    """The exchange, or the places at which it is refused."""
    try:
        return accept_exchange(bundle, document)
    except ExchangeRefused as refused:
        return places_of(refused)


def _moving(before: LaneOutcomes, after: LaneOutcomes) -> int:
    """The lanes whose bounds differ, overall or in a jurisdiction."""
    found = _differing(before.overall, after.overall)
    for name in {*before.jurisdictions, *after.jurisdictions}:
        found |= _differing(before.jurisdictions.get(name, NOWHERE), after.jurisdictions.get(name, NOWHERE))
    return found


def _differing(one: Levels, other: Levels) -> int:
    found = 0
    for mine, theirs in zip((*one.low, *one.high), (*other.low, *other.high), strict=True):
        found |= mine ^ theirs
    return found


def _side(judgement: Judgement | str, problems: Sequence[str]) -> SidePart:
    if not isinstance(judgement, Judgement):
        return SidePart(outcome="refused" if judgement == "refused" else "failed", problems=tuple(problems))
    bounds = judgement.outcome.bounds
    return SidePart(
        outcome=judgement.outcome.word,
        proceed=judgement.proceeds(judgement.as_of),
        bounds=BoundsPart(lowest=bounds.low.word, highest=bounds.high.word),
    )


def _trouble(was: Judgement | str, now: Judgement | str) -> str:
    """Under which policies engines failed or disagree."""
    told = []
    for judgement, side in ((was, "old"), (now, "new")):
        if judgement == "failed":
            told.append(f"no engine could decide it under the {side} policies")
        elif isinstance(judgement, Judgement) and not judgement.agreed:
            told.append(f"the engines disagree under the {side} policies")
    return "; ".join(told)


def _instruments(was: Judgement, now: Judgement, jurisdictions: Sequence[str]) -> tuple[str, ...]:
    """The instruments of which a provision stands differently, in the jurisdictions that move if there are such."""
    before, after = dict(_standing(was)), dict(_standing(now))
    differing = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    here = {policy for place, policy, _, _ in differing if place in jurisdictions}
    return tuple(sorted(here or {policy for _, policy, _, _ in differing}))


def _standing(judgement: Judgement) -> Iterator[tuple[tuple[str, str, str, str], bool]]:
    """By jurisdiction, instrument, provision and effect: whether what may stand certainly stands."""
    possible, certain = judgement.verdict.stands
    for number in numbers(possible):
        rule = judgement.verdict.rules[number]
        if rule.effect in BEARING:
            provision = rule.provision
            yield (provision.jurisdiction, provision.policy, provision.id, rule.effect), bool(certain >> number & 1)


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


def _name(rows: list[RowTroublePart], row: str, problem: str) -> None:
    if len(rows) < MOST_NAMED:
        rows.append(RowTroublePart(row=row, problem=problem))

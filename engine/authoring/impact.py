"""
What would move among many exchanges if one bundle replaced another: rows that state exchanges go in, an Impact comes out.

The programs of both bundles decide the rows, many lanes at a time. Only a row whose bounds differ, overall or in a jurisdiction, is decided
again by the ordinary engines, for its reasons and duties; so is a row with disputed facts. Equal exchanges are decided once, also on
different days between which no test of either bundle changes (`steady_days`). A row that a bundle cannot read is not permitted under that
bundle.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from engine.authoring.difference import SidePart, direction_of, places_of
from engine.authoring.impact_totals import Impact, ImpactTotals, RowComparison, RowMove
from engine.authoring.steady_days import SteadyDays
from engine.backends.lanes.lane_cases import members
from engine.bundle import Bundle, accept_exchange
from engine.deciding.judgement import BEARING, Judgement
from engine.decision import BoundsPart
from engine.exchange import Exchange
from engine.exchange_input.exchange_problems import ExchangeRefused
from engine.pdp import PDP, EnginesFailed
from engine.values.outcome_levels import Bounds, Level
from engine.verdict import numbers

IMPACT_BATCH = 4_096  # rows that are best compared together
LANES = 2_048  # exchanges that one pass of the programs decides
MOST_KNOWN = 200_000  # exchanges of which it is kept how they move
MOST_READ = 5_000  # exchanges that are kept as the doors read them: they come again on other days
NOTHING = Bounds(Level.NOT_APPLICABLE, Level.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class ImpactRow:
    """
    A row that states an exchange, or so many equal rows as `count`; `name` is that of the first.

    `document` is the JSON of the exchange, or what makes it when it is first wanted. `as_of` is the day whose law counts. `problem` says
    why the row cannot be read; it is empty where it can. Rows of one `key` state the same exchange; None lets the exchange itself tell.
    """

    name: str
    document: Mapping[str, Any] | Callable[[], Mapping[str, Any]]
    as_of: date
    problem: str = ""
    count: int = 1
    key: Hashable = None

    @property
    def read(self) -> Mapping[str, Any]:
        """The JSON of the exchange."""
        return self.document() if callable(self.document) else self.document

    @property
    def exchange(self) -> Hashable:
        """What rows share that state the same exchange, on whichever day."""
        told = json.dumps(self.read, ensure_ascii=False, sort_keys=True) if self.key is None else self.key
        return told, self.problem


@dataclass(frozen=True, slots=True)
class _Both:
    """An exchange as both bundles read it, on a day."""

    kind: Hashable
    old: Exchange
    new: Exchange
    day: date


class ImpactComparison:
    """Compares rows under two bundles. `mode` names the engines that decide rows again."""

    def __init__(self, old: Bundle, new: Bundle, mode: str = "bitset") -> None:
        self.bundles = (old, new)
        self.mode = mode
        self.pdps = (PDP(old, mode), PDP(new, mode))
        self.totals = ImpactTotals()
        self._known: dict[Hashable, RowComparison] = {}
        self._read: dict[Hashable, tuple[Exchange | list[str], Exchange | list[str]]] = {}
        self._steady = SteadyDays(old, new)

    def set_up(self) -> None:
        """Make the programs now: before processes are forked, which then share them."""
        for pdp in self.pdps:
            pdp.lanes.set_up()

    def take(self, rows: Sequence[ImpactRow]) -> None:
        """Compare some rows, at best IMPACT_BATCH of them."""
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
            self._steady.forget()
        told = [(row.exchange, row) for row in rows]
        fresh: dict[Hashable, dict[date, ImpactRow]] = {
            exchange: {} for exchange, row in told if self._kind(exchange, row.as_of) not in self._known
        }
        if fresh:  # with the days that are known already: they are of another kind once more is known of the exchange
            for exchange, row in told:
                if exchange in fresh:
                    fresh[exchange].setdefault(row.as_of, row)
            self._compare(fresh)
        for exchange, row in told:
            self.totals.add(row.name, row.as_of, row.count, self._known[self._kind(exchange, row.as_of)])

    def hand_over(self) -> ImpactTotals:
        """What was counted since the last time."""
        found, self.totals = self.totals, ImpactTotals()
        return found

    def report(self, complete: bool = True) -> Impact:
        """What was found so far."""
        return self.totals.report(*self.bundles, self.mode, complete)

    def _kind(self, exchange: Hashable, day: date) -> Hashable:
        """What rows share that come out the same: the exchange, and the first of the days that make no difference to it."""
        return exchange, self._steady.first(exchange, day)

    def _compare(self, fresh: Mapping[Hashable, Mapping[date, ImpactRow]]) -> None:
        """Find out what comes of exchanges on some days; each by the kind of its rows."""
        lanes: dict[tuple[str, str], list[_Both]] = {}
        for exchange, of_day in fresh.items():
            any_row = next(iter(of_day.values()))
            if any_row.problem:
                self._known |= {self._kind(exchange, day): RowComparison(unread=any_row.problem) for day in of_day}
                continue
            old, new = self._exchanges(exchange, any_row)
            if isinstance(old, Exchange) and isinstance(new, Exchange):
                self._steady.learn(exchange, old, new, of_day)
            for kind, day in {self._kind(exchange, day): self._steady.first(exchange, day) for day in of_day}.items():
                if kind in self._known:
                    continue
                if not isinstance(old, Exchange) or not isinstance(new, Exchange):
                    self._known[kind] = self._one_door(old, new, day)
                elif old.disputed or new.disputed:
                    self._known[kind] = self._again(old, new, day, disputed=True)
                else:
                    lanes.setdefault((old.everyone, new.everyone), []).append(_Both(kind, old, new, day))
                    continue
                self.totals.distinct += not self._known[kind].unread
        for several in lanes.values():
            several.sort(key=lambda each: each.day)  # a pass over few days takes a tenth of the time
            for first in range(0, len(several), LANES):
                self._by_lanes(several[first : first + LANES])

    def _exchanges(self, exchange: Hashable, row: ImpactRow) -> tuple[Exchange | list[str], Exchange | list[str]]:
        """The exchange of a row as each of the doors reads it, or the places at which it is refused."""
        found = self._read.get(exchange)
        if found is None:
            if len(self._read) >= MOST_READ:
                self._read.clear()
            document, (old, new) = row.read, self.bundles
            found = self._read[exchange] = _read(old, document), _read(new, document)
        return found

    def _by_lanes(self, several: Sequence[_Both]) -> None:
        """Compare some exchanges by the programs, and those that move by the ordinary engines."""
        before = self.pdps[0].lane_outcomes([(each.old, each.day) for each in several])
        after = self.pdps[1].lane_outcomes([(each.new, each.day) for each in several])
        self.totals.distinct += len(several)
        self._known |= dict.fromkeys((each.kind for each in several), RowComparison())
        for lane in members(before.differing(after.overall, after.jurisdictions)):
            each, expected = several[lane], (before.overall.of(lane), after.overall.of(lane))
            self._known[each.kind] = self._again(each.old, each.new, each.day, expected=expected)

    def _one_door(self, old: Exchange | list[str], new: Exchange | list[str], day: date) -> RowComparison:
        """An exchange that one of the doors refuses, or both."""
        if not isinstance(old, Exchange) and not isinstance(new, Exchange):
            return RowComparison(unread="; ".join(dict.fromkeys([*old, *new])))
        refused = not isinstance(new, Exchange)
        disputed = any(isinstance(each, Exchange) and each.disputed for each in (old, new))
        was, now = (self._judged(pdp, each, day) for pdp, each in zip(self.pdps, (old, new), strict=True))
        move = self._move(was, now, () if isinstance(old, Exchange) else old, () if isinstance(new, Exchange) else new)
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
        return RowComparison(self._move(was, now), disputed=disputed, trouble=trouble)

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
        return RowMove(direction, old.told, new.told, jurisdictions, instruments, duties=duties)


def _read(bundle: Bundle, document: Mapping[str, Any]) -> Exchange | list[str]:
    """The exchange, or the places at which it is refused."""
    try:
        return accept_exchange(bundle, document)
    except ExchangeRefused as refused:
        return places_of(refused)


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

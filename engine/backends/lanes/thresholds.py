"""
What each rule raises, and so the bounds of each jurisdiction, in slots (semantics 3.5, 3.6, 3.7, 4.1, 4.2).

A lowest and a highest level in every lane are two rows of slots: the lanes where it is at least each level above the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from engine.backends.lanes.slots import FALSE, NO, TRUE, YES, Pair, Slots
from engine.backends.lanes.standing_slots import NeedSlots, Owing, ProgressSlots, RuleSlots
from engine.rules import Duty, Need, Rule
from engine.values.outcome_levels import Level

LEVELS = tuple(Level)[1:]  # those that a bound may be at least


class Ends(NamedTuple):
    """Of each level above `not_applicable`, the lanes in which the lowest, and the highest, is at least that level."""

    low: tuple[int, ...]
    high: tuple[int, ...]


def row(level: Level, where: int = TRUE) -> tuple[int, ...]:
    """A level in some lanes, and the lowest level in the others."""
    return tuple(where if level >= each else FALSE for each in LEVELS)


NOTHING, REVIEW, PROHIBITED = (Ends(row(level), row(level)) for level in (Level.NOT_APPLICABLE, Level.REVIEW, Level.PROHIBITED))


def place(level: Level) -> int:
    """Where a row has the lanes of a level."""
    return level - 1


class Thresholds:
    """What rules raise, given how they stand, what is relied on, and which duties are done or overdue."""

    def __init__(
        self,
        slots: Slots,
        standing: Mapping[str, RuleSlots],
        needs: NeedSlots,
        duties: Mapping[str, Duty],
        progress: Mapping[str, ProgressSlots],
    ) -> None:
        self.slots = slots
        self.standing = standing
        self.needs = needs
        self.duties = duties
        self.progress = progress
        self.owing: dict[str, Pair] = {}  # the duties of all rules that were asked for

    def most(self, rows: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
        """The highest of several. What is at least a level is at least each level below it, so each slot is read once."""
        every, above = tuple(dict.fromkeys(rows)), FALSE
        found: list[int] = []
        for level in reversed(range(len(LEVELS))):
            here = dict.fromkeys(each[level] for each in every if level + 1 == len(LEVELS) or each[level] != each[level + 1])
            above = self.slots.either(above, *here)
            found.append(above)
        return tuple(reversed(found))

    def over(self, every: Iterable[Ends]) -> Ends:
        """4.4: the maxima of the lower and of the upper ends."""
        every = (NOTHING, *every)
        return Ends(self.most(each.low for each in every), self.most(each.high for each in every))

    def of(self, rule: Rule) -> Ends:
        """4.1: what a rule raises; nothing where it does not stand."""
        slots, (stands, doubted, _) = self.slots, self.standing[rule.key]
        raised = self.demanded(rule, stands)
        if raised is NOTHING:
            return NOTHING
        low, high = list(raised.low), list(raised.high)
        # 3.7: a doubtful exemption makes a review of a requirement, and adds one to a prohibition.
        review, unmet, prohibited = (place(each) for each in (Level.REVIEW, Level.REQUIREMENTS_UNMET, Level.PROHIBITED))
        barred = slots.both(doubted.may, high[review])
        for each in (unmet, prohibited):
            low[each] = slots.less(low[each], barred)
        high[unmet] = slots.either(high[prohibited], slots.less(high[unmet], doubted.must))
        return Ends(tuple(slots.both(each, stands.must) for each in low), tuple(slots.both(each, stands.may) for each in high))

    def demanded(self, rule: Rule, stands: Pair) -> Ends:
        """3.2: what a rule raises by its effect, where it stands and no doubtful exemption names it."""
        match rule.effect:
            case "prohibit":
                return PROHIBITED
            case "review":
                return REVIEW
            case "require":
                assert rule.need
                return self.required(rule.need, stands)
            case "oblige" if any(duty.arises == "exchange" for duty in rule.duties):
                return self.owed(dict.fromkeys((duty.key for duty in rule.duties), YES), stands)
        return NOTHING

    def required(self, need: Need, stands: Pair) -> Ends:
        """3.4, 3.5: what a need raises, over the states in which it may be."""
        slots, states = self.slots, self.needs.states(need)
        met = self.owed(self.needs.duties(need), stands)
        _, owing, review, unmet, prohibited = met.low
        not_met, milder = slots.neither(states.met), slots.neither(states.doubtful)
        low = (
            TRUE,
            slots.either(not_met, owing),
            slots.either(not_met, review),
            slots.both(milder, slots.either(not_met, unmet)),
            slots.both(states.sure, prohibited),
        )
        _, owing, review, unmet, prohibited = (slots.both(states.met, each) for each in met.high)
        open_ = slots.neither(states.sure)  # unmet or doubtful
        return Ends(
            low, (TRUE, slots.either(open_, owing), slots.either(open_, review), slots.either(states.unmet, unmet), prohibited)
        )

    def owed(self, duties: Owing, stands: Pair) -> Ends:
        """3.5, 3.6: what duties raise, and that they are owed. A done duty raises nothing, nor does one that arises from a refusal."""
        slots = self.slots
        low, high = [row(Level.PERMITTED)], [row(Level.PERMITTED)]
        for key, owed in duties.items():
            if self.duties[key].arises != "exchange":
                continue
            level = self.level(self.duties[key])
            low.append(tuple(slots.both(owed.must, each) for each in level.low))
            high.append(tuple(slots.both(owed.may, each) for each in level.high))
            mine = slots.all_of((stands, owed, slots.inverse(self.progress[key].done)))
            self.owing[key] = slots.any_of((self.owing.get(key, NO), mine))
        return Ends(self.most(low), self.most(high))

    def level(self, duty: Duty) -> Ends:
        """3.6: a duty that is owed and not overdue is an obligation; an overdue one raises the level that it names."""
        slots, (done, overdue) = self.slots, self.progress[duty.key]
        owing, late = place(Level.PERMITTED_WITH_OBLIGATIONS), duty.overdue
        low, high = list(row(late, overdue.must)), list(row(late, overdue.may))
        low[place(Level.PERMITTED)] = high[place(Level.PERMITTED)] = TRUE
        # What is overdue is not done; where it is not done and not overdue, it is owed.
        low[owing], high[owing] = slots.neither(done.may), slots.neither(done.must)
        return Ends(tuple(low), tuple(high))

    def on_floor(self, ends: Ends, covered: bool, permits: Pair) -> Ends:
        """4.2: law that speaks gives at least `permitted`; where a covered subject matter is not spoken of, there is no permit."""
        return Ends(self._floored(ends.low, covered, permits.must), self._floored(ends.high, covered, permits.may))

    def _floored(self, levels: tuple[int, ...], covered: bool, permits: int) -> tuple[int, ...]:
        slots, (permitted, owing, review, *above) = self.slots, levels
        if covered:
            return slots.either(permits, review), slots.both(owing, slots.either(permits, review)), review, *above
        return slots.either(permits, permitted), owing, review, *above

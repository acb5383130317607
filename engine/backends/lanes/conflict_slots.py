"""
Where one law compels what another refuses, in slots (semantics 4.7).

A conflict raises nothing. A gap, unread law and a reach refuse nothing; what only may refuse counts where its law covers a country that the
exchange touches.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.backends.lanes.slots import FALSE, TRUE, Pair, Slots
from engine.backends.lanes.standing_slots import NeedSlots, Signed
from engine.backends.lanes.thresholds import Ends, Thresholds, place
from engine.rules import Rule
from engine.values.outcome_levels import Level

REVIEW = place(Level.REVIEW)


class ConflictSlots:
    """What refuses in each jurisdiction, given how rules stand and the bounds of each before coverage."""

    def __init__(self, slots: Slots, needs: NeedSlots, thresholds: Thresholds, signed: Signed) -> None:
        self.slots = slots
        self.needs = needs
        self.owing, self.progress, self.standing = thresholds.owing, needs.progress, needs.standing
        self.signed = signed

    def of(self, rules: tuple[Rule, ...], jurisdictions: Mapping[str, Ends]) -> dict[tuple[str, str], Pair]:
        """By a rule that compels and the jurisdiction that refuses: where the two certainly conflict, and where they may."""
        slots = self.slots
        compelling = [rule for rule in rules if rule.effect == "compels"]
        if not compelling:
            return {}
        certain: dict[str, list[int]] = {}
        possible: dict[str, list[int]] = {}
        for rule in rules:
            where = rule.provision.jurisdiction
            refuses, may_refuse = self.refusal(rule)
            if may_refuse == FALSE:
                continue
            stands, left = self.standing[rule.key].stands, TRUE
            if rule.effect == "review":
                left = slots.neither(self.signed(rule.provision.id))
            certain.setdefault(where, []).append(slots.both(stands.must, refuses, left))
            possible.setdefault(where, []).append(slots.both(stands.may, may_refuse, left))
        found = {}
        for where, ends in jurisdictions.items():
            surely = slots.both(ends.low[REVIEW], slots.either(*certain.get(where, ())))
            touched = slots.given(("touched", where))
            perhaps = slots.both(touched, ends.high[REVIEW], slots.either(*possible.get(where, ())))
            for rule in compelling:
                if rule.provision.jurisdiction != where:
                    compels = self.standing[rule.key].stands
                    may = slots.either(slots.both(compels.may, surely), slots.both(compels.must, perhaps))
                    found[rule.key, where] = Pair(slots.both(compels.must, surely), may)
        return found

    def refusal(self, rule: Rule) -> Pair:
        """Whether a rule that stands keeps an exchange from going ahead, and whether it may."""
        slots = self.slots
        if rule.effect in ("prohibit", "review"):
            return Pair(TRUE, TRUE)
        if rule.need is not None:
            open_ = (slots.neither(self.needs.requirements[name].sure) for name in rule.need.requirements())
            return Pair(slots.neither(self.needs.states(rule.need).met), slots.either(*open_))
        if rule.effect != "oblige":
            return Pair(FALSE, FALSE)
        must = may = FALSE
        for duty in rule.duties:
            if duty.overdue.refused and duty.key in self.owing:
                owed, overdue = self.owing[duty.key], self.progress[duty.key].overdue
                must = slots.either(must, slots.both(owed.must, overdue.must))
                may = slots.either(may, slots.both(owed.may, overdue.may))
        return Pair(must, may)

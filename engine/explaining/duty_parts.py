"""
Writes the duties of a decision: those that are owed or may be owed, and those that come with a refusal.

A duty that is written alike in many decisions is written once and kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from engine.decision import TRUTH_WORDS, DutyPart
from engine.explaining.case import Case
from engine.explaining.owed_duties import DutyLine, OwedDuty, length_of
from engine.explaining.phrasebook import Phrasebook
from engine.policy_language.calendars import due_day
from engine.rules import AS_OF, Due, Truth
from engine.values.outcome_levels import Level
from engine.verdict import numbers

REMEMBERED = 4_096  # duties that are kept as they are written


class DutyWriter:
    """Writes the duties of decisions under one bundle in one language."""

    def __init__(self, book: Phrasebook) -> None:
        self.bundle = book.bundle
        self.book = book
        rules = self.bundle.rules
        self._refusing = sum(1 << n for n, rule in enumerate(rules.rules) if any(d.arises == "refusal" for d in rule.duties))
        self._owing: dict[tuple[str, bool, Truth, date | None], DutyLine] = {}
        self._owners = {d.key: book.text(r.title) for r in rules.requirements.values() for d in r.duties}
        self._places = rules.owners()
        self._owners |= {d.key: book.source(r.provision) for r in rules.rules for d in r.duties}

    def told(self, case: Case) -> Iterator[DutyLine]:
        """The duties that are owed, or may be."""
        for key, certain, overdue in self._owed(case):
            yield self._duty(case, key, certain, overdue)

    def owed(self, case: Case) -> Iterator[OwedDuty]:
        """The same duties, each with whether it is done and how long its proof is kept."""
        for key, certain, overdue in self._owed(case):
            duty = self.bundle.duties[key]
            done = duty.done_when is not None and case.judgement.reading(duty.done_when) is Truth.YES
            yield OwedDuty(self._duty(case, key, certain, overdue).part, done, length_of(duty))

    def _owed(self, case: Case) -> Iterator[tuple[str, bool, Truth]]:
        """The key of each duty that is owed or may be, whether it certainly is, and whether it is overdue."""
        places, elsewhere = self._places, case.elsewhere
        owed, overdue = case.verdict.owed, case.verdict.overdue
        for key in sorted(owed, key=lambda key: places[key] in elsewhere):
            yield key, owed[key] is Truth.YES, overdue.get(key, Truth.UNKNOWN)
        for number in numbers(case.verdict.stands.possible & self._refusing):
            rule = case.verdict.rules[number]
            bounds = case.outcome.jurisdictions.get(rule.provision.jurisdiction)
            for duty in rule.duties:
                if duty.arises == "refusal" and bounds and bounds.low is Level.PROHIBITED:
                    yield duty.key, case.verdict.stands.truth(number) is Truth.YES, Truth.NO

    def _duty(self, case: Case, key: str, certain: bool, overdue: Truth) -> DutyLine:
        duty = self.bundle.duties[key]
        due = self._due(case, duty.due) if duty.due else None
        written = (key, certain, overdue, due)
        told = self._owing.get(written)
        if told is None:
            if len(self._owing) >= REMEMBERED:
                self._owing.clear()
            part = DutyPart(
                duty=self.book.text(duty.text),
                who=self.book.language.role(duty.who),
                citation=self.book.language.citation(self.book.text(duty.cite)),
                under=self._owners[key],
                certain=certain,
                due=due,
                overdue=TRUTH_WORDS[overdue],
                keep=self.book.keep(duty),
                arises=duty.arises,
            )
            told = self._owing[written] = DutyLine.of(part, self._places[key])
        return told

    def _due(self, case: Case, due: Due) -> date | None:
        """The last day of a duty, where it is known from when it is counted."""

        def start(fact: str) -> date | None:
            value = case.as_of if fact == AS_OF else case.exchange.value(fact)
            return value if isinstance(value, date) else None

        return due_day(due, start, self.bundle.rules.calendars)

"""
Writes what laws order against each other: who compels whom to what, and which law refuses it; and a lane that meets a bar (semantics 4.7).

A case goes in; the parts of its answer and its explanation come out, those of the places concerned first. A conflict that is written alike
in many decisions is written once and kept.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.deciding.combine import Conflict
from engine.decision import ConflictPart, QuestionPart
from engine.explaining.case import Case
from engine.explaining.phrasebook import Phrasebook
from engine.verdict import numbers

REMEMBERED = 256  # conflicts
REFUSING = 3  # provisions of those that refuse what another law compels, which a conflict names


class ConflictWriter:
    """Writes the conflicts of decisions under one bundle in one language; `laned` are the rules that open lanes, as bits."""

    def __init__(self, book: Phrasebook, laned: int) -> None:
        self.bundle = book.bundle
        self.book = book
        self._laned = laned
        self._written: dict[tuple[Conflict, str], ConflictPart] = {}

    def of(self, case: Case) -> Iterator[ConflictPart]:
        found = enumerate(case.outcome.conflicts)
        for place, each in sorted(found, key=lambda each: case.rank.get(each[1].rule.provision.jurisdiction, 0)):
            question = case.disputing.get(place)
            key = (each, question.fact if question else "")
            if key not in self._written:
                if len(self._written) >= REMEMBERED:
                    self._written.clear()
                self._written[key] = self._conflict(each, question)
            yield self._written[key]
        lanes = case.verdict.stands.certain & self._laned
        if lanes and case.outcome.bounds.low.refused:
            open_ = [case.verdict.rules[number] for number in numbers(lanes)]
            names = list(dict.fromkeys(self.book.text(self.bundle.vocabulary.lanes[rule.lane].title) for rule in open_))
            text = self.book.language.open_lane(names, case.outcome.bounds.low)
            yield ConflictPart(kind="notice", text=text, provisions=[rule.provision.id for rule in open_])

    def _conflict(self, conflict: Conflict, question: QuestionPart | None) -> ConflictPart:
        """Who compels whom to what, and which law refuses it; of the provisions that refuse the first few are named."""
        book, rule = self.book, conflict.rule
        refusing = list(dict.fromkeys(book.source(each) for each in conflict.refusing))
        text = book.language.conflict(
            book.source(rule.provision),
            book.clause(rule.message),
            book.law(conflict.jurisdiction),
            book.language.listed(refusing[:REFUSING], more=max(0, len(refusing) - REFUSING)),
            conflict.compels,
            conflict.refuses,
        )
        text = book.language.one_after_another([text, question.question]) if question else text
        provisions = [rule.provision.id, *(each.id for each in conflict.refusing[:REFUSING])]
        asked = question.fact if question else None
        return ConflictPart(kind="conflict", text=text, certain=conflict.certain, asks=asked, provisions=provisions)

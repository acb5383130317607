"""
Remedies: sets of changes that would let a refused exchange go ahead, each verified by evaluating the changed exchange.

At most five are told, the smallest first. They are what ways in combination make (`combined_ways`): documents and facts, and only where
these make no permit, also claims, which an exporter may make only if they are so. No remedy contradicts the exchange (semantics 1.5).
Source: semantics 4.9, 4.13.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cached_property

from engine.backends.lanes.lane_runner import LaneRunner
from engine.bundle import Bundle
from engine.deciding.combine import Evaluate
from engine.deciding.judgement import Judgement
from engine.decision import ChangePart, RemediesPart, RemedyPart
from engine.exchange import Exchange
from engine.explaining.phrasebook import Phrasebook, shown
from engine.questions.combined_ways import CombinedWays, PermittingChanges, VariantLanes, WaysToPermit
from engine.questions.levers import Levers
from engine.questions.refusal_ends import RefusalEnds
from engine.questions.taken_ways import TakenWays
from engine.questions.ways import CLAIMS, MET, Ways
from engine.rules import tests
from engine.values import Document, Missing, Value
from engine.values.outcome_levels import Level
from engine.verdict import Verdict

REFUSALS = tuple(level.word for level in Level if level.refused)
MAX_REMEDIES = 5


class Remedies:
    """Finds remedies under one bundle. Made once; safe for several threads."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.levers = Levers(bundle)
        self._book = Phrasebook(bundle)
        self._duties = bundle.rules.duties()
        self._met_by: dict[str, list[str]] = {}  # kinds of documents, and the requirements that grounds testing them meet
        for rule in bundle.rules.rules:
            for name in dict.fromkeys(
                atom.fact for atom in tests(rule.condition, bundle.rules.definitions) if atom.op == "counts"
            ):
                self._met_by.setdefault(name, []).extend(rule.satisfies)

    @cached_property
    def ends(self) -> RefusalEnds:
        """What would end each reason for a refusal, beside the ways of the bundle."""
        return RefusalEnds(Ways(self.bundle, self.levers.facts), self.levers)

    @property
    def ways(self) -> Ways:
        """The ways of the bundle."""
        return self.ends.ways

    def find(
        self, exchange: Exchange, as_of: date, evaluate: Evaluate, runner: LaneRunner, book: Phrasebook | None = None
    ) -> RemediesPart:
        """
        The remedies of an exchange on a day; none where it is not refused, nor where it is undetermined, since questions come first.

        `runner` is the program of the bundle, and `evaluate` verifies what it finds. The sentences are in the language of `book`, in
        English without a book.
        """
        verdict, outcome = evaluate(exchange, as_of)
        if outcome.word not in REFUSALS:
            return RemediesPart(searched="all")
        lanes = VariantLanes(runner, exchange, as_of)
        complete = True
        for claims in (False, True):
            taken = TakenWays(self.ends, self.levers, exchange, as_of, verdict.truth, claims)
            search = CombinedWays(taken, lanes, evaluate)
            found = search.run(MAX_REMEDIES)
            complete = complete and search.complete and taken.complete
            if found or search.hopeless:
                break
        parts = [self._part(taken, verdict, each, book or self._book) for each in found]
        return RemediesPart(remedies=parts, searched="all" if complete else "partly")

    def to_permit(self, judgement: Judgement, evaluate: Evaluate, runner: LaneRunner) -> WaysToPermit:
        """Which ways lead to a permit of a judged exchange."""
        exchange, as_of = judgement.exchange, judgement.as_of
        taken = TakenWays(self.ends, self.levers, exchange, as_of, judgement.verdict.truth, claims=True)
        return WaysToPermit(taken, VariantLanes(runner, exchange, as_of), evaluate)

    def _part(self, taken: TakenWays, verdict: Verdict, found: PermittingChanges, book: Phrasebook) -> RemedyPart:
        dearest = sorted(found.changes.items(), key=lambda each: self.levers.number(each[0]))
        own = [each for each in dearest if not self._brings(taken, each[0], found.changes)]
        brought = [each for each in dearest if each not in own]
        return RemedyPart(
            changes=[self._change(taken, verdict, name, value, book) for name, value in (*own, *brought)],
            outcome=found.outcome.word,
            duties=list(dict.fromkeys(book.text(self._duties[key].text) for key in found.verdict.owed)),
        )

    @staticmethod
    def _brings(taken: TakenWays, name: str, changes: Mapping[str, Value]) -> bool:
        """Whether a fact changes with another one of some changes."""
        return any(name in taken.brought(other, value) for other, value in changes.items() if other != name)

    def _change(self, taken: TakenWays, verdict: Verdict, name: str, value: Value, book: Phrasebook) -> ChangePart:
        exchange, as_of = taken.exchange, taken.as_of
        unmet = [r for r in self._met_by.get(name, ()) if verdict.requirements[r] != MET]
        return ChangePart(
            fact=name,
            from_=shown(self.bundle.vocabulary, exchange, name, as_of),
            to=shown(self.bundle.vocabulary, exchange.with_values({name: value}), name, as_of),
            do=self._sentence(name, exchange.values.get(name, Missing.LEFT_OUT), value, book),
            how=book.text(self.bundle.rules.requirements[unmet[0]].how) if unmet else "",
        )

    def _sentence(self, name: str, sent: Value, value: Value, book: Phrasebook) -> str:
        title = book.title(name)
        if not isinstance(value, Document):
            type = self.bundle.vocabulary.facts[name].type
            old = "" if isinstance(sent, Missing) else book.value(type, sent)
            alike = isinstance(value, str) and value not in self.levers.named(name)
            return book.language.change(title, old, book.value(type, value), alike)
        if name.startswith(CLAIMS):
            return book.language.claim(title)
        there = sent.fields if isinstance(sent, Document) and sent.state == "shown" else {}
        step = "obtain" if not there else "complete" if there.get("dated") == value.fields.get("dated") else "renew"
        new = [(field, inner) for field, inner in value.fields.items() if there.get(field) != inner]
        return book.language.obtain(
            title, step, [(field, book.value(self.bundle.vocabulary.fields[field], inner)) for field, inner in new]
        )

"""
The policy decision point: one bundle, the engines of its mode, and a decision for each exchange.

In the mode `checked` two engines that share nothing but the checked rules evaluate every exchange, and their verdicts are
compared field by field. A disagreement or a failing engine is never a permit: the answer is the stricter of `review` and both
(semantics 5.4).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from engine.backends.durable import Durable
from engine.backends.reference import Reference
from engine.bundle import Bundle
from engine.case import Case
from engine.combine import Outcome, combine
from engine.combine import word as outcome_word
from engine.decision import Decision, EnginePart, MissingPart
from engine.exchange import Exchange
from engine.explain import decision as tell
from engine.missing import missing
from engine.rules import Level, RuleSet
from engine.values import Value
from engine.verdict import Bounds, Engine, Verdict
from engine.version import VERSION
from engine.words import Phrasebook

MODES = {"checked": ("reference", "durable"), "reference": ("reference",), "durable": ("durable",)}


class PDP:
    """
    Decides exchanges under one bundle.

    `mode` is "checked", "reference" or "durable". Calls may come from several threads; they take turns, since durable-rules is one
    engine a process.
    """

    def __init__(self, bundle: Bundle, mode: str = "checked") -> None:
        if mode not in MODES:
            raise ValueError(f"there is no mode `{mode}`; use one of {', '.join(MODES)}")
        self.bundle = bundle
        self.mode = mode
        self.reference = Reference(bundle.rules)
        makers: dict[str, Callable[[], Engine]] = {
            "reference": lambda: self.reference,
            "durable": lambda: Durable(bundle.rules),
        }
        self.engines: tuple[Engine, ...] = tuple(makers[name]() for name in MODES[mode])
        self._without_reviews = Reference(_without_reviews(bundle.rules))
        self._book = Phrasebook(bundle)
        self._lock = threading.Lock()

    def decide(self, exchange: Exchange, *, as_of: date, today: date, id: str) -> Decision:
        """
        The decision on an exchange.

        `as_of` is the day whose law counts; where it is not `today`, the decision is hypothetical. `id` is the caller's.
        """
        with self._lock:
            verdict, outcome, part = self._judge(exchange, as_of)
            case = Case(
                bundle=self.bundle,
                reference=self.reference,
                book=self._book,
                exchange=exchange,
                as_of=as_of,
                hypothetical=as_of != today,
                id=id,
                verdict=verdict,
                outcome=outcome,
                beneath=self._beneath(exchange, as_of, outcome) if part.agreed else outcome.bounds,
                missing=self._missing(exchange, verdict, outcome, as_of) if part.agreed else (),
                engine=part,
            )
            return tell(case)

    def verdict(self, exchange: Exchange, as_of: date) -> Verdict:
        """The reference's verdict, for tests of definitions."""
        return self.reference.evaluate(exchange, as_of)

    def _missing(self, exchange: Exchange, verdict: Verdict, outcome: Outcome, as_of: date) -> Sequence[MissingPart]:
        def answered(answers: Mapping[str, Value]) -> Outcome:
            told = exchange.with_values(answers)
            return combine(self.bundle, told, self.reference.again(verdict, told, as_of, answers), as_of)

        return missing(self.bundle, exchange, verdict, outcome, as_of, answered)

    def _judge(self, exchange: Exchange, as_of: date) -> tuple[Verdict, Outcome, EnginePart]:
        found: list[tuple[str, Verdict, Outcome]] = []
        trouble: list[str] = []
        for engine in self.engines:
            try:
                verdict = engine.evaluate(exchange, as_of)
                outcome = combine(self.bundle, exchange, verdict, as_of)
                if found:
                    first = found[0]
                    trouble += [f"{first[0]} / {engine.name}: {text}" for text in first[1].differences(verdict)]
                found.append((engine.name, verdict, outcome))
            except Exception as error:  # noqa: BLE001 - an engine that fails for any reason ends in a review, never in a permit
                # Only its kind: a message may quote a personal value, and this goes into the decision and the log.
                trouble.append(f"{engine.name} failed: {type(error).__name__}")
        if not found:
            raise EnginesFailed("; ".join(trouble))
        part = EnginePart(
            version=VERSION,
            mode=self.mode,
            engines=[e.name for e in self.engines],
            agreed=not trouble,
            disagreement=trouble[:50],
        )
        _, verdict, outcome = found[0]
        if not trouble:
            return verdict, outcome, part
        strictest = max([Level.REVIEW, *(o.bounds.high for _, _, o in found)])
        bounds = Bounds(strictest, strictest)
        return verdict, Outcome(outcome_word(bounds), bounds, outcome.jurisdictions, outcome.coverage, outcome.conflicts), part

    def _beneath(self, exchange: Exchange, as_of: date, outcome: Outcome) -> Bounds:
        """The outcome with every review a person may sign off put away (semantics 4.6); doubtful lifts are not accepted here."""
        if outcome.bounds.high < Level.REVIEW:
            return outcome.bounds
        verdict = self._without_reviews.evaluate(exchange, as_of)
        return combine(self.bundle, exchange, verdict, as_of).bounds


class EnginesFailed(RuntimeError):
    """No engine could evaluate the exchange; there is no decision."""


def _without_reviews(rules: RuleSet) -> RuleSet:
    return RuleSet(
        definitions=rules.definitions,
        rules=tuple(rule for rule in rules.rules if rule.effect != "review"),
        requirements=rules.requirements,
        floors=rules.floors,
        registers=rules.registers,
        families=rules.families,
    )

"""
The outcome of a row of a table, and the outcomes of many rows as columns.

A judgement goes in, a row's outcome comes out: the bounds overall and by jurisdiction, what stands and may stand, what is unmet, what
stands beside, the coverage, and the facts to find out; or what the door refused. Lists are JSON in a text, so that every format has them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.deciding.combine import MET
from engine.deciding.judgement import BEARING, Judgement
from engine.exchange_input.exchange_problems import ExchangeProblem
from engine.rules import Need, RuleSet
from engine.tables import arrow
from engine.tables.arrow import ArrowColumn, Codes
from engine.values.outcome_levels import Level
from engine.verdict import Verdict, numbers

PROBLEM = "problem"  # the outcome of a row that the door refused; it is never a permit
REMEMBERED = 4_096  # lists of provisions whose text is kept
_NONE = "[]"


@dataclass(frozen=True, kw_only=True)  # without slots: the cached digest needs the instance's dictionary
class RowOutcome:
    """
    The outcome of a row, each member as its column has it.

    `low` and `high` are levels, "" where the door refused the row; then `problems` says why. `jurisdictions` has the two bounds of each
    jurisdiction whose law applies or may. `stands` and `may_stand` are provisions, `unmet` requirements, `besides` what a person must look
    at beside a stricter outcome. `gaps` are the places and subject matters on which law is silent or its reach is in doubt, `coverage`
    those that a permit stands on. `missing` are the facts to find out, the best to ask for first.
    """

    as_of: date | None
    outcome: str
    low: str = ""
    high: str = ""
    proceed: bool = False
    jurisdictions: str = "{}"
    stands: str = _NONE
    may_stand: str = _NONE
    unmet: str = _NONE
    besides: str = _NONE
    gaps: str = _NONE
    coverage: str = _NONE
    missing: str = _NONE
    problems: tuple[ExchangeProblem, ...] = ()

    @cached_property
    def document(self) -> bytes:
        """The outcome as canonical JSON: what a proof of the row is about. Of problems it has the number."""
        return outcome_document({name: getattr(self, name) for name in TOLD} | {"problems": len(self.problems)})

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.document).hexdigest()


TOLD = tuple(each.name for each in fields(RowOutcome) if each.name != "problems")
LISTS = ("jurisdictions", "stands", "may_stand", "unmet", "besides", "gaps", "coverage", "missing")  # JSON in a text


def outcome_document(members: dict[str, object]) -> bytes:
    """The members of an outcome, as their columns have them, as canonical JSON."""
    told = {name: value.isoformat() if isinstance(value, date) else value for name, value in members.items()}
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def refused(problems: Sequence[ExchangeProblem], as_of: date | None) -> RowOutcome:
    """The outcome of a row that the door refused."""
    return RowOutcome(as_of=as_of, outcome=PROBLEM, problems=tuple(problems))


class OutcomeReader:
    """Reads judgements under one rule set as outcomes of rows."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules.rules
        self._bearing = sum(1 << number for number, rule in enumerate(rules.rules) if rule.effect in BEARING)
        self._texts: dict[int, str] = {}

    def read(self, judgement: Judgement, today: date | None) -> RowOutcome:
        """The outcome of a judgement. It may proceed only where it was judged as of `today`."""
        outcome = judgement.outcome
        possible, certain = judgement.verdict.stands
        bounds, covered = outcome.bounds, outcome.coverage
        return RowOutcome(
            as_of=judgement.as_of,
            outcome=outcome.word,
            low=bounds.low.word,
            high=bounds.high.word,
            proceed=today is not None and judgement.proceeds(today),
            jurisdictions=_text(
                {name: [each.low.word, each.high.word] for name, each in sorted(outcome.jurisdictions.items())}
            ),
            stands=self._provisions(certain & self._bearing),
            may_stand=self._provisions(possible & ~certain & self._bearing),
            unmet=_text(list(unmet(judgement))),
            besides=_text(list(besides(judgement))),
            gaps=_text([f"{each.place or 'unknown'}/{each.subject}" for each in covered.silences]),
            coverage=_text([f"{place}/{subject}" for place, subject in covered.stands_on] if outcome.permits else []),
            missing=_text(list(judgement.open_facts)),
        )

    def _provisions(self, mask: int) -> str:
        """The ids of the provisions of some rules, each once."""
        found = self._texts.get(mask)
        if found is None:
            if len(self._texts) >= REMEMBERED:
                self._texts.clear()
            ids = dict.fromkeys(self._rules[number].provision.id for number in numbers(mask))
            found = self._texts[mask] = _text(list(ids))
        return found


def unmet(judgement: Judgement) -> Iterable[str]:
    """The requirements that are not met for certain, of what provisions that certainly stand ask for and nothing else meets."""
    verdict = judgement.verdict
    standing = (verdict.rules[number] for number in judgement.stand)
    open_ = (rule.need for rule in standing if rule.need and not _met(rule.need, verdict))
    names = dict.fromkeys(name for need in open_ for name in need.requirements())
    return (name for name in names if verdict.requirements[name] != MET)


def _met(need: Need, verdict: Verdict) -> bool:
    """Whether a need is met for certain."""
    if need.op == "one":
        return verdict.requirements[need.requirement] == MET
    parts = (_met(part, verdict) for part in need.parts)
    return any(parts) if need.op == "any_of" else all(parts)


def besides(judgement: Judgement) -> Iterable[str]:
    """What a person certainly must look at beside a stricter outcome: provisions, and law that is silent (semantics 4.1)."""
    if judgement.outcome.bounds.low <= Level.REVIEW:
        return ()
    signed = {part.provision for part in judgement.signed_off}
    standing = (judgement.verdict.rules[number] for number in judgement.stand)
    reviews = (rule.provision.id for rule in standing if rule.effect == "review" and rule.provision.id not in signed)
    silent = (f"{each.place}/{each.subject}" for each in judgement.outcome.coverage.silences if each.certain)
    return dict.fromkeys((*reviews, *silent))


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def outcome_columns(outcomes: Sequence[RowOutcome], codes: Codes) -> list[ArrowColumn]:
    """The columns of some rows; `codes` has for each row the number of its outcome."""

    def text(name: str) -> ArrowColumn:
        return arrow.texts(name, [getattr(each, name) for each in outcomes], codes)

    def each_row(of: Callable[[RowOutcome], int], kind: type[np.generic]) -> NDArray[np.generic]:
        return np.array([of(each) for each in outcomes], dtype=kind)[codes]

    return [
        arrow.days("as_of", [each.as_of for each in outcomes], codes),
        *(text(name) for name in ("outcome", "low", "high")),
        arrow.truths("proceed", np.array([each.proceed for each in outcomes], dtype=np.bool_)[codes]),
        *(text(name) for name in LISTS),
        arrow.numbers("problems", each_row(lambda each: len(each.problems), np.int32)),
    ]

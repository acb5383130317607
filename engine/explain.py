"""
From a verdict and an outcome to the Decision document: every line with its provision, its citation and the facts it rests on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from engine.answer import answer, join, plain
from engine.case import Case
from engine.combine import word as outcome_word
from engine.decision import (
    AdvicePart,
    BeatenPart,
    BoundsPart,
    ConflictPart,
    CoveragePart,
    Decision,
    DigestsPart,
    DutyPart,
    EvidencePart,
    JurisdictionPart,
    NotModelledPart,
    ReasonPart,
    RequirementPart,
)
from engine.factor import account
from engine.rules import AS_OF, Condition, Duty, Level, Rule, Truth
from engine.verdict import Bounds
from engine.words import shown

WEIGHING = frozenset({"prohibit", "require", "oblige", "review", "compels"})
TRUTH_WORDS = {Truth.NO: "no", Truth.UNKNOWN: "unknown", Truth.YES: "yes"}


def decision(case: Case) -> Decision:
    """The decision document of a case."""
    return _Teller(case).tell()


class _Teller:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.bundle = case.bundle
        self.verdict = case.verdict
        self.judge: Callable[[Condition], Truth] = case.reference.judge(case.exchange, case.as_of, case.verdict)
        self.standing = case.standing

    def tell(self) -> Decision:
        case, outcome = self.case, self.case.outcome
        requirements = self.requirements()
        duties = self.duties()
        return Decision(
            schema="fifthfactor/decision/1",
            id=case.id,
            proceed=outcome.permits and not case.hypothetical,
            answer=answer(case, requirements, duties),
            outcome=outcome.word,
            bounds=_bounds(outcome.bounds),
            beneath=_bounds(case.beneath),
            as_of=case.as_of,
            hypothetical=case.hypothetical,
            jurisdictions=[self.jurisdiction(name, bounds) for name, bounds in sorted(outcome.jurisdictions.items())],
            reasons=[self.reason(rule) for rule in self.telling()],
            beaten=self.beaten(),
            requirements=requirements,
            duties=duties,
            advice=self.advice(),
            conflicts=self.conflicts(),
            missing=list(case.missing),
            coverage=self.coverage(),
            factor=account(case.book, case.exchange, self.verdict, self.judge),
            bundle=DigestsPart(meaning=self.bundle.digests.meaning, source=self.bundle.digests.source),
            engine=case.engine,
        )

    # Parts

    def jurisdiction(self, name: str, bounds: Bounds) -> JurisdictionPart:
        return JurisdictionPart(
            jurisdiction=name, title=self.case.place(name), outcome=outcome_word(bounds), bounds=_bounds(bounds)
        )

    def telling(self) -> list[Rule]:
        """The rules worth telling: those that weigh, that lift for certain, or that may lift something that weighs."""
        asked = {name for rule in self.standing if rule.need for name in rule.need.requirements()}
        holding = {rule.key for rule in self.bundle.rules.rules if self.verdict.holds[rule.key] is not Truth.NO}
        weighing = {rule.key for rule in self.bundle.rules.rules if rule.effect in WEIGHING and rule.key in holding}
        lifting = {rule.key for rule in self.standing if rule.effect == "exempts"}
        told = []
        for rule in self.standing:
            if rule.effect in ("satisfies", "exempts"):
                certain = self.verdict.standing[rule.key] is Truth.YES
                touches = bool(asked & {*rule.satisfies, *rule.excuses} or (weighing | lifting) & set(rule.exempts))
                if certain or touches:
                    told.append(rule)
            elif rule.effect in WEIGHING:
                told.append(rule)
        return told

    def reason(self, rule: Rule) -> ReasonPart:
        provision = rule.provision
        standing = self.verdict.standing[rule.key]
        need = list(rule.need.requirements()) if rule.need else list(rule.satisfies)
        return ReasonPart(
            provision=provision.id,
            citation=provision.citation,
            instrument=provision.instrument,
            jurisdiction=provision.jurisdiction,
            force=provision.force,
            mark=provision.status,
            effect=rule.effect,
            title=provision.title,
            says=provision.says,
            message=rule.message,
            requires=need,
            standing="certain" if standing is Truth.YES else "possible",
            evidence=self.evidence(rule),
            source=provision.source,
            at=f"{provision.file}:{provision.line}",
        )

    def evidence(self, rule: Rule) -> list[EvidencePart]:
        """Each test a rule rests on, with the fact it met."""
        lines: dict[tuple[str, str], EvidencePart] = {}
        for atom in self.case.book.tests(rule):
            key = (atom.fact, self.case.book.phrase(atom))
            if atom.fact != AS_OF and key not in lines:
                value = shown(self.bundle.vocabulary, self.case.exchange, atom.fact, self.case.as_of)
                lines[key] = EvidencePart(fact=atom.fact, test=key[1], value=value, truth=TRUTH_WORDS[self.judge(atom)])
        return list(lines.values())

    def beaten(self) -> list[BeatenPart]:
        found: dict[str, BeatenPart] = {}
        for rule in self.bundle.rules.rules:
            holds, standing = self.verdict.holds[rule.key], self.verdict.standing[rule.key]
            doubted = self.verdict.doubted[rule.key]
            if rule.effect == "exempts" or holds is Truth.NO or (standing is holds and doubted is Truth.NO):
                continue
            by = [e for e in self.standing if rule.key in e.exempts]
            found[rule.provision.id] = BeatenPart(
                provision=rule.provision.id,
                by=list(dict.fromkeys(e.provision.id for e in by)),
                certain=standing is Truth.NO or doubted is Truth.YES,
                doubtful=standing is holds,
            )
        return list(found.values())

    def requirements(self) -> list[RequirementPart]:
        parts = []
        for name, requirement in self.bundle.rules.requirements.items():
            by = [rule.provision.id for rule in self.standing if rule.need and name in rule.need.requirements()]
            if not by:
                continue
            states = self.verdict.requirements[name]
            state = next(iter(states)).name.lower() if len(states) == 1 else "unknown"
            met_by = [r.provision.id for r in self.standing if name in r.satisfies or name in r.excuses]
            parts.append(
                RequirementPart(
                    requirement=name,
                    title=requirement.title,
                    state=state,
                    how=requirement.how,
                    met_by=list(dict.fromkeys(met_by)),
                    required_by=by,
                )
            )
        return parts

    def duties(self) -> list[DutyPart]:
        parts = []
        owners = {d.key: r.title for r in self.bundle.rules.requirements.values() for d in r.duties}
        owners |= {
            d.key: f"{r.provision.instrument}, {r.provision.citation}" for r in self.bundle.rules.rules for d in r.duties
        }
        for key, owed in self.verdict.owed.items():
            parts.append(self._duty_part(self.case.reference.duties[key], owners[key], owed is Truth.YES))
        for rule in self.standing:
            refused = self.case.outcome.jurisdictions.get(rule.provision.jurisdiction)
            for duty in rule.duties:
                if duty.arises == "refusal" and refused and refused.low is Level.PROHIBITED:
                    parts.append(self._duty_part(duty, owners[duty.key], self.verdict.standing[rule.key] is Truth.YES))
        return parts

    def _duty_part(self, duty: Duty, under: str, certain: bool) -> DutyPart:
        due = None
        if duty.due and not duty.due.within.working_days:
            start = self.case.as_of if duty.due.after == AS_OF else self.case.exchange.value(duty.due.after)
            due = duty.due.within.after(start) if isinstance(start, date) else None
        return DutyPart(
            duty=duty.text,
            who=duty.who,
            citation=duty.cite,
            under=under,
            certain=certain,
            due=due,
            overdue=TRUTH_WORDS[self.verdict.overdue[duty.key]],
            keep=duty.keep,
            arises=duty.arises,
        )

    def advice(self) -> list[AdvicePart]:
        return [
            AdvicePart(
                provision=r.provision.id,
                citation=r.provision.citation,
                force=r.provision.force,
                mark=r.provision.status,
                advice=r.message,
                lane=r.lane,
            )
            for r in self.standing
            if r.effect == "advise" and self.verdict.standing[r.key] is Truth.YES
        ]

    def conflicts(self) -> list[ConflictPart]:
        parts = [
            ConflictPart(
                kind="conflict",
                text=f"{rule.provision.instrument} ({rule.provision.citation}) compels what the law of {name} refuses.",
                provisions=[rule.provision.id],
            )
            for rule, name in self.case.outcome.conflicts
        ]
        open_ = [r for r in self.standing if r.lane and self.verdict.standing[r.key] is Truth.YES]
        if open_ and self.case.outcome.bounds.low >= Level.REQUIREMENTS_UNMET:
            lanes = join(list(dict.fromkeys(self.bundle.vocabulary.lanes[r.lane].title.en for r in open_)))
            parts.append(
                ConflictPart(
                    kind="notice",
                    text=f"A lane is open ({lanes}), and it lifts no law: the outcome stays {plain(self.case.outcome.bounds.low)}.",
                    provisions=[r.provision.id for r in open_],
                )
            )
        return parts

    def coverage(self) -> CoveragePart:
        gaps = self.case.outcome.coverage.gaps
        names = self.case.outcome.coverage.jurisdictions
        notes = [j.note.en for name in names if (j := self.bundle.vocabulary.jurisdictions[name]).note]
        parts = [
            NotModelledPart(
                country=g.country or "unknown",
                subject=g.subject or "all",
                touched_as=list(g.roles),
                certain=g.certain,
                reviewed=g.reviewed,
            )
            for g in gaps
        ]
        return CoveragePart(jurisdictions=list(names), not_modelled=parts, notes=notes)


def _bounds(bounds: Bounds) -> BoundsPart:
    return BoundsPart(lowest=bounds.low.word, highest=bounds.high.word)

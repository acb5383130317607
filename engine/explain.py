"""
From a verdict and an outcome to the Decision document: every line with its provision, its citation and the facts it rests on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from engine.backends.reference import Reference
from engine.bundle import Bundle
from engine.combine import Outcome
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
    EnginePart,
    EvidencePart,
    JurisdictionPart,
    MissingPart,
    NotModelledPart,
    ReasonPart,
    RequirementPart,
)
from engine.exchange import Exchange
from engine.factor import account
from engine.rules import AS_OF, Condition, Duty, Level, Rule, State, Truth
from engine.verdict import Bounds, Verdict
from engine.words import phrase, shown, tests

WEIGHING = frozenset({"prohibit", "require", "oblige", "review", "compels"})
TRUTH_WORDS = {Truth.NO: "no", Truth.UNKNOWN: "unknown", Truth.YES: "yes"}


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a decision is told from."""

    bundle: Bundle
    reference: Reference
    exchange: Exchange
    as_of: date
    hypothetical: bool
    id: str
    verdict: Verdict
    outcome: Outcome
    beneath: Bounds
    missing: Sequence[MissingPart]
    engine: EnginePart


def decision(case: Case) -> Decision:
    """The decision document of a case."""
    return _Teller(case).tell()


class _Teller:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.bundle = case.bundle
        self.verdict = case.verdict
        self.judge: Callable[[Condition], Truth] = case.reference.judge(case.exchange, case.as_of)
        self.standing = [r for r in self.bundle.rules.rules if case.verdict.standing[r.key] is not Truth.NO]

    def tell(self) -> Decision:
        case, outcome = self.case, self.case.outcome
        requirements = self.requirements()
        duties = self.duties()
        return Decision(
            schema="fifthfactor/decision/1",
            id=case.id,
            proceed=outcome.permits and not case.hypothetical,
            answer=self.answer(requirements, duties),
            outcome=outcome.word,
            bounds=_bounds(outcome.bounds),
            beneath=_bounds(case.beneath),
            as_of=case.as_of,
            hypothetical=case.hypothetical,
            jurisdictions=[self.jurisdiction(name, bounds) for name, bounds in sorted(outcome.jurisdictions.items())],
            reasons=[self.reason(rule) for rule in self.standing if rule.effect in WEIGHING | {"satisfies", "exempts"}],
            beaten=self.beaten(),
            requirements=requirements,
            duties=duties,
            advice=self.advice(),
            conflicts=self.conflicts(),
            missing=list(case.missing),
            coverage=self.coverage(),
            factor=account(self.bundle, case.exchange, self.verdict, self.judge),
            bundle=DigestsPart(meaning=self.bundle.digests.meaning, source=self.bundle.digests.source),
            engine=case.engine,
        )

    # The answer in one sentence

    def answer(self, requirements: Sequence[RequirementPart], duties: Sequence[DutyPart]) -> str:
        outcome = self.case.outcome
        prefix = f"Hypothetically, on {self.case.as_of.isoformat()}: " if self.case.hypothetical else ""
        if not self.case.engine.agreed:
            return prefix + "Do not proceed: the engines disagree on this exchange, so a person must look at it."
        match outcome.word:
            case "permitted":
                text = "This may go ahead" + self._under() + "."
            case "permitted_with_obligations":
                owed = [d.duty.rstrip(".") for d in duties if d.arises == "exchange"]
                text = f"This may go ahead{self._under()}, with {_count(len(owed), 'duty', 'duties')}: {'; '.join(owed[:3])}{'; …' if len(owed) > 3 else ''}."
            case "requirements_unmet":
                text = "Do not proceed yet: " + self._unmet(requirements)
            case "review":
                text = "Do not proceed before a person has looked at it: " + self._why(Level.REVIEW)
            case "prohibited":
                text = "Do not proceed: " + self._why(Level.PROHIBITED)
            case "not_applicable":
                text = "No policy here applies to this exchange; that is not a permit."
            case _:
                text = "This cannot be decided yet: " + self._unknown()
        return prefix + text

    def _under(self) -> str:
        names = [
            p.title
            for p in (self.jurisdiction(n, b) for n, b in sorted(self.case.outcome.jurisdictions.items()))
            if p.outcome != "not_applicable"
        ]
        return f" under the law of {_join(names)}" if names else ""

    def _unmet(self, requirements: Sequence[RequirementPart]) -> str:
        needed = []
        for rule in self.standing:
            if rule.need and self.verdict.standing[rule.key] is Truth.YES:
                unmet = [r for r in requirements if r.requirement in rule.need.requirements() and r.state != "met"]
                if unmet:
                    join = " or " if rule.need.op == "any_of" else " and "
                    needed.append(
                        join.join(_small(r.title) for r in unmet)
                        + f" ({rule.provision.instrument}, {rule.provision.citation})"
                    )
        needed = list(dict.fromkeys(needed))
        return f"{_count(len(needed), 'thing is', 'things are')} required and not shown: {'; '.join(needed[:4])}{'; …' if len(needed) > 4 else ''}."

    def _why(self, level: Level) -> str:
        why = [
            f"{rule.message.rstrip('.') or rule.provision.title} ({rule.provision.instrument}, {rule.provision.citation})"
            for rule in self.standing
            if rule.effect == ("review" if level is Level.REVIEW else "prohibit")
            and self.verdict.standing[rule.key] is Truth.YES
        ]
        if level is Level.REVIEW:
            why += [text.rstrip(".") for text in self._gap_sentences(certain=True)]
            why += [
                f"{_small(self.bundle.rules.requirements[name].title)} rests on a ground that is doubtful"
                for name, states in self.verdict.requirements.items()
                if states == frozenset((State.DOUBTFUL,)) and self._asked(name)
            ]
            why += [
                f"a duty is overdue: {self._duty(key).text.rstrip('.')}"
                for key, owed in self.verdict.owed.items()
                if owed is Truth.YES and self.verdict.overdue[key] is Truth.YES
            ]
            why += [
                f"{rule.provision.title} is lifted only in doubt"
                for rule in self.standing
                if self.verdict.doubted[rule.key] is Truth.YES
            ]
        why = list(dict.fromkeys(why))
        return "; ".join(why[:3]) + ("; …" if len(why) > 3 else "") + "."

    def _unknown(self) -> str:
        bounds = self.case.outcome.bounds
        range_ = f"it is between {_plain(bounds.low)} and {_plain(bounds.high)}"
        if self.case.missing:
            asked = self.case.missing[0].facts
            more = f" (and {len(asked) - 2} more)" if len(asked) > 2 else ""
            return f"{range_}; find out first: {' '.join(q.question for q in asked[:2])}{more}"
        return f"{range_}."

    # Parts

    def jurisdiction(self, name: str, bounds: Bounds) -> JurisdictionPart:
        text = self.bundle.vocabulary.jurisdictions.get(name)
        country = (
            self.bundle.vocabulary.values["country"].titles.get(name, name)
            if "country" in self.bundle.vocabulary.values
            else name
        )
        return JurisdictionPart(
            jurisdiction=name,
            title=text.title.en if text else country,
            outcome=outcome_word(bounds),
            bounds=_bounds(bounds),
        )

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
            evidence=self.evidence(rule.condition),
            source=provision.source,
            at=f"{provision.file}:{provision.line}",
        )

    def evidence(self, condition: Condition) -> list[EvidencePart]:
        lines: dict[tuple[str, str], EvidencePart] = {}
        for atom in tests(self.bundle, condition):
            if atom.fact == AS_OF:
                continue
            text = phrase(self.bundle.vocabulary, atom)
            value = shown(self.bundle.vocabulary, self.case.exchange, atom.fact, self.case.as_of)
            lines.setdefault(
                (atom.fact, text),
                EvidencePart(fact=atom.fact, test=text, value=value, truth=TRUTH_WORDS[self.judge(atom)]),
            )
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

    def _asked(self, requirement: str) -> bool:
        return any(requirement in rule.need.requirements() for rule in self.standing if rule.need)

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

    def _duty(self, key: str) -> Duty:
        return self.case.reference.duties[key]

    def duties(self) -> list[DutyPart]:
        parts = []
        owners = {d.key: r.title for r in self.bundle.rules.requirements.values() for d in r.duties}
        owners |= {
            d.key: f"{r.provision.instrument}, {r.provision.citation}"
            for r in self.bundle.rules.rules
            for d in r.duties
        }
        for key, owed in self.verdict.owed.items():
            parts.append(self._duty_part(self._duty(key), owners[key], owed is Truth.YES))
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
            lanes = _join(list(dict.fromkeys(self.bundle.vocabulary.lanes[r.lane].title.en for r in open_)))
            parts.append(
                ConflictPart(
                    kind="notice",
                    text=f"A lane is open ({lanes}), and it lifts no law: the outcome stays {_plain(self.case.outcome.bounds.low)}.",
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

    def _gap_sentences(self, certain: bool) -> list[str]:
        countries = self.bundle.vocabulary.values.get("country")
        found = []
        for gap in self.case.outcome.coverage.gaps:
            if gap.certain is certain and gap.reviewed:
                place = countries.titles.get(gap.country, gap.country) if countries else gap.country
                subject = f"on {self.bundle.vocabulary.subjects[gap.subject].title.en} " if gap.subject else ""
                found.append(
                    f"the law of {place} {subject}is not modelled here, and it is where the {_join(list(gap.roles))} {'are' if 'people' in gap.roles else 'is'}."
                )
        return found


def _bounds(bounds: Bounds) -> BoundsPart:
    return BoundsPart(lowest=bounds.low.word, highest=bounds.high.word)


def _plain(level: Level) -> str:
    return level.word.replace("_", " ")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _join(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _small(text: str) -> str:
    """A title inside a sentence: its first letter small, unless the first word is a name."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text

"""
What can move between two versions of a bundle: for each pair of outcomes, a witness, a proof that there is none, or neither.

Both versions are formulas over the same exchanges, so "no exchange" means complete or not. An exchange that a version refuses at the door
has the outcome `refused` there. What neither formula has and differs in the two is named in `beside`, and nothing is proven then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from engine.analysis.formula import Formula, FormulaDraft, formulas
from engine.analysis.gates import TRUE
from engine.analysis.instrument_moves import InstrumentLevels, InstrumentMove, alone, is_milder, milder
from engine.analysis.prover import REFUSED, Example, OpenQuestion, Proof, ProofAnswer, Prover, WitnessDecider, WitnessVerdict
from engine.analysis.solver import ClauseSolver, need_solver
from engine.bundle import Bundle
from engine.policy_language.vocabulary import Vocabulary
from engine.values.outcome_levels import PERMITTING, UNDETERMINED, Bounds, Level
from engine.verdict import Verdict, numbers

PERMITS = tuple(level.word for level in PERMITTING)
# The strictest first: what was prohibited and is permitted now weighs most.
OUTCOMES = (
    Level.PROHIBITED.word,
    Level.REQUIREMENTS_UNMET.word,
    Level.REVIEW.word,
    REFUSED,
    UNDETERMINED,
    Level.NOT_APPLICABLE.word,
    Level.PERMITTED_WITH_OBLIGATIONS.word,
    Level.PERMITTED.word,
)
PERHAPS = "perhaps"  # a permit lies within the bounds of what was certainly refused


@dataclass(frozen=True, slots=True)
class OutcomePair:
    """A pair of outcomes and what is known of it. `perhaps`: a permit lies within the bounds of what was certainly refused."""

    before: str
    after: str
    answer: ProofAnswer
    old: WitnessVerdict | None = None

    @property
    def permits_more(self) -> bool:
        """Whether exchanges of this pair may go ahead, or may perhaps, and could not before."""
        return self.after == PERHAPS or (self.after in PERMITS and self.before not in PERMITS)

    @property
    def places(self) -> Mapping[str, tuple[Bounds, Bounds]]:
        """The jurisdictions of a witness whose bounds move."""
        if not isinstance(self.answer, Example) or self.old is None:
            return {}
        new = self.answer.verdict
        if self.old.outcome is None or new.outcome is None:
            return {}
        names = dict.fromkeys((*self.old.outcome.jurisdictions, *new.outcome.jurisdictions))
        each = {name: (self.old.level(name), new.level(name)) for name in names}
        return {name: (one, two) for name, (one, two) in each.items() if one and two and one != two}

    @property
    def provisions(self) -> tuple[str, ...]:
        """The provisions that stand in a witness on one side only."""
        if not isinstance(self.answer, Example) or self.old is None:
            return ()
        one, two = (dict(_standing(each)) for each in (self.old, self.answer.verdict))
        return tuple(name for name in dict.fromkeys((*one, *two)) if one.get(name) != two.get(name))

    @property
    def accepted(self) -> tuple[str, ...]:
        """What an organisation accepts on which a witness rests."""
        outcome = self.answer.verdict.outcome if isinstance(self.answer, Example) else None
        found = (each.acceptance for each in outcome.coverage.accepted) if outcome else ()
        return tuple(dict.fromkeys(f"{each.organisation}/{each.id}" for each in found))


def _standing(found: WitnessVerdict) -> Iterator[tuple[str, object]]:
    verdict: Verdict | None = found.verdict
    for number in numbers(verdict.stands.possible) if verdict else ():
        yield found.rules.rules[number].provision.id, verdict and verdict.stands.truth(number)


class OutcomeMoves:
    """Asks what can move from an old version to a new one. Raises SolverMissing where the extra `analyse` is not installed."""

    def __init__(self, old: Bundle, new: Bundle) -> None:
        need_solver()
        self.old, self.new = old, new
        self.same = old.digests.meaning == new.digests.meaning
        # Beside the law, what an organisation adds is no other law's word: it is read as what it lies under, or not at all.
        self.more = new.vocabulary if _is_overlay(old, new) else None
        self.beside = () if self.same else tuple(_beside(old.vocabulary, new.vocabulary, self.more is not None))
        self._deciders = WitnessDecider(old, self.more), WitnessDecider(new)

    @cached_property
    def _sides(self) -> list[_BothVersions]:
        return [_BothVersions(self.old, self.new, self._deciders, public, self.more) for public in (False, True)]

    @cached_property
    def permits_more(self) -> tuple[OutcomePair, ...]:
        """Of each pair from no permit to a permit, strictest first, and of permits that may now be, what is known."""
        pairs = [(before, after) for before in OUTCOMES if before not in PERMITS for after in PERMITS]
        return (*self._asked(pairs), self._perhaps())

    @cached_property
    def others(self) -> tuple[OutcomePair, ...]:
        """The same of all other pairs."""
        return self._asked(
            [(b, a) for b in reversed(OUTCOMES) for a in OUTCOMES if b != a and (b in PERMITS or a not in PERMITS)]
        )

    @property
    def proven(self) -> bool:
        """Whether it is proven that nothing more is permitted."""
        return all(isinstance(each.answer, Proof) for each in self.permits_more)

    @cached_property
    def moving(self) -> tuple[str, ...]:
        """The jurisdictions whose outcome may move: of all others it is proven that it does not. With something `beside`, all may."""
        if self.same:
            return ()
        names = dict.fromkeys((*self.old.vocabulary.jurisdictions, *self.new.vocabulary.jurisdictions))
        return tuple(name for name in names if self.beside or any(side.moves(name) for side in self._sides))

    @cached_property
    def policies(self) -> Mapping[str, str]:
        """The policies of both versions, each with its jurisdiction."""
        rules = (*self.old.rules.rules, *self.new.rules.rules)
        return {rule.provision.policy: rule.provision.jurisdiction for rule in rules}

    @cached_property
    def instruments(self) -> tuple[InstrumentMove, ...]:
        """The instruments that may be more lenient or stricter by themselves, in this order; the others are proven to be neither."""
        if self.same:
            return ()
        moves = (self._instrument(policy, place) for policy, place in self.policies.items())
        found = [each for each in moves if not (isinstance(each.more_lenient, Proof) and isinstance(each.stricter, Proof))]
        # What is shown before what is open, and what is more lenient before what is stricter.
        return tuple(sorted(found, key=lambda each: (each.witness is None, isinstance(each.more_lenient, Proof))))

    def _instrument(self, policy: str, jurisdiction: str) -> InstrumentMove:
        def answer(lenient: bool) -> ProofAnswer:
            answer: ProofAnswer = OpenQuestion(0) if self.beside else Proof(())
            for side in self._sides:
                if not isinstance(answer, Example):
                    found = side.instrument(policy, lenient)
                    answer = answer if isinstance(found, Proof) else found
            return answer

        move = InstrumentMove(policy, jurisdiction, answer(True), answer(False))
        return replace(move, old=self._deciders[0].decide(move.witness.exchange)) if move.witness else move

    def _asked(self, pairs: Sequence[tuple[str, str]]) -> tuple[OutcomePair, ...]:
        proof = Proof(())
        if self.same:
            return tuple(OutcomePair(*pair, proof) for pair in pairs)
        still = [side for side in self._sides if side.any(pairs)]
        found = []
        for pair in pairs:
            move = OutcomePair(*pair, proof)
            for side in still:
                if not isinstance(move.answer, Example):
                    answer = side.ask(*pair)
                    move = move if isinstance(answer, Proof) else self._move(*pair, answer)
            found.append(self._unless_beside(move))
        return tuple(found)

    def _perhaps(self) -> OutcomePair:
        move = OutcomePair(PERHAPS, PERHAPS, Proof(()))
        for side in () if self.same else self._sides:
            answer = side.perhaps()
            if not isinstance(answer, Proof) and not isinstance(move.answer, Example):
                move = self._move(PERHAPS, PERHAPS, answer)
        return self._unless_beside(move)

    def _move(self, before: str, after: str, answer: ProofAnswer) -> OutcomePair:
        old = self._deciders[0].decide(answer.exchange) if isinstance(answer, Example) else None
        return OutcomePair(before, after, answer, old)

    def _unless_beside(self, move: OutcomePair) -> OutcomePair:
        if self.beside and isinstance(move.answer, Proof):
            return OutcomePair(move.before, move.after, OpenQuestion(0))
        return move


class _BothVersions:
    """Both versions in one solver, where the recipient is one party, or the public."""

    def __init__(
        self,
        old: Bundle,
        new: Bundle,
        deciders: tuple[WitnessDecider, WitnessDecider],
        public: bool,
        more: Vocabulary | None,
    ) -> None:
        self.old, self.new = formulas([FormulaDraft.of(old, public, more), FormulaDraft.of(new, public)])
        solver = ClauseSolver()
        self.deciders = deciders
        self.before, self.after = (
            Prover(formula, decider, solver) for formula, decider in zip((self.old, self.new), deciders, strict=True)
        )
        self.words = _words(self.old), _words(self.new)
        self._instruments = InstrumentLevels(self.old), InstrumentLevels(self.new)

    def any(self, pairs: Sequence[tuple[str, str]]) -> bool:
        """Whether the clauses allow one of some pairs."""
        gates, (old, new) = self.old.gates, self.words
        return self.after.allows([gates.either(gates.both((old[before], new[after])) for before, after in pairs)])

    def ask(self, before: str, after: str) -> ProofAnswer:
        """Whether an exchange has one outcome under the old version, and another under the new one."""
        old, new = self.words
        if after == REFUSED:
            answer = self.before.ask(
                [old[before], new[after]], lambda found: found.word == before and self._word(1, found) == after
            )
            return (
                answer if not isinstance(answer, Example) else replace(answer, verdict=self.deciders[1].decide(answer.exchange))
            )
        return self.after.ask([old[before], new[after]], lambda found: found.word == after and self._word(0, found) == before)

    def perhaps(self) -> ProofAnswer:
        """Whether a permit lies within the bounds of an exchange that was refused for certain, by the law or at the door."""
        gates = self.old.gates
        refused = gates.either((-self.old.accepted, self.old.level(Level.REVIEW).must))

        def confirmed(found: WitnessVerdict) -> bool:
            before = self.deciders[0].decide(found.document, found.second).level()
            return _may_permit(found) and (before is None or before.low.refused)

        return self.after.ask([self.new.may_permit, refused], confirmed)

    def moves(self, jurisdiction: str) -> bool:
        """Whether the clauses allow that the outcome of a jurisdiction differs in an exchange that both versions accept."""
        gates = self.old.gates
        levels = [level for level in Level if level > Level.NOT_APPLICABLE]
        ends = zip(
            *([end for level in levels for end in f.level(level, jurisdiction)] for f in (self.old, self.new)), strict=True
        )
        differs = gates.either(-gates.same(one, other) for one, other in ends)
        return self.after.allows([self.old.accepted, self.new.accepted, differs])

    def instrument(self, policy: str, lenient: bool) -> ProofAnswer:
        """Whether an instrument by itself is more lenient, or else stricter, with an exchange that both versions accept."""
        old, new = (levels.of(policy) for levels in self._instruments)
        moves = milder(self.old.gates, *((old, new) if lenient else (new, old)))
        if moves == -TRUE:
            return Proof(())

        def confirmed(found: WitnessVerdict) -> bool:
            before = self.deciders[0].decide(found.document, found.second)
            if found.outcome is None or before.outcome is None:
                return False
            one, two = alone(before, policy), alone(found, policy)
            return is_milder(one, two) if lenient else is_milder(two, one)

        return self.after.ask([self.old.accepted, moves], confirmed)

    def _word(self, side: int, found: WitnessVerdict) -> str:
        return self.deciders[side].decide(found.document, found.second).word


def _words(formula: Formula) -> dict[str, int]:
    """The literal of each outcome, with the door in it."""
    both = formula.gates.both
    low, high = ([None, *(getattr(formula.level(level), end) for level in Level if level)] for end in ("must", "may"))
    permitted, owing, review, unmet, prohibited = (level.value for level in Level if level)
    found: dict[str, Any] = {
        Level.PROHIBITED.word: (low[prohibited],),
        Level.REQUIREMENTS_UNMET.word: (low[unmet], -high[prohibited]),
        Level.REVIEW.word: (low[review], -low[unmet], -high[prohibited]),
        Level.PERMITTED_WITH_OBLIGATIONS.word: (low[permitted], high[owing], -high[review]),
        Level.PERMITTED.word: (low[permitted], -high[owing]),
        Level.NOT_APPLICABLE.word: (-high[permitted],),
    }
    each = {word: both((formula.accepted, *literals)) for word, literals in found.items()}
    return each | {UNDETERMINED: both((formula.accepted, *(-one for one in each.values()))), REFUSED: -formula.accepted}


def _may_permit(found: WitnessVerdict) -> bool:
    bounds = found.level()
    return bounds is not None and bounds.high >= Level.PERMITTED and bounds.low <= Level.PERMITTED_WITH_OBLIGATIONS


def _is_overlay(old: Bundle, new: Bundle) -> bool:
    """Whether the new bundle is the old one with an organisation's files beside it."""
    added = {each.id for each in new.vocabulary.organisations} - {each.id for each in old.vocabulary.organisations}
    return bool(added) and old.sources.items() <= new.sources.items()


def _beside(old: Vocabulary, new: Vocabulary, overlay: bool) -> Iterator[str]:
    """What decides exchanges and is in no formula, where it differs."""
    if old.must_be_shown != new.must_be_shown:
        yield "what must be shown"
    if dict(old.books) != dict(new.books):
        yield "the books of rights"
    if old.settlement != new.settlement:
        yield "the book of benefits"
    kept = ({name: text.kept for name, text in each.counters.items() if text.kept} for each in (old, new))
    if next(kept) != next(kept):
        yield "which counters a ledger keeps"
    disputed = ({text.disputed for text in each.promises.values() if text.disputed} for each in (old, new))
    if next(disputed) != next(disputed):
        yield "which promises may be in dispute"
    if old.recipient != new.recipient:
        yield "which facts are those of a recipient"
    for name in old.facts.keys() & new.facts.keys():
        one, two = old.facts[name], new.facts[name]
        if (one.type.name, one.type.kind) != (two.type.name, two.type.kind):
            yield f"the type of `{name}`"
        if one.counts != two.counts or (one.counts and old.families.get(one.counts) != new.families.get(two.counts)):
            yield f"what `{name}` counts"
        if (one.follows is None) != (two.follows is None) or (one.follows and one.follows != two.follows):
            yield f"what `{name}` follows from"
    if overlay:
        return
    measured = {type.values.name for fact in old.measures.values() if (type := old.type_of(fact)) and type.values}
    for name in measured & new.values.keys():
        if old.values[name].lineage != new.values[name].lineage or old.values[name].exact != new.values[name].exact:
            yield f"the values of `{name}`, which documents state"

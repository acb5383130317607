"""
An exchange goes in, and a judgement comes out: the verdict of each engine of a mode, and the outcome that follows.

Engines evaluate the exchange once for a judgement. What else is asked about it evaluates it with other facts, other approvals or on
other days: on what a permit rests, and what a search tries.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property, wraps
from itertools import islice
from typing import Concatenate, ParamSpec, Self, TypeVar

from engine.backends.bitset import Bitset
from engine.backends.durable import Durable, load_engine
from engine.backends.lanes import Lanes
from engine.backends.lanes.lane_cases import members, side_by_side
from engine.backends.lanes.lane_outcomes import LaneOutcomes, Levels
from engine.backends.lanes.lane_runner import LaneRunner
from engine.backends.lanes.worst_levels import WorstLevels
from engine.backends.reference import Reference
from engine.bundle import Bundle, gc_paused
from engine.deciding.carried_conditions import (
    Carried,
    outcome_with_conditions,
    raise_bounds,
    stated_conditions,
    travelling_provisions,
    weigh_conditions,
)
from engine.deciding.changed_exchanges import WithoutStatements
from engine.deciding.combine import Combiner, Outcome
from engine.deciding.contributions import BundleCounters
from engine.deciding.disputed_facts import choices, disputed_outcome, overall_bounds
from engine.deciding.judgement import Judgement, Laws
from engine.deciding.plan_links import Links
from engine.deciding.rests_on import Foundations, Look, Statement, shown_only, unknowing
from engine.deciding.search_pauses import OneAtATime, pause
from engine.deciding.sign_off_scope import Approval, can_be_signed, parts, signable
from engine.deciding.whole_plan import WholePlans
from engine.decision import EnginePart
from engine.exchange import Exchange
from engine.pdp.comparison import ReadingOnDemand, compared
from engine.questions.next_questions import Questions
from engine.rules import Truth, atoms
from engine.values import Value
from engine.values.outcome_levels import BOUNDS, UNDETERMINED, Bounds, Level, closed, outcome_word
from engine.verdict import NONE_SIGNED, Engine, Verdict
from engine.version import VERSION

MODES = {
    "checked": ("bitset", "durable"),
    "bitset": ("bitset",),
    "durable": ("durable",),
    "lanes": ("lanes",),
    "reference": ("reference",),
}
MAX_DIFFERENCES = 50
AT_ONCE = 512  # lanes: more are hardly faster

_Found = TypeVar("_Found")
_Judge = TypeVar("_Judge", bound="Judging")
_Case = TypeVar("_Case", bound=Exchange | Judgement)
_More = ParamSpec("_More")


def need_engines(mode: str) -> None:
    """Find out, before anything is read, whether the engines of a mode can be loaded. Raises EngineUnavailable."""
    if "durable" in MODES.get(mode, ()):
        load_engine()


def of_recipient(
    method: Callable[Concatenate[_Judge, _Case, _More], _Found],
) -> Callable[Concatenate[_Judge, _Case, _More], _Found]:
    """A method for the recipient of a case: of one that is meant for the public, by the rules as they read then."""

    @wraps(method)
    def of_its_recipient(judging: _Judge, case: _Case, /, *args: _More.args, **more: _More.kwargs) -> _Found:
        exchange = case.exchange if isinstance(case, Judgement) else case
        return method(judging.of_everyone if exchange.everyone else judging, case, *args, **more)

    return of_its_recipient


class Judging:
    """
    One bundle and the engines of a mode.

    `mode` is "checked", "bitset", "durable", "lanes" or "reference". Several threads may call it; the calls take turns, because
    durable-rules has one engine for each process. A call that searches lets others in between its evaluations (`deciding.pauses`).
    """

    def __init__(self, bundle: Bundle, mode: str) -> None:
        if mode not in MODES:
            raise ValueError(f"there is no mode `{mode}`; use one of {', '.join(MODES)}")
        self.bundle = bundle
        self.mode = mode
        self.reference = Reference(bundle.rules)
        makers: dict[str, Callable[[], Engine]] = {
            "bitset": lambda: Bitset(bundle.rules),
            "durable": lambda: Durable(bundle.rules),
            "lanes": lambda: Lanes(bundle.rules),
            "reference": lambda: self.reference,
        }
        self.engines: tuple[Engine, ...] = tuple(makers[name]() for name in MODES[mode])
        self.travelling = travelling_provisions(bundle.rules)
        self._combiner = Combiner(bundle)
        self._foundations = Foundations(bundle)
        self._must_be_shown = bundle.vocabulary.must_be_shown
        self._concerned = sum(1 << number for number, rule in enumerate(bundle.rules.rules) if can_be_signed(rule))
        self._agreed = EnginePart(version=VERSION, mode=mode, engines=list(MODES[mode]), agreed=True)
        self._laws = Laws(bundle.rules.rules)
        self._questions = Questions(bundle, self._laws)
        self._lock = OneAtATime()

    @cached_property
    def lanes(self) -> LaneRunner:
        """
        The program of the bundle, which decides many exchanges, or variants of one, at once; made when it is first wanted.

        For exchanges whose recipient is the public it is that of `of_everyone`.
        """
        bundle = self.bundle
        with gc_paused():
            return LaneRunner.of(bundle.rules, bundle.vocabulary, bundle.coherence.never, bundle.settings)

    @cached_property
    def of_everyone(self) -> Self:
        """The same for exchanges whose recipient is the public; made with the first of them. It decides these itself."""
        with self._lock:
            made = type(self)(self.bundle.of_everyone(), self.mode)
            made.of_everyone, made._lock = made, self._lock
            return made

    def set_up(self) -> None:
        """Make now what engines would make with their first exchanges, so that processes that are forked afterwards share it."""
        for each in self.engines:
            if isinstance(each, Durable):
                each.set_up()
        self._questions.set_up()
        if self.of_everyone is not self:
            self.lanes.set_up()
            self.of_everyone.set_up()

    @of_recipient
    def judge(
        self, exchange: Exchange, *, as_of: date, signed: Collection[Approval] = (), came: Collection[Carried] = ()
    ) -> Judgement:
        """
        The verdict of each engine of the mode on an exchange, and the outcome. Each engine evaluates the exchange once.

        `as_of` is the day whose law counts. `signed` are approvals for the facts of this exchange; an approval that ends before `as_of`
        does not count. `came` are the conditions from earlier legs of a plan, in addition to those that the sender stated. Raises
        EnginesFailed if no engine gave a verdict.
        """
        exchange = self._shown(exchange, as_of)
        signed = tuple(each for each in signed if as_of <= each.until)
        laid = (*came, *stated_conditions(exchange, self.travelling))
        pause()
        with self._lock:
            judgement = self._judged(exchange, as_of, signed, tuple(came), laid)
            if not exchange.disputed:
                return self._asking(judgement)
            chosen = []
            for each in choices(exchange):
                pause()
                chosen.append(self._judged(each, as_of, signed, tuple(came), laid))
            engine = next((each.engine for each in (judgement, *chosen) if not each.agreed), judgement.engine)
            found = replace(
                judgement,
                engine=engine,
                own=disputed_outcome(judgement.own, [each.own for each in chosen]),
                outcome=disputed_outcome(judgement.outcome, [each.outcome for each in chosen]),
                beneath=overall_bounds(judgement.beneath, [each.beneath for each in chosen]),
                open=judgement.outcome,
                signed_off=judgement.signed_off if engine.agreed else (),
                signable=judgement.signable if engine.agreed else (),
            )
            return self._asking(found)

    def _judged(
        self,
        exchange: Exchange,
        as_of: date,
        signed: tuple[Approval, ...],
        came: tuple[Carried, ...],
        laid: Collection[Carried],
    ) -> Judgement:
        """The judgement on an exchange as it is, with disputed facts open."""
        approved = frozenset(each.provision for each in signed)
        verdicts, engine = self._heard(exchange, as_of, approved, laid)
        verdict = next(iter(verdicts.values()))
        own = self._combiner.outcome(exchange, verdict, as_of, approved)
        if not engine.agreed:
            own = self._strictest(exchange, as_of, own, verdicts.values())
        carried = weigh_conditions(laid, tuple(verdicts.values()))
        beneath = self._beneath(exchange, as_of, approved, verdict, own) if engine.agreed else own.bounds
        return Judgement(
            exchange=exchange,
            as_of=as_of,
            signed=signed,
            verdicts=verdicts,
            engine=engine,
            own=own,
            outcome=outcome_with_conditions(own, carried),
            beneath=raise_bounds(beneath, carried, own.bounds.low >= Level.PERMITTED),
            came=came,
            carried=carried,
            signed_off=tuple(parts(verdict, own.coverage, signed)) if engine.agreed else (),
            signable=signable(verdict, own.coverage, self._concerned) if engine.agreed else (),
            laws=self._laws,
        )

    def _heard(
        self, exchange: Exchange, as_of: date, signed: frozenset[str], laid: Collection[Carried]
    ) -> tuple[dict[str, Verdict], EnginePart]:
        """
        Each engine's verdict by its name, and whether all engines agree, also on the conditions that are laid on the exchange.

        The first verdict can always say how tests read. If its engine cannot, the reference engine answers.
        """
        conditions = dict.fromkeys(each.rule.travels.when for each in laid if each.rule.travels and each.rule.travels.when)
        read = [*self._combiner.read, *conditions] if conditions else self._combiner.read
        verdicts, trouble = compared(self.engines, lambda engine: self._evaluated(engine, exchange, as_of, signed), read)
        name, first = next(iter(verdicts.items()))
        if first.truth is None:
            verdicts[name] = replace(first, truth=ReadingOnDemand(self.reference, exchange, as_of))
        if not trouble:
            return verdicts, self._agreed
        return verdicts, self._agreed.model_copy(update={"agreed": False, "disagreement": trouble[:MAX_DIFFERENCES]})

    def _evaluated(self, engine: Engine, exchange: Exchange, as_of: date, signed: frozenset[str]) -> Verdict:
        """
        An engine's verdict. Where a person has signed for law that is silent, the engine is asked again with it: the law counts as
        speaking where it is certain that it is silent, and an engine's first verdict says whether it is.
        """
        verdict = engine.evaluate(exchange, as_of, signed)
        spoken_for = self._combiner.spoken_for(exchange, verdict, as_of, signed)
        return engine.evaluate(exchange, as_of, signed | spoken_for) if spoken_for else verdict

    def _strictest(self, exchange: Exchange, as_of: date, first: Outcome, verdicts: Collection[Verdict]) -> Outcome:
        """The strictest of a review and the outcomes of all engines."""
        found = [self._combiner.outcome(exchange, verdict, as_of) for verdict in verdicts]
        level = max([Level.REVIEW, *(outcome.bounds.high for outcome in found)])
        bounds = Bounds(level, level)
        return Outcome(outcome_word(bounds), bounds, first.jurisdictions, first.coverage, first.conflicts)

    def _beneath(self, exchange: Exchange, as_of: date, signed: frozenset[str], verdict: Verdict, own: Outcome) -> Bounds:
        """The bounds without what a person may sign off, gaps and reaches of law included: their law then counts as speaking."""
        spoken_for = own.coverage.spoken_for(own.coverage.signable)
        if spoken_for and own.bounds.high.refused:
            verdict = self.engines[0].evaluate(exchange, as_of, signed | spoken_for)
        return self._combiner.beneath(verdict, own)

    def _asking(self, judgement: Judgement) -> Judgement:
        """
        An open judgement with the facts to find out. Where no fact can close the outcome, it is a review with open bounds (semantics 4.5).

        What is open beneath a review that a person may sign off is asked too. If the engines disagree nothing is asked, because no answer
        would help. Of a plan's leg an earlier leg may be asked.
        """
        if not judgement.agreed or closed(judgement.asked_on):
            return judgement
        pause()
        facts, elsewhere = self._questions.open(judgement)
        if facts or not judgement.outcome.open or any(not each.certain for each in judgement.carried):
            return judgement.asking(facts, elsewhere)
        # Its own outcome too: the sentence is written from it.
        own, outcome = (
            replace(each, word=Level.REVIEW.word) if each.word == UNDETERMINED else each
            for each in (judgement.own, judgement.outcome)
        )
        return replace(judgement, own=own, outcome=outcome)

    @of_recipient
    def disagreeing(self, judgement: Judgement, other: Level, text: str) -> Judgement:
        """A judgement that another one on the same exchange contradicts: the strictest of a review and what both leave possible."""
        level = max(Level.REVIEW, judgement.outcome.bounds.high, other)
        bounds = Bounds(level, level)
        own, outcome = (replace(each, word=outcome_word(bounds), bounds=bounds) for each in (judgement.own, judgement.outcome))
        engine = judgement.engine.model_copy(update={"agreed": False, "disagreement": [*judgement.engine.disagreement, text]})
        return replace(
            judgement, engine=engine, own=own, outcome=outcome, beneath=bounds, signed_off=(), signable=(), open_facts={}
        )

    @of_recipient
    def rests_on(self, judgement: Judgement, *, exact: bool = False) -> tuple[Statement, ...]:
        """
        The statements on which a permit rests, the worst first; none where the exchange is not permitted.

        With `exact`, only those that matter by themselves and those behind a standing lift (`deciding.rests_on`).
        """
        if not judgement.outcome.permits:
            return ()
        return self._foundations.find(judgement, self._without(judgement), exact)

    def _without(self, judgement: Judgement) -> Look:
        """Finds the worst of a judged exchange without some of its statements, in one pass of the program where it can."""
        exchange, as_of = judgement.exchange, judgement.as_of
        if judgement.came or exchange.disputed:

            def one_by_one(lost: Sequence[Collection[str]], signed: frozenset[str]) -> WorstLevels:
                made = (unknowing(exchange, names) for names in lost)
                return WorstLevels.among([self._look(each, as_of, signed, judgement.came)[1].bounds for each in made])

            return one_by_one
        without = WithoutStatements(self.lanes, exchange, as_of)

        def at_once(lost: Sequence[Collection[str]], signed: frozenset[str]) -> WorstLevels:
            pause()
            with self._lock:
                return without.worst(lost, signed)

        return at_once

    def lane_outcomes(self, exchanges: Sequence[tuple[Exchange, date]]) -> LaneOutcomes:
        """
        The outcomes of exchanges, each under the law of its day, in one pass of the program.

        All of them are for the public, or none; none has disputed facts.
        """
        public = exchanges[0][0].everyone
        judging = self.of_everyone if public else self
        shown = [(judging._shown(exchange, day), day) for exchange, day in exchanges]
        with self._lock:
            return judging.lanes.decide(side_by_side(shown), public)

    def bounds(self, exchanges: Sequence[tuple[Exchange, date]]) -> list[Bounds]:
        """The bounds of any exchanges, each under the law of its day, disputes decided, by the lanes; for searches, not for decisions."""
        chosen = [list(choices(exchange)) if exchange.disputed else [] for exchange, _ in exchanges]
        lanes = [(each, day) for (exchange, day), more in zip(exchanges, chosen, strict=True) for each in (exchange, *more)]
        found = [BOUNDS[0][0]] * len(lanes)
        for public in sorted({each.everyone for each, _ in lanes}):
            mine = [number for number, (each, _) in enumerate(lanes) if each.everyone == public]
            for some in (mine[start : start + AT_ONCE] for start in range(0, len(mine), AT_ONCE)):
                levels = self.lane_outcomes([lanes[number] for number in some]).overall
                for lane, number in enumerate(some):
                    found[number] = levels.of(lane)
        each = iter(found)
        return [overall_bounds(next(each), list(islice(each, len(more)))) if more else next(each) for more in chosen]

    def differing(self, exchanges: Sequence[tuple[Exchange, date]], told: Sequence[Mapping[str, Bounds]]) -> list[int]:
        """
        The places of exchanges whose bounds, each under the law of its day, are by the lanes others than those that are told.

        What is told has the bounds overall by the empty name, and those of jurisdictions; one that it does not name does not apply. None
        of the exchanges has disputed facts.
        """
        found: list[int] = []
        for public in sorted({each.everyone for each, _ in exchanges}):
            mine = [number for number, (each, _) in enumerate(exchanges) if each.everyone == public]
            mine.sort(key=lambda number: exchanges[number][1])  # a pass over few days takes a tenth of the time
            for some in (mine[start : start + AT_ONCE] for start in range(0, len(mine), AT_ONCE)):
                bounds: dict[str, list[tuple[int, Bounds]]] = {"": []}
                for lane, number in enumerate(some):
                    for name, each in told[number].items():
                        bounds.setdefault(name, []).append((lane, each))
                levels = {name: Levels.among(of) for name, of in bounds.items()}
                outcomes = self.lane_outcomes([exchanges[number] for number in some])
                found += [some[lane] for lane in members(outcomes.differing(levels.pop(""), levels))]
        return sorted(found)

    @of_recipient
    def implied(self, judgement: Judgement) -> Mapping[str, Value]:
        """The open facts of a judgement whose value follows, since no other can be true together with what was sent."""
        return self._questions.implied(judgement)

    @of_recipient
    def awaited(self, judgement: Judgement, provision: str) -> tuple[str, ...]:
        """The facts and documents still needed before the provision certainly applies."""
        return judgement.awaited(self.bundle.rules, provision)

    @of_recipient
    def look(
        self, exchange: Exchange, as_of: date, signed: frozenset[str] = NONE_SIGNED, came: Collection[Carried] = ()
    ) -> tuple[Verdict, Outcome]:
        """The verdict and the outcome of the first engine; for searches, not for decisions."""
        return self._look(self._shown(exchange, as_of), as_of, signed, came)

    def _look(
        self,
        exchange: Exchange,
        as_of: date,
        signed: frozenset[str] = NONE_SIGNED,
        came: Collection[Carried] = (),
    ) -> tuple[Verdict, Outcome]:
        """The same, with every value as it is: what a search changes counts as shown."""
        pause()
        with self._lock:
            verdict, outcome = self._looked(exchange, as_of, signed, came)
            if exchange.disputed:
                outcome = disputed_outcome(outcome, [self._looked(each, as_of, signed, came)[1] for each in choices(exchange)])
            return verdict, outcome

    def _looked(
        self,
        exchange: Exchange,
        as_of: date,
        signed: frozenset[str],
        came: Collection[Carried],
    ) -> tuple[Verdict, Outcome]:
        verdict = self._evaluated(self.engines[0], exchange, as_of, signed)
        outcome = self._combiner.outcome(exchange, verdict, as_of, signed)
        laid = (*came, *stated_conditions(exchange, self.travelling))
        return verdict, outcome_with_conditions(outcome, weigh_conditions(laid, (verdict,)))

    @of_recipient
    def outcome(self, exchange: Exchange, as_of: date) -> Outcome:
        """The outcome of the first engine, without its verdict."""
        return self.look(exchange, as_of)[1]

    def _shown(self, exchange: Exchange, day: date) -> Exchange:
        """The exchange as the engines read it on a day: without what must be shown and is merely stated (semantics 4.11)."""
        exchange = exchange.shown_on(day)
        return shown_only(exchange, self._must_be_shown) if self._must_be_shown else exchange

    @of_recipient
    def verdict(self, exchange: Exchange, as_of: date) -> Verdict:
        """The verdict of the reference engine, for tests of definitions."""
        return self.reference.evaluate(self._shown(exchange, as_of), as_of)

    @of_recipient
    def defined(self, exchange: Exchange, as_of: date, keys: Iterable[str]) -> dict[str, Truth]:
        """How some definitions read, by the reference: for those that no comparison of verdicts covers."""
        return self.reference.defined(self._shown(exchange, as_of), as_of, keys)

    @cached_property
    def tested(self) -> frozenset[str]:
        """The facts that some condition of the policies tests."""
        rules = self.bundle.rules
        conditions = [*rules.definitions.values(), *(rule.condition for rule in rules.rules)]
        conditions += [duty.done_when for duty in rules.duties().values() if duty.done_when]
        read = [atom for condition in conditions for atom in atoms(condition)]
        return frozenset(fact for atom in read for fact in (atom.fact, atom.other) if fact)

    @cached_property
    def links(self) -> Links:
        """Compares the legs of plans."""
        return Links(self.bundle)

    @cached_property
    def counting(self) -> BundleCounters:
        """The counters of the bundle, to add up what the legs of a plan count."""
        return BundleCounters(self.bundle)

    @cached_property
    def wholes(self) -> WholePlans:
        """Builds and weighs the wholes of plans."""
        return WholePlans(self.bundle)

"""
The policy decision point: one bundle, the engines of its mode, and a decision for each exchange.

Every engine of the mode first judges the exchange, once. The decision is then written from the judgement.

In the mode `checked`, two engines that share only the checked rules evaluate every exchange, and their verdicts are compared. A
disagreement or a failing engine is never a permit: the outcome is the strictest of `review` and the engines' outcomes (semantics 5.4).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property, partial, wraps
from typing import Concatenate, ParamSpec, TypeVar

from pydantic import BaseModel, RootModel

from engine.backends.bitset import Bitset
from engine.backends.durable import Durable
from engine.backends.reference import Reference
from engine.bundle import Bundle, all_stays
from engine.deciding.carried_conditions import Carried, held, over, raised, stated, travelling
from engine.deciding.combine import Combiner, Evaluate, Outcome
from engine.deciding.contributions import BundleCounters
from engine.deciding.disputed_facts import choices, decided, overall
from engine.deciding.judgement import Judgement
from engine.deciding.plan_links import Links
from engine.deciding.rests_on import Foundations, Statement, shown_only
from engine.deciding.search_pauses import OneAtATime, pause
from engine.deciding.sign_off_scope import Approval, concerns, parts, signable
from engine.deciding.whole_plan import Wholes
from engine.decision import Decision, EnginePart, MissingPart, QuestionPart, RemediesPart
from engine.exchange import Exchange
from engine.explaining.case import Case
from engine.explaining.explanation import Teller
from engine.explaining.owed_duties import OwedDuty
from engine.explaining.phrasebook import Phrasebook
from engine.explaining.search_terms import Naming
from engine.explaining.trace import trace
from engine.explaining.withheld_decision import withheld
from engine.explaining.written_decision import Written
from engine.languages import ENGLISH, LANGUAGES
from engine.questions.horizon import Horizon, OutcomesAhead
from engine.questions.next_questions import Questions
from engine.questions.remedies import Remedies
from engine.questions.taken_ways import ToYes
from engine.questions.way_writer import WayWriter
from engine.questions.ways import prohibiting
from engine.rules import Atom, Condition, Truth, atoms
from engine.values import Value
from engine.values.outcome_levels import UNDETERMINED, Bounds, Level, closed, outcome_word
from engine.verdict import NONE_SIGNED, ConditionReading, Engine, Verdict
from engine.version import VERSION

MODES = {"checked": ("bitset", "durable"), "bitset": ("bitset",), "durable": ("durable",), "reference": ("reference",)}
INCLUDES = ("remedies", "ways", "holds_until", "trace", "rests_on")  # what a whole decision has only where it is asked for
SEARCHED = frozenset(
    {"questions", "remedies", "ways", "holds_until", "rests_on"}
)  # parts for which an exchange is evaluated many times
# The parts of an explanation.
PARTS = (
    "reasons", "possible", "requirements", "ways", "duties", "coverage", "factor", "questions", "rests_on", "remedies", "holds_until",
    "trace",
)  # fmt: skip
MAX_DIFFERENCES = 50
MAX_TO_YES = 90  # ways with which an exchange is decided again

_Found = TypeVar("_Found")
_Case = TypeVar("_Case", bound=Exchange | Judgement)
_More = ParamSpec("_More")


def _of_recipient(
    method: Callable[Concatenate[PDP, _Case, _More], _Found],
) -> Callable[Concatenate[PDP, _Case, _More], _Found]:
    """A method of the PDP for the recipient of a case: of one that is meant for the public, by the rules as they read then."""

    @wraps(method)
    def of_its_recipient(pdp: PDP, case: _Case, /, *args: _More.args, **more: _More.kwargs) -> _Found:
        exchange = case.exchange if isinstance(case, Judgement) else case
        return method(pdp.of_everyone if exchange.everyone else pdp, case, *args, **more)

    return of_its_recipient


class PDP:
    """
    Decides exchanges under one bundle.

    `mode` is "checked", "bitset", "durable" or "reference". Several threads may call it; the calls take turns, because durable-rules
    has one engine for each process. A call that searches lets others in between its evaluations (`pausing`).
    """

    @all_stays()
    def __init__(self, bundle: Bundle, mode: str = "checked") -> None:
        if mode not in MODES:
            raise ValueError(f"there is no mode `{mode}`; use one of {', '.join(MODES)}")
        self.bundle = bundle
        self.mode = mode
        self.reference = Reference(bundle.rules)
        makers: dict[str, Callable[[], Engine]] = {
            "bitset": lambda: Bitset(bundle.rules),
            "durable": lambda: Durable(bundle.rules),
            "reference": lambda: self.reference,
        }
        self.engines: tuple[Engine, ...] = tuple(makers[name]() for name in MODES[mode])
        self.travelling = travelling(bundle.rules)
        self._combiner = Combiner(bundle)
        self._foundations = Foundations(bundle)
        self._must_be_shown = bundle.vocabulary.must_be_shown
        self._concerned = sum(1 << number for number, rule in enumerate(bundle.rules.rules) if concerns(rule))
        self._agreed = EnginePart(version=VERSION, mode=mode, engines=list(MODES[mode]), agreed=True)
        self._tellers = {ENGLISH.code: Teller(bundle, self._agreed, ENGLISH)}  # other languages are added on first use
        self._questions = Questions(bundle)
        self._remedies = Remedies(bundle)
        self._way_writers: dict[str, WayWriter] = {}
        self._horizons = {ENGLISH.code: Horizon(bundle, ENGLISH)}
        self._lock = OneAtATime()

    @cached_property
    def of_everyone(self) -> PDP:
        """The same for exchanges whose recipient is the public; made with the first of them. It decides these itself."""
        with self._lock:
            made = PDP(self.bundle.of_everyone(), self.mode)
            made.of_everyone, made._lock = made, self._lock
            return made

    def set_up(self) -> None:
        """Make now what engines would make with their first exchanges, so that processes that are forked afterwards share it."""
        for each in self.engines:
            if isinstance(each, Durable):
                each.set_up()
        self._questions.set_up()
        _ = self._remedies.ways
        if self.of_everyone is not self:
            self.of_everyone.set_up()

    def decide(
        self,
        exchange: Exchange,
        *,
        as_of: date,
        today: date,
        id: str,
        include: Collection[str] = (),
        lang: str = "en",
        signed: Collection[Approval] = (),
    ) -> Decision:
        """The decision on an exchange, as a document; see `write`."""
        return self.write(exchange, as_of=as_of, today=today, id=id, include=include, lang=lang, signed=signed).document()

    def write(
        self,
        exchange: Exchange,
        *,
        as_of: date,
        today: date,
        id: str,
        include: Collection[str] = (),
        lang: str = "en",
        signed: Collection[Approval] = (),
    ) -> Written:
        """The decision on an exchange, as JSON: `judge`, then `tell`. Raises EnginesFailed if no engine gave a verdict."""
        return self.tell(self.judge(exchange, as_of=as_of, signed=signed), today=today, id=id, include=include, lang=lang)

    @_of_recipient
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
        laid = (*came, *stated(exchange, self.travelling))
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
                own=decided(judgement.own, [each.own for each in chosen]),
                outcome=decided(judgement.outcome, [each.outcome for each in chosen]),
                beneath=overall(judgement.beneath, [each.beneath for each in chosen]),
                open=judgement.outcome,
                signed_off=judgement.signed_off if engine.agreed else (),
                signable=judgement.signable if engine.agreed else (),
            )
            return self._asking(found)

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
            return replace(judgement, open_facts=facts, asked_elsewhere=elsewhere)
        # Its own outcome too: the sentence is written from it.
        own, outcome = (
            replace(each, word=Level.REVIEW.word) if each.word == UNDETERMINED else each
            for each in (judgement.own, judgement.outcome)
        )
        return replace(judgement, own=own, outcome=outcome)

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
        carried = held(laid, tuple(verdicts.values()))
        beneath = self._beneath(exchange, as_of, approved, verdict, own) if engine.agreed else own.bounds
        return Judgement(
            exchange=exchange,
            as_of=as_of,
            signed=signed,
            verdicts=verdicts,
            engine=engine,
            own=own,
            outcome=over(own, carried),
            beneath=raised(beneath, carried, own.bounds.low >= Level.PERMITTED),
            came=came,
            carried=carried,
            signed_off=tuple(parts(verdict, own.coverage, signed)) if engine.agreed else (),
            signable=signable(verdict, own.coverage, self._concerned) if engine.agreed else (),
        )

    def _evaluated(self, engine: Engine, exchange: Exchange, as_of: date, signed: frozenset[str]) -> Verdict:
        """
        An engine's verdict. Where a person has signed for law that is silent, the engine is asked again with it: the law counts as
        speaking where it is certain that it is silent, and an engine's first verdict says whether it is.
        """
        verdict = engine.evaluate(exchange, as_of, signed)
        spoken_for = self._combiner.spoken_for(exchange, verdict, as_of, signed)
        return engine.evaluate(exchange, as_of, signed | spoken_for) if spoken_for else verdict

    def _beneath(self, exchange: Exchange, as_of: date, signed: frozenset[str], verdict: Verdict, own: Outcome) -> Bounds:
        """The bounds without what a person may sign off, gaps and reaches of law included: their law then counts as speaking."""
        spoken_for = own.coverage.spoken_for(own.coverage.signable)
        if spoken_for and own.bounds.high.refused:
            verdict = self.engines[0].evaluate(exchange, as_of, signed | spoken_for)
        return self._combiner.beneath(verdict, own)

    @_of_recipient
    def tell(
        self,
        judgement: Judgement,
        *,
        today: date,
        id: str,
        include: Collection[str] = (),
        lang: str = "en",
        asking: bool = True,
    ) -> Written:
        """
        The decision on a judged exchange, as JSON.

        The decision is hypothetical unless the exchange was judged as of `today`. The caller chooses `id`. `include` names additional
        parts, from INCLUDES; `lang` is one of LANGUAGES. The exchange itself is not evaluated again. Missing facts, remedies and horizons
        are found by evaluating it with other facts or on other days. Without `asking` no missing facts are looked for.
        """
        with self._lock:
            teller = self._teller(lang)
            case = self._case(judgement, today, id, teller.book, exact="rests_on" in include, asking=asking)
            if not asking:
                case = replace(case, lists=tuple)
            return teller.tell(case, self._more(case, include, teller.book))

    @_of_recipient
    def answer(self, judgement: Judgement, *, today: date, id: str, parts: Collection[str] = (), lang: str = "en") -> Written:
        """
        The answer to a judged exchange, as JSON of at most 4 KiB; with `parts`, of PARTS, the explanation is added in these parts.

        The exchange itself is not evaluated again for the answer.
        """
        with self._lock:
            teller = self._teller(lang)
            case = self._case(judgement, today, id, teller.book)
            explained = self.explain(judgement, today=today, id=id, parts=parts, lang=lang) if parts else ""
            pause()
            return teller.answer(case, explained)

    @_of_recipient
    def explain(self, judgement: Judgement, *, today: date, id: str, parts: Collection[str] = PARTS, lang: str = "en") -> str:
        """Some parts, of PARTS, of the explanation of a judged exchange, as canonical JSON."""
        with self._lock:
            teller = self._teller(lang)
            pause()
            case = self._case(judgement, today, id, teller.book, named="rests_on" in parts, asking=False)
            exactly = partial(self.rests_on, judgement, exact=True)
            return teller.explain(case, parts, self._more(case, parts, teller.book), exactly)

    def _case(
        self,
        judgement: Judgement,
        today: date,
        id: str,
        book: Phrasebook,
        *,
        exact: bool = False,
        named: bool = True,
        asking: bool = True,
    ) -> Case:
        """A judged exchange with what its answer needs; with `named`, what a permit rests on; with `asking`, the next questions."""
        asked, further = self._questions.next(judgement, book) if asking else ([], 0)
        doubting = self._questions.of_any(judgement, judgement.may_review, book) if asking else None
        open_ = [(place, each.open) for place, each in enumerate(judgement.outcome.conflicts) if each.open]
        on_conflicts = ((place, self._questions.of_any(judgement, [name], book)) for place, name in open_)
        disputing = {place: question for place, question in on_conflicts if question}
        rests_on = self.rests_on(judgement, exact=exact) if named else ()
        lists = partial(self._missing, judgement, book)
        hypothetical = judgement.as_of != today
        beyond = self._questions.question(judgement, judgement.asked_elsewhere, book) if judgement.asked_elsewhere else None
        case = partial(
            Case,
            self.bundle,
            judgement,
            hypothetical,
            id,
            tuple(asked),
            further,
            lists,
            rests_on,
            exact,
            doubting,
            disputing,
            beyond,
        )
        if not judgement.agreed or not judgement.outcome.bounds.high.refused:
            return case()
        read = self._remedies.ways.reading(judgement)
        prohibited = judgement.outcome.bounds.low is Level.PROHIBITED
        closed = [rule for rule in prohibiting(judgement) if not read.out_of(rule)] if prohibited else []
        return case(partial(self._way_writer(book).lines, read), bool(closed), any(map(read.for_good, closed)))

    def _way_writer(self, book: Phrasebook) -> WayWriter:
        """What writes ways in one language."""
        code = book.language.code
        if code not in self._way_writers:
            self._way_writers[code] = WayWriter(self._remedies.ways, book)
        return self._way_writers[code]

    @_of_recipient
    def owed(self, judgement: Judgement, lang: str = "en") -> tuple[OwedDuty, ...]:
        """The duties that are owed under a judgement, or may be owed, in the order in which a decision tells them."""
        with self._lock:
            teller = self._teller(lang)
            case = self._case(judgement, judgement.as_of, "", teller.book, named=False, asking=False)
            return tuple(teller.duties.owed(case))

    @_of_recipient
    def asking(
        self, judgement: Judgement, lang: str = "en", apart: Collection[str] = (), listed: bool = True
    ) -> Iterator[QuestionPart]:
        """
        The questions on the open facts of a judgement, the best first; what belongs together is one question.

        Facts that stand `apart` are asked each alone, and so are those of their group. Where the choices are shown beside a question, its
        sentence need not have them `listed`.
        """
        return self._questions.asking(judgement, self._teller(lang).book, apart, listed)

    @_of_recipient
    def question(self, judgement: Judgement, fact: str, lang: str = "en", listed: bool = True) -> QuestionPart:
        """The question for one of the open facts of a judgement."""
        return self._questions.question(judgement, fact, self._teller(lang).book, listed)

    @_of_recipient
    def implied(self, judgement: Judgement) -> Mapping[str, Value]:
        """The open facts of a judgement whose value follows, since no other can be true together with what was sent."""
        return self._questions.implied(judgement)

    @_of_recipient
    def rests_on(self, judgement: Judgement, *, exact: bool = False) -> tuple[Statement, ...]:
        """
        The statements on which a permit rests, the worst first; none where the exchange is not permitted.

        With `exact`, only those that matter by themselves and those behind a standing lift (`deciding.rests_on`).
        """
        if not judgement.outcome.permits:
            return ()
        first = self.engines[0]
        given = frozenset(each.provision for each in judgement.signed)

        def look(exchange: Exchange, signed: frozenset[str]) -> Outcome:
            like = judgement if signed == given else None
            return self._look(exchange, judgement.as_of, signed, judgement.came, like)[1]

        with self._lock:
            return self._foundations.find(judgement, look, first.rests_on if isinstance(first, Bitset) else None, exact)

    @_of_recipient
    def question_on(self, judgement: Judgement, provisions: Iterable[str], lang: str = "en") -> QuestionPart | None:
        """The question on the first of some provisions that only may stand; None if no fact is open that can be asked for."""
        return self._questions.of_any(judgement, provisions, self._teller(lang).book)

    @_of_recipient
    def awaited(self, judgement: Judgement, provision: str) -> tuple[str, ...]:
        """The facts and documents for want of which a provision only may stand."""
        return judgement.awaited(self.bundle.rules, provision)

    @cached_property
    def links(self) -> Links:
        """Compares the legs of plans."""
        return Links(self.bundle)

    @cached_property
    def counting(self) -> BundleCounters:
        """The counters of the bundle, to add up what the legs of a plan count."""
        return BundleCounters(self.bundle)

    @cached_property
    def wholes(self) -> Wholes:
        """Builds and weighs the wholes of plans."""
        return Wholes(self.bundle)

    @property
    def naming(self) -> Naming:
        """Finds the names of exchanges by which a log is searched."""
        return self._tellers[ENGLISH.code].naming

    @_of_recipient
    def digest(self, judgement: Judgement) -> str:
        """The digest of a judgement's verdict and outcome, as its answer has it (semantics 5.6)."""
        return self._tellers[ENGLISH.code].verdicts.digest(judgement)

    def withheld(self, written: Written) -> Written:
        """
        A written decision as a caller gets it who may not read the register.

        It is the same decision if nothing in it rests on the register or on a book; otherwise it is the outcome without its reasons.
        """
        exchange = written.judgement.exchange
        if not any(exchange.register.values()) and not any(book.page for book in exchange.books):
            return written
        return withheld(written, LANGUAGES[written.lang])

    @_of_recipient
    def verdict(self, exchange: Exchange, as_of: date) -> Verdict:
        """The verdict of the reference engine, for tests of definitions."""
        return self.reference.evaluate(self._shown(exchange, as_of), as_of)

    @_of_recipient
    def defined(self, exchange: Exchange, as_of: date, keys: Iterable[str]) -> dict[str, Truth]:
        """How some definitions read, by the reference: for those that no comparison of verdicts covers."""
        return self.reference.defined(self._shown(exchange, as_of), as_of, keys)

    @_of_recipient
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
        like: Judgement | None = None,
    ) -> tuple[Verdict, Outcome]:
        """
        The same, with every value as it is: what a search changes counts as shown.

        `like` is a judgement with the same approvals that the exchange differs little from.
        """
        pause()
        with self._lock:
            verdict, outcome = self._looked(exchange, as_of, signed, came, like)
            if exchange.disputed:
                outcome = decided(outcome, [self._looked(each, as_of, signed, came)[1] for each in choices(exchange)])
            return verdict, outcome

    def _looked(
        self,
        exchange: Exchange,
        as_of: date,
        signed: frozenset[str],
        came: Collection[Carried],
        like: Judgement | None = None,
    ) -> tuple[Verdict, Outcome]:
        verdict = self._evaluated(self.engines[0], exchange, as_of, signed)
        covered = None
        if like and not like.exchange.disputed and self._combiner.covers_alike(exchange, verdict, like.exchange, like.verdict):
            covered = like.own.coverage
        outcome = self._combiner.outcome(exchange, verdict, as_of, signed, covered)
        return verdict, over(outcome, held((*came, *stated(exchange, self.travelling)), (verdict,)))

    @_of_recipient
    def outcome(self, exchange: Exchange, as_of: date) -> Outcome:
        """The outcome of the first engine, without its verdict."""
        return self.look(exchange, as_of)[1]

    def _shown(self, exchange: Exchange, day: date) -> Exchange:
        """The exchange as the engines read it on a day: without what must be shown and is merely stated (semantics 4.11)."""
        exchange = exchange.shown_on(day)
        return shown_only(exchange, self._must_be_shown) if self._must_be_shown else exchange

    @cached_property
    def tested(self) -> frozenset[str]:
        """The facts that some condition of the policies tests."""
        rules = self.bundle.rules
        conditions = [*rules.definitions.values(), *(rule.condition for rule in rules.rules)]
        conditions += [duty.done_when for duty in rules.duties().values() if duty.done_when]
        read = [atom for condition in conditions for atom in atoms(condition)]
        return frozenset(fact for atom in read for fact in (atom.fact, atom.other) if fact)

    @_of_recipient
    def ahead(self, judgement: Judgement, until: date) -> OutcomesAhead:
        """
        The days after that of a judgement, up to `until`, on which its outcome becomes another one, although the facts stay the same.

        They are found by the first engine; judge the exchange on such a day for a decision. None where the engines disagree.
        """
        if not judgement.agreed:
            return OutcomesAhead()
        signed, look = self._look_ahead(judgement)
        ends = [each.until for each in signed]
        return self.horizon(ENGLISH.code).ahead(judgement.exchange, judgement.as_of, until, look, ends)

    def _look_ahead(self, judgement: Judgement) -> tuple[list[Approval], Evaluate]:
        """The approvals that a decision shows, and how its exchange is decided on other days with them."""
        # Only approvals that the decision shows count from here on, so that the decision can be made again from its own content.
        shown = {each.provision for each in judgement.signed_off}
        signed = [each for each in judgement.signed if each.provision in shown]

        def look(exchange: Exchange, day: date) -> tuple[Verdict, Outcome]:
            standing = frozenset(each.provision for each in signed if day <= each.until)
            if exchange.shown_on(day) is not exchange:  # what was shown is merely stated from then on
                exchange = self._shown(exchange, day)
            return self._look(exchange, day, standing, judgement.came)

        return signed, look

    def horizon(self, lang: str) -> Horizon:
        """The search of later days, which writes in one language. Raises ValueError if the language is unknown."""
        with self._lock:
            self._teller(lang)
            return self._horizons[lang]

    def _teller(self, lang: str) -> Teller:
        """The writer of decisions in one language."""
        if lang not in self._tellers:
            if lang not in LANGUAGES:
                raise ValueError(f"there is no language `{lang}`; use one of {', '.join(LANGUAGES)}")
            self._horizons[lang] = Horizon(self.bundle, LANGUAGES[lang])
            self._tellers[lang] = Teller(self.bundle, self._agreed, LANGUAGES[lang])
        return self._tellers[lang]

    def _more(self, case: Case, include: Collection[str], book: Phrasebook) -> dict[str, BaseModel]:
        """
        The additional parts that the caller asks for. If the engines disagree, only the trace is given.

        Remedies change facts, and no approval holds for changed facts.
        """
        more: dict[str, BaseModel] = {}
        judgement = case.judgement
        signed, look = self._look_ahead(judgement)

        def unsigned(exchange: Exchange, day: date) -> tuple[Verdict, Outcome]:
            return self._look(exchange, day, came=judgement.came)

        if "trace" in include:
            more["trace"] = trace(case)
        if "remedies" in include and judgement.agreed:
            found = self._remedies.find(case.exchange, case.as_of, unsigned, book=book) if not case.for_good else None
            more["remedies"] = found or RemediesPart(searched="all")
        if "ways" in include and judgement.agreed:
            read = self._remedies.ways.reading(judgement)
            to_yes = ToYes(self._remedies.taking, read, case.as_of, unsigned, MAX_TO_YES)
            more["ways"] = RootModel(self._way_writer(book).all(read, judgement, to_yes))
        if "holds_until" in include and judgement.agreed:
            ends = [each.until for each in signed]
            more["holds_until"] = self.horizon(book.language.code).of(
                case.exchange, case.as_of, look, ends=ends, carried=bool(judgement.came)
            )
        return more

    def _missing(self, judgement: Judgement, book: Phrasebook) -> tuple[MissingPart, ...]:
        """The facts to find out; none if the engines disagree, because no answer would help."""
        if not judgement.agreed or not judgement.outcome.open:
            return ()
        exchange, as_of = judgement.exchange, judgement.as_of

        # With the approvals that count: whoever answers signs off again, and asks only what is open beside them.
        approved = frozenset(part.provision for part in judgement.signed_off)

        def answered(answers: Mapping[str, Value]) -> Outcome:
            return self._look(exchange.with_values(answers), as_of, approved, judgement.came)[1]

        return tuple(self._questions.lists(judgement, answered, book))

    def _heard(
        self, exchange: Exchange, as_of: date, signed: frozenset[str], laid: Collection[Carried]
    ) -> tuple[dict[str, Verdict], EnginePart]:
        """
        Each engine's verdict by its name, and whether all engines agree, also on the conditions that are laid on the exchange.

        The first verdict can always say how tests read. If its engine cannot, the reference engine answers.
        """
        verdicts: dict[str, Verdict] = {}
        trouble: list[str] = []
        conditions = dict.fromkeys(each.rule.travels.when for each in laid if each.rule.travels and each.rule.travels.when)
        read = [*self._combiner.read, *conditions] if conditions else self._combiner.read
        heard: list[Truth] = []
        for engine in self.engines:
            try:
                verdict = self._evaluated(engine, exchange, as_of, signed)
                reads = verdict.defined.several(read) if len(self.engines) > 1 else []
                for name, first in itertools.islice(verdicts.items(), 1):
                    if not verdict.agrees(first) or reads != heard:
                        trouble += [f"{name} / {engine.name}: {text}" for text in first.differences(verdict)]
                if not verdicts:
                    heard = reads
                    if verdict.truth is None:
                        verdict = replace(verdict, truth=_Asked(self.reference, exchange, as_of))
                verdicts[engine.name] = verdict
            except Exception as error:  # noqa: BLE001 - an engine that fails for any reason ends in a review, never in a permit
                # Record only the kind of error: its message may quote a personal value, and this text goes into the decision and the log.
                trouble.append(f"{engine.name} failed: {type(error).__name__}")
        if not verdicts:
            raise EnginesFailed("; ".join(trouble))
        if not trouble:
            return verdicts, self._agreed
        return verdicts, self._agreed.model_copy(update={"agreed": False, "disagreement": trouble[:MAX_DIFFERENCES]})

    @_of_recipient
    def disagreeing(self, judgement: Judgement, other: Level, text: str) -> Judgement:
        """A judgement that another one on the same exchange contradicts: the strictest of a review and what both leave possible."""
        level = max(Level.REVIEW, judgement.outcome.bounds.high, other)
        bounds = Bounds(level, level)
        own, outcome = (replace(each, word=outcome_word(bounds), bounds=bounds) for each in (judgement.own, judgement.outcome))
        engine = judgement.engine.model_copy(update={"agreed": False, "disagreement": [*judgement.engine.disagreement, text]})
        return replace(
            judgement, engine=engine, own=own, outcome=outcome, beneath=bounds, signed_off=(), signable=(), open_facts={}
        )

    def _strictest(self, exchange: Exchange, as_of: date, first: Outcome, verdicts: Collection[Verdict]) -> Outcome:
        """The strictest of a review and the outcomes of all engines."""
        found = [self._combiner.outcome(exchange, verdict, as_of) for verdict in verdicts]
        level = max([Level.REVIEW, *(outcome.bounds.high for outcome in found)])
        bounds = Bounds(level, level)
        return Outcome(outcome_word(bounds), bounds, first.jurisdictions, first.coverage, first.conflicts)


class _Asked:
    """How tests read on an exchange, by the reference engine, which evaluates the exchange once, on first use."""

    def __init__(self, reference: Reference, exchange: Exchange, as_of: date) -> None:
        self._ask = partial(reference.evaluate, exchange, as_of)

    @cached_property
    def _reading(self) -> ConditionReading:
        reading = self._ask().truth
        assert reading is not None
        return reading

    def __call__(self, condition: Condition, /) -> Truth:
        return self._reading(condition)

    def reader(self, atoms: Sequence[Atom]) -> Callable[[int], Truth]:
        return self._reading.reader(atoms)

    def seen(self, *rules: int) -> Hashable:
        return self._reading.seen(*rules)


class EnginesFailed(RuntimeError):
    """No engine could evaluate the exchange; there is no decision."""

"""
A judgement goes in, and a document comes out: the answer, the explanation, the whole decision; or a part of one, such as a question.

A judgement is told in any language, any number of times. Its exchange is evaluated again only with other facts or on other days: for
missing facts, remedies, ways and horizons.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial, reduce
from operator import or_

from pydantic import BaseModel, RootModel

from engine.backends.lanes.lane_cases import side_by_side
from engine.bundle import Bundle, gc_paused
from engine.deciding.changed_exchanges import bounds_on
from engine.deciding.combine import Evaluate, Outcome
from engine.deciding.judgement import Judgement
from engine.deciding.search_pauses import pause
from engine.deciding.sign_off_scope import Approval
from engine.decision import Decision, MissingPart, QuestionPart, RemediesPart
from engine.exchange import Exchange
from engine.explaining.case import Case
from engine.explaining.explanation import DecisionWriter
from engine.explaining.owed_duties import OwedDuty
from engine.explaining.phrasebook import Phrasebook
from engine.explaining.search_terms import SearchTerms
from engine.explaining.trace import trace
from engine.explaining.withheld_decision import without_reasons
from engine.explaining.written_decision import WrittenDecision
from engine.languages import ENGLISH, LANGUAGES
from engine.pdp.judging import AT_ONCE, Judging, of_recipient
from engine.questions.horizon import Horizon, OutcomesAhead, SteadyPermit, Words
from engine.questions.remedies import Remedies
from engine.questions.way_writer import WayWriter
from engine.questions.ways import prohibiting
from engine.values import Value
from engine.values.outcome_levels import Level, outcome_word
from engine.verdict import Verdict, numbers

INCLUDES = ("remedies", "ways", "holds_until", "trace", "rests_on")  # what a whole decision has only where it is asked for
SEARCHED = frozenset(
    {"questions", "remedies", "ways", "holds_until", "rests_on"}
)  # parts for which an exchange is evaluated many times
# The parts of an explanation.
PARTS = (
    "reasons", "possible", "requirements", "ways", "duties", "coverage", "factor", "questions", "rests_on", "remedies", "holds_until",
    "trace",
)  # fmt: skip


class PDP(Judging):
    """Decides exchanges under one bundle: judges them (`Judging`), and tells judgements."""

    @gc_paused()
    def __init__(self, bundle: Bundle, mode: str = "checked") -> None:
        super().__init__(bundle, mode)
        self._tellers = {ENGLISH.code: DecisionWriter(bundle, self._agreed, ENGLISH)}  # other languages are added on first use
        self._remedies = Remedies(bundle)
        self._way_writers: dict[str, WayWriter] = {}
        self._horizons = {ENGLISH.code: Horizon(bundle, ENGLISH)}

    def set_up(self) -> None:
        """Make now what would be made with the first exchanges, so that processes that are forked afterwards share it."""
        _ = self._remedies.ways
        super().set_up()

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
    ) -> WrittenDecision:
        """The decision on an exchange, as JSON: `judge`, then `tell`. Raises EnginesFailed if no engine gave a verdict."""
        return self.tell(self.judge(exchange, as_of=as_of, signed=signed), today=today, id=id, include=include, lang=lang)

    @of_recipient
    def tell(
        self,
        judgement: Judgement,
        *,
        today: date,
        id: str,
        include: Collection[str] = (),
        lang: str = "en",
        asking: bool = True,
    ) -> WrittenDecision:
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

    @of_recipient
    def answer(
        self, judgement: Judgement, *, today: date, id: str, parts: Collection[str] = (), lang: str = "en"
    ) -> WrittenDecision:
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

    @of_recipient
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

    def _more(self, case: Case, include: Collection[str], book: Phrasebook) -> dict[str, BaseModel]:
        """
        The additional parts that the caller asks for. If the engines disagree, only the trace is given.

        Remedies change facts, and no approval holds for changed facts.
        """
        more: dict[str, BaseModel] = {}
        judgement = case.judgement
        signed, look, words = self._look_ahead(judgement)

        def unsigned(exchange: Exchange, day: date) -> tuple[Verdict, Outcome]:
            return self._look(exchange, day, came=judgement.came)

        if "trace" in include:
            more["trace"] = trace(case)
        if "remedies" in include and judgement.agreed:
            found = self._remedies.find(case.exchange, case.as_of, unsigned, self.lanes, book) if not case.for_good else None
            more["remedies"] = found or RemediesPart(searched="all")
        if "ways" in include and judgement.agreed:
            read = self._remedies.ways.reading(judgement)
            to_permit = self._remedies.to_permit(judgement, unsigned, self.lanes)
            more["ways"] = RootModel(self._way_writer(book).all(read, judgement, to_permit))
        if "holds_until" in include and judgement.agreed:
            ends = [each.until for each in signed]
            more["holds_until"] = self.horizon(book.language.code).of(
                case.exchange, case.as_of, look, ends=ends, carried=bool(judgement.came), words=words
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

    def _teller(self, lang: str) -> DecisionWriter:
        """The writer of decisions in one language."""
        if lang not in self._tellers:
            if lang not in LANGUAGES:
                raise ValueError(f"there is no language `{lang}`; use one of {', '.join(LANGUAGES)}")
            self._horizons[lang] = Horizon(self.bundle, LANGUAGES[lang])
            self._tellers[lang] = DecisionWriter(self.bundle, self._agreed, LANGUAGES[lang])
        return self._tellers[lang]

    def _way_writer(self, book: Phrasebook) -> WayWriter:
        """What writes ways in one language."""
        code = book.language.code
        if code not in self._way_writers:
            self._way_writers[code] = WayWriter(self._remedies.ways, book)
        return self._way_writers[code]

    def horizon(self, lang: str) -> Horizon:
        """The search of later days, which writes in one language. Raises ValueError if the language is unknown."""
        with self._lock:
            self._teller(lang)
            return self._horizons[lang]

    @of_recipient
    def ahead(self, judgement: Judgement, until: date) -> OutcomesAhead:
        """
        The days after that of a judgement, up to `until`, on which its outcome becomes another one, although the facts stay the same.

        They are found by the first engine; judge the exchange on such a day for a decision. None where the engines disagree.
        """
        if not judgement.agreed:
            return OutcomesAhead()
        signed, look, words = self._look_ahead(judgement)
        ends = [each.until for each in signed]
        return self.horizon(ENGLISH.code).ahead(judgement.exchange, judgement.as_of, until, look, ends, words)

    def steady(self, exchanges: Sequence[tuple[Exchange, date]], until: date) -> list[SteadyPermit | None]:
        """
        Of exchanges without approvals, each from its day on: the permit that stays the same up to a day; None where an engine has to look.

        They are decided beside one another, each on every day on which a test may change, in passes of lanes.
        """
        found: dict[int, SteadyPermit] = {}
        for public in sorted({exchange.everyone for exchange, _ in exchanges}):
            judging = self.of_everyone if public else self
            mine = [number for number, (exchange, _) in enumerate(exchanges) if exchange.everyone == public]
            days = {number: judging.horizon(ENGLISH.code).days(*exchanges[number]) for number in mine}
            while mine:
                some: list[int] = []
                lanes = 0
                while mine and (not some or lanes < AT_ONCE):
                    some.append(mine.pop())
                    lanes += 1 + bisect_right(days[some[-1]], until)
                told = judging._steady([(*exchanges[number], days[number]) for number in some], until, public)
                found |= {number: each for number, each in zip(some, told, strict=True) if each is not None}
        return [found.get(number) for number in range(len(exchanges))]

    def _steady(
        self, exchanges: Sequence[tuple[Exchange, date, Sequence[date]]], until: date, public: str
    ) -> Iterator[SteadyPermit | None]:
        """The same of few exchanges, each with the days on which a test may change."""
        lanes: list[tuple[Exchange, date]] = []
        starts = [0]
        for exchange, as_of, days in exchanges:
            shown = self._shown(exchange, as_of)
            lanes += [(self._later(shown, day), day) for day in (as_of, *days[: bisect_right(days, until)])]
            starts.append(len(lanes))
        pause()
        with self._lock:
            outcomes = self.lanes.decide(side_by_side(lanes), public)
            standing = (outcomes.standing[number][0] for number in numbers(self._concerned))
            signable = reduce(or_, (*standing, *(must for must, _ in outcomes.silences.values())), 0)
        rows, permitted = (*outcomes.overall.low, *outcomes.overall.high), outcomes.permitted & ~signable
        for (exchange, _, days), start, end in zip(exchanges, starts, starts[1:], strict=False):
            every = (1 << end - start) - 1
            alike = permitted >> start & 1 and all((row >> start) & every in (0, every) for row in rows)
            word = outcome_word(outcomes.overall.of(start)) if alike and not exchange.disputed else ""
            yield SteadyPermit(word, until, tuple(days)) if word else None

    def _later(self, exchange: Exchange, day: date) -> Exchange:
        """A judged exchange as it is read on another day: what was shown is merely stated from its end on."""
        return exchange if exchange.shown_on(day) is exchange else self._shown(exchange, day)

    def _look_ahead(self, judgement: Judgement) -> tuple[list[Approval], Evaluate, Words]:
        """The approvals that a decision shows, and how its exchange is decided on another day with them, or on many at once."""
        # Only approvals that the decision shows count from here on, so that the decision can be made again from its own content.
        shown = {each.provision for each in judgement.signed_off}
        signed = [each for each in judgement.signed if each.provision in shown]

        def look(exchange: Exchange, day: date) -> tuple[Verdict, Outcome]:
            standing = frozenset(each.provision for each in signed if day <= each.until)
            return self._look(self._later(exchange, day), day, standing, judgement.came)

        def words(exchange: Exchange, days: Sequence[date]) -> Sequence[str]:
            if judgement.came or exchange.disputed:
                return [look(exchange, day)[1].word for day in days]
            pause()
            standing: dict[str, int] = {}
            for each in signed:
                lanes = sum(1 << lane for lane, day in enumerate(days) if day <= each.until)
                standing[each.provision] = standing.get(each.provision, 0) | lanes
            with self._lock:
                found = bounds_on(self.lanes, [(self._later(exchange, day), day) for day in days], standing)
            return [outcome_word(bounds) for bounds in found]

        return signed, look, words

    @of_recipient
    def asking(
        self, judgement: Judgement, lang: str = "en", apart: Collection[str] = (), listed: bool = True
    ) -> Iterator[QuestionPart]:
        """
        The questions on the open facts of a judgement, the best first; what belongs together is one question.

        Facts that stand `apart` are asked each alone, and so are those of their group. Where the choices are shown beside a question, its
        sentence need not have them `listed`.
        """
        return self._questions.asking(judgement, self._teller(lang).book, apart, listed)

    @of_recipient
    def question(self, judgement: Judgement, fact: str, lang: str = "en", listed: bool = True) -> QuestionPart:
        """The question for one of the open facts of a judgement."""
        return self._questions.question(judgement, fact, self._teller(lang).book, listed)

    @of_recipient
    def question_on(self, judgement: Judgement, provisions: Iterable[str], lang: str = "en") -> QuestionPart | None:
        """The question on the first of some provisions that only may stand; None if no fact is open that can be asked for."""
        return self._questions.of_any(judgement, provisions, self._teller(lang).book)

    @of_recipient
    def owed(self, judgement: Judgement, lang: str = "en") -> tuple[OwedDuty, ...]:
        """The duties that are owed under a judgement, or may be owed, in the order in which a decision tells them."""
        with self._lock:
            teller = self._teller(lang)
            case = self._case(judgement, judgement.as_of, "", teller.book, named=False, asking=False)
            return tuple(teller.duties.owed(case))

    @of_recipient
    def digest(self, judgement: Judgement) -> str:
        """The digest of a judgement's verdict and outcome, as its answer has it (semantics 5.6)."""
        return self._tellers[ENGLISH.code].verdicts.digest(judgement)

    @property
    def naming(self) -> SearchTerms:
        """Finds the names of exchanges by which a log is searched."""
        return self._tellers[ENGLISH.code].naming

    def withheld(self, written: WrittenDecision) -> WrittenDecision:
        """
        A written decision as a caller gets it who may not read the register.

        It is the same decision if nothing in it rests on the register or on a book; otherwise it is the outcome without its reasons.
        """
        exchange = written.judgement.exchange
        if not any(exchange.register.values()) and not any(book.page for book in exchange.books):
            return written
        return without_reasons(written, LANGUAGES[written.lang])

"""
The policy decision point: one bundle, the engines of its mode, and a decision for each exchange.

In the mode `checked` two engines that share nothing but the checked rules evaluate every exchange, and their verdicts are
compared. A disagreement or a failing engine is never a permit: the answer is the stricter of `review` and both (semantics 5.4).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date

from pydantic import BaseModel

from engine.backends.bitset import Bitset
from engine.backends.durable import Durable
from engine.backends.reference import Reference
from engine.bundle import Bundle, all_stays
from engine.deciding.carried import Carried, held, over, raised, stated, travelling
from engine.deciding.combine import Combiner, Outcome
from engine.deciding.combine import word as outcome_word
from engine.deciding.sign_off import SignOff, parts
from engine.decision import Decision, EnginePart, MissingPart, Written
from engine.exchange import Exchange
from engine.explaining.case import Case
from engine.explaining.explanation import Teller, trace
from engine.explaining.phrasebook import Phrasebook
from engine.languages import ENGLISH, LANGUAGES
from engine.questions.horizon import Horizon
from engine.questions.next_questions import Questions
from engine.questions.remedies import Remedies
from engine.rules import Level
from engine.values import Value
from engine.verdict import NONE_SIGNED, Bounds, Engine, Reading, Verdict
from engine.version import VERSION

MODES = {"checked": ("bitset", "durable"), "bitset": ("bitset",), "durable": ("durable",), "reference": ("reference",)}
INCLUDES = ("remedies", "holds_until", "trace")
MAX_DIFFERENCES = 50


class PDP:
    """
    Decides exchanges under one bundle.

    `mode` is "checked", "bitset", "durable" or "reference". Calls may come from several threads; they take turns, since
    durable-rules is one engine a process.
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
        self._agreed = EnginePart(version=VERSION, mode=mode, engines=list(MODES[mode]), agreed=True)
        self._tellers = {ENGLISH.code: Teller(bundle, self._agreed, ENGLISH)}  # others when first asked for
        self._questions = Questions(bundle)
        self._remedies = Remedies(bundle)
        self._horizons = {ENGLISH.code: Horizon(bundle, ENGLISH)}
        self._lock = threading.RLock()  # searches look while a decision holds it

    def decide(
        self,
        exchange: Exchange,
        *,
        as_of: date,
        today: date,
        id: str,
        include: Collection[str] = (),
        lang: str = "en",
        signed: Collection[SignOff] = (),
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
        signed: Collection[SignOff] = (),
    ) -> Written:
        """
        The decision on an exchange, as JSON.

        `as_of` is the day whose law counts; where it is not `today`, the decision is hypothetical. `id` is the caller's. `include` asks
        for more, of INCLUDES; `lang` is one of LANGUAGES. `signed` are approvals of these provisions, for these facts; those whose
        last day is before `as_of` count for nothing. Raises EnginesFailed where no engine gave an answer.
        """
        signed = [each for each in signed if as_of <= each.until]
        with self._lock:
            teller = self._teller(lang)
            verdict, own, part = self._judge(exchange, as_of, frozenset(each.provision for each in signed))
            carried = self._carried(exchange, as_of, part)
            outcome = over(own, carried)
            beneath = self._combiner.beneath(verdict, own) if part.agreed else own.bounds
            reading = verdict.truth or self.reference.evaluate(exchange, as_of).truth
            assert reading is not None
            case = Case(
                bundle=self.bundle,
                exchange=exchange,
                as_of=as_of,
                hypothetical=as_of != today,
                id=id,
                verdict=verdict,
                reading=reading,
                outcome=outcome,
                beneath=raised(beneath, carried, own.bounds.low >= Level.PERMITTED),
                missing=self._missing(exchange, verdict, reading, outcome, as_of, teller.book) if part.agreed else (),
                engine=part,
                own=own,
                carried=carried,
                signed_off=parts(verdict, signed) if part.agreed else (),
            )
            # Only what the decision tells counts further on, so that it can be made again from what it tells.
            told = {each.provision for each in case.signed_off}
            return teller.tell(case, self._more(case, include, teller.book, [s for s in signed if s.provision in told]))

    def verdict(self, exchange: Exchange, as_of: date) -> Verdict:
        """The reference's verdict, for tests of definitions."""
        return self.reference.evaluate(exchange, as_of)

    def look(self, exchange: Exchange, as_of: date, signed: frozenset[str] = NONE_SIGNED) -> tuple[Verdict, Outcome]:
        """What the first engine says to an exchange; for searches, no decision."""
        with self._lock:
            verdict = self.engines[0].evaluate(exchange, as_of, signed)
            outcome = self._combiner.outcome(exchange, verdict, as_of)
            return verdict, over(outcome, held(stated(exchange, self.travelling), (verdict,)))

    def verdicts(self, exchange: Exchange, as_of: date) -> tuple[Verdict, ...]:
        """What each engine says to an exchange; for plans, which read what stands in a leg and what another has to meet."""
        with self._lock:
            return tuple(engine.evaluate(exchange, as_of) for engine in self.engines)

    def outcome(self, exchange: Exchange, as_of: date) -> Outcome:
        """What the first engine says, without its verdict."""
        return self.look(exchange, as_of)[1]

    def _teller(self, lang: str) -> Teller:
        """Who tells decisions in a language."""
        if lang not in self._tellers:
            if lang not in LANGUAGES:
                raise ValueError(f"there is no language `{lang}`; use one of {', '.join(LANGUAGES)}")
            self._horizons[lang] = Horizon(self.bundle, LANGUAGES[lang])
            self._tellers[lang] = Teller(self.bundle, self._agreed, LANGUAGES[lang])
        return self._tellers[lang]

    def _more(
        self, case: Case, include: Collection[str], book: Phrasebook, signed: Collection[SignOff]
    ) -> dict[str, BaseModel]:
        """
        What is told only where it is asked for; of an exchange on which the engines disagree, only the trace.

        Remedies and questions change facts, and with them every approval is gone.
        """
        more: dict[str, BaseModel] = {}

        def look(exchange: Exchange, day: date) -> tuple[Verdict, Outcome]:
            return self.look(exchange, day, frozenset(each.provision for each in signed if day <= each.until))

        if "trace" in include:
            more["trace"] = trace(case)
        if "remedies" in include and case.engine.agreed:
            more["remedies"] = self._remedies.find(case.exchange, case.as_of, self.look, book=book)
        if "holds_until" in include and case.engine.agreed:
            ends = [each.until for each in signed]
            more["holds_until"] = self._horizons[book.language.code].of(case.exchange, case.as_of, look, ends=ends)
        return more

    def _missing(
        self, exchange: Exchange, verdict: Verdict, reading: Reading, outcome: Outcome, as_of: date, book: Phrasebook
    ) -> Sequence[MissingPart]:
        def answered(answers: Mapping[str, Value]) -> Outcome:
            return self.look(exchange.with_values(answers), as_of)[1]

        return self._questions.lists(exchange, verdict, reading, outcome, as_of, answered, book)

    def _carried(self, exchange: Exchange, as_of: date, part: EnginePart) -> tuple[Carried, ...]:
        """What came with the data, held against every engine; where they disagree, against the reference."""
        if not exchange.carried:
            return ()
        verdicts = self.verdicts(exchange, as_of) if part.agreed else (self.verdict(exchange, as_of),)
        return held(stated(exchange, self.travelling), verdicts)

    def _judge(self, exchange: Exchange, as_of: date, signed: frozenset[str]) -> tuple[Verdict, Outcome, EnginePart]:
        verdicts: list[tuple[str, Verdict]] = []
        trouble: list[str] = []
        for engine in self.engines:
            try:
                verdict = engine.evaluate(exchange, as_of, signed)
                reads = self._combiner.reads(verdict)
                name, first = verdicts[0] if verdicts else (engine.name, verdict)
                if not verdict.agrees(first) or reads != self._combiner.reads(first):
                    trouble += [f"{name} / {engine.name}: {text}" for text in first.differences(verdict)]
                verdicts.append((engine.name, verdict))
            except Exception as error:  # noqa: BLE001 - an engine that fails for any reason ends in a review, never in a permit
                # Only its kind: a message may quote a personal value, and this goes into the decision and the log.
                trouble.append(f"{engine.name} failed: {type(error).__name__}")
        if not verdicts:
            raise EnginesFailed("; ".join(trouble))
        verdict = verdicts[0][1]
        outcome = self._combiner.outcome(exchange, verdict, as_of)
        if not trouble:
            return verdict, outcome, self._agreed
        return (
            verdict,
            self._strictest(exchange, as_of, outcome, [v for _, v in verdicts]),
            self._agreed.model_copy(update={"agreed": False, "disagreement": trouble[:MAX_DIFFERENCES]}),
        )

    def _strictest(self, exchange: Exchange, as_of: date, first: Outcome, verdicts: Collection[Verdict]) -> Outcome:
        """The stricter of a review and what every engine says."""
        found = [self._combiner.outcome(exchange, verdict, as_of) for verdict in verdicts]
        level = max([Level.REVIEW, *(outcome.bounds.high for outcome in found)])
        bounds = Bounds(level, level)
        return Outcome(outcome_word(bounds), bounds, first.jurisdictions, first.coverage, first.conflicts)


class EnginesFailed(RuntimeError):
    """No engine could evaluate the exchange; there is no decision."""

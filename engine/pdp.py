"""
The policy decision point: one bundle, the engines of its mode, and a decision for each exchange.

An exchange is first judged, by every engine of the mode once, and then told: the decision is written from the judgement.

In the mode `checked` two engines that share nothing but the checked rules evaluate every exchange, and their verdicts are
compared. A disagreement or a failing engine is never a permit: the answer is the stricter of `review` and both (semantics 5.4).
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import replace
from datetime import date
from functools import cached_property, partial

from pydantic import BaseModel

from engine.backends.bitset import Bitset
from engine.backends.durable import Durable
from engine.backends.reference import Reference
from engine.bundle import Bundle, all_stays
from engine.deciding.carried import Carried, held, over, raised, stated, travelling
from engine.deciding.combine import UNDETERMINED, Combiner, Outcome
from engine.deciding.combine import word as outcome_word
from engine.deciding.judgement import Judgement
from engine.deciding.sign_off import Approval, concerns, parts, signable
from engine.decision import Decision, EnginePart, MissingPart
from engine.exchange import Exchange
from engine.explaining.case import Case
from engine.explaining.explanation import Teller, trace
from engine.explaining.phrasebook import Phrasebook
from engine.explaining.written import Written
from engine.languages import ENGLISH, LANGUAGES
from engine.questions.horizon import Horizon
from engine.questions.next_questions import Questions
from engine.questions.remedies import Remedies
from engine.rules import Condition, Level, Truth
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
        self._concerned = sum(1 << number for number, rule in enumerate(bundle.rules.rules) if concerns(rule))
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
        """The decision on an exchange, as JSON: `judge`, then `tell`. Raises EnginesFailed where no engine gave an answer."""
        return self.tell(self.judge(exchange, as_of=as_of, signed=signed), today=today, id=id, include=include, lang=lang)

    def judge(
        self, exchange: Exchange, *, as_of: date, signed: Collection[Approval] = (), came: Collection[Carried] = ()
    ) -> Judgement:
        """
        What the engines of the mode say to an exchange, each evaluating it once, and what that comes to.

        `as_of` is the day whose law counts. `signed` are approvals of these provisions, for these facts; those whose last day is before
        `as_of` count for nothing. `came` is what earlier legs of a plan lay on the exchange, beside what its sender stated. Raises
        EnginesFailed where no engine gave an answer.
        """
        signed = tuple(each for each in signed if as_of <= each.until)
        laid = (*came, *stated(exchange, self.travelling))
        with self._lock:
            verdicts, engine = self._heard(exchange, as_of, frozenset(each.provision for each in signed), laid)
            verdict = next(iter(verdicts.values()))
            own = self._combiner.outcome(exchange, verdict, as_of)
            if not engine.agreed:
                own = self._strictest(exchange, as_of, own, verdicts.values())
            carried = held(laid, tuple(verdicts.values()))
            beneath = self._combiner.beneath(verdict, own) if engine.agreed else own.bounds
            return Judgement(
                exchange=exchange,
                as_of=as_of,
                signed=signed,
                verdicts=verdicts,
                engine=engine,
                own=own,
                outcome=over(own, carried),
                beneath=raised(beneath, carried, own.bounds.low >= Level.PERMITTED),
                came=tuple(came),
                carried=carried,
                signed_off=tuple(parts(verdict, signed)) if engine.agreed else (),
                signable=signable(verdict, self._concerned) if engine.agreed else (),
            )

    def tell(self, judgement: Judgement, *, today: date, id: str, include: Collection[str] = (), lang: str = "en") -> Written:
        """
        The decision on an exchange as it was judged, as JSON.

        Where it was not judged as of `today`, the decision is hypothetical. `id` is the caller's. `include` asks for more, of INCLUDES;
        `lang` is one of LANGUAGES. The exchange is not evaluated again, unless something changes in it: what is missing, remedies and
        horizons are found by looking at others.
        """
        with self._lock:
            teller = self._teller(lang)
            case = Case(self.bundle, judgement, judgement.as_of != today, id, self._missing(judgement, teller.book))
            return teller.tell(case, self._more(case, include, teller.book))

    def verdict(self, exchange: Exchange, as_of: date) -> Verdict:
        """The reference's verdict, for tests of definitions."""
        return self.reference.evaluate(exchange, as_of)

    def look(
        self, exchange: Exchange, as_of: date, signed: frozenset[str] = NONE_SIGNED, came: Collection[Carried] = ()
    ) -> tuple[Verdict, Outcome]:
        """What the first engine says to an exchange; for searches, no decision."""
        with self._lock:
            verdict = self.engines[0].evaluate(exchange, as_of, signed)
            outcome = self._combiner.outcome(exchange, verdict, as_of)
            return verdict, over(outcome, held((*came, *stated(exchange, self.travelling)), (verdict,)))

    def outcome(self, exchange: Exchange, as_of: date) -> Outcome:
        """What the first engine says, without its verdict."""
        return self.look(exchange, as_of)[1]

    def horizon(self, lang: str) -> Horizon:
        """Who looks ahead, and says it in a language. Raises ValueError where there is no such language."""
        with self._lock:
            self._teller(lang)
            return self._horizons[lang]

    def _teller(self, lang: str) -> Teller:
        """Who tells decisions in a language."""
        if lang not in self._tellers:
            if lang not in LANGUAGES:
                raise ValueError(f"there is no language `{lang}`; use one of {', '.join(LANGUAGES)}")
            self._horizons[lang] = Horizon(self.bundle, LANGUAGES[lang])
            self._tellers[lang] = Teller(self.bundle, self._agreed, LANGUAGES[lang])
        return self._tellers[lang]

    def _more(self, case: Case, include: Collection[str], book: Phrasebook) -> dict[str, BaseModel]:
        """
        What is told only where it is asked for; of an exchange on which the engines disagree, only the trace.

        Remedies and questions change facts, and with them every approval is gone.
        """
        more: dict[str, BaseModel] = {}
        judgement = case.judgement
        # Only what the decision tells counts further on, so that it can be made again from what it tells.
        told = {each.provision for each in judgement.signed_off}
        signed = [each for each in judgement.signed if each.provision in told]

        def unsigned(exchange: Exchange, day: date) -> tuple[Verdict, Outcome]:
            return self.look(exchange, day, came=judgement.came)

        def look(exchange: Exchange, day: date) -> tuple[Verdict, Outcome]:
            standing = frozenset(each.provision for each in signed if day <= each.until)
            return self.look(exchange, day, standing, judgement.came)

        if "trace" in include:
            more["trace"] = trace(case)
        if "remedies" in include and judgement.agreed:
            more["remedies"] = self._remedies.find(case.exchange, case.as_of, unsigned, book=book)
        if "holds_until" in include and judgement.agreed:
            ends = [each.until for each in signed]
            more["holds_until"] = self.horizon(book.language.code).of(
                case.exchange, case.as_of, look, ends=ends, carried=bool(judgement.came)
            )
        return more

    def _missing(self, judgement: Judgement, book: Phrasebook) -> tuple[MissingPart, ...]:
        """What to find out; where the engines disagree, no answer would help."""
        if not judgement.agreed or judgement.outcome.word != UNDETERMINED:
            return ()
        exchange, as_of = judgement.exchange, judgement.as_of

        def answered(answers: Mapping[str, Value]) -> Outcome:
            return self.look(exchange.with_values(answers), as_of, came=judgement.came)[1]

        return tuple(
            self._questions.lists(exchange, judgement.verdict, judgement.reading, judgement.outcome, as_of, answered, book)
        )

    def _heard(
        self, exchange: Exchange, as_of: date, signed: frozenset[str], laid: Collection[Carried]
    ) -> tuple[dict[str, Verdict], EnginePart]:
        """
        Each engine's verdict by its name, and whether all of them said the same, also of the conditions that are laid on the exchange.

        Of the first verdict it can be asked how tests read, whichever engine gave it: of the reference where that one cannot tell.
        """
        verdicts: dict[str, Verdict] = {}
        trouble: list[str] = []
        conditions = dict.fromkeys(each.rule.travels.when for each in laid if each.rule.travels and each.rule.travels.when)
        heard: list[Truth] = []
        for engine in self.engines:
            try:
                verdict = engine.evaluate(exchange, as_of, signed)
                reads = [*self._combiner.reads(verdict), *(verdict.defined[key] for key in conditions)]
                for name, first in itertools.islice(verdicts.items(), 1):
                    if not verdict.agrees(first) or reads != heard:
                        trouble += [f"{name} / {engine.name}: {text}" for text in first.differences(verdict)]
                if not verdicts:
                    heard = reads
                    if verdict.truth is None:
                        verdict = replace(verdict, truth=_Asked(self.reference, exchange, as_of))
                verdicts[engine.name] = verdict
            except Exception as error:  # noqa: BLE001 - an engine that fails for any reason ends in a review, never in a permit
                # Only its kind: a message may quote a personal value, and this goes into the decision and the log.
                trouble.append(f"{engine.name} failed: {type(error).__name__}")
        if not verdicts:
            raise EnginesFailed("; ".join(trouble))
        if not trouble:
            return verdicts, self._agreed
        return verdicts, self._agreed.model_copy(update={"agreed": False, "disagreement": trouble[:MAX_DIFFERENCES]})

    def _strictest(self, exchange: Exchange, as_of: date, first: Outcome, verdicts: Collection[Verdict]) -> Outcome:
        """The stricter of a review and what every engine says."""
        found = [self._combiner.outcome(exchange, verdict, as_of) for verdict in verdicts]
        level = max([Level.REVIEW, *(outcome.bounds.high for outcome in found)])
        bounds = Bounds(level, level)
        return Outcome(outcome_word(bounds), bounds, first.jurisdictions, first.coverage, first.conflicts)


class _Asked:
    """How tests read on an exchange, by the reference, which is asked once and not before anybody wants to know."""

    def __init__(self, reference: Reference, exchange: Exchange, as_of: date) -> None:
        self._ask = partial(reference.evaluate, exchange, as_of)

    @cached_property
    def _reading(self) -> Reading:
        reading = self._ask().truth
        assert reading is not None
        return reading

    def __call__(self, condition: Condition, /) -> Truth:
        return self._reading(condition)

    def seen(self, *rules: int) -> Hashable:
        return self._reading.seen(*rules)


class EnginesFailed(RuntimeError):
    """No engine could evaluate the exchange; there is no decision."""

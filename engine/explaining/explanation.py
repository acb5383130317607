"""
From a case to the decision document: every line with its provision, its citation and the facts it rests on.

The document is written as JSON, because answers and records are JSON. Texts that are the same for every exchange (the words of a
provision, a test in words) are written once and kept; a decision is put together from these pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from json.encoder import encode_basestring as quote
from typing import Any

from pydantic import BaseModel

from engine.answer import EXPLANATION
from engine.bundle import Bundle
from engine.deciding.instruments import Instruments
from engine.deciding.rests_on import Statement
from engine.deciding.search_pauses import pause, paused
from engine.decision import (
    SCHEMA,
    CarriedPart,
    ConflictPart,
    DisputedPart,
    ElsewherePart,
    EnginePart,
    MissingPart,
)
from engine.explaining.answer_writer import AnswerWriter
from engine.explaining.carried_parts import carried_part
from engine.explaining.case import Case
from engine.explaining.conflict_parts import ConflictWriter
from engine.explaining.coverage_parts import CoverageWriter
from engine.explaining.duty_parts import DutyWriter
from engine.explaining.encoding import encode
from engine.explaining.factor_account import Account
from engine.explaining.owed_duties import DutyLine
from engine.explaining.phrasebook import Phrasebook, shown
from engine.explaining.reason_parts import ReasonWriter, Values
from engine.explaining.search_terms import SearchTerms
from engine.explaining.sentence import answer
from engine.explaining.verdict_writer import VerdictWriter
from engine.explaining.written_decision import WrittenDecision
from engine.languages import Language
from engine.rules import State
from engine.values import either
from engine.values.outcome_levels import Bounds, Level, outcome_word
from engine.verdict import numbers

REMEMBERED_STATEMENTS = 4_096
MOST_FOLDERS = 8  # that a decision names, so that its length has a bound


class DecisionWriter:
    """Writes the decisions of one bundle in one language; `agreed` is the `engine` part for engines that agree."""

    def __init__(self, bundle: Bundle, agreed: EnginePart, language: Language) -> None:
        self.bundle = bundle
        self.book = Phrasebook(bundle, language)
        self.agreed = encode(agreed.model_dump(mode="json"))
        self.account = Account(self.book, encode)
        self.naming = SearchTerms(bundle)
        rules = bundle.rules.rules
        self.laned = sum(1 << number for number, rule in enumerate(rules) if rule.lane)
        self.instruments = Instruments(rules)
        self._places = tuple(rule.provision.jurisdiction for rule in rules)
        self.owner = {rule.provision.policy: rule.provision.jurisdiction for rule in rules}
        self.instrument_titles = {rule.provision.policy: quote(self.book.text(rule.provision.instrument)) for rule in rules}
        self._statements: dict[Statement, str] = {}
        self._conflicts = ConflictWriter(self.book, self.laned)
        self.reasons = ReasonWriter(self.book)
        self.duties = DutyWriter(self.book)
        self._coverage = CoverageWriter(self.book)
        digests = bundle.digests
        folders = {"folders": digests.folders} if 1 < len(digests.folders) <= MOST_FOLDERS else {}
        self.verdicts = VerdictWriter(bundle.rules)
        self._answers = AnswerWriter(self, agreed)
        self.written_bundle = encode({**folders, "meaning": digests.meaning, "source": digests.source})

    def answer(self, case: Case, explained: str = "") -> WrittenDecision:
        """The answer of a case; `explained` is the explanation that goes with it, as JSON."""
        duties, conflicts, carried, disputed = self._told(case)
        said = answer(case, self.book)
        missing = (MissingPart(facts=list(case.asked), settles=False),) if case.asked else ()
        members, told = self._answers.members(case, said, duties, conflicts, carried, disputed)
        if explained:
            members["explanation"] = explained
        written = self._written(case, said, duties, conflicts, carried, disputed, missing, members)
        verdict = self.verdicts.compact(case.judgement)
        return replace(written, verdict=verdict, rests_on=told.whole, also_rests_on=told.also, further=told.further)

    def tell(self, case: Case, more: Mapping[str, BaseModel]) -> WrittenDecision:
        """The whole decision of a case as one document; `more` are members that were asked for."""
        judgement, outcome = case.judgement, case.outcome
        duties, conflicts, carried, disputed = self._told(case)
        said = answer(case, self.book)
        values = Values(case)
        members = {
            "schema": f'"{SCHEMA}"',
            "id": quote(case.id),
            "proceed": "true" if outcome.permits and not case.hypothetical else "false",
            "answer": quote(said),
            "outcome": f'"{outcome.word}"',
            "bounds": _bounds(outcome.bounds),
            "beneath": _bounds(judgement.beneath),
            "as_of": f'"{case.as_of.isoformat()}"',
            "hypothetical": "true" if case.hypothetical else "false",
            "jurisdictions": _list(self._jurisdictions(case)),
            **self._elsewhere(case),
            "reasons": _list(self.reasons.of(number, case, values) for number in self._in_order(self.reasons.told(case), case)),
            "beaten": _list(self.reasons.beaten(case)),
            "requirements": _list(self.reasons.requirements(case)),
            "duties": _list(duty.whole for duty in duties),
            "advice": _list(self.reasons.advice(case)),
            "conflicts": _parts(conflicts),
            "missing": _parts(case.missing),
            "coverage": self._coverage.of(case.outcome.coverage),
            "factor": self.account.write(case, values),
            "bundle": self.written_bundle,
            "engine": self.agreed if judgement.agreed else encode(judgement.engine.model_dump(mode="json")),
        }
        if judgement.signed_off:
            members["signed_off"] = _parts(judgement.signed_off)
        if carried:
            members["carried"] = _parts(carried)
        if outcome.permits:
            members["rests_on"] = _list(map(self.statement, case.rests_on))
            if case.exact:
                members["exact"] = "true"
        if case.exchange.only_stated:
            members["must_be_shown"] = encode(list(case.exchange.only_stated))
        if disputed:
            members["disputed"] = _parts(disputed)
        members |= {name: encode(part.model_dump(mode="json", by_alias=True)) for name, part in more.items()}
        return self._written(case, said, duties, conflicts, carried, disputed, case.missing, members)

    def explain(
        self, case: Case, parts: Collection[str], more: Mapping[str, BaseModel], exactly: Callable[[], Iterable[Statement]]
    ) -> str:
        """
        Some parts of the explanation of a case, as JSON. `more` are members that other modules write.

        `exactly` finds the statements of a permit that matter by themselves.
        """
        values = Values(case)
        stands, told = case.verdict.stands, self.reasons.told(case)
        duties, conflicts, carried, disputed = self._told(case)
        possible = told & ~stands.certain
        written: dict[str, Callable[[], Mapping[str, str]]] = {
            "reasons": lambda: {
                "jurisdictions": _list(self._jurisdictions(case)),
                "disputed": _parts(disputed),
                "signed_off": _parts(case.judgement.signed_off),
                "must_be_shown": encode(list(case.exchange.only_stated)),
                **self._elsewhere(case),
                "reasons": _list(
                    self.reasons.of(number, case, values) for number in paused(self._in_order(told & stands.certain, case), 2)
                ),
                "possible_count": str(possible.bit_count()),
                "beaten": _list(self.reasons.beaten(case)),
                "advice": _list(self.reasons.advice(case)),
                "conflicts": _parts(conflicts),
                "carried": _parts(carried),
            },
            "possible": lambda: {
                "possible": _list(self.reasons.of(number, case, values) for number in paused(self._in_order(possible, case), 2))
            },
            "requirements": lambda: {"requirements": _list(self.reasons.requirements(case))},
            "duties": lambda: {"duties": _list(duty.whole for duty in duties)},
            "coverage": lambda: {"coverage": self._coverage.of(case.outcome.coverage)},
            "factor": lambda: {"factor": self.account.write(case, values)},
            "questions": lambda: {"questions": _parts(case.missing)},
            "rests_on": lambda: (
                {
                    "rests_on": _list(map(self.statement, case.rests_on)),
                    "rests_on_exactly": _list(map(self.statement, exactly())),
                }
                if case.outcome.permits
                else {}
            ),
        }
        members = {"schema": f'"{EXPLANATION}"', "id": quote(case.id), "lang": f'"{self.book.language.code}"'}
        for name, write in written.items():
            if name in parts:
                pause()
                members |= write()
        members |= {name: encode(part.model_dump(mode="json", by_alias=True)) for name, part in paused(more.items())}
        return "{" + ",".join(f'"{name}":{members[name]}' for name in sorted(members)) + "}"

    def _told(
        self, case: Case
    ) -> tuple[tuple[DutyLine, ...], tuple[ConflictPart, ...], tuple[CarriedPart, ...], tuple[DisputedPart, ...]]:
        """The duties, conflicts, conditions that came with the data, and disputes of a case."""
        lang = self.book.language.code
        carried = tuple(carried_part(self.bundle, case.exchange, each, lang) for each in case.judgement.carried)
        return tuple(self.duties.told(case)), tuple(self._conflicts.of(case)), carried, tuple(self.disputed(case))

    def _written(
        self,
        case: Case,
        said: str,
        duties: Sequence[DutyLine],
        conflicts: tuple[ConflictPart, ...],
        carried: tuple[CarriedPart, ...],
        disputed: tuple[DisputedPart, ...],
        missing: tuple[MissingPart, ...],
        members: Mapping[str, str],
    ) -> WrittenDecision:
        judgement, outcome = case.judgement, case.outcome
        return WrittenDecision(
            id=case.id,
            as_of=case.as_of,
            hypothetical=case.hypothetical,
            proceed=outcome.permits and not case.hypothetical,
            outcome=outcome.word,  # type: ignore[arg-type]
            answer=said,
            lang=self.book.language.code,
            engine=judgement.engine,
            duties=tuple([duty.part for duty in duties]),
            conflicts=conflicts,
            carried=carried,
            disputed=disputed,
            missing=missing,
            signable=judgement.signable,
            named=self.named(case),
            members=members,
            judgement=judgement,
        )

    def named(self, case: Case) -> Mapping[str, tuple[str, ...]]:
        """The names by which a log is searched (`WrittenDecision.named`)."""
        needs = self.reasons.needs
        asked = {name for number in case.judgement.may_stand if number in needs for name in needs[number]}
        met = frozenset((State.MET,))
        return {
            "jurisdiction": tuple(
                name for name, b in sorted(case.outcome.jurisdictions.items()) if b.high is not Level.NOT_APPLICABLE
            ),
            "provision": case.judgement.provisions,
            "requirement": tuple(sorted([name for name in asked if case.verdict.requirements[name] != met])),
            "missing": tuple(dict.fromkeys(fact for question in case.asked for fact in question.facts or [question.fact])),
            **self.naming.of(case.exchange, case.verdict.defined),
        }

    def weighing(self, case: Case, places: Collection[str]) -> dict[str, list[tuple[Bounds, str]]]:
        """By jurisdiction, of some, the instruments that weigh, each with its own bounds, the strictest first."""
        signed = {part.provision for part in case.judgement.signed_off if part.accepts == "review"}
        found: dict[str, list[tuple[Bounds, str]]] = {}
        among = [number for number in case.judgement.may_stand if self._places[number] in places]
        for policy, bounds in self.instruments.of(case.verdict, among, frozenset(case.judgement.stand), signed).items():
            found.setdefault(self.owner[policy], []).append((bounds, policy))
        return {name: sorted(own, key=lambda each: (-each[0].high, -each[0].low, each[1])) for name, own in found.items()}

    def elsewhere(self, case: Case) -> ElsewherePart | None:
        """The law that only facts which are not given could bring in, in a line with its question; None where there is none."""
        if not case.elsewhere:
            return None
        known, names = self.bundle.vocabulary.jurisdictions, sorted(case.elsewhere)
        lands = [name for name in names if name not in known or known[name].countries]
        others = [self.book.place(name) for name in names if name not in lands]
        asked = case.beyond
        said = self.book.language.elsewhere([self.book.place(name) for name in lands], others, bool(case.judgement.concerned))
        says = self.book.language.one_after_another([said, asked.question]) if asked else said
        return ElsewherePart(
            places=names, says=says, fact=asked.fact if asked else None, question=asked.question if asked else None
        )

    def _elsewhere(self, case: Case) -> Mapping[str, str]:
        part = self.elsewhere(case)
        return {"elsewhere": encode(part.model_dump(mode="json", exclude_none=True))} if part else {}

    def _in_order(self, rules: int, case: Case) -> list[int]:
        """The numbers of some rules: those of the places concerned first."""
        rank = case.rank
        return sorted(numbers(rules), key=lambda number: rank.get(self._places[number], 0))

    def _jurisdictions(self, case: Case) -> Iterator[str]:
        weighing = self.weighing(case, case.outcome.jurisdictions)
        for name in sorted(case.outcome.jurisdictions, key=lambda name: (case.rank.get(name, 0), name)):
            bounds = case.outcome.jurisdictions[name]
            own = weighing.get(name, ())
            instruments = _list(
                f'{{"bounds":{_bounds(of)},"instrument":"{policy}","outcome":"{outcome_word(of)}","title":{self.instrument_titles[policy]}}}'
                for of, policy in own
            )
            title = quote(self.book.place(name))
            yield (
                f'{{"bounds":{_bounds(bounds)},"instruments":{instruments},"jurisdiction":"{name}","outcome":"{outcome_word(bounds)}",'
                f'"title":{title}}}'
            )

    def statement(self, statement: Statement) -> str:
        if statement not in self._statements:
            if len(self._statements) >= REMEMBERED_STATEMENTS:
                self._statements.clear()
            fact, source, without, _ = statement
            ordinary = '"ordinary":true,' if statement.ordinary else ""
            self._statements[statement] = f'{{"fact":{quote(fact)},{ordinary}"source":"{source}","without":"{without.word}"}}'
        return self._statements[statement]

    def disputed(self, case: Case) -> Iterator[DisputedPart]:
        """The facts that the register disputes, each with both values and the entity that states the other one."""
        exchange, vocabulary = case.exchange, self.bundle.vocabulary
        for fact, name, entity in exchange.contradictions():
            stated, registered = (
                shown(vocabulary, exchange.with_values({fact: value}), fact, case.as_of)
                for value in either(exchange.values[fact])
            )
            yield DisputedPart(
                fact=fact, stated=stated, registered=registered, entity=name, kind=entity.kind, version=entity.version
            )


def _bounds(bounds: Bounds) -> str:
    return _BOUNDS[bounds]


def _list(texts: Iterable[str]) -> str:
    return f"[{','.join(texts)}]"


def _parts(parts: Iterable[BaseModel]) -> str:
    return _list(encode(part.model_dump(mode="json", by_alias=True)) for part in parts)


_BOUNDS: dict[Any, str] = {
    Bounds(low, high): encode({"highest": high.word, "lowest": low.word}) for low in Level for high in Level
}

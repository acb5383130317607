"""
From a case to the decision document: every line with its provision, its citation and the facts it rests on.

The document is written as JSON, because answers and records are JSON. Texts that are the same for every exchange (the words of a
provision, a test in words) are written once and kept; a decision is put together from these pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from json.encoder import encode_basestring as quote
from typing import Any

from pydantic import BaseModel

from engine.answer import EXPLANATION
from engine.bundle import Bundle
from engine.deciding.instruments import Instruments
from engine.deciding.judgement import LIFTING, WEIGHING
from engine.deciding.rests_on import Statement
from engine.deciding.search_pauses import pause, paused
from engine.decision import (
    SCHEMA,
    TRUTH_WORDS,
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
from engine.explaining.search_terms import SearchTerms
from engine.explaining.sentence import answer
from engine.explaining.verdict_writer import VerdictWriter
from engine.explaining.written_decision import WrittenDecision
from engine.languages import Language
from engine.rules import AS_OF, Rule, State, Truth, bearing, exempted
from engine.values import either
from engine.values.outcome_levels import Bounds, Level, outcome_word
from engine.verdict import ConditionReading, numbers

REMEMBERED_STATEMENTS = 4_096
MOST_FOLDERS = 8  # that a decision names, so that its length has a bound
REMEMBERED = 256  # combinations of truth values of the tests of one rule


class DecisionWriter:
    """Writes the decisions of one bundle in one language; `agreed` is the `engine` part for engines that agree."""

    def __init__(self, bundle: Bundle, agreed: EnginePart, language: Language) -> None:
        self.bundle = bundle
        self.book = Phrasebook(bundle, language)
        self.agreed = encode(agreed.model_dump(mode="json"))
        self.account = Account(self.book, encode)
        self.naming = SearchTerms(bundle)
        rules = bundle.rules.rules
        self._weighing = _mask(rules, lambda rule: rule.effect in WEIGHING)
        self._lifting = _mask(rules, lambda rule: rule.effect in LIFTING)
        self._exempting = _mask(rules, lambda rule: rule.effect == "exempts")
        self._advising = _mask(rules, lambda rule: rule.effect == "advise")
        self.laned = _mask(rules, lambda rule: bool(rule.lane))
        self._requiring = _mask(rules, lambda rule: rule.need is not None)
        self._victims = exempted(rules)
        self._lifts = {n: frozenset((*rule.satisfies, *rule.excuses)) for n, rule in enumerate(rules)}
        self._needs = {n: tuple(rule.need.requirements()) for n, rule in enumerate(rules) if rule.need}
        self.instruments = Instruments(rules)
        self._places = tuple(rule.provision.jurisdiction for rule in rules)
        self.owner = {rule.provision.policy: rule.provision.jurisdiction for rule in rules}
        self.instrument_titles = {rule.provision.policy: quote(self.book.text(rule.provision.instrument)) for rule in rules}
        self._reasons: dict[tuple[int, bool], tuple[str, str]] = {}
        self._known: dict[int, dict[Hashable, tuple[tuple[str, str], ...]]] = {}
        self._advice: dict[int, str] = {}
        self._statements: dict[Statement, str] = {}
        self._conflicts = ConflictWriter(self.book, self.laned)
        self._ids = tuple(quote(rule.provision.id) for rule in rules)
        self.duties = DutyWriter(self.book)
        self._coverage = CoverageWriter(self.book)
        self._titles = {
            name: (quote(self.book.text(each.title)), quote(self.book.text(each.how)))
            for name, each in sorted(bundle.rules.requirements.items())
        }
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
            "reasons": _list(self.reason(number, case, values) for number in self._in_order(self.told(case), case)),
            "beaten": _list(self.beaten(case)),
            "requirements": _list(self.requirements(case)),
            "duties": _list(duty.whole for duty in duties),
            "advice": _list(self.advise(number) for number in numbers(case.verdict.stands.certain & self._advising)),
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
        stands, told = case.verdict.stands, self.told(case)
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
                    self.reason(number, case, values) for number in paused(self._in_order(told & stands.certain, case), 2)
                ),
                "possible_count": str(possible.bit_count()),
                "beaten": _list(self.beaten(case)),
                "advice": _list(self.advise(number) for number in numbers(stands.certain & self._advising)),
                "conflicts": _parts(conflicts),
                "carried": _parts(carried),
            },
            "possible": lambda: {
                "possible": _list(self.reason(number, case, values) for number in paused(self._in_order(possible, case), 2))
            },
            "requirements": lambda: {"requirements": _list(self.requirements(case))},
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
        needs = self._needs
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

    def told(self, case: Case) -> int:
        """The rules that the reasons list: those that weigh, those that lift for certain, those that may lift one that weighs."""
        stands = case.verdict.stands
        told = stands.possible & self._weighing | stands.certain & self._lifting
        perhaps = stands.possible & self._lifting & ~told
        if perhaps:
            asked = {name for number in numbers(stands.possible & self._requiring) for name in self._needs[number]}
            reached = case.verdict.holds.possible & self._weighing | stands.possible & self._exempting
            for number in numbers(perhaps):
                if self._victims.get(number, 0) & reached or not asked.isdisjoint(self._lifts[number]):
                    told |= 1 << number
        return told

    def reason(self, number: int, case: Case, values: Values) -> str:
        certain = bool(case.verdict.stands.certain >> number & 1)
        pieces = self._reasons.get((number, certain))
        if pieces is None:
            pieces = self._reasons[number, certain] = self._pieces(case.verdict.rules[number], certain)
        evidence = ",".join([f"{start}{values[fact]}}}" for fact, start in self._evidence(number, case.reading)])
        return f"{pieces[0]}{evidence}{pieces[1]}"

    def _pieces(self, rule: Rule, certain: bool) -> tuple[str, str]:
        """The JSON of a reason before its evidence, and after it."""
        provision, text = rule.provision, self.book.text
        whole = encode(
            {
                "at": f"{provision.file}:{provision.line}",
                "citation": text(provision.citation),
                "effect": rule.effect,
                "evidence": [],
                "force": provision.force,
                "instrument": text(provision.instrument),
                "jurisdiction": provision.jurisdiction,
                "mark": provision.status,
                "message": text(rule.message),
                "provision": provision.id,
                "requires": list(rule.need.requirements()) if rule.need else list(rule.satisfies),
                "says": text(provision.says),
                "source": provision.source,
                "standing": "certain" if certain else "possible",
                "title": text(provision.title),
            }
        )
        before, _, after = whole.partition('"evidence":[')
        return before + '"evidence":[', after

    def _evidence(self, number: int, reading: ConditionReading) -> tuple[tuple[str, str], ...]:
        """
        The tests that make a rule stand, or leave it open, each once.

        A test is its fact and its JSON up to the value, which is the only part that differs between exchanges. Which of the ledger's shares
        is too high is told nobody: it speaks of others, too.
        """
        seen = reading.seen(number)
        known = self._known.setdefault(number, {})
        found = known.get(seen)
        if found is None:
            lines: dict[tuple[str, str], tuple[str, str]] = {}
            for atom in bearing(self.bundle.rules.rules[number].condition, self.bundle.rules.definitions, reading):
                phrase = self.book.phrase(atom)
                if atom.fact.rpartition(".")[0] in self.bundle.vocabulary.shares:
                    continue
                if atom.fact != AS_OF and (atom.fact, phrase) not in lines:
                    truth = TRUTH_WORDS[reading(atom)]
                    start = f'{{"fact":{quote(atom.fact)},"test":{quote(phrase)},"truth":"{truth}","value":'
                    lines[atom.fact, phrase] = (atom.fact, start)
            while len(known) >= REMEMBERED:
                del known[next(iter(known))]
            found = known[seen] = tuple(lines.values())
        return found

    def statement(self, statement: Statement) -> str:
        if statement not in self._statements:
            if len(self._statements) >= REMEMBERED_STATEMENTS:
                self._statements.clear()
            fact, source, without, _ = statement
            ordinary = '"ordinary":true,' if statement.ordinary else ""
            self._statements[statement] = f'{{"fact":{quote(fact)},{ordinary}"source":"{source}","without":"{without.word}"}}'
        return self._statements[statement]

    def beaten(self, case: Case) -> Iterator[str]:
        holds, stands, doubted = case.verdict.holds, case.verdict.stands, case.verdict.doubted
        lifted = holds.possible ^ stands.possible | holds.certain ^ stands.certain
        found: dict[str, str] = {}
        for number in numbers((lifted | doubted.possible) & holds.possible & ~self._exempting):
            rule = case.verdict.rules[number]
            by = [e.provision.id for n, e in case.standing() if self._victims.get(n, 0) >> number & 1]
            standing = stands.truth(number)
            found[rule.provision.id] = encode(
                {
                    "by": list(dict.fromkeys(by)),
                    "certain": standing is Truth.NO or doubted.truth(number) is Truth.YES,
                    "doubtful": standing is holds.truth(number),
                    "provision": rule.provision.id,
                }
            )
        return iter(found.values())

    def requirements(self, case: Case) -> Iterator[str]:
        possible = case.verdict.stands.possible
        by: dict[str, list[str]] = {}
        for number in numbers(possible & self._requiring):
            for name in self._needs[number]:
                by.setdefault(name, []).append(self._ids[number])
        met_by: dict[str, dict[str, None]] = {}
        for number in numbers(possible & self._lifting):
            for name in self._lifts[number]:
                met_by.setdefault(name, {})[self._ids[number]] = None
        for name, (title, how) in self._titles.items() if by else ():
            if name in by:
                states = case.verdict.requirements[name]
                state = next(iter(states)).name.lower() if len(states) == 1 else "unknown"
                met, required = ",".join(met_by.get(name, ())), ",".join(by[name])
                yield (
                    f'{{"how":{how},"met_by":[{met}],"required_by":[{required}],"requirement":"{name}",'
                    f'"state":"{state}","title":{title}}}'
                )

    def advise(self, number: int) -> str:
        if number not in self._advice:
            rule = self.bundle.rules.rules[number]
            provision = rule.provision
            self._advice[number] = encode(
                {
                    "advice": self.book.text(rule.message),
                    "citation": self.book.text(provision.citation),
                    "force": provision.force,
                    "lane": rule.lane,
                    "mark": provision.status,
                    "provision": provision.id,
                }
            )
        return self._advice[number]

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


class Values(dict[str, str]):
    """The values of one exchange as JSON; each is written when it is first looked up."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self._case = case
        self._sent = case.exchange.values

    def __missing__(self, fact: str) -> str:
        found = "null"
        # A fact that was not sent has no value, except a field of a document that was sent.
        if fact in self._sent or fact.rpartition(".")[0] in self._sent:
            value = shown(self._case.bundle.vocabulary, self._case.exchange, fact, self._case.as_of)
            match value:
                case None:
                    pass
                case str():
                    found = quote(value)
                case bool():
                    found = "true" if value else "false"
                case _:
                    found = encode(value)
        self[fact] = found
        return found


def _bounds(bounds: Bounds) -> str:
    return _BOUNDS[bounds]


def _list(texts: Iterable[str]) -> str:
    return f"[{','.join(texts)}]"


def _parts(parts: Iterable[BaseModel]) -> str:
    return _list(encode(part.model_dump(mode="json", by_alias=True)) for part in parts)


def _mask(rules: tuple[Rule, ...], chosen: Callable[[Rule], bool]) -> int:
    return sum(1 << number for number, rule in enumerate(rules) if chosen(rule))


_BOUNDS: dict[Any, str] = {
    Bounds(low, high): encode({"highest": high.word, "lowest": low.word}) for low in Level for high in Level
}

"""
False statements: test cases go in; each comes out with one statement or a few changed, and the outcome that it then has.

Whoever wants a permit may say what is not so. A lie is refused at the door, changes nothing, or frees the exchange; then the permit has
to name the statement that was changed among those it rests on (semantics 4.11), for a person or another system to look at. A lie that
frees and is not named is silent, which is a fault. Of two statements each has to be named without which the other frees nothing; a fact
that is left out is no statement. What counts for nothing may free nothing, named or not: a claim or a document against the facts beside
it, an id in another spelling. And of a permit the truth is told that damns it: it may stay only where a document decides that.
The caller chooses which lies to try: there are millions.

Lies of one case are decided beside one another, in lanes. Only what is permitted there, or is milder, goes to the engines, which tell what
a permit rests on. The reference decides some of all again, so that a fault of the lanes cannot hide a silent lie.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import cycle
from typing import Any, Literal, TypeAlias

from engine.authoring.case_yaml import case_yaml
from engine.authoring.prepared_case import PreparedCase
from engine.authoring.testing import prepare
from engine.bundle import Bundle
from engine.deciding.judgement import Judgement
from engine.deciding.statement_weights import RELIES_ON
from engine.exchange import REGISTER, Exchange
from engine.exchange_input.exchange_problems import ExchangeRefused
from engine.exchange_input.exchange_reader import ExchangeReader
from engine.exchange_input.sent_statements import Statements
from engine.pdp import PDP
from engine.policy_language.claim_needs import NEEDS
from engine.policy_language.vocabulary import DOCUMENT_GROUPS
from engine.policy_language.written_exchange import LEFT_OUT, written_value
from engine.questions.possible_answers import AnswerBook
from engine.register_facts import IN_REGISTER
from engine.rules import Measure, Truth, tests
from engine.values import Document, Missing, Operand, Range, SetOf, Value, to_json
from engine.values.document_facts import with_fact_set
from engine.values.id_spellings import id_form
from engine.values.outcome_levels import Bounds, Level, permitting

# What comes of a lie: it is refused at the door, the exchange is still not permitted, the permit names it, it only leaves out what need not
# be said, or nothing names it. Of a truth that damns: the permit goes, a document decides it, or it stays.
Fate: TypeAlias = Literal["door", "refused", "named", "left_out", "silent", "decided", "stays"]
FATES: tuple[Fate, ...] = ("door", "refused", "named", "left_out", "silent", "decided", "stays")
WORDS = {
    "yes/no": "yes or no",
    "value": "one of a list",
    "set": "several of a list",
    "count": "count",
    "ratio": "ratio",
    "money": "money",
    "quantity": "quantity",
    "date": "date",
    "duration": "length of time",
    "id": "id",
    "evidence": "document",
    "claims": "claim",
    RELIES_ON: "way relied on",
}
TWO_AT_ONCE = "two at once"
UNTOLD, IN_VAIN, RESPELT, DAMNING = "contradiction", "in vain", "id respelt", "damning truth"
KINDS = (*WORDS.values(), TWO_AT_ONCE, UNTOLD, IN_VAIN, RESPELT, DAMNING)
FREE_NOTHING = (IN_VAIN, RESPELT)  # kinds of lies that may free nothing, named or not
REFUSING = ("prohibit", "require", "review")  # effects of rules
ID = "acme-lab"
# The same id with what nobody sees, and ids that only look like it: in capitals, with a Cyrillic letter, with a capital I for an l.
SPELLINGS = (f"{ID} ", f"\u200b{ID}", ID.upper(), ID.replace("a", "\u0430"), ID.replace("l", "I"))
MANY_PEOPLE = Range.exact(10**9)


@dataclass(frozen=True, slots=True)
class FalseStatement:
    """
    A statement, and what is sent in its place, as JSON; None leaves it out.

    `kind` is one of KINDS. `beside` is another statement that is changed with it, perhaps with more beside. A lie with `than`
    may free nothing: at least with one of those, or without any lie where it is None, the exchange is as mild.
    """

    kind: str
    statement: str
    value: Any
    beside: FalseStatement | None = None
    than: tuple[FalseStatement | None, ...] = ()

    @property
    def parts(self) -> tuple[FalseStatement, ...]:
        """The statements that are changed."""
        return (self, *self.beside.parts) if self.beside else (self,)


class LanesWrong(Exception):
    """The lanes decide an exchange otherwise than the reference; the message says which, and how."""


class StatementTester:
    """The refused and the permitted cases of some of a bundle's test files, and their lies."""

    def __init__(self, bundle: Bundle, pdp: PDP, files: Iterable[str]) -> None:
        self._bundle = bundle
        self._pdp = pdp
        self._reference = PDP(bundle, "reference")
        self._book = AnswerBook(bundle, Exchange({}, {}), date.min)
        self._grounds = tuple((number, rule) for number, rule in enumerate(bundle.rules.rules) if rule.satisfies)
        cases = [case for file in files for case in prepare(bundle, file)]
        found: dict[object, PreparedCase] = {}
        permitted: dict[object, PreparedCase] = {}
        for case, bounds in zip(cases, pdp.bounds([(case.exchange, case.as_of) for case in cases]), strict=True):
            refused = bounds.low.refused or bounds.high < Level.PERMITTED
            if refused or (bounds.low >= Level.PERMITTED and not bounds.high.refused):
                # Many cases of several files are of one exchange.
                key = (repr(sorted(case.exchange.values.items())), case.exchange.relies_on, case.exchange.everyone, case.as_of)
                (found if refused else permitted).setdefault(key, case)
        self.cases: tuple[PreparedCase, ...] = tuple(found.values())
        self.permits: tuple[PreparedCase, ...] = tuple(permitted.values())

    def lies(self, case: PreparedCase) -> Iterator[FalseStatement]:
        """Every statement of a case with one value of each class that the rules tell apart; every document and claim that is not shown."""
        exchange, vocabulary = case.exchange, self._bundle.vocabulary
        for name, value in exchange.values.items():
            known = vocabulary.facts.get(name)
            if name in exchange.follows or name.endswith(IN_REGISTER) or (known and known.register_only):
                continue  # what follows from other statements changes with them, and what only the register states nobody can lie about
            type = vocabulary.type_of(name)
            if type is None:
                yield from self._of_document(case, name, value)
            else:
                kind = WORDS["set" if type.many else type.kind]
                for sent in (*_distinct(value, self._of_fact(case, name, value)), "unknown", None):
                    yield FalseStatement(kind, name, sent)
        for name in dict.fromkeys(name for names in exchange.follows.values() for name in names if name.endswith(".rest")):
            yield FalseStatement(
                WORDS[vocabulary.facts[vocabulary.families[name.removesuffix(".rest")][0]].type.kind], name, None
            )
        for group in DOCUMENT_GROUPS:
            for kind in vocabulary.kinds[group]:
                if f"{group}.{kind}" not in exchange.values:
                    yield from (
                        FalseStatement(WORDS[group], f"{group}.{kind}", to_json(each))
                        for each in self._shown(f"{group}.{kind}", case)
                    )
        yield from (FalseStatement(WORDS[RELIES_ON], RELIES_ON, sent) for sent in self._ways(case))

    @staticmethod
    def pairs(
        lies: Sequence[FalseStatement], choose: Callable[[Sequence[FalseStatement]], FalseStatement], number: int
    ) -> Iterator[FalseStatement]:
        """Some lies about one case, as they are chosen, two at once: of two statements none of which is a part of the other."""
        for _ in range(number):
            one, other = (choose(lies) for _ in range(2))
            if not (
                f"{one.statement}.".startswith(f"{other.statement}.") or f"{other.statement}.".startswith(f"{one.statement}.")
            ):
                yield FalseStatement(TWO_AT_ONCE, one.statement, one.value, other)

    def contradictions(self, case: PreparedCase, lies: Iterable[FalseStatement]) -> Iterator[FalseStatement]:
        """Those of a case's lies that its other statements contradict, with these left out."""
        exchange = case.exchange
        stated = dict.fromkeys([name for key in exchange.values for name in exchange.follows.get(key, (key,))])
        for lie in lies:
            try:
                self._bundle.reader.accept(_changed(exchange.document, [lie]))
            except ExchangeRefused as refused:
                places = [f"{problem.pointer[1:].replace('/', '.')}." for problem in refused.problems]
                untold: FalseStatement | None = None
                for name in stated:
                    if name != lie.statement and any(place.startswith(f"{name}.") for place in places):
                        untold = FalseStatement(UNTOLD, name, None, untold)
                if untold:
                    yield FalseStatement(UNTOLD, lie.statement, lie.value, untold)

    def in_vain(self, case: PreparedCase) -> Iterator[FalseStatement]:
        """Each claim whose `needs` are false beside the facts of a case, and each document that does not count on its day."""
        defined, vocabulary = self._pdp.look(case.exchange, case.as_of)[0].defined, self._bundle.vocabulary
        day = timedelta(days=1)
        never: tuple[dict[str, Value], ...] = (
            {"dated": case.as_of + day},
            {"covers": False},
            {"dated": case.as_of - 2 * day, "expires": case.as_of - day},
        )
        for group in DOCUMENT_GROUPS:
            for kind in vocabulary.kinds[group]:
                name = f"{group}.{kind}"
                if name not in case.exchange.values:
                    unmet = f"{NEEDS}{kind}" in self._bundle.rules.definitions and defined[f"{NEEDS}{kind}"] is Truth.NO
                    none = FalseStatement(IN_VAIN, name, "none")  # says as much where a document would raise something
                    for shown in self._shown(name, case):
                        vain = [Document("shown", {**shown.fields, **each}) for each in never]
                        yield from (
                            FalseStatement(IN_VAIN, name, to_json(each), than=(None, none))
                            for each in (*vain, *([shown] if group == "claims" and unmet else []))
                        )

    def respelt(self, case: PreparedCase, lies: Iterable[FalseStatement]) -> Iterator[FalseStatement]:
        """Those of a case's lies about an entity, with its id in another spelling; the register has the truth under the id."""
        ids: dict[str, str] = {}  # the first id of each group of facts
        for name, fact in self._bundle.vocabulary.facts.items():
            if fact.type.kind == "id" and not fact.type.many:
                ids.setdefault(name.rpartition(".")[0], name)
        spellings = cycle(SPELLINGS)
        for lie in lies:
            id_of, truth = ids.get(lie.statement.rpartition(".")[0]), case.exchange.values.get(lie.statement)
            if id_of and id_of != lie.statement and truth is not None and lie.value is not None:
                entity = {"states": _changed({}, [FalseStatement(RESPELT, lie.statement, to_json(truth))])}
                right, wrong = (
                    FalseStatement(
                        RESPELT, id_of, id, FalseStatement(RESPELT, REGISTER, {id_of: entity | {"alike": id_form(id) != ID}})
                    )
                    for id in (ID, next(spellings))
                )
                yield FalseStatement(
                    RESPELT, lie.statement, lie.value, wrong, (FalseStatement(RESPELT, lie.statement, lie.value, right),)
                )

    def truths(self, permit: PreparedCase) -> Iterator[FalseStatement]:
        """
        What damns a permit, said of it: each value of a set that other facts follow from, or that each plan is asked, if a rule that may
        refuse tests it.

        What follows is said by its own name, too, with the set left out.
        """
        facts, plans = self._bundle.vocabulary.facts, self._bundle.vocabulary.plans
        followers = {name: fact.follows for name, fact in facts.items() if fact.follows}
        unsaid: FalseStatement | None = None
        for name in followers:
            unsaid = FalseStatement(DAMNING, name, None, unsaid)
        for name in dict.fromkeys([*(each.fact for each in followers.values()), *(plans.asks if plans else ())]):
            if permit.exchange.is_of_everyone(name):
                continue
            stated, values = permit.exchange.values.get(name), facts[name].type.values
            members = stated.members if isinstance(stated, SetOf) else frozenset[str]()
            for value in values.values if values else ():
                tested = {(name, each) for each in values.ancestors(value)} & self._refusing if values else ()
                if tested and value not in members:
                    yield FalseStatement(DAMNING, name, to_json(SetOf(members | {value})), unsaid)
        for name, told in followers.items():
            if (told.fact, told.value) in self._refusing:
                yield FalseStatement(DAMNING, told.fact, None, FalseStatement(DAMNING, name, told.reads))

    def fates(self, case: PreparedCase, lies: Sequence[FalseStatement], below: Callable[[int], int]) -> list[Fate]:
        """
        What comes of each of some lies in a case. `below` chooses a number below one, by which the reference decides an exchange again.

        Raises LanesWrong where that comes out otherwise.
        """
        read = _Door(self._bundle.reader, case.exchange).read
        told = {id(lie): read(lie) for lie in lies}
        others = {id(other): other for lie in lies for other in lie.than if told[id(lie)] is not None}
        told |= {number: read(other) for number, other in others.items()}
        exchanges = {number: exchange for number, exchange in told.items() if exchange is not None}
        bounds = dict(zip(exchanges, self._in_lanes(case, list(exchanges.values()), below), strict=True))

        def of(lie: FalseStatement) -> Fate:
            mine = bounds.get(id(lie))
            if mine is None:
                return "door"
            high = [bounds[id(each)].high if id(each) in bounds else _at_the_door(mine) for each in lie.than]
            frees = all(mine.high < each for each in high) if high else permitting(mine)
            return self.fate(case, lie) if frees else "refused"

        return [of(lie) for lie in lies]

    def fate(self, case: PreparedCase, lie: FalseStatement) -> Fate:
        """What comes of a lie in a case, by the engines alone."""
        try:
            judgement = self._told(case, lie.parts)
        except ExchangeRefused:
            return "door"
        if lie.than:
            return "silent" if self._freer(case, judgement, lie.than) else "refused"
        if not judgement.outcome.permits:
            return "refused"
        if lie.kind == DAMNING:
            return "decided" if self._deciding(case, lie) else "stays"
        named = {each.fact for each in self._pdp.rests_on(judgement)}
        # Of two statements that free together both are named; of two that free alone, or of which one changes nothing, one.
        needed = [
            part
            for part in lie.parts
            if lie.beside
            and not (part.kind == UNTOLD and part.value is None)
            and not self._frees(case, [each for each in lie.parts if each is not part])
        ]
        if (needed or named & {part.statement for part in lie.parts}) and all(part.statement in named for part in needed):
            return "named"
        # What is not shown counts as not shown (semantics 2.2), and no way has to be named (3.5): nothing false was said.
        unnamed = [part for part in needed or lie.parts if part.statement not in named]
        unsaid = [part for part in unnamed if part.value is None and _need_not_be_said(part.statement)]
        if len(unsaid) == len(unnamed) or (unsaid and not needed and self._frees(case, unsaid)):
            return "left_out"
        return "silent"

    def proposal(self, case: PreparedCase, lie: FalseStatement, fate: Fate) -> str:
        """
        A case in YAML, for the file of a case, that expects of a lie or a truth what should come of it; "" where no test can state it.

        A silent lie has to be named by the permit, or may free nothing; a permit goes with what damns it, or a document decides.
        """
        try:
            exchange = self._told(case, lie.parts).exchange
        except ExchangeRefused:
            return ""
        parts = [each for each in lie.parts if each.value is not None] or lie.parts[:1]
        said = " and ".join(
            f"{each.statement} {LEFT_OUT if each.value is None else written_value(each.value)}" for each in parts
        )
        expect: dict[str, Any]
        match fate:
            case "silent" if lie.kind in FREE_NOTHING:
                title, expect = f"Nothing is milder with {said}", {"outcome": self._told(case, ()).outcome.word}
            case "silent":
                named = [each.statement for each in lie.parts if each.value is not None]
                title, expect = f"A permit that comes of {said} names it", {"rests_on": named}
            case "decided":
                document = self._deciding(case, lie)
                title, expect = f"A document decides beside {said}", {"proceed": True, "rests_on": [document]}
            case _:
                title, expect = f"Nothing goes with {said}", {"proceed": False}
        return case_yaml(self._bundle, exchange, case.as_of, title, expect, file=case.file)

    @cached_property
    def _refusing(self) -> frozenset[tuple[str, Operand]]:
        """The facts with the values that rules which may refuse test."""
        rules = self._bundle.rules
        conditions = [rule.condition for rule in rules.rules if rule.effect in REFUSING]
        found = (atom for condition in conditions for atom in tests(condition, rules.definitions))
        return frozenset((atom.fact, operand) for atom in found if atom.op == "has" for operand in atom.operands)

    def _told(self, case: PreparedCase, parts: Iterable[FalseStatement]) -> Judgement:
        """The case with some statements changed, judged. Raises ExchangeRefused."""
        return self._pdp.judge(self._bundle.reader.accept(_changed(case.exchange.document, parts)), as_of=case.as_of)

    def _in_lanes(self, case: PreparedCase, exchanges: Sequence[Exchange], below: Callable[[int], int]) -> list[Bounds]:
        """The bounds of exchanges on the day of a case. One of them is read and decided again, by the reference. Raises LanesWrong."""
        found = self._pdp.bounds([(each, case.as_of) for each in exchanges])
        if exchanges:
            one = below(len(exchanges))
            exchange = self._bundle.reader.accept(exchanges[one].document)
            right = self._reference.outcome(exchange, case.as_of).bounds
            if right != found[one]:
                one_says, other_says = (
                    " to ".join(dict.fromkeys((each.low.word, each.high.word))) for each in (found[one], right)
                )
                raise LanesWrong(
                    f"{case.file}:{case.line}: lanes decide otherwise than the reference in a case like `{case.case}`, on {case.as_of}:"
                    f" {one_says}, not {other_says}, of the exchange {json.dumps(exchange.document, ensure_ascii=False)}"
                )
        return found

    def _frees(self, case: PreparedCase, parts: Iterable[FalseStatement]) -> bool:
        try:
            return self._told(case, parts).outcome.permits
        except ExchangeRefused:
            return False

    def _freer(self, case: PreparedCase, judgement: Judgement, others: Iterable[FalseStatement | None]) -> bool:
        """Whether a judgement is milder than the same case with each of some other lies; what is refused at the door is no permit."""
        highest = []
        for other in others:
            try:
                highest.append(self._told(case, other.parts if other else ()).outcome.bounds.high)
            except ExchangeRefused:
                highest.append(_at_the_door(judgement.outcome.bounds))
        return all(judgement.outcome.bounds.high < each for each in highest)

    def _deciding(self, permit: PreparedCase, truth: FalseStatement) -> str:
        """The document because of which a permit stays beside what damns it, and which it does not need otherwise; "" if there is none."""
        shown = [
            name for name, value in permit.exchange.values.items() if isinstance(value, Document) and value.state == "shown"
        ]
        without = [FalseStatement(truth.kind, name, None) for name in shown]
        deciding = (
            each.statement for each in without if self._frees(permit, [each]) and not self._frees(permit, [*truth.parts, each])
        )
        return next(deciding, "")

    def _of_fact(self, case: PreparedCase, name: str, sent: Value) -> Iterator[Value]:
        exchange = case.exchange.with_values({name: Missing.LEFT_OUT})
        for value in self._book.about(exchange, case.as_of).of(name).values:
            yield value
            if isinstance(value, SetOf) and isinstance(sent, SetOf):
                yield SetOf(sent.members | value.members)
        if isinstance(sent, SetOf):
            yield SetOf(frozenset())
            yield from (SetOf(sent.members - {member}) for member in sorted(sent.members))

    def _of_document(self, case: PreparedCase, name: str, sent: Value) -> Iterator[FalseStatement]:
        shown = self._shown(name, case)
        if isinstance(sent, Document) and sent.state == "shown":
            book = self._book.about(case.exchange, case.as_of)
            says = ("dated", "covers", *(each.name for each in self._measures(name) if each.must or each.name in sent.fields))
            for field in self._bundle.vocabulary.fields:
                if f"{name}.{field}" in book.tested or field in says:
                    values = book.of(f"{name}.{field}").values or [case.as_of, True]
                    shown += [Document("shown", {**sent.fields, field: value}) for value in values]
                    shown.append(Document("shown", {other: value for other, value in sent.fields.items() if other != field}))
        for value in (*_distinct(sent, (*shown, Document("none", {}))), "unknown", None):
            yield FalseStatement(WORDS[name.partition(".")[0]], name, value)

    def _measures(self, name: str) -> Sequence[Measure]:
        return self._bundle.rules.measures.get(name, ())

    def _shown(self, name: str, case: PreparedCase) -> list[Document]:
        """A document that counts, dated the day before, and the same with every field that a rule tests."""
        as_of = case.as_of
        before = as_of - timedelta(days=1)
        around = {each.name: each.around(each.told(case.exchange.values)) for each in self._measures(name) if each.must}
        covering: dict[str, Value] = {field: value for field, value in around.items() if value is not None}
        plain: dict[str, Value] = {"dated": before, "covers": True, **covering}
        fields: dict[str, Value] = {"filed": before, "expires": as_of + timedelta(days=365), "people": MANY_PEOPLE}
        tested = {field: value for field, value in fields.items() if f"{name}.{field}" in self._book.tested}
        return [Document("shown", plain), *([Document("shown", tested | plain)] if tested else [])]

    def _ways(self, case: PreparedCase) -> Iterator[list[str] | None]:
        """Each ground that stands or may stand, and no way at all."""
        sent = list(case.exchange.relies_on)
        stands = self._pdp.look(case.exchange, case.as_of)[0].stands.possible
        for number, rule in self._grounds:
            if stands >> number & 1 and [rule.key] != sent:
                yield [rule.key]
        if sent:
            yield None


class _Door:
    """Reads an exchange with lies in it. Each statement is read by itself, and once."""

    def __init__(self, reader: ExchangeReader, exchange: Exchange) -> None:
        self._reader, self._exchange = reader, exchange
        self._stated = reader.statements(exchange.document)
        self._known: dict[tuple[str, str], Statements | None] = {}

    def read(self, lie: FalseStatement | None) -> Exchange | None:
        """The exchange with a lie, None where it is refused at the door."""
        if lie is None:
            return self._exchange
        document, stated = _changed(self._exchange.document, lie.parts), self._stated
        try:
            if stated.everyone or "schema" in document:
                return self._reader.accept(document)
            for part in lie.parts:
                told = self._told(part)
                if told is None:
                    return None
                stated = stated.changed(part.statement, told)
            return self._reader.put_together(document, stated, self._exchange)
        except ExchangeRefused:
            return None

    def _told(self, part: FalseStatement) -> Statements | None:
        """What one statement says; None where it has not the shape that it must have."""
        key = part.statement, json.dumps(part.value)
        if key not in self._known:
            try:
                self._known[key] = self._reader.statements(_changed({}, [part]))
            except ExchangeRefused:
                self._known[key] = None
        return self._known[key]


def _changed(document: Mapping[str, Any], parts: Iterable[FalseStatement]) -> Mapping[str, Any]:
    """A document with some statements changed."""
    for part in parts:
        document = with_fact_set(document, part.statement, part.value)
    return document


def _at_the_door(beside: Bounds) -> Level:
    """How strict it counts that a lie is refused at the door, beside the outcome of another: it is no permit."""
    return Level.PROHIBITED if permitting(beside) else Level.NOT_APPLICABLE


def _need_not_be_said(statement: str) -> bool:
    return statement == RELIES_ON or statement.partition(".")[0] in DOCUMENT_GROUPS


def _distinct(sent: Value, values: Iterable[Value]) -> Iterator[Any]:
    """The values as JSON, each once, without the value that was sent."""
    seen = {json.dumps(to_json(sent), sort_keys=True)}
    for value in values:
        told = to_json(value)
        key = json.dumps(told, sort_keys=True)
        if key not in seen:
            seen.add(key)
            yield told

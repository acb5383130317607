"""
Lies: the refused cases of the authors' tests, each with one statement or two changed, and what comes of it.

Whoever wants a permit may say what is not so. A lie is refused at the door, changes nothing, or frees the exchange; then the permit has
to name the statement that was changed among those it rests on (semantics 4.11), for a person or another system to look at. A lie that
frees and is not named is silent, which is a fault. Of two statements each has to be named without which the other frees nothing.
The caller chooses which lies to try: there are millions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, TypeAlias

from engine.authoring.testing import Prepared, prepare
from engine.bundle import Bundle
from engine.deciding.contributions import put
from engine.deciding.judgement import Judgement
from engine.deciding.weights import RELIES_ON
from engine.exchange import Exchange
from engine.exchange_problems import ExchangeRefused
from engine.pdp import PDP
from engine.policy_language.vocabulary import DOCUMENT_GROUPS
from engine.questions.possible_answers import AnswerBook
from engine.registered import IN_REGISTER
from engine.rules import Level, Measure
from engine.values import Document, Missing, Range, SetOf, Value, to_json

# What comes of a lie: it is refused at the door, the exchange is still not permitted, the permit names it, it only leaves out what need not
# be said, or nothing names it.
Fate: TypeAlias = Literal["door", "refused", "named", "left_out", "silent"]
FATES: tuple[Fate, ...] = ("door", "refused", "named", "left_out", "silent")
WORDS = {
    "yes/no": "yes or no",
    "value": "one of a list",
    "set": "several of a list",
    "count": "count",
    "ratio": "ratio",
    "money": "money",
    "date": "date",
    "duration": "length of time",
    "id": "id",
    "evidence": "document",
    "claims": "claim",
    RELIES_ON: "way relied on",
}
TWO_AT_ONCE = "two at once"
KINDS = (*WORDS.values(), TWO_AT_ONCE)
MANY_PEOPLE = Range.exact(10**9)


@dataclass(frozen=True, slots=True)
class Lie:
    """
    A statement, and what is sent in its place, as JSON; None leaves it out.

    `kind` is one of KINDS. `beside` is a second statement that is changed with it.
    """

    kind: str
    statement: str
    value: Any
    beside: Lie | None = None

    @property
    def parts(self) -> tuple[Lie, ...]:
        """The one or two statements that are changed."""
        return (self, self.beside) if self.beside else (self,)


class Liar:
    """The refused cases of some of a bundle's test files, and their lies."""

    def __init__(self, bundle: Bundle, pdp: PDP, files: Iterable[str]) -> None:
        self._bundle = bundle
        self._pdp = pdp
        self._book = AnswerBook(bundle, Exchange({}, {}), date.min)
        self._grounds = tuple((number, rule) for number, rule in enumerate(bundle.rules.rules) if rule.satisfies)
        cases = [case for file in files for case in prepare(bundle, file)]
        found: dict[object, Prepared] = {}
        for case in sorted(cases, key=lambda case: case.as_of):  # the engine keeps what it learned of a day
            bounds = pdp.outcome(case.exchange, case.as_of).bounds
            if bounds.low.refused or bounds.high < Level.PERMITTED:
                # Many cases of several files are of one exchange.
                found.setdefault((repr(sorted(case.exchange.values.items())), case.exchange.relies_on, case.as_of), case)
        self.cases: tuple[Prepared, ...] = tuple(found.values())

    def lies(self, case: Prepared) -> Iterator[Lie]:
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
                    yield Lie(kind, name, sent)
        for name in dict.fromkeys(name for names in exchange.follows.values() for name in names if name.endswith(".rest")):
            yield Lie(WORDS[vocabulary.facts[vocabulary.families[name.removesuffix(".rest")][0]].type.kind], name, None)
        for group in DOCUMENT_GROUPS:
            for kind in vocabulary.kinds[group]:
                if f"{group}.{kind}" not in exchange.values:
                    yield from (
                        Lie(WORDS[group], f"{group}.{kind}", to_json(each)) for each in self._shown(f"{group}.{kind}", case)
                    )
        yield from (Lie(WORDS[RELIES_ON], RELIES_ON, sent) for sent in self._ways(case))

    def pairs(self, case: Prepared, choose: Callable[[Sequence[Lie]], Lie], number: int) -> Iterator[Lie]:
        """Some of a case's lies, as they are chosen, two at once: of two statements none of which is a part of the other."""
        lies = list(self.lies(case))
        for _ in range(number):
            one, other = (choose(lies) for _ in range(2))
            if not (
                f"{one.statement}.".startswith(f"{other.statement}.") or f"{other.statement}.".startswith(f"{one.statement}.")
            ):
                yield Lie(TWO_AT_ONCE, one.statement, one.value, other)

    def fate(self, case: Prepared, lie: Lie) -> Fate:
        """What comes of a lie in a case."""
        try:
            judgement = self._told(case, lie.parts)
        except ExchangeRefused:
            return "door"
        if not judgement.outcome.permits:
            return "refused"
        named = {each.fact for each in self._pdp.rests_on(judgement)}
        # Of two statements that free together both are named; of two that free alone, or of which one changes nothing, one.
        needed = [
            part for part in lie.parts if lie.beside and not self._frees(case, [each for each in lie.parts if each is not part])
        ]
        if (needed or named & {part.statement for part in lie.parts}) and all(part.statement in named for part in needed):
            return "named"
        # What is not shown counts as not shown (semantics 2.2), and no way has to be named (3.5): nothing false was said.
        unnamed = [part for part in needed or lie.parts if part.statement not in named]
        return "left_out" if all(part.value is None and _need_not_be_said(part.statement) for part in unnamed) else "silent"

    def _told(self, case: Prepared, parts: Iterable[Lie]) -> Judgement:
        """The case with some statements changed, judged. Raises ExchangeRefused."""
        document = case.exchange.document
        for part in parts:
            document = put(document, part.statement, part.value)
        return self._pdp.judge(self._bundle.reader.accept(document), as_of=case.as_of)

    def _frees(self, case: Prepared, parts: Iterable[Lie]) -> bool:
        try:
            return self._told(case, parts).outcome.permits
        except ExchangeRefused:
            return False

    def _of_fact(self, case: Prepared, name: str, sent: Value) -> Iterator[Value]:
        exchange = case.exchange.with_values({name: Missing.LEFT_OUT})
        for value in self._book.about(exchange, case.as_of).of(name).values:
            yield value
            if isinstance(value, SetOf) and isinstance(sent, SetOf):
                yield SetOf(sent.members | value.members)
        if isinstance(sent, SetOf):
            yield SetOf(frozenset())
            yield from (SetOf(sent.members - {member}) for member in sorted(sent.members))

    def _of_document(self, case: Prepared, name: str, sent: Value) -> Iterator[Lie]:
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
            yield Lie(WORDS[name.partition(".")[0]], name, value)

    def _measures(self, name: str) -> Sequence[Measure]:
        return self._bundle.rules.measures.get(name, ())

    def _shown(self, name: str, case: Prepared) -> list[Document]:
        """A document that counts, dated the day before, and the same with every field that a rule tests."""
        as_of = case.as_of
        before = as_of - timedelta(days=1)
        around = {each.name: each.around(each.told(case.exchange.values)) for each in self._measures(name) if each.must}
        covering: dict[str, Value] = {field: value for field, value in around.items() if value is not None}
        plain: dict[str, Value] = {"dated": before, "covers": True, **covering}
        fields: dict[str, Value] = {"filed": before, "expires": as_of + timedelta(days=365), "people": MANY_PEOPLE}
        tested = {field: value for field, value in fields.items() if f"{name}.{field}" in self._book.tested}
        return [Document("shown", plain), *([Document("shown", tested | plain)] if tested else [])]

    def _ways(self, case: Prepared) -> Iterator[list[str] | None]:
        """Each ground that stands or may stand, and no way at all."""
        sent = list(case.exchange.relies_on)
        stands = self._pdp.look(case.exchange, case.as_of)[0].stands.possible
        for number, rule in self._grounds:
            if stands >> number & 1 and [rule.key] != sent:
                yield [rule.key]
        if sent:
            yield None


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

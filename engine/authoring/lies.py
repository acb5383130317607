"""
Lies: the refused cases of the authors' tests, each with one statement changed, and what comes of it.

Whoever wants a permit may say what is not so. A lie is refused at the door, changes nothing, or frees the exchange; then the permit has
to name the statement that was changed among those it rests on (semantics 4.11), for a person or another system to look at. A lie that
frees and is not named is silent, which is a fault. The caller chooses which lies to try: there are millions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, TypeAlias

from engine.authoring.testing import Prepared, prepare
from engine.bundle import Bundle
from engine.deciding.contributions import put
from engine.deciding.weights import RELIES_ON
from engine.exchange import Exchange
from engine.exchange_problems import ExchangeRefused
from engine.pdp import PDP
from engine.policy_language.vocabulary import DOCUMENT_FIELDS, DOCUMENT_GROUPS
from engine.questions.possible_answers import AnswerBook
from engine.registered import IN_REGISTER
from engine.rules import Level
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
KINDS = tuple(WORDS.values())
MANY_PEOPLE = Range.exact(10**9)


@dataclass(frozen=True, slots=True)
class Lie:
    """
    A statement, and what is sent in its place, as JSON; None leaves it out.

    `kind` is one of KINDS.
    """

    kind: str
    statement: str
    value: Any


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
                        Lie(WORDS[group], f"{group}.{kind}", to_json(each))
                        for each in self._shown(f"{group}.{kind}", case.as_of)
                    )
        yield from (Lie(WORDS[RELIES_ON], RELIES_ON, sent) for sent in self._ways(case))

    def fate(self, case: Prepared, lie: Lie) -> Fate:
        """What comes of a lie in a case."""
        try:
            exchange = self._bundle.reader.accept(put(case.exchange.document, lie.statement, lie.value))
        except ExchangeRefused:
            return "door"
        judgement = self._pdp.judge(exchange, as_of=case.as_of)
        if not judgement.outcome.permits:
            return "refused"
        if any(each.fact == lie.statement for each in self._pdp.rests_on(judgement)):
            return "named"
        # What is not shown counts as not shown (semantics 2.2), and no way has to be named (3.5): nothing false was said.
        free_to_leave_out = lie.statement == RELIES_ON or lie.statement.partition(".")[0] in DOCUMENT_GROUPS
        return "left_out" if lie.value is None and free_to_leave_out else "silent"

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
        shown = self._shown(name, case.as_of)
        if isinstance(sent, Document) and sent.state == "shown":
            book = self._book.about(case.exchange, case.as_of)
            for field in DOCUMENT_FIELDS:
                if f"{name}.{field}" in book.tested or field in ("dated", "covers"):
                    values = book.of(f"{name}.{field}").values or [case.as_of, True]
                    shown += [Document("shown", {**sent.fields, field: value}) for value in values]
                    shown.append(Document("shown", {other: value for other, value in sent.fields.items() if other != field}))
        for value in (*_distinct(sent, (*shown, Document("none", {}))), "unknown", None):
            yield Lie(WORDS[name.partition(".")[0]], name, value)

    def _shown(self, name: str, as_of: date) -> list[Document]:
        """A document that counts, dated the day before, and the same with every field that a rule tests."""
        before = as_of - timedelta(days=1)
        plain: dict[str, Value] = {"dated": before, "covers": True}
        fields: dict[str, Value] = {"filed": before, "expires": as_of + timedelta(days=365), "people": MANY_PEOPLE}
        tested = {field: value for field, value in fields.items() if f"{name}.{field}" in self._book.tested}
        return [Document("shown", plain), *([Document("shown", plain | tested)] if tested else [])]

    def _ways(self, case: Prepared) -> Iterator[list[str] | None]:
        """Each ground that stands or may stand, and no way at all."""
        sent = list(case.exchange.relies_on)
        stands = self._pdp.look(case.exchange, case.as_of)[0].stands.possible
        for number, rule in self._grounds:
            if stands >> number & 1 and [rule.key] != sent:
                yield [rule.key]
        if sent:
            yield None


def _distinct(sent: Value, values: Iterable[Value]) -> Iterator[Any]:
    """The values as JSON, each once, without the value that was sent."""
    seen = {json.dumps(to_json(sent), sort_keys=True)}
    for value in values:
        told = to_json(value)
        key = json.dumps(told, sort_keys=True)
        if key not in seen:
            seen.add(key)
            yield told

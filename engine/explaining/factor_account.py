"""
The data factor account: data as a thing with rights, a grade, a value and benefits, and the lanes open to it.

The account has two halves: what the exchange states, line by line, and what is computed from it (explaining.computed). The vocabulary says
which lines there are and which facts they read. A line without a value is left out, and so is a part of which the exchange says nothing. A
lane is a provision that advises and names the lane; it is open where the provision stands. A closed lane says what would open it. A price
comes with its settlement.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

from engine.exchange import Exchange
from engine.explaining.case import Case
from engine.explaining.computed_values import Computed
from engine.explaining.phrasebook import Phrasebook
from engine.explaining.settlement_account import settlement_shown
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, FactorLine, Vocabulary
from engine.rules import Not, Rule, Truth
from engine.values import Disputed, Missing, SetOf, to_json
from engine.verdict import ConditionReading, Verdict

REMEMBERED = 1_024  # combinations of truth values of the tests of one lane


class Line(NamedTuple):
    """
    A line of the account.

    `start` is its JSON up to the value, `members` are the facts its value comes from.
    """

    start: str
    members: frozenset[str]
    line: FactorLine


class Lines(NamedTuple):
    """A part of the account; `start` is its JSON up to its lines."""

    start: str
    lines: tuple[Line, ...]


class Account:
    """Writes the accounts of one bundle, in the language of a phrasebook."""

    def __init__(self, book: Phrasebook, encode: Callable[[Any], str]) -> None:
        self._book = book
        self._encode = encode
        self._computed = Computed(book)
        vocabulary = book.bundle.vocabulary
        # Sorted, since records are canonical JSON.
        self._parts = [
            Lines(f'"{part}":{{', tuple(self._written(name, line) for name, line in sorted(lines.items())))
            for part, (_, lines) in sorted(vocabulary.factor.items())
        ]
        rules = book.bundle.rules.rules
        number_of = {rule.key: number for number, rule in enumerate(rules)}
        self._lanes = [(number, f"{rule.provision.policy}#applies") for number, rule in enumerate(rules) if rule.lane]
        exempters: dict[int, list[int]] = {}
        for number, rule in enumerate(rules):
            for victim in rule.exempts:
                exempters.setdefault(number_of[victim], []).append(number)
        # The numbers of a lane and of the rules that may close it, and the same as a set.
        self._among: dict[int, tuple[tuple[int, ...], int]] = {}
        for number, _ in self._lanes:
            among = (number, *exempters.get(number, ()))
            self._among[number] = (among, sum(1 << each for each in among))
        self._known: dict[int, dict[Hashable, str]] = {number: {} for number, _ in self._lanes}

    def write(self, case: Case, values: Mapping[str, str]) -> str:
        """The account of one case, as JSON; `values` are those of its exchange, as JSON."""
        exchange = case.exchange
        sent = exchange.values.keys()
        parts = []
        for part in self._parts:
            told, whole = [], False
            for each in part.lines:
                if each.members.isdisjoint(sent):
                    continue
                value = self._line(exchange, each.line, values)
                if value != "null":
                    told.append(f"{each.start}{value}}}")
                    whole = whole or not each.line.beside
            if whole:
                parts.append(f"{part.start}{','.join(told)}}}")
        lanes = [
            self._lane(number, case.verdict, case.reading)
            for number, applies in self._lanes
            if case.verdict.stands.possible >> number & 1 or case.verdict.defined[applies] is Truth.YES
        ]
        computed = self._encode(self._computed.groups(case))
        settled = settlement_shown(self._book, case.exchange)
        settlement = "" if settled is None else f',"settlement":{self._encode(settled)}'
        lanes_told = ",".join(lanes)
        return f'{{"account":{{{",".join(parts)}}},"computed":{computed},"lanes":[{lanes_told}]{settlement}}}'

    def _written(self, name: str, line: FactorLine) -> Line:
        start = f'"{name}":{{"fact":"{line.fact}","title":{self._encode(self._book.text(line.title))},"value":'
        members = self._book.bundle.vocabulary.families.get(line.fact, (_sent(line.fact),))
        return Line(start, frozenset(members), line)

    def _line(self, exchange: Exchange, line: FactorLine, values: Mapping[str, str]) -> str:
        if line.highest or line.fact not in self._book.bundle.vocabulary.facts:  # a family, or a field of a document
            return self._encode(_value(self._book.bundle.vocabulary, exchange, line))
        return values[line.fact]

    def _lane(self, number: int, verdict: Verdict, reading: ConditionReading) -> str:
        """The JSON of a lane; it depends only on the tests of the lane and of the rules that may close it."""
        among, mask = self._among[number]
        possible, certain = verdict.stands
        key = (possible & mask, certain & mask, reading.seen(*among))
        known = self._known[number]
        if key not in known:
            if len(known) >= REMEMBERED:
                known.clear()
            exempters = [(verdict.rules[each], verdict.stands.truth(each)) for each in among[1:]]
            known[key] = self._encode(self._told(verdict.rules[number], verdict.stands.truth(number), exempters, reading))
        return known[key]

    def _told(
        self, rule: Rule, stands: Truth, exempters: list[tuple[Rule, Truth]], reading: ConditionReading
    ) -> dict[str, Any]:
        opens_when = [*self._book.unmet(rule.condition, reading)]
        opens_when += [
            text
            for exempter, truth in exempters
            if truth is Truth.UNKNOWN
            for text in self._book.unmet(Not(exempter.condition), reading)
        ]
        closing = [e.provision for e, truth in exempters if truth is Truth.YES]
        return {
            "citation": self._book.text(rule.provision.citation),
            "closed_by": [self._book.cited(self._book.text(p.title), p) for p in closing],
            "force": rule.provision.force,
            "lane": rule.lane,
            "mark": rule.provision.status,
            "opens_when": [] if stands is Truth.YES else list(dict.fromkeys(opens_when)),
            "provision": rule.provision.id,
            "state": {Truth.YES: "open", Truth.UNKNOWN: "possible", Truth.NO: "closed"}[stands],
            "title": self._book.text(self._book.bundle.vocabulary.lanes[rule.lane].title),
        }


def _value(vocabulary: Vocabulary, exchange: Exchange, line: FactorLine) -> Any:
    """A family by its members; the highest of an ordered set; "personal" where the fact is marked as personal."""
    members = vocabulary.families.get(line.fact, (line.fact,))
    if line.fact not in vocabulary.facts and line.fact not in vocabulary.families:
        document, _, field = line.fact.rpartition(".")
        value = exchange.value(line.fact)
        return (
            "personal" if field in vocabulary.personal_fields(document) and not isinstance(value, Missing) else to_json(value)
        )
    if any(vocabulary.facts[m].personal and not isinstance(exchange.value(m), Missing) for m in members):
        return "personal"
    if line.fact in vocabulary.families:
        told = {m.removeprefix(f"{line.fact}."): to_json(exchange.value(m)) for m in members}
        return {name: value for name, value in told.items() if value is not None} or None
    value, values = exchange.value(line.fact), vocabulary.facts[line.fact].type.values
    if isinstance(value, Disputed):
        each = (_value(vocabulary, exchange.with_values({line.fact: side}), line) for side in (value.stated, value.registered))
        return dict(zip(("stated", "registered"), each, strict=True))
    if isinstance(value, SetOf) and value.members and values:
        return max(value.members, key=lambda member: values.rank.get(member, -1))
    return to_json(value)


def _sent(fact: str) -> str:
    """The fact that an exchange sends: for a field of a document, the document."""
    return fact.rpartition(".")[0] if fact.partition(".")[0] in DOCUMENT_GROUPS else fact

"""
What is computed for the data factor account, apart from what an exchange states.

A case goes in; groups of lines come out, each line with the facts that it was computed from and a sentence. The vocabulary says which
lines there are (`computes:`). Money is compared in one currency only, and never converted. What cannot be computed has no value, and its
sentence says why. A group without a line is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal, localcontext
from functools import partial
from typing import Any

from engine.exchange import Exchange
from engine.explaining.case import Case
from engine.explaining.phrasebook import Phrasebook
from engine.explaining.rights_account import rights
from engine.policy_language.vocabulary import ComputedLine
from engine.rules import Truth
from engine.values import Document, Money, Number, Range, SetOf

DIGITS = Decimal("0.000001")  # of a ratio
DIGITS_AT_MOST = 60  # more than the ratio of two sums of an exchange can have

Group = Mapping[str, Any]
Found = Mapping[str, Any]  # of a line: `says`, and `value` and `state` where there are any


class Computed:
    """Computes the groups of one bundle, in the language of a phrasebook."""

    def __init__(self, book: Phrasebook) -> None:
        self._book = book
        self._ways: Mapping[str, Callable[[Case, ComputedLine], Found | None]] = {
            "ratio": self._ratio,
            "limit": self._limit,
            "highest": self._highest,
            "validity": self._validity,
            "total": self._total,
        }
        self._told = {
            part: [(name, line, facts) for name, line in lines.items() if (facts := self._computable(line)) is not None]
            for part, lines in book.bundle.vocabulary.computed.items()
        }
        # Each group is a function of the case; it returns None where there is nothing.
        self._groups: dict[str, Callable[[Case], Group | None]] = {
            part: partial(self._of_facts, part) for part in book.bundle.vocabulary.computed
        }

    def groups(self, case: Case) -> dict[str, Group]:
        """The groups of a case, by name, as JSON."""
        found = {name: group(case) for name, group in sorted(self._groups.items())}
        return {name: group for name, group in found.items() if group is not None} | rights(case.exchange, self._book)

    def _of_facts(self, part: str, case: Case) -> Group | None:
        lines = list(self._lines(part, case))
        return {"title": self._book.account(part), "lines": lines} if lines else None

    def _lines(self, part: str, case: Case) -> Iterator[Group]:
        disputed = case.exchange.disputed
        for name, line, facts in self._told[part]:
            about_disputed = disputed and not facts.isdisjoint(disputed)
            found = {"says": self._book.language.not_computed()} if about_disputed else self._ways[line.take](case, line)
            if found is not None:
                yield {"name": name, "title": self._book.text(line.title), "facts": list(line.facts), **found}

    def _computable(self, line: ComputedLine) -> frozenset[str] | None:
        """The facts that a line is computed from; None where one is withheld, of which nothing is told."""
        vocabulary = self._book.bundle.vocabulary
        facts = frozenset(member for fact in line.facts for member in vocabulary.families.get(fact, (fact,)))
        personal = any(fact in vocabulary.facts and vocabulary.facts[fact].personal for fact in facts)
        return None if personal else facts

    # --- the ways ------------------------------------------------------------------------------------------------------

    def _ratio(self, case: Case, line: ComputedLine) -> Found | None:
        """The ratio of two sums of money."""
        return self._compared(case.exchange, line, limit=False)

    def _limit(self, case: Case, line: ComputedLine) -> Found | None:
        """The ratio of a sum of money to the most that it may be; within the limit is what is not above it."""
        return self._compared(case.exchange, line, limit=True)

    def _compared(self, exchange: Exchange, line: ComputedLine, *, limit: bool) -> Found | None:
        one, other = (exchange.value(fact) for fact in line.facts)
        if not (isinstance(one, Money) and isinstance(other, Money)):
            return None
        say, of, to = self._book.language, str(one), str(other)
        if one.currency != other.currency:
            return {"says": say.other_currency(of, to)}
        state = {"state": "beyond" if one.amount > other.amount else "within"} if limit else {}
        within = self._book.language.word("limit", state["state"]) if limit else ""
        if not other.amount:
            return {**state, "says": say.no_ratio(of, to, within)}
        ratio = _ratio_text(one.amount, other.amount)
        return {**state, "value": ratio, "says": say.ratio(of, to, ratio, within)}

    def _highest(self, case: Case, line: ComputedLine) -> Found | None:
        """The highest of several values, and the value that decides it."""
        (fact,) = line.facts
        value, type = case.exchange.value(fact), self._book.bundle.vocabulary.facts[fact].type
        if not isinstance(value, SetOf) or not value.members or type.values is None:
            return None
        rank = type.values.rank
        highest = max(sorted(value.members), key=lambda member: rank.get(member, -1))
        signals = [self._book.value(type, SetOf(frozenset({member}))) for member in sorted(value.members)]
        told = self._book.language.highest(self._book.value(type, highest), signals, value.open)
        return {"value": highest, "says": told} | ({"state": "open"} if value.open else {})

    def _validity(self, case: Case, line: ComputedLine) -> Found | None:
        """Whether a document is valid on the day of the exchange (semantics 2.3)."""
        (kind,) = line.facts
        document = case.exchange.values.get(kind)
        if not isinstance(document, Document) or document.state != "shown":
            return None
        fields, day = document.fields, case.as_of
        dated, covers, expires = fields.get("dated"), fields.get("covers"), fields.get("expires", date.max)
        measures = self._book.bundle.rules.measures.get(kind, ())
        within = min((each.within(fields, each.told(case.exchange.values)) for each in measures), default=Truth.YES)
        if isinstance(expires, date) and expires < day:
            state = "expired"
        elif isinstance(dated, date) and dated > day:
            state = "not_yet"
        elif covers is False or within is Truth.NO:
            state = "not_covering"
        elif isinstance(dated, date) and isinstance(expires, date) and covers is True and within is Truth.YES:
            state = "valid"
        else:
            state = "open"
        last = expires if isinstance(expires, date) and expires != date.max else None
        says = self._book.language.validity(self._book.title(kind), self._book.language.word("validity", state), last, day)
        return {"state": state, "says": says} | ({"value": last.isoformat()} if last else {})

    def _total(self, case: Case, line: ComputedLine) -> Found | None:
        """The sum of a family of shares: it closes where it is one."""
        members = self._book.bundle.vocabulary.families[line.facts[0]]
        values = [case.exchange.value(member) for member in members]
        known = [value for value in values if isinstance(value, Range)]
        if not known:
            return None
        low = sum((value.low for value in known), Decimal(0))
        exact = len(known) == len(values) and all(value.low == value.high for value in known)
        known_to_differ = low > 1 or (exact and low != 1)
        state = "not_closed" if known_to_differ else "closed" if exact else "open"
        text = _plain(low)
        return {"state": state, "value": text, "says": self._book.language.total_of_shares(text, state)}


def _ratio_text(one: Decimal, other: Decimal) -> str:
    with localcontext(prec=DIGITS_AT_MOST):
        return _plain((one / other).quantize(DIGITS))


def _plain(number: Number) -> str:
    """A number without an exponent and without zeros at its end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

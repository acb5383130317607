"""
Promises: what the parties of an exchange promise by it, until a last day.

From a bundle and an exchange come the promises that are made once the exchange happens. Who keeps them, and how many are overdue, is for
the caller; this module stores nothing. A promise without a known last day is none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from engine.bundle import Bundle
from engine.exchange import Exchange
from engine.policy_language.document_text import Text
from engine.policy_language.ledger_text import PromiseText
from engine.values import Range


@dataclass(frozen=True, slots=True)
class Promise:
    """
    One promise of the vocabulary; the fields but `title`, `evidence` and `meaning` name facts.

    `terms` say what is promised, and `number` how much, "" where one report shows the whole; `evidence` are the kinds of documents that
    show that it was kept. `fills` counts the overdue promises of the party `by`, and `disputed` the reports on its promises that are in
    dispute, in an exchange that states `beside`. `meaning` is a digest of all that decides what is promised, and by whom.
    """

    name: str
    title: Text
    due: str
    by: str
    to: str
    terms: Mapping[str, str]
    number: str
    evidence: tuple[str, ...]
    fills: str
    disputed: str
    beside: str
    meaning: str

    @classmethod
    def of(cls, name: str, text: PromiseText) -> Promise:
        """A promise, from its checked text."""
        number, disputed = text.number or "", text.disputed or ""
        more = [each for each in (number, disputed) if each]
        meant = repr((name, text.due, text.by, text.to, sorted(text.terms.items()), text.fills, *more))
        return cls(
            name,
            text.title,
            text.due,
            text.by,
            text.to,
            text.terms,
            number,
            tuple(text.evidence),
            text.fills,
            disputed,
            text.beside,
            hashlib.sha256(meant.encode()).hexdigest(),
        )

    def made(self, exchange: Exchange) -> DatedPromise | None:
        """The promise that an exchange makes; None where no last day is known for certain."""
        due, number = exchange.value(self.due), exchange.value(self.number) if self.number else None
        if not isinstance(due, date):
            return None
        least = int(number.low) if isinstance(number, Range) and number.low else None
        return DatedPromise(self, due, least, _id(exchange, self.by), _id(exchange, self.to))


@dataclass(frozen=True, slots=True)
class DatedPromise:
    """
    A promise that an exchange makes: its last day, how much at least, and the ids of the parties.

    None is what is not known for certain, and a number of nought.
    """

    promise: Promise
    due: date
    number: int | None
    by: str | None
    to: str | None


def promises_of(bundle: Bundle) -> tuple[Promise, ...]:
    """The promises of a bundle, in the order of their names."""
    return tuple(Promise.of(name, text) for name, text in sorted(bundle.vocabulary.promises.items()))


def _id(exchange: Exchange, fact: str) -> str | None:
    value = exchange.value(fact)
    return value if isinstance(value, str) else None

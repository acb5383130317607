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


@dataclass(frozen=True, slots=True)
class Promise:
    """
    One promise of the vocabulary; the fields but `title`, `evidence` and `meaning` name facts.

    `terms` say what is promised, `evidence` are the kinds of documents that show that it was kept. `fills` counts the overdue promises of
    the party `by`, in an exchange that states `beside`. `meaning` is a digest of all that decides what is promised, and by whom.
    """

    name: str
    title: Text
    due: str
    by: str
    to: str
    terms: Mapping[str, str]
    evidence: tuple[str, ...]
    fills: str
    beside: str
    meaning: str

    @classmethod
    def of(cls, name: str, text: PromiseText) -> Promise:
        """A promise, from its checked text."""
        meant = repr((name, text.due, text.by, text.to, sorted(text.terms.items()), text.fills))
        meaning = hashlib.sha256(meant.encode()).hexdigest()
        evidence = tuple(text.evidence)
        return cls(name, text.title, text.due, text.by, text.to, text.terms, evidence, text.fills, text.beside, meaning)

    def made(self, exchange: Exchange) -> DatedPromise | None:
        """The promise that an exchange makes; None where no last day is known for certain."""
        due = exchange.value(self.due)
        return DatedPromise(self, due, _id(exchange, self.by), _id(exchange, self.to)) if isinstance(due, date) else None


@dataclass(frozen=True, slots=True)
class DatedPromise:
    """A promise that an exchange makes: its last day, and the ids of the parties, None where not known for certain."""

    promise: Promise
    due: date
    by: str | None
    to: str | None


def promises_of(bundle: Bundle) -> tuple[Promise, ...]:
    """The promises of a bundle, in the order of their names."""
    return tuple(Promise.of(name, text) for name, text in sorted(bundle.vocabulary.promises.items()))


def _id(exchange: Exchange, fact: str) -> str | None:
    value = exchange.value(fact)
    return value if isinstance(value, str) else None

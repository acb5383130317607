"""
The facts that the door of exchanges reads together: what follows from what stays within one cluster.

The columns of a table go in. A cluster of them is read once for each distinct part of a row, by the door itself, and the values of a row
are those of its clusters: a family and what closes it, a counter and what it counts, a fact and what it follows from, a place and its
country, a document and its fields, and all that books fill. What cannot be true together over clusters is found by whoever decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.bundle import Bundle, accept_exchange
from engine.exchange_input.exchange_problems import ExchangeRefused
from engine.policy_language.vocabulary import DOCUMENT_GROUPS
from engine.tables.distinct_rows import StatedExchange
from engine.values import Missing, Value

MOST_PARTS = 20_000  # parts of rows that are remembered


@dataclass(frozen=True, slots=True)
class ReadPart:
    """What a part of a row changes in the values of an exchange that states nothing; None where the door has something to say."""

    values: Mapping[str, Value] | None


class FactClusters:
    """The clusters of one bundle."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._above: dict[str, str] = {}
        words = bundle.vocabulary
        for family, members in words.families.items():
            self._join(f"{family}.rest", *members)
        for fact in words.facts.values():
            if fact.counts:
                self._join(fact.name, *words.families.get(fact.counts, (fact.counts,)))
            if fact.lies_in:
                self._join(fact.name, fact.lies_in)
            if fact.follows:
                self._join(fact.name, fact.follows.fact)
        for reader in bundle.reader.books:
            book = reader.book
            self._join(book.of, book.by, book.to, book.held, *book.fills, *reader.inputs)
        if (benefits := bundle.reader.benefits) is not None:
            self._join(*benefits.book.fills, *benefits.book.divides)
        self.base = accept_exchange(bundle, {}).values
        self._parts: dict[tuple[str, bytes], ReadPart] = {}

    def root(self, name: str) -> str:
        """What names a cluster."""
        name = self._document(name)
        while (above := self._above.get(name, name)) != name:
            name = above
        return name

    def read(self, cluster: str, key: bytes, stated: Callable[[], StatedExchange]) -> ReadPart:
        """What a part of a row says, by its key; what it states is asked where it was not read before."""
        found = self._parts.get((cluster, key))
        if found is None:
            if len(self._parts) >= MOST_PARTS:
                self._parts.clear()
            found = self._parts[cluster, key] = self._read(cluster, stated())
        return found

    def forget(self) -> None:
        """Keys mean something else from now on."""
        self._parts.clear()

    def _read(self, cluster: str, stated: StatedExchange) -> ReadPart:
        if stated.problems:
            return ReadPart(None)
        try:
            exchange = accept_exchange(self._bundle, stated.document)
        except ExchangeRefused:
            return ReadPart(None)
        changed = {name: value for name, value in exchange.values.items() if self.base.get(name) != value}
        changed |= dict.fromkeys(self.base.keys() - exchange.values.keys(), Missing.LEFT_OUT)
        # INVARIANT (clusters are apart): a part changes nothing that another part of the row may change.
        apart = all(self.root(name) == cluster for name in changed)
        plain = not exchange.everyone and not exchange.relies_on and not exchange.carried and not exchange.disputed
        return ReadPart(changed if apart and plain else None)

    def _document(self, name: str) -> str:
        """The document of a field, else the name."""
        group, _, rest = name.partition(".")
        kinds = self._bundle.vocabulary.kinds
        if group in DOCUMENT_GROUPS and rest not in kinds[group]:
            kind = rest.rpartition(".")[0]
            return f"{group}.{kind}" if kind in kinds[group] else name
        return name

    def _join(self, *names: str) -> None:
        first, *others = map(self.root, names)
        for each in others:
            self._above[self.root(each)] = self.root(first)

"""
The secret of the ledger, against the names that it hashed: leaves go in, a sentence comes out where they were hashed with another one.

Leaves hold names of parties and assets by keyed hashes (service.store.counter_secret). Where the name itself is still there, in the leaf or
in the record of a commitment, it is hashed again. A secret of another database may have the seal of the log's key, if somebody put it
there who has the key; then the ledger finds nobody any more, and counts too little.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

import engine
from service.audit.leaf_effects import Leaf
from service.ledger import hashed_names, party_view
from service.ledger.counter_book import Book
from service.log.leaf import with_personal_values
from service.log.store import of_numbers

_AT_ONCE = 200
_LOST = "counters-lost"
_ASSET_NAMED = {
    "rights-opening": "id",
    "agreement-version": "agreement",
}  # kinds of leaves with the name of an asset and its hash


class LedgerSecret:
    """Compares the hashes of a log. `rows` can open the secret; `source` has the records."""

    def __init__(self, rows: sa.Connection, source: sa.Connection) -> None:
        self._rows, self._source, self._book = rows, source, Book()
        self._begin()

    def take(self, leaf: Leaf) -> None:
        """A leaf, in the order of the log."""
        kind = leaf.get("kind")
        if kind == _LOST:
            self._begin()  # what was hashed before is known to be with another secret
        elif kind == "commitment" and leaf.get("exporter") is not None:
            self._committed[int(leaf["sequence"])] = leaf["exporter"], f"the commitment `{leaf['id']}`"
            if len(self._committed) >= _AT_ONCE:
                self._take_committed()
        elif kind in _ASSET_NAMED and isinstance(leaf.get("asset"), str):
            hashed = hashed_names.asset(self._book, self._rows, leaf["asset"])
            self._compare({hashed}, leaf["asset_hash"], f"the leaf of `{leaf[_ASSET_NAMED[kind]]}`")

    def findings(self) -> Iterator[str]:
        """One sentence if names were hashed with another secret."""
        self._take_committed()
        if self._others:
            yield (
                f"the secret of the counters is not the one that the ledger's names were hashed with: of {self._compared:,} that can be"
                f" compared {self._others:,} differ, the first in {self._first}; put the row `sealed_ledger_secret` of `about` back from a"
                " backup of this database, and restart"
            )

    def _begin(self) -> None:
        self._compared, self._others, self._first = 0, 0, ""
        self._committed: dict[int, tuple[str, str]] = {}

    def _take_committed(self) -> None:
        for stored in of_numbers(self._source, list(self._committed)):
            hashed, where = self._committed[stored.sequence]
            request = with_personal_values(stored.entry.leaf, stored.entry.openings)["request"]
            name = engine.fact_at(request, party_view.EXPORTER)
            if isinstance(name, str):  # not erased
                spelt = {
                    name,
                    engine.id_form(name),
                    engine.folded_id(name),
                    *_registered(request),
                }  # it is hashed as it was read
                self._compare({party_view.hashed(self._rows, self._book, each) for each in spelt}, hashed, where)
        self._committed = {}

    def _compare(self, now: Collection[str], then: str, where: str) -> None:
        self._compared += 1
        if then not in now:
            self._others += 1
            self._first = self._first or where


def _registered(request: Mapping[str, Any]) -> Iterator[str]:
    """The id that the register has for the exporter of a request, where it spells it otherwise."""
    entity = (request.get(engine.REGISTER) or {}).get(party_view.EXPORTER) or {}
    for id in (entity.get("id"), engine.fact_at(entity.get("states") or {}, party_view.EXPORTER)):
        if isinstance(id, str):
            yield id

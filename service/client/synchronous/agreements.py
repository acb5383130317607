# Made from `asynchronous/agreements.py`: change that file, then run RECORD=1 pytest tests/service/test_synchronous_client.py
"""Agreements on benefit: propose, accept or open, amend and end them, and read them."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from ..agreements import Agreement, terms
from ..calls import call
from ..pages import Pages
from .connection import Connection


class Agreements(Connection):
    """The methods about agreements on benefit."""

    def propose_agreement(
        self,
        asset: str,
        shares: Iterable[Mapping[str, Any]],
        *,
        days: int = 30,
        until: date | None = None,
        pricing: Mapping[str, Any] | None = None,
        tax: str | None = None,
        reason: str,
    ) -> Agreement:
        """
        Propose who has a share in what an asset earns. It counts for nothing until it stands.

        `days` are those until what it makes payable is due, `until` is its last day. `tax` is stated beside, and is in no sum.
        """
        sent = terms(shares, days=days, until=until, pricing=pricing, tax=tax, reason=reason)
        return self._call(call(Agreement, "POST", "assets", asset, "agreements", sent=sent, same={"state": "proposed"}))

    def amend_agreement(
        self,
        id: str,
        shares: Iterable[Mapping[str, Any]],
        *,
        days: int = 30,
        until: date | None = None,
        pricing: Mapping[str, Any] | None = None,
        tax: str | None = None,
        reason: str,
    ) -> Agreement:
        """Propose all terms of an agreement anew, as `propose_agreement` does."""
        sent = terms(shares, days=days, until=until, pricing=pricing, tax=tax, reason=reason)
        return self._call(call(Agreement, "POST", "agreements", id, "amend", sent=sent, same={"id": id}))

    def end_agreement(self, id: str, first_day_without: date, reason: str) -> Agreement:
        """Propose that an agreement no longer stands from a day on."""
        sent = {"from": first_day_without.isoformat(), "reason": reason}
        return self._call(call(Agreement, "POST", "agreements", id, "end", sent=sent, same={"id": id}))

    def accept_agreement(self, id: str, digest: str) -> Agreement:
        """Accept the newest version of an agreement, by its digest, for the party to which the key belongs."""
        return self._call(call(Agreement, "POST", "agreements", id, "accept", sent={"digest": digest}, same={"id": id}))

    def open_agreement(self, id: str, digest: str, evidence: Iterable[Mapping[str, Any]], reason: str) -> Agreement:
        """Let the newest version of an agreement stand by what was shown."""
        sent = {"digest": digest, "evidence": [*evidence], "reason": reason}
        return self._call(call(Agreement, "POST", "agreements", id, "open", sent=sent, same={"id": id}))

    def agreement(self, id: str, *, on: date | None = None, known: date | None = None) -> Agreement:
        """An agreement as it stands on a day, by what was known at the end of another; today and now if they are left out."""
        return self._call(call(Agreement, "GET", "agreements", id, query={"on": on, "known": known}, same={"id": id}))

    def agreements_of_asset(self, asset: str, *, on: date | None = None, known: date | None = None) -> Iterator[Agreement]:
        """The agreements on who benefits from an asset, as `agreement` gives one. The time-out is that of a page."""
        query = {"on": on, "known": known}
        return self._each(Pages(Agreement, "agreements", "assets", asset, "agreements", query=query))

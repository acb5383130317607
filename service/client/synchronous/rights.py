# Made from `asynchronous/rights.py`: change that file, then run RECORD=1 pytest tests/service/test_synchronous_client.py
"""The book of rights: who has which right in which asset, and openings of it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from ..calls import call
from ..pages import Pages
from ..rights import RightsLine, RightsOpening
from .connection import Connection


class Rights(Connection):
    """The methods about the book of rights."""

    def open_rights(
        self,
        party: str,
        asset: str,
        rights: Iterable[Mapping[str, Any]],
        *,
        first: date,
        complete: bool,
        evidence: Iterable[Mapping[str, Any]] = (),
        reason: str,
        book: str | None = None,
    ) -> RightsOpening:
        """
        State what a party has of an asset, from the day `first` on.

        `complete`: the book then has everything that the party has of the asset. `book` names it where the policies have several.
        """
        sent = {
            "party": party,
            "asset": asset,
            "rights": [*rights],
            "from": first.isoformat(),
            "complete": complete,
            "evidence": [*evidence],
            "reason": reason,
            **({} if book is None else {"book": book}),
        }
        return self._call(call(RightsOpening, "POST", "rights", "openings", sent=sent))

    def withdraw_opening(self, id: str, reason: str) -> RightsOpening:
        """Withdraw an opening: what it stated never counted."""
        path = ("rights", "openings", id, "withdraw")
        withdrawn = {"id": id, "withdrawn": True}
        return self._call(call(RightsOpening, "POST", *path, sent={"reason": reason}, same=withdrawn))

    def rights_opening(self, id: str) -> RightsOpening:
        """An opening, also one that was withdrawn."""
        return self._call(call(RightsOpening, "GET", "rights", "openings", id, same={"id": id}))

    def rights_openings(self, *, party: str | None = None, asset: str | None = None) -> Iterator[RightsOpening]:
        """Openings, also those that were withdrawn, the oldest first. The time-out is that of a page."""
        return self._each(Pages(RightsOpening, "openings", "rights", "openings", query={"party": party, "asset": asset}))

    def rights_of_asset(
        self, id: str, *, on: date | None = None, known: date | None = None, history: bool = False
    ) -> Iterator[RightsLine]:
        """
        The rights in an asset that stand on a day, by what was known at the end of another; `history`: also those that do not stand.

        Days that are left out are today, and now. The time-out is that of a page.
        """
        query = {"on": on, "known": known, "history": history}
        return self._each(Pages(RightsLine, "lines", "assets", id, "rights", query=query))

    def rights_of_party(
        self, id: str, *, on: date | None = None, known: date | None = None, history: bool = False
    ) -> Iterator[RightsLine]:
        """The rights that a party has, and those that it granted; as `rights_of_asset`."""
        query = {"on": on, "known": known, "history": history}
        return self._each(Pages(RightsLine, "lines", "parties", id, "rights", query=query))

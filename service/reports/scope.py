"""
What a report is of: a period, and perhaps a party or a jurisdiction. The words of a form go in, searches of the log come out.

The days are those of UTC, as the log is searched.
"""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

import sqlalchemy as sa

from service.log import search
from service.log.query import Query, moment
from service.log.search import Row

MOST_DAYS = 3_660  # of a period
MOST_LETTERS = 256  # of the id of a party
_AT_ONCE = 1_500


class ScopeRefused(ValueError):
    """A period, a party or a jurisdiction that no report can be of."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The days from `first` to `last`, both included; a party by its id, and a jurisdiction, where the report is of one."""

    first: date
    last: date
    party: str = ""
    jurisdiction: str = ""

    @classmethod
    def read(cls, sent: Mapping[str, str], today: date) -> "Scope":
        """
        The scope that a form names by `from`, `until`, `party` and `jurisdiction`. Without days it is the last twelve months.

        Raises ScopeRefused.
        """
        try:
            last = date.fromisoformat(sent["until"]) if sent.get("until") else today
            first = date.fromisoformat(sent["from"]) if sent.get("from") else _year_before(last)
        except (ValueError, OverflowError):
            raise ScopeRefused("a day is written like 2026-11-24") from None
        party, jurisdiction = sent.get("party", "").strip(), sent.get("jurisdiction", "").strip()
        if not 0 <= (last - first).days < MOST_DAYS:
            raise ScopeRefused(f"a report is of at most {MOST_DAYS:,} days, and its first day is not after its last")
        if max(len(party), len(jurisdiction)) > MOST_LETTERS or not (party + jurisdiction).isprintable():
            raise ScopeRefused("the id of a party has at most 256 letters, and none that cannot be seen")
        return cls(first, last, party, jurisdiction)

    @property
    def query(self) -> Query:
        """The search of the log for the decisions of the period and the jurisdiction; a party is left to the caller."""
        within = (self.jurisdiction,) if self.jurisdiction else ()
        return Query(since=moment(self.first.isoformat()), until=moment(self.last.isoformat(), end=True), jurisdiction=within)

    def decisions(self, connection: sa.Connection, most: int, proceed: bool | None = None) -> Iterator[Row]:
        """The newest decisions in the scope, at most so many, newest first. A party counts on either side of the exchange."""
        asked = replace(self.query, proceed=proceed)
        sides = [asked]
        if self.party:
            sides = [replace(asked, exporter=(self.party,)), replace(asked, recipient=(self.party,))]
        found = [search.everything(connection, side, min(most, _AT_ONCE)) for side in sides]
        merged = heapq.merge(*found, key=lambda row: (row.recorded_at, row.sequence), reverse=True)
        return islice(_once(merged), most)


def _once(rows: Iterator[Row]) -> Iterator[Row]:
    """Rows without those that come twice; the same come one after the other."""
    before = None
    for row in rows:
        if row.sequence != before:
            yield row
        before = row.sequence


def _year_before(day: date) -> date:
    """The first day of the twelve months that end with a day."""
    try:
        return day.replace(year=day.year - 1) if day.year > 1 else day
    except ValueError:  # the 29th of February
        return day.replace(year=day.year - 1, day=28)

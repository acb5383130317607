"""
What a report is of: a period, and perhaps a party or a jurisdiction. The words of a form go in, searches of the log come out.

A report on a jurisdiction is of the exchanges that it certainly touches: exporter or recipient is there, or its law certainly applies. The
index names those too that it only may touch, so the records of these are read.

The days are those of UTC, as the log is searched.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import Any

import sqlalchemy as sa

import engine
from service.limits import REPORT_DAYS
from service.log import search
from service.log.leaf import with_personal_values
from service.log.search import RecordRow
from service.log.search_query import Query, moment
from service.log.store import of_numbers

MOST_LETTERS = 256  # of the id of a party
_AT_ONCE = 1_500
_NOT = ("not_applicable",)


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
        if not 0 <= (last - first).days < REPORT_DAYS:
            raise ScopeRefused(f"a report is of at most {REPORT_DAYS:,} days, and its first day is not after its last")
        if max(len(party), len(jurisdiction)) > MOST_LETTERS or not (party + jurisdiction).isprintable():
            raise ScopeRefused("the id of a party has at most 256 letters, and none that cannot be seen")
        return cls(first, last, party, jurisdiction)

    @property
    def query(self) -> Query:
        """The search of the log for the decisions of the period and the jurisdiction; a party is left to the caller."""
        within = (self.jurisdiction,) if self.jurisdiction else ()
        return Query(since=moment(self.first.isoformat()), until=moment(self.last.isoformat(), end=True), jurisdiction=within)

    def decisions(self, connection: sa.Connection, most: int, proceed: bool | None = None) -> Iterator[RecordRow]:
        """The newest decisions in the scope, at most so many, newest first. A party counts on either side of the exchange."""
        asked = replace(self.query, proceed=proceed)
        sides = [asked]
        if self.party:
            sides = [replace(asked, exporter=(self.party,)), replace(asked, recipient=(self.party,))]
        found = [search.everything(connection, side, min(most, _AT_ONCE)) for side in sides]
        merged = heapq.merge(*found, key=lambda row: (row.recorded_at, row.sequence), reverse=True)
        return islice(_once(merged), most)

    def touched(self, connection: sa.Connection, rows: Sequence[RecordRow], bundle: engine.Bundle) -> list[RecordRow]:
        """Those of some decisions that the jurisdiction certainly touches, where the report is of one."""
        if not self.jurisdiction:
            return list(rows)
        there = {
            row.sequence
            for row in rows
            if self._is_there(bundle, date.fromisoformat(row.as_of), (row.exporter_country, row.recipient_country))
        }
        rest = [row.sequence for row in rows if row.sequence not in there]
        for at in range(0, len(rest), _AT_ONCE):
            some = of_numbers(connection, rest[at : at + _AT_ONCE])
            there |= {
                each.sequence for each in some if self._applies(with_personal_values(each.entry.leaf, each.entry.openings))
            }
        return [row for row in rows if row.sequence in there]

    def touches(self, record: Mapping[str, Any], bundle: engine.Bundle) -> bool:
        """Whether the jurisdiction certainly touches the exchange of a record; true where the report is of none."""
        request = record.get("request") or {}
        parties = (request.get(side) for side in ("exporter", "recipient"))
        places = [each.get("country") for each in parties if isinstance(each, Mapping)]  # the public is in no one place
        return (
            not self.jurisdiction
            or self._is_there(bundle, date.fromisoformat(record["as_of"]), places)
            or self._applies(record)
        )

    def _is_there(self, bundle: engine.Bundle, day: date, places: Iterable[str | None]) -> bool:
        text = bundle.vocabulary.jurisdictions.get(self.jurisdiction)
        return text is not None and not bundle.vocabulary.countries(text, day).isdisjoint(places)

    def _applies(self, record: Mapping[str, Any]) -> bool:
        """Whether the law of the jurisdiction certainly applies, by the mildest outcome that a record gives it."""
        return bool(record["verdict"]["bounds"].get(self.jurisdiction, _NOT)[0] != _NOT[0])


def _once(rows: Iterator[RecordRow]) -> Iterator[RecordRow]:
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

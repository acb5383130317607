"""
What was promised for the people of each country against what was reported: promises of the ledger go in, a line for each country comes out.

A promise for several countries says no number for each. It is in a line of these countries together; nothing is divided.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa
from pydantic import Field

from service.callers.context import Reading
from service.ledger import promise_list
from service.ledger.commitment_list import LedgerPart
from service.ledger.promise_list import PromisePart
from service.policies.live import Live
from service.problems import RequestRefused

MOST = 5_000  # promises that are added up; each is read from its record
_AT_ONCE = 200
_COUNTRY = "country"  # the value set of countries, in every vocabulary


class PromisedForCountries(LedgerPart):
    """What was promised for the people of some countries together, and what was reported of it."""

    promise: str = Field(description="the name of the promise in the vocabulary")
    countries: list[str] = Field(description="for whose people; none where that was not said or was erased")
    promised: int = Field(description="how much was promised, where a number was said")
    reported: int = Field(description="how much of it was reported, without what was settled not to count")
    confirmed: int = Field(description="how much of it the parties confirmed that it was promised to")
    disputed: int = Field(description="how many reports are in dispute")
    promises: int = Field(description="how many promises these are")
    kept: int = Field(description="how many of them were kept, also late")
    overdue: int = Field(description="how many of them are overdue")
    next_due: date | None = Field(default=None, description="the next last day of one that is not kept")


def by_country(context: Reading, party: str | None, to: str | None, connection: sa.Connection) -> list[PromisedForCountries]:
    """
    A line for each promise and the countries that it is for, the largest number first.

    A caller who belongs to a party gets what this party promised and what was promised to it. Raises RequestRefused.
    """
    found: dict[tuple[str, tuple[str, ...]], list[PromisePart]] = {}
    for number, each in enumerate(_each(context, party, to, connection)):
        if number >= MOST:
            detail = (
                f"more than {MOST:,} promises are not added up at once: name a `party`, or the one `to` whom they were made"
            )
            raise RequestRefused("bad-request", detail)
        found.setdefault((each.promise, _countries(context.live, each)), []).append(each)
    lines = [_line(promise, countries, of, context.today) for (promise, countries), of in found.items()]
    return sorted(lines, key=lambda line: (line.promise, -line.promised, line.countries))


def _each(context: Reading, party: str | None, to: str | None, connection: sa.Connection) -> Iterator[PromisePart]:
    after = None
    while True:
        some, after = promise_list.page(context, party, to, None, after, _AT_ONCE, connection)
        yield from some
        if after is None:
            return


def _countries(live: Live, promised: PromisePart) -> tuple[str, ...]:
    """The countries among the terms of a promise."""
    known = promise_list.promised_by(live).get(promised.promise)
    terms: Mapping[str, str] = {} if known is None else known.terms
    facts = live.bundle.vocabulary.facts
    sets = {name: facts[fact].type.values for name, fact in terms.items() if fact in facts}
    names = [name for name, values in sets.items() if values is not None and values.name == _COUNTRY]
    stated: list[Any] = [promised.terms.get(name) for name in names]
    return tuple(sorted({country for each in stated for country in (each if isinstance(each, list) else [each]) if country}))


def _line(promise: str, countries: tuple[str, ...], of: list[PromisePart], today: date) -> PromisedForCountries:
    reports = [report for each in of for report in each.reports]
    return PromisedForCountries(
        promise=promise,
        countries=list(countries),
        promised=sum(each.promised or 0 for each in of),
        reported=sum(each.reported for each in of),
        confirmed=sum(each.amount or 0 for each in reports if each.answer == "confirmed"),
        disputed=sum(each.disputed for each in of),
        promises=len(of),
        kept=sum(each.state == "kept" for each in of),
        overdue=sum(each.state == "overdue" for each in of),
        next_due=min((each.due for each in of if each.state != "kept" and each.due >= today), default=None),
    )

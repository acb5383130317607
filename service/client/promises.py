"""Promises that committed exchanges brought with them, each until a last day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, TypedDict

PromiseState = Literal["due", "overdue", "kept"]


@dataclass(frozen=True, slots=True)
class PromiseReport:
    """
    A report that some of a promise was kept, as a document of the day `dated` shows; `amount` is None where it shows the whole.

    `answer` is what the party says that it was promised to, `settled` whether a report that was disputed counts, each with its reason. Who
    acted for another party is None.
    """

    number: int
    dated: date
    evidence: str
    document: str
    reported_at: datetime
    amount: int | None = None
    reported_by: str | None = None
    answer: Literal["confirmed", "disputed"] | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None
    reason: str | None = None
    settled: Literal["counts", "dropped"] | None = None
    settled_at: datetime | None = None
    settled_by: str | None = None
    ruling: str | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """
    A promise, until the end of the day `due`. `by` and `to` are parties, None where not stated, erased, or not told.

    `kept` has documents that show it: the day, the kind and the SHA-256 of the last one. `late`: that day is after the last day.
    `reported` is how much of what is `promised` was reported, `disputed` how many of the `reports` are in dispute.
    """

    commitment: str
    number: int
    promise: str
    due: date
    state: PromiseState
    terms: Mapping[str, Any]
    reported: int = 0
    disputed: int = 0
    reports: tuple[PromiseReport, ...] = ()
    promised: int | None = None
    by: str | None = None
    to: str | None = None
    kept_on: date | None = None
    late: bool | None = None
    evidence: str | None = None
    document: str | None = None
    reported_at: datetime | None = None
    reported_by: str | None = None


@dataclass(frozen=True, slots=True)
class PromisedForCountries:
    """
    What was promised for the people of some countries together, and what was reported, and confirmed, of it; `countries` is empty where
    that was not said. `promises`, `kept`, `overdue` and `disputed` say how many; `next_due` is the next last day.
    """

    promise: str
    countries: tuple[str, ...]
    promised: int
    reported: int
    confirmed: int
    disputed: int
    promises: int
    kept: int
    overdue: int
    next_due: date | None = None


@dataclass(frozen=True, slots=True)
class AllPromised:
    """What was promised by country."""

    countries: tuple[PromisedForCountries, ...]


@dataclass(frozen=True, slots=True)
class PromiseNumbers:
    """How many promises are in each state. The `late` ones are among those that were `kept`."""

    due: int
    overdue: int
    kept: int
    late: int
    disputed: int


@dataclass(frozen=True, slots=True)
class CountedPromises:
    """A page of promises, of which only the numbers of all are read."""

    counts: PromiseNumbers


class PromiseFilters(TypedDict, total=False):
    """The party that promises, the one to which it does, and the state of the promise."""

    party: str
    to: str
    state: Literal["due", "overdue", "kept", "late", "disputed"]

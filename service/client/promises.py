"""Promises that committed exchanges brought with them, each until a last day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, TypedDict

PromiseState = Literal["due", "overdue", "kept"]


@dataclass(frozen=True, slots=True)
class Promise:
    """
    A promise, until the end of the day `due`. `by` and `to` are parties, None where not stated, erased, or not told.

    `kept` has a document that shows it: its day, its kind, and its SHA-256. `late`: that day is after the last day.
    """

    commitment: str
    number: int
    promise: str
    due: date
    state: PromiseState
    terms: Mapping[str, Any]
    by: str | None = None
    to: str | None = None
    kept_on: date | None = None
    late: bool | None = None
    evidence: str | None = None
    document: str | None = None
    reported_at: datetime | None = None
    reported_by: str | None = None


class PromiseFilters(TypedDict, total=False):
    """The party that promises, and the state of the promise."""

    party: str
    state: PromiseState

"""
What a search of the log looks for: one table of filters, which the endpoint, the command line and their help share.

A moment is written as a day, or as ISO 8601 says. Nothing is read here; `search` finds what is meant.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, get_type_hints

MOST_WORDS = 50  # in a query, of all kinds


@dataclass(frozen=True, slots=True)
class Query:
    """
    What is looked for. A field of several values is met by any of them; all fields given have to be met; an empty one is not asked.

    `since` is the first moment that is meant, `until` the first after. `requirement` is one that was asked for and not met, `missing` a
    fact that was asked for, `bundle` the digest of the policies' bytes or how it begins.
    """

    since: Annotated[
        datetime | None, "the first day, like 2026-11-24, or moment of the record, like 2026-11-24T09:30:00Z; UTC"
    ] = None
    until: Annotated[datetime | None, "the last day, whole, or the first moment after"] = None
    proceed: Annotated[bool | None, "whether the exchange may proceed, and whoever asked was told so"] = None
    outcome: Annotated[tuple[str, ...], "the outcome, like review"] = ()
    jurisdiction: Annotated[tuple[str, ...], "a jurisdiction whose law weighs, like CN"] = ()
    provision: Annotated[tuple[str, ...], "a provision that stands for certain, like cn.order-16/art-8"] = ()
    requirement: Annotated[tuple[str, ...], "a requirement that is asked for and not met"] = ()
    missing: Annotated[tuple[str, ...], "a fact that is asked for"] = ()
    category: Annotated[
        tuple[str, ...],
        "a category of the data, like health: a subject matter, or a word of the sets that tell subject matters",
    ] = ()
    exporter: Annotated[tuple[str, ...], "the exporter's id"] = ()
    recipient: Annotated[tuple[str, ...], "the recipient's id"] = ()
    exporter_country: Annotated[tuple[str, ...], "the exporter's country"] = ()
    recipient_country: Annotated[tuple[str, ...], "the recipient's country"] = ()
    caller: Annotated[tuple[str, ...], "the id of who asked"] = ()
    bundle: Annotated[tuple[str, ...], "the source digest of the policies, or how it begins"] = ()


ABOUT: dict[str, str] = {name: hint.__metadata__[0] for name, hint in get_type_hints(Query, include_extras=True).items()}
ONCE = ("since", "until", "proceed")  # that have one value; the others may have several
FIELDS = tuple(name for name in ABOUT if name not in ONCE)


def moment(text: str, *, end: bool = False) -> datetime:
    """
    A moment as it is written: a day, which is meant whole and in UTC, or ISO 8601 with its zone (UTC if it names none).

    Of a day that ends a time the day after is meant. Raises ValueError.
    """
    if len(text) == len("2024-03-22"):
        day = date.fromisoformat(text) + timedelta(days=1 if end else 0)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)

"""
The query of a search of the log: one table of filters, which the endpoint, the command line and their help share.

A moment is written as a day or in ISO 8601. This module reads no record; `search` does.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, get_type_hints

MOST_WORDS = 50  # in one query, all kinds together
MOST_TEXT_WORDS = 8  # of the text of a query; others are not looked for


@dataclass(frozen=True, slots=True)
class Query:
    """
    The filters of a search. A record matches a field by any of the field's values. It must match every field that is not empty.

    `since` is the first moment that is searched, `until` is the moment just after the last one. `requirement` is a requirement that was
    asked for and not met, `missing` a fact that was asked for, `bundle` the digest of the policies' bytes or the beginning of that digest.
    """

    since: Annotated[
        datetime | None, "the first day, like 2026-11-24, or the first moment, like 2026-11-24T09:30:00Z, that is searched; UTC"
    ] = None
    until: Annotated[datetime | None, "the last day (searched to its end), or the first moment that is no longer searched"] = (
        None
    )
    proceed: Annotated[bool | None, "whether the caller was answered that the exchange may proceed"] = None
    outcome: Annotated[tuple[str, ...], "the outcome, like review"] = ()
    jurisdiction: Annotated[tuple[str, ...], "a jurisdiction whose law applies or may apply, like CN"] = ()
    provision: Annotated[tuple[str, ...], "a provision whose standing is certain, like cn.order-16/art-8"] = ()
    requirement: Annotated[tuple[str, ...], "a requirement that is asked for and not met"] = ()
    missing: Annotated[tuple[str, ...], "a fact that is asked for"] = ()
    category: Annotated[
        tuple[str, ...],
        "a category of the data, like health: a subject matter, or a word of the sets that name subject matters",
    ] = ()
    exporter: Annotated[tuple[str, ...], "the exporter's id"] = ()
    recipient: Annotated[tuple[str, ...], "the recipient's id"] = ()
    exporter_country: Annotated[tuple[str, ...], "the exporter's country"] = ()
    recipient_country: Annotated[tuple[str, ...], "the recipient's country"] = ()
    caller: Annotated[tuple[str, ...], "the id of the caller"] = ()
    bundle: Annotated[tuple[str, ...], "the source digest of the policies, or its first digits"] = ()
    text: Annotated[
        str | None,
        "words, each of which is in the answer or in the id of the exporter or the recipient; capital letters do not matter",
    ] = None


ABOUT: dict[str, str] = {name: hint.__metadata__[0] for name, hint in get_type_hints(Query, include_extras=True).items()}
ONCE = ("since", "until", "proceed", "text")  # these have one value; the others may have several
FIELDS = tuple(name for name in ABOUT if name not in ONCE)


def words_of(text: str | None) -> tuple[str, ...]:
    """The words of a text that is searched for, each once."""
    return tuple(dict.fromkeys((text or "").replace("\x00", "").split()))[:MOST_TEXT_WORDS]


def moment(text: str, *, end: bool = False) -> datetime:
    """
    The moment that a text names: the beginning of a day in UTC, or a moment in ISO 8601 (in UTC if it names no zone).

    With `end` a day is searched to its end, so the moment is the beginning of the next day. Raises ValueError.
    """
    if len(text) == len("2024-03-22"):
        day = date.fromisoformat(text) + timedelta(days=1 if end else 0)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)

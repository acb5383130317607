"""Values of policies and vocabularies as an author would write them, for the lists of what changed: a value goes in, words come out."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AnySet
from typing import Any

from engine.policy_language.coverage_text import CoverText
from engine.policy_language.document_text import Text
from engine.rules import AS_OF, Due, Earliest, OnDate, OnDay, Period, RegisterEntry
from engine.values import MONTHS, Type, ValueSet
from engine.values.multilingual import Words
from engine.values.outcome_levels import Level


def listed(items: Iterable[Any]) -> str:
    return ", ".join(f"`{in_words(item)}`" for item in items)


def in_words(value: Any) -> str:
    """A value as an author would write it."""
    match value:
        case None | "":
            return "none"
        case bool():
            return "yes" if value else "no"
        case Level():
            return value.word
        case Text(en=text) | Words(en=text):
            return text or "none"
        case Type(name=name):
            return name
        case ValueSet():
            return value.name
        case CoverText(from_=since, by=by):
            return f"{'in part' if since is None else f'from {since}'}, by {', '.join(by)}"
        case Period() | OnDay() | OnDate() | Earliest():
            return _due(value)
        case RegisterEntry(from_=first, until=last):
            ends = [f"from {first}"] * (first is not None) + [f"until {last}"] * (last is not None)
            return " ".join(ends) or "at any time"
        case tuple() | list():
            return ", ".join(map(in_words, value)) or "none"
        case AnySet():
            return ", ".join(sorted(map(in_words, value))) or "none"
    return str(value)


def _due(due: Due) -> str:
    match due:
        case Period(within=within, after=after):
            return f"within {within} after {_day(after)}"
        case OnDay(month=month, day=day, after=after):
            return f"on {day} {MONTHS[month - 1]} after {_day(after)}"
        case OnDate(day=date_):
            return f"on {date_}"
        case Earliest(parts=parts):
            return f"the earliest of {', '.join(map(_due, parts))}"


def _day(after: str) -> str:
    return "the exchange" if after == AS_OF else f"`{after}`"

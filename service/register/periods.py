"""
The periods that the register has of an entity: its versions, each from its first day until the next one begins or it ends itself.

The kind and the id of an entity go in. Its periods come out in their order. A version that corrects an earlier one has the same first
day and replaces it; a version with another first day begins a period.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

import engine
from service.register import entity_versions

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EntityPeriod:
    """The days from `first` to `last`, both included, and the facts that the entity states for them, nested as they were written."""

    first: date
    last: date
    facts: Mapping[str, Any]

    def stated(self, fact: str) -> Any:
        """What is stated of a fact, as JSON; None where nothing is."""
        return engine.fact_at(self.facts, fact)


def periods(connection: sa.Connection, kind: str, id: str) -> list[EntityPeriod]:
    """The periods of an entity; none where the register does not have it, or it is withdrawn or erased."""
    found: list[EntityPeriod] = []
    until = date.max
    # The newest version speaks from its first day on, an older one only for the days before that.
    for version in entity_versions.history(connection, kind, id):
        content = version.content
        first = date.fromisoformat(content.valid_from) if content.valid_from else date.min
        last = min(until, date.fromisoformat(content.valid_until)) if content.valid_until else until
        if version.state == "held" and first <= last:
            found.append(EntityPeriod(first, last, version.facts))
        if first == date.min:
            break
        until = min(until, first - _DAY)
    return found[::-1]


def on(found: list[EntityPeriod], day: date) -> EntityPeriod | None:
    """The period in which a day lies."""
    return next((each for each in found if each.first <= day <= each.last), None)

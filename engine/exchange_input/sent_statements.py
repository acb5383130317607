"""
What an exchange states, as it was read from its JSON, and the same with one statement changed.

A sender's statements are read each by itself; what follows from them is worked out afterwards (`exchange_reader`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from engine.exchange_input.exchange_problems import ExchangeProblem
from engine.register_facts import RegisteredEntity
from engine.values import Value


@dataclass(frozen=True, slots=True)
class Statements:
    """
    What an exchange states, each statement by itself, before anything follows from another: the values of facts and documents by their
    names, and what stands beside them. `personal` are pointers to personal values in the register, `problems` those of the register.
    """

    values: Mapping[str, Value]
    as_of: date | None = None
    relies_on: tuple[str, ...] = ()
    carried: tuple[tuple[str, str], ...] = ()
    everyone: str = ""
    register: Mapping[str, RegisteredEntity | None] = field(default_factory=dict)
    personal: tuple[str, ...] = ()
    problems: tuple[ExchangeProblem, ...] = ()

    def changed(self, name: str, told: Statements) -> Statements:
        """The same with what is `told` in the place of what it states under a name, or with nothing there."""
        match name:
            case "relies_on":
                return replace(self, relies_on=told.relies_on)
            case "register":
                return replace(self, register=told.register, personal=told.personal, problems=told.problems)
        under = f"{name}."
        kept = {each: value for each, value in self.values.items() if each != name and not each.startswith(under)}
        return replace(self, values={**kept, **told.values})

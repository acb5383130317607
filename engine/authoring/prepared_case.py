"""A case of a test file that is ready to be judged: its exchange, its day, and what it expects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from engine.exchange import Exchange
from engine.policy_language.case_text import Expectation


@dataclass(frozen=True, slots=True)
class PreparedCase:
    """
    A case ready to be decided. `suite` is the policy under test; the expectation may name its rules without it. `changed` are the facts
    that the case itself states.
    """

    file: str
    line: int
    suite: str
    case: str
    expect: Expectation
    exchange: Exchange
    as_of: date
    changed: tuple[str, ...] = ()

    @property
    def told(self) -> bool:
        """Whether the expectation names something that only a whole decision shows."""
        expect = self.expect
        plain = Expectation.model_construct(
            outcome=expect.outcome,
            jurisdictions=expect.jurisdictions,
            applies=expect.applies,
            because=expect.because,
            silent=expect.silent,
            define=expect.define,
        )
        return expect != plain

    @property
    def applying(self) -> frozenset[str]:
        """The policies of which the expectation shows whether they apply: those that it names, and those of its silent rules."""
        silent = (full_name(self.suite, name).rpartition("/")[0] for name in self.expect.silent or ())
        return frozenset((*self.expect.applies, *silent))


def full_name(policy: str, name: str) -> str:
    """The name of a rule in full, where a case may leave out the policy that it tests."""
    return name if "/" in name else f"{policy}/{name}"

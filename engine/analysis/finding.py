"""
A finding of the analysis: what is odd about a provision, where it stands, and what shows it.

Nothing here decides anything. `state` says how it is known: `proven`, since no exchange is otherwise; `confirmed`, since the engines decide
the witness as the finding says; or `open`, since neither was reached: those are counted and are no finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from engine.policy_language.diagnostic import Diagnostic, Span
from engine.policy_language.known_findings import FINDINGS
from engine.values.multilingual import Words

FindingState: TypeAlias = Literal["proven", "confirmed", "open"]


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One finding.

    `place` is the provision, the definition, the policy or the jurisdiction at which it stands, `beside` the other provision where it takes
    two. Of a `subject` matter, `beside` are the countries or the categories of data. `used_by` are the provisions in whose place a
    condition was read. `witness` is an exchange that `evaluate` takes as it is, with its day. `row` is
    the row of the coverage that is proposed in the place of the one at which the finding stands, in YAML.
    """

    code: str
    at: Span
    place: str
    words: Words
    state: FindingState
    beside: str = ""
    subject: str = ""
    used_by: tuple[str, ...] = ()
    witness: Mapping[str, Any] | None = field(default=None, compare=False)
    row: Words | None = field(default=None, compare=False)

    @property
    def order(self) -> tuple[Span, str, str]:
        """In file order, then by code."""
        return self.at, self.code, self.beside

    def diagnostic(self, language: str = "en") -> Diagnostic:
        """The same as a line of `check`, a warning."""
        assert self.code in FINDINGS
        return Diagnostic(self.at, self.code, self.words.in_(language), severity="warning")

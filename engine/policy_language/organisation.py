"""
What an organisation says beside the law (semantics 4.3, 4.11): what it accepts, what must be shown, and what it switches off.

Frozen and without YAML; `overlay` makes these from the documents that organisations write.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from engine.values.multilingual import Words


@dataclass(frozen=True, slots=True)
class Acceptance:
    """
    The subject matters of some countries that an organisation says are looked after elsewhere.

    It counts on a day from `from_` until `until`, both inclusive, read on `as_of`; the two lie at most 366 days apart.
    """

    id: str
    organisation: str
    countries: tuple[str, ...]
    subjects: tuple[str, ...]
    by: Words
    because: Words
    from_: date
    until: date
    file: str = field(compare=False, repr=False)  # the place in a file is not part of the meaning
    line: int = field(compare=False, repr=False)

    def on(self, day: date) -> bool:
        """Whether it counts on a day."""
        return self.from_ <= day <= self.until


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """A jurisdiction, or else one policy, whose rules do not count; the other of the two is empty."""

    organisation: str
    jurisdiction: str
    policy: str
    by: Words
    because: Words
    file: str = field(compare=False, repr=False)
    line: int = field(compare=False, repr=False)

    def covers(self, policy: str, jurisdiction: str) -> bool:
        """Whether a policy of a jurisdiction is switched off by this."""
        return policy == self.policy or jurisdiction == self.jurisdiction


@dataclass(frozen=True, slots=True)
class Organisation:
    """
    An organisation with everything it says beside the law.

    `must_be_shown` names facts (`recipient.country`), kinds of documents (`evidence.cn-standard-contract`) and claims (`claims.x`).
    """

    id: str
    title: Words
    accepts: tuple[Acceptance, ...]
    must_be_shown: tuple[str, ...]
    switched_off: tuple[SwitchedOff, ...]
    file: str = field(compare=False, repr=False)
    line: int = field(compare=False, repr=False)

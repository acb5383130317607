"""
What a language must be able to say of a decision line by line, and of what is computed for the data factor account.

Parts of a decision go in, lines for a person at a desk come out.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import date

from engine.decision import (
    AdvicePart,
    BeatenPart,
    BoundsPart,
    CarriedPart,
    DutyPart,
    EnginePart,
    InstrumentPart,
    JurisdictionPart,
    LanePart,
    MeansPart,
    NotModelledPart,
    ReasonPart,
    RequirementPart,
    StatementPart,
)
from engine.languages.grammar import Grammar


class DecisionLines(Grammar):
    """The lines of a decision in one language."""

    # A decision line by line, for a person at a desk

    @abstractmethod
    def outcome_line(self, outcome: str, bounds: BoundsPart, as_of: date) -> str:
        """The outcome, its bounds where it is not decided, and the day whose law counts."""

    @abstractmethod
    def jurisdiction_line(self, part: JurisdictionPart) -> str: ...

    @abstractmethod
    def instrument_line(self, part: InstrumentPart) -> str: ...

    @abstractmethod
    def reason_line(self, part: ReasonPart) -> str: ...

    @abstractmethod
    def because_line(self, tests: Sequence[str]) -> str:
        """The tests that a provision rests on."""

    def tested(self, test: str, value: str) -> str:
        """A test, and the value that was sent."""
        return self._said("tested", test=test, value=value)

    @abstractmethod
    def beaten_line(self, part: BeatenPart) -> str: ...

    @abstractmethod
    def requirement_line(self, part: RequirementPart) -> str: ...

    @abstractmethod
    def means_line(self, part: MeansPart, lacking: Sequence[str]) -> str:
        """One way to meet a requirement; `lacking` is what it lacks or leaves unknown."""

    @abstractmethod
    def duty_line(self, part: DutyPart) -> str: ...

    @abstractmethod
    def statement_line(self, title: str, part: StatementPart) -> str:
        """A statement on which a permit rests."""

    @abstractmethod
    def ordinary_facts(self, count: int) -> str:
        """How many ordinary facts a permit rests on."""

    @abstractmethod
    def carried_line(self, part: CarriedPart) -> str: ...

    @abstractmethod
    def advice_line(self, part: AdvicePart) -> str: ...

    @abstractmethod
    def lane_line(self, part: LanePart) -> str: ...

    @abstractmethod
    def account_line(self, account: str, title: str, value: str) -> str: ...

    # What is computed for the account

    def not_computed(self) -> str:
        """Why nothing is computed of a value that the register disputes."""
        return self._said("not_computed")

    def other_currency(self, of: str, to: str) -> str:
        """Why two sums of money are not compared."""
        return self._said("other_currency", of=of, to=to)

    @abstractmethod
    def ratio(self, of: str, to: str, ratio: str, within: str) -> str:
        """A sum of money as a ratio of another one; `within` says where it stands to a limit, "" where the other is none."""

    @abstractmethod
    def no_ratio(self, of: str, to: str, within: str) -> str:
        """The same, where the other sum is zero."""

    @abstractmethod
    def highest(self, value: str, signals: Sequence[str], more: bool) -> str:
        """The highest of several values, each a signal; with `more` there may be others."""

    @abstractmethod
    def validity(self, document: str, state: str, last: date | None, day: date) -> str:
        """Whether a document is valid on a day, and its last day."""

    @abstractmethod
    def right(self, right: str, reach: Sequence[str], by: str, sure: bool) -> str:
        """A right with how far it reaches, and the commitment or opening that gave it; one that is not `sure` is not proven."""

    @abstractmethod
    def grant(self, id: str, reach: Sequence[str]) -> str:
        """A commitment that granted a right, with how far the grant reaches."""

    def until(self, day: str) -> str:
        """The last day of a right."""
        return self._said("until", day=day)

    def endless(self) -> str:
        """In the place of a last day, of what has none."""
        return self._said("endless")

    @abstractmethod
    def rights_held(self, rights: Sequence[str], more: int, complete: bool) -> str:
        """The rights that a book shows; it may lack some where it is not `complete`."""

    @abstractmethod
    def rights_conveyed(self, rights: Sequence[str], reach: Sequence[str]) -> str:
        """The rights that an exchange conveys, and how far they reach."""

    @abstractmethod
    def rights_beyond(self, limits: Sequence[str], more: bool) -> str:
        """The limits that an exchange goes beyond, and perhaps `more`; no limit where none is known for certain."""

    @abstractmethod
    def rights_granted(self, grants: Sequence[str], more: int, certain: bool) -> str:
        """The grants to others that meet an exchange, or where that is not `certain` may meet it."""

    def total_of_shares(self, total: str, state: str) -> str:
        """What shares add up to: "closed" (to one), "not_closed", or "open" where some are not known."""
        texts = self.texts["total_of_shares"]
        return texts.get(state, texts["not_closed"]).format(total=total)

    @abstractmethod
    def reach_line(self, place: str, subject: str, certain: bool) -> str:
        """A place whose law may reach the data; "" is an unknown place."""

    @abstractmethod
    def gap_line(self, place: str, subject: str, part: NotModelledPart) -> str:
        """A law that is not modelled; `place` "" is an unknown country, `subject` "" is every subject."""

    @abstractmethod
    def engines_line(self, part: EnginePart, bundle: str) -> str: ...

"""
What a language must be able to say of a decision.

Texts go in as they read in that language, days, numbers and codes as they are; a sentence comes out. No policy is known here: the
words of authors come from the bundle, by way of `explaining.phrasebook`. A language that lacks a sentence or a table cannot be made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from engine.decision import (
    AdvicePart,
    BeatenPart,
    BoundsPart,
    CarriedPart,
    DutyPart,
    EnginePart,
    JurisdictionPart,
    LanePart,
    NotModelledPart,
    ReasonPart,
    RequirementPart,
)
from engine.languages.codes import Codes
from engine.languages.labels import Labels
from engine.rules import Level
from engine.values import Duration


class Language(ABC):
    """The sentences of one language. What has no end of its own is part of a sentence, and ends without a stop."""

    # Tables

    @property
    @abstractmethod
    def code(self) -> str:
        """As callers ask for it, and as authors write it beside a text; a field of `multilingual.Words`."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What the language calls itself."""

    @property
    @abstractmethod
    def english_name(self) -> str: ...

    @property
    @abstractmethod
    def codes(self) -> Codes:
        """The word for each code, with the kinds and codes of `codes.ENGLISH`."""

    @property
    @abstractmethod
    def sections(self) -> Labels:
        """The titles of the sections of a decision, with the keys of `labels.ENGLISH_SECTIONS`."""

    @property
    @abstractmethod
    def brief(self) -> Labels:
        """The labels of a brief, with the keys of `labels.ENGLISH_BRIEF`."""

    @property
    @abstractmethod
    def disclaimer(self) -> str: ...

    def word(self, kind: str, code: str) -> str:
        """The word for a code of a kind; a code that is not known is spelled out."""
        return self.codes.get(kind, {}).get(code, code.replace("_", " "))

    def level(self, code: str) -> str:
        """An outcome."""
        return self.word("outcome", code)

    def truth(self, yes: bool) -> str:
        return self.word("truth", "yes" if yes else "no")

    def role(self, code: str) -> str:
        """A party, or as what an exchange touches a country; any other word stays."""
        return self.codes["role"].get(code, code)

    def field_name(self, code: str) -> str:
        """What a field of a document is called."""
        return self.word("field", code)

    # Putting together

    @abstractmethod
    def listed(self, texts: Sequence[str], more: bool) -> str:
        """Texts that may be whole clauses; `more` says that there are others."""

    @abstractmethod
    def joined(self, names: Sequence[str]) -> str:
        """`a, b and c`."""

    @abstractmethod
    def either(self, names: Sequence[str]) -> str:
        """`a or b`, of things."""

    @abstractmethod
    def both(self, tests: Sequence[str]) -> str:
        """`a and b`, of clauses."""

    @abstractmethod
    def alternatives(self, tests: Sequence[str]) -> str:
        """`either a, or b`, of clauses."""

    @abstractmethod
    def clause(self, text: str) -> str:
        """An author's text inside a sentence: without its full stop."""

    @abstractmethod
    def small(self, title: str) -> str:
        """A title inside a sentence."""

    @abstractmethod
    def instrument(self, title: str) -> str:
        """The title of an instrument inside a sentence."""

    @abstractmethod
    def source(self, instrument: str, citation: str) -> str:
        """An instrument and the place in it."""

    @abstractmethod
    def cited(self, text: str, sources: Sequence[str]) -> str:
        """A text and where it stands."""

    # Values and titles

    @abstractmethod
    def day(self, day: date) -> str: ...

    @abstractmethod
    def duration(self, length: Duration, calendar: str) -> str:
        """A length of time; `calendar` is the title of that of its working days."""

    @abstractmethod
    def span(self, low: Decimal, high: Decimal | None) -> str:
        """A number between two others, or of one and more."""

    @abstractmethod
    def no_value(self, known: bool) -> str:
        """That there is none, or that it is not known."""

    @abstractmethod
    def not_sent(self) -> str:
        """In the place of a value that was not sent."""

    @abstractmethod
    def others(self) -> str:
        """The members of a set that may be there besides those known."""

    @abstractmethod
    def withheld(self) -> str:
        """In the place of a personal value."""

    @abstractmethod
    def pair(self, name: str, value: str) -> str:
        """A part of a value, and its own."""

    @abstractmethod
    def field(self, title: str, field: str) -> str:
        """A field of a document."""

    @abstractmethod
    def member(self, family: str, member: str) -> str:
        """A member of a family."""

    @abstractmethod
    def total(self, family: str) -> str: ...

    @abstractmethod
    def today(self) -> str:
        """The day of the exchange, as what is tested."""

    @abstractmethod
    def that_day(self) -> str:
        """The day of the exchange, as what something is held against."""

    # Tests

    @abstractmethod
    def test(self, name: str, op: str, kind: str, targets: Sequence[str], negated: bool, listed: bool) -> str:
        """A test of a fact of a kind against values, or a fact; `listed` where the one target is a register."""

    @abstractmethod
    def yes_no(self, name: str, yes: bool) -> str: ...

    @abstractmethod
    def same(self, name: str, other: str, negated: bool) -> str: ...

    @abstractmethod
    def shown(self, name: str, claim: bool, negated: bool) -> str:
        """That a document, or what is claimed, counts."""

    @abstractmethod
    def counting(self, part: str) -> str:
        """One of the things that make a document count, by its field: "dated", "expires" or "covers"."""

    # The answer

    @abstractmethod
    def hypothetically(self, day: date, answer: str) -> str: ...

    @abstractmethod
    def disagreement(self) -> str: ...

    @abstractmethod
    def permitted(self, places: Sequence[str]) -> str:
        """`places` are those whose law weighs."""

    @abstractmethod
    def permitted_with_duties(self, places: Sequence[str], number: int, duties: str) -> str: ...

    @abstractmethod
    def unmet(self, number: int, needed: str) -> str: ...

    @abstractmethod
    def review(self, reasons: str, number: int, needed: str) -> str:
        """`needed` are the `number` of things that are missing whatever the review comes to."""

    @abstractmethod
    def prohibited(self, reasons: str) -> str: ...

    @abstractmethod
    def not_applicable(self) -> str: ...

    @abstractmethod
    def undecided(self, low: Level, high: Level, questions: Sequence[str], more: int) -> str:
        """`more` counts the questions left out."""

    @abstractmethod
    def signed_off(self, doubtful: bool, provisions: str, until: date) -> str:
        """A sentence that follows the answer: what persons approved; `doubtful` where it is lifts that are in doubt."""

    @abstractmethod
    def sign_off_ends(self, day: date) -> str: ...

    # What came with the data

    @abstractmethod
    def carried_to_observe(self, condition: str, origin: str) -> str:
        """A sentence after the answer; `origin` says where the condition came from: a leg of a plan, or as its sender wrote it."""

    @abstractmethod
    def carried_beside(self, state: str, condition: str, origin: str) -> str:
        """A sentence after an answer that stays as it is; `state` is "violated" or "unknown"."""

    @abstractmethod
    def carried_unknown(self, condition: str, origin: str) -> str: ...

    @abstractmethod
    def carried_violated(self, prohibited: bool, condition: str, origin: str) -> str: ...

    @abstractmethod
    def carried_perhaps(self, condition: str, origin: str) -> str:
        """That a condition is not met which may not have come with the data."""

    # Plans

    @abstractmethod
    def leg(self, leg: str) -> str:
        """A leg of a plan, by its id."""

    @abstractmethod
    def of_leg(self, leg: str, text: str) -> str:
        """Something about a leg."""

    @abstractmethod
    def plan_permitted(self) -> str: ...

    @abstractmethod
    def plan_held_back(self, leg: str, answer: str, others: int) -> str:
        """`answer` is that of the strictest leg; `others` counts those that may not go ahead either."""

    # Why a person must look

    @abstractmethod
    def unsettled(self, says: str) -> str:
        """What an unsure provision reviews, given what it says."""

    @abstractmethod
    def not_modelled(self, place: str, subject: str, roles: Sequence[str]) -> str:
        """That nothing is known of a law; "" is every subject; `roles` are codes."""

    @abstractmethod
    def doubtful(self, title: str) -> str:
        """A requirement that only a doubtful ground meets."""

    @abstractmethod
    def overdue(self, duty: str) -> str: ...

    @abstractmethod
    def lifted_in_doubt(self, title: str) -> str: ...

    @abstractmethod
    def compels(self, source: str, place: str) -> str: ...

    # Beside the answer

    @abstractmethod
    def conflict(self, source: str, place: str) -> str:
        """A whole sentence of what `compels` says inside another."""

    @abstractmethod
    def open_lane(self, lanes: Sequence[str], low: Level) -> str: ...

    @abstractmethod
    def about_member(self, question: str, member: str) -> str:
        """A question about one member of a family."""

    @abstractmethod
    def ask(self, title: str, kind: str) -> str:
        """A question for a fact of a kind that has none of its own; the kind of a document is "document"."""

    @abstractmethod
    def ask_field(self, title: str, field: str) -> str:
        """A question for a field of a document that is shown."""

    # Remedies

    @abstractmethod
    def change(self, title: str, old: str, new: str, alike: bool) -> str:
        """`old` is "" where nothing was sent; `alike` says that other values would do as well as `new`."""

    @abstractmethod
    def obtain(self, title: str, step: str, fields: Sequence[tuple[str, str]]) -> str:
        """A document to get; `step` is obtain, complete or renew, `fields` what it must say."""

    # What ends an outcome

    @abstractmethod
    def comes_into_force(self, name: str, day: date) -> str: ...

    @abstractmethod
    def in_force_until(self, name: str, day: date) -> str: ...

    @abstractmethod
    def among_from(self, name: str, register: str, day: date) -> str: ...

    @abstractmethod
    def among_until(self, name: str, register: str, day: date) -> str: ...

    @abstractmethod
    def modelled_from(self, place: str, subject: str, day: date) -> str: ...

    @abstractmethod
    def has_come(self, title: str, day: date) -> str: ...

    @abstractmethod
    def has_passed(self, title: str, day: date) -> str: ...

    @abstractmethod
    def has_run(self, title: str, length: str, day: date) -> str: ...

    @abstractmethod
    def is_dated(self, title: str, day: date) -> str: ...

    @abstractmethod
    def expires(self, title: str, day: date) -> str: ...

    @abstractmethod
    def last_day_passes(self, duty: str) -> str: ...

    # A decision line by line, for a person at a desk

    @abstractmethod
    def outcome_line(self, outcome: str, bounds: BoundsPart, as_of: date) -> str:
        """The outcome, between which levels it is where it is not decided, and the day whose law counts."""

    @abstractmethod
    def jurisdiction_line(self, part: JurisdictionPart) -> str: ...

    @abstractmethod
    def reason_line(self, part: ReasonPart) -> str: ...

    @abstractmethod
    def because_line(self, tests: Sequence[str]) -> str:
        """The tests that a provision rests on."""

    @abstractmethod
    def tested(self, test: str, value: str) -> str:
        """A test, and the value that it met."""

    @abstractmethod
    def beaten_line(self, part: BeatenPart) -> str: ...

    @abstractmethod
    def requirement_line(self, part: RequirementPart) -> str: ...

    @abstractmethod
    def duty_line(self, part: DutyPart) -> str: ...

    @abstractmethod
    def carried_line(self, part: CarriedPart) -> str: ...

    @abstractmethod
    def advice_line(self, part: AdvicePart) -> str: ...

    @abstractmethod
    def lane_line(self, part: LanePart) -> str: ...

    @abstractmethod
    def account_line(self, account: str, title: str, value: str) -> str: ...

    @abstractmethod
    def gap_line(self, place: str, subject: str, part: NotModelledPart) -> str:
        """A law that is not modelled; "" is a place that is not known, and every subject."""

    @abstractmethod
    def engines_line(self, part: EnginePart, bundle: str) -> str: ...

    def kind(self, force: str, mark: str) -> list[str]:
        """The force of a provision, and its mark where it is not confirmed."""
        return [self.word("force", force), *([self.word("mark", mark)] if mark != "confirmed" else [])]

    def certainly(self, certain: bool, text: str) -> str:
        """A text, marked where what it says stands only perhaps."""
        return text if certain else self.headed(self.word("standing", "possible"), text)

    @abstractmethod
    def headed(self, head: str, text: str) -> str:
        """A text under a word."""

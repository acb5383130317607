"""
What a language must be able to say of a decision.

Each method takes texts in that language, days, numbers and codes, and returns a sentence. This module knows no policy: the words of
authors come from the bundle, through `explaining.phrasebook`. What has no grammar is in the catalogue of the language. A class that lacks
a sentence with grammar cannot be instantiated.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

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
from engine.values import Duration, Number
from engine.values.outcome_levels import Level

Codes = Mapping[str, Mapping[str, str]]  # words by kind of code, then by code
Labels = Mapping[str, str]
MOST_OF_A_GROUP = 40  # values of a group, in a sentence


class Language(ABC):
    """The sentences of one language. A method that returns only a part of a sentence returns it without a full stop."""

    # Tables

    code: ClassVar[str]  # of the language in requests and in policies, such as "en"; a field of `multilingual.Words`

    def __init__(self, texts: Mapping[str, Mapping[str, str]]) -> None:
        """`texts` is the catalogue of the language: its texts by group and name."""
        self.texts = texts
        about = texts["language"]
        self.name, self.english_name, self.disclaimer = about["name"], about["english_name"], about["disclaimer"]
        self.codes: Codes = {
            group.removeprefix("codes."): words for group, words in texts.items() if group.startswith("codes.")
        }
        self.sections: Labels = texts["sections"]  # the titles of the sections of a decision
        self.brief: Labels = texts["brief"]  # the labels of a brief

    def _said(self, sentence: str, /, **parts: str) -> str:
        """A sentence of the catalogue with its placeholders filled in."""
        return self.texts["sentences"][sentence].format(**parts)

    def finding(self, said: str, parts: Mapping[str, str]) -> str:
        """What the analysis of policies finds; `said` is the name of the sentence, `parts` what fills its placeholders."""
        return self.texts["findings"][said].format(**parts)

    def written(self, what: str, name: str) -> str:
        """A condition as it is written: a `test` of a fact, a `group` of conditions, or a `definition`."""
        return self.texts["written"][what].format(name=name)

    def word(self, kind: str, code: str) -> str:
        """The word for a code of a kind; an unknown code is returned with spaces for its underscores."""
        return self.codes.get(kind, {}).get(code, code.replace("_", " "))

    def level(self, code: str) -> str:
        """The word for an outcome."""
        return self.word("outcome", code)

    def truth(self, yes: bool) -> str:
        return self.word("truth", "yes" if yes else "no")

    def as_sent(self, value: Any) -> str:
        """A value of JSON as it was sent, where no vocabulary is at hand to name it."""
        match value:
            case None:
                return self.not_sent()
            case bool():
                return self.truth(value)
            case int():
                return f"{value:,}"
            case [*values]:
                return ", ".join(map(self.as_sent, values)) or self.no_value(known=True)
            case {**members}:
                return ", ".join(f"{name} {self.as_sent(inner)}" for name, inner in members.items())
        return str(value)

    def role(self, code: str) -> str:
        """The word for a party or a place of an exchange; any other text is returned as it is."""
        return self.codes["role"].get(code, code)

    def field_name(self, code: str) -> str:
        """The word for a field of a document."""
        return self.word("field", code)

    # Putting together

    @abstractmethod
    def listed(self, texts: Sequence[str], more: int) -> str:
        """A list of texts that may be whole clauses; `more` is the number of those that are left out."""

    @abstractmethod
    def one_after_another(self, sentences: Sequence[str]) -> str:
        """Whole sentences as one text."""

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
        """An author's text without its full stop, for use inside a sentence."""

    @abstractmethod
    def small(self, title: str) -> str:
        """A title with a small first letter, for use inside a sentence."""

    @abstractmethod
    def instrument(self, title: str) -> str:
        """The title of an instrument, for use inside a sentence."""

    @abstractmethod
    def citation(self, text: str) -> str:
        """A place in an instrument, in the words of the language where it only names articles."""

    @abstractmethod
    def source(self, instrument: str, citation: str) -> str:
        """An instrument and the place in it."""

    @abstractmethod
    def cited(self, text: str, sources: Sequence[str]) -> str:
        """A text and the sources that it comes from."""

    # Values and titles

    @abstractmethod
    def day(self, day: date) -> str: ...

    @abstractmethod
    def day_in_words(self, day: date) -> str:
        """A day as a letter or a contract writes it."""

    @abstractmethod
    def duration(self, length: Duration, calendar: str) -> str:
        """A length of time; `calendar` is the title of the calendar that counts its working days."""

    @abstractmethod
    def span(self, low: Number, high: Number | None) -> str:
        """A range of numbers; `high` is None where it has no upper end."""

    @abstractmethod
    def sums(self, low: str, high: str | None) -> str:
        """A range of amounts, each with its unit; `high` is None where it has no upper end."""

    @abstractmethod
    def no_value(self, known: bool) -> str:
        """In the place of a value: it is `known` that there is none, or the value is not known."""

    def not_sent(self) -> str:
        """In the place of a value that was not sent."""
        return self._said("not_sent")

    def others(self) -> str:
        """In a list of the known members of a set: there may be others."""
        return self._said("others")

    def withheld(self) -> str:
        """In the place of a personal value."""
        return self._said("withheld")

    def pair(self, name: str, value: str) -> str:
        """The name of a part of a value, and the value of that part."""
        return self._said("pair", name=name, value=value)

    def field(self, title: str, field: str) -> str:
        """A field of a document."""
        text = self.texts["field_titles"].get(field)
        return self.pair(title, self.field_name(field)) if text is None else text.format(title)

    def member(self, family: str, member: str) -> str:
        """A member of a family."""
        return self._said("member", family=family, member=member)

    def total(self, family: str) -> str:
        """The sum of the members of a family."""
        return self._said("total", family=family)

    @abstractmethod
    def other_members(self, alone: bool) -> str:
        """The members of a family that are not named, which share a number; `alone` where none is named."""

    def rest(self, family: str) -> str:
        """The members of a family that are not named."""
        return self._said("rest", family=family)

    def ways(self) -> str:
        """The requirements or grounds on which an exchange relies."""
        return self._said("ways")

    def today(self) -> str:
        """The day of the exchange, where a test is of it."""
        return self._said("today")

    def that_day(self) -> str:
        """The day of the exchange, where a test compares another day with it."""
        return self._said("that_day")

    # What an exchange says that cannot be true together

    def expires_before_dated(self) -> str:
        """A document expires before it is dated."""
        return self._said("expires_before_dated")

    def follows_otherwise(self, follower: str, fact: str) -> str:
        """A fact, by its title, follows from another one, and is stated otherwise."""
        return self._said("follows_otherwise", follower=follower, fact=fact)

    def how_to_show(self, title: str) -> str:
        """How a requirement is met that a document of this title is shown."""
        return self._said("how_to_show", title=title)

    @abstractmethod
    def lies_elsewhere(self, place: str, title: str, country: str, stated: str, choices: Sequence[str]) -> str:
        """
        A place does not lie in the country that is stated; `choices` are the places there.

        If `country` is empty, `place` says that somebody is in none of the places, and nobody there can be.
        """

    # What a refusal proposes

    @abstractmethod
    def titled(self, text: str, titles: Sequence[str]) -> str:
        """What to write, with the titles of the values in it, if there are any."""

    @abstractmethod
    def one_of_these(self, title: str, members: Sequence[str]) -> str:
        """A group of values by its title: one of its members is meant."""

    @abstractmethod
    def no_value_of(self, word: str, of: str, values: Sequence[str], meant: Sequence[str], fact: str) -> str:
        """A word is none of the values of a set; what may be meant, or where the values are listed."""

    @abstractmethod
    def no_fact(self, name: str, meant: Sequence[str]) -> str:
        """A name is no fact; what may be meant."""

    @abstractmethod
    def write_so(self, said: str, forms: Sequence[str]) -> str:
        """What is wrong, and what may be written in its place."""

    # Tests

    @abstractmethod
    def test(self, name: str, op: str, kind: str, targets: Sequence[str], negated: bool, listed: bool) -> str:
        """
        A test of a fact: its title, the operator, the kind of its type, and what it is compared with.

        `targets` are the titles of values, of another fact, or of one register; `listed` says that it is a register.
        """

    @abstractmethod
    def yes_no(self, name: str, yes: bool) -> str: ...

    @abstractmethod
    def same(self, name: str, other: str, negated: bool) -> str: ...

    @abstractmethod
    def of_sets(self, name: str, op: str, other: str, negated: bool) -> str:
        """A test of one set against another: "has" some member of it, "has_all" of its members, or "only" such members."""

    @abstractmethod
    def shown(self, name: str, claim: bool, negated: bool) -> str:
        """A test of whether a document counts; `claim` says that it is a claim instead."""

    @abstractmethod
    def in_register(self, name: str, known: bool) -> str:
        """A test of whether the register has an id."""

    # What the register says otherwise

    def contradiction(self, stated: str, registered: str) -> str:
        """In the place of a value: the one that is stated and the one that is registered."""
        return self._said("contradiction", stated=stated, registered=registered)

    @abstractmethod
    def contradicted(self, facts: str, book: str) -> str:
        """A sentence after the answer: `facts` lists what the register states otherwise, or the book of this title."""

    @abstractmethod
    def disputed(self, level: Level, facts: str, reasons: str, book: str) -> str:
        """
        The answer where an exchange may not proceed only because of what the register states otherwise, or the book of this title.

        `reasons` may be "".
        """

    def refused(self, outcome: str) -> str:
        """The outcome alone, for a caller who may not learn the reasons."""
        return self._said("refused", outcome=self.level(outcome))

    def reasons_withheld(self) -> str:
        """A sentence after the answer: the reasons rest on the register, which the caller may not read."""
        return self._said("reasons_withheld")

    @abstractmethod
    def disputed_line(self, kind: str, entity: str, version: int | None, title: str, value: str) -> str:
        """A fact that the register states otherwise; `entity` is the fact of its id, `value` is what `contradiction` returns."""

    # The answer

    def hypothetically(self, day: date, answer: str) -> str:
        return self._said("hypothetically", day=self.day(day), answer=answer)

    def disagreement(self) -> str:
        return self._said("disagreement")

    @abstractmethod
    def permitted(self, places: Sequence[str]) -> str:
        """`places` are the titles of the jurisdictions whose law applies."""

    @abstractmethod
    def permitted_with_duties(self, places: Sequence[str], number: int, duties: str) -> str: ...

    def stands_on(self, provisions: str) -> str:
        """A sentence after a permit: the provisions that it stands on."""
        return self._said("stands_on", provisions=provisions)

    @abstractmethod
    def headed_by(self, law: str, subject: str, statement: str) -> str:
        """The law of a place on a subject, and the statement of coverage that speaks of it."""

    def nothing_against(self, laws: str) -> str:
        """A sentence after a permit: nothing was found against it in some laws."""
        return self._said("nothing_against", laws=laws)

    @abstractmethod
    def unmet(self, number: int, needed: str) -> str: ...

    @abstractmethod
    def review(self, reasons: str, questions: Sequence[str]) -> str:
        """`questions` are what is to be answered before a person looks."""

    def beside(self, reasons: str) -> str:
        """What a person must look at beside a stricter outcome."""
        return self._said("beside", reasons=reasons)

    def prohibited(self, reasons: str) -> str:
        return self._said("prohibited", reasons=reasons)

    @abstractmethod
    def no_exemption(self, for_good: bool) -> str:
        """A sentence after a prohibition that no exemption lifts; `for_good`: and that no change of the exchange ends."""

    def no_way(self) -> str:
        """A sentence on a requirement to which other facts of the exchange exclude every way."""
        return self._said("no_way")

    @abstractmethod
    def not_applicable(self, left_alone: str) -> str:
        """No law speaks of the exchange; `left_alone` lists whose law leaves it alone, "" if none is known."""

    @abstractmethod
    def left_alone(self, place: str, subject: str, because: str) -> str:
        """The law of a place does not speak of a subject in this exchange; `because` is the reason, "" if none is given."""

    @abstractmethod
    def undecided(self, places: Sequence[str], low: Level, high: Level, questions: Sequence[str], more: int) -> str:
        """`places` are those concerned whose law is open; `more` is the number of further facts that can still change the outcome."""

    @abstractmethod
    def elsewhere(self, places: Sequence[str], others: Sequence[str], beside: bool) -> str:
        """
        A sentence: the law of `places`, and `others` that are no country's, may apply through facts that are not given.

        `beside` says that other law is told before it.
        """

    def nothing_settles(self) -> str:
        """A clause: why a person must look at an outcome that no further fact would settle."""
        return self._said("nothing_settles")

    @abstractmethod
    def to_everyone(self, stays_open: Sequence[str]) -> str:
        """A sentence after the answer: the recipient is the public. `stays_open` are the titles of what keeps the outcome open, if any."""

    def only_stated(self, titles: Sequence[str]) -> str:
        """What was stated, and counts only where it is shown."""
        return self._said("only_stated", titles=self.joined(titles))

    def signed_off(self, accepts: str, what: str, until: date) -> str:
        """
        A sentence after the answer: what persons signed off.

        `accepts` is "review" or "lift", and `what` lists provisions; or it is "reach", and `what` lists places and their law.
        """
        return self.texts["signed_off"][accepts].format(what=what, until=self.day(until))

    def accepted(self, what: str, by: str, until: date) -> str:
        """A sentence after the answer: the law of which places on which subjects is accepted to be looked after, by whom."""
        return self._said("accepted", by=by, until=self.day(until), what=what)

    def sign_off_ends(self, day: date) -> str:
        return self._said("sign_off_ends", day=self.day(day))

    def shown_until(self, title: str, day: date) -> str:
        """The last day on which a document or claim counts as shown."""
        return self._said("shown_until", title=title, day=self.day(day))

    def acceptance_begins(self, by: str, day: date) -> str:
        return self._said("acceptance_begins", by=by, day=self.day(day))

    def acceptance_ends(self, by: str, day: date) -> str:
        return self._said("acceptance_ends", by=by, day=self.day(day))

    # What came with the data

    def carried_to_observe(self, condition: str, origin: str) -> str:
        """A sentence after the answer; `origin` says where the condition comes from: a leg of a plan, or the sender's own words."""
        return self._said("carried_to_observe", origin=origin, condition=condition)

    @abstractmethod
    def carried_beside(self, state: str, condition: str, origin: str) -> str:
        """A sentence after an answer that the condition does not change; `state` is "violated" or "unknown"."""

    def carried_unknown(self, condition: str, origin: str) -> str:
        return self._said("carried_unknown", origin=origin, condition=condition)

    @abstractmethod
    def carried_violated(self, prohibited: bool, condition: str, origin: str) -> str: ...

    def carried_perhaps(self, condition: str, origin: str) -> str:
        """The exchange does not meet the condition, and it is not certain that the condition came with the data."""
        return self._said("carried_perhaps", origin=origin, condition=condition)

    # Plans

    def leg(self, leg: str) -> str:
        """A leg of a plan, by its id."""
        return self._said("leg", leg=leg)

    def of_leg(self, leg: str, text: str) -> str:
        """A text about one leg of a plan."""
        return self._said("of_leg", leg=leg, text=text)

    def plan_permitted(self) -> str:
        return self._said("plan_permitted")

    @abstractmethod
    def plan_held_back(self, leg: str, answer: str, others: int) -> str:
        """`answer` is the answer of the strictest leg; `others` is the number of other legs that may not go ahead."""

    @abstractmethod
    def plan_whole(self, first: str, leg: str, outcome: str, sources: Sequence[str]) -> str:
        """What legs are together, as one exchange: an outcome or, where facts decide, "", by some sources."""

    def plan_contradiction(self, leg: str, before: str, kind: str, title: str) -> str:
        """What a leg states otherwise than the leg before it; `kind` is people, places, party or whole, `title` that of the fact."""
        texts = self.texts["plan_contradiction"]
        return texts.get(kind, texts["other"]).format(leg=leg, before=before, title=title)

    def plan_unlinked(self, leg: str, of: str) -> str:
        """The question whether the data of a leg came by another."""
        return self._said("plan_unlinked", leg=leg, of=of)

    def plan_stopped(self, text: str) -> str:
        """The answer of a plan that something between its legs holds back."""
        return self._said("plan_stopped", text=text)

    # Why a person must look

    def unsettled(self, says: str) -> str:
        """The reason for the review of a provision that is marked unsure; `says` is what the provision says."""
        return self._said("unsettled", says=says)

    @abstractmethod
    def otherwise(self, outcome: str) -> str:
        """What a policy says where it applies and no other provision of it stands; `outcome` is "prohibited" or "review"."""

    def unread(self, place: str, subject: str, law: str) -> str:
        """A law of a place on a subject is known by its name, and was not read."""
        return self._said("unread", place=place, subject=subject, law=law)

    def read_in_doubt(self, place: str, subject: str) -> str:
        """What was read of the law of a place on a subject is in doubt."""
        return self._said("read_in_doubt", place=place, subject=subject)

    @abstractmethod
    def not_modelled(self, place: str, subject: str, roles: Sequence[str], since: date | None = None) -> str:
        """No policy models the law of a place on a subject; "" is every subject. `roles` are codes."""

    def reached(self, place: str, subject: str) -> str:
        """Data on a subject come from a place, none of whose policies applies, so that its law may reach them."""
        return self._said("reached", place=place, subject=subject)

    def doubtful(self, title: str) -> str:
        """Only a doubtful ground meets the requirement."""
        return self._said("doubtful", title=self.small(title))

    def overdue(self, duty: str) -> str:
        return self._said("overdue", duty=duty)

    def lifted_in_doubt(self, title: str) -> str:
        return self._said("lifted_in_doubt", title=title)

    # Beside the answer

    def law_of(self, place: str) -> str:
        """The law of a place, for use inside a sentence."""
        return self._said("law_of", place=place)

    @abstractmethod
    def conflict(self, source: str, what: str, law: str, refusing: str, compels: bool, refuses: bool) -> str:
        """A law compels something (`what`), which other law refuses by some provisions; one of the two only may."""

    @abstractmethod
    def open_lane(self, lanes: Sequence[str], low: Level) -> str: ...

    def about_member(self, question: str, member: str) -> str:
        """A question about one member of a family."""
        return self._said("about_member", question=question, member=member)

    def ask(self, title: str, kind: str) -> str:
        """A question for a fact that has no question by an author; the kind of a document is "document"."""
        texts = self.texts["ask"]
        return texts.get(kind, texts["other"]).format(title=title)

    @abstractmethod
    def ask_besides(self, said: Sequence[str], question: str) -> str:
        """A question for what a set has besides values that were said already."""

    @abstractmethod
    def ask_narrower(self, title: str, meant: Sequence[str], choices: Sequence[str], several: bool) -> str:
        """The question which of some values is meant by wider ones that were sent for a fact, perhaps several; they may be left out."""

    def ask_field(self, title: str, field: str) -> str:
        """A question for a field of a document that is shown."""
        return self.texts["field_questions"][field].format(title)

    # Remedies

    @abstractmethod
    def change(self, title: str, old: str, new: str, alike: bool) -> str:
        """`old` is "" where no value was sent; `alike` says that the rules treat other values in the same way as `new`."""

    def claim(self, title: str) -> str:
        """A claim that is not made, and may be made only if it is so."""
        return self._said("claim", title=title)

    @abstractmethod
    def obtain(self, title: str, step: str, fields: Sequence[tuple[str, str]]) -> str:
        """A document to get; `step` is "obtain", "complete" or "renew", `fields` are its fields and their values."""

    # Why an outcome ends

    def comes_into_force(self, name: str, day: date) -> str:
        return self._said("comes_into_force", day=self.day(day), name=name)

    def in_force_until(self, name: str, day: date) -> str:
        return self._said("in_force_until", day=self.day(day), name=name)

    def among_from(self, name: str, register: str, day: date) -> str:
        return self._said("among_from", name=name, register=register, day=self.day(day))

    def among_until(self, name: str, register: str, day: date) -> str:
        return self._said("among_until", name=name, register=register, day=self.day(day))

    def modelled_from(self, place: str, subject: str, day: date) -> str:
        return self._said("modelled_from", place=place, subject=subject, day=self.day(day))

    @abstractmethod
    def has_come(self, title: str, day: date) -> str: ...

    @abstractmethod
    def has_passed(self, title: str, day: date) -> str: ...

    @abstractmethod
    def has_run(self, title: str, length: str, day: date) -> str: ...

    def is_dated(self, title: str, day: date) -> str:
        return self._said("is_dated", title=title, day=self.day(day))

    def expires(self, title: str, day: date) -> str:
        return self._said("expires", title=title, day=self.day(day))

    def last_day_passes(self, duty: str) -> str:
        return self._said("last_day_passes", duty=duty)

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

    def kind(self, force: str, mark: str) -> list[str]:
        """The word for the force of a provision, and for its mark unless that is "confirmed"."""
        return [self.word("force", force), *([self.word("mark", mark)] if mark != "confirmed" else [])]

    def certainly(self, certain: bool, text: str) -> str:
        """A text, headed by "perhaps" unless it is certain."""
        return text if certain else self.headed(self.word("standing", "possible"), text)

    def headed(self, head: str, text: str) -> str:
        """A text after a heading."""
        return self._said("headed", head=head, text=text)

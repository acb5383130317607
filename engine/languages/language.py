"""
What a language must be able to say of a decision, in the sentences of its answer.

This module knows no policy. A class that lacks a sentence with grammar cannot be instantiated.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import date

from engine.languages.decision_lines import DecisionLines
from engine.values.outcome_levels import Level


class Language(DecisionLines):
    """The sentences of one language."""

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

"""
Decisions in English.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from engine.languages.language import Language
from engine.rules import Level
from engine.values import Duration

# How a test reads where it holds, and where it does not.
_OPERATORS = {
    "is": ("is", "is not"),
    "in": ("is in", "is not in"),
    "has": ("includes", "does not include"),
    "only": ("is only", "is not only"),
    "at_least": ("is at least", "is less than"),
    "at_most": ("is at most", "is more than"),
    "more_than": ("is more than", "is at most"),
    "less_than": ("is less than", "is at least"),
    "within": ("is within the last", "is not within the last"),
    "older_than": ("is older than", "is not older than"),
}
_DATE_OPERATORS = {"at_least": ("is on or after", "is before"), "at_most": ("is on or before", "is after")}
_FIELD_QUESTIONS = {
    "dated": "What is the date of the {}?",
    "filed": "When was the {} filed?",
    "expires": "Until when does the {} hold?",
    "covers": "Does the {} cover this exchange?",
    "people": "How many people does the {} cover?",
    "hash": "What is the hash of the {}?",
    "attested_by": "Who attested the {}?",
}
_STEPS = {"obtain": "Obtain", "complete": "Complete", "renew": "Renew"}


class English(Language):
    code = "en"

    # Putting together

    def listed(self, texts: Sequence[str], more: bool) -> str:
        return "; ".join(texts) + ("; …" if more else "")

    def joined(self, names: Sequence[str]) -> str:
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

    def either(self, names: Sequence[str]) -> str:
        return " or ".join(names)

    def both(self, tests: Sequence[str]) -> str:
        return " and ".join(tests)

    def alternatives(self, tests: Sequence[str]) -> str:
        return "either " + ", or ".join(tests)

    def clause(self, text: str) -> str:
        return text.rstrip(".")

    def small(self, title: str) -> str:
        # An acronym stays as it is.
        return title[:1].lower() + title[1:] if title[1:2].islower() else title

    def instrument(self, title: str) -> str:
        return title

    def source(self, instrument: str, citation: str) -> str:
        return f"{instrument}, {citation}"

    def cited(self, text: str, sources: Sequence[str]) -> str:
        return f"{text} ({'; '.join(sources)})"

    # Values and titles

    def level(self, word: str) -> str:
        return word.replace("_", " ")

    def truth(self, yes: bool) -> str:
        return "yes" if yes else "no"

    def day(self, day: date) -> str:
        return day.isoformat()

    def duration(self, length: Duration, calendar: str) -> str:
        return str(length)

    def span(self, low: Decimal, high: Decimal | None) -> str:
        return f"{low:,} or more" if high is None else f"{low:,} to {high:,}"

    def no_value(self, known: bool) -> str:
        return "none" if known else "not known"

    def others(self) -> str:
        return "perhaps others"

    def role(self, role: str) -> str:
        return role

    def withheld(self) -> str:
        return "personal"

    def pair(self, name: str, value: str) -> str:
        return f"{name} {value}"

    def field_name(self, field: str) -> str:
        return field

    def field(self, title: str, field: str) -> str:
        return f"{title}: {field}"

    def member(self, family: str, member: str) -> str:
        return f"{family}: {member}"

    def total(self, family: str) -> str:
        return f"{family} in all"

    def today(self) -> str:
        return "the date"

    def that_day(self) -> str:
        return "the day of the exchange"

    # Tests

    def test(self, name: str, op: str, kind: str, targets: Sequence[str], negated: bool, listed: bool) -> str:
        operators = _DATE_OPERATORS if kind == "date" and op in _DATE_OPERATORS else _OPERATORS
        return f"{name} {operators[op][negated]} {self.either(targets)}"

    def yes_no(self, name: str, yes: bool) -> str:
        return f"{name}: {self.truth(yes)}"

    def same(self, name: str, other: str, negated: bool) -> str:
        return f"{name} is {'not ' if negated else ''}the same as {other}"

    def shown(self, name: str, claim: bool, negated: bool) -> str:
        return f"{name} is {'not ' if negated else ''}{'relied on and shown' if claim else 'shown'}"

    # The answer

    def hypothetically(self, day: date, answer: str) -> str:
        return f"Hypothetically, on {self.day(day)}: {answer}"

    def disagreement(self) -> str:
        return "Do not proceed: the engines disagree on this exchange, so a person must look at it."

    def permitted(self, places: Sequence[str]) -> str:
        return f"This may go ahead{self._under(places)}."

    def permitted_with_duties(self, places: Sequence[str], number: int, duties: str) -> str:
        return f"This may go ahead{self._under(places)}, with {_count(number, 'duty', 'duties')}: {duties}."

    def unmet(self, number: int, needed: str) -> str:
        return f"Do not proceed yet: {_count(number, 'thing is', 'things are')} required and not shown: {needed}."

    def review(self, reasons: str, number: int, needed: str) -> str:
        also = f" Besides, {_count(number, 'thing is', 'things are')} required and not shown: {needed}." if number else ""
        return f"Do not proceed before a person has looked at it: {reasons}.{also}"

    def prohibited(self, reasons: str) -> str:
        return f"Do not proceed: {reasons}."

    def not_applicable(self) -> str:
        return "No policy here applies to this exchange; that is not a permit."

    def undecided(self, low: Level, high: Level, questions: Sequence[str], more: int) -> str:
        between = f"This cannot be decided yet: it is between {self.level(low.word)} and {self.level(high.word)}"
        if not questions:
            return f"{between}."
        return f"{between}; find out first: {' '.join(questions)}{f' (and {more} more)' if more else ''}"

    def signed_off(self, doubtful: bool, provisions: str, until: date) -> str:
        what = "of a review" if not doubtful else "that accepts what is lifted only in doubt"
        return f" This rests on a sign-off {what}, until {self.day(until)}: {provisions}."

    def sign_off_ends(self, day: date) -> str:
        return f"a sign-off ends with {self.day(day)}"

    def _under(self, places: Sequence[str]) -> str:
        return f" under the law of {self.joined(places)}" if places else ""

    # What came with the data

    def carried_to_observe(self, condition: str, origin: str) -> str:
        return f" To be observed, since it came with the data (from {origin}): {condition}."

    def carried_beside(self, state: str, condition: str, origin: str) -> str:
        state = "not known to be met" if state == "unknown" else state
        return f" What came with the data (from {origin}) is {state}: {condition}."

    def carried_unknown(self, condition: str, origin: str) -> str:
        return (
            "This cannot be decided yet: it is not known whether this is met, which came with the data"
            f" (from {origin}): {condition}."
        )

    def carried_violated(self, prohibited: bool, condition: str, origin: str) -> str:
        stop = "Do not proceed" if prohibited else "Do not proceed before a person has looked"
        return f"{stop}: this exchange does not meet what came with the data (from {origin}): {condition}."

    def carried_perhaps(self, condition: str, origin: str) -> str:
        return (
            "This cannot be decided yet: this exchange does not meet what may have come with the data"
            f" (from {origin}): {condition}."
        )

    # Plans

    def leg(self, leg: str) -> str:
        return f"leg {leg}"

    def of_leg(self, leg: str, text: str) -> str:
        return f"leg {leg}: {text}"

    def plan_permitted(self) -> str:
        return "Every leg of this plan may go ahead."

    def plan_held_back(self, leg: str, answer: str, others: int) -> str:
        more = f" {others} other {'legs hold' if others > 1 else 'leg holds'} it back as well." if others else ""
        return f"Leg {leg} holds this plan back. {answer}{more}"

    # Why a person must look

    def unsettled(self, says: str) -> str:
        return f"It is not settled that this holds: {says}"

    def not_modelled(self, place: str, subject: str, roles: Sequence[str]) -> str:
        about = f" on {subject}" if subject else ""
        where = self.joined([f"the {role} {'are' if role == 'people' else 'is'}" for role in roles])
        return f"the law of {place}{about} is not modelled here, and it is where {where}"

    def doubtful(self, title: str) -> str:
        return f"{self.small(title)} rests on a ground that is doubtful"

    def overdue(self, duty: str) -> str:
        return f"a duty is overdue: {duty}"

    def lifted_in_doubt(self, title: str) -> str:
        return f"{title} is lifted only in doubt"

    def compels(self, source: str, place: str) -> str:
        return f"{source} compels what {place} refuses"

    # Beside the answer

    def conflict(self, source: str, place: str) -> str:
        return f"{source} compels what the law of {place} refuses."

    def open_lane(self, lanes: Sequence[str], low: Level) -> str:
        return f"A lane is open ({self.joined(lanes)}), and it lifts no law: the outcome stays {self.level(low.word)}."

    def about_member(self, question: str, member: str) -> str:
        return f"{question} ({member})"

    def ask(self, title: str, kind: str) -> str:
        match kind:
            case "document":
                return f"Is this shown, with its date and scope: {title}?"
            case "yes/no":
                return f"Is this so: {title}?"
            case "count":
                return f"How many are there: {title}?"
        return f"What is the {title}?"

    def ask_field(self, title: str, field: str) -> str:
        return _FIELD_QUESTIONS[field].format(title)

    # Remedies

    def change(self, title: str, old: str, new: str, alike: bool) -> str:
        also = ", or another that the rules treat alike" if alike else ""
        return f"Change: {title},{f' from {old}' if old else ''} to {new}{also}."

    def obtain(self, title: str, step: str, fields: Sequence[tuple[str, str]]) -> str:
        said = ["covering this exchange" if field == "covers" else f"{field} {value}" for field, value in fields]
        return f"{_STEPS[step]}: {title}, {self.joined(said)}."

    # What ends an outcome

    def comes_into_force(self, name: str, day: date) -> str:
        return f"{name} comes into force on {day}"

    def in_force_until(self, name: str, day: date) -> str:
        return f"{name} is in force until {day}"

    def among_from(self, name: str, register: str, day: date) -> str:
        return f"{name} is among {register} from {day}"

    def among_until(self, name: str, register: str, day: date) -> str:
        return f"{name} is among {register} until {day}"

    def modelled_from(self, place: str, subject: str, day: date) -> str:
        return f"the law of {place} on {subject} is modelled from {day}"

    def has_come(self, title: str, day: date) -> str:
        return f"{title}: {day} has come"

    def has_passed(self, title: str, day: date) -> str:
        return f"{title}: {day} has passed"

    def has_run(self, title: str, length: str, day: date) -> str:
        return f"{title}: {length} have passed since {day}"

    def is_dated(self, title: str, day: date) -> str:
        return f"{title} is dated {day}"

    def expires(self, title: str, day: date) -> str:
        return f"{title} expires on {day}"

    def last_day_passes(self, duty: str) -> str:
        return f"the last day of a duty passes: {duty}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"

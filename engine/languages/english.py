"""
Decisions in English.
"""

from __future__ import annotations

import re
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
    InstrumentPart,
    JurisdictionPart,
    LanePart,
    MeansPart,
    NotModelledPart,
    ReasonPart,
    RequirementPart,
    StatementPart,
)
from engine.languages.language import MOST_OF_A_GROUP, Codes, Labels, Language
from engine.rules import Level
from engine.values import MOST_LISTED, Duration

# The words for a comparison, and for its opposite.
_COMPARISONS = {
    "at_least": ("at least", "less than"),
    "at_most": ("at most", "more than"),
    "more_than": ("more than", "at most"),
    "less_than": ("less than", "at least"),
    "within": ("within the last", "not within the last"),
    "older_than": ("older than", "not older than"),
}
_FEW = {("at most", "0"): "no", ("less than", "1"): "no", ("more than", "0"): "some", ("at least", "1"): "some"}
_DAYS = {"at_least": ("on or after", "before"), "at_most": ("on or before", "after")}
# Titles that a test can turn into a sentence: "where the data are stored", "recipient's country", "recipient's place", "the data are
# personal".
_WHERE = re.compile(r"where (?P<subject>.+?) (?P<verb>is|are|was|were)\b(?: (?P<rest>.+))?")
_COUNTRY = re.compile(r"(?P<subject>\w+)'s (country|place)")
_VERB = re.compile(r"\b(is|are|was|were|may|can)\b")
_ASKS = re.compile(r"(how|what|who)\b")
# Places that stand with an article inside a sentence, and without one in a list.
_THE = re.compile(
    r"(United|European|British|Isle) |.* (Islands|Republic)$|(Bahamas|Comoros|Gambia|Maldives|Netherlands|Philippines)$"
)
# The first words of a title, up to the words that qualify them.
_HEAD = re.compile(r"[,:(]| (?:of|that|which|who|whom|whose|the|from|on|under|in|to|against|other|able|at|by|for|with)\b")
_PLURAL = re.compile(r"\bpeople\b|\b\w{3,}(?<![isu])s\b(?<!'s)")
_FIELD_TITLES = {
    "dated": "date of the {}",
    "filed": "day of filing of the {}",
    "expires": "last day of the {}",
    "covers": "this exchange is covered by the {}",
    "people": "people whom the {} covers",
    "for": "recipients for whom the {} is",
    "purposes": "purposes that the {} covers",
    "data": "data sets that the {} covers",
    "hash": "hash of the {}",
    "attested_by": "who attested the {}",
}
_FIELD_VALUES = {
    "dated": "dated {}",
    "filed": "filed on {}",
    "expires": "valid until {}",
    "covers": "covering this exchange",
    "people": "covering {} people",
    "for": "for this recipient",
    "purposes": "for the purpose {}",
    "data": "for this data set",
    "hash": "with the hash {}",
    "attested_by": "attested by {}",
}
_FIELD_QUESTIONS = {
    "dated": "What is the date of the {}?",
    "filed": "When was the {} filed?",
    "expires": "Until when does the {} hold?",
    "covers": "Does the {} cover this exchange?",
    "people": "How many people does the {} cover?",
    "for": "For which recipients is the {}? Name their identifiers.",
    "purposes": "For which purposes is the {}?",
    "data": "Which data sets does the {} cover? Name their identifiers.",
    "hash": "What is the hash of the {}?",
    "attested_by": "Who attested the {}?",
}
_NAMED = 3  # places that a sentence names
_STEPS = {"obtain": "Obtain", "complete": "Complete", "renew": "Renew"}


# One word for one code.
CODES: Codes = {
    "outcome": {
        "not_applicable": "not applicable",
        "permitted": "permitted",
        "permitted_with_obligations": "permitted with obligations",
        "requirements_unmet": "requirements unmet",
        "review": "subject to review",
        "prohibited": "prohibited",
        "undetermined": "not decided",
    },
    "proceed": {"yes": "proceed", "no": "do not proceed", "open": "not decided yet"},
    "truth": {"yes": "yes", "no": "no", "unknown": "not known"},
    "effect": {
        "prohibit": "prohibits",
        "review": "asks for a review",
        "require": "requires",
        "compels": "compels",
        "oblige": "obliges",
        "exempts": "exempts",
        "doubts": "puts in doubt whether the law reaches",
        "satisfies": "meets a requirement",
        "advise": "advises",
        "allows": "allows",
    },
    "force": {
        "law": "law",
        "order": "order",
        "norm": "norm",
        "contract": "contract",
        "soft": "soft law",
        "aspiration": "aspiration",
    },
    "mark": {"confirmed": "confirmed", "from-memory": "from memory", "unsure": "unsure"},
    "requirement": {"met": "met", "unmet": "unmet", "unknown": "not known", "doubtful": "in doubt"},
    "lane": {"open": "open", "possible": "perhaps open", "closed": "closed"},
    "limit": {"within": "not above it", "beyond": "above it"},
    "validity": {
        "valid": "valid",
        "expired": "expired",
        "not_yet": "not valid yet",
        "not_covering": "shown, but it does not cover this exchange",
        "open": "shown, but it is not known whether it is valid",
    },
    "rights": {
        "before": "the exporter's rights before",
        "after": "the recipient's rights after",
        "beyond": "beyond the exporter's own rights",
        "exclusive": "exclusive grants to others",
        "earlier": "earlier grants to others",
    },
    "carried": {"observe": "to observe", "met": "met", "violated": "violated", "unknown": "not known"},
    "standing": {"certain": "certain", "possible": "perhaps"},
    "overdue": {"yes": "overdue", "no": "in time", "unknown": "perhaps overdue"},
    "arises": {"exchange": "owed by the exchange", "refusal": "owed because the exchange is refused"},
    "notice": {"conflict": "conflict", "notice": "notice"},
    "statement": {
        "stated": "stated",
        "registered": "from the register",
        "shown": "shown and checked",
        "counted": "counted in the ledger",
        "signed": "signed off",
        "accepted": "accepted by the organisation",
    },
    "settlement": {
        "settled": "The price is divided to the last unit.",
        "nothing-payable": "Nothing is payable.",
        "price-unknown": "The price is not known, so nothing is divided.",
        "price-disputed": "The register says another price than the exchange, so nothing is divided.",
        "price-below-zero": "The price is below zero, so nothing is divided.",
        "price-of-a-free-supply": "The supply is free and has a price, so nothing is divided.",
        "price-too-large": "The price is larger than the book can hold, so nothing is divided.",
        "price-finer-than-the-unit": "The price is finer than the smallest unit of its currency, so nothing is divided.",
        "unknown-currency": "ISO 4217 has no such currency, so nothing is divided.",
        "no-minor-unit": "ISO 4217 gives this currency no smallest unit, so nothing is divided.",
        "shares-unknown": "A share is not known, so nothing is divided.",
        "shares-disputed": "The register says other shares than the exchange, so nothing is divided.",
        "shares-do-not-close": "The shares do not add up to one, so nothing is divided.",
        "parties-unknown": "Not all parties of a role are known, so nothing is divided.",
        "parties-disputed": "The register names other parties than the exchange, so nothing is divided.",
    },
    "verdict": {"approve": "approved", "refuse": "refused"},
    "engines": {"yes": "agreed", "no": "disagreed"},
    "role": {
        "exporter": "exporter",
        "recipient": "recipient",
        "people": "people concerned",
        "collection": "place of collection",
        "storage": "place of storage",
        "access": "place of access",
    },
    "field": {
        "dated": "dated",
        "filed": "filed",
        "expires": "expires",
        "covers": "covers this exchange",
        "people": "people covered",
        "for": "recipients covered",
        "purposes": "purposes covered",
        "data": "data sets covered",
        "hash": "hash",
        "attested_by": "attested by",
    },
}
SECTIONS: Labels = {
    "jurisdictions": "Jurisdictions",
    "why": "Why",
    "beaten": "Exempted provisions",
    "requirements": "Requirements",
    "ways": "Ways to what is not met",
    "duties": "Duties",
    "rests_on": "What the permit rests on",
    "missing": "What to find out",
    "carried": "Conditions that came with the data",
    "disputed": "What the register says otherwise",
    "conflicts": "Conflicts and notices",
    "advice": "Advice",
    "lanes": "Lanes",
    "settlement": "What is payable of the price",
    "computed": "Data factor account, as computed",
    "account": "Data factor account, as stated",
    "gaps": "Law not modelled here",
    "reach": "Law that may reach the data",
    "notes": "What the modelled law leaves out",
    "engines": "Decided by",
}
BRIEF: Labels = {
    "jurisdiction": "Jurisdiction",
    "issuer": "Issued by",
    "number": "Number",
    "force": "Force",
    "in_force": "In force",
    "applies": "Applies where",
    "terms": "Terms",
    "provisions": "Provisions",
    "when": "Where",
    "unless": "Unless",
    "all": "all of these hold:",
    "any": "any of these holds:",
    "none": "this does not hold:",
    "always": "always",
    "exempts": "Exempts from",
    "exempted": "Does not apply where one of these applies",
    "excuses": "Not required then",
    "duties": "Duties",
    "due": "due",
    "done": "done where",
    "keep": "keep the proof for",
    "travels": "Travels with the data",
    "sign_off": "Sign-off",
    "two_persons": "by two persons",
    "source": "Source",
    "mark": "Certainty",
    "reviewed": "Read against its source",
    "verify": "To be checked again by",
    "from": "from",
    "until": "until",
    "of": "from",
    "or": "or",
    "and": "and",
    "that_day": "the day of the exchange",
    "earliest": "whichever comes first:",
    "lane": "opens the lane",
    "accepts": "What is accepted as looked after elsewhere",
    "countries": "Countries",
    "subjects": "Subject matters",
    "because": "Reason",
    "by": "Decided by",
    "must_be_shown": "What counts only where it is not merely stated",
    "switched_off": "What is switched off, and so not modelled",
    "marks": "Each provision says how certain it is.",
}


class English(Language):
    code = "en"
    name = "English"
    english_name = "English"
    codes = CODES
    sections = SECTIONS
    brief = BRIEF
    disclaimer = "Engineering research, not legal advice."

    # Putting together

    def listed(self, texts: Sequence[str], more: int) -> str:
        return "; ".join(texts) + (f"; and {more:,} more" if more else "")

    def one_after_another(self, sentences: Sequence[str]) -> str:
        return " ".join(sentences)

    def joined(self, names: Sequence[str]) -> str:
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

    def either(self, names: Sequence[str]) -> str:
        return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

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

    def day(self, day: date) -> str:
        return day.isoformat()

    def duration(self, length: Duration, calendar: str) -> str:
        return str(length)

    def span(self, low: Decimal, high: Decimal | None) -> str:
        return f"{low:,} or more" if high is None else f"{low:,} to {high:,}"

    def sums(self, low: str, high: str | None) -> str:
        return f"{low} or more" if high is None else f"{low} to {high}"

    def no_value(self, known: bool) -> str:
        return "none" if known else self.word("truth", "unknown")

    def not_sent(self) -> str:
        return "not stated"

    def others(self) -> str:
        return "perhaps others"

    def withheld(self) -> str:
        return "personal, not shown"

    def pair(self, name: str, value: str) -> str:
        return f"{name}: {value}"

    def field(self, title: str, field: str) -> str:
        return _FIELD_TITLES[field].format(title) if field in _FIELD_TITLES else f"{title}: {field}"

    def member(self, family: str, member: str) -> str:
        return f"{family}: {member}"

    def total(self, family: str) -> str:
        return f"{family}, in total"

    def other_members(self, alone: bool) -> str:
        return "each of them" if alone else "all others"

    def rest(self, family: str) -> str:
        return f"{family}, all others"

    def ways(self) -> str:
        return "what the exchange relies on"

    def today(self) -> str:
        return "the date"

    def that_day(self) -> str:
        return "the day of the exchange"

    def expires_before_dated(self) -> str:
        return "a document does not expire before it is dated"

    def follows_otherwise(self, follower: str, fact: str) -> str:
        return f"“{follower}” follows from “{fact}”, and is stated otherwise: correct one of the two, or leave the first out"

    def lies_elsewhere(self, place: str, title: str, country: str, stated: str, choices: Sequence[str]) -> str:
        here, listed = _place(stated), ", ".join(choices)
        if not country:
            return f"`{place}` ({title}) is no answer in {here}, where everybody is in one of these places: {listed}"
        said = f"`{place}` ({title}) lies in {_place(country)}, not in {here}"
        return (
            f"{said}; of places there, {listed} can be sent"
            if choices
            else f"{said}; no place is told apart there, so leave it out"
        )

    # What a refusal proposes

    def titled(self, text: str, titles: Sequence[str]) -> str:
        return f"{text} ({', '.join(titles)})" if titles else text

    def one_of_these(self, title: str, members: Sequence[str]) -> str:
        listed = ", ".join(f"`{each}`" for each in members[:MOST_OF_A_GROUP])
        return f"one of the {len(members)} of “{title}”: {listed}{', …' if len(members) > MOST_OF_A_GROUP else ''}"

    def no_value_of(self, word: str, of: str, values: Sequence[str], meant: Sequence[str], fact: str) -> str:
        if len(values) > MOST_LISTED:
            said = f"`{word}` is not one of the {len(values)} values of `{of}`"
            return f"{said}; {_meant(meant)}" if meant else f"{said}; `fifthfactor facts {fact}` lists them"
        said = f"`{word}` is not one of {', '.join(f'`{each}`' for each in values)}"
        return f"{said}; {_meant(meant)}" if meant else said

    def no_fact(self, name: str, meant: Sequence[str]) -> str:
        said = f"an exchange has no fact `{name}`"
        return f"{said}; {_meant(meant)}" if meant else f"{said}; leave it out, or look for one with `fifthfactor facts WORD`"

    def write_so(self, said: str, forms: Sequence[str]) -> str:
        return f"{said}; write {' or '.join(forms)}" if forms else said

    # Tests

    def test(self, name: str, op: str, kind: str, targets: Sequence[str], negated: bool, listed: bool) -> str:
        target, denied = self.either(targets), "not " if negated else ""
        only = "only " if op == "only" else ""
        if op == "only" and not targets:
            return self.headed(name, "some" if negated else "none")
        if op in ("is", "in", "has", "only"):
            target = self.either([_place(each) for each in targets])
            if where := _WHERE.fullmatch(name) or _COUNTRY.fullmatch(name):
                return _there(where.groupdict(), denied, only, target)
            if name.startswith("how "):
                return self.headed(name, f"{denied}{only}{target}")
            if op == "has":
                verbs = ("include", "do not include") if _plural(name) else ("includes", "does not include")
                return f"{name} {verbs[negated]} {target}"
            return f"{name} {_be(name)} {denied}{only}{'among ' if op == 'in' else ''}{target}"
        words = (_DAYS if kind == "date" and op in _DAYS else _COMPARISONS)[op][negated]
        if kind == "count" and _plural(name):
            few = _FEW.get((words, target))
            return f"{few or words.replace('less', 'fewer') + ' ' + target} {name}"
        return f"{name} {_be(name)} {words} {target}"

    def yes_no(self, name: str, yes: bool) -> str:
        verb = _VERB.search(name)
        if verb is None:
            return self.headed(name, self.truth(yes))
        return name if yes else f"{name[: verb.end()]}{'' if verb[0] == 'can' else ' '}not{name[verb.end() :]}"

    def same(self, name: str, other: str, negated: bool) -> str:
        return f"{name} {_be(name)} {'not ' if negated else ''}the same as {other}"

    def of_sets(self, name: str, op: str, other: str, negated: bool) -> str:
        verb, rest = {"only": ("stay", "within"), "has_all": ("cover", "all of"), "has": ("overlap", "with")}[op]
        if negated:
            return f"{name} {'do' if _plural(name) else 'does'} not {verb} {rest} {other}"
        return f"{name} {verb}{'' if _plural(name) else 's'} {rest} {other}"

    def shown(self, name: str, claim: bool, negated: bool) -> str:
        return f"{name} {_be(name)} {'not ' if negated else ''}{'relied on and shown' if claim else 'shown'}"

    def in_register(self, name: str, known: bool) -> str:
        return f"{name} is {'' if known else 'not '}in the register"

    # What the register says otherwise

    def contradiction(self, stated: str, registered: str) -> str:
        return f"stated {stated}, registered {registered}"

    def contradicted(self, facts: str, book: str) -> str:
        return f" The {book or 'register'} contradicts what was stated: {facts}."

    def disputed(self, level: Level, facts: str, reasons: str, book: str) -> str:
        stop = {
            Level.REQUIREMENTS_UNMET: "Do not proceed yet",
            Level.REVIEW: "Do not proceed before a person has looked at it",
        }.get(level, "Do not proceed")
        why = f" So this may apply: {reasons}." if reasons else ""
        said = f"the {book or 'register'} contradicts what was stated, and the stricter of both counts"
        return f"{stop}: {said}: {facts}.{why}"

    def refused(self, outcome: str) -> str:
        return f"Do not proceed: {self.level(outcome)}."

    def reasons_withheld(self) -> str:
        return " The reasons rest on the register, which this caller may not read."

    def disputed_line(self, kind: str, entity: str, version: int | None, title: str, value: str) -> str:
        by = f"{kind or 'entity'} of `{entity}`{f', version {version}' if version else ''}"
        return self.headed(title, f"{value} ({by})")

    # The answer

    def hypothetically(self, day: date, answer: str) -> str:
        return f"Hypothetically, on {self.day(day)}: {answer}"

    def disagreement(self) -> str:
        return "Do not proceed: the engines disagree on this exchange, so a person must look at it."

    def permitted(self, places: Sequence[str]) -> str:
        return f"This may go ahead{self._under(places)}."

    def permitted_with_duties(self, places: Sequence[str], number: int, duties: str) -> str:
        return f"This may go ahead{self._under(places)}, with {_count(number, 'duty', 'duties')}: {duties}."

    def stands_on(self, provisions: str) -> str:
        return f" It stands on: {provisions}."

    def headed_by(self, law: str, subject: str, statement: str) -> str:
        return f"{law} on {subject} (coverage {statement})"

    def nothing_against(self, laws: str) -> str:
        return f" Nothing was found against it in {laws}."

    def unmet(self, number: int, needed: str) -> str:
        return f"Do not proceed yet: {_count(number, 'thing is', 'things are')} required and not shown: {needed}."

    def review(self, reasons: str, questions: Sequence[str]) -> str:
        first = f" First answer: {' '.join(questions)}" if questions else ""
        return f"Do not proceed before a person has looked at it: {reasons}.{first}"

    def beside(self, reasons: str) -> str:
        return f" Beside this, a person must look at it: {reasons}."

    def prohibited(self, reasons: str) -> str:
        return f"Do not proceed: {reasons}."

    def no_exemption(self, for_good: bool) -> str:
        nothing = " Nothing makes this exchange lawful as it is."
        return nothing if for_good else " No exemption helps; the exchange itself would have to change."

    def no_way(self) -> str:
        return "Other facts of this exchange exclude every way to meet this."

    def not_applicable(self, left_alone: str) -> str:
        said = f": {left_alone}" if left_alone else ""
        return f"No law that is modelled here speaks of this exchange, and that is not a permit{said}."

    def left_alone(self, place: str, subject: str, because: str) -> str:
        return f"the law of {place} on {subject} does not reach it{f' ({because})' if because else ''}"

    def undecided(self, places: Sequence[str], low: Level, high: Level, questions: Sequence[str], more: int) -> str:
        under = f" under the law of {self._few(places, 'other place')}" if places else ""
        levels = f"anything from {self.level(low.word)} to {self.level(high.word)}"
        if not questions:
            return f"Not decided{under}: it can be {levels}."
        also = f" {_count(more, 'more fact is', 'more facts are')} open."
        return f"Not decided{under}: the answers below can make it {levels}. {' '.join(questions)}{also if more else ''}"

    def elsewhere(self, places: Sequence[str], others: Sequence[str], beside: bool) -> str:
        number = f"{len(places)} {'other ' if beside else ''}places"
        law = f"the law of {self.joined(places) if len(places) <= _NAMED else number}"
        said = self.joined([*([law] if places else []), *others])
        return f"{said[:1].upper()}{said[1:]} may apply through facts that are not given."

    def _few(self, names: Sequence[str], what: str) -> str:
        """The first of some names, and how many more there are."""
        more = len(names) - _NAMED
        return self.joined([*names[:_NAMED], *([_count(more, what, f"{what}s")] if more > 0 else [])])

    def nothing_settles(self) -> str:
        return "no further fact would settle what the law says of it"

    def to_everyone(self, stays_open: Sequence[str]) -> str:
        said = " The recipient is the public, anywhere: what the law says of any party counts."
        return f"{said} What nobody can find out of everybody stays open: {self.joined(stays_open)}." if stays_open else said

    def only_stated(self, titles: Sequence[str]) -> str:
        return f" Stated, but must be shown to count: {self.joined(titles)}."

    def signed_off(self, accepts: str, what: str, until: date) -> str:
        does = {
            "review": "approves a review",
            "lift": "accepts an exemption or a ground that is in doubt",
            "reach": "accepts that a law may reach the data",
            "gap": "says that the law, which is not modelled here, was read and is kept",
            "reaches": "says that a law reaches this exchange",
        }[accepts]
        return f" This rests on a sign-off that {does}, valid until {self.day(until)}: {what}."

    def accepted(self, what: str, by: str, until: date) -> str:
        return (
            f" This rests on an acceptance by {by}, valid until {self.day(until)}, that law not modelled here is met: {what}."
        )

    def sign_off_ends(self, day: date) -> str:
        return f"a sign-off ends on {self.day(day)}"

    def shown_until(self, title: str, day: date) -> str:
        return f"the check of the {title} ends on {self.day(day)}"

    def acceptance_begins(self, by: str, day: date) -> str:
        return f"an acceptance by {by} begins on {self.day(day)}"

    def acceptance_ends(self, by: str, day: date) -> str:
        return f"an acceptance by {by} ends on {self.day(day)}"

    def _under(self, places: Sequence[str]) -> str:
        return f" under the law of {self.joined(places)}" if places else ""

    # What came with the data

    def carried_to_observe(self, condition: str, origin: str) -> str:
        return f" A condition came with the data (from {origin}) and must be observed: {condition}."

    def carried_beside(self, state: str, condition: str, origin: str) -> str:
        state = "not known to be met" if state == "unknown" else state
        return f" A condition that came with the data (from {origin}) is {state}: {condition}."

    def carried_unknown(self, condition: str, origin: str) -> str:
        return (
            "Not decided: it is not known whether this exchange meets a condition that came with the data"
            f" (from {origin}): {condition}."
        )

    def carried_violated(self, prohibited: bool, condition: str, origin: str) -> str:
        stop = "Do not proceed" if prohibited else "Do not proceed before a person has looked at it"
        return f"{stop}: this exchange does not meet a condition that came with the data (from {origin}): {condition}."

    def carried_perhaps(self, condition: str, origin: str) -> str:
        return (
            "Not decided: this exchange does not meet a condition that may have come with the data"
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
        more = f" {_count(others, 'other leg holds', 'other legs hold')} it back as well." if others else ""
        return f"Leg {leg} holds this plan back. {answer}{more}"

    def plan_whole(self, first: str, leg: str, outcome: str, sources: Sequence[str]) -> str:
        together = f"From the exporter of leg {first} to the recipient of leg {leg}"
        by = f" ({'; '.join(sources)})" if sources else ""
        return f"{together} this is {outcome}{by}." if outcome else f"{together} facts decide whether it may go ahead{by}."

    def plan_contradiction(self, leg: str, before: str, kind: str, title: str) -> str:
        match kind:
            case "people":
                return f"Leg {leg} has more people than came with leg {before} ({title})."
            case "places":
                return f"Leg {leg} has other places than came with leg {before} ({title})."
            case "party":
                return f"The exporter of leg {leg} is not what the recipient of leg {before} is ({title})."
        return f"Legs {before} and {leg} cannot be one exchange ({title})."

    def plan_unlinked(self, leg: str, of: str) -> str:
        return (
            f"The exporter of leg {leg} may be the recipient of leg {of}. Do its data derive from what came with that leg? Give `after`,"
            " or `data.derived: other` and the ids of both data sets."
        )

    def plan_stopped(self, text: str) -> str:
        return f"The legs of this plan hold it back together. {text}"

    # Why a person must look

    def unsettled(self, says: str) -> str:
        return f"It is not settled that this holds: {says}"

    def otherwise(self, outcome: str) -> str:
        what = "the exchange is prohibited" if outcome == "prohibited" else "a person must review the exchange"
        return f"Where none of its provisions speaks, {what}"

    def unread(self, place: str, subject: str, law: str) -> str:
        return f"the law of {place} on {subject} was not read: {law}"

    def read_in_doubt(self, place: str, subject: str) -> str:
        return f"what was read of the law of {place} on {subject} is in doubt"

    def not_modelled(self, place: str, subject: str, roles: Sequence[str], since: date | None = None) -> str:
        about = f" on {subject}" if subject else ""
        before = f" before {self.day(since)}" if since else ""
        return f"the law of {place}{about} is not modelled here{before}, and {self._present(roles)} there"

    def reached(self, place: str, subject: str) -> str:
        return f"the data come from {place}, and whether its law on {subject} reaches them is not settled"

    def doubtful(self, title: str) -> str:
        return f"this requirement is met only on a doubtful ground: {self.small(title)}"

    def overdue(self, duty: str) -> str:
        return f"a duty is overdue: {duty}"

    def lifted_in_doubt(self, title: str) -> str:
        return f"it is in doubt whether an exemption lifts this provision: {title}"

    # Beside the answer

    def law_of(self, place: str) -> str:
        return f"the law of {place}"

    def conflict(self, source: str, what: str, law: str, refusing: str, compels: bool, refuses: bool) -> str:
        does, refused = "compels" if compels else "may compel", "is" if refuses else "may be"
        return f"{source} {does} it ({what}); it {refused} refused under {law}: {refusing}."

    def open_lane(self, lanes: Sequence[str], low: Level) -> str:
        opened = "Lanes are open" if len(lanes) > 1 else "A lane is open"
        return f"{opened} ({self.joined(lanes)}), but a lane lifts no law: the outcome stays {self.level(low.word)}."

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

    def ask_besides(self, said: Sequence[str], question: str) -> str:
        return f"Besides {self.joined([f'“{each}”' for each in said])}, {self.small(question)}"

    def ask_narrower(self, title: str, meant: Sequence[str], choices: Sequence[str], several: bool) -> str:
        said = self.joined([f"“{each}”" for each in meant])
        if not choices:
            return f"What exactly is meant by {said} ({title})?"
        if several:
            return f"What exactly is meant by {said} ({title})? Name all of these that apply: {'; '.join(choices)}."
        return f"What exactly is meant by {said} ({title}): {'; '.join(choices)}?"

    def ask_field(self, title: str, field: str) -> str:
        return _FIELD_QUESTIONS[field].format(title)

    # Remedies

    def change(self, title: str, old: str, new: str, alike: bool) -> str:
        also = ", or another value that the rules treat alike" if alike else ""
        return f"Change: {title},{f' from {old}' if old else ''} to {new}{also}."

    def claim(self, title: str) -> str:
        return f"Only if it is so, state: {title}."

    def obtain(self, title: str, step: str, fields: Sequence[tuple[str, str]]) -> str:
        said = [_FIELD_VALUES[field].format(value) for field, value in fields]
        return f"{_STEPS[step]}: {title}, {self.joined(said)}."

    # Why an outcome ends

    def comes_into_force(self, name: str, day: date) -> str:
        return f"this comes into force on {day}: {name}"

    def in_force_until(self, name: str, day: date) -> str:
        return f"this is in force until {day}: {name}"

    def among_from(self, name: str, register: str, day: date) -> str:
        return f"{name} is among {register} from {day}"

    def among_until(self, name: str, register: str, day: date) -> str:
        return f"{name} is among {register} until {day}"

    def modelled_from(self, place: str, subject: str, day: date) -> str:
        return f"the law of {place} on {subject} is modelled from {day}"

    def has_come(self, title: str, day: date) -> str:
        return f"{_the(title)} ({day}) has come"

    def has_passed(self, title: str, day: date) -> str:
        return f"{_the(title)} ({day}) has passed"

    def has_run(self, title: str, length: str, day: date) -> str:
        return f"{length} {'has' if length.startswith('1 ') else 'have'} passed since {_the(title)} ({day})"

    def is_dated(self, title: str, day: date) -> str:
        return f"{title} is dated {day}"

    def expires(self, title: str, day: date) -> str:
        return f"{title} expires on {day}"

    def last_day_passes(self, duty: str) -> str:
        return f"the last day of a duty passes: {duty}"

    # A decision line by line, for a person at a desk

    def outcome_line(self, outcome: str, bounds: BoundsPart, as_of: date) -> str:
        between = f" ({self.level(bounds.lowest)} to {self.level(bounds.highest)})" if outcome == "undetermined" else ""
        return f"{self.level(outcome)}{between}, as of {as_of}"

    def jurisdiction_line(self, part: JurisdictionPart) -> str:
        return self.headed(part.title, self.level(part.outcome))

    def instrument_line(self, part: InstrumentPart) -> str:
        return self.headed(part.title, self.level(part.outcome))

    def reason_line(self, part: ReasonPart) -> str:
        about = f"{', '.join(self.kind(part.force, part.mark))}; {self.word('effect', part.effect)}"
        text = f"{part.title} - {part.instrument}, {part.citation} ({about}) at {part.at}"
        return self.certainly(part.standing == "certain", text)

    def because_line(self, tests: Sequence[str]) -> str:
        return f"because {'; '.join(tests)}"

    def tested(self, test: str, value: str) -> str:
        return f"{test} [{value}]"

    def beaten_line(self, part: BeatenPart) -> str:
        doubt = " (in doubt, so a person must look at it)" if part.doubtful else ""
        return f"{part.provision}, exempted by {self.joined(part.by)}{doubt}"

    def requirement_line(self, part: RequirementPart) -> str:
        met = f" (met by {', '.join(part.met_by)})" if part.met_by else f" - {part.how}"
        return self.headed(self.word("requirement", part.state), f"{part.title}{met}")

    def means_line(self, part: MeansPart, lacking: Sequence[str]) -> str:
        ends = "leads to a permit" if part.to_yes else "leaves a review" if part.doubtful else ""
        wanted = f"lacks {self.listed(lacking, more=0)}" if lacking else "lacks nothing"
        return f"{part.title} ({part.citation}): {wanted}{f'; {ends}' if ends else ''}"

    def duty_line(self, part: DutyPart) -> str:
        due = f", by {part.due}" if part.due else ""
        late = f", {self.word('overdue', part.overdue)}" if part.overdue != "no" else ""
        keep = f", keep the proof for {part.keep}" if part.keep else ""
        return self.certainly(part.certain, self.headed(part.who, f"{part.duty} ({part.under}{due}{late}{keep})"))

    def statement_line(self, title: str, part: StatementPart) -> str:
        alone = part.without not in ("permitted", "permitted_with_obligations")
        without = f"without it perhaps {self.level(part.without)}" if alone else "decides only together with others"
        return f"{title} ({self.word('statement', part.source)}): {without}"

    def ordinary_facts(self, count: int) -> str:
        return f"{count} ordinary {'fact' if count == 1 else 'facts'} (`--json` lists them)"

    def carried_line(self, part: CarriedPart) -> str:
        source = f"{part.instrument}, {part.citation}; from {part.from_}"
        return self.headed(self.word("carried", part.state), f"{part.condition} ({source})")

    def advice_line(self, part: AdvicePart) -> str:
        return f"{part.advice} ({part.provision}, {part.citation}; {', '.join(self.kind(part.force, part.mark))})"

    def lane_line(self, part: LanePart) -> str:
        about = f"{part.provision}, {part.citation}; {', '.join(self.kind(part.force, part.mark))}"
        text = self.headed(self.word("lane", part.state), f"{part.title} ({about})")
        if part.state == "possible":
            return f"{text}; facts are missing (`--json` lists what would open it)"
        if part.closed_by:
            text += f"; closed by {', '.join(part.closed_by)}"
        all_ = "all of these hold: " if len(part.opens_when) > 1 else ""
        return text + (f"; opens when {all_}{'; '.join(part.opens_when)}" if part.opens_when else "")

    def account_line(self, account: str, title: str, value: str) -> str:
        return self.headed(f"{account}, {title}", value)

    def not_computed(self) -> str:
        return "not computed: the register says otherwise than the sender"

    def other_currency(self, of: str, to: str) -> str:
        return f"{of} and {to} are not compared: money is never converted"

    def ratio(self, of: str, to: str, ratio: str, within: str) -> str:
        return f"{of} is {ratio} times {to}{f': {within}' if within else ''}"

    def no_ratio(self, of: str, to: str, within: str) -> str:
        return f"there is no ratio of {of} to {to}{f': {within}' if within else ''}"

    def highest(self, value: str, signals: Sequence[str], more: bool) -> str:
        others = ", and perhaps others, so it may be higher" if more else ""
        return f"{value}, the highest of {len(signals)} {'signal' if len(signals) == 1 else 'signals'} ({', '.join(signals)}){others}"

    def validity(self, document: str, state: str, last: date | None, day: date) -> str:
        return f"{document}: {state} on {day}{f' (last day {last})' if last else ''}"

    def right(self, right: str, reach: Sequence[str], by: str, sure: bool) -> str:
        return f"{right} ({', '.join(reach)}; by {by}{'' if sure else ', not proven'})"

    def grant(self, id: str, reach: Sequence[str]) -> str:
        return f"{id} ({', '.join(reach)})"

    def until(self, day: str) -> str:
        return f"until {day}"

    def endless(self) -> str:
        return "without end"

    def rights_held(self, rights: Sequence[str], more: int, complete: bool) -> str:
        told = self.listed(rights, more=more) if rights else "the book shows none"
        return told if complete else f"{told}; the book may lack some"

    def rights_conveyed(self, rights: Sequence[str], reach: Sequence[str]) -> str:
        return f"{self.joined(rights)} ({', '.join(reach)})" if rights else "none"

    def rights_beyond(self, limits: Sequence[str], more: bool) -> str:
        if not limits:
            return "not known"
        return f"{self.joined(limits)}{', and perhaps others' if more else ''}"

    def rights_granted(self, grants: Sequence[str], more: int, certain: bool) -> str:
        return f"{'by' if certain else 'perhaps by'} {self.listed(grants, more=more)}"

    def total_of_shares(self, total: str, state: str) -> str:
        match state:
            case "closed":
                return "the shares add up to one"
            case "open":
                return f"the known shares add up to {total}; others are not known"
        return f"the shares add up to {total}, not to one"

    def reach_line(self, place: str, subject: str, certain: bool) -> str:
        return self.certainly(certain, f"{self.headed(place or 'an unknown country', subject)}, so a person must look at it")

    def gap_line(self, place: str, subject: str, part: NotModelledPart) -> str:
        law = self.headed(place or "an unknown country", subject or "every subject matter")
        reviewed = ", so a person must look at it" if part.reviewed else ""
        return self.certainly(part.certain, f"{law} ({self._present(part.touched_as)} there){reviewed}")

    def engines_line(self, part: EnginePart, bundle: str) -> str:
        agreed = self.word("engines", "yes" if part.agreed else "no")
        return f"{self.joined(part.engines)} ({agreed}), version {part.version}, bundle {bundle}"

    def headed(self, head: str, text: str) -> str:
        return f"{head}: {text}"

    def _present(self, roles: Sequence[str]) -> str:
        """`the exporter and the people concerned are`."""
        verb = "are" if len(roles) > 1 or "people" in roles else "is"
        return f"{self.joined([f'the {self.role(role)}' for role in roles])} {verb}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _there(words: dict[str, str | None], denied: str, only: str, target: str) -> str:
    """`the data are not stored only in X`, for a title that asks where."""
    subject, verb, rest = words["subject"], words.get("verb"), words.get("rest") or ""
    if verb is None:
        return f"the {subject} is {denied}{only}in {target}"
    if rest.startswith(("who ", "whom ", "that ")):
        return f"{subject} {rest} {verb} {denied}{only}in {target}"
    stem, _, last = rest.rpartition(" ") if rest.endswith(" from") else (rest, "", "in")
    return f"{subject} {verb} {denied}{f'{stem} ' if stem else ''}{only}{last} {target}"


def _plural(title: str) -> bool:
    """Whether a title names several things, as far as its first words show."""
    return not _ASKS.match(title) and bool(_PLURAL.search(_HEAD.split(title, maxsplit=1)[0]))


def _the(title: str) -> str:
    return title if title.startswith(("the ", "The ")) else f"the {title}"


def _place(title: str) -> str:
    return _the(title) if _THE.match(title) else title


def _be(title: str) -> str:
    return "are" if _plural(title) else "is"


def _meant(forms: Sequence[str]) -> str:
    """What a sender may mean."""
    return f"did you mean {' or '.join(forms)}?"

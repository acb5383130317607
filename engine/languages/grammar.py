"""
What a language must be able to say of names and values: how parts make a sentence, how a value is written, how a test reads.

Each method takes texts in that language, days, numbers and codes, and returns a sentence or a part of one. The words of authors come from
the bundle, through `explaining.phrasebook`. What has no grammar is in the catalogue of the language.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

from engine.values import Duration, Number

Codes = Mapping[str, Mapping[str, str]]  # words by kind of code, then by code
Labels = Mapping[str, str]
MOST_OF_A_GROUP = 40  # values of a group, in a sentence


class Grammar(ABC):
    """How a language puts sentences together. A method that returns only a part of a sentence returns it without a full stop."""

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

    def kind(self, force: str, mark: str) -> list[str]:
        """The word for the force of a provision, and for its mark unless that is "confirmed"."""
        return [self.word("force", force), *([self.word("mark", mark)] if mark != "confirmed" else [])]

    def certainly(self, certain: bool, text: str) -> str:
        """A text, headed by "perhaps" unless it is certain."""
        return text if certain else self.headed(self.word("standing", "possible"), text)

    def headed(self, head: str, text: str) -> str:
        """A text after a heading."""
        return self._said("headed", head=head, text=text)

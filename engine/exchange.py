"""
A proposed exchange as it was read: typed facts, what the register says beside them, and what the books fill in.

Source: semantics 1.2, 1.4, 1.5, 1.7, 1.8, 2.1, 2.3.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from engine.books.benefit_filling import BenefitsReader
from engine.books.benefit_page import BenefitsPage
from engine.books.filling import BookEntry, BookReader
from engine.books.page import BookPage
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, FIELD_NAMES
from engine.register_facts import SHOWN, RegisteredEntity
from engine.values import Disputed, Document, Missing, Value, either
from engine.values.multilingual import Words

REGISTER = "register"  # the member with what the register says of the entities that the exchange names


@dataclass(frozen=True, slots=True)
class Exchange:
    """
    An exchange as accepted.

    `document` is the JSON as sent. `values` maps a fact to its value: each fact that was sent, and each that follows from another (a
    counter is never below this exchange's own count). Evidence and claims are keyed by `evidence.KIND` and `claims.KIND`. `personal` are
    JSON Pointers to values of facts marked personal. `relies_on` are the ids of requirements or grounds that the sender chose. `carried`
    are the provisions whose conditions came with the data, each with the leg or exchange it came from. `follows` has the values that do not
    rest on their own statement alone, each with the statements that it rests on. `only_stated` are the statements that count only where
    they are shown, and are not; they have no value.

    `register` has the entities that the register was asked for, by the fact that states the id: what it says of each, or None where it does
    not have the entity. `sources` says where values are from, by fact: "registered", or "counted"; a fact left out there is stated.

    `shown_until` has the documents and claims whose bytes or signature somebody checked, each with the last day on which that counts.

    `books` are the pages of books that fill some of the facts. `asks` has the facts that each counter lacks which a ledger keeps and cannot
    add up.

    `everyone` is the group of facts in whose place the exchange says that the recipient is the public, every party and every country; ""
    where there is one recipient.
    """

    document: Mapping[str, Any]
    values: Mapping[str, Value]
    as_of: date | None = None
    relies_on: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()
    carried: tuple[tuple[str, str], ...] = ()
    follows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    only_stated: tuple[str, ...] = ()
    register: Mapping[str, RegisteredEntity | None] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    books: tuple[OpenBook, ...] = ()
    shown_until: Mapping[str, date] = field(default_factory=dict)
    asks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    everyone: str = ""

    @property
    def benefits(self) -> BenefitsPage | None:
        """The page of the book of benefits, if the exchange has one."""
        return next((each.page for each in self.books if isinstance(each.page, BenefitsPage)), None)

    def source(self, name: str) -> str | None:
        """Where a fact, a document or a claim is from, if it is not merely stated."""
        return SHOWN if name in self.shown_until else self.sources.get(name)

    def as_shown(self, until: Mapping[str, date]) -> Exchange:
        """
        The same exchange with some documents and claims shown, each until its last day. Source: semantics 4.11.

        `until` has them by `evidence.KIND` or `claims.KIND`. One that is not presented is left out.
        """
        shown = {name: day for name, day in until.items() if _is_presented(self.values.get(name))}
        return replace(self, shown_until=shown) if shown or self.shown_until else self

    def shown_on(self, day: date) -> Exchange:
        """The same exchange with those documents and claims shown that are so on a day."""
        if all(day <= last for last in self.shown_until.values()):
            return self
        return replace(self, shown_until={name: last for name, last in self.shown_until.items() if day <= last})

    @property
    def disputed(self) -> tuple[str, ...]:
        """The facts and documents of which the register says something else than the sender."""
        if Disputed not in map(type, self.values.values()):  # as almost always, and asked several times for a decision
            return ()
        return tuple(name for name, value in self.values.items() if type(value) is Disputed)

    def contradictions(self) -> Iterator[tuple[str, str, RegisteredEntity]]:
        """
        The facts that are disputed, each with the entity that states it otherwise, after the name of the entity in `register`.

        A book that states a fact otherwise is an entity whose kind is the book's name, after the fact that names the asset.
        """
        for fact in self.disputed:
            for name, entity in self.register.items():
                if entity and fact in entity.states:
                    yield fact, name, entity
            for opened in self.books:
                if isinstance(opened.entry.values.get(fact), Disputed):
                    book = opened.reader.book
                    yield fact, book.of, RegisteredEntity(book.name, None, {fact: either(self.values[fact])[-1]})

    def value(self, fact: str) -> Value:
        """The value of a fact or of a document's field; Missing where there is none."""
        if fact in self.values:
            return self.values[fact]
        group, _, rest = fact.partition(".")
        if group in DOCUMENT_GROUPS:
            kind, _, name = rest.rpartition(".")
            found = [_field_of(each, name) for each in either(self.values.get(f"{group}.{kind}", Missing.LEFT_OUT))]
            return found[0] if found[0] == found[-1] else Disputed(*found)
        return Missing.LEFT_OUT

    def asked_for(self, fact: str) -> tuple[str, ...]:
        """
        What to ask for to learn a fact.

        For a field of a document that is not presented, it is the document; for a fact that a book or a ledger fills, what that lacks;
        otherwise the fact. Nothing is asked of the public.
        """
        return tuple(each for each in self._lacking(fact) if not self.is_of_everyone(each))

    def _lacking(self, fact: str) -> tuple[str, ...]:
        if fact in self.asks:
            return self.asks[fact]
        for book in self.books:
            if fact in book.entry.asks:
                return book.entry.asks[fact]
        kind, _, name = fact.rpartition(".")
        if fact.partition(".")[0] in DOCUMENT_GROUPS and name in FIELD_NAMES:
            presented = self.values.get(kind)
            if not isinstance(presented, Document) or presented.state != "shown":
                return (kind,)
        return (fact,)

    def is_of_everyone(self, fact: str) -> bool:
        """Whether a fact is one of a recipient, and the recipient is the public: then it has no value that anybody could state."""
        return bool(self.everyone) and fact.startswith(f"{self.everyone}.")

    def as_stated(self) -> Exchange:
        """The same exchange with what the sender states in the place of what is disputed."""
        disputed = self.disputed
        return self.with_values({fact: either(self.values[fact])[0] for fact in disputed}) if disputed else self

    def with_values(self, answers: Mapping[str, Value]) -> Exchange:
        """The same exchange with some facts answered, or fields of documents that are presented; for searches, never recorded."""
        values = dict(self.values)
        for fact, value in answers.items():
            kind, _, name = fact.rpartition(".")
            document = values.get(kind)
            if isinstance(document, Document) and name in FIELD_NAMES:
                values[kind] = replace(document, fields={**document.fields, name: value})
            elif value is Missing.LEFT_OUT:
                values.pop(fact, None)
            else:
                values[fact] = value
        return replace(self, values=values) if not self.books else self._with_books(values, answers.keys())

    def _with_books(self, values: dict[str, Value], answered: Collection[str]) -> Exchange:
        """The exchange with these values, and with what the books say of them; `answered` are the facts that changed."""
        books = []
        for book in self.books:
            changed = book.reads(answered, self.values)
            if changed:
                values |= {fact: value for fact, value in book.stated.items() if fact not in answered}
                for fact in book.entry.values.keys() - book.stated.keys() - set(answered):
                    del values[fact]
                book = book.again(values)
                values |= book.entry.values
            books.append(book)
        return replace(self, values=values, books=tuple(books))


@dataclass(frozen=True, slots=True)
class OpenBook:
    """
    A book, opened at the page of the exporter and the asset of an exchange; None where it has none, or nobody knows which.

    `entry` is what it fills in. `stated` has what the sender states of the facts that the book fills too, and
    `values` all values as they were before.
    """

    reader: BookReader | BenefitsReader
    page: BookPage | None
    stated: Mapping[str, Value]
    entry: BookEntry
    values: Mapping[str, Value]

    @classmethod
    def at(cls, reader: BookReader | BenefitsReader, page: BookPage | None, values: Mapping[str, Value]) -> OpenBook:
        """A book opened for an exchange with these values, as they are stated. Without a page, what a register says of its facts stays."""
        stated = {fact: values[fact] for fact in reader.book.stated if fact in values}
        entry = reader.fill(page, values)  # type: ignore[arg-type]
        return cls(reader, page, stated, entry if page is not None else entry.without(values), values)

    def reads(self, facts: Collection[str], values: Mapping[str, Value]) -> bool:
        """Whether the book reads one of some facts, to fill others; one that is chosen for a disputed value is not read."""
        if self.page is None and self.reader.book.of in facts:
            return True
        stated = [fact for fact in self.reader.book.stated if fact in facts]
        chosen = {fact for fact in stated if isinstance(values.get(fact), Disputed) and fact in self.entry.values}
        return not self.reader.inputs.isdisjoint(set(facts) - chosen) or not chosen.issuperset(stated)

    def again(self, values: Mapping[str, Value]) -> OpenBook:
        """The same page for other values."""
        return OpenBook.at(self.reader, self.page, values)


def _is_presented(document: Value | None) -> bool:
    return isinstance(document, Document) and document.state == "shown"


def _field_of(document: Value, name: str) -> Value:
    if isinstance(document, Document) and document.state == "shown":
        return document.fields.get(name, Missing.LEFT_OUT)
    return Missing.UNKNOWN if document is Missing.UNKNOWN else Missing.LEFT_OUT


@dataclass(frozen=True, slots=True)
class Contradiction:
    """The facts of an exchange that cannot be true together, and the sentence that says so."""

    says: Words
    facts: tuple[str, ...]

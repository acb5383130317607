"""
What things are called in a draft: facts, their values, days, parties, provisions and the places that entries come from.

The terms of the law of the document come first, then the titles of the policies that decided. An instrument has its full name. What was
erased in a value is said to be.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any

import engine
from service.compliance_documents.enclosed_text import with_enclosed
from service.compliance_documents.template_files import instrument_names, known_source
from service.compliance_documents.template_text import COMMITMENT, TermsText, Writer
from service.languages.names import ComplianceDocumentsTexts
from service.languages.words import text_for, wording
from service.reports.transfer_cells import is_erased, without_erased

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class LawWords:
    """The words of the law of a document, over one bundle in one language."""

    def __init__(self, bundle: engine.Bundle, lang: str, terms: TermsText) -> None:
        self._bundle = bundle
        self._lang = lang
        self._terms = terms
        self._language = engine.LANGUAGES[lang]
        self._book = engine.Phrasebook(bundle, self._language)

    def title(self, source: str) -> str:
        """What a source is called; its own name where these policies do not have it."""
        vocabulary, words = self._bundle.vocabulary, self._words
        if source.startswith(engine.RECORD):
            return text_for(words, f"record_{source.removeprefix(engine.RECORD)}")
        if source.startswith(COMMITMENT):
            return text_for(words, f"commitment_{source.removeprefix(COMMITMENT)}")
        if not known_source(source, self._bundle):
            return source
        if source.startswith(engine.GROUNDS):
            return self._book.text(self._bundle.rules.requirements[source.removeprefix(engine.GROUNDS)].title)
        if called := self._called(source):
            return called
        if source in vocabulary.families:
            return self._book.text(vocabulary.family_titles[source])
        return self._book.title(source)

    def value(self, fact: str, value: Any) -> str:
        """A value of a fact in words; what was erased in it is said to be, and where a free text in it ends is seen."""
        if is_erased(value):
            return self._words["erased"]
        if isinstance(value, list) and value:
            members = (self._language.others() if each == "unknown" else self.value(fact, each) for each in value)
            return self._words["list"].join(members)
        return self._value(fact, with_enclosed(value))

    def _value(self, fact: str, value: Any) -> str:
        """One value, whose free texts are enclosed."""
        if fact in self._terms.called and isinstance(value, str) and value in self._terms.called[fact].values:
            return self._terms.called[fact].values[value].in_(self._lang)
        clear = without_erased(value, self._words["erased"])
        kind = self._bundle.vocabulary.type_of(fact)
        if kind is None or kind.kind != "id":
            try:
                return self._told_in_words(fact, clear)
            except (LookupError, ValueError, TypeError, AttributeError):
                pass  # it was sent for other policies
        return self._language.as_sent(clear)

    def day(self, text: str) -> str:
        """A day as a letter writes it; another text stays."""
        return self._language.day_in_words(date.fromisoformat(text)) if _DAY.fullmatch(text) else text

    def writer(self, by: Writer) -> str:
        """What the law of the document calls who writes."""
        return self._terms.writers[by].in_(self._lang) if by in self._terms.writers else text_for(self._words, f"by_{by}")

    def role(self, told: str) -> str:
        """A role as the policies tell it, by what the law of the document calls the party."""
        parties: Mapping[str, Writer] = {"exporter": "exporter", "recipient": "importer"}
        found = next((by for role, by in parties.items() if told == self._language.role(role)), None)
        return self.writer(found) if found else told

    def cited(self, provision: Any) -> str:
        """A provision: its title, and its place in the instrument by its full name."""
        return self._words["cited"].format(self._book.text(provision.title), self.source(provision))

    def source(self, provision: Any) -> str:
        """The place of a provision in its instrument, by the full name of it."""
        named = instrument_names().get(provision.policy)
        instrument = named.in_(self._lang) if named else self._book.text(provision.instrument)
        return self._language.source(instrument, self._book.text(provision.citation))

    def renamed(self, source: str) -> str:
        """A place in an instrument as the policies cite it, by the full name of the instrument."""
        return self._full_names.get(source, source)

    def note(self, *places: str) -> str:
        """The footnote of what comes from some places."""
        return self._words["source"].format(self._words["places"].join(dict.fromkeys(places)))

    def moment(self, text: str) -> str:
        """A moment of a record, in Coordinated Universal Time."""
        moment = datetime.fromisoformat(text)
        return self._words["moment"].format(self._language.day_in_words(moment.date()), moment.strftime("%H:%M"))

    def _told_in_words(self, fact: str, value: Any) -> str:
        """A value by the titles of the policies, the members of a family in the terms of the law of the document, and days in words."""
        family = isinstance(value, dict) and fact in self._bundle.vocabulary.families
        if family and any(self._called(f"{fact}.{name}") for name in value):
            told = [self._member(fact, name, inner, alone=len(value) == 1) for name, inner in value.items()]
            return self._language.listed(told, more=0)
        return self._in_words(self._book.told(fact, value), value)

    def _member(self, family: str, name: str, value: Any, *, alone: bool) -> str:
        fact = f"{family}.{name}"
        if name == "rest":
            return self._language.pair(self._language.other_members(alone=alone), self._book.told(fact, value))
        called = self._called(fact)
        return self._language.pair(called, self._book.told(fact, value)) if called else self._book.told(family, {name: value})

    def _in_words(self, text: str, value: Any) -> str:
        """A text with the days that stand in its value in words."""
        match value:
            case dict():
                for each in value.values():
                    text = self._in_words(text, each)
            case str() if _DAY.fullmatch(value):
                day = date.fromisoformat(value)
                return text.replace(self._language.day(day), self._language.day_in_words(day))
        return text

    def _called(self, fact: str) -> str:
        """What the law of the document calls a fact; "" where the policies' title stands."""
        found = self._terms.called.get(fact)
        return found.title.in_(self._lang) if found and found.title else ""

    @cached_property
    def _full_names(self) -> Mapping[str, str]:
        """By place as the policies cite it the same place by the full name of its instrument."""
        provisions = {rule.provision.id: rule.provision for rule in self._bundle.rules.rules}
        named = [each for each in provisions.values() if each.policy in instrument_names()]
        return {self._book.source(each): self.source(each) for each in named}

    @property
    def _words(self) -> ComplianceDocumentsTexts:
        return wording(self._lang).compliance_documents

"""
What fills a field of a draft: the sources of a template go in; values with their origin, and what is not stated, come out.

Only what the record, the register at its time and the ledger hold is shown, in the terms of the law of the document and otherwise by the
titles of the policies that decided. Nothing is guessed, and nothing is computed from other facts. An erased value is `erased`. A document
and a claim say who stated or confirmed them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from datetime import date, datetime
from functools import cached_property
from typing import Any

import engine
from service.compliance_documents.draft_document import StatedValue
from service.compliance_documents.template_files import instrument_names, known_source
from service.compliance_documents.template_text import COMMITMENT, TermsText, Writer
from service.compliance_documents.told_record import ToldRecord
from service.languages.names import ComplianceDocumentsTexts
from service.languages.words import text_for, wording
from service.reports.transfer_cells import is_erased, lifting_rules, value_of, without_erased

MOST_CHARACTERS = 2_000  # of a value
_DOCUMENTS = ("evidence.", "claims.")
_WAYS = (*_DOCUMENTS, engine.GROUNDS)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class FieldValues:
    """The values of fields, from one record in one language."""

    def __init__(self, told: ToldRecord, lang: str, terms: TermsText) -> None:
        self._told = told
        self._terms = terms
        self._bundle = told.bundle
        self._language = engine.LANGUAGES[lang]
        self._lang = lang
        self._book = engine.Phrasebook(told.bundle, self._language)

    def in_terms(self, terms: TermsText) -> "FieldValues":
        """The same values in the terms of another law."""
        if terms is self._terms:
            return self
        other = copy(self)
        other._terms = terms
        return other

    def of(self, sources: tuple[str, ...]) -> tuple[tuple[StatedValue, ...], tuple[str, ...]]:
        """The values of some sources, and the titles of those of which the record states nothing."""
        found: list[StatedValue] = []
        unstated: list[str] = []
        ways: list[str] = []  # of several documents or provisions one may be enough, so they are named only where there is none
        for source in sources:
            values = list(self._values(source, alone=len(sources) == 1))
            found += values
            if not values:
                (ways if source.startswith(_WAYS) else unstated).append(self.title(source))
        if len(ways) == sum(source.startswith(_WAYS) for source in sources):
            unstated += ways
        return tuple(found), tuple(unstated)

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
        """A value of a fact in words; what was erased in it is said to be."""
        if is_erased(value):
            return self._words["erased"]
        if isinstance(value, list) and value:
            members = (self._language.others() if each == "unknown" else self.value(fact, each) for each in value)
            return self._words["list"].join(members)
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

    def stated_value(self, text: str, *places: str) -> StatedValue:
        """A value with its note, which names its places once each."""
        return StatedValue(text, self.note(*places))

    def note(self, *places: str) -> str:
        """The footnote of what comes from some places."""
        return self._words["source"].format(self._words["places"].join(dict.fromkeys(places)))

    def document(self, name: str) -> tuple[tuple[str, str], ...]:
        """
        What is stated of a document or a claim, and then who stated, confirmed, signed or withdrew it, each with its place; nothing where
        nobody stated it.
        """
        stated = tuple(self.stated(name))
        return (*stated, *self._standing(name, stated[0][1])) if stated else ()

    def caller(self, id: str) -> str:
        """Who a caller is: a name, or the id where there is none."""
        known = self._told.shown.names.get(id)
        return known.name if known else id

    def _values(self, source: str, *, alone: bool) -> Iterator[StatedValue]:
        if source.startswith(engine.GROUNDS):
            yield from self._grounds(source.removeprefix(engine.GROUNDS))
            return
        if source.startswith(engine.RECORD):
            found = list(self._recorded(source.removeprefix(engine.RECORD)))
        elif source.startswith(COMMITMENT):
            found = list(self._committed(source.removeprefix(COMMITMENT)))
        elif source.startswith(_DOCUMENTS):
            found = self._in_one(self.document(source))
        else:
            found = list(self.stated(source))
        alone = alone and source.startswith((engine.RECORD, COMMITMENT, *_DOCUMENTS))
        for number, (text, place) in enumerate(found):
            said = text if alone or number else self._language.pair(self.title(source), text)
            yield self.stated_value(_short(said), place)

    def _in_one(self, found: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Some texts as one, with their places."""
        if not found:
            return []
        places = self._words["places"].join(dict.fromkeys(place for _, place in found))
        return [(self._language.listed([text for text, _ in found], more=0), places)]

    def _standing(self, name: str, stated_in: str) -> Iterator[tuple[str, str]]:
        """Who stated a document or a claim, and who confirmed or signed it, with the days."""
        words, shown = self._words, self._told.shown
        own = value_of(self._told.request, name) is not None
        by_exporter = words["stated_by"].format(self.writer("exporter"))
        yield by_exporter if own else words["stated_in_register"], stated_in
        counted = (self._told.record.get("shown") or {}).get(name) or {"id": ""}
        known: set[str] = set()
        for each in shown.confirmed:
            if each.name == name:
                known.add(each.id)
                by, day = self.caller(each.by), self._language.day_in_words(each.at.date())
                said = words["withdrawn_by"].format(by, day)
                if each.until is not None:
                    said = words["confirmed_by"].format(by, day, self._language.day_in_words(each.until))
                yield said, self._shown_in(each.id, counted["id"])
        for signature in shown.signed:
            if signature.name == name and signature.signers:
                known.add(signature.id)
                who = words["comma"].join(signer.name for signer in signature.signers)
                said = words["signed_by"].format(who, self.day(signature.until.isoformat()))
                yield said, self._shown_in(signature.id, counted["id"])
        if counted["id"] and counted["id"] not in known:
            said = text_for(words, f"shown_by_{counted['by']}").format(self.day(str(counted["until"])))
            yield said, self._shown_in(counted["id"], counted["id"])

    def _shown_in(self, id: str, counted: str) -> str:
        """Whether a confirmation counted in the decision, or was only given for it."""
        return self._words["from_confirmation" if id == counted else "from_later"].format(id)

    def _recorded(self, name: str) -> Iterator[tuple[str, str]]:
        record, words = self._told.record, self._words
        match name:
            case "outcome":
                value = self._language.word("outcome", record["decision"]["outcome"])
            case "policies":
                value = record["bundle"]["source"]
            case "recorded_at":
                value = self._moment(record[name])
            case _:
                value = self.day(str(record[name]))
        yield str(value), words["from_record"].format(name)

    def _committed(self, name: str) -> Iterator[tuple[str, str]]:
        made, words = self._told.commitment, self._words
        if made is None:
            if name == "id":
                yield words["withheld" if self._told.withheld else "not_committed"], words["from_ledger"]
            return
        reports = wording(self._lang).reports
        match name:
            case "state":
                value = text_for(reports, f"state_{made.state}")
            case "ended" if made.ended and made.ended_at:
                value = text_for(reports, f"ended_{made.ended}").format(self.day(made.ended_at[:10]))
                value = reports["ended_because"].format(value, made.reason) if made.reason else value
            case "ended":
                value = words["not_ended"]
            case _:
                value = self.day(str(getattr(made, name)))
        yield value, words["from_commitment"].format(name)

    def _moment(self, text: str) -> str:
        """A moment of a record, which is in Coordinated Universal Time."""
        moment = datetime.fromisoformat(text)
        return self._words["moment"].format(self._language.day_in_words(moment.date()), moment.strftime("%H:%M"))

    def _grounds(self, requirement: str) -> Iterator[StatedValue]:
        """The standing provisions by which a requirement is met, or by which it is not owed."""
        stands, words = frozenset(self._told.standing), self._words
        for rule, meets in self._lifting.get(requirement, ()):
            if rule.key in stands:
                said = self.cited(rule.provision)
                told = said if meets else words["not_owed"].format(said)
                yield self.stated_value(_short(told), words["from_verdict"].format(rule.provision.id))

    def stated(self, fact: str) -> Iterator[tuple[str, str]]:
        """What the exchange states of a fact, a family or a document, and what the register stated; each with its place."""
        request = self._told.request
        stated = value_of(request, fact)
        if stated == "unknown":
            return
        registered = [
            (name, value)
            for name, entity in (request.get(engine.REGISTER) or {}).items()
            if (value := value_of(entity.get("states") or {}, fact)) is not None
        ]
        if stated is not None:
            agreeing = [self.in_register(name, fact) for name, value in registered if value == stated]
            yield self.value(fact, stated), self._words["places"].join([self._origin(fact), *agreeing])
        for name, value in registered:
            if stated is None or value != stated:
                told = self.value(fact, value)
                told = told if stated is None else self._words["registered_otherwise"].format(told)
                yield told, self.in_register(name, fact)

    def in_register(self, entity: str, fact: str) -> str:
        """The place of a fact in the register: the entity by the fact that names it."""
        return self._words["from_register"].format(self.title(entity), fact)

    def _origin(self, fact: str) -> str:
        """Whether the exchange states a fact, or the ledger filled it in."""
        counted = self._told.record.get("counted") or {}
        marks = [mark for name, mark in counted.items() if name == fact or name.startswith(f"{fact}.")]
        filled = marks and any(mark["from"] != "caller" for mark in marks)
        return self._words["from_counter" if filled else "from_exchange"].format(fact)

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

    @cached_property
    def _lifting(self) -> Mapping[str, list[tuple[Any, bool]]]:
        return lifting_rules(self._bundle)

    @property
    def _words(self) -> ComplianceDocumentsTexts:
        return wording(self._lang).compliance_documents


def _short(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1].rstrip() + "…"

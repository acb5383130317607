"""
What fills a field of a draft: the sources of a template go in; values with their origin, and what is not stated, come out.

Only what the record, the register at its time and the ledger hold is shown. Nothing is guessed, and nothing is computed from other facts. A
document and a claim say who stated or confirmed them.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Any

import engine
from service.compliance_documents.draft_document import StatedValue
from service.compliance_documents.enclosed_text import enclosed
from service.compliance_documents.law_words import LawWords
from service.compliance_documents.template_text import COMMITMENT, TermsText
from service.compliance_documents.told_record import ToldRecord
from service.languages.names import ComplianceDocumentsTexts
from service.languages.words import text_for, wording
from service.reports.transfer_cells import lifting_rules

MOST_CHARACTERS = 2_000  # of a value
_DOCUMENTS = ("evidence.", "claims.")
_WAYS = (*_DOCUMENTS, engine.GROUNDS)


class FieldValues:
    """The values of fields, from one record in one language."""

    def __init__(self, told: ToldRecord, lang: str, terms: TermsText) -> None:
        self._told = told
        self._lang = lang
        self._language = engine.LANGUAGES[lang]
        self.say = LawWords(told.bundle, lang, terms)

    def in_terms(self, terms: TermsText) -> "FieldValues":
        """The same values in the terms of another law."""
        other = copy(self)
        other.say = LawWords(self._told.bundle, self._lang, terms)
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
                (ways if source.startswith(_WAYS) else unstated).append(self.say.title(source))
        if len(ways) == sum(source.startswith(_WAYS) for source in sources):
            unstated += ways
        return tuple(found), tuple(unstated)

    def stated_value(self, text: str, *places: str) -> StatedValue:
        """A value with its note, which names its places once each."""
        return StatedValue(text, self.say.note(*places))

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
        return enclosed(" ".join(known.name.split())) if known else id

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
            said = text if alone or number else self._language.pair(self.say.title(source), text)
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
        own = engine.fact_at(self._told.request, name) is not None
        by_exporter = words["stated_by"].format(self.say.writer("exporter"))
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
                who = words["comma"].join(enclosed(signer.name, listed=True) for signer in signature.signers)
                said = words["signed_by"].format(who, self.say.day(signature.until.isoformat()))
                yield said, self._shown_in(signature.id, counted["id"])
        if counted["id"] and counted["id"] not in known:
            said = text_for(words, f"shown_by_{counted['by']}").format(self.say.day(str(counted["until"])))
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
                value = self.say.moment(record[name])
            case _:
                value = self.say.day(str(record[name]))
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
            case "ended" if ended := made.ended_on(self._told.zone):
                value = text_for(reports, f"ended_{made.ended}").format(self.say.day(ended))
                value = reports["ended_because"].format(value, enclosed(made.reason)) if made.reason else value
            case "ended":
                value = words["not_ended"]
            case _:
                value = self.say.day(str(getattr(made, name)))
        yield value, words["from_commitment"].format(name)

    def _grounds(self, requirement: str) -> Iterator[StatedValue]:
        """The standing provisions by which a requirement is met, or by which it is not owed."""
        stands, words = frozenset(self._told.standing), self._words
        for rule, meets in self._lifting.get(requirement, ()):
            if rule.key in stands:
                said = self.say.cited(rule.provision)
                told = said if meets else words["not_owed"].format(said)
                yield self.stated_value(_short(told), words["from_verdict"].format(rule.provision.id))

    def stated(self, fact: str) -> Iterator[tuple[str, str]]:
        """What the exchange states of a fact, a family or a document, and what the register stated; each with its place."""
        request = self._told.request
        stated = engine.fact_at(request, fact)
        if stated == "unknown":
            return
        registered = [
            (name, value)
            for name, entity in (request.get(engine.REGISTER) or {}).items()
            if (value := engine.fact_at(entity.get("states") or {}, fact)) is not None
        ]
        if stated is not None:
            agreeing = [self.in_register(name, fact) for name, value in registered if value == stated]
            yield self.say.value(fact, stated), self._words["places"].join([self._origin(fact), *agreeing])
        for name, value in registered:
            if stated is None or value != stated:
                told = self.say.value(fact, value)
                told = told if stated is None else self._words["registered_otherwise"].format(told)
                yield told, self.in_register(name, fact)

    def in_register(self, entity: str, fact: str) -> str:
        """The place of a fact in the register: the entity by the fact that names it."""
        return self._words["from_register"].format(self.say.title(entity), fact)

    def _origin(self, fact: str) -> str:
        """Whether the exchange states a fact, or the ledger filled it in."""
        counted = self._told.record.get("counted") or {}
        marks = [mark for name, mark in counted.items() if name == fact or name.startswith(f"{fact}.")]
        filled = marks and any(mark["from"] != "caller" for mark in marks)
        return self._words["from_counter" if filled else "from_exchange"].format(fact)

    @cached_property
    def _lifting(self) -> Mapping[str, list[tuple[Any, bool]]]:
        return lifting_rules(self._told.bundle)

    @property
    def _words(self) -> ComplianceDocumentsTexts:
        return wording(self._lang).compliance_documents


def _short(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1].rstrip() + "…"

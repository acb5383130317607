"""
What fills a field of a draft: the sources of a template go in; values with their origin, and what is not stated, come out.

Only what the record, the register at its time and the ledger hold is shown, by the titles of the policies that decided. Nothing is guessed,
and nothing is computed from other facts. An erased value is `erased`. A document and a claim say who stated or confirmed them.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import engine
from service.compliance_documents.draft_document import StatedValue
from service.compliance_documents.template_files import known_source
from service.compliance_documents.template_text import COMMITMENT, CalledText
from service.compliance_documents.told_record import ToldRecord
from service.languages.names import ComplianceDocumentsTexts
from service.languages.words import text_for, wording
from service.reports.transfer_cells import is_erased, lifting_rules, value_of, without_erased

MOST_CHARACTERS = 2_000  # of a value
_DOCUMENTS = ("evidence.", "claims.")
_WAYS = (*_DOCUMENTS, engine.GROUNDS)


class FieldValues:
    """The values of fields, from one record in one language."""

    def __init__(self, told: ToldRecord, lang: str, called: Mapping[str, CalledText]) -> None:
        self._told = told
        self._called = called
        self._bundle = told.bundle
        self._language = engine.LANGUAGES[lang]
        self._lang = lang
        self._book = engine.Phrasebook(told.bundle, self._language)

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
        if source in self._called and (title := self._called[source].title) is not None:
            return title.in_(self._lang)
        if source in vocabulary.families:
            return self._book.text(vocabulary.family_titles[source])
        return self._book.title(source)

    def value(self, fact: str, value: Any) -> str:
        """A value of a fact in words; what was erased in it is said to be."""
        if is_erased(value):
            return self._words["erased"]
        if fact in self._called and isinstance(value, str) and value in self._called[fact].values:
            return self._called[fact].values[value].in_(self._lang)
        clear = without_erased(value, self._words["erased"])
        kind = self._bundle.vocabulary.type_of(fact)
        if kind is None or kind.kind != "id":
            try:
                return self._book.told(fact, clear)
            except (LookupError, ValueError, TypeError, AttributeError):
                pass  # it was sent for other policies
        return self._language.as_sent(clear)

    def document(self, name: str) -> tuple[StatedValue, ...]:
        """
        What is stated of a document or a claim, and then who stated, confirmed, signed or withdrew it; nothing where nobody stated it.
        """
        stated = tuple(self.stated(name))
        return (*stated, *self._standing(name, stated[0])) if stated else ()

    def caller(self, id: str) -> str:
        """Who a caller is: a name, or the id where there is none."""
        known = self._told.shown.names.get(id)
        return " ".join(known.name.split()) if known else id

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
        for number, each in enumerate(found):
            text = each.text if alone or number else self._language.pair(self.title(source), each.text)
            yield StatedValue(_short(text), each.origin)

    def _in_one(self, values: Sequence[StatedValue]) -> list[StatedValue]:
        """Some values as one."""
        if not values:
            return []
        origins = self._words["comma"].join(dict.fromkeys(each.origin for each in values))
        return [StatedValue(self._language.listed([each.text for each in values], more=0), origins)]

    def _standing(self, name: str, stated: StatedValue) -> Iterator[StatedValue]:
        """Who stated a document or a claim, and who confirmed or signed it, with the days."""
        words, shown = self._words, self._told.shown
        own = value_of(self._told.request, name) is not None
        yield StatedValue(words["stated_by_exporter" if own else "stated_in_register"], stated.origin)
        counted = (self._told.record.get("shown") or {}).get(name) or {"id": ""}
        known: set[str] = set()
        for each in shown.confirmed:
            if each.name == name:
                known.add(each.id)
                by, day = self.caller(each.by), each.at.date().isoformat()
                said = words["withdrawn_by"].format(by, day)
                if each.until is not None:
                    said = words["confirmed_by"].format(by, day, each.until.isoformat())
                yield StatedValue(said, self._shown_in(each.id, counted["id"]))
        for signature in shown.signed:
            if signature.name == name and signature.signers:
                known.add(signature.id)
                who = words["comma"].join(signer.name for signer in signature.signers)
                said = words["signed_by"].format(who, signature.until.isoformat())
                yield StatedValue(said, self._shown_in(signature.id, counted["id"]))
        if counted["id"] and counted["id"] not in known:
            said = text_for(words, f"shown_by_{counted['by']}").format(counted["until"])
            yield StatedValue(said, self._shown_in(counted["id"], counted["id"]))

    def _shown_in(self, id: str, counted: str) -> str:
        """Whether a confirmation counted in the decision, or was only given for it."""
        return self._words["from_confirmation" if id == counted else "from_later"].format(id)

    def _recorded(self, name: str) -> Iterator[StatedValue]:
        record, words = self._told.record, self._words
        match name:
            case "outcome":
                value = self._language.word("outcome", record["decision"]["outcome"])
            case "policies":
                value = record["bundle"]["source"]
            case _:
                value = record[name]
        yield StatedValue(str(value), words["from_record"].format(name))

    def _committed(self, name: str) -> Iterator[StatedValue]:
        made, words = self._told.commitment, self._words
        if made is None:
            if name == "id":
                yield StatedValue(words["withheld" if self._told.withheld else "not_committed"], words["from_ledger"])
            return
        reports = wording(self._lang).reports
        match name:
            case "state":
                value = text_for(reports, f"state_{made.state}")
            case "ended" if made.ended and made.ended_at:
                value = text_for(reports, f"ended_{made.ended}").format(made.ended_at[:10])
                value = reports["ended_because"].format(value, made.reason) if made.reason else value
            case "ended":
                value = words["not_ended"]
            case _:
                value = str(getattr(made, name))
        yield StatedValue(value, words["from_commitment"].format(name))

    def _grounds(self, requirement: str) -> Iterator[StatedValue]:
        """The standing provisions by which a requirement is met, or by which it is not owed."""
        stands, words = frozenset(self._told.standing), self._words
        for rule, meets in self._lifting.get(requirement, ()):
            if rule.key in stands:
                said = self._book.cited(self._book.text(rule.provision.title), rule.provision)
                told = said if meets else words["not_owed"].format(said)
                yield StatedValue(_short(told), words["from_verdict"].format(rule.provision.id))

    def stated(self, fact: str) -> Iterator[StatedValue]:
        """What the exchange states of a fact, a family or a document, and what the register stated; each with its origin."""
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
            agreeing = [name for name, value in registered if value == stated]
            origins = [self._origin(fact), *(self._words["from_register"].format(name, fact) for name in agreeing)]
            yield StatedValue(self.value(fact, stated), self._words["comma"].join(origins))
        for name, value in registered:
            if stated is None or value != stated:
                told = self.value(fact, value)
                told = told if stated is None else self._words["registered_otherwise"].format(told)
                yield StatedValue(told, self._words["from_register"].format(name, fact))

    def _origin(self, fact: str) -> str:
        """Whether the exchange states a fact, or the ledger filled it in."""
        counted = self._told.record.get("counted") or {}
        marks = [mark for name, mark in counted.items() if name == fact or name.startswith(f"{fact}.")]
        filled = marks and any(mark["from"] != "caller" for mark in marks)
        return self._words["from_counter" if filled else "from_exchange"].format(fact)

    @cached_property
    def _lifting(self) -> Mapping[str, list[tuple[Any, bool]]]:
        return lifting_rules(self._bundle)

    @property
    def _words(self) -> ComplianceDocumentsTexts:
        return wording(self._lang).compliance_documents


def _short(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1].rstrip() + "…"

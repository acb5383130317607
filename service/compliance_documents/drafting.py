"""
Drafting: a template and a record go in, a draft comes out.

INVARIANT (never more than the record): every text of a draft is of the template, of the record, of the policies that decided it, or of the
catalogue of words. Two drafts of one record are the same, as long as nothing is committed, confirmed or withdrawn in between.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property

import engine
from service.callers.context import Reading
from service.compliance_documents.draft_document import DraftDocument, DraftField, DraftSection, StatedValue
from service.compliance_documents.field_values import FieldValues
from service.compliance_documents.record_tables import RecordTables
from service.compliance_documents.template_files import templates
from service.compliance_documents.template_text import BothText, FieldText, SectionText, TemplateText
from service.compliance_documents.told_record import ToldRecord, told_record
from service.decisions.replay import Replayer
from service.languages.names import ComplianceDocumentsTexts
from service.languages.words import wording
from service.problems import RequestRefused
from service.service import Service

CONFIRMED = "confirmed"
_HEAD = ("record.id", "record.recorded_at", "record.as_of", "record.outcome", "record.policies")
_COMMITMENT = ("commitment.id", "commitment.day", "commitment.state", "commitment.ended")


def draft(context: Reading, id: str, name: str, lang: str, replayer: Replayer, service: Service) -> DraftDocument:
    """The draft of a document from the record of a decision. Raises RequestRefused."""
    known = templates()
    if name not in known:
        meant = engine.did_you_mean(name[:40], known)
        there = f"there is no document `{name[:40]}`; there are {', '.join(known)}"
        raise RequestRefused("not-found", "; ".join(filter(None, (there, meant))))
    return drafted(known[name], told_record(context, id, lang, replayer, service), lang)


def drafted(template: TemplateText, told: ToldRecord, lang: str) -> DraftDocument:
    """The draft of a document from a record."""
    return _Drafting(template, told, lang).document()


class _Drafting:
    def __init__(self, template: TemplateText, told: ToldRecord, lang: str) -> None:
        self._template = template
        self._told = told
        self._lang = lang
        self._language = engine.LANGUAGES[lang]
        self._values = FieldValues(told, lang)
        self._tables = RecordTables(told, self._values, lang)
        named = told.record["decision"]["jurisdictions"]
        self._touched = frozenset(each["jurisdiction"] for each in named)

    def document(self) -> DraftDocument:
        template, words = self._template, self._words
        return DraftDocument(
            name=template.document,
            lang=self._lang,
            title=template.title.in_(self._lang),
            about=template.about.in_(self._lang),
            warnings=tuple(self._warnings()),
            head=(self._asked_for(), *self._head()),
            sections=tuple(map(self._section, template.sections)),
            foot=self._language.one_after_another([words["foot"], self._language.disclaimer]),
            moment=self._told.recorded_at,
            permits=bool(self._told.record["decision"]["proceed"]) and not self._told.record.get("denied"),
        )

    def _warnings(self) -> Iterator[str]:
        record, words = self._told.record, self._words
        decision = record["decision"]
        if decision["hypothetical"]:
            yield words["hypothetical"]
        elif not decision["proceed"]:
            yield words["not_a_permit"].format(self._language.word("outcome", decision["outcome"]))
        for each in self._template.warns:
            if any(self._values.document(name) for name in each.if_stated):
                yield each.says.in_(self._lang)
        if record.get("denied"):
            yield words["denied"].format(record["denied"])
        if self._told.commitment is not None and self._told.commitment.state != "committed":
            yield words["ended"]
        if self._told.shown.withdrawn:
            yield words["withdrawn"]
        if self._told.untold:
            yield words["untold"]
        if not self._asking:
            yield words["not_asked"]

    @cached_property
    def _asking(self) -> Mapping[str, str]:
        """The provisions that ask for the document and stand for certain, by id, each with its citation."""
        stands, asked_by = frozenset(self._told.standing), frozenset(self._template.asked_by)
        book = engine.Phrasebook(self._told.bundle, self._language)
        return {
            rule.provision.id: book.cited(book.text(rule.provision.title), rule.provision)
            for rule in self._told.bundle.rules.rules
            if rule.key in stands and rule.provision.id in asked_by
        }

    def _asked_for(self) -> DraftField:
        """Which law asks for the document, and the provisions of the record that do."""
        words = self._words
        values = [StatedValue(cited, words["from_verdict"].format(id)) for id, cited in self._asking.items()]
        nothing = StatedValue(words["nothing"], words["from_record"].format("verdict"))
        cite = self._cited(self._template.cite, self._template.status)
        return DraftField(words["asked_for"], cite, tuple(values) or (nothing,), (), "")

    def _head(self) -> Iterator[DraftField]:
        for source in (*_HEAD, *_COMMITMENT):
            values, _ = self._values.of((source,))
            if values:
                yield DraftField(self._values.title(source), "", values, (), "")

    def _section(self, text: SectionText) -> DraftSection:
        cite, says = self._cited(text.cite, text.status), text.says.in_(self._lang) if text.says else ""
        title = text.title.in_(self._lang)
        if text.of is not None and text.of not in self._touched:
            place = engine.Phrasebook(self._told.bundle, self._language).place(text.of)
            return DraftSection(title, cite, says, (), (), self._words["law_absent"].format(place))
        fields = tuple(self._field(each, text) for each in text.fields)
        return DraftSection(title, cite, says, fields, tuple(map(self._tables.table, text.tables)))

    def _field(self, text: FieldText, section: SectionText) -> DraftField:
        values, unstated = self._values.of(text.sources)
        cite = self._cited(text.cite, text.status or section.status)
        return DraftField(text.title.in_(self._lang), cite, values, unstated, text.write.in_(self._lang) if text.write else "")

    def _cited(self, cite: BothText | None, status: str) -> str:
        """A citation, with its mark unless it was read in a source."""
        if cite is None:
            return ""
        said = cite.in_(self._lang)
        return said if status == CONFIRMED else self._words["marked"].format(said, self._language.word("mark", status))

    @property
    def _words(self) -> ComplianceDocumentsTexts:
        return wording(self._lang).compliance_documents

"""
Drafting: a template and a record go in, a draft comes out.

INVARIANT (never more than the record): every text of a draft is of the template, of the record, of the policies that decided it, or of the
catalogue of words. Two drafts of one record are the same, as long as nothing is committed, confirmed or withdrawn in between.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import count

import engine
from service.callers.context import Reading
from service.compliance_documents.draft_document import DraftDocument, DraftField, DraftRow, DraftSection, DraftTable
from service.compliance_documents.field_values import FieldValues
from service.compliance_documents.record_tables import RecordTables
from service.compliance_documents.template_files import laws_terms, templates
from service.compliance_documents.template_text import OURS, BothText, FieldText, SectionText, TemplateText
from service.compliance_documents.told_record import ToldRecord, told_record
from service.decisions.replay import Replayer
from service.languages.names import ComplianceDocumentsTexts
from service.languages.words import text_for, wording
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
        self._values = FieldValues(told, lang, laws_terms()[template.terms])
        self._tables = RecordTables(told, self._values, lang)
        named = told.record["decision"]["jurisdictions"]
        self._numbers = count(1)
        self._unsure: dict[tuple[str, str], None] = {}
        self._touched = frozenset(each["jurisdiction"] for each in named)

    def document(self) -> DraftDocument:
        template, words = self._template, self._words
        sections = tuple(self._section(each) for each in template.sections if self._stands(each) and not each.beside)
        return DraftDocument(
            name=template.document,
            lang=self._lang,
            title=template.title.in_(self._lang),
            about=template.about.in_(self._lang),
            warnings=tuple(self._warnings()),
            head=(self._asked_for(), *self._head()),
            before=tuple(self._before(sections)),
            sections=sections,
            beside=tuple(self._section(each) for each in template.sections if self._stands(each) and each.beside),
            after=tuple(self._after(sections)),
            foot=self._language.one_after_another([words["foot"], self._language.disclaimer]),
            moment=self._told.recorded_at,
            permits=bool(self._told.record["decision"]["proceed"]) and not self._told.record.get("denied"),
        )

    def _stands(self, text: SectionText) -> bool:
        """Whether a part stands in the draft: its law decided, and nothing is stated that it is not for."""
        return self._decided(text) and not any(self._tables.stated_otherwise(text.where))

    def _decided(self, text: SectionText) -> bool:
        """Whether the decision names an outcome under the law of a part."""
        return text.of is None or text.of in self._touched

    def _before(self, sections: tuple[DraftSection, ...]) -> Iterator[DraftTable]:
        """What does not fit together, if anything, and what a person must write."""
        words = self._words
        if doubts := tuple(dict.fromkeys(self._tables.doubts(self._template.doubts))):
            yield DraftTable(words["doubts"], self._columns("doubt"), doubts, "")
        rows = [
            DraftRow((str(field.number), section.title, field.title, field.by, "\u2610"))
            for section in sections
            for field in section.fields
            if field.write
        ]
        columns = self._columns("number", "section", "field", "by", "done")
        yield DraftTable(words["left_to_write"].format(len(rows)), columns, tuple(rows), words["nothing_left"])

    def _after(self, sections: tuple[DraftSection, ...]) -> Iterator[DraftTable]:
        """The citations that were not read in a source, and what the record does not state."""
        words = self._words
        unsure = tuple(map(DraftRow, self._unsure))
        yield DraftTable(words["to_check"], self._columns("section", "to_check"), unsure, words["nothing_left"])
        rows = [
            DraftRow((section.title, each.title, title))
            for section in sections
            for each in section.fields
            for title in each.unstated
        ]
        title = words["left_unstated"].format(len(rows))
        yield DraftTable(title, self._columns("section", "field", "unstated"), tuple(rows), words["nothing_left"])

    def _columns(self, *names: str) -> tuple[str, ...]:
        return tuple(text_for(self._words, f"column_{name}") for name in names)

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
        return {
            rule.provision.id: self._values.say.cited(rule.provision)
            for rule in self._told.bundle.rules.rules
            if rule.key in stands and rule.provision.id in asked_by
        }

    def _asked_for(self) -> DraftField:
        """Which law asks for the document, and the provisions of the record that do."""
        words, say = self._words, self._values.stated_value
        values = [say(cited, words["from_verdict"].format(id)) for id, cited in self._asking.items()]
        nothing = say(words["nothing"], words["from_record"].format("verdict"))
        note = words["places"].join(dict.fromkeys(self._basis(*each) for each in self._asks()))
        return DraftField(words["asked_for"], words["basis"].format(note), tuple(values) or (nothing,), (), "")

    def _asks(self) -> Iterator[tuple[BothText | None, str]]:
        """The places that ask for the document; where its parts are of several laws, only those of the laws that decided."""
        parts = [each for each in self._template.sections if each.of is not None]
        decided = [(each.cite, each.status or "") for each in parts if self._stands(each)]
        yield from decided or [(self._template.cite, self._template.status)]

    def _head(self) -> Iterator[DraftField]:
        for source in (*_HEAD, *_COMMITMENT):
            values, _ = self._values.of((source,))
            if values:
                yield DraftField(self._values.say.title(source), "", values, (), "")
        book = engine.Phrasebook(self._told.bundle, self._language)
        left = dict.fromkeys(each.of for each in self._template.sections if each.of and not self._decided(each))
        if left:
            origin = self._words["from_record"].format("decision.jurisdictions")
            places = tuple(self._values.stated_value(book.place(each), origin) for each in left)
            yield DraftField(self._words["left_out"], "", places, (), "")
        other = tuple(
            self._values.stated_value(each.title.in_(self._lang), *map(self._words["from_exchange"].format, facts))
            for each in self._template.sections
            if self._decided(each) and (facts := list(self._tables.stated_otherwise(each.where)))
        )
        if other:
            yield DraftField(self._words["left_out_otherwise"], "", other, (), "")

    def _section(self, text: SectionText) -> DraftSection:
        title, says = text.title.in_(self._lang), text.says.in_(self._lang) if text.says else ""
        values = self._values.in_terms(laws_terms()[text.terms or self._template.terms])
        tables = RecordTables(self._told, values, self._lang)
        cite = text.cite.in_(self._lang) if text.cite else ""
        unsure = text.status if text.status != CONFIRMED else None
        alike = _alike(text)
        if unsure:
            self._unsure.setdefault((title, self._basis(text.cite, unsure)))
        if alike:
            self._unsure.setdefault((title, self._words["all_items"].format(self._mark(alike))))
        fields = tuple(self._field(each, title, values, alike=bool(alike)) for each in text.fields)
        note = self._language.one_after_another(list(self._section_notes(unsure, alike)))
        return DraftSection(title, cite, note, says, fields, tuple(map(tables.table, text.tables)))

    def _section_notes(self, citation: str | None, items: str) -> Iterator[str]:
        """How sure the citation of a part is, and all of its items, where they were not read in a source."""
        if citation and citation == items:
            yield self._words["unsure_part"].format(self._mark(items))
            return
        if citation:
            yield self._words["unsure_citation"].format(self._mark(citation))
        if items:
            yield self._words["unsure_items"].format(self._mark(items))

    def _field(self, text: FieldText, section: str, values: FieldValues, *, alike: bool) -> DraftField:
        found, unstated = values.of(text.sources)
        title, note = text.title.in_(self._lang), ""
        unsure = text.status not in (OURS, CONFIRMED)
        if text.cite is not None:
            cited = self._basis(text.cite, text.status)
            note = self._words["basis"].format(cited)
            if unsure:
                self._unsure.setdefault((section, self._language.pair(title, cited)))
        elif unsure and not alike:
            note = self._words["unsure_item"].format(self._mark(text.status))
            self._unsure.setdefault((section, self._language.pair(title, self._mark(text.status))))
        if text.write is None:
            return DraftField(title, note, found, unstated, "")
        return DraftField(
            title, note, found, unstated, text.write.in_(self._lang), next(self._numbers), values.say.writer(text.by)
        )

    def _basis(self, cite: BothText | None, status: str) -> str:
        """A citation, with its mark unless it was read in a source."""
        if cite is None:
            return ""
        said = cite.in_(self._lang)
        return said if status == CONFIRMED else self._words["marked"].format(said, self._mark(status))

    def _mark(self, status: str) -> str:
        return self._language.word("mark", status)

    @property
    def _words(self) -> ComplianceDocumentsTexts:
        return wording(self._lang).compliance_documents


def _alike(text: SectionText) -> str:
    """The mark that all items of a part bear for which a law asks, where none was read in a source; "" where they differ."""
    marks = {each.status for each in text.fields if each.status != OURS}
    return marks.pop() if len(marks) == 1 and CONFIRMED not in marks else ""

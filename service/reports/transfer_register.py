"""
A register of transfers as a document and as a table: its definition in the policies and its rows go in.

The definition says which columns there are, which place in the law asks for each, and how sure that is. Beside them each row has what
makes it a record: the day, the commitment, its state, and the decision that can be verified.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cached_property
from itertools import islice

import sqlalchemy as sa

import engine
from service.callers.context import ReadingAll
from service.languages.names import ReportsTexts
from service.languages.words import text_for, wording
from service.ledger.committed_records import CommittedRecord
from service.reports import transfer_selection
from service.reports.report_document import Cell, Column, Facts, ReportDocument, Section, Table, cell
from service.reports.report_scope import Scope
from service.reports.transfer_cells import ColumnValues, short
from service.reports.transfer_selection import MOST_OTHERS, TransferRow
from service.reports.typesetting import MOST_ROWS

CONFIRMED = "confirmed"


@dataclass(frozen=True)
class TransferRegister:
    """One register in one language; `name` is its name in the policies, and `zone` that of its days."""

    name: str
    text: engine.TransferRegisterText
    bundle: engine.Bundle
    lang: str
    zone: tzinfo

    @cached_property
    def title(self) -> str:
        return self.text.title.in_(self.lang)

    def page(
        self, context: ReadingAll, scope: Scope, cursor: str | None, limit: int, more: str, connection: sa.Connection
    ) -> tuple[ReportDocument, str | None]:
        """
        Some rows of the register as a document, and the cursor of the next; `more` says on all pages but the last that there are others.

        Raises CursorRefused.
        """
        found = transfer_selection.page(connection, self.text, scope, cursor, limit)
        return self._document(context, scope, found.rows, more if found.next else "", connection), found.next

    def whole(self, context: ReadingAll, scope: Scope, connection: sa.Connection) -> tuple[ReportDocument, int]:
        """The newest MOST_ROWS rows of the register as a document, and how many rows that are."""
        rows = list(islice(transfer_selection.every(connection, self.text, scope), MOST_ROWS + 1))
        after = self._words["rows_left"].format(f"{MOST_ROWS:,}") if len(rows) > MOST_ROWS else ""
        return self._document(context, scope, rows[:MOST_ROWS], after, connection), len(rows)

    def _document(
        self, context: ReadingAll, scope: Scope, rows: Sequence[TransferRow], after: str, connection: sa.Connection
    ) -> ReportDocument:
        """Rows of the register as a document; `after` says which are left out."""
        words, left_out = self._words, transfer_selection.others(connection, self.text, scope)
        table = Table(words["transfers"], self._columns, [self._row(row) for row in rows], after)
        blocks = (words["register_about"], table) if rows else (words["register_about"], words["none"])
        notes = words["all_taken"] if left_out.whole and not left_out.count else words["others"].format(left_out.count)
        if not left_out.whole:
            notes = f"{notes} {words['others_more'].format(f'{MOST_OTHERS:,}')}"
        sections = [Section("transfers", words["transfers"], (*blocks, notes))]
        if self.text.elsewhere:
            sections.append(Section("elsewhere", words["elsewhere"], (words["elsewhere_about"], self._elsewhere())))
        sections.append(
            Section("appendix", words["columns"], (words["columns_about"], self._origins(), Facts(tuple(self._read_in()))))
        )
        made_at = moment_text(context.now)
        return ReportDocument(
            lang=self.lang,
            title=self.title,
            about=self.text.says.in_(self.lang),
            made=made_at,
            head=Facts((*self._law(), *scope_facts(scope, self.bundle, self.lang), (words["made_at"], made_at))),
            sections=tuple(sections),
            foot=self._language.disclaimer,
            wide=True,
            organisation=organisation_name(context, self.lang),
        )

    def header(self) -> list[str]:
        """The header of the table as a file: the title of each column, and the place in the law that asks for it."""
        words = self._words
        law = [words["marked"].format(each.title.in_(self.lang), self._cited_of(each)) for each in self._law_columns]
        return [
            words["day"],
            *law,
            *(words[name] for name in ("state", "ended_at", "reason", "committed_at", "commitment", "decision")),
        ]

    def lines(self, rows: Iterable[TransferRow]) -> Iterator[list[str]]:
        """The rows of the table as a file."""
        for row in rows:
            made = row.made
            ended = (made.ended_at or "", made.reason or "")
            state = text_for(self._words, f"state_{made.state}")
            values = [each.text for each in self._values_of(row)]
            yield [made.day, *values, state, *ended, made.committed_at, made.id, made.evaluation]

    def _row(self, row: TransferRow) -> tuple[Cell, ...]:
        made, words = row.made, self._words
        state = [ending(made, words, self.zone) or text_for(words, f"state_{made.state}")]
        if made.other:
            state.append(words["replaced_by"].format(made.other))
        tone = "" if made.state == "committed" else "open"
        return (
            cell(made.day),
            *self._values_of(row),
            Cell(tuple(state), tone=tone),  # type: ignore[arg-type]
            cell(made.evaluation, made.evaluation),
        )

    def _values_of(self, row: TransferRow) -> Iterator[Cell]:
        for column in self.text.columns.values():
            yield Cell(self._values.lines(column.sources, row.record, row.made))

    @cached_property
    def _columns(self) -> tuple[Column, ...]:
        words = self._words
        return (
            Column(words["day"], width=1),
            *(Column(each.title.in_(self.lang)) for each in self._law_columns),
            Column(words["state"], width=1),
            Column(words["decision"], width=1),
        )

    @property
    def _law_columns(self) -> Sequence[engine.TransferColumnText]:
        return tuple(self.text.columns.values())

    def _cited_of(self, column: engine.TransferColumnText) -> str:
        return self._cited(column.cite.in_(self.lang), column.status)

    def _origins(self) -> Table:
        """The appendix: which place in the law asks for each column, and how sure that is."""
        words = self._words
        rows = [(cell(each.title.in_(self.lang)), cell(self._cited_of(each))) for each in self._law_columns]
        return Table(words["columns"], (Column(words["element"], width=3), Column(words["citation"], width=3)), rows)

    def _cited(self, citation: str, status: str) -> str:
        """A citation, with its mark unless it was read in a source."""
        if status == CONFIRMED:
            return citation
        return self._words["comma"].join((citation, self._language.word("mark", status)))

    def _law(self) -> Iterator[tuple[str, str]]:
        words, text = self._words, self.text
        yield words["asked_by"], text.cite.in_(self.lang)
        yield words["kept_by"], text.kept_by.in_(self.lang)
        yield words["keep"], self._book.length(text.keep) if text.keep else words["keep_unsaid"]

    def _read_in(self) -> Iterator[tuple[str, str]]:
        words, text = self._words, self.text
        yield words["mark"], self._language.word("mark", text.status)
        yield words["source"], text.source

    def _elsewhere(self) -> Table:
        words = self._words
        rows = [
            (cell(each.title.in_(self.lang)), cell(self._cited(each.cite.in_(self.lang), each.status)))
            for each in self.text.elsewhere
        ]
        return Table(words["elsewhere"], (Column(words["element"], width=3), Column(words["citation"])), rows)

    @cached_property
    def _values(self) -> ColumnValues:
        return ColumnValues(self.bundle, self.lang, self.zone)

    @cached_property
    def _book(self) -> engine.Phrasebook:
        return engine.Phrasebook(self.bundle, self._language)

    @property
    def _language(self) -> engine.Language:
        return engine.LANGUAGES[self.lang]

    @property
    def _words(self) -> ReportsTexts:
        return wording(self.lang).reports


def ending(made: CommittedRecord, words: ReportsTexts, zone: tzinfo) -> str:
    """How and when, by the days of a zone, a commitment, or what it granted, ended, and why; empty where it did not."""
    ended = made.ended_on(zone)
    if not ended:
        return ""
    said = text_for(words, f"ended_{made.ended}").format(ended)
    return short(words["ended_because"].format(said, made.reason)) if made.reason else said


def scope_facts(scope: Scope, bundle: engine.Bundle, lang: str) -> Iterator[tuple[str, str]]:
    """What a report is of, as names and values."""
    words = wording(lang).reports
    yield words["period"], words["days"].format(scope.first.isoformat(), scope.last.isoformat())
    yield words["party"], scope.party or words["any_party"]
    if scope.jurisdiction:
        yield words["jurisdiction"], engine.Phrasebook(bundle, engine.LANGUAGES[lang]).place(scope.jurisdiction)


def organisation_name(context: ReadingAll, lang: str) -> str:
    """Whose report it is: the organisation that is set, or the one whose folder is among the policies; empty where neither is."""
    known = context.live.bundle.vocabulary.organisations
    return context.settings.organisation or (known[0].title.in_(lang) if len(known) == 1 else "")


def moment_text(moment: datetime) -> str:
    """A moment to the minute, in UTC."""
    return moment.strftime("%Y-%m-%d %H:%M") + " UTC"

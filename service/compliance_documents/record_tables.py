"""
The tables of a draft: requirements, duties, documents, claims, approvals, and the laws that the decision does not rest on.

The note of each row says where it comes from. What is listed is what the record holds; citations are those of the policies.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import engine
from service.compliance_documents.draft_document import DraftRow, DraftTable, one_line
from service.compliance_documents.field_values import FieldValues
from service.compliance_documents.template_text import DoubtText, RecordTableText, TableKind
from service.compliance_documents.told_record import ToldRecord
from service.documents.stated_documents import GROUPS
from service.languages.names import ComplianceDocumentsTexts
from service.languages.words import text_for, wording
from service.reports.transfer_cells import is_erased

MET = "met"
Rows = Iterator[DraftRow]

_COLUMNS: Mapping[TableKind, tuple[str, ...]] = {
    "requirements": ("requirement", "met_by", "state"),
    "duties": ("duty", "who", "citation", "due"),
    "documents": ("document", "terms", "standing"),
    "claims": ("claim", "terms", "standing"),
    "approvals": ("provision", "who", "until"),
    "gaps": ("law", "gap"),
}


class RecordTables:
    """The tables of one record in one language."""

    def __init__(self, told: ToldRecord, values: FieldValues, lang: str) -> None:
        self._told = told
        self._values = values
        self._lang = lang
        self._language = engine.LANGUAGES[lang]
        self._book = engine.Phrasebook(told.bundle, self._language)
        self._rows: Mapping[TableKind, Callable[[RecordTableText], Rows]] = {
            "requirements": self._requirements,
            "duties": self._duties,
            "documents": lambda _: self._documents(GROUPS[0]),
            "claims": lambda _: self._documents(GROUPS[1]),
            "approvals": lambda _: self._approvals(),
            "gaps": self._gaps,
        }

    def table(self, text: RecordTableText) -> DraftTable:
        """One table."""
        columns = [text_for(self._words, f"column_{name}") for name in _COLUMNS[text.kind]]
        rows = tuple(dict.fromkeys(self._rows[text.kind](text)))
        untold = self._told.untold and text.kind in ("duties", "gaps")
        empty = self._words["untold_table"] if untold else self._words["no_rows"]
        return DraftTable(text.title.in_(self._lang), tuple(columns), rows, "" if rows else empty)

    def doubts(self, doubts: Sequence[DoubtText]) -> Rows:
        """What does not fit together: what a template says of this record, and where the register states otherwise than the exchange."""
        for each in doubts:
            if all(self._is_one_of(fact, values) for fact, values in each.where.items()):
                yield self._row(each.says.in_(self._lang), places=map(self._words["from_exchange"].format, each.where))
        for entity, facts in (self._told.request.get(engine.REGISTER) or {}).items():
            for fact in _paths(facts.get("states") or {}, self._told.bundle):
                texts = [text for text, _ in self._values.stated(fact)]
                if len(texts) > 1:
                    said = self._language.pair(self._values.say.title(fact), self._language.listed(texts, more=0))
                    yield self._row(said, places=[self._values.in_register(entity, fact)])

    def _row(self, *cells: str | Iterable[str], places: Iterable[str]) -> DraftRow:
        """Of a cell that is several texts each begins a line. No text begins one by itself: it could pass for another."""
        lines = (map(one_line, [each] if isinstance(each, str) else each) for each in cells)
        return DraftRow(tuple(map("\n".join, lines)), one_line(self._values.say.note(*places)))

    def stated_otherwise(self, where: Mapping[str, Sequence[str]]) -> Iterator[str]:
        """The facts of which the record states another value than these; what is unknown or erased may be one of them."""
        for fact, values in where.items():
            stated = self._stated(fact)
            if isinstance(stated, str) and stated != "unknown" and not is_erased(stated) and stated not in values:
                yield fact

    def _is_one_of(self, fact: str, values: Sequence[str]) -> bool:
        stated = self._stated(fact)
        return any(str(each) in values for each in (stated if isinstance(stated, list) else [stated]))

    def _stated(self, fact: str) -> Any:
        """What the exchange states of a fact, or else the register; None where neither does."""
        stated = engine.fact_at(self._told.request, fact)
        if stated is None:
            entities = (self._told.request.get(engine.REGISTER) or {}).values()
            found = (engine.fact_at(each.get("states") or {}, fact) for each in entities)
            stated = next((each for each in found if each is not None), None)
        return stated

    def _requirements(self, text: RecordTableText) -> Rows:
        known = self._told.bundle.rules.requirements
        for name, state in self._told.record["verdict"]["requirements"].items():
            if name not in known or name in text.without or not _wanted(known[name].jurisdiction, text):
                continue
            met, _ = self._values.of((f"{engine.GROUNDS}{name}",))
            said = self._language.either([self._language.word("requirement", each) for each in state.split(" or ")])
            yield self._row(
                self._book.text(known[name].title),
                [each.text for each in met] or self._words["nothing"],
                self._words["other_way"] if state != MET and name in self._spared else said,
                places=[self._words["from_requirement"].format(name)],
            )

    @cached_property
    def _spared(self) -> frozenset[str]:
        """The requirements in the place of which another one is met: those of a list of ways, one of which is enough."""
        states, stands = self._told.record["verdict"]["requirements"], frozenset(self._told.standing)
        asked: list[frozenset[str]] = []
        spared: set[str] = set()
        for rule in self._told.bundle.rules.rules:
            if rule.need is not None and rule.key in stands:
                names = frozenset(rule.need.requirements())
                ways = rule.need.op == "any_of" and any(states.get(name) == MET for name in names)
                spared |= names if ways else set()
                asked += [] if ways else [names]
        return frozenset(spared.difference(*asked))

    def _duties(self, text: RecordTableText) -> Rows:
        words = self._words
        for duty in self._told.explanation.get("duties", ()):
            due = self._values.say.day(duty["due"]) if duty["due"] else words["no_due_day"]
            said = duty["duty"] if duty["certain"] else words["perhaps"].format(duty["duty"])
            keep = words["keep"].format(duty["keep"]) if duty["keep"] else ""
            yield self._row(
                said,
                self._values.say.role(duty["who"]),
                self._duty_cited(duty["citation"], duty["under"]),
                filter(None, (due, keep)),
                places=[words["from_judged_again"]],
            )

    def _duty_cited(self, citation: str, under: str) -> str:
        """The place of a duty, and the provision that it belongs to; once where the second names the first."""
        provision = self._values.say.renamed(under)
        within = re.search(rf"{re.escape(citation)}(?![\d(.])", under) if citation else True
        return provision if within else self._words["duty_under"].format(citation, provision)

    def _documents(self, group: str) -> Rows:
        names = dict.fromkeys(self._document_names(group))
        for name in names:
            found = self._values.document(name)
            if found:
                yield self._row(
                    self._values.say.title(name),
                    found[0][0],
                    [text for text, _ in found[1:]],
                    places=[place for _, place in found],
                )

    def _document_names(self, group: str) -> Iterator[str]:
        request = self._told.request
        entities = (request.get(engine.REGISTER) or {}).values()
        for document in (request, *(each.get("states") or {} for each in entities)):
            yield from (f"{group}.{kind}" for kind in sorted(document.get(group) or {}))

    def _approvals(self) -> Rows:
        for each in self._told.record.get("signed_off") or ():
            signed = [(each["by"], each["until"]), *((also["by"], each["until"]) for also in each.get("also") or ())]
            for by, until in signed:
                yield self._row(
                    self._named(each["provision"]),
                    self._values.caller(by),
                    self._values.say.day(until),
                    places=[self._words["from_record"].format("signed_off")],
                )

    def _gaps(self, text: RecordTableText) -> Rows:
        coverage, words = self._told.explanation.get("coverage") or {}, self._words
        places = [words["from_judged_again"]]
        for gap in coverage.get("not_modelled", ()):
            if _wanted(gap["country"], text):
                yield self._row(self._place(gap["country"]), gap["says"] or self._book.subject(gap["subject"]), places=places)
        for gap in coverage.get("reach", ()):
            if _wanted(gap["country"], text):
                said = words["may_reach"].format(self._book.subject(gap["subject"]))
                yield self._row(self._place(gap["country"]), said, places=places)
        for gap in coverage.get("not_reached", ()):
            if _wanted(gap["jurisdiction"], text):
                yield self._row(self._place(gap["jurisdiction"]), words["not_reached"], places=places)

    def _place(self, name: str) -> str:
        """A country or a jurisdiction; of one that is not known it is said."""
        return self._language.no_value(known=False) if name == "unknown" else self._book.place(name)

    def _named(self, provision: str) -> str:
        found = next((rule.provision for rule in self._told.bundle.rules.rules if rule.provision.id == provision), None)
        return provision if found is None else self._values.say.cited(found)

    @property
    def _words(self) -> ComplianceDocumentsTexts:
        return wording(self._lang).compliance_documents


def _paths(states: Mapping[str, Any], bundle: engine.Bundle, at: str = "") -> Iterator[str]:
    """The facts that a register states, in its order."""
    for name, value in states.items():
        path = f"{at}{name}"
        if bundle.vocabulary.type_of(path) is not None:
            yield path
        elif isinstance(value, dict):
            yield from _paths(value, bundle, f"{path}.")


def _wanted(jurisdiction: str, text: RecordTableText) -> bool:
    return text.of is None or jurisdiction in text.of

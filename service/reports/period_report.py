"""
The report on a period: what was asked, decided and committed, by whom it was reviewed, what stays owed, what the watch found, and proofs.

A scope goes in, a document comes out. Every list is bounded and says what it leaves out; what is counted among the newest decisions only
says of how many. Texts of decisions are as they were recorded, and erased values stay erased.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any

import sqlalchemy as sa

import engine
from service.callers.caller_names import CallerName, caller_names
from service.callers.context import ReadingAll
from service.languages.names import ReportsTexts
from service.languages.words import text_for, wording
from service.ledger import promise_list
from service.ledger.committed_records import CommittedRecord, of_records
from service.ledger.promise_list import PromisePart, PromiseQuery, PromiseState
from service.log.daily_outcomes import PeriodOutcomes
from service.log.leaf import with_personal_values
from service.log.search import RecordRow, scoped
from service.log.store import find, of_numbers
from service.reports import report_figures
from service.reports.record_proofs import RecordProofs
from service.reports.report_chart import chart
from service.reports.report_document import Block, Cell, Column, Facts, ReportDocument, Section, Table, Tone, cell
from service.reports.report_figures import MOST_COUNTED, Figures, and_more, in_utc
from service.reports.report_scope import Scope
from service.reports.transfer_cells import short
from service.reports.transfer_register import ending, moment_text, organisation_name, scope_facts
from service.reviews.sign_off import SignOff, sign_offs_between
from service.service import Service
from service.store.moments import moment_text as stored_moment
from service.watch import events

PARTS = ("figures", "committed", "refused", "reviews", "duties", "watch", "proofs")
LISTED = 100  # rows of each list, where nothing else is asked for
_SIGN_OFFS = 500  # that are looked through for a party or a jurisdiction
_EVENTS = 1_000  # of the watch that are looked through
_TONES: Mapping[str, Tone] = {"prohibited": "stop", "requirements_unmet": "unmet", "review": "review"}


@dataclass(frozen=True)
class _Found:
    """What every part of one report reads: its scope, its language, the decisions looked through, and what of them was committed."""

    context: ReadingAll
    connection: sa.Connection
    scope: Scope
    lang: str
    bundle: engine.Bundle
    figures: Figures
    committed: Sequence[tuple[RecordRow, CommittedRecord]]
    records: Mapping[int, Mapping[str, Any]]  # of the commitments that are listed, by sequence
    most: int  # rows of each list
    proven: int  # of the listed commitments

    @property
    def words(self) -> ReportsTexts:
        return wording(self.lang).reports

    @property
    def language(self) -> engine.Language:
        return engine.LANGUAGES[self.lang]

    @property
    def listed(self) -> Sequence[tuple[RecordRow, CommittedRecord]]:
        return self.committed[: self.most]

    def place(self, code: str | None) -> str:
        """The name of a country, or that none was stated."""
        return engine.Phrasebook(self.bundle, self.language).place(code) if code else self.words["not_stated"]

    def exchange(self, row: RecordRow) -> Cell:
        """From where to where, and between whom."""
        places = f"{self.place(row.exporter_country)} → {self.place(row.recipient_country)}"
        parties = f"{row.exporter or '?'} → {row.recipient or '?'}" if row.exporter or row.recipient else ""
        return Cell(tuple(each for each in (places, short(parties)) if each))

    def outcome(self, row: RecordRow) -> Cell:
        """The outcome of a decision in its colour."""
        tone = "go" if row.proceed else _TONES.get(row.outcome, "open")
        return cell(self.language.word("outcome", row.outcome), tone=tone)


class PeriodReport:
    """The reports of one service."""

    def __init__(self, service: Service, *, serving: bool = True) -> None:
        """`serving`: this process answers requests, so it knows of incidents."""
        self._incidents = service.incidents if serving else None
        self._proofs = RecordProofs(service)
        self._outcomes = PeriodOutcomes()

    def document(
        self,
        context: ReadingAll,
        scope: Scope,
        lang: str,
        connection: sa.Connection,
        parts: Collection[str] = PARTS,
        listed: int = LISTED,
        counted: int = MOST_COUNTED,
        proven: int = LISTED,
    ) -> ReportDocument:
        """
        The report on a scope, with some of its parts. Each list has at most `listed` rows, of at most `counted` decisions.

        The proofs are those of the first `proven` of the listed commitments: each is verified while the report is made.
        """
        bundle, words = context.live.bundle, wording(lang).reports
        seen = report_figures.read(connection, scope, self._outcomes, context.now.astimezone(UTC).date(), bundle, counted)
        found = _Found(
            context, connection, scope, lang, bundle, seen, *_committed(connection, seen.looked, listed), listed, proven
        )
        made_at = moment_text(context.now)
        head = (
            *scope_facts(scope, bundle, lang),
            *([] if scope.jurisdiction else [(words["jurisdiction"], words["any_jurisdiction"])]),
            (words["made_at"], made_at),
        )
        appendix = Section("appendix", words["appendix"], (Facts(((words["policies"], bundle.digests.source[:16]),)),))
        made_of = {
            "figures": self._figures,
            "committed": _committed_section,
            "refused": _refused_section,
            "reviews": _reviews_section,
            "duties": self._duties_section,
            "watch": _watch_section,
            "proofs": self._proofs_section,
        }
        return ReportDocument(
            lang=lang,
            title=words["report"],
            about=words["report_about"],
            made=made_at,
            head=Facts(head),
            sections=(*(made_of[part](found) for part in PARTS if part in parts), appendix),
            foot=found.language.disclaimer,
            organisation=organisation_name(context, lang),
            chart=chart(seen.looked, scope.first, scope.last, lang),
        )

    def _figures(self, found: _Found) -> Section:
        """The figures, and the incidents."""
        section = report_figures.section(found.figures, found.bundle, found.lang)
        said = found.words["incidents_elsewhere"]
        if self._incidents:
            said = found.words["incidents_process"].format(f"{self._incidents.seen:,}")
        return Section(section.name, section.title, (*section.blocks, said))

    def _duties_section(self, found: _Found) -> Section:
        """What is owed by the listed commitments that stand, and the promises that are not kept yet."""
        words = found.words
        rows = sorted(_owed(found), key=lambda each: each[0])
        columns = (
            Column(words["due"], width=2),
            Column(words["duty"], width=6),
            Column(words["who"], width=2),
            Column(words["decision"], width=2),
        )
        blocks: list[Block] = [words["duties_about"]]
        if rows:
            shown = [line for _, line in rows[: found.most]]
            blocks.append(Table(words["part_duties"], columns, shown, and_more(len(rows) - len(shown), found.lang)))
        else:
            blocks.append(words["none"])
        promised = list(self._promised(found))
        if promised:
            table = (
                Column(words["due"], width=2),
                Column(words["promise"], width=5),
                Column(words["who"], width=3),
                Column(words["state"], width=2),
            )
            blocks += [words["promises_about"], Table(words["promises"], table, promised[: found.most])]
            if len(promised) > found.most:
                blocks.append(words["more_at_least"].format(found.most))
        return Section("duties", words["part_duties"], tuple(blocks))

    def _promised(self, found: _Found) -> Iterator[tuple[Cell, ...]]:
        """The promises that stand; of a report on a jurisdiction those of the listed commitments."""
        live, today = found.context.live, found.context.today
        made = {each.id for _, each in found.committed}
        titles = {name: each.title.in_(found.lang) for name, each in promise_list.promised_by(live).items()}
        states: tuple[PromiseState, ...] = ("overdue", "due")
        for state in states:
            of = PromiseQuery(found.scope.party or None, state=state)
            page, _ = promise_list.promises(live, today, of, None, found.most + 1, found.connection)
            for each in page:
                if not found.scope.jurisdiction or each.commitment in made:
                    yield _promise(each, titles, found)

    def _proofs_section(self, found: _Found) -> Section:
        made = [each for _, each in found.listed[: found.proven]]
        first, last = found.scope.first.isoformat(), found.scope.last.isoformat()
        return self._proofs.section(found.connection, made, len(found.committed) - len(made), first, last, found.lang)


def commitments_listed(connection: sa.Connection, scope: Scope, bundle: engine.Bundle) -> list[CommittedRecord]:
    """The commitments that the report on a scope lists."""
    looked = scope.touched(connection, list(scope.decisions(connection, MOST_COUNTED)), bundle)
    return [made for _, made in _committed(connection, looked, 0)[0][:LISTED]]


def _committed(
    connection: sa.Connection, looked: Sequence[RecordRow], most: int
) -> tuple[list[tuple[RecordRow, CommittedRecord]], dict[int, dict[str, Any]]]:
    """Which of some decisions were committed, and the records of the first of these."""
    made = of_records(connection, [row.sequence for row in looked if row.proceed])
    committed = [(row, made[row.sequence]) for row in looked if row.sequence in made]
    stored = of_numbers(connection, [each.sequence for _, each in committed[:most]])
    return committed, {each.sequence: with_personal_values(each.entry.leaf, each.entry.openings) for each in stored}


def _committed_section(found: _Found) -> Section:
    words = found.words
    columns = (
        Column(words["day"], width=2),
        Column(words["exchange"], width=5),
        Column(words["outcome"], width=3),
        Column(words["state"], width=3),
        Column(words["decision"], width=3),
    )
    rows = [
        (
            cell(made.day),
            found.exchange(row),
            found.outcome(row),
            cell(
                ending(made, words, found.context.settings.tzinfo) or text_for(words, f"state_{made.state}"),
                tone="" if made.state == "committed" else "open",
            ),
            cell(made.evaluation, made.evaluation),
        )
        for row, made in found.listed
    ]
    more = and_more(len(found.committed) - len(rows), found.lang)
    blocks: list[Block] = [words["committed_about"]]
    blocks.append(Table(words["part_committed"], columns, rows, more) if rows else words["none"])
    ids = {id for _, made in found.committed for id in (made.decision, made.evaluation)}
    without = sum(row.proceed and row.id not in ids for row in found.figures.looked)
    if without > 0:
        blocks.append(words["uncommitted"].format(f"{without:,}"))
    if not found.figures.whole:
        blocks.append(words["looked_through"].format(f"{len(found.figures.looked):,}"))
    return Section("committed", words["part_committed"], tuple(blocks))


def _refused_section(found: _Found) -> Section:
    words = found.words
    refused = [row for row in found.figures.looked if not row.proceed]
    rows = [
        (
            cell(in_utc(row.recorded_at)),
            found.exchange(row),
            found.outcome(row),
            cell(short(row.answer)),
            cell(row.id, row.id),
        )
        for row in refused[: found.most]
    ]
    columns = (
        Column(words["recorded_at"], width=2),
        Column(words["exchange"], width=4),
        Column(words["outcome"], width=3),
        Column(words["answer"], width=7),
        Column(words["decision"], width=3),
    )
    table = Table(words["part_refused"], columns, rows, and_more(len(refused) - len(rows), found.lang))
    blocks: tuple[Block, ...] = (words["answers_as_recorded"], table) if rows else (words["none"],)
    return Section("refused", words["part_refused"], blocks)


def _reviews_section(found: _Found) -> Section:
    words, scope = found.words, found.scope
    query = scope.query
    assert query.since is not None
    assert query.until is not None
    narrowed = bool(scope.party or scope.jurisdiction)
    given = sign_offs_between(found.connection, query.since, query.until, _SIGN_OFFS if narrowed else found.most + 1)
    looked = len(given)
    if narrowed:
        decisions = dict.fromkeys(each.decision for each in given)
        inside = _within(found.connection, list(decisions), scope, found.bundle)
        given = [each for each in given if each.decision in inside]
    names = caller_names(found.connection, (each.by for each in given[: found.most]))
    titles = {rule.provision.id: rule.provision.title.in_(found.lang) for rule in found.bundle.rules.rules}
    rows = [
        (
            cell(in_utc(each.at)),
            cell(_signer(each, names, words)),
            Cell(
                (text_for(words, f"verdict_{each.verdict}"), titles.get(each.provision) or each.provision),
                tone="go" if each.verdict == "approve" else "stop",
            ),
            cell(each.until.isoformat() if each.until else ""),
            cell(short(each.reason)),
            cell(each.decision, each.decision),
        )
        for each in given[: found.most]
    ]
    columns = (
        Column(words["signed_at"], width=2),
        Column(words["signed_by"], width=2),
        Column(words["verdict"], width=4),
        Column(words["until"], width=2),
        Column(words["reason"], width=5),
        Column(words["decision"], width=3),
    )
    cut = len(given) > found.most or (narrowed and looked == _SIGN_OFFS)
    after = words["more_at_least"].format(len(rows)) if cut else ""
    blocks: tuple[Block, ...] = (Table(words["part_reviews"], columns, rows, after),) if rows else (words["none"], after)
    return Section("reviews", words["part_reviews"], (words["reviews_about"], *(each for each in blocks if each)))


def _signer(given: SignOff, names: Mapping[str, CallerName], words: ReportsTexts) -> str:
    """Who gave a sign-off: the name of a person or of a key, or the id."""
    if given.person is not None:
        return given.person.name or given.person.subject
    named = names.get(given.by)
    return given.by if named is None else words["signed_key"].format(named.name) if named.is_key else named.name


def _within(connection: sa.Connection, ids: Sequence[str], scope: Scope, bundle: engine.Bundle) -> set[str]:
    """Those decisions that are on an exchange of the party of a scope, and that its jurisdiction certainly touches."""
    inside, indexed = scoped(connection, ids, scope.party, scope.jurisdiction)
    if scope.jurisdiction:  # the index names those too that it only may touch
        inside = {id for id in inside if _is_within(connection, id, replace(scope, party=""), bundle)}
    return inside | {id for id in ids if id not in indexed and _is_within(connection, id, scope, bundle)}


def _is_within(connection: sa.Connection, id: str, scope: Scope, bundle: engine.Bundle) -> bool:
    """The same of one decision, from its record."""
    stored = find(connection, id)
    if stored is None:
        return False
    record = with_personal_values(stored.entry.leaf, stored.entry.openings)
    request = record.get("request") or {}
    sides = (request.get(side) for side in ("exporter", "recipient"))
    parties = [each.get("id") for each in sides if isinstance(each, Mapping)]
    return (not scope.party or scope.party in parties) and scope.touches(record, bundle)


def _owed(found: _Found) -> Iterator[tuple[str, tuple[Cell, ...]]]:
    """The duties of the listed commitments that stand, each with what it is sorted by: the last day, those without one last."""
    words = found.words
    for _, made in found.listed:
        record = found.records.get(made.sequence, {})
        if made.state != "committed":
            continue
        for owed in (record.get("decision") or {}).get("owed") or ():
            overdue = owed.get("overdue") == "yes"
            lines = [owed.get("due") or words["no_day"], *([words["overdue"]] if overdue else [])]
            duty = [short(str(owed["duty"])), *([] if owed.get("certain", True) else [words["may_be_owed"]])]
            yield (
                owed.get("due") or "9999",
                (
                    Cell(tuple(lines), tone="stop" if overdue else ""),
                    Cell(tuple(duty)),
                    cell(found.language.role(str(owed["who"]))),
                    cell(made.evaluation, made.evaluation),
                ),
            )


def _promise(each: PromisePart, titles: Mapping[str, str], found: _Found) -> tuple[Cell, ...]:
    words = found.words
    return (
        cell(each.due.isoformat()),
        cell(titles.get(each.promise, each.promise)),
        cell(each.by or words["erased"]),
        cell(text_for(words, f"promise_{each.state}"), tone="stop" if each.state == "overdue" else ""),
    )


def _watch_section(found: _Found) -> Section:
    words, query = found.words, found.scope.query
    assert query.since is not None
    assert query.until is not None
    told = events.newest(found.connection, stored_moment(query.since), _EVENTS)
    whole = len(told) < _EVENTS
    told = [each for each in told if each.at < stored_moment(query.until)]
    if found.scope.party or found.scope.jurisdiction:
        inside = {made.decision for _, made in found.committed}
        told = [each for each in told if each.decision in inside]
    rows = [
        (
            cell(each.at[:16].replace("T", " ")),
            cell(text_for(words, f"watch_{each.kind}")),
            cell(each.since),
            cell(found.language.word("outcome", each.outcome) if each.outcome else ""),
            cell(each.decision, each.decision),
        )
        for each in told[: found.most]
    ]
    columns = (
        Column(words["found_at"], width=2),
        Column(words["finding"], width=5),
        Column(words["since"], width=2),
        Column(words["outcome"], width=3),
        Column(words["decision"], width=3),
    )
    after = and_more(len(told) - len(rows), found.lang) if whole else words["more_at_least"].format(len(rows))
    blocks: tuple[Block, ...] = (Table(words["part_watch"], columns, rows, after),) if rows else (words["none"],)
    return Section("watch", words["part_watch"], (words["watch_about"], *blocks))

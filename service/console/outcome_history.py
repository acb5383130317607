"""
The history of a decision: its commitment, and each later event of that, oldest first.

Only rows of the ledger, the watch and the receipts are read; nothing is decided here. Sign-offs stand elsewhere on the page.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import sqlalchemy as sa

from service.callers.context import ReadingAll
from service.console.reader import PageReader
from service.languages.words import text_for
from service.ledger import benefit_lines, commitment_list, promise_list
from service.ledger.benefit_lines import BenefitFilter
from service.ledger.commitment_list import Commitment
from service.log.receipt_leaf import newest
from service.store.moments import moment_text
from service.store.tables import commitment
from service.watch import events

MOST = 40  # lines of each kind


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """
    Something that happened after a decision. `at` is a moment, or a day where no moment is known; `reason` is as a person gave it.

    `decision` is another decision to which it leads.
    """

    at: str
    text: str
    by: str | None = None
    reason: str | None = None
    decision: str | None = None
    state: str | None = None


def history_of(context: ReadingAll, connection: sa.Connection, decision: str, reader: PageReader) -> list[HistoryLine]:
    """The lines of a decision, the oldest first."""
    found = list(_receipts(connection, decision, reader))
    same = sa.or_(commitment.c.decision == decision, commitment.c.evaluation == decision)
    for id in connection.execute(sa.select(commitment.c.id).where(same)).scalars().all():
        made = commitment_list.read(connection, id)
        assert made is not None
        found += _events(made, decision, reader)
        found += islice(_watched(connection, id, reader), MOST)
        found += _promised(context, connection, id, reader)
        found += _payable(context, connection, id, reader)
    return sorted(found, key=lambda line: line.at)


def _promised(context: ReadingAll, connection: sa.Connection, id: str, reader: PageReader) -> Iterator[HistoryLine]:
    known = {each.name: each.title.in_(reader.lang) for each in promise_list.promised_by(context.live).values()}
    for each in promise_list.of_commitment(context, id, MOST, connection):
        text = reader.words.pages["became_promise"].format(
            known.get(each.promise, each.promise), each.by or reader.words.pages["rights_unknown"]
        )
        at = each.kept_on if each.state == "kept" and each.kept_on else each.due
        yield HistoryLine(at.isoformat(), text, each.reported_by, state=f"promise_{each.state}")


def _payable(context: ReadingAll, connection: sa.Connection, id: str, reader: PageReader) -> Iterator[HistoryLine]:
    lines, _ = benefit_lines.lines(context, BenefitFilter(commitment=id), None, MOST, connection)
    for each in lines:
        words = reader.words.pages["became_payable" if each.entry == "payable" else "became_reversed"]
        text = words.format(f"{each.amount} {each.currency}, {each.party or each.role}")
        yield HistoryLine("" if each.day is None else each.day.isoformat(), text)


def _receipts(connection: sa.Connection, decision: str, reader: PageReader) -> Iterator[HistoryLine]:
    leaf = newest(connection, decision)
    if leaf is not None:
        yield HistoryLine(str(json.loads(leaf.leaf).get("at", "")), reader.words.pages["became_receipt"])


def _events(made: Commitment, decision: str, reader: PageReader) -> Iterator[HistoryLine]:
    for each in made.events:
        kind = "decided_again" if each.kind == "committed" and made.evaluation != decision else each.kind
        became, reached = reader.words.pages, reader.words.ledger
        text = text_for(became, f"became_{kind}") if each.on is None else text_for(reached, f"stage_{kind}")
        if (day := each.first_day_without or each.on) is not None:
            text = f"{text}, {day.isoformat()}"
        other = made.evaluation if kind == "decided_again" else None
        yield HistoryLine(moment_text(each.at), text, each.by, each.reason, other)


def _watched(connection: sa.Connection, id: str, reader: PageReader) -> Iterator[HistoryLine]:
    for each in events.page(connection, -1, MOST, commitment=id):
        outcomes = [each.document.get(name) for name in ("before", "after")]
        told = " → ".join(reader.code("outcome", outcome) for outcome in outcomes if outcome)
        text = (
            reader.language.pair(text_for(reader.words.pages, f"watch_{each.kind}"), told)
            if told
            else text_for(reader.words.pages, f"watch_{each.kind}")
        )
        yield HistoryLine(each.at, reader.words.pages["became_watch"].format(f"{text}, {each.since}"))

"""
The pages of commitments: rows of the ledger go in, a page of a list or of one commitment comes out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import urlencode

from service.callers.caller_names import CallerName
from service.console.counts_in_words import amount, counter_title, fact_title, role_title
from service.console.pages import rendered
from service.console.reader import PageReader, Part
from service.console.request_facts import facts_of, in_short
from service.ledger.benefit_lines import BenefitLine
from service.ledger.commitment_events import STAGES
from service.ledger.commitment_list import Commitment, StageWanted, State
from service.ledger.commitment_search import CommitmentRow
from service.ledger.counter_standings import CounterMovement
from service.ledger.income_reports import IncomeReports
from service.ledger.promise_list import PromisePart
from service.ledger.rights_readings import RightsLinePart
from service.policies.live import Live
from service.store.moments import moment_text


@dataclass(frozen=True, slots=True)
class CommitmentShown:
    """What the page of a commitment shows: itself, the record of its evaluation, and the first lines of what follows from it."""

    made: Commitment
    kept: Part | None
    moved: Sequence[CounterMovement]
    rights: Sequence[RightsLinePart]
    promises: Sequence[PromisePart]
    settled: Any | None
    fees: IncomeReports | None
    payable: Sequence[BenefitLine]
    watched: Sequence[Any]
    callers: Mapping[str, CallerName]


def list_page(
    rows: Sequence[CommitmentRow],
    asked: Mapping[str, str],
    paged: bool,
    following: str | None,
    counters: Sequence[str],
    reader: PageReader,
) -> str:
    """The list of commitments. `asked` are the filters of its address, `following` is the cursor of the next page."""
    return rendered(
        "ledger_list.html",
        reader,
        "/ledger",
        l=reader.words.ledger,
        b=reader.words.books,
        filters=asked,
        rows=rows,
        states=get_args(State),
        stages=get_args(StageWanted),
        table=f"/ledger/commitments?{urlencode({**_in_both(asked), 'format': 'csv'})}",
        counters=counters,
        counter_title=lambda name: counter_title(name, reader),
        paged=paged,
        next=following,
    )


def commitment_page(shown: CommitmentShown, live: Live, reader: PageReader) -> str:
    """The page of one commitment."""
    record = {} if shown.kept is None else shown.kept["record"]
    facts = [] if shown.kept is None else facts_of(record, shown.kept.get("log", {}), reader)
    present = {each.meaning for each in live.counting.counters}
    return rendered(
        "ledger_commitment.html",
        reader,
        f"/ledger/commitments/{shown.made.id}",
        l=reader.words.ledger,
        b=reader.words.books,
        made=shown.made,
        stages=STAGES,
        events=[{**each.model_dump(), "at": moment_text(each.at)} for each in shown.made.events],
        parties=in_short(facts, reader),
        answer=(record.get("decision") or {}).get("answer"),
        moved=[(each, each.meaning in present, amount(each, reader)) for each in shown.moved if each.low or each.high],
        perhaps=[(each, each.meaning in present, amount(each, reader)) for each in shown.moved if not (each.low or each.high)],
        rights=[each.model_dump(mode="json") for each in shown.rights],
        promises=[(each, reader.promise(each.promise)) for each in shown.promises],
        settled=shown.settled,
        fees=shown.fees,
        payable=shown.payable,
        watched=shown.watched,
        fact_title=lambda fact: fact_title(fact, reader),
        role_title=lambda role: role_title(role, reader),
    )


def _in_both(asked: Mapping[str, str]) -> dict[str, str]:
    """The filters of a list that its table has too."""
    return {name: value for name, value in asked.items() if name in ("exporter", "state", "stage", "reference")}

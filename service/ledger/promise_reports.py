"""
Reports on promises: what was given of a promise and what is said of it go in; the promise, as they leave it, comes out.

Reports add up, in the order of their days. A promise is kept on the day of the report with which they reach what was promised. A report in
dispute counts until it is settled that it does not. Each step is a leaf and, in the same transaction, a row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from service.ledger.promise_book import Promises, origin
from service.log import tree_leaves
from service.log.store import subject_of_decision
from service.log.tree_leaves import LogEvent
from service.store.tables import promise_report

CONFIRMED, DISPUTED = "confirmed", "disputed"
COUNTS, DROPPED = "counts", "dropped"  # how a dispute was settled

_ORDER = (promise_report.c.of, promise_report.c.dated, promise_report.c.number)
_AT_ONCE = 200  # promises


@dataclass(frozen=True, slots=True)
class ReportedPromise:
    """The promise of a commitment on which something is said: its row and the decision behind the commitment."""

    commitment: str
    decision: str
    row: Any

    @property
    def origin(self) -> str:
        """Under what its reports stand."""
        return origin(self.commitment, self.row._mapping)


def of_promises(connection: sa.Connection, origins: Iterable[str]) -> dict[str, list[Any]]:
    """The reports on some promises, by the origin of each, in the order of their days."""
    found: dict[str, list[Any]] = {}
    asked = sorted(set(origins))
    for at in range(0, len(asked), _AT_ONCE):
        mine = promise_report.c.of.in_(asked[at : at + _AT_ONCE])
        for row in connection.execute(sa.select(promise_report).where(mine).order_by(*_ORDER)):
            found.setdefault(row.of, []).append(row)
    return found


def counted(reports: Iterable[Any]) -> int:
    """How much was reported, without what was settled not to count."""
    return sum(each.amount or 0 for each in reports if each.settled != DROPPED)


class PromiseReports:
    """Writes reports, and what is said of them, by the promises of a ledger and in a writing transaction."""

    def __init__(self, promises: Promises) -> None:
        self._promises = promises

    def report(
        self,
        transaction: sa.Connection,
        of: ReportedPromise,
        dated: date,
        amount: int | None,
        evidence: str,
        document: str,
        at: str,
        by: str,
    ) -> None:
        """Some of a promise was kept, or the whole where there is no amount; a document of a day shows it."""
        number = len(of_promises(transaction, [of.origin]).get(of.origin, ()))
        shown = {"decision": of.decision, "dated": dated.isoformat(), "evidence": evidence}
        hidden = {"amount": amount, "by": by}
        row = {"of": of.origin, "number": number, **shown, **hidden, "document": document, "at": at}
        transaction.execute(sa.insert(promise_report).values(row))
        self._said(
            transaction, of, LogEvent("promise-reported", at, {"report": number, **shown}, {**hidden, "sha256": document})
        )

    def answer(
        self, transaction: sa.Connection, of: ReportedPromise, report: Any, answer: str, reason: str, at: str, by: str
    ) -> None:
        """The party that a promise was made to confirms a report on it, or disputes it."""
        said = {"answer": answer, "answered_at": at, "answered_by": by, "reason": reason}
        self._update(transaction, report, said)
        self._said(transaction, of, _with_reason("promise-answered", report, at, {"answer": answer}, reason, by))

    def settle(
        self, transaction: sa.Connection, of: ReportedPromise, report: Any, settled: str, reason: str, at: str, by: str
    ) -> None:
        """It is settled whether a report in dispute counts."""
        said = {"settled": settled, "settled_at": at, "settled_by": by, "ruling": reason}
        self._update(transaction, report, said)
        self._said(transaction, of, _with_reason("promise-settled", report, at, {"settled": settled}, reason, by))

    def _update(self, transaction: sa.Connection, report: Any, said: dict[str, str]) -> None:
        here = (promise_report.c.of == report.of, promise_report.c.number == report.number)
        transaction.execute(sa.update(promise_report).where(*here).values(said))

    def _said(self, transaction: sa.Connection, of: ReportedPromise, event: LogEvent) -> None:
        """Write the leaf, and make the promise what its reports say."""
        named = {"commitment": of.commitment, "number": of.row.number, "origin": of.origin}
        members = {**named, **event.members}
        tree_leaves.append(transaction, LogEvent(event.kind, event.at, members, event.hidden, event.subject, event.of_subject))
        reports = of_promises(transaction, [of.origin])[of.origin]
        last = _last(of.row.promised, reports)
        kept = {
            "kept_on": None if last is None else last.dated,
            "evidence": None if last is None else last.evidence,
            "document": None if last is None else last.document,
            "reported_at": None if last is None else last.at,
            "reported_by": None if last is None else last.by,
        }
        disputed = sum(each.answer == DISPUTED and each.settled is None for each in reports)
        self._promises.moved(transaction, of.commitment, of.row.number, {**kept, "disputed": disputed})


def _with_reason(kind: str, report: Any, at: str, shown: dict[str, Any], reason: str, by: str) -> LogEvent:
    """What is said of a report. Its reason is erased with the decision in whose name it was reported."""
    members = {"decision": report.decision, "report": report.number, **shown}
    subject = subject_of_decision(report.decision)
    return LogEvent(kind, at, members, {"reason": reason, "by": by}, subject, frozenset({"reason"}))


def _last(promised: int | None, reports: Sequence[Any]) -> Any:
    """The report by which a promise was kept; None as long as what was reported does not reach it."""
    so_far = 0
    for each in reports:
        if each.settled != DROPPED:
            so_far += each.amount or 0
            if promised is None or each.amount is None or so_far >= promised:
                return each
    return None

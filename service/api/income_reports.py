"""`/v1/commitments/{id}/reports`: what was earned or delivered in a period, where a price follows from it."""

import sqlalchemy as sa

from service.api.commitments import named
from service.api.operations import in_path
from service.api.router import Call, Router
from service.callers.context import Committing, Reading
from service.ledger import commitment_list, income_reports
from service.ledger.income_reports import IncomeReport, IncomeReports, IncomeReportSent, ReverseReportSent
from service.problems import RequestRefused

_ID, _NUMBER = in_path("id", "the id of the commitment"), in_path("number", "the number of the report, from 0")

router = Router("ledger", "ledger")


@router.get(
    "/v1/commitments/{id}/reports",
    "listIncomeReports",
    "What was reported, and of which days nothing is",
    "not-found",
    "not-payable",
    parameters=[_ID],
)
def listed(context: Reading, call: Call[None], connection: sa.Connection) -> IncomeReports:
    """The reports of a commitment whose price follows from them. What is not reported is not nought."""
    return income_reports.reports(context, named(call.path["id"]), connection)


@router.post(
    "/v1/commitments/{id}/reports",
    "reportIncome",
    "Report what was earned or delivered in a period",
    "not-found",
    "commitment-ended",
    "not-payable",
    parameters=[_ID],
    body=IncomeReportSent,
    status=201,
)
def report(context: Committing, call: Call[IncomeReportSent], transaction: sa.Connection) -> IncomeReport:
    """Divides the price that follows, and books its lines. A key of the exporter, or of an operator with the scope `administer`."""
    id = named(call.path["id"])
    told = income_reports.report(context, id, call.sent, transaction)
    call.erased_with(commitment_list.record_number(transaction, id))  # the hash of a document is erased with the record
    return told


@router.post(
    "/v1/commitments/{id}/reports/{number}/reverse",
    "reverseIncomeReport",
    "Reverse a report that was wrong",
    "not-found",
    "not-payable",
    parameters=[_ID, _NUMBER],
    body=ReverseReportSent,
)
def reverse(context: Committing, call: Call[ReverseReportSent], transaction: sa.Connection) -> IncomeReport:
    """Reverses a report with its lines, so that its period can be reported again. What was paid of them is owed back."""
    number = call.path["number"]
    if not (number.isascii() and number.isdigit() and len(number) < 6):
        raise RequestRefused("not-found", "the commitment has no such report")
    id = named(call.path["id"])
    told = income_reports.reverse(context, id, int(number), call.sent, transaction)
    call.erased_with(commitment_list.record_number(transaction, id))
    return told

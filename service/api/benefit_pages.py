"""`GET /ledger/benefits`: what is payable to whom, for a person with a browser. Nothing here changes anything."""

import sqlalchemy as sa
from fastapi import Response

from service.api import paging
from service.api.benefits import wanted_lines
from service.api.page_answers import html
from service.api.page_router import PageCall, Pages
from service.callers.context import ReadingAll
from service.console.benefit_pages import benefits_page
from service.ledger import benefit_lines, benefit_statement, income_reports
from service.ledger.benefit_lines import BenefitLine
from service.ledger.benefit_statement import BenefitBalance

BALANCES, LINES = 15, 30  # on a page
FILTERS = ("party", "payer", "asset", "role", "kind", "state", "due_until", "currency", "from", "until", "commitment")

pages = Pages("ledger")


@pages.get("/ledger/benefits")
def benefits(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """Balances and lines, each with pages of their own."""
    sent = page.filters(*FILTERS, "balances", "lines")
    cursors = {name: {"cursor": sent.pop(name)} if name in sent else {} for name in ("balances", "lines")}
    wanted = wanted_lines(sent)
    balances, next_balance = paging.Listing[BenefitBalance]("balance page", "balances", (str, str), BALANCES, BALANCES).page(
        cursors["balances"],
        lambda after, limit: benefit_statement.balances(context, wanted, after, limit, connection),
        (wanted,),
    )
    lines, next_line = paging.Listing[BenefitLine]("benefit page", "lines", (int,), LINES, LINES).page(
        cursors["lines"], lambda after, limit: benefit_lines.lines(context, wanted, after, limit, connection), (wanted,)
    )
    missed = [] if wanted.commitment else benefit_statement.not_divided(context, wanted, connection)
    unreported = income_reports.unreported(context, wanted.commitment, connection) if sent.keys() <= {"commitment"} else []
    following = {"balances": next_balance, "lines": next_line}
    return html(benefits_page(sent, balances, lines, missed, unreported, following, any(cursors.values()), page.reader))

"""`GET /ledger/statistics`: what flowed where, for a person with a browser. Nothing here changes anything."""

from urllib.parse import urlencode

import sqlalchemy as sa
from fastapi import Response

from service.api.page_answers import html
from service.api.page_router import PageCall, Pages
from service.api.parameters import word
from service.api.statistics import FROM, UNTIL
from service.callers.context import ReadingAll
from service.console.statistics_chart import statistics_page
from service.ledger import statistics
from service.ledger.flow_sums import DIMENSIONS
from service.ledger.statistics import MONTH, Statistics, StatisticsQuestion
from service.problems import KINDS, Kind, RequestRefused

_BY, _THEN = (word(name, "a dimension", (MONTH, *DIMENSIONS)) for name in ("by", "then"))
_WRONG: dict[Kind, str] = {"forbidden": "few_scopes", "not-found": "not_here", "bad-request": "too_many"}

pages = Pages("ledger")


@pages.get("/ledger/statistics")
def told(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """What an address asks for, by the month where it names nothing; or what is wrong with it."""
    sent = page.filters("by", "then", "from", "until")
    names = dict.fromkeys(each for each in (_BY.of({"by": MONTH, **sent}), _THEN.of(sent)) if each is not None)
    question = StatisticsQuestion(tuple(names), {}, FROM.of(sent), UNTIL.of(sent))
    found: Statistics | None = None
    wrong, status = "", 200
    try:
        found = statistics.statistics_for(context, question, connection)
    except RequestRefused as refused:
        wrong, status = _WRONG[refused.kind], KINDS[refused.kind][0]
    query: dict[str, str] = {
        "by": ",".join(question.by),
        **{name: sent[name] for name in ("from", "until") if name in sent},
        "format": "csv",
    }
    table = f"/ledger/statistics/cells?{urlencode(query)}"
    return html(statistics_page(sent, found, table, statistics.sees_all(context.caller), wrong, page.reader), status)

"""`GET /ledger/accounts`: the accounts of data assets in a period, for a person with a browser. Nothing here changes anything."""

import sqlalchemy as sa
from fastapi import Response

from service.api.accounts import ENTITY, KNOWN, period
from service.api.page_answers import html
from service.api.page_router import PageCall, Pages
from service.api.parameters import text
from service.callers.context import ReadingAll
from service.console.account_pages import accounts_page
from service.ledger import account_statement
from service.problems import RequestRefused

_ASSET = text("asset", "the id of the data asset")

pages = Pages("ledger")


@pages.get("/ledger/accounts")
def accounts(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """The roll-forward of all assets, or of the one that the address names, with its entries."""
    sent = page.filters("asset", "from", "until", KNOWN.name, ENTITY.name)
    asset, asked = _ASSET.of(sent), period(sent, context.today)
    if asset is None:
        return html(accounts_page(sent, account_statement.of_all(context, asked, connection), page.reader))
    try:
        found = account_statement.of_asset(context, asset, asked, connection)
    except RequestRefused as refused:
        if refused.kind != "not-found":
            raise
        return page.missing(page.reader.words.register["not_found"], refused.detail)
    return html(accounts_page(sent, found, page.reader))

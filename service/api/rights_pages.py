"""`GET /ledger/rights`: the rights in an asset or of a party, for a person with a browser. Nothing here changes anything."""

from collections.abc import Mapping
from datetime import date

from fastapi import FastAPI, Request, Response

from service.api import paging
from service.api.console import ROWS, html, language, wrong_address
from service.api.page_filters import filters, one_of
from service.callers.caller import caller_of
from service.console.reader import PageReader
from service.console.rights_chart import rights_page
from service.ledger.rights_readings import RightsAsked, RightsReadings
from service.problems import RequestRefused
from service.service import Service


def add(app: FastAPI, service: Service) -> None:
    """Put the page on the application."""
    readings = RightsReadings(service)

    # Not `async`: reading waits for the disk, so each call runs in a thread.
    @app.get("/ledger/rights", include_in_schema=False)
    def rights(request: Request) -> Response:
        caller_of(request.scope, "read")
        reader = PageReader(service.live.bundle, language(request))
        try:
            sent = filters(request, ("asset", "party", "on", "known", "history", "cursor"))
            asked = _asked(sent, readings.today, sent.pop("cursor", None))
        except (ValueError, RequestRefused):
            return wrong_address(reader)
        shown = {**sent, "on": asked.on.isoformat()}
        if asked.asset is None and asked.party is None:
            return html(rights_page(shown, (), None, reader))
        found, following = service.read(lambda connection: readings.page(connection, asked), "ledger")
        after = None if following is None else paging.written("rights", *following)
        return html(rights_page(shown, [each.model_dump(mode="json") for each in found], after, reader))


def _asked(sent: Mapping[str, str], today: date, cursor: str | None) -> RightsAsked:
    """The rights that an address asks for. Raises ValueError, RequestRefused."""
    after = paging.Asked(ROWS, cursor).after("rights", str, str, int)
    return RightsAsked(
        on=date.fromisoformat(sent["on"]) if "on" in sent else today,
        asset=sent.get("asset"),
        party=sent.get("party"),
        known=date.fromisoformat(sent["known"]) if "known" in sent else None,
        history=one_of(sent.get("history"), ("true", "false")) == "true",
        after=None if after is None else (after[0], after[1], after[2]),
        limit=ROWS,
    )

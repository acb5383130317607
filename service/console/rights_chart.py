"""The page of rights: lines of the book go in, a chart of their days and a table come out."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from service.console import charts
from service.console.pages import rendered
from service.console.reader import PageReader, Part

_AROUND = timedelta(days=30)  # before the first day and after the last one of a chart


def rights_page(asked: Part, lines: Sequence[Part], following: str | None, reader: PageReader) -> str:
    """
    The page of the rights in an asset, or of a party, on a day. `asked` has `asset`, `party`, `on`, `known` and `history`, as sent.

    `lines` are those of a page of `GET /v1/assets/{id}/rights`, `following` is the cursor of the next.
    """
    filters = {name: value for name, value in asked.items() if value}
    return rendered(
        "rights.html",
        reader,
        "/ledger/rights",
        l=reader.words.ledger,
        b=reader.words.books,
        asked=asked,
        filters=filters,
        lines=lines,
        next=following,
        charts=charts,
        **_chart(asked, lines),
    )


def _chart(asked: Part, lines: Sequence[Part]) -> dict[str, Any]:
    """The lines over time: each from its first day to the day on which it no longer stands, None without an end."""
    if not lines:
        return {"spans": []}
    on = date.fromisoformat(asked["on"])
    days = [(date.fromisoformat(line["since"]), _end(line)) for line in lines]
    ends = [end for _, end in days if end is not None]
    first = _moved(min([on, *(begins for begins, _ in days)]), -_AROUND)
    last = _moved(max([on, *(begins for begins, _ in days), *ends]), _AROUND)
    return {
        "spans": list(zip(charts.spans(days, first, last), lines, strict=True)),
        "today_x": charts.on_day(on, first, last),
        "chart_first": first.isoformat(),
        "chart_last": last.isoformat(),
    }


def _end(line: Part) -> date | None:
    """The first day on which a line no longer stands; None where it has no end, or none that is known."""
    if line.get("ended"):
        return date.fromisoformat(line["ended"])
    until = line.get("until")
    return None if until in (None, "perpetual") else _moved(date.fromisoformat(until), timedelta(days=1))


def _moved(day: date, by: timedelta) -> date:
    """A day moved by some days, as far as the calendar goes."""
    try:
        return day + by
    except OverflowError:
        return date.max if by.days > 0 else date.min

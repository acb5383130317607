"""
The sources of counters as a record shows them: marks go in; what a decision knows of them, and the exchange without them, come out.
"""

from collections.abc import Mapping
from typing import Any

import engine
from service.ledger import money_sums
from service.ledger.counter_sums import ends


def bare(request: Mapping[str, Any], marks: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The request of a record as its caller sent it: with the counts that the caller sent, without what the service filled in."""
    if not request.keys().isdisjoint((engine.BOOKS, engine.SHARES)):
        request = {name: value for name, value in request.items() if name not in (engine.BOOKS, engine.SHARES)}
    for fact, mark in marks.items():
        sent = mark.get("brought")
        if sent is None and mark.get("from") == "caller":
            sent = {end: mark[end] for end in ("at_least", "at_most") if end in mark}
        request = engine.with_fact_set(request, fact, sent)
    return request


def sources(marks: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What a decision knows of the sources of counters, from their marks."""
    return {
        "counted": [fact for fact, mark in marks.items() if mark["from"] == "ledger"],
        "raised": [fact for fact, mark in marks.items() if mark["from"] == "both"],
        "stated": [fact for fact, mark in marks.items() if mark["from"] == "caller"],
        "asks": {fact: tuple(mark["lacks"]) for fact, mark in marks.items() if mark.get("lacks")},
    }


def shown(count: engine.Range, currency: str) -> dict[str, Any]:
    """A count as JSON: of money with its currency."""
    return money_sums.sums(count, currency) if currency else ends(count)


def in_currency(count: engine.Range, currency: str) -> engine.Value:
    """A count as the value of its fact."""
    return engine.in_currency(count, currency) if currency else count

"""Which recipients may take it, in view of a ledger: its counters and its books count as in an evaluation, and nothing is added."""

from typing import Any

import pytest

from tests.service.ledger.desk import Desk, desk, opened
from tests.service.ledger.test_rights_book import Exchange, everything, exchange, supply

__all__ = ["desk", "exchange", "opened"]

pytestmark = pytest.mark.usefixtures("audited")


def briefs(post: Any, sent: dict[str, Any], *recipients: dict[str, Any]) -> list[tuple[str, bool]]:
    """Outcome and `proceed` for each recipient, which are those of evaluations."""
    without = {name: value for name, value in sent.items() if name != "recipient"}
    answer = post("/v1/recipients", {"exchange": without, "recipients": [*recipients]})
    assert answer.status_code == 200, answer.text
    told = [(each["decision"]["outcome"], each["decision"]["proceed"]) for each in answer.json()["results"]]
    whole = [post("/v1/evaluate", {**without, "recipient": each}).json() for each in recipients]
    assert told == [(each["outcome"], each["proceed"]) for each in whole]
    return told


def test_what_was_committed_counts_and_what_is_asked_does_not(desk: Desk) -> None:
    """After 900 people of a thousand another 200 may not go, to whomever; asking about several adds nothing."""
    sent = {"exporter": {"id": "clinic", "country": "CN"}, "data": {"people": {"ordinary": 200, "rest": 0}, "staff": False}}
    assert briefs(desk.post, sent, {"id": "lab"}, {"id": "mill"}) == [("permitted", True)] * 2
    desk.commit(900)
    for _ in range(2):
        assert all(not proceed for _, proceed in briefs(desk.post, sent, {"id": "lab"}, {"id": "mill"}))
    assert desk.ordinary() == (900, 900)


def test_what_a_book_of_rights_says_counts(exchange: Exchange) -> None:
    """A supply of what one has is permitted, and after an exclusive one no other is."""
    exchange.post("/v1/rights/openings", everything())
    sent = supply("met", "mill", exclusive=True)
    recipient = sent["recipient"]
    before = briefs(exchange.post, sent, recipient, {**recipient, "id": "bank"})
    assert before == [("permitted", True)] * 2
    decided = exchange.post("/v1/evaluate", sent).json()["id"]
    assert exchange.post("/v1/commitments", {"decision": decided}).status_code == 201
    _, other = briefs(exchange.post, supply("met", "bank"), recipient, {**recipient, "id": "bank"})
    assert other[1] is False

"""What is beyond one's own right, an exclusive grant that somebody would evade, and how a line reads, over HTTP."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from starlette.testclient import TestClient

import engine
from service.ledger.counter_book import Book
from service.ledger.rights_book import MOST_LINES, RightsBook
from service.log.canonical_json import canonical
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from service.watch.transactions import writing
from tests.service.conftest import BOTH_DATABASES, Lines
from tests.service.ledger.test_rights_book import NOON, TODAY, Exchange, lines, opening, supply, watched
from tests.service.ledger.test_rights_book import exchange as exchange  # a fixture

CONSENT = "exclusive-holder-consent"
FIVE = {"right", "purpose", "territory", "term", "onward"}
OF_A_WORKSHOP: dict[str, Any] = {
    "exporter.id": "met",
    "exporter.kind": "company",
    "exporter.sectors": ["industry"],
    "recipient.kind": "company",
    "recipient.role": "controller",
    "act.kind": "provide",
    "act.trigger": "own",
    "act.bars": [],
    "act.security_concern": "no",
    "purpose.is": ["industry"],
    "purpose.end_use": ["civil"],
    "data.people_in": [],
    "data.collected_in": ["GB"],
    "data.stored_in": ["GB"],
    "data.controls": [],
    "data.lawful_source": "yes",
}


@pytest.mark.usefixtures("audited")
def test_every_limit_that_an_exchange_goes_beyond_is_named(exchange: Exchange) -> None:
    """All five of them, of two rights of which the exporter has one; and the exchange may not proceed."""
    right = {"right": "operate", "purposes": ["research"], "territory": ["CN"], "term": "1 year", "onward": False}
    opening(exchange, rights=[right])
    sent = supply("met", "mill", rights=["operate", "hold"], purposes=["credit"], territory=["KE"], term="2 years")
    refused = exchange.post("/v1/evaluate?include=factor", sent).json()
    assert refused["outcome"] == "prohibited"
    (beyond,) = [
        each for each in refused["explanation"]["factor"]["computed"]["data-rights"]["lines"] if each["name"] == "beyond"
    ]
    assert set(beyond["value"]) == FIVE
    assert exchange.post("/v1/commitments", {"decision": refused["id"]}).status_code == 409


@pytest.fixture
def bundled(database: str, lines: Lines) -> Iterator[Exchange]:
    """A service with the bundled policies."""
    now = [NOON]
    settings = Settings(watch=False, watch_commitments=False, database=database, mode="bitset", ledger_since="2026-01-01")
    service = Service.open(settings, say=log_lines.logger(lines), clock=lambda: now[0])
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        yield Exchange(service, client, now)
    service.close()


def test_a_right_that_one_never_had_is_not_sold_under_the_bundled_policies(bundled: Exchange) -> None:
    """Its book is complete, and no law of its country looks at rights in data: its own promises do."""
    text = (engine.bundled_policies() / "factor" / "data-grants.test.yaml").read_bytes()
    sent: dict[str, Any] = {}
    for fact, value in {**yaml.load(text, yaml.BaseLoader)["exchange"], **OF_A_WORKSHOP}.items():
        sent = dict(
            engine.with_fact_set(sent, fact, {"yes": True, "no": False}.get(value, value) if isinstance(value, str) else value)
        )
    right = {"right": "use", "purposes": ["industry"], "territory": ["worldwide"], "term": "perpetual", "onward": True}
    opening(bundled, rights=[right], asset="machine-hours")
    outcomes = {}
    for conveyed in ("use", "hold"):
        decided = bundled.post("/v1/evaluate", sent | {"rights": {"conveyed": [conveyed]}}).json()
        outcomes[conveyed] = decided["outcome"]
    # The law of its country is not read without doubt: a person looks at it, and may sign it off.
    assert outcomes == {"use": "review", "hold": "requirements_unmet"}


@pytest.mark.usefixtures("audited")
def test_an_exclusive_grant_is_not_evaded(exchange: Exchange) -> None:
    """By naming no data, by conveying nothing, or by a consent older than the grant; one that is not lets others in."""
    opening(exchange)
    exchange.commit("met", "mill", exclusive=True)
    for rights in (["operate"], []):
        assert exchange.evaluate("met", "farm", rights=rights)["outcome"] == "prohibited"
        unnamed = supply("met", "farm", rights=rights)
        del unnamed["data"]
        asked = exchange.post("/v1/evaluate", unnamed).json()
        assert (asked["outcome"], asked["proceed"]) == ("undetermined", False)
        assert "data.id" in str(asked["questions"])
        assert exchange.post("/v1/commitments", {"decision": asked["id"]}).status_code == 409
    for spelt in ("weather ", "WEATHER", "w\u0435ather", "wea\u200dther"):
        assert exchange.post("/v1/evaluate", supply("met", "farm", asset=spelt)).json()["outcome"] == "prohibited", spelt
    for dated, proceeds in ((TODAY - timedelta(days=1), False), (TODAY, True)):
        shown = {CONSENT: {"dated": dated.isoformat(), "covers": True}}
        agreed = exchange.post("/v1/evaluate", supply("met", "farm") | {"evidence": shown}).json()
        assert agreed["proceed"] is proceeds, dated


@pytest.mark.usefixtures("audited")
@BOTH_DATABASES
def test_an_asset_is_asked_for_before_the_book_has_a_line(exchange: Exchange) -> None:
    """Else an exclusive grant of nobody knows what would be committed, and bind nobody."""
    unnamed = supply("met", "mill", exclusive=True)
    del unnamed["data"]
    asked = exchange.post("/v1/evaluate", unnamed).json()
    assert (asked["outcome"], asked["proceed"]) == ("undetermined", False)
    assert exchange.post("/v1/evaluate", unnamed | {"data": {"id": "weather"}}).json()["proceed"]
    del unnamed["rights"]
    assert exchange.post("/v1/evaluate", unnamed).json()["proceed"]


def written(exchange: Exchange, pairs: list[tuple[str, str]]) -> None:
    """Write the lines of grants, each from one party to another, in one transaction and without their decisions."""
    service = exchange.service
    live, book = service.live, RightsBook(Book())

    def write(transaction: sa.Connection) -> None:
        for number, (granter, holder) in enumerate(pairs):
            sent = engine.parse_exchange(live.bundle, canonical(supply(granter, holder, term="perpetual")))
            book.write(transaction, live, sent, f"c{number:05}", 1_000_000 + number, TODAY, "2026-11-25T12:00:00.000000Z")

    writing(service)(write)


def states(exchange: Exchange, path: str, **query: str) -> dict[str, bool | None]:
    """Whether each line of a list is proven, by its commitment, over all pages."""
    found: dict[str, bool | None] = {}
    cursor: str | None = ""
    while cursor is not None:
        answer = exchange.client.get(path, params=query | ({"cursor": cursor} if cursor else {})).json()
        found |= {each["by"]: each["proven"] for each in answer["lines"]}
        cursor = answer["next"]
    return found


def test_a_line_of_a_long_chain_reads_the_same_in_every_list(exchange: Exchange) -> None:
    """A chain of 520 grants, read as a whole, in pages, of one party, as a table and on a page."""
    begun = opening(exchange, rights=[everything_for_ever()])
    written(exchange, [(f"p{number}" if number else "met", f"p{number + 1}") for number in range(520)])
    path = "/v1/assets/weather/rights"
    whole = states(exchange, path, limit="1000")
    assert (len(whole), set(whole.values())) == (521, {True})
    assert states(exchange, path, limit="100") == states(exchange, path, limit="37") == whole
    for number in (1, 64, 65, 300, 519):
        assert set(states(exchange, f"/v1/parties/p{number}/rights").values()) == {True}, number
        assert set(states(exchange, f"/v1/parties/p{number}/rights", limit="1").values()) == {True}, number
    table = exchange.client.get(path, params={"format": "csv", "limit": "1000"}).text.splitlines()
    assert len(table) == 522
    asked: list[str] = []
    sa.event.listen(
        exchange.service.store.database.reading, "before_cursor_execute", lambda _, __, statement, *___: asked.append(statement)
    )
    states(exchange, "/v1/parties/p520/rights")
    of_rights = [each for each in asked if "right_" in each]  # keys are asked for too, anew every few seconds
    assert 0 < len(of_rights) < 9  # however long the chain is
    assert exchange.evaluate("p520", "farm", term="1 year")["proceed"]
    exchange.post(f"/v1/rights/openings/{begun['id']}/withdraw", {"reason": "another party's"})
    gone = states(exchange, path, limit="1000")
    assert (len(gone), set(gone.values())) == (520, {False})
    assert states(exchange, path, limit="100") == gone
    last = exchange.client.get("/v1/parties/p520/rights").json()["lines"][0]
    assert last["missing"] == [begun["id"]]


def everything_for_ever() -> dict[str, Any]:
    """A right to everything that a grant of these tests gives."""
    return {
        "right": "operate",
        "purposes": ["research", "credit"],
        "territory": ["worldwide"],
        "term": "perpetual",
        "onward": True,
    }


def test_a_line_to_which_too_many_lines_lead_is_unknown_in_every_list(exchange: Exchange) -> None:
    """And no other one, whatever list it is in; a decision that needs it stays open."""
    opening(exchange)
    written(exchange, [("met", "mill")] * (MOST_LINES + 1) + [("mill", "farm"), ("farm", "bank"), ("met", "shop")])
    path = "/v1/assets/weather/rights"
    whole = states(exchange, path, limit="1000")
    unknown = {f"c{MOST_LINES + 1:05}", f"c{MOST_LINES + 2:05}"}
    assert {by for by, proven in whole.items() if proven is None} == unknown
    assert {proven for by, proven in whole.items() if by not in unknown} == {True}
    assert states(exchange, path, limit="333") == whole
    assert states(exchange, "/v1/parties/farm/rights") == dict.fromkeys(sorted(unknown))
    assert states(exchange, "/v1/parties/shop/rights", limit="1") == {f"c{MOST_LINES + 3:05}": True}
    page = exchange.client.get("/ledger/rights", params={"party": "farm"}).text
    assert page.count("not known whether it is proven") == 2
    assert exchange.evaluate("farm", "lab")["outcome"] in ("undetermined", "review")


@pytest.mark.usefixtures("audited")
def test_an_end_that_lies_ahead_is_the_same_in_the_watch_and_in_the_book(exchange: Exchange) -> None:
    """A right that ends in some days stands until then: the book says so on each day, and the watch tells that day ahead."""
    opening(exchange)
    first = exchange.commit("met", "mill")
    second = exchange.commit("mill", "farm", term="6 months")
    third = exchange.commit("farm", "bank", term="3 months")
    exchange.now[0] += timedelta(days=10)
    assert watched(exchange) == []
    exchange.post(f"/v1/commitments/{first}/end", {"from": "2026-12-20", "reason": "terminated"})
    told = watched(exchange)
    assert sorted(told) == sorted(("expected", each, "2026-12-20", "undetermined", ["rights"]) for each in (second, third))
    for day, proven in ((date(2026, 12, 5), True), (date(2026, 12, 19), True), (date(2026, 12, 20), False)):
        found = {each["by"]: each["proven"] for each in lines(exchange, on=day.isoformat())}
        assert (found[second], found[third]) == (proven, proven), day
    # What is granted now goes beyond the end, and is held to it.
    assert exchange.evaluate("mill", "shop", term="10 days")["proceed"]
    assert not exchange.evaluate("mill", "shop", term="1 month")["proceed"]
    exchange.post(f"/v1/commitments/{third}/end", {"from": "2026-12-15", "reason": "terminated"})
    assert watched(exchange)[len(told) :] == [("averted", third, "2026-12-20", "permitted", ["rights"])]
    exchange.now[0] += timedelta(days=16)
    assert len(watched(exchange)) == len(told) + 1

"""The book of rights over HTTP: what was granted decides what may be granted, and each row follows from the leaves of the log."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

import engine
from service.client import Client
from service.policies.live import Live
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store.tables import idempotency
from service.telemetry import log_lines
from service.watch.round import run as watch
from service.watch.transactions import writing
from tests.service.conftest import BOTH_DATABASES, Lines, running
from tests.service.ledger.test_races import CALLERS, at_once

POLICIES = Path(__file__).parent / "rights"
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
TODAY = NOON.date()

pytestmark = pytest.mark.usefixtures("audited")


def supply(granter: str, holder: str, **more: Any) -> dict[str, Any]:
    """An exchange by which one party grants another the right to operate an asset."""
    terms = {
        "purposes": ["research", "credit"],
        "territory": ["worldwide"],
        "term": "1 year",
        "exclusive": False,
        "sublicensable": True,
    }
    rights = more.pop("rights", ["operate"])
    return {
        "exporter": {"country": "CN", "id": granter},
        "recipient": {"id": holder},
        "data": {"id": more.pop("asset", "weather")},
        "rights": {"conveyed": rights, "held": ["operate"]},
        "terms": terms | more,
    }


def everything(party: str = "met", asset: str = "weather", **more: Any) -> dict[str, Any]:
    """An opening by which a party may do everything with an asset for ever."""
    right = {
        "right": "operate",
        "purposes": ["research", "credit", "insurance"],
        "territory": ["worldwide"],
        "term": "perpetual",
        "onward": True,
    }
    return {
        "party": party,
        "asset": asset,
        "rights": [right],
        "from": "2026-01-01",
        "complete": True,
        "evidence": [{"kind": "own-production", "attested_by": "Shanghai Data Exchange"}],
        "reason": "registration 2026-17",
        **more,
    }


class Exchange:
    """A data exchange's service with a clock of its own, and what its operator does."""

    def __init__(self, service: Service, client: TestClient, now: list[datetime]) -> None:
        self.service, self.client, self.now = service, client, now

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(path, json=body, headers=headers)

    def evaluate(self, granter: str, holder: str, **more: Any) -> Any:
        answer = self.post("/v1/evaluate", supply(granter, holder, **more))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def page(self, decision: Any) -> Any:
        request = self.client.get(f"/v1/decisions/{decision['id']}").json()["record"]["request"]
        return request.get("books", {}).get("data-rights")

    def commit(self, granter: str, holder: str, **more: Any) -> str:
        answer = self.post("/v1/commitments", {"decision": self.evaluate(granter, holder, **more)["id"]})
        assert answer.status_code == 201, answer.text
        id: str = answer.json()["id"]
        return id


@pytest.fixture
def exchange(database: str, lines: Lines) -> Iterator[Exchange]:
    """A service that has the test's policies."""
    now = [NOON]
    settings = Settings(
        watch=False, watch_commitments=False, policies=POLICIES, database=database, mode="bitset", ledger_since="2026-01-01"
    )
    service = Service.open(settings, say=log_lines.logger(lines), clock=lambda: now[0])
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        yield Exchange(service, client, now)
    service.close()


def test_what_the_book_does_not_keep_is_decided_by_what_is_stated(exchange: Exchange) -> None:
    """Before the first line of an asset there is no page; then there is one of this asset only."""
    first = exchange.evaluate("met", "mill")
    assert first["proceed"]
    assert exchange.page(first) is None
    given = exchange.commit("met", "mill")
    assert exchange.page(exchange.evaluate("met", "mill", asset="tides")) is None
    page = exchange.page(exchange.evaluate("mill", "farm", purposes=["research"]))
    assert page["on"] == TODAY.isoformat()
    assert [(each["sure"], each["by"]) for each in page["holds"]] == [(False, [given])]


def test_a_page_is_the_service_s_alone(exchange: Exchange) -> None:
    """Who sends what the books say is refused."""
    sent = supply("met", "mill") | {"books": {"data-rights": {"on": "2026-11-25"}}}
    refused = exchange.post("/v1/evaluate", sent)
    assert refused.status_code == 400
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/books"]


def test_an_exclusive_grant_bars_the_next_one(exchange: Exchange) -> None:
    """Also where the next one was decided before it: committing looks again. Once it is withdrawn, nothing stands in the way."""
    late = exchange.evaluate("met", "farm")
    assert late["proceed"]
    given = exchange.commit("met", "mill", exclusive=True)
    refused = exchange.evaluate("met", "farm")
    assert refused["outcome"] == "prohibited"
    assert [each["id"] for each in exchange.page(refused)["exclusive"]] == [given]
    moved = exchange.post("/v1/commitments", {"decision": late["id"]})
    assert (moved.status_code, moved.json()["decision"]["outcome"]) == (409, "prohibited")
    record = exchange.client.get(f"/v1/decisions/{moved.json()['decision']['id']}").json()["record"]
    assert record["request"]["books"]["data-rights"]["exclusive"]
    exchange.post(f"/v1/commitments/{given}/withdraw", {"reason": "not signed"})
    assert exchange.evaluate("met", "farm")["proceed"]
    assert exchange.post("/v1/commitments", {"decision": late["id"]}).status_code == 201


def test_an_exclusive_grant_bars_the_next_one_in_any_spelling(exchange: Exchange) -> None:
    """Of the party that granted it, and of the asset; another asset is free."""
    given = exchange.commit("met", "mill", exclusive=True)
    for granter, asset in (("MET", "weather"), ("met ", "Weather"), ("m\u0435t", "w\u200beather"), ("met", "\uff57eather")):
        refused = exchange.evaluate(granter, "farm", asset=asset)
        assert refused["outcome"] == "prohibited", (granter, asset)
        assert [each["id"] for each in exchange.page(refused)["exclusive"]] == [given]
    assert exchange.evaluate("met", "farm", asset="whether")["proceed"]


def test_a_decision_with_a_page_is_replayed_byte_for_byte(exchange: Exchange) -> None:
    """What the book said is in the record."""
    given = exchange.commit("met", "mill", exclusive=True)
    decided = exchange.evaluate("mill", "farm")
    exchange.post(f"/v1/commitments/{given}/withdraw", {"reason": "not signed"})
    assert exchange.page(decided)["holds"]
    other = exchange.evaluate("met", "mill", asset="tides")
    assert exchange.client.get(f"/v1/decisions/{other['id']}/replay").json()["same"] == "bytes"
    replayed = exchange.client.get(f"/v1/decisions/{decided['id']}/replay")
    assert replayed.json()["same"] == "bytes"
    assert replayed.json()["holds"] is True


def opening(exchange: Exchange, party: str = "met", **more: Any) -> Any:
    """Open the book for a party."""
    answer = exchange.post("/v1/rights/openings", everything(party, **more))
    assert answer.status_code == 201, answer.text
    return answer.json()


def lines(exchange: Exchange, path: str = "/v1/assets/weather/rights", **query: str) -> list[Any]:
    """The lines of a reading, page by page."""
    found, cursor = [], None
    while True:
        answer = exchange.client.get(path, params=query | {"limit": "2"} | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        found += answer.json()["lines"]
        cursor = answer.json()["next"]
        if cursor is None:
            return found


def told(found: list[Any]) -> list[tuple[Any, ...]]:
    """The parties of each line, whether it stands, and whether it is proven."""
    return [(each["granter"], each["holder"], each["state"], each["proven"]) for each in found]


def test_a_chain_of_five_grants_is_right_on_each_day(exchange: Exchange) -> None:
    """One in the middle is ended from a day, and one is withdrawn: what hangs on them is no longer proven, and says by what."""
    begun = opening(exchange)
    parties = ["met", "mill", "farm", "bank", "shop", "lab"]
    ids = []
    for number, (granter, holder) in enumerate(pairwise(parties)):
        ids.append(exchange.commit(granter, holder, purposes=["research"]))
        found = lines(exchange)
        assert told(found) == [(None, "met", "stands", True)] + [
            (parties[each], parties[each + 1], "stands", True) for each in range(number + 1)
        ]
        assert found[-1]["reaches"][0]["chain"] == [*reversed(ids), begun["id"]]
    ended = exchange.post(f"/v1/commitments/{ids[3]}/end", {"from": "2026-12-10", "reason": "terminated"})
    assert ended.status_code == 200, ended.text
    assert ended.json()["state"] == "committed"
    assert [each.get("first_day_without") for each in ended.json()["events"]] == [None, "2026-12-10"]
    whole = [(None, "met", "stands", True)] + [(g, h, "stands", True) for g, h in pairwise(parties)]
    assert told(lines(exchange, on="2026-12-09")) == whole
    after = lines(exchange, on="2026-12-10")
    assert told(after) == [*whole[:4], ("shop", "lab", "stands", False)]
    assert after[-1]["missing"] == [ids[3]]
    assert told(lines(exchange, on="2026-12-10", history="true"))[4] == ("bank", "shop", "ended", False)

    exchange.now[0] += timedelta(days=1)
    exchange.post(f"/v1/commitments/{ids[1]}/withdraw", {"reason": "not signed"})
    on = lines(exchange, on="2026-11-26")
    assert told(on) == [
        *whole[:2],
        ("farm", "bank", "stands", False),
        ("bank", "shop", "stands", False),
        ("shop", "lab", "stands", False),
    ]
    assert [each["missing"] for each in on] == [[], [], [ids[1]], [ids[1]], [ids[1]]]
    assert told(lines(exchange, on="2026-11-26", known="2026-11-25")) == whole
    assert told(lines(exchange, on="2026-12-10", known="2026-11-24")) == []
    # With the book as it is, the one whose line is gone may have its rights, and nobody knows; the one before may go on.
    short = {"purposes": ["research"], "term": "6 months"}
    assert exchange.evaluate("farm", "mine", **short)["outcome"] == "undetermined"
    assert exchange.evaluate("mill", "mine", **short)["proceed"]
    # The term of each ended after a year, and nobody has anything but who had it before.
    assert told(lines(exchange, on="2027-11-25")) == whole[:1]


@BOTH_DATABASES
def test_what_a_party_has_and_granted_is_read_in_one_list(exchange: Exchange) -> None:
    """Of all assets; as a table, too, in which no cell is a formula."""
    opening(exchange)
    opening(exchange, "=mill", asset="tides")
    exchange.commit("met", "=mill")
    found = lines(exchange, "/v1/parties/=mill/rights")
    assert sorted((each["asset"], each["granter"], each["holder"]) for each in found) == [
        ("tides", None, "=mill"),
        ("weather", "met", "=mill"),
    ]
    assert told(lines(exchange, "/v1/parties/met/rights")) == [
        (None, "met", "stands", True),
        ("met", "=mill", "stands", True),
    ]
    table = exchange.client.get("/v1/assets/weather/rights", params={"format": "csv", "limit": "1"})
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    heads, row = table.text.splitlines()
    assert heads.startswith("by,kind,asset,right,granter,holder,purposes")
    assert ",opening,weather,operate,,met,credit; insurance; research,worldwide,2026-01-01,perpetual," in row
    (link,) = [table.headers["link"].split(">")[0].removeprefix("<")]
    rest = exchange.client.get(link).text.splitlines()
    assert len(rest) == 2
    assert ",met,'=mill," in rest[1]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"from": "2026-11-24"}, "begin on 2026-11-25"),
        ({"from": "2027-11-25"}, "the last day of the rights is 2027-11-24 anyhow"),
    ],
)
def test_an_end_is_a_day_on_which_the_rights_stand(exchange: Exchange, body: Any, detail: str) -> None:
    """Once, and of rights that there are; a retry gets the first answer."""
    opening(exchange)
    id = exchange.commit("met", "mill")
    path, reason = f"/v1/commitments/{id}/end", {"reason": "terminated"}
    refused = exchange.post(path, body | reason)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:fifthfactor:problem:not-endable")
    assert detail in refused.json()["detail"]
    key = {"Idempotency-Key": "end-1"}
    first, again = (exchange.post(path, {"from": "2026-11-26", **reason}, **key) for _ in range(2))
    assert (first.status_code, again.status_code, again.headers["Idempotency-Replayed"]) == (200, 200, "true")
    assert exchange.post(path, {"from": "2026-11-27", **reason}).status_code == 409
    nothing = exchange.commit("met", "mill", rights=[])
    assert (
        "granted no rights"
        in exchange.post(f"/v1/commitments/{nothing}/end", {"from": "2026-11-26", **reason}).json()["detail"]
    )


@BOTH_DATABASES
def test_an_opening_counts_until_it_is_withdrawn(exchange: Exchange) -> None:
    """Within a complete book, more than it has is refused; once the opening is gone, nothing is known."""
    begun = opening(
        exchange,
        rights=[{"right": "operate", "purposes": ["research"], "territory": ["CN"], "term": "3 years", "onward": True}],
    )
    assert begun["rights"][0]["until"] == "2028-12-31"
    assert exchange.evaluate("met", "mill", purposes=["research"], territory=["CN"])["proceed"]
    for beyond in ({"purposes": ["credit"]}, {"territory": ["KE"]}, {"term": "perpetual"}, {"rights": ["use"]}):
        more = {"purposes": ["research"], "territory": ["CN"]} | beyond
        assert exchange.evaluate("met", "mill", **more)["outcome"] == "prohibited", beyond
    gone = exchange.post(f"/v1/rights/openings/{begun['id']}/withdraw", {"reason": "another party's"})
    assert gone.json()["withdrawn_reason"] == "another party's"
    assert exchange.page(exchange.evaluate("met", "mill")) is None
    assert exchange.post(f"/v1/rights/openings/{begun['id']}/withdraw", {"reason": "again"}).status_code == 409
    (listed,) = exchange.client.get("/v1/rights/openings", params={"asset": "weather"}).json()["openings"]
    assert listed == gone.json()
    assert exchange.client.get("/v1/rights/openings", params={"party": "mill"}).json()["openings"] == []


def test_a_wrong_opening_names_its_places(exchange: Exchange) -> None:
    """A right that the vocabulary does not have, two terms, and nothing that is said."""
    for rights, complete, pointer in (
        ([{"right": "own"}], True, "/rights/0/right"),
        ([{"right": "use", "territory": ["Mars"]}], True, "/rights/0/territory"),
        ([{"right": "use", "term": "1 year", "until": "2027-01-01"}], True, "/rights/0/until"),
        ([], False, "/rights"),
    ):
        sent = {"party": "met", "asset": "weather", "from": "2026-01-01", "evidence": [], "reason": "none"}
        answer = exchange.post("/v1/rights/openings", {**sent, "rights": rights, "complete": complete})
        assert answer.status_code == 400, answer.text
        assert answer.json()["errors"][0]["pointer"].startswith(pointer), answer.text


def test_an_erased_name_is_null_in_the_readings(exchange: Exchange) -> None:
    """Of a decision whose values are erased, and of a party that is erased from the register."""
    exchange.client.put("/v1/parties/met", json={"facts": {"country": "CN"}})
    opening(exchange)
    id = exchange.commit("met", "mill")
    evaluation = exchange.client.get(f"/v1/commitments/{id}").json()["evaluation"]
    exchange.now[0] += timedelta(days=400)
    assert exchange.post(f"/v1/decisions/{evaluation}/erase").status_code == 200
    assert exchange.client.delete("/v1/parties/met", params={"erase": "true"}).status_code == 200
    found = lines(exchange, on="2026-11-26")
    assert told(found) == [(None, None, "stands", True), (None, None, "stands", True)]
    assert [each["asset"] for each in found] == ["weather", "weather"]


@BOTH_DATABASES
def test_a_retry_does_not_name_a_party_that_was_erased(exchange: Exchange) -> None:
    """Neither by its id nor by an alias; what names somebody else is answered again."""
    for party, aliases in (("met", ["met-office"]), ("farm", [])):
        exchange.client.put(f"/v1/parties/{party}", json={"facts": {"country": "CN"}, "aliases": aliases})
    retries = {key: (everything(party), key) for key, party in (("k-1", "met"), ("k-2", "met-office"), ("k-3", "farm"))}
    for sent, key in retries.values():
        assert exchange.post("/v1/rights/openings", sent, **{"Idempotency-Key": key}).json()["party"] in ("met", "farm")
    assert exchange.client.delete("/v1/parties/met", params={"erase": "true"}).status_code == 200
    again = {key: exchange.post("/v1/rights/openings", sent, **{"Idempotency-Key": key}) for sent, key in retries.values()}
    assert {key: each.status_code for key, each in again.items()} == {"k-1": 410, "k-2": 410, "k-3": 201}
    with exchange.service.store.database.reading.connect() as connection:
        assert not [row for row in connection.execute(sa.select(idempotency.c.body)) if b"met" in bytes(row.body or b"")]


@BOTH_DATABASES
def test_an_amendment_replaces_what_was_granted(exchange: Exchange) -> None:
    """The new lines are made on its day; those of before never stood."""
    opening(exchange)
    first = exchange.commit("met", "mill", exclusive=True)
    wrong = exchange.evaluate("met", "farm", exclusive=False)
    other = exchange.evaluate("met", "mill", purposes=["credit"])
    amended = exchange.post(f"/v1/commitments/{first}/amend", {"decision": other["id"], "reason": "for credit only"})
    assert amended.status_code == 201, amended.text
    assert [(each["by"], each["purposes"]) for each in lines(exchange)][1:] == [(amended.json()["id"], ["credit"])]
    assert [each["state"] for each in lines(exchange, history="true")] == ["stands", "withdrawn", "stands"]
    assert (wrong["outcome"], exchange.evaluate("met", "farm")["proceed"]) == ("prohibited", True)


def test_an_exchange_of_nobody_knows_whom_binds_nobody(exchange: Exchange) -> None:
    """Its line has no granter; where the asset is kept and the exporter is not stated, nothing is known of its rights."""
    unknown = exchange.evaluate("unknown", "mill", exclusive=True)
    assert exchange.page(unknown) is None
    assert exchange.post("/v1/commitments", {"decision": unknown["id"]}).status_code == 201
    assert told(lines(exchange)) == [(None, "mill", "stands", False)]
    asked = exchange.evaluate("unknown", "farm")
    assert exchange.page(asked) == {"on": "2026-11-25", "known": False}
    assert asked["outcome"] == "undetermined"
    opening(exchange)
    assert exchange.evaluate("met", "farm")["proceed"]


def test_a_change_of_the_policies_leaves_what_was_granted(exchange: Exchange) -> None:
    """Counting again counts counters, and no rights."""
    opening(exchange)
    exchange.commit("met", "mill", exclusive=True)
    sources = {path.name: path.read_bytes() for path in POLICIES.glob("*.yaml")}
    sources["rules.yaml"] = sources["rules.yaml"].replace(b"cite: Art. 1", b"cite: Art. 11")
    exchange.service.policies.live = Live.of(engine.load_sources(sources), "bitset")
    before = lines(exchange)
    assert exchange.post("/v1/ledger/recount").json()["left"] == []
    assert lines(exchange) == before
    assert exchange.evaluate("met", "farm")["outcome"] == "prohibited"


def test_the_watch_tells_when_a_right_is_gone(exchange: Exchange) -> None:
    """Of the grants that hang on a line which is withdrawn, or which ends before they do; never of the line itself."""
    opening(exchange)
    first = exchange.commit("met", "mill")
    second = exchange.commit("mill", "farm", term="6 months")
    third = exchange.commit("met", "shop")
    fourth = exchange.commit("shop", "lab", term="6 months")
    exchange.commit("met", "bank", exclusive=True, purposes=["insurance"])
    exchange.now[0] += timedelta(days=30)
    assert watched(exchange) == []
    exchange.post(f"/v1/commitments/{first}/end", {"from": "2026-12-28", "reason": "terminated"})
    assert watched(exchange) == [("expected", second, "2026-12-28", "undetermined", ["rights"])]
    exchange.post(f"/v1/commitments/{third}/withdraw", {"reason": "not signed"})
    assert watched(exchange)[1:] == [("moved", fourth, "2026-12-25", "undetermined", ["rights"])]


def watched(exchange: Exchange) -> list[tuple[Any, ...]]:
    """What the watch has told after a round."""
    assert watch(exchange.service, writing(exchange.service), exchange.now[0].date()).whole
    events = exchange.client.get("/v1/watch/events").json()["events"]
    return [
        (each["type"].split(".")[3], each["subject"], *(each["data"][name] for name in ("since", "after", "causes")))
        for each in events
    ]


@pytest.mark.parametrize("processes", [1, 2])
@BOTH_DATABASES
def test_of_fifty_exclusive_grants_one_is_committed(database: str, tmp_path: Path, processes: int) -> None:
    """Each is permitted when it is decided; whoever comes second, on whichever server, is told what stands in the way."""
    with ExitStack() as stack:
        options = ("--policies", str(POLICIES), "--mode", "bitset")
        servers = [stack.enter_context(running(database, *options, folder=tmp_path)) for _ in range(processes)]
        with Client(servers[0].address) as desk:
            sent = everything()
            given = {"evidence": sent["evidence"], "reason": sent["reason"], "first": date(2026, 1, 1), "complete": True}
            begun = desk.open_rights("met", "weather", sent["rights"], **given)
            assert [*desk.rights_openings(party="met")] == [begun]
        barrier = threading.Barrier(CALLERS)

        def one(client: httpx.Client, number: int) -> httpx.Response:
            decided = client.post("/v1/evaluate", json=supply("met", f"mill-{number}", exclusive=True)).json()
            assert decided["proceed"], decided
            barrier.wait()
            return client.post("/v1/commitments", json={"decision": decided["id"]})

        answers = at_once(servers, one)
        assert Counter(each.status_code for each in answers) == {201: 1, 409: CALLERS - 1}
        assert {each.json()["decision"]["outcome"] for each in answers if each.status_code == 409} == {"prohibited"}
        with Client(servers[-1].address) as desk:
            first, second = desk.rights_of_asset("weather", history=True)
            assert (first.kind, first.until, second.kind, second.exclusive, second.proven) == (
                "opening", "perpetual", "grant", True, True
            )  # fmt: skip
            assert [*desk.rights_of_party("met", on=second.since, known=second.since)] == [first, second]
            assert desk.end(second.by, second.since, "terminated").state == "committed"
            assert desk.withdraw_opening(begun.id, "another party's").withdrawn_reason == "another party's"
            assert [*desk.rights_of_asset("weather")] == []


def test_a_browser_is_shown_the_rights_in_an_asset(exchange: Exchange) -> None:
    """As a table, in either language; what a name holds is no HTML."""
    opening(exchange)
    exchange.commit("met", "<b>mill</b>", exclusive=True)
    page = exchange.client.get("/ledger/rights", params={"asset": "weather"})
    assert page.status_code == 200
    assert "&lt;b&gt;mill&lt;/b&gt;" in page.text
    assert page.text.count("stands, proven") == 2
    assert "不可转授权" not in page.text
    assert "独家" in exchange.client.get("/ledger/rights", params={"asset": "weather", "lang": "zh"}).text
    assert exchange.client.get("/ledger/rights").status_code == 200
    assert exchange.client.get("/ledger/rights", params={"asset": "weather", "on": "soon"}).status_code == 400


@BOTH_DATABASES
def test_a_party_sees_its_own_rights_only(exchange: Exchange) -> None:
    """What it has and what it granted, of an asset and in all; another party's are refused, and it ends its own grants only."""
    assert exchange.post("/v1/rights/openings", everything()).status_code == 201
    first = exchange.commit("met", "mill")
    second = exchange.commit("mill", "farm")
    exchange.commit("met", "shop")
    made = exchange.post("/v1/keys", {"name": "mill", "scopes": ["commit", "read"], "party": "mill"})
    key = {"Authorization": f"Bearer {made.json()['key']}"}
    for path in ("/v1/assets/weather/rights", "/v1/parties/mill/rights"):
        lines = exchange.client.get(path, headers=key).json()["lines"]
        assert {(each["granter"], each["holder"]) for each in lines} == {("met", "mill"), ("mill", "farm")}, path
    assert exchange.client.get("/v1/parties/farm/rights", headers=key).status_code == 403
    ending = {"from": "2026-12-01", "reason": "terminated"}
    assert exchange.post(f"/v1/commitments/{first}/end", ending, **key).status_code == 404
    assert exchange.post(f"/v1/commitments/{second}/end", ending, **key).status_code == 200

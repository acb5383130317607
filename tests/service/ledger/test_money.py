"""Counters of money over HTTP, on both databases: exact sums by period and currency, against maxima that the register has."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

import engine
from service.log.record import Record
from service.policies.live import Live
from service.service import Service
from service.store.tables import counter_sum
from tests.service.conftest import BOTH_DATABASES, Lines
from tests.service.ledger.desk import JSON, NOON, before_ids_were_asked, desks

POLICIES = Path(__file__).parent / "money_policies"
NEXT_YEAR = datetime(2027, 2, 1, 12, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("audited")


@dataclass
class Desk:
    """A service with a clock of its own, and an operator who sells under an authorisation."""

    service: Service
    client: TestClient
    now: list[datetime] = field(default_factory=lambda: [NOON])

    def post(self, path: str, body: Any = None) -> Any:
        return self.client.post(path, content=json.dumps(body) if body is not None else b"", headers=JSON)

    def allow(self, maximum: str | None, first: str = "2026-01-01", last: str = "2026-12-31", id: str = "gz-1") -> None:
        """State a period of an authorisation, with its maximum."""
        facts = {"terms": {"allowed_income": maximum}} if maximum else {}
        sent = {"facts": facts, "valid_from": first, "valid_until": last}
        answer = self.client.put(f"/v1/entities/authorisation/{id}", json=sent)
        assert answer.status_code in (200, 201), answer.text

    def evaluate(self, price: Any, id: str | None = "gz-1", **terms: Any) -> Any:
        sent = {
            "exporter": {"id": "operator", "country": "CN"},
            "authorisation": {"id": id} if id else {},
            "terms": {"price": price, "public": True, **terms},
        }
        answer = self.post("/v1/evaluate", sent)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def commit(self, price: Any, id: str | None = "gz-1", **terms: Any) -> Any:
        answer = self.post("/v1/commitments", {"decision": self.evaluate(price, id, **terms)["id"]})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def counter(self, id: str = "gz-1") -> Any:
        answer = self.client.get("/v1/counters", params={"counter": "terms.income", "authorisation.id": id})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def income(self, id: str = "gz-1") -> tuple[str, str | None]:
        count = self.counter(id)["counts"]["terms.income"]
        return count["at_least"], count.get("at_most")

    def record(self, id: str) -> Any:
        return self.client.get(f"/v1/decisions/{id}").json()["record"]

    def reload(self, old: str, new: str) -> None:
        """Put changed policies in the place of those that decide."""
        sources = {path.name: path.read_text() for path in POLICIES.glob("*.yaml")}
        assert old in sources["vocabulary.yaml"]
        sources["vocabulary.yaml"] = sources["vocabulary.yaml"].replace(old, new)
        bundle = engine.load_sources({name: text.encode() for name, text in sources.items()})
        self.service.policies.live = Live.of(bundle, "bitset")


@pytest.fixture
def opened(database: str, lines: Lines) -> Iterator[Any]:
    """Opens desks on one database."""
    with desks(lines, Desk, policies=POLICIES, database=database, mode="durable") as open:
        yield open


@pytest.fixture
def desk(opened: Any) -> Desk:
    """A service whose ledger is complete, with an authorisation that may bring in a thousand yuan this year."""
    desk: Desk = opened(ledger_since="2020-01-01")
    desk.allow("1000 CNY")
    return desk


def test_the_income_is_counted_to_the_maximum_and_no_further(desk: Desk) -> None:
    """The sum includes the exchange itself; at the maximum it is permitted, a hundredth above it is not."""
    first = desk.commit("600.10 CNY")
    assert first["moved"] == [
        {
            "fact": "terms.income",
            "day": "2026-11-25",
            "at_least": "600.10 CNY",
            "at_most": "600.10 CNY",
            "counts": True,
        }
    ]
    assert first["counters"]["terms.income"] == {
        "before": {"at_least": "0.00 CNY", "at_most": "0.00 CNY"},
        "after": {"at_least": "600.10 CNY", "at_most": "600.10 CNY"},
    }
    refused = desk.evaluate("399.91 CNY")
    assert (refused["proceed"], refused["outcome"]) == (False, "prohibited")
    assert desk.record(refused["id"])["counted"] == {
        "terms.income": {"from": "ledger", "at_least": "1000.01 CNY", "at_most": "1000.01 CNY"}
    }
    done = desk.commit("399.90 CNY")
    assert desk.record(done["evaluation"])["request"]["terms"]["income"] == "1000.00 CNY"
    assert desk.income() == ("1000.00 CNY", "1000.00 CNY")
    told = desk.counter()
    assert told["window"] == {"first": "2026-01-01", "last": "2026-11-25"}
    assert (told["period"], told["complete"]) == ({"maximum": "1000 CNY"}, True)
    assert not desk.evaluate("0.0001 CNY")["proceed"]
    assert desk.evaluate("0 CNY")["proceed"]
    assert desk.income() == ("1000.00 CNY", "1000.00 CNY")


def test_a_record_is_decided_again_with_its_sum(desk: Desk) -> None:
    """From the record alone: an exact sum, one that is open above, and one that was stated."""
    desk.commit("600 CNY")
    for id, more in (("gz-1", {}), ("gz-1", {"income": "900 CNY"}), ("gz-2", {"income": {"at_least": "5 CNY"}})):
        decided = desk.evaluate("5 CNY", id, **more)
        again = desk.client.get(f"/v1/decisions/{decided['id']}/replay").json()
        assert (again["holds"], again["same"], again["differences"]) == (True, "bytes", [])


def test_ten_thousandths_are_kept(desk: Desk) -> None:
    """No amount is rounded, and three thirds are what they are."""
    for _ in range(3):
        desk.commit("0.3333 CNY")
    assert desk.income() == ("0.9999 CNY", "0.9999 CNY")


def test_a_withdrawal_and_an_amendment_take_it_back(desk: Desk) -> None:
    """What did not happen is no income; what happened otherwise counts as it happened."""
    first, second = desk.commit("500 CNY"), desk.commit("400 CNY")
    assert desk.post(f"/v1/commitments/{first['id']}/withdraw", {"reason": "the buyer withdrew"}).status_code == 200
    assert desk.income() == ("400.00 CNY", "400.00 CNY")
    instead = desk.evaluate("990 CNY")
    assert not instead["proceed"]  # beside the one that it replaces
    answer = desk.post(f"/v1/commitments/{second['id']}/amend", {"decision": instead["id"], "reason": "the true price"})
    assert answer.status_code == 201, answer.text
    assert desk.income() == ("990.00 CNY", "990.00 CNY")
    assert [each["counts"] for each in desk.client.get(f"/v1/commitments/{second['id']}").json()["moved"]] == [False]


def test_what_exceeds_a_period_is_carried_into_the_next_recorded_one(desk: Desk) -> None:
    """A maximum that is corrected downwards leaves an excess; the next period begins with it, also after a gap, and so on."""
    desk.commit("900 CNY")
    desk.allow("700 CNY")
    desk.allow("300 CNY", "2027-02-01", "2027-02-28")
    desk.allow("1000 CNY", "2027-03-01", "2027-12-31")
    desk.now[0] = NEXT_YEAR
    told = desk.counter()
    assert told["period"] == {"maximum": "300 CNY", "carried": {"at_least": "200.00 CNY", "at_most": "200.00 CNY"}}
    assert told["counts"]["terms.income"] == {"at_least": "200.00 CNY", "at_most": "200.00 CNY"}
    assert not desk.evaluate("100.01 CNY")["proceed"]
    desk.commit("60 CNY")
    desk.now[0] = datetime(2027, 3, 1, 12, tzinfo=UTC)
    assert desk.counter()["period"] == {"maximum": "1000 CNY"}  # 260 of 300
    desk.allow("50 CNY", "2027-02-01", "2027-02-28")  # a later version of an earlier day replaces what came after
    desk.allow("1000 CNY", "2027-03-01", "2027-12-31")
    assert desk.income() == ("210.00 CNY", "210.00 CNY")


def test_an_excess_is_carried_through_any_number_of_periods(opened: Any) -> None:
    """Sixty periods of a day, each with a maximum of ten hundredths: six yuan of ten are used up, four are left for today."""
    desk = opened()
    for number in range(60):
        day = (date(2026, 9, 1) + timedelta(days=number)).isoformat()
        desk.allow("0.10 CNY", day, day)
    desk.allow("1000 CNY", "2026-11-01")
    opening = {"counter": "terms.income", "per": {"authorisation.id": "gz-1"}, "on": "2026-09-01", "reason": "accounts"}
    assert desk.post("/v1/ledger/openings", {**opening, "counts": {"terms.income": "10 CNY"}}).status_code == 201
    assert desk.income() == ("4.00 CNY", "4.00 CNY")


def test_outside_every_period_nothing_is_counted_and_it_is_asked(desk: Desk) -> None:
    """After its last day an authorisation cannot be named; one that the register does not have leaves income and maximum open."""
    desk.now[0] = NEXT_YEAR
    sent = {"exporter": {"country": "CN"}, "authorisation": {"id": "gz-1"}, "terms": {"price": "1 CNY", "public": True}}
    answer = desk.post("/v1/evaluate", sent)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "entity-expired")
    unknown = desk.evaluate("1 CNY", "gz-2")
    assert {each["fact"] for each in unknown["questions"]} == {"terms.income", "terms.allowed_income"}
    nameless = desk.evaluate("1 CNY", None)
    assert [each["fact"] for each in nameless["questions"]] == ["authorisation.id", "terms.allowed_income"]
    answer = desk.client.get("/v1/counters", params={"counter": "terms.income", "authorisation.id": "gz-2"})
    assert answer.status_code == 404


def test_another_currency_leaves_the_sum_open_above(desk: Desk) -> None:
    """Nothing is converted: what is certain stays certain, and nobody knows whether the maximum is kept."""
    desk.commit("400 CNY")
    foreign = desk.evaluate("10 USD")
    assert foreign["outcome"] == "undetermined"
    desk.allow("10 USD", id="gz-usd")
    desk.commit("10 USD", "gz-usd")
    desk.allow("1000 CNY", id="gz-usd")  # corrected: another currency
    assert desk.counter("gz-usd")["counts"]["terms.income"] == {"at_least": "0.00 CNY"}
    assert desk.counter("gz-usd")["other_currencies"] == [{"at_least": "10.00 USD", "at_most": "10.00 USD"}]
    assert desk.evaluate("1 CNY", "gz-usd")["outcome"] == "undetermined"
    assert desk.evaluate("1000.01 CNY", "gz-usd")["outcome"] == "prohibited"  # whatever ten dollars are


def test_whoever_states_another_maximum_is_held_to_the_stricter_one(desk: Desk) -> None:
    """The register's maximum stands beside the stated one, in both directions."""
    desk.commit("500 CNY")
    assert desk.evaluate("501 CNY", allowed_income="5000 CNY")["proceed"] is False
    assert desk.evaluate("400 CNY", allowed_income="800 CNY")["proceed"] is False
    assert desk.evaluate("400 CNY", allowed_income="1000 CNY")["proceed"] is True
    told = desk.evaluate("501 CNY", allowed_income="5000 CNY")
    assert told["disputed"][0]["registered"] == "1000 CNY"


def test_a_sale_without_its_authorisation_widens_every_one(desk: Desk) -> None:
    """One of before ids were asked may belong to any; a sale that is not under an authorisation belongs to none."""
    with before_ids_were_asked():
        desk.commit("300 CNY", None, income="300 CNY", allowed_income="1000 CNY")
    assert desk.income() == ("0.00 CNY", "300.00 CNY")
    assert desk.evaluate("800 CNY")["outcome"] == "undetermined"
    desk.commit("900 CNY", None, public=False)
    assert desk.income() == ("0.00 CNY", "300.00 CNY")


def test_an_opening_says_what_was_taken_in_before(opened: Any) -> None:
    """With it the ledger is complete, and it includes what earlier periods carried into this one."""
    desk = opened()
    desk.allow("500 CNY", "2025-01-01", "2025-12-31")
    desk.allow("1000 CNY")
    desk.commit("1 CNY", income="1 CNY")
    told = desk.counter()
    assert (told["counts"], told["complete"]) == ({"terms.income": {"at_least": "1.00 CNY"}}, False)
    opening = {
        "counter": "terms.income",
        "per": {"authorisation.id": "gz-1"},
        "on": "2026-01-01",
        "counts": {"terms.income": {"at_least": "600 CNY", "at_most": "650.50 CNY"}},
        "reason": "accounts of 2025",
    }
    answer = desk.post("/v1/ledger/openings", opening)
    assert answer.status_code == 201, answer.text
    assert answer.json()["counts"] == {"terms.income": {"at_least": "600.00 CNY", "at_most": "650.50 CNY"}}
    assert desk.income() == ("601.00 CNY", "651.50 CNY")
    assert (desk.counter()["complete"], desk.counter()["period"]) == (True, {"maximum": "1000 CNY"})
    assert desk.evaluate("348.50 CNY")["proceed"]
    assert desk.evaluate("399.01 CNY")["outcome"] == "prohibited"
    assert desk.evaluate("350 CNY")["outcome"] == "undetermined"
    bad = desk.post("/v1/ledger/openings", {**opening, "counts": {"terms.income": 600}})
    assert bad.status_code == 400


def test_a_stated_income_counts_as_the_settings_say(opened: Any) -> None:
    """It is never below the certain sum of the ledger; where callers state none, it is refused; below the price, always."""
    desk = opened(callers_counts="trust", ledger_since="2020-01-01")
    desk.allow("1000 CNY")
    desk.commit("100 CNY")
    mark = desk.record(desk.evaluate("10 CNY", income="500 CNY")["id"])["counted"]["terms.income"]
    Record.model_validate(desk.record(desk.evaluate("10 CNY", income={"at_least": "500 CNY"})["id"]))
    assert mark == {"from": "caller", "at_least": "500.00 CNY", "at_most": "500.00 CNY", "brought": "500 CNY"}
    mark = desk.record(desk.evaluate("10 CNY", income="50 CNY")["id"])["counted"]["terms.income"]
    assert (mark["from"], mark["at_least"], mark["brought"]) == ("both", "110.00 CNY", "50 CNY")
    desk.commit("10 CNY", income="500 CNY")
    sent = {"exporter": {"country": "CN"}, "terms": {"price": "10 CNY", "income": "9.99 CNY"}}
    assert desk.post("/v1/evaluate", sent).json()["errors"][0]["code"] == "counter-below"
    strict = opened(callers_counts="refuse", ledger_since="2020-01-01")
    refused = strict.post("/v1/evaluate", {"terms": {"income": "9.99 CNY"}})
    assert refused.json()["errors"][0]["code"] == "counter-brought"


@BOTH_DATABASES
def test_changed_policies_are_counted_again(desk: Desk) -> None:
    """Until then the sum has no upper end; afterwards it is as the new meaning says."""
    desk.commit("300 CNY")
    desk.reload("      - terms.public: yes", "      - exporter.country: CN")
    assert (desk.income(), desk.counter()["recount"]) == (("0.00 CNY", None), True)
    assert desk.post("/v1/ledger/recount").json() == {"recounted": 1, "left": []}
    assert (desk.income(), desk.counter()["recount"]) == (("300.00 CNY", "300.00 CNY"), False)


def test_an_authorisation_states_what_the_vocabulary_names(desk: Desk) -> None:
    """Another fact, a wrong sum and a document are refused; what is exported is imported unchanged."""
    wrong = {"facts": {"terms": {"allowed_income": "5"}, "colour": "red"}, "evidence": {"paper": {"dated": "2026-01-01"}}}
    path = "/v1/entities/authorisation/gz-2"
    for part, places in (
        ({"evidence": wrong["evidence"]}, ["/evidence"]),
        ({"facts": wrong["facts"]}, ["/facts/colour", "/facts/terms/allowed_income"]),
        ({"facts": {"authorisation": {"id": "x"}}}, ["/facts/authorisation"]),
    ):
        refused = desk.client.put(path, json=part)
        assert (refused.status_code, [each["pointer"] for each in refused.json()["errors"]]) == (400, places)
    table = desk.client.get("/v1/register/export?format=csv").content
    assert b"gz-1" in table
    imported = desk.client.post("/v1/register/import", content=table, headers={"content-type": "text/csv"})
    assert imported.json() == {"created": 0, "changed": 0, "unchanged": 1}


def test_a_counter_as_a_table(desk: Desk) -> None:
    """One row for the sum and one for each other currency; an empty cell is an end that nobody knows."""
    desk.commit("500.5 CNY")
    query = {"counter": "terms.income", "authorisation.id": "gz-1", "format": "csv"}
    answer = desk.client.get("/v1/counters", params=query)
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.splitlines() == [
        "authorisation.id,counter,fact,first,last,currency,at_least,at_most,maximum,complete,recount",
        "gz-1,terms.income,terms.income,2026-01-01,2026-11-25,CNY,500.50,500.50,1000,yes,no",
    ]
    desk.allow("5 USD")
    assert desk.client.get("/v1/counters", params=query).text.splitlines()[1:] == [
        "gz-1,terms.income,terms.income,2026-01-01,2026-11-25,USD,0.00,,5,yes,no",
        "gz-1,terms.income,terms.income,2026-01-01,2026-11-25,CNY,500.50,500.50,,yes,no",
    ]
    assert desk.client.get("/v1/counters", params={**query, "format": "xml"}).status_code == 400


@BOTH_DATABASES
def test_a_changed_sum_is_found(desk: Desk, audited: list[str]) -> None:
    """A row that somebody changed by hand differs from the leaves of the log."""
    desk.commit("300 CNY")
    with desk.service.store.database.transaction() as transaction:
        here = counter_sum.c.period == "all"
        row = transaction.execute(sa.select(counter_sum).where(here)).one()
        assert "3000000" in row.sums
        transaction.execute(sa.update(counter_sum).where(here).values(sums=row.sums.replace("3000000", "1")))
    audited.append(
        f"the leaves say otherwise than the row `counter_sum` (meaning {row.meaning}, key {row.key}, period all) in `sums`"
    )
    subject = f"counter/{row.meaning}/{row.key}"[:120]
    audited.append(f"the rows of `{subject}` do not have the seal of the log's key")


def test_random_sales_are_what_a_plain_sum_says(desk: Desk) -> None:
    """Sales, withdrawals and amendments in two currencies and two periods against a model that adds them up anew each time."""
    chance = random.Random(7)
    desk.allow("2000 CNY", "2027-01-01", "2027-12-31")
    model: dict[str, tuple[date, Decimal, str]] = {}
    for step in range(60):
        if step == 35:
            desk.now[0] = NEXT_YEAR
        day = desk.now[0].date()
        price, currency = Decimal(chance.randrange(0, 900_000)) / 10_000, chance.choice(["CNY", "CNY", "CNY", "USD"])
        told = {"income": f"{price:f} {currency}", "allowed_income": f"99999 {currency}"} if currency == "USD" else {}
        old = chance.choice([*model]) if model and chance.random() < 0.4 else ""
        if old and chance.random() < 0.6:
            assert desk.post(f"/v1/commitments/{old}/withdraw", {"reason": "no"}).status_code == 200
            del model[old]
        else:
            decision = desk.evaluate(f"{price:f} {currency}", None if told else "gz-1", **told)["id"]
            path, more = (f"/v1/commitments/{old}/amend", {"reason": "so"}) if old else ("/v1/commitments", {})
            answer = desk.post(path, {"decision": decision, **more})
            if answer.status_code == 201:
                model.pop(old, None)
                model[answer.json()["id"]] = (day, Decimal(0) if told else price, currency)
        year = [each for each in model.values() if each[0].year == day.year]
        before = [each for each in model.values() if each[0].year < day.year]
        low = sum((each[1] for each in year), Decimal(0)) + max(
            Decimal(0), sum((each[1] for each in before), Decimal(0)) - 1000
        )
        at_least, at_most = desk.income()
        assert Decimal(at_least.removesuffix(" CNY")) == low
        assert (at_most is None) == any(each[2] == "USD" for each in [*year, *before])
        assert at_most in (None, at_least)

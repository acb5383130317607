"""What becomes of lines: reported as paid in parts, confirmed, disputed, settled, refunded, and overdue."""

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from service.ledger.counter_book import Book
from service.ledger.overdue_benefits import overdue_lines
from tests.service.callers.test_callers import bearer
from tests.service.conftest import BOTH_DATABASES
from tests.service.ledger.desk import JSON, NOON, Desk, desk, opened
from tests.service.ledger.test_benefits import SALE, lines

__all__ = ["desk", "opened"]
pytestmark = pytest.mark.usefixtures("audited")

DOCUMENT = "ab" * 32
LINES = "/v1/ledger/benefits"


def pay(desk: Desk, number: int, amount: str, **more: Any) -> Any:
    """Report that something was paid."""
    body = {"amount": amount, "dated": "2026-11-25", "evidence": "bank-statement", "document": DOCUMENT, **more}
    return desk.post(f"{LINES}/{number}/paid", body)


def done(answer: Any) -> Any:
    """The body of an answer that is a success."""
    assert answer.is_success, answer.text
    return answer.json()


def refused(answer: Any, status: int, word: str) -> None:
    """The answer is a refusal that says this word."""
    assert answer.status_code == status, answer.text
    assert word in answer.json()["detail"], answer.text


def standing(desk: Desk, number: int) -> tuple[Any, ...]:
    """How a line stands: its state, and what is payable, paid, confirmed and disputed of it."""
    line = done(desk.client.get(f"{LINES}/{number}"))
    return tuple(line[name] for name in ("state", "payable", "paid", "confirmed", "disputed"))


def overdue(desk: Desk, payer: str = "clinic", without: str | None = None) -> int | None:
    """How many lines of a payer are overdue on the desk's day."""
    with desk.service.store.database.reading.connect() as connection:
        return overdue_lines(connection, Book(), payer, desk.now[0].date(), without)


def days_later(desk: Desk, days: int) -> None:
    """Move the clock."""
    desk.now[0] = NOON + timedelta(days=days)


@dataclass
class KeyedDesk(Desk):
    """A desk whose caller has a key."""

    key: str = ""

    def post(self, path: str, body: Any = None) -> Any:
        """Send with the key."""
        return self.client.post(path, content=json.dumps(body), headers={**JSON, **bearer(self.key)})

    def get(self, path: str, **query: str) -> Any:
        """Read with the key."""
        return self.client.get(path, params=query, headers=bearer(self.key))


def with_keys(desk: Desk, *parties: str) -> list[KeyedDesk]:
    """The desk as the operator, and as each of some parties."""
    scopes = ["evaluate", "commit", "read", "administer"]
    ops = KeyedDesk(desk.service, desk.client, desk.now, done(desk.post("/v1/keys", {"name": "ops", "scopes": scopes}))["key"])
    found = [ops]
    for party in parties:
        sent = {"name": party, "scopes": scopes[:3], "party": party}
        found.append(replace(ops, key=done(ops.post("/v1/keys", sent))["key"]))
    return found


@BOTH_DATABASES
def test_a_line_is_paid_in_parts_and_confirmed(desk: Desk) -> None:
    """Parts add up to the amount and not beyond; each rests on a report until it is confirmed."""
    desk.commit(**SALE)
    line = lines(desk, party="agency")[0]
    assert (line["payer"], line["kind"], line["due"], line["state"], line["payable"]) == (
        "clinic", "share", "2026-12-25", "due", "36000.00",
    )  # fmt: skip
    number = line["number"]
    assert done(pay(desk, number, "6000"))["state"] == "due"
    refused(pay(desk, number, "30000.01"), 400, "30000.00")
    refused(pay(desk, number, "0.001"), 400, "finer")
    refused(pay(desk, number, "0"), 400, "above zero")
    refused(pay(desk, number, "1", dated="2026-11-26"), 400, "come")
    told = done(pay(desk, number, "30000.00"))
    assert (told["state"], told["paid"], told["rests_on"]) == ("reported", "36000.00", "stated")
    refused(pay(desk, number, "0.01"), 409, "owed")
    done(desk.post(f"{LINES}/{number}/confirm", {"part": 0}))
    assert standing(desk, number) == ("reported", "36000.00", "36000.00", "6000.00", "0.00")
    told = done(desk.post(f"{LINES}/{number}/confirm", {}))
    assert (told["state"], told["rests_on"]) == ("confirmed", "confirmed")
    parts = done(desk.client.get(f"{LINES}/{number}"))["parts"]
    assert [(each["part"], each["amount"], each["state"]) for each in parts] == [
        (0, "6000.00", "confirmed"), (1, "30000.00", "confirmed"),
    ]  # fmt: skip
    refused(desk.post(f"{LINES}/{number}/confirm", {}), 409, "reported")
    refused(pay(desk, 99, "1"), 404, "no line")
    assert [each["number"] for each in lines(desk, state="confirmed")] == [number]
    assert [each["number"] for each in lines(desk, state="due")] == [each for each in range(4) if each != number]


@BOTH_DATABASES
def test_a_dispute_counts_as_not_paid_until_it_is_settled(desk: Desk) -> None:
    """The same part can be paid again meanwhile; found paid after all, what is too much is owed back."""
    desk.commit(**SALE)
    number = lines(desk, role="public")[0]["number"]
    done(pay(desk, number, "15000"))
    assert overdue(desk) == 0
    told = done(desk.post(f"{LINES}/{number}/dispute", {"reason": "nothing came"}))
    assert (told["state"], told["paid"], told["disputed"]) == ("disputed", "0.00", "15000.00")
    days_later(desk, 31)
    assert overdue(desk) == 4
    assert overdue(desk, "agency") == 0
    done(pay(desk, number, "15000"))
    assert overdue(desk) == 3
    done(desk.post(f"{LINES}/{number}/settle", {"part": 0, "paid": True, "reason": "the bank found it"}))
    assert standing(desk, number) == ("claim", "15000.00", "30000.00", "15000.00", "0.00")
    refused(pay(desk, number, "15000"), 409, "back")
    done(pay(desk, number, "15000", back=True))
    assert standing(desk, number) == ("confirmed", "15000.00", "15000.00", "15000.00", "0.00")
    parts = done(desk.client.get(f"{LINES}/{number}"))["parts"]
    assert [(each["state"], each["back"], each.get("reason")) for each in parts] == [
        ("found-paid", False, "the bank found it"), ("reported", False, None), ("reported", True, None),
    ]  # fmt: skip


@BOTH_DATABASES
def test_a_refund_settles_the_rest_anew_and_a_withdrawal_reverses_it(desk: Desk) -> None:
    """What was paid and is no longer payable is a claim against who got it."""
    id = desk.commit(**SALE)["id"]
    agency = lines(desk, party="agency")[0]["number"]
    done(pay(desk, agency, "36000"))
    body = {"amount": "10000.01", "dated": "2026-11-25", "evidence": "credit-note", "document": DOCUMENT}
    told = done(desk.post(f"/v1/commitments/{id}/refund", body))
    assert told == {"commitment": id, "price": "60000.00 CNY", "refunded": "10000.01 CNY", "left": "49999.99 CNY", "changed": 4}
    assert standing(desk, agency) == ("claim", "29999.99", "36000.00", "0.00", "0.00")
    refunds = [each for each in lines(desk) if each["entry"] == "refunded"]
    assert sum(Decimal(each["amount"]) for each in refunds) == Decimal("-10000.01")
    assert {each["of"] for each in refunds} == {0, 1, 2, 3}
    refused(desk.post(f"/v1/commitments/{id}/refund", {**body, "amount": "50000"}), 400, "49999.99")
    assert done(pay(desk, agency, "6000.01", back=True))["state"] == "reported"
    done(desk.post(f"/v1/commitments/{id}/withdraw", {"reason": "no"}))
    assert standing(desk, agency) == ("claim", "0.00", "29999.99", "0.00", "0.00")
    refused(desk.post(f"/v1/commitments/{id}/refund", body), 409, "withdrawn")
    assert sum(Decimal(each["amount"]) for each in lines(desk)) == 0
    days_later(desk, 60)
    assert overdue(desk) == 0
    assert {each["claims"] for each in done(desk.client.get(f"{LINES}/balances?party=agency"))["balances"]} == {"29999.99"}


def test_all_of_a_price_can_be_refunded(desk: Desk) -> None:
    """Nothing is payable then, and the commitment stands."""
    id = desk.commit(**SALE)["id"]
    body = {"amount": "60000", "dated": "2026-11-25", "evidence": "credit-note", "document": DOCUMENT}
    assert done(desk.post(f"/v1/commitments/{id}/refund", body))["left"] == "0.00 CNY"
    assert {each["state"] for each in lines(desk) if each["entry"] == "payable"} == {"nothing"}
    refused(desk.post(f"/v1/commitments/{id}/refund", {**body, "amount": "1"}), 400, "0.00")


@BOTH_DATABASES
def test_each_party_says_only_what_is_its_own_to_say(desk: Desk) -> None:
    """The payer reports, the payee confirms or disputes, the operator settles; nobody else sees the line."""
    id = desk.commit(**SALE)["id"]
    number = lines(desk, party="agency")[0]["number"]
    ops, clinic, agency, firm = with_keys(desk, "clinic", "agency", "firm-a")
    refused(pay(agency, number, "1"), 403, "owes")
    assert done(pay(clinic, number, "36000"))["commitment"] == id
    refused(clinic.post(f"{LINES}/{number}/confirm", {}), 403, "is paid")
    refused(firm.post(f"{LINES}/{number}/confirm", {}), 404, "no line")
    told = done(agency.post(f"{LINES}/{number}/dispute", {"reason": "not here"}))
    assert told["state"] == "disputed"
    assert "commitment" not in told
    refused(agency.post(f"{LINES}/{number}/settle", {"paid": True, "reason": "x"}), 403, "administer")
    done(ops.post(f"{LINES}/{number}/settle", {"paid": False, "reason": "it never left"}))
    assert done(pay(clinic, number, "36000"))["state"] == "reported"
    assert done(agency.post(f"{LINES}/{number}/confirm", {}))["state"] == "confirmed"


@BOTH_DATABASES
def test_an_erasure_takes_the_reason_and_the_document(desk: Desk) -> None:
    """What was paid stays; which document shows it and why it was disputed is gone, from the answers that are kept for retries too."""
    made = desk.commit(**SALE)
    number = lines(desk, role="public")[0]["number"]
    done(pay(desk, number, "15000"))
    dispute, once = {"reason": "nothing came to Dr Li"}, {"Idempotency-Key": "k-1"}
    told = done(desk.client.post(f"{LINES}/{number}/dispute", json=dispute, headers=once))
    assert told == done(desk.client.post(f"{LINES}/{number}/dispute", json=dispute, headers=once))
    done(desk.post(f"/v1/commitments/{made['id']}/withdraw", {"reason": "no"}))
    for decision in (made["decision"], made["evaluation"]):
        done(desk.post(f"/v1/decisions/{decision}/erase"))
    (part,) = done(desk.client.get(f"{LINES}/{number}"))["parts"]
    assert (part["amount"], part["state"]) == ("15000.00", "disputed")
    assert part.keys() & {"document", "reason"} == set()
    again = desk.client.post(f"{LINES}/{number}/dispute", json=dispute, headers=once)
    assert again.status_code == 410, again.text


def test_what_is_overdue_leaves_out_one_commitment_and_what_is_due_today(desk: Desk) -> None:
    """The due day is the last on which it is in time."""
    first, _ = desk.commit(**SALE)["id"], desk.commit(**SALE)
    days_later(desk, 30)
    assert overdue(desk) == 0
    days_later(desk, 31)
    assert (overdue(desk), overdue(desk, without=first)) == (8, 4)
    assert len(lines(desk, state="overdue", payer="clinic")) == 8
    assert lines(desk, due_until="2026-12-24") == []
    assert len(lines(desk, due_until="2026-12-25", kind="public")) == 2
    assert date.fromisoformat(lines(desk)[0]["due"]) == date(2026, 12, 25)

"""References and stages of commitments over HTTP: who gives them, in which order, how they are found, and how they are erased."""

import csv
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import sqlalchemy as sa

from service.audit.deep_verification import DeepVerification
from service.store.tables import commitment_reference
from tests.service.conftest import BOTH_DATABASES
from tests.service.ledger.desk import NOON, Desk, desk, opened

__all__ = ["desk", "opened"]

pytestmark = pytest.mark.usefixtures("audited")
ORDER, CONTRACT = {"kind": "order", "number": "PO-7781"}, {"kind": "contract", "number": "2026-17 王芳"}

SIGNED: dict[str, Any] = {
    "references": {"references": [ORDER]},
    "stages": {"stage": "signed", "on": NOON.date().isoformat(), "evidence": "cd" * 32},
}


def committed(desk: Desk, *references: Any, **more: Any) -> Any:
    answer = desk.post("/v1/commitments", {"decision": desk.evaluate(**more)["id"], "references": [*references]})
    assert answer.status_code == 201, answer.text
    return answer.json()


def reach(desk: Desk, id: str, stage: str, on: str, **more: Any) -> Any:
    return desk.post(f"/v1/commitments/{id}/stages", {"stage": stage, "on": on, **more})


def numbers(made: Any) -> list[tuple[str, str | None]]:
    return [(each["kind"], each.get("number")) for each in made["references"]]


def found(desk: Desk, **query: str) -> list[str]:
    answer = desk.client.get("/v1/commitments", params=query)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["commitments"]]


@BOTH_DATABASES
def test_stages_come_in_their_order_each_on_a_day_that_has_come(desk: Desk) -> None:
    """One may be passed over; none comes back, none lies before the commitment or the stage before it, none in the future."""
    id, day = committed(desk)["id"], NOON.date()
    assert "stage" not in desk.client.get(f"/v1/commitments/{id}").json()
    for on in (day - timedelta(days=1), day + timedelta(days=1)):
        refused = reach(desk, id, "listed", on.isoformat())
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/on")
    assert reach(desk, id, "listed", day.isoformat()).json()["stage"] == "listed"
    desk.now[0] = NOON + timedelta(days=5)
    later = (day + timedelta(days=3)).isoformat()
    told = reach(desk, id, "delivered", later, evidence="ab" * 32).json()
    assert (told["stage"], told["stages"]) == ("delivered", {"listed": day.isoformat(), "delivered": later})
    assert told["events"][-1]["evidence"] == "ab" * 32
    for stage in ("listed", "signed", "delivered"):
        assert reach(desk, id, stage, later).json()["type"].endswith(":stage-reached")
    assert reach(desk, id, "settled", day.isoformat()).status_code == 400
    assert reach(desk, id, "settled", later).status_code == 200
    desk.post(f"/v1/commitments/{id}/withdraw", {"reason": "no"})
    other = committed(desk)["id"]
    desk.post(f"/v1/commitments/{other}/withdraw", {"reason": "no"})
    assert reach(desk, other, "signed", later).json()["type"].endswith(":commitment-ended")
    assert reach(desk, "nobody", "signed", later).status_code == 404


@BOTH_DATABASES
def test_commitments_are_found_by_reference_and_by_stage(desk: Desk) -> None:
    """In the list, its table and its page; a number counts once, in whatever spelling that nobody sees."""
    first, second = committed(desk, ORDER, CONTRACT, ORDER), committed(desk)
    assert numbers(first) == [("order", "PO-7781"), ("contract", "2026-17 王芳")]
    assert desk.client.get(f"/v1/commitments/{first['id']}").json()["references"] == first["references"]
    more = {"references": [{"kind": "invoice", "number": "ＩＮＶ-1\u200b"}, ORDER]}
    told = desk.post(f"/v1/commitments/{first['id']}/references", more).json()
    assert numbers(told) == [*numbers(first), ("invoice", "INV-1")]
    reach(desk, first["id"], "signed", NOON.date().isoformat())
    assert found(desk, reference="INV-1") == found(desk, stage="signed") == [first["id"]]
    assert found(desk, reference="ＰＯ-7781", stage="signed", state="committed") == [first["id"]]
    assert found(desk, stage="none") == [second["id"]]
    assert found(desk, reference="INV-2") == []
    [line] = csv.DictReader(StringIO(desk.client.get("/v1/commitments?stage=signed&format=csv").text))
    assert (line["order"], line["invoice"], line["signed"]) == ("PO-7781", "INV-1", NOON.date().isoformat())
    page = desk.client.get("/ledger?reference=INV-1").text
    assert first["id"] in page
    assert second["id"] not in page
    assert "format=csv" in page
    assert "2026-17 王芳" in desk.client.get(f"/ledger/commitments/{first['id']}").text


@pytest.mark.parametrize("number", ["", "a\nb", "a\x00b", "\u200b", "x" * 129, "\u2028x", "ﷺ" * 20])
def test_a_number_is_one_line_that_somebody_sees(desk: Desk, number: str) -> None:
    """Otherwise nothing is committed; nor with a kind that nobody knows, or more than a commitment may have."""
    sent = {"decision": desk.evaluate()["id"], "references": [{"kind": "order", "number": number}]}
    refused = desk.post("/v1/commitments", sent)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/references/0/number")
    assert desk.post("/v1/commitments", {**sent, "references": [{"kind": "box", "number": "1"}]}).status_code == 400
    many = [{"kind": "order", "number": f"PO-{number}"} for number in range(48)]
    id = desk.post("/v1/commitments", {**sent, "references": many[:16]}).json()["id"]
    assert desk.post(f"/v1/commitments/{id}/references", {"references": many[16:32]}).status_code == 200
    assert desk.post(f"/v1/commitments/{id}/references", {"references": many[32:]}).status_code == 400


@BOTH_DATABASES
def test_an_amendment_keeps_stages_and_references(desk: Desk) -> None:
    """And may bring references of its own; those of the commitment that is replaced stay with it."""
    first = committed(desk, ORDER)
    reach(desk, first["id"], "signed", NOON.date().isoformat(), evidence="cd" * 32)
    sent = {"decision": desk.evaluate(20)["id"], "reason": "fewer", "references": [CONTRACT, ORDER]}
    second = desk.post(f"/v1/commitments/{first['id']}/amend", sent).json()
    assert numbers(second) == [("order", "PO-7781"), ("contract", "2026-17 王芳")]
    assert (second["stage"], second["stages"]) == ("signed", {"signed": NOON.date().isoformat()})
    assert next(each["evidence"] for each in second["events"] if each["kind"] == "signed") == "cd" * 32
    assert found(desk, reference="PO-7781") == [first["id"], second["id"]]


@BOTH_DATABASES
def test_references_are_erased_with_the_record_and_no_leaf_tells_them(desk: Desk) -> None:
    """In the rows, in the openings of the leaves and in the answers that are kept for retries; `verify --deep` finds no fault."""
    store = desk.service.store
    headers = {"content-type": "application/json", "idempotency-key": "once"}
    sent = json.dumps({"decision": desk.evaluate()["id"], "references": [CONTRACT]})
    made = desk.client.post("/v1/commitments", content=sent, headers=headers).json()
    leaves = "SELECT leaf FROM tree_leaf"
    with store.database.reading.connect() as connection:
        assert all("王芳" not in bytes(leaf).decode() for leaf in connection.exec_driver_sql(leaves).scalars())
    desk.post(f"/v1/commitments/{made['id']}/withdraw", {"reason": "no"})
    assert numbers(desk.client.get(f"/v1/commitments/{made['id']}").json()) == [("contract", "2026-17 王芳")]
    with store.database.transaction() as transaction:
        store.erase_in(transaction, made["evaluation"])
    assert numbers(desk.client.get(f"/v1/commitments/{made['id']}").json()) == [("contract", None)]
    assert found(desk, reference="2026-17 王芳") == []
    assert desk.client.post("/v1/commitments", content=sent, headers=headers).status_code == 410
    with store.database.reading.connect() as connection:
        assert connection.execute(sa.select(commitment_reference.c.text)).scalars().all() == [None]
        assert [*DeepVerification(connection, store.database).findings()] == []


def test_a_party_sees_and_gives_its_own_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What belongs to another party is not there for it."""
    from service.callers import entrance
    from service.callers.caller import OF_A_PARTY, Caller

    own, other = committed(desk, ORDER), committed(desk, ORDER, exporter="hospital")
    monkeypatch.setattr(entrance, "LOCAL", Caller("key:1", frozenset(OF_A_PARTY), party="clinic"))
    assert found(desk, reference="PO-7781") == [own["id"]]
    for id, status in ((own["id"], 200), (other["id"], 404)):
        assert desk.post(f"/v1/commitments/{id}/references", {"references": [CONTRACT]}).status_code == status
        assert reach(desk, id, "signed", NOON.date().isoformat()).status_code == status

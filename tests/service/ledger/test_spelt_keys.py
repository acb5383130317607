"""Keys of counters and bindings of signatures in other spellings of an id (semantics 1.9)."""

from typing import Any

import pytest

from tests.service.ledger.desk import NOON, Desk, desk, opened

__all__ = ["desk", "opened"]

SPELT = ("clinic", "Clinic", "CL\u0406NIC", "c\u200dlinic ", "cl1nic", "\uff43linic")

pytestmark = pytest.mark.usefixtures("audited")


def test_ids_that_look_alike_count_as_one(desk: Desk) -> None:
    """Whoever spells itself otherwise has the same counters, in a reading and in a decision."""
    for number, exporter in enumerate(SPELT, 1):
        desk.commit(100, exporter, recipient__id=exporter.upper())
        for spelt in SPELT:
            assert desk.ordinary(exporter__id=spelt) == (100, number * 100), (exporter, spelt)
    assert desk.evaluate(400, "CLINIC")["outcome"] == desk.evaluate(400)["outcome"] == "undetermined"
    assert desk.ordinary(exporter__id="another") == (0, 0)
    record = desk.record(desk.evaluate(10, "CLINIC")["id"])
    assert record["counted"]["counts.year.ordinary"] == {"from": "ledger", "at_least": 100, "at_most": 610}


def test_an_opening_is_of_every_spelling(opened: Any) -> None:
    """It is attested once."""
    desk = opened(ledger_since="never")
    sent = {
        "counter": "counts.year",
        "per": {"exporter.id": "Clinic"},
        "on": NOON.date().isoformat(),
        "counts": {"counts.year.ordinary": 40},
        "reason": "counted by hand",
    }
    answer = desk.post("/v1/ledger/openings", sent)
    assert answer.status_code == 201, answer.text
    assert desk.counter(exporter__id="clinic")["opening"]["id"] == answer.json()["id"]

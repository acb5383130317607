"""Keys of counters and bindings of signatures in other spellings of an id (semantics 1.9)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import engine
from service.store.tables import COUNTER_KEYS, about
from tests.service.conftest import Lines
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


def test_what_was_counted_before_ids_were_folded_is_found(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the spelling under which it was written, and it counts with what came later, for certain."""
    with monkeypatch.context() as before:
        before.setattr(engine.Counter, "folded", lambda self, key: key)
        desk.commit(300, "Clinic")
        assert desk.ordinary(exporter__id="Clinic") == (300, 300)
        assert desk.ordinary(exporter__id="clinic") == (0, 0)
    assert desk.ordinary(exporter__id="Clinic") == (300, 300)
    desk.commit(200, "clinic")
    assert desk.ordinary(exporter__id="Clinic") == (300, 500)
    (done,) = [desk.commit(400, "Clinic")]
    assert desk.ordinary(exporter__id="Clinic") == (400, 900)
    assert desk.post(f"/v1/commitments/{done['id']}/withdraw", {"reason": "it does not happen"}).status_code == 200
    assert desk.ordinary(exporter__id="Clinic") == (300, 500)


@contextmanager
def before_ids_were_folded(desk: Desk) -> Iterator[None]:
    """As the ledger was when keys were hashed as they are spelt; afterwards the database is as its upgrade leaves it."""
    with pytest.MonkeyPatch.context() as before:
        before.setattr(engine.Counter, "folded", lambda self, key: key)
        yield
    with desk.service.store.database.transaction() as transaction:
        transaction.execute(sa.insert(about).values(name=COUNTER_KEYS, value="as spelt"))


def open_counter(desk: Desk, exporter: str, ordinary: int) -> None:
    sent = {
        "counter": "counts.year",
        "per": {"exporter.id": exporter},
        "on": desk.now[0].date().isoformat(),
        "counts": {"counts.year.ordinary": ordinary, "counts.year.sensitive": 0},
        "reason": "counted by hand",
    }
    answer = desk.post("/v1/ledger/openings", sent)
    assert answer.status_code == 201, answer.text


def test_the_start_after_the_upgrade_joins_the_spellings_of_an_id(opened: Any) -> None:
    """What was counted under each is one counter, with the sum, under every spelling; and what was withdrawn stays so."""
    old = opened(ledger_since="2026-01-01")
    with before_ids_were_folded(old):
        old.commit(300, "ACME")
        old.commit(50, "acme")
        gone = old.commit(7, "Acme")
        assert old.post(f"/v1/commitments/{gone['id']}/withdraw", {"reason": "it does not happen"}).status_code == 200
        old.commit(20, "another")
        assert [old.ordinary(exporter__id=each) for each in ("ACME", "acme", "Acme")] == [(300, 300), (50, 50), (0, 0)]
    desk = opened(ledger_since="2026-01-01")
    for spelt in ("ACME", "acme", "Acme", "acm\u0435"):
        assert desk.ordinary(exporter__id=spelt) == (300, 350), spelt
    assert desk.ordinary(exporter__id="another") == (20, 20)
    page = desk.client.get("/ledger/counters/counts.year", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert page.text.lower().count("acme") == 1
    desk.commit(400, "aCME")
    assert desk.ordinary(exporter__id="acme") == (400, 750)
    again = opened(ledger_since="2026-01-01")  # nothing is joined twice
    assert again.ordinary(exporter__id="acme") == (400, 750)


def test_an_opening_of_one_spelling_is_no_upper_end_for_several(opened: Any) -> None:
    """Each states what was counted of its own; where there is only one, it holds as before."""
    old = opened(ledger_since="2026-01-01")
    with before_ids_were_folded(old):
        for exporter in ("ACME", "acme", "Met"):
            open_counter(old, exporter, 40)
            old.commit(30, exporter)
    desk = opened(ledger_since="never")
    least, most = desk.ordinary(exporter__id="acme")
    assert (least, most) == (40, None)
    assert desk.ordinary(exporter__id="met") == desk.ordinary(exporter__id="Met") == (40, 70)
    desk.now[0] += timedelta(days=1)
    open_counter(desk, "Acme", 140)
    assert desk.ordinary(exporter__id="acme") == (140, 140)


def test_a_commitment_whose_id_was_erased_stays_under_its_spelling(opened: Any, lines: Lines) -> None:
    """It counts no more, or its id would still be needed; a line of the log says so, and the rest is joined."""
    old = opened(ledger_since="2026-01-01")
    with before_ids_were_folded(old):
        gone, *_ = [old.commit(people, exporter) for people, exporter in ((300, "ACME"), (50, "acme"), (20, "Acme"))]
        assert old.post(f"/v1/decisions/{gone['evaluation']}/erase").status_code == 409
        assert old.post(f"/v1/commitments/{gone['id']}/withdraw", {"reason": "it does not happen"}).status_code == 200
        assert old.post(f"/v1/decisions/{gone['evaluation']}/erase").status_code == 200
    desk = opened(ledger_since="2026-01-01")
    assert [desk.ordinary(exporter__id=each) for each in ("ACME", "acme", "Acme")] == [(50, 70)] * 3
    assert [line["commitments"] for line in lines.events("counters_not_joined")] == [1]

"""The commitments that run, as they are read for those that look at all of them."""

from service.ledger import running_commitments
from service.log.leaf import with_personal_values
from tests.service.conftest import BOTH_DATABASES
from tests.service.ledger.desk import Desk, opened

__all__ = ["opened"]


@BOTH_DATABASES
def test_a_commitment_runs_until_it_is_withdrawn_or_replaced(opened) -> None:
    """Each comes with its record and with what it adds, in the order of the log and in parts of any size."""
    desk: Desk = opened(ledger_since="2026-01-01")
    kept, gone, replaced, last = (desk.commit(people) for people in (10, 20, 30, 40))
    desk.post(f"/v1/commitments/{gone['id']}/withdraw", {"reason": "no"})
    again = desk.evaluate(35)["id"]
    amended = desk.post(f"/v1/commitments/{replaced['id']}/amend", {"decision": again, "reason": "more"}).json()
    with desk.service.store.database.reading.connect() as connection:
        found = list(running_commitments.running(connection))
        parts = running_commitments.parts(connection, 2)
        numbers = [each.stored.sequence for each in found]
        parted = [each.id for first, upto in parts for each in running_commitments.running(connection, first, upto)]
        assert (running_commitments.how_many(connection), running_commitments.how_many(connection, numbers[0])) == (3, 2)
        assert running_commitments.parts(connection, 2, numbers[1]) == [(numbers[2], numbers[2])]
    assert parts == [(numbers[0], numbers[1]), (numbers[2], numbers[2])]
    assert [each.id for each in found] == parted == [kept["id"], last["id"], amended["id"]]
    first = found[0]
    assert (
        with_personal_values(first.stored.entry.leaf, first.stored.entry.openings)["id"]
        == first.evaluation
        == kept["evaluation"]
    )
    assert {each.fact: (each.counter, each.low, each.high) for each in first.moved} == {
        "counts.week": ("counts.week", 1, 1),
        "counts.year.ordinary": ("counts.year", 10, 10),
    }

"""Why a commitment was withdrawn or amended: free text, which is erased with the record by which the exchange was committed."""

import asyncio
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.audit.deep_verification import DeepVerification
from service.log.store import Store
from service.store.migrations.versions import stream
from service.store.tables import commitment, commitment_event, leaf_opening, tree_leaf
from tests.service.conftest import BOTH_DATABASES, unlike_the_leaves
from tests.service.database_files import database_files
from tests.service.ledger.desk import Desk, desk, opened

__all__ = ["desk", "opened"]

pytestmark = pytest.mark.usefixtures("audited")
WITHDRAWN = "Mrs 王芳 asked for it"
FEWER = "Mr 李 has left the study"


def reasons(made: Any) -> dict[str, str | None]:
    """The reason of each event of a commitment."""
    return {each["kind"]: each.get("reason") for each in made["events"]}


def read(desk: Desk, id: str) -> Any:
    return desk.client.get(f"/v1/commitments/{id}").json()


def openings(desk: Desk) -> list[str]:
    """What the openings of leaves say."""
    with desk.service.store.database.reading.connect() as connection:
        values = connection.execute(sa.select(leaf_opening.c.value).where(leaf_opening.c.value.is_not(None))).scalars()
        return [json.dumps(json.loads(bytes(value)), ensure_ascii=False) for value in values]


@BOTH_DATABASES
def test_the_reason_of_a_withdrawal_is_erased_with_the_record_of_its_commitment(desk: Desk, database: str) -> None:
    """In the row, in the opening of its leaf and in the answers that are kept for retries. The reason of another one stays."""
    made, other = desk.commit(70), desk.commit(20, "other")
    headers = {"content-type": "application/json", "idempotency-key": "once"}
    path, sent = f"/v1/commitments/{made['id']}/withdraw", json.dumps({"reason": WITHDRAWN}).encode()
    first = desk.client.post(path, content=sent, headers=headers)
    assert reasons(first.json()) == {"committed": None, "withdrawn": WITHDRAWN}
    assert desk.post(f"/v1/commitments/{other['id']}/withdraw", {"reason": "too late"}).status_code == 200
    assert desk.client.post(path, content=sent, headers=headers).content == first.content
    assert sum(WITHDRAWN in each for each in openings(desk)) == 1
    desk.client.post(f"/v1/decisions/{made['evaluation']}/erase").raise_for_status()
    assert reasons(read(desk, made["id"])) == {"committed": None, "withdrawn": None}
    assert reasons(read(desk, other["id"])) == {"committed": None, "withdrawn": "too late"}
    assert not any(WITHDRAWN in each for each in openings(desk))
    assert desk.client.post(path, content=sent, headers=headers).status_code == 410
    with desk.service.store.database.reading.connect() as connection:
        erasures = connection.execute(sa.select(tree_leaf.c.leaf).where(tree_leaf.c.kind == "erasure")).scalars()
        (erased,) = [json.loads(bytes(leaf)) for leaf in erasures]
        assert [name for _, name in erased["openings"]].count("reason") == 1
    assert unlike_the_leaves(database) == []


@BOTH_DATABASES
def test_each_commitment_of_an_amendment_has_the_reason_until_its_own_record_is_erased(desk: Desk, database: str) -> None:
    """The one that was replaced, and the one that replaced it; so the reason is gone with both."""
    old = desk.commit(70)
    sent = {"decision": desk.evaluate(20)["id"], "reason": FEWER}
    new = desk.post(f"/v1/commitments/{old['id']}/amend", sent).json()
    desk.client.post(f"/v1/decisions/{old['evaluation']}/erase").raise_for_status()
    assert reasons(read(desk, old["id"])) == {"committed": None, "amended": None}
    assert reasons(read(desk, new["id"])) == {"committed": FEWER}
    desk.post(f"/v1/commitments/{new['id']}/withdraw", {"reason": "no"})
    desk.client.post(f"/v1/decisions/{new['evaluation']}/erase").raise_for_status()
    assert reasons(read(desk, new["id"])) == {"committed": None, "withdrawn": None}
    assert not any(FEWER in each for each in openings(desk))
    assert unlike_the_leaves(database) == []


def test_no_trace_of_the_reason_is_left_in_the_file(desk: Desk) -> None:
    """Nor in its write-ahead log."""
    made = desk.commit(70)
    desk.post(f"/v1/commitments/{made['id']}/withdraw", {"reason": WITHDRAWN})
    file = desk.service.store.database.path
    assert file is not None
    written = (WITHDRAWN.encode(), json.dumps(WITHDRAWN).encode())
    assert any(text in held for held in database_files(file).values() for text in written)
    asyncio.run(desk.service.store.erase(made["evaluation"]))
    assert not any(text in held for held in database_files(file).values() for text in written)


@pytest.mark.parametrize("version", ["0.12.0", "0.18.0"])
def test_reasons_that_an_earlier_version_wrote_are_erased_too(tmp_path: Path, version: str) -> None:
    """The upgrade says with which decision; no row and no leaf differs before and afterwards."""
    with tarfile.open(Path(__file__).parents[1] / "store" / f"database-{version}.tar.gz") as packed:
        packed.extractall(tmp_path, filter="data")
    given = (
        sa.select(commitment.c.evaluation, commitment_event.c.reason)
        .join(commitment, commitment.c.id == commitment_event.c.commitment)
        .where(commitment_event.c.reason.is_not(None))
    )
    with Store.open(str(tmp_path / "log.db")) as store:

        def said() -> list[tuple[str, str]]:
            with store.database.reading.connect() as connection:
                assert [*DeepVerification(connection, store.database).findings()] == []
                kept = connection.execute(sa.select(leaf_opening.c.value).where(leaf_opening.c.name == "reason")).scalars()
                values = [json.loads(bytes(each)) for each in kept if each is not None]
                found = [(row.evaluation, row.reason) for row in connection.execute(given)]
                assert {reason for _, reason in found} <= {*values}
                return found

        before = said()
        assert before
        for evaluation, _ in before:
            asyncio.run(store.erase(evaluation))
        assert said() == []


@BOTH_DATABASES
def test_the_upgrade_names_the_decision_of_reasons_that_are_noted_while_it_reads(desk: Desk, database: str) -> None:
    """What is there is read before the writing lock is taken, and what came since under it."""
    made, later = desk.commit(70), desk.commit(20, "other")
    desk.post(f"/v1/commitments/{made['id']}/withdraw", {"reason": WITHDRAWN})
    named = sa.select(leaf_opening.c.leaf, leaf_opening.c.subject).where(leaf_opening.c.subject.is_not(None))
    reason = sa.update(leaf_opening).where(leaf_opening.c.name == "reason")
    with desk.service.store.database.reading.connect() as connection:
        prepared = stream.prepared(connection)
    desk.post(f"/v1/commitments/{later['id']}/withdraw", {"reason": FEWER})
    with desk.service.store.database.transaction() as transaction:
        before = {row.leaf: row.subject for row in transaction.execute(named)}
        assert [*before.values()] == [f"decision/{each['evaluation']}" for each in (made, later)]
        transaction.execute(reason.values(subject=None))
        stream.name_decisions(transaction, *prepared)
        assert {row.leaf: row.subject for row in transaction.execute(named)} == before
    assert unlike_the_leaves(database) == []

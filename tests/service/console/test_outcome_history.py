"""The page of a decision: its proof verified there and then, what became of it, and the same facts decided again."""

import json

import sqlalchemy as sa

from service.console.outcome_history import HistoryLine
from service.console.pages import decision_page
from service.console.reader import PageReader
from service.log.verified_record import verify_record
from service.store.tables import record
from tests.service.conftest import EXCHANGE, body
from tests.service.console.test_console import text_of

NOW = {name: part for name, part in EXCHANGE.items() if name != "as_of"}


def test_the_proof_is_verified_as_the_page_is_made(client, evaluate, service):
    """In words: leaf, root, signature, witnesses; of a record that was tampered with the page says what does not hold."""
    id = evaluate(body()).json()["id"]
    said = text_of(client.get(f"/log/{id}").text)
    assert "Verified as this page was made" in said
    found = verify_record(service.store.database, service.stored(id))
    assert f"Leaf {found.index} of the tree, counted from 0, is this record" in said
    assert (found.root.hex() in said, f"The key of the log {found.origin} signed this root." in said) == (True, True)
    assert "No witness has cosigned" in said
    with service.store.database.transaction() as transaction:
        leaf = transaction.execute(sa.select(record.c.leaf)).scalar_one()
        transaction.execute(sa.update(record).values(leaf=leaf.replace(b'"as_of":"2024-06-01"', b'"as_of":"2024-06-02"')))
    said = text_of(client.get(f"/log/{id}").text)
    assert "The record could not be verified:" in said
    assert "Verified as this page was made" not in said


def test_a_record_that_is_too_long_for_a_leaf_is_verified_too(evaluate, service, monkeypatch):
    """The leaf then holds its hash, and the page says so."""
    for place in ("log.proofs", "store.log_tree"):
        monkeypatch.setattr(f"service.{place}.MAX_ENTRY_BYTES", 400)
    id = evaluate(body()).json()["id"]
    assert not verify_record(service.store.database, service.stored(id)).whole


def test_an_erased_value_is_not_claimed_to_be_verified(client, evaluate, service):
    """What was erased cannot open its commitment any more."""
    id = evaluate(body()).json()["id"]
    client.portal.call(service.store.erase, id)
    assert "the personal values that are kept agree" in text_of(client.get(f"/log/{id}").text)


def test_a_receipt_and_a_commitment_are_what_became_of_it(client, evaluate):
    """In their order, with who did it and why; the decision made when it was committed leads back to the first."""
    id = evaluate(json.dumps(NOW).encode()).json()["id"]
    assert 'id="became"' not in client.get(f"/log/{id}").text
    assert client.get(f"/v1/decisions/{id}/receipt").status_code == 200
    made = client.post("/v1/commitments", json={"decision": id})
    assert made.status_code == 201, made.text
    client.post(f"/v1/commitments/{made.json()['id']}/withdraw", json={"reason": "it <b>fell</b> through"})
    page = client.get(f"/log/{id}").text
    said = text_of(page)
    said = said[said.index("What became of it", said.index("The facts as sent")) :]
    places = [said.index(each) for each in ("a receipt was made", "committed after", "withdrawn By this machine it")]
    assert places == sorted(places)
    assert "it &lt;b&gt;fell&lt;/b&gt; through" in page
    assert f'href="/log/{made.json()["evaluation"]}"' in page
    of_second = text_of(client.get(f"/log/{made.json()['evaluation']}").text)
    assert "committed By this machine" in of_second


def test_the_same_facts_are_decided_again(client, evaluate, service):
    """By the law of another day or by other policies, beside the record; nothing is recorded."""
    id = evaluate(body()).json()["id"]
    before = client.get("/checkpoint").text
    page = client.get(f"/log/{id}/again?as_of=2022-01-01&policies=live")
    said = text_of(page.text)
    assert page.status_code == 200
    assert "2024-06-01" in said[said.index("Recorded") :]
    assert "Hypothetically, on 2022-01-01" in said[said.index("Decided again", 40) :]
    same = text_of(client.get(f"/log/{id}/again?policies=recorded").text)
    assert "The same provisions stand." in same
    assert "Outcomes that differ" not in same
    kept = f"{service.live.digests.source[:16]}-{service.live.digests.meaning[:16]}"
    assert f'<option value="{kept}" selected>' in client.get(f"/log/{id}/again?policies={kept}").text
    for wrong in ("as_of=x", "policies=nothing", "colour=red"):
        assert client.get(f"/log/{id}/again?{wrong}").status_code == 400, wrong
    assert client.get("/log/nothing/again").status_code == 404
    assert client.get("/checkpoint").text.splitlines()[1] == before.splitlines()[1]


def test_many_events_are_folded(service):
    """Six are open at most; the others are behind their number."""
    lines = [HistoryLine(f"2026-11-{day:02d}T00:00:00+00:00", f"event {day}") for day in range(1, 21)]
    page = decision_page({"record": {"id": "1", "decision": {}}}, [], PageReader(service.live.bundle, "en"), became=lines)
    assert "14 more" in text_of(page)
    assert page.index("event 20") > page.index("14 more")

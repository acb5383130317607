"""Promises over HTTP, on both databases: who promised, until when, what shows that it was kept, and what an overdue one closes."""

import csv
import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import engine
from service.policies.live import Live
from service.store.tables import promise
from service.watch.round import run
from service.watch.transactions import writing
from tests.service.callers.test_callers import bearer
from tests.service.conftest import BOTH_DATABASES, Lines, unlike_the_leaves
from tests.service.ledger.desk import NOON, POLICIES, Desk, before_ids_were_asked, desks

pytestmark = pytest.mark.usefixtures("audited")

DUE = "2026-11-28"
DOCUMENT = "ab" * 32
VOCABULARY = """
vocabulary: promise-tests
facts:
  terms.components: {type: set of component, title: parts, ask: What goes with it?}
  terms.by: {type: date, title: last day, ask: By when?}
  terms.places: {type: count, title: places, ask: How many places?}
  terms.host: {type: id, title: host, ask: Which host?}
  promises.overdue: {type: count, title: overdue promises, ask: How many promises are overdue?}
values:
  component: {title: part, values: [training]}
evidence:
  record: {title: record, ask: Is there a record?}
promises:
  training:
    title: training
    due: terms.by
    by: exporter.id
    to: recipient.id
    terms: {places: terms.places, host: terms.host}
    evidence: [record]
    fills: promises.overdue
    beside: terms.components
"""
RULES = """
policy: cn.promises
title: Promises
jurisdiction: CN
instrument: {issuer: Nobody, number: None, force: law}
in_force: {from: 2024-01-01}
applies: {exporter.country: CN}
rules:
  - id: broken
    title: Nobody with an overdue promise sends data with training
    cite: Art. 4
    says: A promise is kept first.
    source: none
    status: confirmed
    when:
      - terms.components: {has: training}
      - promises.overdue: {at_least: 1}
    prohibit: A promise is overdue.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The policies of the ledger's tests, and those on promises."""
    folder = tmp_path / "policies"
    folder.mkdir()
    for name, text in sources().items():
        (folder / name).write_text(text)
    return folder


def sources(**changes: str) -> dict[str, str]:
    """The policies by file, some texts in them changed."""
    promising = VOCABULARY
    for old, new in changes.items():
        assert old in promising
        promising = promising.replace(old, new)
    return {
        **{path.name: path.read_text() for path in POLICIES.glob("*.yaml")},
        "promise-words.yaml": promising,
        "promise-rules.yaml": RULES,
    }


@pytest.fixture
def opened(database: str, folder: Path, lines: Lines) -> Iterator[Any]:
    """Opens desks on one database."""
    with desks(lines, policies=folder, database=database, mode="bitset", ledger_since="2026-01-01") as open:
        yield open


@pytest.fixture
def desk(opened: Any) -> Desk:
    """A service whose ledger is complete."""
    desk: Desk = opened()
    return desk


def promising(by: str = DUE, **more: Any) -> dict[str, Any]:
    """The terms of an exchange that promises training."""
    return {"terms": {"components": ["training"], "by": by, "places": 40, "host": "=institute", **more}}


WITH_TRAINING: dict[str, Any] = {"terms": {"components": ["training"]}}


def listed(desk: Desk, **query: str) -> list[dict[str, Any]]:
    """The promises that a query finds."""
    answer = desk.client.get("/v1/ledger/promises", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["promises"]
    return found


def keep(desk: Desk, commitment: str, number: int = 0, **sent: Any) -> Any:
    """Report a promise as kept."""
    body = {"evidence": "record", "dated": "2026-11-25", "document": DOCUMENT, **sent}
    return desk.post(f"/v1/commitments/{commitment}/promises/{number}/kept", body)


def days_later(desk: Desk, days: int) -> None:
    """Move the clock."""
    desk.now[0] = NOON + timedelta(days=days)


def refused(answer: Any, status: int, kind: str) -> None:
    """The answer is this refusal."""
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:fifthfactor:problem:{kind}"), answer.text


@BOTH_DATABASES
def test_a_promise_is_due_then_overdue_then_kept(desk: Desk) -> None:
    """Until the end of its last day it closes nothing; overdue it closes the next exchange of its party; kept it opens that again."""
    id = desk.commit(10, **promising())["id"]
    (due,) = listed(desk, party="clinic")
    assert (due["commitment"], due["state"], due["due"], due["by"], due["to"]) == (id, "due", DUE, "clinic", "lab")
    assert due["terms"] == {"places": 40, "host": "=institute"}
    days_later(desk, 3)
    assert desk.evaluate(1, **WITH_TRAINING)["proceed"]
    days_later(desk, 4)
    after = desk.evaluate(1, **WITH_TRAINING)
    assert (after["proceed"], after["outcome"]) == (False, "prohibited")
    assert desk.record(after["id"])["counted"]["promises.overdue"] == {"from": "ledger", "at_least": 1, "at_most": 1}
    assert [each["state"] for each in listed(desk, state="overdue")] == ["overdue"]
    assert desk.evaluate(1, exporter="bank", **WITH_TRAINING)["proceed"]
    assert desk.evaluate(1, terms={"components": []})["proceed"]
    told = keep(desk, id, dated="2026-11-29")
    assert told.status_code == 200, told.text
    assert (told.json()["state"], told.json()["late"]) == ("kept", True)
    assert desk.evaluate(1, **WITH_TRAINING)["proceed"]
    assert (listed(desk, state="overdue"), listed(desk, state="due")) == ([], [])
    (kept,) = listed(desk, state="kept", party="clinic")
    assert (kept["kept_on"], kept["evidence"], kept["document"], kept["reported_by"]) == (
        "2026-11-29",
        "record",
        DOCUMENT,
        "local",
    )


def test_a_commit_sees_what_fell_due_since_its_decision(desk: Desk) -> None:
    """The exchange was decided on the last day of a promise and is committed on the day after."""
    desk.commit(10, **promising())
    days_later(desk, 3)
    decision = desk.evaluate(1, **WITH_TRAINING)
    assert decision["proceed"]
    days_later(desk, 4)
    refused(desk.post("/v1/commitments", {"decision": decision["id"]}), 409, "decision-moved")


def test_a_promise_goes_with_its_commitment(desk: Desk) -> None:
    """Withdrawn it is void. Replaced it is the new one's, and stays kept only where the same was promised."""
    first = desk.commit(10, **promising())["id"]
    assert keep(desk, first).status_code == 200

    def amend(id: str, **terms: Any) -> str:
        decision = desk.evaluate(11, **promising(**terms))["id"]
        answer = desk.post(f"/v1/commitments/{id}/amend", {"decision": decision, "reason": "more people"})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    second = amend(first)
    (same,) = listed(desk)
    assert (same["commitment"], same["state"], same["kept_on"]) == (second, "kept", "2026-11-25")
    third = amend(second, places=41)
    (other,) = listed(desk)
    assert (other["commitment"], other["state"], other["terms"]["places"]) == (third, "due", 41)
    refused(keep(desk, first), 409, "commitment-ended")
    days_later(desk, 4)
    assert not desk.evaluate(1, **WITH_TRAINING)["proceed"]
    desk.post(f"/v1/commitments/{third}/withdraw", {"reason": "closed"})
    assert listed(desk) == []
    assert desk.evaluate(1, **WITH_TRAINING)["proceed"]


def test_a_report_that_shows_nothing_is_refused(desk: Desk) -> None:
    """Another kind of document, one from before the promise or from tomorrow, a second one, and what is not there."""
    id = desk.commit(10, **promising())["id"]
    for sent in ({"evidence": "letter"}, {"dated": "2026-11-24"}, {"dated": "2026-11-26"}, {"document": "x"}, {"more": 1}):
        refused(keep(desk, id, **sent), 400, "bad-request")
    refused(keep(desk, id, 1), 404, "not-found")
    refused(keep(desk, "nothing"), 404, "not-found")
    address, body = f"/v1/commitments/{id}/promises/0/kept", {"evidence": "record", "dated": "2026-11-25", "document": DOCUMENT}
    headers = {"content-type": "application/json", "idempotency-key": "once"}
    first, again = (desk.client.post(address, content=json.dumps(body), headers=headers) for _ in range(2))
    assert (first.status_code, again.content) == (200, first.content)
    refused(keep(desk, id), 409, "promise-kept")


def test_a_promise_without_a_known_last_day_or_party_binds_nobody(desk: Desk) -> None:
    """Without a last day there is none; without a party it stands for itself."""
    desk.commit(10, **WITH_TRAINING)
    assert listed(desk) == []
    small = {"counts": {"year": {"ordinary": 10, "rest": 0}, "week": 1}, "promises": {"overdue": 0}}
    with before_ids_were_asked():
        desk.commit(10, exporter="unknown", **promising(), **small)
    (alone,) = listed(desk)
    assert (alone["by"], listed(desk, party="clinic"), listed(desk, party="unknown")) == (None, [], [])
    days_later(desk, 4)
    assert desk.evaluate(1, **WITH_TRAINING)["proceed"]
    unknown = desk.evaluate(1, exporter="unknown", **WITH_TRAINING)
    assert "promises.overdue" in {each["fact"] for each in unknown["questions"]}


@pytest.mark.parametrize("callers", ["combine", "trust", "refuse"])
def test_a_number_that_is_sent_never_lowers_that_of_the_ledger(opened: Any, callers: str) -> None:
    """The stricter one counts, or none may be sent."""
    desk = opened(callers_counts=callers)
    desk.commit(10, **promising())
    days_later(desk, 4)
    sent = {
        "exporter": {"id": "clinic", "country": "CN"},
        "recipient": {"id": "lab"},
        "data": {"people": {"ordinary": 1, "rest": 0}, "staff": False},
        **WITH_TRAINING,
    }
    lower = desk.post("/v1/evaluate", {**sent, "promises": {"overdue": 0}})
    if callers == "refuse":
        refused(lower, 400, "exchange-refused")
        return
    mark = desk.record(lower.json()["id"])["counted"]["promises.overdue"]
    assert mark == {"from": "both", "at_least": 1, "at_most": 1, "brought": {"at_least": 0, "at_most": 0}}
    higher = desk.post("/v1/evaluate", {**sent, "promises": {"overdue": 2}}).json()
    assert desk.record(higher["id"])["counted"]["promises.overdue"]["from"] == "caller"


@BOTH_DATABASES
def test_under_other_policies_the_number_is_open_until_a_recount(desk: Desk) -> None:
    """What was committed before may have promised otherwise; a recount writes it again, and what was kept stays kept."""
    kept, broken = desk.commit(10, **promising())["id"], desk.commit(10, **promising())["id"]
    assert keep(desk, kept).status_code == 200
    changed = sources(**{"terms: {places: terms.places, host: terms.host}": "terms: {places: terms.places}"})
    bundle = engine.load_sources({name: text.encode() for name, text in changed.items()})
    desk.service.policies.live = Live.of(bundle, "bitset")
    days_later(desk, 4)
    before = desk.evaluate(1, **WITH_TRAINING)
    assert desk.record(before["id"])["counted"]["promises.overdue"] == {"from": "ledger", "at_least": 0}
    assert not before["proceed"]
    assert desk.post("/v1/ledger/recount").json() == {"recounted": 2, "left": []}
    after = desk.evaluate(1, **WITH_TRAINING)
    assert desk.record(after["id"])["counted"]["promises.overdue"] == {"from": "ledger", "at_least": 1, "at_most": 1}
    assert {each["commitment"]: each["state"] for each in listed(desk)} == {kept: "kept", broken: "overdue"}


def test_the_watch_tells_of_a_promise_before_and_after_its_last_day(opened: Any, database: str) -> None:
    """Once as due and once as overdue; nothing of one that was kept, withdrawn or replaced, or is due later than the watch looks."""
    desk: Desk = opened(watch_days=14)

    def told(days: int) -> list[tuple[str, str, str, Any]]:
        days_later(desk, days)
        before = len(desk.client.get("/v1/watch/events?limit=100").json()["events"])
        counts = [run(desk.service, writing(desk.service), desk.now[0].date()) for _ in range(2)]
        events = desk.client.get("/v1/watch/events?limit=100").json()["events"][before:]
        assert ([each.whole for each in counts], counts[0].told, counts[1].told) == ([True, True], len(events), 0)
        return [
            (each["type"].split(".")[-2], each["subject"], each["data"]["since"], each["data"]["remedy"]) for each in events
        ]

    one, two, gone, later = (desk.commit(1, **promising(by=day))["id"] for day in (DUE, DUE, DUE, "2026-12-20"))
    replaced = desk.commit(1, **promising())["id"]
    decision = desk.evaluate(1, **promising())["id"]
    new = desk.post(f"/v1/commitments/{replaced}/amend", {"decision": decision, "reason": "again"}).json()["id"]
    desk.post(f"/v1/commitments/{gone}/withdraw", {"reason": "closed"})
    remedy = {"do": "perform", "promise": "training", "number": 0}
    assert sorted(told(0)) == sorted(("due", id, DUE, remedy) for id in (one, two, new))
    assert keep(desk, two).status_code == 200
    desk.post(f"/v1/commitments/{new}/withdraw", {"reason": "closed"})
    assert told(3) == []
    assert told(4) == [("overdue", one, DUE, remedy)]
    assert keep(desk, one, dated="2026-11-29").status_code == 200
    assert told(10) == []
    assert told(11) == [("due", later, "2026-12-20", remedy)]
    assert unlike_the_leaves(database) == []


def test_a_record_names_the_commitments_behind_its_number(desk: Desk, database: str) -> None:
    """At most eight, the longest overdue first; a replay holds; an erasure of the decision takes the names away, and it still verifies."""
    due = [f"2026-11-{26 + number % 3}" for number in range(9)]
    ids = [desk.commit(1, **promising(by=day))["id"] for day in due]
    other = desk.commit(1, exporter="bank", **promising())["id"]
    days_later(desk, 4)
    decision = desk.evaluate(1, **WITH_TRAINING)["id"]
    record = desk.record(decision)
    longest = [id for _, id in sorted(zip(due, ids, strict=True))][:8]
    assert record["counted"]["promises.overdue"] == {"from": "ledger", "at_least": 9, "at_most": 9}
    assert record["overdue"] == {"promises.overdue": longest}
    mine = desk.record(desk.evaluate(1, exporter="bank", **WITH_TRAINING)["id"])
    assert mine["overdue"] == {"promises.overdue": [other]}
    assert "overdue" not in desk.record(desk.evaluate(1, exporter="museum", **WITH_TRAINING)["id"])
    stored = desk.service.store.read(decision)
    assert stored is not None
    assert not any(id.encode() in stored.entry.leaf for id in ids)
    replayed = desk.client.get(f"/v1/decisions/{decision}/replay").json()
    assert (replayed["holds"], replayed["same"]) == (True, "bytes")
    with desk.service.store.database.transaction() as transaction:
        assert desk.service.store.erase_in(transaction, decision, "test") == len(stored.entry.openings) - 4
    again = desk.service.store.read(decision)
    assert again is not None
    assert (again.faults(), again.entry.leaf) == ((), stored.entry.leaf)
    assert desk.record(decision)["overdue"].keys() == {"commitment"}
    assert not {"overdue"} & set(desk.client.get(f"/v1/decisions/{decision}/replay").json()["erased"])
    assert unlike_the_leaves(database) == []


def test_promises_come_in_pages_and_as_a_table(desk: Desk) -> None:
    """In the order of their last days; a cell that a spreadsheet would take for a formula begins with an apostrophe."""
    days = ("2026-12-03", "2026-12-01", "2026-12-02")
    for day in days:
        desk.commit(1, exporter="-clinic", **promising(by=day))
    first = desk.client.get("/v1/ledger/promises?limit=2").json()
    second = desk.client.get("/v1/ledger/promises", params={"limit": 2, "cursor": first["next"]}).json()
    assert [each["due"] for each in (*first["promises"], *second["promises"])] == sorted(days)
    assert second["next"] is None
    table = desk.client.get("/v1/ledger/promises?limit=2&format=csv")
    assert table.headers["content-type"].startswith("text/csv")
    link = table.headers["link"].split(">")[0].removeprefix("<")
    assert [row["due"] for row in csv.DictReader(StringIO(desk.client.get(link).text))] == sorted(days)[2:]
    rows = list(csv.DictReader(StringIO(table.text)))
    assert [(row["by"], row["due"], row["state"]) for row in rows] == [
        ("'-clinic", "2026-12-01", "due"),
        ("'-clinic", "2026-12-02", "due"),
    ]
    assert json.loads(rows[0]["terms"]) == {"places": 40, "host": "=institute"}
    for query in ("state=void", "party=", "format=xml", "cursor=abc"):
        refused(desk.client.get(f"/v1/ledger/promises?{query}"), 400, "bad-request")


@BOTH_DATABASES
def test_no_row_and_no_leaf_names_a_party_and_a_changed_row_is_found(desk: Desk, database: str, audited: list[str]) -> None:
    """The row has a keyed hash; a row that says that a promise was kept, or is due later, is named by deep verification."""
    desk.commit(10, exporter="clinic-of-li-na", **promising())
    with desk.service.store.database.transaction() as transaction:
        row = transaction.execute(sa.select(promise)).one()
        assert "clinic-of-li-na" not in repr(row)
        leaves = transaction.exec_driver_sql("SELECT leaf FROM tree_leaf").scalars().all()
        assert not any(b"clinic-of-li-na" in bytes(leaf) for leaf in leaves)
        transaction.execute(sa.update(promise).values(kept_on="2026-11-25", due="2027-01-01"))
    (found,) = unlike_the_leaves(database)
    assert "`due`, `kept_on`" in found
    audited.append(found)


def test_a_party_sees_and_reports_its_own_promises_only(desk: Desk) -> None:
    """Whether in the list or by the commitment."""
    own, other = (desk.commit(1, exporter=party, **promising())["id"] for party in ("clinic", "bank"))
    key = desk.post("/v1/keys", {"name": "n", "scopes": ["read", "commit"], "party": "clinic"}).json()["key"]
    seen = desk.client.get("/v1/ledger/promises", headers=bearer(key)).json()["promises"]
    assert [each["commitment"] for each in seen] == [own]
    refused(desk.client.get("/v1/ledger/promises?party=bank", headers=bearer(key)), 403, "forbidden")
    body = json.dumps({"evidence": "record", "dated": "2026-11-25", "document": DOCUMENT})
    headers = {"content-type": "application/json", **bearer(key)}
    for id, status in ((other, 404), (own, 200)):
        answer = desk.client.post(f"/v1/commitments/{id}/promises/0/kept", content=body, headers=headers)
        assert answer.status_code == status, answer.text


def test_what_was_erased_is_null(desk: Desk) -> None:
    """The names in the list are those of the record."""
    id = desk.commit(1, **promising())["id"]
    evaluation = desk.client.get(f"/v1/commitments/{id}").json()["evaluation"]
    with desk.service.store.database.transaction() as transaction:
        desk.service.store.erase_in(transaction, evaluation, "test")
    (erased,) = listed(desk)
    assert (erased["by"], erased["to"], erased["terms"]["places"]) == (None, None, 40)
    days_later(desk, 4)
    assert not desk.evaluate(1, **WITH_TRAINING)["proceed"]

"""Reports on promises over HTTP, beside a plain model: they add up, are confirmed or disputed and settled, and move what is decided."""

import json
import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.store.tables import promise_report
from tests.chance import examples, seed
from tests.service.callers.test_callers import bearer
from tests.service.conftest import BOTH_DATABASES, Lines, unlike_the_leaves
from tests.service.ledger.desk import NOON, Desk, desks
from tests.service.ledger.test_promises import RULES, WITH_TRAINING, days_later, keep, listed, promising, refused, sources

pytestmark = pytest.mark.usefixtures("audited")

STEPS = int(os.environ.get("PROMISE_STEPS", "40"))
TODAY = NOON.date()
DISPUTED = """
  - id: disputed
    title: A dispute is looked at
    cite: Art. 5
    says: A dispute is settled first.
    source: none
    status: confirmed
    when:
      - terms.components: {has: training}
      - promises.disputed: {at_least: 1}
    review: A report is disputed.
"""


@pytest.fixture
def opened(database: str, tmp_path: Path, lines: Lines) -> Iterator[Any]:
    """Opens desks on one database, whose promises have a number and may be in dispute."""
    counted = {
        "    evidence: [record]": "    number: terms.places\n    evidence: [record]\n    disputed: promises.disputed",
        "\nvalues:": "\n  promises.disputed: {type: count, title: disputed reports, ask: How many?}\nvalues:",
    }
    folder = tmp_path / "policies"
    folder.mkdir()
    for name, text in {**sources(**counted), "promise-rules.yaml": RULES + DISPUTED}.items():
        (folder / name).write_text(text)
    with desks(lines, policies=folder, database=database, mode="bitset", ledger_since="2026-01-01") as open:
        yield open


@pytest.fixture
def desk(opened: Any) -> Desk:
    """A service whose ledger is complete, and whose client has an operator's key."""
    desk: Desk = opened()
    scopes = ["evaluate", "commit", "read", "review", "administer"]
    desk.client.headers.update(bearer(desk.post("/v1/keys", {"name": "operator", "scopes": scopes}).json()["key"]))
    return desk


def key_of(desk: Desk, party: str) -> dict[str, str]:
    """The headers of a key that belongs to a party."""
    made = desk.post("/v1/keys", {"name": party, "scopes": ["read", "commit"], "party": party}).json()["key"]
    return {"content-type": "application/json", **bearer(made)}


def say(desk: Desk, commitment: str, report: int, headers: Mapping[str, str], **sent: str) -> Any:
    """Answer a report, or settle a dispute over it."""
    last = "answer" if "answer" in sent else "settle"
    path = f"/v1/commitments/{commitment}/promises/0/reports/{report}/{last}"
    return desk.client.post(path, content=json.dumps({"reason": "as seen", **sent}), headers=dict(headers))


def settle(desk: Desk, commitment: str, report: int, settled: str) -> Any:
    """Settle a dispute, as an operator."""
    return say(desk, commitment, report, {"content-type": "application/json"}, settled=settled)


@BOTH_DATABASES
def test_a_promise_is_kept_with_the_report_that_reaches_its_number(desk: Desk) -> None:
    """In the order of the days that the documents have, whichever came first; kept late it is counted as late."""
    id = desk.commit(10, **promising())["id"]
    days_later(desk, 5)
    assert not desk.evaluate(1, **WITH_TRAINING)["proceed"]
    first = keep(desk, id, amount=30, dated="2026-11-30").json()
    assert (first["state"], first["promised"], first["reported"], first.get("kept_on")) == ("overdue", 40, 30, None)
    assert not desk.evaluate(1, **WITH_TRAINING)["proceed"]
    second = keep(desk, id, amount=10, dated="2026-11-27", document="cd" * 32).json()
    assert (second["state"], second["kept_on"], second["late"], second["document"]) == ("kept", "2026-11-30", True, "ab" * 32)
    assert [(each["number"], each["dated"], each["amount"]) for each in second["reports"]] == [
        (1, "2026-11-27", 10),
        (0, "2026-11-30", 30),
    ]
    assert desk.evaluate(1, **WITH_TRAINING)["proceed"]
    refused(keep(desk, id, amount=1, dated="2026-11-30"), 409, "promise-kept")
    answer = desk.client.get("/v1/ledger/promises?state=late&party=clinic").json()
    assert [each["commitment"] for each in answer["promises"]] == [id]
    assert answer["counts"] == {"due": 0, "overdue": 0, "kept": 1, "late": 1, "disputed": 0}


def test_a_report_says_how_much_it_shows(desk: Desk) -> None:
    """Where a number was promised; none of nought, and no more reports than a promise takes."""
    id = desk.commit(10, **promising())["id"]
    for sent in ({}, {"amount": 0}, {"amount": 10**10}, {"amount": "5"}):
        refused(keep(desk, id, **sent), 400, "bad-request")
    plain = desk.commit(10, **promising(places="unknown"))["id"]
    refused(keep(desk, plain, amount=1), 400, "bad-request")
    assert keep(desk, plain).json()["state"] == "kept"


def test_what_is_overdue_counts_in_every_exchange_of_its_exporter(desk: Desk) -> None:
    """Also where nothing is said of what goes with it; of somebody who keeps promises, and beside a dispute alone, nothing is."""
    desk.commit(10, **promising())
    assert "promises.overdue" not in desk.record(desk.evaluate(1)["id"])["counted"]
    days_later(desk, 4)
    counted = desk.record(desk.evaluate(1)["id"])
    assert counted["counted"]["promises.overdue"] == {"from": "ledger", "at_least": 1, "at_most": 1}
    assert counted["overdue"].keys() == {"promises.overdue"}
    assert "promises.disputed" not in counted["counted"]
    assert desk.evaluate(1, terms={"components": []})["proceed"]
    assert "promises.overdue" not in desk.record(desk.evaluate(1, exporter="bank")["id"])["counted"]
    told = desk.evaluate(1, promises={"overdue": 0})
    mark = desk.record(told["id"])["counted"]["promises.overdue"]
    assert mark == {"from": "both", "at_least": 1, "at_most": 1, "brought": {"at_least": 0, "at_most": 0}}


def test_who_leaves_its_id_out_does_not_pass_by_a_dispute(desk: Desk) -> None:
    """Nobody knows then whose dispute it is: the count has no upper end, and the id is asked for. Without any dispute it is nought."""
    nameless = {**WITH_TRAINING, "exporter__id": None}

    def disputes() -> Any:
        record = desk.client.get(f"/v1/decisions/{(told := desk.evaluate(1, **nameless))['id']}").json()["record"]
        return record.get("counted", {}).get("promises.disputed"), told

    id = desk.commit(10, **promising())["id"]
    assert keep(desk, id, amount=25).status_code == 200
    assert disputes()[0] is None
    assert say(desk, id, 0, key_of(desk, "lab"), answer="disputed").status_code == 200
    mark, told = disputes()
    assert mark == {"from": "ledger", "at_least": 0, "lacks": ["exporter.id"]}
    assert not told["proceed"]
    assert "exporter.id" in [each["fact"] for each in told["questions"]]
    assert desk.client.get(f"/v1/decisions/{told['id']}/replay").json()["same"] == "bytes"
    assert desk.evaluate(1, exporter="bank", **WITH_TRAINING)["proceed"]


@BOTH_DATABASES
def test_the_party_that_it_was_made_to_answers_each_report_once(desk: Desk) -> None:
    """A dispute is looked at where it matters, and nothing else waits, until an operator settles it; what is dropped does not count."""
    id = desk.commit(10, **promising())["id"]
    lab, clinic, bank = (key_of(desk, party) for party in ("lab", "clinic", "bank"))
    assert keep(desk, id, amount=25).status_code == keep(desk, id, amount=15).status_code == 200
    for headers, status in ((bank, 404), (clinic, 404), ({"content-type": "application/json"}, 403)):
        assert say(desk, id, 0, headers, answer="confirmed").status_code == status
    refused(say(desk, id, 7, lab, answer="confirmed"), 404, "not-found")
    refused(say(desk, id, 0, lab, answer="confirmed", reason=""), 400, "bad-request")
    assert say(desk, id, 0, lab, answer="confirmed").status_code == 200
    refused(say(desk, id, 0, lab, answer="disputed"), 409, "not-answerable")
    refused(settle(desk, id, 0, "dropped"), 409, "not-answerable")
    assert desk.evaluate(1, **WITH_TRAINING)["proceed"]
    disputed = say(desk, id, 1, lab, answer="disputed").json()
    assert (disputed["state"], disputed["disputed"]) == ("kept", 1)
    page = desk.client.get(f"/ledger/commitments/{id}", headers={"accept": "text/html"}).text
    assert all(said in page for said in ("40 of 40 reported", ">confirmed<", ">disputed<", "as seen"))
    assert desk.evaluate(1, **WITH_TRAINING)["outcome"] == "review"
    assert desk.evaluate(1, terms={"components": []})["proceed"]
    assert desk.evaluate(1, exporter="bank", **WITH_TRAINING)["proceed"]
    refused(say(desk, id, 1, lab, settled="counts"), 403, "forbidden")
    dropped = settle(desk, id, 1, "dropped").json()
    assert (dropped["state"], dropped["reported"], dropped["disputed"]) == ("due", 25, 0)
    refused(settle(desk, id, 1, "counts"), 409, "not-answerable")
    assert desk.evaluate(1, **WITH_TRAINING)["proceed"]
    days_later(desk, 4)
    assert desk.evaluate(1, **WITH_TRAINING)["outcome"] == "prohibited"


def test_a_party_sees_what_was_promised_to_it_and_not_who_acted_for_the_other(desk: Desk) -> None:
    """In the list, with its reports; what others promised each other is not there."""
    id = desk.commit(10, **promising())["id"]
    desk.commit(10, exporter="bank", recipient={"id": "museum"}, **promising())
    lab, clinic = (key_of(desk, party) for party in ("lab", "clinic"))
    body = {"evidence": "record", "dated": "2026-11-25", "document": "ab" * 32, "amount": 40}
    path = f"/v1/commitments/{id}/promises/0/kept"
    assert desk.client.post(path, content=json.dumps(body), headers=clinic).status_code == 200
    assert say(desk, id, 0, lab, answer="disputed", reason="nobody came").status_code == 200
    assert settle(desk, id, 0, "counts").status_code == 200

    def seen(headers: Mapping[str, str], query: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = desk.client.get(f"/v1/ledger/promises{query}", headers=dict(headers)).json()["promises"]
        return found

    for headers, query in ((lab, ""), (lab, "?to=lab"), (lab, "?to=lab&party=clinic"), (clinic, ""), (clinic, "?party=clinic")):
        (one,) = seen(headers, query)
        (report,) = one["reports"]
        assert (one["commitment"], one["terms"]["places"], report["reason"], report["ruling"]) == (
            id,
            40,
            "nobody came",
            "as seen",
        )
        assert [report[name] is not None for name in ("reported_by", "answered_by", "settled_by")] == [
            headers is clinic,
            headers is lab,
            False,
        ]
        assert (one["reported_by"] is not None) is (headers is clinic)
    assert seen(lab, "?party=lab") == seen(clinic, "?to=clinic") == []
    for query in ("?party=clinic", "?to=museum", "?party=bank&to=museum"):
        refused(desk.client.get(f"/v1/ledger/promises{query}", headers=lab), 403, "forbidden")
    assert all(each is not None for each in (seen({})[0]["reports"][0][name] for name in ("reported_by", "settled_by")))


def test_reasons_are_erased_with_the_decision(desk: Desk, database: str) -> None:
    """The row and the leaf lose what was written; the report stays."""
    id = desk.commit(10, **promising())["id"]
    lab = key_of(desk, "lab")
    assert keep(desk, id, amount=40).status_code == 200
    assert say(desk, id, 0, lab, answer="disputed", reason="Li Na was not there").status_code == 200
    assert settle(desk, id, 0, "counts").status_code == 200
    evaluation = desk.client.get(f"/v1/commitments/{id}").json()["evaluation"]
    with desk.service.store.database.transaction() as transaction:
        desk.service.store.erase_in(transaction, evaluation, "test")
        values = transaction.exec_driver_sql("SELECT value FROM leaf_opening WHERE value IS NOT NULL").scalars().all()
    assert not any(b"Li Na" in bytes(each) for each in values)
    (one,) = listed(desk)
    (report,) = one["reports"]
    assert (report["answer"], report["reason"], report["settled"], report["ruling"]) == ("disputed", None, "counts", None)
    assert unlike_the_leaves(database) == []


@BOTH_DATABASES
def test_a_changed_report_is_found(desk: Desk, database: str, audited: list[str]) -> None:
    """Deep verification names the row that says more than its leaves."""
    id = desk.commit(10, **promising())["id"]
    assert keep(desk, id, amount=1).status_code == 200
    with desk.service.store.database.transaction() as transaction:
        transaction.execute(sa.update(promise_report).values(amount=40))
    (found,) = unlike_the_leaves(database)
    assert "`amount`" in found
    audited.append(found)


def test_reports_go_with_a_promise_to_the_commitment_that_replaces_it(desk: Desk) -> None:
    """Where the same is promised by the same day; what is reported then is added to them."""
    first = desk.commit(10, **promising())["id"]
    lab = key_of(desk, "lab")
    assert keep(desk, first, amount=30).status_code == 200
    assert say(desk, first, 0, lab, answer="disputed").status_code == 200

    def amend(id: str, **terms: Any) -> str:
        decision = desk.evaluate(11, **promising(**terms))["id"]
        queue = desk.post(f"/v1/commitments/{id}/amend", {"decision": decision, "reason": "more people"})
        assert queue.status_code == 201, queue.text
        return str(queue.json()["id"])

    assert settle(desk, first, 0, "counts").status_code == 200
    second = amend(first)
    assert keep(desk, second, amount=10).json()["state"] == "kept"
    third = amend(second, places=41)
    (one,) = listed(desk)
    assert (one["commitment"], one["state"], one["reports"]) == (third, "due", [])


@dataclass
class Told:
    """A report in the model."""

    dated: date
    amount: int
    answer: str = ""
    settled: str = ""


@dataclass
class Promised:
    """A promise in the model."""

    commitment: str
    due: date
    number: int
    by: str
    reports: list[Told] = field(default_factory=list)

    def kept_on(self) -> date | None:
        """The first day until which enough was reported."""
        standing = [each for each in self.reports if each.settled != "dropped"]
        days = sorted({each.dated for each in standing})
        return next((d for d in days if sum(each.amount for each in standing if each.dated <= d) >= self.number), None)

    def disputes(self) -> int:
        """How many of its reports are in dispute."""
        return sum(each.answer == "disputed" and not each.settled for each in self.reports)


def followed(desk: Desk, seed: int, steps: int) -> None:
    """Random steps, each beside the model."""
    chance, promised = random.Random(seed), list[Promised]()
    lab, days = key_of(desk, "lab"), 0
    for _ in examples(steps):
        today = TODAY + timedelta(days=days)
        what = chance.choice(("promise", "report", "report", "answer", "settle", "later", "withdraw"))
        one = chance.choice(promised) if promised else None
        if what == "promise" or one is None:
            by, due, number = (
                chance.choice(("clinic", "bank")),
                today + timedelta(days=chance.randint(0, 6)),
                chance.randint(1, 9),
            )
            terms = {"components": [], "by": due.isoformat(), "places": number, "host": "h"}
            decision = desk.evaluate(1, exporter=by, terms=terms)
            id = desk.post("/v1/commitments", {"decision": decision["id"]}).json()["id"]
            promised.append(Promised(id, due, number, by))
        elif what == "report":
            amount, dated = chance.randint(1, 9), today
            expected = 409 if one.kept_on() else 200
            assert keep(desk, one.commitment, amount=amount, dated=dated.isoformat()).status_code == expected
            if expected == 200:
                one.reports.append(Told(dated, amount))
        elif what in ("answer", "settle") and one.reports:
            number = chance.randrange(len(one.reports))
            report = one.reports[number]
            if what == "answer":
                said = chance.choice(("confirmed", "disputed"))
                answer, expected = say(desk, one.commitment, number, lab, answer=said), 409 if report.answer else 200
                report.answer = report.answer or said
            else:
                said = chance.choice(("counts", "dropped"))
                open_ = report.answer == "disputed" and not report.settled
                answer, expected = settle(desk, one.commitment, number, said), 200 if open_ else 409
                report.settled = said if open_ else report.settled
            assert answer.status_code == expected, answer.text
        elif what == "later":
            days += chance.randint(1, 3)
            days_later(desk, days)
        elif what == "withdraw" and chance.random() < 0.3:
            assert desk.post(f"/v1/commitments/{one.commitment}/withdraw", {"reason": "closed"}).status_code == 200
            promised.remove(one)
        compare(desk, promised, TODAY + timedelta(days=days))


def compare(desk: Desk, promised: list[Promised], today: date) -> None:
    """The list, its counts and what the next exchange is decided with are those of the model."""
    told = desk.client.get("/v1/ledger/promises?limit=100").json()
    found = {each["commitment"]: (each["state"], each["kept_on"], each["disputed"]) for each in told["promises"]}
    kept = {each.commitment: each.kept_on() for each in promised}
    overdue = [each for each in promised if kept[each.commitment] is None and each.due < today]
    assert found == {
        each.commitment: (
            "overdue" if each in overdue else "due" if (day := kept[each.commitment]) is None else "kept",
            None if kept[each.commitment] is None else str(kept[each.commitment]),
            each.disputes(),
        )
        for each in promised
    }
    late = [each for each in promised if (day := kept[each.commitment]) is not None and day > each.due]
    assert (told["counts"]["overdue"], told["counts"]["late"]) == (len(overdue), len(late))
    for by in ("clinic", "bank"):
        counted = desk.record(desk.evaluate(1, exporter=by, **WITH_TRAINING)["id"])["counted"]
        for fact, number in (
            ("promises.overdue", sum(each.by == by for each in overdue)),
            ("promises.disputed", sum(each.disputes() for each in promised if each.by == by)),
        ):
            assert (counted[fact]["at_least"], counted[fact]["at_most"]) == (number, number), fact


@pytest.mark.random
@BOTH_DATABASES
def test_random_steps_go_as_the_model_says(desk: Desk, database: str) -> None:
    """And the rows are those of the leaves."""
    followed(desk, seed(7), STEPS)
    assert unlike_the_leaves(database) == []

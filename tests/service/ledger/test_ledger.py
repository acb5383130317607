"""Commitments and counters over HTTP, on both databases: only what is committed counts, and exactly that."""

import json
import random
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import engine
from service.ledger.counter_book import Book
from service.ledger.counter_sums import CounterQuery
from service.log.record import Record
from service.policies.live import Live
from service.store import counter_secret
from tests.service.api.test_explanation import alike
from tests.service.conftest import BOTH_DATABASES
from tests.service.ledger.desk import NOON, POLICIES, Desk, before_ids_were_asked, desk, open_with, opened
from tests.service.log.test_tree_leaves import happened
from tests.service.log.test_tree_leaves import opened as opened_beside

__all__ = ["desk", "opened"]

pytestmark = pytest.mark.usefixtures("audited")


def test_a_kept_answer_has_the_counts_that_were_sent(opened: Any) -> None:
    """The answer to the same exchange is kept with its counts, until the ledger counts."""
    desk = opened(callers_counts="trust")
    sent = {"counts__year": {"ordinary": {"at_least": 500, "at_most": 900}}}
    first, second = (desk.record(desk.evaluate(300, **sent)["id"]) for _ in range(2))
    assert desk.service.live.decisions.found == 1
    assert first["counted"]["counts.year.ordinary"]["from"] in ("caller", "both")
    assert (first["counted"], first["request"]) == (second["counted"], second["request"])
    with desk.service.store.database.transaction() as transaction:
        Book().note(transaction, desk.service.live.counting, NOON.date())
    desk.evaluate(300, **sent)
    assert desk.service.live.decisions.found == 1


def test_only_what_is_committed_counts(desk: Desk) -> None:
    """A decision moves nothing; its commitment moves the counters of its exporter and nobody else's."""
    decision = desk.evaluate(300)
    assert decision["proceed"]
    assert desk.ordinary() == (0, 0)
    done = desk.post("/v1/commitments", {"decision": decision["id"]})
    assert done.status_code == 201
    told = done.json()
    assert told["counters"]["counts.year.ordinary"] == {
        "before": {"at_least": 0, "at_most": 0},
        "after": {"at_least": 300, "at_most": 300},
    }
    assert {each["fact"]: (each["at_least"], each["at_most"]) for each in told["moved"]} == {
        "counts.week": (1, 1),
        "counts.year.ordinary": (300, 300),
    }
    assert desk.ordinary() == (300, 300)
    assert desk.ordinary(exporter__id="hospital") == (0, 0)
    assert desk.counter("counts.week", recipient__id="lab")["counts"] == {"counts.week": {"at_least": 1, "at_most": 1}}
    assert desk.client.get(f"/v1/commitments/{told['id']}").json() == {k: v for k, v in told.items() if k != "counters"}
    again = desk.post("/v1/commitments", {"decision": told["evaluation"]})  # as it was decided again: the same exchange
    assert (again.status_code, again.json()["detail"]) == (409, f"the decision was committed already, as {told['id']}")
    assert desk.ordinary() == (300, 300)


def test_different_people_may_be_the_same(desk: Desk) -> None:
    """Nobody knows how two exchanges overlap: the count is between the larger and the sum."""
    desk.commit(300)
    desk.commit(200)
    assert desk.ordinary() == (300, 500)
    decision = desk.evaluate(499)
    assert decision["proceed"]
    record = desk.record(decision["id"])
    assert record["counted"]["counts.year.ordinary"] == {"from": "ledger", "at_least": 499, "at_most": 999}
    assert record["request"]["counts"]["year"]["ordinary"] == {"at_least": 499, "at_most": 999}
    assert desk.evaluate(500)["outcome"] == "undetermined"
    assert desk.evaluate(1000)["outcome"] == "prohibited"


def test_the_record_is_of_its_model_and_decides_again_to_the_same(desk: Desk) -> None:
    """The record alone replays the decision: the counters are in its request as they were used."""
    desk.commit(300)
    record = desk.record(desk.evaluate(200)["id"])
    assert Record.model_validate(record).model_dump(mode="json", by_alias=True, exclude_unset=True) == record
    live = desk.service.live
    read = engine.parse_exchange(live.bundle, json.dumps(record["request"]).encode())
    again = engine.counted(live.bundle, read, [f for f, mark in record["counted"].items() if mark["from"] == "ledger"])
    day = datetime.fromisoformat(record["as_of"]).date()
    decision = live.pdp.answer(live.pdp.judge(again, as_of=day), today=day, id=record["id"])
    assert json.loads(decision.canonical()) == record["decision"]


@pytest.mark.parametrize("lang", engine.LANGUAGES)
def test_what_was_counted_is_replayed_and_explained_after_the_counters_moved(desk: Desk, lang: str) -> None:
    """To the byte: by the counters as they were, with the ledger as their source."""
    desk.commit(300)
    sent = {
        "exporter": {"id": "clinic", "country": "CN"},
        "recipient": {"id": "lab"},
        "data": {"people": {"ordinary": 200, "rest": 0}, "staff": False},
    }
    before = alike(desk.client, sent, "all", lang)
    assert {each["source"] for each in before["rests_on"]} >= {"counted"}
    desk.commit(250)
    assert desk.client.get(f"/v1/decisions/{before['id']}/replay").json()["same"] == "bytes"
    later = desk.client.get(f"/v1/decisions/{before['id']}/explanation?include=all")
    assert (later.headers["verdict"], later.json()) == ("same", before)


@pytest.mark.parametrize("callers_counts", ["combine", "trust"])
def test_a_permit_rests_on_what_was_counted_and_on_the_exchange_s_own_people(opened: Any, callers_counts: str) -> None:
    """Without either, the count may be any number. What the caller counts too is stated; the record replays to the same bytes."""
    desk = opened(ledger_since="2026-01-01", callers_counts=callers_counts)
    desk.commit(300)
    for sent, source in (({}, "counted"), ({"counts__year__ordinary": 450}, "stated")):
        decision = desk.evaluate(200, **sent)
        found = {part["fact"]: (part["source"], part["without"]) for part in decision["rests_on"]}
        assert found["counts.year.ordinary"] == (source, "prohibited")
        assert (found.get("data.people.ordinary") == ("stated", "prohibited")) is (source == "counted")
        assert desk.client.get(f"/v1/decisions/{decision['id']}/replay").json()["same"] == "bytes"


def test_two_that_fit_alone_and_not_together_are_not_both_committed(desk: Desk) -> None:
    """The second is decided again when it is committed, and no longer holds; what it comes to now is recorded."""
    first, second = desk.evaluate(600), desk.evaluate(600)
    assert first["proceed"]
    assert second["proceed"]
    assert desk.post("/v1/commitments", {"decision": first["id"]}).status_code == 201
    refused = desk.post("/v1/commitments", {"decision": second["id"]})
    assert refused.status_code == 409
    problem = refused.json()
    assert problem["type"] == "urn:fifthfactor:problem:decision-moved"
    assert problem["decision"]["outcome"] == "undetermined"
    record = desk.record(problem["decision"]["id"])
    assert record["decision"]["proceed"] is False
    assert record["counted"]["counts.year.ordinary"] == {"from": "ledger", "at_least": 600, "at_most": 1200}
    assert desk.ordinary() == (600, 600)


def test_what_is_withdrawn_leaves_no_trace_in_the_counters(desk: Desk) -> None:
    """And all of it in the history; it cannot end twice, nor be committed again."""
    kept = desk.commit(300)
    gone = desk.commit(500)
    assert desk.ordinary() == (500, 800)
    told = desk.post(f"/v1/commitments/{gone['id']}/withdraw", {"reason": "the lab closed"})
    assert told.status_code == 200
    assert told.json()["state"] == "withdrawn"
    assert [(each["kind"], each.get("reason")) for each in told.json()["events"]] == [
        ("committed", None),
        ("withdrawn", "the lab closed"),
    ]
    assert all(not each["counts"] for each in told.json()["moved"])
    assert desk.ordinary() == (300, 300)
    again = desk.post(f"/v1/commitments/{gone['id']}/withdraw", {"reason": "again"})
    assert (again.status_code, again.json()["type"]) == (409, "urn:fifthfactor:problem:commitment-ended")
    again = desk.post("/v1/commitments", {"decision": gone["decision"]})
    assert (again.status_code, again.json()["type"]) == (409, "urn:fifthfactor:problem:not-committable")
    assert desk.client.get(f"/v1/commitments/{kept['id']}").json()["state"] == "committed"


def test_an_amended_commitment_is_kept_beside_the_one_that_replaces_it(desk: Desk) -> None:
    """The counters move by the difference, and are looked at without what is replaced."""
    old = desk.commit(600)
    right = desk.evaluate(399)
    new = desk.post(f"/v1/commitments/{old['id']}/amend", {"decision": right["id"], "reason": "it was fewer"})
    assert new.status_code == 201, new.text
    told = new.json()
    assert told["replaces"] == old["id"]
    assert told["counters"]["counts.year.ordinary"]["before"] == {"at_least": 0, "at_most": 0}
    assert desk.ordinary() == (399, 399)
    before = desk.client.get(f"/v1/commitments/{old['id']}").json()
    assert (before["state"], before["replaced_by"]) == ("superseded", told["id"])
    assert before["events"][-1] | {"at": ""} == {
        "kind": "amended", "at": "", "by": "local", "reason": "it was fewer", "other": told["id"],
    }  # fmt: skip


def test_what_replaces_a_commitment_is_decided_without_it(desk: Desk) -> None:
    """It may go ahead although beside the other it may not; and it may not where it would cross the threshold alone."""
    old = desk.commit(400)
    desk.commit(500)
    more = desk.evaluate(450)
    assert not more["proceed"]
    assert desk.post("/v1/commitments", {"decision": more["id"]}).status_code == 409
    new = desk.post(f"/v1/commitments/{old['id']}/amend", {"decision": more["id"], "reason": "it was more"})
    assert new.status_code == 201, new.text
    assert desk.ordinary() == (500, 950)
    much = desk.evaluate(550)
    refused = desk.post(f"/v1/commitments/{new.json()['id']}/amend", {"decision": much["id"], "reason": "still more"})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:fifthfactor:problem:decision-moved")
    assert desk.ordinary() == (500, 950)
    assert desk.client.get(f"/v1/commitments/{new.json()['id']}").json()["state"] == "committed"


class Counted:
    """An engine that counts, by the threads they come from, how often it is asked."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.name = engine.name
        self.asked: list[str] = []

    def evaluate(self, *arguments: Any) -> Any:
        self.asked.append(threading.current_thread().name)
        return self._engine.evaluate(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


@pytest.fixture
def counted(desk: Desk) -> list[Counted]:
    """The engines of a desk that decides in the mode `checked`, and the reference."""
    desk.service.policies.live = Live.of(engine.load(POLICIES), "checked")
    pdp: Any = desk.service.live.pdp
    pdp.engines = tuple(map(Counted, pdp.engines))
    pdp.reference = Counted(pdp.reference)
    return [*pdp.engines, pdp.reference]


def test_a_commitment_evaluates_its_exchange_once(desk: Desk, counted: list[Counted]) -> None:
    """
    Each engine once, under the lock: what it adds to the counters is read from the same judgement. Amended, likewise.

    The first engine also says what the permit rests on, without some of the statements.
    """
    first, second = desk.evaluate(100), desk.evaluate(90)
    for each in counted:
        each.asked.clear()
    done = desk.post("/v1/commitments", {"decision": first["id"]})
    assert done.status_code == 201, done.text
    assert [each.asked for each in counted[1:]] == [["writer"], []]
    assert set(counted[0].asked) == {"writer"}
    assert desk.ordinary() == (100, 100)
    sent = {"decision": second["id"], "reason": "it was fewer"}
    assert desk.post(f"/v1/commitments/{done.json()['id']}/amend", sent).status_code == 201
    assert [each.asked for each in counted[1:]] == [["writer"] * 2, []]
    assert desk.ordinary() == (90, 90)


def test_why_a_decision_moved_is_told_outside_the_lock(desk: Desk, counted: list[Counted], monkeypatch: Any) -> None:
    """Under the lock it is judged, once; from that judgement it is told while others commit."""
    first, second = desk.evaluate(600), desk.evaluate(600)
    assert desk.post("/v1/commitments", {"decision": first["id"]}).status_code == 201
    for each in counted:
        each.asked.clear()
    told: list[str] = []
    real = engine.PDP.answer

    def answer(self: engine.PDP, judgement: engine.Judgement, **more: Any) -> engine.WrittenDecision:
        told.append(threading.current_thread().name)
        return real(self, judgement, **more)

    monkeypatch.setattr(engine.PDP, "answer", answer)
    moved = desk.post("/v1/commitments", {"decision": second["id"]})
    assert (moved.status_code, moved.json()["decision"]["outcome"]) == (409, "undetermined")
    bitset, durable, _ = counted
    # Beside the one evaluation under the lock there are those of what is missing.
    assert (bitset.asked.count("writer"), durable.asked) == (1, ["writer"])
    assert len(told) == 1
    assert "writer" not in told


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"people": 2000}, "does not let"),
        ({"as_of": "2026-11-24"}, "hypothetical"),
    ],
    ids=["refused", "hypothetical"],
)
def test_what_is_no_permit_of_today_is_not_committed(desk: Desk, more: dict[str, Any], says: str) -> None:
    """A refusal and a hypothetical decision stay what they are."""
    refused = desk.post("/v1/commitments", {"decision": desk.evaluate(**more)["id"]})
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:fifthfactor:problem:not-committable"
    assert says in refused.json()["detail"]


def test_a_decision_is_committed_while_its_day_is_near(desk: Desk) -> None:
    """The day after it is decided again, as of that day; the day after that it is over."""
    early, late = desk.evaluate(as_of="2026-11-25"), desk.evaluate()
    desk.now[0] += timedelta(days=1)
    done = desk.post("/v1/commitments", {"decision": early["id"]})
    assert done.status_code == 201
    assert done.json()["as_of"] == "2026-11-26"
    record = desk.record(done.json()["evaluation"])
    assert record["as_of"] == "2026-11-26"
    assert "as_of" not in record["request"]
    desk.now[0] += timedelta(days=1)
    over = desk.post("/v1/commitments", {"decision": late["id"]})
    assert (over.status_code, over.json()["detail"]) == (409, "the day of the decision is over: evaluate the exchange again")


def test_a_calendar_year_is_that_of_the_counter_s_zone(desk: Desk) -> None:
    """What is committed at 17:00 UTC on 31 December counts in Shanghai's new year, and the old year's no longer."""
    desk.commit(300)
    desk.now[0] = datetime(2026, 12, 31, 15, 59, tzinfo=UTC)
    desk.commit(200)
    assert desk.ordinary() == (300, 500)
    desk.now[0] = datetime(2026, 12, 31, 16, tzinfo=UTC)
    assert desk.ordinary() == (0, 0)
    (moved, _) = sorted(desk.commit(400)["moved"], key=lambda each: each["fact"], reverse=True)
    assert moved["day"] == "2027-01-01"
    assert desk.ordinary() == (400, 400)
    assert desk.counter("counts.week", recipient__id="lab")["window"] == {"first": "2026-12-25", "last": "2026-12-31"}


def test_a_preceding_period_slides(desk: Desk) -> None:
    """A day counts for seven days, itself one of them."""
    desk.commit()
    for days, expected in ((6, 1), (7, 0)):
        desk.now[0] = NOON + timedelta(days=days)
        count = desk.counter("counts.week", recipient__id="lab")["counts"]["counts.week"]
        assert count == {"at_least": expected, "at_most": expected}


def test_what_is_left_out_does_not_count(desk: Desk) -> None:
    """What may be left out counts from nothing up, and so does what is told as a range from its lower end."""
    desk.commit(5000, data__staff=True)
    assert desk.ordinary() == (0, 0)
    desk.commit(400, data__staff="unknown")
    assert desk.ordinary() == (0, 400)
    desk.commit({"at_least": 100, "at_most": 300})
    assert desk.ordinary() == (100, 700)


def test_an_exchange_of_nobody_knows_whom_may_be_anybody_s(opened: Any) -> None:
    """One of before ids were asked adds to the upper end of every exporter's counter; another is not committed."""
    desk = opened(ledger_since="2026-01-01")
    with before_ids_were_asked():
        desk.commit(300, exporter__id="unknown", counts__year__ordinary=300, counts__week=1)
    assert desk.ordinary() == (0, 300)
    assert desk.ordinary(exporter__id="hospital") == (0, 300)
    stated = desk.evaluate(300, exporter__id="unknown", counts__year__ordinary=300, counts__week=1)
    assert (stated["outcome"], [each["fact"] for each in stated["questions"]]) == ("undetermined", ["exporter.id"])


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_a_counter_is_what_is_left(desk: Desk, seed: int) -> None:
    """Commitments, withdrawals and amendments in any order, on several days: the largest and the sum of those that count."""
    chance = random.Random(seed)
    left: dict[str, int] = {}
    for _ in range(40):
        people = chance.randrange(1, 25)
        match chance.choice(["commit", "commit", "withdraw", "amend", "tomorrow"]):
            case "commit":
                left[desk.commit(people)["id"]] = people
            case "withdraw" if left:
                id = chance.choice(sorted(left))
                assert desk.post(f"/v1/commitments/{id}/withdraw", {"reason": "no"}).status_code == 200
                del left[id]
            case "amend" if left:
                id = chance.choice(sorted(left))
                sent = {"decision": desk.evaluate(people)["id"], "reason": "otherwise"}
                answer = desk.post(f"/v1/commitments/{id}/amend", sent)
                assert answer.status_code == 201, answer.text
                del left[id]
                left[answer.json()["id"]] = people
            case "tomorrow" if desk.now[0].day < 30:
                desk.now[0] += timedelta(hours=12)
        assert desk.ordinary() == (max(left.values(), default=0), sum(left.values()))


# --- reading -----------------------------------------------------------------------------------------------------------


def test_with_another_secret_what_was_counted_before_may_be_any_number(opened: Any) -> None:
    """The log's key was lost, and the secret with it: until the counter is opened on a later day, or its window has gone by."""
    desk = opened(ledger_since="2020-01-01")
    desk.commit(300)
    assert (desk.ordinary(), desk.counter()["complete"]) == ((300, 300), True)
    database = desk.service.store.database
    with database.transaction() as transaction:
        counter_secret.renew(transaction, database.log_key())
    desk = opened(ledger_since="2020-01-01")
    assert desk.post("/v1/ledger/recount").json() == {"recounted": 0, "left": []}
    assert (desk.ordinary(), desk.counter()["complete"], desk.counter()["recount"]) == ((0, None), False, True)
    desk.now[0] = NOON + timedelta(days=1)
    assert open_with(desk, "2026-11-25", 400).status_code == 201
    assert desk.ordinary()[1] is None
    assert open_with(desk, "2026-11-26", 400).status_code == 201
    week = {"counter": "counts.week", "per": {"exporter.id": "clinic", "recipient.id": "lab"}, "on": "2026-11-26"}
    assert desk.post("/v1/ledger/openings", {**week, "counts": {"counts.week": 1}, "reason": "mail"}).status_code == 201
    desk.commit(10)
    assert (desk.ordinary(), desk.counter()["complete"]) == ((400, 410), True)
    desk.now[0] = datetime(2027, 1, 1, tzinfo=UTC)
    assert desk.ordinary(exporter__id="hospital") == (0, 0)


@BOTH_DATABASES
def test_commitments_are_listed_a_page_at_a_time(desk: Desk) -> None:
    """In their order, of an exporter or in a state."""
    ids = [desk.commit(1, exporter)["id"] for exporter in ("clinic", "hospital", "clinic", "clinic")]
    desk.post(f"/v1/commitments/{ids[0]}/withdraw", {"reason": "no"})
    assert listed(desk) == ids
    assert listed(desk, exporter="clinic") == [ids[0], ids[2], ids[3]]
    assert listed(desk, exporter="clinic", state="committed", limit=1) == [ids[2], ids[3]]
    assert listed(desk, exporter="nobody") == []
    assert desk.client.get("/v1/commitments", params={"cursor": "x"}).status_code == 400
    assert desk.client.get("/v1/commitments", params={"limit": 1000}).status_code == 400
    assert desk.client.get("/v1/commitments/none").status_code == 404


def listed(desk: Desk, **query: Any) -> list[str]:
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = desk.client.get("/v1/commitments", params={**query, **cursor}).json()
        found += [each["id"] for each in page["commitments"]]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


@BOTH_DATABASES
def test_no_personal_value_is_in_the_ledger(desk: Desk) -> None:
    """Whose a counter is stands there as a keyed hash."""
    desk.commit(300, exporter="practice-of-dr-li-na")
    open_with(desk, "2026-11-25", 5)
    with desk.service.store.database.reading.connect() as connection:
        for table in ("commitment", "commitment_event", "movement", "opening", "counted", "flow", "flow_sum", "flow_party"):
            rows = connection.execute(sa.text(f"SELECT * FROM {table}")).all()
            assert rows
            assert "practice" not in repr(rows)
            assert "clinic" not in repr(rows)


def test_everything_of_the_ledger_is_a_leaf_of_the_log(desk: Desk) -> None:
    """Openings, commitments, what they add, and what becomes of them; reasons and keys stand in it as commitments only."""
    open_with(desk, "2026-11-25", 5)
    commitment = desk.commit(300)
    desk.post(f"/v1/commitments/{commitment['id']}/withdraw", {"reason": "the lab closed"})
    told = [each for each in happened(desk.service.store) if each["kind"] != "settings"]
    assert [each["kind"] for each in told] == [
        "bundle-activated", "counter-opening", "counting", "commitment", "commitment-event", "movements", "flow",
        "commitment-event",
    ]  # fmt: skip
    assert told[0]["source"] == desk.service.live.digests.source
    assert (told[1]["counter"], told[1]["day"]) == ("counts.year", "2026-11-25")
    assert (told[3]["id"], told[3]["decision"]) == (commitment["id"], commitment["decision"])
    assert [(each["commitment"], each["event"]) for each in told if "event" in each] == [
        (commitment["id"], "committed"),
        (commitment["id"], "withdrawn"),
    ]
    beside = opened_beside(desk.service.store)
    assert ("reason", "the lab closed") in beside
    assert ("reason", "from the books") in beside
    [moved] = [value for name, value in beside if name == "movements"]
    assert {each["fact"] for each in moved} >= {"counts.week", "counts.year.ordinary"}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/commitments", {"decision": "none"}, 404),
        ("/v1/commitments", {}, 400),
        ("/v1/commitments", {"decision": 5}, 400),
        ("/v1/commitments", {"decision": "a", "on": "2026-01-01"}, 400),
        ("/v1/commitments/none/withdraw", {"reason": "x"}, 404),
        ("/v1/commitments", {"decision": "\0"}, 400),
        ("/v1/commitments/none/withdraw", {"reason": ""}, 400),
        ("/v1/commitments/none/withdraw", {"reason": "a\0"}, 400),
        ("/v1/commitments/%00/withdraw", {"reason": "a"}, 404),
        ("/v1/commitments/none/amend", {"decision": "a", "reason": "x"}, 404),
    ],
)
@BOTH_DATABASES
def test_what_is_not_understood_is_refused(desk: Desk, path: str, body: Any, status: int) -> None:
    """Strictly: an unknown key too."""
    assert desk.post(path, body).status_code == status


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("counter=counts.year", 400),
        ("exporter.id=a", 400),
        ("counter=counts.none&exporter.id=a", 404),
        ("counter=counts.year&exporter.id=a&exporter.id=b", 400),
        ("counter=counts.year&exporter.id=unknown", 400),
        ("counter=counts.year&exporter.id=", 400),
        ("", 400),
    ],
)
def test_a_counter_is_asked_for_by_all_it_is_kept_per(desk: Desk, query: str, status: int) -> None:
    """And by nothing else."""
    assert desk.client.get(f"/v1/counters?{query}").status_code == status


def test_the_counters_without_a_commitment_are_those_after_its_end(desk: Desk) -> None:
    """For each of some commitments, whatever it adds: exactly or as a range, the largest or as much as another."""
    ids = [desk.commit(each)["id"] for each in (300, {"at_least": 50, "at_most": 80}, 300, 120)]
    service, book = desk.service, Book()
    counting = service.live.counting
    with suppress(_Undone), service.store.database.transaction() as transaction:
        wanted = []
        for counter in counting.counters:
            key = tuple({"exporter.id": '"clinic"', "recipient.id": '"lab"'}[fact] for fact in counter.per)
            first = counter.window.first(NOON.date())
            wanted.append(CounterQuery(counter, *book.keys(transaction, counter, key), first))
        for id in ids:
            without = book.find(transaction, wanted, without=id)
            assert without != book.find(transaction, wanted)
            with transaction.begin_nested() as kept:
                book.end(transaction, id)
                assert _sums(without) == _sums(book.find(transaction, wanted))
                kept.rollback()
        raise _Undone


class _Undone(Exception):
    """Nothing of a transaction is kept."""


def _sums(found: Any) -> Any:
    """The sums that are not zero."""
    return {
        name: {fact: tally for fact, tally in each.window.items() if tally != engine.Tally()} for name, each in found.items()
    }


@pytest.mark.parametrize("later", [timedelta(minutes=1), timedelta(minutes=-30)])
def test_an_id_that_was_erased_and_given_again_is_somebody_else_whatever_the_clock_says(desk: Desk, later: timedelta) -> None:
    """A decision on the party before is not committed, also where the clock was set back since: the leaves say what came first."""
    stated = {"facts": {"country": "KE"}}
    assert desk.client.put("/v1/parties/lab", json=stated).status_code == 201
    desk.now[0] += timedelta(seconds=1)
    decided, second = (desk.evaluate(people)["id"] for people in (50, 51))
    assert desk.post("/v1/commitments", {"decision": second}).status_code == 201
    desk.now[0] += later
    assert desk.client.delete("/v1/parties/lab?erase=true").status_code == 200
    assert desk.client.put("/v1/parties/lab", json=stated).status_code == 201
    answer = desk.post("/v1/commitments", {"decision": decided})
    assert answer.status_code == 409
    assert "the register no longer says what it said of `recipient.id`" in answer.json()["detail"]

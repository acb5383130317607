"""
By the bundled policies and the settings of a new service: what is sent abroad in parts never passes a threshold unseen.

The law of mainland China lets an exporter send the data of fewer than 100,000 people in a year. Semantics 2.8.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import engine
from service.cli.main import app
from service.ledger.unattributed_commitments import unattributed
from tests.service.conftest import Lines
from tests.service.ledger.desk import NOON, Desk, before_ids_were_asked, desks

pytestmark = pytest.mark.usefixtures("audited")

SHOWN = {"dated": "2026-09-01", "covers": True}
SENT: dict[str, Any] = {
    "exporter": {"id": "brand", "group": "brand", "country": "CN", "kind": "company", "zone": "none", "cn_ciio": False},
    "recipient": {"id": "post", "country": "AE", "kind": "company", "relation": "unrelated", "listed_on": []},
    "data": {
        "kind": "dataset",
        "personal": True,
        "state": "identified",
        "categories": ["contact"],
        "grades": ["general"],
        "people": {"ordinary": 99_000, "sensitive": 0},
        "people_in": ["CN"],
        "collected_in": ["CN"],
        "stored_in": ["CN"],
        "lawful_source": True,
        "controls": [],
    },
    "act": {"kind": "provide", "trigger": "own", "evades": False, "bars": [], "security_concern": False},
    "purpose": {"is": ["marketing"]},
    "safeguards": {"basis": ["consent"]},
    "evidence": {f"cn-{name}": SHOWN for name in ("export-notice", "separate-consent", "export-need")}
    | {"cn-impact-assessment": SHOWN | {"people": 10_000_000}},
}
COUNTERS = ("cn", "cn_all", "cn_group")


def counts(ordinary: Any) -> dict[str, Any]:
    """The same number stated for each counter of the exporter."""
    return {"counts": {name: {"ordinary": ordinary, "sensitive": 0} for name in COUNTERS}}


class Sender(Desk):
    """Who sends the data of people in China."""

    def sent(self, people: int, stated: Any = None, **more: Any) -> dict[str, Any]:
        document = engine.with_fact_set(SENT | (counts(stated) if stated is not None else {}), "data.people.ordinary", people)
        for fact, value in more.items():
            document = engine.with_fact_set(document, fact.replace("__", "."), value)
        return document

    def ask(self, people: int, stated: Any = None, **more: Any) -> Any:
        answer = self.post("/v1/evaluate", self.sent(people, stated, **more))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def take(self, decision: Any) -> Any:
        return self.post("/v1/commitments", {"decision": decision["id"]})

    def send(self, people: int, stated: Any = None, **more: Any) -> bool:
        """Whether an exchange is permitted and committed; if it is not permitted it is not committed either."""
        decision = self.ask(people, stated, **more)
        status = self.take(decision).status_code
        assert status in ((201,) if decision["proceed"] else (409,))
        return bool(decision["proceed"])

    def most(self, name: str = "cn", **per: str) -> int:
        """What the commitments that stand add up to, by the counter."""
        query = {"counter": f"counts.{name}", **{fact.replace("__", "."): value for fact, value in per.items()}}
        found = self.client.get("/v1/counters", params=query).json()["counts"]
        return int(found[f"counts.{name}.ordinary"].get("at_most", -1))


@pytest.fixture
def opened(database: str, lines: Lines) -> Iterator[Any]:
    with desks(lines, make=Sender, database=database, mode="bitset") as open:
        yield open


@pytest.fixture
def sender(opened: Any) -> Sender:
    """A new service with the settings that it has by itself."""
    sender: Sender = opened()
    return sender


# --- what is added up ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stated", [99_000, 198_000, {"at_least": 0, "at_most": 99_000}, {"at_least": 99_000}, None])
def test_three_sets_below_the_threshold_are_not_three_permits(sender: Sender, stated: Any) -> None:
    """Whatever number is stated, and to whichever recipient, at most the first is permitted."""
    permitted = [sender.send(99_000, stated, recipient__id=f"post-{number}") for number in range(3)]
    assert permitted == [stated not in (None, 198_000, {"at_least": 99_000}), False, False]


def test_a_stated_number_only_raises(sender: Sender) -> None:
    """Beside what the ledger adds up a lower one says nothing, a higher one counts."""
    assert sender.send(40_000, 40_000)
    assert sender.send(40_000, 40_000)
    decision = sender.ask(10_000, 60_000)
    assert decision["proceed"]
    mark = {"from": "both", "at_least": 60_000, "at_most": 90_000, "brought": {"at_least": 60_000, "at_most": 60_000}}
    assert sender.record(decision["id"])["counted"]["counts.cn.ordinary"] == mark
    assert not sender.ask(10_000, 100_000)["proceed"]
    assert not sender.ask(20_000, 60_000)["proceed"]


def test_what_is_stated_is_named_as_what_a_permit_rests_on(opened: Any) -> None:
    """By `trust` a number is taken as it is, and the permit says that it rests on it as stated."""
    sender = opened(callers_counts="trust")
    for _ in range(3):
        decision = sender.ask(99_000, 99_000)
        assert decision["proceed"]
        told = sender.client.get(f"/v1/decisions/{decision['id']}/explanation?include=all").json()
        rests_on = {each["fact"]: each["source"] for each in told["rests_on"]}
        assert rests_on["counts.cn_all.ordinary"] == "stated"
        assert sender.client.get(f"/v1/decisions/{decision['id']}/replay").json()["same"] == "bytes"
        assert sender.take(decision).status_code == 201


def test_where_the_ledger_is_complete_its_sum_is_the_upper_end(opened: Any) -> None:
    """No number need be stated."""
    sender = opened(ledger_since="2020-01-01")
    assert [sender.send(33_000) for _ in range(4)] == [True, True, True, False]
    assert sender.most(exporter__id="brand") == 99_000


def test_a_number_below_the_exchange_s_own_is_refused(sender: Sender) -> None:
    """A counter includes the exchange itself."""
    refused = sender.post("/v1/evaluate", sender.sent(99_000, 98_999))
    assert (refused.status_code, {each["code"] for each in refused.json()["errors"]}) == (400, {"counter-below"})


@pytest.mark.parametrize("stated", [9_000, 90_000, None])
def test_twenty_at_once_around_the_threshold_are_never_over_it(sender: Sender, stated: Any) -> None:
    """All are decided before any is committed; eleven of 9,000 people fit."""
    decisions = [sender.ask(9_000, stated) for _ in range(20)]
    with ThreadPoolExecutor(20) as together:
        answers = [*together.map(sender.take, decisions)]
    assert {each.status_code for each in answers} <= {201, 409}
    assert sum(each.status_code == 201 for each in answers) == {9_000: 11, 90_000: 2, None: 0}[stated]
    with ThreadPoolExecutor(20) as together:
        answers += together.map(lambda _: sender.take(sender.ask(9_000, stated)), range(20))
    listed = sender.client.get("/v1/commitments", params={"limit": "100"}).json()["commitments"]
    assert len(listed) == sum(each.status_code == 201 for each in answers) <= 11


# --- by whom it is counted -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fact", "left_out"), [("exporter.id", None), ("exporter.id", "unknown"), ("exporter.group", None)])
@pytest.mark.parametrize("setting", ["combine", "trust"])
def test_without_one_by_whom_it_is_counted_it_is_asked_and_nothing_is_committed(
    opened: Any, fact: str, left_out: Any, setting: str
) -> None:
    """From the first day of the ledger on, whatever is stated; with an answer it goes on."""
    sender = opened(callers_counts=setting)
    for _ in range(2):
        decision = sender.ask(99_000, 99_000, **{fact.replace(".", "__"): left_out})
        assert (decision["outcome"], [each["fact"] for each in decision["questions"]]) == ("undetermined", [fact])
        assert sender.client.get(f"/v1/decisions/{decision['id']}/replay").json()["same"] == "bytes"
        refused = sender.take(decision)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:fifthfactor:problem:not-committable")
    assert sender.ask(99_000, 99_000)["proceed"]


def test_what_is_permitted_all_the_same_is_not_committed_without_it(sender: Sender) -> None:
    """With a contract in hand nobody asks how many people there are; a later count does."""
    contract = {"dated": "2026-09-01", "filed": "2026-09-03", "covers": True}
    sent = {"evidence__cn-standard-contract": contract, "exporter__id": None}
    decision = sender.ask(99_000, **sent)
    refused = sender.take(decision)
    assert refused.status_code == 409
    if decision["proceed"]:
        assert [each["pointer"] for each in refused.json()["errors"]] == ["/exporter/id"]


def test_an_exchange_that_no_counter_counts_says_nothing_of_it(sender: Sender) -> None:
    """Data about nobody are committed without any of it."""
    nobody = {
        "data__personal": False,
        "data__state": "anonymised",
        "data__categories": ["industrial"],
        "purpose__is": ["industry"],
    }
    nobody |= {"exporter__id": None, "exporter__group": None, "data__people_in": [], "recipient__id": None}
    nobody |= {"recipient__country": "KE", "purpose__end_use": ["civil"], "data__us_people": {"rest": 0}}
    decision = sender.ask(0, **nobody)
    answer = sender.take(decision)
    assert (decision["proceed"], answer.status_code) == (True, 201), (decision, answer.text)


def test_members_of_a_group_are_counted_together(sender: Sender) -> None:
    """Each below the threshold, each to a recipient of its own: the third is put to a person, and not committed."""
    sent = [{"exporter__id": f"shop-{number}", "recipient__id": f"post-{number}"} for number in range(3)]
    assert [sender.send(40_000, 40_000, **each) for each in sent] == [True, True, False]
    decision = sender.ask(40_000, 40_000, **sent[2])
    assert decision["outcome"] == "undetermined"
    assert sender.record(decision["id"])["counted"]["counts.cn_group.ordinary"]["at_most"] == 120_000
    assert sender.send(40_000, 40_000, **sent[2], exporter__group="others")


def test_without_a_stated_number_of_the_group_there_is_none(sender: Sender) -> None:
    """It is asked, since the group may have sent what is not in this ledger."""
    document = sender.sent(40_000, 40_000)
    del document["counts"]["cn_group"]
    decision = sender.post("/v1/evaluate", document).json()
    assert [each["fact"] for each in decision["questions"]] == ["counts.cn_group.ordinary"]
    assert decision["proceed"] is False


# --- people who are counted twice ------------------------------------------------------------------------------------


def test_an_honest_daily_flow_of_the_same_customers_is_counted_once(sender: Sender) -> None:
    """Each day's data set names that of the day before; nobody is added, and each permit says that it rests on this."""
    assert sender.send(60_000, 60_000, data__id="day-0")
    for number in range(1, 5):
        sender.now[0] += timedelta(days=1)
        named = {"data__id": f"day-{number}", "data__same_people_as": f"day-{number - 1}"}
        decision = sender.ask(60_000, 60_000, **named)
        assert decision["proceed"], decision
        told = sender.client.get(f"/v1/decisions/{decision['id']}/explanation?include=all").json()
        assert ("data.same_people_as", "stated") in {(each["fact"], each["source"]) for each in told["rests_on"]}
        assert sender.client.get(f"/v1/decisions/{decision['id']}/replay").json()["same"] == "bytes"
        after = sender.take(decision).json()["counters"]["counts.cn.ordinary"]
        assert after["before"]["at_least"] == after["after"]["at_least"] == 60_000
    assert not sender.send(60_000, 60_000, data__id="others")


@pytest.mark.parametrize(
    "change",
    [
        {"data__same_people_as": "nothing"},
        {"data__people__ordinary": 60_001},
        {"data__people__sensitive": 1},
        {"data__people_in": ["CN", "AE"]},
        {"exporter__id": "other"},
        {"exporter__group": "other"},
        {"data__same_people_as": "withdrawn"},
        {"data__same_people_as": "decided"},
    ],
)
def test_only_a_set_that_counts_may_be_named_and_each_other_is_refused_in_the_same_words(
    opened: Any, change: dict[str, Any]
) -> None:
    """Of the same key, in the window, with as many people of each kind in the same places, and committed."""
    sender = opened(ledger_since="2020-01-01")
    assert sender.send(60_000, data__id="first")
    sender.ask(1_000, data__id="decided")
    withdrawn = sender.take(sender.ask(30_000, data__id="withdrawn")).json()["id"]
    assert sender.post(f"/v1/commitments/{withdrawn}/withdraw", {"reason": "no"}).status_code == 200
    sent = {"data__id": "second", "data__same_people_as": "first"}
    assert sender.ask(60_000, **sent)["proceed"]
    refused = sender.post("/v1/evaluate", sender.sent(60_000, **{**sent, **change})).json()
    nothing = sender.post("/v1/evaluate", sender.sent(60_000, **{**sent, "data__same_people_as": "nothing"})).json()
    assert refused["status"] == 400
    assert {**refused, "request_id": ""} == {**nothing, "request_id": ""}


def test_an_organisation_may_ask_that_it_be_shown(opened: Any, tmp_path: Path) -> None:
    """A mere statement then says nothing, and the people count as anybody's."""
    sender = opened(ledger_since="2020-01-01")
    assert sender.send(60_000, data__id="first")
    named = {"data__id": "second", "data__same_people_as": "first"}
    assert sender.ask(60_000, **named)["proceed"]
    own = tmp_path / "acme"
    own.mkdir()
    (own / "acme.yaml").write_text("organisation: acme\ntitle: {en: Acme, zh: 公司}\nmust_be_shown: [data.same_people_as]\n")
    strict = opened(ledger_since="2020-01-01", policies=(engine.policies_at("bundled"), own))
    assert not strict.ask(60_000, **named)["proceed"]
    assert strict.ask(39_000, data__id="third")["proceed"]


def ended(sender: Sender, how: str, id: str) -> None:
    """Let an earlier commitment no longer count."""
    match how:
        case "withdrawn":
            assert sender.post(f"/v1/commitments/{id}/withdraw", {"reason": "no"}).status_code == 200
        case "amended":
            smaller = sender.ask(39_999, data__id="first")["id"]
            sent = {"decision": smaller, "reason": "fewer came"}
            assert sender.post(f"/v1/commitments/{id}/amend", sent).status_code == 201
        case "out of the window":
            sender.now[0] = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("how", "most"), [("withdrawn", 40_000), ("amended", 79_999), ("out of the window", 0)])
def test_once_the_earlier_one_no_longer_counts_the_later_one_counts_in_full(opened: Any, how: str, most: int) -> None:
    """A third one that names the second rests on it then."""
    sender = opened(ledger_since="2020-01-01")
    sender.now[0] = NOON.replace(month=12, day=30)
    first = sender.take(sender.ask(40_000, data__id="first")).json()["id"]
    sender.now[0] += timedelta(days=1)
    assert sender.send(40_000, data__id="second", data__same_people_as="first")
    assert sender.send(40_000, data__id="third", data__same_people_as="second")
    assert sender.most(exporter__id="brand") == 40_000
    ended(sender, how, first)
    assert sender.most(exporter__id="brand") == most
    assert sender.most("cn_two_years", exporter__id="brand") == {"out of the window": 40_000}.get(how, most)


def test_two_sets_never_rest_on_each_other(opened: Any) -> None:
    """An amendment that names what names it counts, and so does what named it."""
    sender = opened(ledger_since="2020-01-01")
    first = sender.take(sender.ask(40_000, data__id="first")).json()["id"]
    assert sender.send(40_000, data__id="second", data__same_people_as="first")
    circular = sender.ask(40_000, data__id="first", data__same_people_as="second")["id"]
    answer = sender.post(f"/v1/commitments/{first}/amend", {"decision": circular, "reason": "x"})
    assert answer.status_code == 201, answer.text
    assert sender.most(exporter__id="brand") >= 40_000


def test_a_record_of_how_many_different_people_there_are_replaces_the_sum_up_to_its_day(opened: Any) -> None:
    """What was committed on its day and later is added; the permit rests on it."""
    sender = opened(ledger_since="2020-01-01")
    assert sender.send(60_000)
    assert sender.send(39_000)
    sender.now[0] += timedelta(days=1)
    refused = sender.ask(37_999)
    asked = {each["fact"] for each in refused["questions"]}
    assert asked == {"evidence.cn-count-record", "evidence.cn-group-count-record"}
    record = {"dated": "2026-11-26", "covers": True, "people": 62_000}
    records = {"evidence__cn-count-record": record, "evidence__cn-group-count-record": record}
    assert not sender.ask(38_000, **records)["proceed"]
    decision = sender.ask(37_999, **records)
    assert decision["proceed"], decision
    told = sender.client.get(f"/v1/decisions/{decision['id']}/explanation?include=all").json()
    assert ("evidence.cn-count-record", "stated") in {(each["fact"], each["source"]) for each in told["rests_on"]}
    assert sender.client.get(f"/v1/decisions/{decision['id']}/replay").json()["same"] == "bytes"
    assert sender.take(decision).status_code == 201
    assert not sender.ask(1, **records)["proceed"]  # what came on the day of the record is not in it


@pytest.mark.parametrize(
    "change",
    [
        {"people": 59_999},
        {"people": "unknown"},
        {"covers": False},
        {"dated": "2026-11-27"},
        {"dated": "2025-12-31"},
    ],
)
def test_a_record_that_does_not_say_how_many_there_are_in_the_window_replaces_nothing(
    opened: Any, change: dict[str, Any]
) -> None:
    """One below what the ledger has for certain, of another window, of another day, or of no number."""
    sender = opened(ledger_since="2020-01-01")
    assert sender.send(60_000)
    assert sender.send(39_000)
    sender.now[0] += timedelta(days=1)
    record = {"dated": "2026-11-26", "covers": True, "people": 60_000, **change}
    records = {"evidence__cn-count-record": record, "evidence__cn-group-count-record": record}
    assert not sender.ask(40_000, **records)["proceed"]


def test_a_record_of_more_people_than_are_known_of_lowers_nothing(sender: Sender) -> None:
    """Nobody knows of which kind the others are."""
    record = {"dated": "2026-11-25", "covers": True, "people": 150_000}
    records = {"evidence__cn-count-record": record, "evidence__cn-group-count-record": record}
    assert sender.ask(40_000, 40_000)["proceed"]
    assert not sender.ask(40_000, 40_000, **records)["proceed"]


# --- what was committed before ---------------------------------------------------------------------------------------


def test_what_was_committed_without_an_id_counts_for_everybody_until_it_is_attributed_or_withdrawn(opened: Any) -> None:
    """By an amendment that says by whom it counts."""
    sender = opened(ledger_since="2020-01-01")
    with before_ids_were_asked():
        ids = [sender.take(sender.ask(40_000, 40_000, exporter__id=None)).json()["id"] for _ in range(2)]
    assert sender.most(exporter__id="anybody") == 80_000
    with sender.service.store.database.reading.connect() as connection:
        found = [*unattributed(connection, sender.service.live)]
    assert [(each.commitment, each.lacks) for each in found] == [(id, ("exporter.id",)) for id in ids]
    url = sender.service.settings.database
    listed = CliRunner().invoke(app, ["unattributed", "--database", url])
    assert (listed.exit_code, [line.split()[0] for line in listed.stdout.splitlines()]) == (1, ids)
    assert sender.post(f"/v1/commitments/{ids[0]}/withdraw", {"reason": "it did not happen"}).status_code == 200
    mine = sender.ask(40_000, 40_000)["id"]
    sent = {"decision": mine, "reason": "it was the brand's"}
    assert sender.post(f"/v1/commitments/{ids[1]}/amend", sent).status_code == 201
    assert CliRunner().invoke(app, ["unattributed", "--database", url]).exit_code == 0
    assert (sender.most(exporter__id="anybody"), sender.most(exporter__id="brand")) == (0, 40_000)

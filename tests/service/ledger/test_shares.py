"""The ledger's shares over HTTP, on both databases: against plain counting, what too few say, and who is told."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import engine
from service.ledger.exposure_questions import UnderPolicies
from service.ledger.running_commitments import running
from service.log.leaf import with_personal_values
from service.policies.live import Live
from service.service import Service
from service.watch.round import run
from service.watch.transactions import writing
from tests.service.conftest import BOTH_DATABASES, Lines
from tests.service.ledger.desk import JSON, NOON, desks

POLICIES = Path(__file__).parent / "share_policies"
CATEGORY, VENUE = "ledger.share.exporter-category", "ledger.share.exporter-venue"
NEXT_YEAR = datetime(2027, 1, 5, 12, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("audited")


@dataclass
class Desk:
    """A service with a clock of its own, and parties that exchange."""

    service: Service
    client: TestClient
    now: list[datetime] = field(default_factory=lambda: [NOON])

    def post(self, path: str, body: Any = None, key: str = "") -> Any:
        headers = {**JSON, **({"authorization": f"Bearer {key}"} if key else {})}
        return self.client.post(path, content=json.dumps(body) if body is not None else b"", headers=headers)

    def evaluate(self, exporter: str = "a", recipient: str = "x", key: str = "", **more: Any) -> Any:
        sent: dict[str, Any] = {
            "exporter": {"id": exporter, "country": "CN"},
            "recipient": {"id": recipient, "country": "KE"},
            "data": {"categories": ["health"]},
            "terms": {"venue": "hall"},
        }
        for fact, value in more.items():
            sent = engine.with_fact_set(sent, fact.replace("__", "."), value)
        answer = self.post("/v1/evaluate", sent, key)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def commit(self, exporter: str = "a", recipient: str = "x", **more: Any) -> Any:
        answer = self.post("/v1/commitments", {"decision": self.evaluate(exporter, recipient, **more)["id"]})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def get(self, path: str, key: str = "") -> Any:
        answer = self.client.get(path, headers={"authorization": f"Bearer {key}"} if key else {})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def record(self, id: str, key: str = "") -> Any:
        return self.get(f"/v1/decisions/{id}", key)["record"]

    def share(self, fact: str = CATEGORY, **more: Any) -> Any:
        """What the record of a new decision says of a share."""
        return self.record(self.evaluate(**more)["id"]).get("shares", {}).get(fact)

    def market(self, of_a: int = 9, all: int = 19) -> list[Any]:
        """So many exchanges, some of which are of one exporter and the others of two."""
        return [self.commit("a" if number < of_a else "bc"[number % 2], "xyz"[number % 3]) for number in range(all)]

    def reload(self, old: str, new: str) -> None:
        """Put changed policies in the place of those that decide."""
        sources = {path.name: path.read_text() for path in POLICIES.glob("*.yaml")}
        assert any(old in text for text in sources.values())
        sources = {name: text.replace(old, new) for name, text in sources.items()}
        bundle = engine.load_sources({name: text.encode() for name, text in sources.items()})
        self.service.policies.live = Live.of(bundle, "bitset")


@pytest.fixture
def desk(database: str, lines: Lines) -> Iterator[Desk]:
    with desks(lines, Desk, policies=POLICIES, database=database, mode="durable") as open:
        yield open()


def told(numerator: int, denominator: int) -> dict[str, int]:
    return {"numerator": numerator, "denominator": denominator}


@BOTH_DATABASES
def test_a_new_ledger_asks_nothing_and_twenty_exchanges_ask_a_person(desk: Desk) -> None:
    """The one that is decided is the twentieth; a half asks nobody, and more than a half does."""
    assert "shares" not in desk.record(desk.evaluate()["id"])
    commitments = desk.market(9, 18)
    assert desk.share() == "too-few"
    assert desk.evaluate()["outcome"] == "permitted"
    desk.commit("b", "y")
    answer = desk.evaluate()
    assert (desk.share(), answer["outcome"]) == (told(10, 20), "permitted")
    desk.commit()
    answer = desk.evaluate()
    assert (desk.share(), answer["outcome"], answer["proceed"]) == (told(11, 21), "review", False)
    assert desk.evaluate("b")["outcome"] == "permitted"
    assert desk.post(f"/v1/commitments/{commitments[0]['id']}/withdraw", {"reason": "no sale"}).status_code == 200
    assert (desk.share(), desk.evaluate()["outcome"]) == (told(10, 20), "permitted")
    desk.now[0] = NEXT_YEAR
    assert (desk.share(), desk.evaluate()["outcome"]) == ("too-few", "permitted")


def test_two_parties_are_too_few_however_many_exchanges(desk: Desk) -> None:
    """A third party is enough, the one that is decided included; when the first of a party is withdrawn its others still count."""
    for number in range(24):
        desk.commit("a" if number < 12 else "b", "xyz"[number % 3])
    assert (desk.share(), desk.share(exporter="c")) == ("too-few", told(1, 25))
    first = desk.commit("c", "x")
    desk.commit("c", "y")
    assert desk.share() == told(13, 27)
    desk.post(f"/v1/commitments/{first['id']}/withdraw", {"reason": "no sale"})
    assert desk.share() == told(13, 26)
    assert desk.share("ledger.share.recipient-state") == "too-few"


def model(running: list[dict[str, Any]], asked: dict[str, Any]) -> dict[str, Any]:
    """What each share should be, from a list of what runs and the exchange that is decided."""
    every, found = [*running, asked], {}
    for side, id, state in (("exporter", "exporter", "from"), ("recipient", "recipient", "to")):
        of = {"category": (id, "categories"), "venue": (id, "venues"), "state": (state, "all")}
        for name, (whose, by) in of.items():
            cells = []
            for word in asked[by]:
                cell = [each[whose] for each in every if word in each[by]]
                if len(cell) >= 20 and len(set(cell)) >= 3:
                    cells.append((cell.count(asked[whose]), len(cell)))
            best = max(cells, key=lambda each: each[0] / each[1], default=None)
            found[f"ledger.share.{side}-{name}"] = told(*best) if best else "too-few" if asked[by] else "none"
    return found


@BOTH_DATABASES
def test_random_commitments_withdrawals_and_amendments_agree_with_plain_counting(desk: Desk) -> None:
    """Each share of each decision, whatever was taken back before."""
    chance = random.Random(31)
    desk.reload("more_than: 0.5", "more_than: 1")
    running: dict[str, dict[str, Any]] = {}
    numbers = 0

    def drawn() -> tuple[dict[str, Any], dict[str, Any]]:
        drawn = {
            "exporter": chance.choice("aaab" if chance.random() < 0.6 else "cde"),
            "recipient": chance.choice("xxyz"),
            "categories": chance.sample(["health", "traffic", "energy"], chance.randint(0, 2)),
            "venues": [chance.choice(["hall", "direct"])],
            "from": chance.choice(["CN", "CN", "BR", "IN"]),
            "to": chance.choice(["KE", "RW", "IN"]),
            "all": ["all"],
        }
        sent = {
            "exporter": drawn["exporter"],
            "recipient": drawn["recipient"],
            "data__categories": drawn["categories"],
            "terms__venue": drawn["venues"][0],
            "exporter__country": drawn["from"],
            "recipient__country": drawn["to"],
        }
        return drawn, sent

    for _ in range(70):
        words, sent = drawn()
        act = chance.choice(["commit", "commit", "commit", "withdraw", "amend"]) if running else "commit"
        old = chance.choice(sorted(running)) if running else ""
        decision = desk.evaluate(**sent)
        shares = desk.record(decision["id"]).get("shares")
        assert shares == model([*running.values()], words) or (shares is None and not running), (words, shares)
        numbers += sum(isinstance(each, dict) for each in (shares or {}).values())
        if act == "withdraw":
            assert desk.post(f"/v1/commitments/{old}/withdraw", {"reason": "by chance"}).status_code == 200
        elif act == "amend":
            done = desk.post(f"/v1/commitments/{old}/amend", {"decision": decision["id"], "reason": "by chance"})
            running[done.json()["id"]] = words
        else:
            done = desk.post("/v1/commitments", {"decision": decision["id"]}).json()
            assert [each for each in done["moved"] if "share" in each["fact"]] == []
            running[done["id"]] = words
        if act != "commit":
            del running[old]
    assert numbers > 50  # of the decisions above


def test_a_sender_states_no_share(desk: Desk) -> None:
    """Neither the fact nor what the ledger says."""
    sent = {"exporter": {"id": "a", "country": "CN"}, "ledger": {"share": {"exporter-category": "0.1"}}}
    answer = desk.post("/v1/evaluate", sent)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "register-only")
    sent = {"exporter": {"id": "a", "country": "CN"}, "shares": {CATEGORY: "too-few"}}
    answer = desk.post("/v1/evaluate", sent)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "unknown-key")


def test_a_share_is_rounded_up_at_six_places(desk: Desk) -> None:
    """Seven of twenty-one are a third, and a little more."""
    said = {CATEGORY: told(7, 21), VENUE: told(21, 21)}
    exchange = engine.with_shares(desk.service.live.bundle, engine.accept_exchange(desk.service.live.bundle, {}), said)
    assert exchange.value(CATEGORY) == engine.Range.exact(Decimal("0.333334"))
    assert exchange.value(VENUE) == engine.Range.exact(Decimal(1))


def test_who_it_is_of_is_asked_where_it_matters(desk: Desk) -> None:
    """A party or a category that is not stated leaves the share open; the public has none."""
    desk.market()
    for left_out, asked in (("exporter__id", "exporter.id"), ("data__categories", "data.categories")):
        answer = desk.evaluate(**{left_out: "unknown"})
        assert (answer["outcome"], [each["fact"] for each in answer["questions"]]) == ("undetermined", [asked])
        assert desk.share(**{left_out: "unknown"}) == "unknown"
    assert desk.evaluate(exporter__id="unknown", data__categories=["energy"])["outcome"] == "permitted"
    sent = {"exporter": {"id": "a", "country": "CN"}, "recipient": "the public", "data": {"categories": ["energy"]}}
    answer = desk.post("/v1/evaluate", sent)
    assert answer.status_code == 200, answer.text
    assert desk.record(answer.json()["id"])["shares"]["ledger.share.recipient-state"] == "none"


@BOTH_DATABASES
def test_a_signature_stands_when_the_share_moves_and_a_replay_gives_the_same_bytes(desk: Desk) -> None:
    """For signatures a share is a counter; each record replays with its own numbers."""
    desk.market(10, 20)
    before = desk.evaluate()
    assert before["outcome"] == "review"
    sign_off = {
        "provisions": ["cn.shares/concentration"],
        "verdict": "approve",
        "reason": "looked at it",
        "until": "2026-12-31",
    }
    given = desk.post(f"/v1/decisions/{before['id']}/sign-off", sign_off)
    assert given.status_code == 201, given.text
    first = desk.commit()
    second = desk.commit()
    after = desk.record(second["evaluation"])
    assert (after["decision"]["outcome"], after["shares"][CATEGORY]) == ("permitted", told(12, 22))
    assert after["decision"]["signed_off"][0]["provision"] == "cn.shares/concentration"
    for id in (before["id"], first["evaluation"], second["evaluation"]):
        replayed = desk.client.get(f"/v1/decisions/{id}/replay").json()
        assert (replayed["holds"], replayed["same"]) == (True, "bytes")


def test_a_commitment_reads_the_shares_of_its_own_transaction(desk: Desk) -> None:
    """Two decisions that are permitted alone: what the first commits is a share that the second is refused by."""
    desk.market(9, 19)
    one, two = desk.evaluate(), desk.evaluate(recipient="y")
    assert (one["outcome"], two["outcome"]) == ("permitted", "permitted")
    assert desk.post("/v1/commitments", {"decision": one["id"]}).status_code == 201
    answer = desk.post("/v1/commitments", {"decision": two["id"]})
    assert (answer.status_code, answer.json()["decision"]["outcome"]) == (409, "review")


def test_the_watch_and_an_exposure_use_the_shares_of_the_record(desk: Desk) -> None:
    """Under policies with a lower threshold that commitment moves whose record has a higher share, whatever it would be today."""
    desk.market(9, 19)
    high = desk.commit()
    for number in range(6):
        desk.commit("bcd"[number % 3], "y")
    assert desk.share() == told(11, 27)
    before = desk.service.live
    desk.reload("more_than: 0.5", "more_than: 0.45")
    assert desk.evaluate()["outcome"] == "permitted"
    question = UnderPolicies(before, desk.service.live, NOON.date())
    with desk.service.store.database.reading.connect() as connection:
        found = {
            each.id: question.look(
                connection, each, with_personal_values(each.stored.entry.leaf, each.stored.entry.openings), Counter()
            )
            for each in running(connection, 0, 10_000)
        }
    assert [(id, touch.old, touch.new) for id, touch in found.items() if touch] == [(high["id"], "permitted", "review")]
    assert run(desk.service, writing(desk.service), NOON.date()).whole
    (event,) = desk.get("/v1/watch/events")["events"]
    assert {name: event["data"][name] for name in ("commitment", "before", "after", "causes")} == {
        "commitment": high["id"],
        "before": "permitted",
        "after": "review",
        "causes": ["bundle"],
    }


def test_a_party_is_told_that_a_person_must_look_and_no_numbers(desk: Desk) -> None:
    """Its record is its own; the numbers are withheld, and nothing else that it may read has them."""
    desk.market(10, 20)
    keys: dict[str, str] = {}
    for name, more in (("operator", {"scopes": ["read", "administer"]}), ("a", {"party": "a", "scopes": ["evaluate", "read"]})):
        keys[name] = desk.post("/v1/keys", {"name": name, **more}, keys.get("operator", "")).json()["key"]
    answer = desk.evaluate(key=keys["a"])
    assert answer["outcome"] == "review"
    assert answer["jurisdictions"][0]["jurisdiction"] == "CN"
    assert "It concentrates" in answer["answer"]
    read = [answer, *(desk.get(f"/v1/decisions/{answer['id']}{way}", keys["a"]) for way in ("", "/explanation", "/replay"))]
    opening = next(each for each in read[1]["log"]["personal"] if each["pointer"] == "shares")
    assert (read[1]["record"]["shares"], opening["salt"]) == ({"commitment": opening["commitment"]}, None)
    assert desk.record(answer["id"], keys["operator"])["shares"][CATEGORY] == told(11, 21)
    assert read[-1]["same"] == "bytes"
    for text in map(json.dumps, read):
        assert "numerator" not in text
        assert "0.52381" not in text
        assert CATEGORY not in text


def test_what_was_counted_otherwise_leaves_a_share_open_until_it_is_recounted(desk: Desk) -> None:
    """Policies that say otherwise what a share is of count anew; what they have not counted may be anybody's."""
    desk.market(4, 19)
    assert desk.evaluate()["outcome"] == "permitted"
    desk.reload("exporter-venue: {of: exporter.id, by: terms.venue}", "exporter-venue: {of: recipient.id, by: terms.venue}")
    assert desk.share() == {"numerator": 1, "denominator": 1, "left_out": 19}
    assert desk.evaluate()["outcome"] == "review"
    assert desk.post("/v1/ledger/recount").json() == {"recounted": 19, "left": []}
    assert (desk.share(), desk.evaluate()["outcome"]) == (told(5, 20), "permitted")

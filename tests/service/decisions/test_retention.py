"""Nothing is erased while a law, a commitment, a counter, a duty or an approval needs it; and what is erased is in no file."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from service.cli.main import app
from service.decisions import retention
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.conftest import BOTH_DATABASES, EXCHANGE, Lines

POLICIES = Path(__file__).parent.parent / "ledger" / "policies"
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
NAME = "practice-of-dr-li-na-of-pudong"

FACTS = """\
vocabulary: retention-tests
facts:
  act.frequency: {type: frequency, title: how often, ask: How often?}
  act.reported: {type: yes/no, title: it was reported, ask: Was it reported?}
  terms.term: {type: duration, title: term, ask: How long?}
values:
  frequency: {title: frequency, ordered: yes, values: {once: once, repeated: regularly}}
touches: [{fact: exporter.country, as: exporter}]
subjects: {exports: {title: exports, when: {exporter.country: CN}}}
"""
COVERED = """title: mainland China
    countries: [CN]
    covers: {exports: {from: 2020-01-01, by: [cn.test]}}
"""
RULES = """\
policy: cn.duties
title: Duties
jurisdiction: CN
instrument: {issuer: Nobody, number: None, force: law}
in_force: {from: 2024-01-01}
applies: {exporter.country: CN}

rules:
  - id: records
    title: Records are kept
    cite: Art. 7
    says: Records are kept for three years.
    source: none
    status: confirmed
    when: {data.people.ordinary: {at_least: 100}}
    oblige: {duty: Keep the record, who: exporter, cite: Art. 7, keep: 3 years}
  - id: report
    title: Exports are reported
    cite: Art. 8
    says: An export of sensitive data is reported within 30 days.
    source: none
    status: confirmed
    when: {data.people.sensitive: {at_least: 1}}
    oblige:
      duty: Report it
      who: exporter
      cite: Art. 8
      due: {within: 30 days, after: exchanged_at}
      done_when: {act.reported: yes}
  - id: archive
    title: Archives
    cite: Art. 9
    says: Data of staff are kept as the archive says.
    source: none
    status: confirmed
    when: {data.staff: yes}
    oblige: {duty: Keep the file, who: exporter, cite: Art. 9, keep: as long as the archive says}
  - id: refused
    title: What is refused is noted
    cite: Art. 10
    says: Whoever refuses an export keeps a note for a year.
    source: none
    status: confirmed
    when: {counts.year.ordinary: {at_least: 1 thousand}}
    oblige: {duty: Keep the note, who: exporter, cite: Art. 10, arises: refusal, keep: 1 year}
"""


@dataclass
class Desk:
    """A service with a clock of its own, and who talks to it."""

    service: Service
    client: TestClient
    now: list[datetime] = field(default_factory=lambda: [NOON])

    def post(self, path: str, body: Any = None) -> Any:
        return self.client.post(path, json=body)

    def evaluate(self, ordinary: int = 0, sensitive: int = 0, **more: Any) -> Any:
        people = {"ordinary": ordinary, "sensitive": sensitive, "rest": 0}
        sent = {
            "exporter": {"id": NAME, "country": "CN"},
            "recipient": {"id": "lab"},
            "data": {"people": people, "staff": False, **more.pop("data", {})},
            **more,
        }
        answer = self.post("/v1/evaluate", sent)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def commit(self, ordinary: int = 0, **more: Any) -> Any:
        answer = self.post("/v1/commitments", {"decision": self.evaluate(ordinary, **more)["id"]})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def needed(self, id: str) -> dict[str, str]:
        """Why a decision is not erased, by the code of the reasons; none where it was erased."""
        answer = self.post(f"/v1/decisions/{id}/erase")
        if answer.status_code == 200:
            assert answer.json()["erased"] == 2
            return {}
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:fifthfactor:problem:not-erasable"), answer.text
        assert NAME in self.client.get(f"/v1/decisions/{id}").text
        found: dict[str, str] = {}
        for each in answer.json()["errors"]:
            found[each["code"]] = "; ".join(filter(None, (found.get(each["code"]), each["detail"])))
        return found

    def on(self, day: str) -> None:
        self.now[0] = datetime.fromisoformat(f"{day}T12:00:00+00:00")


@pytest.fixture
def desk(database: str, lines: Lines, tmp_path: Path) -> Iterator[Desk]:
    """A service whose policies have duties, whose ledger is complete."""
    with desk_in("UTC", database, lines, tmp_path) as desk:
        yield desk


@contextmanager
def desk_in(zone: str, database: str, lines: Lines, tmp_path: Path) -> Iterator[Desk]:
    """The same in a time zone."""
    folder = tmp_path / "policies"
    shutil.copytree(POLICIES, folder)
    (folder / "facts.yaml").write_text(FACTS)
    words = folder / "vocabulary.yaml"
    words.write_text(words.read_text().replace("title: mainland China\n", COVERED))
    (folder / "duties.yaml").write_text(RULES)
    now = [NOON]
    kept = {"database": database, "mode": "bitset", "ledger_since": "2026-01-01", "zone": zone}
    settings = Settings(watch=False, policies=folder, **kept)
    service = Service.open(settings, say=log_lines.logger(lines), clock=lambda: now[0])
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        yield Desk(service, client, now)


def test_a_record_is_kept_as_long_as_a_law_says(desk: Desk) -> None:
    """From the day of the exchange on, to the last day; an exchange of which no law says so is erased at once."""
    assert desk.needed(desk.evaluate(99)["id"]) == {}
    id = desk.evaluate(100)["id"]
    desk.on("2029-11-25")
    (detail,) = [desk.needed(id)["kept-by-law"]]
    assert "Art. 7" in detail
    assert detail.endswith("asks to keep the proof for 3 years, until 2029-11-25")
    desk.on("2029-11-26")
    assert desk.needed(id) == {}
    assert desk.post(f"/v1/decisions/{id}/erase").json()["erased"] == 0


def test_what_was_not_let_through_has_only_the_proof_of_its_refusal(desk: Desk) -> None:
    """And what was only tried for another day has none."""
    id = desk.evaluate(1000)["id"]
    assert list(desk.needed(id)) == ["kept-by-law"]
    assert desk.needed(id)["kept-by-law"].endswith("for 1 year, until 2027-11-25")
    desk.on("2026-11-20")
    tried = desk.evaluate(500, as_of="2026-11-25")
    assert tried["hypothetical"]
    assert desk.needed(tried["id"]) == {}


def test_words_from_which_no_day_can_be_read_keep_it(desk: Desk) -> None:
    """Nobody can say that the time is over."""
    id = desk.evaluate(1, data={"staff": True})["id"]
    desk.on("2099-01-01")
    assert "for as long as the archive says, from which no last day can be read" in desk.needed(id)["kept-by-law"]


def test_an_open_duty_rests_on_the_record(desk: Desk) -> None:
    """Until it is due, unless it was done when the exchange was decided."""
    open_, done = (desk.evaluate(sensitive=5, act={"reported": told})["id"] for told in (False, True))
    assert "due on 2026-12-25 and not done" in desk.needed(open_)["duty-open"]
    assert desk.needed(done) == {}
    desk.on("2026-12-26")
    assert desk.needed(open_) == {}


def test_a_commitment_keeps_both_of_its_records_and_what_it_adds_to_counters(desk: Desk) -> None:
    """The decision that was named and the one that was made then: while it runs, and while it counts."""
    running = desk.commit(10)
    for id in (running["decision"], running["evaluation"]):
        assert desk.needed(id)["commitment-runs"] == f"the commitment {running['id']} runs until it is withdrawn or amended"
        assert "`counts.year.ordinary` counts it until 2026-12-31" in desk.needed(id)["counter-counts"]
    once = desk.commit(20, act={"frequency": "once"})
    for_a_while = desk.commit(200, terms={"term": "2 months"})
    desk.on("2026-12-30")
    assert list(desk.needed(once["decision"])) == ["counter-counts"]
    assert "runs until 2027-01-25" in desk.needed(for_a_while["decision"])["commitment-runs"]
    assert "until 2030-01-25" in desk.needed(for_a_while["decision"])["kept-by-law"]
    desk.on("2027-01-01")
    assert desk.needed(once["decision"]) == desk.needed(once["evaluation"]) == {}
    assert list(desk.needed(running["decision"])) == ["commitment-runs"]
    assert desk.post(f"/v1/commitments/{running['id']}/withdraw", {"reason": "it did not happen"}).status_code == 200
    assert desk.needed(running["decision"]) == {}


def test_the_time_to_keep_begins_when_the_commitment_ends(desk: Desk) -> None:
    """Not when it began."""
    running = desk.commit(300)
    desk.on("2027-06-01")
    assert desk.post(f"/v1/commitments/{running['id']}/withdraw", {"reason": "over"}).status_code == 200
    assert desk.needed(running["evaluation"])["kept-by-law"].endswith("until 2030-06-01")


@pytest.mark.parametrize(("zone", "until"), [("Asia/Shanghai", "2030-06-02"), ("America/New_York", "2030-06-01")])
def test_it_begins_on_the_day_of_the_end_where_the_service_is(
    database: str, lines: Lines, tmp_path: Path, zone: str, until: str
) -> None:
    """At 20:00 in UTC it is the next day in Shanghai: its proof is not erased a day early."""
    with desk_in(zone, database, lines, tmp_path) as desk:
        running = desk.commit(300)
        desk.now[0] = datetime(2027, 6, 1, 20, tzinfo=UTC)
        assert desk.post(f"/v1/commitments/{running['id']}/withdraw", {"reason": "over"}).status_code == 200
        assert desk.needed(running["evaluation"])["kept-by-law"].endswith(f"until {until}")


def test_a_refusal_ends_only_what_was_approved_before_it(client: TestClient, evaluate: Callable[..., Any]) -> None:
    """What was approved afterwards stands, so its decision is kept, and that of the refusal is not."""
    facts = {name: value for name, value in EXCHANGE.items() if name not in ("as_of", "evidence")}

    def signed(verdict: str, **more: str) -> str:
        id: str = evaluate(json.dumps(facts).encode()).json()["id"]
        given = {"provisions": ["cn.test/art-1"], "verdict": verdict, "reason": "counsel looked at it", **more}
        answer = client.post(f"/v1/decisions/{id}/sign-off", json=given)
        assert answer.status_code == 201, answer.text
        return id

    refused, approved = signed("refuse"), signed("approve", until=str(datetime.now(UTC).date()))
    answer = client.post(f"/v1/decisions/{approved}/erase")
    assert (answer.status_code, [each["code"] for each in answer.json()["errors"]]) == (409, ["signed-off"])
    assert "the approval of `cn.test/art-1` stands until" in answer.json()["errors"][0]["detail"]
    assert client.post(f"/v1/decisions/{refused}/erase").json()["erased"] > 0


def test_the_command_keeps_what_is_needed_and_erases_the_rest(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reason is printed; the policies come from the database."""

    class Then(datetime):
        """A clock that shows the day of the decisions: the year that is counted ends."""

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return NOON

    monkeypatch.setattr(retention, "datetime", Then)
    needed, counted, free = desk.evaluate(100)["id"], desk.commit(1)["decision"], desk.evaluate(2)["id"]
    result = CliRunner().invoke(app, ["log", "erase", needed, counted, free, "--database", desk.service.settings.database])
    assert result.exit_code == 1
    assert f"{free}: 2 values erased" in result.output
    assert "asks to keep the proof for 3 years, until 2029-11-25" in result.output
    assert f"{counted}: the personal values are needed for as long as a reason without a last day stands" in result.output
    assert "counts it until 2026-12-31" in result.output
    assert NAME not in desk.client.get(f"/v1/decisions/{free}").text
    assert NAME in desk.client.get(f"/v1/decisions/{needed}").text


@BOTH_DATABASES
def test_what_cannot_be_decided_again_is_kept_if_it_went_through(desk: Desk) -> None:
    """Nobody can say how long a law asks to keep it."""
    went, stayed = desk.evaluate(1)["id"], desk.evaluate(1000)["id"]
    service = desk.service
    with service.store.database.writing.begin() as connection:
        connection.exec_driver_sql("DELETE FROM bundle")
    rules = Path(service.policies.origin.paths[0]) / "rules.yaml"
    rules.write_text(rules.read_text().replace("Nobody sends", "No one sends"))
    assert desk.post("/v1/bundle/reload").status_code == 200
    assert "nobody can say how long" in desk.needed(went)["not-decidable"]
    assert desk.needed(stayed) == {}


def test_no_file_of_the_database_holds_an_erased_value(desk: Desk) -> None:
    """Neither the record nor the index, a kept answer, a leaf or the write-ahead log: while the service runs, and after it ended."""
    path = Path(desk.service.settings.database)

    def holders(value: str) -> list[str]:
        return [file.name for file in path.parent.glob(path.name + "*") if value.encode() in file.read_bytes()]

    sent: dict[str, Any] = {"exporter": {"id": NAME, "country": "CN"}, "recipient": {"id": "lab"}}
    sent["data"] = {"people": {"ordinary": 1, "sensitive": 0, "rest": 0}, "staff": False}
    first = desk.client.post("/v1/evaluate", json=sent, headers={"Idempotency-Key": "first"}).json()
    batch = desk.client.post(
        "/v1/evaluate/batch", json={"exchanges": [sent, {**sent, "exporter": {"id": "clinic", "country": "CN"}}]}
    ).json()
    made = desk.commit(5)
    ids = [first["id"], *(each["decision"]["id"] for each in batch["results"]), made["decision"], made["evaluation"]]
    assert desk.client.get("/v1/decisions", params={"exporter": NAME}).json()["decisions"]
    assert holders(NAME)
    assert desk.post(f"/v1/commitments/{made['id']}/withdraw", {"reason": "it did not happen"}).status_code == 200
    for id in ids:
        assert desk.post(f"/v1/decisions/{id}/erase").json()["erased"] == 2
    assert holders(NAME) == []
    assert {file.name for file in path.parent.glob(path.name + "*")} >= {path.name, path.name + "-wal", path.name + "-shm"}
    assert desk.client.get("/v1/decisions", params={"exporter": NAME}).json()["decisions"] == []
    assert CliRunner().invoke(app, ["log", "verify", "--database", str(path)]).exit_code == 0
    assert json.loads(desk.client.get(f"/v1/decisions/{ids[0]}").text)["record"]["request"]["exporter"]["id"].keys() == {
        "commitment"
    }
    desk.service.close()
    assert holders(NAME) == []

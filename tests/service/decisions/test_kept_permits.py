"""How long a permit may be kept: only what nothing but the day and the policies can change, and never beyond the day."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from service.callers.caller import LOCAL
from service.decisions.answer_options import AnswerOptions
from service.decisions.decider import Decider
from service.decisions.kept_permits import KeepingTime, with_keep_until
from service.documents.shown_documents import ShownDocuments
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store import kept_reads
from service.store.tables import counted, sign_off
from service.telemetry import log_lines
from tests.service.conftest import BOTH_DATABASES, POLICIES, Lines
from tests.service.documents import test_documents as documented

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
JSON = {"content-type": "application/json"}
PERMITTED: dict[str, Any] = {"exporter": {"country": "CN"}, "recipient": {"country": "CN"}, "data": {"people": 100}}
SHARES = Path(__file__).parents[1] / "ledger" / "share_policies"


class Desk:
    """A service with a clock of its own."""

    def __init__(self, client: TestClient, service: Service, now: list[datetime]) -> None:
        self.client, self.service, self.now = client, service, now

    def evaluate(self, exchange: Any = PERMITTED, path: str = "/v1/evaluate", **headers: str) -> Any:
        answer = self.client.post(path, content=json.dumps(exchange), headers=JSON | headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def keep_until(self, exchange: Any = PERMITTED, path: str = "/v1/evaluate") -> str | None:
        """Of an exchange that may proceed."""
        answer = self.evaluate(exchange, path)
        assert answer["proceed"], answer["answer"]
        found: str | None = answer["keep_until"]
        return found

    def post(self, path: str, sent: Any) -> Any:
        answer = self.client.post(path, json=sent)
        assert answer.is_success, answer.text
        return answer.json()


@contextmanager
def opened(database: str, lines: Lines, policies: Any = POLICIES, **settings: Any) -> Iterator[Desk]:
    """A desk at a database."""
    now = [NOON]
    chosen = Settings(watch=False, watch_commitments=False, policies=policies, database=database, **settings)
    service = Service.open(chosen, say=log_lines.logger(lines), clock=lambda: now[0])
    with TestClient(create_app(chosen, service), base_url="http://127.0.0.1:8080") as client:
        yield Desk(client, service, now)


@pytest.fixture
def desk(database: str, lines: Lines) -> Iterator[Desk]:
    """A desk at a new database."""
    with opened(database, lines) as found:
        yield found


# --- the moment ----------------------------------------------------------------------------------------------------------------


@BOTH_DATABASES
def test_a_permit_that_read_nothing_may_be_kept_for_five_minutes(desk: Desk) -> None:
    """Alone and in a batch; what the service found again is kept from now, not from when it was decided."""
    assert desk.keep_until() == "2026-11-25T12:05:00Z"
    desk.now[0] += timedelta(seconds=30.7)
    assert desk.keep_until() == "2026-11-25T12:05:30Z"
    assert desk.service.live.decisions.found == 1
    results = desk.evaluate({"exchanges": [PERMITTED, {**PERMITTED, "data": {"people": 10_000}}]}, "/v1/evaluate/batch")[
        "results"
    ]
    assert [each["decision"]["keep_until"] for each in results] == ["2026-11-25T12:05:30Z", None]
    assert desk.keep_until(path="/v1/evaluate?lang=zh&include=reasons") == "2026-11-25T12:05:30Z"


def test_no_record_says_it(desk: Desk) -> None:
    """The record of a decision promises nothing, and a retry gets the moment that the first answer had."""
    first = desk.evaluate(**{"idempotency-key": "once"})
    desk.now[0] += timedelta(minutes=10)
    assert desk.evaluate(**{"idempotency-key": "once"}) == first
    record = desk.client.get(f"/v1/decisions/{first['id']}").json()["record"]
    assert first["keep_until"] == "2026-11-25T12:05:00Z"
    assert "keep_until" not in json.dumps(record)


def test_nothing_is_kept_beyond_the_day(database: str, lines: Lines) -> None:
    """Two minutes before midnight it is two minutes, and in the last second it is nothing."""
    with opened(database, lines, zone="Asia/Shanghai") as desk:
        desk.now[0] = datetime(2026, 11, 25, 15, 58, tzinfo=UTC)
        assert desk.keep_until() == "2026-11-25T16:00:00Z"
        desk.now[0] = datetime(2026, 11, 25, 15, 59, 59, 500_000, tzinfo=UTC)
        assert desk.keep_until() == "2026-11-25T16:00:00Z"
        desk.now[0] = datetime(2026, 11, 25, 16, tzinfo=UTC)
        assert desk.keep_until() == "2026-11-25T16:05:00Z"


@pytest.mark.parametrize(("seconds", "until"), [(0, None), (1, "2026-11-25T12:00:01Z"), (86_400, "2026-11-26T00:00:00Z")])
def test_the_operator_says_how_long(database: str, lines: Lines, seconds: int, until: str | None) -> None:
    """From nothing to the end of the day."""
    with opened(database, lines, keep_at_most=seconds) as desk:
        assert desk.keep_until() == until


@pytest.mark.parametrize(
    ("zone", "now", "until"),
    [
        ("America/Sao_Paulo", "2018-11-04T02:58:00Z", "2018-11-04T03:00:00Z"),  # no midnight: the day begins at one
        ("America/Havana", "2026-11-01T03:58:00Z", "2026-11-01T04:00:00Z"),  # midnight twice: the first
        ("Asia/Beirut", "2026-10-24T20:58:00Z", "2026-10-24T21:03:00Z"),  # the hour before midnight twice
    ],
)
def test_a_day_ends_where_clocks_are_moved(zone: str, now: str, until: str) -> None:
    """At the first moment of the next day at the latest."""
    keeping = KeepingTime(timedelta(minutes=5), ZoneInfo(zone))
    moment = datetime.fromisoformat(now)
    found = keeping.until(moment)
    assert found == datetime.fromisoformat(until)
    for each in (moment, found - timedelta(seconds=1)):
        assert each.astimezone(keeping.zone).date() == moment.astimezone(keeping.zone).date()


def test_the_last_day_ends_without_an_error() -> None:
    """There is no day after it."""
    keeping = KeepingTime(timedelta(minutes=5), UTC)
    assert keeping.until(datetime(9999, 12, 31, 23, 50, tzinfo=UTC)) == datetime(9999, 12, 31, 23, 55, tzinfo=UTC)


def test_the_member_is_added_to_the_bytes() -> None:
    """Last, and null where nothing may be kept."""
    assert with_keep_until(b'{"id":"1"}', None) == b'{"id":"1","keep_until":null}'
    assert with_keep_until(b'{"id":"1"}', NOON) == b'{"id":"1","keep_until":"2026-11-25T12:00:00Z"}'


# --- what was read -------------------------------------------------------------------------------------------------------------


@BOTH_DATABASES
@pytest.mark.parametrize(
    "more",
    [
        {"exporter": {"country": "CN", "id": "clinic-7"}},  # the register does not have it
        {"recipient": {"country": "CN", "id": "lab-9"}},  # it has
        {"data": {"people": 100, "id": "asset-1"}},
        {"named": {"recipient": "lab-9"}, "recipient": {}},
        {"evidence": {"cn-standard-contract": {"dated": "2026-05-01", "covers": True, "hash": "sha256:" + "ab" * 32}}},
    ],
)
def test_what_the_service_was_asked_for_is_not_kept(desk: Desk, more: Any) -> None:
    """An id is looked up in the register, found or not; a hash among the documents that were confirmed."""
    made = desk.client.put("/v1/parties/lab-9", json={"facts": {"country": "CN"}})
    assert made.is_success, made.text
    assert desk.keep_until({**PERMITTED, **more}) is None
    assert desk.keep_until({**PERMITTED, **more}) is None  # found again
    assert desk.keep_until() is not None


def test_an_id_that_is_listed_later_changes_no_kept_permit(desk: Desk) -> None:
    """A permit with its id was never kept; one without an id says the same before and after."""
    named = {**PERMITTED, "exporter": {"country": "CN", "id": "clinic-7"}}
    before = desk.evaluate(named), desk.evaluate()
    assert (before[0]["keep_until"], before[0]["proceed"]) == (None, True)
    made = desk.client.put("/v1/parties/clinic-7", json={"facts": {"country": "US"}})
    assert made.is_success, made.text
    after = desk.evaluate(named), desk.evaluate()
    assert before[0]["verdict"] != after[0]["verdict"]
    assert before[1]["verdict"] == after[1]["verdict"]


def test_a_permit_that_a_person_signed_off_is_not_kept(desk: Desk) -> None:
    """Nor the refusal before."""
    many = {**PERMITTED, "data": {"people": 10_000}}
    asked = desk.evaluate(many)
    assert (asked["proceed"], asked["keep_until"]) == (False, None)
    sent = {"verdict": "approve", "provisions": ["cn.test/art-1"], "reason": "counsel read it", "until": "2027-01-01"}
    desk.post(f"/v1/decisions/{asked['id']}/sign-off", sent)
    assert desk.keep_until(many) is None
    assert desk.keep_until() is not None  # nobody could sign this one off


@pytest.mark.parametrize("end", ["refused", "over"])
def test_no_kept_permit_outlives_the_sign_off_it_rests_on(desk: Desk, end: str) -> None:
    """The permit rests on the sign-off and was not kept. It ends with it: by a refusal, or after the last day."""
    many = {**PERMITTED, "data": {"people": 10_000}}
    path = f"/v1/decisions/{desk.evaluate(many)['id']}/sign-off"
    sent = {"provisions": ["cn.test/art-1"], "reason": "counsel read it"}
    desk.post(path, {**sent, "verdict": "approve", "until": "2026-11-25"})
    permit = desk.evaluate(many)
    assert (permit["proceed"], permit["keep_until"]) == (True, None)
    if end == "refused":
        desk.post(path, {**sent, "verdict": "refuse"})
    else:
        desk.now[0] += timedelta(days=1)
    after = desk.evaluate(many)
    assert (after["proceed"], after["keep_until"]) == (False, None)


@pytest.mark.parametrize("end", ["withdrawn", "over"])
def test_no_kept_permit_outlives_the_confirmation_it_rests_on(database: str, tmp_path: Path, lines: Lines, end: str) -> None:
    """Of a document that must be shown: nobody has an id here, so it is the document alone for which the permit is not kept."""
    more = tmp_path / "more"
    more.mkdir()
    (more / "acme.yaml").write_text(documented.ACME)
    stated: dict[str, Any] = {
        "evidence": documented.EXCHANGE["evidence"],
        "exporter": {"country": "CN"},
        "recipient": {"country": "US"},
    }
    with opened(database, lines, (POLICIES, more)) as found:
        desk = documented.Desk(found.service, found.client, found.now)
        id = desk.confirmed(**stated)
        permit = desk.evaluate(**stated)
        assert (permit["proceed"], documented.source(permit), permit["keep_until"]) == (True, "shown", None)
        if end == "withdrawn":
            assert desk.withdraw(id).status_code == 201
        else:
            found.now[0] = datetime.combine(documented.LAST + timedelta(days=1), NOON.timetz())
        after = desk.evaluate(**stated)
        assert (after["outcome"], after["proceed"], after["keep_until"]) == ("review", False, None)


@pytest.mark.parametrize("settings", [{"mode": "bitset"}, {"mode": "reference"}, {"shadow": (POLICIES,)}])
def test_where_it_is_in_doubt_nothing_is_kept(database: str, lines: Lines, settings: Any) -> None:
    """One engine alone, and a shadow that is to see each exchange."""
    with opened(database, lines, **settings) as desk:
        assert desk.keep_until() is None


def test_the_law_of_another_day_is_not_kept(desk: Desk) -> None:
    """It is no permit; the law of today is, also where the exchange names the day."""
    assert desk.evaluate({**PERMITTED, "as_of": "2026-11-24"})["keep_until"] is None
    assert desk.keep_until({**PERMITTED, "as_of": "2026-11-25"}) == "2026-11-25T12:05:00Z"


# --- the tracker ---------------------------------------------------------------------------------------------------------------


def test_a_reader_that_says_nothing_is_noted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads in a new way keeps nothing, with no word of his: by a connection, or by asking whether a table has rows."""
    database = desk.service.store.database
    ways: list[Callable[[], object]] = [
        lambda: database.has_rows(counted),
        lambda: desk.service.read(lambda connection: connection.execute(sa.select(sign_off)).all()),
        lambda: desk.service.read(lambda connection: connection.exec_driver_sql("SELECT 1")),
    ]
    possible = ShownDocuments.possible
    for way in ways:
        desk.service.live.decisions.forget()
        assert desk.keep_until() is not None
        monkeypatch.setattr(ShownDocuments, "possible", lambda *given, way=way: bool(way()) and possible(*given))
        assert desk.keep_until() is None  # found again
        desk.service.live.decisions.forget()
        assert desk.keep_until() is None
        monkeypatch.undo()


def test_an_answer_that_is_still_there_is_read_too(desk: Desk) -> None:
    """Within one turn of the event loop the database asks once, and notes it for each who asks."""
    database = desk.service.store.database

    async def twice() -> list[bool]:
        found = []
        for _ in range(2):
            with kept_reads.noted() as reads:
                database.has_rows(counted)
            found.append(reads.other)
        return found

    assert asyncio.run(twice()) == [True, True]


def test_every_statement_is_noted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What SQLite itself says that it runs for a decision, the tracker has seen: as of the ledger, or as of anything else."""
    seen: list[tuple[str, bool]] = []
    noting: list[kept_reads.KeptReads] = []
    connect, deciding = sqlite3.connect, threading.get_ident()

    def ran(text: str) -> None:
        if noting and threading.get_ident() == deciding:  # the writer's thread has statements of its own
            seen.append((text, noting[-1].other or noting[-1].ledger))

    def traced(*given: Any, **named: Any) -> Any:
        made = connect(*given, **named)
        made.set_trace_callback(ran)
        return made

    monkeypatch.setattr(sqlite3, "connect", traced)
    database = desk.service.store.database
    for each in (database.reading, database.writing):
        each.dispose()  # so that connections are new ones
    database._direct = None
    decider, service = Decider(desk.service), desk.service
    enter = kept_reads.noted.__enter__

    def entered(self: kept_reads.noted) -> kept_reads.KeptReads:
        noting.append(enter(self))
        return noting[-1]

    monkeypatch.setattr(kept_reads.noted, "__enter__", entered)
    for more in ({}, {"exporter": {"country": "CN", "id": "clinic-7"}}, {"data": {"people": 10_000, "id": "a"}}):
        raw = json.dumps({**PERMITTED, **more}).encode()
        decided = decider.answer(service.live, raw, AnswerOptions(), NOON, "1", LOCAL)
        assert (decided.keep_until is not None) == (not more)
    assert len(seen) > 3
    assert all(was_noted for _, was_noted in seen), [text for text, was_noted in seen if not was_noted]


# --- the ledger ----------------------------------------------------------------------------------------------------------------


def test_shares_that_could_matter_keep_nothing(database: str, lines: Lines) -> None:
    """Before anything was committed, and after: the share of a category could become a review."""
    sent = {
        "exporter": {"country": "CN"},
        "recipient": {"country": "KE"},
        "data": {"categories": ["health"]},
        "terms": {"venue": "hall"},
    }
    with opened(database, lines, SHARES) as desk:
        answer = desk.evaluate(sent)
        assert (answer["proceed"], answer["keep_until"]) == (True, None), answer["answer"]

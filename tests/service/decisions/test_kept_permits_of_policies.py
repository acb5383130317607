"""
The permits of the bundled policies that may be kept: what the service keeps is changed in every way, and none of them changes.

The exchanges are those of the policies' own tests: in `make test` every fourth of two folders, in `make fuzz` all.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from starlette.testclient import TestClient

import engine
from engine.values import Range
from service.callers.caller import LOCAL
from service.decisions.answer_options import AnswerOptions
from service.decisions.decider import DecidedExchange, Decider
from service.ledger.counter_book import Book
from service.ledger.counter_totals import Moment
from service.ledger.exchange_counters import CounterFiller
from service.problems import RequestRefused
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from tests.chance import some
from tests.service.test_questions import AGREED, SALE, TRAINING

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 25, 12, 4, tzinfo=UTC)
SOME = ("gdpr", "principles")  # files of tests with many such permits
ONE_IN = 4  # of their exchanges
LEAST = 1_000  # exchanges of `make fuzz`: one in twenty of any has such a permit


@pytest.fixture(scope="module")
def now() -> list[datetime]:
    """The clock of the service."""
    return [NOON]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, now: list[datetime]) -> Iterator[TestClient]:
    """A service under the bundled policies. Nothing was ever committed there."""
    settings = Settings(
        watch=False,
        watch_commitments=False,
        policies=engine.bundled_policies(),
        database=str(tmp_path_factory.mktemp("kept") / "log.db"),
    )
    service = Service.open(settings, clock=lambda: now[0])
    application = create_app(settings, service)
    application.state.service = service
    with TestClient(application, base_url="http://127.0.0.1:8080") as client:
        yield client


@pytest.fixture(scope="module")
def service(client: TestClient) -> Service:
    """The service behind the client."""
    found: Service = client.app.state.service  # type: ignore[attr-defined]
    return found


@pytest.fixture(scope="module", params=[SOME, pytest.param(("",), marks=pytest.mark.fuzz(weight=8))], ids=["some", "all"])
def permits(request: pytest.FixtureRequest, service: Service, now: list[datetime]) -> dict[bytes, DecidedExchange]:
    """The decisions that may be kept, by their exchanges, while the service keeps nothing."""
    bundle = engine.load(engine.bundled_policies())  # with its files of tests
    found = {}
    now[0] = NOON
    step = ONE_IN if request.param is SOME else 1
    trials = [each for name in request.param for each in engine.trials(bundle, bundle, name)[::step]]
    for trial in some(trials, LEAST):
        document = json.loads(trial.raw) if trial.raw else {engine.REGISTER: {}}
        document.pop("as_of", None)
        if engine.REGISTER in document:
            continue  # nobody may send it
        raw = json.dumps(document, ensure_ascii=False).encode()
        decided = decide(service, raw)
        if decided is not None and decided.keep_until is not None:
            found[raw] = decided
    assert len(found) > 20
    return found


def decide(service: Service, raw: bytes) -> DecidedExchange | None:
    """The decision on an exchange; None where it is refused."""
    try:
        return Decider(service).answer(service.live, raw, AnswerOptions(), service.clock(), "1", LOCAL)
    except RequestRefused:
        return None


def said(decided: DecidedExchange) -> dict[str, Any]:
    """What an answer says, without what tells where the numbers of the ledger come from."""
    left_out = ("id", "verdict", "rests_on", "also_rests_on", "more")
    return {name: value for name, value in json.loads(decided.answer).items() if name not in left_out}


def change_everything(client: TestClient) -> None:
    """Two assets of one content, four parties, an agreement that is open, and commitments: 25 uses of data and a sale that is paid for."""

    def send(method: str, path: str, body: Any) -> Any:
        answer = client.request(method, f"/v1/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    send("PUT", "assets/rain", {"title": "Hourly rain, Nairobi", "holder": "met-office", "hash": "ab" * 32})
    send("PUT", "assets/rain-2", {"hash": "ab" * 32})
    for party, country in (("clinic-7", "CN"), ("lab-9", "US"), ("met-office", "KE"), ("weather-ltd", "IN")):
        send("PUT", f"parties/{party}", {"facts": {"country": country}})
    agreed = send("POST", "assets/rain/agreements", AGREED)
    shown = [{"kind": "contract", "dated": "2026-01-05"}]
    opened = {"digest": agreed["versions"][-1]["digest"], "evidence": shown, "reason": "the signed contract"}
    agreement = str(send("POST", f"agreements/{agreed['id']}/open", opened)["id"])
    for exchange in (*(25 * [TRAINING]), {**SALE, "terms": {"price": "20000.00 INR", "agreement": agreement}}):
        decision = send("POST", "evaluate", exchange)
        assert decision["keep_until"] is None
        send("POST", "commitments", {"decision": decision["id"]})


def test_no_permit_that_may_be_kept_changes_with_what_the_service_keeps(
    client: TestClient, service: Service, permits: dict[bytes, DecidedExchange], now: list[datetime]
) -> None:
    """Within the five minutes everything happens, and each of them is the same permit, and may still be kept."""
    change_everything(client)
    now[0] = LATER
    filler, live = CounterFiller(service.settings, Book()), service.live
    counting = live.counting
    counted = {*counting.facts, *(each.fact for each in counting.shares), *(each.kept for each in counting.counters)}
    filled_otherwise = 0
    for raw, before in permits.items():
        after = decide(service, raw)
        assert after is not None
        assert said(after) == said(before), raw
        assert after.keep_until is not None
        # The ledger filled in what it counts, and nothing else.
        exchange = engine.parse_exchange(live.bundle, raw)
        moment = Moment(LATER.date(), LATER)
        with service.store.database.reading.connect() as connection:
            filled = filler.fill(connection, live, exchange, moment).exchange
        one, other = (
            {fact: value for fact, value in each.values.items() if fact not in counted} for each in (exchange, filled)
        )
        assert one == other, raw
        filled_otherwise += filled.document != exchange.document
    assert filled_otherwise == len(permits)  # the ledger did say something


def test_no_share_changes_a_permit_that_may_be_kept(service: Service, permits: dict[bytes, DecidedExchange]) -> None:
    """With the highest share of each kind, as no ledger of this test has it, the engines permit without duties."""
    live = service.live
    whole = {each.fact: {"numerator": 100, "denominator": 100} for each in live.counting.shares}
    for raw in permits:
        exchange = engine.parse_exchange(live.bundle, raw)
        judgement = live.pdp.judge(engine.with_shares(live.bundle, exchange, whole), as_of=NOON.date())
        assert judgement.proceeds(NOON.date())
        assert not judgement.verdict.owed
    share = engine.with_shares(live.bundle, exchange, whole).values[next(iter(whole))]
    assert isinstance(share, Range)
    assert share.low == Fraction(1)

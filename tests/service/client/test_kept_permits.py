"""Permits that the client keeps: only if it is told to, only what the service lets it, and never longer, whatever clocks do."""

import json
import shutil
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import time
from typing import Any
from uuid import UUID

import httpx
import pytest

from service.client import Answer, Client, Malformed, Refused, Unavailable, calls, kept_permits
from service.client.attempts import JSON, Came
from service.client.kept_permits import KeptPermits
from tests.service.callers.test_callers import make
from tests.service.client.conftest import KINDS, answering, ask, problem, sends
from tests.service.client.test_client import PERMIT
from tests.service.conftest import POLICIES, Server, eventually, running

EXCHANGE: dict[str, Any] = {"exporter": {"country": "CN"}, "recipient": {"country": "CN"}, "data": {"people": 100}}
BEGIN = datetime(2026, 12, 1, 12, tzinfo=UTC).timestamp()
DIGESTS = {"meaning": "a" * 64, "source": "b" * 64}


class Clocks:
    """The two clocks of a client: the one that only goes forward, and that of the machine."""

    def __init__(self) -> None:
        self.forward, self.machine = 1_000.0, BEGIN

    def go(self, seconds: float) -> None:
        """Both go on."""
        self.forward += seconds
        self.machine += seconds


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    """Clocks that the test moves."""
    found = Clocks()
    monkeypatch.setattr(kept_permits, "monotonic", lambda: found.forward)
    monkeypatch.setattr(kept_permits, "time", lambda: found.machine)
    return found


def decision_id(at: float, number: int = 1) -> str:
    """The id of a decision of a moment."""
    return str(UUID(int=(int(at * 1000) << 80) | (7 << 76) | (2 << 62) | number))


def permit(at: float = BEGIN, seconds: float = 300, **changes: Any) -> dict[str, Any]:
    """A permit of a moment that may be kept for so long."""
    until = datetime.fromtimestamp(at + seconds, UTC).isoformat().replace("+00:00", "Z")
    return {**PERMIT, "as_of": "2026-12-01", "id": decision_id(at), "bundle": DIGESTS, "keep_until": until, **changes}


def kept(permits: KeptPermits, document: dict[str, Any], exchange: dict[str, Any] = EXCHANGE, lang: str = "") -> None:
    """Let a client ask for an exchange and be answered so."""
    asked = permits.asked(calls.evaluate(exchange, (), lang))
    came, answer = asked.call.read(Came(200, JSON, None, None, json.dumps(document).encode()))
    permits.saw((came, answer))
    permits.saw(answer)
    permits.keep(asked, came, answer)


def found(permits: KeptPermits, exchange: dict[str, Any] = EXCHANGE, lang: str = "", include: tuple[str, ...] = ()) -> Any:
    """What is kept of an exchange."""
    return permits.find(calls.evaluate(exchange, include, lang))


# --- what is kept ----------------------------------------------------------------------------------------------------


def test_the_same_exchange_is_given_again_and_no_other(clocks: Clocks) -> None:
    """Its members may come in another order; another language, option or value is another call."""
    permits = KeptPermits(10)
    kept(permits, permit())
    again = found(permits, dict(reversed(EXCHANGE.items())))
    assert (again.proceed, again.kept, again.id) == (True, True, permit()["id"])
    assert found(permits, lang="zh") is None
    assert found(permits, include=("reasons",)) is None
    assert found(permits, {**EXCHANGE, "data": {"people": 101}}) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"proceed": False, "outcome": "review", "bounds": {"lowest": "review", "highest": "review"}},
        {"owed": [{"duty": "tell", "who": "exporter", "certain": False}]},
        {"keep_until": None},
        {"keep_until": "2026-12-03T12:00:00Z"},  # of another day
        {"id": "019ab3c4"},
        {"id": "3f2b8c1e-52d4-4d0b-9a57-0123456789ab"},  # a UUID without a moment
        {"bundle": None},
    ],
)
def test_what_may_not_be_kept_is_not(clocks: Clocks, changes: dict[str, Any]) -> None:
    """No refusal, nothing with a duty, and nothing of which the client cannot tell how long."""
    permits = KeptPermits(10)
    kept(permits, permit(**changes))
    assert found(permits) is None


def test_a_moment_of_no_zone_is_malformed(clocks: Clocks) -> None:
    """Nobody can tell when it is."""
    with pytest.raises(Malformed, match="keep_until"):
        kept(KeptPermits(10), permit(keep_until="2026-12-01T12:05:00"))


def test_an_answer_without_the_member_is_one_of_an_earlier_service(clocks: Clocks) -> None:
    """It is read, and not kept."""
    permits = KeptPermits(10)
    kept(permits, {name: value for name, value in permit().items() if name != "keep_until"})
    assert found(permits) is None


def test_the_oldest_goes_first(clocks: Clocks) -> None:
    """What was used for longest ago, where there are too many."""
    permits = KeptPermits(2)
    for people in (1, 2):
        kept(permits, permit(), {"data": {"people": people}})
    assert found(permits, {"data": {"people": 1}}) is not None
    kept(permits, permit(), {"data": {"people": 3}})
    assert [found(permits, {"data": {"people": people}}) is not None for people in (1, 2, 3)] == [True, False, True]


def test_what_a_caller_does_to_an_answer_changes_nothing_that_is_kept(clocks: Clocks) -> None:
    """Each time it is read again from what came."""
    permits = KeptPermits(10)
    kept(permits, permit())
    found(permits).document["answer"] = "changed"
    assert found(permits).document["answer"] == PERMIT["answer"]


# --- how long --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("behind", [0, 5_000, -200])
def test_it_ends_with_the_time_that_the_service_gave(clocks: Clocks, behind: float) -> None:
    """A clock of the client that is behind does not lengthen it, one that is ahead only shortens it."""
    permits = KeptPermits(10)
    clocks.machine -= behind
    kept(permits, permit())
    clocks.go(99.9)
    assert found(permits) is not None
    clocks.go(200)
    assert (found(permits) is not None) == (behind >= 0)
    clocks.go(0.1)
    assert found(permits) is None
    clocks.go(-1)
    assert found(permits) is None  # it was dropped


def test_the_way_to_the_service_counts(clocks: Clocks) -> None:
    """From the moment at which the client asked, which is before the service decided."""
    permits = KeptPermits(10)
    asked = permits.asked(calls.evaluate(EXCHANGE, (), ""))
    clocks.go(4)
    came, answer = asked.call.read(Came(200, JSON, None, None, json.dumps(permit(BEGIN + 2, 10)).encode()))
    permits.saw(answer)
    permits.keep(asked, came, answer)
    clocks.go(5.9)
    assert found(permits) is not None
    clocks.go(0.1)
    assert found(permits) is None


@pytest.mark.parametrize(
    ("forward", "machine", "given"),
    [
        (10, 10, True),
        (10, -1, False),  # the clock of the machine was set back
        (299, 1, True),  # it was set back after it had gone on
        (300, 1, False),
        (1, 300, False),  # the machine slept
        (1, 4_000, False),
    ],
)
def test_a_clock_that_jumps_lengthens_nothing(clocks: Clocks, forward: float, machine: float, given: bool) -> None:
    """The clock that went further counts."""
    permits = KeptPermits(10)
    kept(permits, permit())
    clocks.forward += forward
    clocks.machine += machine
    assert (found(permits) is not None) == given


def test_other_policies_end_all_that_is_kept(clocks: Clocks) -> None:
    """In whatever answer they are named; and an answer that was asked for before is not kept."""
    permits = KeptPermits(10)
    kept(permits, permit())
    permits.saw([{"bundle": DIGESTS}, Refused(400, "k", "t", "d", "r", ())])
    assert found(permits) is not None
    late = permits.asked(calls.evaluate(EXCHANGE, (), ""))
    permits.saw([{"bundle": {**DIGESTS, "source": "c" * 64}}])
    assert found(permits) is None
    came, answer = late.call.read(Came(200, JSON, None, None, json.dumps(permit()).encode()))
    permits.saw(answer)
    permits.keep(late, came, answer)
    assert found(permits) is None
    kept(permits, permit())
    assert found(permits) is not None


@pytest.mark.parametrize(
    "told",
    [
        {"changed": True, "before": DIGESTS, "after": {**DIGESTS, "source": "c" * 64}},  # of `reload_bundle`
        {"source": "c" * 64, "meaning": DIGESTS["meaning"], "reloads": 1, "since": "2026-12-01T12:00:00Z"},  # of `bundle`
    ],
)
def test_whoever_asks_for_the_policies_or_reloads_them_keeps_nothing_of_those_before(clocks: Clocks, told: Any) -> None:
    """The same policies end nothing."""
    permits = KeptPermits(10)
    kept(permits, permit())
    permits.saw({"changed": False, "before": DIGESTS, "after": DIGESTS})
    permits.saw({**DIGESTS, "reloads": 0})
    assert found(permits) is not None
    permits.saw(told)
    assert found(permits) is None


def test_an_answer_that_names_no_policies_is_not_kept_under_those_of_another(clocks: Clocks) -> None:
    """Whatever was seen before."""
    permits = KeptPermits(10)
    permits.saw({"bundle": DIGESTS})
    kept(permits, permit(bundle=None))
    assert found(permits) is None


def test_names_that_become_the_same_in_json_all_count() -> None:
    """What the client would send of these is not the same, so they never share a permit."""
    one, other = ({**EXCHANGE, "data": {**data, "1": "b"}} for data in ({1: "a"}, {}))
    permits = KeptPermits(10)
    kept(permits, permit(at=time()), other)
    assert found(permits, other) is not None
    assert found(permits, one) is None
    assert found(permits, {**EXCHANGE, "data": [["1", "b"]]}) is None


@pytest.mark.parametrize(("status", "given"), [(401, False), (403, False), (404, True), (429, True)])
def test_a_key_that_is_refused_ends_all_that_is_kept(clocks: Clocks, status: int, given: bool) -> None:
    """Other refusals do not."""
    permits = KeptPermits(10)
    kept(permits, permit())
    permits.refused(Refused(status, "k", "t", "d", "r", ()))
    assert (found(permits) is not None) == given


@pytest.mark.parametrize("most", [-1, 100_001])
def test_how_many_has_a_bound(most: int) -> None:
    """A client that would keep more is not made."""
    with pytest.raises(ValueError, match="keeps up to 100000 permits"):
        Client(keep_permits=most)


# --- a real server ---------------------------------------------------------------------------------------------------


@pytest.fixture
def law(tmp_path: Path) -> Path:
    """A folder of policies that the test may change."""
    return Path(shutil.copytree(POLICIES, tmp_path / "policies"))


@pytest.fixture
def serving(tmp_path: Path, law: Path, database: str) -> Iterator[Server]:
    """A real server under this law."""
    with running(database, "--policies", str(law), folder=tmp_path) as server:
        yield server


def decisions(client: Client) -> int:
    """How many are in the log."""
    return len(list(client.each_decision()))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_kept_unless_the_caller_says_so(serving: Server, kind: str) -> None:
    """With it, the second answer is the first one; without it, each is a decision of its own. An exchange with an id is always one."""

    def twice(exchange: Any, **options: Any) -> tuple[Answer, Answer]:
        if kind == "sync":
            with Client(serving.address, **options) as client:
                return client.evaluate(exchange), client.evaluate(exchange)

        async def both(client: Any) -> Any:
            return await client.evaluate(exchange), await client.evaluate(exchange)

        found: tuple[Answer, Answer] = ask(kind, serving.address, both, **options)
        return found

    first, second = twice(EXCHANGE, keep_permits=10)
    assert (first.id == second.id, first.kept, second.kept) == (True, False, True)
    assert first.keep_until is not None
    first, second = twice(EXCHANGE)
    assert (first.id == second.id, second.kept) == (False, False)
    first, second = twice({**EXCHANGE, "exporter": {"country": "CN", "id": "clinic-7"}}, keep_permits=10)
    assert (first.id == second.id, first.keep_until, second.kept) == (False, None, False)


def test_a_kept_permit_makes_no_record_and_is_committed_as_its_decision(serving: Server) -> None:
    """It names the first decision: this can be committed once, however often it was given again."""
    with Client(serving.address, keep_permits=10) as client:
        answers = [client.evaluate(EXCHANGE) for _ in range(3)]
        assert len({each.id for each in answers}) == decisions(client) == 1
        assert client.may_proceed(EXCHANGE)
        assert decisions(client) == 1
        made = client.commit(answers[0].id)
        with pytest.raises(Refused) as refused:
            client.commit(answers[2].id)
        assert (refused.value.status, refused.value.kind) == (409, "not-committable")
        assert client.commitment(made.id).state == "committed"


def test_a_law_that_is_loaded_anew_ends_what_is_kept(serving: Server, law: Path) -> None:
    """With the next answer of any kind; until then the permit is given, as the page says."""
    stricter = {**EXCHANGE, "data": {"people": 101}}
    with Client(serving.address, keep_permits=10) as client:
        assert client.evaluate(EXCHANGE).proceed
        file = law / "rules.yaml"
        file.write_text(file.read_text().replace("at_least: 10 thousand", "at_least: 50"))
        serving.process.send_signal(signal.SIGHUP)
        eventually(lambda: serving.events("policies_reloaded"))
        assert client.evaluate(EXCHANGE).kept
        assert isinstance(client.evaluate_batch([stricter])[0], Answer)
        now = client.evaluate(EXCHANGE)
        assert (now.proceed, now.kept, now.outcome) == (False, False, "review")


@pytest.mark.parametrize(
    "ask_for",
    [
        lambda client: client.plan([{"exchange": EXCHANGE}]),
        lambda client: client.recipients({name: EXCHANGE[name] for name in ("exporter", "data")}, [EXCHANGE["recipient"]]),
        lambda client: list(client.facts()),
        lambda client: list(client.provisions()),
    ],
    ids=["plan", "recipients", "facts", "provisions"],
)
def test_an_answer_that_names_other_policies_beside_what_was_asked_for_ends_what_is_kept(
    serving: Server, law: Path, ask_for: Callable[[Client], Any]
) -> None:
    """They stand beside the items of a list, or in the legs of a plan; the same policies end nothing."""
    with Client(serving.address, keep_permits=10) as client:
        assert client.evaluate(EXCHANGE).proceed
        ask_for(client)
        assert client.evaluate(EXCHANGE).kept
        file = law / "rules.yaml"
        file.write_text(file.read_text().replace("at_least: 10 thousand", "at_least: 50"))
        serving.process.send_signal(signal.SIGHUP)
        eventually(lambda: serving.events("policies_reloaded"))
        assert client.evaluate(EXCHANGE).kept
        ask_for(client)
        assert client.evaluate(EXCHANGE).outcome == "review"


@pytest.mark.parametrize("ask_for", ["bundle", "reload_bundle"])
def test_who_asks_which_policies_decide_keeps_none_of_those_before(serving: Server, law: Path, ask_for: str) -> None:
    """The next permit is one of the policies that were named."""
    with Client(serving.address, keep_permits=10) as client:
        assert client.evaluate(EXCHANGE).proceed
        assert getattr(client, ask_for)()
        assert client.evaluate(EXCHANGE).kept
        file = law / "rules.yaml"
        file.write_text(file.read_text().replace("at_least: 10 thousand", "at_least: 50"))
        if ask_for == "bundle":
            serving.process.send_signal(signal.SIGHUP)
            eventually(lambda: serving.events("policies_reloaded"))
        getattr(client, ask_for)()
        assert client.evaluate(EXCHANGE).outcome == "review"


def test_two_processes_agree(tmp_path: Path, law: Path, database: str) -> None:
    """What one worker let the client keep, an answer of the other does not end; new policies end it, whichever answers."""
    with (
        running(database, "--policies", str(law), "--workers", "2", folder=tmp_path) as server,
        Client(server.address, keep_permits=10) as client,
    ):
        first = client.evaluate(EXCHANGE)
        for people in range(8):
            with Client(server.address) as other:  # a connection of its own, to any of the two
                other.evaluate({**EXCHANGE, "data": {"people": people}})
            client.evaluate({**EXCHANGE, "data": {"people": people}})
        assert client.evaluate(EXCHANGE).id == first.id
        file = law / "rules.yaml"
        file.write_text(file.read_text().replace("at_least: 10 thousand", "at_least: 50"))
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(server.events("policies_reloaded")) >= 2)
        client.evaluate({**EXCHANGE, "data": {"people": 200}})
        assert client.evaluate(EXCHANGE).outcome == "review"


def test_a_key_that_was_revoked_keeps_nothing_once_it_was_refused(tmp_path: Path, database: str) -> None:
    """What it was given it may still use for as long as it was told; the first call that is refused ends it."""
    key, manager = make(database, "evaluate"), make(database, "administer", "read")
    with running(database, folder=tmp_path) as server, Client(server.address, key=key, keep_permits=10) as client:
        assert client.evaluate(EXCHANGE).proceed
        headers = {"authorization": f"Bearer {manager}"}
        listed = httpx.get(f"{server.address}/v1/keys", headers=headers).json()["keys"]
        mine = next(each["id"] for each in listed if each["scopes"] == ["evaluate"])
        assert httpx.post(f"{server.address}/v1/keys/{mine}/revoke", headers=headers).is_success
        assert client.evaluate(EXCHANGE).kept

        def refused() -> bool:
            try:
                client.evaluate({**EXCHANGE, "data": {"people": 5}})
            except Refused as problem:
                return problem.status == 401
            return False

        eventually(refused)
        with pytest.raises(Refused):
            client.evaluate(EXCHANGE)


def test_a_service_that_is_away_ends_nothing(malicious: Callable[..., Any]) -> None:
    """The permit is good for as long as it was given; another exchange is not answered."""
    now = datetime.now(UTC) + timedelta(seconds=0)
    server = malicious(sends(answering(permit(now.timestamp(), as_of=PERMIT["as_of"]))), sends(problem("busy", 503)))
    with Client(server.address, keep_permits=10, retries=0) as client:
        assert client.evaluate(EXCHANGE).proceed
        with pytest.raises(Unavailable):
            client.evaluate({**EXCHANGE, "data": {"people": 5}})
        assert client.evaluate(EXCHANGE).kept
        assert len(server.heard) == 2


def test_an_answer_that_contradicts_itself_is_not_kept(malicious: Callable[..., Any]) -> None:
    """It is malformed each time."""
    server = malicious(sends(answering(permit(datetime.now(UTC).timestamp(), outcome="review"))))
    with Client(server.address, keep_permits=10) as client:
        for _ in range(2):
            with pytest.raises(Malformed):
                client.evaluate(EXCHANGE)
        assert len(server.heard) == 2

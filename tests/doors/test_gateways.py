"""
Envoy and nginx, which were not written here, ask before each request of their clients, as the page sets them up.

What stands behind the gateway notes what reaches it: a denial is a request that never does.
"""

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.doors.gateways import DECISION, PAGE, Answered, Arrived, Behind, Gateway, behind, envoy, nginx, shown
from tests.free_port import free_port
from tests.pages import ROOT, blocks
from tests.service.conftest import POLICIES, Server, eventually, running
from tests.service.server.test_overload import held
from tests.test_readmes import console_steps, looks_like

MADE = {"Envoy": envoy, "nginx": nginx}
CONTACTS = "/datasets/contacts-1/for/lab-5"
SUPPORT = ("X-Purpose", "support")
# A mapping of which the tests' own small policies permit all that it decides.
SMALL = """
mapping: gateway
door: ext_authz
title: A gateway
operation: [/method, /path]
constants: {exporter.country: CN, recipient.country: CN, data.people: 5}
operations:
  GET /health: {moves_no_data: It says whether it is up.}
  GET /datasets/contacts-1/for/lab-5: {decided: {}}
"""
FAILED = {"Envoy": 403, "nginx": 500}  # what a client gets where the service gave no answer, or one that is neither yes nor no


@dataclass(frozen=True)
class Place:
    """A service that decides by the law and by the mapping of the page, the gateways that ask it, and what stands behind them."""

    server: Server
    gateways: dict[str, Gateway]
    behind: Behind
    database: str
    reading: dict[str, str]

    def record(self, id: str) -> dict[str, Any]:
        """The record of a decision."""
        found: dict[str, Any] = httpx.get(f"{self.server.address}/v1/decisions/{id}", headers=self.reading).json()["record"]
        return found


def key(server: Server, *scopes: str, **by: str) -> str:
    """A new key with these scopes."""
    answer = httpx.post(f"{server.address}/v1/keys", json={"name": "-".join(scopes), "scopes": scopes}, headers=by)
    made: str = answer.raise_for_status().json()["key"]
    return made


@contextmanager
def placed(folder: Path, mapping: str, policies: Path, **environment: str) -> Iterator[Place]:
    """A service of its own that decides by a mapping, and both gateways before it."""
    database, ours = str(folder / "log.db"), folder / "ours"
    ours.mkdir()
    (ours / "gateway.yaml").write_text(mapping)
    with ExitStack() as entered:
        options = ("--policies", str(policies), "--policies", str(ours))
        server = entered.enter_context(running(database, *options, folder=folder, environment=environment))
        reading = {"Authorization": f"Bearer {key(server, 'read', 'administer')}"}
        asking = key(server, "evaluate", **reading)
        noted = entered.enter_context(behind())
        gateways = {}
        for name, make in MADE.items():
            own = folder / name
            own.mkdir()
            gateways[name] = entered.enter_context(make(own, server.port, noted.port, asking))
        yield Place(server, gateways, noted, database, reading)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The law, the mapping and the register of the page, for the tests that leave them as they are."""
    (mapping,) = [each.text for each in blocks(PAGE) if each.text.startswith("mapping: ")]
    with placed(tmp_path_factory.mktemp("gateways"), mapping, ROOT / "policies") as found:
        headers = {**found.reading, "content-type": "application/json"}
        entities = shown("json register")
        httpx.post(f"{found.server.address}/v1/register/import", content=entities, headers=headers).raise_for_status()
        yield found


@pytest.fixture(params=list(MADE))
def gateway(request: pytest.FixtureRequest, place: Place) -> Gateway:
    """Each gateway in turn."""
    place.behind.taken()
    return place.gateways[request.param]


def went_on(place: Place, answer: Answered) -> Arrived:
    """The one request that went on."""
    assert answer.status == 200
    (arrived,) = place.behind.taken()
    return arrived


def denied(place: Place, answer: Answered, *statuses: int) -> None:
    """The client was denied, and nothing reached what stands behind the gateway."""
    assert answer.status in statuses, answer
    assert place.behind.taken() == []


def test_what_may_proceed_goes_on_with_its_decision(place: Place, gateway: Gateway) -> None:
    """The client and what stands behind the gateway get the id of one recorded decision, whose record names the mapping."""
    answer = gateway.send("GET", CONTACTS, SUPPORT)
    arrived = went_on(place, answer)
    assert (arrived.method, arrived.target) == ("GET", CONTACTS)
    assert arrived.headers[DECISION] == answer.decision
    record = place.record(answer.decision[0])
    assert (record["decision"]["outcome"], record["decision"]["proceed"]) == ("permitted", True)
    mapping = record["mapping"]
    assert (mapping["name"], mapping["operation"]) == ("gateway", "GET /datasets/{dataset}/for/{recipient}")
    assert mapping["from_client"] == ["purpose.is"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples are for curl")
def test_the_clients_of_envoy_get_what_the_page_shows(place: Place) -> None:
    """Each command of the page, with `…` for what differs from time to time."""
    place.behind.taken()
    address = f"localhost:{place.gateways['Envoy'].port}"
    steps = list(console_steps(shown("console gateway").replace("localhost:8000", address)))
    for command, printed in steps:
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
        assert looks_like(printed, done.stdout), (command, done.stdout)
    assert len(steps) == 7
    assert [each.target for each in place.behind.taken()] == [CONTACTS, "/health"]


def test_what_may_not_is_denied_with_its_decision(place: Place, gateway: Gateway) -> None:
    """Another purpose, nobody's party, a purpose that is not stated: each is recorded, and none goes on."""
    for target, headers in (
        (CONTACTS, ()),
        ("/datasets/contacts-1/for/lab-9", (SUPPORT,)),
        ("/datasets/scans-2/for/lab-5", (SUPPORT,)),
    ):
        answer = gateway.send("GET", target, *headers)
        denied(place, answer, 403)
        assert place.record(answer.decision[0])["decision"]["proceed"] is False


def test_what_moves_no_data_goes_on(place: Place, gateway: Gateway) -> None:
    """It is allowed by name; nothing is decided, and the header says so."""
    answer = gateway.send("GET", "/health", (DECISION, "forged"))
    assert went_on(place, answer).headers[DECISION] == answer.decision == ("none",)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", CONTACTS),
        ("HEAD", CONTACTS),
        ("OPTIONS", CONTACTS),
        ("PROPFIND", "/health"),
        ("GET", "/"),
        ("GET", "/datasets"),
        ("GET", f"{CONTACTS}/more"),
        ("GET", "/HEALTH"),
    ],
)
def test_what_the_mapping_does_not_list_is_denied(place: Place, gateway: Gateway, method: str, target: str) -> None:
    """Another method, another path."""
    denied(place, gateway.send(method, target, SUPPORT), 403)


@pytest.mark.parametrize(
    "target",
    [
        "/health?all=1",
        "/health/",
        "//health",
        "/./health",
        "/a/../health",
        "/a/%2e%2e/health",
        "/health%2F",
        "/health;x=1",
        "/%68ealth",
        "/health%20",
        "/health#/x",
        "/a/..%2fhealth",
        "/health%00",
        "/health\\",
        "/datasets/contacts-1%2Ffor%2Flab-5/for/lab-5",
        "/datasets/contacts-1/for/lab-5%3Fx",
        "/datasets/contacts-1/for/lab%2D5",
        "/datasets/contacts-1/for/..",
        "/health?page=1&page=2",
        "/_fifthfactor",
        "/fifthfactor",
    ],
)
def test_a_path_that_may_be_read_in_two_ways_is_denied(place: Place, gateway: Gateway, target: str) -> None:
    """Whatever the gateway itself makes of it, it does not go on."""
    answer = gateway.send("GET", target, SUPPORT)
    assert answer.status >= 400, answer
    assert place.behind.taken() == []


@pytest.mark.parametrize(
    "headers",
    [
        (("X-Purpose", "research"), SUPPORT),
        (SUPPORT, SUPPORT),
        (("X-Purpose", "support,research"),),
        (("X-Purpose", "support, support"),),
        (("X-Purpose", "nothing-known"),),
        (("X-Purpose", "s\xc3\xbcpport"),),
    ],
)
def test_a_header_that_has_no_one_meaning_is_denied(
    place: Place, gateway: Gateway, headers: tuple[tuple[str, str], ...]
) -> None:
    """Both gateways make one header of two; a word that the mapping does not translate is none."""
    denied(place, gateway.send("GET", CONTACTS, *headers), 400, FAILED[gateway.name])


def test_what_a_client_forges_never_counts(place: Place, gateway: Gateway) -> None:
    """The header of a decision, the gateway's key, a key of idempotency, and headers that some servers take for another address."""
    forged = (
        *((DECISION, "forged"), ("X-FifthFactor-Decision", "twice"), ("Authorization", "Bearer of-the-client")),
        *(("X-HTTP-Method-Override", "DELETE"), ("X-Original-URL", "/health"), ("X-Rewrite-URL", "/health")),
        *(("X-Forwarded-Uri", "/health"), ("X-Original-Method", "POST"), ("X-Envoy-Original-Path", "/health")),
        *(("Idempotency-Key", "once"), ("X-Request-Id", "mine"), ("Host", "other.example")[:0], SUPPORT),
    )
    headers = tuple(each for each in forged if each)
    answer = gateway.send("GET", CONTACTS, *headers)
    arrived = went_on(place, answer)
    assert len(answer.decision) == 1
    assert arrived.headers[DECISION] == answer.decision != ("forged",)
    assert arrived.headers["authorization"] == (
        "Bearer of-the-client",
    )  # what stands behind may need it; the service never sees it
    assert not {"x-http-method-override", "x-original-url", "x-rewrite-url"} & arrived.headers.keys()
    denied(place, gateway.send("GET", "/datasets/contacts-1/for/lab-9", *headers), 403)


def test_a_body_goes_on_unread(place: Place, gateway: Gateway) -> None:
    """The service sees none of it; a large one is no load to it."""
    answer = gateway.send("GET", CONTACTS, SUPPORT, body=b"x" * 300_000)
    assert went_on(place, answer).method == "GET"


def test_a_service_that_is_away_is_a_denial(place: Place, tmp_path: Path) -> None:
    """Nobody listens where the gateway asks."""
    for name, make in MADE.items():
        (tmp_path / name).mkdir()
        with make(tmp_path / name, free_port(), place.behind.port, "ff_none") as gateway:
            place.behind.taken()
            denied(place, gateway.send("GET", "/health"), FAILED[name])


def test_a_key_that_is_not_known_is_a_denial(place: Place, tmp_path: Path) -> None:
    """The gateway asks with a key that nobody made: also what moves no data stays where it is."""
    for name, make in MADE.items():
        (tmp_path / name).mkdir()
        with make(tmp_path / name, place.server.port, place.behind.port, "ff_none") as gateway:
            place.behind.taken()
            denied(place, gateway.send("GET", "/health"), 401)


def test_a_slow_service_and_a_busy_one_are_denials(tmp_path: Path) -> None:
    """While the disk takes no record, the first request waits until the gateway gives up, and the next is turned away with a 503."""
    with placed(tmp_path, SMALL, POLICIES, FIFTHFACTOR_SHED_SECONDS="0.05") as place:
        for gateway in place.gateways.values():
            went_on(place, gateway.send("GET", CONTACTS))
            slow: list[Answered] = []
            waiting = threading.Thread(target=send_into, args=(slow, gateway))
            with held(place.database):
                waiting.start()
                eventually(lambda: behind_by(place) > 0.05)
                denied(place, gateway.send("GET", CONTACTS), FAILED[gateway.name])
                denied(place, gateway.send("GET", "/health"), FAILED[gateway.name])
                waiting.join(60)
            denied(place, slow[0], FAILED[gateway.name], 504)
            eventually(lambda: asked(place).count(503) >= 2)
            eventually(lambda: behind_by(place) == 0)


def asked(place: Place) -> list[int]:
    """What the service answered to the gateways, in order."""
    return [each["status"] for each in place.server.events("request") if each["route"] == "/ext_authz/{name}/{path}"]


def send_into(answers: list[Answered], gateway: Gateway) -> None:
    """Send a request that waits, and keep its answer."""
    answers.append(gateway.send("GET", CONTACTS))


def behind_by(place: Place) -> float:
    """For how many seconds the oldest record has waited."""
    figures = httpx.get(f"{place.server.address}/metrics", headers=place.reading).text
    (seconds,) = re.findall(r"^fifthfactor_log_behind_seconds ([0-9.e-]+)$", figures, re.MULTILINE)
    return float(seconds)


def test_a_gateway_that_asks_too_often_is_denied(tmp_path: Path) -> None:
    """All clients of a gateway share the limit of its key: the third request of the two is one too many."""
    with placed(tmp_path, SMALL, POLICIES, FIFTHFACTOR_RATE_LIMIT="0.001", FIFTHFACTOR_RATE_BURST="2") as place:
        for gateway in place.gateways.values():
            went_on(place, gateway.send("GET", "/health"))
        denied(place, place.gateways["Envoy"].send("GET", "/health"), 429)
        denied(place, place.gateways["nginx"].send("GET", CONTACTS), 500)
        eventually(lambda: asked(place) == [200, 200, 429, 429])

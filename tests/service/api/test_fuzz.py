"""Whatever is sent, no answer is a server's error, and every decision that is given is recorded and verifies."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

import engine
from service.problems import Problem
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.conftest import POLICIES, Lines

# The small vocabulary decides fast, so it gets most of the examples; the bundled one has every type of fact.
FOLDERS = {"small": POLICIES, "bundled": engine.bundled_policies()}
FACTS = {name: list(engine.load(folder).facts.values()) for name, folder in FOLDERS.items()}

texts = st.text(max_size=12) | st.sampled_from(
    [
        "unknown",
        "none",
        "CN",
        "US",
        "XX",
        "0.5",
        "1e9",
        "2024-02-30",
        "2024-06-01",
        "0001-01-01",
        "9999-12-31",
        "\x00",
        "\U0001f600",
    ]
)
scalars = st.none() | st.booleans() | st.integers() | st.integers(2**52, 2**54) | st.floats() | texts | st.just(10**400)
junk = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "dated": texts,
        "filed": texts,
        "expires": texts,
        "covers": st.booleans() | scalars,
        "people": st.integers(0, 10**9) | scalars,
        "hash": texts,
        "attested_by": texts,
    },
)
ranges = st.fixed_dictionaries({}, optional={"at_least": st.integers(-1, 10**7), "at_most": st.integers(-1, 10**7)})


def fitting(fact: engine.FactEntry) -> st.SearchStrategy[Any]:
    """Values that a fact may take, most of the time."""
    value: st.SearchStrategy[Any] = st.sampled_from(fact.values) if fact.values else texts
    if fact.type.startswith("set of"):
        value = st.lists(value, max_size=4)
    elif fact.type.startswith("count"):
        value = st.integers(0, 2_000_000) | ranges
    elif fact.type == "yes/no":
        value = st.booleans()
    elif fact.type == "date":
        value = st.dates().map(str)
    elif fact.type == "document":
        value = documents | st.sampled_from(["none", "unknown"])
    return value | st.just("unknown") | junk


@st.composite
def exchanges(draw: st.DrawFn, facts: list[engine.FactEntry]) -> bytes:
    """An exchange of real facts, often right, sometimes not."""
    exchange: dict[str, Any] = {}
    for fact in draw(st.lists(st.sampled_from(facts), max_size=8)):
        here = exchange
        *path, last = fact.name.split(".")
        for step in path:
            inner = here.setdefault(step, {})
            here = inner if isinstance(inner, dict) else {}
        here[last] = draw(fitting(fact))
    if draw(st.booleans()):
        exchange["as_of"] = draw(st.dates().map(str) | junk)
    if draw(st.integers(0, 9)) == 0:
        exchange[draw(texts)] = draw(junk)
    return json.dumps(exchange).encode()


@contextmanager
def application(folder: Path, database: Path) -> Iterator[tuple[TestClient, Service]]:
    """One application for all examples; in the end none was an unforeseen error or an incident."""
    lines = Lines()
    settings = Settings(watch=False, policies=folder, database=database)
    service = Service.open(settings, say=log_lines.logger(lines))
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1") as client:
        yield client, service
    assert not lines.events("internal")
    assert not lines.events("incident")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Service]]:
    """With the policies of these tests."""
    with application(FOLDERS["small"], tmp_path_factory.mktemp("small") / "log.db") as opened:
        yield opened


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Service]]:
    """With the bundled policies."""
    with application(FOLDERS["bundled"], tmp_path_factory.mktemp("bundled") / "log.db") as opened:
        yield opened


ONE_APPLICATION = settings(deadline=None, suppress_health_check=list(HealthCheck))


def check(sent: tuple[TestClient, Service], content: bytes, headers: dict[str, Any]) -> int:
    """Send a body; check the answer, and the record where there is one."""
    client, service = sent
    answer = client.post("/v1/evaluate", content=content, headers=headers)
    assert answer.status_code in (200, 400, 413, 415, 421), (answer.status_code, content)
    if answer.status_code == 200:
        stored = service.store.read(answer.json()["id"])
        assert stored is not None
        assert stored.faults() == ()
    else:
        Problem.model_validate(answer.json())
    return answer.status_code


@settings(ONE_APPLICATION, max_examples=150)
@given(exchanges(FACTS["small"]))
def test_exchanges_right_and_wrong(small, content):
    """Real facts with real and unreal values."""
    check(small, content, {"content-type": "application/json"})


@settings(ONE_APPLICATION, max_examples=25)
@given(exchanges(FACTS["bundled"]))
def test_exchanges_under_the_bundled_policies(bundled, content):
    """The same with every type of fact there is."""
    check(bundled, content, {"content-type": "application/json"})


@settings(ONE_APPLICATION, max_examples=60)
@given(st.binary(max_size=200) | junk.map(lambda value: repr(value)[:5_000].encode(errors="replace")))
def test_any_bytes(small, content):
    """Bytes that are JSON by accident, if at all."""
    check(small, content, {"content-type": "application/json"})


@settings(ONE_APPLICATION, max_examples=30)
@given(st.lists(exchanges(FACTS["small"]) | st.binary(max_size=12), max_size=5))
def test_batches_right_and_wrong(small, items):
    """A batch is refused whole, or has a result for each exchange: a decision whose record verifies, or a problem."""
    client, service = small
    content = b'{"exchanges": [%b]}' % b",".join(items)
    answer = client.post("/v1/evaluate/batch", content=content, headers={"content-type": "application/json"})
    assert answer.status_code in (200, 400)
    if answer.status_code == 400:
        Problem.model_validate(answer.json())
        return
    # Bytes that are JSON by accident may hold a comma.
    assert len(answer.json()["results"]) >= bool(b"".join(items).strip())
    for result in answer.json()["results"]:
        if "problem" in result:
            assert Problem.model_validate(result["problem"]).status == 400
        else:
            stored = service.store.read(result["decision"]["id"])
            assert stored is not None
            assert stored.faults() == ()


@settings(ONE_APPLICATION, max_examples=60)
@given(
    st.text(max_size=30)
    | st.lists(st.sampled_from(["include", "lang", "=", ",", "&", "trace", "remedies", "en", "zh", "%2C", "%00"])).map("".join)
)
def test_any_query(small, query):
    """It is understood or refused."""
    client, _ = small
    answer = client.post("/v1/evaluate", params=query, content=b"{}", headers={"content-type": "application/json"})
    assert answer.status_code in (200, 400)


@settings(ONE_APPLICATION, max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(["content-type", "x-request-id", "host", "content-encoding", "accept", "expect", "origin"]),
        st.binary(max_size=40).filter(lambda value: not set(value) & set(b"\r\n\x00")),
    )
)
def test_any_headers(small, headers):
    """Headers of any bytes that a server lets through."""
    client, _ = small
    answer = client.post("/v1/evaluate", content=b"{}", headers=list(headers.items()))
    assert answer.status_code in (200, 400, 403, 415, 421)  # 403: a page of another origin
    assert answer.headers["x-request-id"].isascii()


@settings(ONE_APPLICATION, max_examples=60)
@given(st.text(min_size=1).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_decision_id(small, id):
    """An id of any characters is one that is not recorded, or no address at all."""
    client, _ = small
    path = "/v1/decisions/" + "".join(f"%{byte:02X}" for byte in id)
    assert client.get(path).status_code == 404

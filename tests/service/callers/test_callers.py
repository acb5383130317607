"""Who may call: keys, scopes, limits, and what is said of those who are turned away."""

import asyncio
import base64
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from service.callers import keys, row_cache
from service.callers.caller import SCOPES
from service.callers.entrance import is_public
from service.callers.keys import KeyRing, Presented
from service.callers.rate_limits import Buckets
from service.callers.row_cache import CACHED_SECONDS
from service.policies.reloading import PoliciesRefusal
from service.problems import Problem
from service.server.app import create_app
from service.service import Service
from service.settings import SettingRefused, Settings
from service.store.database import Database
from service.store.tables import caller as rows
from service.store.upgrade import upgrade
from service.telemetry import log_lines
from tests.service.conftest import BOTH_DATABASES, EXCHANGE, POLICIES, Lines, body, eventually, running
from tests.service.server.test_server import ask

JSON = {"content-type": "application/json"}
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def bearer(key: str) -> dict[str, str]:
    """The header that a key travels in."""
    return {"authorization": f"Bearer {key}"}


def make(url: str, *scopes: str, expires_on: date | None = None, now: datetime = NOW) -> str:
    """A new key, straight in the database."""
    database = Database.open(url)
    upgrade(database)
    with database.transaction() as connection:
        _, told = keys.create(connection, "a test", scopes, expires_on, "test", now)
    database.close()
    return told


@contextmanager
def opened(url: str, lines: Lines, clock: Callable[[], datetime] = lambda: NOW, **changes: Any) -> Iterator[TestClient]:
    """The application around a database, with some settings changed."""
    settings = Settings(watch=False, policies=POLICIES, database=url, **changes)
    service = Service.open(settings, say=log_lines.logger(lines), clock=clock)
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        yield client


@pytest.fixture
def url(tmp_path) -> str:
    """A database in a file, for what is the same on both."""
    return str(tmp_path / "log.db")


def problem(answer: Any, status: int, kind: str) -> Problem:
    """The problem document that an answer is."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    found = Problem.model_validate(answer.json())
    assert found.type == f"urn:fifthfactor:problem:{kind}"
    return found


def evaluate(client: TestClient, **headers: str) -> Any:
    """Send an exchange."""
    return client.post("/v1/evaluate", content=body(), headers={**JSON, **headers})


# --- no configuration ------------------------------------------------------------------------------------------------


def test_where_no_key_was_ever_made_this_machine_may_do_everything(client, evaluate, lines):
    """As `local`, in the record and in the line."""
    decision = evaluate().json()
    assert client.get(f"/v1/decisions/{decision['id']}").json()["record"]["asked_by"] == "local"
    assert [line["caller"] for line in lines.events("request")] == ["local", "local"]


def test_the_first_key_closes_the_door_for_good(client, evaluate):
    """From the moment a key was made one is needed, also after it was revoked."""
    made = client.post("/v1/keys", json={"name": "ops", "scopes": ["administer", "evaluate"]}).json()
    problem(evaluate(), 401, "unauthenticated")
    assert evaluate(**bearer(made["key"])).status_code == 200
    assert client.post(f"/v1/keys/{made['id']}/revoke", headers=bearer(made["key"])).status_code == 200
    problem(evaluate(**bearer(made["key"])), 401, "unauthenticated")
    problem(evaluate(), 401, "unauthenticated")


def test_a_key_that_cannot_be_right_is_refused_even_where_none_is_needed(client, evaluate):
    """Who sends one means to be told apart."""
    problem(evaluate(**bearer("ff_0123456789ab_" + "x" * 43)), 401, "unauthenticated")


# --- every endpoint --------------------------------------------------------------------------------------------------


def calls(client: TestClient) -> list[tuple[str, str]]:
    """Every method and path of the application, with something in place of parameters."""
    found = [
        (method, route.path)
        for route in client.app.router.routes  # type: ignore[attr-defined]
        if isinstance(route, APIRoute)
        for method in sorted(route.methods or ())
    ]
    assert len(found) > 10
    return found


FITTING = {"{digest}": "0" * 64}  # parameters that are not of any form
ENDLESS = dict.fromkeys(("/v1/watch/stream", "/v1/events/stream"), "?seconds=1")  # what never ends if it is not told when


def call(client: TestClient, method: str, path: str, **headers: str) -> Any:
    """A call to an endpoint, whatever its parameters are."""
    path = "/".join(FITTING.get(step, "1") if step.startswith("{") else step for step in path.split("/")) + ENDLESS.get(
        path, ""
    )
    return client.request(method, path, headers={**JSON, **headers}, content=b"{}" if method == "POST" else None)


@BOTH_DATABASES
def test_every_endpoint_needs_a_key_and_its_scope_or_is_public(database, lines):
    """
    Without a key 401, without the scope 403, with it neither; what is public is open.

    The scope of an endpoint is what its documentation says, so that one which declares none, or another than it asks for, fails here.
    """
    nothing = make(database)
    only = {scope: make(database, scope) for scope in SCOPES}
    others = {scope: make(database, *(each for each in SCOPES if each != scope)) for scope in SCOPES}
    with opened(database, lines, failure_burst=10_000) as client:
        documented = client.get("/openapi.json").json()["paths"]
        for method, path in calls(client):
            if is_public(path):
                # A form is refused without its token, and nobody comes back from an issuer that is not set.
                opened_to_all = {
                    "/sign-in": (200, 415),
                    "/sign-in/start": (303,),
                    "/sign-in/return": (400,),
                    "/sign-out": (200, 415),
                }
                client.follow_redirects = False
                assert call(client, method, path).status_code in opened_to_all.get(path, (200, 404))
                client.cookies.clear()
                continue
            problem(call(client, method, path), 401, "unauthenticated")
            if path == "/v1/caller":  # it tells each key what it may do, if that is nothing too
                assert call(client, method, path, **bearer(nothing)).json()["scopes"] == []
                continue
            problem(call(client, method, path, **bearer(nothing)), 403, "forbidden")
            if path not in documented:
                continue
            operation = documented[path][method.lower()]
            ((scope,),) = [each["bearer"] for each in operation["security"]]
            assert f"Needs the scope `{scope}`" in operation["description"]
            assert {"401", "403", "429", "503"} <= operation["responses"].keys(), path
            problem(call(client, method, path, **bearer(others[scope])), 403, "forbidden")
            too = re.findall(r"The caller needs the scope `(\w+)` too", operation["description"])
            if too:  # either scope alone is not enough
                problem(call(client, method, path, **bearer(only[scope])), 403, "forbidden")
            key = make(database, scope, *too) if too else only[scope]
            assert call(client, method, path, **bearer(key)).status_code not in (401, 403), path


@pytest.mark.parametrize(
    "path", ["/nothing", "/livez/", "/v1/schemas", "/LIVEZ", "/%2Flivez", "/%2F", "/docs2", "/v1/schemas/%2e%2e/keys"]
)
def test_what_is_not_there_is_not_told_to_strangers(url, lines, path):
    """An address that only looks public is not; nobody can try out which addresses there are."""
    make(url, "read")
    with opened(url, lines) as client:
        assert client.get(path).status_code in (401, 404)
        if not is_public(path):
            problem(client.get(path), 401, "unauthenticated")


@pytest.mark.parametrize("path", ["/v1%2Fdecisions", "/v1/decisions%2f{id}", "/v1/decisions/{id}%2Freceipt", "/v1%2Fevaluate"])
def test_an_encoded_slash_reaches_no_operation(url, lines, path):
    """A proxy that guards `/v1/decisions` does not see this as that. A stranger is told nothing; a known caller that there is nothing."""
    key = make(url, "read", "evaluate")
    with opened(url, lines) as client:
        id = client.post("/v1/evaluate", json=EXCHANGE, headers=bearer(key)).json()["id"]
        method = "POST" if path.endswith("evaluate") else "GET"
        sent = path.format(id=id)
        problem(client.request(method, sent), 401, "unauthenticated")
        problem(
            client.request(method, sent, json=EXCHANGE if method == "POST" else None, headers=bearer(key)), 404, "not-found"
        )
        assert client.get("/v1/schemas%2Fexchange").status_code == 404


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_is_made_listed_and_revoked(client, lines, service):
    """Its secret is in the first answer and nowhere else: neither in the list, nor in the database, nor in a line."""
    answer = client.post("/v1/keys", json={"name": "Wächter", "scopes": ["read", "administer"], "expires_on": "2999-12-31"})
    assert answer.status_code == 201
    made = answer.json()
    assert made["key"].startswith(f"ff_{made['id']}_")
    assert (made["name"], made["scopes"], made["created_by"]) == ("Wächter", ["read", "administer"], "local")
    told = made.pop("key")
    assert client.get("/v1/keys", headers=bearer(told)).json() == {"keys": [made], "next": None}
    revoked = client.post(f"/v1/keys/{made['id']}/revoke", headers=bearer(told)).json()
    assert revoked["revoked_by"] == f"key:{made['id']}"
    with service.store.database.reading.connect() as connection:
        (row,) = connection.execute(sa.select(rows)).all()
    secret = told.split("_", 2)[2]
    assert secret not in repr(row)
    assert secret not in lines.getvalue()
    assert [(line["action"], line["key"]) for line in lines.events("audit")] == [
        ("key-created", made["id"]),
        ("key-revoked", made["id"]),
    ]


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ({"name": "", "scopes": ["read"]}, "/name"),
        ({"name": "a\nb", "scopes": ["read"]}, "/name"),
        ({"name": "x" * 101, "scopes": ["read"]}, "/name"),
        ({"name": "a", "scopes": []}, "/scopes"),
        ({"name": "a", "scopes": ["root"]}, "/scopes/0"),
        ({"name": "a", "scopes": ["read"], "secret": "x"}, "/secret"),
        ({"name": "a", "scopes": ["read"], "expires_on": "2020-01-01"}, "/expires_on"),
        ({"name": "a", "scopes": ["read"], "expires_on": "soon"}, "/expires_on"),
        ([], ""),
    ],
)
def test_a_key_that_is_described_wrongly_is_not_made(client, content, pointer):
    """Each fault at its place."""
    found = problem(client.post("/v1/keys", json=content), 400, "bad-request")
    assert found.errors
    assert found.errors[0].pointer == pointer
    assert client.get("/v1/keys").json() == {"keys": [], "next": None}


def test_a_key_that_is_not_there_cannot_be_revoked(client):
    """404, whatever the id looks like."""
    for id in ("0123456789ab", "%00", "x" * 500):
        problem(client.post(f"/v1/keys/{id}/revoke"), 404, "not-found")


def test_a_key_is_good_until_the_end_of_its_last_day(url, lines):
    """In UTC."""
    told = make(url, "evaluate", expires_on=date(2026, 11, 24))
    moment = datetime(2026, 11, 24, 23, 59, 59, tzinfo=UTC)
    with opened(url, lines, clock=lambda: moment) as client:
        assert evaluate(client, **bearer(told)).status_code == 200
        moment += timedelta(seconds=1)
        problem(evaluate(client, **bearer(told)), 401, "unauthenticated")


def test_the_caller_is_in_the_record_and_in_the_line(url, lines):
    """As `key:` and the key's id."""
    told = make(url, "evaluate", "read")
    with opened(url, lines) as client:
        decision = evaluate(client, **bearer(told)).json()
        record = client.get(f"/v1/decisions/{decision['id']}", headers=bearer(told)).json()["record"]
    caller = f"key:{told.split('_')[1]}"
    assert record["asked_by"] == caller
    assert lines.events("request")[0]["caller"] == caller


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key[:-1],
        lambda key: key + "x",
        lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"),
        lambda key: key.upper(),
        lambda key: key.replace("ff_", "ff-"),
        lambda key: key.removeprefix("ff_"),
        lambda key: "ff_000000000000_" + key.split("_", 2)[2],
        lambda key: key.partition("_")[0],
        lambda key: "",
        lambda key: key + "\x00",
        lambda key: "x" * 8300,
        lambda key: "x" * 20_000,
    ],
)
def test_what_is_nearly_a_key_is_none(url, lines, change):
    """Every other text is refused, in the same words."""
    told = make(url, "evaluate")
    with opened(url, lines) as client:
        answer = evaluate(client, **bearer(change(told)))
        assert answer.headers["www-authenticate"] == 'Bearer realm="Fifth Factor"'
        problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize("header", ["{}", "Basic {}", "Token {}", "Bearer", "bearer  ", "Bearer {} {}", "Bearer {}, Bearer {}"])
def test_a_key_comes_as_bearer(url, lines, header):
    """And in no other way, outside of the pages."""
    told = make(url, "evaluate")
    with opened(url, lines) as client:
        problem(evaluate(client, authorization=header.format(told, told)), 401, "unauthenticated")
        twice = [("authorization", f"Bearer {told}"), ("authorization", f"Bearer {told}"), *JSON.items()]
        problem(client.post("/v1/evaluate", content=body(), headers=twice), 401, "unauthenticated")


def basic(password: str) -> dict[str, str]:
    """What a browser sends after it asked for a name and a password."""
    return {"authorization": "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()}


def test_a_browser_sends_the_key_as_a_password_for_the_pages_only(url, lines):
    """It is asked for one under /log; the same header is worth nothing elsewhere."""
    told = make(url, "read")
    with opened(url, lines) as client:

        @client.app.get("/log/a/page")  # type: ignore[attr-defined]
        @client.app.post("/log/a/page")  # type: ignore[attr-defined]
        def page() -> str:
            return "a page"

        for wrong in ({}, basic(told[:-1]), {"authorization": "Basic ?"}, basic("")):
            answer = client.get("/log/a/page", headers=wrong)
            assert answer.headers["www-authenticate"] == 'Basic realm="Fifth Factor", charset="UTF-8"'
            problem(answer, 401, "unauthenticated")
        assert client.get("/log/a/page", headers=basic(told)).status_code == 200
        assert client.get("/log/a/page", headers=bearer(told)).status_code == 200
        problem(client.get("/v1/decisions/x", headers=basic(told)), 401, "unauthenticated")
        problem(client.get("/logs", headers=basic(told)), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({}, 200),
        ({"origin": "http://127.0.0.1:8080", "sec-fetch-site": "same-origin"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://[", "sec-fetch-site": "none"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
def test_a_page_of_another_site_does_nothing_in_a_visitor_s_name(url, lines, said, status):
    """Where the browser adds by itself who it is, or nobody needs to say it; a key in a program's hand is another thing."""
    with opened(url, lines) as client:
        assert evaluate(client, **said).status_code == status
        assert client.get("/v1/facts", headers=said).status_code == 200
        told = make(url, "evaluate")
        assert evaluate(client, **bearer(told), **said).status_code == 200


@BOTH_DATABASES
def test_keys_that_cannot_be_looked_up_let_nobody_in(database, lines):
    """503, which a caller may try again: neither a pass nor the caller's fault."""
    told = make(database, "evaluate")
    with opened(database, lines) as client:
        with client.app.state.service.store.database.transaction() as connection:  # type: ignore[attr-defined]
            connection.exec_driver_sql("DROP TABLE caller")
        answer = evaluate(client, **bearer(told))
        problem(answer, 503, "not-ready")
        assert answer.headers["retry-after"] == "1"
        problem(evaluate(client), 503, "not-ready")
        assert client.app.state.service.store.records == 0  # type: ignore[attr-defined]


@BOTH_DATABASES
def test_another_process_refuses_a_revoked_key_in_a_few_seconds(server, database):
    """And one that was just made is accepted at once; without a key nothing is answered from then on."""
    told = make(database, "evaluate")
    headers = {**bearer(told), "Content-Type": "application/json"}
    assert ask(server, "POST", "/v1/evaluate", body(), headers)[0] == 200
    database_ = Database.open(database)
    with database_.transaction() as connection:
        assert keys.revoke(connection, told.split("_")[1], "test", NOW)
    database_.close()
    eventually(lambda: ask(server, "POST", "/v1/evaluate", body(), headers)[0] == 401, CACHED_SECONDS + 20)
    eventually(lambda: ask(server, "POST", "/v1/evaluate", body())[0] == 401, CACHED_SECONDS + 20)


def test_most_calls_do_not_wait_for_the_database(url, lines, monkeypatch):
    """A key that was read is held for some seconds, and an unknown one is not asked for again and again."""
    monkeypatch.setattr(row_cache, "CACHED_SECONDS", 600.0)
    told = make(url, "evaluate")
    looked: list[str] = []
    look = KeyRing._look_for

    def counted(self: KeyRing, id: str) -> keys.Key | None:
        looked.append(id)
        return look(self, id)

    monkeypatch.setattr(KeyRing, "_look_for", counted)
    with opened(url, lines) as client:
        for _ in range(5):
            assert evaluate(client, **bearer(told)).status_code == 200
            assert evaluate(client, **bearer("ff_000000000000_" + "x" * 43)).status_code == 401
    assert len(looked) == 2


def test_only_so_many_keys_are_held(url, lines, monkeypatch):
    """A flood of unknown ids takes bounded memory."""
    monkeypatch.setattr(row_cache, "MOST_CACHED", 3)
    make(url, "evaluate")
    with opened(url, lines) as client:
        for number in range(10):
            evaluate(client, **bearer(f"ff_00000000000{number}_" + "x" * 43))
        assert len(client.app.state.service.keys._cache) == 3  # type: ignore[attr-defined]


def test_a_key_has_256_random_bits(url):
    """43 characters of 6 bits, no two alike, and no part of one is kept."""
    told = {make(url, "read") for _ in range(5)}
    assert len({each.rpartition("ff_")[2].partition("_")[2] for each in told}) == 5
    assert all(Presented.read(each) for each in told)


# --- off this machine ------------------------------------------------------------------------------------------------


def test_off_this_machine_a_key_is_needed_to_start(url, lines):
    """One that is good; a revoked one or one that is over does not count."""
    away: dict[str, Any] = {"host": "0.0.0.0", "hosts": "ff.example"}
    required: dict[str, Any] = {"authentication": "required"}
    for wanted in (away, required):
        make(url, "evaluate", expires_on=date(2026, 11, 23))
        with pytest.raises(SettingRefused, match="callers need a key and there is none"), opened(url, lines, **wanted):
            pass
    told = make(url, "evaluate")
    with opened(url, lines, **away) as client:
        assert evaluate(client, **bearer(told), host="ff.example").status_code == 200
        assert evaluate(client, **bearer(told), host="FF.example:443").status_code == 200
        problem(evaluate(client, **bearer(told), host="other.example"), 421, "misdirected")
        problem(evaluate(client, host="ff.example"), 401, "unauthenticated")


def test_a_name_of_its_own_needs_a_key(tmp_path, lines):
    """Behind a proxy on this machine everybody comes from this machine: without a key nobody is let in by that name."""
    url = str(tmp_path / "log.db")
    with pytest.raises(SettingRefused, match="callers need a key and there is none"), opened(url, lines, hosts="ff.example"):
        pass
    make(url, "evaluate")
    with opened(url, lines, hosts="ff.example, 127.0.0.1") as client:
        problem(evaluate(client, host="ff.example"), 401, "unauthenticated")
    assert not Settings(hosts="localhost, 127.0.0.2").key_required


@pytest.mark.parametrize("host", ["10.1.2.3:8080", "192.0.2.7", "[2001:db8::1]:8080"])
def test_a_probe_by_the_address_of_the_machine_is_answered(client: TestClient, host: str) -> None:
    """An orchestrator asks by address, and Prometheus, whatever names are set; nothing else is answered by an address that is not set."""
    for path in ("/livez", "/readyz", "/metrics"):
        assert client.get(path, headers={"host": host}).status_code == 200
        problem(client.get(path, headers={"host": "rebound.example"}), 421, "misdirected")
        problem(client.get(path, headers={"host": "10.1.2.3.example"}), 421, "misdirected")
    problem(client.get("/openapi.json", headers={"host": host}), 421, "misdirected")
    problem(client.get("/v1/facts", headers={"host": host}), 421, "misdirected")


def test_why_it_is_not_ready_is_for_those_who_may_read(tmp_path, lines):
    """Everybody is told that it is not, or that policies were refused; paths, lines of policies and hosts are not for everybody."""
    url = str(tmp_path / "log.db")
    reader, other = make(url, "read"), make(url, "evaluate")
    with opened(url, lines) as client:
        service: Service = client.app.state.service  # type: ignore[attr-defined]
        service.policies.refused = PoliciesRefusal(NOW, "the policies `/srv/secret` cannot be read")
        for headers in ({}, bearer(other), bearer("ff_nothing"), {"authorization": "Basic eDp5"}):
            answer = client.get("/readyz", headers=headers)
            assert (answer.status_code, answer.json()["policies"]["refused"]["at"]) == (200, "2026-11-24T12:00:00Z")
            assert "/srv/secret" not in answer.text
        assert "/srv/secret" in client.get("/readyz", headers=bearer(reader)).text
        (tmp_path / "log.db").unlink()
        told = problem(client.get("/readyz"), 503, "not-ready").model_dump_json()
        assert "No such file" not in told
        assert "/srv/secret" not in told
        assert "No such file" in client.get("/readyz", headers=bearer(reader)).text


def test_a_server_off_this_machine_answers_who_has_a_key(tmp_path, database):
    """A real one, on all addresses."""
    told = make(database, "evaluate", now=datetime.now(UTC))
    with running(database, "--host", "0.0.0.0", environment={"FIFTHFACTOR_HOSTS": "ff.example"}, folder=tmp_path) as server:
        headers = {"Content-Type": "application/json", "Host": "ff.example"}
        assert ask(server, "POST", "/v1/evaluate", body(), headers)[0] == 401
        assert ask(server, "POST", "/v1/evaluate", body(), {**headers, **bearer(told)})[0] == 200
        assert ask(server, "GET", "/livez")[0] == 200
    assert told.split("_", 2)[2] not in "".join(server.log)


def test_a_key_that_is_revoked_while_it_is_looked_up_is_refused(tmp_path):
    """What was read before the revocation is not used after it."""
    url = str(tmp_path / "log.db")
    presented = Presented.read(make(url, "read"))
    assert presented
    read, go_on = threading.Event(), threading.Event()

    class Slow(KeyRing):
        def _look_for(self, id: str) -> keys.Key | None:
            found = super()._look_for(id)
            read.set()
            go_on.wait(30)
            return found

    async def race(ring: KeyRing) -> None:
        looking = asyncio.create_task(ring.caller(presented))
        await asyncio.to_thread(read.wait, 5)
        with database.transaction() as connection:
            keys.revoke(connection, presented.id, "test", NOW)
        ring.changed(presented.id)
        go_on.set()
        await looking
        assert await ring.caller(presented) is None

    database = Database.open(url)
    asyncio.run(race(Slow(database, lambda: NOW)))
    database.close()


# --- limits ----------------------------------------------------------------------------------------------------------


def test_a_bucket_fills_again():
    """So many at once, then so many a second; a wait is told, and a refusal costs nothing."""
    now = 0.0
    buckets = Buckets(2, 3, clock=lambda: now)
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("b") == 0
    now = 0.5
    assert [buckets.take("a") for _ in range(2)] == [0, 0.5]
    now = 100
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert not any(Buckets(0, 1).take("a") for _ in range(100))


def test_buckets_take_bounded_memory():
    """The name that was quiet longest is given up."""
    buckets = Buckets(0.001, 1, most=2, clock=lambda: 0.0)
    assert [bool(buckets.take(name)) for name in ("a", "b", "a", "c", "b", "c")] == [False, False, True, False, False, True]


def test_a_caller_that_calls_too_often_is_told_to_wait(url, lines):
    """429 with Retry-After, for this caller and no other."""
    busy, quiet = make(url, "evaluate"), make(url, "evaluate")
    with opened(url, lines, rate_limit=0.01, rate_burst=2) as client:
        assert [evaluate(client, **bearer(busy)).status_code for _ in range(2)] == [200, 200]
        answer = evaluate(client, **bearer(busy))
        problem(answer, 429, "rate-limited")
        assert 90 <= int(answer.headers["retry-after"]) <= 101
        assert evaluate(client, **bearer(quiet)).status_code == 200
        assert client.get("/livez").status_code == 200


def test_an_address_that_fails_too_often_is_told_to_wait(url, lines):
    """While those with a good key at the same address, perhaps behind the same proxy, are answered."""
    told = make(url, "evaluate")
    with opened(url, lines) as client:
        statuses = [evaluate(client).status_code for _ in range(40)]
        assert statuses[:30] == [401] * 30
        assert 429 in statuses
        assert evaluate(client, **bearer(told)).status_code == 200


# --- what is said ----------------------------------------------------------------------------------------------------


def test_every_refusal_is_a_line_for_the_audit(url, lines):
    """With the request's id, the caller where it is known, and the route in place of the path."""
    told = make(url, "evaluate")
    with opened(url, lines) as client:
        client.get("/v1/decisions/practice-of-dr-li-na", headers={"x-request-id": "one"})
        client.get("/v1/decisions/practice-of-dr-li-na", headers={"x-request-id": "two", **bearer(told)})
        client.get("/practice-of-dr-li-na", headers={"x-request-id": "three"})
        client.get("/livez", headers={"x-request-id": "four", "host": "practice-of-dr-li-na"})
        client.get("/v1/facts", headers=bearer(told))
    said = [
        {name: value for name, value in line.items() if name not in ("timestamp", "level", "event")}
        for line in lines.events("audit")
    ]
    route = "/v1/decisions/{id}"
    same = {"action": "refused", "method": "GET"}
    caller = f"key:{told.split('_')[1]}"
    assert said == [
        {**same, "request_id": "one", "caller": None, "route": route, "status": 401, "kind": "unauthenticated"},
        {**same, "request_id": "two", "caller": caller, "route": route, "status": 403, "kind": "forbidden"},
        {**same, "request_id": "three", "caller": None, "route": None, "status": 401, "kind": "unauthenticated"},
        {**same, "request_id": "four", "caller": None, "route": "/livez", "status": 421, "kind": "misdirected"},
    ]
    assert "practice-of-dr-li-na" not in lines.getvalue()


def test_no_line_holds_a_secret(url, lines):
    """However it was sent, and whatever became of it."""
    told = make(url, "administer")
    tries = (told, told[:-1], f"{told} {told}", f"ey.{told}.x", told.encode().hex())
    with opened(url, lines) as client:
        for each in tries:
            for headers in (bearer(each), basic(each), {"authorization": each}, {"x-request-id": "a", "cookie": each}):
                evaluate(client, **headers)
                client.get("/v1/keys", headers=headers)
                client.get(f"/log/{each}?key={each}", headers=headers)
                client.post(f"/v1/keys/{each}/revoke", headers=headers)
        client.app.state.service.keys.caller = None  # type: ignore[attr-defined] # whatever fails unforeseen
        evaluate(client, **bearer(told))
    assert lines.events("internal")
    written = lines.getvalue()
    secret = told.split("_", 2)[2]
    for form in (secret, secret.encode().hex(), base64.b64encode(f"anybody:{told}".encode()).decode()[8:]):
        assert form[:20] not in written

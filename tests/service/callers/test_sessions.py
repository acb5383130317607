"""Sessions: how long they last, who ends them, and what is left of a person after she was erased."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from service.callers import keys, known_persons, row_cache, sessions
from service.callers.person import Person
from service.callers.row_cache import CACHED_SECONDS
from service.callers.sessions import Lifetime, SessionGrant
from service.decisions import idempotency
from service.store.database import Database
from service.store.moments import moment_text
from service.store.tables import leaf_opening, person, session
from tests.service import ready_process
from tests.service.callers.test_callers import bearer, make, opened, problem
from tests.service.conftest import BOTH_DATABASES, ROOT, eventually, running, unlike_the_leaves, without_settings
from tests.service.server.test_server import ask

ISSUER = "https://id.example.org"
LIN = Person(ISSUER, "lin-7", "Lin Yue")
BY_ISSUER = {"oidc_issuer": ISSUER, "oidc_client_id": "console"}
USUAL = Lifetime(timedelta(hours=8), timedelta(minutes=30))


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """It stands still until it is moved."""
    return Clock()


@pytest.fixture
def client(database, lines, clock, monkeypatch) -> Iterator[TestClient]:
    """A service at which persons sign in, whose rows are read each time."""
    monkeypatch.setattr(row_cache, "CACHED_SECONDS", 0.0)
    with opened(database, lines, clock=clock, **BY_ISSUER) as client:
        yield client


def begun(client: Any, now: datetime, **grant: Any) -> tuple[str, dict[str, str]]:
    """A session of Lin: its id, and the headers of a browser that has it."""
    given = SessionGrant(**{"scopes": ("read",), "person": LIN, **grant})
    store = client.app.state.service.store
    made, cookie = asyncio.run(store.do(lambda transaction: sessions.begin(transaction, given, USUAL, now)))
    return made.id, {"cookie": f"fifthfactor-session={cookie}"}


def works(client: TestClient, headers: dict[str, str]) -> bool:
    """Whether the session opens a page."""
    status = client.get("/log", headers=headers).status_code
    assert status in (200, 401)
    return status == 200


def seen(client: Any) -> str:
    """The moment of the last use, as the row has it."""
    with client.app.state.service.store.database.reading.connect() as connection:
        return str(connection.execute(sa.select(session.c.seen_at)).scalar_one())


@BOTH_DATABASES
def test_a_session_lasts_while_it_is_used_and_eight_hours_at_most(client, clock):
    """Half an hour without a page ends it; being used does not make it longer than it may be."""
    began = clock.now
    _, headers = begun(client, began)
    for _ in range(16):
        clock.now += timedelta(minutes=29)
        # A use is not noted while the one before is still being noted.
        eventually(lambda: works(client, headers) and seen(client) == moment_text(clock.now))
    clock.now = began + timedelta(hours=8)
    assert not works(client, headers)


@BOTH_DATABASES
def test_half_an_hour_without_a_page_ends_a_session(client, clock):
    """The same where the end of its time is far."""
    _, headers = begun(client, clock.now)
    clock.now += timedelta(minutes=31)
    assert not works(client, headers)


@BOTH_DATABASES
def test_a_session_that_was_begun_or_used_by_a_clock_that_was_ahead_ends_when_the_clock_is_right(client, clock):
    """Else it would last until the time that the clock said, a year later. Clocks of machines differ by less than an hour."""
    right = clock.now
    ahead, near, used = (begun(client, right + later) for later in (timedelta(days=365), timedelta(minutes=20), timedelta()))
    clock.now += timedelta(hours=7)
    store = client.app.state.service.store
    asyncio.run(store.do(lambda transaction: sessions.seen(transaction, used[0], moment_text(clock.now))))
    clock.now = right + timedelta(minutes=1)
    assert [works(client, headers) for _, headers in (ahead, near, used)] == [False, True, False]
    with store.database.reading.connect() as connection:
        assert [each.id for each in sessions.running(connection, clock.now, USUAL.idle)] == [near[0]]


def test_not_every_page_writes(client, clock):
    """The last use is written after a minute."""
    _, headers = begun(client, clock.now)
    first = seen(client)
    clock.now += timedelta(seconds=50)
    assert works(client, headers)
    assert seen(client) == first
    clock.now += timedelta(seconds=11)
    assert works(client, headers)
    eventually(lambda: seen(client) > first)


@pytest.mark.parametrize(
    "change",
    [
        lambda cookie: cookie[:-1] + ("A" if cookie[-1] != "A" else "B"),
        lambda cookie: "0" * 12 + cookie[12:],
        lambda cookie: cookie[:12],
        lambda cookie: cookie + "; fifthfactor-session=x",
        lambda cookie: "",
        lambda cookie: "x" * 5000,
    ],
)
def test_what_is_nearly_the_cookie_of_a_session_opens_nothing(client, clock, change):
    """Another secret, another id, and two cookies of the name."""
    _, headers = begun(client, clock.now)
    assert works(client, headers)
    name, _, cookie = headers["cookie"].partition("=")
    assert not works(client, {"cookie": f"{name}={change(cookie)}"})


def test_the_secret_of_a_session_is_nowhere(client, clock, lines):
    """The row has its hash."""
    _, headers = begun(client, clock.now)
    assert works(client, headers)
    secret = headers["cookie"].partition("_")[2]
    assert len(secret) == 43
    with client.app.state.service.store.database.reading.connect() as connection:
        assert secret not in str(connection.execute(sa.select(session)).all())
    assert secret not in lines.getvalue()


def test_a_session_of_another_issuer_is_worth_nothing(client, clock):
    """Whoever changes the issuer signs everybody out."""
    _, headers = begun(client, clock.now, person=Person("https://old.example.org", "lin-7", "Lin"))
    assert not works(client, headers)


def test_nobody_gets_in_while_the_sessions_cannot_be_read(client, clock):
    """503, which a browser may try again."""
    _, headers = begun(client, clock.now)
    with client.app.state.service.store.database.transaction() as connection:
        connection.exec_driver_sql("DROP TABLE session")
    problem(client.get("/log", headers=headers), 503, "not-ready")


@BOTH_DATABASES
def test_one_sign_in_makes_one_session(client, clock):
    """The second time is refused, in whatever process."""
    begun(client, clock.now, sign_in="digest")
    with pytest.raises(sessions.SignedInBefore):
        begun(client, clock.now, sign_in="digest")


@BOTH_DATABASES
def test_sessions_are_deleted_a_day_after_their_time(database, lines, clock, monkeypatch):
    """By what deletes the kept answers, which looks again and again while the service runs."""
    monkeypatch.setattr(idempotency, "PURGE_SECONDS", 0.05)

    def left(database: Database) -> list[str]:
        with database.reading.connect() as connection:
            return list(connection.execute(sa.select(session.c.id)).scalars())

    with opened(database, lines, clock=clock, **BY_ISSUER) as browser:
        late, _ = begun(browser, clock.now - timedelta(hours=31))
        over, _ = begun(browser, clock.now - timedelta(hours=33))
        app: Any = browser.app
        store = app.state.service.store
        eventually(lambda: over not in left(store.database))
        assert left(store.database) == [late]


@BOTH_DATABASES
def test_another_process_refuses_an_ended_session_in_a_few_seconds(database, tmp_path):
    """Signed out in one process, at the other address too."""
    told = make(database, "read", now=datetime.now(UTC))
    with running(database, folder=tmp_path) as here, running(database, folder=tmp_path) as there:
        page = {"Accept": "text/html"}
        form = {"Content-Type": "application/x-www-form-urlencoded", **page}
        import httpx2 as httpx

        with httpx.Client(base_url=here.address) as browser:
            token = browser.get("/sign-in", headers=page).text.partition('name="token" value="')[2][:64]
            assert browser.post("/sign-in", data={"token": token, "key": told}, headers=page).status_code == 303
            cookie = {"Cookie": f"fifthfactor-session={browser.cookies['fifthfactor-session']}"}
            assert ask(there, "GET", "/log", headers={**page, **cookie})[0] == 200
            token = browser.get("/log", headers=page).text.partition('name="token" value="')[2][:64]
            gone = browser.post("/sign-out", content=f"token={token}", headers=form)
            assert (gone.status_code, gone.headers["location"]) == (303, "/sign-out")
        assert ask(here, "GET", "/log", headers={**page, **cookie})[0] == 303
        eventually(lambda: ask(there, "GET", "/log", headers={**page, **cookie})[0] == 303, CACHED_SECONDS + 20)


# --- persons ---------------------------------------------------------------------------------------------------------


@BOTH_DATABASES
def test_an_erased_person_is_an_id_in_every_leaf_and_has_no_session(client, clock, database, audited):
    """Her keys go first; what is left is sound; she comes back as somebody new."""
    service = client.app.state.service
    _, headers = begun(client, clock.now)
    boss = make(database, "administer", now=clock.now)
    sent = {"name": "desk", "scopes": ["read"], "person": {"issuer": ISSUER, "subject": "lin-7", "name": "Lin Yue"}}
    made = client.post("/v1/keys", json=sent, headers={**bearer(boss), "idempotency-key": "once"}).json()
    with service.store.database.reading.connect() as connection:
        (known,) = known_persons.listed(connection)
    erase = partial(known_persons.forget, service.store.writer, id=known.id, by="boss", now=clock.now)
    with pytest.raises(known_persons.KeysLeft) as left:
        asyncio.run(service.store.do(erase))
    assert made["id"] in left.value.detail
    with service.store.database.transaction() as transaction:
        keys.revoke(transaction, made["id"], "boss", clock.now)
    assert works(client, headers)
    assert asyncio.run(service.store.do(erase))
    assert not asyncio.run(service.store.do(erase))
    assert not works(client, headers)
    again = client.post("/v1/keys", json=sent, headers={**bearer(boss), "idempotency-key": "once"})
    problem(again, 410, "idempotency-erased")
    with service.store.database.reading.connect() as connection:
        assert known_persons.find(connection, known.id) is None
        (row,) = connection.execute(sa.select(person))
        assert (row.issuer, row.subject, row.name) == (None, None, None)
        values = [bytes(each) for each in connection.execute(sa.select(leaf_opening.c.value)).scalars() if each is not None]
        assert not any(b"lin-7" in each or b"Lin" in each for each in values)
    _, headers = begun(client, clock.now)
    assert works(client, headers)
    with service.store.database.reading.connect() as connection:
        assert len({each.id for each in known_persons.listed(connection)}) == 2
    assert unlike_the_leaves(database) == []


def command(*arguments: str, database: str) -> tuple[int, str, str]:
    """`fifthfactor …`, in a process of its own: exit code, output, errors."""
    environment = {**without_settings(), "FIFTHFACTOR_DATABASE": database}
    return ready_process.run(*arguments, folder=ROOT, environment=environment)


@BOTH_DATABASES
def test_persons_and_sessions_at_the_command_line(database, lines, monkeypatch):
    """Listed, ended and erased beside a service; what is not there is a finding."""
    monkeypatch.setattr(row_cache, "CACHED_SECONDS", 0.5)
    now = datetime.now(UTC)
    with opened(database, lines, clock=lambda: datetime.now(UTC), **BY_ISSUER) as client:
        id, headers = begun(client, now)
        assert works(client, headers)
        code, output, _ = command("sessions", "list", database=database)
        assert code == 0
        assert output.startswith(f"{id}  seen ")
        assert "Lin Yue" in output
        (shown,) = json.loads(command("sessions", "list", "--json", database=database)[1])
        assert (shown["id"], shown["name"], shown["scopes"], shown["ended_at"]) == (id, "Lin Yue", ["read"], None)
        assert headers["cookie"].partition("_")[2] not in output + json.dumps(shown)
        assert command("sessions", "end", id, database=database)[0] == 0
        eventually(lambda: not works(client, headers), CACHED_SECONDS + 20)
        assert command("sessions", "list", database=database)[1] == ""
        assert command("sessions", "end", "0" * 12, database=database)[0] == 1
        (shown,) = json.loads(command("persons", "list", "--json", database=database)[1])
        assert (shown["issuer"], shown["subject"], shown["name"]) == (ISSUER, "lin-7", "Lin Yue")
        code, _, errors = command("persons", "erase", shown["id"], database=database)
        assert (code, json.loads(errors)["action"]) == (0, "person-erased")
        assert command("persons", "list", database=database)[1].endswith("  erased\n")
        assert command("persons", "erase", shown["id"], database=database)[0] == 1


@BOTH_DATABASES
def test_persons_and_sessions_over_http(client, clock, database):
    """Listed, ended and erased by who administers; this process refuses an ended session at once."""
    id, headers = begun(client, clock.now)
    _, second = begun(client, clock.now)
    boss = bearer(make(database, "administer", now=clock.now))
    assert works(client, headers)
    listed = client.get("/v1/sessions", headers=boss).json()["sessions"]
    assert {each["id"] for each in listed} >= {id}
    assert {each["name"] for each in listed} == {"Lin Yue"}
    first = client.get("/v1/sessions?limit=1", headers=boss).json()
    rest = client.get(f"/v1/sessions?cursor={first['next']}", headers=boss).json()
    assert (first["sessions"] + rest["sessions"], rest["next"]) == (listed, None)
    ended = client.post(f"/v1/sessions/{id}/end", headers=boss).json()
    assert ended["ended_at"] is not None
    assert not works(client, headers)
    assert works(client, second)
    problem(client.post("/v1/sessions/000000000000/end", headers=boss), 404, "not-found")
    (known,) = client.get("/v1/persons", headers=boss).json()["persons"]
    assert (known["issuer"], known["subject"], known["name"]) == (ISSUER, "lin-7", "Lin Yue")
    sent = {"name": "desk", "scopes": ["read"], "person": {"issuer": ISSUER, "subject": "lin-7"}}
    made = client.post("/v1/keys", json=sent, headers=boss).json()
    problem(client.post(f"/v1/persons/{known['id']}/erase", headers=boss), 409, "not-erasable")
    assert client.post(f"/v1/keys/{made['id']}/revoke", headers=boss).status_code == 200
    assert client.post(f"/v1/persons/{known['id']}/erase", headers=boss).json() == {"id": known["id"]}
    assert not works(client, second)
    problem(client.post(f"/v1/persons/{known['id']}/erase", headers=boss), 404, "not-found")
    assert client.get("/v1/sessions", headers=boss).json()["sessions"] == []

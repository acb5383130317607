"""Persons: who is behind a key, a token, or the name of a caller in a record."""

from datetime import timedelta

import sqlalchemy as sa
from starlette.testclient import TestClient
from typer.testing import CliRunner

from service.audit.deep_verification import DeepVerification, snapshot
from service.callers import keys, known_persons
from service.callers.caller_names import CallerName, caller_names
from service.callers.person import Person, is_person
from service.callers.tokens import _meant
from service.cli.main import app
from service.service import Service
from service.store.database import Database
from service.store.tables import person, tree_leaf
from service.store.upgrade import upgrade
from tests.service.callers.test_callers import NOW, bearer, problem
from tests.service.conftest import BOTH_DATABASES

LIN = Person("https://id.example.org", "7f3a", "Lin")


def findings(database: Database) -> list[str]:
    """What deep verification says of a database."""
    with snapshot(database) as connection:
        return [str(each) for each in DeepVerification(connection, database).findings()]


@BOTH_DATABASES
def test_a_key_belongs_to_a_person_and_two_keys_to_the_same(database: str) -> None:
    """One row of the person, whatever name a key comes with; her last name counts, and the caller of each key is she."""
    store = Database.open(database)
    upgrade(store)
    with store.transaction() as transaction:
        first, _ = keys.create(transaction, "desk", ["review"], None, "test", NOW, person=LIN)
        second, _ = keys.create(
            transaction, "home", ["read"], None, "test", NOW, person=Person(LIN.issuer, LIN.subject, "Lin Yue")
        )
        keys.create(transaction, "gateway", ["evaluate"], None, "test", NOW)
    with store.reading.connect() as connection:
        callers = [each.caller().person for each in keys.listed(connection)]
        assert callers.count(None) == 1
        assert callers.count(LIN) == 2
        assert [row.name for row in connection.execute(sa.select(person))] == ["Lin Yue"]
        assert known_persons.behind(connection, f"key:{first.id}", None) == LIN
        assert known_persons.behind(connection, f"key:{second.id}", None) == LIN
        assert connection.execute(sa.select(sa.func.count()).where(tree_leaf.c.kind == "person")).scalar() == 2
    assert findings(store) == []
    with store.writing.begin() as raw:
        raw.execute(sa.update(person).values(subject="somebody-else"))
    assert any("person" in each and "subject" in each for each in findings(store))
    store.close()


@BOTH_DATABASES
def test_the_name_of_a_caller_in_a_record_leads_to_a_person_or_to_nobody(service: Service) -> None:
    """A subject of a token is one of the issuer that is set; a program's key, this machine and an unknown id are nobody."""
    database = service.store.database
    with database.transaction() as transaction:
        id = known_persons.known(transaction, LIN, NOW)
        assert known_persons.known(transaction, Person(LIN.issuer, LIN.subject), NOW) == id
    with database.reading.connect() as connection:
        assert known_persons.behind(connection, f"person:{id}", None) == LIN
        assert known_persons.behind(connection, "sub:7f3a", LIN.issuer) == LIN
        assert known_persons.behind(connection, "sub:7f3a", "https://other.example.org") != LIN
        for nobody in ("local", "sub:7f3a", "key:0123456789ab", "person:none", ""):
            assert known_persons.behind(connection, nobody, None) is None


@BOTH_DATABASES
def test_keys_and_persons_come_in_pages(client: TestClient, service: Service) -> None:
    """Each once and the oldest first, also those of the same moment."""
    with service.store.database.transaction() as transaction:
        for number in range(3):
            who = Person(LIN.issuer, f"subject-{number}", "Lin")
            keys.create(
                transaction, f"key-{number}", ["administer"], None, "test", NOW + timedelta(days=number // 2), person=who
            )
        _, told = keys.create(transaction, "boss", ["administer"], None, "test", NOW)
    for path in ("keys", "persons"):
        whole = client.get(f"/v1/{path}", headers=bearer(told)).json()
        assert len(whole[path]) == (4 if path == "keys" else 3)
        page = client.get(f"/v1/{path}?limit=1", headers=bearer(told)).json()
        found = [page]
        while page["next"] is not None:
            page = client.get(f"/v1/{path}?limit=1&cursor={page['next']}", headers=bearer(told)).json()
            found.append(page)
        assert [each[path] for each in found] == [[each] for each in whole[path]]
        assert whole["next"] is None


def test_a_token_is_a_person_unless_a_program_asks_for_itself() -> None:
    """The subject of a program's own token is its client id (RFC 9068)."""
    assert _meant({"sub": "7f3a", "azp": "console"}, LIN.issuer).person == LIN
    assert _meant({"sub": "batch", "client_id": "batch"}, LIN.issuer).person is None
    assert _meant({"sub": "batch", "azp": "batch"}, LIN.issuer).person is None


def test_the_person_of_a_key_is_told_over_http_and_at_the_command_line(client: TestClient, database: str) -> None:
    """A person is an issuer's address and a subject; what is neither is refused."""
    wanted = {"name": "ops", "scopes": ["administer"], "person": {"issuer": LIN.issuer, "subject": LIN.subject, "name": "Lin"}}
    made = client.post("/v1/keys", json=wanted).json()
    assert made["person"] == wanted["person"]
    ops = bearer(made["key"])
    for wrong in (
        {"issuer": "id.example.org", "subject": "a"},
        {"issuer": LIN.issuer, "subject": "a b"},
        {"issuer": LIN.issuer},
    ):
        problem(client.post("/v1/keys", json={**wanted, "person": wrong}, headers=ops), 400, "bad-request")
    command = ["keys", "create", "--name", "n", "--scope", "review", "--database", database]
    assert CliRunner().invoke(app, [*command, "--issuer", LIN.issuer, "--subject", "88"]).exit_code == 0
    assert CliRunner().invoke(app, [*command, "--issuer", LIN.issuer]).exit_code == 2
    assert CliRunner().invoke(app, [*command, "--issuer", "x", "--subject", "88"]).exit_code == 2
    listed = client.get("/v1/keys", headers=ops).json()["keys"]
    assert [each["person"]["subject"] for each in listed] == ["7f3a", "88"]


def test_a_person_is_an_address_and_a_subject() -> None:
    """Visible ASCII characters, and not too many of them."""
    assert is_person("https://id.example.org/realms/a", "auth0|5f7c")
    assert is_person("http://127.0.0.1:9/", "x" * 255)
    for issuer, subject in (
        ("id", "x"),
        ("https://id", ""),
        ("https://id", "x" * 256),
        ("https://i d", "x"),
        ("https://" + "x" * 600, "x"),
    ):
        assert not is_person(issuer, subject)


@BOTH_DATABASES
def test_callers_are_called_by_their_names(service: Service) -> None:
    """A person by hers, a key by its own or its owner's; whoever was erased, and whoever is not known, has none."""
    database = service.store.database
    with database.transaction() as transaction:
        gateway, _ = keys.create(transaction, "gateway", ["evaluate"], None, "test", NOW)
        hers, _ = keys.create(transaction, "desk", ["review"], None, "test", NOW, person=LIN)
        id = known_persons.known(transaction, LIN, NOW)
    asked = [f"key:{gateway.id}", f"key:{hers.id}", f"person:{id}", "key:000000000000", "person:none", "local", "sub:x", None]
    with database.reading.connect() as connection:
        assert caller_names(connection, asked) == {
            f"key:{gateway.id}": CallerName("gateway", True),
            f"key:{hers.id}": CallerName("Lin", False),
            f"person:{id}": CallerName("Lin", False),
        }
    with database.writing.begin() as raw:
        raw.execute(sa.update(person).values(issuer=None, subject=None, name=None))
    with database.reading.connect() as connection:
        assert caller_names(connection, asked) == {f"key:{gateway.id}": CallerName("gateway", True)}

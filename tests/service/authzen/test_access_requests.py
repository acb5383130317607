"""Asking for the review of a denial (Access Request and Approval Profile, draft): what is offered, to whom, and what became of it."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.callers import keys
from service.callers.person import Person
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.authzen.conftest import WORKPLACE, Memory, question
from tests.service.conftest import Lines
from tests.service.log.test_tree_leaves import happened

REVIEWED = """
policy: house.drafts
title: Rules on drafts
jurisdiction: HOUSE
instrument: {issuer: the house, force: order}
in_force: {from: 2020-01-01}
applies:
  resource.type: document
rules:
  - id: draft
    title: A draft is looked at before it is read
    cite: 1
    says: A person looks at each reading of a draft.
    source: the house
    status: confirmed
    when:
      resource.tags: {has: draft}
    review: a draft is read
"""
ASKED = question("user:ada", {"name": "read", "properties": {"method": "GET"}}, "document:doc-1")
SIGN = {"provisions": ["house.drafts/draft"], "verdict": "approve", "reason": "looked at", "until": "2099-12-31"}

pytestmark = pytest.mark.usefixtures("audited")


class Gateway:
    """A gateway that evaluates and asks, another one, and a person who signs."""

    def __init__(self, client: TestClient, made: dict[str, str]) -> None:
        self.client, self.made = client, made

    def bearer(self, who: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.made[who]}"}

    def evaluate(self, who: str = "gateway", **changes: Any) -> Any:
        return self.client.post("/access/v1/evaluation", json={**ASKED, **changes}, headers=self.bearer(who)).json()

    def ask(self, denial: Any, who: str = "gateway", **changes: Any) -> Any:
        sent = {**ASKED, "denial": denial, **changes}
        return self.client.post("/access/v1/requests", json=sent, headers=self.bearer(who))

    def status(self, id: str, who: str = "gateway") -> Any:
        return self.client.get(f"/access/v1/requests/{id}", headers=self.bearer(who))

    def sign(self, id: str, **changes: Any) -> Any:
        sent = {name: value for name, value in {**SIGN, **changes}.items() if value is not None}
        return self.client.post(f"/v1/decisions/{id}/sign-off", json=sent, headers=self.bearer("ada"))


@pytest.fixture
def opened(database: str, tmp_path: Path, lines: Lines) -> Iterator[Service]:
    """A service that may be asked for reviews."""
    folder = shutil.copytree(WORKPLACE, tmp_path / "policies")
    (folder / "drafts.yaml").write_text(REVIEWED)
    for test in folder.glob("*.test.yaml"):
        test.unlink()
    settings = Settings(watch=False, policies=folder, database=database, access_requests=True)
    service = Service.open(settings, say=log_lines.logger(lines))
    yield service
    service.close()


@pytest.fixture
def gateway(opened: Service) -> Iterator[Gateway]:
    """The application of that service, with keys."""
    with TestClient(create_app(opened.settings, opened, Memory()), base_url="http://127.0.0.1:8080") as client:
        made = {}
        with opened.store.database.transaction() as transaction:
            for name, who in (("gateway", None), ("other", None), ("ada", Person("https://id.example.org", "ada", "Ada"))):
                scopes = ["evaluate", "read", "review"]
                made[name] = keys.create(transaction, name, scopes, None, "test", opened.clock(), person=who)[1]
        yield Gateway(client, made)


def denial(answer: Any) -> dict[str, Any]:
    """The denial that an answer tells, as a request echoes it."""
    context = answer["context"]
    return {"evaluation_id": context["evaluation_id"], "expires_at": context["access_request"]["expires_at"]}


def test_a_denial_that_a_person_may_lift_says_where_to_ask(gateway: Gateway, opened: Service) -> None:
    """With the id of the evaluation and until when; nothing of it is in the record, and a prohibition says nothing of the kind."""
    answer = gateway.evaluate()
    context = answer["context"]
    assert (answer["decision"], context["outcome"], context["reason"]) == (False, "review", "approval_required")
    assert context["evaluation_id"] == context["decision_id"]
    assert context["access_request"]["endpoint"] == "http://127.0.0.1:8080/access/v1/requests"
    stored = opened.store.read(context["decision_id"])
    assert stored is not None
    assert b"access_request" not in stored.entry.leaf
    forbidden = gateway.evaluate(action={"name": "write"})
    assert (forbidden["decision"], "access_request" in forbidden["context"]) == (False, False)
    found = gateway.client.get("/.well-known/authzen-configuration").json()
    assert found["capabilities"] == ["urn:openid:authzen:capability:access-request"]
    assert found["access_request_endpoint"] == "http://127.0.0.1:8080/access/v1/requests"


def test_a_request_waits_until_a_person_approves_and_permits_nothing_by_itself(gateway: Gateway, opened: Service) -> None:
    """Pending, then approved until the last day of the approval; the caller evaluates again and gets the permit."""
    first = gateway.evaluate()
    why: Any = {"context": {"business_justification": "needed for the audit"}}
    made = gateway.ask(denial(first), **why)
    assert made.status_code == 202, made.text
    task = made.json()["task"]
    assert (task["status"], made.headers["location"], "result" in made.json()) == ("pending", task["status_endpoint"], False)
    assert gateway.evaluate()["decision"] is False
    thread = gateway.client.get(f"/v1/decisions/{first['context']['decision_id']}/review", headers=gateway.bearer("ada")).json()
    assert [(each["kind"], each["text"]) for each in thread["notes"]] == [("requested", "needed for the audit")]
    leaf = happened(opened.store)[-1]
    assert (leaf["kind"], {"subject", "denial", "task"} & leaf.keys()) == ("review-requested", set())
    assert gateway.sign(first["context"]["decision_id"]).status_code == 201
    done = gateway.status(task["id"]).json()
    assert (done["task"]["status"], done["result"]["mode"]) == ("approved", "reevaluate")
    assert done["result"]["approval"]["approved_until"] == "2099-12-31T23:59:59Z"
    assert gateway.evaluate()["decision"] is True


def test_a_refusal_denies_and_time_expires(gateway: Gateway, opened: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that nobody looked at has expired after its time; one that was refused is denied."""
    first = gateway.evaluate()
    task = gateway.ask(denial(first)).json()["task"]
    real = opened.clock
    object.__setattr__(opened, "clock", lambda: real() + timedelta(days=31))
    assert gateway.status(task["id"]).json()["task"]["status"] == "expired"
    late = gateway.ask(denial(first))
    assert (late.status_code, late.json()["errors"][0]["code"]) == (400, "expired-denial")
    object.__setattr__(opened, "clock", real)
    gateway.sign(first["context"]["decision_id"], verdict="refuse", until=None)
    assert gateway.status(task["id"]).json()["task"]["status"] == "denied"


def test_a_caller_asks_about_its_own_evaluations_only(gateway: Gateway) -> None:
    """Another one's, one that does not exist, another request than was evaluated, and another time are all refused at their place."""
    found = denial(gateway.evaluate())
    for sent, who, changes, pointer in (
        (found, "other", {}, "/denial/evaluation_id"),
        ({**found, "evaluation_id": "none"}, "gateway", {}, "/denial/evaluation_id"),
        ({**found, "expires_at": "2026-01-01T00:00:00Z"}, "gateway", {}, "/denial/expires_at"),
        (found, "gateway", {"resource": {"type": "document", "id": "doc-2"}}, ""),
        (found, "gateway", {"context": {"business_justification": "a\u0000"}}, "/context/business_justification"),
        (found, "gateway", {"callback": {}}, ""),
        ({}, "gateway", {}, "/denial/evaluation_id"),
    ):
        answer = gateway.ask(sent, who, **changes)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer), answer.text
    task = gateway.ask(found).json()["task"]
    assert gateway.status(task["id"], "other").status_code == 404


def test_without_the_setting_there_is_nothing_to_ask(gateway: Gateway, opened: Service) -> None:
    """No context says so, no metadata, and the addresses answer 404."""
    found = denial(gateway.evaluate())
    object.__setattr__(opened, "settings", replace_settings(opened.settings))
    assert gateway.ask(found).status_code == 404
    assert gateway.status("any").status_code == 404


def replace_settings(settings: Settings) -> Settings:
    """The same settings without access requests."""
    return settings.model_copy(update={"access_requests": False})

"""A law that nobody read is signed for over HTTP: for which later exchanges that holds, and for which it does not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import engine
from service.policies.live import Live
from tests.engine.deciding.ice import sources

pytestmark = pytest.mark.usefixtures("audited", "ice")

TOMORROW = (datetime.now(UTC).date() + timedelta(days=1)).isoformat()
NAME = "gap/AQ/krill"
APPROVE = {"provisions": [NAME], "verdict": "approve", "reason": "we read what there is", "until": TOMORROW}
DATA: dict[str, Any] = {"personal": True, "categories": ["krill"], "people": 12, "people_in": ["AQ"], "collected_in": ["AQ"]}
FACTS: dict[str, Any] = {
    "exporter": {"id": "station", "country": "AQ"},
    "recipient": {"id": "museum", "country": "BV"},
    "act": {"label": "plain"},
    "data": DATA,
}
PERMIT = {"permit": {"dated": "2026-06-01", "covers": True}}


@pytest.fixture
def ice(service, tmp_path):
    """The policies of a world in which nothing was read on krill."""
    (tmp_path / "ice").mkdir()
    for name, content in sources("").items():
        (tmp_path / "ice" / name).write_bytes(content)
    service.policies.live = Live.of(engine.load(tmp_path / "ice"), "checked")


@pytest.fixture
def decided(client):
    """Decide the exchange with some parts changed."""
    return lambda **changes: client.post("/v1/evaluate", json={**FACTS, **changes}).json()


@pytest.fixture
def sign(client):
    """Sign a decision; the answer's response."""
    return lambda id, **changes: client.post(f"/v1/decisions/{id}/sign-off", json={**APPROVE, **changes})


def test_a_gap_that_is_signed_is_permitted_as_long_as_the_exchange_is_the_same(decided, sign):
    """One document more leaves the signature standing; another country, party or number of people, or another kind of data does not."""
    first = decided()
    assert first["outcome"] == "review"
    answer = sign(first["id"])
    assert answer.status_code == 201, answer.text
    assert answer.json()["then"]["outcome"] == "permitted"
    again = decided()
    assert (again["proceed"], again["outcome"]) == (True, "permitted")
    assert [(each["provision"], each["accepts"]) for each in again["signed_off"]] == [(NAME, "gap")]
    assert decided(evidence=PERMIT)["outcome"] == "permitted"
    assert decided(recipient={"id": "museum", "country": "HM"})["outcome"] == "review"
    assert decided(recipient={"id": "another", "country": "BV"})["outcome"] == "review"
    assert decided(data={**DATA, "people": 13})["outcome"] == "review"
    assert decided(data={**DATA, "categories": ["krill", "contact"]})["outcome"] == "review"


def test_a_gap_that_is_signed_waits_no_more(client, decided, sign):
    """It is in the queue under its name until somebody has signed it."""
    id = decided()["id"]
    assert [each["kinds"] for each in client.get("/v1/reviews").json()["reviews"]] == [["gap"]]
    sign(id)
    assert client.get("/v1/reviews").json()["reviews"] == []


def test_a_signature_that_is_taken_back_permits_nothing(decided, sign):
    """The last word counts."""
    id = decided()["id"]
    sign(id)
    assert sign(id, verdict="refuse", until=None).json()["then"]["outcome"] == "review"
    assert decided()["outcome"] == "review"


@pytest.mark.parametrize("reason", ["…", "...", "TODO", "n/a", "-", " "])
def test_a_reason_that_says_nothing_is_refused(decided, sign, reason):
    """Whoever signs says in words what was read."""
    id = decided()["id"]
    assert sign(id, reason=reason).status_code == 400
    assert decided()["outcome"] == "review"


def test_a_secret_and_what_is_not_certain_cannot_be_signed(decided, sign):
    """There is no name for a guarded subject matter, nor for one that only may be there."""
    secret = decided(data={**DATA, "categories": ["secret"]})
    assert (secret["outcome"], sign(secret["id"], provisions=["gap/AQ/secrets"]).status_code) == ("review", 409)
    unsure = decided(data={**DATA, "categories": ["krill", "unknown"]})
    assert sign(unsure["id"]).status_code == 409


def test_law_that_is_loaded_later_voids_a_signature(decided, sign, service, tmp_path):
    """Once somebody has found the law on krill by name, what was signed for is not what was read."""
    sign(decided()["id"])
    assert decided()["outcome"] == "permitted"
    found = "krill: {unread: the Krill Act, read: a list, source: a page, read_on: 2026-06-01, status: unsure, verify_by: 2027-06-01}"
    (tmp_path / "found").mkdir()
    for name, content in sources(found).items():
        (tmp_path / "found" / name).write_bytes(content)
    service.policies.live = Live.of(engine.load(tmp_path / "found"), "checked")
    assert decided()["outcome"] == "review"

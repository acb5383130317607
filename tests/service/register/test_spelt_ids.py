"""Ids in other spellings (semantics 1.9): what is the same id, what only looks like a registered one, and what each caller is told."""

import json
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

import engine
from service.callers import keys
from service.callers.caller import SCOPES
from service.service import Service
from tests.service.conftest import BOTH_DATABASES

pytestmark = pytest.mark.usefixtures("audited")

SAME = {"a space behind it": "bad-lab ", "a joiner that nobody sees": "b\u200dad-lab", "full width": "\uff42ad-lab"}
ALIKE = {
    "case": "BAD-LAB",
    "a Cyrillic letter": "b\u0430d-lab",
    "a capital I for an l": "bad-Iab",
    "a digit for a letter": "bad-1ab",
    "case, Cyrillic and unseen": "B\u0410D-\u200bL\u0410B",
}
SENT = {"exporter": {"country": "CN"}, "data": {"people": {"rest": 0}}}


def exchange(id: str, **more: Any) -> dict[str, Any]:
    """An exchange with a recipient that is stated to be on no list."""
    return {**SENT, "recipient": {"id": id, "country": "US", "lists": [], **more}}


@pytest.fixture
def asked(service: Service, client: TestClient, put: Any) -> Any:
    """A register with a listed `bad-lab`; who asks is a caller that may read the register, or one that may not."""
    put("parties/bad-lab", aliases=["bl-2"], facts={"country": "US", "lists": ["blue"]})
    with service.store.database.transaction() as connection:
        _, all_ = keys.create(connection, "all", SCOPES, None, "test", datetime.now(UTC))
        _, key = keys.create(connection, "a gateway", ["evaluate"], None, "test", datetime.now(UTC))
    client.headers["authorization"] = f"Bearer {all_}"

    def send(sent: Any, reads: bool) -> Any:
        return client.post("/v1/evaluate", json=sent, headers={} if reads else {"authorization": f"Bearer {key}"})

    return send


@pytest.mark.parametrize("spelt", SAME.values(), ids=SAME)
@pytest.mark.parametrize("reads", [True, False])
def test_the_same_id_in_another_form_is_the_entity(asked: Any, spelt: str, reads: bool) -> None:
    """What nobody sees makes no other id: the register says of it what it says of the entity."""
    plain, found = (asked(exchange(id), reads).json() for id in ("bad-lab", spelt))
    assert (found["proceed"], found["outcome"]) == (plain["proceed"], plain["outcome"]) == (False, "prohibited")


@pytest.mark.parametrize("reads", [True, False])
@BOTH_DATABASES
def test_an_id_with_a_zero_character_is_refused(asked: Any, reads: bool) -> None:
    """At its place, whether the register has the rest of it or not; other control characters fall away."""
    for id in ("bad-lab\x00", "another\x00", "\x00"):
        answers = asked(exchange(id), reads), asked({**SENT, "named": {"recipient": id}}, reads)
        assert [each.status_code for each in answers] == [400, 400]
        assert [each.json()["errors"][0]["pointer"] for each in answers] == ["/recipient/id", "/named/recipient"]
    assert asked(exchange("bad-lab\x01"), reads).json()["outcome"] == "prohibited"


@pytest.mark.parametrize("spelt", ALIKE.values(), ids=ALIKE)
def test_an_id_that_looks_like_a_registered_one_is_refused_to_whoever_may_read_the_register(asked: Any, spelt: str) -> None:
    """With the id that it looks like, at its place."""
    answer = asked(exchange(spelt), True)
    (place,) = answer.json()["errors"]
    assert (answer.status_code, place["pointer"], place["code"]) == (400, "/recipient/id", "looks-like")
    assert "`bad-lab`" in place["detail"]
    named = asked({**SENT, "named": {"recipient": spelt}}, True).json()["errors"]
    assert [each["code"] for each in named] == ["unknown-entity"]
    assert "did you mean `bad-lab`" in named[0]["detail"]


@pytest.mark.parametrize("spelt", [*ALIKE.values(), "BL-2"])
def test_for_others_it_is_as_a_disputed_fact(asked: Any, client: TestClient, spelt: str) -> None:
    """It is not permitted where the entity is refused, and no word tells that the entity exists; the record has both."""
    answer = asked(exchange(spelt), False)
    told = answer.json()
    assert (answer.status_code, told["proceed"], told["outcome"]) == (200, False, "prohibited")
    assert "bad-lab" not in answer.text
    assert "disputed" not in told
    record = client.get(f"/v1/decisions/{told['id']}").json()["record"]
    assert record["request"]["recipient"]["id"] == spelt
    entity = record["request"]["register"]["recipient.id"]
    assert (entity["alike"], entity["states"]["recipient"]) == (True, {"id": "bad-lab", "country": "US", "lists": ["blue"]})
    disputed = {each["fact"]: (each["stated"], each["registered"]) for each in record["decision"]["disputed"]}
    assert disputed["recipient.lists"] == ([], ["blue"])
    replayed = client.get(f"/v1/decisions/{told['id']}/replay").json()
    assert (replayed["holds"], replayed["same"]) == (True, "bytes")
    assert client.get(f"/log/{told['id']}").status_code == 200
    named = asked({**SENT, "named": {"recipient": spelt}}, False).json()["errors"]
    assert [each["code"] for each in named] == ["unknown-entity"]
    assert "bad-lab" not in named[0]["detail"]


def test_what_the_register_says_of_it_does_not_help(asked: Any, put: Any) -> None:
    """Nor does it where the sender left a fact out: it stays unknown on the one side, so nothing is permitted by the register's word."""
    put("parties/good-lab", facts={"country": "US", "lists": []})
    sent = {**SENT, "recipient": {"id": "good-lab"}}
    assert asked(sent, False).json()["proceed"] is True
    for spelt in ("Good-Lab", "g\u043e\u043ed-lab"):
        assert asked({**SENT, "recipient": {"id": spelt}}, False).json()["proceed"] is False
        stated = asked(exchange(spelt), False).json()
        assert stated["proceed"] is asked(exchange("another"), False).json()["proceed"] is True


def test_an_entity_that_may_not_be_named_cannot_be_named_by_its_looks(asked: Any, client: TestClient) -> None:
    """What looks like a withdrawn one is refused in the words for the withdrawn one itself."""
    assert client.delete("/v1/parties/bad-lab").status_code in (200, 204)
    for id in ("bad-lab", "BAD-LAB"):
        answer = asked(exchange(id), False)
        (place,) = answer.json()["errors"]
        assert (answer.status_code, place["pointer"]) == (400, "/recipient/id")
        assert place["detail"] == f"`{id}` may not be named on the day of the exchange"


def test_an_id_without_a_character_that_is_seen_is_none(asked: Any) -> None:
    """400 at its place, as for an empty one."""
    for id in ("", " ", "\u200b", "\u2800\u3164", "x" * 257, "\ufdfa" * 20, "unknown\u200b"):
        answer = asked({"recipient": {"id": id}}, True)
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/recipient/id"], id


def test_the_register_takes_no_name_that_looks_like_one_it_has(asked: Any, client: TestClient, put: Any) -> None:
    """Two entities that nobody can tell apart would count as one; an alias of the same entity may look like its id."""
    answer = client.put("/v1/parties/BAD-LAB", json={})
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [("/id", "id-alike")]
    answer = client.put("/v1/parties/other", json={"aliases": ["b\u0430d-lab"]})
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [("/aliases/0", "id-alike")]
    put("parties/bad-lab", aliases=["BAD-LAB"], facts={"country": "US", "lists": ["blue"]})
    assert asked(exchange("BAD-LAB"), True).json()["outcome"] == "prohibited"
    assert put("parties/\uff42ad-lab", facts={"country": "US"})["id"] == "bad-lab"
    assert client.put("/v1/assets/BAD-LAB", json={}).status_code == 201
    both = [{"kind": "party", "id": "Twin"}, {"kind": "party", "id": "twin"}]
    answer = client.post(
        "/v1/register/import", content=json.dumps({"entities": both}), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert client.delete("/v1/parties/bad-lab?erase=true").status_code == 200
    assert client.put("/v1/parties/BAD-LAB", json={}).status_code == 201


def respelt(id: str) -> st.SearchStrategy[str]:
    """Other spellings of an id: each letter in another case, as one that looks like it, or with something unseen beside it."""
    looks: dict[str, list[str]] = {}
    for number in range(33, 0x3000):
        seen = chr(number)
        if engine.id_form(seen):
            # Between two letters, where a mark that stands on a blank, such as U+037A, is seen with its blank.
            looks.setdefault(engine.folded_id(f"x{seen}x")[1:-1], []).append(seen)
    unseen = st.sampled_from(["", "", "", "\u200b", "\u200d", "\u00ad", "\ufe0f", "\u034f"])

    def spelling(each: str) -> st.SearchStrategy[str]:
        return st.tuples(st.sampled_from(looks[engine.folded_id(each)]), unseen).map("".join)

    ends = st.sampled_from(["", " ", "\t", "\u3000"])
    return st.tuples(ends, *map(spelling, id), ends).map("".join)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spelt=respelt("bad-lab"), reads=st.booleans(), shown=st.booleans())
def test_no_spelling_is_more_permissive_than_the_id(asked: Any, spelt: str, reads: bool, shown: bool) -> None:
    """Whoever asks, and whatever is stated of it."""
    sent = exchange(spelt) if shown else {**SENT, "recipient": {"id": spelt}}
    answer = asked(sent, reads)
    assert answer.status_code == 400 or answer.json()["proceed"] is False, unicodedata.name(spelt[0], spelt)

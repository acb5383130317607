"""Legs of a plan that name entities of the register: what it says counts in each leg (semantics 1.5, 1.8, 1.9)."""

from typing import Any

from starlette.testclient import TestClient

SENT = {"exporter": {"country": "CN"}, "data": {"people": {"rest": 0}}}


def decide(client: TestClient, *exchanges: Any) -> Any:
    return client.post("/v1/plans", json={"legs": [{"exchange": each} for each in exchanges]})


def test_the_register_speaks_in_each_leg(client: TestClient, put: Any) -> None:
    """A leg is decided as the exchange alone is, by its name in the register or by its id."""
    put("parties/bad-lab", aliases=["bl-2"], facts={"country": "US", "lists": ["blue"]})
    named = {**SENT, "named": {"recipient": "bl-2"}}
    stated = {**SENT, "recipient": {"id": "bad-lab", "country": "US", "lists": []}}
    other = {**SENT, "recipient": {"id": "lab", "country": "US", "lists": []}}
    plan = decide(client, named, stated, other).json()
    alone = [client.post("/v1/evaluate", json=each).json()["outcome"] for each in (named, stated, other)]
    assert [leg["decision"]["outcome"] for leg in plan["legs"]] == alone
    assert alone[0] == alone[1] == plan["outcome"] == "prohibited" != alone[2]


def test_a_refusal_names_the_leg_and_what_the_register_says(client: TestClient, put: Any) -> None:
    """Of an id that only looks like a registered one, of an unknown name, and of what cannot be true together."""
    put("parties/bad-lab", facts={"country": "US", "lists": ["blue"]})
    alike = {**SENT, "recipient": {"id": "BAD-LAB", "country": "US"}}
    never = {**SENT, "exporter": {"country": "KE", "operator": True}}
    answer = decide(client, SENT, alike, {**SENT, "named": {"recipient": "nobody"}}, never)
    assert answer.status_code == 400
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [
        ("/legs/1/exchange/recipient/id", "looks-like"),
        ("/legs/2/exchange/named/recipient", "unknown-entity"),
        ("/legs/3/exchange/exporter/operator", "incoherent"),
        ("/legs/3/exchange/exporter/country", "incoherent"),
    ]
    chinese = client.post("/v1/plans?lang=zh", json={"legs": [{"exchange": never}]}).json()
    assert chinese["errors"][0]["detail"] == "肯尼亚没有运营者"

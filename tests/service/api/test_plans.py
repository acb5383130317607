"""Plans over HTTP: what the command prints, refusals that name the leg and the place, and nothing that is recorded."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

import engine
from engine.backends.durable import Durable
from service.callers import keys
from service.cli.main import app
from service.limits import PLAN_LEGS
from service.service import Service
from tests.service.conftest import EXCHANGE, PERSONAL, POLICIES, Lines

ABROAD: dict[str, Any] = {"exporter": {"country": "US"}, "recipient": {"country": "KE"}, "data": {"people": 9000}}
PLAN = {"legs": [{"id": "out", "exchange": EXCHANGE}, {"after": "out", "exchange": ABROAD}]}
pytestmark = pytest.mark.usefixtures("audited")


def post(client: TestClient, plan: Any, query: str = "", **headers: str) -> Any:
    content = plan if isinstance(plan, bytes) else json.dumps(plan).encode()
    return client.post(f"/v1/plans{query}", content=content, headers={"content-type": "application/json", **headers})


def legs_of(*exchanges: Any) -> dict[str, Any]:
    return {"legs": [{"exchange": each} for each in exchanges]}


def without_ids(plan: Any) -> Any:
    """A decision on a plan without its id and those of its legs, and without how many engines decided."""
    legs = [{**leg, "decision": {**leg["decision"], "id": "", "engine": {}}} for leg in plan["legs"]]
    return {**plan, "id": "", "legs": legs}


@pytest.mark.parametrize("lang", engine.LANGUAGES)
def test_the_answer_is_what_the_command_prints(client: TestClient, tmp_path: Path, lang: str) -> None:
    """Of the same plan by the same policies, member by member."""
    answer = post(client, PLAN, f"?lang={lang}")
    assert answer.status_code == 200, answer.text
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(PLAN))
    printed = CliRunner().invoke(app, ["plan", str(file), "--policies", str(POLICIES), "--json", "--lang", lang])
    assert without_ids(answer.json()) == without_ids(json.loads(printed.stdout))
    engine.PlanDecision.model_validate_json(answer.content)


def test_nothing_of_a_plan_is_recorded_or_can_be_committed(client: TestClient, service: Service, lines: Lines) -> None:
    """The answer says so; the line of the request names the plan and its outcome, and no fact."""
    plan = post(client, legs_of({**ABROAD, "exporter": {"country": "CN", "id": PERSONAL["/exporter/id"]}})).json()
    assert (plan["schema"], plan["recorded"], plan["hypothetical"]) == ("fifthfactor/plan-decision/1", False, False)
    assert (plan["outcome"], plan["proceed"]) == ("permitted", True)
    assert service.store.records == 0
    for id in (plan["id"], plan["legs"][0]["decision"]["id"]):
        assert client.post("/v1/commitments", json={"decision": id}).status_code == 404
    line = lines.events("request")[0]
    assert (line["plan"], line["outcome"], line["proceed"]) == (plan["id"], "permitted", True)
    assert PERSONAL["/exporter/id"] not in lines.getvalue()


def test_a_leg_without_a_day_has_that_of_the_plan(client: TestClient) -> None:
    """Every leg is decided on one day, and a plan of another day is no permit."""
    plan = post(client, {"legs": [{"exchange": ABROAD}, {"exchange": {**EXCHANGE, "data": {"people": 5}}}]}).json()
    assert (plan["as_of"], plan["hypothetical"], plan["proceed"]) == ("2024-06-01", True, False)
    assert [leg["decision"]["as_of"] for leg in plan["legs"]] == ["2024-06-01"] * 2


@pytest.mark.parametrize(
    ("plan", "places"),
    [
        ({"legs": []}, [("/legs", "wrong-value")]),
        ({"legs": [{"exchange": ABROAD}] * (PLAN_LEGS + 1)}, [("/legs", "wrong-value")]),
        ({**PLAN, "lages": 1}, [("/lages", "unknown-key")]),
        (legs_of(ABROAD, {**ABROAD, "recipient": {"contry": "KE"}}), [("/legs/1/exchange/recipient/contry", "unknown-fact")]),
        (legs_of(ABROAD, None), [("/legs/1/exchange", "not-json")]),
        ({"legs": [{"exchange": ABROAD}, {"after": 1, "exchange": ABROAD}]}, [("/legs/1/after", "broken-chain")]),
        ({"legs": [{"after": "nobody", "exchange": ABROAD}]}, [("/legs/0/after", "unknown-leg")]),
        (legs_of(EXCHANGE, {**ABROAD, "as_of": "2024-06-02"}), [("/legs/1/exchange/as_of", "wrong-value")]),
        (legs_of({**ABROAD, "register": {}}), [("/legs/0/exchange/register", "unknown-key")]),
    ],
)
def test_what_is_wrong_is_told_with_its_leg_and_its_place(client: TestClient, plan: Any, places: Any) -> None:
    """400, and nothing is decided."""
    answer = post(client, plan)
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"] == "urn:fifthfactor:problem:exchange-refused"
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == places


def test_a_plan_is_bounded_before_it_is_read(client: TestClient, service: Service) -> None:
    """Its bytes, its kind and its JSON."""
    assert post(client, b" " * (service.settings.body_limit + 1)).status_code == 413
    assert post(client, PLAN, **{"content-type": "text/plain"}).status_code == 415
    assert post(client, b'{"legs": [').status_code == 400
    assert post(client, PLAN, "?lang=xx").status_code == post(client, PLAN, "?include=all").status_code == 400


@pytest.mark.parametrize(("scopes", "status"), [(["evaluate", "read"], 200), (["evaluate"], 403), (["read"], 403)])
def test_a_plan_needs_the_scopes_evaluate_and_read(
    client: TestClient, service: Service, scopes: list[Any], status: int
) -> None:
    """Since the decisions on its legs say what the register told; and a party's key is not enough."""
    with service.store.database.transaction() as connection:
        _, key = keys.create(connection, "a gateway", scopes, None, "test", datetime.now(UTC))
        _, party = keys.create(connection, "a party", scopes, None, "test", datetime.now(UTC), party="clinic")
    assert post(client, PLAN, authorization=f"Bearer {key}").status_code == status
    assert post(client, PLAN, authorization=f"Bearer {party}").status_code == 403


def test_engines_that_disagree_permit_no_plan(
    client: TestClient, service: Service, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An incident is told, of a leg that is in no record; where no engine decides there is no answer."""

    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(Durable, "evaluate", fails)
    plan = post(client, legs_of({**ABROAD, "exporter": {"country": "CN"}})).json()
    assert (plan["outcome"], plan["proceed"]) == ("review", False)
    (line,) = lines.events("incident")
    assert (line["decision_id"], line["record"]) == (plan["legs"][0]["decision"]["id"], None)
    monkeypatch.setattr("engine.backends.bitset.Bitset.evaluate", fails)
    assert post(client, PLAN).status_code == 500

"""Keys and tokens that belong to a party: what they do and see is the party's own, at every endpoint."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient
from typer.testing import CliRunner

import engine
from service.callers.entrance import is_public
from service.callers.tokens import PARTY
from service.cli.main import app
from service.policies.live import Live
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store.tables import caller as rows
from service.telemetry import log_lines
from tests.pages import text_of
from tests.service.callers.test_callers import JSON, bearer, call, calls, make, problem
from tests.service.callers.test_tokens import client, issuer, token
from tests.service.conftest import Lines, copied, unlike_the_leaves

__all__ = ("client", "issuer")  # fixtures

POLICIES = Path(__file__).parents[1] / "ledger" / "policies"
SCOPES = ["evaluate", "commit", "read"]


@dataclass
class Hall:
    """A service with an operator and two parties, the clinic and the bank, each with a key of its own."""

    client: TestClient
    service: Service
    ops: str
    keys: dict[str, str]

    def get(self, path: str, who: str = "clinic", **query: Any) -> Any:
        return self.client.get(path, params=query, headers=bearer(self.keys.get(who, self.ops)))

    def post(self, path: str, body: Any, who: str = "clinic") -> Any:
        return self.client.post(path, content=json.dumps(body), headers={**JSON, **bearer(self.keys.get(who, self.ops))})

    def decided(self, who: str, **more: Any) -> str:
        answer = self.post("/v1/evaluate", sent(who, **more), who)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def committed(self, who: str, **more: Any) -> str:
        answer = self.post("/v1/commitments", {"decision": self.decided(who, **more)}, who)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


def sent(exporter: str | None, **more: Any) -> dict[str, Any]:
    """An exchange of an exporter."""
    party = {"country": "CN"} | ({} if exporter is None else {"id": exporter})
    data = {"people": {"ordinary": 10, "rest": 0}, "staff": False}
    return {"exporter": party, "recipient": {"id": "lab"}, "data": data, **more}


@pytest.fixture
def address(tmp_path: Path, tables: Path) -> str:
    """A database in a file."""
    return copied(tables, tmp_path)


@pytest.fixture
def hall(address: str, lines: Lines, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Hall]:
    """The service, its operator and its parties. At the end every row is as the leaves say."""
    ops = make(address, "administer", *SCOPES, "review")
    policies = tmp_path / "policies"
    shutil.copytree(POLICIES, policies)
    with (policies / "vocabulary.yaml").open("a") as vocabulary:
        vocabulary.write(getattr(request, "param", ""))
    settings = Settings(
        watch=False, policies=policies, database=address, mode="bitset", ledger_since="2026-01-01", failure_burst=10_000
    )
    service = Service.open(settings, say=log_lines.logger(lines))
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        made = Hall(client, service, ops, {})
        for party in ("clinic", "bank"):
            answer = made.post("/v1/keys", {"name": party, "scopes": SCOPES, "party": party}, "ops")
            assert (answer.status_code, answer.json()["party"]) == (201, party)
            made.keys[party] = answer.json()["key"]
        yield made
    # The tests put policies in the place of those that decide.
    assert [each for each in unlike_the_leaves(address) if not each.endswith("its policies")] == []


def named_on_page(heading: str) -> set[tuple[str, str]]:
    """The operations in one of the two tables on the page."""
    table = text_of("service/docs/party-keys.md").split(heading)[1].split("\n\n")[0]
    cells = [line.split(" | ")[0] for line in table.splitlines()[2:]]
    return {(method, path) for cell in cells for method, path in re.findall(r"`([A-Z]+) (/[^`]*)`", cell)}


def test_the_page_names_every_operation_and_those_refused_are_refused(hall: Hall) -> None:
    """What serves a party is in the first table, everything else that needs a key in the second, and the answers agree."""
    served, refused = named_on_page("| operation | "), named_on_page("| operations | ")
    guarded = {(method, re.sub(r":\w+}", "}", path)) for method, path in calls(hall.client) if not is_public(path)}
    assert served | refused == guarded
    assert not served & refused
    for method, path in sorted(refused):
        problem(call(hall.client, method, path, **bearer(hall.keys["clinic"])), 403, "forbidden")
    for method, path in sorted(served):
        answer = call(hall.client, method, path, **bearer(hall.keys["clinic"]))
        assert answer.status_code != 401
        assert answer.status_code != 403 or "the party's id" in answer.json()["detail"], path


def test_a_party_decides_as_itself_only(hall: Hall) -> None:
    """Another exporter, none, or one that is unknown is refused, and nothing of it is recorded."""
    for exporter in ("bank", None, "unknown"):
        for path in ("/v1/evaluate", "/v1/facts"):
            problem(hall.post(path, sent(exporter)), 403, "forbidden")
    problem(hall.post("/v1/evaluate", {**sent(None), "exporter": ["clinic"]}), 403, "forbidden")
    assert hall.get("/v1/decisions", "ops").json()["decisions"] == []
    results = hall.post("/v1/evaluate/batch", {"exchanges": [sent("clinic"), sent("bank")]}).json()["results"]
    assert ["decision" in each for each in results] == [True, False]
    assert results[1]["problem"]["type"].endswith("forbidden")
    assert hall.post("/v1/facts", sent("clinic")).status_code == 200


@pytest.mark.parametrize("hall", ["\ntouches:\n  - {fact: exporter.country, as: exporter}\n"], indirect=True)
def test_decisions_of_others_are_not_there(hall: Hall) -> None:
    """Whichever way they are asked for, the answer is that of an id that nobody has."""
    own, other = hall.decided("clinic"), hall.decided("bank")
    ways = ("", "/explanation", "/replay", "/receipt", "/receipt/tlog-proof", "/receipt/cose", "/proof")
    for way in ways:
        assert hall.get(f"/v1/decisions/{own}{way}").status_code == 200, way
        theirs = problem(hall.get(f"/v1/decisions/{other}{way}"), 404, "not-found")
        assert theirs.detail == problem(hall.get(f"/v1/decisions/nobodys{way}"), 404, "not-found").detail
    assert hall.get("/v1/facts", **{"for": own}).status_code == 200
    problem(hall.get("/v1/facts", **{"for": other}), 404, "not-found")
    rows_seen = hall.get("/v1/decisions").json()["decisions"]
    assert [each["id"] for each in rows_seen] == [own]
    assert (rows_seen[0]["answer"], rows_seen[0]["recipient_country"]) == ("", None)
    assert [each["id"] for each in hall.get("/v1/decisions", exporter="clinic").json()["decisions"]] == [own]
    for query in ({"exporter": "bank"}, {"recipient_country": "KE"}, {"caller": "local"}, {"category": "health"}):
        problem(hall.get("/v1/decisions", **query), 403, "forbidden")
    assert len(hall.get("/v1/decisions", "ops").json()["decisions"]) == 2


def test_commitments_of_others_are_not_there(hall: Hall) -> None:
    """Neither in a list nor by id; they are not committed, amended or withdrawn by another party's key."""
    own, other = hall.committed("clinic"), hall.committed("bank")
    decision = hall.decided("bank")
    problem(hall.get(f"/v1/commitments/{other}"), 404, "not-found")
    problem(hall.post("/v1/commitments", {"decision": decision}), 404, "not-found")
    problem(hall.post(f"/v1/commitments/{other}/withdraw", {"reason": "x"}), 404, "not-found")
    problem(hall.post(f"/v1/commitments/{other}/amend", {"decision": hall.decided("clinic"), "reason": "x"}), 404, "not-found")
    problem(hall.post(f"/v1/commitments/{own}/amend", {"decision": decision, "reason": "x"}), 404, "not-found")
    assert [each["id"] for each in hall.get("/v1/commitments").json()["commitments"]] == [own]
    problem(hall.get("/v1/commitments", exporter="bank"), 403, "forbidden")
    assert hall.get(f"/v1/commitments/{own}").json()["state"] == "committed"
    assert hall.get(f"/v1/commitments/{other}", "bank").json()["state"] == "committed"
    amended = hall.post(f"/v1/commitments/{own}/amend", {"decision": hall.decided("clinic"), "reason": "more"}).json()
    assert hall.post(f"/v1/commitments/{amended['id']}/withdraw", {"reason": "closed"}).json()["state"] == "withdrawn"


def test_counters_of_others_are_not_told(hall: Hall) -> None:
    """Neither by name nor by leaving the exporter out."""
    hall.committed("bank")
    assert hall.get("/v1/counters", counter="counts.year", **{"exporter.id": "clinic"}).status_code == 200
    for query in ({"exporter.id": "bank"}, {}, {"exporter.id": ""}):
        problem(hall.get("/v1/counters", counter="counts.year", **query), 403, "forbidden")
    problem(hall.get("/v1/counters", counter="nothing", **{"exporter.id": "clinic"}), 403, "forbidden")


def test_a_counter_that_others_move_is_not_told_in_an_answer(hall: Hall) -> None:
    """An exchange that such a counter counts is refused to the party, and decided and committed for the operator."""
    decision = hall.decided("clinic")
    sources = {path.name: path.read_text() for path in POLICIES.glob("*.yaml")}
    sources["vocabulary.yaml"] = sources["vocabulary.yaml"].replace("per: [exporter.id, recipient.id]", "per: [recipient.id]")
    bundle = engine.load_sources({name: text.encode() for name, text in sources.items()})
    hall.service.policies.live = Live.of(bundle, "bitset")
    problem(hall.post("/v1/evaluate", sent("clinic")), 403, "forbidden")
    problem(hall.post("/v1/commitments", {"decision": decision}), 403, "forbidden")
    assert hall.post("/v1/evaluate", sent("clinic", recipient={})).status_code == 200
    assert hall.post("/v1/commitments", {"decision": decision}, "ops").status_code == 201


def test_what_the_register_says_of_others_is_not_told(hall: Hall) -> None:
    """The record of an exchange with a registered recipient is the operator's, the answer has no reasons, a receipt is left out."""
    for party in ("lab", "clinic"):
        put = hall.client.put(f"/v1/parties/{party}", content=b'{"facts": {}}', headers={**JSON, **bearer(hall.ops)})
        assert put.status_code == 201, put.text
    answer = hall.client.post(
        "/v1/evaluate?include=receipt", content=json.dumps(sent("clinic")), headers={**JSON, **bearer(hall.keys["clinic"])}
    ).json()
    assert "receipt" not in answer
    for way in ("", "/explanation", "/replay", "/receipt"):
        problem(hall.get(f"/v1/decisions/{answer['id']}{way}"), 403, "forbidden")
        assert hall.get(f"/v1/decisions/{answer['id']}{way}", "ops").status_code == 200
    assert hall.get(f"/v1/decisions/{answer['id']}/proof").status_code == 200
    elsewhere = hall.decided("clinic", recipient={"id": "nobody-known"})
    assert hall.get(f"/v1/decisions/{elsewhere}").status_code == 200


def test_a_key_is_kept_by_the_id_that_the_register_has(hall: Hall) -> None:
    """So a party is the same by whichever of its names a key is made, or an exchange is sent."""
    named = {"facts": {}, "aliases": ["uscc:9131"]}
    headers = {**JSON, **bearer(hall.ops)}
    assert hall.client.put("/v1/parties/clinic", content=json.dumps(named), headers=headers).status_code == 201
    made = hall.post("/v1/keys", {"name": "n", "scopes": SCOPES, "party": "uscc:9131"}, "ops").json()
    assert made["party"] == "clinic"
    assert hall.post("/v1/evaluate", sent("uscc:9131")).status_code == 200
    assert hall.post("/v1/evaluate", {**sent(None), "named": {"exporter": "uscc:9131"}}).status_code == 200


def test_a_party_has_no_key_that_reviews_or_administers(hall: Hall, address: str) -> None:
    """Neither over HTTP nor from the command line, which says what to do."""

    def command(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["keys", *arguments, "--database", address])

    for scope in ("review", "administer"):
        problem(hall.post("/v1/keys", {"name": "n", "scopes": [scope], "party": "clinic"}, "ops"), 400, "bad-request")
        answer = command("create", "--name", "n", "--party", "x", "--scope", scope)
        assert answer.exit_code == 2
        assert "use some of evaluate, commit, read" in answer.stderr
    for party in ("", "a\nb", "unknown", "x" * 257):
        problem(hall.post("/v1/keys", {"name": "n", "scopes": ["read"], "party": party}, "ops"), 400, "bad-request")
    assert command("create", "--name", "n", "--party", "mill", "--scope", "read").exit_code == 0
    assert "good of mill  read" in command("list").stdout


def test_a_key_that_lost_its_party_by_hand_is_found(hall: Hall, address: str) -> None:
    """A party's key whose row is made an operator's is named by deep verification."""
    with sa.create_engine(f"sqlite:///{address}").begin() as raw:
        raw.execute(sa.update(rows).where(rows.c.party == "clinic").values(party=None))
    found, *seals = unlike_the_leaves(address)
    assert "`party`" in found
    assert [each.split("`")[1].split("/")[0] for each in seals] == ["key", "admissions"]
    with sa.create_engine(f"sqlite:///{address}").begin() as raw:
        raw.execute(sa.update(rows).where(rows.c.name == "clinic").values(party="clinic"))


def test_a_token_belongs_to_the_party_that_its_claim_names(client: TestClient) -> None:
    """A claim that names no party lets nobody in, and scopes that a party cannot have count for nothing."""
    scopes = "fifthfactor:evaluate fifthfactor:read fifthfactor:administer"

    def of(claim: Any) -> dict[str, str]:
        claims: dict[str, Any] = {"scope": scopes, PARTY: claim}
        return bearer(token(**claims))

    of_clinic = of("clinic")
    problem(client.get("/v1/keys", headers=of_clinic), 403, "forbidden")
    problem(client.get("/v1/parties", headers=of_clinic), 403, "forbidden")
    problem(client.post("/v1/evaluate", content=json.dumps(sent("bank")), headers={**JSON, **of_clinic}), 403, "forbidden")
    assert client.get("/v1/keys", headers=bearer(token(scope=scopes))).status_code == 200
    for claim in ("", None, 7, ["clinic"], "a\nb"):
        problem(client.get("/v1/facts", headers=of(claim)), 401, "unauthenticated")

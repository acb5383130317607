"""Clients of the Open Policy Agent that were not written here ask a real server, with a key of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from opa_client.opa import OpaClient  # in the environment of `make doors` alone
from typer.testing import CliRunner

import engine
from service.cli.main import app
from tests.service.conftest import Server, running
from tests.service.doors.opa.conftest import REGISTER
from tests.service.doors.opa.test_shipped import DOCUMENTED, KAFKA, TRINO, changed

DOORS = Path(os.environ.get("DOORS", ".venv/doors")).resolve()
UNKNOWN = changed(TRINO, "/context/identity/user", "carol")
NAMES = changed(TRINO, "/action/operation", "ShowSchemas")
REFUSED = changed(TRINO, "/action/operation", "ImpersonateUser")
# Asks each of the questions on standard input, and prints what came of it: a result, or that there was none.
SCRIPT = """
const {OPAClient} = require("@open-policy-agent/opa");
const {address, key, questions, batch} = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const opa = new OPAClient(address, {headers: {Authorization: `Bearer ${key}`}});
const came = promise => promise.then(
  result => ({result}),
  wrong => ({wrong: String(wrong), status: wrong.httpMeta?.response?.status}),
);
(async () => {
  const found = [];
  for (const [path, input] of questions) found.push(await came(opa.evaluate(path, input)));
  const many = await came(opa.evaluateBatch(batch.path, batch.inputs));
  const apart = await came(opa.evaluateBatch(batch.path, batch.inputs, {fallback: true}));
  console.log(JSON.stringify({found, many, apart}));
})();
"""

Node = Callable[..., Any]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A server with the bundled policies and a register, and a key that may only ask."""
    folder = tmp_path_factory.mktemp("opa")
    database = folder / "fifthfactor.db"
    keys = {name: made(database, name, *scopes) for name, scopes in {"boss": ("administer",), "gateway": ("evaluate",)}.items()}
    with running(database, "--policies", str(engine.bundled_policies()), folder=folder) as server:
        sent = {"schema": "fifthfactor/register/1", "entities": REGISTER}
        headers = {"Authorization": f"Bearer {keys['boss']}"}
        imported = httpx.post(f"{server.address}/v1/register/import", json=sent, headers=headers, timeout=30)
        assert imported.status_code == 200, imported.text
        yield server, keys["gateway"]


def made(database: Path, name: str, *scopes: str) -> str:
    """A key."""
    command = ["keys", "create", "--name", name, "--database", str(database)]
    done = CliRunner().invoke(app, [*command, *(word for scope in scopes for word in ("--scope", scope))])
    assert done.exit_code == 0, done.output
    return done.stdout.strip().splitlines()[-1]


@pytest.fixture
def opa(server: tuple[Server, str]) -> Iterator[OpaClient]:
    """`opa-python-client` with the key."""
    running_server, key = server
    with OpaClient(host="127.0.0.1", port=running_server.port, token=key, retries=0, timeout=20) as client:
        yield client


@pytest.fixture
def node(server: tuple[Server, str]) -> Node:
    """`@open-policy-agent/opa` with a key: what came of some questions, of a batch, and of one that it asks one by one."""
    running_server, own = server

    def ask(questions: list[tuple[str, Any]], key: str = own) -> Any:
        batch = {"path": "trino/allow", "inputs": {"1": TRINO, "2": UNKNOWN, "3": REFUSED}}
        sent = {"address": running_server.address, "key": key, "questions": questions, "batch": batch}
        command = ["node", "--input-type=commonjs", "-e", SCRIPT]
        done = subprocess.run(
            command, input=json.dumps(sent), cwd=DOORS / "npm", capture_output=True, text=True, check=True, timeout=60
        )
        return json.loads(done.stdout)

    return ask


@pytest.mark.parametrize("program", DOCUMENTED)
def test_the_client_for_python_gets_the_object_and_the_boolean(opa: OpaClient, program: str) -> None:
    """For the documented request of each program that has a mapping."""
    answer = opa.query_rule(input_data=DOCUMENTED[program], package_path=program)
    assert answer["result"]["allow"] is True
    assert answer["result"]["decision"] == answer["decision_id"]
    assert opa.query_rule(input_data=DOCUMENTED[program], package_path=program, rule_name="allow")["result"] is True


def test_the_client_for_python_is_told_no(opa: OpaClient) -> None:
    """With a reason; and with parameters of the query that OPA documents."""
    answer = opa.query_rule(input_data=UNKNOWN, package_path="trino", query_params={"metrics": True, "pretty": True})
    assert (answer["result"]["allow"], answer["result"]["status_code"]) == (False, 403)
    assert answer["result"]["reason"].startswith("Not decided")
    assert opa.query_rule(input_data=UNKNOWN, package_path="trino", rule_name="allow")["result"] is False
    assert opa.query_rule(input_data=NAMES, package_path="trino", rule_name="allow") == {"result": True}


@pytest.mark.parametrize(
    ("sent", "package", "status"),
    [
        (REFUSED, "trino", 400),
        ({}, "trino", 400),
        ([TRINO], "trino", 400),
        (TRINO, "nowhere", 404),
        (KAFKA, "trino", 400),
        (None, "trino", 400),
    ],
)
def test_the_client_for_python_raises_where_there_is_no_answer(opa: OpaClient, sent: Any, package: str, status: int) -> None:
    """An error, and nothing that could be taken for a result."""
    for rule in ("allow", None):
        with pytest.raises(requests.HTTPError) as raised:
            opa.query_rule(input_data=sent, package_path=package, rule_name=rule)
        answer = raised.value.response
        assert answer is not None
        assert answer.status_code == status
        assert "result" not in answer.json()


def test_the_client_for_python_cannot_ask_otherwise(opa: OpaClient) -> None:
    """Queries in Rego and policies of OPA are not here."""
    with pytest.raises(requests.HTTPError):
        opa.ad_hoc_query(query="data.trino.allow")
    with pytest.raises(Exception, match="unreachable"):
        opa.check_connection()


def test_a_client_without_a_key_gets_no_answer(server: tuple[Server, str]) -> None:
    """Nor does one with a wrong key: both are told 401."""
    for token in (None, "ff_no"):
        with (
            OpaClient(host="127.0.0.1", port=server[0].port, token=token, retries=0, timeout=20) as client,
            pytest.raises(requests.HTTPError) as raised,
        ):
            client.query_rule(input_data=TRINO, package_path="trino", rule_name="allow")
        assert raised.value.response is not None
        assert raised.value.response.status_code == 401


def test_the_client_for_javascript_gets_the_same(node: Node) -> None:
    """Objects, booleans, and an error for each question that has no answer; a batch is asked one by one."""
    questions = [
        *((name, sent) for name, sent in DOCUMENTED.items()),
        *((f"{name}/allow", sent) for name, sent in DOCUMENTED.items()),
    ]
    wrong = [("trino/allow", REFUSED), ("trino/allow", {}), ("trino", [TRINO]), ("nowhere/allow", TRINO)]
    answer = node([*questions, ("trino/allow", UNKNOWN), ("trino/allow", NAMES), *wrong])
    found = answer["found"]
    assert [each["result"]["allow"] for each in found[:4]] == [True] * 4
    assert [each["result"] for each in found[4:8]] == [True] * 4
    assert [each["result"] for each in found[8:10]] == [False, True]
    assert [each.get("result") for each in found[10:]] == [None] * 4
    assert [each["status"] for each in found[10:]] == [400, 400, 400, 404]
    assert "wrong" in answer["many"]
    assert answer["apart"]["result"]["1"] is True
    assert answer["apart"]["result"]["2"] is False
    assert answer["apart"]["result"].get("3") is None


def test_the_client_for_javascript_without_a_key_gets_no_answer(node: Node) -> None:
    """It raises an error."""
    (found,) = node([("trino/allow", TRINO)], key="ff_no")["found"]
    assert (found.get("result"), found["status"]) == (None, 401)


def test_no_module_of_the_service_needs_these_clients() -> None:
    """They are in the environment of this test alone."""
    asked = "import importlib.util, sys; sys.exit(importlib.util.find_spec('opa_client') is not None)"
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    assert subprocess.run([sys.executable, "-c", asked], env=kept, check=False).returncode == 0

"""
What commands print as JSON, as schemas: each command of a list runs over what version 0.18 left; the types of its members come out, with
the exit code.

What is printed of the same input has at least these members in each later version. A list has the members that its items have in common.
"""

import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from service.cli.main import app
from tests.service.cli.test_mapping import READ
from tests.service.conftest import EXCHANGE, POLICIES, ROOT

Schema = dict[str, Any]
LEFT = ROOT / "tests/service/store/database-0.18.0.tar.gz"
GIVEN = ROOT / "tests/promises/given-0.18.0.tar.xz"
CONTRACT = ROOT / "tests/service/doors/fixtures/dsp/negotiation/example/contract-agreement-message-full.json"
MAPPINGS = ROOT / "tests/service/doors/opa/mappings"
DATABASE = ("--database", "log.db")
LAW = ("--policies", "law")
TEST = """
test: cn.test
cases:
  - case: few people
    exchange: {exporter.country: CN, data.people: 5}
    expect: permitted
"""
PRINTED: tuple[tuple[str, ...], ...] = (
    ("check", "law", "--json"),
    ("test", "law", "--json"),
    ("diff", "law", "law", "--json"),
    ("facts", "exporter", *LAW, "--json"),
    ("check", "sound", "--json"),
    ("evaluate", "exchange.json", *LAW, "--json"),
    ("evaluate", "few.json", *LAW, "--json"),
    ("explain", "exchange.json", *LAW, "--json"),
    ("plan", "plan.json", *LAW, "--json"),
    ("log", "search", "--limit", "3", *DATABASE, "--json"),
    ("log", "show", "(decision)", *DATABASE, "--json"),
    ("log", "verify", *DATABASE, "--json"),
    ("replay", "(decision)", *DATABASE, "--json"),
    ("replay", "--all", "--until", "2025-01-01", *DATABASE, "--processes", "1", "--json"),
    ("review", "list", *DATABASE, "--json"),
    ("keys", "list", *DATABASE, "--json"),
    ("persons", "list", *DATABASE, "--json"),
    ("document", "list", "(decision)", *DATABASE, "--json"),
    ("accounts", *DATABASE, "--json"),
    ("events", "list", *DATABASE, "--json"),
    ("receipt", "verify", "receipt.json", "--key", "log.key", "--json"),
    ("lint", "law", "--json"),
    ("analyse", "law", "--json"),
    ("impact", "law", "law", "--over", "log", *DATABASE, "--format", "json"),
    ("exposure", "--entity", "party/clinic", *DATABASE, "--json"),
    ("log", "tail", *DATABASE, "--json"),
    ("sessions", "list", *DATABASE, "--json"),
    ("events", "sinks", *DATABASE, "--json"),
    ("database", "drill", *DATABASE, "--json"),
    ("doctor", "--without-policies", *DATABASE, "--json"),
    ("bundle", "show", "law.bundle", "--json"),
    ("bundle", "verify", "law.bundle", "--key", "release.pub", "--json"),
    ("import", "inventory.csv", "--column", "country=recipient.country", *LAW, "--json"),
    ("odrl", "read", "contract.json", "--json"),
    ("mapping", "try", "reports", "input.json", "--policies", "bundled", "--policies", "mappings", "--json"),
)


def printed() -> dict[str, Schema]:
    """By command, the schema of what it prints."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        for archive in (LEFT, GIVEN):
            with tarfile.open(archive) as packed:
                packed.extractall(folder, filter="data")
        shutil.copytree(POLICIES, "law")
        Path("law/test.yaml").write_text(TEST)
        shutil.copytree(POLICIES, "sound")
        Path("exchange.json").write_text(json.dumps(EXCHANGE))
        Path("few.json").write_text(json.dumps({"exporter": {"country": "CN"}, "data": {"people": 5}}))
        Path("plan.json").write_text(json.dumps({"schema": "fifthfactor/plan/1", "legs": [{"exchange": EXCHANGE}]}))
        shutil.copytree(MAPPINGS, "mappings")
        shutil.copy(CONTRACT, "contract.json")
        Path("input.json").write_text(json.dumps({"input": READ}))
        Path("inventory.csv").write_text("system,country\ncrm,DE\n")
        Path("sinks.yaml").write_text("- name: files\n  kind: files\n  folder: events\n")
        for command in (
            ("database", "upgrade", *DATABASE),
            ("bundle", "keygen", "release"),
            ("bundle", "build", "law", "--output", "law.bundle"),
            ("bundle", "sign", "law.bundle", "--key", "release.key"),
        ):
            assert _run(*command)[0] == 0, command
        _, found = _run("log", "search", "--limit", "1", *DATABASE, "--json")
        decision = str(next(_lines(found))["id"])
        return {" ".join(each): _of(each, decision) for each in PRINTED}


def _of(command: tuple[str, ...], decision: str) -> Schema:
    code, text = _run(*(decision if each == "(decision)" else each for each in command))
    assert code in (0, 1), (command, code, text)
    ends = {} if command[0] == "doctor" else {"ends with": code}  # what it finds is of this machine
    return {**schema_of(list(_lines(text))), **ends}


def _run(*command: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, command, env={"FIFTHFACTOR_SINKS": "sinks.yaml"})
    return done.exit_code, done.stdout or done.stderr


def _lines(text: str) -> Iterator[Any]:
    """The one document that was printed, or one of each line."""
    try:
        yield json.loads(text)
    except json.JSONDecodeError:
        yield from map(json.loads, text.splitlines())


def schema_of(values: list[Any]) -> Schema:
    """The schema that some values have in common."""
    types = sorted({_TYPES[type(each)] for each in values})
    found: Schema = {"type": types}
    objects = [each for each in values if isinstance(each, dict)]
    if objects:
        names = set(objects[0]).intersection(*objects[1:])
        found["properties"] = {name: schema_of([each[name] for each in objects]) for name in sorted(names)}
        found["required"] = sorted(names)
    items = [item for each in values if isinstance(each, list) for item in each]
    if items:
        found["items"] = schema_of(items)
    return found


_TYPES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}

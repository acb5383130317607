"""
What version 1.0 promised to other programs is still there: what `interface` lists.

`RECORD=1 pytest tests/promises` writes the interface of this version, which is right only until it is out.
"""

import copy
import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import engine
from tests.pages import text_of
from tests.promises.interface import interface
from tests.promises.interface_breaks import interface_breaks

KEPT = sorted(Path(__file__).parent.glob("interface-*.json.gz"))
OF_THIS_VERSION = Path(__file__).with_name(f"interface-{engine.__version__}.json.gz")


@pytest.fixture(scope="module")
def present() -> dict[str, Any]:
    """The interface of this version; kept if that is asked for."""
    found = interface()
    if os.environ.get("RECORD"):
        OF_THIS_VERSION.write_bytes(gzip.compress(json.dumps(found, separators=(",", ":")).encode(), mtime=0))
    return found


def kept(file: Path) -> dict[str, Any]:
    """The interface of an earlier version."""
    found: dict[str, Any] = json.loads(gzip.decompress(file.read_bytes()))
    return found


@pytest.mark.parametrize("file", KEPT, ids=lambda each: each.name)
def test_nothing_that_was_promised_is_gone(present: dict[str, Any], file: Path) -> None:
    """Each version since 1.0 can be called as it was."""
    assert interface_breaks(kept(file), present) == []


def test_a_version_is_kept() -> None:
    """The comparison above compares something."""
    assert KEPT


def change(path: str, value: Any = None) -> Callable[[dict[str, Any]], None]:
    """A change of a document: a value at a place, or nothing there any more."""

    def done(document: dict[str, Any]) -> None:
        *way, last = path.split("|")
        for each in way:
            document = document[each]
        if value is None:
            del document[last]
        else:
            document[last] = value

    return done


BREAKS = {
    "an operation": (change("operations|evaluate"), "operation evaluate: is gone"),
    "an address": (change("operations|evaluate|address", "POST /v1/decide"), "its address was POST /v1/evaluate"),
    "a parameter": (
        change("operations|searchDecisions|parameters|query limit"),
        "searchDecisions: parameter query limit: is gone",
    ),
    "a parameter that is required": (
        change("operations|searchDecisions|parameters|query limit|required", True),
        "query limit: has become required",
    ),
    "a member that is required": (
        change("operations|createKey|body|content|application/json|required", ["name", "scopes", "expires_on"]),
        "createKey: body/expires_on: has become required",
    ),
    "a member of a request": (
        change("operations|createKey|body|content|application/json|properties|party"),
        "createKey: body/party: is gone",
    ),
    "a tighter limit": (
        change("operations|createKey|body|content|application/json|properties|name|maxLength", 50),
        "createKey: body/name: maxLength was 100, is 50",
    ),
    "a value that is taken": (
        change("operations|evaluate|parameters|query lang|schema|enum", ["en"]),
        "evaluate: query lang: no longer takes 'zh'",
    ),
    "a body that is required": (
        change("operations|reloadBundle|body|required", True),
        "reloadBundle: a body has become required",
    ),
    "a format of an answer": (
        change("operations|getReceipt|answers|200|application/json"),
        "getReceipt: an answer in application/json is gone",
    ),
    "an argument": (change("commands|evaluate|arguments", []), "command evaluate: its arguments are others"),
    "an argument that is required": (
        change("commands|check|arguments", [["paths", True]]),
        "command check: an argument has become required",
    ),
    "a status": (change("operations|evaluate|answers|200"), "evaluate: the status 200 is gone"),
    "a member of an answer": (change("schemas|Answer|properties|proceed"), "proceed: is gone"),
    "a type": (change("schemas|Answer|properties|proceed|type", "string"), "may be string"),
    "a problem": (change("problems|busy"), "problem busy: is gone"),
    "a status of a problem": (change("problems|busy", 500), "problem busy: its status was 503"),
    "a member of a record": (change("record|properties|engine"), "record/engine: is gone"),
    "a kind of leaf": (change("leaves", ["record"]), "kind of leaf"),
    "a shape": (change("shapes", []), "shape fifthfactor/record/3: is gone"),
    "a setting": (change("settings|schema|properties|workers"), "settings/workers: is gone"),
    "the value of a setting that is not set": (
        change("settings|values|port", "80"),
        "settings/port: was 8080 if it was not set",
    ),
    "a name of the client": (change("client|Answer"), "client's name Answer: is gone"),
    "a field": (change("client|Answer|fields|proceed"), "client's Answer: field proceed: is gone"),
    "a method": (change("client|Client|methods|evaluate"), "client's Client: method evaluate: is gone"),
    "a command": (change("commands|serve"), "command serve: is gone"),
    "an option": (change("commands|serve|options|--workers"), "command serve: option --workers: is gone"),
    "a header of an answer": (change("operations|putParty|headers|200", []), "putParty: 200: header ETag: is gone"),
    "a further scope": (change("operations|evaluate|scopes", ["evaluate", "read"]), "evaluate: wants the scope read"),
    "what a parameter is if it is left out": (
        change("operations|searchDecisions|parameters|query limit|schema|default", 7),
        "if it was left out, is 7",
    ),
    "a member of a problem": (change("schemas|Problem|properties|detail"), "problem/detail: is gone"),
    "a leaf of the tree itself": (change("leaves", []), "kind of leaf erasure: is gone"),
    "a metric": (change("metrics", {}), "metric fifthfactor_decisions_total: is gone"),
    "a label of a metric": (
        change("metrics|fifthfactor_decisions_total", ["result"]),
        "metric fifthfactor_decisions_total: label outcome: is gone",
    ),
    "how a key is sent": (
        change("keys|bearer|scheme", "basic"),
        "way to send a key bearer: was {'type': 'http', 'scheme': 'bearer'}",
    ),
    "a kind of event": (change("events", []), "kind of event org.fifthfactor.watch.overdue.v1: is gone"),
    "in what a problem is sent": (
        change("operations|evaluate|refusals|400", ["application/json"]),
        "evaluate: 400 in application/problem+json: is gone",
    ),
    "how a value is written": (
        change("schemas|Answer|properties|as_of|format", "date-time"),
        "as_of: format was date, is date-time",
    ),
    "a value that programs do not know": (
        change("schemas|MeansPart|properties|kind|enum", ["ground", "excuse", "exemption", "hope"]),
        "kind: may be 'hope'",
    ),
    "a kind of event of a commitment": (
        change("schemas|EventPart|properties|kind|enum", ["committed"]),
        "kind: is never 'withdrawn' any more",
    ),
    "what an error has": (change("client|Refused|properties", []), "client's Refused: property request_id: is gone"),
    "how a client is made": (
        change("client|Client|methods|__init__|keep_permits|default", "1000"),
        "client's Client.__init__: parameter keep_permits: was 0 if it was left out, is 1000",
    ),
    "what a method gives": (
        change("client|Client|returns|evaluate", "dict"),
        "client's Client: evaluate gave Answer, gives dict",
    ),
    "a type of a field": (change("client|Answer|fields|outcome", "int"), "client's Answer: outcome gave"),
    "an option that is not given": (
        change("commands|log search|values|--limit", "20"),
        "command log search: option --limit: if it was not given it was 50",
    ),
    "a key of policies": (change("language|files|PolicyText|properties|otherwise"), "PolicyText/otherwise: is gone"),
    "a key of rules": (change("language|files|PolicyText|$defs|RuleText|properties|allows"), "allows: is gone"),
    "a key that policies must have": (
        change("language|files|PolicyText|required", ["policy", "otherwise"]),
        "PolicyText/otherwise: has become required",
    ),
    "a word of policies": (
        change("language|files|PolicyText|$defs|InstrumentText|properties|force|enum", ["law"]),
        "force: no longer takes",
    ),
    "an operator": (change("language|operators", []), "operator at_most: is gone"),
    "the semantics": (change("language|semantics", 4), "decided under the semantics 3, decide under 4"),
    "a property": (change("client|StreamEvent|properties", []), "client's StreamEvent: property number: is gone"),
    "what is caught": (change("client|Refused|bases", ["Exception"]), "client's Refused: is no longer a ClientError: is gone"),
    "an option without a value": (change("commands|check|flags", []), "command check: option without a value --json: is gone"),
    "what is printed": (
        change("printed|keys list --database log.db --json|items|properties|scopes"),
        "printed by keys list --database log.db --json/*/scopes: is gone",
    ),
    "an extra": (change("distributions|.|extras", []), "distribution fifthfactor: extras kafka: is gone"),
    "a program": (change("distributions|service/client|programs", []), "programs fifthfactor-receipt: is gone"),
    "how a command ends": (
        change("printed|evaluate few.json --policies law --json|ends with", 1),
        "evaluate few.json --policies law --json: ended with 0, ends with 1",
    ),
    "the name of a variable": (change("names|a variable", "FF_"), "name of a variable: was FIFTHFACTOR_"),
    "an exit code": (change("exit codes|FINDING", 3), "exit code FINDING: was 1"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_each_kind_of_break_is_found(present: dict[str, Any], name: str) -> None:
    """What was taken away, or is another, is named."""
    changed, sentence = copy.deepcopy(present), BREAKS[name][1]
    BREAKS[name][0](changed)
    assert any(sentence in each for each in interface_breaks(present, changed))


def test_nothing_is_deprecated(present: dict[str, Any]) -> None:
    """The page says so. What is marked one day needs its headers (RFC 9745, RFC 8594) in its answers, and a row on the page."""
    assert present["deprecated"] == []
    assert "Nothing is deprecated now." in text_of("service/docs/versions.md")


def test_what_is_added_breaks_nothing(present: dict[str, Any]) -> None:
    """An operation, a parameter that may be left out, a member of an answer, a kind of event or of problem, an option."""
    more = copy.deepcopy(present)
    more["operations"]["more"] = more["operations"]["evaluate"]
    more["operations"]["evaluate"]["parameters"]["query more"] = {"required": False, "schema": {"type": "string"}}
    more["schemas"]["Answer"]["properties"]["unheard_of"] = {"type": "string"}
    more["schemas"]["EventPart"]["properties"]["kind"]["enum"].append("forgotten")
    more["problems"]["more"] = 409
    more["commands"]["serve"]["options"]["--more"] = False
    assert interface_breaks(present, more) == []

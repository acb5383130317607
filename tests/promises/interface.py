"""
What other programs can name of this version: the operations of `/v1` with their schemas, the kinds of problems, the settings, the
names of the client, the commands with their options, the kinds of leaves, the names of shapes. A document of JSON comes out.
"""

import dataclasses
import inspect
import json
import re
import tempfile
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import typer.main
from starlette.testclient import TestClient

import service.client
from service.audit.leaf_effects import EFFECTS
from service.cli import command
from service.cli.main import app
from service.log.record import Record
from service.problems import KINDS
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.cli.test_main import commands
from tests.service.conftest import POLICIES, ROOT

Document = dict[str, Any]
_WORDS = ("description", "title", "examples", "example", "summary", "default")


def interface() -> Document:
    """What this version can be called by."""
    openapi = _openapi()
    found: Document = json.loads(
        json.dumps(
            {
                "operations": dict(_operations(openapi)),
                "schemas": _bare(openapi["components"]["schemas"]),
                "problems": {kind: status for kind, (status, _) in KINDS.items()},
                "record": _bare(Record.model_json_schema()),
                "leaves": sorted(EFFECTS),
                "shapes": _shapes(),
                "settings": _settings(),
                "client": dict(_client()),
                "commands": dict(_commands()),
                "exit codes": {name: getattr(command, name) for name in ("DONE", "FINDING", "USED_WRONGLY", "INTERRUPTED")},
            }
        )
    )
    return found


def _openapi() -> Document:
    with tempfile.TemporaryDirectory() as folder:
        chosen = Settings(watch=False, policies=POLICIES, database=str(Path(folder) / "log.db"))
        opened = Service.open(chosen, say=log_lines.logger(StringIO()))
        try:
            with TestClient(create_app(chosen, opened), base_url="http://127.0.0.1") as client:
                found: Document = client.get("/openapi.json").raise_for_status().json()
                return found
        finally:
            opened.close()


def _operations(openapi: Document) -> Iterator[tuple[str, Document]]:
    shared = openapi["components"]
    for path, methods in openapi["paths"].items():
        for method, said in methods.items():
            parameters = [_shared(each, shared) for each in said.get("parameters", ())]
            body = _shared(said.get("requestBody", {}), shared)
            answers = {status: _shared(each, shared) for status, each in said["responses"].items()}
            yield (
                said["operationId"],
                {
                    "address": f"{method.upper()} {path}",
                    "parameters": {
                        f"{each['in']} {each['name']}": {
                            "required": each.get("required", False),
                            "schema": _bare(each["schema"]),
                        }
                        for each in parameters
                    },
                    "body": {"required": body.get("required", False), "content": _content(body)},
                    "answers": {status: _content(each) for status, each in answers.items() if status[0] == "2"},
                    "refusals": sorted(status for status in answers if status[0] != "2"),
                },
            )


def _shared(said: Document, shared: Document) -> Document:
    if "$ref" not in said:
        return said
    _, _, section, name = said["$ref"].split("/")
    found: Document = shared[section][name]
    return found


def _content(said: Document) -> Document:
    return {media: _bare(each.get("schema", {})) for media, each in said.get("content", {}).items()}


def _bare(schema: Any, names: bool = False) -> Any:
    """A schema without words; `names`: its keys are names of members, which may be like words of a schema."""
    if isinstance(schema, list):
        return [_bare(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _bare(each, names=key in ("properties", "$defs") and not names)
        for key, each in schema.items()
        if names or key not in _WORDS
    }


def _settings() -> Document:
    schema = Settings.model_json_schema()
    values = {name: repr(each.default) for name, each in Settings.model_fields.items()}
    return {"schema": _bare(schema), "values": values}


def _shapes() -> list[str]:
    page = (ROOT / "service/docs/versions.md").read_text()
    return sorted(set(re.findall(r"`(fifthfactor/[a-z-]+/\d+)`", page)))


def _client() -> Iterator[tuple[str, Document]]:
    for name in service.client.__all__:
        named = getattr(service.client, name)
        found: Document = {}
        if inspect.isclass(named):
            if dataclasses.is_dataclass(named):
                found["fields"] = {each.name: str(each.type) for each in dataclasses.fields(named)}
            found["methods"] = {
                each: _parameters(getattr(named, each))
                for each in dir(named)
                if not each.startswith("_") and inspect.isfunction(getattr(named, each))
            }
            if not dataclasses.is_dataclass(named) and "__init__" in vars(named):
                found["methods"]["__init__"] = _parameters(named.__init__)
        elif callable(named):
            found["methods"] = {"": _parameters(named)}
        yield name, found


def _parameters(function: Any) -> Document:
    """By name: how it is given, and whether it must be."""
    parameters = list(inspect.signature(function).parameters.values())
    return {
        each.name: {"kind": each.kind.name, "required": each.default is each.empty and each.kind.name[:3] != "VAR"}
        for each in parameters
        if each.name != "self"
    }


def _commands() -> Iterator[tuple[str, Document]]:
    group: Any = typer.main.get_command(app)
    for path in commands(group):
        found = group
        for each in path:
            found = found.commands[each]
        yield (
            " ".join(path),
            {
                "arguments": [[each.name, each.required] for each in found.params if each.param_type_name == "argument"],
                "options": {
                    option: bool(each.required)
                    for each in found.params
                    if each.param_type_name == "option"
                    for option in (*each.opts, *each.secondary_opts)
                },
            },
        )

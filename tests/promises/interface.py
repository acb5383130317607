"""
What other programs can name of this version: the operations of `/v1` with their schemas, headers and scopes, the kinds of problems and of
events, the settings, the names of the client, the commands with their options and what they print as JSON, the kinds of leaves, the names
of shapes and of metrics, the keys and operators of the language, what the distributions install. A document of JSON comes out.
"""

import dataclasses
import inspect
import json
import re
import tempfile
import tomllib
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import typer.main
from starlette.testclient import TestClient

import engine
import service.client
from engine.policy_language.case_text import TestText
from engine.policy_language.mapping_text import RequestMappingText, TermMappingText
from engine.policy_language.operators import FITS
from engine.policy_language.organisation_text import OrganisationText
from engine.policy_language.policy_text import PolicyText
from engine.policy_language.vocabulary_text import VocabularyText
from service.audit.leaf_effects import EFFECTS
from service.cli import command
from service.cli.main import app
from service.client.attempts import KEY_VARIABLE
from service.log.record import Record
from service.outbox.stream_event import COMMITMENT, DECISION
from service.problems import KINDS, type_of
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.settings.settings_sources import FILE, PREFIX
from service.telemetry import log_lines
from service.watch import events
from tests.pages import text_of
from tests.promises.printed_json import printed
from tests.service.cli.test_main import commands
from tests.service.conftest import POLICIES, ROOT

Document = dict[str, Any]
_WITH = ("__enter__", "__exit__", "__aenter__", "__aexit__")  # what `with` calls
_WORDS = ("description", "title", "examples", "example", "summary")


def interface() -> Document:
    """What this version can be called by."""
    openapi = _openapi()
    found: Document = json.loads(
        json.dumps(
            {
                "operations": dict(_operations(openapi)),
                "schemas": _bare(openapi["components"]["schemas"]),
                "keys": _bare(openapi["components"]["securitySchemes"]),
                "deprecated": sorted(_deprecated(openapi)),
                "problems": {kind: status for kind, (status, _) in KINDS.items()},
                "events": [DECISION, COMMITMENT, *(events.TYPE.format(kind=each) for each in events.KINDS)],
                "record": _bare(Record.model_json_schema()),
                "leaves": sorted({*EFFECTS, *_first_cells("proofs.md", "Leaves")}),
                "metrics": _metrics(),
                "shapes": _shapes(),
                "settings": _settings(),
                "client": dict(_client()),
                "commands": dict(_commands()),
                "names": {
                    "the type of a problem": type_of("busy"),
                    "a variable": PREFIX,
                    "the file of settings": FILE,
                    "the key of the client": KEY_VARIABLE,
                },
                "exit codes": {name: getattr(command, name) for name in ("DONE", "FINDING", "USED_WRONGLY", "INTERRUPTED")},
                "printed": printed(),
                "language": _language(),
                "distributions": {folder: _installed(folder) for folder in (".", "service/client")},
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
                    "headers": {status: sorted(each.get("headers", ())) for status, each in answers.items()},
                    "scopes": sorted({scope for each in said.get("security", ()) for scope in each.get("bearer", ())}),
                    "refusals": {status: sorted(_content(each)) for status, each in answers.items() if status[0] != "2"},
                },
            )


def _deprecated(said: Any, at: str = "") -> Iterator[str]:
    """The places of a document that are marked as deprecated."""
    if isinstance(said, dict):
        if said.get("deprecated") is True:
            yield at
        for name, each in said.items():
            yield from _deprecated(each, f"{at}/{name}")
    elif isinstance(said, list):
        for number, each in enumerate(said):
            yield from _deprecated(each, f"{at}/{number}")


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
    """The names of shapes on the page that the code writes or reads."""
    said = set(re.findall(r"`(fifthfactor/[a-z-]+/\d+)`", text_of("service/docs/versions.md")))
    files = (file for room in ("engine", "service") for file in (ROOT / room).rglob("*.py"))
    return sorted(said & {name for file in files for name in re.findall(r'"(fifthfactor/[a-z-]+/\d+)', file.read_text())})


def _metrics() -> Document:
    """By name, the labels that the page gives."""
    section = text_of("service/docs/metrics.md").partition("## What is counted\n")[2].partition("\n## ")[0]
    cells = " ".join(re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE))
    return {name: labels.split(",") if labels else [] for name, labels in re.findall(r"`(\w+)(?:\{([\w,]+)\})?", cells)}


def _language() -> Document:
    """The keys of each kind of file, and the operators of tests."""
    kinds = (PolicyText, VocabularyText, OrganisationText, RequestMappingText, TermMappingText, TestText)
    return {
        "semantics": engine.SEMANTICS,
        "files": {each.__name__: _bare(each.model_json_schema()) for each in kinds},
        "operators": sorted(FITS),
    }


def _first_cells(page: str, heading: str) -> list[str]:
    """The names in the first cells of the table under a heading."""
    section = text_of(f"service/docs/{page}").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return sorted(
        {name for cell in re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE) for name in re.findall(r"`([\w-]+)", cell)}
    )


def _installed(folder: str) -> Document:
    """What a distribution is called, the extras that it has, and the programs that it brings."""
    project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    return {
        "name": project["name"],
        "extras": sorted(each for each in project.get("optional-dependencies", ()) if each != "test"),
        "programs": sorted(project.get("scripts", ())),
    }


def _client() -> Iterator[tuple[str, Document]]:
    for name in service.client.__all__:
        named = getattr(service.client, name)
        found: Document = {}
        if inspect.isclass(named):
            if dataclasses.is_dataclass(named):
                found["fields"] = {each.name: _type(each.type) for each in dataclasses.fields(named)}
            found["methods"] = {
                each: _parameters(getattr(named, each))
                for each in dir(named)
                if (each[0] != "_" or each in _WITH) and inspect.isfunction(getattr(named, each))
            }
            found["properties"] = [each for each in dir(named) if each[0] != "_" and isinstance(getattr(named, each), property)]
            found["bases"] = [each.__name__ for each in named.__mro__[1:-1]]
            if not dataclasses.is_dataclass(named) and inspect.isfunction(named.__init__):
                found["methods"]["__init__"] = _parameters(named.__init__)
                if issubclass(named, Exception):
                    found["properties"] += _of_an_error(named)
            found["returns"] = {each: _returned(getattr(named, each)) for each in found["methods"] if each != "__init__"}
        elif callable(named):
            found["methods"] = {"": _parameters(named)}
            found["returns"] = {"": _returned(named)}
        yield name, found


def _of_an_error(named: Any) -> list[str]:
    """What an error has, seen on one that is made of nothing: zeros, empty texts and lists."""
    needed = [each for each in inspect.signature(named).parameters.values() if each.default is each.empty]
    return sorted(vars(named(*(0 if each.annotation is int else "" for each in needed))))


def _returned(function: Any) -> str:
    return _type(inspect.signature(function).return_annotation)


def _type(annotation: Any) -> str:
    """A type as it is written, without the names of modules."""
    return re.sub(r"\b[a-z_]\w*\.(?=\w)", "", inspect.formatannotation(annotation).strip("'"))


def _parameters(function: Any) -> Document:
    """By name: how it is given, whether it must be, and what it is if it is left out."""
    parameters = list(inspect.signature(function).parameters.values())
    return {
        each.name: {
            "kind": each.kind.name,
            "required": each.default is each.empty and each.kind.name[:3] != "VAR",
            "default": None if each.default is each.empty else repr(each.default),
        }
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
                "flags": sorted(option for each in found.params if getattr(each, "is_flag", False) for option in each.opts),
                "values": {
                    option: str(each.default)
                    for each in found.params
                    if each.param_type_name == "option" and each.default is not None and not getattr(each, "is_flag", False)
                    for option in each.opts
                },
                "many": sorted(option for each in found.params if getattr(each, "multiple", False) for option in each.opts),
            },
        )

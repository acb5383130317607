"""
The generated tables of the pages: what the code and the vocabulary say, as Markdown.

A table goes in as its page has it and comes out as it has to be. What only a person can say of a row, in its last column, is taken over
by the row's first cell; a row that is new says `…` there, until somebody writes it.
"""

from __future__ import annotations

import ast
import inspect
import re
import tempfile
import textwrap
import tomllib
from collections.abc import Callable, Iterable
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer.main
from pydantic.fields import FieldInfo

import engine
from engine.answer import Answer
from engine.policy_language.diagnostic import CODES
from engine.policy_language.known_findings import FINDINGS
from service.cli.main import app
from service.client import Client
from service.doors.dpv.term_table import DpvTable
from service.problems import KINDS
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.settings.settings_sources import PREFIX
from service.telemetry import log_lines
from tests.pages import ROOT
from tests.service.client.operations import CLIENTS, Document, made, methods
from tests.service.deploy import chart_values
from tests.service.doors.odrl import fixture_tables, result_tables

UNSAID = "…"
_SMALL = ROOT / "tests" / "service" / "bundle" / "policies"


def codes(_: str) -> str:
    """Each diagnostic code, with what it means."""
    return _table("code | what it means", ((f"`{code}`", text) for code, text in sorted(CODES.items())))


def findings(_: str) -> str:
    """Each finding of the analysis, with what it means."""
    return _table("code | what it means", ((f"`{code}`", text) for code, text in sorted(FINDINGS.items())))


def facts(_: str) -> str:
    """Each fact of the bundled vocabulary; a family is one row."""
    rows = {}
    for fact in _bundled().facts.values():
        name = fact.family or fact.name
        if fact.kind == "fact" and name not in rows:
            title = fact.title.en.partition(":")[0] if fact.family else fact.title.en
            marks = (
                ("family", fact.family),
                ("personal", fact.personal),
                ("changeable", fact.change),
                ("never empty", fact.some),
                (f"a place in `{fact.lies_in}`", fact.lies_in),
                ("from the register only", fact.register_only),
                (f"follows from `{fact.follows}`", fact.follows),
            )
            type = (
                fact.type.partition(" in ")[0] if fact.family else fact.type
            )  # its members may be measured in different units
            rows[name] = (f"`{name}`", type, title, ", ".join(word for word, yes in marks if yes))
    return _table("fact | type | what it says | ", rows.values())


def instruments(_: str) -> str:
    """Each instrument of the bundled policies, under its jurisdiction, with how many provisions have which mark."""
    bundle = _bundled()
    rows: list[tuple[str, ...]] = []
    here = ""
    for instrument in engine.instruments(bundle):
        text = instrument.text
        if text.jurisdiction != here:
            here = text.jurisdiction
            rows.append((f"**{here}**", f"**{bundle.vocabulary.jurisdictions[here].title.en}**", *[""] * 6))
        marks = [rule.status for rule in text.rules]
        windows = text.in_force if isinstance(text.in_force, list) else [text.in_force]
        days = "; ".join(
            f"{window.from_ or '…'} to {window.until}" if window.until else str(window.from_) for window in windows
        )
        counts = [str(marks.count(mark)) for mark in ("confirmed", "from-memory", "unsure")]
        rows.append((f"`{text.policy}`", text.title.en, text.instrument.force, days, str(len(marks)), *counts))
    head = "policy | instrument | force | in force | provisions | confirmed | from memory | unsure"
    return _table(head, rows, numbers=4)


def helm_values(_: str) -> str:
    """Each value of the chart, with its default and its sentence."""
    rows = chart_values.rows(ROOT / "service" / "deploy" / "helm" / "fifthfactor" / "values.yaml")
    return _table("value | default | meaning", ((f"`{row.path}`", f"`{row.default}`", row.sentence) for row in rows))


def phrases(_: str) -> str:
    """Each phrase of the bundled vocabulary, with what it says; `…` stands for the value behind it."""
    vocabulary = _bundled().vocabulary
    rows = ((f"`{name}: …`", text.of, text.title.en, text.title.zh or "") for name, text in vocabulary.phrases.items())
    return _table("phrase | of | what it says | in Chinese", rows)


def settings(_: str) -> str:
    """Each setting by its variable, with its option of `fifthfactor serve`, its default, and what it means."""
    serve = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined]
    options = {option.name: f"`{option.opts[0]}`" for option in serve.params}
    rows = (
        (
            f"`{PREFIX}{name.upper()}`",
            options.get(name, ""),
            "none" if field.default in (None, "", ()) else f"`{field.default}`",
            "; ".join(filter(None, (field.description, _choices(field)))),
        )
        for name, field in Settings.model_fields.items()
    )
    return _table("variable | option | default | meaning", rows)


def problems(present: str) -> str:
    """Each kind of problem with its status and title; when it comes is kept."""
    kept = _last_cells(present)
    rows = ((f"`{kind}`", str(status), title, kept.get(f"`{kind}`", UNSAID)) for kind, (status, title) in KINDS.items())
    return _table("kind | status | title | when", rows)


def endpoints(present: str) -> str:
    """Each operation of the OpenAPI document, in the order of the page, with its scope; what it does is kept."""
    kept = _last_cells(present)
    scopes = {
        f"`{method.upper()} {path}`": ", ".join(
            f"`{scope}`" for one in operation.get("security", ()) for scope in one["bearer"] or ("any",)
        )
        for path, operations in _openapi()["paths"].items()
        for method, operation in operations.items()
    }
    order = [name for name in kept if name in scopes] + [name for name in scopes if name not in kept]
    rows = ((name, scopes[name] or "none", kept.get(name, UNSAID)) for name in order)
    return _table("method and path | scope | what it does", rows)


def answer(present: str) -> str:
    """Each member of an answer, in its order; what it says is kept."""
    kept = _last_cells(present)
    names = [f"`{field.alias or name}`" for name, field in Answer.model_fields.items()]
    return _table("member | what it says", ((name, kept.get(name, UNSAID)) for name in names))


def explanation(present: str) -> str:
    """Each part of an explanation, in its order; what it says is kept."""
    kept = _last_cells(present)
    return _table("part | what it says", ((f"`{name}`", kept.get(f"`{name}`", UNSAID)) for name in engine.PARTS))


def client_methods(_: str) -> str:
    """Each method of the client, by its room, with the operation that it asks for and what it does."""
    document = Document(_openapi())
    client = CLIENTS["sync"]("http://localhost")
    rows = []
    for name in methods(Client):
        asked = {document.operation(each.request): None for each in made(client, name)}
        where = " ".join(f"`{document.operations[each][0]} {document.operations[each][1]}`" for each in asked)
        says, _, _ = (inspect.getdoc(getattr(Client, name)) or "").partition("\n\n")
        rows.append((f"`{name}`", where, says.replace("\n", " ")))
    return _table("method | asks for | what it does", rows)


def engine_modules(present: str) -> str:
    """Each module of the engine, in the order of the page; what goes in and comes out is kept."""
    kept = _last_cells(present)
    found = [f"`{file.relative_to(ROOT / 'engine').with_suffix('').as_posix()}`" for file in _modules("engine")]
    order = [name for name in kept if name in found] + [name for name in found if name not in kept]
    return _table("module | what goes in, what comes out", ((name, kept.get(name, UNSAID)) for name in order))


def service_rooms(present: str) -> str:
    """Each room of the service, in the order of the page, with the names of its modules; what it does is kept."""
    kept = _last_cells(present)
    rooms: dict[str, list[str]] = {}
    for file in _modules("service"):
        inside = file.relative_to(ROOT / "service")
        room = f"`{inside.parts[0]}/`" if len(inside.parts) > 1 else "root"
        if "migrations" not in inside.parts:
            rooms.setdefault(room, []).append(f"`{inside.stem}`")
    order = [name for name in kept if name in rooms] + [name for name in rooms if name not in kept]
    return _table(
        "room | modules | what it does",
        ((name, ", ".join(dict.fromkeys(rooms[name])), kept.get(name, UNSAID)) for name in order),
    )


def architecture(_: str) -> str:
    """The floors of the import contracts from top to bottom, each with the first sentence of its room."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    service, engine_floors = (next(each["layers"] for each in contracts if start in each["name"]) for start in FLOORS)
    lines = []
    for package, floors in (("service", service), ("engine", engine_floors)):
        lines.append(package)
        for floor in floors:
            for number, room in enumerate(each.strip().removeprefix(f"{package}.") for each in floor.split(":")):
                says = _sentence(ROOT / package / room.replace(".", "/"))
                lines.append(f"{'  ├ ' if number == 0 else '  │ '}{room.replace('.', '/'):<26} {says}")
    return "```text\n" + "\n".join([*lines, "  ▼ imports point down"]) + "\n```\n"


FLOORS = ("The service from the socket to the disk", "The engine from YAML to words")


def _sentence(room: Path) -> str:
    """The first sentence of a room or a module, on one line."""
    file = room / "__init__.py" if room.is_dir() else room.with_suffix(".py")
    said = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
    line = " ".join(said.partition("\n\n")[0].split())
    first = re.split(r"(?<=[a-z`)])\. ", line)[0].rstrip(".")
    return textwrap.shorten(first, 104, placeholder=" …")


def odrl_suite(_: str) -> str:
    """What became of the cases of the ODRL test suite."""
    head = "policy | cases | by activation | states as expected | reports that the expected ones lack"
    return _table(head, result_tables.suite_rows(), numbers=1)


def odrl_examples(_: str) -> str:
    """What became of the evaluations of the draft on formal semantics."""
    return _table("evaluation | states as expected | difference", result_tables.example_rows())


def odrl_fixtures(_: str) -> str:
    """What was read of each contract of the data spaces' own examples."""
    return _table("document | facts | asked, or never met | no condition", fixture_tables.rows())


def odrl_terms(_: str) -> str:
    """Each term that states a fact, with the fact and the operators with which it is a limit."""
    found = _bundled().mappings["odrl"].text
    assert isinstance(found, engine.TermMappingText)
    rows = (
        (f"`{_short(name)}`", f"`{term.fact}`", ", ".join(f"`{each}`" for each in term.operators))
        for name, term in found.terms.items()
        if term.fact
    )
    return _table("term | fact | operators", rows)


def _short(name: str) -> str:
    """A term with a prefix that its readers know."""
    for prefix, start in (
        ("odrl", "http://www.w3.org/ns/odrl/2/"),
        ("cx-policy", "https://w3id.org/catenax/2025/9/policy/"),
        ("dpv", "https://w3id.org/dpv#"),
    ):
        if name.startswith(start):
            return f"{prefix}:{name.removeprefix(start)}"
    return name


def dpv_terms(_: str) -> str:
    """The terms of DPV 2.3 by group: how many mean the same as a value here, are read as one that means more, or are only there."""
    table = DpvTable(_bundled())
    vocabulary = _bundled().vocabulary
    same = {term for values in vocabulary.values.values() for term in values.dpv.values()}
    same |= {text.dpv for kinds in vocabulary.kinds.values() for text in kinds.values() if text.dpv}
    same |= {fact.dpv for fact in vocabulary.facts.values() if fact.dpv}
    properties = {step for path in table.paths for step in path.steps} | table.parts
    counts: dict[str, list[int]] = {name: [0, 0, 0] for name in _DPV_GROUPS}
    for term in engine.dpv_terms().values():
        group = next(name for name, belongs in _DPV_GROUPS.items() if belongs(term, table))
        read = any(
            table.read(path, fact, term.name) for path in table.paths for fact in path.facts if not vocabulary.facts[fact].dpv
        )
        counts[group][0] += 1
        counts[group][1] += term.name in same or term.name in properties
        counts[group][2] += read and term.name not in same
    rows = [(name, *map(str, (all, one, more, all - one - more))) for name, (all, one, more) in counts.items()]
    totals = [str(sum(int(row[number]) for row in rows)) for number in range(1, 5)]
    head = "group | terms in DPV | mean the same | read as what means more | only there"
    return _table(head, [*rows, ("all", *totals)], numbers=4)


def dpv_values(_: str) -> str:
    """The values here by set, and the documents: how many have a term that means the same, one that means more, or none."""
    vocabulary = _bundled().vocabulary
    rows = []
    for values in sorted(vocabulary.values.values(), key=lambda each: each.name):
        if values.dpv or values.dpv_broader:
            rows.append((values.title, len(values.values), len(values.dpv), len(values.dpv_broader)))
    for group, kinds in vocabulary.kinds.items():
        same, more = (sum(bool(getattr(text, mark)) for text in kinds.values()) for mark in ("dpv", "dpv_broader"))
        rows.append((f"`{group}`", len(kinds), same, more))
    told = ((name, *map(str, (all, same, more, all - same - more))) for name, all, same, more in rows)
    return _table("set | values | mean the same | written as what means more | only here", told, numbers=4)


_DPV_GROUPS: dict[str, Callable[[engine.DpvTerm, DpvTable], bool]] = {
    "properties": lambda term, _: term.is_property,
    "grounds of a transfer": lambda term, table: term.name in table.grounds.values(),
    "personal data": lambda term, _: term.name.startswith("pd:"),
    "purposes": lambda term, _: "dpv:Purpose" in term.kinds,
    "legal bases": lambda term, _: "dpv:LegalBasis" in term.kinds,
    "people": lambda term, _: "dpv:HumanSubject" in term.kinds,
    "measures": lambda term, _: any(each.endswith("Measure") for each in term.kinds),
    "processing": lambda term, _: "dpv:Processing" in term.kinds,
    "other": lambda _, __: True,
}


TABLES: dict[str, Callable[[str], str]] = {
    "answer": answer,
    "architecture": architecture,
    "client-methods": client_methods,
    "codes": codes,
    "dpv-terms": dpv_terms,
    "dpv-values": dpv_values,
    "findings": findings,
    "endpoints": endpoints,
    "engine-modules": engine_modules,
    "explanation": explanation,
    "facts": facts,
    "helm-values": helm_values,
    "instruments": instruments,
    "odrl-examples": odrl_examples,
    "odrl-fixtures": odrl_fixtures,
    "odrl-suite": odrl_suite,
    "odrl-terms": odrl_terms,
    "phrases": phrases,
    "problems": problems,
    "service-rooms": service_rooms,
    "settings": settings,
}


def _table(head: str, rows: Iterable[Iterable[str]], *, numbers: int = 0) -> str:
    """Markdown: a head, and rows of as many cells. The last columns are aligned as numbers where there are some."""
    columns = head.count("|") + 1
    rule = ["---"] * (columns - numbers) + ["---:"] * numbers
    lines = [f"| {head} |".replace("|  |", "| |"), f"|{'|'.join(rule)}|"]
    return "\n".join([*lines, *("|" + "|".join(f" {cell} " if cell else " " for cell in row) + "|" for row in rows)]) + "\n"


def _last_cells(table: str) -> dict[str, str]:
    """The last cell of each row of a table, by the first."""
    rows = [line.strip("|").split("|") for line in table.splitlines()[2:]]
    return {cells[0].strip(): cells[-1].strip() for cells in rows}


def _choices(field: FieldInfo) -> str:
    """The words a setting may be, or the numbers it lies between."""
    if get_origin(field.annotation) is Literal:
        return " or ".join(f"`{word}`" for word in get_args(field.annotation))
    ends = {
        end: getattr(bound, end) for bound in field.metadata for end in ("ge", "le") if getattr(bound, end, None) is not None
    }
    return f"{ends['ge']} to {ends['le']}" if len(ends) == 2 else ""


@cache
def _bundled() -> engine.Bundle:
    return engine.load(engine.bundled_policies())


def _modules(package: str) -> list[Path]:
    return sorted(file for file in (ROOT / package).rglob("*.py") if file.name not in ("__init__.py", "__main__.py"))


def _openapi() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        chosen = Settings(watch=False, policies=_SMALL, database=str(Path(folder) / "log.db"))
        service = Service.open(chosen, say=log_lines.logger(StringIO()))
        try:
            return create_app(chosen, service).openapi()
        finally:
            service.close()

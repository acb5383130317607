"""
The READMEs tell the truth: every example runs, every generated table is what the code and the vocabulary say.

`RECORD=1 pytest tests/test_readmes.py` writes the generated tables anew.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
from engine.diagnostic import CODES
from tests.service.conftest import running

ROOT = Path(__file__).resolve().parent.parent
READMES = ("README.md", "engine/README.md", "policies/README.md")  # the service's has a test beside its own
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GENERATED = re.compile(r"<!-- generated: (\w+) -->\n(.*?)<!-- end -->\n", re.DOTALL)


def blocks(kind: str) -> Iterator[tuple[str, str]]:
    """README name and text of each fenced block of a kind."""
    for name in READMES:
        for match in BLOCK.finditer((ROOT / name).read_text()):
            if match.group(1) == kind:
                yield name, match.group(2)


def console_steps(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a console block, `$ ` first, each with the output shown under it."""
    for step in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = step.splitlines()
        end = 0
        # A command goes on while a quote is open or a line ends with a backslash.
        while end < len(lines) - 1 and (lines[end].endswith("\\") or "\n".join(lines[: end + 1]).count("'") % 2):
            end += 1
        yield "\n".join(lines[: end + 1]), "\n".join(lines[end + 1 :])


def looks_like(shown: str, printed: str) -> bool:
    """Whether output is as a README shows it; `…` stands for anything, also for lines."""
    pattern = ".*".join(re.escape(piece.strip("\n")) for piece in shown.split("…"))
    return re.fullmatch(pattern + r"\s*", printed.strip("\n"), flags=re.DOTALL) is not None


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the examples touch, with the installed command in its `.venv`."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "policies", folder / "policies")
    (folder / ".venv" / "bin").mkdir(parents=True)
    command = folder / ".venv" / "bin" / "fifthfactor"
    command.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m service.cli "$@"\n')
    command.chmod(0o755)
    return folder


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples are for curl")
@pytest.mark.parametrize("name", ["README.md", "policies/README.md"])
def test_the_console_examples_run_as_shown(name: str, checkout: Path) -> None:
    """Each command of a README's console blocks prints what the README shows, against a real server where it calls one."""
    texts = [text for readme, text in blocks("console") if readme == name]
    assert texts, f"{name} shows no example"
    with running(checkout / f"{name.partition('/')[0]}.db", "--policies", str(ROOT / "policies")) as server:
        address = server.address.removeprefix("http://")
        for text in texts:
            for command, shown in console_steps(text):
                here = command.replace("127.0.0.1:8080", address).replace("localhost:8080", address)
                environment = {**os.environ, "PATH": f"{checkout / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"}
                done = subprocess.run(
                    here, shell=True, cwd=checkout, env=environment, capture_output=True, text=True, timeout=300
                )
                printed = done.stdout + done.stderr
                assert looks_like(shown, printed.replace(address, "127.0.0.1:8080")), f"{name}: {command}\nprinted\n{printed}"


@pytest.mark.parametrize(("name", "code"), list(blocks("python")))
def test_the_python_examples_run(name: str, code: str) -> None:
    """Each Python block of a README runs, and its assertions hold."""
    exec(compile(code, name, "exec"), {})


def test_the_policy_examples_load_and_pass() -> None:
    """The policy and the test that the authors' README shows are sound and pass beside the bundled vocabulary."""
    sources = {
        f.relative_to(ROOT).as_posix(): f.read_bytes()
        for f in (ROOT / "policies").rglob("*.yaml")
        if not f.name.endswith(".test.yaml")
    }
    shown = [text.encode() for readme, text in blocks("yaml") if readme == "policies/README.md"]
    bundle = engine.load_sources(sources | {f"shown-{number}.yaml": text for number, text in enumerate(shown)})
    results = list(engine.run(bundle, "shown-"))
    assert len(results) == 2
    assert [result.problems for result in results if result.problems] == []


def codes_table() -> str:
    rows = "".join(f"| `{code}` | {text} |\n" for code, text in sorted(CODES.items()))
    return f"| code | what it means |\n|---|---|\n{rows}"


def facts_table() -> str:
    rows = []
    seen = set()
    for fact in engine.load(engine.bundled_policies()).facts():
        name = fact.family or fact.name
        if fact.kind == "fact" and name not in seen:
            seen.add(name)
            title = fact.title.en.partition(":")[0] if fact.family else fact.title.en
            marks = ", ".join(
                word for word, yes in (("family", fact.family), ("personal", fact.personal), ("changeable", fact.change)) if yes
            )
            rows.append(f"| `{name}` | {fact.type} | {title} | {marks} |\n")
    return "| fact | type | what it says | |\n|---|---|---|---|\n" + "".join(rows)


def instruments_table() -> str:
    bundle = engine.load(engine.bundled_policies())
    rows, here = [], ""
    for instrument in engine.instruments(bundle):
        text = instrument.text
        if text.jurisdiction != here:
            here = text.jurisdiction
            rows.append(f"| **{here}** | **{bundle.vocabulary.jurisdictions[here].title.en}** | | | | | | |\n")
        marks = [rule.status for rule in text.rules]
        counts = " | ".join(str(marks.count(mark)) for mark in ("confirmed", "from-memory", "unsure"))
        windows = text.in_force if isinstance(text.in_force, list) else [text.in_force]
        days = "; ".join(
            f"{window.from_ or '…'} to {window.until}" if window.until else str(window.from_) for window in windows
        )
        rows.append(f"| `{text.policy}` | {text.title.en} | {text.instrument.force} | {days} | {len(marks)} | {counts} |\n")
    head = "| policy | instrument | force | in force | provisions | confirmed | from memory | unsure |\n"
    return head + "|---|---|---|---|---:|---:|---:|---:|\n" + "".join(rows)


TABLES = {"codes": codes_table, "facts": facts_table, "instruments": instruments_table}


def test_the_generated_tables_are_up_to_date() -> None:
    """The authors' README lists each diagnostic code, fact and instrument as they are."""
    file = ROOT / "policies" / "README.md"
    text = file.read_text()
    assert {match.group(1) for match in GENERATED.finditer(text)} == set(TABLES)
    fresh = GENERATED.sub(lambda match: f"<!-- generated: {match.group(1)} -->\n{TABLES[match.group(1)]()}<!-- end -->\n", text)
    if os.environ.get("RECORD"):
        file.write_text(fresh)
    assert fresh == file.read_text(), "run RECORD=1 pytest tests/test_readmes.py, and read the difference"

"""
The pages tell the truth: every example runs, every link leads somewhere, every generated table is what the code and the vocabulary say.

`RECORD=1 pytest tests/test_readmes.py` writes the generated tables anew.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer.main

import engine
from service.cli.main import app
from service.settings import Settings
from service.settings.settings_sources import FILE, PREFIX
from tests.generated_tables import TABLES, UNSAID
from tests.pages import PAGES, ROOT, Block, anchors, blocks, generated, links, named, text_of, with_table, without_tables
from tests.service import ready_process
from tests.service.conftest import POLICIES, Server, running

# Who runs the examples of a page. Those about keys have a server of their own: once there is a key, it is needed.
WITH_THE_LAW = tuple(page for page in PAGES if page == "README.md" or page.startswith("policies/"))
ABOUT_KEYS = ("service/docs/callers.md", "service/docs/party-keys.md")
WITH_A_SERVER = tuple(page for page in PAGES if page not in (*WITH_THE_LAW, *ABOUT_KEYS))

RUN = ("console", "sh", "python", "yaml")
SHOWN = {"json": ("sh", "sh mapped"), "output": ("sh", "python")}  # what the block before it, of such a kind, prints
NOT_RUN = {
    "text": "a picture",
    "sh make": "installs packages, measures for minutes, or runs these very tests",
    "sh serve": "does not end by itself; every example asks a server that was started so",
    "sh doctor": "finds what this machine lacks; tests/service/cli/test_doctor.py provokes each finding",
    "sh upgrade": "replaces the program of a service; tests/service/server/test_replacement.py does that",
    **dict.fromkeys(
        ("sh night", "sql night"), "mends what is broken; tests/service/test_night_pages.py breaks it and types these commands"
    ),
    "sh kubernetes": "needs a cluster; tests/doors/test_helm_chart_runs.py runs what the chart makes (`make doors`)",
    "yaml values": "values of the chart; tests/doors/test_helm_chart.py has Helm render them (`make doors`)",
    "sh container": "needs a container engine or systemd; tests/service/deploy and tests/image (`make image`) run what it would run",
    "python tables": "needs pandas, Polars, DuckDB and PyArrow; tests/tables/test_pages.py runs them (`make test-tables`)",
    "python dagster": "needs Dagster; tests/doors/test_dagster.py runs it (`make doors`)",
    "python spark": "needs Spark; tests/tables/test_spark.py runs it (`make test-tables`)",
    **dict.fromkeys(
        ("lua", "toml", "elisp"), "settings of an editor; tests/service/language_server speaks with the server as one does"
    ),
    **dict.fromkeys(
        ("yaml envoy", "nginx", "json register", "console gateway"),
        "needs the gateway; tests/doors/test_gateways.py runs it with these settings before this register (`make doors`)",
    ),
    "yaml sinks": "settings of sinks; tests/service/outbox/test_event_sinks.py opens them",
    "yaml scrape": "is for Prometheus; tests/doors/test_prometheus.py scrapes by it (`make doors`)",
    "sh mapped": "needs a key and a server with the mapping of the page; test_a_mapping_is_used_as_its_page_shows runs it",
    "sh postgresql": "needs a server of PostgreSQL; tests/service/log/test_backup.py and test_night_pages.py do what they do",
}


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
    """Whether output is as a page shows it; `…` stands for anything, also for lines."""
    pattern = ".*".join(re.escape(piece.strip("\n")) for piece in shown.split("…"))
    return re.fullmatch(pattern + r"\s*", printed.strip("\n"), flags=re.DOTALL) is not None


def agrees(shown: Any, real: Any) -> bool:
    """Whether an excerpt shows what is there: `…` stands for any value, a member `…` for further members."""
    if shown == "…":
        return True
    if isinstance(shown, dict) and isinstance(real, dict):
        some = {key: value for key, value in shown.items() if key != "…"}
        complete = "…" in shown or some.keys() == real.keys()
        return complete and all(key in real and agrees(value, real[key]) for key, value in some.items())
    if isinstance(shown, list) and isinstance(real, list):
        return len(shown) == len(real) and all(map(agrees, shown, real))
    return type(shown) is type(real) and bool(shown == real)


class Reader:
    """
    Somebody who does what a page shows, block by block, in a folder of her own and against one server.

    `fifthfactor` and Python begin from nothing, or if `ready` as copies of a process that has imported the project.
    """

    def __init__(self, folder: Path, server: Server, ready: bool = True) -> None:
        self._folder = folder
        self._ready = ready
        self._address = server.address.removeprefix("http://")
        self._noted: dict[str, str] = {}  # what a page means by $ID, $COMMITMENT, $AGREEMENT and $DIGEST
        commands = folder / ".venv" / "bin"
        commands.mkdir(parents=True)
        self._command, self._python = commands / "fifthfactor", commands.parent / "python"
        for program, begins in ((self._command, f"{sys.executable} -m service.cli"), (self._python, sys.executable)):
            program.write_text(f'#!/bin/sh\nexec {begins} "$@"\n')
            program.chmod(0o755)
        installed = folder / ".venv" / "lib"
        client = installed / "fifthfactor_client"  # as if it were installed alone
        client.mkdir(parents=True)
        service = ROOT / "service"
        for each in (
            *(service / "client").glob("*.py"),
            service / "client" / "asynchronous",
            service / "client" / "synchronous",
            service / "receipts",
            service / "transparency",
        ):
            (client / each.name).symlink_to(each)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        path = os.pathsep.join(map(str, (ROOT, installed)))
        self._environment = {**kept, "PYTHONPATH": path, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}

    def follow(self, page: str) -> list[str]:
        """Run the examples of a page in their order; what did not come out as shown."""
        with ready_process.installed(self._command, self._python) if self._ready else nullcontext():
            return [fault for block, after in pairwise([*blocks(page), None]) if block for fault in self._try(block, after)]

    def _try(self, block: Block, after: Block | None) -> Iterator[str]:
        match block.kind:
            case "console":
                for command, shown in console_steps(block.text):
                    printed, _ = self._run(["bash", "-c", command])
                    if not looks_like(shown, printed):
                        yield f"{block}: {command}\nprinted\n{printed[:4_000]}"
            case "sh" | "python":
                start = ["bash", "-ec"] if block.kind == "sh" else [str(self._python), "-c"]
                printed, status = self._run([*start, block.text])
                if status != 0 or not self._as_shown(after, printed):
                    yield f"{block} ended with {status} and printed\n{printed[:4_000]}"

    def _as_shown(self, after: Block | None, printed: str) -> bool:
        if after and after.kind == "json":
            try:
                answer = json.loads(printed)
            except ValueError:
                return False
            self._note(answer)
            return agrees(json.loads(after.text), answer)
        return not (after and after.kind == "output") or looks_like(after.text, printed)

    def _note(self, answer: dict[str, Any]) -> None:
        if answer.get("schema") == engine.Answer.model_fields["schema_"].default:
            self._noted["ID"] = answer["id"]
        elif answer.get("state") == "committed":
            self._noted["COMMITMENT"] = answer["id"]
        elif "versions" in answer and "digest" in answer:
            self._noted |= {"AGREEMENT": answer["id"], "DIGEST": answer["digest"]}
        elif "source" in answer:
            self._noted["DIGEST"] = answer["source"]
        elif answer.get("lines") and "number" in answer["lines"][0]:
            self._noted["LINE"] = str(answer["lines"][0]["number"])

    def _run(self, command: list[str]) -> tuple[str, int]:
        *program, text = command
        here = re.sub(r"(127\.0\.0\.1|localhost):8080", self._address, text)
        done = subprocess.run(
            [*program, here],
            cwd=self._folder,
            env={**self._environment, **self._noted},
            capture_output=True,
            text=True,
            timeout=300,
        )
        return (done.stdout + done.stderr).replace(self._address, "127.0.0.1:8080"), done.returncode


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the server and its database."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    """A server that decides by the bundled policies."""
    with running(home / "fifthfactor.db", "--policies", str(ROOT / "policies")) as server:
        yield server


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples are for curl")
@pytest.mark.parametrize("page", [page for page in WITH_THE_LAW if any(block.kind in RUN for block in blocks(page))])
def test_the_examples_on_policies_run_as_shown(server: Server, tmp_path: Path, page: str) -> None:
    """
    Each block of the first page and of the authors' pages, where the law lies; each page stands by itself. On the first page `fifthfactor`
    begins from nothing, as it does for whoever has just installed it.
    """
    shutil.copytree(ROOT / "policies", tmp_path / "policies", ignore=shutil.ignore_patterns(".*"))
    assert list(Reader(tmp_path, server, ready=page != "README.md").follow(page)) == []


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples are for curl")
def test_the_examples_on_the_service_run_as_shown(server: Server, home: Path) -> None:
    """Each block of the other pages, beside the database of the server, where some policies lie."""
    shutil.copytree(POLICIES, home / "policies")
    reader = Reader(home, server)
    assert [fault for page in WITH_A_SERVER for fault in reader.follow(page)] == []


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples are for curl")
def test_a_key_is_made_and_used_as_shown(tmp_path: Path) -> None:
    """The commands on keys, in order: with the key everything is answered, with another nothing; a party's and a person's are keys too."""
    page = ABOUT_KEYS[0]
    make, use, of_person = blocks(page)
    (of_party,) = blocks(ABOUT_KEYS[1])
    database = tmp_path / "fifthfactor.db"
    environment = {**os.environ, "FIFTHFACTOR_DATABASE": str(database), "PYTHONPATH": str(ROOT)}
    commands = (each.text.replace("fifthfactor", f"{sys.executable} -m service.cli", 1) for each in (make, of_party, of_person))
    key, *others = (
        subprocess.run(["bash", "-c", each], env=environment, capture_output=True, text=True, check=True).stdout.strip()
        for each in commands
    )
    with running(database) as server:
        ask = use.text.replace("http://localhost:8080", server.address)
        for given, answered in ((key, "facts"), (others[0], "facts"), (others[1], "facts"), ("ff_no", "title")):
            answer = subprocess.run(["bash", "-c", ask], env={**os.environ, "KEY": given}, capture_output=True, check=True)
            assert answered in json.loads(answer.stdout)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples are for curl")
def test_a_mapping_is_used_as_its_page_shows(tmp_path: Path) -> None:
    """The page on mappings by itself, then the register, the key and the call of its last step; with the key the answer is as shown."""
    page, database = "service/docs/mappings.md", tmp_path / "fifthfactor.db"
    with running(tmp_path / "other.db") as server:
        assert Reader(tmp_path, server).follow(page) == []
    (shown,) = (block.text for block in blocks(page) if block.kind == "json")
    make, ask = (block.text for block in blocks(page) if block.kind == "sh mapped")
    make = make.replace("fifthfactor", f"{sys.executable} -m service.cli") + "echo $KEY"
    environment = {**os.environ, "FIFTHFACTOR_DATABASE": str(database), "PYTHONPATH": str(ROOT)}

    def run(text: str, **more: str) -> str:
        command = ["bash", "-ec", text]
        return subprocess.run(command, cwd=tmp_path, env=environment | more, capture_output=True, text=True, check=True).stdout

    key, short = (run(text).splitlines()[-1] for text in (make, make.replace(" --scope read", "").replace("gateway", "short")))
    with running(database, "--policies", "bundled", "--policies", str(tmp_path / "gateway-rules")) as server:
        ask = ask.replace("http://localhost:8080", server.address)
        answer, unreasoned = (json.loads(run(ask, KEY=each)) for each in (key, short))
    assert agrees(json.loads(shown), answer)
    assert answer["result"]["reason"].startswith("This may go ahead under the law of India.")
    assert (unreasoned["result"]["allow"], "India" in unreasoned["result"]["reason"]) == (True, False)


def test_the_policies_shown_load_and_pass() -> None:
    """The policies and tests that pages show are sound and pass beside the bundled vocabulary."""
    sources = {
        f.relative_to(ROOT).as_posix(): f.read_bytes()
        for f in (ROOT / "policies").rglob("*.yaml")
        if not f.name.endswith(".test.yaml")
    }
    shown = [block.text.encode() for page in PAGES for block in blocks(page) if block.kind == "yaml"]
    bundle = engine.load_sources(sources | {f"shown-{number}.yaml": text for number, text in enumerate(shown)})
    results = list(engine.run(bundle, "shown-"))
    assert len(results) == 4
    assert [result.problems for result in results if result.problems] == []


def test_no_block_escapes() -> None:
    """Every block of every page is run, is what one that is run prints, or is of a kind that is not run, for a reason."""
    assert sorted((*WITH_THE_LAW, *ABOUT_KEYS, *WITH_A_SERVER)) == sorted(PAGES)
    for page in PAGES:
        found = blocks(page)
        assert 2 * len(found) == len(re.findall(r"^\s*(?:```|~~~)", text_of(page), re.MULTILINE)), (
            f"{page}: a block without a fence"
        )
        for before, block in pairwise([None, *found]):
            assert block
            printer = before.kind if before else ""
            assert block.kind in (*RUN, *NOT_RUN) or printer in SHOWN.get(block.kind, ()), f"{block} is run by nobody"
        for block, after in pairwise([*found, None]):
            # curl ends well whatever is answered: only what is shown of the answer, or what reads it, can be wrong.
            if block and block.text.startswith("curl") and page not in ABOUT_KEYS:
                reader = after.kind if after else ""
                assert reader == "json" or (" > " in block.text and reader == "python"), f"{block} shows no answer"
    kinds = {block.kind for page in PAGES for block in blocks(page)}
    assert kinds == {*RUN, *SHOWN, *NOT_RUN}, "a kind that no page has"


def test_the_pages_are_short() -> None:
    """The first page is one page; no other has 200 lines that somebody wrote."""
    lengths = {page: len(without_tables(page).splitlines()) for page in PAGES}
    assert lengths.pop("README.md") < 100
    assert {page: length for page, length in lengths.items() if length >= 200} == {}
    assert {page for page in PAGES if page.endswith("README.md") and len(text_of(page).splitlines()) >= 200} == set()


def test_every_link_leads_somewhere() -> None:
    """To a file that is there, and to a heading on it; and every page is led to."""
    led_to = set()
    for page in PAGES:
        for link in links(page):
            if "://" in link:
                continue
            path, _, anchor = link.partition("#")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page
            assert (ROOT / target).exists(), f"{page}: {link} leads nowhere"
            assert not anchor or anchor in anchors(target), f"{page}: {link}: there is no such heading"
            if target != page:
                led_to.add(target)
    assert set(PAGES) - led_to == {"README.md"}


def test_every_command_named_is_there() -> None:
    """Each `fifthfactor …` in a text or a block is a command, and its options are the command's."""
    commands = typer.main.get_command(app)
    texts = [(page, name) for page in PAGES for name in named(page)]
    texts += [
        (str(block), line.removeprefix("$ ")) for page in PAGES for block in blocks(page) for line in block.text.splitlines()
    ]
    checked = 0
    for place, text in texts:
        if not re.match(r"(\.venv/bin/)?fifthfactor \w", text):
            continue
        _, *words = text.split()
        command: Any = commands
        while words and hasattr(command, "commands"):
            assert words[0] in command.commands, f"{place}: there is no command `{text}`"
            command = command.commands[words.pop(0)]
        options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        wrong = [word for word in words if re.match(r"--?\w", word) and word not in {*options, "--help"}]
        assert wrong == [], f"{place}: `{text}`"
        checked += 1
    assert checked > 50


def test_every_variable_named_is_a_setting() -> None:
    """Each `FIFTHFACTOR_…` on a page is a setting, the file of settings, or the client's key."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {FILE, "FIFTHFACTOR_KEY", PREFIX}
    assert {name for page in PAGES for name in re.findall(rf"{PREFIX}[A-Z_]*", text_of(page))} <= known


@pytest.mark.parametrize("name", TABLES)
def test_the_generated_tables_are_up_to_date(name: str) -> None:
    """Each stands on one page, is as it has to be, and says something in every row."""
    (page,) = [page for page in PAGES if name in generated(page)]
    fresh = with_table(page, name, TABLES[name](generated(page)[name]))
    if os.environ.get("RECORD"):
        (ROOT / page).write_text(fresh, encoding="utf-8")
    assert fresh == text_of(page), "run RECORD=1 pytest tests/test_readmes.py, and read the difference"
    assert f"| {UNSAID} |" not in generated(page)[name], f"{page}: say it in the last column"


def test_no_other_table_says_that_it_is_generated() -> None:
    """A table that nobody generates would go stale under that name."""
    assert sorted(name for page in PAGES for name in generated(page)) == sorted(TABLES)

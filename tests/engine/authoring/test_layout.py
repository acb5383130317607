"""`fifthfactor fmt`: what the one layout is, that it changes no word and loses no comment, and how files are written."""

from __future__ import annotations

import random
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

import engine
from engine.authoring import layout, yaml_texts
from engine.policy_language import tree
from engine.policy_language.diagnostic import Findings
from service.cli.main import app
from tests.chance import some
from tests.engine.authoring.random_documents import Maker as DocumentMaker
from tests.engine.backends.random_bundles import Maker as BundleMaker

POLICIES = engine.bundled_policies()
BUNDLED = sorted(POLICIES.rglob("*.yaml"))
WIDE = "word " * 40 + "end"

LAYOUTS = {
    "Quotes stand only where the text would else be read as something else": (
        """
        policy: "p"
        a: 'NO'
        b: "2024-03-22"
        c: "a: b"
        d: "- a"
        e: "what? yes"
        f: {g: "what?", h: "a, b", i: "plain"}
        j: 'say "hello"'
        k: ""
        l: "null"
        """,
        """
        policy: p
        a: NO
        b: 2024-03-22
        c: "a: b"
        d: "- a"
        e: what? yes
        f: {g: "what?", h: "a, b", i: plain}
        j: say "hello"
        k: ""
        l: "null"
        """,
    ),
    "Lists are indented by two, and so is everything else": (
        """
        policy: p
        rules:
        - id: a
          when:
          -   x
        """,
        """
        policy: p

        rules:
          - id: a
            when:
              - x
        """,
    ),
    "Each condition has a line of its own, and a test stays on it": (
        """
        policy: p
        applies: {exporter.country: CN}
        rules:
          - id: a
            when: [x, {data.people: {at_least: 10 thousand}, evidence: {has: [a, b]}}]
            unless:
              - any_of: [y, {z: {not: {only: [a]}}}]
            require: {any_of: [a, b]}
        """,
        """
        policy: p
        applies:
          exporter.country: CN

        rules:
          - id: a
            when:
              - x
              - data.people: {at_least: 10 thousand}
                evidence: {has: [a, b]}
            unless:
              - any_of:
                  - y
                  - z: {not: {only: [a]}}
            require: {any_of: [a, b]}
        """,
    ),
    "What its author wrote line by line stays so, and so does what fits on a line": (
        """
        policy: p
        a:
          - x
        b:   [x,
           y]
        """,
        """
        policy: p
        a:
          - x
        b: [x, y]
        """,
    ),
    "A list of many words fills lines, and begins a line where its author did": (
        f"""
        vocabulary: v
        few: [{", ".join("w" * 20 for _ in range(8))}]
        many: [{", ".join("w" * 20 for _ in range(9))}]
        dates: [
          2021-01-01, 2021-02-11,
          2022-01-03, {", ".join(f"2023-01-{day}" for day in range(10, 21))}] # beside
        short: [a,
          b]
        """,
        f"""
        vocabulary: v
        few:
          {chr(10).join(["- " + "w" * 20] + ["          - " + "w" * 20] * 7)}
        many: [
          {", ".join("w" * 20 for _ in range(5))},
          {", ".join("w" * 20 for _ in range(4))},
        ]
        dates: [
          2021-01-01, 2021-02-11,
          2022-01-03, {", ".join(f"2023-01-{day}" for day in range(10, 19))},
          2023-01-19, 2023-01-20,
        ]  # beside
        short: [a, b]
        """,
    ),
    "Rules and cases are set apart, the keys of a rule stand in one order, several empty lines are one": (
        """
        test: t
        cases:
          - expect: {outcome: review}
            case: first


            as_of: 2024-01-01
          # of the second
          - case: second
            expect: {}
        exchange: {}
        as_of: 2024-01-02
        """,
        """
        test: t
        as_of: 2024-01-02
        exchange: {}

        cases:
          - case: first

            as_of: 2024-01-01
            expect: {outcome: review}

          # of the second
          - case: second
            expect: {}
        """,
    ),
    "A comment stays with what it stands above or beside": (
        """
        # at the head

        policy: p # beside
        # above a
        a: [x, # in brackets
          y]
        b: # beside a key
          # above an item
          - c: {d: e} # beside an item

          # at the end of the list
        # above f
        f:
          - # beside a dash
            g: h
          # of the list, not of what follows
        i: >- # beside a block
          text
        # at the end
        """,
        """
        # at the head

        policy: p  # beside
        # above a
        a:
          - x  # in brackets
          - y
        b:  # beside a key
          # above an item
          - c: {d: e}  # beside an item

          # at the end of the list
        # above f
        f:
          # beside a dash
          - g: h
          # of the list, not of what follows
        i: text  # beside a block
        # at the end
        """,
    ),
    "A text of several lines keeps them; one that is too long is folded": (
        f"""
        policy: p
        a: "one\\ntwo\\n"
        b: "{WIDE}"
        c:
          - "{"x" * 130}"
        d: {{en: "{"a" * 60}", zh: "{"中" * 40}"}}
        """,
        f"""
        policy: p
        a: |
          one
          two
        b: >-
          {("word " * 25).rstrip()}
          {"word " * 15}end
        c:
          - {"x" * 130}
        d:
          en: {"a" * 60}
          zh: {"中" * 40}
        """,
    ),
}


def dedented(text: str) -> str:
    """The text of a case without its margin and its first line."""
    lines = text.split("\n")[1:-1]
    margin = min(len(line) - len(line.lstrip()) for line in lines if line)
    return "".join(f"{line[margin:]}\n" for line in lines)


def words(data: bytes) -> Any:
    """What a document says to our reader."""
    findings = Findings()
    root = tree.read("f.yaml", data, findings)
    assert root is not None, findings.all
    return tree.plain(root)


def comments(data: bytes) -> list[str]:
    return sorted(comment.text for comment in tree.comments("f.yaml", data))


def others(data: bytes) -> Any:
    """What it says to a reader of YAML 1.2 that shares nothing with ours; every scalar a text, as to ours."""
    return YAML(typ="base", pure=True).load(StringIO(data.decode()))


def check(data: bytes) -> bytes:
    """The layout, with everything that holds of every layout."""
    laid = engine.lay_out("f.yaml", data)
    if laid != data:  # the same bytes say the same
        assert engine.lay_out("f.yaml", laid) == laid, "a second time it is laid out differently"
        assert words(laid) == words(data)
        assert comments(laid) == comments(data)
    lines = laid.decode().split("\n")
    assert lines[-1] == ""
    assert lines[-2]
    assert all(line == line.rstrip(" ") for line in lines)
    return laid


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_layout_is_as_described(name: str) -> None:
    """Each rule of the layout, by a text before and after."""
    before, after = map(dedented, LAYOUTS[name])
    assert check(before.encode()).decode() == after
    assert check(after.encode()).decode() == after


@pytest.mark.parametrize("files", [BUNDLED[::8], pytest.param(BUNDLED, marks=pytest.mark.fuzz(weight=5))], ids=["some", "all"])
def test_no_bundled_file_loses_a_word_or_a_comment(files: list[Path]) -> None:
    """Our reader and another find the same in a bundled file and in its layout."""
    for file in some(files, len(BUNDLED[::8])):
        data = file.read_bytes()
        laid = check(data)
        assert laid == data or others(laid) == others(data), file


def test_the_bundled_vocabulary_is_in_the_layout() -> None:
    """`fifthfactor fmt --check policies` asks it of all files."""
    files = sorted((POLICIES / "vocabulary").rglob("*.yaml"))
    assert files
    assert [file.name for file in files if engine.lay_out(str(file), file.read_bytes()) != file.read_bytes()] == []


@pytest.mark.parametrize("seed", range(10))
def test_random_bundles_stay_what_they_are(seed: int) -> None:
    """A laid-out bundle has the meaning it had, with comments strewn into its files."""
    maker = BundleMaker(seed)
    bundle = maker.bundle()
    chance = random.Random(seed)
    laid = {name: check(strewn(data, chance)) for name, data in bundle.sources.items()}
    assert engine.load_sources(laid, bundle.settings).digests.meaning == bundle.digests.meaning


def strewn(data: bytes, chance: random.Random) -> bytes:
    """Comments between and beside the lines of a dumped document, whose texts have one line each."""
    lines = []
    for number, line in enumerate(data.decode().split("\n")):
        if chance.random() < 0.1:
            lines.append(" " * chance.randint(0, 8) + f"# above {number}")
        lines.append(f"{line} # beside {number}" if line and chance.random() < 0.1 else line)
    return "\n".join(lines).encode()


@pytest.mark.parametrize("hundred", range(3))
def test_awkward_documents_stay_what_they_are(hundred: int) -> None:
    """Comments in brackets, behind dashes and at odd margins, and texts that look like YAML."""
    laid_out = 0
    for seed in range(hundred * 100, hundred * 100 + 100):
        data = DocumentMaker(seed).document().encode()
        findings = Findings()
        if tree.read("f.yaml", data, findings) is None or findings.errors:
            continue  # not YAML, or not ours
        laid = check(data)
        assert others(laid) == others(data), seed
        laid_out += 1
    assert laid_out > 60


def test_a_byte_order_mark_and_the_line_ends_of_windows_go() -> None:
    """The layout is UTF-8 with line feeds."""
    data = "\ufeffpolicy: p # one\r\n\r\n# two\r\na:\r\n- b\r\n".encode()
    assert check(data) == b"policy: p  # one\n\n# two\na:\n  - b\n"


def test_a_layout_that_would_change_a_word_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed is read again; where it says something else, the file stays as it is."""
    monkeypatch.setattr(yaml_texts, "quoted", lambda text, in_brackets: text)
    with pytest.raises(engine.NotLaidOut, match="would change what it says"):
        engine.lay_out("f.yaml", b'policy: "a: b"\n')
    monkeypatch.undo()
    monkeypatch.setattr(layout, "_paragraphs", lambda lines, margin, first: iter(()))
    with pytest.raises(engine.NotLaidOut, match="would change what it says"):
        engine.lay_out("f.yaml", b"# a\npolicy: p\n")


UNTIDY = b"policy:   p\n"
TIDY = b"policy: p\n"


def fmt(*arguments: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["fmt", *map(str, arguments)])
    return done.exit_code, done.output


def test_fmt_writes_what_changes_and_keeps_the_mode(tmp_path: Path) -> None:
    """Files are written in place with the mode they had, other files are not touched, and nothing is left behind."""
    untidy, tidy = tmp_path / "a.yaml", tmp_path / "deep" / "b.yml"
    tidy.parent.mkdir()
    untidy.write_bytes(UNTIDY)
    tidy.write_bytes(TIDY)
    untidy.chmod(0o640)
    before = tidy.stat().st_mtime_ns
    status, said = fmt(tmp_path)
    assert (status, said.splitlines()[-1]) == (0, "1 file changed, 1 as they should be")
    assert untidy.read_bytes() == TIDY
    assert stat.S_IMODE(untidy.stat().st_mode) == 0o640
    assert tidy.stat().st_mtime_ns == before
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["a.yaml", "b.yml", "deep"]
    assert fmt(tmp_path, "--check")[0] == 0


def test_fmt_leaves_a_link_a_link(tmp_path: Path) -> None:
    """The file behind a link is written."""
    (tmp_path / "real.txt").write_bytes(UNTIDY)
    (tmp_path / "link.yaml").symlink_to("real.txt")
    assert fmt(tmp_path / "link.yaml")[0] == 0
    assert (tmp_path / "link.yaml").is_symlink()
    assert (tmp_path / "real.txt").read_bytes() == TIDY


def test_fmt_check_and_diff_write_nothing(tmp_path: Path) -> None:
    """`--check` ends with 1 and names the file, `--diff` shows the lines and ends with 0, both together do both."""
    file = tmp_path / "a.yaml"
    file.write_bytes(UNTIDY)
    assert fmt(file, "--check") == (1, f"would change {file}\n1 file would change, 0 as they should be\n")
    status, said = fmt(file, "--diff")
    assert status == 0
    assert "-policy:   p\n+policy: p\n" in said
    status, said = fmt(file, "--diff", "--check")
    assert status == 1
    assert "+policy: p\n" in said
    assert file.read_bytes() == UNTIDY


def test_fmt_says_what_cannot_be_read_and_lays_out_the_rest(tmp_path: Path) -> None:
    """What is no YAML, or no document of ours, is said with the engine's finding and stays as it is."""
    contents = {"a.yaml": b"policy: [\n", "b.yaml": b"name: x\n", "c.yaml": b"policy: &a p\n", "d.yaml": b"", "e.yaml": UNTIDY}
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    status, said = fmt(tmp_path)
    assert status == 1
    for code in ("not-yaml", "unknown-document", "alias", "empty-file"):
        assert f"error[{code}]" in said
    assert said.splitlines()[-1] == "1 file changed, 0 as they should be, 4 left as they are"
    assert (tmp_path / "e.yaml").read_bytes() == TIDY
    assert all((tmp_path / name).read_bytes() == data for name, data in contents.items() if name != "e.yaml")


def test_fmt_of_what_is_not_there_is_wrong_use() -> None:
    """It ends with 2."""
    status, said = fmt("/no/such/folder")
    assert (status, said) == (2, "error: there is no file or folder /no/such/folder\n")


def test_a_file_that_changes_meanwhile_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor that saved in between keeps what it saved."""
    file = tmp_path / "a.yaml"
    file.write_bytes(UNTIDY)

    def save_meanwhile(name: str, data: bytes, schemas: str = "") -> bytes:
        file.write_bytes(b"policy: saved\n")
        return TIDY

    monkeypatch.setattr(engine, "lay_out", save_meanwhile)
    status, said = fmt(file)
    assert (status, said) == (2, f"error: {file} was changed in the meantime; run the command again\n")
    assert file.read_bytes() == b"policy: saved\n"
    assert list(tmp_path.iterdir()) == [file]


def test_the_first_line_leads_to_the_schema_from_every_folder(tmp_path: Path) -> None:
    """Where a folder above holds schemas, each file names its kind's, by a relative way; a wrong line is replaced."""
    (tmp_path / ".schemas").mkdir()
    (tmp_path / ".schemas" / "policy.json").write_text("{}")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    contents = {
        tmp_path / "one.yaml": b"vocabulary: v\n",
        deep / "two.yaml": b"# yaml-language-server: $schema=wrong.json\n# kept\n\npolicy: p\n",
        deep / "three.yaml": b"# kept\n# yaml-language-server: $schema=../wrong.json\ntest: t\n",
    }
    for file, data in contents.items():
        file.write_bytes(data)
    assert fmt(tmp_path)[0] == 0
    assert [file.read_text() for file in contents] == [
        "# yaml-language-server: $schema=.schemas/vocabulary.json\nvocabulary: v\n",
        "# yaml-language-server: $schema=../../.schemas/policy.json\n\n# kept\n\npolicy: p\n",
        "# yaml-language-server: $schema=../../.schemas/test.json\n\n# kept\ntest: t\n",
    ]
    assert fmt(tmp_path, "--check")[0] == 0


def test_without_schemas_above_the_first_line_stays(tmp_path: Path) -> None:
    """A checkout in which no schemas were written yet is laid out all the same."""
    file = tmp_path / "a.yaml"
    file.write_bytes(b"# yaml-language-server: $schema=../.schemas/policy.json\npolicy: p\n")
    assert fmt(file, "--check")[0] == 0

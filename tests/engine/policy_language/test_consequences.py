"""What only follows from a mistake in another file comes after it, and is counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import engine
from service.cli.main import app

WORDS = """\
vocabulary: words
facts:
  x.here: {type: yes/no, title: it is here, ask: Is it here?}
  x.there: {type: yes/no, title: it is there, ask: Is it there?}
evidence:
  paper: {title: a paper, ask: Is there a paper?}
requirements:
  aa.paper: {jurisdiction: AA, title: a paper, how: write one}
jurisdictions:
  AA: {title: Aland}
"""
LAW = """\
policy: aa.law
title: a law
jurisdiction: AA
instrument: {issuer: somebody, force: law}
in_force: {from: 2020-02-01}
applies:
  x.here: yes
define:
  shown:
    evidence: {has: paper}
rules:
  - {id: art-1, title: one, cite: one, says: one, source: one, status: confirmed, require: aa.paper}
  - {id: art-2, title: two, cite: two, says: two, source: two, status: confirmed, when: [shown], satisfies: aa.paper}
"""
OTHER = (
    LAW.replace("aa.law", "aa.other")
    .replace("define:\n  shown:\n    evidence: {has: paper}\n", "")
    .replace("[shown]", "[aa.law/shown]")
)


def refused(words: str = WORDS, law: str = LAW, other: str = OTHER) -> list[tuple[str, str, bool]]:
    """The findings of three files, each with its file, its code and whether it follows."""
    texts = {"a/law.yaml": law, "a/other.yaml": other, "a/words.yaml": words}
    with pytest.raises(engine.BundleRefused) as found:
        engine.load_sources({file: text.encode() for file, text in texts.items()})
    return [(each.at.file, each.code, each.follows) for each in found.value.diagnostics]


def test_what_uses_the_words_of_a_file_that_cannot_be_read_follows() -> None:
    """The file that is no YAML comes first, although it is the last by name; all else follows from it."""
    found = refused(words=WORDS.replace("  x.here:", "  x.here"))
    assert found[0] == ("a/words.yaml", "not-yaml", False)
    assert {each[0] for each in found[1:]} == {"a/law.yaml", "a/other.yaml"}
    assert all(follows for *_, follows in found[1:])


def test_what_uses_a_definition_of_a_policy_that_is_left_out_follows() -> None:
    """A policy with a wrong key is left out, and with it its definitions."""
    assert refused(law=LAW.replace("title: a law", "titel: a law")) == [
        ("a/law.yaml", "missing-key", False),
        ("a/law.yaml", "unknown-key", False),
    ]
    found = refused(law=LAW.replace("  shown:", "  shown"))
    assert found == [("a/law.yaml", "not-yaml", False), ("a/other.yaml", "unknown-definition", True)]


def test_a_word_that_nobody_wrote_follows_from_nothing() -> None:
    """A misspelt fact is a cause of its own, also beside a file with a finding that does not write it."""
    found = refused(
        words=WORDS.replace("type: yes/no, title: it is there", "type: yes, title: it is there"),
        law=LAW.replace("x.here", "x.her"),
    )
    assert ("a/law.yaml", "unknown-fact", False) in found
    assert not any(follows for *_, follows in found)


def test_the_command_counts_what_follows(tmp_path: Path) -> None:
    """`check` prints the cause and the number of the others; `--all` prints these too, and JSON marks them."""
    for file, text in (("words.yaml", WORDS.replace("  x.here:", "  x.here")), ("law.yaml", LAW), ("other.yaml", OTHER)):
        (tmp_path / file).write_text(text)
    run = CliRunner()
    short = run.invoke(app, ["check", str(tmp_path)])
    assert short.exit_code == 1
    assert short.output.count("error[") == 1
    assert "there is no colon after `x.here`" in short.output
    assert "may follow from what is above" in short.output
    long = run.invoke(app, ["check", str(tmp_path), "--all"])
    assert long.output.count("error[") > 2
    assert "may follow" not in long.output
    assert '"follows": true' in run.invoke(app, ["check", str(tmp_path), "--json"]).output

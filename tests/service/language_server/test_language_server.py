"""The language server over its protocol: one process, a small law, files that are typed into and never saved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.engine.authoring.test_lint import WORDS
from tests.service.language_server.editor import Editor

pytestmark = pytest.mark.skipif("not __import__('importlib.util').util.find_spec('pygls')", reason="needs the extra `editor`")

BASE = "words.yaml"
LAW = "law.yaml"
CASES = "law.test.yaml"
OTHER = "other.yaml"
TEXTS = {
    BASE: f"{WORDS}semantics: 3\n",
    LAW: """\
policy: aa.law
title: {en: a law, zh: 法}
jurisdiction: AA
instrument: {issuer: somebody, force: law}
in_force: {from: 2020-02-01}
applies:
  x.here: yes
define:
  is-high:
    x.rank: high
rules:
  - id: art-1
    title: {en: "one \U0001f600", zh: 一}
    cite: one
    says: What is high needs a paper.
    source: one
    status: confirmed
    when:
      - is-high
    require: aa.paper
  - id: art-2
    title: {en: two, zh: 二}
    cite: two
    says: A paper is enough.
    source: one
    status: confirmed
    when:
      - evidence: {has: paper}
      - x.rank: [low, high]
    satisfies: aa.paper
""",
    OTHER: """\
policy: aa.other
title: {en: other, zh: 另}
jurisdiction: AA
instrument: {issuer: somebody, force: law}
in_force: {from: 2020-02-01}
applies:
  x.here: yes
rules:
  - {id: art-1, title: one, cite: 1, says: \U0001f600, source: one, status: confirmed, when: [aa.law/is-high], exempts: [aa.law/art-1]}
""",
    CASES: """\
test: aa.law
as_of: 2026-11-24
exchange: {x.here: yes, x.rank: high}
cases:
  - case: nothing is shown
    expect:
      beaten: [art-1]
      silent: [art-2]
  - case: a paper is shown
    change:
      x.rank: low
      evidence.paper: {dated: 2026-01-01, covers: yes}
    expect:
      because: [art-2]
""",
}  # fmt: skip


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    folder = tmp_path_factory.mktemp("work") / "aland"
    folder.mkdir()
    for file, text in TEXTS.items():
        (folder / file).write_text(text)
    editor = Editor(folder)
    for file in TEXTS:
        editor.open(file)
    editor.wait(LAW, bool)
    yield editor
    editor.close()


@pytest.fixture
def editor(window: Editor) -> Editor:
    """The window with the files as they were, checked."""
    for file, text in TEXTS.items():
        if window.text[file] != text:
            window.diagnostics.clear()
            window.write(file, text)
    window.wait(
        LAW, lambda found: "untested" in codes(found) and "Error" not in {each.severity.name for each in found if each.severity}
    )
    return window


def codes(found: list[types.Diagnostic]) -> list[str]:
    return sorted(str(each.code) for each in found)


def edits(editor: Editor, edit: types.WorkspaceEdit | None, file: str) -> list[tuple[int, int, int, str]]:
    """The line, the two columns and the text of each edit of a file, from 0."""
    assert edit is not None
    assert edit.changes is not None
    found = edit.changes.get(editor.uri(file), ())
    return sorted((e.range.start.line, e.range.start.character, e.range.end.character, e.new_text) for e in found)


def test_a_misspelt_fact_is_underlined_and_mended(editor: Editor) -> None:
    """What is typed counts, saved or not; the likeliest name is proposed first."""
    editor.replace(LAW, "    x.rank: high", "    x.rankk: high")
    (found,) = editor.wait(LAW, lambda found: codes(found) == ["unknown-fact"])
    assert (found.range.start.line, found.range.start.character, found.range.end.character) == (9, 4, 11)
    action = editor.actions(LAW, found)["Write `x.rank`"]
    assert edits(editor, action.edit, LAW) == [(9, 4, 11, "x.rank")]
    assert action.is_preferred


def test_what_is_not_yaml_is_underlined_and_helped_by_the_last_good_law(editor: Editor) -> None:
    """A bracket that is open hides the rest of the file; words are proposed all the same."""
    editor.replace(LAW, "x.rank: [low, high]", "x.rank: [low, ")
    (found,) = editor.wait(LAW, lambda found: codes(found) == ["not-yaml"])
    assert found.severity is types.DiagnosticSeverity.Error
    assert editor.complete(LAW, "x.rank: [low, ") == ["low", "high"]


def test_one_file_makes_another_one_wrong(editor: Editor) -> None:
    """All files are checked together, as they stand in the editor."""
    editor.replace(LAW, "  is-high:\n", "  is-higher:\n")
    found = editor.wait(OTHER, lambda found: "unknown-definition" in codes(found))
    assert [each.range.start.line for each in found if each.code == "unknown-definition"] == [8]


def test_completion_knows_the_place(editor: Editor) -> None:
    """Keys that may still stand there, operators between braces, own definitions first, requirements of the jurisdiction."""
    editor.replace(LAW, "      - is-high\n", "      - \n")
    assert editor.complete(LAW, "    when:\n      - ")[:2] == ["is-high", "x.rank"]
    assert "x.here" in editor.complete(LAW, "    when:\n      - ")
    editor.write(LAW, TEXTS[LAW].replace("x.rank: high", "x.rank: { }"))
    proposed = editor.complete(LAW, "    x.rank: { ")
    assert {"at_least", "not"} <= set(proposed)
    assert "has" not in proposed
    editor.write(LAW, TEXTS[LAW].replace("require: aa.paper", "require: "))
    assert editor.complete(LAW, "    require: ") == ["aa.paper"]
    editor.write(LAW, TEXTS[LAW].replace("    cite: two\n", "    \n"))
    proposed = editor.complete(LAW, "zh: 二}\n    ")
    assert "cite" in proposed
    assert "title" not in proposed
    editor.write(CASES, TEXTS[CASES].replace("because: [art-2]", "because: []"))
    assert editor.complete(CASES, "because: [")[:2] == ["art-1", "art-2"]
    editor.write(OTHER, "\n")
    assert "policy: " in editor.complete(OTHER, "\n")


def test_hover_says_what_a_name_means_and_how_many_tests_hold_it(editor: Editor) -> None:
    """A provision with its sentence, its mark and its cases; a fact with its question; a key with its explanation."""
    said = editor.hover(OTHER, "exempts: [aa.law/ar")
    assert "What is high needs a paper." in said
    assert "Tests: in 1 case it is exempted." in said
    assert "Which rank?" in editor.hover(LAW, "    x.ra")
    assert "Used 2 times in `aland/law.yaml`" in editor.hover(LAW, "    require: aa.pa")
    assert "read" in editor.hover(LAW, "    sour")


def test_a_name_leads_to_its_definition_and_to_its_uses(editor: Editor) -> None:
    """Over files, with and without the policy before the name."""
    place = editor.at(OTHER, "when: [aa.law/is-h")
    found = editor.run(editor.client.text_document_definition_async(types.DefinitionParams(**place)))
    assert isinstance(found, types.Location)
    assert (found.uri, found.range.start.line) == (editor.uri(LAW), 8)
    context = types.ReferenceContext(include_declaration=True)
    place = editor.at(LAW, "  - id: art")
    uses = editor.run(editor.client.text_document_references_async(types.ReferenceParams(context, **place)))
    assert uses is not None
    assert sorted((Path(each.uri).name, each.range.start.line) for each in uses) == [(CASES, 6), (LAW, 11), (OTHER, 8)]


def test_a_rename_changes_every_file_and_is_checked_first(editor: Editor) -> None:
    """The policy before a name stays; letters of two units are counted as the editor counts; a name that is taken is refused."""
    place = editor.at(LAW, "  - id: art")
    renamed = editor.run(editor.client.text_document_rename_async(types.RenameParams(new_name="art-7", **place)))
    line = TEXTS[OTHER].splitlines()[8]
    start = line.index("aa.law/art-1") + len("aa.law/") + 1  # the letter before it has two units
    assert edits(editor, renamed, OTHER) == [(8, start, start + 5, "art-7")]
    assert edits(editor, renamed, LAW) == [(11, 8, 13, "art-7")]
    assert edits(editor, renamed, CASES) == [(6, 15, 20, "art-7")]
    with pytest.raises(JsonRpcException, match="written twice"):
        editor.run(editor.client.text_document_rename_async(types.RenameParams(new_name="art-2", **place)))


def test_a_case_is_evaluated_as_it_stands_in_the_editor(editor: Editor) -> None:
    """Its lens says what came out, and how that departs from what the case expects."""

    def evaluate(number: int) -> str:
        command = editor.lenses(CASES)[number].command
        assert command is not None
        asked = types.ExecuteCommandParams(command.command, command.arguments)
        editor.run(editor.client.workspace_execute_command_async(asked))
        after = editor.lenses(CASES)[number].command
        assert after is not None
        return after.title

    assert editor.lenses(CASES)[0].command.title == "evaluate"  # type: ignore[union-attr]
    assert evaluate(0) == "✓ permitted"
    editor.replace(CASES, "beaten: [art-1]", "because: [art-1]")
    assert evaluate(0) == "✗ permitted: `art-1` does not stand"
    titles = [each.command.title.partition(" · ")[0] for each in editor.lenses(LAW) if each.command]
    assert titles == ["1 case for it, 0 against it", "1 case for it, 1 against it"]


def test_a_provision_without_a_case_gets_one_begun(editor: Editor) -> None:
    """It comes after the last case of the tests of the policy. A warning may be accepted in its place."""
    (found,) = [each for each in editor.wait(LAW, bool) if each.code == "untested"]
    actions = editor.actions(LAW, found)
    (edit,) = edits(editor, actions["Begin a case for `art-1`"].edit, CASES)
    assert edit[0] == TEXTS[CASES].count("\n")
    assert "because: [art-1]" in edit[3]
    assert edits(editor, actions["Accept `untested` here"].edit, LAW) == [(11, 0, 0, "  # accepted untested: why\n")]


def test_what_is_proven_comes_with_its_witness_as_a_case(editor: Editor) -> None:
    """What `analyse` finds in the file that is open is shown beside the rest; an exchange that shows it is ready to be a case."""
    pytest.importorskip("pysat")
    found = editor.wait(LAW, lambda found: "always-exempted" in codes(found))
    (exempted,) = [each for each in found if each.code == "always-exempted"]
    assert exempted.range.start.line == 11
    assert [each.command.title.partition(" · ")[2] for each in editor.lenses(LAW) if each.command] == [
        "is always exempted",
        "can stand",
    ]
    ((_, _, _, case),) = edits(editor, editor.actions(LAW, exempted)["Add the witness to the tests"].edit, CASES)
    assert "silent" not in case
    assert "jurisdictions: {AA: " in case
    (known,) = edits(editor, editor.actions(LAW, exempted)["Say that `always-exempted` is known"].edit, LAW)
    assert known[:3] == (12, 0, 0)
    assert known[3].splitlines()[:2] == ["    known:", "      finding: always-exempted"]
    assert not any(title.startswith("Accept") for title in editor.actions(LAW, exempted))


def test_an_exchange_becomes_a_test_that_passes(editor: Editor) -> None:
    """An action on a JSON file that can be read as an exchange; the file that it writes has no finding and passes."""
    text = json.dumps({"x": {"here": True, "rank": "low"}, "evidence": {"paper": {"dated": "2026-01-01", "covers": True}}})
    editor.open("shown.json", text)
    edit = editor.actions("shown.json")["Write a test of aa.law from this exchange"].edit
    assert edit is not None
    assert edit.document_changes is not None
    written = edit.document_changes[1]
    assert isinstance(written, types.TextDocumentEdit)
    file = Path(written.text_document.uri).name
    assert file == "shown.aa.law.test.yaml"
    editor.open(file, written.edits[0].new_text)  # type: ignore[union-attr]
    assert "because: [art-2]" in editor.text[file]
    command = editor.lenses(file)[0].command
    assert command is not None
    asked = types.ExecuteCommandParams(command.command, command.arguments)
    came = editor.run(editor.client.workspace_execute_command_async(asked))
    assert came is not None
    assert came["problems"] == []
    editor.client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(editor.uri(file))))


def test_a_file_is_laid_out(editor: Editor) -> None:
    """As `fmt` does it, on what stands in the editor."""
    editor.write(CASES, TEXTS[CASES].replace("as_of: 2026", "as_of:   2026"))
    options = types.FormattingOptions(tab_size=2, insert_spaces=True)
    document = types.TextDocumentIdentifier(editor.uri(CASES))
    asked = types.DocumentFormattingParams(document, options)
    (edit,) = editor.run(editor.client.text_document_formatting_async(asked)) or []
    assert "\nas_of: 2026-11-24\n" in edit.new_text

"""Which folders an editor's window stands for, and how it is helped when a file is wrong from the start."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import engine
from tests.engine.authoring.test_lint import LAW, WORDS, sources

pytest.importorskip("pygls")
from lsprotocol import types
from pygls.workspace.position_codec import PositionCodec

from service.language_server.actions import Actions
from service.language_server.diagnostics import SOURCE
from service.language_server.loaded_policies import PolicyLoader
from service.language_server.policy_files import PolicyFiles, folders_of
from service.language_server.positions import Positions


def test_a_folder_of_its_own_law_stands_alone_and_any_other_beside_the_bundled(tmp_path: Path) -> None:
    """The one that names the version of the semantics is whole. In a repository the folder `policies` counts."""
    assert folders_of(tmp_path) == [engine.bundled_policies(), tmp_path]
    (tmp_path / "words.yaml").write_text("vocabulary: words\nsemantics: 3\n")
    assert folders_of(tmp_path) == [tmp_path]
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "law.yaml").write_text(LAW)
    assert folders_of(tmp_path) == [engine.bundled_policies(), tmp_path / "policies"]
    assert folders_of(engine.bundled_policies().parent) == [engine.bundled_policies()]


def test_a_file_that_is_wrong_from_the_start_leaves_the_others_to_help() -> None:
    """There is no last good bundle yet: one without the wrong file takes its place."""
    loader = PolicyLoader()
    wrong = {**sources(), "p/more.yaml": b"policy: aa.more\ntitle: [", "p/kind.yaml": b"nothing: known"}
    found, loaded = loader.load(wrong)
    assert [each.at.file for each in found] == ["p/kind.yaml", "p/more.yaml"]
    assert loaded is None
    assert loader.latest is not None
    assert set(loader.latest.bundle.provisions) == {"aa.law/art-1", "aa.law/art-2"}


def test_a_witness_becomes_a_case_of_the_tests(tmp_path: Path) -> None:
    """A finding may carry an exchange that shows it; the case expects what comes out today, and passes."""
    for name, data in sources().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    files = PolicyFiles()
    files.take([tmp_path / "p"])
    files.read()
    loader = PolicyLoader()
    _, loaded = loader.load(files.sources)
    assert loaded is not None
    start = types.Position(8, 0)
    witness = {"x": {"here": True, "rank": "high"}}
    finding = types.Diagnostic(types.Range(start, start), "`art-1` always stands", source=SOURCE, data={"witness": witness})
    actions = Actions(loaded, files, Positions(PositionCodec(), files.sources), date(2026, 11, 24))
    (action,) = actions.of("p/law.yaml", "file:///p/law.yaml", [finding])
    assert action.edit is not None
    assert action.edit.changes is not None
    ((edit,),) = action.edit.changes.values()
    text = (tmp_path / "p/law.test.yaml").read_text()
    assert isinstance(edit, types.TextEdit)
    bundle = engine.load_sources({**sources(), "p/law.test.yaml": (text + edit.new_text).encode()})
    results = list(engine.run(bundle))
    assert [each.problems for each in results] == [()] * 3
    assert results[-1].case == "`art-1` always stands"


def test_words_of_a_folder_are_read_from_the_disk_once_the_editor_closes_them(tmp_path: Path) -> None:
    """What was typed and not saved is gone; a file that was never saved is no file."""
    (tmp_path / "words.yaml").write_text(WORDS)
    files = PolicyFiles()
    files.take([tmp_path])
    files.put(tmp_path / "words.yaml", "vocabulary: other\n")
    files.put(tmp_path / "new.yaml", "policy: new\n")
    files.read()
    name = f"{tmp_path.name}/words.yaml"
    assert files.sources[name] == b"vocabulary: other\n"
    for file in ("words.yaml", "new.yaml"):
        files.drop(tmp_path / file)
    assert files.sources == {name: WORDS.encode()}

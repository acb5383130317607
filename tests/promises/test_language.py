"""
Policies that were written for version 1.0 load in every later version, and decide as their own cases say.

The bundled policies do not use every word of the language. So the small bundles are kept too that show what each word means, and the files
that show what may be written. `RECORD=1 pytest tests/promises` keeps all of them as they are in this version, which is right only until
it is out.
"""

import io
import lzma
import os
import tarfile
from pathlib import Path

import pytest

import engine
from service.policies import archive
from tests.engine.backends import test_cases
from tests.engine.policy_language import test_language as good_files

KEPT = sorted(Path(__file__).parent.glob("policies-*.bundle.xz"))
OF_THIS_VERSION = Path(__file__).with_name(f"policies-{engine.__version__}.bundle.xz")
WORDS = sorted(Path(__file__).parent.glob("language-*.tar.xz"))
WORDS_OF_THIS_VERSION = Path(__file__).with_name(f"language-{engine.__version__}.tar.xz")
ONE_IN = 25  # files of tests; `fifthfactor test policies` decides all of those that the policies have now


def test_policies_are_kept() -> None:
    """The test below reads something; with RECORD=1 the bundled policies of this version are written."""
    if os.environ.get("RECORD"):
        written = archive.write(engine.load(engine.bundled_policies()).sources)
        OF_THIS_VERSION.write_bytes(lzma.compress(written, preset=9 | lzma.PRESET_EXTREME))
    assert KEPT


@pytest.mark.parametrize("file", KEPT, ids=lambda each: each.name)
def test_policies_of_then_decide_now_as_they_did(file: Path) -> None:
    """No word of theirs is refused, and what their cases expect is what is decided."""
    bundle = engine.load_sources(archive.read(lzma.decompress(file.read_bytes())))
    pdp = engine.PDP(bundle)
    names = [name for name, _ in bundle.tests]
    results = [each for name in names[::ONE_IN] for each in engine.run(bundle, only=name, pdp=pdp)]
    assert [each for each in results if each.problems] == []
    assert len(results) > 100


def _keep_words() -> None:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:xz", preset=9) as packed:
        here = good_files.HERE
        shared = (here / name for name in good_files.SHARED_NAMES)
        for file in (*sorted(test_cases.CASES.glob("*.yaml")), *shared, *sorted(here.glob("*/good/*.yaml"))):
            name = f"cases/{file.name}" if file.parent == test_cases.CASES else f"files/{file.relative_to(here)}"
            packed.add(file, name, filter=lambda info: info.replace(mtime=0, uid=0, gid=0, uname="", gname="", deep=False))
    WORDS_OF_THIS_VERSION.write_bytes(written.getvalue())


@pytest.fixture(scope="module", params=WORDS or [WORDS_OF_THIS_VERSION], ids=lambda each: each.name)
def words(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a version; with RECORD=1 those of this version are written."""
    if os.environ.get("RECORD") and request.param == WORDS_OF_THIS_VERSION:
        _keep_words()
    folder = tmp_path_factory.mktemp("language")
    with tarfile.open(request.param) as packed:
        packed.extractall(folder, filter="data")
    return folder


def test_each_word_means_what_it_meant(words: Path) -> None:
    """Every case that shows a meaning comes out on each engine as it was written."""
    cases, differing = list(test_cases.cases(words / "cases")), []
    for case in cases:
        try:
            test_cases.test_each_back_end_gives_the_meaning(*case.values)
        except (AssertionError, engine.BundleRefused, engine.ExchangeRefused) as wrong:
            differing.append(f"{case.id}: {wrong}")
    assert differing == []
    assert len(cases) > 700


def test_what_could_be_written_can_be_written(words: Path) -> None:
    """Every form of the language loads without an error."""
    files = sorted((words / "files").glob("*/good/*.yaml"))
    shared = {f"_shared/{name}": (words / "files" / name).read_bytes() for name in good_files.SHARED_NAMES}
    found = {
        file.name: [
            str(each) for each in good_files.findings({**shared, file.name: file.read_bytes()}) if each.severity == "error"
        ]
        for file in files
    }
    assert {name: errors for name, errors in found.items() if errors} == {}
    assert len(files) > 30

"""What decides is loaded without the files of tests, which decide nothing; nothing else is ever left out."""

import pytest

import engine
from tests.engine.test_semantics import POLICY, sources

TESTS = b"test: aa.law\nas_of: 2026-06-15\nexchange: {exporter.country: AA}\ncases: [\n"


def test_a_broken_file_of_tests_refuses_a_check_and_stops_no_decision() -> None:
    """It stays among the sources, so that the digests are those of the whole bundle."""
    files = sources("semantics: 1") | {"law/law.test.yaml": TESTS}
    with pytest.raises(engine.BundleRefused):
        engine.load_sources(files, replay=True)
    bundle = engine.load_sources(files, replay=True, tests=False)
    assert (bundle.tests, set(bundle.sources)) == ((), set(files))
    assert bundle.digests.source == engine.source_digest(files)
    assert bundle.digests.meaning == engine.load_sources(sources("semantics: 1"), replay=True).digests.meaning


HIDING = [
    b"{policy: aa.law, title: 'a law\ntest: x', rules: []}\n",
    b"test: x\n? policy\n: aa.law\n",
    b"test: x\n!!str policy: aa.law\n",
    b"test: x\n&a policy: aa.law\n",
    b"test: x\n--- \npolicy: aa.law\n",
    "test: x\u2028policy: aa.law\n".encode(),
    b"test: x\rpolicy: aa.law\n",
]


@pytest.mark.parametrize("data", HIDING, ids=repr)
def test_only_what_is_a_file_of_tests_beyond_doubt_is_left_unread(data: bytes) -> None:
    """Whatever could hide a policy from a plain look is read, and refused."""
    files = sources("semantics: 1") | {"law/other.yaml": data}
    with pytest.raises(engine.BundleRefused) as refused:
        engine.load_sources(files, replay=True, tests=False)
    assert "law/other.yaml" in {each.at.file for each in refused.value.diagnostics}


@pytest.mark.parametrize("stray", [b"test: x\n", b'"test": x\n', b"test : x\n"])
def test_a_policy_is_never_taken_for_a_test(stray: bytes) -> None:
    """A file with both keys is read, and refused."""
    files = sources("semantics: 1") | {"law/policy.yaml": stray + POLICY}
    with pytest.raises(engine.BundleRefused) as refused:
        engine.load_sources(files, replay=True, tests=False)
    assert "unknown-document" in {each.code for each in refused.value.diagnostics}


@pytest.mark.parametrize("data", [b"as_of: 2026-01-01\ntest: x\n", b"\xef\xbb\xbftest: x\n"], ids=repr)
def test_what_is_not_plainly_a_file_of_tests_is_read(data: bytes) -> None:
    """One that begins with another key, or with a mark, is a file of tests all the same, and is found to be one by reading it."""
    files = sources("semantics: 1") | {"law/other.yaml": data}
    assert [name for name, _ in engine.load_sources(files, replay=True, tests=False).tests] == ["law/other.yaml"]


def test_the_facts_of_a_bundle_are_made_once() -> None:
    """Every page asks for them, and nobody can change what the next page gets."""
    bundle = engine.load_sources(sources("semantics: 1"), replay=True)
    assert bundle.facts is bundle.facts
    with pytest.raises(TypeError):
        bundle.facts["more"] = next(iter(bundle.facts.values()))  # type: ignore[index]

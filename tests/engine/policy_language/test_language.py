"""
Good and bad files, one feature of the language a folder.

A bad file names its errors on the guilty lines: `# error: <code>`, and after the code perhaps a piece of what is said about it;
`# warning: <code>` where it is one. It must give exactly those findings, at exactly those lines. A good file gives none. Each is
loaded with `vocabulary.yaml`, the law of a neighbour, a licence and advice. `# xfail: <why>` on the first line says that a file does
not give today what it should.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.policy_language.diagnostic import CODES, Diagnostic, Findings, Span
from engine.policy_language.tree import MAX_BYTES, MAX_DEPTH, MAX_NODES
from engine.rules import MAX_CHAIN

HERE = Path(__file__).parent
LINTED = {
    "accepted-covered",
    "accepted-nothing",
    "bare-claim",
    "cited-otherwise",
    "counted-for-nobody",
    "covered-and-silent",
    "lift-from-memory",
    "no-needs",
    "one-rule",
    "only-on-a-ban",
    "reach-not-said",
    "said-otherwise",
    "stale",
    "untested",
    "untranslated",
    "unused-word",
}  # each has its tests in tests/tools/test_lint.py
ENGINE = Path(engine.__file__).parent
EXPECTED = re.compile(r"# (error|warning): ([a-z0-9-]+)((?:(?!# (?:error|warning):).)*)")
SHARED_NAMES = ("vocabulary.yaml", "neighbour.yaml", "licence.yaml", "advice.yaml")
SHARED = {f"_shared/{name}": (HERE / name).read_bytes() for name in SHARED_NAMES}
GOOD = (HERE / "conditions" / "good" / "nested.yaml").read_bytes()

# What would be unwieldy as a file, or is no text at all: its bytes, and its one finding.
MADE = {
    "oversize": (b"#" * (MAX_BYTES + 1), "file-too-large", 1),
    "not UTF-8": (b"policy: p\ntitle: caf\xe9\n", "not-utf-8", 2),
    "UTF-16": ("policy: p\n".encode("utf-16"), "not-utf-8", 1),
    "a NUL": (b"policy: p\ntitle: a\0b\n", "not-yaml", None),
    "a next line in a comment": ("policy: p\n# no comment\x85jurisdiction: AA\n".encode(), "hidden-character", 2),
    "a line separator in a comment": ("policy: p\n# no comment\u2028jurisdiction: AA\n".encode(), "hidden-character", 2),
    "a paragraph separator": ("policy: p\n# no comment\u2029jurisdiction: AA\n".encode(), "hidden-character", 2),
    "a return without a line feed": (b"policy: p\n# no comment\rjurisdiction: AA\n", "hidden-character", 2),
    "letters that are turned round": ("policy: p\n\ntitle: a \u202elaw\n".encode(), "hidden-character", 3),
    "letters that are set apart": ("policy: p\ntitle: a \u2067law\u2069\n".encode(), "hidden-character", 2),
    "a bomb of aliases": (b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\npolicy: *c\n", "alias", 1),
    "too deep, in brackets": (b"policy: " + b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2), "too-deep", 1),
    "ten thousand deep": (b"policy: " + b"[" * 10_000, "not-yaml", 1),
    "too many values": (b"policy:\n" + b"- x\n" * (MAX_NODES + 1), "too-deep", None),
    "quite empty": (b"", "empty-file", 1),
    "only spaces": (b"\n\n  \n", "empty-file", 1),
    "a mark and nothing else": (b"---\n", "unknown-document", None),
    "a bare word": (b"policy\n", "unknown-document", 1),
}


def files(kind: str) -> list[Any]:
    """The files of a kind, named by their folder and name."""
    found = sorted(HERE.glob(f"*/{kind}/*.yaml"))
    assert found
    return [pytest.param(file, id=f"{file.parts[-3]}/{file.stem}", marks=xfail(file)) for file in found]


def xfail(file: Path) -> list[Any]:
    first = file.read_text().partition("\n")[0]
    return [pytest.mark.xfail(reason=first.removeprefix("# xfail: "))] if first.startswith("# xfail: ") else []


def findings(sources: dict[str, bytes]) -> tuple[Diagnostic, ...]:
    """What a load says, errors or warnings."""
    try:
        return engine.load_sources(sources).warnings
    except engine.BundleRefused as refused:
        return refused.diagnostics


def expected(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Line, severity, code, piece."""
    for number, line in enumerate(text.splitlines(), 1):
        for match in EXPECTED.finditer(line):
            yield number, match[1], match[2], match[3].strip()


def named(file: Path) -> str:
    return file.relative_to(HERE).as_posix()


@pytest.mark.parametrize("file", files("good"))
def test_a_good_file_loads_without_findings(file: Path) -> None:
    """A good file loads, with no error and no warning."""
    assert not findings({**SHARED, named(file): file.read_bytes()})


@pytest.mark.parametrize("file", files("bad"))
def test_a_bad_file_has_its_errors_on_the_guilty_lines(file: Path) -> None:
    """A bad file has the findings that it names, at the lines where it names them, and no other."""
    wanted = sorted(expected(file.read_text()))
    assert wanted, "a bad file names an error"
    found = sorted(findings({**SHARED, named(file): file.read_bytes()}))
    assert [f"{d.at.line} {d.severity} {d.code}" for d in found] == [
        f"{line} {severity} {code}" for line, severity, code, _ in wanted
    ], [f"{d.at}: {d.message}" for d in found]
    assert {d.at.file for d in found} == {named(file)}
    for finding, (_, _, _, piece) in zip(found, wanted, strict=True):
        assert piece in f"{finding.message} | {finding.label} | {finding.help}"


@pytest.mark.parametrize("name", MADE)
def test_a_file_that_no_editor_would_write_is_refused(name: str) -> None:
    """Bytes that are no sensible YAML file are one finding at their place, and never an exception."""
    data, code, line = MADE[name]
    found = findings({**SHARED, "made.yaml": data})
    assert [(d.code, d.at.file) for d in found] == [(code, "made.yaml")]
    assert line in (None, found[0].at.line)


def test_a_byte_order_mark_is_no_error() -> None:
    """Some editors begin a file with a byte order mark; it is read like any other."""
    assert not findings({**SHARED, "marked.yaml": b"\xef\xbb\xbf" + GOOD})


def test_windows_line_ends_are_no_error() -> None:
    """A file with CRLF at the ends of its lines is read like any other."""
    assert not findings({**SHARED, "windows.yaml": GOOD.replace(b"\n", b"\r\n")})


def test_a_bundle_without_a_policy_is_refused() -> None:
    """Words alone decide nothing."""
    words = SHARED["_shared/vocabulary.yaml"].replace(b", covers: {personal: {from: 2020-01-01, by: [neighbour]}}", b"")
    assert [d.code for d in findings({"vocabulary.yaml": words})] == ["no-policy"]
    assert [d.code for d in findings({})] == ["no-policy"]


def test_a_claim_that_comes_with_the_project_says_what_it_needs() -> None:
    """In the words of the bundled policies a claim without `needs` is an error; in any other folder it loads."""
    words = b"vocabulary: more\nclaims:\n  hunger: {title: hunger}\n  thirst: {title: thirst, needs: always}\n"
    found = findings({**SHARED, "policies/vocabulary/more.yaml": words})
    assert [(d.code, d.severity, d.at.line) for d in found] == [("no-needs", "error", 3)]
    assert not findings({**SHARED, "ours/more.yaml": words})


def test_more_facts_than_a_caller_can_answer_are_a_warning() -> None:
    """From 181 facts on the vocabulary is too large."""
    facts = "".join(f"  more.f{n}: {{type: yes/no, title: f{n}}}\n" for n in range(181))
    extra = f"vocabulary: more\nfacts:\n{facts}".encode()
    assert [(d.code, d.severity) for d in findings({**SHARED, "z.yaml": extra})] == [("too-many-facts", "warning")]


def test_every_error_of_a_bundle_is_reported_at_once_in_file_order() -> None:
    """All findings of all files come together, each once, sorted by file, line and column."""
    bad = {
        named(file): file.read_bytes().replace(b"policy: p\n", f"policy: {file.stem}\n".encode())
        for file in HERE.glob("operators/bad/*.yaml")
    }
    found = findings({**SHARED, **bad})
    assert {d.at.file for d in found} == set(bad)
    assert list(found) == sorted(set(found))


def chain(length: int, backwards: bool) -> bytes:
    """A policy of definitions and of exemptions that hang on one another, each in a chain of some length."""
    defined = ["  d0: {data.personal: yes}\n", *(f"  d{n}: d{n - 1}\n" for n in range(1, length))]
    short = "title: a, cite: a, says: a, source: a, status: confirmed"
    rules = [f"  - {{id: r0, {short}, when: [d{length - 1}], prohibit: no}}\n"]
    rules += [f"  - {{id: r{n}, {short}, exempts: [r{n - 1}]}}\n" for n in range(1, length + 1)]
    if backwards:
        defined.reverse()
        rules.reverse()
    head = "policy: p\ntitle: p\njurisdiction: AA\ninstrument: {issuer: a, force: law}\nin_force: {from: 2020-01-01}\n"
    return f"{head}applies: {{exporter.country: AA}}\ndefine:\n{''.join(defined)}rules:\n{''.join(rules)}".encode()


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
def test_a_long_chain_is_refused_and_never_an_exception(backwards: bool) -> None:
    """Definitions that use, and rules that exempt, one another may do so fifty deep and no deeper, in whatever order."""
    assert not findings({**SHARED, "p.yaml": chain(MAX_CHAIN, backwards)})
    assert {d.code for d in findings({**SHARED, "p.yaml": chain(MAX_CHAIN + 1, backwards)})} == {"too-deep"}
    assert {d.code for d in findings({**SHARED, "p.yaml": chain(2_000, backwards)})} == {"too-deep"}


def test_definitions_that_use_one_another_twice_are_read_once() -> None:
    """Thirty definitions of which each uses the one before it twice are no more work than thirty definitions."""
    short = "title: a, cite: a, says: a, source: a, status: confirmed"
    doubled = "".join(f"  d{n}: [d{n - 1}, {{any_of: [d{n - 1}]}}]\n" for n in range(1, 31))
    text = (
        "policy: p\ntitle: p\njurisdiction: AA\ninstrument: {issuer: a, force: law}\nin_force: {from: 2020-01-01}\n"
        f"applies: {{exporter.country: AA}}\ndefine:\n  d0: {{evidence: {{has: contract}}}}\n{doubled}"
        f"rules:\n  - {{id: r, {short}, when: [d30], satisfies: contract}}\n"
    )
    assert not findings({**SHARED, "p.yaml": text.encode()})


def test_a_definition_that_a_test_looks_at_is_used() -> None:
    """A classification that no rule needs is no idle word where a test says how it reads."""
    never = (HERE / "conditions" / "bad" / "never-used.yaml").read_bytes()
    test = (
        b"test: p\nas_of: 2026-01-01\ncases:\n  - {case: a case, expect: {outcome: review}}\n"
        b"  - {case: another, expect: {define: {p/unused: no}}}\n"
    )
    assert [d.code for d in findings({**SHARED, "never.yaml": never})] == ["unused-definition"]
    assert not findings({**SHARED, "never.yaml": never, "never.test.yaml": test})


def test_one_error_in_the_vocabulary_is_one_error() -> None:
    """A slip in one entry of the vocabulary is reported at its place, not at each place where other entries are used."""
    broken = SHARED["_shared/vocabulary.yaml"].replace(b"{type: id, title: label}", b"{type: id, titel: label}")
    assert {(d.at.line, d.code) for d in findings({**SHARED, "_shared/vocabulary.yaml": broken})} == {
        (19, "missing-key"),
        (19, "unknown-key"),
    }


def test_an_error_far_to_the_right_is_shown() -> None:
    """The excerpt of a long line holds the place that is underlined."""
    with pytest.raises(engine.BundleRefused) as refused:
        engine.load_sources({"long.yaml": b"a: [" + b"1, " * 100 + b"!!str 2]"})
    excerpt, underline = str(refused.value).splitlines()[3:5]
    at = underline.index("^")
    assert excerpt[at : at + 5] == "!!str"


def raised() -> set[str]:
    """The codes of findings in the source of the engine."""
    codes = set()
    for file in ENGINE.rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call):
                name = getattr(call.func, "attr", getattr(call.func, "id", ""))
                if name in ("error", "warn", "refuse", "known", "_known") and len(call.args) > 1:
                    # A code is the second argument of a finding, and the last of what looks a name up.
                    code = call.args[-1 if name.endswith("known") else 1]
                    codes |= {code.value} if isinstance(code, ast.Constant) and isinstance(code.value, str) else set()
    return codes


def test_every_code_in_the_engine_is_explained_and_has_a_bad_file() -> None:
    """No finding without a line in the list of codes, none without a file or a test that shows it, none that cannot happen."""
    shown = {code for file in HERE.glob("*/bad/*.yaml") for _, _, code, _ in expected(file.read_text())}
    shown |= {code for _, code, _ in MADE.values()} | {"no-policy", "too-many-facts", "house"}
    shown |= LINTED
    assert raised() == set(CODES)
    assert set(CODES) - shown == set()


def test_every_feature_has_good_and_bad_files() -> None:
    """A feature's folder holds both, or a change could make it refuse everything unseen."""
    features = {file.parts[-3] for kind in ("good", "bad") for file in HERE.glob(f"*/{kind}/*.yaml")}
    assert {kind: {f.parts[-3] for f in HERE.glob(f"*/{kind}/*.yaml")} for kind in ("good", "bad")} == {
        "good": features,
        "bad": features,
    }


GOLDEN = """\
error[unknown-fact]: an exchange has no fact `recipient.contry`
   --> golden.yaml:14:7
   |
14 |     - recipient.contry: {not: BB}
   |       ^^^^^^^^^^^^^^^^ not in the vocabulary
   = help: did you mean `recipient.country` or `exporter.country`?

error[bad-value]: `nope` is neither `yes` nor `no`
   --> golden.yaml:15:22
   |
15 |     - data.personal: nope
   |                      ^^^^ not a yes/no"""


def test_an_error_shows_its_place_its_line_and_what_to_do() -> None:
    """The whole text of a refusal: code, message, place, excerpt, underline, label and help."""
    text = b"""\
policy: p
title: a law
jurisdiction: AA
instrument: {issuer: a ministry, force: law}
in_force: {from: 2020-01-01}
rules:
  - id: r
    title: a rule
    cite: Art. 1
    says: what it says
    source: made up
    status: confirmed
    when:
    - recipient.contry: {not: BB}
    - data.personal: nope
    review: look at it
applies: {exporter.country: AA}
"""
    with pytest.raises(engine.BundleRefused) as refused:
        engine.load_sources({**SHARED, "golden.yaml": text})
    assert str(refused.value) == GOLDEN


def test_a_warning_says_so_and_colours_are_only_added() -> None:
    """A warning is headed as one; in colour the text is the same."""
    found = Findings()
    found.warn(Span("a.yaml", 1, 3, 5), "bare-number", "`12345` is hard to read", help="write `12_345`")
    plain, coloured = (found.all[0].render({"a.yaml": "x: 12345"}, colour) for colour in (False, True))
    assert plain == (
        "warning[bare-number]: `12345` is hard to read\n"
        "  --> a.yaml:1:3\n"
        "  |\n"
        "1 | x: 12345\n"
        "  |   ^^^^^\n"
        "  = help: write `12_345`"
    )
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    assert coloured != plain

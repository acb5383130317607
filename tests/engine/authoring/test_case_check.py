"""The values and names in test files are checked with them, each mistake at its place."""

from __future__ import annotations

from pathlib import Path

import engine

POLICIES = Path(__file__).parents[2] / "service" / "bundle" / "policies"
HEAD = "test: cn.test\nas_of: 2024-06-01\n"


def bundle(text: str) -> engine.Bundle:
    """A bundle with one test file."""
    return engine.load_sources({**{file.name: file.read_bytes() for file in POLICIES.glob("*.yaml")}, "t.yaml": text.encode()})


def findings(exchange: str, change: str = "", expect: str = "because: [art-1]") -> list[str]:
    """What is found in a test file of one case."""
    cases = f"cases:\n  - case: it is so\n    change: {{{change}}}\n    expect: {{{expect}}}\n"
    found = engine.test_findings(bundle(f"{HEAD}exchange: {{{exchange}}}\n{cases}"))
    return [f"{each.at.line}:{each.at.column} {each.code} {each.message}; {each.help}" for each in found]


def test_a_wrong_value_and_an_unknown_fact_are_found_at_their_place() -> None:
    """In the exchange of the file, in the change of a case, and inside a document."""
    assert findings("exporter.country: CN, data.people: 1 million", "data.people: left out, recipient: the public") == []
    (found,) = findings("exporter.country: CNN")
    assert found.startswith("3:30 bad-value `exporter.country` `CNN` is not one of `CN`, `KE`, `US`"), found
    (found,) = findings("", "exporter.contry: left out")
    assert found.startswith("6:14 unknown-fact an exchange has no fact `exporter.contry`; did you mean `exporter.country`"), (
        found
    )
    (found,) = findings("data.people: '100,00x'")
    assert found == "3:25 bad-value `100,00x` is not a whole number; write it like `100 thousand`, `1 million` or `250`"
    (found,) = findings("evidence.cn-standard-contract: {dated: tomorrow, covers: yes}")
    assert found.startswith("3:51 bad-value `evidence.cn-standard-contract.dated` `tomorrow` is not a date"), found


def test_a_name_that_is_expected_and_that_there_is_not_is_found_with_what_was_meant() -> None:
    """Whatever an expectation may name."""
    for expect, said in (
        ("outcome: prohibitted", "bad-value there is no outcome `prohibitted`; did you mean `prohibited` or"),
        ("outcome: x", "bad-value there is no outcome `x`; use one of `not_applicable`, `permitted`, "),
        ("jurisdictions: {CN: reviw}", "bad-value there is no outcome `reviw`; did you mean `review`?"),
        ("jurisdictions: {XX: review}", "unknown-jurisdiction there is no jurisdiction `XX`"),
        ("instruments: {cn.tset: review}", "unknown-policy there is no policy `cn.tset`; did you mean `cn.test`?"),
        ("silent: [art-11]", "unknown-rule there is no rule `art-11`; did you mean `cn.test/art-1`?"),
        ("requirements: {cn.contract: met}", "unknown-requirement there is no requirement `cn.contract`"),
        ("duties: [file it]", "bad-value there is no duty `file it`"),
        ("missing: [data.peple]", "unknown-fact there is no fact `data.peple`; did you mean `data.people`"),
        (
            "rests_on: [exporter.county]",
            "unknown-fact there is no statement `exporter.county`; did you mean `exporter.country`",
        ),
        ("not_modelled: ['KE:export']", "unknown-subject there is no country or `country:subject` `KE:export`; did you mean"),
        ("lanes: {green: open}", "unknown-lane there is no lane `green`"),
        ("factor: {a.b: 1}", "unknown-key there is no line of the account `a.b`"),
        ("define: {cn.test/x: yes}", "unknown-definition there is no definition `cn.test/x`"),
    ):
        (found,) = findings("", expect=expect)
        assert said in found, found
        assert found.startswith("7:"), found
    assert findings("", expect="not_modelled: [KE, 'CN:exports'], applies: {cn.test: no}, because: [cn.test/art-1]") == []


def test_a_mistake_that_cases_share_is_said_once_at_its_line() -> None:
    """Cases that do not have it are decided; a case's own mistake is the case's."""
    cases = "".join(
        f"  - case: {number}\n    change: {{{change}}}\n    expect: {{silent: [art-1]}}\n"
        for number, change in enumerate(("", "", "exporter.country: CN", "exporter.country: US, data.people: many"))
    )
    wrong = bundle(f"{HEAD}exchange:\n  data.people: 5\n  exporter.country: CNN\ncases:\n{cases}")
    one, own, shared = engine.run(wrong)
    assert (one.case, one.problems) == ("2", ())
    assert (own.case, own.line) == ("3", 16)
    assert own.problems[0].startswith("t.yaml:17:49: `many` is not a whole number")
    assert shared.line == 5
    assert shared.problems[0].startswith("t.yaml:5:21: `exporter.country` `CNN` is not one of")
    assert shared.problems[1:] == ("so 2 of its cases cannot be decided",)


def test_statements_that_cannot_be_true_together_are_said_once_at_their_line() -> None:
    """Those of the shared exchange at its line; those of a case at the line of the case."""
    head = f"{HEAD}exchange:\n  recipient: the public\n  relies_on: [none]\n"
    cases = "cases:\n  - case: a\n    expect: {silent: [art-1]}\n  - case: b\n    expect: {silent: [art-1]}\n"
    (shared,) = engine.run(bundle(head + cases))
    assert shared.line == 5
    assert shared.problems[0].startswith("t.yaml:5:3: ")
    assert shared.problems[-1] == "so 2 of its cases cannot be decided"


def test_the_bundled_tests_name_only_what_there_is() -> None:
    """Nothing is found in the files of tests that come with the project."""
    assert engine.test_findings(engine.load(engine.bundled_policies())) == ()

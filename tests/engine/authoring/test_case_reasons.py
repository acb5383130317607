"""Why a case comes out as it does: the conditions on which it turns, each with its place and its value."""

from __future__ import annotations

import engine

VOCABULARY = """\
vocabulary: words
facts:
  exporter.country: {type: country, title: exporter's country}
  data.people: {type: count, title: people}
  data.secret: {type: yes/no, title: the data are secret}
values:
  country: {title: country, values: {AA: Aland, BB: Beland}}
evidence:
  contract: {title: contract}
requirements:
  a.contract: {title: a contract, how: Conclude it., jurisdiction: AA}
jurisdictions:
  AA: {title: Aland, countries: [AA], covers: {all: {from: 2020-01-01, by: [a.law]}}}
subjects:
  all: {title: all data, when: {exporter.country: AA}}
touches:
  - {fact: exporter.country, as: exporter}
"""
LAW = """\
policy: a.law
title: law
jurisdiction: AA
instrument: {issuer: nobody, number: none, force: law}
in_force: {from: 2024-01-01}
applies:
  exporter.country: AA
define:
  many:
    - data.people: {at_least: 100}
rules:
  - {id: ban, title: a ban, cite: a, says: a, source: a, status: confirmed, prohibit: no,
     when: {data.secret: yes}}
  - {id: free, title: free, cite: a, says: a, source: a, status: confirmed, exempts: [ban],
     when: {data.people: {at_most: 5}}}
  - {id: need, title: a need, cite: a, says: a, source: a, status: confirmed, require: a.contract,
     when: [many]}
  - {id: look, title: a look, cite: a, says: a, source: a, status: confirmed, review: Look.,
     when: [many], unless: [{data.secret: no}]}
  - id: ground
    title: a ground
    cite: a
    says: a
    source: a
    status: confirmed
    in_force: {from: 2025-01-01}
    when:
      evidence: {has: contract}
    satisfies: a.contract
"""


def reasons(facts: str, expect: str, change: str = "change: {}") -> list[str]:
    """The problems of a case, each with its reasons in a line each."""
    head = f"test: a.law\nas_of: 2024-06-01\nexchange: {{exporter.country: AA, {facts}}}\n"
    test = f"{head}cases:\n  - case: so\n    {change}\n    expect: {{{expect}}}\n"
    sources = {"words.yaml": VOCABULARY, "law.yaml": LAW, "law.test.yaml": test}
    (result,) = engine.run(engine.load_sources({name: text.encode() for name, text in sources.items()}))
    found = []
    for problem, of in zip(result.problems, result.reasons, strict=True):
        found.append(problem.partition(":")[0])
        for reason in of:
            found += [f"{reason.says} {reason.at}"] if reason.says else []
            found += [
                f"- {test.truth} {test.at} {test.test} [{test.value}]" + f" in {test.define}" * bool(test.define)
                for test in reason.tests
            ]
    return found


def test_what_does_not_stand_says_which_condition_is_no() -> None:
    """With its line and the value; through a definition it is the line of the definition."""
    assert reasons("data.people: 5", "because: [need]") == [
        "`need` does not stand",
        "- no law.yaml:10 at least 100 people [data.people: 5] in many",
    ]


def test_a_near_number_and_what_the_case_changed_stand_first() -> None:
    """Before what the provision says of its own; that its policy applies comes last."""
    assert reasons("data.people: 5, data.secret: yes", "silent: [free]")[1:] == [
        "- yes law.yaml:15 at most 5 people [data.people: 5]",
        "- yes law.yaml:5 the date is on or after 2024-01-01 [as_of: 2024-06-01]",
        "- yes law.yaml:7 the exporter is in Aland [exporter.country: AA]",
    ]
    assert reasons("data.people: 3", "silent: [free]", change="change: {exporter.country: AA}")[1:] == [
        "- yes law.yaml:7 the exporter is in Aland [exporter.country: AA]",
        "- yes law.yaml:15 at most 5 people [data.people: 3]",
        "- yes law.yaml:5 the date is on or after 2024-01-01 [as_of: 2024-06-01]",
    ]


def test_what_is_unknown_is_said_to_be_unknown() -> None:
    """A fact that is left out is no fact that is otherwise."""
    assert reasons("data.people: 50", "silent: [ban]") == [
        "`ban` may stand",
        "- unknown law.yaml:13 the data are secret [data.secret: left out]",
    ]
    assert reasons("data.people: unknown", "because: [need]")[:2] == [
        "`need` only may stand",
        "- unknown law.yaml:10 at least 100 people [data.people: unknown] in many",
    ]


def test_what_stands_under_unless_is_told_as_its_opposite() -> None:
    """So that every line of what does not stand is a condition that it lacks."""
    assert reasons("data.people: 100, data.secret: no", "because: [look]") == [
        "`look` does not stand",
        "- no law.yaml:19 the data are secret [data.secret: no]",
    ]


def test_what_is_exempted_names_what_exempts_from_it() -> None:
    """With the conditions of the exemption; a provision that is not beaten says why nothing exempts from it."""
    assert reasons("data.people: 5, data.secret: yes", "because: [ban]") == [
        "`ban` does not stand",
        "`a.law/free` exempts from it law.yaml:14",
        "- yes law.yaml:15 at most 5 people [data.people: 5]",
        "- yes law.yaml:5 the date is on or after 2024-01-01 [as_of: 2024-06-01]",
        "- yes law.yaml:7 the exporter is in Aland [exporter.country: AA]",
    ]
    assert reasons("data.people: 6, data.secret: yes", "beaten: [ban]") == [
        "`ban` is not beaten",
        "`a.law/free` does not stand law.yaml:14",
        "- no law.yaml:15 at most 5 people [data.people: 6]",
    ]


def test_a_requirement_that_is_not_met_names_the_grounds() -> None:
    """Each with what it lacks, the day of its law among it."""
    assert reasons("data.people: 100, data.secret: no", "requirements: {a.contract: met}") == [
        "the requirement a.contract is unmet, not met",
        "`a.law/ground` does not stand law.yaml:20",
        "- no law.yaml:26 the date is on or after 2025-01-01 [as_of: 2024-06-01]",
        "- no law.yaml:28 contract is shown [evidence.contract: left out]",
    ]


def test_an_outcome_names_what_raises_it_and_what_would() -> None:
    """What raises it where a milder one is expected; where a stricter one is, the provisions that would raise it so high."""
    assert reasons("data.people: 100, data.secret: no", "outcome: permitted")[1:] == [
        "`a.law/need` stands and requires a.contract law.yaml:16"
    ]
    assert reasons("data.people: 50, data.secret: no", "jurisdictions: {AA: prohibited}")[1:] == [
        "`a.law/ban` does not stand law.yaml:12",
        "- no law.yaml:13 the data are secret [data.secret: no]",
    ]


def test_a_policy_and_a_definition_say_why_they_read_so() -> None:
    """The same conditions, without a provision."""
    assert reasons("data.people: 5", "define: {a.law/many: yes}") == [
        "`a.law/many` is no, not yes",
        "- no law.yaml:10 at least 100 people [data.people: 5] in many",
    ]


def test_everything_that_a_passing_case_expects_has_its_conditions() -> None:
    """Those that make it so."""
    test = """\
test: a.law
as_of: 2024-06-01
exchange: {exporter.country: AA, data.people: 5, data.secret: yes}
cases:
  - case: so
    expect: {beaten: [ban], silent: [need], applies: {a.law: yes}}
"""
    sources = {"words.yaml": VOCABULARY, "law.yaml": LAW, "law.test.yaml": test}
    bundle = engine.load_sources({name: text.encode() for name, text in sources.items()})
    (case,) = engine.named_cases(bundle, "law", "SO")
    assert isinstance(case, engine.PreparedCase)
    found = {expected.key: of for expected, of in engine.why(engine.PDP(bundle), case)}
    assert [each.test for reason in found["silent"] for each in reason.tests] == ["at least 100 people"]
    assert [each.at for reason in found["applies"] for each in reason.tests] == ["law.yaml:5", "law.yaml:7"]
    assert [reason.says for reason in found["beaten"]] == ["`a.law/free` stands"]

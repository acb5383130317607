"""
Lies: each refused case with one statement changed. What comes of each, and that the command finds a permit that names too little.

The bundled policies are tried for four seconds of a processor's time, in parts; `make fuzz` tries every lie.
"""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import engine
from engine.authoring.false_statements import (
    FATES,
    IN_VAIN,
    KINDS,
    SPELLINGS,
    TWO_AT_ONCE,
    FalseStatement,
    Fate,
    LanesWrong,
    _changed,
    _Door,
)
from engine.authoring.prepared_case import PreparedCase
from engine.exchange_input.exchange_problems import ExchangeRefused
from engine.values.document_facts import with_fact_set
from engine.values.outcome_levels import Bounds, Level
from service.cli.lies import HEADINGS
from service.cli.main import app
from service.cli.output import count
from tests import chance as left_to_chance
from tests.engine.backends.test_cases import VOCABULARY

SECONDS, CASES, AT_A_TIME, FEW = 4, 4, 60, 20  # some lies about a few cases of each file
LAW = """\
policy: aa.law
title: a law
jurisdiction: AA
instrument: {issuer: a ministry, force: law}
in_force: {from: 2020-01-01}
applies: {exporter.country: AA}
rules:
  - {id: bar, title: bar, cite: 1, says: so, source: made up, status: confirmed, when: {data.label: bar}, prohibit: no}
  - {id: need, title: need, cite: 2, says: so, source: made up, status: confirmed, when: {data.sold: yes}, require: certificate}
  - id: ground
    title: ground
    cite: 3
    says: so
    source: made up
    status: confirmed
    when: [evidence: {has: certificate}]
    satisfies: certificate
    duties:
      - {duty: file it, who: exporter, due: {within: 1 day, after: data.collected_on}}
  - {id: free, title: free, cite: 4, says: so, source: made up, status: confirmed, when: [claims: {has: necessity}], satisfies: certificate}
  - {id: many, title: many, cite: 5, says: so, source: made up, status: confirmed, when: {data.people.total: {at_least: 100}}, review: look}
"""
TESTS = """\
test: aa.law
as_of: 2026-06-15
exchange:
  {exporter.country: AA, data.personal: no, data.categories: [weather], data.label: other, data.sold: no, data.people.ordinary: 1,
   data.people.rest: 0}
cases:
  - {case: it may go, change: {}, expect: {outcome: permitted}}
  - {case: nothing barred goes, change: {data.label: bar}, expect: {outcome: prohibited}}
  - {case: sold without a certificate, change: {data.sold: yes}, expect: {outcome: requirements_unmet}}
  - {case: the same once more, change: {data.sold: yes}, expect: {outcome: requirements_unmet}}
  - case: with one that should have been filed
    change:
      data.sold: yes
      data.collected_on: 2026-01-01
      evidence.certificate: {dated: 2026-01-01, covers: yes}
      claims.necessity: {dated: 2026-01-01, covers: yes}
      relies_on: [aa.law/ground]
    expect: {outcome: review}
"""
SOURCES = {"law.yaml": LAW.encode(), "law.test.yaml": TESTS.encode(), "vocabulary.yaml": VOCABULARY.read_bytes()}


def liar(bundle: engine.Bundle) -> engine.StatementTester:
    return engine.StatementTester(bundle, engine.PDP(bundle, "bitset"), [file for file, _ in bundle.tests])


@pytest.fixture
def made() -> engine.StatementTester:
    return liar(engine.load_sources(SOURCES))


@pytest.fixture
def law(tmp_path: Path) -> Path:
    for name, text in SOURCES.items():
        (tmp_path / name).write_bytes(text)
    return tmp_path


def deep(document: Any, changed: dict[str, Any]) -> Any:
    """A document with some facts changed."""
    for name, value in changed.items():
        document = with_fact_set(document, name, value)
    return document


def fates(made: engine.StatementTester, case: str) -> dict[str, dict[str, Fate]]:
    """What comes of each lie in a case: by statement, then by what is sent."""
    told = next(each for each in made.cases if each.case == case)
    found: dict[str, dict[str, Fate]] = {}
    for lie in made.lies(told):
        found.setdefault(lie.statement, {})[json.dumps(lie.value, sort_keys=True)] = made.fate(told, lie)
    return found


def test_the_refused_cases_are_told_once(made: engine.StatementTester) -> None:
    """Not the one that is permitted, and of two with one exchange the first."""
    assert [case.case for case in made.cases] == [
        "nothing barred goes",
        "sold without a certificate",
        "with one that should have been filed",
    ]


def test_each_statement_is_changed_to_what_the_rules_tell_apart(made: engine.StatementTester) -> None:
    """To every word that is tested and one other, to nothing; a lie that frees is named."""
    found = fates(made, "nothing barred goes")
    assert found["data.label"] == {'"some-other-value"': "named", '"unknown"': "refused", "null": "refused"}
    assert found["data.categories"]["[]"] == "refused"
    assert set(found["data.sold"].values()) == {"refused"}
    assert found["data.people.rest"] == {"null": "refused"}
    assert found["data.people.ordinary"]["100"] == "refused"


def test_a_quantity_is_changed_around_the_threshold_and_to_another_kind_of_unit() -> None:
    """A hundredth of the base unit below the threshold frees, and is named; what nobody can compare does not free."""
    hot = "  - {id: hot, title: a, cite: a, says: a, source: a, status: confirmed, when: {data.energy: {at_least: 1 GJ}}, review: a}\n"
    case = "  - {case: it takes much, change: {data.energy: 300 kWh}, expect: {outcome: review}}\n"
    sources = {"law.yaml": (LAW + hot).encode(), "law.test.yaml": (TESTS + case).encode()}
    made = liar(engine.load_sources(SOURCES | sources))
    assert fates(made, "it takes much")["data.energy"] == {
        '"999.99 MJ"': "named",
        '"1000 MJ"': "refused",
        '"1000.01 MJ"': "refused",
        '"unknown"': "refused",
        "null": "refused",
    }
    told = next(each for each in made.cases if each.case == "it takes much")
    assert made.fate(told, FalseStatement("quantity", "data.energy", "1 FLOP")) == "refused"


def test_documents_and_claims_are_invented(made: engine.StatementTester) -> None:
    """Each frees, and the permit names it; a certificate of which nobody knows when it was to be filed does not."""
    found = fates(made, "sold without a certificate")
    shown = '{"covers": true, "dated": "2026-06-14"}'
    assert found["claims.necessity"] == {shown: "named"}
    assert found["evidence.certificate"] == {shown: "refused"}
    assert found["evidence.licence"] == {shown: "refused"}
    assert found["data.sold"] == {"false": "named", '"unknown"': "refused", "null": "refused"}


def test_a_document_that_is_left_out_is_no_statement(made: engine.StatementTester) -> None:
    """Without the certificate another way is relied on (semantics 2.2); with `none` it is a statement, and named."""
    found = fates(made, "with one that should have been filed")
    assert found["evidence.certificate"]["null"] == "left_out"
    assert found["evidence.certificate"]['"none"'] == "named"
    assert found["relies_on"] == {"null": "left_out", '["aa.law/free"]': "named"}
    assert found["data.collected_on"]['"2026-06-15"'] == "named"


def test_of_two_lies_each_is_named_that_the_other_needs(made: engine.StatementTester) -> None:
    """What frees with one and not without is named beside it; what changes nothing need not be."""
    case = next(each for each in made.cases if each.case == "with one that should have been filed")
    sold = FalseStatement("yes or no", "data.sold", False)
    label = FalseStatement("one of a list", "data.label", "bar")
    no_file = FalseStatement("document", "evidence.certificate", "none")
    no_way = FalseStatement("way relied on", "relies_on", ["aa.law/free"])
    assert made.fate(case, FalseStatement(TWO_AT_ONCE, sold.statement, sold.value, label)) == "refused"
    assert made.fate(case, FalseStatement(TWO_AT_ONCE, no_file.statement, no_file.value, no_way)) == "named"
    barred = next(each for each in made.cases if each.case == "nothing barred goes")
    other = FalseStatement("one of a list", "data.label", "other")
    unsold = FalseStatement("yes or no", "data.sold", True)
    licence = FalseStatement("document", "evidence.licence", {"covers": True, "dated": "2026-06-14"})
    assert made.fate(barred, FalseStatement(TWO_AT_ONCE, other.statement, other.value, unsold)) == "refused"
    assert made.fate(barred, FalseStatement(TWO_AT_ONCE, other.statement, other.value, licence)) == "named"


def test_a_permit_that_names_one_of_two_lies_is_silent_on_the_other(
    made: engine.StatementTester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where neither frees alone."""
    sold = {"data.sold": True, "data.label": "bar"}
    case = next(each for each in made.cases if each.case == "nothing barred goes")
    both = replace(case, exchange=made._bundle.reader.accept(deep(case.exchange.document, sold)))
    lie = FalseStatement(TWO_AT_ONCE, "data.label", "other", FalseStatement("yes or no", "data.sold", False))
    assert made.fate(both, lie) == "named"
    named = engine.PDP.rests_on

    def too_few(self: engine.PDP, judgement: Any, *, exact: bool = False) -> tuple[engine.Statement, ...]:
        return tuple(each for each in named(self, judgement, exact=exact) if each.fact != "data.sold")

    monkeypatch.setattr(engine.PDP, "rests_on", too_few)
    assert made.fate(both, lie) == "silent"


def test_two_lies_are_of_two_statements(made: engine.StatementTester) -> None:
    """None is a part of the other, and the chance decides which."""
    case = made.cases[0]
    lies = list(made.lies(case))
    pairs = list(made.pairs(lies, random.Random(1).choice, 200))
    assert 100 < len(pairs) <= 200
    assert all(lie.beside and lie.statement != lie.beside.statement for lie in pairs)
    assert pairs == list(made.pairs(lies, random.Random(1).choice, 200)) != list(made.pairs(lies, random.Random(2).choice, 200))


def test_lanes_tell_of_many_lies_what_the_engines_tell_of_each(more_sources: dict[str, bytes]) -> None:
    """Of every kind, at the door and beyond it; each exchange is read as the door reads it whole."""
    counted = more_sources["law.test.yaml"].replace(b"people.ordinary: 1,", b"people.ordinary: 1, counts.year.ordinary: 5,")
    more, fates = liar(engine.load_sources(more_sources | {"law.test.yaml": counted})), Counter[Fate]()
    for case in (*more.cases, *more.permits):
        lies = list(more.lies(case))
        pairs = more.pairs(lies, random.Random(case.case).choice, 20)
        others = (more.contradictions(case, lies), more.in_vain(case), more.respelt(case, lies), more.truths(case))
        tried = [*lies, *pairs, *(lie for each in others for lie in each)][::2]
        told = more.fates(case, tried, random.Random(case.case).randrange)
        assert told == [more.fate(case, lie) for lie in tried]
        fates.update(told)
        door = _Door(more._bundle.reader, case.exchange)
        for lie in tried:
            document = _changed(case.exchange.document, lie.parts)
            read = door.read(lie)
            if read is None:
                with pytest.raises(ExchangeRefused):
                    more._bundle.reader.accept(document)
            else:
                assert read == more._bundle.reader.accept(document)
    assert fates.keys() >= {"door", "refused", "named", "decided"}


def test_lanes_that_hide_a_permit_are_found(more: engine.StatementTester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference decides some lies again: one that frees, and that lanes refuse, is no lie that is still refused."""
    friend = named(more, "a friend who is barred")
    lie = FalseStatement("one of a list", "recipient.country", "BB")
    assert more.fates(friend, [lie], random.Random(1).randrange) == ["named"]
    bounds = engine.PDP.bounds

    def refused(self: engine.PDP, exchanges: Any) -> list[Bounds]:
        return [Bounds(Level.PROHIBITED, Level.PROHIBITED) for _ in bounds(self, exchanges)]

    monkeypatch.setattr(engine.PDP, "bounds", refused)
    with pytest.raises(LanesWrong, match=r"law\.test\.yaml:\d+: lanes decide otherwise than the reference"):
        more.fates(friend, [lie], random.Random(1).randrange)


# A ground by a claim that needs something, a bar from which a fact follows, what lifts it, and an entity that is barred.
MORE = """\
  - id: urgent
    title: urgent
    cite: 6
    says: so
    source: made up
    status: confirmed
    when: [claims: {has: emergency}]
    satisfies: certificate
  - {id: genes, title: genes, cite: 7, says: so, source: made up, status: confirmed, when: {data.inherited: yes}, review: look}
  - id: decided
    title: decided
    cite: 8
    says: so
    source: made up
    status: confirmed
    when: [evidence: {has: licence}]
    exempts: [genes]
  - {id: friends, title: friends, cite: 9, says: so, source: made up, status: confirmed, when: {recipient.country: CC}, exempts: [genes]}
  - {id: listed, title: listed, cite: 10, says: so, source: made up, status: confirmed, when: {recipient.country: DD}, prohibit: no}
"""
MORE_CASES = """\
  - {case: nothing weighs against it, change: {data.categories: []}, expect: {outcome: permitted}}
  - case: it may go under a licence
    change: {data.categories: [], evidence.licence: {dated: 2026-01-01, covers: yes}}
    expect: {outcome: permitted}
  - {case: a friend may have all, change: {data.categories: [], recipient.country: CC}, expect: {outcome: permitted}}
  - {case: a friend who is barred, change: {recipient.country: DD}, expect: {outcome: prohibited}}
"""


@pytest.fixture
def more_sources() -> dict[str, bytes]:
    """Beside the law above, what the lies that free nothing and the truths that damn are about."""
    cases = TESTS.replace("exchange:\n  {", "exchange:\n  {recipient.country: BB, data.shared: no, ") + MORE_CASES
    return SOURCES | {"law.yaml": (LAW + MORE).encode(), "law.test.yaml": cases.encode()}


@pytest.fixture
def more(more_sources: dict[str, bytes]) -> engine.StatementTester:
    return liar(engine.load_sources(more_sources))


def named(made: engine.StatementTester, case: str) -> PreparedCase:
    return next(each for each in (*made.cases, *made.permits) if each.case == case)


def came_of(made: engine.StatementTester, case: str, lies: Iterable[FalseStatement]) -> dict[tuple[str, str], Fate]:
    """What comes of some lies about a case, by the statement and what is sent."""
    return {(lie.statement, json.dumps(lie.value, sort_keys=True)): made.fate(named(made, case), lie) for lie in lies}


def test_what_a_lie_contradicts_is_left_out_with_it() -> None:
    """Then the lie frees, and is named; what is left out is no statement."""
    coherent = "\ncoherence:\n  one-of-both:\n    never: {data.label: other, data.shared: no}\n    says: sold what is shared\n"
    words = SOURCES["vocabulary.yaml"].decode() + coherent
    cases = TESTS.replace("data.label: other, ", "data.label: bar, data.shared: no, ").replace(
        "change: {}", "change: {data.label: keep}"
    )
    made = liar(engine.load_sources({**SOURCES, "vocabulary.yaml": words.encode(), "law.test.yaml": cases.encode()}))
    case = named(made, "nothing barred goes")
    lie = FalseStatement("one of a list", "data.label", "other")
    assert made.fate(case, lie) == "door"
    (bolder,) = made.contradictions(case, [lie, FalseStatement("one of a list", "data.label", "keep")])
    assert [(part.statement, part.value) for part in bolder.parts] == [("data.label", "other"), ("data.shared", None)]
    assert made.fate(case, bolder) == "named"


def test_a_claim_that_lacks_what_it_needs_frees_nothing(more: engine.StatementTester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a document of another day, or one that does not cover the data; if one did, the lie would be silent."""
    sold = "sold without a certificate"
    found = came_of(more, sold, more.in_vain(named(more, sold)))
    assert set(found.values()) == {"refused"}
    assert {statement for statement, _ in found} > {
        "claims.emergency",
        "evidence.licence",
        "evidence.certificate",
        "claims.necessity",
    }
    assert ("claims.emergency", '{"covers": true, "dated": "2026-06-14"}') in found  # sold data are no emergency
    assert ("claims.necessity", '{"covers": true, "dated": "2026-06-14"}') not in found
    counts = FalseStatement(IN_VAIN, "claims.necessity", {"covers": True, "dated": "2026-06-14"}, than=(None, None))
    assert more.fate(named(more, sold), counts) == "silent"


def test_an_id_in_another_spelling_frees_nothing(more: engine.StatementTester, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the register has of the entity contradicts the lie, also where the id only looks like its own."""
    friend = named(more, "a friend who is barred")
    lie = FalseStatement("one of a list", "recipient.country", "BB")
    assert more.fate(friend, lie) == "named"
    bolder = list(more.respelt(friend, [lie] * len(SPELLINGS)))
    assert len({json.dumps(each.beside.value) for each in bolder if each.beside}) == len(SPELLINGS)
    assert {more.fate(friend, each) for each in bolder} == {"refused"}
    monkeypatch.setattr("engine.exchange_input.exchange_reader.doubt_facts", lambda values, alike: dict(values))
    assert {more.fate(friend, each) for each in bolder} == {"refused", "silent"}


def test_a_truth_that_damns_ends_a_permit_or_a_document_decides_it(more: engine.StatementTester) -> None:
    """Each value of a set from which other facts follow, and what follows by its own name."""
    bare, licensed = (named(more, case) for case in ("nothing weighs against it", "it may go under a licence"))
    found = came_of(more, bare.case, more.truths(bare))
    damns = ('["genetic"]', '["genome"]', '["no-genome"]')
    assert found == {("data.categories", value): "refused" for value in (*damns, "null")}  # no rule asks for the weather
    beside = came_of(more, licensed.case, more.truths(licensed))
    assert {beside["data.categories", value] for value in damns} == {"decided"}
    followers = [lie for lie in more.truths(bare) if lie.beside and lie.value is None]
    assert [(lie.beside.statement, lie.beside.value) for lie in followers if lie.beside] == [
        ("data.inherited", True),
        ("data.harmless", False),
    ]
    assert {more.fate(bare, lie) for lie in followers} == {"refused"}


def test_what_is_refused_at_the_door_is_told_apart() -> None:
    """A counter below the exchange's own people."""
    counted = TESTS.replace("data.people.ordinary: 1,", "data.people.ordinary: 1, counts.year.ordinary: 5,")
    found = fates(liar(engine.load_sources(SOURCES | {"law.test.yaml": counted.encode()})), "nothing barred goes")
    assert found["data.people.ordinary"]["101"] == "door"


def test_every_kind_of_statement_and_every_fate_has_its_column() -> None:
    """In the table of the command, too."""
    assert tuple(HEADINGS) == FATES
    assert engine.KINDS_OF_LIES == KINDS


def test_the_command_tells_what_came_of_all_lies(law: Path) -> None:
    """By kind, as a table and as JSON; nothing is silent, and it ends with 0."""
    done = CliRunner().invoke(app, ["test", str(law), "--lies", "--all"])
    report = json.loads(CliRunner().invoke(app, ["test", str(law), "--lies", "--all", "--json"]).stdout)
    assert done.exit_code == 0, done.output
    head, *rows = done.stdout.splitlines()
    assert head.split() == " ".join(HEADINGS.values()).split()
    last = next(number for number, row in enumerate(rows, 1) if row.startswith("all "))
    told = {row[:20].strip(): [int(number) for number in row[20:].replace(",", "").split()] for row in rows[:last]}
    assert told.pop("all") == [sum(column) for column in zip(*told.values(), strict=True)]
    assert {kind: dict(zip(FATES, numbers, strict=True)) for kind, numbers in told.items()} == {
        kind: by_fate for kind, by_fate in report["kinds"].items() if any(by_fate.values())
    }
    assert sum(map(sum, told.values())) == report["lies"]
    assert [each["fate"] for each in report["unnamed"] if "beside" not in each] == ["left_out", "left_out"]
    assert {each["fate"] for each in report["unnamed"]} == {"left_out"}
    assert rows[last:] == []


def test_the_command_tells_beside_what_permits_stay(tmp_path: Path, more_sources: dict[str, bytes]) -> None:
    """What was said of them, how many they are and one of them; it ends with 0 all the same."""
    for name, text in more_sources.items():
        (tmp_path / name).write_bytes(text)
    done = CliRunner().invoke(app, ["test", str(tmp_path), "--lies", "--all"])
    assert done.exit_code == 0, done.output
    line = next(
        number for number, text in enumerate(more_sources["law.test.yaml"].decode().splitlines(), 1) if "a friend may" in text
    )
    told = [text.rpartition("; one is ") for text in done.stdout.splitlines()]
    ends = [
        place
        for said, _, place in told
        if said == '1 permit stays with `data.categories` as ["genetic"], beside nothing that decides'
    ]
    assert [end.endswith(f"law.test.yaml:{line}") for end in ends] == [True]
    assert [said for said, _, _ in told if said.endswith('`data.categories` as ["genome"], beside a document that decides')]


def test_what_stays_is_proposed_as_a_case(tmp_path: Path, more_sources: dict[str, bytes]) -> None:
    """Pasted into its file it runs: it passes where a document decides, and fails where nothing does."""
    for name, text in more_sources.items():
        (tmp_path / name).write_bytes(text)
    done = CliRunner().invoke(app, ["test", str(tmp_path), "--lies", "--all"])
    told = done.stdout.partition("cases to paste; ")[2].partition("\n")[2]
    assert told.startswith(f"# {tmp_path.name}/law.test.yaml\n  - case: ")
    pasted = more_sources["law.test.yaml"].decode().rstrip() + "\n" + told
    bundle = engine.load_sources({**more_sources, "law.test.yaml": pasted.encode()})
    before = {each.case for each in engine.run(engine.load_sources(more_sources))}
    found = {each.case: each.problems for each in engine.run(bundle) if each.case not in before}
    staying = {case for case in found if case.startswith("Nothing goes with data.")}
    assert found.keys() - staying == {case for case, problems in found.items() if not problems}
    assert "A document decides beside data.categories [genome]" in found
    assert "Nothing goes with data.categories [genetic]" in staying
    assert {problem for case in staying for problem in found[case]} == {"proceed is yes, not no"}


def test_a_silent_lie_is_printed_and_ends_with_1(law: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its case, the statement and what was sent in its place."""

    def too_few(self: engine.PDP, judgement: Any, *, exact: bool = False) -> tuple[engine.Statement, ...]:
        return ()

    monkeypatch.setattr(engine.PDP, "rests_on", too_few)
    done = CliRunner().invoke(app, ["test", str(law), "--lies", "--all"])
    assert done.exit_code == 1
    assert "/law.test.yaml:8 nothing barred goes\n" in done.stdout
    said = '`data.label` as "some-other-value" frees the exchange, and the permit does not name it'
    assert said in " ".join(done.stdout.split())
    assert "  - case: A permit that comes of data.label some-other-value names it\n" in done.stdout
    assert "    expect:\n      rests_on: [data.label]\n" in done.stdout


def test_lanes_that_are_wrong_end_the_command_with_a_sentence(law: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says in which case, what differs and what to do, and ends with 1; what was tried before is reported."""
    bounds = engine.PDP.bounds

    def wrong(self: engine.PDP, exchanges: Any) -> list[Bounds]:
        stood = [(exchange, day) for exchange, day in exchanges if "some-other-value" in str(exchange.document)]
        return [Bounds(Level.REVIEW, Level.REVIEW) for _ in exchanges] if stood else bounds(self, exchanges)

    monkeypatch.setattr(engine.PDP, "bounds", wrong)
    done = CliRunner().invoke(app, ["test", str(law), "--lies", "--all", "--json"])
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert re.search(r"law\.test\.yaml:\d+: lanes decide otherwise than the reference in a case like `.+`, on \d", done.stderr)
    assert re.search(r": review, not \w+( to \w+)?, of the exchange \{", done.stderr)
    assert "Please report it" in done.stderr
    assert f"The report is of {count(json.loads(done.stdout)['lies'], 'lie')} before it" in done.stderr


def test_a_seed_chooses_the_same_lies_again(law: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some for a moment, and others with another seed."""
    monkeypatch.setattr("service.cli.lies.AT_A_TIME", 3)
    monkeypatch.setattr("service.cli.lies.PAIRS", 2)
    monkeypatch.setattr("service.cli.lies.OTHERS", 1)
    monkeypatch.setattr("service.cli.lies.ROUNDS", 1)
    told = [CliRunner().invoke(app, ["test", str(law), "--lies", "--json", "--seed", seed]).stdout for seed in ("1", "1", "2")]
    assert told[0] == told[1] != told[2]
    kinds = {kind: sum(by_fate.values()) for kind, by_fate in json.loads(told[0])["kinds"].items()}
    beside = {kind: kinds.pop(kind) for kind in KINDS[-4:]}
    assert 9 < sum(kinds.values()) <= 9 + 6
    assert beside["in vain"] == 3 >= beside["id respelt"] > 0


@pytest.mark.parametrize("options", [("--lies", "--mutate"), ("--lies", "--only", "nowhere")])
def test_lies_are_used_wrongly(law: Path, options: tuple[str, ...]) -> None:
    """Beside mutants, or where there is nothing to change."""
    assert CliRunner().invoke(app, ["test", str(law), *options]).exit_code == 2


def test_no_lie_passes_in_silence() -> None:
    """
    On the bundled policies: some lies about the cases of some of the files, for a time and until one that frees is named.

    The short answer of a permit tells the statement that was changed, at least by its name.
    """
    bundle = engine.load(engine.bundled_policies())
    chance = random.Random(0)
    files = [file for file, _ in bundle.tests]
    chance.shuffle(files)
    told: Counter[Fate] = Counter()
    damned: Counter[Fate] = Counter()
    ends = time.process_time() + SECONDS
    pdp = engine.PDP(bundle, "bitset")
    for file in files:
        made = engine.StatementTester(bundle, pdp, [file])
        for case in chance.sample(made.cases, min(len(made.cases), CASES)):
            lies = list(made.lies(case))
            chosen = chance.sample(lies, min(len(lies), AT_A_TIME))
            others = [list(each) for each in (made.contradictions(case, chosen), made.in_vain(case), made.respelt(case, lies))]
            vain = [lie for each in others for lie in chance.sample(each, min(len(each), FEW))]
            tried = [*chosen, *vain, *made.pairs(lies, chance.choice, AT_A_TIME)]
            for lie, fate in zip(tried, made.fates(case, tried, chance.randrange), strict=True):
                assert fate != "silent", (case.file, case.line, lie)
                told[fate] += 1
                if fate == "named" and not lie.beside:
                    exchange = bundle.reader.accept(with_fact_set(case.exchange.document, lie.statement, lie.value))
                    written = pdp.answer(pdp.judge(exchange, as_of=case.as_of), today=case.as_of, id="1")
                    names = {*written.also_rests_on, *(each.fact for each in written.rests_on)}
                    assert lie.statement in names or "also_rests_on" in written.further
        for permit in chance.sample(made.permits, min(len(made.permits), 1)):
            damned += Counter(made.fates(permit, list(made.truths(permit)), chance.randrange))
        if told["named"] and damned.total() > 12 and time.process_time() > ends:
            break
    assert told["named"] > 0, told
    assert damned["refused"] > 4 * (damned["stays"] + damned["decided"]), damned


@pytest.mark.fuzz(weight=20)
def test_no_lie_at_all_passes_in_silence() -> None:
    """Every lie about every case; LIES_SECONDS tries some instead, which LIES_SEED chooses."""
    some = os.environ.get("LIES_SECONDS") or left_to_chance.share()
    seed = os.environ.get("LIES_SEED") or str(left_to_chance.seed(0))
    print(f"lies, with the seed {seed}" if some else "every lie", flush=True)
    options = ["--seconds", str(some), "--seed", seed] if some else ["--all"]
    done = CliRunner().invoke(app, ["test", "--lies", *options])
    print(done.stdout)
    every = re.search(r"^all +(.+)$", done.stdout, re.MULTILINE)
    number = sum(int(each.replace(",", "")) for each in every[1].split()) if every else 0
    left_to_chance.tried(number, 1, wanted=number + bool(some))
    assert done.exit_code == 0

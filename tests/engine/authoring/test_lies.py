"""
Lies: each refused case with one statement changed. What comes of each, and that the command finds a permit that names too little.

The bundled policies are tried for twenty seconds of a processor's time, in parts; `make fuzz` tries every lie.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import engine
from engine.authoring.lies import FATES, KINDS, TWO_AT_ONCE, Fate, Lie
from engine.deciding.contributions import put
from service.cli.lies import HEADINGS
from service.cli.main import app
from tests.engine.backends.test_cases import VOCABULARY

PARTS, SECONDS, CASES, AT_A_TIME = 4, 5, 4, 60  # some lies about a few cases of each file
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


def liar(bundle: engine.Bundle) -> engine.Liar:
    return engine.Liar(bundle, engine.PDP(bundle, "bitset"), [file for file, _ in bundle.tests])


@pytest.fixture
def made() -> engine.Liar:
    return liar(engine.load_sources(SOURCES))


@pytest.fixture
def law(tmp_path: Path) -> Path:
    for name, text in SOURCES.items():
        (tmp_path / name).write_bytes(text)
    return tmp_path


def deep(document: Any, changed: dict[str, Any]) -> Any:
    """A document with some facts changed."""
    for name, value in changed.items():
        document = put(document, name, value)
    return document


def fates(made: engine.Liar, case: str) -> dict[str, dict[str, Fate]]:
    """What comes of each lie in a case: by statement, then by what is sent."""
    told = next(each for each in made.cases if each.case == case)
    found: dict[str, dict[str, Fate]] = {}
    for lie in made.lies(told):
        found.setdefault(lie.statement, {})[json.dumps(lie.value, sort_keys=True)] = made.fate(told, lie)
    return found


def test_the_refused_cases_are_told_once(made: engine.Liar) -> None:
    """Not the one that is permitted, and of two with one exchange the first."""
    assert [case.case for case in made.cases] == [
        "nothing barred goes",
        "sold without a certificate",
        "with one that should have been filed",
    ]


def test_each_statement_is_changed_to_what_the_rules_tell_apart(made: engine.Liar) -> None:
    """To every word that is tested and one other, to nothing; a lie that frees is named."""
    found = fates(made, "nothing barred goes")
    assert found["data.label"] == {'"some-other-value"': "named", '"unknown"': "refused", "null": "refused"}
    assert found["data.categories"]["[]"] == "refused"
    assert set(found["data.sold"].values()) == {"refused"}
    assert found["data.people.rest"] == {"null": "refused"}
    assert found["data.people.ordinary"]["100"] == "refused"


def test_documents_and_claims_are_invented(made: engine.Liar) -> None:
    """Each frees, and the permit names it; a certificate of which nobody knows when it was to be filed does not."""
    found = fates(made, "sold without a certificate")
    shown = '{"covers": true, "dated": "2026-06-14"}'
    assert found["claims.necessity"] == {shown: "named"}
    assert found["evidence.certificate"] == {shown: "refused"}
    assert found["evidence.licence"] == {shown: "refused"}
    assert found["data.sold"] == {"false": "named", '"unknown"': "refused", "null": "refused"}


def test_a_document_that_is_left_out_is_no_statement(made: engine.Liar) -> None:
    """Without the certificate another way is relied on (semantics 2.2); with `none` it is a statement, and named."""
    found = fates(made, "with one that should have been filed")
    assert found["evidence.certificate"]["null"] == "left_out"
    assert found["evidence.certificate"]['"none"'] == "named"
    assert found["relies_on"] == {"null": "left_out", '["aa.law/free"]': "named"}
    assert found["data.collected_on"]['"2026-06-15"'] == "named"


def test_of_two_lies_each_is_named_that_the_other_needs(made: engine.Liar) -> None:
    """What frees with one and not without is named beside it; what changes nothing need not be."""
    case = next(each for each in made.cases if each.case == "with one that should have been filed")
    sold = Lie("yes or no", "data.sold", False)
    label = Lie("one of a list", "data.label", "bar")
    no_file = Lie("document", "evidence.certificate", "none")
    no_way = Lie("way relied on", "relies_on", ["aa.law/free"])
    assert made.fate(case, Lie(TWO_AT_ONCE, sold.statement, sold.value, label)) == "refused"
    assert made.fate(case, Lie(TWO_AT_ONCE, no_file.statement, no_file.value, no_way)) == "named"
    barred = next(each for each in made.cases if each.case == "nothing barred goes")
    other = Lie("one of a list", "data.label", "other")
    unsold = Lie("yes or no", "data.sold", True)
    licence = Lie("document", "evidence.licence", {"covers": True, "dated": "2026-06-14"})
    assert made.fate(barred, Lie(TWO_AT_ONCE, other.statement, other.value, unsold)) == "refused"
    assert made.fate(barred, Lie(TWO_AT_ONCE, other.statement, other.value, licence)) == "named"


def test_a_permit_that_names_one_of_two_lies_is_silent_on_the_other(made: engine.Liar, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither frees alone."""
    sold = {"data.sold": True, "data.label": "bar"}
    case = next(each for each in made.cases if each.case == "nothing barred goes")
    both = replace(case, exchange=made._bundle.reader.accept(deep(case.exchange.document, sold)))
    lie = Lie(TWO_AT_ONCE, "data.label", "other", Lie("yes or no", "data.sold", False))
    assert made.fate(both, lie) == "named"
    named = engine.PDP.rests_on

    def too_few(self: engine.PDP, judgement: Any, *, exact: bool = False) -> tuple[engine.Statement, ...]:
        return tuple(each for each in named(self, judgement, exact=exact) if each.fact != "data.sold")

    monkeypatch.setattr(engine.PDP, "rests_on", too_few)
    assert made.fate(both, lie) == "silent"


def test_two_lies_are_of_two_statements(made: engine.Liar) -> None:
    """None is a part of the other, and the chance decides which."""
    case = made.cases[0]
    pairs = list(made.pairs(case, random.Random(1).choice, 200))
    assert 100 < len(pairs) <= 200
    assert all(lie.beside and lie.statement != lie.beside.statement for lie in pairs)
    assert pairs == list(made.pairs(case, random.Random(1).choice, 200)) != list(made.pairs(case, random.Random(2).choice, 200))


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
    told = {row[:20].strip(): [int(number) for number in row[20:].replace(",", "").split()] for row in rows}
    assert told.pop("all") == [sum(column) for column in zip(*told.values(), strict=True)]
    assert {kind: dict(zip(FATES, numbers, strict=True)) for kind, numbers in told.items()} == {
        kind: by_fate for kind, by_fate in report["kinds"].items() if any(by_fate.values())
    }
    assert sum(map(sum, told.values())) == report["lies"]
    assert [each["fate"] for each in report["unnamed"] if "beside" not in each] == ["left_out", "left_out"]
    assert {each["fate"] for each in report["unnamed"]} == {"left_out"}


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


def test_a_seed_chooses_the_same_lies_again(law: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some for a moment, and others with another seed."""
    monkeypatch.setattr("service.cli.lies.AT_A_TIME", 3)
    monkeypatch.setattr("service.cli.lies.PAIRS", 2)
    monkeypatch.setattr("service.cli.lies.ROUNDS", 1)
    told = [CliRunner().invoke(app, ["test", str(law), "--lies", "--json", "--seed", seed]).stdout for seed in ("1", "1", "2")]
    assert told[0] == told[1] != told[2]
    assert 9 < json.loads(told[0])["lies"] <= 9 + 6


@pytest.mark.parametrize("options", [("--lies", "--mutate"), ("--lies", "--only", "nowhere")])
def test_lies_are_used_wrongly(law: Path, options: tuple[str, ...]) -> None:
    """Beside mutants, or where there is nothing to change."""
    assert CliRunner().invoke(app, ["test", str(law), *options]).exit_code == 2


@pytest.mark.parametrize("part", range(PARTS))
def test_no_lie_passes_in_silence(part: int) -> None:
    """On the bundled policies: some lies about the cases of some of the files, for a time and until one that frees is named."""
    bundle = engine.load(engine.bundled_policies())
    chance = random.Random(part)
    files = [file for file, _ in bundle.tests][part::PARTS]
    chance.shuffle(files)
    told: Counter[Fate] = Counter()
    ends = time.process_time() + SECONDS
    pdp = engine.PDP(bundle, "bitset")
    for file in files:
        made = engine.Liar(bundle, pdp, [file])
        for case in chance.sample(made.cases, min(len(made.cases), CASES)):
            lies = list(made.lies(case))
            for lie in (*chance.sample(lies, min(len(lies), AT_A_TIME)), *made.pairs(case, chance.choice, AT_A_TIME)):
                fate = made.fate(case, lie)
                assert fate != "silent", (case.file, case.line, lie)
                told[fate] += 1
        if told["named"] and time.process_time() > ends:
            break
    assert told["named"] > 0, told


@pytest.mark.fuzz
def test_no_lie_at_all_passes_in_silence() -> None:
    """Every lie about every case; LIES_SEED and LIES_SECONDS try some instead."""
    some = os.environ.get("LIES_SECONDS")
    options = ["--seconds", some, "--seed", os.environ.get("LIES_SEED", "0")] if some else ["--all"]
    done = CliRunner().invoke(app, ["test", "--lies", *options])
    print(done.stdout)
    assert done.exit_code == 0

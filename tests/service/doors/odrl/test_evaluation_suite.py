"""The evaluator of ODRL against expectations that were not written here: the test suite and the draft on formal semantics."""

import json
import os
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.cli.main import app
from service.doors.odrl import turtle
from service.doors.odrl.contract_policy import ODRL, RDF_TYPE
from service.doors.odrl.evaluation import evaluator, suite
from service.doors.odrl.evaluation.world import REPORT
from tests.service.conftest import ROOT

FIXTURES = ROOT / "tests" / "service" / "doors" / "fixtures"
SUITE = FIXTURES / "odrl-test-suite" / "data"
EXAMPLES = FIXTURES / "formal-semantics" / "examples"
SAME = "http://www.w3.org/2004/02/skos/core#exactMatch"
WRONG_PARTY = "controlState Permit expected; Deny found (PartyReport Unsatisfied)"


def command(*arguments: object) -> tuple[int, str, str]:
    """How `odrl evaluate` ends and what it prints."""
    done = CliRunner().invoke(app, ["odrl", "evaluate", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


def test_each_of_the_68_cases_of_the_suite_comes_out_as_expected():
    """By activation and by every state; seven expected reports refer to reports that are not in their files."""
    compared = [suite.run(each) for each in suite.cases(SUITE)]
    assert [each.name for each in compared if each.differences] == []
    rules = Counter(said for each in compared for (_, state), said in each.expected.items() if state == "activationState")
    assert rules == {"Active": 34, "Inactive": 34}
    assert sum(len(each.expected) for each in compared) == 2_627
    broken = [each.name[:3] for each in compared if each.missing_nodes]
    assert broken == ["059", "060", "061", "065", "066", "067", "068"]


def test_the_nine_evaluations_of_the_draft_come_out_as_expected_but_for_four_that_are_named():
    """One report gives a rule a state that rules do not have; three permit to `billie1` what is granted to `billie`."""
    compared = {each.name: each for each in map(suite.run, suite.cases(EXAMPLES))}
    assert {name: each.differences for name, each in compared.items() if each.differences} == {
        "C11": ["1: activationState Satisfied expected, which is no activationState; Active found"],
        "C12": [f"C1: {WRONG_PARTY}"],
        "C21": [f"C2: {WRONG_PARTY}"],
        "C23": [f"C2: {WRONG_PARTY}"],
    }
    assert list(compared) == ["A11", "A12", "B11", "B12", "C11", "C12", "C21", "C22", "C23"]


@pytest.mark.parametrize("name", ["C12", "C21", "C23"])
def test_with_the_party_that_the_policy_names_the_draft_s_three_permits_come_out_too(name, tmp_path):
    """`party/billie` instead of `party/billie1`, and nothing else changed."""
    case = next(each for each in suite.cases(EXAMPLES) if each.name == name)
    request = tmp_path / "request.json"
    request.write_text(case.request.read_text().replace("party/billie1", "party/billie"))
    assert suite.run(suite.SuiteCase(name, case.policy, request, case.state, case.report)).differences == []


def test_the_actions_that_include_one_another_are_those_of_the_vocabulary():
    """`RECORD=1` writes the table anew from the vocabulary of the W3C; a name and its exact match include each other."""
    said = turtle.triples((FIXTURES / "odrl" / "ODRL22.ttl").read_bytes())
    actions = {each.subject for each in said if (each.predicate, each.object.text) == (RDF_TYPE, ODRL + "Action")}
    above: dict[str, set[str]] = defaultdict(set)
    for each in said:
        if each.subject in actions and each.predicate in (ODRL + "includedIn", SAME):
            above[each.subject].add(each.object.text)
            if each.predicate == SAME:
                above[each.object.text].add(each.subject)
    table = {action: sorted(above[action]) for action in sorted(above)}
    path = Path(evaluator.__file__).with_name("actions.json")
    if os.environ.get("RECORD"):
        path.write_text(json.dumps(table, indent=1) + "\n")
    assert json.loads(path.read_text()) == table


def test_the_command_prints_a_report_and_ends_by_what_it_says():
    """0 where all that is asked is permitted, 1 where it is not, 2 where nothing could be evaluated."""
    policy, state = SUITE / "policies" / "policy-7.ttl", SUITE / "sotw" / "temporal.ttl"
    status, printed, _ = command(policy, SUITE / "requests" / "request-1.ttl", state)
    assert (status, "report:activationState report:Active" in printed) == (0, True)
    status, printed, _ = command(policy, SUITE / "requests" / "request-4.ttl", state, "--json")
    assert (status, json.loads(printed)["report:ruleReport"][0]["report:activationState"]) == (1, {"@id": f"{REPORT}Inactive"})


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "give a policy and a request, or `--suite`"),
        (("policy-7.ttl",), "give a policy and a request, or `--suite`"),
        (("nowhere.ttl", "policy-7.ttl"), "cannot read"),
        (("policy-7.ttl", "policy-7.ttl"), "a request is one `odrl:Request` or one `EvaluationRequest`"),
        (("--suite", "."), "holds neither a folder `test_cases`"),
        (("--suite", ".", "policy-7.ttl"), "give a policy and a request, or `--suite`"),
    ],
)
def test_what_cannot_be_evaluated_is_one_sentence(arguments, sentence, monkeypatch):
    """And ends with 2."""
    monkeypatch.chdir(SUITE / "policies")
    status, printed, said = command(*arguments)
    assert (status, printed) == (2, "")
    assert said.startswith("error: ")
    assert sentence in said


def test_the_command_compares_a_folder_of_cases_and_names_what_differs():
    """With 1 where something does."""
    status, printed, _ = command("--suite", EXAMPLES)
    assert status == 1
    assert f"    C1: {WRONG_PARTY}\n" in printed
    assert printed.endswith("9 cases: 8 as expected by activation, 5 by every state that their reports name\n")
    status, printed, _ = command("--suite", EXAMPLES, "--json")
    assert (status, json.loads(printed)["by_every_state"]) == (1, 5)


def test_a_folder_whose_cases_name_what_is_not_there_is_refused(tmp_path):
    """A test case of the suite without its policy."""
    (tmp_path / "test_cases").mkdir()
    (tmp_path / "test_cases" / "testcase-001-alice.ttl").write_bytes(
        (SUITE / "test_cases" / "testcase-001-alice.ttl").read_bytes()
    )
    status, _, said = command("--suite", tmp_path)
    assert (status, "which is in no file of" in said) == (2, True)

"""
`fifthfactor odrl evaluate`: an ODRL policy, a request and a state of the world become a compliance report.

The evaluator is one of ODRL alone: it knows no law, and no decision uses it. With `--suite` it evaluates a folder of cases and says what
differs from what each case expects.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.command import AsJson, Commands, UsedWrongly
from service.cli.output import print_json, safe

if TYPE_CHECKING:
    from service.doors.odrl.evaluation.suite import CaseComparison

app = Commands()


@app.add("odrl evaluate policy.json request.json state.json", "odrl evaluate --suite ODRL-Test-Suite/data", name="evaluate")
def evaluate_policy(
    policy: Annotated[Path | None, typer.Argument(help="The policy: Turtle, or JSON-LD in a file that ends in .json.")] = None,
    request: Annotated[Path | None, typer.Argument(help="What is asked: an odrl:Request or an EvaluationRequest.")] = None,
    state: Annotated[Path | None, typer.Argument(help="The state of the world. [nothing is known]")] = None,
    suite: Annotated[Path | None, typer.Option(help="A folder of cases to evaluate and compare.")] = None,
    as_json: AsJson = False,
) -> int:
    """
    Evaluate an ODRL policy and print the compliance report: Turtle, or JSON-LD with `--json`. It is no decision: it knows no law.

    Ends with 1 where the policy does not permit what is asked, or where a case of the suite differs from what it expects.
    """
    from service.doors.installed import missing
    from service.doors.odrl.evaluation import compliance_report
    from service.doors.odrl.evaluation.suite import cases, evaluate_files, run
    from service.doors.odrl.evaluation.world import EvaluationRefused
    from service.problems import RequestRefused

    if sentence := missing("odrl", "pyld", "rdflib"):
        raise UsedWrongly(sentence)
    if (suite is None) == (policy is None or request is None) or (suite and policy):
        raise UsedWrongly("give a policy and a request, or `--suite` with a folder of cases")
    try:
        if suite:
            return _table([run(each) for each in cases(suite)], as_json)
        assert policy
        assert request
        evaluations = evaluate_files(policy, request, state)
    except EvaluationRefused as refused:
        raise UsedWrongly(safe(str(refused))) from None
    except RequestRefused as refused:
        raise UsedWrongly(safe(refused.detail)) from None
    for each in map(compliance_report.document, evaluations):
        if as_json:
            print_json(each)
        else:
            print(compliance_report.turtle(each))
    return int(not all(each.permitted for each in evaluations))


def _table(compared: "Sequence[CaseComparison]", as_json: bool) -> int:
    """One line a case, then what differs, then how many agree."""
    by_activation, in_all = (sum(each.agrees(only) for each in compared) for only in ("activationState", ""))
    if as_json:
        listed = [{"case": each.name, "states": len(each.expected), "differences": each.differences} for each in compared]
        print_json({"cases": listed, "by_activation": by_activation, "by_every_state": in_all})
        return int(in_all < len(compared))
    for each in compared:
        print(f"{safe(each.name):<28} {len(each.expected):>4} states  {'as expected' if each.agrees() else 'differs'}")
        for difference in each.differences:
            print(f"    {safe(difference)}")
        if each.missing_nodes:
            print(f"    the expected report refers to {each.missing_nodes} reports that are not in it")
    print(f"{len(compared)} cases: {by_activation} as expected by activation, {in_all} by every state that their reports name")
    return int(in_all < len(compared))

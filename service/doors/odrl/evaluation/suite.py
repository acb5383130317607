"""
A folder of cases and what each expects: evaluated, and compared state by state.

Two forms of folder are known: the ODRL test suite's (`test_cases`, `policies`, `requests`, `sotw`) and the examples of the draft on formal
semantics (`policy….json` above folders with a request, perhaps a state, and a report). A case is compared twice: by the activation of its
rules, and by every state that its report names. Each difference is one line.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from service.doors.odrl import contract_graph, json_ld
from service.doors.odrl import turtle as turtle_documents
from service.doors.odrl.contract_policy import RDF_TYPE, LinkedDocument, local_name
from service.doors.odrl.evaluation import compliance_report
from service.doors.odrl.evaluation.evaluator import PolicyEvaluation, evaluate
from service.doors.odrl.evaluation.world import EvaluationRefused, RequestVocabulary, read_request, read_world

CASE = "http://example.org/"
MOST_BYTES = 1 << 20  # of a file of Turtle; expected reports are larger than contracts
STATES = {
    "activationState": ("Active", "Inactive"),
    "controlState": ("Permit", "Deny"),
    "deonticState": ("NonSet", "Fulfilled", "Violated"),
    "performanceState": ("Performed", "Unperformed", "Unknown"),
    "satisfactionState": ("Satisfied", "Unsatisfied"),
}
_PREMISES = ("TargetReport", "PartyReport", "ActionReport")
_SUBJECTS = ("rule", "constraint", "condition", "action")

State = tuple[str, str]  # what a report speaks of, and which of its states


@dataclass(frozen=True, slots=True)
class SuiteCase:
    """One case: its files, by what they are."""

    name: str
    policy: Path
    request: Path
    state: Path | None
    report: Path


@dataclass(frozen=True, slots=True)
class CaseComparison:
    """What a case expects and what came out: the states of both, and those that differ or that the expected report lacks."""

    name: str
    expected: dict[State, str]
    found: dict[State, str]
    missing_nodes: int

    @property
    def differences(self) -> list[str]:
        """One sentence for each state that is not as expected."""
        unmet = [
            f"{of} {self.found[of, state]}" for of, state in self.found if of in _PREMISES and state == "satisfactionState"
        ]
        unmet = [each for each in unmet if not each.endswith(" Satisfied")]
        told = []
        for (of, state), said in self.expected.items():
            if (found := self.found.get((of, state), "nothing")) != said:
                possible = said in STATES[state]
                wrong = "" if possible else f", which is no {state}"
                why = f" ({', '.join(unmet)})" if possible and unmet and state in ("activationState", "controlState") else ""
                told.append(f"{local_name(of)}: {state} {said} expected{wrong}; {found} found{why}")
        return told

    def agrees(self, only: str = "") -> bool:
        """Whether every state is as expected, or every one of a kind."""
        return all(self.found.get(key) == said for key, said in self.expected.items() if only in ("", key[1]))


def read_document(path: Path) -> LinkedDocument:
    """A file of linked data: JSON-LD where its name ends in .json or .jsonld, else Turtle. Raises EvaluationRefused, RequestRefused."""
    try:
        with path.open("rb") as opened:
            raw = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise EvaluationRefused(f"cannot read {path}: {error.strerror}") from None
    return json_ld.document(raw) if path.suffix in (".json", ".jsonld") else turtle_documents.document(raw, MOST_BYTES)


def evaluate_files(policy: Path, request: Path, state: Path | None) -> list[PolicyEvaluation]:
    """The evaluations of a policy for each permission that a request asks for. Raises EvaluationRefused, RequestRefused."""
    read = contract_graph.policy(read_document(policy))
    world = read_world(read_document(state) if state else None)
    return [evaluate(read, each, world) for each in read_request(read_document(request), contract_graph.policy)]


def cases(folder: Path) -> list[SuiteCase]:
    """The cases of a folder, by name. Raises EvaluationRefused where there are none."""
    found = list(_test_suite(folder) if (folder / "test_cases").is_dir() else _examples(folder))
    if not found:
        raise EvaluationRefused(f"{folder} holds neither a folder `test_cases` nor a file `evaluationrequest….json`")
    return sorted(found, key=lambda each: each.name)


def _test_suite(folder: Path) -> Iterator[SuiteCase]:
    named: dict[str, Path] = {}
    for path in sorted(each for kind in ("policies", "requests", "sotw") for each in (folder / kind).glob("*.ttl")):
        named |= {each.subject: path for each in read_document(path).triples if each.predicate == RDF_TYPE}
    for path in sorted((folder / "test_cases").glob("*.ttl")):
        said = {each.predicate: each.object.text for each in read_document(path).triples if each.predicate.startswith(CASE)}
        try:
            policy, request, state = (named[said[CASE + each]] for each in ("policy", "request", "sotw"))
        except KeyError as missing:
            raise EvaluationRefused(f"{path.name} names {missing.args[0]}, which is in no file of {folder}") from None
        yield SuiteCase(path.stem.removeprefix("testcase-"), policy, request, state, path)


def _examples(folder: Path) -> Iterator[SuiteCase]:
    for request in sorted(folder.rglob("evaluationrequest*.json")):
        at = request.parent
        policies, reports = sorted(at.parent.glob("policy*.json")), sorted(at.glob("compliancereport*.json"))
        if len(policies) != 1 or len(reports) != 1:
            raise EvaluationRefused(f"{at} needs one `compliancereport….json`, and one `policy….json` above it")
        state = next(iter(sorted(at.glob("state*.json"))), None)
        yield SuiteCase(at.name, policies[0], request, state, reports[0])


def run(case: SuiteCase) -> CaseComparison:
    """Evaluates a case and compares the report with the one expected. Raises EvaluationRefused, RequestRefused."""
    evaluations = evaluate_files(case.policy, case.request, case.state)
    vocabulary = evaluations[0].request.vocabulary
    ours: dict[State, str] = {}
    for each in evaluations:
        written = compliance_report.turtle(compliance_report.document(each))
        ours |= _states(turtle_documents.document(written.encode(), MOST_BYTES), vocabulary)[0]
    expected, missing = _states(read_document(case.report), vocabulary)
    return CaseComparison(case.name, expected, ours, missing)


def _states(document: LinkedDocument, vocabulary: RequestVocabulary) -> tuple[dict[State, str], int]:
    """Every state that a report names, in the suite's words, and how many reports it refers to that are not in it."""
    namespace = compliance_report.NAMESPACES[vocabulary]
    words = (
        {value: key for key, value in compliance_report.DRAFT_NAMES.items()} if vocabulary is RequestVocabulary.DRAFT else {}
    )
    subjects: dict[str, str] = {}
    for each in document.triples:
        name = each.predicate.removeprefix(namespace)
        if name in _SUBJECTS:
            subjects[each.subject] = each.object.text
        if each.predicate == RDF_TYPE and local_name(each.object.text) in _PREMISES:
            subjects.setdefault(each.subject, local_name(each.object.text))
    states = {}
    for each in document.triples:
        name = each.predicate.removeprefix(namespace)
        if name in STATES and each.subject in subjects:
            said = local_name(each.object.text)
            states[subjects[each.subject], name] = words.get(said, said)
    present = {each.subject for each in document.triples}
    referred = {each.object.text for each in document.triples if local_name(each.predicate).endswith("Report")}
    return states, len(referred - present)

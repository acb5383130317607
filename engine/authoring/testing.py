"""
Run the authors' tests: a base exchange, cases that change it, and what each expects.

Every case is decided in the mode `checked`, so a test of a policy is also a test that the engines agree. A case's `define` is
compared with the reference's definitions (semantics 6).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice
from typing import Any

from engine.authoring.case_check import CaseChecker, case_at, place_of
from engine.authoring.case_departures import departures_of
from engine.authoring.case_reasons import CaseReasons, ExpectationLine, Reason, expected_of
from engine.authoring.prepared_case import PreparedCase
from engine.bundle import Bundle
from engine.deciding.judgement import Judgement
from engine.exchange import REGISTER, Exchange
from engine.exchange_input.exchange_problems import ExchangeRefused
from engine.pdp import PDP
from engine.policy_language.case_text import Expectation, TestText
from engine.policy_language.diagnostic import Diagnostic, Findings, did_you_mean
from engine.policy_language.read_document import read_model
from engine.policy_language.tree import Node, Scalar, locate
from engine.policy_language.written_exchange import LEFT_OUT, exchange_json
from engine.rules import AS_OF
from engine.values import BadValue

SHARED = "the exchange that the cases begin with can be read"


@dataclass(frozen=True, slots=True)
class Result:
    """How one case came out. A case without `problems` passes. `reasons` has for each problem the conditions on which it turns."""

    file: str
    line: int
    suite: str
    case: str
    problems: tuple[str, ...]
    reasons: tuple[tuple[Reason, ...], ...] = field(default=(), compare=False)


def run(
    bundle: Bundle,
    only: str = "",
    pdp: PDP | None = None,
    cases: Collection[str] = (),
    seen: Callable[[str, Judgement], object] = lambda *_: None,
) -> Iterator[Result]:
    """
    Run the bundle's test files whose name contains `only`; of their cases those with these sentences, or all. A mistake that cases share
    is one result. `seen` gets each judgement with the name of its suite.
    """
    pdp = pdp or PDP(bundle)
    for file, node in (each for each in bundle.tests if only in each[0]):
        shared: dict[Result, int] = {}
        for each in _prepare(bundle, file, node):
            if isinstance(each, Result) and each.case == SHARED:
                shared[each] = shared.get(each, 0) + 1
            elif not cases or each.case in cases:
                yield result_of(bundle, pdp, each, seen)
        for result, number in shared.items():
            yield replace(result, problems=(*result.problems, f"so {number:,} of its cases cannot be decided"))


def result_of(
    bundle: Bundle, pdp: PDP, case: PreparedCase | Result, seen: Callable[[str, Judgement], object] = lambda *_: None
) -> Result:
    """How a case comes out; one that cannot be decided has its result already."""
    if isinstance(case, Result):
        return case
    judgement = pdp.judge(case.exchange, as_of=case.as_of)
    seen(case.suite, judgement)
    found = tuple(departures_of(bundle, pdp, case, judgement))
    of = CaseReasons(pdp, case.suite, judgement, case.changed).of if found else None
    reasons = tuple(of(each.expected) for each in found) if of else ()
    return Result(case.file, case.line, case.suite, case.case, tuple(each.says for each in found), reasons)


def why(pdp: PDP, case: PreparedCase) -> list[tuple[ExpectationLine, tuple[Reason, ...]]]:
    """Everything that a case expects, each with the conditions on which it turns, whether it comes out so or not."""
    of = CaseReasons(pdp, case.suite, pdp.judge(case.exchange, as_of=case.as_of), case.changed).of
    return [(each, of(each)) for each in expected_of(case.expect)]


def named_cases(bundle: Bundle, file: str, case: str) -> list[PreparedCase | Result]:
    """
    The cases of the test file of this name, or of those whose name contains it: with this sentence, on this line, or with this in the
    sentence. Raises ValueError where there is none.
    """
    tests = dict(bundle.tests)
    files = [each for each in tests if each == file or file.endswith(f"/{each}")] or [each for each in tests if file in each]
    if not files:
        raise ValueError(f"there is no test file `{file}`; {did_you_mean(file, tests)}".rstrip("; "))
    found = [each for name in files for each in _prepare(bundle, name, tests[name])]
    wanted = case.casefold().strip()
    for match in (
        lambda each: each.case == case,
        lambda each: str(each.line) == wanted,
        lambda each: wanted in each.case.casefold(),
    ):
        if some := [each for each in found if match(each)]:
            return some
    near = did_you_mean(case, [each.case for each in found])
    raise ValueError(f"no case of {', '.join(files[:3])} is called `{case}`; {near}".rstrip("; "))


def prepare(bundle: Bundle, file: str) -> Iterator[PreparedCase]:
    """Every case of a test file. Raises ValueError with the first case that cannot be decided."""
    for each in _prepare(bundle, file, dict(bundle.tests)[file]):
        if isinstance(each, Result):
            raise ValueError(f"{each.file}:{each.line}: {each.problems[0]}")
        yield each


def cases(bundle: Bundle) -> Iterator[PreparedCase]:
    """Every case of the bundle's test files that can be decided."""
    for file, node in bundle.tests:
        yield from (each for each in _prepare(bundle, file, node) if isinstance(each, PreparedCase))


@dataclass(frozen=True, slots=True)
class WrittenCase:
    """A case as its author wrote it: what it changes in the exchange of its file, and what it expects of the decision."""

    file: str
    line: int
    case: str
    as_of: date
    change: Mapping[str, Any]
    expect: Mapping[str, Any]


def written_cases(bundle: Bundle, policy: str) -> list[WrittenCase]:
    """
    The cases of the test files of one policy, in their order. None is decided.

    They are read from the bytes of the bundle, so it may have been loaded without its tests.
    """
    found = []
    for file, node in _files_of(bundle, policy):
        text = read_model(TestText, node, Findings())
        for number, case in enumerate(text.cases if text else ()):
            assert text
            line = locate(node, ("cases", number))[1].line
            expect = case.expect.model_dump(mode="json", exclude_defaults=True)
            found.append(WrittenCase(file, line, case.case, case.as_of or text.as_of, case.change, expect))
    return found


def run_policy(bundle: Bundle, policy: str, pdp: PDP, first: int = 0) -> Iterator[Result]:
    """
    Run the cases of the test files of one policy, in their order, one after the other as they are asked for.

    `first` is the number of the first one; the first of all is 0. The bundle may have been loaded without its tests.
    """
    prepared = (each for file, node in _files_of(bundle, policy) for each in _prepare(bundle, file, node))
    yield from (result_of(bundle, pdp, each) for each in islice(prepared, first, None))


def _files_of(bundle: Bundle, policy: str) -> Iterator[tuple[str, Node]]:
    """The test files of one policy, read from the bytes of the bundle."""
    names_it = re.compile(rb"^test:[ ]*[\"']?%s[\"']?[ ]*\r?$" % re.escape(policy).encode(), re.MULTILINE)
    for file, data in bundle.sources.items():
        node = bundle.test(file) if names_it.search(data) else None
        if node is not None:
            yield file, node


def base_of(bundle: Bundle, file: str) -> tuple[Mapping[str, Any], date]:
    """The dotted facts that every case of a test file begins with, and its day. Raises KeyError where there is no such file."""
    text = read_model(TestText, dict(bundle.tests)[file], Findings())
    assert text, f"the cases of {file} cannot be read"
    return text.exchange, text.as_of


def suite_of(test: Node) -> str:
    """What a test file says it tests."""
    suite = locate(test, ("test",))[0]
    return suite.text if isinstance(suite, Scalar) else ""


def file_of_tests(bundle: Bundle, policy: str) -> str:
    """The first test file of a policy; "" where it has none."""
    return next((file for file, node in bundle.tests if suite_of(node) == policy), "")


def expectations(bundle: Bundle) -> Iterator[tuple[str, Expectation]]:
    """For each case, the policy under test and what the case expects."""
    for _, node in bundle.tests:
        text = read_model(TestText, node, Findings())
        for case in text.cases if text else ():
            assert text
            yield text.test, case.expect


def _prepare(bundle: Bundle, file: str, node: Node) -> Iterator[PreparedCase | Result]:
    """Each case of a file, or why it cannot be decided: at the line of the mistake, which may be in the exchange that all cases share."""
    findings, checker = Findings(), CaseChecker(bundle)
    text = checker.read(node, findings)
    if text is None:
        for finding in findings.all:
            yield Result(file, finding.at.line, "", "the test file can be read", (_found(finding),))
        return
    built = [_build(bundle, {**text.exchange, **case.change}) for case in text.cases]
    if not all(isinstance(each, Exchange) for each in built):
        checker.values(node, findings)
    wrong: dict[int | None, list[tuple[int, str]]] = {}
    for finding in findings.errors:
        wrong.setdefault(case_at(node, finding.at.line), []).append((finding.at.line, _found(finding)))
    for number, (case, exchange) in enumerate(zip(text.cases, built, strict=True)):
        line, own, shared = locate(node, ("cases", number))[1].line, wrong.get(number, []), wrong.get(None, [])
        if isinstance(exchange, ExchangeRefused) and not (own or shared):
            places = [(place_of(node, number, problem), problem.detail) for problem in exchange.problems]
            own = [(span.line, f"{span}: {said}") for (span, of_case), said in places if of_case]
            shared = [(span.line, f"{span}: {said}") for (span, of_case), said in places if not of_case]
        if own:
            yield Result(file, line, text.test, case.case, tuple(said for _, said in own))
        elif isinstance(exchange, Exchange):
            day = case.as_of or text.as_of
            changed = (*case.change, *([AS_OF] if case.as_of else ()))
            yield PreparedCase(file, line, text.test, case.case, case.expect, exchange, day, changed)
        else:
            yield Result(file, shared[0][0], text.test, SHARED, tuple(said for _, said in shared))


def _build(bundle: Bundle, flat: dict[str, Any]) -> Exchange | ExchangeRefused | BadValue:
    try:
        return build(bundle, flat)
    except (ExchangeRefused, BadValue) as refused:
        return refused


def _found(finding: Diagnostic) -> str:
    return f"{finding.at}: {finding.message}" + (f"; {finding.help}" if finding.help else "")


def build(bundle: Bundle, flat: dict[str, Any]) -> Exchange:
    """An exchange from dotted facts as an author writes them. Raises ExchangeRefused."""
    return bundle.reader.read(json.dumps(flat_document(bundle, flat)).encode())


def flat_document(bundle: Bundle, flat: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of an exchange, from dotted facts and what the register says."""
    nested = exchange_json(bundle.vocabulary, {name: value for name, value in flat.items() if name != REGISTER})
    register = flat.get(REGISTER)
    if isinstance(register, dict):
        nested[REGISTER] = {key: _registered(bundle, entity) for key, entity in register.items()}
    elif register is not None and register != LEFT_OUT:
        nested[REGISTER] = register
    return nested


def _registered(bundle: Bundle, entity: Any) -> Any:
    """What the register says of an entity: its facts, dotted as in an exchange, or `none`."""
    return {"states": flat_document(bundle, entity)} if isinstance(entity, dict) else {"known": entity != "none"}

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
from functools import partial
from itertools import islice
from typing import Any

from engine.authoring.case_check import CaseChecker, case_at, place_of
from engine.authoring.case_reasons import CaseReasons, Departure, ExpectationLine, Reason, expected_of
from engine.bundle import Bundle
from engine.deciding.combine import Outcome
from engine.deciding.judgement import Judgement
from engine.decision import Decision
from engine.exchange import REGISTER, Exchange
from engine.exchange_input.exchange_problems import ExchangeRefused
from engine.pdp import PDP
from engine.policy_language.case_text import DutyOnDay, Expectation, TestText
from engine.policy_language.diagnostic import Diagnostic, Findings, did_you_mean
from engine.policy_language.read_document import read_model
from engine.policy_language.tree import Node, Scalar, locate
from engine.policy_language.written_exchange import LEFT_OUT, exchange_json
from engine.rules import AS_OF, Truth
from engine.values import BadValue
from engine.values.outcome_levels import outcome_word
from engine.verdict import Verdict, numbers

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


@dataclass(frozen=True, slots=True)
class PreparedCase:
    """
    A case ready to be decided. `suite` is the policy under test; the expectation may name its rules without it. `changed` are the facts
    that the case itself states.
    """

    file: str
    line: int
    suite: str
    case: str
    expect: Expectation
    exchange: Exchange
    as_of: date
    changed: tuple[str, ...] = ()

    @property
    def told(self) -> bool:
        """Whether the expectation names something that only a whole decision shows."""
        expect = self.expect
        plain = Expectation.model_construct(
            outcome=expect.outcome,
            jurisdictions=expect.jurisdictions,
            applies=expect.applies,
            because=expect.because,
            silent=expect.silent,
            define=expect.define,
        )
        return expect != plain

    @property
    def applying(self) -> frozenset[str]:
        """The policies of which the expectation shows whether they apply: those that it names, and those of its silent rules."""
        silent = (_full(self.suite, name).rpartition("/")[0] for name in self.expect.silent or ())
        return frozenset((*self.expect.applies, *silent))


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
    found = tuple(_departures(bundle, pdp, case, judgement))
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


def cases(bundle: Bundle, first: str = "") -> Iterator[PreparedCase]:
    """Every case of the bundle's test files that can be decided; those of files whose name contains `first` come before the others."""
    for file, node in sorted(bundle.tests, key=lambda each: first not in each[0]):
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


def departures(bundle: Bundle, pdp: PDP, case: PreparedCase) -> Iterator[Departure]:
    """Each difference between what a case expects and what comes out."""
    return _departures(bundle, pdp, case, pdp.judge(case.exchange, as_of=case.as_of))


def _departures(bundle: Bundle, pdp: PDP, case: PreparedCase, judgement: Judgement) -> Iterator[Departure]:
    defined = tuple(_by_the_reference(bundle, pdp, case))
    if not defined and _met(bundle, case, judgement):
        return
    # To look for the facts that are missing takes ten times as long as everything else.
    decision = pdp.tell(judgement, today=case.as_of, id="test", asking=case.expect.missing is not None).document()
    if not judgement.agreed:
        yield from (Departure(f"the engines disagree: {text}") for text in decision.engine.disagreement)
    yield from _compare(bundle, case.suite, case.expect, decision, judgement.verdict)
    yield from defined


def _met(bundle: Bundle, case: PreparedCase, judgement: Judgement) -> bool:
    """
    Whether a case comes out as it expects, and this is certain without writing a decision.

    To write one takes a third as long as to judge, and of an open outcome, whose next questions are looked for, many times as long. The
    definitions are compared apart from this.
    """
    return judgement.agreed and not case.told and not any(plain_departures(case, judgement.verdict, judgement.outcome))


def plain_departures(case: PreparedCase, verdict: Verdict, outcome: Outcome) -> Iterator[Departure]:
    """The departures that a verdict and its outcome show, without a decision: a part of those that `departures` finds."""
    expect = case.expect
    if expect.outcome and expect.outcome != outcome.word:
        yield Departure(f"outcome is {outcome.word}, not {expect.outcome}")
    for name, wanted in expect.jurisdictions.items():
        bounds = outcome.jurisdictions.get(name)
        found = outcome_word(bounds) if bounds else "not_applicable"
        if found != wanted:
            yield Departure(f"{name} is {found}, not {wanted}")
    yield from _standing(case.suite, expect, verdict)
    yield from _definitions(expect, verdict.defined)


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


def _compare(bundle: Bundle, policy: str, expect: Expectation, decision: Decision, verdict: Verdict) -> Iterator[Departure]:
    """Every expectation that the decision does not meet, in words."""

    full = partial(_full, policy)
    if expect.outcome and expect.outcome != decision.outcome:
        bounds = f"{decision.bounds.lowest} to {decision.bounds.highest}"
        says = f"outcome is {decision.outcome} ({bounds}), not {expect.outcome}: {decision.answer}"
        yield Departure(says, ExpectationLine("outcome", "", expect.outcome))
    if expect.proceed and (expect.proceed == "yes") is not decision.proceed:
        says = f"proceed is {'yes' if decision.proceed else 'no'}, not {expect.proceed}"
        yield Departure(says, ExpectationLine("proceed", "", expect.proceed))
    outcomes = {part.jurisdiction: part.outcome for part in decision.jurisdictions}
    for name, wanted in expect.jurisdictions.items():
        if outcomes.get(name, "not_applicable") != wanted:
            says = f"{name} is {outcomes.get(name, 'not_applicable')}, not {wanted}"
            yield Departure(says, ExpectationLine("jurisdictions", name, wanted))
    alone = {each.instrument: each.outcome for part in decision.jurisdictions for each in part.instruments}
    for name, wanted in expect.instruments.items():
        if alone.get(name, "not_applicable") != wanted:
            says = f"{name} by itself is {alone.get(name, 'not_applicable')}, not {wanted}"
            yield Departure(says, ExpectationLine("instruments", name, wanted))
    yield from _standing(policy, expect, verdict)
    beaten = {part.provision for part in decision.beaten}
    for name in expect.beaten or ():
        if full(name) not in beaten:
            yield Departure(f"`{name}` is not beaten", ExpectationLine("beaten", name))
    states = {part.requirement: part.state for part in decision.requirements}
    for name, wanted in expect.requirements.items():
        if states.get(name) != wanted:
            says = f"the requirement {name} is {states.get(name, 'not asked for')}, not {wanted}"
            yield Departure(says, ExpectationLine("requirements", name, wanted))
    if expect.duties is not None:
        yield from _duties(expect.duties, decision)
    if expect.overdue is not None:
        yield from _same("overdue duties", expect.overdue, [d.duty for d in decision.duties if d.overdue == "yes"])
    if expect.missing is not None:
        asked = {q.fact for part in decision.missing for q in part.facts}
        yield from _same("missing facts", expect.missing, sorted(asked))
    if expect.not_modelled is not None:
        gaps = {
            g.country if g.subject == "all" else f"{g.country}:{g.subject}" for g in decision.coverage.not_modelled if g.certain
        }
        yield from _same("not modelled", expect.not_modelled, sorted(gaps))
    if expect.conflicts is not None:
        # Of a conflict the provision that compels, of a notice all that open a lane.
        provisions = [p for c in decision.conflicts for p in c.provisions[: 1 if c.kind == "conflict" else None]]
        yield from _same("conflicts", expect.conflicts, provisions)
    for name, state in expect.lanes.items():
        order = ("closed", "possible", "open")
        states_ = [
            lane.state for lane in decision.factor.lanes if name in (lane.lane, lane.provision) or full(name) == lane.provision
        ]
        found = max(states_, key=order.index, default="closed")
        if found != state:
            yield Departure(f"the lane {name} is {found}, not {state}", ExpectationLine("lanes", name, state))
    for path, wanted in expect.factor.items():
        part, _, line = path.partition(".")
        stated = decision.factor.account.get(part, {}).get(line)
        group = decision.factor.computed.get(part)
        computed = next((each for each in group.lines if each.name == line), None) if group else None
        value = stated.value if stated else computed.value if computed else None
        if _plain(value) != _plain(wanted):
            yield Departure(f"the account's {path} is {'missing' if value is None else value}, not {wanted}")
    if expect.rests_on and decision.rests_on is None:
        yield Departure("nothing is said to rest on any statement, because there is no permit", ExpectationLine("proceed"))
    elif expect.rests_on:
        named = {part.fact for part in decision.rests_on or ()}
        yield from (Departure(f"the permit does not rest on {fact}") for fact in expect.rests_on if fact not in named)


def _standing(policy: str, expect: Expectation, verdict: Verdict) -> Iterator[Departure]:
    for name, wanted in expect.applies.items():
        truth = verdict.defined.get(f"{name}#applies")
        if truth is not None and truth is not Truth[wanted.upper()]:
            says = f"whether `{name}` applies is {truth.name.lower()}, not {wanted}"
            yield Departure(says, ExpectationLine("applies", name, wanted))
    certain = {verdict.rules[number].provision.id for number in numbers(verdict.stands.certain)}
    possible = {verdict.rules[number].provision.id for number in numbers(verdict.stands.possible)}
    for name in expect.because or ():
        if _full(policy, name) not in certain:
            does = "only may stand" if _full(policy, name) in possible else "does not stand"
            yield Departure(f"`{name}` {does}", ExpectationLine("because", name))
    for name in expect.silent or ():
        owner = _full(policy, name).rpartition("/")[0]
        if _full(policy, name) in possible:
            does = "stands" if _full(policy, name) in certain else "may stand"
            yield Departure(f"`{name}` {does}", ExpectationLine("silent", name))
        elif verdict.defined.get(f"{owner}#applies") is Truth.NO:
            says = (
                f"`{name}` is silent because `{owner}` does not apply, which shows nothing of it; "
                f"expect `applies: {{{owner}: no}}`, or change the exchange so that it applies"
            )
            yield Departure(says, ExpectationLine("applies", owner))


def _duties(wanted: list[str | DutyOnDay], decision: Decision) -> Iterator[Departure]:
    """The duties that are owed, against those that are expected; the last day of those that are expected with one."""
    names = [each if isinstance(each, str) else each.duty for each in wanted]
    yield from _same("duties", names, [part.duty for part in decision.duties])
    for each in wanted:
        if isinstance(each, DutyOnDay):
            days = [part.due for part in decision.duties if part.duty == each.duty]
            if days and each.due not in days:
                found = " and ".join(str(day) if day else "on no day that is known" for day in days)
                yield Departure(f"the duty “{each.duty}” is due {found}, not {each.due}")


def _full(policy: str, name: str) -> str:
    return name if "/" in name else f"{policy}/{name}"


def _same(what: str, wanted: list[str], found: list[str]) -> Iterator[Departure]:
    if sorted(set(wanted)) != sorted(set(found)):
        says = f"{what} are {', '.join(sorted(set(found))) or 'none'}, not {', '.join(sorted(set(wanted))) or 'none'}"
        first = next(iter(sorted(set(wanted) ^ set(found))), "")
        yield Departure(says, ExpectationLine("duties", first) if what == "duties" else ExpectationLine(""))


def _plain(value: Any) -> Any:
    """A value as the text that a test file would hold, which holds only texts."""
    match value:
        case bool():
            return "yes" if value else "no"
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return sorted(str(_plain(inner)) for inner in value)
        case None:
            return "none"
    return str(value)


def _by_the_reference(bundle: Bundle, pdp: PDP, case: PreparedCase) -> Iterator[Departure]:
    """Each definition that does not read as a case expects, by the reference, whatever the mode."""
    wanted = [each for name in case.expect.define for each in (name, f"{name}!raise")]
    if wanted:
        defined = pdp.defined(case.exchange, case.as_of, [each for each in wanted if each in bundle.rules.definitions])
        yield from _definitions(case.expect, defined)


def _definitions(expect: Expectation, defined: Mapping[str, Truth]) -> Iterator[Departure]:
    """Each definition that reads otherwise than expected."""
    for name, wanted in expect.define.items():
        truth = defined.get(name, defined.get(f"{name}!raise"))
        if truth is None:
            yield Departure(f"there is no definition `{name}`")
        elif truth is not Truth[wanted.upper()]:
            yield Departure(f"`{name}` is {truth.name.lower()}, not {wanted}", ExpectationLine("define", name, wanted))

"""
Run the authors' tests: a base exchange, cases that change it, and what each expects.

Every case is decided in the mode `checked`, so a test of a policy is also a test that the engines agree. A case's `define` is
compared with the reference's definitions (semantics 6).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import islice
from typing import Any

from engine.bundle import Bundle
from engine.deciding.combine import Outcome
from engine.deciding.judgement import Judgement
from engine.decision import Decision
from engine.exchange import REGISTER, Exchange
from engine.exchange_input.exchange_problems import ExchangeRefused
from engine.pdp import PDP
from engine.policy_language.case_text import DutyOnDay, Expectation, TestText
from engine.policy_language.diagnostic import Findings, did_you_mean
from engine.policy_language.read_document import read_model
from engine.policy_language.tree import Node, Scalar, locate, read
from engine.policy_language.written_exchange import LEFT_OUT, exchange_json
from engine.rules import Truth
from engine.values.outcome_levels import outcome_word
from engine.verdict import Verdict, numbers


@dataclass(frozen=True, slots=True)
class Result:
    """How one case came out. A case without `problems` passes."""

    file: str
    line: int
    suite: str
    case: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PreparedCase:
    """A case ready to be decided. `suite` is the policy under test; the expectation may name its rules without it."""

    file: str
    line: int
    suite: str
    case: str
    expect: Expectation
    exchange: Exchange
    as_of: date

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


def run(bundle: Bundle, only: str = "", pdp: PDP | None = None) -> Iterator[Result]:
    """Run the bundle's test files whose name contains `only`."""
    pdp = pdp or PDP(bundle)
    for each in (each for file, node in bundle.tests if only in file for each in _prepare(bundle, file, node)):
        yield _result(bundle, pdp, each)


def _result(bundle: Bundle, pdp: PDP, case: PreparedCase | Result) -> Result:
    """How a case comes out; one that cannot be decided has its result already."""
    if isinstance(case, Result):
        return case
    return Result(case.file, case.line, case.suite, case.case, tuple(departures(bundle, pdp, case)))


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
    yield from (_result(bundle, pdp, each) for each in islice(prepared, first, None))


def _files_of(bundle: Bundle, policy: str) -> Iterator[tuple[str, Node]]:
    """The test files of one policy, read from the bytes of the bundle."""
    names_it = re.compile(rb"^test:[ ]*[\"']?%s[\"']?[ ]*\r?$" % re.escape(policy).encode(), re.MULTILINE)
    for file, data in bundle.sources.items():
        node = read(file, data, Findings()) if names_it.search(data) else None
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


def expectations(bundle: Bundle) -> Iterator[tuple[str, Expectation]]:
    """For each case, the policy under test and what the case expects."""
    for _, node in bundle.tests:
        text = read_model(TestText, node, Findings())
        for case in text.cases if text else ():
            assert text
            yield text.test, case.expect


def _prepare(bundle: Bundle, file: str, node: Node) -> Iterator[PreparedCase | Result]:
    """Each case of a file, or why it cannot be decided."""
    findings = Findings()
    text = read_model(TestText, node, findings)
    if text is None:
        for finding in findings.all:
            yield Result(file, finding.at.line, "", "the test file can be read", (f"{finding.at}: {finding.message}",))
        return
    for number, case in enumerate(text.cases):
        line = locate(node, ("cases", number))[1].line
        try:
            exchange = build(bundle, {**text.exchange, **case.change})
        except ExchangeRefused as refused:
            problems = tuple(f"the exchange is refused: {p.pointer}: {p.detail}" for p in refused.problems)
            yield Result(file, line, text.test, case.case, problems)
        else:
            yield PreparedCase(file, line, text.test, case.case, case.expect, exchange, case.as_of or text.as_of)


def departures(bundle: Bundle, pdp: PDP, case: PreparedCase) -> Iterator[str]:
    """Each difference between what a case expects and what comes out, in words."""
    judgement = pdp.judge(case.exchange, as_of=case.as_of)
    defined = tuple(_by_the_reference(bundle, pdp, case))
    if not defined and _met(bundle, case, judgement):
        return
    # To look for the facts that are missing takes ten times as long as everything else.
    decision = pdp.tell(judgement, today=case.as_of, id="test", asking=case.expect.missing is not None).document()
    if not judgement.agreed:
        yield from (f"the engines disagree: {text}" for text in decision.engine.disagreement)
    yield from _compare(bundle, case.suite, case.expect, decision, judgement.verdict)
    yield from defined


def _met(bundle: Bundle, case: PreparedCase, judgement: Judgement) -> bool:
    """
    Whether a case comes out as it expects, and this is certain without writing a decision.

    For an open outcome this avoids the search for the next questions, which takes long. The definitions are compared apart from this.
    """
    return (
        judgement.agreed
        and judgement.outcome.open
        and not case.told
        and not any(_unknown(bundle, case.suite, case.expect))
        and not any(plain_departures(case, judgement.verdict, judgement.outcome))
    )


def plain_departures(case: PreparedCase, verdict: Verdict, outcome: Outcome) -> Iterator[str]:
    """The departures that a verdict and its outcome show, without a decision: a part of those that `departures` finds."""
    expect = case.expect
    if expect.outcome and expect.outcome != outcome.word:
        yield f"outcome is {outcome.word}, not {expect.outcome}"
    for name, wanted in expect.jurisdictions.items():
        bounds = outcome.jurisdictions.get(name)
        found = outcome_word(bounds) if bounds else "not_applicable"
        if found != wanted:
            yield f"{name} is {found}, not {wanted}"
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


def _compare(bundle: Bundle, policy: str, expect: Expectation, decision: Decision, verdict: Verdict) -> Iterator[str]:
    """Every expectation that the decision does not meet, in words."""

    full = partial(_full, policy)
    yield from _unknown(bundle, policy, expect)
    if expect.outcome and expect.outcome != decision.outcome:
        bounds = f"{decision.bounds.lowest} to {decision.bounds.highest}"
        yield f"outcome is {decision.outcome} ({bounds}), not {expect.outcome}: {decision.answer}"
    if expect.proceed and (expect.proceed == "yes") is not decision.proceed:
        yield f"proceed is {'yes' if decision.proceed else 'no'}, not {expect.proceed}"
    outcomes = {part.jurisdiction: part.outcome for part in decision.jurisdictions}
    for name, wanted in expect.jurisdictions.items():
        if outcomes.get(name, "not_applicable") != wanted:
            yield f"{name} is {outcomes.get(name, 'not_applicable')}, not {wanted}"
    alone = {each.instrument: each.outcome for part in decision.jurisdictions for each in part.instruments}
    for name, wanted in expect.instruments.items():
        if alone.get(name, "not_applicable") != wanted:
            yield f"{name} by itself is {alone.get(name, 'not_applicable')}, not {wanted}"
    yield from _standing(policy, expect, verdict)
    beaten = {part.provision for part in decision.beaten}
    yield from (f"`{name}` is not beaten" for name in expect.beaten or () if full(name) not in beaten)
    states = {part.requirement: part.state for part in decision.requirements}
    for name, wanted in expect.requirements.items():
        if states.get(name) != wanted:
            yield f"the requirement {name} is {states.get(name, 'not asked for')}, not {wanted}"
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
            yield f"the lane {name} is {found}, not {state}"
    for path, wanted in expect.factor.items():
        part, _, line = path.partition(".")
        stated = decision.factor.account.get(part, {}).get(line)
        group = decision.factor.computed.get(part)
        computed = next((each for each in group.lines if each.name == line), None) if group else None
        value = stated.value if stated else computed.value if computed else None
        if _plain(value) != _plain(wanted):
            yield f"the account's {path} is {'missing' if value is None else value}, not {wanted}"
    if expect.rests_on and decision.rests_on is None:
        yield "nothing is said to rest on any statement, because there is no permit"
    elif expect.rests_on:
        named = {part.fact for part in decision.rests_on or ()}
        yield from (f"the permit does not rest on {fact}" for fact in expect.rests_on if fact not in named)


def _unknown(bundle: Bundle, policy: str, expect: Expectation) -> Iterator[str]:
    """Every rule and policy that an expectation names and the bundle does not have."""
    known = bundle.provisions
    for name in (*(expect.because or ()), *(expect.silent or ()), *(expect.beaten or ())):
        if _full(policy, name) not in known:
            yield f"there is no rule `{name}`; {did_you_mean(_full(policy, name), known)}"
    named = (*expect.applies, *expect.instruments)
    policies = set(known.values()) if named else set()
    for name in named:
        if name not in policies:
            yield f"there is no policy `{name}`; {did_you_mean(name, policies)}"


def _standing(policy: str, expect: Expectation, verdict: Verdict) -> Iterator[str]:
    for name, wanted in expect.applies.items():
        truth = verdict.defined.get(f"{name}#applies")
        if truth is not None and truth is not Truth[wanted.upper()]:
            yield f"whether `{name}` applies is {truth.name.lower()}, not {wanted}"
    certain = {verdict.rules[number].provision.id for number in numbers(verdict.stands.certain)}
    possible = {verdict.rules[number].provision.id for number in numbers(verdict.stands.possible)}
    yield from (f"`{name}` does not stand" for name in expect.because or () if _full(policy, name) not in certain)
    for name in expect.silent or ():
        owner = _full(policy, name).rpartition("/")[0]
        if _full(policy, name) in possible:
            yield f"`{name}` stands or may stand"
        elif verdict.defined.get(f"{owner}#applies") is Truth.NO:
            yield (
                f"`{name}` is silent because `{owner}` does not apply, which shows nothing of it; "
                f"expect `applies: {{{owner}: no}}`, or change the exchange so that it applies"
            )


def _duties(wanted: list[str | DutyOnDay], decision: Decision) -> Iterator[str]:
    """The duties that are owed, against those that are expected; the last day of those that are expected with one."""
    names = [each if isinstance(each, str) else each.duty for each in wanted]
    yield from _same("duties", names, [part.duty for part in decision.duties])
    for each in wanted:
        if isinstance(each, DutyOnDay):
            days = [part.due for part in decision.duties if part.duty == each.duty]
            if days and each.due not in days:
                found = " and ".join(str(day) if day else "on no day that is known" for day in days)
                yield f"the duty “{each.duty}” is due {found}, not {each.due}"


def _full(policy: str, name: str) -> str:
    return name if "/" in name else f"{policy}/{name}"


def _same(what: str, wanted: list[str], found: list[str]) -> Iterator[str]:
    if sorted(set(wanted)) != sorted(set(found)):
        yield f"{what} are {', '.join(sorted(set(found))) or 'none'}, not {', '.join(sorted(set(wanted))) or 'none'}"


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


def _by_the_reference(bundle: Bundle, pdp: PDP, case: PreparedCase) -> Iterator[str]:
    """Each definition that does not read as a case expects, by the reference, whatever the mode."""
    wanted = [each for name in case.expect.define for each in (name, f"{name}!raise")]
    if wanted:
        defined = pdp.defined(case.exchange, case.as_of, [each for each in wanted if each in bundle.rules.definitions])
        yield from _definitions(case.expect, defined, bundle.rules.definitions)


def _definitions(expect: Expectation, defined: Mapping[str, Truth], known: Iterable[str] = ()) -> Iterator[str]:
    """Each definition that reads otherwise than expected; `known` are the names that a misspelt one may stand for."""
    for name, wanted in expect.define.items():
        truth = defined.get(name, defined.get(f"{name}!raise"))
        if truth is None:
            yield f"there is no definition `{name}`; {did_you_mean(name, known or defined)}"
        elif truth is not Truth[wanted.upper()]:
            yield f"`{name}` is {truth.name.lower()}, not {wanted}"

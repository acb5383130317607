"""
One case of a test file, decided: a tree as it stands in an editor and the number of a case go in, what comes out is said.

And the other way round: an exchange goes in, or a finding with one, and a case that expects what comes out of it now.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from engine.analysis.finding import Finding
from engine.authoring.case_yaml import case_yaml
from engine.authoring.prepared_case import PreparedCase
from engine.authoring.testing import build, cases, file_of_tests, run
from engine.bundle import Bundle, accept_exchange, parse_exchange
from engine.exchange import Exchange
from engine.exchange_input.exchange_problems import ExchangeProblem, ExchangeRefused
from engine.exchange_input.exchange_reader import MAX_BYTES
from engine.pdp import PDP
from engine.policy_language import tree
from engine.policy_language.diagnostic import Findings, Span
from engine.rules import Truth
from engine.values import BadValue
from engine.values.outcome_levels import outcome_word
from engine.verdict import numbers


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """The word of the outcome, the answer in a sentence, and how the case departs from what it expects; nothing where it passes."""

    outcome: str
    answer: str
    problems: tuple[str, ...]


def case_places(root: tree.Node) -> Iterator[tuple[int, str, Span]]:
    """The number, the sentence and the place of each case of a test file."""
    listed = root.get("cases") if isinstance(root, tree.Mapping) else None
    for number, case in enumerate(listed.items if isinstance(listed, tree.Sequence) else ()):
        named = tree.locate(case, ("case",))[0]
        yield number, named.text if isinstance(named, tree.Scalar) else "", named.span


def case_outcome(bundle: Bundle, pdp: PDP, file: str, root: tree.Node, number: int, lang: str = "en") -> CaseOutcome:
    """How one case comes out. Raises IndexError where there is no such case."""
    alone = replace(bundle, tests=((file, bundle.forms.test(_alone(root, number))),))
    problems = next(run(alone, file, pdp)).problems
    case = next(cases(alone), None)
    if not isinstance(case, PreparedCase):
        return CaseOutcome("", "", problems)
    decision = pdp.decide(case.exchange, as_of=case.as_of, today=case.as_of, id="case", lang=lang)
    return CaseOutcome(decision.outcome, decision.answer, problems)


def stated_exchange(bundle: Bundle, text: bytes) -> Exchange:
    """
    An exchange that an author writes: JSON where it begins with `{`, else YAML as under `exchange:` of a test.

    Raises ExchangeRefused.
    """
    if text.lstrip().startswith(b"{"):
        return parse_exchange(bundle, text)
    findings = Findings()
    root = tree.read("exchange", text, findings) if len(text) <= MAX_BYTES else None
    if not isinstance(root, tree.Mapping):
        said = [f"line {each.at.line}: {each.message}" for each in findings.errors]
        said = said or ["write an exchange, such as `exporter.country: CN`, a fact on each line"]
        raise ExchangeRefused(tuple(ExchangeProblem("", "exchange", each) for each in said))
    try:
        return build(bundle, tree.plain(root))
    except BadValue as wrong:
        raise ExchangeRefused((ExchangeProblem("", "exchange", str(wrong)),)) from None


def case_of(pdp: PDP, policy: str, exchange: Exchange, as_of: date, case: str, file: str = "") -> str:
    """
    A case in YAML that passes: an exchange as it comes out under a policy.

    Beside a test file of the bundle it is one more case of it, else a whole test file. "" where no case can state the exchange.
    """
    return case_yaml(pdp.bundle, exchange, as_of, case, _expected(pdp, policy, exchange, as_of), file=file, policy=policy)


def case_of_finding(pdp: PDP, finding: Finding, language: str = "en") -> tuple[str, str]:
    """
    The witness of a finding as a case in YAML that passes, and the test file to paste it into, where its policy has one.

    "" of both where the finding has no witness, or no case can state it. What is found of a jurisdiction is a case of a policy of its.
    """
    policy = _policy_of(pdp.bundle, finding)
    if finding.witness is None or not policy:
        return "", ""
    exchange, as_of = accept_exchange(pdp.bundle, finding.witness), date.fromisoformat(finding.witness["as_of"])
    file, title = file_of_tests(pdp.bundle, policy), finding.words.in_(language)
    written = case_of(pdp, policy, exchange, as_of, title, file)
    return written, file if written else ""


def _policy_of(bundle: Bundle, finding: Finding) -> str:
    """The policy at which a finding stands; of a jurisdiction, one that speaks of the subject matter, else any."""
    policies = dict.fromkeys((rule.provision.policy, rule.provision.jurisdiction) for rule in bundle.rules.rules)
    named = [finding.place]
    if finding.place in bundle.vocabulary.jurisdictions:
        cell = bundle.vocabulary.jurisdictions[finding.place].covers.get(finding.subject)
        named = [*(cell.by if cell else ()), *(policy for policy, where in policies if where == finding.place)]
    known = {policy for policy, _ in policies}
    return next((policy for policy in (each.partition("/")[0] for each in named) if policy in known), "")


def _expected(pdp: PDP, policy: str, exchange: Exchange, as_of: date) -> dict[str, Any]:
    """What a case may expect of an exchange: which rules of the policy stand, and what its jurisdiction says."""
    judgement = pdp.judge(exchange, as_of=as_of)
    verdict, rules = judgement.verdict, pdp.bundle.rules.rules
    if verdict.defined.get(f"{policy}#applies") is Truth.NO:
        return {"applies": {policy: "no"}}
    standing = {verdict.rules[number].provision.id for number in numbers(verdict.stands.certain)}
    of_policy = dict.fromkeys(rule.provision.id for rule in rules if rule.provision.policy == policy)
    because = [id.rpartition("/")[2] for id in of_policy if id in standing]
    jurisdiction = next((rule.provision.jurisdiction for rule in rules if rule.provision.policy == policy), "")
    bounds = judgement.outcome.jurisdictions.get(jurisdiction)
    found = {"because": because} if because else {}
    return {**found, "jurisdictions": {jurisdiction: outcome_word(bounds) if bounds else "not_applicable"}}


def _alone(root: tree.Node, number: int) -> tree.Node:
    """A test file with one of its cases only."""
    if not isinstance(root, tree.Mapping):
        raise IndexError(number)

    def kept(key: str, node: tree.Node) -> tree.Node:
        return replace(node, items=(node.items[number],)) if key == "cases" and isinstance(node, tree.Sequence) else node

    return replace(root, entries=tuple((key, kept(key.text, value)) for key, value in root.entries))

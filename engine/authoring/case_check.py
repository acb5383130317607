"""
Check the values and names in test files: a located test file goes in, findings at their lines come out.

A value has to fit its fact, and what a case expects has to name what the bundle has. Whether the statements of an exchange can be true
together shows only when it is read as a whole, which `testing` does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Any

from engine.bundle import Bundle, gc_paused
from engine.deciding.statement_weights import RELIES_ON
from engine.exchange import REGISTER
from engine.exchange_input.exchange_problems import ExchangeProblem, ExchangeRefused
from engine.policy_language.case_text import TestText
from engine.policy_language.diagnostic import Diagnostic, Findings, Span, did_you_mean
from engine.policy_language.read_document import read_model
from engine.policy_language.tree import Mapping, Node, Scalar, Sequence, locate, plain
from engine.policy_language.vocabulary import DOCUMENT_GROUPS
from engine.policy_language.written_exchange import LEFT_OUT, exchange_json
from engine.values import BadValue
from engine.values.outcome_levels import UNDETERMINED, Level

OUTCOMES = (*(level.word for level in Level), UNDETERMINED)
NAMED = {  # what each key under `expect` names, with the code of a finding
    **dict.fromkeys(("because", "silent", "beaten", "conflicts"), ("unknown-rule", "rule")),
    **dict.fromkeys(("applies", "instruments"), ("unknown-policy", "policy")),
    **dict.fromkeys(("duties", "overdue"), ("bad-value", "duty")),
    "jurisdictions": ("unknown-jurisdiction", "jurisdiction"),
    "requirements": ("unknown-requirement", "requirement"),
    "missing": ("unknown-fact", "fact"),
    "rests_on": ("unknown-fact", "statement"),
    "not_modelled": ("unknown-subject", "country or `country:subject`"),
    "lanes": ("unknown-lane", "lane"),
    "factor": ("unknown-key", "line of the account"),
    "define": ("unknown-definition", "definition"),
}


@gc_paused()  # nothing that is made here goes before the end
def test_findings(bundle: Bundle, only: str = "") -> tuple[Diagnostic, ...]:
    """Everything that is wrong in the bundle's test files whose name contains `only`, in file order."""
    findings, checker = Findings(), CaseChecker(bundle)
    for _, node in (each for each in bundle.tests if only in each[0]):
        if checker.read(node, findings):
            checker.values(node, findings)
    return findings.all


test_findings.__test__ = False  # type: ignore[attr-defined]  # not a test of pytest


class CaseChecker:
    """Checks the test files of one bundle. A value that is written often is read once."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._known: dict[tuple[str, str], tuple[tuple[tuple[str, ...], str, str, str], ...]] = {}

    def read(self, node: Node, findings: Findings) -> TestText | None:
        """A test file as its author wrote it; None where it is no such document. Every name of what there is not becomes a finding."""
        text = read_model(TestText, node, findings)
        for number in range(len(text.cases)) if text else ():
            assert text
            self._expected(locate(node, ("cases", number, "expect"))[0], text.test, findings)
            if text.cases[number].pair:
                of = locate(node, ("cases", number, "pair", "of"))[0]
                self._name(of, *NAMED["because"], self._known_as["rule"], findings, text.test)
        return text

    def values(self, node: Node, findings: Findings) -> None:
        """A finding for every value in a test file that does not fit its fact, and for every fact that there is not."""
        cases = locate(node, ("cases",))[0]
        changes = (
            [case.get("change") for case in cases.items if isinstance(case, Mapping)] if isinstance(cases, Sequence) else []
        )
        for facts in (node.get("exchange") if isinstance(node, Mapping) else None, *changes):
            self._values(facts, findings)

    # --- values ------------------------------------------------------------------------------------------------------

    def _values(self, facts: Node | None, findings: Findings) -> None:
        for key, value in facts.entries if isinstance(facts, Mapping) else ():
            content = plain(value)
            known = key.text, repr(content)
            if known not in self._known:
                self._known[known] = tuple(self._wrong(key.text, content))
            for steps, code, said, help in self._known[known]:
                within = locate(value, steps)[0].span
                findings.error(key.span if code == "unknown-fact" and not steps else within, code, said, help=help)

    def _wrong(self, name: str, content: Any) -> Iterator[tuple[tuple[str, ...], str, str, str]]:
        """What is wrong with a statement by itself: the steps to the place in its value, a code, a sentence and what to do."""
        removed = content == LEFT_OUT
        if name == REGISTER or (
            removed and name in (self._bundle.vocabulary.recipient, RELIES_ON, "carried", "as_of", "books")
        ):
            return  # what the register says is read with the exchange
        try:
            self._bundle.reader.statements(exchange_json(self._bundle.vocabulary, {name: "unknown" if removed else content}))
        except BadValue as bad:
            yield (), "bad-value", str(bad), bad.help
        except ExchangeRefused as refused:
            for problem in refused.problems:
                unknown = problem.code == "unknown-fact"
                if unknown or not removed:
                    steps = tuple(_steps(problem))[_depth(name) :]
                    said = problem.detail if unknown else f"`{'.'.join((name, *steps))}` {problem.detail}"
                    yield steps, "unknown-fact" if unknown else "bad-value", said, ""

    # --- names -------------------------------------------------------------------------------------------------------

    def _expected(self, expect: Node | None, suite: str, findings: Findings) -> None:
        for key, value in expect.entries if isinstance(expect, Mapping) else ():
            if key.text == "outcome":
                self._name(value, "bad-value", "outcome", OUTCOMES, findings)
            elif key.text in NAMED:
                code, kind = NAMED[key.text]
                for name in _names(value):
                    self._name(name, code, kind, self._known_as[kind], findings, suite)
            if key.text in ("jurisdictions", "instruments") and isinstance(value, Mapping):
                for _, wanted in value.entries:
                    self._name(wanted, "bad-value", "outcome", OUTCOMES, findings)

    @staticmethod
    def _name(node: Node, code: str, kind: str, known: Collection[str], findings: Findings, suite: str = "") -> None:
        """A finding where a name is none of those known; a rule of the policy under test may be named without it."""
        if not isinstance(node, Scalar) or node.text in known:
            return
        short = kind in ("rule", "lane") and "/" not in node.text
        full = f"{suite}/{node.text}" if short else node.text
        if full not in known:
            help = (
                did_you_mean(full, known) or (known is OUTCOMES and f"use one of {', '.join(f'`{o}`' for o in OUTCOMES)}") or ""
            )
            findings.error(node.span, code, f"there is no {kind} `{node.text}`", help=help)

    @cached_property
    def _known_as(self) -> _Known:
        return _Known(self._bundle)


class _Known(dict[str, Collection[str]]):
    """What there is of each kind of names in a bundle; made when it is first looked up."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__()
        self._bundle = bundle

    def __missing__(self, kind: str) -> Collection[str]:
        bundle, rules, vocabulary = self._bundle, self._bundle.rules, self._bundle.vocabulary
        values = vocabulary.values.get("country")
        found: Collection[str]
        match kind:
            case "rule":
                found = bundle.provisions
            case "policy":
                found = {key.removesuffix("#applies") for key in rules.definitions if key.endswith("#applies")}
            case "jurisdiction":
                found = {*vocabulary.jurisdictions, *(values.values if values else ())}
            case "requirement":
                found = rules.requirements
            case "duty":
                found = {duty.text.en for duty in bundle.duties.values()}
            case "fact":
                families = [*vocabulary.families, *(f"{family}.rest" for family in vocabulary.families)]
                found = {*bundle.facts, *vocabulary.names(), *families}
            case "statement":
                found = {*self["fact"], *bundle.provisions, RELIES_ON}
            case "country or `country:subject`":
                places = (*self["jurisdiction"], "unknown")
                found = {*places, *(f"{place}:{subject}" for place in places for subject in vocabulary.subjects)}
            case "lane":
                found = {*vocabulary.lanes, *bundle.provisions}
            case "line of the account":
                factor = {part: lines for part, (_, lines) in vocabulary.factor.items()}
                found = {
                    f"{part}.{line}" for each in (factor, vocabulary.computed) for part, lines in each.items() for line in lines
                }
            case _:
                found = {key.partition("!")[0] for key in rules.definitions}
        self[kind] = found
        return found


def place_of(test: Node, case: int, problem: ExchangeProblem) -> tuple[Span, bool]:
    """Where a problem of a case's exchange is written, and whether the case itself wrote it, not the exchange that it begins with."""
    steps = tuple(_steps(problem))
    for path in (("cases", case, "change"), ("exchange",)):
        facts = locate(test, path)[0]
        for key, _ in facts.entries if isinstance(facts, Mapping) and steps else ():
            named = tuple(key.text.split("."))
            if named == steps[: len(named)] or steps == named[: len(steps)]:
                return key.span, len(path) > 1
    return locate(test, ("cases", case))[1], True


def case_at(test: Node, line: int) -> int | None:
    """The number of the case in which a line of a test file is; None where it is in none."""
    cases = locate(test, ("cases",))[0]
    if not isinstance(test, Mapping) or not isinstance(cases, Sequence):
        return None
    ends = [key.span.line for key, _ in test.entries if key.span.line > cases.span.line]
    if ends and line >= min(ends):
        return None
    return max((number for number, each in enumerate(cases.items) if each.span.line <= line), default=None)


def _names(node: Node) -> Iterator[Node]:
    """The names in a list, or before the values of a mapping; of a duty with its day, the duty."""
    match node:
        case Sequence(items=items):
            for item in items:
                duty = item.get("duty") if isinstance(item, Mapping) else item
                if duty is not None:
                    yield duty
        case Mapping(entries=entries):
            yield from (key for key, _ in entries)


def _steps(problem: ExchangeProblem) -> Iterator[str]:
    for step in problem.pointer.split("/")[1:]:
        yield step.replace("~1", "/").replace("~0", "~")


def _depth(name: str) -> int:
    """How many steps lead to a statement; a document is one, whatever its name."""
    return 2 if name.partition(".")[0] in DOCUMENT_GROUPS else len(name.split("."))

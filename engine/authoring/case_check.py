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


@gc_paused()  # nothing that is made here goes before the end
def test_findings(bundle: Bundle, only: str = "") -> tuple[Diagnostic, ...]:
    """Everything that is wrong in the bundle's test files whose name contains `only`, in file order."""
    findings, checker = Findings(), CaseChecker(bundle)
    for _, node in (each for each in bundle.tests if only in each[0]):
        checker.read(node, findings)
    return findings.all


test_findings.__test__ = False  # type: ignore[attr-defined]  # not a test of pytest


class CaseChecker:
    """Checks the test files of one bundle. A value that is written often is read once."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._known: dict[tuple[str, str], tuple[tuple[tuple[str, ...], str, str, str], ...]] = {}

    def read(self, node: Node, findings: Findings) -> TestText | None:
        """A test file as its author wrote it; None where it is no such document. Every wrong value and name becomes a finding."""
        text = read_model(TestText, node, findings)
        if text is not None:
            self._values(locate(node, ("exchange",))[0], findings)
            for number, _ in enumerate(text.cases):
                case = locate(node, ("cases", number))[0]
                assert isinstance(case, Mapping)
                self._values(case.get("change"), findings)
                self._expected(case.get("expect"), text.test, findings)
        return text

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
            removed and name in (self._bundle.vocabulary.recipient, "relies_on", "carried", "as_of", "books")
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
            elif key.text in self._named:
                code, kind, known = self._named[key.text]
                for name in _names(value):
                    self._name(name, code, kind, known, findings, suite)
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
    def _named(self) -> dict[str, tuple[str, str, Collection[str]]]:
        """For each key under `expect` that names something: the code of a finding, what it names, and what there is."""
        bundle, rules, vocabulary = self._bundle, self._bundle.rules, self._bundle.vocabulary
        policies = {key.removesuffix("#applies"): None for key in rules.definitions if key.endswith("#applies")}
        places = {**dict.fromkeys(vocabulary.jurisdictions), **dict.fromkeys(self._countries)}
        subjects = {f"{place}:{subject}": None for place in (*places, "unknown") for subject in vocabulary.subjects}
        documents = {f"{group}.{kind}": None for group in DOCUMENT_GROUPS for kind in vocabulary.kinds[group]}
        facts = {**bundle.facts, **documents, **dict.fromkeys(vocabulary.names()), **dict.fromkeys(vocabulary.families)}
        facts |= {f"{family}.rest": None for family in vocabulary.families}
        lines = {part: [*lines] for part, (_, lines) in vocabulary.factor.items()}
        computed = {part: [*lines] for part, lines in vocabulary.computed.items()}
        factor = {f"{part}.{line}": None for each in (lines, computed) for part, named in each.items() for line in named}
        defined = {key.partition("!")[0]: None for key in rules.definitions}
        duties = {duty.text.en: None for duty in bundle.duties.values()}
        rule = ("unknown-rule", "rule", bundle.provisions)
        policy = ("unknown-policy", "policy", policies)
        return {
            **dict.fromkeys(("because", "silent", "beaten", "conflicts"), rule),
            **dict.fromkeys(("applies", "instruments"), policy),
            **dict.fromkeys(("duties", "overdue"), ("unknown-duty", "duty", duties)),
            "jurisdictions": ("unknown-jurisdiction", "jurisdiction", places),
            "requirements": ("unknown-requirement", "requirement", rules.requirements),
            "missing": ("unknown-fact", "fact", facts),
            "rests_on": ("unknown-fact", "fact", {**facts, **bundle.provisions, "relies_on": None}),
            "not_modelled": ("unknown-subject", "country or `country:subject`", {**places, **subjects, "unknown": None}),
            "lanes": ("unknown-lane", "lane", {**vocabulary.lanes, **bundle.provisions}),
            "factor": ("unknown-key", "line of the account", factor),
            "define": ("unknown-definition", "definition", defined),
        }

    @cached_property
    def _countries(self) -> tuple[str, ...]:
        values = self._bundle.vocabulary.values.get("country")
        return tuple(values.values) if values else ()


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

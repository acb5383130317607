"""
The meaning of the language, case by case, on every back end.

A file in `cases/` is one tiny bundle and the cases that are tried on it. The bundle is one policy `p` of force law in the
jurisdiction AA (`rules`, and where they matter `define`, `applies`, `in_force`, `force`), or several under `policies`; a
rule says only what matters, the rest is filled in here. A case is a sentence that begins with the number of the sentence of
the semantics it shows, the facts it adds to the file's `exchange`, perhaps a day and the provisions that are `signed` off, and what
it expects:

    define         how a definition reads: yes, no, unknown
    standing       how a rule stands: yes, no, unknown; `r~lifts` and `r~restores` are the two sides of an exemption
    doubted        how surely a doubtful exemption reaches a rule
    requirements   the states a requirement may be in: `met`, `met or unmet`
    overdue        duties by key (`p/rule.1`, `requirement.1`): yes, no, unknown, or `not owed`
    owed           every duty that is owed, and no other: `{key: yes}` certainly, `unknown` possibly
    bounds         of a jurisdiction: `permitted`, `permitted to review`
    beneath        the same without the reviews that a person may sign off
    outcome        overall, with what the jurisdictions do not cover; `gaps` lists that, `?` where it is not certain
    reaches        the countries whose law may reach the data, with the subject matter, `?` where it is not certain
    not_reached    the subject matters that a jurisdiction's law leaves alone, and the policy that says so
    accepted       what organisations accept
    instruments    the bounds of each policy by itself
    conflicts      the rules that compel what another jurisdiction refuses
    rests_on       of a permit, every statement that it rests on by itself, each with the worst outcome that may come without it
    refused        the code of the problem for which the exchange is refused

`xfail` says why a case fails today though it is right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.authoring.testing import build
from engine.backends.bitset import Bitset
from engine.backends.durable import Durable
from engine.backends.lanes import Lanes
from engine.backends.reference import Reference
from engine.deciding.combine import COVERAGE, Combiner
from engine.deciding.coverage import Gap
from engine.deciding.disputed_facts import choices, disputed_outcome
from engine.deciding.instruments import Instruments
from engine.deciding.rests_on import shown_only
from engine.policy_language.diagnostic import Findings
from engine.policy_language.tree import plain
from engine.policy_language.tree import read as read_tree
from engine.values.outcome_levels import Bounds
from engine.verdict import Engine, Verdict, numbers

CASES = Path(__file__).parent / "cases"
VOCABULARY = CASES / "vocabulary.yaml"
SENTENCES = {
    "1.2",
    "1.3",
    "1.6",
    "1.8",
    *(f"2.{n}" for n in range(1, 12)),
    *(f"3.{n}" for n in range(1, 9)),
    *(f"4.{n}" for n in (1, 2, 3, 4, 6, 7, 11, 12)),
}
POLICY_KEYS = ("define", "applies", "in_force", "rules", "jurisdiction", "otherwise", "not_reached")
WORDS = ("jurisdictions", "subjects", "touches")  # what a file says of the vocabulary in place of what is there
FILE_KEYS = {*POLICY_KEYS, *WORDS, "force", "policies", "settings", "organisation", "as_of", "exchange", "cases"}
CASE_KEYS = {"case", "as_of", "exchange", "signed", "expect", "xfail"}
ENGINES = (Reference, Bitset, Durable, Lanes)
MODES = ("reference", "bitset", "durable", "lanes")


@dataclass(frozen=True)
class Case:
    """One case of one file."""

    file: Path
    sentence: str
    as_of: date
    exchange: dict[str, Any]
    expect: dict[str, Any]
    signed: frozenset[str]


def read(file: Path) -> dict[str, Any]:
    """A file of cases as plain texts, by the engine's own reader: `NO` is Norway, a doubled key is an error."""
    findings = Findings()
    document = plain(read_tree(file.name, file.read_bytes(), findings))
    assert not findings.all, [d.render({file.name: file.read_text()}) for d in findings.all]
    assert set(document) <= FILE_KEYS, f"{file.name}: no key {set(document) - FILE_KEYS}"
    return dict(document)


def policy(short: dict[str, Any]) -> dict[str, Any]:
    """A policy as the engine reads it, from what a case says of it."""
    rule = {"title": "a rule", "cite": "Art. 1", "says": "what it says", "source": "made up", "status": "confirmed"}
    return {
        "policy": short.get("policy", "p"),
        "title": "a law",
        "jurisdiction": "AA",
        "instrument": {"issuer": "a ministry", "force": short.get("force", "law")},
        "in_force": {"from": "2020-01-01"},
        "applies": {"exporter.country": "AA"},
        **{key: short[key] for key in POLICY_KEYS if key in short},
        "rules": [{**rule, **written} for written in short["rules"]],
    }


@cache
def engines(file: Path) -> tuple[engine.Bundle, tuple[Any, ...]]:
    """The bundle of a file, and every back end on it."""
    text = read(file)
    policies = [policy(short) for short in text.get("policies", [text])]
    sources = {f"{one['policy']}.yaml": json.dumps(one, indent=1).encode() for one in policies}
    words = plain(read_tree(VOCABULARY.name, file.with_name(VOCABULARY.name).read_bytes(), Findings()))
    sources["vocabulary.yaml"] = json.dumps(words | {key: text[key] for key in WORDS if key in text}).encode()
    if "organisation" in text:
        ours = {"organisation": "acme", "title": "Acme", **text["organisation"]}
        sources["acme.yaml"] = json.dumps(ours).encode()
    bundle = engine.load_sources(sources, engine.PolicySettings(**text.get("settings", {})))
    return bundle, tuple(make(bundle.rules) for make in ENGINES)


@cache
def engines_of_everyone(file: Path) -> tuple[engine.Bundle, tuple[Any, ...]]:
    """The same where the recipient is the public."""
    bundle = engines(file)[0].of_everyone()
    return bundle, tuple(make(bundle.rules) for make in ENGINES)


def cases(folder: Path = CASES) -> Iterator[Any]:
    """Every case, named by its sentence."""
    for file in sorted(set(folder.glob("*.yaml")) - {folder / VOCABULARY.name}):
        text = read(file)
        for written in text["cases"]:
            assert set(written) <= CASE_KEYS, f"{file.name}: no key {set(written) - CASE_KEYS}"
            day = date.fromisoformat(written.get("as_of", text.get("as_of", "2026-06-15")))
            facts = {"exporter.country": "AA", **text.get("exchange", {}), **written.get("exchange", {})}
            case = Case(file, written["case"], day, facts, written["expect"], frozenset(written.get("signed", ())))
            marks = [pytest.mark.xfail(reason=written["xfail"])] if "xfail" in written else []
            yield pytest.param(case, id=f"{file.stem}: {case.sentence}", marks=marks)


@pytest.mark.parametrize("case", list(cases()))
def test_each_back_end_gives_the_meaning(case: Case) -> None:
    """Each case comes out as it says on every back end, and the back ends agree in all that it does not say."""
    bundle, backends = engines(case.file)
    wanted = dict(case.expect)
    if "refused" in wanted:
        with pytest.raises(engine.ExchangeRefused) as refused:
            build(bundle, case.exchange)
        assert {problem.code for problem in refused.value.problems} == {wanted["refused"]}
        return
    exchange = shown_only(build(bundle, case.exchange), bundle.vocabulary.must_be_shown)
    if "rests_on" in wanted:
        rests_on = wanted.pop("rests_on")
        assert {mode: foundations(case, exchange, mode) for mode in MODES} == dict.fromkeys(MODES, rests_on)
    if exchange.everyone:
        bundle, backends = engines_of_everyone(case.file)
    verdicts = [backend.evaluate(exchange, case.as_of, case.signed) for backend in backends]
    always = [key for key in bundle.rules.definitions if key.startswith(COVERAGE)]  # as a decision reads them
    assert len({tuple(verdict.defined.several(always)) for verdict in verdicts}) == 1, always
    for backend, verdict in zip(backends, verdicts, strict=True):
        found = {
            part: expectation(bundle, exchange, verdict, case.as_of, part, wanted[part], backend) for part in wanted
        }  # fmt: skip
        assert found == wanted, backend.name
    for backend, verdict in zip(backends[1:], verdicts[1:], strict=True):
        assert not verdicts[0].differences(verdict), f"{backends[0].name} / {backend.name}"


def foundations(case: Case, exchange: engine.Exchange, mode: str) -> dict[str, str]:
    """What a permit rests on, in one mode: the exact list, after a look that the usual one names all of it."""
    pdp = decision_point(case.file, mode)
    signed = [engine.Approval(provision, "s-1", "counsel", date.max) for provision in case.signed]
    judgement = pdp.judge(exchange, as_of=case.as_of, signed=signed)
    exact = {each.fact: each.without.word for each in pdp.rests_on(judgement, exact=True)}
    assert exact.keys() <= {each.fact for each in pdp.rests_on(judgement)}, mode
    return exact


@cache
def decision_point(file: Path, mode: str) -> engine.PDP:
    return engine.PDP(engines(file)[0], mode)


def expectation(
    bundle: engine.Bundle,
    exchange: engine.Exchange,
    verdict: Verdict,
    as_of: date,
    part: str,
    wanted: Any,
    backend: Engine,
) -> Any:
    """What was found, written as the case writes what it wants; `backend` gives the verdicts on the values of disputed facts."""
    match part:
        case "define":
            table = {**verdict.defined, **{k.removesuffix("!raise"): truth for k, truth in verdict.defined.items()}}
            return {name: word(table[f"p/{name}" if "/" not in name else name]) for name in wanted}
        case "standing" | "doubted":
            masks = verdict.stands if part == "standing" else verdict.doubted
            table = {rule.key: masks.truth(number) for number, rule in enumerate(verdict.rules)}
            return {name: word(table[name if "/" in name else f"p/{name}"]) for name in wanted}
        case "requirements":
            return {
                name: " or ".join(state.name.lower() for state in sorted(verdict.requirements[name], reverse=True))
                for name in wanted
            }
        case "overdue":
            return {key: word(verdict.overdue[key]) if key in verdict.overdue else "not owed" for key in wanted}
        case "owed":
            return {key: word(owed) for key, owed in verdict.owed.items()}
        case "bounds" | "beneath":
            found = verdict.jurisdictions if part == "bounds" else verdict.beneath
            return {name: span(found[name]) for name in wanted}
        case "instruments":
            possible, certain = verdict.stands
            alone = Instruments(bundle.rules.rules).of(verdict, numbers(possible), frozenset(numbers(certain)))
            return {name: span(found) for name, found in alone.items()}
    combiner = Combiner(bundle)
    outcome = combiner.outcome(exchange, verdict, as_of)
    if exchange.disputed:
        chosen = [combiner.outcome(each, backend.evaluate(each, as_of), as_of) for each in choices(exchange)]
        outcome = disputed_outcome(outcome, chosen)
    match part:
        case "reaches":
            return [
                f"{one.country or 'unknown'}: {one.subject}{'' if one.certain else ' ?'}" for one in outcome.coverage.reaches
            ]
        case "not_reached":
            return [
                f"{one.jurisdiction}: {one.subject}{f' by {one.because.policy}' if one.because else ''}"
                for one in outcome.coverage.not_reached
            ]
        case "accepted":
            return [f"{one.country}: {one.subject} by {one.acceptance.id}" for one in outcome.coverage.accepted]
        case "outcome":
            return outcome.word if outcome.word != "undetermined" else span(outcome.bounds)
        case "gaps":
            return [gap(one) for one in outcome.coverage.gaps]
        case "conflicts":
            return [f"{one.rule.key}{'' if one.certain else ' ?'}" for one in outcome.conflicts]
    raise AssertionError(f"a case cannot expect `{part}`")


def word(truth: Any) -> str:
    """yes, no or unknown."""
    return str(truth.name).lower()


def span(bounds: Bounds) -> str:
    """`permitted`, or `permitted to review`."""
    return " to ".join(dict.fromkeys((bounds.low.word, bounds.high.word)))


def gap(one: Gap) -> str:
    """`CC as recipient`, `AA: health as exporter ?`."""
    subject = f": {one.subject}" if one.subject else ""
    return f"{one.country or 'unknown'}{subject} as {' and '.join(one.roles)}{'' if one.certain else ' ?'}"


def test_every_sentence_of_the_semantics_has_a_case() -> None:
    """Each numbered sentence that a verdict shows is shown by a case, and each case names one."""
    found = [re.match(r"(\d\.\d+) \w", param.values[0].sentence) for param in cases()]
    assert all(found), "a case begins with the number of a sentence"
    assert {match[1] for match in found if match} == SENTENCES


def test_no_two_cases_have_the_same_sentence() -> None:
    """A case's sentence is its name, so it is used once in a file."""
    names = [param.id for param in cases()]
    assert len(set(names)) == len(names)


def test_every_expectation_can_fail() -> None:
    """A case that expects the contrary of what comes out is not passed over, whatever part it is about."""
    _, (reference, *_) = engines(CASES / "kleene.yaml")
    bundle = engines(CASES / "kleene.yaml")[0]
    exchange = build(bundle, {"exporter.country": "AA", "data.sold": "yes"})
    verdict = reference.evaluate(exchange, date(2026, 6, 15))
    for part, wrong in (
        ("define", {"sold": "no"}),
        ("standing", {"both": "no"}),
        ("requirements", {"certificate": "met"}),
        ("owed", {"p/both.1": "yes"}),
        ("bounds", {"AA": "not_applicable"}),
        ("beneath", {"AA": "not_applicable"}),
        ("outcome", "not_applicable"),
        ("gaps", ["AA as exporter"]),
        ("conflicts", ["p/both"]),
    ):
        assert expectation(bundle, exchange, verdict, date(2026, 6, 15), part, wrong, reference) != wrong, part

"""
A prepared case and its judgement to its departures: each difference between what it expects and what comes out, in words.

What a verdict shows is compared without a decision; one is written only where the case expects more. Source: semantics 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from engine.authoring.case_reasons import Departure, ExpectationLine
from engine.authoring.prepared_case import PreparedCase, full_name
from engine.bundle import Bundle
from engine.deciding.combine import Outcome
from engine.deciding.judgement import Judgement
from engine.decision import Decision
from engine.pdp import PDP
from engine.policy_language.case_text import DutyOnDay, Expectation
from engine.rules import Truth
from engine.values.outcome_levels import outcome_word
from engine.verdict import Verdict, numbers


def departures(bundle: Bundle, pdp: PDP, case: PreparedCase) -> Iterator[Departure]:
    """Each difference between what a case expects and what comes out."""
    return departures_of(bundle, pdp, case, pdp.judge(case.exchange, as_of=case.as_of))


def departures_of(bundle: Bundle, pdp: PDP, case: PreparedCase, judgement: Judgement) -> Iterator[Departure]:
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


def _compare(bundle: Bundle, policy: str, expect: Expectation, decision: Decision, verdict: Verdict) -> Iterator[Departure]:
    """Every expectation that the decision does not meet, in words."""

    full = partial(full_name, policy)
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
        if full_name(policy, name) not in certain:
            does = "only may stand" if full_name(policy, name) in possible else "does not stand"
            yield Departure(f"`{name}` {does}", ExpectationLine("because", name))
    for name in expect.silent or ():
        owner = full_name(policy, name).rpartition("/")[0]
        if full_name(policy, name) in possible:
            does = "stands" if full_name(policy, name) in certain else "may stand"
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

"""
Exchanges that differ in little, decided in one pass of the program: what each comes to, in brief.

Exchanges go in, each with its day; for each a brief comes out, or nothing where an ordinary judgement has to say more: where the register
disputes a fact, where conditions came with the data, where a fact is still to be asked, or where a person may sign something off.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from engine.deciding.combine import MET
from engine.deciding.judgement import Judgement
from engine.exchange import Exchange
from engine.pdp.judging import AT_ONCE, Judging
from engine.rules import Need, Rule
from engine.values.outcome_levels import Bounds, Level, closed, outcome_word
from engine.verdict import numbers


@dataclass(frozen=True, slots=True)
class Brief:
    """
    What an exchange comes to: its outcome, the bounds of it, the provisions that certainly prohibit it, and the requirements that
    provisions which certainly stand ask for and nothing meets for certain.
    """

    outcome: str
    bounds: Bounds
    prohibited_by: tuple[str, ...]
    unmet: tuple[str, ...]


def brief_of(judgement: Judgement) -> Brief:
    """A judgement in brief."""
    verdict = judgement.verdict
    met = {name for name, states in verdict.requirements.items() if states == MET}
    standing = [verdict.rules[number] for number in numbers(verdict.stands.certain)]
    return Brief(judgement.outcome.word, judgement.outcome.bounds, *_told(standing, met))


def briefs(judging: Judging, exchanges: Sequence[tuple[Exchange, date]]) -> list[Brief | None]:
    """The briefs of exchanges, in their order, by as few passes as there is room for. No approval counts, so no review has a brief."""
    found: list[Brief | None] = [None] * len(exchanges)
    plain = [number for number, (each, _) in enumerate(exchanges) if not (each.disputed or each.carried)]
    for public in sorted({exchanges[number][0].everyone for number in plain}):
        mine = [number for number in plain if exchanges[number][0].everyone == public]
        rules = (judging.of_everyone if public else judging).bundle.rules.rules
        for some in (mine[start : start + AT_ONCE] for start in range(0, len(mine), AT_ONCE)):
            for number, brief in zip(some, _of_lanes(judging, [exchanges[each] for each in some], rules), strict=True):
                found[number] = brief
    return found


def _of_lanes(judging: Judging, exchanges: Sequence[tuple[Exchange, date]], rules: Sequence[Rule]) -> Iterator[Brief | None]:
    outcomes = judging.lane_outcomes(exchanges)
    standing, requirements = outcomes.standing, outcomes.requirements
    telling = [number for number, rule in enumerate(rules) if rule.need or rule.effect == "prohibit"]
    for lane in range(len(exchanges)):
        bounds = outcomes.overall.of(lane)
        # A review may be signed off, and beside an open outcome there are questions: an ordinary judgement has both.
        if not closed(bounds) or bounds.high is Level.REVIEW:
            yield None
            continue
        met = {name for name, states in requirements.items() if states.sure >> lane & 1}
        stand = [rules[number] for number in telling if standing[number][0] >> lane & 1]
        yield Brief(outcome_word(bounds), bounds, *_told(stand, met))


def _told(standing: Sequence[Rule], met: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Of rules that stand: the provisions that prohibit, and the requirements that are not met."""
    prohibiting = dict.fromkeys(rule.provision.id for rule in standing if rule.effect == "prohibit")
    asked = [rule.need for rule in standing if rule.need and not _is_met(rule.need, met.__contains__)]
    lacking = dict.fromkeys(name for need in asked for name in need.requirements() if name not in met)
    return tuple(prohibiting), tuple(lacking)


def _is_met(need: Need, met: Callable[[str], bool]) -> bool:
    if need.op == "one":
        return met(need.requirement)
    parts = (_is_met(part, met) for part in need.parts)
    return any(parts) if need.op == "any_of" else all(parts)

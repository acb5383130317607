"""
Writes a verdict and its outcome in compact form: the verdict that a record holds, and the digest that an answer holds.

Both are made of texts that are written once for each rule and each requirement of a bundle. Source: semantics 5.6.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from itertools import combinations
from json.encoder import encode_basestring as quote

from engine.deciding.judgement import Judgement
from engine.explaining.encoding import encode
from engine.rules import RuleSet, State
from engine.values.outcome_levels import Bounds, Level
from engine.verdict import numbers

UNMET = frozenset((State.UNMET,))
# The names of the states that a requirement may have.
_STATES = {
    frozenset(states): encode(sorted(state.name.lower() for state in states))
    for size in range(1, len(State) + 1)
    for states in combinations(State, size)
}


_IN_WORDS = {states: quote(" or ".join(json.loads(names))) for states, names in _STATES.items()}
_ENDS = tuple(tuple(encode([low.word, high.word]) for high in Level) for low in Level)


class VerdictWriter:
    """Writes the verdicts of one rule set, as canonical JSON."""

    def __init__(self, rules: RuleSet) -> None:
        keys = [rule.key for rule in rules.rules]
        self._quoted = tuple(map(quote, keys))
        place = {key: at for at, key in enumerate(sorted(keys))}
        self._place = tuple(place[key] for key in keys)
        self._sorted = tuple(quote(key) for key in sorted(keys))
        self._advises = tuple(rule.effect == "advise" for rule in rules.rules)
        self._needs = tuple(tuple(rule.need.requirements()) if rule.need else () for rule in rules.rules)
        self._leads = {name: f"{quote(name)}:" for name in sorted(rules.requirements)}
        self._places = {name: at for at, name in enumerate(self._leads)}
        self._unmet = [lead + _STATES[UNMET] for lead in self._leads.values()]

    def digest(self, judgement: Judgement) -> str:
        """
        The digest of a judgement's verdict and outcome, as hex.

        SHA-256 of the canonical JSON of: the rules whose conditions hold, that stand, and that are doubted, by key, possibly and for
        certain; the states of each requirement; the bounds of each jurisdiction, and overall.
        """
        verdict, outcome = judgement.verdict, judgement.outcome
        requirements = self._unmet.copy()  # as nearly all of them are
        for name, states in verdict.requirements.items():
            if states != UNMET:
                requirements[self._places[name]] = self._leads[name] + _STATES[states]
        jurisdictions = [f"{quote(name)}:{_ends(bounds)}" for name, bounds in sorted(outcome.jurisdictions.items())]
        possible, certain = verdict.stands
        listed = {possible: self._listed(judgement.may_stand), certain: self._listed(judgement.stand)}
        for mask in (*verdict.doubted, *verdict.holds):
            if mask not in listed:  # many are the same
                listed[mask] = self._listed(numbers(mask))
        sets = (verdict.doubted, verdict.holds, verdict.stands)
        doubted, holds, stands = [f"[{listed[masks.possible]},{listed[masks.certain]}]" for masks in sets]
        whole = (
            f'{{"bounds":{_ends(outcome.bounds)},"doubted":{doubted},"holds":{holds},"jurisdictions":{{{",".join(jurisdictions)}}},'
            f'"requirements":{{{",".join(requirements)}}},"stands":{stands}}}'
        )
        return sha256(whole.encode()).hexdigest()

    def compact(self, judgement: Judgement) -> str:
        """
        A judgement's verdict as a record holds it.

        `stands` are the rules that stand for certain and weigh or lift, by key; `advises` those that advise. `possible` are those that may
        stand, as a hexadecimal number whose bit n is rule n. `requirements` has the states of what the standing rules ask for. `bounds` are
        the mildest and the strictest outcome by jurisdiction, and overall by the empty name.
        """
        verdict, outcome = judgement.verdict, judgement.outcome
        stands, quoted, advising = verdict.stands, self._quoted, self._advises
        asked = {name for number in judgement.may_stand for name in self._needs[number]}
        requirements = [f"{self._leads[name]}{_IN_WORDS[verdict.requirements[name]]}" for name in sorted(asked)]
        bounds = [f"{quote(name)}:{_ends(of)}" for name, of in sorted({"": outcome.bounds, **outcome.jurisdictions}.items())]
        advises = ",".join([quoted[number] for number in judgement.stand if advising[number]])
        weighs = ",".join([quoted[number] for number in judgement.stand if not advising[number]])
        return (
            f'{{"advises":[{advises}],"bounds":{{{",".join(bounds)}}},"possible":"{stands.possible & ~stands.certain:x}",'
            f'"requirements":{{{",".join(requirements)}}},"stands":[{weighs}]}}'
        )

    def _listed(self, rules: Iterable[int]) -> str:
        """The keys of some rules, in the order of the keys."""
        keys = self._sorted
        return f"[{','.join([keys[at] for at in sorted(map(self._place.__getitem__, rules))])}]"


def _ends(bounds: Bounds) -> str:
    return _ENDS[bounds.low][bounds.high]

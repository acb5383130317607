"""
Writes a verdict and its outcome in compact form: the verdict that a record holds, and the digest that an answer holds.

Both are made of texts that are written once for each rule and each requirement of a bundle. Source: semantics 5.6.
"""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import combinations
from json.encoder import encode_basestring as quote

from engine.deciding.combine import Outcome
from engine.rules import RuleSet, State
from engine.verdict import Bounds, Verdict, numbers

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False).encode

UNMET = frozenset((State.UNMET,))
# The names of the states that a requirement may have.
_STATES = {
    frozenset(states): _encode(sorted(state.name.lower() for state in states))
    for size in range(1, len(State) + 1)
    for states in combinations(State, size)
}


class VerdictWriter:
    """Writes the verdicts of one rule set, as canonical JSON."""

    def __init__(self, rules: RuleSet) -> None:
        keys = [rule.key for rule in rules.rules]
        self._quoted = tuple(map(quote, keys))
        place = {key: at for at, key in enumerate(sorted(keys))}
        self._place = tuple(place[key] for key in keys)
        self._sorted = tuple(quote(key) for key in sorted(keys))
        self._advice = sum(1 << number for number, rule in enumerate(rules.rules) if rule.effect == "advise")
        self._needs = tuple(tuple(rule.need.requirements()) if rule.need else () for rule in rules.rules)
        self._requiring = sum(1 << number for number, names in enumerate(self._needs) if names)
        self._leads = {name: f"{quote(name)}:" for name in sorted(rules.requirements)}
        self._places = {name: at for at, name in enumerate(self._leads)}
        self._unmet = [lead + _STATES[UNMET] for lead in self._leads.values()]

    def digest(self, verdict: Verdict, outcome: Outcome) -> str:
        """
        The digest of a verdict and its outcome, as hex.

        SHA-256 of the canonical JSON of: the rules whose conditions hold, that stand, and that are doubted, by key, possibly and for
        certain; the states of each requirement; the bounds of each jurisdiction, and overall.
        """
        requirements = self._unmet.copy()  # as nearly all of them are
        for name, states in verdict.requirements.items():
            if states != UNMET:
                requirements[self._places[name]] = self._leads[name] + _STATES[states]
        jurisdictions = [f"{quote(name)}:{_ends(bounds)}" for name, bounds in sorted(outcome.jurisdictions.items())]
        sets = (verdict.doubted, verdict.holds, verdict.stands)
        listed = {mask: self._listed(mask) for mask in {mask for masks in sets for mask in masks}}  # many are the same
        doubted, holds, stands = (f"[{listed[masks.possible]},{listed[masks.certain]}]" for masks in sets)
        whole = (
            f'{{"bounds":{_ends(outcome.bounds)},"doubted":{doubted},"holds":{holds},"jurisdictions":{{{",".join(jurisdictions)}}},'
            f'"requirements":{{{",".join(requirements)}}},"stands":{stands}}}'
        )
        return sha256(whole.encode()).hexdigest()

    def compact(self, verdict: Verdict, outcome: Outcome) -> str:
        """
        The verdict as a record holds it.

        `stands` are the rules that stand for certain and weigh or lift, by key; `advises` those that advise. `possible` are those that may
        stand, as a hexadecimal number whose bit n is rule n. `requirements` has the states of what the standing rules ask for. `bounds` are
        the mildest and the strictest outcome by jurisdiction, and overall by the empty name.
        """
        stands, quoted = verdict.stands, self._quoted
        asked = {name for number in numbers(stands.possible & self._requiring) for name in self._needs[number]}
        requirements = [
            f'{quote(name)}:"{" or ".join(sorted(state.name.lower() for state in verdict.requirements[name]))}"'
            for name in sorted(asked)
        ]
        bounds = [f"{quote(name)}:{_ends(of)}" for name, of in sorted({"": outcome.bounds, **outcome.jurisdictions}.items())]
        advises = ",".join([quoted[number] for number in numbers(stands.certain & self._advice)])
        weighs = ",".join([quoted[number] for number in numbers(stands.certain & ~self._advice)])
        return (
            f'{{"advises":[{advises}],"bounds":{{{",".join(bounds)}}},"possible":"{stands.possible & ~stands.certain:x}",'
            f'"requirements":{{{",".join(requirements)}}},"stands":[{weighs}]}}'
        )

    def _listed(self, mask: int) -> str:
        """The keys of some rules, in the order of the keys."""
        place, keys = self._place, self._sorted
        return f"[{','.join([keys[at] for at in sorted([place[number] for number in numbers(mask)])])}]"


def _ends(bounds: Bounds) -> str:
    return f'["{bounds.low.word}","{bounds.high.word}"]'

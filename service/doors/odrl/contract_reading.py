"""
From a policy in ODRL to the facts that it states, each with its place, and to a list of what was not understood.

The contract's limits become facts `terms.…`; the shipped policy `contract.terms` tests an exchange against them, by conditions that the
exchange names under `carried`. Nothing is decided here, no rule is made, and nothing that is not understood counts as met: it is asked.

Several permissions are read as one limit only where that allows exactly what they allow. Where they differ in more than one respect, what
all of them allow is allowed, and the rest is open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, tzinfo
from typing import Any

import engine
from service.doors.odrl import policy_names
from service.doors.odrl.contract_limits import Limit, LimitsRead, TermPlace, Unread
from service.doors.odrl.contract_policy import ODRL, ContractPolicy, ContractRule, local_name
from service.doors.odrl.contract_refusals import refused, shown
from service.doors.odrl.permissions import Permission, together
from service.doors.odrl.prohibitions import without_prohibited
from service.doors.odrl.rule_limits import RuleLimits
from service.doors.odrl.term_values import TermReader

TYPES = ("Set", "Offer", "Agreement")
POLICY = "contract.terms"  # the shipped policy; its provisions are named under `carried`
ALWAYS = ("acts", "purposes", "territory", "term")
MOST_ORIGIN = 256
MOST_PLACES = 50  # of one fact
PARTIES: Mapping[str, str] = {"assigner": "party", "assignee": "party", "target": "asset"}


@dataclass(frozen=True, slots=True)
class StatedTerm:
    """A fact that a contract states, as an exchange has it in JSON, and where."""

    fact: str
    value: Any
    pointer: str
    term: str


@dataclass(frozen=True, slots=True)
class ContractReading:
    """
    What was read of a contract: the facts that it states, what was not understood (asked), what is known and no condition of the exchange,
    and what can never be met. `exchange` has the facts as an exchange states them, with the conditions that the contract lays on it.
    """

    policy: ContractPolicy
    stated: tuple[StatedTerm, ...]
    not_understood: tuple[Unread, ...]
    no_condition: tuple[Unread, ...]
    never_met: tuple[Unread, ...]
    exchange: dict[str, Any] = field(default_factory=dict)


def read(policy: ContractPolicy, bundle: engine.Bundle, zone: tzinfo = UTC) -> ContractReading:
    """
    The reading of a policy by the mappings of a bundle; its last day is one of the zone in which exchanges are decided.

    Raises RequestRefused for a policy that grants nothing by its type.
    """
    if policy.type not in TYPES:
        raise refused(
            "grants-nothing", f"a policy of the type {shown(policy.type)} is neither an offer nor an agreement", policy.pointer
        )
    return _Reader(policy, TermReader(bundle, zone)).reading()


class _Reader:
    def __init__(self, policy: ContractPolicy, terms: TermReader) -> None:
        self._policy = policy
        self._terms = terms
        self._rules = RuleLimits(terms)
        self._unread: list[Unread] = []
        self._kept: list[Unread] = []
        self._never: list[Unread] = []

    def reading(self) -> ContractReading:
        policy = self._policy
        self._header()
        permissions = [each for rule in policy.rules if rule.kind == "permission" for each in self._permission(rule)]
        allowed = together(permissions, self._terms, policy.pointer)
        limits = allowed.limits
        self._unread += allowed.unread
        for rule in policy.rules:
            if rule.kind == "prohibition":
                limits = self._prohibition(rule, limits)
            elif rule.kind == "obligation":
                limits = {**self._duty(rule), **limits}
        stated = [*self._parties(permissions), *self._terms_stated(limits)]
        unfit = {each.fact for each in {each.fact: each for each in stated}.values() if not self._fits(each)}
        stated = [each for each in stated if each.fact not in unfit]
        not_understood = tuple(dict.fromkeys(self._unread))
        return ContractReading(
            policy=policy,
            stated=tuple(stated),
            not_understood=not_understood,
            no_condition=tuple(dict.fromkeys(self._kept)),
            never_met=tuple(dict.fromkeys(self._never)),
            exchange=self._exchange(stated, "terms.until" in allowed.facts, bool(not_understood)),
        )

    # The policy itself

    @property
    def _conflict(self) -> str:
        return self._policy.conflict.removeprefix(ODRL).removeprefix("odrl:")

    def _header(self) -> None:
        policy = self._policy
        for profile in policy.profiles:
            self._known(profile, policy.pointer, "the profile is not known here, and may give words another meaning")
        for parent in policy.inherits:
            why = f"the policy inherits from {shown(parent)}, which is not in the document"
            self._unread.append(Unread(policy.pointer, ODRL + "inheritFrom", why))
        if self._conflict not in ("", "prohibit", "invalid"):
            why = "that a permission prevails over a prohibition is not read here: the prohibition does"
            self._unread.append(Unread(policy.pointer, ODRL + "conflict", why))
        for other in policy.others:
            own = {"policy": policy_names.POLICY_WORDS, "obligation": policy_names.DUTY_WORDS}.get(other.of, ())
            if other.term not in own:
                self._known(other.term, other.pointer, f"{shown(local_name(other.term))} is not a term that is known here")

    def _known(self, name: str, at: str, why: str) -> None:
        """A name that is no limit: kept where the mappings say that nothing hangs on it, otherwise not understood."""
        term = self._terms.term(self._terms.name(name))
        if term is None or term.no_fact is None or term.asked == "yes":
            self._unread.append(Unread(at, name, why))
        else:
            self._kept.append(Unread(at, name, term.no_fact.words.en))

    # Rules

    def _permission(self, rule: ContractRule) -> Iterator[Permission]:
        """A permission, if it can be met at all."""
        part = self._rules.all_of((*rule.constraints, *rule.refinements))
        self._kept += part.kept
        limits, unread = dict(part.limits), list(part.unread)
        for duty in rule.duties:
            found = self._rules.all_of((*duty.constraints, *duty.refinements))
            limits |= {fact: limit for fact, limit in found.limits.items() if self._terms.type(fact).kind == "money"}
            unread.append(self._owed(duty))
        if part.never:
            self._never += part.never
            return
        acts = self._terms.action(rule.action)
        if acts is None:
            unread.append(Unread(rule.action_pointer or rule.pointer, ODRL + "action", self._no_action(rule)))
            acts = frozenset({"unknown"})
        own = limits.pop("terms.acts", None)
        place = TermPlace(rule.action_pointer or rule.pointer, ODRL + "action")
        acts_limit = LimitsRead({"terms.acts": Limit(acts, (place,))}) if acts else LimitsRead()
        if own is not None and acts:
            met = self._rules.join([acts_limit, LimitsRead({"terms.acts": own})])
            self._never += met.never
            if met.never:
                return
            acts_limit = met
        limits |= acts_limit.limits or {"terms.acts": Limit(acts, (place,))}
        policy = self._policy
        yield Permission(
            limits,
            tuple(unread),
            rule.pointer,
            (
                rule.assigners or policy.assigners,
                rule.assignees or policy.assignees,
                rule.targets or policy.targets,
            ),
        )

    def _prohibition(self, rule: ContractRule, limits: Mapping[str, Limit]) -> dict[str, Limit]:
        part = self._rules.all_of((*rule.constraints, *rule.refinements))
        self._kept += part.kept
        for each in (*rule.remedies, *rule.duties):
            self._unread.append(self._owed(each))
        found, unread = without_prohibited(rule, part, limits, self._terms)
        self._unread += unread
        taken = any(fact in limits and limits[fact].value != limit.value for fact, limit in found.items())
        if taken and self._conflict != "prohibit":
            why = "it forbids what a permission allows; where the policy does not say `conflict: prohibit`, it is void then"
            self._unread.append(Unread(rule.pointer, ODRL + "conflict", why))
        return found

    def _duty(self, rule: ContractRule) -> dict[str, Limit]:
        """An obligation of the policy: what it costs is a fact; that it is kept is asked, unless nothing hangs on it."""
        part = self._rules.all_of((*rule.constraints, *rule.refinements))
        self._kept += part.kept
        if part.limits or part.unread or part.never or not part.kept or rule.duties or rule.consequences or rule.remedies:
            self._unread.append(self._owed(rule))
        return {fact: limit for fact, limit in part.limits.items() if self._terms.type(fact).kind == "money"}

    def _owed(self, duty: ContractRule) -> Unread:
        action = shown(local_name(duty.action)) if duty.action else "something"
        return Unread(duty.pointer, ODRL + duty.kind, f"whether the duty to {action} is kept does not stand in the contract")

    def _no_action(self, rule: ContractRule) -> str:
        if not rule.action:
            return "the permission names no action"
        return f"{shown(local_name(rule.action))} is not an action that is known here"

    # What is stated

    def _parties(self, permissions: Sequence[Permission]) -> Iterator[StatedTerm]:
        """Who, to whom and what, where each permission names the same one alone."""
        for number, (role, kind) in enumerate(PARTIES.items()):
            term = self._terms.of(role)
            named = {each.parties[number]: each.pointer for each in permissions} or {getattr(self._policy, f"{role}s"): ""}
            ids = {policy_names.id_of(kind, each) for names in named for each in names}
            own = bool(getattr(self._policy, f"{role}s"))
            at = self._policy.named_at.get(role, self._policy.pointer) if own else next(iter(named.values()))
            if len(ids) > 1 or (len(named) > 1 and ids):
                why = f"the contract names more than one {role}, or one in some permissions only; an exchange has one"
                self._unread.append(Unread(at, ODRL + role, why))
            elif ids and term is not None and term.fact:
                yield StatedTerm(term.fact, ids.pop(), at, ODRL + role)

    def _terms_stated(self, limits: Mapping[str, Limit]) -> Iterator[StatedTerm]:
        for fact, limit in limits.items():
            for place in [*dict.fromkeys(limit.places)][:MOST_PLACES] or (
                TermPlace(self._policy.pointer, ODRL + "permission"),
            ):
                yield StatedTerm(fact, _json(limit.value), place.pointer, place.term)

    def _fits(self, stated: StatedTerm) -> bool:
        """Whether an exchange can state this; otherwise it is not understood."""
        try:
            engine.accept_exchange(self._terms.bundle, engine.with_facts_set({}, {stated.fact: stated.value}))
        except engine.ExchangeRefused as why:
            self._unread.append(Unread(stated.pointer, stated.term, why.problems[0].detail[:300]))
            return False
        return True

    def _exchange(self, stated: Sequence[StatedTerm], ends: bool, unread: bool) -> dict[str, Any]:
        origin = self._policy.uid if 0 < len(self._policy.uid) <= MOST_ORIGIN else "a contract that was read"
        laid = [*ALWAYS, *(["last-day"] if ends else []), *(["rest"] if unread else [])]
        return {
            **engine.with_facts_set({}, {each.fact: each.value for each in stated}),
            "carried": [{"provision": f"{POLICY}/{each}", "from": origin} for each in laid],
        }


def _json(value: Any) -> Any:
    """A value as an exchange has it in JSON."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, bool) else str(value)

"""
Which policies speak of a jurisdiction's subject matters: `covers:` to the floors that every back end weighs (semantics 4.2).

A policy speaks of a subject matter where the coverage names it, its `applies` holds, and one of its binding provisions is in force. Each
of these becomes a definition `speaks/POLICY`, or `speaks/POLICY/RULE` where the coverage names a single provision.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

from engine.diagnostic import Findings, Span, did_you_mean
from engine.policy_language.conditions import Conditions
from engine.policy_language.exemptions import WrittenRule, periods
from engine.policy_language.model import CoverText, JurisdictionText, PolicyText
from engine.policy_language.tree import Node, locate
from engine.policy_language.vocabulary import Vocabulary
from engine.rules import AS_OF, All, AnyOf, Atom, Condition, Defined, Floor, Spoken
from engine.values import Type

BINDING_FORCES = frozenset({"law", "order"})
BINDING_EFFECTS = ("prohibit", "require", "oblige", "review", "allows")


def floors(
    vocabulary: Vocabulary,
    policies: Mapping[str, tuple[PolicyText, Node]],
    written: Mapping[str, WrittenRule],
    conditions: Conditions,
    findings: Findings,
) -> tuple[Floor, ...]:
    """
    The floor of each jurisdiction that can have one.

    A jurisdiction with countries or coverage has the floor of the policies that its coverage names. Any other jurisdiction (the house of
    a company, an access domain) has the floor of each law or order that binds.
    """
    reader = _Floors(policies, written, conditions, findings)
    found = []
    for name, text in sorted(vocabulary.jurisdictions.items()):
        if text.countries or text.covers:
            spoken = tuple(
                reader.spoken(vocabulary, name, subject, cover) for subject, cover in text.covers.items() if subject in vocabulary.subjects
            )
            found.append(Floor(name, spoken, covered=True))
        elif laws := tuple(f"{policy}#applies" for policy in sorted(policies) if reader.binds(policy, name)):
            found.append(Floor(name, (Spoken("", None, laws),), covered=False))
    _one_jurisdiction_each(vocabulary, findings)
    return tuple(found)


def _one_jurisdiction_each(vocabulary: Vocabulary, findings: Findings) -> None:
    """Refuse a country that lies in two jurisdictions."""
    owner: dict[str, str] = {}
    for name, text in vocabulary.jurisdictions.items():
        for country in _countries(vocabulary, text):
            first = owner.setdefault(country, name)
            if first != name:
                said = f"`{country}` is in the jurisdiction `{first}` and in `{name}`"
                findings.error(vocabulary.spans["jurisdictions", name], "two-jurisdictions", said, help="a country is in one of them")


def _countries(vocabulary: Vocabulary, text: JurisdictionText) -> Collection[str]:
    if isinstance(text.countries, str):
        register = vocabulary.registers.get(text.countries)
        return register.entries if register else ()
    return text.countries


class _Floors:
    def __init__(
        self,
        policies: Mapping[str, tuple[PolicyText, Node]],
        written: Mapping[str, WrittenRule],
        conditions: Conditions,
        findings: Findings,
    ) -> None:
        self.policies = policies
        self.conditions = conditions
        self.findings = findings
        self.binding: dict[str, list[WrittenRule]] = {name: [] for name in policies}
        for rule in written.values():
            if any(getattr(rule.text, effect) is not None for effect in BINDING_EFFECTS):
                self.binding[rule.policy.policy].append(rule)

    def binds(self, policy: str, jurisdiction: str) -> bool:
        """Whether a policy is a law or an order of a jurisdiction that does more than advise."""
        text = self.policies[policy][0]
        speaks = bool(self.binding[policy]) or text.otherwise is not None
        return text.jurisdiction == jurisdiction and text.instrument.force in BINDING_FORCES and speaks

    def spoken(self, vocabulary: Vocabulary, jurisdiction: str, subject: str, cover: CoverText) -> Spoken:
        node, where = vocabulary.nodes["jurisdictions", jurisdiction], ("covers", subject, "by")
        at = locate(node, ("covers", subject))[1]
        if not cover.by:
            said = f"no policy speaks of `{subject}` in `{jurisdiction}`, so nothing could ever be permitted"
            help = "name the laws and orders that do: `{from: DAY, by: [POLICY]}`"
            self.findings.error(at, "no-policy-speaks", said, help=help)
        keys = []
        for number, name in enumerate(cover.by):
            if key := self._speaker(jurisdiction, name, locate(node, (*where, number))[0].span):
                keys.append(key)
        return Spoken(f"subject/{subject}", cover.from_, tuple(dict.fromkeys(keys)))

    def _speaker(self, jurisdiction: str, name: str, at: Span) -> str:
        """The definition that says whether a policy, or one provision of it, speaks; "" where it cannot."""
        policy, _, rule = name.partition("/")
        if policy in self.conditions.unread:
            return ""
        if policy not in self.policies:
            mine = [each for each, (text, _) in self.policies.items() if text.jurisdiction == jurisdiction]
            self.findings.error(at, "unknown-policy", f"there is no policy `{policy}`", help=did_you_mean(policy, mine))
            return ""
        text = self.policies[policy][0]
        if text.jurisdiction != jurisdiction:
            said = f"`{policy}` belongs to {text.jurisdiction}"
            self.findings.error(at, "other-jurisdiction", said, help="only a jurisdiction's own law gives it a floor")
            return ""
        rules = [each for each in self.binding[policy] if not rule or each.text.id == rule]
        if text.instrument.force not in BINDING_FORCES or not (rules or (text.otherwise and not rule)):
            said = f"`{name}` does not bind, so it permits nothing"
            help = "name a law or an order with a provision that prohibits, requires, obliges, reviews or allows"
            self.findings.error(at, "does-not-bind", said, help=help)
            return ""
        applies = Defined(f"{policy}#applies")
        # What a policy says `otherwise` binds as long as the policy is in force, and `applies` asks for that.
        always = text.otherwise is not None and not rule
        self.conditions.definitions[f"speaks/{name}"] = All((applies,) if always else (applies, _in_force_of(rules)))
        return f"speaks/{name}"


def _in_force_of(rules: Sequence[WrittenRule]) -> Condition:
    """A test of the day: whether one of these provisions is in force."""
    windows = sorted({period for rule in rules for period in periods(rule)})
    return AnyOf(tuple(All(tuple(_ends(*window))) for window in windows))


def _ends(first: date, last: date) -> Iterator[Atom]:
    if first != date.min:
        yield Atom(AS_OF, Type("date"), "at_least", (first,))
    if last != date.max:
        yield Atom(AS_OF, Type("date"), "at_most", (last,))

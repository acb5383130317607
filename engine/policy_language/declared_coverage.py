"""
Which policies speak of a jurisdiction's subject matters: `covers:` to the floors that every back end weighs (semantics 4.2).

A policy speaks of a subject matter where the coverage names it, its `applies` holds, and one of its binding provisions is in force. Each
of these becomes a definition `speaks/POLICY`, or `speaks/POLICY/RULE` where the coverage names a single provision.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial

from engine.policy_language.conditions import Conditions
from engine.policy_language.coverage_text import CoverText, JurisdictionText, SubjectText
from engine.policy_language.diagnostic import Findings, Span, did_you_mean
from engine.policy_language.exemptions import WrittenRule, periods
from engine.policy_language.operators import Use, days_between
from engine.policy_language.policy_text import PolicyText
from engine.policy_language.tree import Node, locate
from engine.policy_language.vocabulary import Fact, Vocabulary
from engine.rules import ALWAYS, All, AnyOf, Atom, Condition, Defined, Floor, Not, Spoken, atoms, signed_floor

BINDING_FORCES = frozenset({"law", "order"})
REVIEWED = frozenset({"exporter", "people"})  # the roles of a country that asks for law: its own is silent, or it permits
BINDING_EFFECTS = ("prohibit", "require", "oblige", "review", "allows")


def floors_of(
    vocabulary: Vocabulary,
    policies: Mapping[str, tuple[PolicyText, Node]],
    written: Mapping[str, WrittenRule],
    conditions: Conditions,
    trust: str,
    findings: Findings,
) -> tuple[Floor, ...]:
    """
    The floor of each jurisdiction that can have one.

    A jurisdiction with countries or coverage has the floor of the policies that its coverage names. Any other jurisdiction (the house of
    a company, an access domain) has the floor of each law or order that binds. `trust` is the lowest mark on which a permit may rest.
    """
    reader = _Floors(vocabulary, policies, written, conditions, trust, findings)
    found = []
    for name, text in sorted(vocabulary.jurisdictions.items()):
        if text.countries or text.covers:
            found.append(Floor(name, tuple(reader.coverage(name, text)), covered=True))
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
                said = f"`{country}` is in the jurisdiction `{first}` and also in `{name}`"
                at = locate(vocabulary.nodes["jurisdictions", name], ("countries",))[1]
                findings.error(at, "two-jurisdictions", said, help="a country is in one of them")


def _countries(vocabulary: Vocabulary, text: JurisdictionText) -> Collection[str]:
    if isinstance(text.countries, str):
        register = vocabulary.registers.get(text.countries)
        return register.entries if register else ()
    return text.countries


class _Floors:
    def __init__(
        self,
        vocabulary: Vocabulary,
        policies: Mapping[str, tuple[PolicyText, Node]],
        written: Mapping[str, WrittenRule],
        conditions: Conditions,
        trust: str,
        findings: Findings,
    ) -> None:
        self.trust = trust
        self.vocabulary = vocabulary
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
        binds = text.instrument.force in BINDING_FORCES and not self.vocabulary.is_off(policy, text.jurisdiction)
        return text.jurisdiction == jurisdiction and binds and speaks

    def coverage(self, jurisdiction: str, text: JurisdictionText) -> Iterator[Spoken]:
        """
        What the law of a jurisdiction and the acceptances of organisations say of each subject matter.

        A subject matter of which a policy is switched off is no longer covered. Nor is any where that policy is named for none.
        """
        named = {name.partition("/")[0] for cover in text.covers.values() for name in cover.by}
        off = {
            name
            for name in self.policies
            if self.policies[name][0].jurisdiction == jurisdiction and self.vocabulary.is_off(name, jurisdiction)
        }
        accepted = self._accepted(jurisdiction, text)
        spoken: dict[str, Spoken] = {}
        # What stands under another subject matter comes after it, since its law is read from the other one.
        for subject, cover in sorted(text.covers.items(), key=lambda each: each[1].kind == "under"):
            if subject in self.vocabulary.subjects:
                found = self.spoken(jurisdiction, subject, cover, spoken)
                whole = off.isdisjoint(name.partition("/")[0] for name in cover.by) and off <= named
                spoken[subject] = found if whole else replace(found, covered_from=None)
        for subject, known in self.vocabulary.subjects.items():
            if not known.only_in or jurisdiction in known.only_in:
                found = spoken.get(subject, Spoken(f"subject/{subject}", None, ()))
                name = "" if known.guarded == "yes" else signed_floor(jurisdiction, subject)
                yield replace(found, by=(*found.by, *accepted.get(subject, ())), signed=name)
        for each, condition in of_either_subject(self.vocabulary.subjects, spoken):
            self.conditions.definitions[each.by[0]] = condition
            yield each

    def _accepted(self, jurisdiction: str, text: JurisdictionText) -> dict[str, list[str]]:
        """
        By subject matter, the definitions that say when an organisation accepts it for this jurisdiction (semantics 4.3).

        An acceptance names countries. Of a jurisdiction with more countries it counts where the exchange touches none of the others.
        """
        found: dict[str, list[str]] = {}
        mine = set(_countries(self.vocabulary, text))
        for each in self.vocabulary.accepts:
            if mine.isdisjoint(each.countries):
                continue
            key = f"accepted/{jurisdiction}/{each.organisation}/{each.id}"
            others = sorted(mine - set(each.countries))
            here = _touching(self.vocabulary, partial(_names, countries=sorted(mine & set(each.countries))))
            elsewhere = [
                Not(All((Defined(f"touch/{number}"), _names(self.vocabulary.facts[touch.fact], others))))
                for number, touch in enumerate(self.vocabulary.touches)
                if others and touch.fact in self.vocabulary.facts
            ]
            self.conditions.definitions[key] = All((*days_between(each.from_, each.until), here, *elsewhere))
            for subject in each.subjects:
                found.setdefault(subject, []).append(key)
        return found

    def spoken(self, jurisdiction: str, subject: str, cover: CoverText, others: Mapping[str, Spoken]) -> Spoken:
        """What a cell says. Law that was not read says nothing, and neither does a cell in doubt."""
        about = f"subject/{subject}"
        if cover.kind == "unread" or cover.in_doubt(self.trust):
            return Spoken(about, None, ())
        match cover.kind:
            case "free":
                return Spoken(about, cover.from_ or date.min, (self._free(jurisdiction, subject, cover),))
            case "under":
                return self._under(jurisdiction, subject, cover, others)
        return self._by(jurisdiction, subject, cover)

    def _free(self, jurisdiction: str, subject: str, cover: CoverText) -> str:
        """The definition that says whether a law leaves a subject matter free: on what everybody is asked, and on nothing else."""
        node = locate(self.vocabulary.nodes["jurisdictions", jurisdiction], ("covers", subject, "when"))[0]
        when = self.conditions.lower(node if cover.when is not None else None, "", Use.APPLIES)
        for atom in atoms(when):
            if not (known := self.vocabulary.facts.get(atom.fact)) or not known.frees:
                said = f"whether `{subject}` is free in `{jurisdiction}` cannot depend on `{atom.fact}`"
                self.findings.error(node.span, "not-free", said, help="test only facts that the vocabulary marks `frees: yes`")
        key = f"free/{jurisdiction}/{subject}"
        here = asked_of(self.vocabulary, self.vocabulary.jurisdictions[jurisdiction])
        self.conditions.definitions[key] = All(
            tuple(part for part in (here, when, *days_between(cover.from_ or date.min, date.max)) if part != ALWAYS)
        )
        return key

    def _under(self, jurisdiction: str, subject: str, cover: CoverText, others: Mapping[str, Spoken]) -> Spoken:
        found, condition = governed(jurisdiction, subject, cover, others, self.vocabulary.subjects)
        self.conditions.definitions[found.by[0]] = condition
        return found

    def _by(self, jurisdiction: str, subject: str, cover: CoverText) -> Spoken:
        node, where = self.vocabulary.nodes["jurisdictions", jurisdiction], ("covers", subject, "by")
        at = locate(node, ("covers", subject))[1]
        if not cover.by:
            said = f"no policy speaks of `{subject}` in `{jurisdiction}`, so nothing could ever be permitted"
            help = "name the laws and orders that do: `{from: DAY, by: [POLICY]}`"
            self.findings.error(at, "no-policy-speaks", said, help=help)
            # Before semantics 2 coverage named no policies: each law that binds spoke of whatever was covered.
            by = [policy for policy in sorted(self.policies) if self.binds(policy, jurisdiction)]
            keys = [self._speaker(jurisdiction, policy, at) for policy in by]
            return Spoken(f"subject/{subject}", cover.from_, tuple(keys))
        keys = []
        for number, name in enumerate(cover.by):
            if key := self._speaker(jurisdiction, name, locate(node, (*where, number))[0].span):
                keys.append(key)
        return Spoken(f"subject/{subject}", cover.from_, tuple(dict.fromkeys(keys)))

    def _speaker(self, jurisdiction: str, name: str, at: Span) -> str:
        """The definition that says whether a policy, or one provision of it, speaks; "" where it cannot."""
        policy, _, rule = name.partition("/")
        if policy in self.conditions.unread or self.vocabulary.is_off(policy, jurisdiction):
            return ""
        if policy not in self.policies:
            mine = [each for each, (text, _) in self.policies.items() if text.jurisdiction == jurisdiction]
            self.findings.error(at, "unknown-policy", f"there is no policy `{policy}`", help=did_you_mean(policy, mine))
            return ""
        text = self.policies[policy][0]
        rules = [each for each in self.binding[policy] if not rule or each.text.id == rule]
        if text.instrument.force not in BINDING_FORCES or not (rules or (text.otherwise and not rule)):
            said = f"`{name}` does not bind, so it permits nothing"
            help = "name a law or an order with a provision that prohibits, requires, obliges, reviews or allows"
            self.findings.error(at, "does-not-bind", said, help=help)
            return ""
        if text.jurisdiction != jurisdiction:
            said = f"`{policy}` belongs to {text.jurisdiction}"
            self.findings.error(at, "other-jurisdiction", said, help="only a jurisdiction's own law gives it a floor")
            return ""
        applies = Defined(f"{policy}#applies")
        # What a policy says `otherwise` binds as long as the policy is in force, and `applies` asks for that.
        always = text.otherwise is not None and not rule
        self.conditions.definitions[f"speaks/{name}"] = All((applies,) if always else (applies, _in_force_of(rules)))
        return f"speaks/{name}"


def governed(
    jurisdiction: str, subject: str, cover: CoverText, others: Mapping[str, Spoken], subjects: Mapping[str, SubjectText]
) -> tuple[Spoken, Condition]:
    """What governs a subject matter that stands under a wider one: the floor that the law on this one gives."""
    laws = [others.get(name, Spoken(f"subject/{name}", None, ())) for name in cover.wider]
    sides = [All((Defined(law.subject), AnyOf(tuple(Defined(key) for key in law.by)))) for law in laws]
    if len(laws) > 1 and any(subjects[a].other_than == b for a in cover.wider for b in cover.wider if a in subjects):
        sides.append(All(tuple(AnyOf(tuple(Defined(key) for key in law.by)) for law in laws)))  # they are of one of the two
    since = laws[0].covered_from
    key = f"under/{jurisdiction}/{subject}"
    return Spoken(f"subject/{subject}", since and max(since, cover.from_ or since), (key,)), AnyOf(tuple(sides))


def of_either_subject(subjects: Mapping[str, SubjectText], spoken: Mapping[str, Spoken]) -> Iterator[tuple[Spoken, Condition]]:
    """Data are of a subject matter or of its contrary. Where law speaks of both, it speaks, though nobody knows of which they are."""
    for subject, law in spoken.items():
        other = spoken.get(subjects[subject].other_than or "")
        if other is not None and law.by and other.by:
            sides = [AnyOf(tuple(Defined(key) for key in each.by)) for each in (law, other)]
            yield Spoken("", None, (f"either/{law.signed or subject}/{'/'.join(law.by[:1])}",)), All(tuple(sides))


def asked_of(vocabulary: Vocabulary, text: JurisdictionText) -> Condition:
    """
    Whether an exchange touches a country of a jurisdiction so that its law is asked: as the exporter's, or as the people's.

    A policy says so itself, under `applies`; what is free would else be permitted by countries that the exchange never sees.
    """
    countries = text.countries
    if isinstance(countries, str):
        return _touching(vocabulary, lambda fact: Atom(fact.name, fact.type, _op(fact), register=countries), REVIEWED)
    return _touching(vocabulary, lambda fact: _names(fact, countries), REVIEWED)


def _touching(vocabulary: Vocabulary, test: Callable[[Fact], Atom], roles: Collection[str] = ()) -> Condition:
    """Whether a fact that names a country, in one of some roles or in any, passes a test, where it counts at all."""
    return AnyOf(
        tuple(
            All((Defined(f"touch/{number}"), test(vocabulary.facts[touch.fact])))
            for number, touch in enumerate(vocabulary.touches)
            if touch.fact in vocabulary.facts and (not roles or touch.as_ in roles)
        )
    )


def _op(fact: Fact) -> str:
    return "has" if fact.type.many else "in"


def _names(fact: Fact, countries: Sequence[str]) -> Atom:
    return Atom(fact.name, fact.type, "has" if fact.type.many else "is", tuple(countries))


def _in_force_of(rules: Sequence[WrittenRule]) -> Condition:
    """A test of the day: whether one of these provisions is in force."""
    windows = sorted({period for rule in rules for period in periods(rule)})
    return AnyOf(tuple(All(tuple(days_between(*window))) for window in windows))

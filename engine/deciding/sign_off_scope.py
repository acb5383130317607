"""
Sign-off: what a person may approve in a decision, and to what the approval is bound.

A person signs off a provision. Its reviews then end, and what it lifts only in doubt counts as lifted. Or she signs off a gap or a reach,
whose law she has read: its subject matter is then permitted in this exchange. That holds only where what is signed certainly stands: a
signature never takes the place of a missing fact. Nothing else changes: requirements, prohibitions and overdue duties stay as they are. An
approval is bound to the meaning of the provision or of the coverage, and to the facts; the caller binds it to an end date. Source:
semantics 4.6.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, TypeAlias

from engine.bundle import Bundle
from engine.deciding.coverage import GAP, REACH, Coverage
from engine.deciding.sign_off_binding import UNBOUND, without_days
from engine.decision import SignaturePart, SignedOffPart
from engine.exchange import Exchange
from engine.policy_language.bundle_digests import printed_days, printed_persons, printed_settings
from engine.policy_language.coverage_text import JurisdictionText
from engine.rules import Atom, Condition, Defined, Need, Rule, RuleSet, State, Truth, atoms, bearing, definitions_named
from engine.values import Document, Duration, Missing, Value, ValueSet
from engine.verdict import ConditionReading, Verdict, numbers

# Why nobody may sign off a provision, a gap or a reach: the engines disagree, no provision has this id, it only may stand since
# facts are missing, what it lifts in doubt is in doubt for another reason too, it prohibits, requires or obliges, it is of a subject matter
# for which nobody signs, or nothing about it needs a sign-off.
Unsignable: TypeAlias = Literal[
    "disagreement", "no-provision", "possible", "doubted", "prohibits", "requires", "obliges", "guarded", "nothing"
]

Accepts: TypeAlias = Literal["review", "lift", "reach", "reaches", "gap"]  # what an approval accepts
BINDING: Mapping[str, Unsignable] = {"prohibit": "prohibits", "require": "requires", "oblige": "obliges"}
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
SILENT = (GAP, REACH)  # what the names of silent law begin with


@dataclass(frozen=True, slots=True)
class Signature:
    """One of several signatures under an approval: the caller's id for it, who gave it, and its own last day."""

    id: str
    by: str
    until: date


@dataclass(frozen=True, slots=True)
class Approval:
    """
    A valid approval: the provision, the caller's id for the approval, the person who gave it, and its last day.

    Where several persons have to sign, `id` and `by` are those of the last signature, `also` has the others, and `until` is the earliest
    of their last days. `earlier` says that one of the signatures was given for an earlier exchange, whose facts are among those of now.
    """

    provision: str
    id: str
    by: str
    until: date
    also: tuple[Signature, ...] = ()
    earlier: bool = field(default=False, compare=False)

    @classmethod
    def told(cls, part: Mapping[str, Any]) -> Approval:
        """The approval that a decision lists, from its JSON; with it the same decision can be made again."""
        also = (Signature(each["sign_off"], each["by"], date.fromisoformat(each["until"])) for each in part.get("also") or ())
        return cls(part["provision"], part["sign_off"], part["by"], date.fromisoformat(part["until"]), tuple(also))

    def part(self, accepts: Accepts) -> SignedOffPart:
        """The approval as a decision lists it, with what it accepts."""
        also = [SignaturePart(sign_off=each.id, by=each.by, until=each.until) for each in self.also]
        return SignedOffPart(
            provision=self.provision, accepts=accepts, sign_off=self.id, by=self.by, until=self.until, also=also or None
        )


def asks_for_review(rule: Rule) -> bool:
    """Whether a rule asks for a review, which a person may sign off."""
    return rule.effect == "review"


def can_be_signed(rule: Rule) -> bool:
    """Whether a rule is of a kind that a person may sign off: it asks for a review, or it is doubtful."""
    return asks_for_review(rule) or rule.doubtful


def signable(verdict: Verdict, coverage: Coverage, may_concern: int = -1) -> tuple[str, ...]:
    """
    What a person may sign off with an effect: reviews that certainly stand, doubtful lifts that certainly stand, are in no other doubt and
    reach something, by provision; and certain reaches of law.

    `may_concern` is a set of rules that holds at least all those for which `can_be_signed` is true; it shortens the search.
    """
    concerned = _concerned(verdict, verdict.stands.certain & may_concern)
    chosen = dict.fromkeys(rule.provision.id for number, rule in concerned if _counts(verdict, number))
    return (*chosen, *dict.fromkeys(coverage.signable))


def _counts(verdict: Verdict, number: int) -> bool:
    """Whether an approval counts for a rule of a kind that a person may sign off."""
    certain = bool(verdict.stands.certain >> number & 1)
    return certain and (asks_for_review(verdict.rules[number]) or not verdict.doubted.possible >> number & 1)


def _concerned(verdict: Verdict, among: int) -> list[tuple[int, Rule]]:
    """Of some rules that stand or may stand, the reviews, and the doubtful lifts that reach something."""
    rules = verdict.rules
    concerned = [(number, rules[number]) for number in numbers(among)]
    doubtful = [rule for _, rule in concerned if rule.doubtful]
    lifted = {name for rule in doubtful for name in _lifts(rule) if State.DOUBTFUL in verdict.requirements[name]}
    standing = numbers(verdict.stands.possible) if lifted else ()
    asked = {name for number in standing for name in _needs(rules[number].need)} & lifted
    # A doubtful rule may exempt from a rule that lifts; that lift is then doubted too.
    victims = {rules[number].key for number in numbers(verdict.doubted.possible)} if doubtful else set()

    def reaches(rule: Rule) -> bool:
        return not victims.isdisjoint(rule.exempts) or not asked.isdisjoint(_lifts(rule))

    return [(number, rule) for number, rule in concerned if asks_for_review(rule) or (rule.doubtful and reaches(rule))]


def why_not(verdict: Verdict, coverage: Coverage, provision: str) -> Unsignable:
    """The strongest reason why what is not signable is not; `coverage` is that of the outcome."""
    if provision.startswith(SILENT):
        _, country, subject = provision.split("/")
        if not any(each.country == country and each.subject in ("", subject) for each in coverage.silences):
            return "nothing"
        return "guarded" if subject in coverage.guarded else "possible"
    effects = {rule.effect for rule in verdict.rules if rule.provision.id == provision}
    if not effects:
        return "no-provision"
    if concerned := [n for n, rule in _concerned(verdict, verdict.stands.possible) if rule.provision.id == provision]:
        return "possible" if any(not verdict.stands.certain >> number & 1 for number in concerned) else "doubted"
    return next((why for effect, why in BINDING.items() if effect in effects), "nothing")


def needed_for_certainty(
    rules: RuleSet, verdict: Verdict, reading: ConditionReading, exchange: Exchange, provision: str
) -> tuple[str, ...]:
    """
    The facts and documents still needed before the provision certainly applies; those of a reach are not named.

    They leave open whether its rules hold, or whether the rules stand that would surely exempt these, or come before what holds
    otherwise. `reading` is how tests read on the exchange, and `verdict` its verdict.
    """
    exempters: dict[str, list[int]] = {}
    for number, rule in enumerate(rules.rules):
        for victim in rule.exempts:
            exempters.setdefault(victim, []).append(number)
    for rule in rules.rules:
        if rule.otherwise:
            exempters[rule.key] = [n for n, before in enumerate(rules.rules) if before.key in rule.otherwise]
    own = [n for n in numbers(verdict.stands.possible & ~verdict.stands.certain) if rules.rules[n].provision.id == provision]
    waiting, facts = list(own), dict[str, None]()
    for number in waiting:  # grows while it is walked; exemptions have no circles
        rule = rules.rules[number]
        if verdict.holds.truth(number) is Truth.UNKNOWN:
            for atom in bearing(rule.condition, rules.definitions, reading):
                facts |= dict.fromkeys(_open(rules, exchange, atom))
        for each in exempters.get(rule.key, ()):
            # What a doubtful rule exempts stands as it did, in doubt.
            only_doubts = number in own and rules.rules[each].doubtful and not rule.otherwise
            if verdict.stands.possible >> each & 1 and each not in waiting and not only_doubts:
                waiting.append(each)
    return tuple(facts)


def _open(rules: RuleSet, exchange: Exchange, atom: Atom) -> Iterator[str]:
    """What to find out about an open test: the facts that it reads and that are not known, else the fact itself."""
    names = [atom.fact, atom.other]
    if atom.op == "counts":
        measures = rules.measures.get(atom.fact, ())
        open_ = [
            each for each in measures if each.within(_fields(exchange, atom.fact), each.told(exchange.values)) is Truth.UNKNOWN
        ]
        measured = (name for each in open_ for name in (f"{atom.fact}.{each.name}", *each.stated))
        names = [f"{atom.fact}.dated", f"{atom.fact}.covers", *measured]
    facts = [fact for name in names if name for fact in rules.families.get(name, ("", (name,)))[1]]
    unknown = [fact for fact in facts if isinstance(exchange.value(fact), Missing)] or [atom.fact]
    return (asked for fact in unknown for asked in exchange.asked_for(fact))


def _fields(exchange: Exchange, name: str) -> Mapping[str, Value]:
    document = exchange.values.get(name)
    return document.fields if isinstance(document, Document) else {}


def parts(verdict: Verdict, coverage: Coverage, given: Collection[Approval]) -> list[SignedOffPart]:
    """The approvals that a verdict rests on, each with what it accepts: a review, a lift, or that a law may reach the data."""
    if not given:
        return []
    by = {each.provision: each for each in given}
    found = {}
    for silence in coverage.signed:
        for name in silence.names:
            found[name, "reach"] = by[name].part("reach" if name.startswith(REACH) else "gap")
    for number in numbers(verdict.stands.certain):
        rule = verdict.rules[number]
        given_for = by.get(rule.provision.id)
        if given_for and can_be_signed(rule) and _counts(verdict, number):
            accepts: Accepts = "review" if asks_for_review(rule) else "reaches" if rule.effect == "doubts" else "lift"
            found[rule.provision.id, accepts] = given_for.part(accepts)
    return list(found.values())


def facts_digest(bundle: Bundle, sent: Mapping[str, Any]) -> str:
    """
    A digest of the facts of an exchange, as JSON, to which an approval is bound: all but `as_of` and counters. Hex SHA-256.

    Two exchanges with the same meaning but another spelling have different digests; an approval of one does not hold for the other.
    """
    document = {name: value for name, value in without_days(sent).items() if name not in UNBOUND}
    for name in bundle.vocabulary.counters:
        document = _without(document, name.split("."))
    return hashlib.sha256(_encode(document).encode()).hexdigest()


def meaning_of(bundle: Bundle, provision: str) -> str | None:
    """
    A digest of the meaning of a provision: its rules, and what they rest on, require and lift. Hex SHA-256, None for an unknown id.

    Nothing else of the bundle enters the digest, so a change elsewhere leaves an approval valid.
    """
    if provision.startswith(SILENT):
        _, country, subject = provision.split("/")
        return _meaning_of_silence(bundle, country, subject)
    rules = [rule for rule in bundle.rules.rules if rule.provision.id == provision]
    if not rules:
        return None
    by_key = {rule.key: rule for rule in bundle.rules.rules}
    reached = [*rules, *(by_key[key] for rule in rules for key in rule.exempts)]
    digest = hashlib.sha256(printed_settings(bundle.settings).encode())
    for line in (*sorted({line for rule in reached for line in _printed(bundle, rule)}), *printed_persons(rules)):
        digest.update(b"\n" + line.encode())
    return digest.hexdigest()


def persons_asked(bundle: Bundle, provision: str) -> int:
    """How many persons must sign a provision off, by what its author wrote: one where the author wrote nothing, or for a reach."""
    return max((rule.provision.persons for rule in bundle.rules.rules if rule.provision.id == provision), default=1)


def _meaning_of_silence(bundle: Bundle, country: str, subject: str) -> str | None:
    """
    A digest of what was read of a country's law on a subject matter, of what it has to say, and of what it leaves alone; None for an
    unknown country or subject matter. Law that is loaded later changes it (semantics 4.6).
    """
    vocabulary, rules = bundle.vocabulary, bundle.rules
    known = vocabulary.values.get("country")
    if subject not in vocabulary.subjects or (known is not None and country not in known.lineage):
        return None
    owners = {
        name
        for name, text in vocabulary.jurisdictions.items()
        if country in (vocabulary.registers[text.countries].entries if isinstance(text.countries, str) else text.countries)
    }
    read = [
        text.covers[name] for owner in owners for text in [vocabulary.jurisdictions[owner]] for name in _cells(text, subject)
    ]
    spoken = [
        s for floor in rules.floors if floor.jurisdiction in owners for s in floor.spoken if s.subject == f"subject/{subject}"
    ]
    left = [each for each in rules.not_reached if each.jurisdiction in owners]
    keys = [key for each in spoken for key in (each.subject, *each.by)] + [each.key for each in left]
    keys = keys or [f"subject/{subject}"]
    lines = {repr(each) for each in (*spoken, *left, *read)} | {
        line for key in keys for line in _conditions(bundle, Defined(key))
    }
    digest = hashlib.sha256(printed_settings(bundle.settings).encode())
    for line in (f"{country} {sorted(owners)}", *sorted(lines)):
        digest.update(b"\n" + line.encode())
    return digest.hexdigest()


def _cells(text: JurisdictionText, subject: str) -> Iterator[str]:
    """A subject matter and those under which it stands, as far as a jurisdiction has a cell for them."""
    if subject in text.covers:
        yield subject
        yield from (name for name in text.covers[subject].wider if name in text.covers)


def _printed(bundle: Bundle, rule: Rule) -> Iterator[str]:
    """A rule and everything that its truth value rests on, printed."""
    rules = bundle.rules
    yield repr(rule)
    for name in (*rule.satisfies, *rule.excuses, *_needs(rule.need)):
        yield repr(rules.requirements[name])
    yield from _conditions(bundle, rule.condition)


def _conditions(bundle: Bundle, whole: Condition) -> Iterator[str]:
    """A condition and everything that its truth value rests on, printed."""
    rules, vocabulary = bundle.rules, bundle.vocabulary
    for key, condition in _rests_on(bundle, whole):
        yield f"{key}: {condition!r}"
        for atom in atoms(condition):
            for fact in filter(None, (atom.fact, atom.other)):
                yield f"{fact}: {vocabulary.facts.get(fact)!r} {rules.families.get(fact)!r} {vocabulary.counters.get(fact)!r}"
            if measures := rules.measures.get(atom.fact.removesuffix(".covers")):
                yield f"{atom.fact} is measured: {measures!r}"
            if atom.type.values:
                yield _values(atom.type.values)
            for operand in atom.operands:
                if isinstance(operand, Duration) and operand.calendar:
                    yield f"{operand.calendar}: {printed_days(rules.calendars[operand.calendar])}"
            if atom.register:
                yield f"{atom.register}: {sorted(rules.registers[atom.register].items())!r}"


def _rests_on(bundle: Bundle, condition: Condition) -> Iterator[tuple[str, Condition]]:
    """A condition (under the key ""), and the definitions that it names, each once."""
    seen: set[str] = set()
    waiting = [("", condition)]
    while waiting:
        key, each = waiting.pop()
        yield key, each
        for name in definitions_named(each):
            if name not in seen:
                seen.add(name)
                waiting.append((name, bundle.rules.definitions[name]))


def _values(values: ValueSet) -> str:
    lineage = [(value, sorted(line)) for value, line in sorted(values.lineage.items())]
    return f"{values.name}: {lineage!r} {sorted(values.rank.items())!r} {sorted(values.exact)!r}"


def _lifts(rule: Rule) -> tuple[str, ...]:
    """The requirements that a rule lifts."""
    return (*rule.satisfies, *rule.excuses)


def _needs(need: Need | None) -> Iterator[str]:
    return need.requirements() if need else iter(())


def _without(document: Mapping[str, Any], path: list[str]) -> dict[str, Any]:
    """The document without the value at a path, and without objects that are then empty."""
    name, *rest = path
    inner = document.get(name)
    if rest and isinstance(inner, Mapping):
        left = _without(inner, rest)
        return {**document, name: left} if left or not inner else {n: v for n, v in document.items() if n != name}
    return {n: v for n, v in document.items() if rest or n != name}

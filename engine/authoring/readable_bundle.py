"""
A bundle as a reader of the law sees it: checked rules go in; instruments and provisions come out, with conditions in one form and in words.

A provision is one thing here, whichever rules it became. Two bundles are compared in this form.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from engine.authoring.values_in_words import in_words
from engine.bundle import Bundle
from engine.explaining.phrasebook import Phrasebook
from engine.policy_language.document_text import Text
from engine.rules import AS_OF, All, AnyOf, Atom, Condition, Defined, Duty, Need, Not, Rule, atoms, definitions_named
from engine.values.multilingual import NO_WORDS, Words

# Definitions that no author named: each is the condition of a part of the vocabulary, and is compared with that part.
RESERVED = ("subject/", "touch/", "counter/")


@dataclass(frozen=True, slots=True)
class ReadableProvision:
    """A provision as a reader sees it, whichever rules it became."""

    id: str
    title: Words
    says: Words
    source: str
    citation: Words
    message: Words
    mark: str
    effect: str
    in_force: str
    condition: Condition
    requires: str
    satisfies: tuple[str, ...]
    exempts: tuple[str, ...]
    duties: tuple[Duty, ...]
    lane: str
    signed_off_by: str
    travels: str
    travelling_condition: Words
    at: str


@dataclass(frozen=True, slots=True)
class ReadableInstrument:
    """An instrument as a reader sees it. `order` is that of its provisions, which decides which of several ways is relied on."""

    instrument: Words
    jurisdiction: str
    force: str
    in_force: str
    applies: Condition
    order: tuple[str, ...]


class ReadableBundle:
    """One bundle as a reader sees it: instruments and provisions, conditions in words."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._book = Phrasebook(bundle)
        # The phrasebook knows an atom by its identity, so each atom made here is kept.
        self._atoms: dict[Atom, Atom] = {}
        self.definitions: dict[str, Condition] = {}
        for key, condition in bundle.rules.definitions.items():
            if not key.startswith(RESERVED) and not key.endswith("#applies"):
                # Where its uses read unshown evidence differently, a definition has a key for each reading, and one text.
                self.definitions[key.partition("!")[0]] = condition
        by_provision: dict[str, list[Rule]] = {}
        for rule in bundle.rules.rules:
            by_provision.setdefault(rule.provision.id, []).append(rule)
        self.provisions = {name: self._provision(rules) for name, rules in by_provision.items()}
        self.policies = {policy: self._policy(policy) for policy in {rule.provision.policy for rule in bundle.rules.rules}}
        self.never = {never.id: never for never in bundle.coherence.never}
        self.touches: dict[str, Condition] = {}
        for number, touch in enumerate(bundle.vocabulary.touches):
            name, condition = f"{touch.fact} as {touch.as_}", bundle.rules.definitions[f"touch/{number}"]
            self.touches[name] = AnyOf((self.touches[name], condition)) if name in self.touches else condition
        self.account: dict[str, object] = {}
        for part, (title, lines) in bundle.vocabulary.factor.items():
            self.account[part] = _Titled(title)
            self.account |= {f"{part}.{name}": line for name, line in lines.items()}
            self.account |= {f"{part}.{name}": line for name, line in bundle.vocabulary.computed.get(part, {}).items()}

    def resting_on(self, definition: str) -> Iterator[str]:
        """The provisions whose condition names a definition, directly or through others."""
        reached = {definition}
        for key, condition in self.bundle.rules.definitions.items():  # each uses only earlier ones
            if reached & {name.partition("!")[0] for name in definitions_named(condition)}:
                reached.add(key.partition("!")[0])
        for rule in self.bundle.rules.rules:
            if reached & {name.partition("!")[0] for name in definitions_named(rule.condition)}:
                yield rule.provision.id

    def conditioned(self, kind: str, entries: Mapping[str, object]) -> dict[str, tuple[object, Condition]]:
        """Entries of the vocabulary, each with its condition."""
        return {name: (entry, self.bundle.rules.definitions[f"{kind}/{name}"]) for name, entry in entries.items()}

    def _provision(self, rules: list[Rule]) -> ReadableProvision:
        main = next((rule for rule in rules if rule.effect != "exempts"), rules[0])
        shown = main.provision
        whole = parts_of(self.tidy(main.condition), All)
        own = [part for part in whole if part != Defined(f"{shown.policy}#applies")]
        exempted = [name.partition("~")[0] for rule in rules for name in (*rule.exempts, *rule.excuses)]
        return ReadableProvision(
            id=shown.id,
            title=shown.title,
            says=shown.says,
            source=shown.source,
            citation=shown.citation,
            message=main.message,
            mark=shown.status,
            effect=" and ".join(dict.fromkeys(rule.effect for rule in (main, *rules))),
            in_force=_in_force(own),
            condition=All(tuple(part for part in own if not _dated(part))),
            requires=_need(main.need),
            satisfies=main.satisfies,
            exempts=tuple(dict.fromkeys(exempted)),
            duties=main.duties,
            lane=main.lane,
            signed_off_by="2 persons" if shown.persons > 1 else "",
            travels=f"{main.travels.condition.en} (else {main.travels.otherwise.word})" if main.travels else "",
            travelling_condition=main.travels.condition if main.travels else NO_WORDS,
            at=f"{shown.file}:{shown.line}",
        )

    def _policy(self, policy: str) -> ReadableInstrument:
        shown = {rule.provision.id: rule.provision for rule in self.bundle.rules.rules if rule.provision.policy == policy}
        first = next(iter(shown.values()))
        parts = parts_of(self.tidy(self.bundle.rules.definitions[f"{policy}#applies"]), All)
        return ReadableInstrument(
            instrument=first.instrument,
            jurisdiction=first.jurisdiction,
            force=first.force,
            in_force=_in_force(parts),
            applies=All(tuple(part for part in parts if not _dated(part))),
            order=tuple(sorted(shown, key=lambda name: shown[name].line)),
        )

    def tidy(self, condition: Condition) -> Condition:
        """A condition in the one form that is compared: with flat groups, and without how each use reads unshown evidence."""
        match condition:
            case Atom():
                return self._atoms.setdefault(condition, dataclasses.replace(condition, not_shown=None))
            case Defined(key=key):
                return Defined(key.partition("!")[0])
            case Not(part=part):
                inner = self.tidy(part)
                if isinstance(inner, AnyOf):
                    return _group(All, [Not(each) for each in inner.parts])
                return inner.part if isinstance(inner, Not) else Not(inner)
            case All(parts=parts):
                return _group(All, map(self.tidy, parts))
            case AnyOf(parts=parts):
                return _group(AnyOf, map(self.tidy, parts))

    def say(self, condition: Condition, negated: bool = False) -> str:
        """A tidy condition in words."""
        match condition:
            case Atom():
                return self._book.phrase(condition, negated)
            case Defined(key=key):
                return f"{'not ' if negated else ''}`{key}`"
            case Not(part=part):
                return self.say(part, not negated)
            case All(parts=parts):
                said = " and ".join(map(self.say, parts)) or "always"
                return f"not ({said})" if negated else said
            case AnyOf(parts=parts):
                said = ", or ".join(map(self.say, parts)) or "never"
                return f"none of ({said})" if negated else f"either {said}"


@dataclass(frozen=True, slots=True)
class _Titled:
    title: Text


def _group(group: type[All] | type[AnyOf], parts: Iterable[Condition]) -> Condition:
    flat = tuple(chain.from_iterable(parts_of(part, group) for part in parts))
    return flat[0] if len(flat) == 1 else group(flat)


def _dated(part: Condition) -> bool:
    """Whether a condition is about the day alone, as only the periods in force are."""
    tested = list(atoms(part))
    return bool(tested) and all(atom.fact == AS_OF for atom in tested) and not any(definitions_named(part))


def _in_force(parts: Iterable[Condition]) -> str:
    """The periods among the parts of a condition, in words."""
    dated = [part for part in parts if _dated(part)]
    alternatives = [parts_of(each, All) for part in dated if isinstance(part, AnyOf) for each in part.parts]
    periods = alternatives or ([dated] if dated else [])
    words = {"at_least": "from", "at_most": "until"}
    return "; ".join(
        " ".join(f"{words[atom.op]} {in_words(atom.operands[0])}" for each in period for atom in atoms(each))
        for period in periods
    )


def _need(need: Need | None) -> str:
    if need is None:
        return ""
    if need.op == "one":
        return f"`{need.requirement}`"
    parts = [_need(part) if part.op == "one" else f"({_need(part)})" for part in need.parts]
    return (" or " if need.op == "any_of" else " and ").join(parts)


def parts_of(condition: Condition, group: type[All] | type[AnyOf]) -> list[Condition]:
    return list(condition.parts) if isinstance(condition, group) else [condition]

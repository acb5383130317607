"""
The textual changes between two bundles: rules, words, dates and thresholds added, dropped and changed.

It compares the checked rules and words of two bundles, so a different comment, layout or file name is no change.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AnySet
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, TypeVar

from pydantic import BaseModel

from engine.bundle import Bundle
from engine.decision import Part
from engine.explaining.phrasebook import Phrasebook
from engine.policy_language.document_text import Text
from engine.policy_language.organisation import Acceptance, SwitchedOff
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, Vocabulary
from engine.policy_language.vocabulary_text import CoverText
from engine.rules import (
    AS_OF,
    All,
    AnyOf,
    Atom,
    Condition,
    Defined,
    Due,
    Duty,
    Earliest,
    Need,
    Not,
    OnDate,
    OnDay,
    Period,
    RegisterEntry,
    Rule,
    atoms,
    definitions_named,
)
from engine.values import MONTHS, Type, ValueSet
from engine.values.multilingual import NO_WORDS, Words
from engine.values.outcome_levels import Level

# Fields that only describe a thing in words. Where one differs, the field is named, and the two texts are not shown.
WORDING = frozenset(
    (
        "title", "says", "source", "citation", "cite", "message", "text", "how", "ask", "note", "dpv", "member",
        "instrument", "library", "travelling_condition", "because",
    )
)  # fmt: skip
# Definitions that no author named: each is the condition of a part of the vocabulary, and is compared with that part.
RESERVED = ("subject/", "touch/", "counter/")


class PolicyChangePart(Part):
    """
    One thing added, dropped or changed. `details` say in words what changed, `wording` names what changed only in its wording.
    `under` are the provisions that rest on a definition. `moves` counts the exchanges in which the provision, or a provision under
    the definition, stands differently. It is null for every other thing, and where no exchange was tried.
    """

    what: str
    name: str
    title: str = ""
    change: Literal["added", "dropped", "changed"]
    details: tuple[str, ...] = ()
    wording: tuple[str, ...] = ()
    at: str = ""
    under: tuple[str, ...] = ()
    moves: int | None = None


@dataclass(frozen=True, slots=True)
class _Point:
    """One difference inside a part; a difference in wording is only named."""

    text: str
    wording: bool = False


@dataclass(frozen=True, slots=True)
class _Provision:
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
class _Policy:
    """An instrument as a reader sees it. `order` is that of its provisions, which decides which of several ways is relied on."""

    instrument: Words
    jurisdiction: str
    force: str
    in_force: str
    applies: Condition
    order: tuple[str, ...]


T = TypeVar("T")


def changes(old: Bundle, new: Bundle) -> list[PolicyChangePart]:
    """What was added, dropped and changed, by the checked rules and words; nothing where both have one meaning."""
    if old.digests.meaning == new.digests.meaning:
        return []
    found = list(_Changes(_Reading(old), _Reading(new)).all())
    if not found:
        # INVARIANT: every difference is reported.
        wording = ("the order in which things are written, or something that is not compared here",)
        found.append(PolicyChangePart(what="bundle", name="meaning", change="changed", wording=wording))
    return found


class _Changes:
    def __init__(self, was: _Reading, now: _Reading) -> None:
        self.was = was
        self.now = now

    def all(self) -> Iterator[PolicyChangePart]:
        was, now = self.was, self.now
        old, new = was.bundle.vocabulary, now.bundle.vocabulary
        yield from self.section("policy", was.policies, now.policies, self.policy, lambda p: p.instrument.en)
        yield from self.section("rule", was.provisions, now.provisions, self.fields, lambda p: p.title.en, _summary)
        for change in self.section("definition", was.definitions, now.definitions, self.condition):
            under = {*was.resting_on(change.name), *now.resting_on(change.name)}
            yield change.model_copy(update={"under": tuple(sorted(under))})
        yield from self.section(
            "requirement", was.bundle.rules.requirements, now.bundle.rules.requirements, self.fields, _title
        )
        yield from self.section("acceptance", _accepted(old), _accepted(new), self.fields, _accepts)
        yield from self.section("switched-off", _switched_off(old), _switched_off(new), self.fields)
        yield from self.section("must-be-shown", _must_be_shown(old), _must_be_shown(new), lambda *_: iter(()))
        yield from self.section("register", old.registers, new.registers, self.fields, _title)
        yield from self.section("calendar", old.calendars, new.calendars, self.fields, _title)
        for kind, name in (("counter", "counters"), ("subject", "subjects")):
            before, after = was.conditioned(kind, getattr(old, name)), now.conditioned(kind, getattr(new, name))
            yield from self.section(kind, before, after, self.conditioned, lambda entry: _title(entry[0]))
        yield from self.section("book", old.books, new.books, self.fields, lambda book: book.title.en)
        yield from self.section("promise", old.promises, new.promises, self.fields, _title)
        yield from self.section("share", old.shares, new.shares, self.fields, _title)
        yield from self.section("jurisdiction", old.jurisdictions, new.jurisdictions, self.fields, _title)
        yield from self.section("touch", was.touches, now.touches, self.condition)
        yield from self.section("contradiction", was.never, now.never, self.fields, lambda never: never.says.en)
        yield from self.section("fact", old.facts, new.facts, self.fields, _title)
        yield from self.section("value set", old.values, new.values, self.value_set, _title)
        for group in DOCUMENT_GROUPS:
            yield from self.section(group.removesuffix("s"), old.kinds[group], new.kinds[group], self.fields, _title)
        yield from self.section("lane", old.lanes, new.lanes, self.fields, _title)
        yield from self.section("question", old.questions, new.questions, self.fields, lambda group: group.ask.en)
        yield from self.section("account", was.account, now.account, self.fields, _title)
        yield from self.section("mapping", _mappings(was.bundle), _mappings(now.bundle), self.mapping, _title)

    def section(
        self,
        what: str,
        old: Mapping[str, T],
        new: Mapping[str, T],
        points: Callable[[T, T], Iterator[_Point]],
        title: Callable[[T], str] = lambda entry: "",
        summary: Callable[[T], tuple[str, ...]] = lambda entry: (),
    ) -> Iterator[PolicyChangePart]:
        """What was added, dropped and changed among the entries of one kind, in the order of their names."""
        for name in sorted({*old, *new}):
            entry = new[name] if name in new else old[name]
            about = {"what": what, "name": name, "title": title(entry), "at": getattr(entry, "at", "")}
            if name not in old or name not in new:
                change: Any = "added" if name in new else "dropped"
                yield PolicyChangePart(**about, change=change, details=summary(entry))
                continue
            found = list(points(old[name], new[name]))
            if found:
                yield PolicyChangePart(
                    **about,
                    change="changed",
                    details=tuple(point.text for point in found if not point.wording),
                    wording=tuple(point.text for point in found if point.wording),
                )

    def fields(self, old: object, new: object) -> Iterator[_Point]:
        """Compare every field of a model, so that a field that is new in the language is compared too."""
        for name in _names(old):
            if name in (
                "at",
                "file",
                "line",
                "when",
                "where",
            ):  # a place has no meaning; a raw condition is compared as checked
                continue
            mine, its, label = getattr(old, name), getattr(new, name), name.strip("_").replace("_", " ")
            if _plain(mine) == _plain(its):
                continue
            if name in WORDING:
                yield _Point(label, wording=True)
            elif name == "condition":
                yield from self.condition(mine, its)
            elif name in ("done_when", "unless"):
                yield from (_Point(f"{label}: {point.text}") for point in self.condition(mine or All(()), its or All(())))
            elif name == "duties":
                yield from self.duties(mine, its)
            elif isinstance(mine, Mapping) and isinstance(its, Mapping):
                yield from _entries(mine, its, label)
            elif isinstance(mine, tuple | list | AnySet) and isinstance(its, tuple | list | AnySet):
                yield from _items(_ordered(mine), _ordered(its), label)
            else:
                yield _Point(f"{label}: {_show(mine)} → {_show(its)}")

    def condition(self, old: Condition, new: Condition) -> Iterator[_Point]:
        yield from map(_Point, self.moved(self.was.tidy(old), self.now.tidy(new)))

    def conditioned(self, old: tuple[object, Condition], new: tuple[object, Condition]) -> Iterator[_Point]:
        yield from self.fields(old[0], new[0])
        yield from self.condition(old[1], new[1])

    def policy(self, old: _Policy, new: _Policy) -> Iterator[_Point]:
        common = set(old.order) & set(new.order)
        before, after = (tuple(name for name in each.order if name in common) for each in (old, new))
        yield from self.fields(
            dataclasses.replace(old, applies=All(()), order=()), dataclasses.replace(new, applies=All(()), order=())
        )
        yield from (_Point(f"applies: {point.text}") for point in self.condition(old.applies, new.applies))
        if before != after:
            yield _Point("its provisions are in another order, which decides which of several ways is relied on")

    def value_set(self, old: ValueSet, new: ValueSet) -> Iterator[_Point]:
        if old.values != new.values:
            yield from _items(list(old.values), list(new.values), "value", ordered=bool(old.rank or new.rank))
        for value in old.values:
            mine, its = old.ancestors(value) - {value}, new.ancestors(value) - {value}
            if value in new.lineage and mine != its:
                yield _Point(f"`{value}` lies under {_show(mine)} → {_show(its)}")
        if bool(old.rank) is not bool(new.rank):
            yield _Point(f"ordered: {_show(bool(old.rank))} → {_show(bool(new.rank))}")
        for value in old.values:
            if value in new.lineage and old.country.get(value) != new.country.get(value):
                yield _Point(f"`{value}` lies in {_show(old.country.get(value))} → {_show(new.country.get(value))}")
        if old.inside != new.inside:
            yield _Point(f"inside: {_show(old.inside)} → {_show(new.inside)}")
        if old.complete != new.complete:
            yield from _items(sorted(old.complete), sorted(new.complete), "complete country")
        if old.nothing != new.nothing:
            yield _Point(f"the value that says that nothing applies: {_show(old.nothing)} → {_show(new.nothing)}")
        if old.exact != new.exact:
            yield from _items(sorted(old.exact), sorted(new.exact), "exact value")
        if old.rest != new.rest:
            yield from _items(sorted(old.rest), sorted(new.rest), "value that says none of the others")
        if (old.title, old.titles) != (new.title, new.titles):
            yield _Point("titles", wording=True)

    def mapping(self, old: BaseModel, new: BaseModel) -> Iterator[_Point]:
        """What a mapping says, place by place; its title is only wording."""
        said = [dict(_leaves(each.model_dump(mode="json", by_alias=True, exclude_defaults=True))) for each in (old, new)]
        titles, rest = ([_lines(each, title) for each in said] for title in (True, False))
        if titles[0] != titles[1]:
            yield _Point("title", wording=True)
        yield from _entries(rest[0], rest[1], "reading")

    def duties(self, old: Sequence[Duty], new: Sequence[Duty]) -> Iterator[_Point]:
        """Two duties are the same where their text is the same. Those left over are compared in their order."""
        left, right = list(old), list(new)
        pairs = []
        for duty in old:
            same = next((other for other in right if other.text.en == duty.text.en), None)
            if same is not None:
                pairs.append((duty, same))
                left.remove(duty)
                right.remove(same)
        pairs += zip(left, right, strict=False)
        for mine, its in pairs:
            name = f"duty “{its.text.en}”"
            for point in self.fields(dataclasses.replace(mine, key=""), dataclasses.replace(its, key="")):
                yield _Point(f"{name}: {point.text}", point.wording)
        yield from (_Point(f"duty dropped: {duty.text.en}") for duty in left[len(right) :])
        yield from (_Point(f"duty added: {duty.text.en}") for duty in right[len(left) :])

    # Conditions

    def moved(self, old: Condition, new: Condition, place: str = "") -> Iterator[str]:
        """What differs between two tidy conditions, in words; `place` says where inside the whole."""
        if old == new:
            return
        match old, new:
            case Atom(fact=fact), Atom(fact=other) if fact == other:
                yield f"{place}{_arrow(self.was.say(old), self.now.say(new))} (`{fact}`)"
            case Not(part=mine), Not(part=its):
                yield from self.moved(mine, its, f"{place}exception: ")
            case (AnyOf(), AnyOf() | Atom() | Defined() | Not()) | (Atom() | Defined() | Not(), AnyOf()):
                yield from self.parts(_parts(old, AnyOf), _parts(new, AnyOf), "alternative", place)
            case _:
                yield from self.parts(_parts(old, All), _parts(new, All), "condition", place)

    def parts(self, old: list[Condition], new: list[Condition], noun: str, place: str) -> Iterator[str]:
        left, right = list(old), list(new)
        for part in old:
            if part in right:
                left.remove(part)
                right.remove(part)
        ranked = sorted(
            ((_likeness(mine, its), i, j) for i, mine in enumerate(left) for j, its in enumerate(right)),
            key=lambda each: (-each[0], each[1], each[2]),
        )
        paired: dict[int, int] = {}
        for likeness, i, j in ranked:
            if likeness > 0 and i not in paired and j not in paired.values():
                paired[i] = j
        inner = place if noun == "condition" else f"{place}{noun}: "
        for i, mine in enumerate(left):
            if i in paired:
                yield from self.moved(mine, right[paired[i]], inner)
            else:
                yield f"{place}{_called(mine, noun)} dropped: {self.was.say(_inner(mine, noun))}"
        for j, its in enumerate(right):
            if j not in paired.values():
                yield f"{place}{_called(its, noun)} added: {self.now.say(_inner(its, noun))}"


def _called(part: Condition, noun: str) -> str:
    return "exception" if noun == "condition" and isinstance(part, Not) else noun


def _inner(part: Condition, noun: str) -> Condition:
    return part.part if noun == "condition" and isinstance(part, Not) else part


def _parts(condition: Condition, group: type[All] | type[AnyOf]) -> list[Condition]:
    return list(condition.parts) if isinstance(condition, group) else [condition]


def _likeness(old: Condition, new: Condition) -> float:
    """How likely it is that one test became the other: 0 where they share nothing, 1 for the same test of the same fact."""
    match old, new:
        case Not(part=mine), Not(part=its):
            return _likeness(mine, its)
        case Atom(), Atom():
            return 0 if old.fact != new.fact else 1 if old.op == new.op else 0.5
        case (All(), All()) | (AnyOf(), AnyOf()):
            before, after = ({atom.fact for atom in atoms(each)} | set(definitions_named(each)) for each in (old, new))
            return len(before & after) / max(1, len(before | after))
    return 0


def _arrow(old: str, new: str) -> str:
    """`at least 10 people here` and `at least 20 people here` become `at least 10 → 20 people here`."""
    mine, its = old.split(" "), new.split(" ")
    least = min(len(mine), len(its)) - 1  # a word of each is left
    same = next((n for n in range(least) if mine[n] != its[n]), least)
    alike = next((n for n in range(least - same) if mine[-1 - n] != its[-1 - n]), least - same)
    ends = mine[len(mine) - alike :]
    return " ".join([*mine[: len(mine) - alike], "→", *its[same : len(its) - alike], *ends])


def _accepted(words: Vocabulary) -> dict[str, Acceptance]:
    return {f"{each.organisation}/{each.id}": each for each in words.accepts}


def _accepts(each: Acceptance) -> str:
    return f"{', '.join(each.subjects)} of {', '.join(each.countries)}"


def _switched_off(words: Vocabulary) -> dict[str, SwitchedOff]:
    return {each.policy or each.jurisdiction: each for each in words.switched_off}


def _mappings(bundle: Bundle) -> dict[str, Any]:
    return {name: each.text for name, each in bundle.mappings.items()}


def _must_be_shown(words: Vocabulary) -> dict[str, str]:
    return {name: name for name in words.must_be_shown}


class _Reading:
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

    def _provision(self, rules: list[Rule]) -> _Provision:
        main = next((rule for rule in rules if rule.effect != "exempts"), rules[0])
        shown = main.provision
        whole = _parts(self.tidy(main.condition), All)
        own = [part for part in whole if part != Defined(f"{shown.policy}#applies")]
        exempted = [name.partition("~")[0] for rule in rules for name in (*rule.exempts, *rule.excuses)]
        return _Provision(
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

    def _policy(self, policy: str) -> _Policy:
        shown = {rule.provision.id: rule.provision for rule in self.bundle.rules.rules if rule.provision.policy == policy}
        first = next(iter(shown.values()))
        parts = _parts(self.tidy(self.bundle.rules.definitions[f"{policy}#applies"]), All)
        return _Policy(
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
    flat = tuple(chain.from_iterable(_parts(part, group) for part in parts))
    return flat[0] if len(flat) == 1 else group(flat)


def _dated(part: Condition) -> bool:
    """Whether a condition is about the day alone, as only the periods in force are."""
    tested = list(atoms(part))
    return bool(tested) and all(atom.fact == AS_OF for atom in tested) and not any(definitions_named(part))


def _in_force(parts: Iterable[Condition]) -> str:
    """The periods among the parts of a condition, in words."""
    dated = [part for part in parts if _dated(part)]
    alternatives = [_parts(each, All) for part in dated if isinstance(part, AnyOf) for each in part.parts]
    periods = alternatives or ([dated] if dated else [])
    words = {"at_least": "from", "at_most": "until"}
    return "; ".join(
        " ".join(f"{words[atom.op]} {_show(atom.operands[0])}" for each in period for atom in atoms(each)) for period in periods
    )


def _need(need: Need | None) -> str:
    if need is None:
        return ""
    if need.op == "one":
        return f"`{need.requirement}`"
    parts = [_need(part) if part.op == "one" else f"({_need(part)})" for part in need.parts]
    return (" or " if need.op == "any_of" else " and ").join(parts)


def _due(due: Due) -> str:
    match due:
        case Period(within=within, after=after):
            return f"within {within} after {_day(after)}"
        case OnDay(month=month, day=day, after=after):
            return f"on {day} {MONTHS[month - 1]} after {_day(after)}"
        case OnDate(day=date_):
            return f"on {date_}"
        case Earliest(parts=parts):
            return f"the earliest of {', '.join(map(_due, parts))}"


def _day(after: str) -> str:
    return "the exchange" if after == AS_OF else f"`{after}`"


def _summary(provision: _Provision) -> tuple[str, ...]:
    """What a provision does, for one that is added or dropped."""
    does = {
        "requires": provision.requires,
        "satisfies": ", ".join(f"`{name}`" for name in provision.satisfies),
        "exempts from": ", ".join(f"`{name}`" for name in provision.exempts),
    }
    told = [f"{verb} {what}" for verb, what in does.items() if what] or [provision.effect]
    dated = [f"in force {provision.in_force}"] if provision.in_force else []
    return (f"{provision.citation.en}, {provision.mark}", *told, *dated)


# Values, in words


def _title(entry: object) -> str:
    return _show(getattr(entry, "title", ""))


def _names(entry: object) -> tuple[str, ...]:
    """The fields of a model or a dataclass."""
    if isinstance(entry, BaseModel):
        return tuple(type(entry).model_fields)
    return tuple(field.name for field in dataclasses.fields(entry))  # type: ignore[arg-type]


def _plain(value: object) -> object:
    """A value in the form that is compared: a type or a value set is its name, for its values are compared separately."""
    return value.name if isinstance(value, Type | ValueSet) else value


def _ordered(values: tuple[Any, ...] | list[Any] | AnySet[Any]) -> list[Any]:
    return sorted(values) if isinstance(values, AnySet) else list(values)


def _items(old: list[Any], new: list[Any], noun: str, ordered: bool = False) -> Iterator[_Point]:
    """What was added to a list and dropped from it. A changed order is only a wording, unless the list is `ordered`."""
    added = [item for item in new if item not in old]
    dropped = [item for item in old if item not in new]
    if added:
        yield _Point(f"{noun} added: {_listed(added)}")
    if dropped:
        yield _Point(f"{noun} dropped: {_listed(dropped)}")
    if not added and not dropped:
        yield _Point(f"{noun}: in another order", wording=not ordered)


def _entries(old: Mapping[Any, Any], new: Mapping[Any, Any], noun: str) -> Iterator[_Point]:
    """What was added to a mapping, dropped from it and changed in it."""
    for name in sorted({*old, *new}):
        if name not in old:
            yield _Point(f"{noun} added: `{name}` {_show(new[name])}")
        elif name not in new:
            yield _Point(f"{noun} dropped: `{name}` {_show(old[name])}")
        elif old[name] != new[name]:
            yield _Point(f"{noun}: `{name}` {_show(old[name])} → {_show(new[name])}")


def _lines(leaves: Mapping[tuple[str, ...], Any], title: bool) -> dict[str, Any]:
    """The lines of a mapping, by where they stand: those of its title, or the others."""
    return {" ".join(path): value for path, value in leaves.items() if (path[0] == "title") is title}


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The single values in a document, with the path to each."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inner is None:
        yield path, value
        return
    if not value:
        yield path, "none"
    for key, each in inner:
        yield from _leaves(each, (*path, str(key)))


def _listed(items: Iterable[Any]) -> str:
    return ", ".join(f"`{_show(item)}`" for item in items)


def _show(value: Any) -> str:
    """A value as an author would write it."""
    match value:
        case None | "":
            return "none"
        case bool():
            return "yes" if value else "no"
        case Level():
            return value.word
        case Text(en=text) | Words(en=text):
            return text or "none"
        case Type(name=name):
            return name
        case ValueSet():
            return value.name
        case CoverText(from_=since, by=by):
            return f"{'in part' if since is None else f'from {since}'}, by {', '.join(by)}"
        case Period() | OnDay() | OnDate() | Earliest():
            return _due(value)
        case RegisterEntry(from_=first, until=last):
            ends = [f"from {first}"] * (first is not None) + [f"until {last}"] * (last is not None)
            return " ".join(ends) or "at any time"
        case tuple() | list():
            return ", ".join(map(_show, value)) or "none"
        case AnySet():
            return ", ".join(sorted(map(_show, value))) or "none"
    return str(value)

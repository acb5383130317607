"""
The textual changes between two bundles: rules, words, dates and thresholds added, dropped and changed.

It compares the checked rules and words of two bundles, so a different comment, layout or file name is no change.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AnySet
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import BaseModel

from engine.authoring.readable_bundle import ReadableBundle, ReadableInstrument, ReadableProvision, parts_of
from engine.authoring.values_in_words import in_words, listed
from engine.bundle import Bundle
from engine.decision import Part
from engine.policy_language.organisation import Acceptance, SwitchedOff
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, Vocabulary
from engine.rules import All, AnyOf, Atom, Condition, Defined, Duty, Not, atoms, definitions_named
from engine.values import Type, ValueSet

# Fields that only describe a thing in words. Where one differs, the field is named, and the two texts are not shown.
WORDING = frozenset(
    (
        "title", "says", "source", "citation", "cite", "message", "text", "how", "ask", "note", "dpv", "member",
        "instrument", "library", "travelling_condition", "because",
    )
)  # fmt: skip


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


T = TypeVar("T")


def changes(old: Bundle, new: Bundle) -> list[PolicyChangePart]:
    """What was added, dropped and changed, by the checked rules and words; nothing where both have one meaning."""
    if old.digests.meaning == new.digests.meaning:
        return []
    found = list(_Changes(ReadableBundle(old), ReadableBundle(new)).all())
    if not found:
        # INVARIANT: every difference is reported.
        wording = ("the order in which things are written, or something that is not compared here",)
        found.append(PolicyChangePart(what="bundle", name="meaning", change="changed", wording=wording))
    return found


class _Changes:
    def __init__(self, was: ReadableBundle, now: ReadableBundle) -> None:
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
                yield _Point(f"{label}: {in_words(mine)} → {in_words(its)}")

    def condition(self, old: Condition, new: Condition) -> Iterator[_Point]:
        yield from map(_Point, self.moved(self.was.tidy(old), self.now.tidy(new)))

    def conditioned(self, old: tuple[object, Condition], new: tuple[object, Condition]) -> Iterator[_Point]:
        yield from self.fields(old[0], new[0])
        yield from self.condition(old[1], new[1])

    def policy(self, old: ReadableInstrument, new: ReadableInstrument) -> Iterator[_Point]:
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
                yield _Point(f"`{value}` lies under {in_words(mine)} → {in_words(its)}")
        if bool(old.rank) is not bool(new.rank):
            yield _Point(f"ordered: {in_words(bool(old.rank))} → {in_words(bool(new.rank))}")
        for value in old.values:
            if value in new.lineage and old.country.get(value) != new.country.get(value):
                yield _Point(f"`{value}` lies in {in_words(old.country.get(value))} → {in_words(new.country.get(value))}")
        if old.inside != new.inside:
            yield _Point(f"inside: {in_words(old.inside)} → {in_words(new.inside)}")
        if old.complete != new.complete:
            yield from _items(sorted(old.complete), sorted(new.complete), "complete country")
        if old.nothing != new.nothing:
            yield _Point(f"the value that says that nothing applies: {in_words(old.nothing)} → {in_words(new.nothing)}")
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
                yield from self.parts(parts_of(old, AnyOf), parts_of(new, AnyOf), "alternative", place)
            case _:
                yield from self.parts(parts_of(old, All), parts_of(new, All), "condition", place)

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


def _summary(provision: ReadableProvision) -> tuple[str, ...]:
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
    return in_words(getattr(entry, "title", ""))


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
        yield _Point(f"{noun} added: {listed(added)}")
    if dropped:
        yield _Point(f"{noun} dropped: {listed(dropped)}")
    if not added and not dropped:
        yield _Point(f"{noun}: in another order", wording=not ordered)


def _entries(old: Mapping[Any, Any], new: Mapping[Any, Any], noun: str) -> Iterator[_Point]:
    """What was added to a mapping, dropped from it and changed in it."""
    for name in sorted({*old, *new}):
        if name not in old:
            yield _Point(f"{noun} added: `{name}` {in_words(new[name])}")
        elif name not in new:
            yield _Point(f"{noun} dropped: `{name}` {in_words(old[name])}")
        elif old[name] != new[name]:
            yield _Point(f"{noun}: `{name}` {in_words(old[name])} → {in_words(new[name])}")


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

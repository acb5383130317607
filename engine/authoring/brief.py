"""
An instrument as a brief: what it is, when it applies, and each provision with its conditions in sentences. An organisation as a brief:
what it accepts, wants shown and has switched off.

The checked rules and their authors' texts go in, Markdown in one language comes out. A brief describes the conditions that the engine
tests, in the words of the phrasebook that decisions use too.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from engine.bundle import Bundle
from engine.explaining.phrasebook import Phrasebook
from engine.languages import LANGUAGES
from engine.policy_language.claim_needs import NEEDS
from engine.policy_language.document_text import Text, Window
from engine.policy_language.organisation import Organisation
from engine.policy_language.policy_text import RuleText
from engine.policy_language.written_policies import Instrument
from engine.rules import (
    ALWAYS,
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
    Rule,
)


def brief(bundle: Bundle, instrument: Instrument, lang: str = "en") -> str:
    """One instrument as Markdown."""
    return "\n".join(_Brief(bundle, instrument, lang).lines()) + "\n"


def brief_parts(bundle: Bundle, instrument: Instrument, lang: str = "en") -> tuple[str, tuple[tuple[str, str], ...]]:
    """
    The same in parts: what stands before the provisions, and the Markdown of each provision by its id, in the author's order.
    """
    told = _Brief(bundle, instrument, lang)
    provisions = ((rule.id, "\n".join(told.provision(rule))) for rule in instrument.text.rules)
    return "\n".join(told.head()) + "\n", tuple(provisions)


def organisation_brief(bundle: Bundle, organisation: Organisation, lang: str = "en") -> str:
    """What an organisation says beside the law, as Markdown."""
    return "\n".join(_organisation(organisation, Phrasebook(bundle, LANGUAGES[lang]))) + "\n"


def _organisation(organisation: Organisation, book: Phrasebook) -> Iterator[str]:
    language, say = book.language, book.language.brief
    yield from (f"# {_plain(book.text(organisation.title))}", "", f"> {language.disclaimer}", "")
    if organisation.accepts:
        yield from (f"## {say['accepts']}", "")
    for each in organisation.accepts:
        yield from (f"### {_plain(each.id)}", "")
        for label, value in (
            ("countries", language.joined([book.place(code) for code in each.countries])),
            ("subjects", language.joined([book.subject(name) for name in each.subjects])),
            ("because", book.text(each.because)),
            ("by", book.text(each.by)),
            ("in_force", f"{say['from']} {language.day(each.from_)} {say['until']} {language.day(each.until)}"),
        ):
            yield f"- **{say[label]}**: {_plain(value)}"
        yield ""
    if organisation.must_be_shown:
        yield from (f"## {say['must_be_shown']}", "")
        yield from (f"- {_plain(book.title(name))}" for name in organisation.must_be_shown)
        yield ""
    if organisation.switched_off:
        yield from (f"## {say['switched_off']}", "")
    for off in organisation.switched_off:
        yield from (f"### {_plain(off.policy or book.place(off.jurisdiction))}", "")
        yield f"- **{say['because']}**: {_plain(book.text(off.because))}"
        yield from (f"- **{say['by']}**: {_plain(book.text(off.by))}", "")


class _Brief:
    def __init__(self, bundle: Bundle, instrument: Instrument, lang: str) -> None:
        self.bundle = bundle
        self.text = instrument.text
        self.language = LANGUAGES[lang]
        self.book = Phrasebook(bundle, self.language)
        self.say = self.language.brief
        self.rules: dict[str, list[Rule]] = defaultdict(list)
        exempters: dict[str, list[Rule]] = defaultdict(list)
        for rule in bundle.rules.rules:
            self.rules[rule.provision.id].append(rule)
            for name in rule.exempts:
                exempters[name].append(rule)
        self.exempters = exempters

    def lines(self) -> Iterator[str]:
        yield from self.head()
        yield f"## {self.say['provisions']}"
        yield ""
        for rule in self.text.rules:
            yield from self.provision(rule)

    def head(self) -> Iterator[str]:
        """What stands before the provisions: what the instrument is, when it applies, and its terms."""
        text, say = self.text, self.say
        yield f"# {self.words(text.title)}"
        yield ""
        yield f"> {self.language.disclaimer} {say['marks']}"
        yield ""
        instrument = text.instrument
        force = self.language.word("force", instrument.force)
        for label, value in (
            ("jurisdiction", self.book.place(text.jurisdiction)), ("issuer", instrument.issuer), ("number", instrument.number or ""),
            ("force", force), ("in_force", self.windows(text.in_force)),
        ):  # fmt: skip
            if value:
                yield f"- **{say[label]}**: {_plain(value)}"
        yield ""
        yield f"## {say['applies']}"
        yield ""
        applies = self.bundle.rules.definitions[f"{text.policy}#applies"]
        assert isinstance(applies, All)
        if applies.parts[1] == ALWAYS:
            yield f"- {say['always']}"
        yield from self.condition(applies.parts[1])
        yield ""
        if text.define:
            yield f"## {say['terms']}"
            yield ""
            for name in text.define:
                key = next((k for k in self.bundle.rules.definitions if k.partition("!")[0] == f"{text.policy}/{name}"), None)
                if key:
                    yield f"### {_spoken(name)}"
                    yield ""
                    yield from self.condition(self.bundle.rules.definitions[key])
                    yield ""

    def provision(self, text: RuleText) -> Iterator[str]:
        say, id = self.say, f"{self.text.policy}/{text.id}"
        rules = self.rules[id]
        first = rules[0]
        yield f"### {_plain(self.words(text.cite))}: {_plain(self.words(text.title))}"
        yield ""
        yield _plain(self.words(text.says))
        yield ""
        yield f"**{self.effect(text, first)}**"
        yield ""
        if text.in_force is not None:
            yield f"- **{say['in_force']}**: {self.windows(text.in_force)}"
        assert isinstance(first.condition, All)
        own = [part for part in first.condition.parts[1:] if not _is_window(part)]
        when = [part for part in own if not isinstance(part, Not)]
        unless = [part.part for part in own if isinstance(part, Not)]
        if when:
            yield f"- **{say['when']}**"
            yield from self.nested(All(tuple(when)))
        else:
            yield f"- **{say['when']}**: {say['always']}"
        if unless:
            yield f"- **{say['unless']}**"
            yield from self.nested(unless[0] if len(unless) == 1 else AnyOf(tuple(unless)))
        taken = dict.fromkeys(name.partition("~")[0] for rule in rules for name in rule.exempts)
        if taken:
            yield f"- **{say['exempts']}**: {', '.join(self.cited(name) for name in taken)}"
        excused = dict.fromkeys(name for rule in rules for name in rule.excuses)
        if excused:
            yield f"- **{say['excuses']}**: {', '.join(map(self.requirement, excused))}"
        beaten = dict.fromkeys(by.provision.id for rule in rules for by in self.exempters.get(rule.key, ()))
        if beaten:
            yield f"- **{say['exempted']}**: {', '.join(map(self.cited, beaten))}"
        for rule in rules:
            if rule.duties:
                yield f"- **{say['duties']}**"
                for duty in rule.duties:
                    yield from self.duty(duty)
        travels = text.travels
        if travels is not None:
            yield f"- **{say['travels']}**: {_plain(self.words(travels.condition))}"
        if text.sign_off_by is not None:
            yield f"- **{say['sign_off']}**: {say['two_persons']}"
        yield f"- **{say['source']}**: {_plain(text.source)}"
        yield f"- **{say['mark']}**: {self.language.word('mark', text.status)}"
        if text.reviewed:
            yield f"- **{say['reviewed']}**: {text.reviewed.by}, {text.reviewed.on}"
        if text.verify_by:
            yield f"- **{say['verify']}**: {text.verify_by}"
        yield ""

    def effect(self, text: RuleText, rule: Rule) -> str:
        """What a provision does, as its author wrote it. A doubtful provision does less."""
        if text.require is not None:
            does = self.language.word("effect", "require")
            return f"{does} {self.need(rule.need)}" if rule.need else does
        if text.satisfies is not None:
            names = [text.satisfies] if isinstance(text.satisfies, str) else text.satisfies
            return self.does("satisfies", ", ".join(map(self.requirement, names)))
        if text.oblige is not None:
            return self.does("oblige", _plain(self.words(text.oblige.duty)))
        for name in ("prohibit", "review", "advise", "compels"):
            message: Text | None = getattr(text, name)
            if message is not None:
                lane = self.bundle.vocabulary.lanes[text.lane].title if text.lane else None
                opens = f" ({self.say['lane']}: {self.words(lane)})" if lane else ""
                return f"{self.does(name, _plain(self.words(message)))}{opens}"
        return self.language.word("effect", "exempts")

    def does(self, effect: str, what: str) -> str:
        return f"{self.language.word('effect', effect)}: {what}"

    def need(self, need: Need) -> str:
        if need.op == "one":
            return self.requirement(need.requirement)
        joint = self.say["or" if need.op == "any_of" else "and"]
        return f" {joint} ".join(f"({self.need(part)})" if part.parts else self.need(part) for part in need.parts)

    def requirement(self, name: str) -> str:
        return self.words(self.bundle.vocabulary.requirements[name].title)

    def cited(self, name: str) -> str:
        """A provision as its readers know it: its citation, with the instrument where it is of another instrument."""
        provision = self.rules[name][0].provision
        place = self.book.text(provision.citation)
        return place if provision.policy == self.text.policy else self.book.source(provision)

    def duty(self, duty: Duty) -> Iterator[str]:
        say = self.say
        parts = [f"{_plain(self.book.text(duty.text))}"]
        if duty.due is not None:
            parts.append(f"{say['due']} {self.due(duty.due)}")
        if duty.keep:
            parts.append(f"{say['keep']} {self.book.keep(duty)}")
        if duty.arises == "refusal":
            parts.append(self.language.word("arises", duty.arises))
        yield f"    - {'; '.join(parts)}"
        if duty.done_when is not None:
            yield f"        - {say['done']}"
            yield from self.nested(duty.done_when, 3)

    def due(self, due: Due) -> str:
        say = self.say

        def after(name: str) -> str:
            return f"{say['of']} {say['that_day'] if name == AS_OF else self.book.title(name)}"

        match due:
            case Period(within=within):
                return f"{self.book.duration(within)} {after(due.after)}"
            case OnDay(month=month, day=day):
                return f"{month}-{day:02} {after(due.after)}"
            case OnDate(day=written):
                return self.book.language.day(written)
            case Earliest(parts=parts):
                return f"{say['earliest']} {', '.join(map(self.due, parts))}"

    # Conditions

    def condition(self, condition: Condition) -> Iterator[str]:
        yield from self.nested(condition, 0)

    def nested(self, condition: Condition, depth: int = 1) -> Iterator[str]:
        """A condition as a nested list; `depth` is how far it is indented."""
        indent = "    " * depth
        match condition:
            case Atom():
                yield f"{indent}- {_plain(self.book.phrase(condition))}"
            case Not(part=Atom() as atom):
                yield f"{indent}- {_plain(self.book.phrase(atom, negated=True))}"
            case Defined(key=key) if key.startswith(NEEDS):
                yield from self.nested(self.bundle.rules.definitions[key], depth)
            case Defined(key=key):
                yield f"{indent}- {self.term(key)}"
            case All(parts=parts):
                # A list already says that all of it must hold.
                for part in self.spoken(_flat(parts)):
                    yield from self.nested(part, depth)
            case AnyOf(parts=parts):
                yield f"{indent}- {self.say['any']}"
                for part in parts:
                    if isinstance(part, All) and len(part.parts) > 1:
                        yield f"{indent}    - {self.say['all']}"
                        yield from self.nested(part, depth + 2)
                    else:
                        yield from self.nested(part, depth + 1)
            case Not(part=All(parts=parts)) if len(spoken := self.spoken(parts)) == 1:
                yield from self.nested(Not(spoken[0]), depth)
            case Not(part=All(parts=parts) as part) if len(parts) > 1:
                yield f"{indent}- {self.say['none']}"
                yield f"{indent}    - {self.say['all']}"
                yield from self.nested(part, depth + 2)
            case Not(part=part):
                yield f"{indent}- {self.say['none']}"
                yield from self.nested(part, depth + 1)

    def spoken(self, parts: Iterable[Condition]) -> list[Condition]:
        """Parts of a whole without what `check` put beside the test of a place: that the country is the one of the place."""
        told = list(parts)
        facts, registers = self.bundle.vocabulary.facts, self.bundle.rules.registers
        said: set[tuple[str, tuple[object, ...]]] = set()
        for part in told:
            if isinstance(part, Atom) and part.fact in facts and facts[part.fact].lies_in and part.type.values:
                countries = part.type.values.country
                places = registers[part.register] if part.register else countries if part.other else part.operands
                there = tuple(sorted({countries[str(place)] for place in places}))
                said |= {(facts[fact].lies_in, there) for fact in (part.fact, part.other) if fact}
                if part.other:
                    said.add((part.fact, tuple(places)))
        return [
            part for part in told if not (isinstance(part, Atom) and part.op == "is" and (part.fact, part.operands) in said)
        ]

    def term(self, key: str) -> str:
        """A named condition: its name in words, with the instrument where it is of another instrument."""
        policy, _, name = key.partition("!")[0].partition("/")
        spoken = f"*{_spoken(name)}*"
        if policy == self.text.policy:
            return spoken
        titles = (rule.provision.instrument for rule in self.bundle.rules.rules if rule.provision.policy == policy)
        title = next(titles, None)
        return f"{spoken} ({self.book.text(title)})" if title else spoken

    def windows(self, windows: Window | list[Window]) -> str:
        told = []
        for window in windows if isinstance(windows, list) else [windows]:
            day = self.book.language.day
            ends = [f"{self.say['from']} {day(window.from_)}"] if window.from_ else []
            ends += [f"{self.say['until']} {day(window.until)}"] if window.until else []
            told.append(" ".join(ends))
        return "; ".join(told)

    def words(self, text: Text) -> str:
        return self.book.text(text)


def _flat(parts: Sequence[Condition]) -> Iterator[Condition]:
    for part in parts:
        if isinstance(part, All):
            yield from _flat(part.parts)
        else:
            yield part


def _is_window(part: Condition) -> bool:
    """Whether a part is a rule's own period, which a brief shows apart from its conditions."""
    match part:
        case All(parts=parts) if parts:
            return all(isinstance(each, Atom) and each.fact == AS_OF for each in parts)
        case AnyOf(parts=parts) if parts:
            return all(_is_window(each) for each in parts)
    return False


def _spoken(name: str) -> str:
    return name.replace("-", " ")


def _plain(text: str) -> str:
    """A text on one line, in which Markdown shows every character as it is."""
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", " ".join(text.split()))

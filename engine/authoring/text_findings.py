"""
What the texts of sound policies lack, and where they say something else than the law beside them does.

A bundle and its instruments go in, warnings at their places come out: texts that a language lacks or that are still to be written; titles
and paraphrases that name another number, length of time or day than the provision tests, or than the other language; citations that name
another article than the id, the paraphrase or the other language; entries of registers that are of another year than their source, or that
end in their scope only.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import combinations

from engine.authoring.said_numbers import LEAST, Kind, SaidLength, Value, numbers, of_kind, said, without_days
from engine.bundle import Bundle
from engine.languages import LANGUAGES
from engine.policy_language.diagnostic import Diagnostic, Findings, Span
from engine.policy_language.document_text import Text, is_placeholder
from engine.policy_language.policy_text import RuleText
from engine.policy_language.tree import Mapping as TreeMapping
from engine.policy_language.tree import Node, Scalar, Sequence, locate
from engine.policy_language.written_policies import Instrument, instruments
from engine.rules import Due, Earliest, OnDate, OnDay, Period, Rule, tests
from engine.values import MONTHS, Duration
from engine.values.multilingual import Words

KINDS: tuple[Kind, ...] = ("number", "length", "day of the year", "day")
IN_DAYS = ("hour", "day", "working day")
YEARLY = re.compile(r"\b(?:each|every) year\b|\byearly\b|\bannual(?:ly)?\b|每年", re.I)
ID = re.compile(r"(art|s|sec|section|reg|rule|principle)-(\d+)(?=-|$)")
ARTICLE = re.compile(
    r"(art(?:icle)?|s(?:ec(?:tion)?)?|reg(?:ulation)?|rule|principle)(?P<many>s)?\.? (?P<number>\d+(?:-\d+)?)(?![\d-]| (?:to|and)\b)",
    re.I,
)
OWN_ARTICLE = re.compile(r"(?:Under )?(?:Article|Section|Rule|Principle) (\d+)\b")
YEAR = re.compile(r"(?<![\d.])(?:19|20)\d\d(?!\d)")
ENDS = re.compile(r"until\b", re.I)
BRANCH = re.compile(r"\b(?:Article|Section) (\d+-\d+)\b")


def text_findings(bundle: Bundle, instruments: Iterable[Instrument], findings: Findings) -> None:
    """Every finding about texts."""
    _Texts(bundle, tuple(instruments), findings).run()


def untranslated_texts(bundle: Bundle) -> tuple[Diagnostic, ...]:
    """The texts that lack a language. Unlike `lint`, it takes a bundle without its tests, as a service loads it, and no time."""
    findings = Findings()
    _Texts(bundle, tuple(instruments(bundle)), findings).untranslated()
    return tuple(findings.all)


class _Texts:
    def __init__(self, bundle: Bundle, instruments: tuple[Instrument, ...], findings: Findings) -> None:
        self.bundle = bundle
        self.words = bundle.vocabulary
        self.instruments = instruments
        self.findings = findings
        self.rules: dict[str, list[Rule]] = defaultdict(list)
        for rule in bundle.rules.rules:
            self.rules[rule.provision.id].append(rule)

    def run(self) -> None:
        self.untranslated()
        self.entries()
        for instrument in self.instruments:
            branches = {each for rule in instrument.text.rules for each in re.findall(r"\d+-\d+", rule.cite.en)}
            for number, rule in enumerate(instrument.text.rules):
                self.placeholders(instrument, number, rule)
                self.said_otherwise(instrument, number, rule)
                self.cited_otherwise(instrument, number, rule, branches)

    def warn(self, at: Span, code: str, said: str, help: str) -> None:
        self.findings.warn(at, code, said, help=help)

    # Texts that are not there

    def untranslated(self) -> None:
        for organisation in self.words.organisations:
            self.in_each(organisation.title, Span(organisation.file, organisation.line, 1), f"the title of `{organisation.id}`")
            for accepted in organisation.accepts:
                self.in_each(accepted.because, Span(accepted.file, accepted.line, 1), f"the reason of `{accepted.id}`")
            for off in organisation.switched_off:
                what = f"the reason why `{off.policy or off.jurisdiction}` is switched off"
                self.in_each(off.because, Span(off.file, off.line, 1), what)
        for instrument in self.instruments:
            text = instrument.text
            self.in_each(text.title, instrument.at("title"), f"the title of `{text.policy}`")
            for number, rule in enumerate(text.rules):
                self.in_each(rule.title, instrument.at("rules", number, "title"), f"the title of `{rule.id}`")
        for name, fact in self.words.facts.items():
            if ("facts", name) in self.words.spans:  # a member of a family has no place of its own
                self.in_each(fact.title, self.of_word("facts", name, "title"), f"the title of `{name}`")
                if fact.ask:
                    self.in_each(fact.ask, self.of_word("facts", name, "ask"), f"the question of `{name}`", "ask")
        for group in ("evidence", "claims"):
            for kind, known in self.words.kinds[group].items():
                self.in_each(known.title, self.of_word(group, kind, "title"), f"the title of `{kind}`")
                if known.ask:
                    self.in_each(known.ask, self.of_word(group, kind, "ask"), f"the question of `{kind}`", "ask")
        for group, texts in (
            ("requirements", self.words.requirements), ("jurisdictions", self.words.jurisdictions), ("lanes", self.words.lanes),
            ("subjects", self.words.subjects),
        ):  # fmt: skip
            for name, each in texts.items():
                self.in_each(each.title, self.of_word(group, name, "title"), f"the title of `{name}`")
        for name, entry in self.words.coherence.items():
            self.in_each(entry.says, self.of_word("coherence", name, "says"), f"the sentence of `{name}`")

    def of_word(self, group: str, name: str, key: str) -> Span:
        """Where a word of the vocabulary has a text."""
        node = self.words.nodes.get((group, name))
        found = node.key(key) if isinstance(node, TreeMapping) else None
        return found.span if found else self.words.spans[group, name]

    def in_each(self, text: Text | Words, at: Span, what: str, key: str = "") -> None:
        for code, language in LANGUAGES.items():
            if not getattr(text, code):
                where = f" under `{key}:`" if key else ""
                self.warn(at, "untranslated", f"{what} has no {language.english_name}", f"add `{code}:`{where}")

    def placeholders(self, instrument: Instrument, number: int, rule: RuleText) -> None:
        texts: dict[str, Text | str | None] = {"title": rule.title, "cite": rule.cite, "says": rule.says, "source": rule.source}
        for key, text in texts.items():
            each = (text,) if isinstance(text, str) else (text.en, text.zh) if text else ()
            if any(one and is_placeholder(one) and not re.search(r"\d", one) for one in each):  # `s. 4` is a citation
                said = f"`{key}` of `{rule.id}` stands for a text that is still to be written"
                self.warn(instrument.at("rules", number, key), "placeholder", said, "write it, or mark the provision `unsure`")

    # Texts that say otherwise

    def said_otherwise(self, instrument: Instrument, number: int, rule: RuleText) -> None:
        tested = defaultdict[Kind, set[Value]](set)
        for lowered in self.rules[f"{instrument.text.policy}/{rule.id}"]:
            for kind, value in _tested(lowered, self.bundle):
                tested[kind].add(value)
        for key, text in (("title", rule.title), ("says", rule.says)):
            at = instrument.at("rules", number, key)
            told = {code: tuple(said(each)) for code in LANGUAGES if (each := getattr(text, code))}
            for kind in KINDS:
                by_language = {code: of_kind(each, kind) for code, each in told.items()}
                differing = [
                    words
                    for named in by_language.values()
                    for value, words in named.items()
                    if _differs(kind, value, named, tested[kind])
                ]
                for words in differing:
                    does = " and ".join(sorted(f"`{_written(each, words)}`" for each in tested[kind]))
                    message = f"`{key}` of `{rule.id}` says `{words}`, and the provision says {does}"
                    self.warn(at, "said-otherwise", message, "correct the one or the other")
                for one, other in combinations(by_language.values(), 2):
                    if not differing and one and other and one.keys() != other.keys():
                        first, second = (", ".join(f"`{words}`" for words in each.values()) for each in (one, other))
                        message = f"`{key}` of `{rule.id}` says {first} in one language and {second} in another"
                        self.warn(at, "said-otherwise", message, "let both say the same")
        self.yearly(instrument, number, rule)

    def yearly(self, instrument: Instrument, number: int, rule: RuleText) -> None:
        """What is done each year, and is due on one day of one year."""
        texts = [text for code in LANGUAGES if (text := getattr(rule.says, code))]
        days = {each.value for text in texts for each in said(text) if each.kind == "day of the year"}
        for lowered in self.rules[f"{instrument.text.policy}/{rule.id}"]:
            for place, duty in enumerate(lowered.duties):
                due = duty.due
                if not isinstance(due, OnDate) or not (YEARLY.search(" ".join(texts)) or (due.day.month, due.day.day) in days):
                    continue
                day = _written((due.day.month, due.day.day))
                where = ("rules", number, "oblige", "due") if rule.oblige else ("rules", number, "duties", place, "due")
                message = f"`{rule.id}` speaks of a day of each year, and its duty is due on `{due.day}` only"
                help = f"write `{{on: {day}, after: exchanged_at}}`, or the date of a document for `exchanged_at`"
                self.warn(instrument.at(*where), "said-otherwise", message, help)

    def entries(self) -> None:
        """Entries of registers whose days are not of the years that their source names, or that end in words only."""
        for register in self.words.registers:
            listed = locate(self.words.nodes["registers", register], ("entries",))[0]
            for value, node in listed.entries if isinstance(listed, TreeMapping) else ():
                for entry in node.items if isinstance(node, Sequence) else (node,):
                    texts = {key.text: each.text for key, each in _scalars_of(entry)}
                    days = {key: texts[key] for key in ("from", "until") if key in texts}
                    named = sorted({int(each) for each in YEAR.findall(texts.get("source", ""))})
                    years = [int(each[:4]) for each in days.values()]
                    if named and "from" in days and min(abs(one - other) for one in named for other in years) > 1:
                        said = " and ".join(f"`{key}: {day}`" for key, day in days.items())
                        which = " and ".join(f"`{each}`" for each in named)
                        message = f"the entry `{value.text}` of `{register}` says {said}, and its source names {which}"
                        self.warn(value.span, "said-otherwise", message, "correct the one or the other")
                    elif "until" not in texts and ENDS.match(texts.get("scope", "")):
                        message = f"the scope of the entry `{value.text}` of `{register}` says that it ends, and it has no end"
                        self.warn(value.span, "said-otherwise", message, "add `until:`, or correct the scope")

    def cited_otherwise(self, instrument: Instrument, number: int, rule: RuleText, branches: set[str]) -> None:
        at, cite = instrument.at("rules", number, "cite"), rule.cite
        first = ARTICLE.match(cite.en)
        id = ID.match(rule.id)
        if first and id and not first["many"] and first[1][0].lower() == id[1][0] and int(id[2]) not in numbers(cite.en):
            said = f"`{rule.id}` cites `{first[0]}`"
            self.warn(at, "cited-otherwise", said, f"cite {id[2]}, or name the provision after what it cites")
        if cite.zh:
            one, other = (set(numbers(without_days(each))) for each in (cite.en, cite.zh))
            if one - other and other - one:
                said = f"`cite` of `{rule.id}` is `{cite.en}` in one language and `{cite.zh}` in another"
                self.warn(at, "cited-otherwise", said, "let both name the same")
        named = OWN_ARTICLE.match(rule.says.en)
        far = [each for each in BRANCH.findall(rule.says.en) if branches and each not in branches]
        if (named and first and int(named[1]) not in numbers(cite.en)) or far:
            which = far[0] if far else named[1] if named else ""
            said = f"`says` of `{rule.id}` speaks of `{which}`, and `cite` of `{cite.en}`"
            self.warn(instrument.at("rules", number, "says"), "cited-otherwise", said, "correct the one or the other")


def _scalars_of(node: Node) -> Iterator[tuple[Scalar, Scalar]]:
    """What a mapping says in one word or text each."""
    if isinstance(node, TreeMapping):
        yield from ((key, each) for key, each in node.entries if isinstance(each, Scalar))


def _differs(kind: Kind, value: Value, named: Mapping[Value, str], tested: set[Value]) -> bool:
    """Whether a text that names this value says something else than is tested."""
    if not tested or value in tested:
        return False
    match value:
        case int():
            return value + 1 not in tested and value - 1 not in tested
        case date():  # texts name many days; one in another month of the same year is a slip
            return any(isinstance(each, date) and (each.year, each.day) == (value.year, value.day) for each in tested)
        case SaidLength(unit=unit, number=length):
            alike = [each for each in tested if isinstance(each, SaidLength) and (each.unit in IN_DAYS) == (unit in IN_DAYS)]
            if unit in IN_DAYS:
                return any(each not in named for each in alike)
            apart = {abs(one.number - other.number) for one, other in combinations(alike, 2)}
            return bool(alike) and length not in apart
    return True


def _tested(rule: Rule, bundle: Bundle) -> Iterator[tuple[Kind, Value]]:
    for atom in tests(rule.condition, bundle.rules.definitions):
        for operand in atom.operands:
            yield from _value(operand)
    for duty in rule.duties:
        yield from _due(duty.due)


def _due(due: Due | None) -> Iterator[tuple[Kind, Value]]:
    match due:
        case Period(within=within):
            yield from _value(within)
        case OnDay(month=month, day=day):
            yield "day of the year", (month, day)
        case OnDate(day=written):
            yield "day", written
        case Earliest(parts=parts):
            for part in parts:
                yield from _due(part)


def _value(operand: object) -> Iterator[tuple[Kind, Value]]:
    match operand:
        case date():
            yield "day", operand
        case Decimal() if operand >= LEAST / 10:  # a tenth of what a text says is a slip, too
            yield "number", int(operand)
        case Duration(months=months, hours=hours, working_days=working):
            if months:
                yield "length", SaidLength("month", months)
            if working:
                yield "length", SaidLength("working day", working)
            if hours:
                yield "length", SaidLength("hour", hours) if hours % 24 else SaidLength("day", hours // 24)


def _written(value: Value, beside: str = "") -> str:
    """A value in words; a length in months beside one in months."""
    match value:
        case int():
            return f"{value:,}"
        case SaidLength(unit=unit, number=length):
            in_years = unit == "month" and length % 12 == 0 and "month" not in beside and "月" not in beside
            whole, unit = (length // 12, "year") if in_years else (length, unit)
            return f"{whole} {unit}{'' if whole == 1 else 's'}"
        case (int() as month, int() as day):
            return f"{day} {MONTHS[month - 1]}"
    return str(value)

"""
What to improve in sound policies: words that nothing uses, provisions that no test shows, sources that nobody read again in time.

A bundle and a day go in, warnings at their places come out. The warnings of `check` are among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from engine.authoring.instruments import Instrument, instruments
from engine.authoring.testing import expectations
from engine.bundle import Bundle
from engine.diagnostic import Diagnostic, Findings, Span
from engine.languages import LANGUAGES
from engine.multilingual import Words
from engine.policy_language.model import Text
from engine.policy_language.tree import Mapping, Node, Scalar, Sequence
from engine.rules import Atom, Condition, anchors, atoms

USED_BY_LEDGER = ("exporter.id", "recipient.id", "data.id")  # who and what: records are searched by them


def lint(bundle: Bundle, today: date) -> tuple[Diagnostic, ...]:
    """Every finding, in file order."""
    return _Lint(bundle, today).run()


class _Lint:
    def __init__(self, bundle: Bundle, today: date) -> None:
        self.bundle = bundle
        self.today = today
        self.words = bundle.vocabulary
        self.instruments = instruments(bundle)
        self.findings = Findings()

    def run(self) -> tuple[Diagnostic, ...]:
        self.unused()
        self.untested()
        for instrument in self.instruments:
            self.stale(instrument)
            self.lifts_from_memory(instrument)
        self.ended()
        self.untranslated()
        return tuple(sorted({*self.bundle.warnings, *self.findings.all}))

    # Words that nothing uses

    def unused(self) -> None:
        read = list(self.read())
        facts = {*read, *USED_BY_LEDGER, *(line.fact for _, lines in self.words.factor.values() for line in lines.values())}
        facts |= self.words.must_be_shown
        for counter in self.words.counters.values():
            facts |= {counter.counts.removeprefix("distinct "), *counter.per}
        families = {member: name for name, members in self.words.families.items() for member in members}
        used = {families.get(name, name).removesuffix(".total") for name in facts}
        for name in dict.fromkeys(families.get(fact, fact) for fact in self.words.facts):
            if name not in used:
                self.unnamed("facts", name, "no rule, counter or account reads the fact")
        rules = self.bundle.rules
        kinds = {name.split(".")[1] for name in facts if name.startswith(("evidence.", "claims."))}
        for group in ("evidence", "claims"):
            for kind in self.words.kinds[group]:
                if kind not in kinds:
                    self.unnamed(group, kind, f"no rule asks for this kind of {group.removesuffix('s')}")
        needed = {name for rule in rules.rules if rule.need for name in rule.need.requirements()}
        for name in self.words.requirements:
            if name not in needed:
                self.unnamed("requirements", name, "no rule requires it")
        registers = {atom.register for condition in self.conditions() for atom in atoms(condition)}
        registers |= {text.countries for text in self.words.jurisdictions.values() if isinstance(text.countries, str)}
        for name in self.words.registers:
            if name not in registers:
                self.unnamed("registers", name, "no rule looks it up")
        for name in self.words.lanes:
            if name not in {rule.lane for rule in rules.rules}:
                self.unnamed("lanes", name, "no rule opens it")
        for name in self.words.jurisdictions:
            if name not in {each.text.jurisdiction for each in self.instruments}:
                self.unnamed("jurisdictions", name, "no policy belongs to it")
        self.unused_values()

    def unused_values(self) -> None:
        """A value that no rule tests, neither itself nor a value that it is a kind of, and that no test case sends."""
        tested = {
            str(operand)
            for condition in self.conditions()
            for atom in atoms(condition)
            if not atom.register
            for operand in atom.operands
        }
        sent = {text for _, root in self.bundle.tests for text in _scalars(root)}
        sets = {fact.type.values.name for fact in self.words.facts.values() if fact.type.values}
        sets |= {register.of.name for register in self.words.registers.values()}
        sets |= {_by(node) for (group, _), node in self.words.nodes.items() if group == "facts"}
        for name, values in self.words.values.items():
            if name not in sets:
                self.unnamed("values", name, "no fact has values of this set")
                continue
            listed = {
                value for register in self.words.registers.values() if register.of is values for value in register.entries
            }
            node = self.words.nodes["values", name]
            for value in values.values:
                known = {value, *values.lineage[value]}
                if name != "country" and not known & tested and value not in sent and value not in listed:
                    where = node.get("values") if isinstance(node, Mapping) else None
                    key = where.key(value) if isinstance(where, Mapping) else None
                    at = self.words.spans.get(("more_values", f"{name}/{value}"), (key or node).span)
                    said = f"no rule tests the value `{value}` of `{name}`, and no test sends it"
                    self.findings.warn(at, "unused-word", said, help="use it, or drop it")

    def conditions(self) -> Iterator[Condition]:
        rules = self.bundle.rules
        yield from rules.definitions.values()
        yield from (rule.condition for rule in rules.rules)
        yield from (duty.done_when for duty in self.bundle.duties.values() if duty.done_when is not None)

    def read(self) -> Iterator[str]:
        """Every fact, family and document that a rule rests on."""
        for condition in self.conditions():
            for atom in atoms(condition):
                yield from _named(atom)
        yield from (anchor.after for duty in self.bundle.duties.values() for anchor in anchors(duty.due))
        yield from (touch.fact for touch in self.words.touches)

    def unnamed(self, group: str, name: str, said: str) -> None:
        self.findings.warn(self.words.spans[group, name], "unused-word", f"`{name}`: {said}", help="use it, or drop it")

    # Provisions that no test shows

    def untested(self) -> None:
        stands: set[str] = set()
        silent: set[str] = set()
        for suite, expect in expectations(self.bundle):
            for names, into in ((expect.because, stands), (expect.beaten, stands), (expect.silent, silent)):
                into |= {name if "/" in name else f"{suite}/{name}" for name in names or ()}
        for instrument in self.instruments:
            for number, rule in enumerate(instrument.text.rules):
                id = f"{instrument.text.policy}/{rule.id}"
                wanting = [said for said, seen in (("stands", stands), ("does not stand", silent)) if id not in seen]
                if wanting:
                    said = f"no case shows that `{rule.id}` {', and none that it '.join(wanting)}"
                    help = "name it under `because` in one case and under `silent` in another"
                    self.findings.warn(instrument.at("rules", number, "id"), "untested", said, help=help)

    # Sources and marks

    def stale(self, instrument: Instrument) -> None:
        for number, rule in enumerate(instrument.text.rules):
            if rule.verify_by and rule.verify_by < self.today:
                said = f"`{rule.id}` had to be compared with its source by {rule.verify_by}"
                help = "read the source again, then set a later `verify_by`, or drop `verify_by` where the text is settled"
                self.findings.warn(instrument.at("rules", number, "verify_by"), "stale", said, help=help)

    def lifts_from_memory(self, instrument: Instrument) -> None:
        for number, rule in enumerate(instrument.text.rules):
            if rule.status == "from-memory" and (rule.satisfies or rule.exempts):
                said = f"`{rule.id}` is a lift from memory, so what it would lift becomes a review"
                help = "read its source, then mark it `confirmed`"
                self.findings.warn(instrument.at("rules", number, "status"), "lift-from-memory", said, help=help)

    def ended(self) -> None:
        """An acceptance that is over: the decisions that rested on it are reviews again."""
        for each in self.words.accepts:
            if each.until < self.today:
                said = f"the acceptance `{each.id}` ended on {each.until}"
                help = "look at the law again, then accept it anew, or drop it"
                self.findings.warn(Span(each.file, each.line, 1), "stale", said, help=help)

    # Titles missing in a language

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
            at = self.words.spans.get(("facts", name))  # a member of a family has no place of its own
            if at is not None:
                self.in_each(fact.title, at, f"the title of `{name}`")
                if fact.ask:
                    self.in_each(fact.ask, at, f"the question of `{name}`")
        for group in ("evidence", "claims"):
            for kind, known in self.words.kinds[group].items():
                self.in_each(known.title, self.words.spans[group, kind], f"the title of `{kind}`")
                if known.ask:
                    self.in_each(known.ask, self.words.spans[group, kind], f"the question of `{kind}`")
        for group, texts in (
            ("requirements", self.words.requirements), ("jurisdictions", self.words.jurisdictions), ("lanes", self.words.lanes),
            ("subjects", self.words.subjects),
        ):  # fmt: skip
            for name, each in texts.items():
                self.in_each(each.title, self.words.spans[group, name], f"the title of `{name}`")
        for name, entry in self.words.coherence.items():
            self.in_each(entry.says, self.words.spans["coherence", name], f"the sentence of `{name}`")

    def in_each(self, text: Text | Words, at: Span, what: str) -> None:
        for code, language in LANGUAGES.items():
            if not getattr(text, code):
                self.findings.warn(at, "untranslated", f"{what} has no {language.english_name}", help=f"add `{code}:`")


def _by(fact: Node) -> str:
    """The value set that makes a fact a family."""
    by = fact.get("by") if isinstance(fact, Mapping) else None
    return by.text if isinstance(by, Scalar) else ""


def _named(atom: Atom) -> Iterator[str]:
    for name in (atom.fact, atom.other):
        group, _, rest = name.partition(".")
        if group in ("evidence", "claims"):
            # A field of a document counts as the document.
            yield f"{group}.{rest.partition('.')[0]}"
        elif name:
            yield name


def _scalars(node: Node) -> Iterator[str]:
    match node:
        case Scalar(text=text):
            yield text
        case Mapping(entries=entries):
            for key, value in entries:
                yield from key.text.split(".")
                yield from _scalars(value)
        case Sequence(items=items):
            for item in items:
                yield from _scalars(item)

"""
What to improve in sound policies: words that nothing uses, provisions that no test shows, sources that nobody read again in time, lifts
and bans that a word too many or too few gets around.

A bundle and a day go in, warnings at their places come out. The warnings of `check` are among them. An author accepts a finding with a
comment on its line or above it: `# accepted CODE: why`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from engine.authoring.prepared_case import full_name
from engine.authoring.testing import cases, expectations
from engine.authoring.text_findings import text_findings
from engine.backends.bitset import Bitset
from engine.backends.bitset.rule_table import mask_of
from engine.bundle import Bundle
from engine.policy_language.claim_needs import CLAIMS, NEEDS, NOTHING, needs_of
from engine.policy_language.diagnostic import Diagnostic, Findings, Span
from engine.policy_language.tree import Mapping, Node, Scalar, Sequence, comments
from engine.policy_language.written_policies import Instrument, instruments
from engine.rules import AS_OF, All, AnyOf, Atom, Condition, Defined, Not, Rule, Truth, anchors, atoms, tests
from engine.values.outcome_levels import permitting

BANS = ("prohibit", "review", "require")
RESERVED = ("subject/", "touch/", "counter/", "not-reached/", NEEDS)  # conditions of the vocabulary, not of a provision
ACCEPTED = re.compile(r"# accepted ([a-z-]+): *\S")
IDLE, CLAIMED, STATED = range(3)
USED_BY_LEDGER = ("exporter.id", "recipient.id", "data.id")  # who and what: records are searched by them


def lint(bundle: Bundle, today: date, only: str = "") -> tuple[Diagnostic, ...]:
    """
    Every finding in the files whose name contains `only`, in file order.

    Raises ValueError for a bundle that was loaded without its tests, as a service loads it: it no longer has what is looked at here.
    """
    if not bundle.vocabulary.nodes:
        raise ValueError("a bundle that was loaded without its tests cannot be looked through: load it with them")
    return _Lint(bundle, today, only).run()


class _Lint:
    def __init__(self, bundle: Bundle, today: date, only: str) -> None:
        self.bundle = bundle
        self.today = today
        self.only_files = only
        self.words = bundle.vocabulary
        self.instruments = instruments(bundle)
        self.findings = Findings()
        # The claims that other facts can contradict, as the vocabulary says under `coherence:`.
        never = (set(_named(*atoms(each.condition))) for each in bundle.coherence.never)
        self.contradicted = {name for names in never if any(not name.startswith("claims.") for name in names) for name in names}
        self.by_provision: dict[str, list[Rule]] = {}
        for rule in bundle.rules.rules:
            self.by_provision.setdefault(rule.provision.id, []).append(rule)

    def run(self) -> tuple[Diagnostic, ...]:
        self.unused()
        self.untested()
        for instrument in self.instruments:
            self.stale(instrument)
            self.lifts_from_memory(instrument)
            self.bare_claims(instrument)
        self.covered_and_silent()
        self.needs_not_said()
        self.escapes()
        self.known_to_one_rule()
        self.counted_for_nobody()
        self.ended()
        self.accepted_though_covered()
        self.reach_not_said()
        text_findings(self.bundle, self.instruments, self.findings)
        found = self.not_accepted({*self.bundle.warnings, *self.findings.all})
        return tuple(each for each in found if self.only_files in each.at.file)

    # Words that nothing uses

    def unused(self) -> None:
        read = list(self.read())
        facts = {*read, *USED_BY_LEDGER, *(line.fact for _, lines in self.words.factor.values() for line in lines.values())}
        facts |= self.words.must_be_shown
        if (settlement := self.words.settlement) is not None:
            facts |= {settlement.price, settlement.shares, *settlement.parties.values(), *settlement.free, *settlement.fills}
            facts |= {*settlement.countries.values()}
            facts |= {each for each in (settlement.by, settlement.agreement, settlement.made_from) if each}
        facts |= set(self.words.statistics.facts.values()) if self.words.statistics else set()
        facts |= {self.words.plans.derived} if self.words.plans else set()
        facts |= {fact for lines in self.words.computed.values() for line in lines.values() for fact in line.facts}
        facts |= {
            source
            for register in self.words.transfer_registers.values()
            for column in register.columns.values()
            for source in column.sources
        }
        for counter in self.words.counters.values():
            facts |= {counter.counts.removeprefix("distinct "), *counter.per}
            facts |= {each for each in (counter.currency, counter.same, counter.kept) if each}
            facts |= {f"evidence.{counter.record}.people"} if counter.record else set()
        for book in self.words.books.values():
            facts |= {book.of, book.by, book.to, book.held, *book.inputs}
        for promise in self.words.promises.values():
            facts |= {promise.due, promise.by, promise.to, *promise.terms.values(), promise.fills, promise.beside}
            facts |= {each for each in (promise.number, promise.disputed) if each}
            facts |= {f"evidence.{kind}.dated" for kind in promise.evidence}
        facts |= {
            fact for text in self.words.shares.values() for each in text.members.values() for fact in (each.of, each.by) if fact
        }
        families = {member: name for name, members in self.words.families.items() for member in members}
        used = {families.get(name, name).removesuffix(".total") for name in facts}
        for name in dict.fromkeys(families.get(fact, fact) for fact in self.words.facts):
            if name not in used:
                self.unnamed("facts", name, "no rule, counter, promise or account reads the fact")
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
        registers |= set(self.words.statistics.registers) if self.words.statistics else set()
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
        # A list of places and of the countries around them is whole, whether or not a rule tests each of them.
        maps = {each for name, values in self.words.values.items() if values.inside for each in (name, values.inside)}
        for name, values in self.words.values.items():
            if name not in sets:
                self.unnamed("values", name, "no fact has values of this set")
                continue
            listed = {
                value for register in self.words.registers.values() if register.of is values for value in register.entries
            }
            node = self.words.nodes["values", name]
            for value in values.values:
                if value in values.rest:  # it says that none of its neighbours applies
                    continue
                known = {value, *values.lineage[value]}
                if name not in maps and not known & tested and value not in sent and value not in listed:
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
        idle: set[str] = set()
        for suite, expect in expectations(self.bundle):
            for names, into in ((expect.because, stands), (expect.beaten, stands), (expect.silent, silent)):
                into |= {full_name(suite, name) for name in names or ()}
            idle |= {policy for policy, word in expect.applies.items() if word == "no"}
        for instrument in self.instruments:
            for number, rule in enumerate(instrument.text.rules):
                id = f"{instrument.text.policy}/{rule.id}"
                # A rule without a condition of its own does not stand where its policy does not apply.
                bare = rule.when is None and rule.unless is None and rule.in_force is None
                not_standing = id in silent or (bare and instrument.text.policy in idle)
                wanting = [said for said, seen in (("stands", id in stands), ("does not stand", not_standing)) if not seen]
                if wanting:
                    said = f"no case shows that `{rule.id}` {', and none that it '.join(wanting)}"
                    help = "name it under `because` in one case and under `silent` in another"
                    if bare:
                        help += f", or expect `applies: {{{instrument.text.policy}: no}}`"
                    self.findings.warn(instrument.at("rules", number, "id"), "untested", said, help=help)

    def covered_and_silent(self) -> None:
        """
        A covered subject matter of a jurisdiction on which no case reaches the law: nothing stands, and nothing is permitted.

        Every case may have to be evaluated, which takes longer than all else here. So only what is to be reported is looked at.
        """
        rules = self.bundle.rules
        left = {
            (floor.jurisdiction, each.subject): each
            for floor in rules.floors
            for each in floor.spoken
            if floor.covered and each.covered_from and self.only_files in self.covered_at(floor.jurisdiction, each.subject).file
        }
        if not left:
            return
        speaking = {
            key: mask_of(n for n, rule in enumerate(rules.rules) if _is_of(rule, key.removeprefix("speaks/")))
            for key in {key for each in left.values() for key in each.by}
        }
        engine = Bitset(rules)
        for case in cases(self.bundle):
            verdict = engine.evaluate(case.exchange, case.as_of)
            for (place, subject), each in list(left.items()):
                assert each.covered_from
                if each.covered_from <= case.as_of and verdict.defined[subject] is Truth.YES:
                    stands = any(verdict.stands.certain & speaking[key] for key in each.by)
                    if stands or permitting(verdict.jurisdictions[place]):
                        del left[place, subject]
            if not left:
                break
        for place, subject in left:
            name = subject.removeprefix("subject/")
            said = f"`{place}` covers `{name}`, and in no case a provision on it stands or it permits"
            help = "add a case in which one of the policies named under `by` speaks, or say `partly: yes`"
            self.findings.warn(self.covered_at(place, subject), "covered-and-silent", said, help=help)

    def covered_at(self, place: str, subject: str) -> Span:
        """Where a jurisdiction says that it covers a subject matter."""
        node = self.words.nodes["jurisdictions", place]
        covers = node.get("covers") if isinstance(node, Mapping) else None
        key = covers.key(subject.removeprefix("subject/")) if isinstance(covers, Mapping) else None
        return (key or node).span

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

    # What gets around the law

    def bare_claims(self, instrument: Instrument) -> None:
        """A lift that stands where it is claimed to, which neither a document nor another fact can contradict."""
        policy = instrument.text.policy
        for number, rule in enumerate(instrument.text.rules):
            lifting = (own(each.condition) for each in self.by_provision[f"{policy}/{rule.id}"] if each.lifts)
            if any(self.rests_on_claims(condition, True) == CLAIMED for condition in lifting):
                said = (
                    f"`{rule.id}` lifts where it is claimed to: no document is asked for, and no other fact can contradict it"
                )
                help = "ask for a document under `when`, or say under `unless` which facts contradict the claim"
                self.findings.warn(instrument.at("rules", number, "id"), "bare-claim", said, help=help)

    def rests_on_claims(self, condition: Condition, wanted: bool) -> int:
        """Whether a condition can be as wanted with nothing sent (IDLE), with claims alone (CLAIMED), or not so (STATED)."""
        match condition:
            case Atom(fact=fact) if fact == AS_OF:
                return IDLE
            case Atom(fact=fact) if fact.startswith("claims.") and not self.contradicted.intersection(_named(condition)):
                return CLAIMED if wanted else IDLE
            case Atom():
                return STATED
            case Not(part=part):
                return self.rests_on_claims(part, not wanted)
            case Defined(key=key):
                return self.rests_on_claims(self.bundle.rules.definitions[key], wanted)
            case All(parts=parts) | AnyOf(parts=parts):
                found = [self.rests_on_claims(part, wanted) for part in parts]
                if isinstance(condition, All) is wanted:
                    return max(found, default=IDLE)
                return CLAIMED if CLAIMED in found else min(found, default=STATED)

    def needs_not_said(self) -> None:
        """A claim that does not say what it needs: it lifts whatever else the exchange states."""
        for name in self.words.kinds[CLAIMS]:
            if needs_of(self.words, name) is None:
                said = f"the claim `{name}` does not say what it needs where it lifts"
                help = f"write `needs:` with a condition of facts, or `needs: {NOTHING}`"
                self.findings.warn(self.words.spans[CLAIMS, name], "no-needs", said, help=help)

    def escapes(self) -> None:
        """A ban that holds only while a set has nothing else in it, at the place where `only` is written."""
        places: dict[str, Span] = {}
        for instrument in self.instruments:
            policy = instrument.text.policy
            places[f"{policy}#applies"] = instrument.at("applies")
            places |= {f"{policy}/{name}": instrument.at("define", name) for name in instrument.text.define}
            rules = enumerate(instrument.text.rules)
            places |= {f"{policy}/{rule.id}": instrument.at("rules", number, "id") for number, rule in rules}
        seen: set[tuple[str, str]] = set()
        for rule in self.bundle.rules.rules:
            for place in self.only(rule.provision.id, rule.condition, True) if rule.effect in BANS else ():
                if place not in seen:
                    seen.add(place)
                    said = f"whoever adds a value to `{place[1]}` escapes `{rule.provision.id}`, which asks for `only`"
                    help = "ask with `has` for what the rule is about; where the law itself says “only”, accept the finding"
                    self.findings.warn(places[place[0]], "only-on-a-ban", said, help=help)

    def only(self, owner: str, condition: Condition, wanted: bool) -> Iterator[tuple[str, str]]:
        """The facts of the tests with `only` that have to hold, each with the rule or definition in which it is written."""
        match condition:
            case Atom(op="only", fact=fact) if wanted:
                yield owner, fact
            case Not(part=part):
                yield from self.only(owner, part, not wanted)
            case Defined(key=key):
                yield from self.only(key.partition("!")[0], self.bundle.rules.definitions[key], wanted)
            case All(parts=parts) | AnyOf(parts=parts):
                for part in parts:
                    yield from self.only(owner, part, wanted)

    def known_to_one_rule(self) -> None:
        """A fact that is asked for because of one provision alone, and that no counter, account or country of the exchange needs."""
        rules, families = self.bundle.rules, {m: name for name, members in self.words.families.items() for m in members}
        by: dict[str, set[str]] = {}
        for rule in rules.rules:
            conditions = [rule.condition, *(duty.done_when for duty in rule.duties if duty.done_when is not None)]
            read = {name for each in conditions for atom in tests(each, rules.definitions) for name in (atom.fact, atom.other)}
            read |= {anchor.after for duty in rule.duties for anchor in anchors(duty.due)}
            for name in read:
                by.setdefault(families.get(name, name).removesuffix(".total"), set()).add(rule.provision.id)
        reserved = (condition for key, condition in rules.definitions.items() if key.startswith(RESERVED))
        elsewhere = {atom.fact for condition in reserved for atom in tests(condition, rules.definitions)}
        elsewhere |= {line.fact for _, lines in self.words.factor.values() for line in lines.values()}
        elsewhere |= {fact for lines in self.words.computed.values() for line in lines.values() for fact in line.facts}
        elsewhere |= {anchor.after for each in rules.requirements.values() for d in each.duties for anchor in anchors(d.due)}
        for name in dict.fromkeys(families.get(fact, fact) for fact in self.words.facts):
            knowing = by.get(name, set())
            if len(knowing) == 1 and name not in elsewhere:
                said = f"`{name}`: only `{min(knowing)}` asks for the fact"
                help = "say it with a fact that other rules ask for too, or accept the finding"
                self.findings.warn(self.words.spans["facts", name], "one-rule", said, help=help)

    # What an author has accepted

    def not_accepted(self, found: set[Diagnostic]) -> tuple[Diagnostic, ...]:
        """The findings that no comment accepts, and the comments that accept nothing."""
        left, idle = set(found), Findings()
        for file, data in self.bundle.sources.items():
            if b"# accepted " in data:
                lines = data.decode().splitlines()
                for comment in comments(file, data):
                    if match := ACCEPTED.match(comment.text):
                        line = _below(lines, comment.span)
                        accepted = {each for each in found if (each.at.file, each.at.line, each.code) == (file, line, match[1])}
                        left -= accepted
                        if not accepted:
                            said = f"there is no finding `{match[1]}` to accept on line {line}"
                            idle.warn(comment.span, "accepted-nothing", said, help="drop the comment")
        return tuple(sorted({*left, *idle.all}))

    def counted_for_nobody(self) -> None:
        """A counter that is kept per recipient alone: no exporter knows what others send there."""
        for name, counter in self.words.counters.items():
            if all(fact.startswith(f"{self.words.recipient}.") for fact in counter.per):
                per = ", ".join(f"`{fact}`" for fact in counter.per)
                said = f"`{name}` is counted per {per} alone, over all exporters, and none of them knows what others sent"
                help = "name under `per` whom the law counts, such as the exporter"
                self.findings.warn(self.words.spans["counters", name], "counted-for-nobody", said, help=help)

    def ended(self) -> None:
        """An acceptance that is over: the decisions that rested on it are reviews again."""
        for each in self.words.accepts:
            if each.until < self.today:
                said = f"the acceptance `{each.id}` ended on {each.until}"
                help = "look at the law again, then accept it anew, or drop it"
                self.findings.warn(Span(each.file, each.line, 1), "stale", said, help=help)

    def accepted_though_covered(self) -> None:
        """An acceptance of what is read already: it says of the law's own answer that it is looked after elsewhere."""
        for each in self.words.accepts:
            for name, text in self.words.jurisdictions.items():
                mine = set(each.countries) & set(self.words.countries(text, self.today))
                for subject in each.subjects if mine else ():
                    cell = text.covers.get(subject)
                    if (
                        cell is None
                        or cell.kind == "unread"
                        or cell.partly == "yes"
                        or cell.in_doubt(self.bundle.settings.trust)
                    ):
                        continue
                    said = f"the acceptance `{each.id}` accepts `{subject}` of {', '.join(sorted(mine))}, which `{name}` covers"
                    help = "drop it, unless it is for exchanges that the law does not reach"
                    self.findings.warn(Span(each.file, each.line, 1), "accepted-covered", said, help=help)

    def reach_not_said(self) -> None:
        """An unsure review beside requirements: if the doubt is whether the law reaches, what it requires should be in doubt as well."""
        for instrument in self.instruments:
            text = instrument.text
            if text.reach_in_doubt is not None or all(rule.require is None for rule in text.rules):
                continue
            for number, rule in enumerate(text.rules):
                if rule.review is not None and rule.status == "unsure":
                    said = f"`{rule.id}` is an unsure review beside requirements, which it leaves certain"
                    help = "if the doubt is whether the law reaches the exchange, say so with `reach_in_doubt:`"
                    self.findings.warn(instrument.at("rules", number, "id"), "reach-not-said", said, help=help)

    # Titles missing in a language


def own(condition: Condition) -> Condition:
    """A rule's condition without that of its policy."""
    assert isinstance(condition, All)
    return All(condition.parts[1:])


def _is_of(rule: Rule, name: str) -> bool:
    """Whether a rule is of a policy, or of a single provision."""
    return name in (rule.provision.policy, rule.provision.id)


def _below(lines: list[str], comment: Span) -> int:
    """The line that a comment is about: its own where something stands before it, else the next line that is no comment."""
    line = comment.line
    if not lines[line - 1][: comment.column - 1].strip():
        line += 1
        while line < len(lines) and lines[line - 1].lstrip().startswith("#"):
            line += 1
    return line


def _by(fact: Node) -> str:
    """The value set that makes a fact a family."""
    by = fact.get("by") if isinstance(fact, Mapping) else None
    return by.text if isinstance(by, Scalar) else ""


def _named(*of: Atom) -> Iterator[str]:
    for name in (name for atom in of for name in (atom.fact, atom.other)):
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

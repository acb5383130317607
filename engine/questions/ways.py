"""
The ways to a requirement: each ground that meets it, each excuse from it, each exemption from the rule that requires it.

What a way needs is a tree of tests of documents, claims and facts, each of which an exchange has, lacks, or leaves unknown. The tree is
that of the rule's condition, with what would lift the rule turned round; alternatives stay alternatives. It is read once for an exchange:
of each part, how little it lacks. A way that other facts exclude is left out: it needs a fact that is certainly otherwise and that nobody
can change, or where the parties and the data are. Source: semantics 4.13.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import chain
from typing import Literal, NamedTuple, TypeAlias

from engine.bundle import Bundle
from engine.deciding.judgement import Judgement
from engine.exchange import Exchange
from engine.policy_language.vocabulary import stated_in
from engine.register_facts import IN_REGISTER
from engine.rules import AS_OF, All, AnyOf, Atom, Condition, Defined, Not, Rule, State, Truth
from engine.values import Disputed, Document
from engine.values.outcome_levels import Level
from engine.verdict import Verdict, numbers

LEAF, ALL, ANY = range(3)
EVIDENCE, CLAIMS = "evidence.", "claims."
REMEMBERED = 4_096  # lists of ways
CLAIM_WEIGHS = 2  # a claim is so or is not, while a document can be obtained

Kind = Literal["ground", "excuse", "exemption"]
Having = Literal["have", "lack", "unknown"]


class Lack(NamedTuple):
    """What part of a way an exchange lacks, what it leaves unknown, and which documents and claims it has: names as bits."""

    lack: int
    unknown: int
    have: int


Read: TypeAlias = Lack | None  # None: other facts exclude it
MET = frozenset((State.MET,))
COMPLETE = Lack(0, 0, 0)


@dataclass(frozen=True, slots=True)
class WayTest:
    """A test that a way needs to be so, or not to be so."""

    atom: Atom
    wanted: bool
    state: Having


@dataclass(frozen=True, slots=True)
class WayParts:
    """Parts of a way, of which all are needed, or any."""

    op: Literal["all_of", "any_of"]
    parts: tuple[Tree, ...]


Tree: TypeAlias = WayTest | WayParts


class WayRules(NamedTuple):
    """Rules that are ways, by number, and the rules whose tests say how these read."""

    ways: tuple[tuple[int, Kind], ...]
    seen: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """
    One way to a requirement, or out of a prohibition.

    `lack` and `unknown` are the facts, documents and claims of its alternative that lacks least, and `needs` the tests of this alternative,
    each once. A way by a doubtful rule leaves a review.
    """

    rule: Rule
    kind: Kind
    node: int
    lack: tuple[str, ...]
    unknown: tuple[str, ...]
    needs: tuple[WayTest, ...]


class Ways:
    """The ways of one bundle. Made once; safe for several threads. `changeable` are the facts that an exporter can change."""

    def __init__(self, bundle: Bundle, changeable: Collection[str]) -> None:
        self.bundle = bundle
        rules = bundle.rules.rules
        self._definitions = bundle.rules.definitions
        self.atoms: list[Atom] = []
        self.wanted: list[bool] = []  # of each test, by its number
        self._kinds: list[int] = []
        self._parts: list[tuple[int, ...]] = []
        self._nodes: dict[tuple[int, bool], int] = {}
        self._defined: dict[tuple[str, bool], int] = {}
        self._tests: dict[tuple[Atom, bool], int] = {}
        self._applying: set[int] = set()  # nodes that say that a law applies
        self.names: list[str] = []
        self._bits: dict[str, int] = {}
        self._bit_of: list[int] = []  # of each test that of what it is about
        self._can: list[bool] = []  # of each test whether an exporter can make it so
        self._can_elsewhere: list[bool] = []  # the same, also by moving parties and data, and of totals by their parts
        self.claims = self.documents = 0
        words = bundle.vocabulary
        placed = chain.from_iterable((each.name, each.lies_in) for each in words.placed)
        self.places = frozenset((*(touch.fact for touch in words.touches), *placed))
        self._families = bundle.rules.families
        self._changeable = frozenset(changeable) - self.places
        brought = (words.facts[fact].brings.values() for fact in changeable)
        self._moving = frozenset(chain(changeable, *chain(*brought)))
        self._lifters: dict[str, list[int]] = {}  # the rules that surely exempt each rule
        self._links: dict[str, list[tuple[int, Kind]]] = {name: [] for name in bundle.rules.requirements}
        for number, rule in enumerate(rules):
            if rule.effect != "doubts":
                for key in rule.exempts:
                    self._lifters.setdefault(key, []).append(number)
        in_order = sorted(enumerate(rules), key=lambda each: (each[1].provision.policy, each[1].provision.line))
        for number, rule in in_order:
            for name in rule.satisfies:
                self._links[name].append((number, "ground"))
            for name in rule.excuses:
                self._links[name].append((number, "excuse"))
        self.remembered: dict[Hashable, tuple[Way, ...]] = {}
        self._linked: dict[tuple[str, ...], WayRules] = {}
        self._standing: dict[int, int] = {}  # the node of each way: it holds, and nothing surely exempts from it
        for number, rule in enumerate(rules):
            if rule.satisfies or rule.excuses or (rule.exempts and rule.effect != "doubts"):
                self._stands(number)
        refusing = (rule for rule in rules if rule.effect in ("prohibit", "review") or rule.need)
        self._ending = {rule.key: self.node_of(rule.condition, wanted=False) for rule in refusing}
        self._presented = frozenset(name for name in self.names if name.startswith((EVIDENCE, CLAIMS)))

    def reading(self, judgement: Judgement) -> WaysRead:
        """The ways as they read on one exchange."""
        return WaysRead(self, judgement.exchange, judgement.verdict, judgement.as_of)

    def links(self, requirement: str, under: Sequence[Rule]) -> WayRules:
        """The rules that are ways to a requirement, and those that exempt from every rule that asks for it."""
        key = (requirement, *(rule.key for rule in under))
        if key not in self._linked:
            exempting = [set(self._lifters.get(rule.key, ())) for rule in under]
            numbers = sorted(set.intersection(*exempting)) if exempting else ()
            self._linked[key] = self._links_of([*self._links[requirement], *((number, "exemption") for number in numbers)])
        return self._linked[key]

    def exempting(self, rule: Rule) -> WayRules:
        """The rules that exempt from a rule."""
        key = ("", rule.key)
        if key not in self._linked:
            self._linked[key] = self._links_of([(number, "exemption") for number in self._lifters.get(rule.key, ())])
        return self._linked[key]

    def stated(self, exchange: Exchange) -> frozenset[tuple[str, str]]:
        """What counts for ways beside what tests say: which documents are there, which claims are denied, which facts are disputed."""
        said = [
            (name, value.state if isinstance(value, Document) else "unknown")
            for name, value in exchange.values.items()
            if name in self._presented
        ]
        return frozenset([*said, *((name, "disputed") for name in exchange.disputed)])

    def remember(self, key: Hashable, ways: tuple[Way, ...]) -> None:
        while len(self.remembered) >= REMEMBERED:
            del self.remembered[next(iter(self.remembered))]
        self.remembered[key] = ways

    def _links_of(self, ways: Sequence[tuple[int, Kind]]) -> WayRules:
        lifters = (self._lifters.get(self.bundle.rules.rules[number].key, ()) for number, _ in ways)
        return WayRules(tuple(ways), tuple(dict.fromkeys((*(number for number, _ in ways), *chain(*lifters)))))

    def node(self, number: int) -> int:
        """The node of a way, by the number of its rule."""
        return self._standing[number]

    def kind(self, node: int) -> int:
        return self._kinds[node]

    def parts(self, node: int) -> tuple[int, ...]:
        """The parts of a node; of a test its number."""
        return self._parts[node]

    def applies(self, node: int) -> bool:
        """Whether a node says that a law applies, which is no need of its own where it does."""
        return node in self._applying

    def ending(self, rule: Rule) -> int:
        """The node of what would make a rule not hold that refuses, or that requires something."""
        return self._ending[rule.key]

    def bit(self, test: int) -> int:
        return self._bit_of[test]

    def can(self, test: int, elsewhere: bool = False) -> bool:
        """Whether an exporter can make a test so that is not; `elsewhere` also by moving parties and data."""
        return self._can_elsewhere[test] if elsewhere else self._can[test]

    def cost(self, found: Lack) -> tuple[int, int, int]:
        """How much is lacking, the least first; of the same, what leaves least unknown, and then what rests on most documents."""
        lack = found.lack
        weight = lack.bit_count() + (CLAIM_WEIGHS - 1) * (lack & self.claims).bit_count()
        return weight, found.unknown.bit_count(), -found.have.bit_count()

    def named(self, mask: int) -> tuple[str, ...]:
        """Facts, documents and claims from their bits."""
        return tuple(self.names[number] for number in numbers(mask))

    def _stands(self, number: int) -> int:
        """The node of a rule that holds and from which nothing surely exempts."""
        if number not in self._standing:
            rule = self.bundle.rules.rules[number]
            parts = [self.node_of(rule.condition, wanted=True)]
            for each in self._lifters.get(rule.key, ()):  # exempters come first, so this ends
                if not self.bundle.rules.rules[each].doubtful:
                    parts.append(self.node_of(self.bundle.rules.rules[each].condition, wanted=False))
            self._standing[number] = parts[0] if len(parts) == 1 else self.joined(ALL, tuple(parts))
        return self._standing[number]

    def node_of(self, condition: Condition, wanted: bool) -> int:
        """The node of a condition that is to hold, or not to hold."""
        match condition:
            case Defined(key=key):
                if (key, wanted) not in self._defined:
                    node = self._defined[key, wanted] = self.node_of(self._definitions[key], wanted)
                    if key.endswith("#applies") and wanted:
                        self._applying.add(node)
                return self._defined[key, wanted]
            case Not(part=part):
                return self.node_of(part, not wanted)
        found = self._nodes.get((id(condition), wanted))
        if found is None:
            match condition:
                case Atom():
                    found = self._test(condition, wanted)
                case All(parts=parts) | AnyOf(parts=parts):
                    inner = tuple(dict.fromkeys(self.node_of(part, wanted) for part in parts))
                    whole = ALL if isinstance(condition, All) is wanted else ANY
                    found = inner[0] if len(inner) == 1 else self.joined(whole, inner)
            self._nodes[id(condition), wanted] = found
        return found

    def _test(self, atom: Atom, wanted: bool) -> int:
        key = (atom, wanted)
        if key not in self._tests:
            number = len(self.atoms)
            self.atoms.append(atom)
            self.wanted.append(wanted)
            name = stated_in(atom.fact.removesuffix(IN_REGISTER))
            if name not in self._bits:
                self._bits[name] = 1 << len(self.names)
                self.names.append(name)
                self.claims |= self._bits[name] if name.startswith(CLAIMS) else 0
                self.documents |= self._bits[name] if name.startswith(EVIDENCE) else 0
            self._bit_of.append(self._bits[name])
            # No document and no claim is taken away, so what wants one not to be shown cannot be made so.
            shown = name.startswith((EVIDENCE, CLAIMS)) and (wanted or atom.op not in ("counts", "open"))
            self._can.append(shown or (atom.fact in self._changeable and atom.fact != AS_OF))
            self._can_elsewhere.append(self._can[-1] or atom.other.startswith((EVIDENCE, CLAIMS)) or self._moves(atom))
            self._tests[key] = self.joined(LEAF, (number,))
        return self._tests[key]

    def _moves(self, atom: Atom) -> bool:
        """Whether a test changes with a fact that an exporter can change, or with one that changes with it."""
        return any(not self._moving.isdisjoint(self._families.get(name, ("", (name,)))[1]) for name in (atom.fact, atom.other))

    def joined(self, kind: int, parts: tuple[int, ...]) -> int:
        """A new node of some parts."""
        self._kinds.append(kind)
        self._parts.append(parts)
        return len(self._kinds) - 1


def prohibiting(judgement: Judgement) -> list[Rule]:
    """The prohibitions that stand for certain, or by what the register says otherwise than the sender (semantics 1.8)."""
    rules = judgement.verdict.rules
    disputed = judgement.by_dispute and judgement.outcome.bounds.low is Level.PROHIBITED
    standing = judgement.may_stand if disputed else judgement.stand
    return [rules[number] for number in standing if rules[number].effect == "prohibit"]


def lacking(judgement: Judgement) -> dict[str, list[Rule]]:
    """The requirements that are not met and that rules ask for which stand for certain, each with these rules."""
    verdict = judgement.verdict
    found: dict[str, list[Rule]] = {}
    for number in judgement.stand:
        rule = verdict.rules[number]
        for name in rule.need.requirements() if rule.need else ():
            if verdict.requirements[name] != MET:
                found.setdefault(name, []).append(rule)
    return found


class WaysRead:
    """The ways of a bundle on one exchange. Each part is read once."""

    def __init__(
        self,
        ways: Ways,
        exchange: Exchange,
        verdict: Verdict,
        as_of: date,
        excluded: Iterable[int] = (),
        elsewhere: bool = False,
    ) -> None:
        self.ways = ways
        self.exchange = exchange
        self.verdict = verdict
        self.as_of = as_of
        self._excluded = frozenset(excluded)  # tests that turned out to be impossible
        self._elsewhere = elsewhere  # whether parties and data may be moved
        assert verdict.truth is not None
        self._reading = verdict.truth
        self._known: dict[int, Read] = {}

    def to(self, requirement: str, under: Sequence[Rule] = ()) -> tuple[Way, ...]:
        """The ways to a requirement that some rules ask for, those that lack least first; old documents and doubt come last."""
        return self._best(self.ways.links(requirement, under))

    def out_of(self, rule: Rule) -> tuple[Way, ...]:
        """The ways out of a rule: the exemptions from it."""
        return self._best(self.ways.exempting(rule))

    def for_good(self, rule: Rule) -> bool:
        """Whether a prohibition stands whatever an exporter changes or shows: nothing exempts from it, and nothing ends it."""
        read = WaysRead(self.ways, self.exchange, self.verdict, self.as_of, elsewhere=True)
        exempting = (self.ways.node(number) for number, _ in self.ways.exempting(rule).ways)
        return all(read.read(node) is None for node in (self.ways.ending(rule), *exempting))

    def read(self, node: int) -> Read:
        """How little a part lacks; None where other facts exclude it."""
        if node in self._known:
            return self._known[node]
        kind, parts = self.ways.kind(node), self.ways.parts(node)
        found: Read
        if kind == LEAF:
            found = self._test(parts[0])
        elif kind == ALL:
            lack = unknown = have = 0
            found = COMPLETE
            for part in parts:
                one = self.read(part)
                if one is None:
                    found = None
                    break
                lack, unknown, have = lack | one.lack, unknown | one.unknown, have | one.have
            if found is not None:
                found = Lack(lack, unknown & ~lack, have & ~lack & ~unknown)
        else:
            found, least = None, None
            for part in parts:
                one = self.read(part)
                if one is None:
                    continue
                cost = self.ways.cost(one)
                if least is None or cost < least:
                    found, least = one, cost
                if not one.lack | one.unknown:
                    found = one
                    break
        self._known[node] = found
        return found

    def tree(self, node: int) -> Tree | None:
        """
        What a part needs, as a tree; None where there is nothing to tell.

        Alternatives that are excluded are left out; where one is complete it stands alone. That a law applies is not told where it does.
        """
        found = self.read(node)
        if found is None or (self.ways.applies(node) and not found.lack | found.unknown):
            return None
        kind, parts = self.ways.kind(node), self.ways.parts(node)
        if kind == LEAF:
            atom = self.ways.atoms[parts[0]]
            return None if atom.fact == AS_OF else WayTest(atom, self.ways.wanted[parts[0]], self.state(parts[0]))
        if kind == ANY:
            left = [(part, one) for part in parts if (one := self.read(part)) is not None]
            parts = tuple([part for part, one in left if not one.lack | one.unknown][:1]) or tuple(part for part, _ in left)
        trees = tuple(dict.fromkeys(tree for part in parts if (tree := self.tree(part)) is not None))
        if len(trees) < 2:
            return trees[0] if trees else None
        op: Literal["all_of", "any_of"] = "all_of" if kind == ALL else "any_of"
        flat = [inner for tree in trees for inner in (tree.parts if isinstance(tree, WayParts) and tree.op == op else (tree,))]
        return WayParts(op, tuple(dict.fromkeys(flat)))

    def needed(self, node: int) -> Iterator[int]:
        """The tests of the alternative that lacks least."""
        kind, parts = self.ways.kind(node), self.ways.parts(node)
        if kind == LEAF:
            yield parts[0]
            return
        if kind == ANY:
            left = [part for part in parts if self.read(part) is not None]
            parts = (min(left, key=lambda part: self.ways.cost(self.read(part) or COMPLETE)),)
        for part in parts:
            yield from self.needed(part)

    @cached_property
    def _stated(self) -> frozenset[tuple[str, str]]:
        return self.ways.stated(self.exchange)

    @cached_property
    def _truth(self) -> Callable[[int], Truth]:
        return self._reading.reader(self.ways.atoms)

    def state(self, test: int) -> Having:
        """Whether an exchange has what a test needs."""
        truth = self._truth(test)
        if truth is Truth.UNKNOWN:
            return "unknown"
        return "have" if (truth is Truth.YES) is self.ways.wanted[test] else "lack"

    def _best(self, links: WayRules) -> tuple[Way, ...]:
        """The ways, as they were found when all their tests read the same, and the same was presented, denied or disputed."""
        key = (links, self._reading.seen(*links.seen), self._stated, self.as_of)
        if key in self.ways.remembered and not self._excluded:
            return self.ways.remembered[key]
        found: list[tuple[tuple[bool, bool, int, int, int], Way]] = []
        for number, kind in links.ways:
            rule, node = self.verdict.rules[number], self.ways.node(number)
            read = self.read(node)
            if read is not None:
                needs = tuple(
                    dict.fromkeys(
                        WayTest(self.ways.atoms[each], self.ways.wanted[each], self.state(each)) for each in self.needed(node)
                    )
                )
                way = Way(rule, kind, node, self.ways.named(read.lack), self.ways.named(read.unknown), needs)
                old = any(self._from_before(test) for test in needs if test.state == "lack")
                found.append(((rule.doubtful, old, *self.ways.cost(read)), way))
        found.sort(key=lambda each: each[0])  # the order of the same is kept
        best = tuple(way for _, way in found)
        if not self._excluded:
            self.ways.remember(key, best)
        return best

    def _test(self, test: int) -> Read:
        ways, truth = self.ways, self._truth(test)
        bit = ways.bit(test)
        if test in self._excluded:
            return None if truth is Truth.UNKNOWN or (truth is Truth.YES) is not ways.wanted[test] else COMPLETE
        if truth is Truth.UNKNOWN:
            return Lack(0, bit, 0)
        if (truth is Truth.YES) is ways.wanted[test]:
            return Lack(0, 0, bit) if bit & (ways.claims | ways.documents) and ways.wanted[test] else COMPLETE
        return Lack(bit, 0, 0) if ways.can(test, self._elsewhere) and self._open(ways.atoms[test]) else None

    def _open(self, atom: Atom) -> bool:
        """Whether a test that fails may still be made so: nobody denied the claim, and no register says otherwise."""
        name = stated_in(atom.fact)
        sent = self.exchange.values.get(name)
        if name.startswith(CLAIMS):
            return not (isinstance(sent, Document) and sent.state == "none")
        return not isinstance(sent, Disputed)

    def _from_before(self, test: WayTest) -> bool:
        """Whether a test that fails wants a document from before a day that has passed: who has none cannot obtain it any more."""
        past = [each for each in test.atom.operands if isinstance(each, date) and each < self.as_of]
        return bool(past) and test.atom.fact.startswith(EVIDENCE) and test.atom.op in ("at_most", "less_than")

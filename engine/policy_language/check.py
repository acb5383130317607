"""
Check typed policies and lower them to rules.

Every error is reported here, so the back ends may rely on the rules: names are resolved, operands have their types, exemptions have
no cycles and stay inside one jurisdiction, force and doubt are respected (semantics 3.7, 3.8). Evidence that is not shown reads
differently for different effects, so one provision may become several rules: one for its effect, and one for each way it exempts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from engine.languages import in_each
from engine.policy_language.claim_needs import CLAIMS, NEEDS, NOTHING, documents, is_nothing, needs_of
from engine.policy_language.conditions import Conditions
from engine.policy_language.declared_coverage import floors_of
from engine.policy_language.diagnostic import Findings, Span, did_you_mean
from engine.policy_language.duty_deadlines import Duties
from engine.policy_language.exemptions import LoweredRule, WrittenRule, in_strata, periods, resolve_exemptions
from engine.policy_language.ledger_words import check_counters, check_entities, check_promises
from engine.policy_language.operators import OPERATORS, Use
from engine.policy_language.overlay import BUNDLED_WORDS
from engine.policy_language.phrases import GROUPS, check_phrases
from engine.policy_language.policy_text import PolicyText, RuleText
from engine.policy_language.read_document import read_model
from engine.policy_language.share_facts import check_shares
from engine.policy_language.tree import Mapping, Node, Scalar, key_named, locate, plain
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, WEEK, Vocabulary
from engine.policy_language.vocabulary_text import CalendarText
from engine.policy_language.written_effects import BINDING, Effects, PolicySettings, in_force
from engine.rules import (
    ALWAYS,
    All,
    AnyOf,
    Atom,
    Calendar,
    Condition,
    Defined,
    Not,
    NotReached,
    Provision,
    Requirement,
    Rule,
    RuleSet,
    tests,
)
from engine.values.multilingual import Words

EVERYWHERE = "always"  # what `applies` says of a policy that applies to every exchange
OTHERWISE = "otherwise"  # the id of the provision that a policy's `otherwise` becomes
REACH_IN_DOUBT = "reach-in-doubt"  # the same of its `reach_in_doubt`


def check(
    trees: Sequence[Node], vocabulary: Vocabulary, settings: PolicySettings, findings: Findings, tested: Collection[str] = ()
) -> RuleSet:
    """
    Check policy files against a vocabulary. `tested` are definitions that the authors' tests use.

    Returns the rules, which are valid only if `findings` has no error.
    """
    checker = _Checker(vocabulary, settings, findings)
    checker.conditions.used |= set(tested)
    return checker.run(trees)


class _Checker:
    def __init__(self, vocabulary: Vocabulary, settings: PolicySettings, findings: Findings) -> None:
        self.vocabulary = vocabulary
        self.settings = settings
        self.findings = findings
        self.defined: dict[str, tuple[str, Node]] = {}
        self.conditions = Conditions(vocabulary, self.defined, findings)
        self.written: dict[str, WrittenRule] = {}
        self.policies: dict[str, tuple[PolicyText, Node]] = {}
        self.duties = Duties(vocabulary, self.conditions, findings)
        self.effects = Effects(vocabulary, settings, self.conditions, self.duties, findings)

    def run(self, trees: Sequence[Node]) -> RuleSet:
        for tree in trees:
            self._collect(tree)
        self._phrases()
        self._needs()
        for name in self.defined:
            self.conditions.define(name)
        self._subjects()
        for number in range(len(self.vocabulary.touches)):
            self._own(f"touch/{number}", ("touches", str(number)))
        check_entities(self.vocabulary, self.findings)
        check_counters(self.vocabulary, self.written, self.conditions.unread, self.findings)
        for name in self.vocabulary.counters:
            self._own(f"counter/{name}", ("counters", name), "where")
        check_promises(self.vocabulary, self.findings)
        check_shares(self.vocabulary, self.findings)
        for name, (policy, tree) in self.policies.items():
            node = locate(tree, ("applies",))[0]
            always = isinstance(node, Scalar) and node.text == EVERYWHERE
            applies = ALWAYS if always else self.conditions.lower(node, name, Use.APPLIES)
            self.conditions.definitions[f"{name}#applies"] = All((in_force(policy.in_force, tree), applies))
            self._not_reached(name, policy, tree)
        requirements = {name: self._requirement(name) for name in self.vocabulary.requirements}
        lifts = resolve_exemptions(self.written, self.vocabulary.requirements, self.conditions.unread, self.findings)
        parts = [part for name in self.written for part in self.effects.lower(self.written[name], lifts.get(name, ()))]
        parts += self._reach_in_doubt(parts)
        rules = (*in_strata(parts), *self._otherwise(parts))
        self._check_force(rules)
        self._check_periods()
        self._check_shown(rules)
        self._check_used()
        return RuleSet(
            definitions=self.conditions.definitions,
            rules=self._counting(rules),
            requirements=requirements,
            not_reached=tuple(
                NotReached(f"not-reached/{name}/{number}", name, policy.jurisdiction, each.cite.words, each.says.words)
                for name, (policy, _) in sorted(self.policies.items())
                for number, each in enumerate(policy.not_reached or ())
            ),
            floors=floors_of(self.vocabulary, self.policies, self.written, self.conditions, self.settings.trust, self.findings),
            registers={name: dict(register.entries) for name, register in self.vocabulary.registers.items()},
            families={
                f"{family}.total": (
                    "distinct" if self.vocabulary.facts[members[0]].type.kind == "count" else "sum",
                    members,
                )
                for family, members in self.vocabulary.families.items()
            },
            calendars={name: _calendar(text) for name, text in self.vocabulary.calendars.items()},
            measures={
                document: self.vocabulary.measures_of(document)
                for document in (f"{group}.{kind}" for group, kinds in self.vocabulary.kinds.items() for kind in kinds)
                if self.vocabulary.measures
            },
        )

    def _collect(self, tree: Node) -> None:
        """Collect the names that a policy defines, before any name is resolved."""
        policy = read_model(PolicyText, tree, self.findings)
        if policy is None:
            name = plain(locate(tree, ("policy",))[0])
            self.conditions.unread.add(name if isinstance(name, str) else "")
            return
        if policy.policy in self.policies:
            at = locate(tree, ("policy",))[0].span
            self.findings.error(
                at, "duplicate-id", f"the policy `{policy.policy}` is written twice", help="give each its own id"
            )
            return
        self.policies[policy.policy] = (policy, tree)
        known = self.vocabulary.jurisdictions
        if policy.jurisdiction not in known:
            at = locate(tree, ("jurisdiction",))[0].span
            help = did_you_mean(policy.jurisdiction, known) or "add it to the vocabulary under `jurisdictions:`"
            self.findings.error(at, "unknown-jurisdiction", f"there is no jurisdiction `{policy.jurisdiction}`", help=help)
        for name in policy.define:
            if name == EVERYWHERE:
                at = locate(tree, ("define", name))[1]
                said = f"`{name}` cannot be the name of a definition"
                self.findings.error(at, "bad-id", said, help=f"`applies: {name}` has a meaning already; choose another name")
            self.defined[f"{policy.policy}/{name}"] = (policy.policy, locate(tree, ("define", name))[0])
        for number, text in enumerate(policy.rules):
            node = locate(tree, ("rules", number))[0]
            assert isinstance(node, Mapping)
            written = WrittenRule(f"{policy.policy}/{text.id}", policy, text, node, (policy.policy, number))
            if written.id in self.written:
                at = locate(node, ("id",))[0].span
                first = locate(self.written[written.id].node, ("id",))[0].span
                self.findings.error(
                    at,
                    "duplicate-id",
                    f"the rule `{text.id}` is written twice",
                    f"first at {first}",
                    "give each its own id",
                )
            self.written[written.id] = written

    def _own(self, key: str, where: tuple[str, str], name: str = "when") -> None:
        """A condition of the vocabulary itself becomes a definition under a reserved key."""
        node = self.vocabulary.nodes[where]
        when = node.get(name) if isinstance(node, Mapping) else None
        self.conditions.definitions[key] = self.conditions.lower(when, "", Use.APPLIES)

    def _phrases(self) -> None:
        """The phrases of the vocabulary share no word with a key or an operator (semantics 7.2)."""
        nodes, spans = self.vocabulary.nodes, self.vocabulary.spans
        written = {
            name: (text, nodes["phrases", name], spans["phrases", name]) for name, text in self.vocabulary.phrases.items()
        }
        keys = (*PolicyText.model_fields, *RuleText.model_fields, *self.vocabulary.facts, *self.vocabulary.families)
        check_phrases(written, self.vocabulary.values, {*keys, *GROUPS, *OPERATORS, *DOCUMENT_GROUPS}, self.findings)

    def _needs(self) -> None:
        """What claims need becomes definitions; it tests facts of the exchange, and neither documents nor other claims (4.12)."""
        for name in self.vocabulary.kinds[CLAIMS]:
            needs, at = needs_of(self.vocabulary, name), self.vocabulary.spans[CLAIMS, name]
            if needs is None and at.file.startswith(BUNDLED_WORDS):
                said = f"the claim `{name}` does not say what it needs where it lifts"
                help = f"write `needs:` with a condition that no law would drop, or `needs: {NOTHING}`"
                self.findings.error(at, "no-needs", said, help=help)
            if needs is None or is_nothing(needs):
                continue
            key = f"{NEEDS}{name}"
            self._own(key, (CLAIMS, name), "needs")
            if any(True for atom in tests(Defined(key), self.conditions.definitions) for _ in documents(atom)):
                help = "test facts of the exchange; a law that wants a document asks for it in its own rule"
                self.findings.error(
                    needs.span, "needs-documents", f"`needs` of `{name}` tests a document or a claim", help=help
                )

    def _subjects(self) -> None:
        """The subject matters of data; what is other than one of them comes after it."""
        subjects = self.vocabulary.subjects
        for name, text in subjects.items():
            if text.other_than is None:
                self._own(f"subject/{name}", ("subjects", name))
        for name, text in subjects.items():
            if text.other_than is None:
                continue
            other = subjects.get(text.other_than)
            if other is None or other.other_than is not None:
                at = locate(self.vocabulary.nodes["subjects", name], ("other_than",))[0].span
                said = f"`{text.other_than}` is not a subject matter with a condition"
                self.findings.error(at, "unknown-subject", said, help=did_you_mean(text.other_than, subjects))
            else:
                other_than = Not(Defined(f"subject/{text.other_than}"))
                when = self.vocabulary.nodes["subjects", name]
                node = when.get("when") if isinstance(when, Mapping) else None
                own = [self.conditions.lower(node, "", Use.APPLIES)] if node is not None else []
                self.conditions.definitions[f"subject/{name}"] = AnyOf((other_than, *own)) if own else other_than

    def _otherwise(self, parts: Sequence[LoweredRule]) -> Iterator[Rule]:
        """What policies say where none of their rules stands (semantics 4.2)."""
        for name, (policy, tree) in sorted(self.policies.items()):
            if policy.otherwise is None:
                continue
            at = locate(tree, ("otherwise",))[0].span
            if policy.instrument.force not in (*BINDING, "contract"):
                said = f"a text of force `{policy.instrument.force}` cannot say what holds otherwise"
                self.findings.error(at, "force", said, "not by this force", "a law, an order or a contract can")
            says = in_each(lambda language, policy=policy: language.otherwise(policy.otherwise))  # type: ignore[misc]
            yield Rule(
                key=f"{name}/{OTHERWISE}",
                provision=self._of_policy(policy, OTHERWISE, policy.title.words, says, "confirmed", at),
                effect={"prohibited": "prohibit", "review": "review"}[policy.otherwise],
                condition=Defined(f"{name}#applies"),
                message=says,
                otherwise=tuple(part.rule.key for part in parts if part.rule.provision.policy == name),
            )

    def _reach_in_doubt(self, parts: Sequence[LoweredRule]) -> list[LoweredRule]:
        """Where it is in doubt whether a law reaches an exchange: a rule that doubts all that it requires (semantics 4.3)."""
        found = []
        for name, (policy, tree) in sorted(self.policies.items()):
            text = policy.reach_in_doubt
            if text is None:
                continue
            node = locate(tree, ("reach_in_doubt", "when"))[0]
            at = locate(tree, ("reach_in_doubt",))[1]
            required = tuple(part.rule.key for part in parts if part.rule.provision.policy == name and part.rule.need)
            if all(rule.require is None for rule in policy.rules):
                said = f"`{name}` requires nothing, so nothing of it is in doubt"
                self.findings.error(at, "reach-in-doubt", said, help="drop `reach_in_doubt:`, or write a `review`")
            mine = plain(node)
            for written in (each for each in self.written.values() if each.policy.policy == name and each.text.review):
                when = written.node.get("when")
                if when is not None and plain(when) == mine:
                    said = f"`{written.text.id}` reviews what `reach_in_doubt:` says already"
                    self.findings.error(locate(written.node, ("id",))[0].span, "reach-in-doubt", said, help="drop this rule")
            condition = All((Defined(f"{name}#applies"), self.conditions.lower(node, name, Use.RAISES)))
            rule = Rule(
                key=f"{name}/{REACH_IN_DOUBT}",
                provision=self._of_policy(policy, REACH_IN_DOUBT, text.cite.words, text.says.words, "unsure", at),
                effect="doubts",
                condition=condition,
                message=text.says.words,
                exempts=required,
                doubtful=True,
            )
            found.append(LoweredRule(rule, (name, -1), rule.key))
        return found

    def _of_policy(self, policy: PolicyText, id: str, cite: Words, says: Words, status: str, at: Span) -> Provision:
        """What a policy says for itself, as a provision. No rule of the policy may have its id."""
        name = f"{policy.policy}/{id}"
        if name in self.written:
            span = locate(self.written[name].node, ("id",))[0].span
            said = f"no rule of this policy can be named `{id}`, since the policy says it for itself"
            self.findings.error(span, "duplicate-id", said, help="give it another id")
        return Provision(
            id=name,
            policy=policy.policy,
            instrument=policy.title.words,
            jurisdiction=policy.jurisdiction,
            force=policy.instrument.force,
            citation=cite,
            title=says,
            says=says,
            source=policy.instrument.issuer,
            status=status,
            file=at.file,
            line=at.line,
        )

    def _not_reached(self, name: str, policy: PolicyText, tree: Node) -> None:
        """Where a law says that it leaves data alone; each becomes a definition that coverage reads (semantics 4.3)."""
        for number, _ in enumerate(policy.not_reached or ()):
            when = locate(tree, ("not_reached", number, "when"))[0]
            self.conditions.definitions[f"not-reached/{name}/{number}"] = self.conditions.lower(when, name, Use.LIFTS)

    def _counting(self, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        """The rules without those that are switched off; their definitions stay, since other policies may use them."""
        off = {rule.key for rule in rules if self.vocabulary.is_off(rule.provision.policy, rule.provision.jurisdiction)}
        if not off:
            return rules
        return tuple(
            replace(rule, exempts=tuple(key for key in rule.exempts if key not in off)) for rule in rules if rule.key not in off
        )

    def _requirement(self, name: str) -> Requirement:
        text = self.vocabulary.requirements[name]
        node = self.vocabulary.nodes["requirements", name]
        duties = tuple(
            self.duties.lower(f"{name}.{n}", duty, locate(node, ("duties", n - 1))[0], "")
            for n, duty in enumerate(text.duties, 1)
        )
        return Requirement(name, text.jurisdiction, text.title.words, text.how.words, duties)

    def _check_force(self, rules: Iterable[Rule]) -> None:
        """Only a law or an order may lift what law requires (semantics 3.8)."""
        by_law = {r for rule in rules if rule.provision.force in BINDING and rule.need for r in rule.need.requirements()}
        bound = {rule.key for rule in rules if rule.provision.force in BINDING}
        for rule in rules:
            if rule.provision.force in BINDING:
                continue
            lifted = [
                *(r for r in (*rule.satisfies, *rule.excuses) if r in by_law),
                *(k for k in rule.exempts if k in bound),
            ]
            if lifted:
                node = self.written[rule.provision.id].node
                key = node.key("satisfies" if rule.satisfies else "exempts")
                names = ", ".join(f"`{name.partition('~')[0]}`" for name in dict.fromkeys(lifted))
                self.findings.error(
                    key.span if key else node.span,
                    "force",
                    f"a text of force `{rule.provision.force}` cannot lift what law requires: {names}",
                    help="only a law or an order can lift it",
                )

    def _check_periods(self) -> None:
        """The periods of a rule must overlap those of its policy, or the rule is never in force (semantics 3.1)."""
        for written in self.written.values():
            if not periods(written):
                at = written.node.key("in_force")
                said = f"`{written.text.id}` is never in force: its period lies outside that of `{written.policy.policy}`"
                help = "correct `in_force` of the rule or of the policy"
                self.findings.error(at.span if at else written.node.span, "never-in-force", said, help=help)

    def _check_shown(self, rules: Iterable[Rule]) -> None:
        """
        A rule that lifts and tests a field of a document should also test whether the document counts.

        Otherwise a document lifts even if it is dated tomorrow, has expired or covers something else.
        """
        for rule in rules:
            if rule.effect != "satisfies" and not (rule.effect == "exempts" and rule.key.endswith("~lifts")):
                continue
            fields: dict[str, str] = {}
            counting = set()
            for atom in self._asserted(rule.condition):
                if atom.op == "counts":
                    counting.add(atom.fact)
                elif atom.not_shown is not None:
                    fields.setdefault(atom.fact.rpartition(".")[0], atom.fact)
            for kind, fact in fields.items():
                if kind not in counting:
                    node = self.written[rule.provision.id].node
                    at = key_named(node, fact) or node.key(rule.effect) or node
                    group, _, name = kind.partition(".")
                    said = f"`{fact}` is tested, but not whether the document counts on the day and covers the exchange"
                    self.findings.warn(at.span, "only-a-field", said, help=f"add `{group}: {{has: {name}}}`")

    def _asserted(self, condition: Condition) -> Iterator[Atom]:
        """The atoms that help a condition to hold, through the definitions it names, each definition once."""
        seen: set[tuple[str, bool]] = set()
        todo = [(condition, True)]
        while todo:
            match todo.pop():
                case Atom() as atom, True:
                    yield atom
                case Not(part=part), positive:
                    todo.append((part, not positive))
                case Defined(key=key), positive if (key, positive) not in seen and key in self.conditions.definitions:
                    seen.add((key, positive))
                    todo.append((self.conditions.definitions[key], positive))
                case ((All(parts=parts) | AnyOf(parts=parts)), positive):
                    todo += [(part, positive) for part in reversed(parts)]

    def _check_used(self) -> None:
        """Warn of each definition that no condition and no test names."""
        for name in self.defined.keys() - self.conditions.used:
            policy, _, short = name.partition("/")
            at = locate(self.policies[policy][1], ("define", short))[1]
            self.findings.warn(at, "unused-definition", f"nothing uses `{short}`", help="use it in a condition, or drop it")


def _calendar(text: CalendarText) -> Calendar:
    """A calendar in the form that the rules use."""
    return Calendar(
        weekend=frozenset(WEEK.index(day) for day in text.weekend),
        known_from=text.known_from,
        known_until=text.known_until,
        holidays=frozenset(text.holidays),
        workdays=frozenset(text.workdays),
    )

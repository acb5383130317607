"""
Check typed policies and lower them to rules.

Every error is reported here, so the back ends may rely on the rules: names are resolved, operands have their types, exemptions have
no cycles and stay inside one jurisdiction, force and doubt are respected (semantics 3.7, 3.8). Evidence that is not shown reads
differently for different effects, so one provision may become several rules: one for its effect, and one for each way it exempts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from zoneinfo import ZoneInfo

from engine.diagnostic import Findings, did_you_mean
from engine.languages import in_each
from engine.multilingual import NO_WORDS
from engine.policy_language.conditions import Conditions, Use
from engine.policy_language.document_text import DutyText, Window
from engine.policy_language.exemptions import Lift, LoweredRule, WrittenRule, in_strata, periods, resolve_exemptions
from engine.policy_language.floors import floors
from engine.policy_language.policy_text import PolicyText, RuleText
from engine.policy_language.read_document import read_model
from engine.policy_language.tree import Mapping, Node, Scalar, key_named, locate, plain
from engine.policy_language.tree import Sequence as ListNode
from engine.policy_language.vocabulary import WEEK, Vocabulary
from engine.policy_language.vocabulary_text import CalendarText, CounterText
from engine.rules import (
    ALWAYS,
    AS_OF,
    All,
    AnyOf,
    Atom,
    Calendar,
    Condition,
    Defined,
    Due,
    Duty,
    Earliest,
    Level,
    Need,
    Not,
    NotReached,
    OnDate,
    OnDay,
    Period,
    Provision,
    Requirement,
    Rule,
    RuleSet,
    Travels,
)
from engine.values import BadValue, Type, read_date, read_day_of_year, read_duration

EFFECTS = ("prohibit", "require", "satisfies", "oblige", "review", "advise", "compels", "allows")
RAISING = frozenset({"prohibit", "require", "oblige", "review", "compels"})
BINDING = frozenset({"law", "order"})
ALLOWED = {
    "law": frozenset(EFFECTS),
    "order": frozenset(EFFECTS),
    "norm": frozenset(EFFECTS) - {"prohibit", "compels"},
    "contract": frozenset(EFFECTS) - {"compels"},
    "soft": frozenset({"advise"}),
    "aspiration": frozenset({"advise"}),
}
COUNTER_WINDOW = re.compile(
    r"^(calendar year( and the one before)?( in (?P<zone>[A-Za-z]+(/[A-Za-z_]+)*))?|preceding \d{1,4} (day|week|month|year)s?"
    r"|period of [a-z][a-z0-9-]*)$"
)
PERIOD = re.compile(r"^period of (.+)$")
EVERYWHERE = "always"  # what `applies` says of a policy that applies to every exchange
DUE_ANCHORS = ("exchanged_at", "decided_on")
OTHERWISE = "otherwise"  # the id of the provision that a policy's `otherwise` becomes
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """
    What a deployment chooses about doubt and force.

    `trust`: the lowest mark that lifts without review ("confirmed" or "from-memory"). `norms`: "bind", or "advise" to turn what
    norms require into advice.
    """

    trust: str = "confirmed"
    norms: str = "bind"


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

    def run(self, trees: Sequence[Node]) -> RuleSet:
        for tree in trees:
            self._collect(tree)
        for name in self.defined:
            self.conditions.define(name)
        self._subjects()
        for number in range(len(self.vocabulary.touches)):
            self._own(f"touch/{number}", ("touches", str(number)))
        self._entities()
        self._counters()
        self._promises()
        for name, (policy, tree) in self.policies.items():
            node = locate(tree, ("applies",))[0]
            always = isinstance(node, Scalar) and node.text == EVERYWHERE
            applies = ALWAYS if always else self.conditions.lower(node, name, Use.APPLIES)
            self.conditions.definitions[f"{name}#applies"] = All((_in_force(policy.in_force), applies))
            self._not_reached(name, policy, tree)
        requirements = {name: self._requirement(name) for name in self.vocabulary.requirements}
        lifts = resolve_exemptions(self.written, self.vocabulary.requirements, self.conditions.unread, self.findings)
        parts = [part for name in self.written for part in self._lower(self.written[name], lifts.get(name, ()))]
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
            floors=floors(self.vocabulary, self.policies, self.written, self.conditions, self.findings),
            registers={name: dict(register.entries) for name, register in self.vocabulary.registers.items()},
            families={
                f"{family}.total": (
                    "distinct" if self.vocabulary.facts[members[0]].type.kind == "count" else "sum",
                    members,
                )
                for family, members in self.vocabulary.families.items()
            },
            calendars={name: _calendar(text) for name, text in self.vocabulary.calendars.items()},
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
                self.conditions.definitions[f"subject/{name}"] = Not(Defined(f"subject/{text.other_than}"))

    def _counters(self) -> None:
        """Check what each counter counts, where, and in which window: the ledger relies on it."""
        for name, counter in self.vocabulary.counters.items():
            node = self.vocabulary.nodes["counters", name]
            if not _is_window(counter.window):
                at = locate(node, ("window",))[0].span
                self.findings.error(
                    at,
                    "bad-window",
                    f"`{counter.window}` is not a window",
                    help="write `preceding 12 months`, `period of KIND`, or `calendar year in UTC` with an existing time zone",
                )
            for number, fact in enumerate((counter.counts.removeprefix("distinct "), *counter.per)):
                if fact != "exchanges" and fact not in self.vocabulary.facts and fact not in self.vocabulary.families:
                    at = locate(node, ("counts",) if number == 0 else ("per", number - 1))[0].span
                    help = did_you_mean(fact, [*self.vocabulary.facts, *self.vocabulary.families])
                    self.findings.error(at, "unknown-fact", f"an exchange has no fact `{fact}`", "cannot be counted", help)
            for number, rule in enumerate(counter.leaves_out):
                if rule not in self.written and rule.partition("/")[0] not in self.conditions.unread:
                    at = locate(node, ("leaves_out", number))[0].span
                    help = did_you_mean(rule, self.written)
                    self.findings.error(at, "unknown-rule", f"there is no rule `{rule}`", "nothing to leave out", help)
            self._period(name, counter, node)
            self._money(name, counter, node)
            self._own(f"counter/{name}", ("counters", name), "where")

    def _period(self, name: str, counter: CounterText, node: Node) -> None:
        """Check that a counter whose window is the period of an entity is kept per this entity."""
        kind = PERIOD.match(counter.window)
        if kind is None:
            return
        if kind[1] not in self.vocabulary.entities or counter.per != [f"{kind[1]}.id"]:
            at = locate(node, ("window",))[0].span
            help = f"declare `{kind[1]}` under `entities:`, and write `per: [{kind[1]}.id]`"
            self.findings.error(at, "bad-window", f"`{name}` is not kept per entity of the kind `{kind[1]}`", help=help)

    def _money(self, name: str, counter: CounterText, node: Node) -> None:
        """Check that a counter of money, and no other, says in whose currency its sum is."""
        types = self.vocabulary.type_of
        named = {"counts": counter.counts, "currency": counter.currency}
        money = [
            word for word, fact in named.items() if fact and (type := types(fact)) and type.kind == "money" and not type.many
        ]
        counted = types(name)
        if len(money) == 1 or (counter.currency and not money) or (money and (counted is None or counted.kind != "money")):
            at = locate(node, ("counts",))[0].span
            help = "a counter of money counts one fact of the type `money`, is one itself, and names another under `currency:`"
            self.findings.error(at, "bad-counter", f"`{name}` is no counter of money", help=help)

    def _entities(self) -> None:
        """Check what the kinds of entities state: facts of an exchange that no party and no asset is named by."""
        for kind, text in self.vocabulary.entities.items():
            node = self.vocabulary.nodes["entities", kind]
            id = self.vocabulary.facts.get(f"{kind}.id")
            if kind in ("party", "asset") or id is None or id.type.kind != "id" or id.type.many:
                help = f"add a fact `{kind}.id` of the type `id`; `party` and `asset` are kinds of their own"
                at = self.vocabulary.spans["entities", kind]
                self.findings.error(at, "unknown-fact", f"an exchange cannot name an entity of the kind `{kind}`", help=help)
            for number, fact in enumerate(text.states):
                if fact not in self.vocabulary.facts:
                    at = locate(node, ("states", number))[0].span
                    help = did_you_mean(fact, self.vocabulary.facts)
                    self.findings.error(at, "unknown-fact", f"an exchange has no fact `{fact}`", "cannot be stated", help)

    def _promises(self) -> None:
        """Check the facts and documents of each promise: the ledger relies on their types."""
        facts, documents = self.vocabulary.facts, self.vocabulary.kinds["evidence"]
        for name, promise in self.vocabulary.promises.items():
            node = self.vocabulary.nodes["promises", name]
            wanted: dict[tuple[str, ...], tuple[str, str]] = {
                ("due",): (promise.due, "date"),
                ("by",): (promise.by, "id"),
                ("to",): (promise.to, "id"),
                ("fills",): (promise.fills, "count"),
                ("beside",): (promise.beside, ""),
            }
            wanted |= {("terms", term): (fact, "") for term, fact in promise.terms.items()}
            for path, (fact, kind) in wanted.items():
                at = locate(node, path)[0].span
                if fact not in facts:
                    help = did_you_mean(fact, facts)
                    self.findings.error(at, "unknown-fact", f"an exchange has no fact `{fact}`", "cannot be promised", help)
                elif kind and (facts[fact].type.kind != kind or facts[fact].type.many):
                    self.findings.error(at, "ill-typed", f"`{fact}` is of type `{facts[fact].type.name}`, not `{kind}`")
            for number, document in enumerate(promise.evidence):
                if document not in documents:
                    at = locate(node, ("evidence", number))[0].span
                    said = f"there is no kind of evidence `{document}`"
                    self.findings.error(at, "unknown-kind", said, help=did_you_mean(document, documents))

    def _otherwise(self, parts: Sequence[LoweredRule]) -> Iterator[Rule]:
        """What policies say where none of their rules stands (semantics 4.2)."""
        for name, (policy, tree) in sorted(self.policies.items()):
            if policy.otherwise is None:
                continue
            at = locate(tree, ("otherwise",))[0].span
            if policy.instrument.force not in (*BINDING, "contract"):
                said = f"a text of force `{policy.instrument.force}` cannot say what holds otherwise"
                self.findings.error(at, "force", said, "not by this force", "a law, an order or a contract can")
            if f"{name}/{OTHERWISE}" in self.written:
                node = self.written[f"{name}/{OTHERWISE}"].node
                said = f"a rule of a policy with `otherwise:` cannot be named `{OTHERWISE}`"
                self.findings.error(locate(node, ("id",))[0].span, "duplicate-id", said, help="give it another id")
            says = in_each(lambda language, policy=policy: language.otherwise(policy.otherwise))  # type: ignore[misc]
            yield Rule(
                key=f"{name}/{OTHERWISE}",
                provision=Provision(
                    id=f"{name}/{OTHERWISE}",
                    policy=name,
                    instrument=policy.title.words,
                    jurisdiction=policy.jurisdiction,
                    force=policy.instrument.force,
                    citation=policy.title.words,
                    title=says,
                    says=says,
                    source=policy.instrument.issuer,
                    status="confirmed",
                    file=at.file,
                    line=at.line,
                ),
                effect={"prohibited": "prohibit", "review": "review"}[policy.otherwise],
                condition=Defined(f"{name}#applies"),
                message=says,
                otherwise=tuple(part.rule.key for part in parts if part.rule.provision.policy == name),
            )

    def _not_reached(self, name: str, policy: PolicyText, tree: Node) -> None:
        """Where a law says that it leaves data alone; each becomes a definition that coverage reads (semantics 4.3)."""
        for number, _ in enumerate(policy.not_reached or ()):
            when = locate(tree, ("not_reached", number, "when"))[0]
            self.conditions.definitions[f"not-reached/{name}/{number}"] = self.conditions.lower(when, name, Use.LIFTS)

    def _is_off(self, policy: str, jurisdiction: str) -> bool:
        """Whether an organisation has switched this policy off (semantics 4.3)."""
        return any(off.covers(policy, jurisdiction) for off in self.vocabulary.switched_off)

    def _counting(self, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        """The rules without those that are switched off; their definitions stay, since other policies may use them."""
        off = {rule.key for rule in rules if self._is_off(rule.provision.policy, rule.provision.jurisdiction)}
        if not off:
            return rules
        return tuple(
            replace(rule, exempts=tuple(key for key in rule.exempts if key not in off)) for rule in rules if rule.key not in off
        )

    def _requirement(self, name: str) -> Requirement:
        text = self.vocabulary.requirements[name]
        node = self.vocabulary.nodes["requirements", name]
        duties = tuple(
            self._duty(f"{name}.{n}", duty, locate(node, ("duties", n - 1))[0], "") for n, duty in enumerate(text.duties, 1)
        )
        return Requirement(name, text.jurisdiction, text.title.words, text.how.words, duties)

    def _duty(self, key: str, text: DutyText, node: Node, policy: str) -> Duty:
        done = node.get("done_when") if isinstance(node, Mapping) else None
        return Duty(
            key=key,
            text=text.duty.words,
            who=text.who,
            cite=text.cite.words if text.cite else NO_WORDS,
            due=self._due(locate(node, ("due",))[0]) if text.due is not None else None,
            done_when=self.conditions.lower(done, policy, Use.LIFTS) if done else None,
            overdue=Level[text.overdue.upper()],
            keep=text.keep or "",
            arises=text.arises,
        )

    def _due(self, node: Node) -> Due | None:
        """A last day (semantics 3.6); None where it is refused."""
        parts = {key.text: value for key, value in node.entries} if isinstance(node, Mapping) else {}
        match parts:
            case {"within": Scalar() as within, "after": Scalar() as after} if len(parts) == 2:
                length = self._read(within, read_duration)
                anchor = self._anchor(after)
                if length is None:
                    return None
                self.conditions.known_calendar(length, within.span)
                return Period(length, anchor)
            case {"on": Scalar() as on, "after": Scalar() as after} if len(parts) == 2:
                anchor = self._anchor(after)
                day = self._read(on, read_day_of_year)
                return OnDay(*day, anchor) if day else None
            case {"on": Scalar() as on} if len(parts) == 1:
                written = self._read(on, read_date)
                return OnDate(written) if written else None
            case {"earliest_of": ListNode(items=items)} if len(parts) == 1 and len(items) > 1:
                return Earliest(tuple(due for due in map(self._due, items) if due))
        self.findings.error(
            node.span,
            "bad-due",
            "`due` does not say the last day in a known way",
            help="write `{within: 10 days, after: evidence.KIND.dated}`, `{on: 1 March, after: FACT}`, `{on: 2026-03-01}` or"
            " `{earliest_of: […]}` with two or more of these",
        )
        return None

    def _read(self, scalar: Scalar, read: Callable[[str], T]) -> T | None:
        try:
            return read(scalar.text)
        except BadValue as bad:
            self.findings.error(scalar.span, "bad-value", str(bad), help=bad.help)
            return None

    def _anchor(self, after: Scalar) -> str:
        """The date that a last day is counted from."""
        if after.text in DUE_ANCHORS:
            return AS_OF
        type = self.vocabulary.type_of(after.text)
        if type is None or type.kind != "date":
            self.findings.error(
                after.span,
                "unknown-fact",
                f"`{after.text}` is not a date of an exchange",
                help=did_you_mean(after.text, [*self.vocabulary.names(), *DUE_ANCHORS]),
            )
        return after.text

    def _lower(self, written: WrittenRule, lifts: Sequence[Lift]) -> list[LoweredRule]:
        """The rules that a provision becomes: one for its effect, and one for each way in which it exempts."""
        text, policy = written.text, written.policy
        effects = effects_of(text)
        span = locate(written.node, ("id",))[0].span
        if len(effects) > 1:
            stand = " and ".join(f"`{effect}`" for effect in effects)
            self.findings.error(
                span,
                "several-effects",
                f"`{text.id}` has {stand}",
                help="a rule has one effect, and `exempts` may be added; write two rules",
            )
        if not effects and not text.exempts:
            self.findings.error(
                span,
                "no-effect",
                f"`{text.id}` has no effect",
                help=f"add one of {', '.join(f'`{e}`' for e in EFFECTS)} or `exempts`",
            )
        if text.duties and not effects:
            self._stray_duties(written)
        provision = self._provision(written)
        travels = self._travels(written, effects)
        parts = []
        for effect in effects[:1]:
            rule = self._effect(written, provision, effect, travels)
            parts.append(LoweredRule(rule, written.order, written.id))
        for lift in lifts:
            use = Use.LIFTS if lift.lifts else Use.RAISES
            rule = Rule(
                key=lift.key,
                provision=provision,
                effect="exempts",
                condition=self._condition(written, use),
                exempts=lift.rules,
                excuses=lift.requirements,
                doubtful=self._doubtful(text) and lift.lifts,
                travels=travels,
            )
            parts.append(LoweredRule(rule, written.order, written.id))
        if text.lane and (not text.advise or text.lane not in self.vocabulary.lanes):
            at = locate(written.node, ("lane",))[0].span
            help = (
                did_you_mean(text.lane, self.vocabulary.lanes)
                or "a lane needs `advise`, and a place in the vocabulary under `lanes:`"
            )
            self.findings.error(at, "unknown-lane", f"`{text.lane}` is not a lane here", help=help)
        if text.lane and text.status == "unsure":
            at = locate(written.node, ("lane",))[0].span
            self.findings.error(
                at, "doubt", "an unsure provision cannot open a lane", help="drop `lane`, or confirm the provision"
            )
        if policy.instrument.force in ("soft", "aspiration") and text.exempts and "advise" not in effects and effects:
            self.findings.error(span, "force", f"a text of force `{policy.instrument.force}` can only advise")
        return parts

    def _stray_duties(self, written: WrittenRule) -> None:
        at = written.node.key("duties")
        help = "use `oblige`, or put them on a requirement or a `satisfies` rule"
        self.findings.error(at.span if at else written.node.span, "stray-duties", "`duties` belong to a ground", help=help)

    def _provision(self, written: WrittenRule) -> Provision:
        text, policy = written.text, written.policy
        return Provision(
            id=written.id,
            policy=policy.policy,
            instrument=policy.title.words,
            jurisdiction=policy.jurisdiction,
            force=policy.instrument.force,
            citation=text.cite.words,
            title=text.title.words,
            says=text.says.words,
            source=text.source,
            status=text.status,
            file=written.node.span.file,
            line=written.node.span.line,
            persons=self._persons(written),
        )

    def _persons(self, written: WrittenRule) -> int:
        """How many persons sign the provision off (semantics 4.6): one, unless it says otherwise."""
        text = written.text
        if text.sign_off_by is None:
            return 1
        lifts = text.satisfies is not None or text.exempts is not None
        if text.review is None and text.status != "unsure" and not (lifts and text.status == "from-memory"):
            at = key_named(written.node, "sign_off_by")
            help = "it belongs to a `review`, to an unsure provision, or to a ground or an exemption from memory"
            span = at.span if at else written.node.span
            self.findings.error(span, "stray-sign-off", "nobody can sign this provision off", help=help)
        return int(text.sign_off_by.split()[0])

    def _travels(self, written: WrittenRule, effects: Sequence[str]) -> Travels | None:
        """What travels with the data; what a later leg must meet becomes a definition under a reserved key."""
        text, force = written.text.travels, written.policy.instrument.force
        if text is None:
            return None
        node = locate(written.node, ("travels",))[0]
        if force in ("soft", "aspiration") or (effects == ["advise"] and not written.text.exempts):
            help = "use `travels` with an effect that binds or lifts"
            self.findings.error(node.span, "stray-travels", "advice binds nobody, so no condition of it travels", help=help)
        if text.else_ == "prohibited" and "prohibit" not in ALLOWED[force]:
            at = locate(node, ("else",))[0].span
            self.findings.error(at, "force", f"a text of force `{force}` cannot `prohibit`", help="write `else: review`")
        key = f"{written.id}#travels" if text.when is not None else ""
        if key:
            when = node.get("when") if isinstance(node, Mapping) else None
            self.conditions.definitions[key] = self.conditions.lower(when, written.policy.policy, Use.LIFTS)
        # Semantics 3.7: an unsure rule becomes a review, whatever its effect.
        otherwise = Level.REVIEW if written.text.status == "unsure" else Level[text.else_.upper()]
        return Travels(text.condition.words, key, otherwise)

    def _effect(self, written: WrittenRule, provision: Provision, effect: str, travels: Travels | None) -> Rule:
        text = written.text
        message = getattr(text, effect).words if effect in ("prohibit", "review", "advise", "compels") else NO_WORDS
        self._allowed(written, effect)
        if provision.force == "norm" and self.settings.norms == "advise" and effect in RAISING:
            effect, message = "advise", message or text.says.words
        elif text.status == "unsure" and effect in (RAISING | {"allows"}) - {"review"}:
            # Semantics 3.7: an unsure rule becomes a review, whatever its effect.
            effect, message = "review", message or in_each(lambda language: language.unsettled(text.says.in_(language.code)))
        node = written.node
        use = {"satisfies": Use.LIFTS, "allows": Use.LIFTS, "advise": Use.ADVISES}.get(effect, Use.RAISES)
        duties: tuple[Duty, ...] = ()
        if text.duties and effect != "satisfies":
            self._stray_duties(written)
        # Check what is written, even if doubt or a setting changes the effect of the rule.
        need = self._need(locate(node, ("require",))[0], provision.jurisdiction) if text.require is not None else None
        if text.oblige:
            owed = (self._duty(f"{written.id}.1", text.oblige, locate(node, ("oblige",))[0], provision.policy),)
            duties = owed if effect == "oblige" else ()
        elif text.duties:
            duties = tuple(
                self._duty(f"{written.id}.{n}", duty, locate(node, ("duties", n - 1))[0], provision.policy)
                for n, duty in enumerate(text.duties, 1)
            )
        return Rule(
            key=written.id,
            provision=provision,
            effect=effect,
            condition=self._condition(written, use),
            message=message,
            need=need if effect == "require" else None,
            duties=duties,
            satisfies=self._satisfied(written) if effect == "satisfies" else (),
            lane=text.lane or "" if effect == "advise" else "",
            doubtful=effect == "satisfies" and self._doubtful(text),
            travels=travels if effect != "advise" else None,
        )

    def _condition(self, written: WrittenRule, use: Use) -> Condition:
        """In force, applies, when, and none of unless (semantics 3.1)."""
        text, policy, node = written.text, written.policy.policy, written.node
        parts: list[Condition] = [Defined(f"{policy}#applies")]
        if text.in_force is not None:
            parts.append(_in_force(text.in_force))
        parts.append(self.conditions.lower(node.get("when"), policy, use))
        unless = node.get("unless")
        if isinstance(unless, ListNode):
            parts += [Not(self.conditions.lower(item, policy, use.negated)) for item in unless.items]
        return All(tuple(part for part in parts if part != ALWAYS))

    def _doubtful(self, text: RuleText) -> bool:
        return text.status == "unsure" or (text.status == "from-memory" and self.settings.trust == "confirmed")

    def _need(self, node: Node, jurisdiction: str) -> Need:
        known = self.vocabulary.requirements
        match node:
            case Scalar(text=text, span=span):
                if text not in known:
                    self.findings.error(
                        span,
                        "unknown-requirement",
                        f"there is no requirement `{text}`",
                        "not in the vocabulary",
                        did_you_mean(text, known),
                    )
                elif known[text].jurisdiction != jurisdiction:
                    self.findings.error(
                        span,
                        "other-jurisdiction",
                        f"`{text}` belongs to {known[text].jurisdiction}",
                        help="name a requirement of the rule's own jurisdiction, or add one",
                    )
                return Need("one", text)
            case Mapping(entries=((Scalar(text=("any_of" | "all_of") as op), ListNode(items=items)),)) if items:
                return Need(op, parts=tuple(self._need(item, jurisdiction) for item in items))
        self.findings.error(
            node.span, "wrong-shape", "`require` takes one requirement, or `any_of` or `all_of` with a list of requirements"
        )
        return Need("all_of")

    def _satisfied(self, written: WrittenRule) -> tuple[str, ...]:
        node = locate(written.node, ("satisfies",))[0]
        scalars = [node] if isinstance(node, Scalar) else list(node.items) if isinstance(node, ListNode) else []
        known = self.vocabulary.requirements
        if not scalars:
            self.findings.error(
                node.span, "wrong-shape", "`satisfies` names no requirement", help="name one, or a list of them"
            )
        names = []
        for scalar in scalars:
            assert isinstance(scalar, Scalar)
            if scalar.text not in known:
                self.findings.error(
                    scalar.span,
                    "unknown-requirement",
                    f"there is no requirement `{scalar.text}`",
                    "not in the vocabulary",
                    did_you_mean(scalar.text, known),
                )
            elif known[scalar.text].jurisdiction != written.policy.jurisdiction:
                self.findings.error(
                    scalar.span,
                    "other-jurisdiction",
                    f"`{scalar.text}` belongs to {known[scalar.text].jurisdiction}",
                    help="a ground satisfies only requirements of its own jurisdiction",
                )
            names.append(scalar.text)
        return tuple(names)

    def _allowed(self, written: WrittenRule, effect: str) -> None:
        force = written.policy.instrument.force
        if effect not in ALLOWED[force]:
            at = written.node.key(effect)
            can = ", ".join(f"`{e}`" for e in EFFECTS if e in ALLOWED[force])
            self.findings.error(
                at.span if at else written.node.span,
                "force",
                f"a text of force `{force}` cannot `{effect}`",
                "not by this force",
                f"it can {can}",
            )

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


def effects_of(text: RuleText) -> list[str]:
    """The effects that are written in a rule, other than `exempts`."""
    return [effect for effect in EFFECTS if getattr(text, effect) is not None]


def _is_window(text: str) -> bool:
    """Whether a counter can use this window; the machine must know its time zone."""
    match = COUNTER_WINDOW.match(text)
    try:
        return match is not None and (match["zone"] in (None, "UTC") or bool(ZoneInfo(match["zone"])))
    except (LookupError, ValueError, OSError):
        return False


def _calendar(text: CalendarText) -> Calendar:
    """A calendar in the form that the rules use."""
    return Calendar(
        weekend=frozenset(WEEK.index(day) for day in text.weekend),
        known_from=text.known_from,
        known_until=text.known_until,
        holidays=frozenset(text.holidays),
        workdays=frozenset(text.workdays),
    )


def _in_force(written: Window | list[Window]) -> Condition:
    """A test of the built-in fact as_of: inside one of the windows, both ends inclusive."""
    day = Type("date")
    windows = []
    for window in written if isinstance(written, list) else [written]:
        ends = [Atom(AS_OF, day, "at_least", (window.from_,))] if window.from_ else []
        ends += [Atom(AS_OF, day, "at_most", (window.until,))] if window.until else []
        windows.append(All(tuple(ends)))
    return windows[0] if len(windows) == 1 else AnyOf(tuple(windows))

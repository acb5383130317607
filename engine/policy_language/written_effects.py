"""
One provision to the rules that it becomes: one for its effect, and one for each way in which it exempts.

Force and doubt are respected here (semantics 3.7, 3.8), and duties, requirements and lanes get their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.languages import in_each
from engine.policy_language.conditions import Conditions
from engine.policy_language.diagnostic import Findings, did_you_mean
from engine.policy_language.document_text import Window
from engine.policy_language.duty_deadlines import Duties
from engine.policy_language.exemptions import Lift, LoweredRule, WrittenRule
from engine.policy_language.operators import Use
from engine.policy_language.policy_text import RuleText
from engine.policy_language.tree import Mapping, Node, Scalar, key_named, locate
from engine.policy_language.tree import Sequence as ListNode
from engine.policy_language.vocabulary import Vocabulary
from engine.rules import ALWAYS, AS_OF, All, AnyOf, Atom, Condition, Defined, Duty, Need, Not, Provision, Rule, Travels
from engine.values import Type
from engine.values.multilingual import NO_WORDS
from engine.values.outcome_levels import Level

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


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """
    What a deployment chooses about doubt and force.

    `trust`: the lowest mark that lifts without review ("confirmed" or "from-memory"). `norms`: "bind", or "advise" to turn what
    norms require into advice.
    """

    trust: str = "confirmed"
    norms: str = "bind"


class Effects:
    """Lowers the provisions of all policies."""

    def __init__(
        self, vocabulary: Vocabulary, settings: PolicySettings, conditions: Conditions, duties: Duties, findings: Findings
    ) -> None:
        self.vocabulary = vocabulary
        self.settings = settings
        self.conditions = conditions
        self.duties = duties
        self.findings = findings

    def lower(self, written: WrittenRule, lifts: Sequence[Lift]) -> list[LoweredRule]:
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
            use = Use.LIFTS if lift.lifts else Use.RESTORES
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
            owed = (self.duties.lower(f"{written.id}.1", text.oblige, locate(node, ("oblige",))[0], provision.policy),)
            duties = owed if effect == "oblige" else ()
        elif text.duties:
            duties = tuple(
                self.duties.lower(f"{written.id}.{n}", duty, locate(node, ("duties", n - 1))[0], provision.policy)
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
            parts.append(in_force(text.in_force, node))
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


def effects_of(text: RuleText) -> list[str]:
    """The effects that are written in a rule, other than `exempts`."""
    return [effect for effect in EFFECTS if getattr(text, effect) is not None]


def in_force(written: Window | list[Window], owner: Node) -> Condition:
    """A test of the built-in fact as_of: inside one of the windows of its owner, both ends inclusive."""
    at = locate(owner, ("in_force",))[1].place
    day = Type("date")
    windows = []
    for window in written if isinstance(written, list) else [written]:
        ends = [Atom(AS_OF, day, "at_least", (window.from_,), at=at)] if window.from_ else []
        ends += [Atom(AS_OF, day, "at_most", (window.until,), at=at)] if window.until else []
        windows.append(All(tuple(ends)))
    return windows[0] if len(windows) == 1 else AnyOf(tuple(windows))

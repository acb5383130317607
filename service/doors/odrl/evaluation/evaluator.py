"""
The evaluation of a policy: which of its rules are active for a request in a state of the world.

The test suite and the draft on formal semantics define an active permission differently, and a request says by its words which one counts:

- by the suite a permission is active where target, party and action match, all constraints are satisfied and no duty is violated;
- by the draft it is active where all constraints are satisfied and each duty is fulfilled or inactive. Whether the action, its target, its
  party and its refinements match is its control state: an active permission permits or denies.

INVARIANT: what is undefined never makes a permission active or permit, and never makes a prohibition inactive.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from json import loads

from service.doors.odrl.contract_policy import (
    ODRL,
    RDF_TYPE,
    AnyConstraint,
    BrokenConstraint,
    Constraint,
    ContractPolicy,
    ContractRule,
    LogicalConstraint,
    OtherStatement,
    local_name,
)
from service.doors.odrl.evaluation.operand_comparison import (
    SATISFIED,
    UNDEFINED,
    UNSATISFIED,
    Satisfaction,
    all_of,
    any_of,
    compare,
    moment,
    one_of,
    order,
)
from service.doors.odrl.evaluation.operand_comparison import Order as TimeOrder
from service.doors.odrl.evaluation.world import (
    EvaluationRefused,
    EvaluationRequest,
    Feature,
    Features,
    Performance,
    PerformedAction,
    RequestVocabulary,
    StateOfWorld,
    features_of,
)

# What a policy may say beside its rules without limiting them.
_ANNOTATIONS = (ODRL + "source", "http://purl.org/dc/", "http://www.w3.org/2000/01/rdf-schema#")


@dataclass(frozen=True, slots=True)
class ConstraintEvaluation:
    """What became of a constraint: its parts, or the value it was compared with; `why` where it is undefined."""

    constraint: AnyConstraint
    state: Satisfaction
    left: Feature | None = None
    parts: tuple["ConstraintEvaluation", ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class RuleEvaluation:
    """What became of a rule or a duty. `premises` are its Target, Party and Action, those that it names."""

    rule: ContractRule
    request: str
    active: bool
    premises: dict[str, Satisfaction]
    constraints: tuple[ConstraintEvaluation, ...]
    refinements: tuple[ConstraintEvaluation, ...]
    duties: tuple["RuleEvaluation", ...]
    performance: Performance
    applies: bool = False  # it permits what is asked and owes nothing first, or it prohibits or demands it

    @property
    def deontic_state(self) -> str:
        """Whether an active rule is fulfilled or violated by what was performed; a permission is neither."""
        if not self.active or self.performance is Performance.UNKNOWN:
            return "NonSet"
        performed = self.performance is Performance.PERFORMED
        if self.rule.kind == "prohibition":
            return "Violated" if performed else "NonSet"
        return "Fulfilled" if performed else "Violated"


@dataclass(frozen=True, slots=True)
class PolicyEvaluation:
    """What became of every rule of a policy, for one request in one state of the world."""

    policy: ContractPolicy
    request: EvaluationRequest
    world: StateOfWorld
    created: str
    rules: tuple[RuleEvaluation, ...]

    @property
    def permitted(self) -> bool:
        """Whether a permission permits what is asked, with nothing owed first, and no prohibition forbids it."""
        applying = {each.rule.kind for each in self.rules if each.applies}
        return "permission" in applying and "prohibition" not in applying


def evaluate(policy: ContractPolicy, request: EvaluationRequest, world: StateOfWorld) -> PolicyEvaluation:
    """Evaluates every rule of a policy. Raises EvaluationRefused for what an evaluator must not consider."""
    if policy.type not in ("Policy", "Set", "Agreement"):
        raise EvaluationRefused(
            f"a policy of type {policy.type} is a proposal or a request and binds nobody; give the Agreement"
        )
    if policy.inherits:
        raise EvaluationRefused(f"the policy inherits the rules of {policy.inherits[0]}; give one policy with all rules")
    if unknown := [each for each in policy.others if not _describes(each)]:
        raise EvaluationRefused(f"`{local_name(unknown[0].term)}` at {unknown[0].pointer} is no term that is evaluated here")
    features = features_of(request, world)
    times = features[ODRL + "dateTime"]
    created = times[0].value.text if len(times) == 1 else ""
    return PolicyEvaluation(
        policy, request, world, created, tuple(_rule(each, request, world, features) for each in policy.rules)
    )


def _describes(said: OtherStatement) -> bool:
    """Whether a statement limits no rule: a text about the policy, or that a party or a target is a collection."""
    return said.term.startswith(_ANNOTATIONS) or (said.term == RDF_TYPE and said.value.endswith("Collection"))


def _rule(rule: ContractRule, request: EvaluationRequest, world: StateOfWorld, features: Features) -> RuleEvaluation:
    constraints = tuple(_constraint(each, features, world) for each in rule.constraints)
    refinements = tuple(_constraint(each, features, world) for each in rule.refinements)
    duties = tuple(_duty(each, rule, world, features) for each in rule.duties)
    premises = {}
    if rule.targets:
        premises["Target"] = _among(request.target, rule.targets, world)
    if rule.assignees:
        premises["Party"] = _among(request.party, rule.assignees, world)
    if rule.action:
        matches = SATISFIED if rule.action in including(request.action) else UNSATISFIED
        premises["Action"] = all_of((matches, *(each.state for each in refinements)))
    constrained, matched = all_of(each.state for each in constraints), all_of(premises.values())
    by_suite = request.vocabulary is RequestVocabulary.SUITE
    limits = all_of((constrained, matched)) if by_suite and rule.kind != "obligation" else constrained
    if rule.kind == "permission":
        active = limits is SATISFIED and all(_allows(each, by_suite) for each in duties)
    else:
        active = limits is not UNSATISFIED
    performance = world.performances.get(rule.uid, Performance.UNKNOWN)
    if rule.kind == "permission":
        applies = active and matched is SATISFIED and all(_allows(each, by_suite=False) for each in duties)
    else:
        applies = active and matched is not UNSATISFIED
    return RuleEvaluation(rule, request.rule, active, premises, constraints, refinements, duties, performance, applies)


def _allows(duty: RuleEvaluation, by_suite: bool) -> bool:
    """Whether a duty leaves its permission active: by the suite where it is not violated, by the draft where it is not open either."""
    if by_suite:
        return duty.deontic_state != "Violated"
    return not duty.active or duty.deontic_state == "Fulfilled"


def _duty(duty: ContractRule, permission: ContractRule, world: StateOfWorld, features: Features) -> RuleEvaluation:
    """A duty is active unless a constraint is certainly not satisfied, and performed where a report or an action says so."""
    constraints = tuple(_constraint(each, features, world) for each in duty.constraints)
    performance = world.performances.get(duty.uid, Performance.UNKNOWN) if duty.uid else Performance.UNKNOWN
    refinements: tuple[ConstraintEvaluation, ...] = tuple(_constraint(each, {}, world) for each in duty.refinements)
    for action in world.actions:
        if duty.uid and action.duty == duty.uid and performance is Performance.UNKNOWN:
            refinements = tuple(_constraint(each, action.features, world) for each in duty.refinements)
            performance = _performed(duty, permission, action, refinements, features)
    active = all_of(each.state for each in constraints) is not UNSATISFIED
    return RuleEvaluation(duty, "", active, {}, constraints, refinements, (), performance)


def _performed(
    duty: ContractRule,
    permission: ContractRule,
    action: PerformedAction,
    refinements: Iterable[ConstraintEvaluation],
    features: Features,
) -> Performance:
    """A payment performs a duty to compensate where it went to the assigner, as agreed, and before the evaluated action."""
    payees = duty.assigners or permission.assigners
    times = features[ODRL + "dateTime"]
    paid = duty.action in (ODRL + "compensate", ODRL + "pay") and action.payee in payees
    agreed = all_of(each.state for each in refinements) is SATISFIED
    before = len(times) == 1 and action.when is not None and moment(action.when.text) is not None
    if before and action.when:
        before = order(times[0].value, replace(action.when, data_type="")) is TimeOrder.AFTER
    return Performance.PERFORMED if paid and agreed and before else Performance.UNKNOWN


def _among(asked: str, named: Iterable[str], world: StateOfWorld) -> Satisfaction:
    if not asked:
        return UNDEFINED
    return SATISFIED if any(world.part_of(asked, each) for each in named) else UNSATISFIED


def _constraint(constraint: AnyConstraint, features: Features, world: StateOfWorld) -> ConstraintEvaluation:
    if isinstance(constraint, BrokenConstraint):
        return ConstraintEvaluation(constraint, UNDEFINED, why=constraint.why)
    if isinstance(constraint, LogicalConstraint):
        parts = tuple(_constraint(each, features, world) for each in constraint.parts)
        return ConstraintEvaluation(constraint, _connected(constraint.kind, [each.state for each in parts]), parts=parts)
    found = features.get(constraint.left) or features.get(_own_name(constraint)) or features.get(constraint.unit) or ()
    if len(found) != 1:
        many = "has several values" if found else "has no value"
        return ConstraintEvaluation(
            constraint, UNDEFINED, why=f"{local_name(constraint.left)} {many} in the request and the state"
        )
    unit = found[0].unit or (constraint.unit if constraint.unit in features else "")
    if _scheme_less(unit) != _scheme_less(constraint.unit):
        return ConstraintEvaluation(constraint, UNDEFINED, found[0], why=f"the value is not in {constraint.unit or 'no unit'}")
    operator = constraint.operator.removeprefix(ODRL)
    state = compare(operator, found[0].value, constraint.right, world.part_of)
    why = f"`{local_name(operator)}` says nothing certain of these two values" if state is UNDEFINED else ""
    return ConstraintEvaluation(constraint, state, found[0], why=why)


def _connected(kind: str, states: list[Satisfaction]) -> Satisfaction:
    match kind:
        case "and":
            return all_of(states)
        case "or":
            return any_of(states)
        case "xone":
            return one_of(states)
        case _:  # andSequence: a state of the world is of one moment and knows no sequence
            return all_of((*states, UNDEFINED))


def _own_name(constraint: Constraint) -> str:
    """The day of the week has no operand in ODRL; profiles give it this name in namespaces of their own."""
    return "dayOfWeek" if local_name(constraint.left) == "dayOfWeek" else constraint.left


def _scheme_less(iri: str) -> str:
    """DBpedia names one unit with http and with https; the draft's policies and states use one each."""
    return iri.removeprefix("https://").removeprefix("http://")


@lru_cache(maxsize=1)
def _actions() -> dict[str, list[str]]:
    return loads((files("service.doors.odrl.evaluation") / "actions.json").read_text("utf-8"))  # type: ignore[no-any-return]


def including(action: str) -> set[str]:
    """An action with all that include it, or mean the same, in the vocabulary of ODRL 2.2."""
    found, waiting = {action}, [action]
    while waiting:
        reached = set(_actions().get(waiting.pop(), ())) - found
        found |= reached
        waiting.extend(reached)
    return found - {""}

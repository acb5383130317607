"""
What is asked and what is so: an evaluation request and a state of the world, from linked documents.

Two vocabularies are read: the test suite's (a request is an `odrl:Request`, the state has a current time, memberships and reports on
duties) and that of the draft on formal semantics (an `EvaluationRequest` with parameters, a state with payments).
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from service.doors.graphs import GraphTerm
from service.doors.odrl.contract_policy import ODRL, RDF_TYPE, XSD, ContractPolicy, LinkedDocument, local_name
from service.doors.odrl.evaluation.operand_comparison import moment

SOTW, REPORT = "https://w3id.org/force/sotw#", "https://w3id.org/force/compliance-report#"
PAYMENT = "https://www.epimorphics.com/guide-to-the-payments-ontology/"
CURRENT_TIMES = (SOTW + "CurrentXSDDateTime", "https://w3id.org/odrl-fs#currentTime")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class EvaluationRefused(ValueError):
    """The documents cannot be evaluated; the message says why and what to do."""


class RequestVocabulary(Enum):
    """Whose words a request uses, and so whose definition of an active rule counts."""

    SUITE = "suite"
    DRAFT = "draft"


class Performance(Enum):
    """Whether an action was performed, can no longer be performed, or neither is known."""

    PERFORMED = "Performed"
    UNPERFORMED = "Unperformed"
    UNKNOWN = "Unknown"


_GRAVEST_LAST = (Performance.PERFORMED, Performance.UNKNOWN, Performance.UNPERFORMED)  # where reports contradict each other


@dataclass(frozen=True, slots=True)
class Feature:
    """A value that a constraint can be compared with, and the unit that it is given in."""

    value: GraphTerm
    unit: str = ""


Features = Mapping[str, tuple[Feature, ...]]


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """Who asks to do what with what. "" is what a request leaves out."""

    uid: str
    rule: str
    action: str
    party: str
    target: str
    features: Features
    vocabulary: RequestVocabulary


@dataclass(frozen=True, slots=True)
class PerformedAction:
    """An action that the state of the world says was performed for a duty: only payments have a vocabulary."""

    uid: str
    duty: str
    payee: str
    features: Features
    when: GraphTerm | None


@dataclass(frozen=True, slots=True)
class StateOfWorld:
    """What is so: times, memberships, what reports say of duties, and actions performed."""

    uid: str
    times: tuple[GraphTerm, ...]
    memberships: frozenset[tuple[str, str]]
    performances: Mapping[str, Performance]
    actions: tuple[PerformedAction, ...]

    def part_of(self, member: str, whole: str) -> bool:
        """Whether a member is stated to be in a collection, itself or through others."""
        seen, waiting = {member}, [member]
        while waiting:
            at = waiting.pop()
            if at == whole:
                return True
            reached = {above for one, above in self.memberships if one == at} - seen
            seen |= reached
            waiting.extend(reached)
        return False


class _Statements:
    """The triples of one document by subject and predicate."""

    def __init__(self, document: LinkedDocument | None) -> None:
        self.triples = document.triples if document else ()
        self._objects: dict[tuple[str, str], list[GraphTerm]] = defaultdict(list)
        for each in self.triples:
            if each.object not in self._objects[each.subject, each.predicate]:
                self._objects[each.subject, each.predicate].append(each.object)

    def all(self, subject: str, *predicates: str) -> list[GraphTerm]:
        return [each for predicate in predicates for each in self._objects.get((subject, predicate), ())]

    def one(self, subject: str, *predicates: str) -> GraphTerm | None:
        """The only value, or None where there is none. Raises EvaluationRefused where there are several."""
        found = self.all(subject, *predicates)
        if len(found) > 1:
            raise EvaluationRefused(f"{subject} has {len(found)} values of `{local_name(predicates[0])}`; give it one")
        return found[0] if found else None

    def name(self, subject: str, *predicates: str) -> str:
        found = self.one(subject, *predicates)
        return found.text if found else ""

    def subjects(self, predicate: str) -> Iterator[tuple[str, GraphTerm]]:
        return ((each.subject, each.object) for each in self.triples if each.predicate == predicate)


def read_request(document: LinkedDocument, policy: Callable[[LinkedDocument], ContractPolicy]) -> tuple[EvaluationRequest, ...]:
    """The requests of a document: one for each permission that it asks for, or one evaluation request. Raises EvaluationRefused."""
    said = _Statements(document)
    types = [(subject, kind.text) for subject, kind in said.subjects(RDF_TYPE)]
    drafts = [subject for subject, kind in types if kind == SOTW + "EvaluationRequest"]
    if len(drafts) == 1:
        return (_draft_request(said, drafts[0]),)
    if drafts or not any(kind == ODRL + "Request" for _, kind in types):
        raise EvaluationRefused("a request is one `odrl:Request` or one `EvaluationRequest` of the draft on formal semantics")
    asked = policy(document)
    for rule in asked.rules:
        if max(map(len, (rule.assignees, rule.targets))) > 1 or rule.kind != "permission" or rule.constraints:
            raise EvaluationRefused(f"{rule.uid or rule.pointer} asks for more than one permission of one party for one target")
    if not asked.rules:
        raise EvaluationRefused("the request asks for no permission")
    return tuple(
        EvaluationRequest(
            uid=asked.uid,
            rule=rule.uid or rule.pointer,
            action=rule.action,
            party="".join(rule.assignees),
            target="".join(rule.targets),
            features={},
            vocabulary=RequestVocabulary.SUITE,
        )
        for rule in asked.rules
    )


def _draft_request(said: _Statements, uid: str) -> EvaluationRequest:
    features: dict[str, tuple[Feature, ...]] = {}
    for parameter in said.all(uid, SOTW + "requestParameter"):
        name, value = said.name(parameter.text, SOTW + "describesFeature"), said.one(parameter.text, SOTW + "value")
        if name and value:
            # `{"@id": "1000", "@type": "xsd:integer"}` writes a literal as if it were a node; its type says what it is.
            types = [each.text for each in said.all(value.text, RDF_TYPE)]
            if value.kind == "iri" and len(types) == 1 and types[0].startswith(XSD):
                value = GraphTerm(local_name(value.text), "literal", types[0])
            features[name] = (*features.get(name, ()), Feature(value))
    action, party, target = (said.name(uid, SOTW + each) for each in ("evaluatedAction", "evaluatedParty", "evaluatedTarget"))
    return EvaluationRequest(uid, uid, action, party, target, features, RequestVocabulary.DRAFT)


def read_world(document: LinkedDocument | None) -> StateOfWorld:
    """The state of the world that a document tells; nothing is known without one. Raises EvaluationRefused."""
    said = _Statements(document)
    uids = [subject for subject, kind in said.subjects(RDF_TYPE) if local_name(kind.text).lower() == "sotw"]
    times = said.all("http://example.com/request/currentTime", "http://purl.org/dc/terms/issued")
    times += [value for each in CURRENT_TIMES for _, value in said.subjects(each)]
    performances: dict[str, Performance] = {}
    for report, state in said.subjects(REPORT + "performanceState"):
        told = next((each for each in Performance if each.value == local_name(state.text)), Performance.UNKNOWN)
        if rule := said.name(report, REPORT + "rule"):
            performances[rule] = max(told, performances.get(rule, told), key=_GRAVEST_LAST.index)
    return StateOfWorld(
        uid=uids[0] if uids else "",
        times=tuple(dict.fromkeys(times)),
        memberships=frozenset((member, whole.text) for member, whole in said.subjects(ODRL + "partOf")),
        performances=performances,
        actions=tuple(
            _payment(said, subject, duty.text)
            for spelling in ("conditionId", "conditionID")  # the draft's context and its Turtle differ
            for subject, duty in said.subjects(SOTW + spelling)
        ),
    )


def _payment(said: _Statements, uid: str, duty: str) -> PerformedAction:
    amount, unit = said.one(uid, PAYMENT + "netAmount"), said.name(uid, PAYMENT + "currency")
    paid: Features = {ODRL + "payAmount": (Feature(amount, unit),)} if amount else {}
    return PerformedAction(uid, duty, said.name(uid, PAYMENT + "payee"), paid, said.one(uid, PAYMENT + "paymentDate"))


def features_of(request: EvaluationRequest, world: StateOfWorld) -> Features:
    """What constraints are compared with: the parameters of the request, the current time and its weekday."""
    asked = (each.value for name in CURRENT_TIMES for each in request.features.get(name, ()))
    times = tuple(dict.fromkeys((*world.times, *asked)))
    days = {DAYS[read.day.weekday()] for each in times if (read := moment(each.text))}
    return {
        **request.features,
        ODRL + "dateTime": tuple(Feature(each) for each in times),
        "dayOfWeek": tuple(Feature(GraphTerm(each, "literal", XSD + "string")) for each in sorted(days)),
    }

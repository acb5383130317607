"""
A contract as ODRL 2.2 states it: the nouns of this door, without a library.

`json_ld` and `turtle` read documents into `LinkedDocument`, `contract_graph` makes the policy of it, `contract_reading` makes facts of the
policy. Everything keeps its place: a JSON Pointer into the document that was sent, or the name of its subject in Turtle.
Source: ODRL Information Model 2.2, https://www.w3.org/TR/odrl-model/.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from service.doors.graphs import GraphTerm, GraphTriple

ODRL = "http://www.w3.org/ns/odrl/2/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XSD = "http://www.w3.org/2001/XMLSchema#"
RDF_TYPE = RDF + "type"

RuleKind: TypeAlias = Literal["permission", "prohibition", "obligation", "duty", "remedy", "consequence"]
LogicalKind: TypeAlias = Literal["and", "or", "xone", "andSequence"]


@dataclass(frozen=True, slots=True)
class LinkedDocument:
    """A document as triples, in its order, with the place of each subject and of what it says by each predicate."""

    triples: tuple[GraphTriple, ...]
    pointers: Mapping[str, str]
    predicates: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def pointer(self, subject: str, predicate: str = "") -> str:
        """Where a subject is, or its predicate; for what has no place of its own, the subject's."""
        at = self.pointers.get(subject, subject)
        return self.predicates.get((subject, predicate), at) if predicate else at


@dataclass(frozen=True, slots=True)
class Constraint:
    """A limit: left operand, operator and right operand, as IRIs and values. Alternatives of the right operand are a set."""

    left: str
    operator: str
    right: tuple[GraphTerm, ...]
    unit: str
    data_type: str
    pointer: str
    uid: str = ""


@dataclass(frozen=True, slots=True)
class LogicalConstraint:
    """Several limits by one connective; `parts` in the order of the document, where it has one."""

    kind: LogicalKind
    parts: tuple[AnyConstraint, ...]
    pointer: str
    uid: str = ""


@dataclass(frozen=True, slots=True)
class BrokenConstraint:
    """What stands where a limit should, and is none: it is never met, and never not met."""

    why: str
    pointer: str
    uid: str = ""


AnyConstraint: TypeAlias = Constraint | LogicalConstraint | BrokenConstraint


@dataclass(frozen=True, slots=True)
class OtherStatement:
    """What a policy says by a term that this model has no place for; `of` is what says it: `policy`, `obligation`, `constraint`, …"""

    term: str
    value: str
    pointer: str
    of: str = ""


@dataclass(frozen=True, slots=True)
class ContractRule:
    """
    One rule with one action; a rule with several actions is several of these. Duties, remedies and consequences are rules too.

    An empty `action` means that the rule names none. Parties and targets are the rule's own, or else those of the policy.
    """

    kind: RuleKind
    action: str
    refinements: tuple[AnyConstraint, ...]
    targets: tuple[str, ...]
    assigners: tuple[str, ...]
    assignees: tuple[str, ...]
    constraints: tuple[AnyConstraint, ...]
    duties: tuple[ContractRule, ...]
    remedies: tuple[ContractRule, ...]
    consequences: tuple[ContractRule, ...]
    pointer: str
    uid: str = ""
    action_uid: str = ""
    action_pointer: str = ""


@dataclass(frozen=True, slots=True)
class ContractPolicy:
    """One policy: a Set, an Offer, an Agreement or another type of ODRL, without the namespace. `others` is what was not understood."""

    uid: str
    type: str
    profiles: tuple[str, ...]
    assigners: tuple[str, ...]
    assignees: tuple[str, ...]
    targets: tuple[str, ...]
    rules: tuple[ContractRule, ...]
    inherits: tuple[str, ...]
    conflict: str
    others: tuple[OtherStatement, ...]
    pointer: str
    # Where the policy, or one of its rules, names what it is about: `assigner`, `assignee`, `target`, and the pointer.
    named_at: Mapping[str, str] = field(default_factory=dict)


def local_name(iri: str) -> str:
    """The last part of an IRI, for a sentence."""
    return iri.rstrip("/#:").rpartition("#")[2].rpartition("/")[2].rpartition(":")[2] or iri

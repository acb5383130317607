"""
What claims need where they lift (semantics 4.12): from a test of a claim to the test with what the claim needs.

A claim whose `needs` is a condition has a definition under the reserved key `needs/CLAIM`. Where a test of the claim lifts, it holds only
together with it. In an exemption of an exemption, a claim that lacks what it needs leaves the test open. Everywhere else the bare claim
counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.policy_language.tree import Mapping, Node, Scalar
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, Vocabulary, stated_in
from engine.rules import All, AnyOf, Atom, Condition, Defined, Truth, atoms
from engine.values import Type

NEEDS = "needs/"  # before the name of a claim: the key of what it needs
NOTHING = "always"  # what `needs` says of a claim that needs nothing
CLAIMS = "claims"
LIFT, RESTORE = "lift", "restore"  # the uses in which it is read


def needs_of(vocabulary: Vocabulary, claim: str) -> Node | None:
    """What is written under `needs` of a claim; None where nothing is."""
    node = vocabulary.nodes.get((CLAIMS, claim))
    return node.get("needs") if isinstance(node, Mapping) else None


def is_nothing(needs: Node | None) -> bool:
    """Whether a claim needs nothing, or does not say what."""
    return needs is None or (isinstance(needs, Scalar) and needs.text == NOTHING)


def claims_in_need(condition: Condition, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The claims that the tests of a condition read and that need something."""
    named = (name.partition(".") for name in dict.fromkeys(each for atom in atoms(condition) for each in documents(atom)))
    return tuple(claim for group, _, claim in named if group == CLAIMS and not is_nothing(needs_of(vocabulary, claim)))


def with_needs(test: Condition, use: str, vocabulary: Vocabulary) -> Condition:
    """A test together with what the claims that it reads need where it is used."""
    claims = claims_in_need(test, vocabulary) if use in (LIFT, RESTORE) else ()
    needs: list[Condition] = [Defined(f"{NEEDS}{claim}") for claim in claims]
    if use == RESTORE:
        never_settled = (Atom(f"{CLAIMS}.{claim}", Type("document"), "open", not_shown=Truth.UNKNOWN) for claim in claims)
        needs = [AnyOf(parts) for parts in zip(needs, never_settled, strict=True)]
    return All((test, *needs)) if needs else test


def documents(atom: Atom) -> Iterator[str]:
    """The documents and claims that a test reads."""
    for name in (atom.fact, atom.other):
        if name.partition(".")[0] in DOCUMENT_GROUPS:
            yield name if atom.op in ("counts", "open") else stated_in(name)

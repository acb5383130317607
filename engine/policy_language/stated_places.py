"""
Whether a name that an author writes leads to a place of an exchange, and whether a name or an id fits it: each error is a finding.

Access requests (AuthZEN) and mappings of other programs' requests share this: both say which part of a request states which fact.
"""

from __future__ import annotations

from engine.policy_language.diagnostic import Findings, did_you_mean
from engine.policy_language.exchange_places import Places
from engine.policy_language.tree import Node, locate
from engine.policy_language.vocabulary import Vocabulary
from engine.values import BadValue

Steps = tuple[str | int, ...]


class StatedPlaceCheck:
    """Checks the places that one document names. `node` is its tree."""

    def __init__(self, vocabulary: Vocabulary, node: Node, findings: Findings) -> None:
        self.vocabulary = vocabulary
        self.node = node
        self.findings = findings
        self.places = Places(vocabulary)

    def known(self, where: Steps, place: str, *, key: bool = False) -> bool:
        """Whether a name leads to a place; a name that does not is a finding. `key`: the name is the key at `where`, not its value."""
        if self.places.path(place) is not None:
            return True
        node, span = locate(self.node, where)
        help = did_you_mean(place, self.places.names())
        said = f"an exchange has no fact `{place}`"
        self.findings.error(span if key else node.span, "unknown-fact", said, "not in the vocabulary", help)
        return False

    def one(self, place: str) -> bool:
        """Whether a name leads to one place."""
        path = self.places.path(place)
        return path is not None and self.places.one(path)

    def stated(self, where: Steps, fact: str | None, word: str | None) -> None:
        """Check a fact that a name states (`word`, of a type or an action), or that an id states (None)."""
        if fact is None or not self.known(where, fact):
            return
        at = locate(self.node, where)[0].span
        type = self.vocabulary.type_of(fact)
        if type is None or type.many or type.kind not in ("id", "value"):
            known = f"of type `{type.name}`" if type else "not a single fact"
            self.findings.error(at, "ill-typed", f"`{fact}` is {known}; a name or an id cannot state it", help="name an `id`")
        elif word is not None:
            try:
                type.accept(word)
            except BadValue as bad:
                self.findings.error(at, "bad-value", str(bad), f"`{fact}` cannot be `{word}`", bad.help)
        elif type.values:
            said = f"`{fact}` takes only the values of `{type.values.name}`, but an id may be any text"
            self.findings.error(at, "ill-typed", said, help="name an `id`")

"""
Check the part `authzen` of a vocabulary, which says how access requests (AuthZEN) are read as exchanges.

Every name must lead to a place of the exchange. Ids and names must fit the facts that they state. Every entity must have a type that
`authzen` names. Each error is a finding at its line.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.policy_language.authzen_text import AttributesText, AuthZenText, EntityText
from engine.policy_language.diagnostic import Findings, did_you_mean
from engine.policy_language.exchange_places import Places
from engine.policy_language.tree import Node, locate
from engine.policy_language.vocabulary import Vocabulary
from engine.rules import AS_OF
from engine.values import BadValue


def check_access(vocabulary: Vocabulary, findings: Findings) -> None:
    """Check the part `authzen`, if the vocabulary has one."""
    if vocabulary.authzen is not None:
        _AccessChecker(vocabulary, vocabulary.nodes["authzen", ""], findings).check(vocabulary.authzen)


class _AccessChecker:
    def __init__(self, vocabulary: Vocabulary, node: Node, findings: Findings) -> None:
        self.vocabulary = vocabulary
        self.node = node
        self.findings = findings
        self.places = Places(vocabulary)

    def check(self, text: AuthZenText) -> None:
        types = {*text.subjects, *text.resources}
        groups: tuple[tuple[tuple[str, ...], Mapping[str, EntityText]], ...] = (
            (("subjects",), text.subjects),
            (("resources",), text.resources),
            (("context", "entities"), text.context.entities),
        )
        for where, entities in groups:
            for name, entity in entities.items():
                self.attributes((*where, name), entity, types)
                self.stated((*where, name, "type"), entity.type, name)
                self.stated((*where, name, "id"), entity.id, None)
        for name, action in text.actions.items():
            self.attributes(("actions", name), action, types)
            self.stated(("actions", name, "name"), action.name, name)
        self.attributes(("context",), text.context, types)
        for name in text.context.entities.keys() & text.context.facts.keys():
            at = locate(self.node, ("context", "entities", name))[1]
            said = f"`{name}` is in `entities` and in `facts`"
            self.findings.error(at, "duplicate-id", said, help="keep one of the two")

    def attributes(self, where: tuple[str, ...], text: AttributesText, types: set[str]) -> None:
        if text.under is not None and self.known((*where, "under"), text.under) and self.one(text.under):
            at = locate(self.node, (*where, "under"))[0].span
            help = "name the group that it is in, like `exporter`"
            self.findings.error(at, "bad-value", f"`{text.under}` holds a value, so no fact lies under it", help=help)
        for name, place in text.facts.items():
            self.known((*where, "facts", name), place)
            if place == AS_OF and where != ("context",):
                at = locate(self.node, (*where, "facts", name))[0].span
                help = "state it in the `facts` of the `context`"
                self.findings.error(
                    at, "bad-value", "only the context can state the day on which a request is decided", help=help
                )
        for name, type in text.names.items():
            if type not in types:
                at = locate(self.node, (*where, "names", name))[0].span
                help = did_you_mean(type, types) or f"the types are {', '.join(f'`{each}`' for each in sorted(types))}"
                self.findings.error(at, "bad-value", f"there is no type of subject or resource `{type}` here", help=help)

    def known(self, where: tuple[str, ...], place: str) -> bool:
        """Whether a name leads to a place; a name that does not is a finding."""
        if self.places.path(place) is not None:
            return True
        at = locate(self.node, where)[0].span
        help = did_you_mean(place, self.places.names())
        self.findings.error(at, "unknown-fact", f"an exchange has no fact `{place}`", "not in the vocabulary", help)
        return False

    def one(self, place: str) -> bool:
        path = self.places.path(place)
        return path is not None and self.places.one(path)

    def stated(self, where: tuple[str, ...], fact: str | None, word: str | None) -> None:
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

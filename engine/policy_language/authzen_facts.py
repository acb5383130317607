"""
Check the part `authzen` of a vocabulary, which says how access requests (AuthZEN) are read as exchanges.

Every name must lead to a place of the exchange. Ids and names must fit the facts that they state. Every entity must have a type that
`authzen` names. Each error is a finding at its line.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.policy_language.authzen_text import AttributesText, AuthZenText, EntityText
from engine.policy_language.diagnostic import Findings, did_you_mean
from engine.policy_language.stated_places import StatedPlaceCheck
from engine.policy_language.tree import locate
from engine.policy_language.vocabulary import Vocabulary
from engine.rules import AS_OF


def check_access(vocabulary: Vocabulary, findings: Findings) -> None:
    """Check the part `authzen`, if the vocabulary has one."""
    if vocabulary.authzen is not None:
        _AccessChecker(vocabulary, vocabulary.nodes["authzen", ""], findings).check(vocabulary.authzen)


class _AccessChecker(StatedPlaceCheck):
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

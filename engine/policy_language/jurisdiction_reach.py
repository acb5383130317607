"""
The reach of each jurisdiction's law over exporters abroad: the `reach` of a jurisdiction goes in, a policy with one rule comes out.

What the rule asks and says stands once, in the vocabulary under `reached_from_abroad`. Here only its places are filled, so that no country
and no fact is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.policy_language.diagnostic import Findings
from engine.policy_language.document_text import Text
from engine.policy_language.reach_text import ReachedText, ReachText
from engine.policy_language.read_document import read_model
from engine.policy_language.tree import Mapping, Node, Scalar, locate
from engine.policy_language.tree import Sequence as ListNode
from engine.values.multilingual import LANGUAGE_CODES

SECTION = "reached_from_abroad"
FORCE = "law"  # what nobody may be outside of is law


def reach_policies(vocabularies: Sequence[Node], findings: Findings) -> Iterator[tuple[str, Mapping]]:
    """The policy that each jurisdiction's `reach` becomes, by id. What is wrong with an entry is reported where the vocabulary is read."""
    template = next((node for tree in vocabularies if isinstance(node := _under(tree, SECTION), Mapping)), None)
    for tree in vocabularies:
        jurisdictions = _under(tree, "jurisdictions")
        for key, node in jurisdictions.entries if isinstance(jurisdictions, Mapping) else ():
            reach = _under(node, "reach")
            if not isinstance(reach, Mapping) or read_model(ReachText, reach, Findings()) is None:
                continue
            if template is None or read_model(ReachedText, template, Findings()) is None:
                at = locate(node, ("reach",))[1]
                said = "no vocabulary file says what the reach of a law over exporters abroad becomes"
                findings.error(at, "no-reach", said, help=f"add `{SECTION}:` to one, or write a policy")
                continue
            name = f"{key.text.lower()}.reach"
            yield name, _policy(name, key, _filled_in(template, key, node, reach), reach)


def _under(node: Node, key: str) -> Node | None:
    return node.get(key) if isinstance(node, Mapping) else None


def _policy(name: str, jurisdiction: Scalar, filled: Node, reach: Mapping) -> Mapping:
    at = reach.span

    def word(text: str) -> Scalar:
        return Scalar(text, at)

    said = [(key, value) for key, value in reach.entries if key.text in ("cite", "says", "source", "status", "verify_by")]
    assert isinstance(filled, Mapping)
    rule = filled.get("rule")
    assert isinstance(rule, Mapping)
    issuer = locate(reach, ("issuer",))[0]
    head: list[tuple[Scalar, Node]] = [
        (word("policy"), word(name)),
        (word("title"), locate(filled, ("title",))[0]),
        (word("jurisdiction"), jurisdiction),
        (word("instrument"), Mapping(((word("issuer"), issuer), (word("force"), word(FORCE))), at)),
        (word("in_force"), locate(reach, ("in_force",))[0]),
        (word("applies"), locate(filled, ("applies",))[0]),
        (word("rules"), ListNode((Mapping((*rule.entries, *said), at),), at)),
    ]
    return Mapping(tuple(head), at)


def _filled_in(template: Node, jurisdiction: Scalar, node: Node, reach: Mapping) -> Node:
    """The template with the words of one jurisdiction in its places, in each language."""
    law = read_model(Text, locate(reach, ("law",))[0], Findings())
    place = read_model(Text, reach.get("place") or _under(node, "title") or jurisdiction, Findings())
    assert law is not None

    def fill(part: Node, lang: str) -> Node:
        match part:
            case Scalar(text=text, span=span, quoted=quoted):
                text = text.replace("{law}", law.in_(lang)).replace("{jurisdiction}", jurisdiction.text)
                return Scalar(text.replace("{place}", place.in_(lang) if place else ""), span, quoted)
            case ListNode(items=items, span=span):
                return ListNode(tuple(fill(item, lang) for item in items), span)
        assert isinstance(part, Mapping)
        pairs = ((key, fill(value, key.text if key.text in LANGUAGE_CODES else lang)) for key, value in part.entries)
        return Mapping(tuple(pairs), part.span)

    return fill(template, LANGUAGE_CODES[0])

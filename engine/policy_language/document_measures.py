"""
What documents state that they cover: the facts of an exchange that must lie within it, by field (semantics 1.3, 2.3).

Written vocabulary files and typed facts go in, the fact of each field comes out. What a kind of document `must_say` is checked here too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.policy_language.diagnostic import did_you_mean
from engine.policy_language.tree import locate
from engine.policy_language.vocabulary import DOCUMENT_GROUPS
from engine.policy_language.written_vocabulary import WrittenVocabulary
from engine.values import Type

# Of each field, what its fact must be.
_FITS: Mapping[str, tuple[Callable[[Type], bool], str]] = {
    "people": (lambda type: type.kind == "count", "a count, or the total of a family of counts"),
    "for": (lambda type: type.kind == "id" and not type.many, "an id"),
    "purposes": (lambda type: type.kind == "value", "a value, or a set of values"),
    "data": (lambda type: type.kind == "id" and not type.many, "an id"),
}


def read_measures(words: WrittenVocabulary, types: Mapping[str, Type]) -> dict[str, str]:
    """The fact that lies within each field. `types` has the type of every fact and of every family's total."""
    text = words.text.measures
    found = text.model_dump(by_alias=True, exclude_none=True) if text is not None else {}
    for name, fact in found.items():
        at = locate(words.nodes["measures", ""], (name,))[0].span
        fits, wanted = _FITS[name]
        if fact not in types:
            help = did_you_mean(fact, types)
            words.findings.error(at, "unknown-fact", f"an exchange has no fact `{fact}`", "not in the vocabulary", help)
        elif not fits(types[fact]):
            said = f"`{fact}` is of type `{types[fact].name}`"
            words.findings.error(at, "ill-typed", said, help=f"name {wanted} for `{name}`")
    for group in DOCUMENT_GROUPS:
        for kind, document in getattr(words.text, group).items():
            for number, name in enumerate(document.must_say):
                if name not in found:
                    at = locate(words.nodes[group, kind], ("must_say", number))[0].span
                    said = f"`{kind}` must say `{name}`, which is held against no fact"
                    words.findings.error(
                        at, "unmeasured", said, help=f"name the fact of `{name}` under `measures:`, or drop it"
                    )
            words.no_value_twice((group, kind), "must_say", document.must_say)
    return {name: fact for name, fact in found.items() if fact in types and _FITS[name][0](types[fact])}

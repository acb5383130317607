"""
The facts of a vocabulary as a caller sees them: what each is, how it is written, and how it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel

from engine.policy_language.document_text import Text
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, Vocabulary

MAX_LISTED = 300


class FactEntry(BaseModel, frozen=True):
    """
    One fact, or one kind of evidence or claim (type "document").

    `values` are those of its value set; the list is empty if its type is no value set. `narrower` maps each value that may say too little
    to what it may mean, so that it need not be asked about. `family` is the family that the fact belongs to.
    `some` says that a set is never empty. Of a fact that names a place, `lies_in` is the fact that names its country. `register_only`: an
    exchange that states it is refused, because only the register may. `follows` is the set that it follows from: it is not asked.
    """

    name: str
    type: str
    title: Text
    ask: Text | None = None
    values: tuple[str, ...] = ()
    lies_in: str = ""
    narrower: Mapping[str, tuple[str, ...]] = {}
    personal: bool = False
    change: bool = False
    register_only: bool = False
    follows: str = ""
    some: bool = False
    family: str = ""
    dpv: str = ""
    kind: Literal["fact", "evidence", "claims"] = "fact"


def catalogue(vocabulary: Vocabulary) -> Mapping[str, FactEntry]:
    """Every fact by its name, in the vocabulary's order, then the kinds of evidence and claims."""
    entries = []
    for fact in vocabulary.facts.values():
        values = fact.type.values
        entries.append(
            FactEntry(
                name=fact.name,
                type=fact.type.name,
                title=fact.title,
                ask=fact.ask,
                values=values.values[:MAX_LISTED] if values else (),
                lies_in=fact.lies_in,
                narrower=values.narrower if values else {},
                personal=fact.personal,
                change=fact.change,
                register_only=fact.register_only,
                follows=fact.follows.fact if fact.follows else "",
                some=fact.some,
                family=fact.family,
                dpv=fact.dpv,
            )
        )
    for group in DOCUMENT_GROUPS:
        for kind, text in vocabulary.kinds[group].items():
            name = f"{group}.{kind}"
            entries.append(FactEntry(name=name, type="document", title=text.title, ask=text.ask, kind=group))
    return MappingProxyType({each.name: each for each in entries})

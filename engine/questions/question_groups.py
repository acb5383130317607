"""
Questions that belong together: which facts one question stands for, and what answers all of them.

The vocabulary says which (`questions:`). The open facts of an exchange go in, the best first; each comes out alone or with those that are
asked with it. As long as nothing is stated of a group, its facts are asked as one: none of it, some of it, or not known. Whoever says
"some" is asked for each. Source: semantics 4.5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.exchange import Exchange
from engine.policy_language.document_text import Text
from engine.policy_language.vocabulary import Vocabulary
from engine.values import Missing


@dataclass(frozen=True, slots=True)
class Group:
    """Facts that one question stands for. `none` is what an exchange states where there is nothing of it: by place, values as JSON."""

    name: str
    ask: Text
    facts: tuple[str, ...]
    none: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class QuestionFacts:
    """Open facts that one question asks for; `group` is None where it is a single one."""

    facts: tuple[str, ...]
    group: Group | None = None


class Groups:
    """The groups of one vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._of: dict[str, Group] = {}
        for name, text in vocabulary.questions.items():
            none: dict[str, Any] = {}
            facts: list[str] = []
            for place in text.facts:
                members = vocabulary.families.get(place, (place,))
                none[f"{place}.rest" if place in vocabulary.families else place] = vocabulary.facts[members[0]].none
                facts += members
            group = Group(name, text.ask, tuple(facts), none)
            self._of |= dict.fromkeys(facts, group)

    def name(self, fact: str) -> str:
        """The group of a fact, or the fact itself where it has none."""
        group = self._of.get(fact)
        return fact if group is None else group.name

    def of(self, exchange: Exchange, facts: Iterable[str], apart: Collection[str] = ()) -> Iterator[QuestionFacts]:
        """
        What is asked at once, in the order of the facts.

        Each of `apart` is asked alone, and so is what belongs to its group: somebody has said that there is some of it, or left it open.
        """
        waiting = dict.fromkeys(facts)
        while waiting:
            fact = next(iter(waiting))
            group = self._of.get(fact)
            together = tuple(each for each in waiting if each in group.facts) if group is not None else ()
            if group is None or len(together) < 2 or not self._untouched(exchange, group, apart):
                group, together = None, (fact,)
            for each in together:
                del waiting[each]
            yield QuestionFacts(together, group)

    def _untouched(self, exchange: Exchange, group: Group, apart: Collection[str]) -> bool:
        """Whether nothing is stated of a group, not even that it is not known."""
        return all(exchange.value(fact) is Missing.LEFT_OUT and fact not in apart for fact in group.facts)

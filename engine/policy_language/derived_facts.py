"""
Facts derived from a set of values: a statement of a derived fact goes in, a statement of the set comes out.

Stated values go in, and come out changed: what is stated of a follower is said of its set, so that below this line nobody reads a follower
and no engine has to; then each follower has the value that follows. Source: semantics 2.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.languages import in_each
from engine.policy_language.vocabulary import Fact
from engine.values import SetOf, Value
from engine.values.multilingual import Words


class Followers:
    """The followers of one vocabulary."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        known = {fact.name: fact for fact in facts}
        self._followers = tuple((fact.name, fact.follows) for fact in known.values() if fact.follows)
        self._titles = {name: fact.title for name, fact in known.items()}
        self._values = {name: fact.type.values for name, fact in known.items() if fact.type.many and fact.type.values}

    def said_of_sets(
        self, values: dict[str, Value], follows: dict[str, tuple[str, ...]]
    ) -> Iterator[tuple[Words, tuple[str, str]]]:
        """
        Take followers out of `values`, and put what they say into their sets.

        Gives each follower and its set that say otherwise, after a sentence on that.

        Where a set is left out or open, a value that a follower states is added to it. That a set does not have a value closes nothing: the
        set is asked, and the follower with it. `follows` gets each set that was changed, with the statements that it rests on.
        """
        sent = values.keys() & {name for name, _ in self._followers}
        for name, told in self._followers if sent else ():
            stated = values.pop(name, None)
            if not isinstance(stated, bool):
                continue  # left out or unknown
            has, there = stated is told.reads, values.get(told.fact)
            known = self._has(there, told.fact, told.value)
            if known is (not has):
                yield self._otherwise(name, told.fact), (name, told.fact)
            elif has and known is None:
                members = there.members if isinstance(there, SetOf) else frozenset()
                before = follows.get(told.fact, (told.fact,) if isinstance(there, SetOf) else ())
                values[told.fact], follows[told.fact] = SetOf(members | {told.value}, open=True), (*before, name)

    def follow(self, values: dict[str, Value], follows: dict[str, tuple[str, ...]]) -> None:
        """Give each follower whose set is known the value that follows, and `follows` the statements that it rests on."""
        for name, told in self._followers:
            known = self._has(values.get(told.fact), told.fact, told.value)
            if known is not None:
                values[name], follows[name] = known is told.reads, follows.get(told.fact, (told.fact,))

    def _otherwise(self, follower: str, fact: str) -> Words:
        titles = [self._titles[each].words for each in (follower, fact)]
        return in_each(lambda language: language.follows_otherwise(*(each.in_(language.code) or each.en for each in titles)))

    def _has(self, value: Value | None, fact: str, wanted: str) -> bool | None:
        """Whether a set has a value; None while that is open."""
        values = self._values[fact]
        if not isinstance(value, SetOf):
            return None
        if any(wanted in values.ancestors(member) for member in value.members):
            return True
        return None if value.open or any(member in values.ancestors(wanted) for member in value.members) else False

"""
What a back end answers: how each rule, requirement, definition and duty stands, and each jurisdiction's bounds.

Every back end computes all of this by itself; `pdp` compares two verdicts, and `combine` reads one. Rules are numbered as in the
rule set. A set of rules is an integer: bit n is rule n. The truth of all rules is two such sets: the possible and the certain rules.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, Protocol

from engine.exchange import Exchange
from engine.rules import Atom, Condition, Rule, State, Truth
from engine.values.outcome_levels import Bounds

TRUTHS = (Truth.NO, Truth.UNKNOWN, Truth.YES)
NONE_SIGNED: frozenset[str] = frozenset()
_BITS = tuple(tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256))


class Masks(NamedTuple):
    """The truth of each numbered rule, as two sets. INVARIANT: a certain rule is also possible."""

    possible: int
    certain: int

    @classmethod
    def of(cls, truths: Iterable[Truth]) -> Masks:
        """From the truth of each rule, in the order of the rules."""
        possible = certain = 0
        for number, truth in enumerate(truths):
            if truth is not Truth.NO:
                possible |= 1 << number
                if truth is Truth.YES:
                    certain |= 1 << number
        return cls(possible, certain)

    def truth(self, number: int) -> Truth:
        return TRUTHS[(self.possible >> number & 1) + (self.certain >> number & 1)]


def numbers(mask: int) -> list[int]:
    """The numbers of the rules in a set, in rising order."""
    if 16 * mask.bit_count() > mask.bit_length() + 300:  # then byte by byte is faster than number by number
        octets = enumerate(mask.to_bytes((mask.bit_length() + 7) // 8, "little"))
        return [8 * place + bit for place, byte in octets if byte for bit in _BITS[byte]]
    found = []
    while mask:
        number = mask.bit_length() - 1
        found.append(number)
        mask ^= 1 << number
    found.reverse()
    return found


class ConditionReading(Protocol):
    """How any condition of a rule set reads on one exchange."""

    def __call__(self, condition: Condition, /) -> Truth: ...

    def reader(self, atoms: Sequence[Atom]) -> Callable[[int], Truth]:
        """How some tests of the rule set read, by their numbers; for callers that read many of one sequence."""

    def seen(self, *rules: int) -> Hashable:
        """A key for these rules; two readings have equal keys if every test that the rules rest on reads the same."""


class Definitions(Mapping[str, Truth]):
    """How each definition reads on one exchange, by key."""

    def several(self, keys: Sequence[str]) -> list[Truth]:
        """How some definitions read. Back ends look up many at once faster than one by one."""
        return [self[key] for key in keys]


@dataclass(frozen=True, slots=True)
class ReadDefinitions(Definitions):
    """Definitions that were all read."""

    read: Mapping[str, Truth]

    def __getitem__(self, key: str) -> Truth:
        return self.read[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.read)

    def __len__(self) -> int:
        return len(self.read)


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    `holds`: whether the condition of each rule holds. `stands`: whether the rule stands, after certain exemptions. `doubted`: whether a
    doubtful exemption reaches a rule that stands (semantics 3.7). `requirements`: the possible states of each. `owed`: the duties that are
    owed, YES for certain, UNKNOWN possibly; other duties are left out. `overdue`: which of these are overdue. `defined`: each definition,
    by key. `jurisdictions`: the bounds of each. `beneath`: the same bounds without the reviews that a person may sign off (4.6). `truth`:
    how conditions read on the exchange, for explanations; None if the back end cannot say.
    """

    rules: tuple[Rule, ...]
    holds: Masks
    stands: Masks
    doubted: Masks
    requirements: Mapping[str, frozenset[State]]
    owed: Mapping[str, Truth]
    overdue: Mapping[str, Truth]
    defined: Definitions
    jurisdictions: Mapping[str, Bounds]
    beneath: Mapping[str, Bounds]
    truth: ConditionReading | None = field(default=None, compare=False, repr=False)

    def standing(self) -> dict[str, Truth]:
        """How each rule stands, by its key."""
        return {rule.key: self.stands.truth(number) for number, rule in enumerate(self.rules)}

    def agrees(self, other: Verdict) -> bool:
        """Whether two verdicts on one exchange agree in everything that the decision uses (semantics 5.4)."""
        return (
            self.stands == other.stands
            and self.doubted == other.doubted
            and self.requirements == other.requirements
            and self.jurisdictions == other.jurisdictions
            and self.beneath == other.beneath
            and self.owed == other.owed
            and self.overdue == other.overdue
            and self.holds == other.holds
        )

    def differences(self, other: Verdict) -> tuple[str, ...]:
        """Every place where two verdicts on one exchange differ, as `field key: this / that`, including definitions."""
        found = []
        for part, mine, theirs in (
            *((name, self._by_key(name), other._by_key(name)) for name in ("holds", "stands", "doubted")),
            *((name, getattr(self, name), getattr(other, name)) for name in _MAPPINGS),
        ):
            found += [
                f"{part} {key}: {mine.get(key)!r} / {theirs.get(key)!r}"
                for key in sorted({*mine, *theirs})
                if mine.get(key) != theirs.get(key)
            ]
        return tuple(found)

    def _by_key(self, name: str) -> dict[str, Truth]:
        masks: Masks = getattr(self, name)
        return {rule.key: masks.truth(number) for number, rule in enumerate(self.rules)}


_MAPPINGS = ("requirements", "owed", "overdue", "defined", "jurisdictions", "beneath")


class Engine(Protocol):
    """
    A back end for one rule set. Only one thread may call it at a time.

    `signed` are the provisions that a person has signed off (4.6). Where they certainly stand, their rules of effect `review` raise
    nothing; where they also are free of doubt themselves, their doubtful lifts lift surely. Elsewhere a signature changes nothing.
    `signed` may name provisions that are not in the rule set.
    """

    name: str

    def evaluate(self, exchange: Exchange, as_of: date, signed: frozenset[str] = NONE_SIGNED) -> Verdict: ...

"""
The part `shares` of a vocabulary: which shares of its committed exchanges a ledger fills in, and whether the facts that they name fit.

A checked vocabulary goes in, a LedgerShare for each member of each family comes out. Each error is a finding at its line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from engine.policy_language.diagnostic import Findings, did_you_mean
from engine.policy_language.ledger_text import SharesText
from engine.policy_language.tree import locate
from engine.policy_language.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class LedgerShare:
    """
    A share that a ledger fills in: `fact` is a member of `family`.

    `of` is the fact that says whose share it is, `by` the fact whose values are the cells, "" where all exchanges are one cell. With
    fewer exchanges or parties than the least ones the share is 0. Shares of different meanings must not be added up.
    """

    fact: str
    family: str
    of: str
    by: str
    least_exchanges: int
    least_parties: int
    meaning: str


def shares_of(vocabulary: Vocabulary) -> tuple[LedgerShare, ...]:
    """The shares of a vocabulary, in the order of their facts."""
    found = []
    for family, text in sorted(vocabulary.shares.items()):
        meant = sorted((name, each.of, each.by) for name, each in text.members.items())
        meaning = hashlib.sha256(repr((family, meant)).encode()).hexdigest()
        least = text.least
        for name, each in sorted(text.members.items()):
            found.append(
                LedgerShare(f"{family}.{name}", family, each.of, each.by or "", least.exchanges, least.parties, meaning)
            )
    return tuple(found)


def check_shares(vocabulary: Vocabulary, findings: Findings) -> None:
    """Check that each family is one of ratios that only a ledger states, and that each member says whose share it is, and of what."""
    for family, text in vocabulary.shares.items():
        members = vocabulary.families.get(family)
        facts = [vocabulary.facts[each] for each in members or ()]
        if not facts or any(each.type.kind != "ratio" or not each.register_only for each in facts):
            help = "declare a fact of this name with `type: ratio`, `by:` and `from: register-only`"
            findings.error(vocabulary.spans["shares", family], "bad-shares", f"`{family}` is no family of shares", help=help)
            continue
        names = [each.name.removeprefix(f"{family}.") for each in facts]
        for name in [*names, *text.members]:
            if name not in names or name not in text.members:
                said = (
                    f"`{family}` has no member `{name}`" if name not in names else f"nothing says what `{name}` is the share of"
                )
                at = vocabulary.spans["shares", family]
                findings.error(at, "bad-shares", said, help="give each member of the family, and no other, under `members:`")
        for path, fact, kinds in _named(text):
            at = locate(vocabulary.nodes["shares", family], path)[0].span
            if fact not in vocabulary.facts:
                help = did_you_mean(fact, vocabulary.facts)
                findings.error(at, "unknown-fact", f"an exchange has no fact `{fact}`", help=help)
            elif (type := vocabulary.facts[fact].type).kind not in kinds or (type.many and path[-1] == "of"):
                findings.error(at, "ill-typed", f"`{fact}` is of type `{type.name}`, of which there can be no share")


def _named(text: SharesText) -> Iterator[tuple[tuple[str, ...], str, tuple[str, ...]]]:
    """The facts that the members name, with where they do, and the kinds that may stand there."""
    for name, each in text.members.items():
        yield ("members", name, "of"), each.of, ("id", "value")
        if each.by is not None:
            yield ("members", name, "by"), each.by, ("value",)

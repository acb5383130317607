"""
Which words the newest decisions have: a time goes in, the number of decisions with each word comes out.

What a commitment decided again is no decision of its own. A requirement counts where a provision that requires it stands for certain: a
record names also what only may be required.

At most MOST decisions are read, the newest ones, so that a log of any size is answered in the same time. What is counted says how many
decisions it is of, and since when.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import sqlalchemy as sa

import engine
from service.log.search_index import datetime_of, moment_of
from service.store.tables import commitment, entry, term

MOST = 2_000  # decisions
_AT_ONCE = 400  # words of one statement

Word = tuple[str, str]


@dataclass(frozen=True, slots=True)
class WordCounts:
    """
    The words of so many decisions, the oldest recorded at `since`, None where there is no decision.

    `in_all` counts the decisions with a word by kind and word, `refused` those of them that may not proceed, and `of_outcome` those of
    each outcome. `whole`: no decision of the time asked for was left out.
    """

    decisions: int
    since: datetime | None
    whole: bool
    in_all: Counter[Word]
    refused: Counter[Word]
    of_outcome: Mapping[str, Counter[Word]]


def required_by(bundle: engine.Bundle) -> dict[str, frozenset[str]]:
    """The provisions that require each requirement."""
    found: dict[str, set[str]] = {}
    for rule in bundle.rules.rules:
        for name in rule.need.requirements() if rule.need else ():
            found.setdefault(name, set()).add(rule.provision.id)
    return {name: frozenset(provisions) for name, provisions in found.items()}


def word_counts(
    connection: sa.Connection,
    since: datetime,
    kinds: Collection[str],
    required: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> WordCounts:
    """The words of some kinds, with provisions among them, in the newest decisions from a moment on. `required` is from `required_by`."""
    again = sa.exists().where(commitment.c.sequence == entry.c.sequence)
    newest = sa.select(entry.c.moment, entry.c.outcome, entry.c.proceed, entry.c.words).where(
        entry.c.moment >= moment_of(since), ~again
    )
    rows = connection.execute(newest.order_by(entry.c.moment.desc(), entry.c.sequence.desc()).limit(MOST + 1)).all()
    read = rows[:MOST]
    numbered = [row.words.split(",") for row in read]
    words = dict(_words(connection, [int(each) for each in set().union(*numbered) if each], kinds))
    stands = _Required(words, required)
    in_all, refused = Counter[str](), Counter[str]()
    of_outcome: dict[str, Counter[str]] = {}
    for row, numbers in zip(read, numbered, strict=True):
        certain = stands.certain(numbers)
        in_all.update(certain)
        of_outcome.setdefault(row.outcome, Counter()).update(certain)
        if not row.proceed:
            refused.update(certain)
    return WordCounts(
        decisions=len(read),
        since=datetime_of(read[-1].moment) if read else None,
        whole=len(rows) <= MOST,
        in_all=_by_word(in_all, words),
        refused=_by_word(refused, words),
        of_outcome={outcome: _by_word(counts, words) for outcome, counts in of_outcome.items()},
    )


def _by_word(counts: Counter[str], words: Mapping[str, Word]) -> Counter[Word]:
    return Counter({word: counts[number] for number, word in words.items() if counts[number]})


def words_of(
    connection: sa.Connection, sequences: Sequence[int], kinds: Collection[str], required: Mapping[str, Collection[str]]
) -> Counter[Word]:
    """How many of some records have each word of some kinds, with provisions among them. `required` is from `required_by`."""
    numbered: list[list[str]] = []
    for at in range(0, len(sequences), _AT_ONCE):
        chosen = sa.select(entry.c.words).where(entry.c.sequence.in_(sequences[at : at + _AT_ONCE]))
        numbered += [words.split(",") for (words,) in connection.execute(chosen)]
    known = dict(_words(connection, [int(each) for each in set().union(*numbered) if each], kinds))
    stands, found = _Required(known, required), Counter[str]()
    for numbers in numbered:
        found.update(stands.certain(numbers))
    return Counter({word: found[number] for number, word in known.items() if found[number]})


class _Required:
    """Which words of a record stand for certain: all but the requirements that none of its provisions requires."""

    def __init__(self, words: Mapping[str, Word], required: Mapping[str, Collection[str]]) -> None:
        provisions = {value: number for number, (kind, value) in words.items() if kind == "provision"}
        self._by = {
            number: frozenset(provisions[each] for each in required.get(value, ()) if each in provisions)
            for number, (kind, value) in words.items()
            if kind == "requirement"
        }

    def certain(self, numbers: Sequence[str]) -> list[str]:
        """Those of the words of one record, by their numbers."""
        return [each for each in numbers if each not in self._by or not self._by[each].isdisjoint(numbers)]


def _words(connection: sa.Connection, numbers: list[int], kinds: Collection[str]) -> Iterator[tuple[str, Word]]:
    for at in range(0, len(numbers), _AT_ONCE):
        chosen = sa.and_(term.c.id.in_(numbers[at : at + _AT_ONCE]), term.c.kind.in_(kinds))
        for id, kind, value in connection.execute(sa.select(term.c.id, term.c.kind, term.c.value).where(chosen)):
            yield str(id), (kind, value)

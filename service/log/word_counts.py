"""
Which words the newest decisions have: a time goes in, the number of decisions with each word comes out.

At most MOST decisions are read, the newest ones, so that a log of any size is answered in the same time. What is counted says how many
decisions it is of, and since when.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from service.log.index import datetime_of, moment_of
from service.store.tables import entry, term

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


def word_counts(connection: sa.Connection, since: datetime, kinds: Collection[str]) -> WordCounts:
    """The words of some kinds in the newest decisions from a moment on."""
    columns = (entry.c.moment, entry.c.outcome, entry.c.proceed, entry.c.words)
    newest = sa.select(*columns).where(entry.c.moment >= moment_of(since))
    rows = connection.execute(newest.order_by(entry.c.moment.desc(), entry.c.sequence.desc()).limit(MOST + 1)).all()
    read = rows[:MOST]
    in_all, refused = Counter[str](), Counter[str]()
    of_outcome: dict[str, Counter[str]] = {}
    for row in read:
        numbers = row.words.split(",")
        in_all.update(numbers)
        of_outcome.setdefault(row.outcome, Counter()).update(numbers)
        if not row.proceed:
            refused.update(numbers)
    words = dict(_words(connection, [int(each) for each in in_all if each], kinds))
    return WordCounts(
        decisions=len(read),
        since=datetime_of(read[-1].moment) if read else None,
        whole=len(rows) <= MOST,
        in_all=Counter({word: in_all[number] for number, word in words.items()}),
        refused=_by_word(refused, words),
        of_outcome={outcome: _by_word(counts, words) for outcome, counts in of_outcome.items()},
    )


def _by_word(counts: Counter[str], words: Mapping[str, Word]) -> Counter[Word]:
    return Counter({word: counts[number] for number, word in words.items() if counts[number]})


def words_of(connection: sa.Connection, sequences: Sequence[int], kinds: Collection[str]) -> Counter[Word]:
    """How many of some records have each word of some kinds."""
    found = Counter[str]()
    for at in range(0, len(sequences), _AT_ONCE):
        chosen = sa.select(entry.c.words).where(entry.c.sequence.in_(sequences[at : at + _AT_ONCE]))
        for (words,) in connection.execute(chosen):
            found.update(words.split(","))
    known = _words(connection, [int(each) for each in found if each], kinds)
    return Counter({word: found[number] for number, word in known})


def _words(connection: sa.Connection, numbers: list[int], kinds: Collection[str]) -> Iterator[tuple[str, Word]]:
    for at in range(0, len(numbers), _AT_ONCE):
        chosen = sa.and_(term.c.id.in_(numbers[at : at + _AT_ONCE]), term.c.kind.in_(kinds))
        for id, kind, value in connection.execute(sa.select(term.c.id, term.c.kind, term.c.value).where(chosen)):
            yield str(id), (kind, value)

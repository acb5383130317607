"""
The outcomes of many rows as columns: each distinct text once, and for each row the number of its own.

Outcomes of lanes or of the ordinary engines go in. Out come columns of Arrow, the outcome of any row by itself, and the digest of each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from engine.exchange_input.exchange_problems import ExchangeProblem
from engine.tables import arrow
from engine.tables.arrow import ArrowColumn, Codes
from engine.tables.outcomes import CELLS, LISTS, RowOutcome, cell_digest, cell_text

_AT_ONCE = 8_192  # rows whose digests are made together
_DIGEST = 32  # bytes
_WORDS = ("outcome", "low", "high")


class TextColumn(NamedTuple):
    """Texts, and for each row the number of its own."""

    texts: Sequence[str]
    codes: Codes


@dataclass(frozen=True)
class OutcomeColumns(Sequence[RowOutcome]):
    """
    The outcomes of some rows. `texts` has a column for each of the words of an outcome and for each of its lists.

    `problems` has what the door refused, by the place of the row.
    """

    days: Sequence[date | None]
    day_codes: Codes
    proceed: NDArray[np.bool_]
    texts: Mapping[str, TextColumn]
    problems: Mapping[int, tuple[ExchangeProblem, ...]] = field(default_factory=dict)
    _met: dict[int, RowOutcome] = field(default_factory=dict)

    @classmethod
    def of(cls, outcomes: Sequence[RowOutcome]) -> OutcomeColumns:
        """The columns of outcomes."""
        days = list(dict.fromkeys(each.as_of for each in outcomes))
        number = {day: at for at, day in enumerate(days)}
        texts = {}
        for name in (*_WORDS, *LISTS):
            told: dict[str, int] = {}
            codes = [told.setdefault(getattr(each, name), len(told)) for each in outcomes]
            texts[name] = TextColumn(list(told), np.array(codes, dtype=np.int32))
        return cls(
            days,
            np.array([number[each.as_of] for each in outcomes], dtype=np.int32),
            np.array([each.proceed for each in outcomes], dtype=np.bool_),
            texts,
            {place: each.problems for place, each in enumerate(outcomes) if each.problems},
        )

    def with_others(self, places: NDArray[np.int64], others: OutcomeColumns) -> OutcomeColumns:
        """The same with the outcomes of some rows in the place of what they have here."""
        if not len(places):
            return self

        def codes(mine: Codes, shift: int, theirs: Codes) -> Codes:
            found = mine.copy()
            found[places] = theirs + shift
            return found

        proceed = self.proceed.copy()
        proceed[places] = others.proceed
        texts = {}
        for name, (told, mine) in self.texts.items():
            more = others.texts[name]
            texts[name] = TextColumn([*told, *more.texts], codes(mine, len(told), more.codes))
        gone = set(places.tolist())
        problems = {place: each for place, each in self.problems.items() if place not in gone}
        problems |= {int(places[place]): each for place, each in others.problems.items()}
        days = [*self.days, *others.days]
        return OutcomeColumns(days, codes(self.day_codes, len(self.days), others.day_codes), proceed, texts, problems)

    def followed_by(self, others: OutcomeColumns) -> OutcomeColumns:
        """The same rows, and others after them."""
        size = len(self)
        more = np.zeros(len(others), dtype=np.int32)
        texts = {name: TextColumn(told, np.concatenate([codes, more])) for name, (told, codes) in self.texts.items()}
        longer = OutcomeColumns(
            self.days or [None],
            np.concatenate([self.day_codes, more]),
            np.concatenate([self.proceed, more.astype(np.bool_)]),
            texts,
            self.problems,
        )
        return longer.with_others(np.arange(size, size + len(others), dtype=np.int64), others)

    def __len__(self) -> int:
        return len(self.day_codes)

    @overload
    def __getitem__(self, place: int) -> RowOutcome: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[RowOutcome]: ...
    def __getitem__(self, place: int | slice) -> RowOutcome | Sequence[RowOutcome]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        place = range(len(self))[place]
        found = self._met.get(place)
        if found is None:
            found = self._met[place] = RowOutcome(
                as_of=self.days[self.day_codes[place]],
                proceed=bool(self.proceed[place]),
                problems=self.problems.get(place, ()),
                **{name: texts[codes[place]] for name, (texts, codes) in self.texts.items()},
            )
        return found

    def __iter__(self) -> Iterator[RowOutcome]:
        return (self[place] for place in range(len(self)))

    def problem_counts(self) -> NDArray[np.int32]:
        """How many problems each row has."""
        found = np.zeros(len(self), dtype=np.int32)
        for place, each in self.problems.items():
            found[place] = len(each)
        return found

    def columns(self, places: NDArray[np.int64]) -> list[ArrowColumn]:
        """The columns of rows; `places` has for each of them the place of its outcome."""

        def text(name: str) -> ArrowColumn:
            texts, codes = self.texts[name]
            return arrow.texts(name, texts, codes[places])

        return [
            arrow.days("as_of", self.days, self.day_codes[places]),
            *map(text, _WORDS),
            arrow.truths("proceed", self.proceed[places]),
            *map(text, LISTS),
            arrow.numbers("problems", self.problem_counts()[places]),
        ]

    @cached_property
    def digests(self) -> list[bytes]:
        """The digest of each outcome: SHA-256 over the SHA-256 of each cell's text, in the order of the columns."""
        counts = self.problem_counts()
        most = range(int(counts.max(initial=0)) + 1)
        cells: dict[str, tuple[Iterable[object], NDArray[Any]]] = {
            "as_of": (self.days, self.day_codes),
            "proceed": ((False, True), self.proceed.astype(np.int8)),
            "problems": (most, counts),
            **self.texts,
        }
        return row_digests([(map(cell_text, cells[name][0]), cells[name][1]) for name in CELLS], len(self))


def row_digests(cells: Sequence[tuple[Iterable[str], NDArray[Any]]], rows: int) -> list[bytes]:
    """The digests of rows whose cells are texts, by their numbers; there is a column for each of CELLS."""
    tables = [np.frombuffer(b"".join(map(cell_digest, texts)), dtype=f"V{_DIGEST}") for texts, _ in cells]
    found: list[bytes] = []
    width = len(cells) * _DIGEST
    for first in range(0, rows, _AT_ONCE):
        some = [table[codes[first : first + _AT_ONCE]] for table, (_, codes) in zip(tables, cells, strict=True)]
        data = np.stack(some, axis=1).tobytes()
        found += [hashlib.sha256(data[at : at + width]).digest() for at in range(0, len(data), width)]
    return found

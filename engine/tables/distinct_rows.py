"""
The distinct exchanges among the rows of a table: equal rows are decided once.

The coded columns of some rows go in. Each distinct cell is read once, as the JSON of its fact. Out come the distinct rows, each with the
exchange that it states and a key that is the same in every chunk, and for each row the number of its distinct row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.exchange_input.exchange_problems import ExchangeProblem, pointer
from engine.policy_language.vocabulary import DOCUMENT_GROUPS
from engine.rules import AS_OF
from engine.tables.arrow import LEFT_OUT, CodedCells, Codes
from engine.tables.column_mapping import FactColumn, FactPlaces
from engine.tables.row_patterns import alike
from engine.tables.unread_ids import UnreadIds

MOST_VALUES = 200_000  # distinct cells that are remembered between chunks
MOST_ODD = 10_000  # ids of one fact that the door may refuse, and that are told apart
ID, NO_ID = 0, 1  # in a key: an id that nothing reads, and from where on ids are told apart
MOSTLY = 4  # where more than one row of so many is another, all are taken to be
_AS_THEY_ARE = ("id", "value")  # kinds of facts whose texts are their JSON


@dataclass(slots=True)
class _Values:
    """The values of one fact that rows stated so far, as JSON, by their text; `odd` are ids that are not like any other."""

    words: dict[str, int] = field(default_factory=dict)
    others: dict[str, int] = field(default_factory=dict)
    values: list[Any] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    odd: dict[str, int] = field(default_factory=dict)

    def code(self, value: Any) -> int:
        if value.__class__ is str:
            known, text = self.words, value
        else:
            known, text = self.others, json.dumps(value, ensure_ascii=False, sort_keys=True)
        found = known.get(text)
        if found is None:
            found = known[text] = len(self.values)
            self.values.append(value)
        return found

    def codes_of(self, texts: Sequence[str]) -> list[int]:
        """The codes of many texts."""
        new = [text for text in texts if text not in self.words]
        self.words.update(zip(new, range(len(self.values), len(self.values) + len(new)), strict=True))
        self.values += new
        return [self.words[text] for text in texts]

    def forget(self) -> None:
        """Begin anew, in objects of its own: what was coded before keeps its values."""
        self.words, self.others, self.values, self.keys = {}, {}, [], []


@dataclass(frozen=True, slots=True)
class StatedExchange:
    """What a distinct row states: the JSON of its exchange, and what two of its columns state of one place."""

    document: dict[str, Any]
    problems: tuple[ExchangeProblem, ...]


class ConstantFact(NamedTuple):
    """What every row states: its name, the members that lead to it, and the value."""

    name: str
    steps: tuple[str, ...]
    value: Any


@dataclass(frozen=True)
class DistinctRows:
    """
    `number` has for each row of the chunk the number of its distinct row, `first` for each distinct row the first row that it is.

    `codes` are those of the rows, `distinct` those by which the distinct rows are told apart; a column of them is one of `facts`. A key is
    the same for the same row of a later chunk as long as `epoch` is the same. `kinds` is how many rows differ, also where each is taken for
    a distinct one.
    """

    number: NDArray[np.int32]
    first: NDArray[np.int64]
    epoch: int
    codes: Codes
    distinct: Codes
    facts: Sequence[str]
    _steps: Sequence[tuple[str, ...]]
    _values: Sequence[list[Any]]
    constants: Sequence[ConstantFact]
    kinds: int = 0

    def __len__(self) -> int:
        return len(self.first)

    @property
    def each(self) -> bool:
        """Whether each row is a distinct one."""
        return len(self.first) == len(self.number)

    def key(self, number: int) -> bytes:
        """The key of a distinct row."""
        row: NDArray[np.int32] = self.distinct[number]
        return row.tobytes()

    def keys(self) -> list[bytes]:
        """The keys of all distinct rows."""
        width, data = self.distinct.shape[1] * self.distinct.itemsize, self.distinct.tobytes()
        return [data[at * width : (at + 1) * width] for at in range(len(self))]

    def some(self, numbers: Sequence[int]) -> DistinctRows:
        """Some of the distinct rows."""
        return replace(self, first=self.first[numbers], distinct=self.distinct[numbers])

    def exchange(self, number: int) -> StatedExchange:
        """What the first row of a kind states."""
        return self.of_row(int(self.first[number]))

    def of_row(self, place: int) -> StatedExchange:
        """What a row of the chunk states."""
        return self.stated(self.codes[place], range(len(self.facts)), self.constants)

    def stated(self, codes: Codes, places: Iterable[int], constants: Iterable[ConstantFact]) -> StatedExchange:
        """What some columns of a row of codes state, beside what every row states."""
        document: dict[str, Any] = {}
        problems: list[ExchangeProblem] = []
        for each in constants:
            _put(document, each.steps, each.value, problems)
        for place in places:
            if (code := int(codes[place])) != LEFT_OUT:
                _put(document, self._steps[place], self._values[place][code], problems)
        return StatedExchange(document, tuple(problems))

    def stated_in(self, fact: str) -> tuple[Sequence[Any], NDArray[np.int32]]:
        """What the distinct rows state under a name, as JSON, each value once, with its number for each; None where they state nothing."""
        if fact not in self.facts:
            return [None], np.zeros(len(self), dtype=np.int32)
        place = self.facts.index(fact)
        used, number = np.unique(self.distinct[:, place], return_inverse=True)
        values = self._values[place]
        return [None if code == LEFT_OUT else values[code] for code in used.tolist()], number.reshape(-1).astype(np.int32)

    @cached_property
    def fact_places(self) -> Sequence[int]:
        """The columns that state a fact, or the day."""
        return [place for place, steps in enumerate(self._steps) if len(steps) > 1 or steps == (AS_OF,)]

    @cached_property
    def beside_facts(self) -> NDArray[np.bool_]:
        """The distinct rows that state something which is no fact: whom all the world receives from, the ways relied on, a whole object."""
        if any(len(each.steps) < 2 for each in self.constants):
            return np.ones(len(self), dtype=np.bool_)
        beside = [place for place in range(len(self._steps)) if place not in self.fact_places]
        found = np.zeros(len(self), dtype=np.bool_)
        for place in beside:
            found |= self.distinct[:, place] != LEFT_OUT
        return found


class RowCoder:
    """
    Codes the rows of a table by the facts that its columns state. `constants` are stated by every row.

    `unread` says which ids decide nothing; None where all are read, since a register or a ledger is asked for them. Where few rows are
    alike and `each` is said, each is taken for a distinct one.
    """

    def __init__(
        self, places: FactPlaces, constants: Mapping[str, Any], unread: UnreadIds | None = None, each: bool = False
    ) -> None:
        self._each = each
        self._places = places
        self._constants = [ConstantFact(name, places.steps(name), value) for name, value in constants.items()]
        self._unread = unread
        self._ids: frozenset[str] = frozenset()
        self._facts: dict[str, int] = {}  # the place of each fact in a row of codes
        self._steps: list[tuple[str, ...]] = []
        self._known: list[_Values] = []
        self._fields = {each for constant in self._constants if isinstance(constant.value, dict) for each in constant.value}
        self._fields |= {each.steps[-1] for each in self._constants if len(each.steps) > 2}
        self.epoch = 0

    def distinct(self, facts: Sequence[tuple[FactColumn, CodedCells]], rows: int) -> DistinctRows:
        """The distinct rows among some, of which these columns state something."""
        for column, _ in facts:
            if column.fact not in self._facts:
                self._facts[column.fact] = len(self._steps)
                self._steps.append(self._places.steps(column.fact) if column.fact in self._places.names else (column.fact,))
                self._known.append(_Values())
                self.epoch += 1  # rows of codes are longer from now on
        self._make_room()
        codes = np.full((rows, len(self._steps)), LEFT_OUT, dtype=np.int32, order="F")
        for column, cells in facts:
            place = self._facts[column.fact]
            codes[:, place] = self._coded(column, cells, self._known[place])
        keys = self._keys(facts, codes)
        first, number = alike(list(keys.T), rows)
        kinds = len(first)
        if self._each and len(first) > rows // MOSTLY:
            first, number = np.arange(rows), np.arange(rows, dtype=np.int32)
        return DistinctRows(
            number,
            first,
            self.epoch,
            codes,
            keys[first],
            tuple(self._facts),
            tuple(self._steps),
            [each.values for each in self._known],
            self._constants,
            kinds,
        )

    def _make_room(self) -> None:
        """Forget values where there are too many. Ids that nothing reads are not in keys, so what was decided stays known."""
        for fact, place in self._facts.items():
            if fact in self._ids and len(self._known[place].values) > MOST_VALUES // 4:
                self._known[place].forget()
        if sum(len(each.values) for each in self._known) > MOST_VALUES or any(len(each.odd) > MOST_ODD for each in self._known):
            for each in self._known:
                each.forget()
                each.odd = {}
            self.epoch += 1

    def _keys(self, facts: Sequence[tuple[FactColumn, CodedCells]], codes: Codes) -> Codes:
        """The codes by which rows are told apart: ids that nothing reads are alike."""
        ids = frozenset() if self._unread is None else self._unread_among(facts, codes, self._unread)
        if ids != self._ids:
            self._ids = ids
            self.epoch += 1  # other columns tell rows apart from now on
        if not ids or self._unread is None:
            return codes
        keys = codes.copy(order="F")
        for fact in ids:
            place = self._facts[fact]
            known = self._known[place]
            new = known.values[len(known.keys) :]
            if self._unread.are_plain(new):
                known.keys += [ID] * len(new)
            for value in known.values[len(known.keys) :]:
                if self._unread.is_plain(fact, value):
                    known.keys.append(ID)
                else:
                    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
                    known.keys.append(known.odd.setdefault(text, NO_ID + len(known.odd)))
            keys[:, place] = np.array([*known.keys, LEFT_OUT], dtype=np.int32)[codes[:, place]]
        return keys

    def _unread_among(self, facts: Sequence[tuple[FactColumn, CodedCells]], codes: Codes, unread: UnreadIds) -> frozenset[str]:
        """The ids that nothing reads in these rows; none where a column is a whole object, in which anything may be."""
        fields = set(self._fields)
        for column, _ in facts:
            steps = self._steps[self._facts[column.fact]]
            if column.fact not in self._places.names:
                return frozenset()
            if steps[0] in DOCUMENT_GROUPS:
                fields.add(steps[-1])
                values = self._known[self._facts[column.fact]].values
                fields |= {name for value in values if isinstance(value, dict) for name in value}
        return unread.among(fields).intersection(self._facts)

    def _coded(self, column: FactColumn, cells: CodedCells, known: _Values) -> Codes:
        """The codes of a column's cells in all chunks; each distinct cell is read once."""
        here = np.full(len(cells.values) + 1, LEFT_OUT, dtype=np.int32)  # the last one is LEFT_OUT's
        raw = column.fact not in self._places.names
        type = self._places.type(column.fact)
        as_it_is = type is not None and not type.many and type.kind in _AS_THEY_ARE and not (column.values or column.titles)
        if as_it_is and all(each.__class__ is str and each for each in cells.values):
            here[:-1] = known.codes_of(cells.values)
            return here[cells.codes]
        for number in np.unique(cells.codes).tolist():
            if number == LEFT_OUT:
                continue
            cell = cells.values[number]
            plain = raw or (as_it_is and cell.__class__ is str)
            value = cell if plain else self._places.value(column, cell)
            if value is not None and (raw or value != ""):
                here[number] = known.code(value)
        return here[cells.codes]


def _put(document: dict[str, Any], steps: Sequence[str], value: Any, problems: list[ExchangeProblem]) -> None:
    """State a value at its place; what stands there already is a problem, unless both are objects of different members."""
    here = document
    for depth, step in enumerate(steps[:-1], 1):
        inner = here.setdefault(step, {})
        if not isinstance(inner, dict):
            problems.append(_twice(steps[:depth]))
            return
        here = inner
    last = steps[-1]
    if last not in here:
        here[last] = dict(value) if isinstance(value, dict) else value
    elif isinstance(value, dict) and isinstance(here[last], dict):
        for name, each in value.items():
            _put(here[last], (name,), each, problems)
    else:
        problems.append(_twice(steps))


def _twice(steps: Sequence[str]) -> ExchangeProblem:
    detail = "two columns state this, each something else; leave one of them empty"
    return ExchangeProblem(pointer(steps), "two-values", detail)

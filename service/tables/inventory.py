"""
An inventory as exchanges to decide: a table of systems, vendors and countries goes in, the draft of an exchange for each row comes out.

A cell of a column that states a fact (`inventory_columns.py`) is a value by its name or its title. What may mean several things, or
nothing, states nothing: it is told with what it may mean. A set that a cell names may have others, so it stays open.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import engine
from engine.tables import FactColumn, FactPlaces, TableMapping
from service.tables.inventory_columns import FactlessTable, InventoryColumn, read_columns
from service.tables.inventory_file import InventoryRefused, InventoryTable

UNKNOWN = "unknown"
_FORMULA = tuple("=+-@＝＋－＠")
_MEMBERS = re.compile(r"[;；、\n]+")
_FINER = re.compile(r"[,，]+")


@dataclass(frozen=True, slots=True)
class UnclearCell:
    """A cell, or a part of one, that states nothing: its column, its text, and why, with what it may mean."""

    column: str
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class InventoryDraft:
    """
    A row: its line, its name, the exchange that it states so far, and what was not understood. Where `refused` says why, it is no draft.
    """

    line: int
    name: str
    exchange: Mapping[str, Any]
    stated: Mapping[str, Any]
    unclear: tuple[UnclearCell, ...] = ()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was understood of a table."""

    columns: tuple[InventoryColumn, ...]
    drafts: tuple[InventoryDraft, ...] = field(repr=False)

    @property
    def understood(self) -> bool:
        """Whether nothing is left that somebody has to say."""
        return not any(each.unclear for each in self.columns) and not any(each.unclear or each.refused for each in self.drafts)


def read_inventory(bundle: engine.Bundle, table: InventoryTable, mapping: TableMapping) -> Inventory:
    """
    The drafts of a table. Raises FactlessTable where no column states a fact, InventoryRefused where a mapping names a column that is not
    there.
    """
    known = {*table.columns}
    named = {*mapping.by_column(), *mapping.ignored, *([mapping.key] if mapping.key else [])}
    if missing := sorted(named - known):
        raise InventoryRefused([f"the mapping names the column `{each}`, which the table does not have" for each in missing])
    places = FactPlaces(bundle)
    columns = read_columns(bundle, places, table.columns, mapping)
    if not any(each.facts for each in columns) and not mapping.constants:
        raise FactlessTable(columns)
    reader = _Reader(bundle, places, columns, mapping)
    return Inventory(columns, tuple(reader.draft(row.line, row.cells) for row in table.rows))


class _Reader:
    """Reads rows. What one text states of a fact is read once."""

    def __init__(
        self, bundle: engine.Bundle, places: FactPlaces, columns: Sequence[InventoryColumn], mapping: TableMapping
    ) -> None:
        self._bundle = bundle
        self._places = places
        self._columns = columns
        self._constants = mapping.constants
        self._key = next((place for place, each in enumerate(columns) if each.name == mapping.key), 0)
        self._read: dict[tuple[str, str, str], tuple[Any, tuple[UnclearCell, ...]]] = {}

    def draft(self, line: int, cells: Sequence[str]) -> InventoryDraft:
        """The draft of a row."""
        stated: dict[str, Any] = dict(self._constants)
        unclear: list[UnclearCell] = []
        for column, cell in zip(self._columns, cells, strict=True):
            for each in column.facts if cell else ():
                value, wrong = self._value(column.name, each, cell)
                unclear += wrong
                if value is not None:
                    stated[each.fact] = value
        exchange: dict[str, Any] = {}
        for fact, value in stated.items():
            engine.put_at(exchange, self._places.steps(fact), value)
        refused: tuple[str, ...] = () if stated or unclear else ("the row states no fact",)
        try:
            engine.accept_exchange(self._bundle, exchange)
        except engine.ExchangeRefused as wrong_exchange:
            refused = tuple(dict.fromkeys(each.detail for each in wrong_exchange.problems))
        return InventoryDraft(line, cells[self._key], exchange, stated, tuple(unclear), refused)

    def _value(self, column: str, of: FactColumn, cell: str) -> tuple[Any, tuple[UnclearCell, ...]]:
        key = column, of.fact, cell
        if key not in self._read:
            self._read[key] = self._meant(column, of, cell)
        return self._read[key]

    def _meant(self, column: str, of: FactColumn, cell: str) -> tuple[Any, tuple[UnclearCell, ...]]:
        """The value that a cell states of a fact, None where it states none; and what of it was not understood."""
        type = self._places.type(of.fact)
        if type is None or not type.many:
            value, why = self._one(of, cell)
            return value, (UnclearCell(column, cell, why),) if why else ()
        found: list[Any] = []
        unclear: list[UnclearCell] = []
        for part in self._parts(of, cell):
            value, why = self._one(of, part)
            if why:
                unclear.append(UnclearCell(column, part, why))
            found += value if isinstance(value, list) else [] if value is None else [value]
        told = [each for each in dict.fromkeys(found) if each != UNKNOWN]
        return [*told, UNKNOWN] if told else None, tuple(unclear)

    def _parts(self, of: FactColumn, cell: str) -> Iterator[str]:
        """The parts of a cell that names members of a set; a comma parts them where what it is in means nothing."""
        if of.split:
            yield from (each.strip() for each in cell.split(of.split) if each.strip())
            return
        for part in (each.strip() for each in _MEMBERS.split(cell)):
            if part and (("," not in part and "，" not in part) or not self._one(of, part)[1]):
                yield part
            else:
                yield from (each.strip() for each in _FINER.split(part) if each.strip())

    def _one(self, of: FactColumn, text: str) -> tuple[Any, str]:
        """The value that a text states, and why it states none."""
        if text not in of.values and text.startswith(_FORMULA):
            return None, "it begins like a formula"
        value = self._places.value(of, text)
        if value is None or value == UNKNOWN:
            return None, ""
        why = self._places.wrong(of.fact, value)
        return (None, why) if why else (value, "")

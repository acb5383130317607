"""
Rows of a table as exchanges: what a step of a pipeline sends goes in, a named exchange for each row comes out.

A row is a mapping: its members are groups of an exchange, or facts by their whole names (`exporter.country`). A member that is None states
nothing. The member that names the row is taken out of it. What is no such row is refused, so that no row is overlooked.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple


class ExchangeRow(NamedTuple):
    """The name of a row, and the exchange that it states."""

    name: str
    exchange: Mapping[str, Any]

    def canonical(self) -> str:
        """A text that two rows have in common if they state the same. Raises ValueError where the row is no JSON."""
        try:
            return json.dumps(self.exchange, sort_keys=True, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            raise ValueError(f"row {self.name}: a value of it cannot be written as JSON") from None


def rows_of(what: Any, key: str) -> list[ExchangeRow]:
    """The rows of what a step sends: one exchange, or a list of them. Raises TypeError, ValueError."""
    if isinstance(what, Mapping):
        return [_row(what, 1, key)]
    if not isinstance(what, Collection) or isinstance(what, (str, bytes, bytearray)):
        raise TypeError(f"an exchange or a list of rows is needed, not {type(what).__name__}; each row is a mapping")
    return [_row(each, number, key) for number, each in enumerate(what, 1)]


def _row(row: Any, number: int, key: str) -> ExchangeRow:
    if not isinstance(row, Mapping):
        raise TypeError(f"row {number} is not a mapping, but {type(row).__name__}")
    if not all(isinstance(name, str) for name in row):
        raise TypeError(f"row {number} has a member whose name is no text")
    name = row.get(key) if key else number
    if name is None or name == "":
        raise ValueError(f"row {number} has no `{key}`, which names it")
    return ExchangeRow(str(name), _nested({member: value for member, value in row.items() if member != key}, number))


def _nested(row: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The exchange of a row whose members may be whole names of facts. Raises ValueError where two members fill one place."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if value is not None:
            _put(found, name.split("."), value, f"row {number}: another member fills the place of `{name[:80]}`")
    return found


def _put(group: dict[str, Any], path: list[str], value: Any, clash: str) -> None:
    """Put a value at a path of members. Groups that are there already get more members."""
    first, *rest = path
    if rest or (isinstance(value, Mapping) and first in group):
        inner = group.setdefault(first, {})
        if not isinstance(inner, dict):
            raise ValueError(clash)
        for member, within in ({rest[0]: value} if rest else value).items():
            _put(inner, [member, *rest[1:]], within, clash)
    elif first in group:
        raise ValueError(clash)
    else:
        group[first] = _copy(value)


def _copy(value: Any) -> Any:
    """A value whose groups may get more members without a change of what the caller holds."""
    return {name: _copy(each) for name, each in value.items()} if isinstance(value, Mapping) else value


class DistinctExchange(NamedTuple):
    """An exchange, and the places of the rows that state it."""

    exchange: Mapping[str, Any]
    places: list[int]


def distinct(rows: Sequence[ExchangeRow]) -> list[DistinctExchange]:
    """Each exchange once. Raises ValueError where a row is no JSON."""
    found: dict[str, DistinctExchange] = {}
    for place, row in enumerate(rows):
        found.setdefault(row.canonical(), DistinctExchange(row.exchange, [])).places.append(place)
    return [*found.values()]

"""
A gate for a table: a table goes in; how many rows may not leave, and of the first of them name, outcome and reasons, come out.

A decorator of steps in a pipeline asks it (`may_leave` of the client). Deciding is that of TableDecider: what it refuses, may not leave.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

import numpy as np

from engine.bundle import Bundle
from engine.tables.column_mapping import TableMapping
from engine.tables.one_by_one import CounterSource, OneByOne
from engine.tables.outcomes import RowOutcome
from engine.tables.table_decider import Register, TableDecider

MOST_FACTS = 8  # named in a reason


class HeldRow(NamedTuple):
    """A row that may not leave: its key or number, its outcome, and why."""

    name: str
    outcome: str
    reasons: tuple[str, ...]


class HeldRows(NamedTuple):
    """Of a table: how many rows it has, how many of them may not leave, and the first of these."""

    of: int
    held: int
    rows: tuple[HeldRow, ...]


class RowGate:
    """
    Decides tables under one bundle, each on the day that `today` gives: no row of another day may leave.

    `mapping`, `counters` and `register` are as for TableDecider. Making a gate takes a second or two; keep it.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        today: Callable[[], date],
        mapping: TableMapping | None = None,
        counters: str | CounterSource = "stated",
        register: Register | None = None,
    ) -> None:
        self._bundle = bundle
        self._today = today
        self._mapping = mapping or TableMapping()
        self._counters = counters
        self._register = register
        self._decider = OneByOne(bundle)

    def held(self, table: Any, key: str = "", most: int = 20) -> HeldRows:
        """
        The rows that may not leave. `key` is the column that names a row; else the mapping says it.

        Raises TypeError where `table` is no table of Arrow that can be read twice, ColumnsRefused where a column states nothing.
        """
        if not hasattr(table, "__arrow_c_stream__") or not hasattr(table, "__len__"):
            raise TypeError(f"a table in memory is needed that exports Arrow, not {type(table).__name__}")
        day = self._today()
        deciding = TableDecider(
            self._bundle,
            as_of=day,
            today=day,
            mapping=replace(self._mapping, key=key) if key else self._mapping,
            counters=self._counters,
            register=self._register,
            decider=self._decider,
        )
        of, held, found = 0, 0, list[HeldRow]()
        for rows in deciding.table(table):
            places = np.flatnonzero(~rows.outcomes.proceed[rows.places]).tolist()
            of, held = of + len(rows), held + len(places)
            for place in places[: most - len(found)]:
                outcome = rows.outcome(place)
                found.append(HeldRow(rows.keys[place], outcome.outcome, tuple(_reasons(outcome, day))))
        if of != len(table):
            raise ValueError(f"the table has {len(table)} rows, but {of} were read")
        return HeldRows(of, held, tuple(found))


def _reasons(outcome: RowOutcome, today: date) -> Iterator[str]:
    """Why a row may not leave, by the names of provisions and facts."""
    for each in outcome.problems:
        yield f"{each.pointer}: {each.detail}"
    if outcome.as_of is not None and outcome.as_of != today:
        yield f"its day is {outcome.as_of}, and not today"
    for name, says in (("stands", "what stands"), ("unmet", "not met"), ("gaps", "not covered"), ("missing", "not known")):
        if told := [_name(each) for each in json.loads(getattr(outcome, name))]:
            more = f" and {len(told) - MOST_FACTS} more" if len(told) > MOST_FACTS else ""
            yield f"{says}: {', '.join(told[:MOST_FACTS])}{more}"


def _name(item: Any) -> str:
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)

"""
`may_leave`: a decorator for a step of a pipeline that sends a table or an exchange, or gives one to the next step.

The step runs, or what it gives is passed on, only if every row may leave. Else MayNotLeave names the rows. INVARIANT (never a wrong
permit): only a permit for each row lets anything pass; every error is raised, and is not a permit.
"""

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from .answers import Answer
from .asynchronous import AsyncClient
from .errors import Refused
from .exchange_rows import distinct, rows_of
from .synchronous import Client

MOST_NAMED = 20  # rows in an error
MOST_REASONS = 4  # of a row
MOST_LETTERS = 300  # of a reason
NO_ROW = "there is no row to decide, so the step does not run"
AT_ONCE = 50  # exchanges in a call, so that it ends within the time-out

Step = TypeVar("Step", bound=Callable[..., Any])


class RefusedRow(NamedTuple):
    """A row that may not leave: its name, its outcome, why, and the decision that says so, if it is recorded."""

    name: str
    outcome: str
    reasons: tuple[str, ...]
    decision: str = ""

    def __str__(self) -> str:
        return ": ".join((self.name, self.outcome, *(["; ".join(self.reasons)] if self.reasons else [])))


class MayNotLeave(Exception):
    """Rows may not leave. `rows` are the first of them, `refused` is how many there are, `of` how many rows were to leave."""

    def __init__(self, rows: Sequence[RefusedRow], refused: int, of: int) -> None:
        self.rows = tuple(rows[:MOST_NAMED])
        self.refused = refused
        self.of = of
        more = refused - len(self.rows)
        lines = [f"{refused} of {of} rows may not leave", *(f"  {each}" for each in self.rows)]
        super().__init__("\n".join([*lines, *([f"  and {more} more"] if more > 0 else [])]))


class TableJudge(Protocol):
    """
    What decides a table on this machine, like `engine.tables.RowGate`.

    It gives the number of rows, the number of those that may not leave, and of the first of these the name, the outcome and the reasons.
    """

    def held(self, table: Any, key: str, most: int) -> tuple[int, int, Sequence[tuple[str, str, tuple[str, ...]]]]: ...


def may_leave(
    *,
    client: Client | AsyncClient | None = None,
    tables: TableJudge | None = None,
    exchange: Mapping[str, Any] | Callable[..., Any] | None = None,
    key: str = "",
) -> Callable[[Step], Step]:
    """
    Let a step pass only what may leave.

    Decided is `exchange` before the step runs: an exchange, or a function of the step's arguments that gives one, a list of rows, or a
    table. If it is left out, what the step returns is decided, and is passed on only then. The service decides (`client`), and records
    each decision; or this machine does (`tables`). `key` is the member or the column that names a row.

    The step may be `async`; a generator is refused, because it gives rows before all are decided. Raises MayNotLeave, TypeError,
    ValueError, and what the client raises where there is no answer.
    """
    if (client is None) == (tables is None):
        raise TypeError("say who decides: either `client` or `tables`")
    if exchange is not None and not isinstance(exchange, Mapping) and not callable(exchange):
        raise TypeError("`exchange` is an exchange, or a function of the step's arguments that gives what leaves")
    if tables is not None and isinstance(exchange, Mapping):
        raise TypeError("`tables` decide a table: `exchange` is a function of the step's arguments that gives it")
    if callable(exchange) and (inspect.iscoroutinefunction(exchange) or _generates(exchange)):
        raise TypeError("the function `exchange` must return what leaves; it is neither `async` nor a generator")

    def decorate(step: Step) -> Step:
        _check(step, client)

        def outgoing(*given: Any, **named: Any) -> Any:
            return exchange(*given, **named) if callable(exchange) else exchange

        before = exchange is not None
        if inspect.iscoroutinefunction(step):

            @functools.wraps(step)
            async def waiting(*given: Any, **named: Any) -> Any:
                if before:
                    await _decided(outgoing(*given, **named), client, tables, key, before)
                    return await step(*given, **named)
                result = await step(*given, **named)
                await _decided(result, client, tables, key, before)
                return result

            return waiting  # type: ignore[return-value]

        @functools.wraps(step)
        def blocking(*given: Any, **named: Any) -> Any:
            assert not isinstance(client, AsyncClient)
            if before:
                _decide(outgoing(*given, **named), client, tables, key, before)
                return step(*given, **named)
            result = step(*given, **named)
            _decide(result, client, tables, key, before)
            return result

        return blocking  # type: ignore[return-value]

    return decorate


def _check(step: Any, client: Client | AsyncClient | None) -> None:
    """Raises TypeError where a step cannot be decorated."""
    if not callable(step) or inspect.isclass(step) or isinstance(step, (staticmethod, classmethod)):
        raise TypeError("@may_leave is for a function; write it beneath @staticmethod and @classmethod")
    if _generates(step):
        raise TypeError("a generator gives rows before all of them are decided: return a list or a table")
    if isinstance(client, AsyncClient) and not inspect.iscoroutinefunction(step):
        raise TypeError("an AsyncClient is for an `async` step: give a Client, or make the step `async`")


def _generates(function: Any) -> bool:
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


async def _decided(what: Any, client: Client | AsyncClient | None, tables: TableJudge | None, key: str, before: bool) -> None:
    """Raises MayNotLeave, and whatever shows that nobody decided."""
    if not isinstance(client, AsyncClient):
        await asyncio.to_thread(_decide, what, client, tables, key, before)
        return
    rows = _Rows(what, key, before)
    while part := rows.part():
        rows.take(await client.evaluate_batch(part))
    rows.end()


def _decide(what: Any, client: Client | None, tables: TableJudge | None, key: str, before: bool) -> None:
    """Raises MayNotLeave, and whatever shows that nobody decided."""
    _check_kept(what)
    if tables is not None:
        of, refused, found = tables.held(what, key, MOST_NAMED)
        if not len(found) <= refused <= of or (refused > 0) != bool(found):
            raise ValueError("what decides the table contradicts itself, so nothing is permitted")
        if before and not of:
            raise ValueError(NO_ROW)
        if refused:
            raise MayNotLeave([_row(*each) for each in found], refused, of)
        return
    assert client is not None
    rows = _Rows(what, key, before)
    while part := rows.part():
        rows.take(client.evaluate_batch(part))
    rows.end()


def _check_kept(what: Any) -> None:
    """Raises TypeError where deciding would use up what leaves, or where it is not there yet."""
    if isinstance(what, (Iterator, AsyncIterator, Awaitable)):
        raise TypeError(f"what leaves must be a list or a table that can be read twice, not {type(what).__name__}")


class _Rows:
    """The rows that a service decides: equal ones once, some at a time."""

    def __init__(self, what: Any, key: str, before: bool) -> None:
        _check_kept(what)
        self._rows = rows_of(what, key)
        if before and not self._rows:
            raise ValueError(NO_ROW)
        self._left = distinct(self._rows)
        self._refused: dict[int, RefusedRow] = {}

    def part(self) -> list[Mapping[str, Any]]:
        """The next exchanges to decide; none where all are decided."""
        return [each.exchange for each in self._left[:AT_ONCE]]

    def take(self, answers: Sequence[Answer | Refused]) -> None:
        """Take the answers to a part."""
        for each, answer in zip(self._left[:AT_ONCE], answers, strict=True):
            if not (isinstance(answer, Answer) and answer.proceed is True):
                self._refused |= {place: _refused(self._rows[place].name, answer) for place in each.places}
        del self._left[:AT_ONCE]

    def end(self) -> None:
        """Raises MayNotLeave."""
        if self._refused:
            raise MayNotLeave([self._refused[place] for place in sorted(self._refused)], len(self._refused), len(self._rows))


def _refused(name: str, answer: Answer | Refused) -> RefusedRow:
    if isinstance(answer, Refused):
        return _row(name, answer.kind, tuple(f"{each.pointer}: {each.detail}" for each in answer.errors) or (answer.detail,))
    return _row(name, answer.outcome, (answer.sentence,), answer.id)


def _row(name: str, outcome: str, reasons: Sequence[str], decision: str = "") -> RefusedRow:
    """A row as an error tells it: bounded, and without characters that move a terminal's cursor."""
    told = [*reasons[:MOST_REASONS], *([f"and {len(reasons) - MOST_REASONS} more"] if len(reasons) > MOST_REASONS else [])]
    return RefusedRow(_line(name), _line(outcome), tuple(map(_line, told)), decision)


def _line(text: str) -> str:
    shown = "".join(each if each.isprintable() else "�" for each in " ".join(text[: 2 * MOST_LETTERS].split()))
    return shown if len(shown) <= MOST_LETTERS else f"{shown[: MOST_LETTERS - 1]}…"

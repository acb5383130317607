"""`@may_leave`: a step passes only what the service permits, row by row; whatever goes wrong is no permit."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from service.client import AsyncClient, Client, MayNotLeave, Refused, Unavailable, may_leave
from service.client.may_leave import AT_ONCE, MOST_LETTERS, MOST_NAMED, RefusedRow
from tests.service.client.conftest import KINDS, answering, problem, sends

PERMITTED = {"exporter": {"country": "CN"}, "recipient": {"country": "US"}, "data": {"people": 500}}
MANY = {**PERMITTED, "data": {"people": 12_000}}
FLAT = {"exporter.country": "CN", "recipient.country": "US", "data.people": 500}
UNREACHABLE = "http://127.0.0.1:9"


class Steps:
    """A step in one of the two kinds; what it was given, in `sent`, shows whether it ran."""

    def __init__(self, kind: str, address: str) -> None:
        self.sent: list[Any] = []
        self._kind = kind
        self._address = address

    def run(self, *given: Any, returned: Any = None, **options: Any) -> Any:
        """Call a decorated step with a client of its own."""
        if self._kind == "sync":
            with Client(self._address) as client:

                @may_leave(client=client, **options)
                def send(*given: Any) -> Any:
                    self.sent.append(given)
                    return returned

                return send(*given)

        async def wait() -> Any:
            async with AsyncClient(self._address) as client:

                @may_leave(client=client, **options)
                async def send(*given: Any) -> Any:
                    self.sent.append(given)
                    return returned

                return await send(*given)

        return asyncio.run(wait())


@pytest.fixture(params=KINDS)
def steps(request: pytest.FixtureRequest, server) -> Steps:
    """Steps before a real server."""
    return Steps(request.param, server.address)


# --- before the step runs -----------------------------------------------------------------------------------------------


def test_a_step_runs_once_its_exchange_is_permitted(steps):
    """With its arguments; and what it returns is what the caller gets."""
    assert steps.run("file", returned="receipt", exchange=PERMITTED) == "receipt"
    assert steps.sent == [("file",)]


def test_a_step_does_not_run_where_its_exchange_may_not_happen(steps):
    """The error names the row, its outcome, the reason and the decision."""
    with pytest.raises(MayNotLeave) as stopped:
        steps.run("file", exchange=MANY)
    assert steps.sent == []
    (row,) = stopped.value.rows
    assert (row.name, row.outcome, stopped.value.refused, stopped.value.of) == ("1", "review", 1, 1)
    assert row.decision
    assert "Look at it" in str(stopped.value)


def test_the_exchange_may_depend_on_the_arguments_of_the_step(steps):
    """A function of the arguments gives the exchange."""

    def sent_to(country: str) -> dict[str, Any]:
        return {**PERMITTED, "recipient": {"country": country}}

    steps.run("US", exchange=sent_to)
    with pytest.raises(MayNotLeave, match=r"wrong-value|Atlantis"):
        steps.run("Atlantis", exchange=sent_to)
    assert steps.sent == [("US",)]


def test_a_step_that_sends_no_row_does_not_run(steps):
    """Nothing was decided, so nothing is permitted."""
    with pytest.raises(ValueError, match="no row to decide"):
        steps.run(exchange=list)
    assert steps.sent == []


# --- what a step gives ----------------------------------------------------------------------------------------------------


def test_a_table_is_passed_on_if_every_row_may_leave(steps):
    """The very rows; a cell without a value states nothing, and names of facts may be whole."""
    rows = [{"order": "o-1", **FLAT, "recipient.id": None}, {"order": "o-2", **PERMITTED}]
    assert steps.run(returned=rows, key="order") is rows
    assert rows[0]["order"] == "o-1"


def test_one_row_stops_a_table_and_is_named(steps):
    """A row under review, one that cannot be read, and equal rows each by its own name, in their order."""
    rows = [
        {"order": "o-1", **FLAT},
        {"order": "o-2", **MANY},
        {"order": "o-3", "exporter.contry": "CN"},
        {"order": "o-4", **MANY},
    ]
    with pytest.raises(MayNotLeave) as stopped:
        steps.run(returned=rows, key="order")
    found = stopped.value
    assert [(row.name, row.outcome) for row in found.rows] == [
        ("o-2", "review"),
        ("o-3", "exchange-refused"),
        ("o-4", "review"),
    ]
    assert found.rows[0].decision == found.rows[2].decision != ""
    assert str(found).startswith("3 of 4 rows may not leave\n  o-2: review: ")
    assert "did you mean" in found.rows[1].reasons[0]


def test_an_error_names_the_first_rows_and_counts_the_others(steps):
    """However many there are, and over several calls."""
    rows = [{**FLAT, "data.people": 12_000 + number} for number in range(AT_ONCE + 5)]
    with pytest.raises(MayNotLeave) as stopped:
        steps.run(returned=rows)
    assert [row.name for row in stopped.value.rows] == [str(number) for number in range(1, MOST_NAMED + 1)]
    assert stopped.value.refused == AT_ONCE + 5
    assert str(stopped.value).endswith(f"and {AT_ONCE + 5 - MOST_NAMED} more")


def test_no_rows_are_passed_on(steps):
    """A step that gives an empty table sends nothing."""
    assert steps.run(returned=[]) == []


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        (None, "not NoneType"),
        ("CN to US", "not str"),
        (7, "not int"),
        ([FLAT, "CN"], "row 2 is not a mapping"),
        ([{1: "CN"}], "whose name is no text"),
        (iter([FLAT]), "read twice"),
        ({**FLAT, "exporter": {"country": "US"}}, "another member fills the place"),
        ({"exporter": "CN", "exporter.country": "US"}, "another member fills the place"),
        ({**FLAT, "data.people": float("nan")}, "cannot be written as JSON"),
        ({**FLAT, "data.people": object()}, "cannot be written as JSON"),
    ],
)
def test_what_is_no_row_is_not_passed_on(steps, returned, says):
    """Each is an error that says why."""
    with pytest.raises((TypeError, ValueError), match=says):
        steps.run(returned=returned)


def test_a_row_without_its_name_is_not_passed_on(steps):
    """Where a member names the rows, each has it."""
    with pytest.raises(ValueError, match="row 2 has no `order`"):
        steps.run(returned=[{"order": "o-1", **FLAT}, FLAT], key="order")


# --- errors are no permits ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_service_that_is_away_stops_a_step(kind):
    """Unavailable is raised, and the step does not run."""
    steps = Steps(kind, UNREACHABLE)
    with pytest.raises(Unavailable):
        steps.run(exchange=PERMITTED)
    assert steps.sent == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answer", [b"{}", {"results": []}, {"results": [{"decision": {"proceed": True}}]}, b"<html>"])
def test_an_answer_that_cannot_be_read_stops_a_step(kind, answer, malicious: Callable[..., Any]):
    """A proxy's page, a lost result, a bare `proceed`."""
    steps = Steps(kind, malicious(sends(answering(answer))).address)
    with pytest.raises(Exception, match="the answer"):
        steps.run(exchange=PERMITTED)
    assert steps.sent == []


def test_a_step_that_fails_raises_its_own_error(steps):
    """What it would have given is not decided."""

    def fail() -> Any:
        raise RuntimeError("no connection")

    with pytest.raises(RuntimeError, match="no connection"):
        steps.run(exchange=fail)


def test_a_blocking_client_serves_an_async_step(server):
    """It is asked in a thread."""
    with Client(server.address) as client:

        @may_leave(client=client, exchange=PERMITTED)
        async def send() -> str:
            return "sent"

        assert asyncio.run(send()) == "sent"


# --- what cannot be decorated ---------------------------------------------------------------------------------------------


def test_a_wrong_use_is_refused_before_anything_runs():
    """Each with a sentence that says what to do."""

    def generator():
        yield FLAT

    async def async_generator():
        yield FLAT

    async def coroutine() -> None: ...

    def step() -> None: ...

    client, waiting = Client(UNREACHABLE), AsyncClient(UNREACHABLE)
    for wrong, says in (
        (lambda: may_leave(client=client)(generator), "return a list or a table"),
        (lambda: may_leave(client=waiting)(async_generator), "return a list or a table"),
        (lambda: may_leave(client=client)(partial(generator)), "return a list or a table"),
        (lambda: may_leave(client=waiting)(step), "make the step `async`"),
        (lambda: may_leave(client=client)(Steps), "is for a function"),
        (lambda: may_leave(client=client)(staticmethod(step)), "beneath @staticmethod"),
        (lambda: may_leave()(step), "say who decides"),
        (lambda: may_leave(client=client, tables=object()), "say who decides"),  # type: ignore[arg-type]
        (lambda: may_leave(client=client, exchange=7), "a function of the step's arguments"),  # type: ignore[arg-type]
        (lambda: may_leave(tables=object(), exchange=PERMITTED), "`tables` decide a table"),  # type: ignore[arg-type]
        (lambda: may_leave(client=client, exchange=coroutine), "neither `async` nor a generator"),
        (lambda: may_leave(client=client, exchange=generator), "neither `async` nor a generator"),
    ):
        with pytest.raises(TypeError, match=says):
            wrong()
    client.close()


def test_a_decorated_step_keeps_its_name_and_its_signature():
    """Frameworks read both."""
    with Client(UNREACHABLE) as client:

        @may_leave(client=client)
        def flows(day: str) -> list[Any]:
            """The flows of a day."""
            return []

    assert (flows.__name__, flows.__doc__, flows.__annotations__["day"]) == ("flows", "The flows of a day.", str)


def test_a_sync_step_that_gives_what_is_not_there_yet_passes_nothing(server):
    """A coroutine that a function returns is no table."""

    async def later() -> list[Any]:
        return [FLAT]

    with Client(server.address) as client:

        @may_leave(client=client)
        def step() -> Any:
            return coroutine

        coroutine = later()
        with pytest.raises(TypeError, match="read twice"):
            step()
        coroutine.close()


def test_a_row_is_told_in_a_line():
    """Long texts are cut, and no character of them moves the cursor."""

    class Judge:
        def held(self, table: Any, key: str, most: int) -> Any:
            return 9, 3, [("a\x1b[2J\nb", "review", ("x" * 1_000, "1", "2", "3", "4"))]

    @may_leave(tables=Judge())
    def step() -> str:
        return "table"

    with pytest.raises(MayNotLeave) as stopped:
        step()
    (row,) = stopped.value.rows
    assert isinstance(row, RefusedRow)
    assert row.name == "a�[2J b"
    assert [len(each) for each in row.reasons] == [MOST_LETTERS, 1, 1, 1, len("and 1 more")]
    assert str(stopped.value).endswith("and 2 more")


@pytest.mark.parametrize(
    "answer",
    [
        *(None, True, (), (1, 0), ("1", "0", ()), (1, None, ()), (-1, 0, ()), (0, -1, ()), (2, 1, ()), (float("nan"), 0, ())),
        *((1, 2, [("a", "review", ())]), (2, 0, [("a", "review", ())]), (2, 1, [("a", "review", ())] * 2)),
    ],
)
def test_a_judge_without_an_answer_passes_nothing(answer: Any):
    """What is no count of rows, or contradicts itself, is an error."""

    class Judge:
        def held(self, table: Any, key: str, most: int) -> Any:
            return answer

    with pytest.raises((TypeError, ValueError)):
        may_leave(tables=Judge())(lambda: "table")()


def test_a_table_without_rows_lets_no_step_run():
    """As with a service: nothing was decided. What a step returns may be empty, since then nothing leaves."""

    class Judge:
        def held(self, table: Any, key: str, most: int) -> Any:
            return 0, 0, ()

    with pytest.raises(ValueError, match="no row to decide"):
        may_leave(tables=Judge(), exchange=lambda: "table")(lambda: "sent")()
    assert may_leave(tables=Judge())(lambda: "table")() == "table"


def test_a_refusal_of_the_whole_call_is_raised(malicious: Callable[..., Any]):
    """A key that does not count, for one."""
    with Client(malicious(sends(problem("unauthenticated", 401))).address) as client, pytest.raises(Refused) as refused:
        may_leave(client=client)(lambda: [FLAT])()
    assert refused.value.status == 401

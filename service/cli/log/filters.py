"""The options by which decisions are searched, made from the one table of filters (`service.log.search_query`)."""

import inspect
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Annotated, Any

import typer

from service.cli.command import UsedWrongly
from service.log.search_query import ABOUT, ONCE, Query, moment


def filtered(command: Callable[..., int]) -> Callable[..., int]:
    """A command with an option for each field of a query; the command gets them as its parameter `query`."""
    signature = inspect.signature(command)
    own = [each for each in signature.parameters.values() if each.name != "query"]
    options = [_option(name) for name in ABOUT]

    @wraps(command)
    def with_options(**given: Any) -> int:
        asked = {each.name: given.pop(each.name) for each in options}
        return command(query=_query(asked), **given)

    parameters = [*own, *options]
    with_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined] # read by typer
    with_options.__annotations__ = {each.name: each.annotation for each in parameters}
    return with_options


def _option(name: str) -> inspect.Parameter:
    about = ABOUT[name][0].upper() + ABOUT[name][1:]
    flag = f"--{name.replace('_', '-')}"
    if name == "proceed":
        annotation: Any = Annotated[bool | None, typer.Option("--proceed/--no-proceed", help=f"{about}.")]
    elif name in ONCE:
        annotation = Annotated[str | None, typer.Option(flag, help=f"{about}.")]
    else:
        annotation = Annotated[list[str] | None, typer.Option(flag, help=f"{about}; if repeated, any of them.")]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _query(asked: dict[str, Any]) -> Query:
    """The query of some options. Raises UsedWrongly."""
    found: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in asked.items() if value not in (None, [])
    }
    for name in ("since", "until"):
        if name in found:
            found[name] = moment_given(found[name], end=name == "until")
    if "outcome" in found:
        import engine
        from service.log.search import OUTCOMES

        for outcome in found["outcome"]:
            if outcome not in OUTCOMES:
                raise UsedWrongly(f"there is no outcome `{outcome}`; {engine.did_you_mean(outcome, OUTCOMES)}".rstrip("; "))
    return Query(**found)


def moment_given(written: str, end: bool) -> datetime:
    """The moment that an option names, as a day or a moment. Raises UsedWrongly."""
    try:
        return moment(written, end=end)
    except (ValueError, OverflowError):
        raise UsedWrongly(f"`{written}` is not a day like 2026-11-24, nor a moment like 2026-11-24T09:30:00Z") from None

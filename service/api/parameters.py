"""
The query of a request, checked against the parameters that its operation declares: one mechanism for every endpoint.

A parameter that the operation does not have is refused, since the caller would read its absence in the answer as a result. So is a
parameter that comes twice and has one value. The refusal names the parameter. A page for a browser is in no schema, declares nothing,
and answers a wrong address with a page.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Generic, Self, TypeAlias, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from service.problems import RequestRefused, no_such

MOST = 50  # parameters in a query
_SHOWN = 40  # characters of a name in a refusal

Value = TypeVar("Value")


def parameter(name: str, about: str, schema: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A parameter of the query, for an operation's documentation; it may be left out, if `more` does not say otherwise."""
    return {"name": name, "in": "query", "required": False, "description": about, "schema": dict(schema), **more}


@dataclass(frozen=True)
class Parameter(Generic[Value]):
    """
    A parameter of the query: what is documented of it, and how its value is read, on an operation and on a page.

    `takes` ends the sentence of a refusal. `read` raises ValueError.
    """

    name: str
    about: str
    schema: Mapping[str, Any]
    takes: str
    read: Callable[[str], Value]
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def documented(self) -> dict[str, Any]:
        """What an operation's documentation says of it."""
        return parameter(self.name, self.about, self.schema, **self.more)

    def of(self, sent: Mapping[str, str]) -> Value | None:
        """Its value in a query; None where it is left out. Raises RequestRefused."""
        if self.name not in sent:
            return None
        try:
            return self.read(sent[self.name])
        except ValueError:
            raise wrong(self.name, f"`{self.name}` takes {self.takes}") from None


AnyParameter: TypeAlias = Parameter[Any] | Mapping[str, Any]  # that an operation lists


def text(name: str, about: str, most: int = 256, **schema: Any) -> Parameter[str]:
    """A parameter that takes any text of so many characters; a database cannot hold a zero byte."""

    def read(sent: str) -> str:
        if not 0 < len(sent) <= most or "\x00" in sent:
            raise ValueError
        return sent

    described = {"type": "string", "minLength": 1, "maxLength": most, **schema}
    return Parameter(name, about, described, f"1 to {most} characters", read)


def matching(name: str, about: str, pattern: str, takes: str, **schema: Any) -> Parameter[str]:
    """A parameter whose text has a form."""

    def read(sent: str) -> str:
        if not re.fullmatch(pattern, sent, re.ASCII):
            raise ValueError
        return sent

    return Parameter(name, about, {"type": "string", "pattern": pattern, **schema}, takes, read)


def day(name: str, about: str) -> Parameter[date]:
    """A parameter that takes a day."""

    def read(sent: str) -> date:
        found = date.fromisoformat(sent)
        if found.isoformat() != sent:
            raise ValueError
        return found

    return Parameter(name, about, {"type": "string", "format": "date"}, "a day, like 2026-11-25", read)


def word(name: str, about: str, words: Sequence[Value], **schema: Any) -> Parameter[Value]:
    """A parameter that takes one of some words."""
    known = {str(each): each for each in words}

    def read(sent: str) -> Value:
        if sent not in known:
            raise ValueError
        return known[sent]

    listed = [f"`{each}`" for each in known]
    takes = " or ".join(listed) if len(listed) == 2 else ", ".join(listed)
    return Parameter(name, about, {"type": "string", "enum": [*known], **schema}, takes, read)


def flag(name: str, about: str) -> Parameter[bool]:
    """A parameter that takes `true` or `false`, which is meant where it is left out."""

    def read(sent: str) -> bool:
        if sent not in ("true", "false"):
            raise ValueError
        return sent == "true"

    return Parameter(name, about, {"type": "boolean", "default": False}, "`true` or `false`", read)


def whole(name: str, about: str, most: int = 999_999_999, *, least: int = 0, **schema: Any) -> Parameter[int]:
    """A parameter that takes a whole number."""
    takes = f"a number from {least} to {most}"

    def read(sent: str) -> int:
        if not (sent.isascii() and sent.isdigit() and len(sent) < 16 and least <= int(sent) <= most):
            raise ValueError
        return int(sent)

    return Parameter(name, about, {"type": "integer", "minimum": least, "maximum": most, **schema}, takes, read)


def in_order(first: date | None, last: date | None) -> None:
    """The parameters `from` and `until` must be a period. Raises RequestRefused."""
    if first is not None and last is not None and first > last:
        raise wrong("until", "`until` lies before `from`")


@dataclass(frozen=True, slots=True)
class Declared:
    """The parameters of one operation: all names, those that may come several times, and whether any other name may come too."""

    names: tuple[str, ...]
    repeatable: frozenset[str]
    others: bool

    @classmethod
    def of(cls, route: APIRoute) -> Self:
        """Those that the operation's documentation lists, and those that its function takes."""
        listed = [each for each in (route.openapi_extra or {}).get("parameters", ()) if each["in"] == "query"]
        # An object in the form style is written as one parameter for each of its members.
        named = [each for each in listed if each["schema"].get("type") != "object"]
        lists = (each for each in named if each["schema"].get("type") == "array" and each.get("explode", True))
        return cls(
            tuple(dict.fromkeys([*(each["name"] for each in named), *(each.alias for each in route.dependant.query_params)])),
            frozenset(each["name"] for each in lists),
            len(named) < len(listed),
        )

    def read(self, query: bytes) -> dict[str, list[str]]:
        """The values of each parameter in a query, in their order. Raises RequestRefused."""
        try:
            sent = parse_qsl(
                query.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=MOST, errors="strict"
            )
        except ValueError:
            known = f"`?{self.names[0]}=…`" if self.names else "`?name=value`"
            raise RequestRefused("bad-request", f"write the query as at most {MOST} parameters, like {known}") from None
        found: dict[str, list[str]] = {}
        for name, value in sent:
            found.setdefault(name, []).append(value)
        for name, values in found.items():
            if name not in self.names and not self.others:
                raise wrong(name, no_such("parameter", name, self.names))
            if len(values) > 1 and name not in self.repeatable:
                raise wrong(name, f"the query has `{name[:_SHOWN]}` twice; it takes one value")
        return found


class Checked(APIRoute):
    """A route whose query is checked before its function is called. Every operation has one."""

    @cached_property
    def _declared(self) -> Declared | None:
        return Declared.of(self) if self.include_in_schema else None

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises RequestRefused."""
        if scope["query_string"] and self._declared and scope["method"] in (self.methods or ()):
            scope["parameters"] = self._declared.read(scope["query_string"])
        await super().handle(scope, receive, send)


class CheckedPage(Checked):
    """A route at the address of a page whose query is checked like that of an operation."""

    @cached_property
    def _declared(self) -> Declared:
        return Declared.of(self)


def repeated(request: Request) -> Mapping[str, Sequence[str]]:
    """The values of each parameter of a request."""
    found: Mapping[str, Sequence[str]] = request.scope.get("parameters", {})
    return found


def single(request: Request) -> dict[str, str]:
    """The value of each parameter of a request whose parameters have one value each."""
    return {name: values[0] for name, values in repeated(request).items()}


def wrong(name: str, detail: str) -> RequestRefused:
    """The refusal of a request because of one parameter."""
    return RequestRefused("bad-request", detail, parameter=name[:_SHOWN])


def number(name: str, text: str, least: int, most: int) -> int:
    """The number in a parameter. Raises RequestRefused."""
    if not (text.isascii() and text.isdigit() and len(text) < 16 and least <= int(text) <= most):
        raise wrong(name, f"`{name}` takes a number from {least} to {most}")
    return int(text)

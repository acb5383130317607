"""
Reads JSON into dataclasses by the types of their fields, or says which member cannot be read.

The reading is strict: nothing is converted, a word must be one of those that the type lists, and what has no default must be there.
Members that a dataclass does not name are those of a later version, and are left out.
"""

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from .errors import Malformed

Shape = TypeVar("Shape")
_DECIMAL = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


class Named(NamedTuple):
    """
    In the annotation of a field: the member that it is read from has this name. With None, no member is read into the field. With "",
    which is WHOLE, it has the whole object.
    """

    name: str | None


WHOLE = Named("")


class Member(NamedTuple):
    """A member of a JSON object: its name, the field that it is read into, the type, and whether it must be there."""

    name: str
    field: str
    type: Any
    needed: bool


@cache
def members(shape: Any) -> tuple[Member, ...]:
    """The members that a dataclass is read from."""
    types = get_type_hints(shape, include_extras=True)
    found = []
    for each in fields(shape):
        type_, named = types[each.name], Named(each.name)
        if get_origin(type_) is Annotated:
            type_, named = get_args(type_)
        if named.name:
            needed = each.default is MISSING and each.default_factory is MISSING
            found.append(Member(named.name, each.name, type_, needed))
    return tuple(found)


def read(shape: type[Shape], value: Any, where: str = "") -> Shape:
    """A dataclass from a JSON object. `where` is the place of the object in the answer. Raises Malformed."""
    if not isinstance(value, dict):
        raise _unreadable(where)
    kind: Any = shape
    found = dict.fromkeys(whole_fields(kind), value)
    for member in members(kind):
        place = f"{where}/{member.name}" if where else member.name
        if member.name in value:
            found[member.field] = _value(member.type, value[member.name], place)
        elif member.needed:
            raise Malformed(f"the answer has no `{place}`")
    return shape(**found)


@cache
def whole_fields(shape: Any) -> tuple[str, ...]:
    """The fields of a dataclass that have the whole object."""
    return tuple(name for name, type_ in get_type_hints(shape, include_extras=True).items() if WHOLE in get_args(type_)[1:])


def member(document: Mapping[str, Any], name: str, type: Any, default: Any = MISSING) -> Any:
    """One member of a JSON object, of a type that a field may have. Raises Malformed."""
    if name in document:
        return _value(type, document[name], name)
    if default is MISSING:
        raise Malformed(f"the answer has no `{name}`")
    return default


def _value(type_: Any, value: Any, where: str) -> Any:
    of, inner = get_origin(type_), get_args(type_)
    if type_ is Any:
        return value
    if of in (Union, UnionType):
        (some,) = (each for each in inner if each is not NoneType)
        return None if value is None else _value(some, value, where)
    if of is Literal:
        if isinstance(value, str) and value in inner:
            return value
    elif of is tuple:
        if isinstance(value, list):
            return tuple(_value(inner[0], each, f"{where}/{number}") for number, each in enumerate(value))
    elif of is Mapping:
        if isinstance(value, dict):
            return {name: _value(inner[1], each, f"{where}/*") for name, each in value.items()}
    elif type_ is Decimal:
        if isinstance(value, str) and _DECIMAL.fullmatch(value):
            return Decimal(value)
    elif type_ in (date, datetime):
        return _moment(type_, value, where)
    elif is_dataclass(type_) and isinstance(type_, type):
        return read(type_, value, where)
    elif type(value) is type_:
        return value
    raise _unreadable(where)


def _moment(type_: type[date], value: Any, where: str) -> date:
    try:
        found = type_.fromisoformat(value)
    except (TypeError, ValueError):
        raise _unreadable(where) from None
    if isinstance(found, datetime) and found.tzinfo is None:
        raise _unreadable(where)
    return found


def _unreadable(where: str) -> Malformed:
    return Malformed(f"the answer has no readable `{where}`" if where else "the answer is not a JSON object")

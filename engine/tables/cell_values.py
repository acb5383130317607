"""
A cell of a table as the JSON that the door of exchanges reads: yes/no, numbers, days, lists and documents, as tables have them.

A value of Arrow, of CSV or of JSON goes in with the type of its fact. What does not fit stays as it is, and the door refuses it with what
it proposes: nothing is made to fit. An empty text is no value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from engine.exchange_input.exchange_problems import ExchangeRefused
from engine.exchange_input.strict_json import read_object
from engine.values import AMOUNTS, Type

_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d)[T ]00:00(:00(\.0{1,9})?)?")
_WHOLE = re.compile(r"\d{1,18}")
_YES_OR_NO = {"true": True, "yes": True, "false": False, "no": False}
MAX_CELL = 64 * 1024  # characters of a text that is read as JSON


def cell_value(value: Any, type: Type | None, split: str = "", inner: Callable[[str], Type | None] = lambda _: None) -> Any:
    """
    The JSON of a cell; None where it has no value.

    `type` is that of the fact, None of what is none (a document, the ways relied on). `split` parts a text into the members of a set.
    `inner` has the types of the fields of a document.
    """
    match value:
        case None | "":
            return None
        case bool():
            return value
        case str():
            return _of_text(value, type, split)
        case int():
            return str(value) if type is not None and type.kind in ("id", "ratio") else value
        case float() | Decimal():
            return _of_number(value, type)
        case datetime():
            midnight = (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0)
            return value.date().isoformat() if midnight else value.isoformat()
        case date():
            return value.isoformat()
        case list() | tuple():
            member = type.one if type is not None else None
            return [cell_value(each, member) for each in value]
        case dict():
            read = {name: cell_value(each, inner(name) or type) for name, each in value.items()}
            return {name: each for name, each in read.items() if each is not None}
    return str(value)


def _of_text(text: str, type: Type | None, split: str) -> Any:
    if type is None or (type.kind in ("count", *AMOUNTS) and text.startswith("{")):
        return _of_json(text)
    if type.many:
        if split and not text.startswith("["):
            return [each.strip() for each in text.split(split) if each.strip()]
        return text if text == "unknown" else _of_json(text) if text.startswith("[") else [text]
    if type.kind == "yes/no":
        return _YES_OR_NO.get(text.lower(), text)
    if type.kind == "date" and (midnight := _MIDNIGHT.fullmatch(text)):
        return midnight[1]
    return int(text) if type.kind == "count" and _WHOLE.fullmatch(text) else text


def _of_json(text: str) -> Any:
    """The object or the list that a text holds, else the text."""
    if text[0] not in "{[" or len(text) > MAX_CELL:
        return text
    try:
        return read_object(f'{{"cell":{text}}}'.encode(), 2 * MAX_CELL)["cell"]
    except (ExchangeRefused, UnicodeEncodeError, KeyError):
        return text


def _of_number(value: float | Decimal, type: Type | None) -> Any:
    """A number that is whole as one, for a count; a ratio as a decimal text; what is no number as text."""
    if not math.isfinite(value):
        return str(value)
    exact = Decimal(repr(value)) if isinstance(value, float) else value
    if type is not None and type.kind == "ratio":
        return format(exact.normalize(), "f")
    return int(exact) if exact == exact.to_integral_value() else format(exact, "f")

"""
One JSON object from bytes, within bounds and strictly: no duplicate keys, no NaN, no half of a character.

Bytes go in, the object comes out, or ExchangeRefused with one sentence. Whatever is read as an exchange passes here first.
"""

from __future__ import annotations

import json
from typing import Any

from engine.exchange_input.exchange_problems import ExchangeProblem, ExchangeRefused

MAX_DEPTH = 400  # values in values


def read_object(raw: bytes, most: int, what: str = "exchange") -> dict[str, Any]:
    """
    Read one JSON object of at most `most` bytes and MAX_DEPTH levels, strictly: UTF-8, no duplicate keys, no NaN. Raises ExchangeRefused.

    How deep the library reads depends on the version of Python, and from 3.12 on it is deeper than what walks through the values later.
    """
    if len(raw) > most:
        raise _not_json(f"the {what} has more than {most:,} bytes")
    try:
        document = _decode(raw.decode("utf-8"))
        if b"\\u" in raw:
            json.dumps(document, ensure_ascii=False).encode("utf-8")
        if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _deeper(document, MAX_DEPTH):
            raise RecursionError
    except UnicodeDecodeError:
        raise _not_json("the body is not UTF-8") from None
    except UnicodeEncodeError:
        raise _not_json("the body is not JSON: it contains half of a character (a lone surrogate)") from None
    except RecursionError:
        raise _not_json("the body is nested too deeply") from None
    except ExchangeRefused:
        raise
    except ValueError as error:
        raise _not_json(f"the body is not JSON: {error}"[:200]) from None
    if not isinstance(document, dict):
        raise _not_json(f"{'an' if what == 'exchange' else 'a'} {what} is a JSON object")
    return document


def _deeper(document: object, most: int) -> bool:
    """Whether more than `most` objects and arrays are in one another."""
    level = [document]
    for _ in range(most):
        inner = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list))
        level = [value for values in inner for value in values if isinstance(value, dict | list)]
        if not level:
            return False
    return True


def _not_json(detail: str) -> ExchangeRefused:
    return ExchangeRefused((ExchangeProblem("", "not-json", detail),))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _not_json(f"`{twice[:80]}` appears twice in one object")
    return table


def _constant(name: str) -> Any:
    raise _not_json(f"{name} is not JSON")


_decode = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant).decode

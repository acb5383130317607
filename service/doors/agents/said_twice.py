"""
Messages that say something twice: the bytes of a message in, the name of a member that appears twice in one object out.

The library takes the last of two members, and a person who reads the message sees the first. So such a message is answered by nothing.
"""

import json
from typing import Any

TWICE = "a member appears twice in one object: "  # the argument that stands for those of such a call


class _SaidTwice(Exception):
    """A member appears twice; the message is its name."""


def said_twice(message: bytes | str) -> str | None:
    """The member that appears twice, or None. What is no JSON, or too deep, is for the reader of messages to refuse."""
    try:
        json.loads(message, object_pairs_hook=_once)
    except _SaidTwice as said:
        return str(said)
    except (ValueError, RecursionError):
        return None
    return None


def marked(line: str) -> str:
    """A line of the protocol; one that says something twice calls its tool with that alone, so that its answer says so."""
    name = said_twice(line)
    if name is None:
        return line
    message = json.loads(line)
    params = message.get("params") if isinstance(message, dict) else None
    arguments = {TWICE + name: True}
    return json.dumps({**message, "params": {**params, "arguments": arguments}}) if isinstance(params, dict) else "{}"


def name_said_twice(arguments: dict[str, Any]) -> str | None:
    """The member that a marked call said twice, or None."""
    return next((name.removeprefix(TWICE) for name in arguments if name.startswith(TWICE)), None)


def _once(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise _SaidTwice(name)
        seen.add(name)

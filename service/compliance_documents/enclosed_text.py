"""
A free text as a part of a sentence or a list: it goes in as it was sent, and comes out in quotation marks where it could pass for more.

Terms that stand beside each other are separated by semicolons, and members of a list by commas. So a text with one of them, or with a
quotation mark, is enclosed: “a; b”. Marks within it become single ones, so that no text ends its own quotation. English and Chinese write
the same marks.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_SEMICOLONS = ";；\u037e\u061b\u204f\u2e35\ufe14\ufe54"
_COMMAS = ",，、\u060c\ufe10\ufe11\ufe50\ufe51\uff64"
_MARKS = '"“”„‟〝〞〟＂″'
_BETWEEN_TERMS = re.compile(f"[{_SEMICOLONS}{_MARKS}]")
_BETWEEN_MEMBERS = re.compile(f"[{_SEMICOLONS}{_MARKS}{_COMMAS}]| (?:and|or) |[和或]")
_MARK = re.compile(f"[{_MARKS}]")


def enclosed(text: str, *, listed: bool = False) -> str:
    """A text whose end a reader sees, beside other terms; `listed`: beside other members of a list too."""
    if (_BETWEEN_MEMBERS if listed else _BETWEEN_TERMS).search(text):
        return f"“{_MARK.sub('’', text)}”"
    return text


def with_enclosed(value: Any) -> Any:
    """A value with each text in it enclosed."""
    match value:
        case str():
            return enclosed(value)
        case Mapping():
            return {name: with_enclosed(inner) for name, inner in value.items()}
        case [only]:
            return [with_enclosed(only)]
        case Sequence():
            return [enclosed(each, listed=True) if isinstance(each, str) else with_enclosed(each) for each in value]
    return value

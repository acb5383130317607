"""A text to its YAML: on a line, quoted only where YAML would read something else, or folded or line by line below its key."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

WIDTH = 128

_PRINTABLE = re.compile(r"[\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*")
# What an unquoted text may begin with, and what it may not contain: YAML would read it as something other than text.
_PLAIN = re.compile(r"(?![-?:](?:\s|$))(?![,\[\]{}#&*!|>'\"%@`])(?!(?:---|\.\.\.)(?:\s|$)).+")
_NOT_PLAIN = re.compile(r": | #|:$|^\s|\s$")
_NOT_PLAIN_IN_BRACKETS = re.compile(r"[,\[\]{}?:]|^[-=]$")
_NULL = frozenset({"", "~", "null", "Null", "NULL"})  # editors read these as null, not as text
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_SINGLE_SPACE = re.compile(r"(?<! ) (?! )")


def text_lines(head: str, text: str, indent: int, beside: str) -> Iterator[str]:
    """A key or dash with a text: on its line if it fits there, else folded or line by line below it."""
    on_a_line = quoted(text, in_brackets=False)
    body = text.removesuffix("\n")
    lines = body.split("\n")
    keeps_its_lines = len(lines) > 1 and all(indent + columns(line) <= WIDTH for line in lines)
    folded = [] if keeps_its_lines else list(_folded(lines, WIDTH - indent))
    fits = "\n" not in text and columns(head) + 1 + columns(on_a_line) <= WIDTH
    if fits or not _may_stand_below(lines) or len(folded or lines) == 1 == len(lines):
        yield f"{head} {on_a_line}{beside}"
        return
    yield f"{head} {'|' if keeps_its_lines else '>'}{'' if text.endswith(chr(10)) else '-'}{beside}"
    for line in lines if keeps_its_lines else folded:
        yield " " * indent + line if line else ""


def _may_stand_below(lines: list[str]) -> bool:
    """Whether a block of text would keep these lines as they are."""
    return all(_PRINTABLE.fullmatch(line) and line == line.strip(" ") for line in lines) and bool(lines[0] and lines[-1])


def _folded(lines: list[str], width: int) -> Iterator[str]:
    """Lines broken at single spaces; where the text itself breaks, an empty line."""
    for number, line in enumerate(lines):
        if number:
            yield ""
        if not line:
            continue
        open_line = ""
        for word in _SINGLE_SPACE.split(line):
            if open_line and columns(open_line) + 1 + columns(word) > width:
                yield open_line
                open_line = word
            else:
                open_line = f"{open_line} {word}" if open_line else word
        yield open_line


def quoted(text: str, in_brackets: bool) -> str:
    """A text as it may stand on a line; with quotes only where YAML would otherwise read something else."""
    if (
        text not in _NULL
        and _PRINTABLE.fullmatch(text)
        and _PLAIN.fullmatch(text)
        and not _NOT_PLAIN.search(text)
        and not (in_brackets and _NOT_PLAIN_IN_BRACKETS.search(text))
    ):
        return text
    if _PRINTABLE.fullmatch(text) and ('"' in text or "\\" in text):
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if _PRINTABLE.fullmatch(character):
        return character
    return f"\\u{ord(character):04X}" if ord(character) <= 0xFFFF else f"\\U{ord(character):08X}"


def columns(text: str) -> int:
    """How wide a text is on a screen."""
    return len(text) if text.isascii() else sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)

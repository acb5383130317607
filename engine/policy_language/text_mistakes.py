"""
What its author meant where a text is no YAML: the line of the cause, and what to do.

The text and what the YAML reader says go in; the place of the cause, what is wrong there in words, and what to do come out. The reader
reports where it could not go on, which is often a line or more after the mistake, and in words about tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

KEY = re.compile(r"\s*(?:- +)*(?P<key>[\w.~/-]+)\s*:(?:\s|$)")  # a line that begins with a key
WORD = re.compile(r"\s*(?:- +)*(?P<key>[\w.~/-]+)(?P<colon>:?)")
OPENED = re.compile(r"\s*(?:- +)*[\w.~/-]+:? *[{\[]")  # a key without its colon before a mapping or a list in brackets
BLOCK = re.compile(r"\s*(?:- +)*[\w.~/-]+:? *[|>][-+\d]*\s*(?:#.*)?$")  # such a key before a long text
LONG = re.compile(r":\s+[|>][-+\d]*\s*(?:#.*)?$")  # a long text follows
Place: TypeAlias = tuple[int, int]  # a line and a column
AROUND = "check the indentation, quotes and colons around here"


@dataclass(frozen=True, slots=True)
class TextMistake:
    """A mistake at a line and a column, which count from 1, with its length, in words, and what to do."""

    line: int
    column: int
    length: int
    message: str
    help: str


def text_mistake(text: str, problem: str, at: Place | None, began: Place | None) -> TextMistake:
    """The mistake for which a text could not be read: where the reader stopped, and where what it was reading began, counted from 0."""
    lines = text.splitlines() or [""]
    row, column = (min(at[0], len(lines) - 1), at[1]) if at else (0, 0)
    first = min(began[0], row) if began else row
    return (
        _tab(lines, first, row)
        or _colon_forgotten(lines, problem, first, row)
        or _colon_in_text(lines, problem, row, column)
        or _bracket_open(lines, problem, first, began[1] if began else 0)
        or _quote_open(lines, problem, first, began[1] if began else 0)
        or _indentation(lines, problem, row)
        or _first_character(lines, problem, row, column)
        or TextMistake(row + 1, column + 1, 1, f"this is not YAML: {problem}", AROUND)
    )


def _tab(lines: list[str], first: int, last: int) -> TextMistake | None:
    for row in range(first, last + 1):
        indent = lines[row][: _indent(lines[row])]
        if "\t" in indent:
            help = "indent with blanks only; most editors can turn tabs into blanks"
            return TextMistake(row + 1, indent.index("\t") + 1, 1, "there is a tab in the indentation of this line", help)
    return None


def _colon_forgotten(lines: list[str], problem: str, first: int, last: int) -> TextMistake | None:
    """A key without its colon, or with nothing between the colon and the value."""
    rows = []
    if problem.startswith("could not find expected ':'"):
        rows = list(range(first, last + 1))
    elif problem.startswith(("mapping values are not allowed", "did not find expected")):
        nearest = last if OPENED.match(lines[last]) and not _is_key(lines[last]) else _long_text(lines, last)
        if nearest is None and problem.startswith("mapping values"):
            nearest = _head(lines, last)
        rows = [] if nearest is None else [nearest]
    for row in rows:
        found = WORD.match(lines[row])
        if found is None or _is_key(lines[row]) or _is_comment(lines[row]):
            continue
        key, rest = found["key"], lines[row][found.end() :]
        if found["colon"]:
            said, help = f"there is no blank after the colon of `{key}`", f"write `{key}: {rest.strip()}`"
        elif ":" in key:
            continue
        else:
            said, help = f"there is no colon after `{key}`", f"write `{key}:{rest.rstrip()}`"
        return TextMistake(row + 1, found.start("key") + 1, len(key), said, help)
    return None


def _head(lines: list[str], row: int) -> int | None:
    """The line above that would be the key of a line, or the key before it."""
    entry, indent = _is_entry(lines[row]), _indent(lines[row])
    for at in _above(lines, row):
        if _indent(lines[at]) > indent or (entry and _indent(lines[at]) == indent):
            continue
        begins = len(lines[at]) - len(lines[at].lstrip("- "))
        return at if not entry or indent > begins else None
    return None


def _long_text(lines: list[str], row: int) -> int | None:
    """The line without a colon at which a long text begins, where a line is one of it."""
    begins = next((at for at in _above(lines, row) if _indent(lines[at]) < _indent(lines[row])), None)
    return begins if begins is not None and BLOCK.match(lines[begins]) and not _is_key(lines[begins]) else None


def _colon_in_text(lines: list[str], problem: str, row: int, column: int) -> TextMistake | None:
    """A text with a colon of its own, which the reader takes for the colon of a key."""
    line = lines[row]
    if not problem.startswith(("mapping values are not allowed", "did not find expected ',' or")):
        return None
    head = line[:column]
    opened = max(head.rfind("{"), head.rfind(", "), head.rfind("["))
    within = KEY.match(head[opened + 1 :]) if opened >= 0 else KEY.match(line)
    begin = (opened + 1 if opened >= 0 else 0) + (within.end() if within else 0)
    if within is None or begin > column:
        return None
    stop = next((at for at in (line.find(", ", column), line.find("}", column)) if opened >= 0 and at > 0), len(line))
    value = line[begin:stop].strip()
    if value[:1] in "\"'[{" or ": " not in f"{value} ":
        return None
    said = f"the text of `{within['key']}` has a colon of its own, which ends it as if it were a key"
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return TextMistake(row + 1, column + 1, 1, said, f'put the text in quotes: `{within["key"]}: "{quoted}"`')


def _bracket_open(lines: list[str], problem: str, first: int, column: int) -> TextMistake | None:
    mark = lines[first][column : column + 1]
    if not problem.startswith("did not find expected ',' or") or mark not in ("{", "["):
        return None
    said, help = (
        f"the `{mark}` here is not closed",
        f"close it with `{'}' if mark == '{' else ']'}`, or put a comma between two values",
    )
    return TextMistake(first + 1, column + 1, 1, said, help)


def _quote_open(lines: list[str], problem: str, first: int, column: int) -> TextMistake | None:
    if not problem.startswith("found unexpected end of stream") and "quoted scalar" not in problem:
        return None
    return TextMistake(first + 1, column + 1, 1, "a quote begins here and does not end", "close the quote, or drop both")


def _indentation(lines: list[str], problem: str, row: int) -> TextMistake | None:
    """A line that stands deeper or less deep than those it belongs to: where it may be either of two, the one at an odd place."""
    if not problem.startswith(("did not find expected", "mapping values", "block sequence")):
        return None
    is_at = _indent(lines[row])
    open_at = _open(lines, row)
    if is_at in open_at or not open_at:
        return None
    if is_at % 2 == 0 and (odd := _odd(lines, row)) is not None:
        row, meant, is_at = odd, is_at, _indent(lines[odd])
        if not _is_entry(lines[row]) or abs(meant - is_at) > 1:
            meant = is_at + (1 if is_at < meant else -1)
    else:
        meant = min(open_at, key=lambda each: (abs(each - is_at), -each))
    said = f"the indentation of this line is {_blanks(is_at)}, and of those that it belongs to {meant}"
    return TextMistake(row + 1, 1, max(1, is_at), said, f"indent it by {_blanks(meant)}")


def _odd(lines: list[str], row: int) -> int | None:
    """The first line of those above in the same group that is indented by an odd number of blanks."""
    found = None
    for at in _above(lines, row):
        indent = _indent(lines[at])
        if indent % 2 and (_is_key(lines[at]) or _is_entry(lines[at]) or LONG.search(lines[at - 1])):
            found = at
        if indent < _indent(lines[row]) - 1:
            break
    return found


def _first_character(lines: list[str], problem: str, row: int, column: int) -> TextMistake | None:
    if not problem.startswith("found character that cannot start") or column >= len(lines[row]):
        return None
    said = f"no text begins with `{lines[row][column]}` unless it stands in quotes"
    return TextMistake(row + 1, column + 1, 1, said, "put the text in quotes")


def _open(lines: list[str], row: int) -> list[int]:
    """The indentations at which a line may begin: those of the keys and entries above that are not closed."""
    found: list[int] = []
    least = len(lines[row]) + max(map(len, lines))
    for at in _above(lines, row):
        line = lines[at]
        if _is_key(line) or _is_entry(line):
            places = {_indent(line), len(line) - len(line.lstrip("- "))}
            found += sorted(place for place in places if place < least)
            least = min(least, *places)
    return found


def _above(lines: list[str], row: int) -> Iterator[int]:
    """The lines with text above a line, upwards."""
    return (at for at in range(row - 1, -1, -1) if lines[at].strip() and not _is_comment(lines[at]))


def _is_key(line: str) -> bool:
    return KEY.match(line) is not None


def _is_entry(line: str) -> bool:
    return line.lstrip().startswith("- ")


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _blanks(number: int) -> str:
    return "1 blank" if number == 1 else f"{number} blanks"

"""
How many lines of each list a page shows, so that every decision prints on two sheets.

The lists take turns: each opens its first line before any opens its second, as long as there is room. What has no room is folded; what
would make the page large is left out and counted.
"""

import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

COLUMNS = 92  # of a line on paper; a Chinese character takes two
BYTES = 5_000  # that the folded lines of one list may take


@dataclass(frozen=True)
class Folded:
    """A list on a page: the lines that are open, those that are folded, and how many more there are."""

    open: Sequence[Any] = ()
    folded: Sequence[Any] = ()
    more: int = 0

    @property
    def hidden(self) -> int:
        """How many lines a reader does not see at first."""
        return len(self.folded) + self.more

    def __bool__(self) -> bool:
        return bool(self.open or self.folded or self.more)


@dataclass(frozen=True)
class Listed:
    """
    A list that a page shows: its lines, and how many of them may be open and shown at most.

    `height` gives the printed lines that one of them takes; `more` counts lines that are left out already.
    """

    lines: Sequence[Any]
    open: int
    most: int
    height: Callable[[Any], float] = lambda line: 1
    more: int = 0

    def folded(self, open: int) -> Folded:
        """The list with so many lines open, and as many folded as there is room for."""
        last, room = open, BYTES
        while last < min(len(self.lines), self.most):
            room -= _bytes(self.lines[last])
            if room < 0:
                break
            last += 1
        return Folded(self.lines[:open], self.lines[open:last], len(self.lines) - last + self.more)


def fit_lists(lists: Mapping[str, Listed], room: float) -> dict[str, Folded]:
    """The lists, with as many lines open as `room` printed lines hold; a list whose next line does not fit is closed."""
    taken = dict.fromkeys(lists, 0)
    waiting = [name for name, each in lists.items() if min(each.open, len(each.lines))]
    while waiting:
        for name in list(waiting):
            each = lists[name]
            height = each.height(each.lines[taken[name]])
            fits = height <= room
            if fits:
                taken[name] += 1
                room -= height
            if not fits or taken[name] == min(each.open, len(each.lines)):
                waiting.remove(name)
    return {name: each.folded(taken[name]) for name, each in lists.items()}


def height(*texts: Any, columns: int = COLUMNS) -> float:
    """The printed lines of some texts, each beginning a line of so many columns, and of the space after them."""
    return sum(ceil(_width(str(text)) / columns) for text in texts if text) + 0.3


def short(text: Any, most: int = 110) -> str:
    """A text of at most so many characters; an ellipsis stands for the others."""
    whole = str(text)
    return whole if len(whole) <= most else whole[: most - 1].rstrip() + "…"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(each) in "WF" or each in "WM@" else 1 for each in text)


def _bytes(line: Any) -> int:
    """About how many bytes a line takes on a page. The tests of a provision are on a page of their own."""
    shown: Iterable[tuple[str, Any]] = line.items() if isinstance(line, Mapping) else (("", line),)
    told = {name: value for name, value in shown if name != "evidence"}
    return len(json.dumps(told, ensure_ascii=False, default=str).encode())

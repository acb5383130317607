"""
A look at a text in Turtle before a library reads it: how deep its brackets lie, and whether its strings and names end.

One pass over the characters, by hand: the patterns that find strings and names take a square of the length where one does not end.
"""

from __future__ import annotations

_OPEN, _CLOSE = frozenset("[({"), frozenset("])}")


class UnreadableText(ValueError):
    """What is wrong with a text, as a code and a sentence."""

    def __init__(self, code: str, said: str) -> None:
        super().__init__(said)
        self.code = code


def check(text: str, deepest: int) -> None:
    """Raises UnreadableText where brackets lie deeper, or a string or a name does not end."""
    depth, at, length = 0, 0, len(text)
    while at < length:
        mark = text[at]
        if mark in "\"'":
            at = _after_string(text, at, mark)
            continue
        if mark == "<":
            end = text.find(">", at)
            stop = min((each for each in (text.find("\n", at), text.find("<", at + 1)) if each >= 0), default=length)
            if end < 0 or end > stop:
                raise UnreadableText("not-turtle", "a name in `<` and `>` does not end on its line")
            at = end
        elif mark == "#":
            end = text.find("\n", at)
            at = length if end < 0 else end
        elif mark in _OPEN:
            depth += 1
            if depth > deepest:
                raise UnreadableText("too-deep", f"a document is nested at most {deepest} brackets deep")
        elif mark in _CLOSE:
            depth -= 1
        at += 1


def _after_string(text: str, at: int, mark: str) -> int:
    """The place after a string that begins here."""
    long = text.startswith(mark * 3, at)
    end = mark * 3 if long else mark
    at += len(end)
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text.startswith(end, at):
            return at + len(end)
        elif text[at] == "\n" and not long:
            break
        else:
            at += 1
    raise UnreadableText("not-turtle", "a string does not end")

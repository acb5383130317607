"""
What comes back to an agent, made fit for its context: any JSON in, the same JSON out, small, and with nothing hidden in it.

Texts of others (ids, titles, what somebody stated) come back in answers. A model reads them beside its own instructions, so characters that
nobody sees are shown by their number. What does not fit is counted, and never dropped in silence.
"""

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MOST_BYTES = 6 * 1024  # of an answer
MOST_TEXT = 700  # characters of one text
SHORTEST_TEXT = 80
MOST_ITEMS = 60  # of one list, before it is measured
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # control, format, surrogate, private, unassigned, separators
_PLAIN = "\n\t"


def shown(text: str, most: int = MOST_TEXT) -> str:
    """A text whose hidden characters are shown by number, like ⟨U+202E⟩; what is longer says how much was cut."""
    cut = text[:most]
    told = "".join(f"⟨U+{ord(each):04X}⟩" if _is_hidden(each) else each for each in cut)
    return f"{told} … ({len(text) - most} more characters)" if len(text) > most else told


def fitted(document: Mapping[str, Any], room: int = MOST_BYTES) -> dict[str, Any]:
    """A document with all texts shown, in so many bytes of JSON. `left_out` then counts what its lists leave out, by their place."""
    found: dict[str, Any] = _quoted(document, MOST_TEXT)
    counts: dict[str, int] = {}
    for place, items in list(_lists(found)):
        if len(items) > MOST_ITEMS:
            counts[place] = len(items) - MOST_ITEMS
            del items[MOST_ITEMS:]
    while _size(found, counts) > room:
        several = [(size(items), place, items) for place, items in _lists(found) if len(items) > 1]
        if not several:
            break
        _, place, items = max(several, key=lambda each: each[0])
        items.pop()
        counts[place] = counts.get(place, 0) + 1
    most = MOST_TEXT
    while _size(found, counts) > room and most > SHORTEST_TEXT:
        most //= 2
        found = _quoted(found, most)
    for name in sorted(found, key=lambda name: -size(found[name])):
        if _size(found, counts) <= room:
            break
        found[name] = None
        counts[name] = counts.get(name, 0) + 1
    return {**found, "left_out": counts} if counts else found


def page(items: Sequence[Any], first: int, room: int = MOST_BYTES) -> tuple[list[Any], int | None]:
    """As many items from `first` on as there is room for, at least one; and the number of the next, None where there is none."""
    taken: list[Any] = []
    left = room
    for each in items[first : first + MOST_ITEMS]:
        told = _quoted(each, MOST_TEXT)
        left -= size(told) + 1
        if left < 0 and taken:
            break
        taken.append(told if left >= 0 else fitted({"item": told}, room)["item"])
    following = first + len(taken)
    return taken, following if following < len(items) else None


def size(value: Any) -> int:
    """The bytes of a value as JSON."""
    return len(as_text(value).encode("utf-8", "replace"))


def as_text(value: Any) -> str:
    """A value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _size(found: Any, counts: Mapping[str, int]) -> int:
    return size({**found, "left_out": counts} if counts else found)


def _is_hidden(character: str) -> bool:
    return (character not in _PLAIN and not character.isascii() and unicodedata.category(character) in _HIDDEN) or (
        character.isascii() and not character.isprintable() and character not in _PLAIN
    )


def _quoted(value: Any, most: int) -> Any:
    match value:
        case str():
            return shown(value, most)
        case Mapping():
            return {shown(str(name), 200): _quoted(each, most) for name, each in value.items()}
        case list() | tuple():
            return [_quoted(each, most) for each in value]
        case bool() | int() | float() | None:
            return value
    return shown(str(value), most)


def _lists(value: Any, place: str = "") -> Iterator[tuple[str, list[Any]]]:
    """Every list in a value, with its place; those that hold others come before them."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _lists(each, f"{place}/{name}" if place else name)
    elif isinstance(value, list):
        yield place, value
        for number, each in enumerate(value):
            yield from _lists(each, f"{place}/{number}")

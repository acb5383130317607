"""
What comes back to an agent, made fit for its context: any JSON in, the same JSON out, small, and with nothing hidden in it.

Texts of others (ids, titles, what somebody stated) come back in answers. A model reads them beside its own instructions, so characters that
nobody sees are shown by their number. What does not fit is counted, and never dropped in silence.
"""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

MOST_BYTES = 6 * 1024  # of an answer
MOST_TEXT = 700  # characters of one text
ROOM_FOR_CUT = 36  # for the words that say how much of a text was cut
MOST_ITEMS = 60  # on a page
SMALLEST = 60  # bytes that a member needs to be worth its place
ROOM_FOR_COUNTS, MOST_COUNTS = 700, 8  # for what is left out, by its place
ROOM_FOR_WORDS = 60  # of it, for `left_out` and `elsewhere`
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # control, format, surrogate, private, unassigned, separators
_PLAIN = "\n\t"


def shown(text: str, most: int = MOST_TEXT) -> str:
    """A text whose hidden characters are shown by number, like ⟨U+202E⟩; what is longer says how much was cut."""
    cut = text[:most]
    told = "".join(f"⟨U+{ord(each):04X}⟩" if _is_hidden(each) else each for each in cut)
    return f"{told} … ({len(text) - most} more characters)" if len(text) > most else told


def fitted(document: Mapping[str, Any], room: int = MOST_BYTES) -> dict[str, Any]:
    """A document with all texts shown, in so many bytes of JSON. `left_out` then counts what is left out, by its place."""
    found: dict[str, Any] = _quoted(document, MOST_TEXT)
    if size(found) <= room:
        return found
    counts: dict[str, int] = {}
    cut: dict[str, Any] = _pruned(found, room - ROOM_FOR_COUNTS, "", counts)
    named: dict[str, int] = {}
    for place, number in counts.items():  # a place may be long, since names of others are in it
        if len(named) < MOST_COUNTS and size({**named, place: number}) <= ROOM_FOR_COUNTS - ROOM_FOR_WORDS:
            named[place] = number
    more = sum(counts.values()) - sum(named.values())
    return {**cut, "left_out": {**named, "elsewhere": more} if more else named}


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


def _pruned(value: Any, room: int, place: str, counts: dict[str, int]) -> Any:
    """A value in about so many bytes: first items of lists, members by their share, beginnings of texts. `counts` has what is left out."""
    if size(value) <= room:
        return value
    match value:
        case str():
            return shown(value, max((room - ROOM_FOR_CUT) // 4, 1))
        case list():
            return _first_items(value, room, place, counts)
        case dict():
            return _shared(value, room, place, counts)
    return value


def _first_items(items: list[Any], room: int, place: str, counts: dict[str, int]) -> list[Any]:
    taken: list[Any] = []
    left = room - 2
    for number, each in enumerate(items):
        if size(each) > left:
            if not taken and left > SMALLEST:
                taken.append(_pruned(each, left, f"{place}/{number}", counts))
            break
        taken.append(each)
        left -= size(each) + 1
    if len(taken) < len(items):
        counts[place] = len(items) - len(taken)
    return taken


def _shared(members: dict[str, Any], room: int, place: str, counts: dict[str, int]) -> dict[str, Any]:
    """Members share the room: small ones are whole, and large ones have the rest among them. Those without room are counted."""
    most = max(room // SMALLEST, 1)
    kept = dict(list(members.items())[:most])
    if len(kept) < len(members):
        counts[place] = len(members) - len(kept)
    left = room - 2
    found: dict[str, Any] = {}
    for number, (name, each) in enumerate(sorted(kept.items(), key=lambda member: size(member[1]))):
        share = left // (len(kept) - number) - size(name) - 2
        if share < SMALLEST and size(each) > share:
            counts[place] = counts.get(place, 0) + 1
            continue
        found[name] = _pruned(each, share, f"{place}/{name}" if place else name, counts)
        left -= size(found[name]) + size(name) + 2
    return {name: found[name] for name in kept if name in found}


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

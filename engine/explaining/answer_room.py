"""
The room in an answer: lists take turns until it is full, so that nothing that is sent crowds out another list.

The items of the lists go in as JSON, in their order, with the bytes that are free; what there is room for comes out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

# How many items of a list an answer has at most, in the order in which the lists take turns.
MOST = {
    "questions": 3, "unmet": 4, "besides": 3, "jurisdictions": 8, "disputed": 4, "signed_off": 4, "owed": 4, "carried": 3, "conflicts": 3,
    "rests_on": 8, "stands_on": 4, "gaps": 5, "must_be_shown": 5, "lanes": 3, "items": 8,
}  # fmt: skip


def fit_items(items: Mapping[str, Sequence[str]], room: int) -> dict[str, list[str]]:
    """As many items of each list as there is room for: the lists take turns, and one whose next item does not fit is closed."""
    asked = list(items["questions"][: MOST["questions"]])  # what to find out next is never cut
    others = {name: texts for name, texts in items.items() if name != "questions"}
    return {"questions": asked, **taking_turns(others, room - bytes_of_names(items) - bytes_in(asked))}


def taking_turns(items: Mapping[str, Sequence[str]], room: int) -> dict[str, list[str]]:
    """As many items of each list as there is room for, in turns."""
    taken: dict[str, list[str]] = {name: [] for name in items}
    waiting = [name for name in MOST if items.get(name)]
    turn = 0
    while waiting:
        for name in list(waiting):
            item = items[name][turn]
            size = len(item.encode())
            fits = size < room
            if fits:
                taken[name].append(item)
                room -= size + 1
            if not fits or turn + 1 == min(len(items[name]), MOST[name]):
                waiting.remove(name)
        turn += 1
    return taken


def shorten(shown: Mapping[str, list[str]], bytes_: int) -> None:
    """Take the last items off lists that have others, the longest list first, until so many bytes are free or each has one item."""
    counts = {name: len(texts) for name, texts in shown.items() if name not in ("rests_on", "questions")}
    while bytes_ > 0:
        name = max(counts, key=counts.__getitem__)
        if counts[name] < 2:
            return
        counts[name] -= 1
        bytes_ -= len(shown[name].pop().encode()) + 1


def number_fitting(texts: Sequence[str], room: int) -> int:
    """How many of the first texts there is room for."""
    for number, text in enumerate(texts):
        room -= len(text.encode()) + 1
        if room < 0:
            return number
    return len(texts)


def bytes_in(texts: Sequence[str]) -> int:
    """The bytes that texts take in a list."""
    return sum(len(text.encode()) + 1 for text in texts)


def bytes_of_names(items: Collection[str]) -> int:
    """The bytes that the names of the lists and what is left of them may take."""
    return sum(len(name) + len('"":[],') for name in items) + len('"more":{},') + 20 * len(items)

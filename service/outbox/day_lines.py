"""
The events that files by day hold already: files and the number of an event go in, the numbers and ids of the lines from there on come out.

Numbers rise from line to line and from file to file, so the place of a number is found by halving.
"""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO


def written_from(files: Sequence[Path], sequence: int) -> Iterator[tuple[int, str]]:
    """The number and the id of each event at or behind a number. `files` are in the order of their days, and have whole lines only."""
    holding = len(files)
    while holding > 0:
        holding -= 1
        with files[holding].open("rb") as file:
            first = file.readline()
        if first and _told(first)[0] <= sequence:
            break
    for path in files[holding:]:
        with path.open("rb") as file:
            _seek(file, sequence)
            yield from map(_told, file)


def _seek(file: BinaryIO, sequence: int) -> None:
    """Go to the beginning of the first line at or behind a number."""
    low, high = 0, file.seek(0, os.SEEK_END)
    while low < high:
        middle = (low + high) // 2
        _next_line(file, middle)
        line = file.readline()
        if line and _told(line)[0] < sequence:
            low = middle + 1
        else:
            high = middle
    _next_line(file, low)


def _next_line(file: BinaryIO, place: int) -> None:
    """Go to the beginning of the first line that begins at a place or behind it."""
    file.seek(max(place - 1, 0))
    if place:
        file.readline()


def _told(line: bytes) -> tuple[int, str]:
    event = json.loads(line)
    return int(event["sequence"]), str(event["id"])

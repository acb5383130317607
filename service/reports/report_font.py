"""
The characters that the font of the PDF can show: its file goes in, ranges of code points come out.

The font comes with the program, so a PDF is the same on every machine. What it cannot show is found out before a report is set: the
character is written as its number, and the report says so. Source: OpenType, the table `cmap`, format 12.
"""

import struct
from bisect import bisect_right
from collections.abc import Iterable
from functools import cache
from pathlib import Path

FONT = Path(__file__).parent / "fonts" / "report-sans.otf"
_FORMAT = 12


class GlyphRanges:
    """Ranges of code points, in order."""

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        found = sorted(ranges)
        self._first = [first for first, _ in found]
        self._last = [last for _, last in found]

    def __contains__(self, character: object) -> bool:
        point = ord(str(character))
        place = bisect_right(self._first, point) - 1
        return place >= 0 and point <= self._last[place]


@cache
def coverage(font: Path = FONT) -> GlyphRanges:
    """The characters of a font."""
    data = font.read_bytes()
    (tables,) = struct.unpack_from(">H", data, 4)
    for number in range(tables):
        tag, _, start, _ = struct.unpack_from(">4sIII", data, 12 + 16 * number)
        if tag == b"cmap":
            return GlyphRanges(_ranges(data, start))
    raise ValueError("the font has no table `cmap`")


def _ranges(data: bytes, start: int) -> Iterable[tuple[int, int]]:
    """The ranges of the subtable that has all of Unicode."""
    (count,) = struct.unpack_from(">H", data, start + 2)
    for number in range(count):
        _, _, offset = struct.unpack_from(">HHI", data, start + 4 + 8 * number)
        (form,) = struct.unpack_from(">H", data, start + offset)
        if form == _FORMAT:
            (groups,) = struct.unpack_from(">I", data, start + offset + 12)
            at = start + offset + 16
            return [struct.unpack_from(">II", data, at + 12 * group) for group in range(groups)]
    raise ValueError("the font has no subtable of format 12")

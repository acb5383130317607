"""
Charts as the figures of an SVG: numbers go in, coordinates come out, which the templates draw.

There is nothing but shapes here: their colours are in the style sheet, so they follow the scheme of the reader, and the content policy
needs no exception. Each chart stands beside a table with the same numbers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 720, 200  # of a chart of bars, in units of the drawing
ROW = 48  # the height of a row of a chart of spans
STRIP = 18  # the height of a strip
LEAST_BARS = 7  # of a chart that begins where something happened


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar: its name, and its place from the top."""

    name: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a chart, its parts from the bottom up."""

    name: str
    x: float
    width: float
    total: int
    segments: tuple[Segment, ...]


def bars(values: Sequence[tuple[str, Mapping[str, int]]], order: Sequence[str], most: int | None = None) -> list[Bar]:
    """
    Stacked bars side by side, each with the numbers of its parts by name.

    The highest is as high as the chart, or `most` is, if it is given and no bar is higher.
    """
    highest = max((most or 0, *(sum(parts.values()) for _, parts in values)), default=0)
    step = WIDTH / max(1, len(values))
    return [
        Bar(name, round(step * place, 1), round(step * 0.82, 1), sum(parts.values()), tuple(_stacked(parts, order, highest)))
        for place, (name, parts) in enumerate(values)
    ]


def _stacked(parts: Mapping[str, int], order: Sequence[str], highest: int) -> Iterator[Segment]:
    top = float(HEIGHT)
    for name in (each for each in order if parts.get(each)):
        height = max(1.0, parts[name] * HEIGHT / highest)  # one of a million is seen too
        top -= height
        yield Segment(name, round(top, 1), round(height, 1))


def level(number: float, most: float) -> float:
    """The place from the top at which a bar of a number ends, where one of `most` is as high as the chart."""
    return round(HEIGHT - HEIGHT * number / most, 1) if most else float(HEIGHT)


@dataclass(frozen=True, slots=True)
class Span:
    """A bar from one day to another, in a row of its own; `open` where it goes on beyond the chart."""

    x: float
    y: float
    width: float
    open: bool


def spans(values: Sequence[tuple[date, date | None]], first: date, last: date) -> list[Span]:
    """Bars from a first day to the end of a last one, None without an end, below one another on a chart from `first` to `last`."""
    found = []
    for row, (begins, ends) in enumerate(values):
        x = on_day(min(max(begins, first), last), first, last)
        end = WIDTH if ends is None or ends >= last else on_day(max(ends, first), first, last)
        found.append(Span(x, row * ROW + 28.0, round(max(3.0, end - x), 1), ends is None))
    return found


def on_day(day: date, first: date, last: date) -> float:
    """The place of a day from the left."""
    return round(WIDTH * (day - first).days / max(1, (last - first).days), 1)


@dataclass(frozen=True, slots=True)
class StripPart:
    """A part of a strip: its name, its number, and its place from the left."""

    name: str
    count: int
    x: float
    width: float


def strip(parts: Mapping[str, int], order: Sequence[str]) -> list[StripPart]:
    """A whole from the left to the right of the chart, in its parts that are not empty."""
    total = sum(parts.get(name, 0) for name in order)
    found: list[StripPart] = []
    x = 0.0
    for name in (each for each in order if parts.get(each)):
        width = WIDTH * parts[name] / total
        found.append(StripPart(name, parts[name], round(x, 1), round(width, 1)))
        x += width
    return found


def first_bar_shown(totals: Sequence[int]) -> int:
    """From which bar on a chart shows something: the first that is not empty, or earlier, so that there are LEAST_BARS."""
    first = next((place for place, total in enumerate(totals) if total), 0)
    return max(0, min(first, len(totals) - LEAST_BARS))

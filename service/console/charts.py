"""
Charts as the figures of an SVG: numbers go in, coordinates come out, which the templates draw.

There is nothing but shapes here: their colours are in the style sheet, so they follow the scheme of the reader, and the content policy
needs no exception. Each chart stands beside a table with the same numbers.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from math import hypot, log1p
from pathlib import Path

WIDTH, HEIGHT = 720, 200  # of a chart of bars, in units of the drawing
ROW = 48  # the height of a row of a chart of spans
MAP_WIDTH, MAP_HEIGHT = 720, 290
MOST_LABELS = 8
_NORTH, _SCALE = 80.0, 2.0  # the northern edge of the map in degrees, and the units of a degree
_POINTS = Path(__file__).parent / "country_points.csv"

Point = tuple[float, float]


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
class Arc:
    """A flow between two points: the path of the arc, and its width. Of a flow within one country the path is a loop."""

    start: str
    end: str
    path: str
    width: float


def arcs(flows: Sequence[tuple[str, str, int]]) -> list[Arc]:
    """The flows between countries whose points are known; the wider the more."""
    most = max((count for *_, count in flows), default=1)
    points = country_points()
    return [
        Arc(start, end, _path(points[start], points[end]), round(1 + 4 * log1p(count) / log1p(most), 1))
        for start, end, count in flows
        if start in points and end in points
    ]


def _path(start: Point, end: Point) -> str:
    (x0, y0), (x1, y1) = start, end
    if start == end:
        return f"M{x0} {y0}c-16 -26 16 -26 0 0"
    # The arc bends to the left of its direction, so that a flow and the one back lie apart.
    bend = 0.22
    middle = (x0 + x1) / 2 + (y1 - y0) * bend, (y0 + y1) / 2 - abs(x1 - x0) * bend - hypot(x1 - x0, y1 - y0) * 0.05
    return f"M{x0} {y0}Q{middle[0]:.1f} {max(2.0, middle[1]):.1f} {x1} {y1}"


def labelled(places: Sequence[str]) -> frozenset[str]:
    """The places whose names are written beside their points: the first of them, as long as no name lies over another."""
    points = country_points()
    found: list[str] = []
    for place in places:
        x, y = points[place]
        if len(found) < MOST_LABELS and all(abs(x - points[one][0]) > 90 or abs(y - points[one][1]) > 18 for one in found):
            found.append(place)
    return frozenset(found)


@cache
def country_points() -> Mapping[str, Point]:
    """A point for each country or territory by its code, in units of the drawing."""
    lines = (line for line in _POINTS.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {row["country"]: _projected(float(row["latitude"]), float(row["longitude"])) for row in csv.DictReader(lines)}


def _projected(latitude: float, longitude: float) -> Point:
    """Equidistant cylindrical projection: degrees are units, north is up."""
    return round((longitude + 180) * _SCALE, 1), round(min(MAP_HEIGHT - 2.0, (_NORTH - latitude) * _SCALE), 1)

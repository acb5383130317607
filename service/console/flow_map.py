"""
A map of flows as the figures of an SVG: flows between countries go in; arcs with a direction and the names of both their ends come out.

There are points and no borders. The map shows the part of the world in which the flows lie. A flow whose ends cannot both be named without
a name lying over another is left to the table beside the map, and so is a place without a point.
"""

import csv
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import cos, hypot, log1p, pi, sin
from pathlib import Path

WIDE = (720, 340)  # the width and the greatest height of a drawing for a desk, and of one for a phone
NARROW = (340, 300)
LETTER = 11.5  # the height of a name
_POINTS = Path(__file__).parent / "country_points.csv"
STRETCHED = 1.6
_LEAST = 34.0  # degrees from the western to the eastern edge of a map
_LOWEST = 0.45  # the least height of a map beside its width
_EDGE = 0.13  # of the map on each side of the flows, where names and arcs have room
_STEPS = 14  # of an arc, at which a name had better not lie
_BEND = 0.2
_SPOT = 3.0
_AROUND = 16  # directions in which a name may lie from its point
_FAR = (9.0, 16.0, 24.0, 34.0)  # distances from the point; a name that lies far gets a line to it

Point = tuple[float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True, slots=True)
class Flow:
    """The exchanges from one country to another: how many decisions, and the outcome that most of them have."""

    start: str
    end: str
    count: int
    outcome: str


@dataclass(frozen=True, slots=True)
class Arc:
    """A flow as drawn: its path, the head of its arrow, and its width. Of a flow within one country the path is a loop."""

    flow: Flow
    path: str
    head: str
    width: float


@dataclass(frozen=True, slots=True)
class PlaceName:
    """A place with its point, the middle of its name, and whether a line leads from one to the other."""

    place: str
    name: str
    spot: Point
    at: Point
    led: bool


@dataclass(frozen=True, slots=True)
class FlowMap:
    """A map: its size, the points of other countries that lie in it, its arcs and its names."""

    width: int
    height: int
    dots: tuple[Point, ...]
    arcs: tuple[Arc, ...]
    names: tuple[PlaceName, ...]


def flow_map(flows: Sequence[Flow], size: tuple[int, int], name: Callable[[str], str]) -> FlowMap | None:
    """A map of some flows, the most important first, with places named by `name`; None where none of them can be drawn."""
    degrees = country_points()
    drawn = [each for each in flows if each.start in degrees and each.end in degrees]
    if not drawn:
        return None
    on_map, size = _projection([degrees[place] for each in drawn for place in (each.start, each.end)], size)
    spots = {place: on_map(degrees[place]) for each in drawn for place in (each.start, each.end)}
    crossed = [box for each in drawn for box in _along(spots[each.start], spots[each.end])]
    naming = _Naming(spots, crossed, size, name)
    shown = [each for each in drawn if naming.ends(each)]
    names = naming.placed
    most = max((each.count for each in shown), default=1)
    others = (on_map(point) for place, point in degrees.items() if place not in names)
    return FlowMap(
        *size,
        dots=tuple((x, y) for x, y in others if 0 <= x <= size[0] and 0 <= y <= size[1]),
        arcs=tuple(_arc(each, spots[each.start], spots[each.end], most) for each in shown),
        names=tuple(names.values()),
    )


@cache
def country_points() -> Mapping[str, Point]:
    """A point for each country or territory by its code: degrees of longitude and of latitude."""
    lines = (line for line in _POINTS.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {row["country"]: (float(row["longitude"]), float(row["latitude"])) for row in csv.DictReader(lines)}


def _projection(points: Sequence[Point], size: tuple[int, int]) -> tuple[Callable[[Point], Point], tuple[int, int]]:
    """
    Equidistant cylindrical projection of the part of the world around some points, north up, and the size of the map. A degree is as high
    as it is wide, or up to STRETCHED times as high where the map is low, so that names have room.
    """
    width, highest = size
    wests, norths = [x for x, _ in points], [y for _, y in points]
    wide = max(_LEAST, (max(wests) - min(wests)) / (1 - 2 * _EDGE))
    high = max(_LEAST * _LOWEST, (max(norths) - min(norths)) / (1 - 2 * _EDGE))
    scale = min(width / wide, highest / high)
    tall = min(highest / high, scale * STRETCHED)
    height = round(min(highest, max(width * _LOWEST, high * tall)))
    left = (min(wests) + max(wests) - width / scale) / 2
    top = (min(norths) + max(norths) + height / tall) / 2
    return lambda point: (round((point[0] - left) * scale, 1), round((top - point[1]) * tall, 1)), (width, height)


@dataclass
class _Naming:
    """Finds room for the names of places, each beside its point."""

    spots: Mapping[str, Point]
    crossed: Sequence[Box]  # a name lies over these only where there is no other room
    size: tuple[int, int]
    name: Callable[[str], str]
    placed: dict[str, PlaceName] = field(default_factory=dict)
    boxes: list[Box] = field(default_factory=list)  # of the names that are placed

    def ends(self, flow: Flow) -> bool:
        """Whether both ends of a flow have a name, or get one now. Where one of them finds no room, neither gets one."""
        names, boxes = dict(self.placed), list(self.boxes)
        if all(place in self.placed or self._place(place) for place in (flow.start, flow.end)):
            return True
        self.placed, self.boxes = names, boxes
        return False

    def _place(self, place: str) -> bool:
        found = self._room(place, self.crossed) or self._room(place, ())
        if found is None:
            return False
        at, led, box = found
        self.placed[place] = PlaceName(place, self.name(place), self.spots[place], at, led)
        self.boxes.append(box)
        return True

    def _room(self, place: str, crossed: Sequence[Box]) -> tuple[Point, bool, Box] | None:
        """The nearest room: the middle of the name, whether it lies so far that it gets a line to its point, and its box."""
        spot, half, high = self.spots[place], _length(self.name(place)) / 2, LETTER / 2 + 1
        taken = [*self.boxes, *map(_around, self.spots.values()), *crossed]
        for far in _FAR:
            for dx, dy in _directions():
                at = spot[0] + dx * (far + half), spot[1] + dy * (far + high)
                box = at[0] - half - 2, at[1] - high, at[0] + half + 2, at[1] + high
                if box[0] < 0 or box[1] < 0 or box[2] > self.size[0] or box[3] > self.size[1]:
                    continue
                led = far > _FAR[0]
                if any(_overlap(box, other) for other in taken) or (led and self._crosses_a_name(spot, at)):
                    continue
                return (round(at[0], 1), round(at[1], 1)), led, box
        return None

    def _crosses_a_name(self, start: Point, end: Point) -> bool:
        steps = [step / _STEPS for step in range(_STEPS + 1)]
        line = [(start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part) for part in steps]
        return any(left <= x <= right and top <= y <= bottom for x, y in line for left, top, right, bottom in self.boxes)


@cache
def _directions() -> tuple[Point, ...]:
    """Ways from a point, first below, above, and to the sides."""
    turns = sorted(range(_AROUND), key=lambda turn: (turn % (_AROUND // 4) != 0, turn))
    return tuple((sin(2 * pi * turn / _AROUND), cos(2 * pi * turn / _AROUND)) for turn in turns)


def _length(text: str) -> float:
    return sum(LETTER if unicodedata.east_asian_width(each) in "WF" else LETTER * 0.57 for each in text)


def _around(spot: Point) -> Box:
    return spot[0] - _SPOT, spot[1] - _SPOT, spot[0] + _SPOT, spot[1] + _SPOT


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _arc(flow: Flow, start: Point, end: Point, most: int) -> Arc:
    width = round(1.5 + 2.5 * log1p(flow.count) / log1p(most), 1)
    long = 4 + 2 * width  # of the arrow's head
    x0, y0 = start
    x1, y1 = end
    if start == end:
        tip, towards = (x0 + 3, y0 - 4), (-0.55, 0.83)
        back = tip[0] - towards[0] * long, tip[1] - towards[1] * long
        return Arc(
            flow,
            f"M{_(x0 - 3)} {_(y0 - 4)}c-15 -24 20 -34 {_(back[0] - x0 + 3)} {_(back[1] - y0 + 4)}",
            _head(tip, towards, long),
            width,
        )
    middle = _middle(start, end)
    away = hypot(x1 - middle[0], y1 - middle[1])
    long, gap = min(long, away * 0.6), min(_SPOT + 1, away * 0.2)
    towards = (x1 - middle[0]) / away, (y1 - middle[1]) / away
    tip = x1 - towards[0] * gap, y1 - towards[1] * gap
    back = tip[0] - towards[0] * long * 0.8, tip[1] - towards[1] * long * 0.8
    path = f"M{_(x0)} {_(y0)}Q{_(middle[0])} {_(middle[1])} {_(back[0])} {_(back[1])}"
    return Arc(flow, path, _head(tip, towards, long), width)


def _middle(start: Point, end: Point) -> Point:
    """To where an arc bends: to the left of its direction, so that a flow and the one back lie apart."""
    (x0, y0), (x1, y1) = start, end
    return (x0 + x1) / 2 + (y1 - y0) * _BEND, (y0 + y1) / 2 - (x1 - x0) * _BEND


def _along(start: Point, end: Point) -> Iterator[Box]:
    """The room that an arc takes, in steps."""
    if start == end:
        yield start[0] - 14, start[1] - 32, start[0] + 14, start[1]
        return
    middle = _middle(start, end)
    for step in range(1, _STEPS):
        part = step / _STEPS
        x, y = (
            (1 - part) ** 2 * one + 2 * part * (1 - part) * two + part**2 * three
            for one, two, three in zip(start, middle, end, strict=True)
        )
        yield x - 2, y - 2, x + 2, y + 2


def _head(tip: Point, towards: Point, long: float) -> str:
    """A triangle that ends at a point."""
    return "M" + "L".join(f"{_(x)} {_(y)}" for x, y in _corners(tip, towards, long)) + "z"


def _corners(tip: Point, towards: Point, long: float) -> Iterator[Point]:
    yield tip
    for side in (-0.45, 0.45):
        yield tip[0] - towards[0] * long - towards[1] * long * side, tip[1] - towards[1] * long + towards[0] * long * side


def _(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")

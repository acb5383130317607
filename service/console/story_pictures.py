"""
The pictures of the story as the figures of an SVG: answers of the service go in, boxes, arrows and bars come out.

The chain has the parties of some rights from the left to the right, whoever opened a right first. Money has a bar for each line of the book
of benefits. Each picture stands beside the same as a list, so nothing is said by a picture alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from service.console.charts import WIDTH

BOX, TALL, ROW = 176, 46, 66  # the width and the height of a box, and what a row takes


@dataclass(frozen=True, slots=True)
class PartyBox:
    """A party of the chain and its place; `opened` where what it has was there before anything was granted."""

    party: str
    x: float
    y: float
    opened: bool


@dataclass(frozen=True, slots=True)
class GrantArrow:
    """A grant: what it grants, and the line from one box to the other."""

    right: str
    asset: str
    path: str


@dataclass(frozen=True, slots=True)
class ChainPicture:
    """The parties of some rights, and who granted what to whom."""

    height: float
    boxes: tuple[PartyBox, ...]
    arrows: tuple[GrantArrow, ...]


@dataclass(frozen=True, slots=True)
class MoneyBar:
    """A line of the book: who gets how much, and the width of its bar beside the largest one of its currency."""

    line: Mapping[str, Any]
    amount: Decimal
    width: float


def chain_picture(answers: Sequence[Any]) -> ChainPicture:
    """The chain of the rights in some answers of `GET /v1/assets/{id}/rights`."""
    lines = [line for answer in answers for line in answer["lines"] if line["holder"]]
    grants = list({(line["granter"], line["holder"], line["asset"]): line for line in lines if line["granter"]}.values())
    opened = {line["holder"] for line in lines if not line["granter"]}
    column = dict.fromkeys([*opened, *(line["granter"] for line in grants)], 0)
    for _ in grants:  # at most as many steps as there are grants
        for line in grants:
            column[line["holder"]] = max(column.get(line["holder"], 0), min(column[line["granter"]] + 1, len(grants)))
    columns = max(column.values(), default=0) + 1
    step = (WIDTH - BOX) / max(1, columns - 1)
    places: dict[str, tuple[float, float]] = {}
    rows = [0] * columns
    for party, at in column.items():
        places[party] = (round(at * step, 1), rows[at] * ROW + 10.0)
        rows[at] += 1
    boxes = [PartyBox(party, *at, party in opened) for party, at in places.items()]
    arrows = [
        GrantArrow(line["right"], line["asset"], _arrow(places[line["granter"]], places[line["holder"]])) for line in grants
    ]
    return ChainPicture(max(rows, default=1) * ROW + 4.0, tuple(boxes), tuple(arrows))


def money_bars(answers: Sequence[Any]) -> list[MoneyBar]:
    """A bar for each line that some answers of `GET /v1/ledger/benefits` hold."""
    lines = [line for answer in answers for line in answer["lines"]]
    most: dict[str, Decimal] = {}
    for line in lines:
        most[line["currency"]] = max(most.get(line["currency"], Decimal(0)), abs(Decimal(line["amount"])))
    return [
        MoneyBar(
            line, Decimal(line["amount"]), round(float(abs(Decimal(line["amount"])) / (most[line["currency"]] or 1)) * 100, 1)
        )
        for line in lines
    ]


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    left, right = start[0] + BOX, end[0] - 7
    top, bottom = start[1] + TALL / 2, end[1] + TALL / 2
    middle = (left + right) / 2
    return f"M{left} {top}C{middle} {top} {middle} {bottom} {right} {bottom}"

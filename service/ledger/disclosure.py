"""
Which cells of a statistic may be seen by everybody: those that are of enough parties, and do not give another cell away.

A cell is a year and a part of it: a month, or a word of one dimension. It is shown if it has at least LEAST known suppliers and as many
recipients. Where the hidden cells of a year together may be of fewer, the smallest shown cell of that year is hidden too. So what the
total of a year gives away is always a sum of at least LEAST parties on each side; and every sum that is told is of shown cells alone.
"""

from collections.abc import Mapping
from typing import NamedTuple

LEAST = 3


class Parties(NamedTuple):
    """How many suppliers and recipients of a cell are known, and of how many exchanges it is."""

    suppliers: int
    recipients: int
    exchanges: int

    def enough(self, least: int) -> bool:
        """Whether they are at least so many on each side."""
        return min(self.suppliers, self.recipients) >= least


Cell = tuple[str, str]  # a year, and the month or the word of the dimension


def disclosed_cells(cells: Mapping[Cell, Parties], least: int = LEAST) -> frozenset[Cell]:
    """The cells that may be seen; `least` parties on each side are enough."""
    years: dict[str, list[Cell]] = {}
    for cell in cells:
        years.setdefault(cell[0], []).append(cell)
    found: set[Cell] = set()
    for of_year in years.values():
        open_cells = {cell for cell in of_year if cells[cell].enough(least)}
        hidden = [cells[cell] for cell in of_year if cell not in open_cells]
        # Together they have at least as many parties as the one that has most. A cell that is shown has enough.
        together = max((each.suppliers for each in hidden), default=0), max((each.recipients for each in hidden), default=0)
        if hidden and open_cells and min(together) < least:
            open_cells.remove(min(open_cells, key=lambda cell: (cells[cell].exchanges, cell)))
        found |= open_cells
    return frozenset(found)

"""
The lines of the tables: a name and cells in, a printed line out; and figures beside what is to be reached.

A goal has two limits: what is reached at least, and what is aimed at. A goal that is not met does not fail the run, because others use
the machine too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

WIDTH = 66


@dataclass(frozen=True, slots=True)
class Goal:
    """The two limits of a figure, in its unit. `falling`: a smaller figure is better."""

    least: float
    aim: float | None = None
    falling: bool = False

    def said(self, value: float) -> str:
        """Whether a figure meets the goal."""
        if not self._within(value, self.least):
            return "NOT MET"
        return "met" if self.aim is None or not self._within(value, self.aim) else "aim met"

    def _within(self, value: float, limit: float) -> bool:
        return value <= limit if self.falling else value >= limit


def at_most(least: float, aim: float | None = None) -> Goal:
    """The goal of a figure of which less is better, like a time."""
    return Goal(least, aim, falling=True)


def line(first: str, *cells: str, width: int = WIDTH) -> None:
    """One line: a wide first column, then cells, each to the right."""
    print(f"{first:{width}}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


def progress(says: str) -> None:
    """What begins now, for whoever waits; it is no part of the tables."""
    print(f"  … {says}", file=sys.stderr, flush=True)


def heading(first: str, *more: str) -> None:
    """The heading of a table of figures with goals; `more` heads what stands behind them."""
    print()
    line(first, "here", "at least", "aim", "", *more)


def figure(name: str, value: float, show: Callable[[float], str], goal: Goal | None = None, *more: str) -> None:
    """A figure beside its goal, if it has one; `show` writes a number with its unit."""
    if goal is None:
        line(f"  {name}", show(value), "", "", "", *more)
    else:
        aim = "" if goal.aim is None else show(goal.aim)
        line(f"  {name}", show(value), show(goal.least), aim, goal.said(value), *more)


def micro(seconds: float) -> str:
    """A time in microseconds."""
    return f"{seconds * 1e6:,.1f} µs" if seconds < 1e-4 else f"{seconds * 1e6:,.0f} µs"


def times(ratio: float) -> str:
    """A ratio as so many times."""
    return f"{ratio:.2f}×"


def share(ratio: float) -> str:
    """A ratio as a share of one."""
    return f"{ratio:.3f}"


def size(number: float) -> str:
    """A number of bytes."""
    return f"{number:,.0f} bytes"


def megabytes(number: float) -> str:
    """An amount of memory."""
    return f"{number:,.1f} MB"

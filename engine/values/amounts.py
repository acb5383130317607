"""
Amounts with a unit: sums of money in a currency, and quantities such as energy or computing.

A text goes in (`20000000 USD`, `120 kWh`), or a range of two as JSON; an Amount comes out. Amounts are compared in one unit only. Money
is never converted. A quantity is turned into the base unit of what it measures as it is read, exactly, and keeps how it was written.
Source: semantics 1.2, 2.8, 2.10.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact
from functools import reduce
from typing import Any, Self

from engine.values.bad_value import BadValue
from engine.values.id_spellings import Spellings

AMOUNTS = ("money", "quantity")  # the kinds of types whose values have a unit
MOST_EXPONENT = 30  # of a number like `1e25`
MONEY_TEXT = re.compile(r"(-?\d{1,15}(?:\.\d{1,4})?) ([A-Z]{3})", re.ASCII)
QUANTITY_NUMBER = r"\d{1,40}(?:\.\d{1,24})?(?:e\d{1,2})?"
_QUANTITY_TEXT = re.compile(rf"({QUANTITY_NUMBER}) (\S.{{0,63}})", re.ASCII)
EXACT = Context(prec=200, traps=[Inexact])  # more digits than a sum of quantities can have; what is not exact is an error


@dataclass(frozen=True, slots=True)
class Amount:
    """A number in a unit: of a quantity in the base unit of what it measures, with the text that was `written` for it."""

    amount: Decimal
    unit: str
    written: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return self.written or f"{self.amount:f} {self.unit}"

    def plus(self, more: Decimal | int) -> Self:
        """More in the same unit, exactly."""
        return type(self)(EXACT.add(self.amount, more), self.unit)

    def up_to(self, high: Amount | None) -> AmountRange:
        """A range from this amount to another one in its unit, or without an upper end."""
        return AmountRange(self.amount, high.amount if high else None, self.unit, (self.written, high.written if high else ""))


@dataclass(frozen=True, slots=True)
class AmountRange:
    """An amount in one unit, known to lie in [low, high], both ends inclusive; without an upper end, `high` is None."""

    low: Decimal
    high: Decimal | None
    unit: str
    written: tuple[str, str] = field(default=("", ""), compare=False, repr=False)

    def __str__(self) -> str:
        low, high = self.ends
        if high is None:
            return f"{low} or more"
        unit = high.partition(" ")[2]
        return f"{low.removesuffix(f' {unit}')} to {high}"

    @property
    def ends(self) -> tuple[str, str | None]:
        """Both ends as texts."""
        low, high = (
            Amount(end, self.unit, text) for end, text in zip((self.low, self.high or self.low), self.written, strict=True)
        )
        return str(low), None if self.high is None else str(high)


@dataclass(frozen=True, slots=True)
class Money(Amount):
    """A sum of money."""

    @property
    def currency(self) -> str:
        return self.unit

    def __repr__(self) -> str:
        return f"Money(amount={self.amount!r}, currency={self.unit!r})"  # digests are made from this text

    def up_to(self, high: Amount | None) -> MoneyRange:
        """A range from this sum to another one in its currency, or without an upper end."""
        return MoneyRange(self.amount, high.amount if high else None, self.unit)


@dataclass(frozen=True, slots=True)
class MoneyRange(AmountRange):
    """A sum of money of which only the least, or the least and the most, is known."""

    @property
    def currency(self) -> str:
        return self.unit


class Units:
    """A closed table of units: the base unit of each, and how many of the base it is. `spelt` has their other spellings."""

    def __init__(self, table: Mapping[str, tuple[str, Decimal]], spelt: Mapping[str, Iterable[str]], name: str = "") -> None:
        self.table = table
        self.name = name  # of a part of the table: its base units
        self.bases = tuple(dict.fromkeys(base for base, _ in table.values()))
        self._spelt = spelt
        self._spellings = Spellings({unit: spelt.get(unit, ()) for unit in table})

    def of(self, bases: Sequence[str]) -> Units:
        """The units of some bases."""
        return Units({unit: each for unit, each in self.table.items() if each[0] in bases}, self._spelt, " or ".join(bases))

    @property
    def pattern(self) -> str:
        """The spelling of a quantity, for schemas."""
        return f"{QUANTITY_NUMBER} (?:{'|'.join(map(re.escape, self.table))})"

    def read(self, text: str) -> Amount:
        """A quantity in the base unit of its unit."""
        match = _QUANTITY_TEXT.fullmatch(text)
        if match is None or int(match[1].partition("e")[2] or 0) > MOST_EXPONENT:
            raise BadValue(f"`{text[:40]}` is not a quantity", "write a number and a unit, like `120 kWh` or `1e25 FLOP`")
        number, unit = match.groups()
        if unit not in self.table:
            near = " or ".join(f"`{each}`" for each in self._spellings.nearest(unit))
            help = f"did you mean {near}?" if near else f"the units are {', '.join(f'`{each}`' for each in self.table)}"
            raise BadValue(f"`{unit[:40]}` is not a unit", help)
        base, times = self.table[unit]
        return Amount(EXACT.multiply(Decimal(number), times), base, text)


def read_money(text: str) -> Money:
    """A sum of money, `20000000 USD`."""
    if match := MONEY_TEXT.fullmatch(text):
        return Money(Decimal(match.group(1)), match.group(2))
    raise BadValue(f"`{text[:40]}` is not a sum of money", "write it like `20000000 USD`")


def accept_amount(json: Any, read: Callable[[str], Amount], example: str) -> Amount | AmountRange:
    """An amount that an exchange states: a text, or what is known of it, the least or the least and the most (semantics 2.8)."""
    if isinstance(json, str):
        return _not_below_zero(read(json))
    if (
        not isinstance(json, Mapping)
        or "at_least" not in json
        or set(json) - {"at_least", "at_most"}
        or not all(isinstance(each, str) for each in json.values())
    ):
        raise BadValue(f'must be text like "{example}", or a range like {{"at_least": "{example}"}} with or without `at_most`')
    low = _not_below_zero(read(json["at_least"]))
    if "at_most" not in json:
        return low.up_to(None)
    high = _not_below_zero(read(json["at_most"]))
    if low.unit != high.unit:
        raise BadValue(f"`at_least` is in {low.unit} and `at_most` in {high.unit}", "write both ends in units of one kind")
    if high.amount < low.amount:
        raise BadValue("`at_most` is below `at_least`")
    return low if low.amount == high.amount else low.up_to(high)


def sum_of(amounts: Sequence[Amount]) -> Amount:
    """The exact sum of amounts in one unit, of which there are some."""
    return reduce(lambda one, other: one.plus(other.amount), amounts)


def _not_below_zero(amount: Amount) -> Amount:
    if amount.amount.is_signed():
        raise BadValue(f"`{amount}` is below zero", f"the least is `0 {amount.unit}`")
    return amount

"""
Ratios that no decimal is equal to, like a third: text goes in, a number comes out that is compared and added up exactly.

A ratio that a decimal is equal to stays a decimal, so `1/4` and `0.25` are one value.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

FRACTION = r"\d{1,15}/[1-9]\d{0,14}"
_PLACES = 12  # of a decimal that an exchange may state


class ExactRatio(Fraction):
    """A fraction that is written as it is sent, `1/3`. It may be added to decimals, and is compared with them exactly."""

    def __format__(self, spec: str) -> str:
        return str(self)

    def __add__(self, other: Decimal | Fraction | int) -> Number:  # type: ignore[override]
        return exact_ratio(Fraction(self) + Fraction(other))

    def __radd__(self, other: Decimal | Fraction | int) -> Number:  # type: ignore[override, misc]
        return self + other

    def __sub__(self, other: Decimal | Fraction | int) -> Number:  # type: ignore[override]
        return exact_ratio(Fraction(self) - Fraction(other))

    def __rsub__(self, other: Decimal | Fraction | int) -> Number:  # type: ignore[override, misc]
        return exact_ratio(Fraction(other) - Fraction(self))

    def __truediv__(self, other: Decimal | Fraction | int) -> Number:  # type: ignore[override]
        return exact_ratio(Fraction(self) / Fraction(other))

    def __abs__(self) -> ExactRatio:
        return ExactRatio(abs(Fraction(self)))


Number: TypeAlias = Decimal | ExactRatio


def exact_ratio(number: Fraction | Decimal | int | str) -> Number:
    """A number as a decimal where one of a few places is equal to it, otherwise as a fraction."""
    if isinstance(number, Decimal):
        return number
    found = Fraction(number)
    if 10**_PLACES % found.denominator:
        return ExactRatio(found)
    return Decimal(found.numerator) / Decimal(found.denominator)


def ratio_text(ratio: Fraction | Decimal) -> str:
    """A ratio as it is written: `0.25`, or `1/3`."""
    return f"{exact_ratio(ratio):f}"

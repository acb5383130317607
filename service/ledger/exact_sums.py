"""
Sums of money that a database adds without rounding: a decimal goes in, three whole numbers come out that can be summed apart.

A database's whole numbers have 64 bits, and its decimals are floating in SQLite. A decimal of at most sixteen places is split into three
parts below 10**11, so that millions of them are summed part by part without an overflow.
"""

from collections.abc import Sequence
from decimal import Decimal

PLACES = 16
_BASE = 10**11
_UNIT = 10**PLACES


def parts(amount: Decimal) -> tuple[int, int, int]:
    """A decimal of at most 16 places below 10**17, as its high, middle and low part; each has the sign of the decimal."""
    sign, digits, exponent = amount.as_tuple()
    assert isinstance(exponent, int) and exponent >= -PLACES, "an amount of money has at most sixteen places"
    whole = int("".join(map(str, digits)) or "0") * 10 ** (exponent + PLACES)
    rest, low = divmod(whole, _BASE)
    high, middle = divmod(rest, _BASE)
    assert high < _BASE, "an amount of money has at most seventeen digits before the point"
    return (-high, -middle, -low) if sign else (high, middle, low)


def whole(summed: Sequence[int]) -> int:
    """The sum of some decimals from the sums of their parts, in units of 10**-16."""
    high, middle, low = summed
    return (high * _BASE + middle) * _BASE + low


def text(units: int) -> str:
    """A sum in units of 10**-16 as a decimal, as short as it can be."""
    before, after = divmod(abs(units), _UNIT)
    fraction = f"{after:0{PLACES}}".rstrip("0")
    return f"{'-' if units < 0 else ''}{before}{'.' if fraction else ''}{fraction}"

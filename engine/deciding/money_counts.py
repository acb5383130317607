"""
Sums of money as a counter keeps them: whole numbers of ten-thousandths of one currency, never floating and never converted.

A sum of money goes in and comes out as a range of such numbers in a currency. An exchange's sum in another currency adds an amount that
nobody knows in this one, so it leaves the sum open above. What is below zero is no income and adds nothing.
"""

from __future__ import annotations

from decimal import Decimal

from engine.values import Disputed, Missing, Money, MoneyRange, Number, Range, Value, either

PLACES = Decimal("0.0001")  # a sum of money is written with four decimals at most
NO_SUM = Range(Decimal(0), None)


def parts(value: Value) -> Range:
    """A sum of money in ten-thousandths of its currency; where it is not known, from nothing on."""
    match value:
        case Money(amount=amount):
            return Range.exact(max(Decimal(0), amount) / PLACES)
        case MoneyRange(low=low, high=high):
            return Range(max(Decimal(0), low) / PLACES, None if high is None else max(Decimal(0), high) / PLACES)
        case Disputed():
            sums = [parts(each) for each in either(value)]
            highs = [each.high for each in sums if each.high is not None]
            return Range(min(each.low for each in sums), max(highs) if len(highs) == len(sums) else None)
    return NO_SUM


def money_parts(sum_: Money) -> int:
    """A sum of money in ten-thousandths of its currency."""
    return int(parts(sum_).low)


def currency_of(value: Value) -> str:
    """The currency of a sum of money; "" where it is not known, or disputed."""
    found = {each.currency if isinstance(each, Money | MoneyRange) else "" for each in either(value)}
    return found.pop() if len(found) == 1 else ""


def parts_in(value: Value, currency: str) -> Range:
    """What a sum adds to a sum in a currency: its parts where it is in that currency, otherwise an amount that nobody knows."""
    if isinstance(value, Missing):
        return NO_SUM
    found = parts(value)
    return found if currency_of(value) == currency or found.high == 0 else NO_SUM


def in_currency(sum_: Range, currency: str) -> Money | MoneyRange:
    """A range of ten-thousandths as a sum of money, with at least two decimals."""
    low, high = _amount(sum_.low), None if sum_.high is None else _amount(sum_.high)
    return Money(low, currency) if low == high else MoneyRange(low, high, currency)


def _amount(count: Number) -> Decimal:
    exact = Decimal(int(count)) * PLACES
    cents = exact.quantize(Decimal("0.01"))
    return cents if cents == exact else exact

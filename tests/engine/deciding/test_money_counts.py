"""Sums of money as counters keep them: exact, in one currency, open above where something is in another one."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.deciding.money_counts import NO_SUM, currency_of, in_currency, parts, parts_in
from engine.values import Disputed, Missing, Money, MoneyRange, Range, Value

FEE = Money(Decimal("12.5"), "CNY")
SPAN = MoneyRange(Decimal("1.0001"), Decimal(2), "CNY")


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        (FEE, 125_000, 125_000),
        (Money(Decimal("-3"), "CNY"), 0, 0),
        (SPAN, 10_001, 20_000),
        (MoneyRange(Decimal(1), None, "CNY"), 10_000, None),
        (Missing.UNKNOWN, 0, None),
        (Disputed(FEE, Money(Decimal(20), "CNY")), 125_000, 200_000),
        (Disputed(FEE, Missing.UNKNOWN), 0, None),
    ],
)
def test_a_sum_in_ten_thousandths(value: Value, least: int, most: int | None) -> None:
    """What is below zero adds nothing, what is not known may be any amount, and what is disputed is anything between."""
    assert parts(value) == Range(Decimal(least), None if most is None else Decimal(most))


def test_another_currency_is_an_amount_that_nobody_knows() -> None:
    """Only nothing is nothing in every currency."""
    assert parts_in(FEE, "CNY") == Range.exact(125_000)
    assert parts_in(FEE, "USD") == NO_SUM
    assert parts_in(Money(Decimal(0), "USD"), "CNY") == Range.exact(0)
    assert currency_of(Disputed(FEE, Money(Decimal(1), "USD"))) == ""


@given(st.decimals(min_value=0, max_value=10**15 - 1, places=4))
def test_a_sum_comes_out_as_it_went_in(amount: Decimal) -> None:
    """Through whole numbers and back, with two decimals or as many as it needs."""
    value = in_currency(parts(Money(amount, "CNY")), "CNY")
    assert isinstance(value, Money)
    assert value.amount == amount
    assert value.amount.as_tuple().exponent in (-2, -3, -4)

"""
What is odd about a sum of money in a policy: a sum goes in, and comes out in words, with what to do; nothing where nothing is odd.

`10.000 EUR` is ten thousand to whoever writes numbers as Germans do, and ten to every engine; `5 RMB` is a currency in which no exchange
states anything. Both are sums, so neither is an error.
"""

from __future__ import annotations

from engine.values import Money
from engine.values.currencies import minor_units


def money_mistake(text: str, sum: Money) -> tuple[str, str] | None:
    """What is odd about a sum as it is written, and what to write instead."""
    if sum.currency not in minor_units():
        return f"`{sum.currency}` is no currency of ISO 4217", "write the code of the currency, like `CNY`"
    digits = minor_units()[sum.currency]
    decimals = -int(sum.amount.as_tuple().exponent)
    if digits is None or decimals <= digits:
        return None
    plain = f"{sum.amount.quantize(1):f}"
    said = f"`{text}` has {decimals} digit{'s' if decimals > 1 else ''} after the point, more than {sum.currency} has: it is about {plain}"
    return said, f"write `{text.replace('.', '')}` if the point parts thousands, otherwise fewer digits"

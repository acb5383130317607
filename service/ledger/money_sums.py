"""
Sums of money of the ledger: each currency is added up by itself, and nothing is converted.

A sum in one currency is known exactly as long as nothing was taken in in another one. What exceeded the maximum of one recorded period
is carried into the next: what each period took in goes in, and the tally that enters the present one comes out. Tallies are in
ten-thousandths of the currency.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import engine

NOTHING = engine.Tally()


def sum_in(sums: Mapping[str, engine.Tally], fact: str, currency: str) -> engine.Tally:
    """What was added up of a fact; of money in one currency, without an upper end where there is any in another."""
    if not currency:
        return sums.get(fact, NOTHING)
    here = f"{fact} {currency}"
    found = sums.get(here, NOTHING)
    return open_above(found) if any(place != here and is_any(sums[place]) for place in of_fact(sums, fact)) else found


def of_fact(places: Iterable[str], fact: str) -> list[str]:
    """The places of a fact: of money, one for each currency, and one for a currency that is not known."""
    return [place for place in places if place.partition(" ")[0] == fact]


def is_any(tally: engine.Tally) -> bool:
    """Whether a sum may be more than nothing."""
    return tally.most != 0


def open_above(tally: engine.Tally) -> engine.Tally:
    """The same without an upper end."""
    return engine.Tally(tally.largest, tally.least, None)


def carried(taken_in: Iterable[tuple[engine.Tally, bool]], maxima: Iterable[int | None]) -> engine.Tally:
    """
    What earlier periods, in their order, carry into the next one: what each took in beyond its maximum.

    With the sum of each comes whether what was carried into it is in the sum already. A maximum is None where none is known in the currency
    of the sum: then anything that was taken in may be beyond it.
    """
    over = NOTHING
    for (taken, whole), most in zip(taken_in, maxima, strict=True):
        taken = taken if whole else taken + over
        if most is None:
            over = NOTHING if taken.most == 0 else engine.Tally(most=None)
        else:
            least = max(0, taken.least - most)
            over = engine.Tally(least, least, None if taken.most is None else max(0, taken.most - most))
    return over


def shown(place: str, count: int | None) -> int | str | None:
    """A number that is kept under a place: of money, the sum in its currency, like `1200.00 CNY`."""
    currency = place.partition(" ")[2]
    return count if count is None or not currency else str(engine.in_currency(engine.Range.exact(count), currency))


def sums(count: engine.Range, currency: str) -> dict[str, Any]:
    """A sum as JSON: both ends in words of the currency, like `1200.00 CNY`."""
    value = engine.in_currency(count, currency)
    if isinstance(value, engine.Money):
        return {"at_least": str(value), "at_most": str(value)}
    ends: dict[str, Any] = engine.to_json(value)
    return ends


def currency_of(exchange: engine.Exchange, fact: str) -> str:
    """The currency of a sum of money that was sent; "" where it is not known."""
    value = exchange.value(fact)
    return value.currency if isinstance(value, engine.Money | engine.MoneyRange) else ""


def registered(bundle: engine.Bundle, stated: Any, fact: str) -> engine.Money | None:
    """A sum of money that the register states of a fact; None where it states none that is exact."""
    type = bundle.vocabulary.type_of(fact)
    try:
        value = type.accept(stated) if type is not None and stated is not None else None
    except ValueError:  # it was written under other policies
        return None
    return value if isinstance(value, engine.Money) else None

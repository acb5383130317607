"""
A counter as a table: one row for each counted fact, and of money one for each currency.

A counter as it is answered goes in, with the facts that it is kept per. CSV comes out, its first row with the names of the columns. A
cell that a spreadsheet would take for a formula begins with `'`.
"""

import csv
import io
from collections.abc import Mapping

from service.ledger.commitment_list import CountPart, SumPart
from service.ledger.counter_balances import CounterPart

MEDIA_TYPE = "text/csv"
_FORMULA = ("=", "+", "-", "@")


def table(counter: CounterPart, per: Mapping[str, str]) -> str:
    """The counter as CSV. An end that is not known is an empty cell."""
    found = io.StringIO()
    rows = csv.writer(found, lineterminator="\r\n")
    maximum = counter.period.maximum if counter.period else None
    rows.writerow(
        (*per, "counter", "fact", "first", "last", "currency", "at_least", "at_most", "maximum", "complete", "recount")
    )
    counts = [(fact, count, maximum) for fact, count in counter.counts.items()]
    counts += [(counter.counter, sum_, None) for sum_ in counter.other_currencies or ()]
    for fact, count, most in counts:
        currency, *ends = _ends(count)
        window = counter.window.first.isoformat(), counter.window.last.isoformat()
        state = ("yes" if each else "no" for each in (counter.complete, counter.recount))
        amount = (most or "").partition(" ")[0]
        rows.writerow((*map(_cell, per.values()), counter.counter, fact, *window, currency, *ends, amount, *state))
    return found.getvalue()


def _ends(count: CountPart | SumPart) -> tuple[str, str, str]:
    """The currency of a count, "" where it is no money, and both of its ends without it."""
    ends = ["" if end is None else str(end) for end in (count.at_least, count.at_most)]
    amounts = [end.partition(" ") for end in ends]
    return amounts[0][2], amounts[0][0], amounts[1][0]


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text

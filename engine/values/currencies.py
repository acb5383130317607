"""
The currencies of ISO 4217 and their minor units: how many digits an amount has after the point.

The table is ISO's own list one, which the package `iso4217` carries as ISO publishes it. This is the only door to that package. Other
tables differ: some give the dinar and the forint no digits, because cash has none; ISO gives three and two.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from iso4217 import raw_table


@cache
def minor_units() -> Mapping[str, int | None]:
    """The digits after the point by currency; None for a code without a minor unit, such as gold."""
    digits = {str(code): str(entry["CcyMnrUnts"]) for code, entry in raw_table.items() if code}
    return {code: int(each) if each.isdigit() else None for code, each in digits.items()}

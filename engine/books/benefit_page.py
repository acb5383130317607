"""
A page of the book of benefits: what the ledger says of one exchange and who has a share in what it earns.

Nothing in a page names a party: whoever is paid or pays has a key within the page. `exporter` is the exporter, `p1`, `p2` … are others in
the order in which they first appear, and `role:public` is the account of a role that names no party.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

EXPORTER = "exporter"  # the key of whoever supplies
ROLE = "role:"  # begins the key of the account of a role

MOST_STEPS = 512  # of a page
MOST_SHARES = 500  # of a step

_Key = Annotated[str, Field(min_length=1, max_length=200)]
_Ratio = Annotated[str, Field(pattern=r"^(\d{1,20}(\.\d{1,20})?|\d{1,20}/[1-9]\d{0,19})$")]
_Sum = Annotated[str, Field(pattern=r"^\d{1,25}(\.\d{1,10})?$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BenefitShare(_Part):
    """
    A share of an agreement. `payee` is a key of the page, `role` the role of the vocabulary that the agreement says.

    `ratio` is exact: `0.25` or `1/3`. `room` is what is left under the cap, by currency: None is no cap, and in a currency without a sum
    nobody knows how much is left. `until` is the last day of the share.
    """

    payee: _Key
    role: str | None = None
    ratio: _Ratio
    of: Literal["price", "income"]
    kind: Literal["share", "commission", "component"] = "share"
    room: dict[str, _Sum] | None = None
    until: date | None = None


class BenefitStep(_Part):
    """
    An agreement, and who pays by it in this exchange.

    `after` is the number of the step that pays this payer: what it receives there is the base. Without one the payer is the exporter.
    `by` is what the step takes its share for: `asset:N` for the N-th of what the data were made from, or the id of a grant's commitment.
    `days` is the number of days until what it makes payable is due.
    """

    agreement: str
    version: int
    payer: _Key
    after: Annotated[int, Field(ge=0)] | None = None
    by: str = ""
    shares: Annotated[tuple[BenefitShare, ...], Field(max_length=MOST_SHARES)]
    days: Annotated[int, Field(ge=0, le=36_600)] = 30


class BenefitPricing(_Part):
    """How the price of the named agreement comes about. `amount` is money, like `100.00 CNY`: all of it, by unit, or by period."""

    kind: Literal["fixed", "per-unit", "subscription", "share-of-income"]
    amount: str | None = None
    unit: str | None = None
    period: str | None = None
    ratio: _Ratio | None = None


class BenefitsPage(_Part):
    """
    What the ledger says of the benefits of one exchange, `on` a day.

    `state` is `none` where no agreement matters and none is needed, `read` where all that matter are here, `asked` where one stands for
    the exporter and the asset and the exchange names none, `unsaid` where the exporter pays by some agreement and the exchange does not
    say which data these are, or what they were made from, `unheld` where an asset that the data were made from is neither held by an
    opening nor under an agreement, and `chain-too-long` where the chain was not read to its end.

    `named` is the agreement that the exchange names: it divides the price. `steps` are those further up, each after the step that its
    `after` names. `overdue` counts the lines of the exporter that are past their due day and not paid;
    None where nobody knows how many.
    """

    on: date
    state: Literal["none", "read", "asked", "unsaid", "unheld", "chain-too-long"]
    named: BenefitStep | None = None
    steps: Annotated[tuple[BenefitStep, ...], Field(max_length=MOST_STEPS)] = ()
    overdue: Annotated[int, Field(ge=0)] | None = 0
    pricing: BenefitPricing | None = None

"""
What a ledger says of shares: the member `shares` of an exchange goes in, the values of the facts that it fills come out.

It says of a fact the two whole numbers of the share, rounded up at six places here; or in a word why there are none. What it says nothing
of has a share of 0. Source: semantics 2.1, 4.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal, localcontext
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from engine.exchange import Exchange
from engine.policy_language.share_facts import LedgerShare, shares_of
from engine.policy_language.vocabulary import Vocabulary
from engine.register_facts import COUNTED, REGISTERED
from engine.values import Missing, Range, SetOf, Value

SHARES = "shares"  # the member of an exchange with what the ledger says of it
PLACES = Decimal("0.000001")
_ZERO = Range.exact(0)
_Number = Annotated[int, Field(ge=0, le=10**15)]


class ShareNumbers(BaseModel, frozen=True, extra="forbid", strict=True):
    """
    The exchanges of a party or a state in a cell, over all exchanges of the cell, the one that is decided included.

    `left_out` further exchanges were counted under another meaning; they may be anybody's, in any cell.
    """

    numerator: _Number
    denominator: Annotated[int, Field(ge=1, le=10**15)]
    left_out: _Number = 0

    @property
    def share(self) -> Range:
        """The share, rounded up."""
        low = _rounded_up(self.numerator, self.denominator + self.left_out)
        return Range(low, _rounded_up(self.numerator + self.left_out, self.denominator + self.left_out))


# `too-few`: the cell has too few exchanges or parties. `none`: the exchange is in no cell, or the party is the public. `unknown`: nobody
# knows whose share it is, or in which cell the exchange lies.
ShareSaid: TypeAlias = ShareNumbers | Literal["too-few", "none", "unknown"]
_SAID: TypeAdapter[dict[str, ShareSaid]] = TypeAdapter(dict[str, ShareSaid])


def _rounded_up(numerator: int, denominator: int) -> Decimal:
    with localcontext(prec=40):
        whole = -(-numerator * 10**6 // denominator)
        return min(Decimal(1), (whole * PLACES).quantize(PLACES, ROUND_CEILING)).normalize()


@dataclass(frozen=True, slots=True)
class LedgerShares:
    """The shares of one vocabulary, as a reader of exchanges fills them in."""

    each: tuple[LedgerShare, ...]

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> LedgerShares:
        """The shares of a vocabulary."""
        return cls(shares_of(vocabulary))

    def read(self, sent: Any) -> dict[str, ShareSaid]:
        """What a ledger says, from JSON. Raises ValueError."""
        try:
            said = _SAID.validate_python(sent)
        except ValidationError:
            raise ValueError("says of each share two whole numbers, or `too-few`, `none` or `unknown`") from None
        if unknown := said.keys() - {share.fact for share in self.each}:
            raise ValueError(f"the vocabulary has no share `{min(unknown)[:100]}`")
        return said

    def filled(self, exchange: Exchange, said: Mapping[str, ShareSaid]) -> Exchange:
        """The exchange with the values of all shares. What an entity of the register states of one holds where it is higher."""
        values, follows = dict(exchange.values), dict(exchange.follows)
        sources, asks = dict(exchange.sources), dict(exchange.asks)
        for share in self.each:
            told, stated = said.get(share.fact), values.get(share.fact)
            value = _value(told)
            if exchange.sources.get(share.fact) == REGISTERED and not (
                isinstance(stated, Range) and isinstance(value, Range) and value.low > stated.low
            ):
                continue
            values[share.fact], follows[share.fact] = value, ()
            if told is not None:
                sources[share.fact] = COUNTED
            asks.pop(share.fact, None)
            if value != _ZERO:
                facts = (each for each in (share.of, share.by) if each and told == "unknown")
                asks[share.fact] = tuple(each for each in facts if not _is_known(values.get(each)))
        return replace(exchange, values=values, follows=follows, sources=sources, asks=asks)


def _value(said: ShareSaid | None) -> Value:
    if isinstance(said, ShareNumbers):
        return said.share
    return Missing.UNKNOWN if said == "unknown" else _ZERO


def _is_known(value: Value | None) -> bool:
    return value is not None and not isinstance(value, Missing) and not (isinstance(value, SetOf) and value.open)

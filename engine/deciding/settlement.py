"""
The settlement of an exchange: how its price is divided among those who benefit, to the last minor unit.

The price, the shares and the named parties of an exchange go in. Amounts come out that add up to the price exactly, or the reason why
there are none. The price is taken as it is stated, before tax; nothing is converted and nothing is added up over currencies. The
vocabulary says which facts are read (`settlement:`); this module names no fact and no role.

Method: largest remainder (Hamilton). Each role gets the whole minor units of its share; the units that are left go one by one to the
largest remainders, ties in the order of the roles' codes. A role's amount is then divided equally among its named parties in the same
way, ties in the order of their ids. So what a role gets does not depend on how many parties are named for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from engine.decision import SettlementState
from engine.exchange import Exchange
from engine.policy_language.vocabulary import Vocabulary
from engine.values import Disputed, Missing, Money, Range, SetOf
from engine.values.currencies import minor_units

MOST_UNITS = 2**63 - 1  # of a price: what a database keeps as one whole number


@dataclass(frozen=True, slots=True)
class PayableLine:
    """
    What is payable to one party, or to the account of a role that names no party (`party` is None).

    `share` is the share of the whole role. `units` are minor units. `fact` is the fact that names the party.
    """

    role: str
    share: Decimal
    units: int
    party: str | None = None
    fact: str = ""


@dataclass(frozen=True, slots=True)
class Settlement:
    """The settlement of one exchange. Its lines are in the order of roles and parties; `scale` is the digits after the point."""

    state: SettlementState
    price: Money | None = None
    scale: int = 0
    lines: tuple[PayableLine, ...] = ()

    def amount(self, units: int) -> str:
        """An amount in minor units as a decimal text, with all digits of the currency."""
        return amount_text(units, self.scale)


def amount_text(units: int, scale: int) -> str:
    """Minor units as a decimal text: 3600000 with two digits after the point is `36000.00`."""
    digits = f"{abs(units):0{scale + 1}d}"
    whole, part = digits[: len(digits) - scale], digits[len(digits) - scale :]
    return f"{'-' if units < 0 else ''}{whole}{'.' if scale else ''}{part}"


def settle(vocabulary: Vocabulary, exchange: Exchange, instead: Money | None = None) -> Settlement | None:
    """
    The settlement of an exchange, or what it were with another price `instead` of its own.

    None where the vocabulary has none, or where the exchange speaks neither of a price nor of shares.
    """
    words = vocabulary.settlement
    if words is None:
        return None
    price = instead or exchange.value(words.price)
    shares = {member.removeprefix(f"{words.shares}."): exchange.value(member) for member in vocabulary.families[words.shares]}
    free = any(exchange.value(fact) == value for fact, value in words.free.items())
    if price is Missing.LEFT_OUT and not free and all(each is Missing.LEFT_OUT for each in shares.values()):
        return None
    if isinstance(price, Disputed):
        return Settlement("price-disputed")
    if not isinstance(price, Money):
        return Settlement("nothing-payable" if free else "price-unknown")
    if price.amount < 0:
        return Settlement("price-below-zero", price)
    if price.amount == 0:
        return Settlement("nothing-payable", price)
    if free:
        return Settlement("price-of-a-free-supply", price)
    known: dict[str, Decimal] = {}
    for role, share in shares.items():
        if isinstance(share, Disputed):
            return Settlement("shares-disputed", price)
        if not isinstance(share, Range) or share.low != share.high:
            return Settlement("shares-unknown", price)
        known[role] = share.low
    parties: dict[str, tuple[str, ...]] = {}
    for role, fact in words.parties.items():
        named = exchange.value(fact)
        if not known[role] or named is Missing.LEFT_OUT:
            continue
        if isinstance(named, Disputed):
            return Settlement("parties-disputed", price)
        if isinstance(named, str):
            parties[role] = (named,)
        elif isinstance(named, SetOf) and not named.open:
            parties[role] = tuple(sorted(named.members))
        else:
            return Settlement("parties-unknown", price)
    return divide(price, known, parties, words.parties)


def divide(
    price: Money,
    shares: Mapping[str, Decimal],
    parties: Mapping[str, Sequence[str]],
    facts: Mapping[str, str] | None = None,
) -> Settlement:
    """
    Divide a price above zero by the shares of all roles, and each role's amount among its parties.

    `shares` are at least zero; `facts` is the fact that names the parties of a role. The units of the lines add up to those of the price.
    """
    units = minor_units()
    if price.currency not in units:
        return Settlement("unknown-currency", price)
    scale = units[price.currency]
    if scale is None:
        return Settlement("no-minor-unit", price)
    exact = Fraction(price.amount) * 10**scale
    if exact.denominator != 1:
        return Settlement("price-finer-than-the-unit", price)
    if exact > MOST_UNITS:
        return Settlement("price-too-large", price)
    roles = sorted(role for role, share in shares.items() if share)
    if sum(Fraction(shares[role]) for role in roles) != 1:
        return Settlement("shares-do-not-close", price)
    amounts = largest_remainder(exact.numerator, [Fraction(shares[role]) for role in roles])
    lines: list[PayableLine] = []
    for role, amount in zip(roles, amounts, strict=True):
        named = sorted(parties.get(role, ()))
        if not named:
            lines.append(PayableLine(role, shares[role], amount))
            continue
        each = largest_remainder(amount, [Fraction(1, len(named))] * len(named))
        fact = (facts or {}).get(role, "")
        lines += (PayableLine(role, shares[role], part, party, fact) for party, part in zip(named, each, strict=True))
    return Settlement("settled", price, scale, tuple(lines))


def largest_remainder(whole: int, shares: Sequence[Fraction]) -> list[int]:
    """Whole numbers in the proportion of shares that add up to one; they add up to `whole`. Of equal remainders the first comes first."""
    exact = [whole * share for share in shares]
    found = [int(each) for each in exact]
    left = whole - sum(found)
    for place in sorted(range(len(shares)), key=lambda place: found[place] - exact[place])[:left]:
        found[place] += 1
    return found

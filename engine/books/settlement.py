"""
The settlement of an exchange: how its price is divided among those who benefit, to the last minor unit.

The price, the shares and the named parties of an exchange go in, and the page of the book of benefits, if it has one. Amounts come out
that add up to the price exactly, or the reason why there are none. The price is taken as it is stated, before tax; nothing is converted
and nothing is added up over currencies. The vocabulary says which facts are read (`settlement:`); this module names no fact and no role.

Method: largest remainder (Hamilton). Each role gets the whole minor units of its share; the units that are left go one by one to the
largest remainders, ties in the order of the roles' codes. A role's amount is then divided equally among its named parties in the same
way, ties in the order of their ids. So what a role gets does not depend on how many parties are named for it. An agreement that the
exchange names divides the price in the place of these shares, and what others have a share in further up is paid out of the exporter's
own lines: `engine.books.benefit_chain`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from engine.books.benefit_chain import ChainLine, Divided, by_agreement, largest_remainder, upward
from engine.books.benefit_page import EXPORTER, ROLE, BenefitsPage
from engine.values import Disputed, Missing, Money, Range, SetOf, Value
from engine.values.currencies import minor_units
from engine.values.multilingual import NO_WORDS, Words

MOST_UNITS = 2**63 - 1  # of a price: what a database keeps as one whole number

# `settled` has amounts, `nothing-payable` needs none, and those of `not-reported` follow from reports. With every other word the exchange
# has no settlement, for this reason.
SettlementState = Literal[
    "settled",
    "nothing-payable",
    "not-reported",
    "price-unknown",
    "price-disputed",
    "price-below-zero",
    "price-of-a-free-supply",
    "price-too-large",
    "price-finer-than-the-unit",
    "unknown-currency",
    "no-minor-unit",
    "shares-unknown",
    "shares-disputed",
    "shares-do-not-close",
    "parties-unknown",
    "parties-disputed",
    "agreement-not-named",
    "asset-not-held",
    "sources-unknown",
    "cap-without-the-currency",
    "exceeds",
    "chain-too-long",
]


@dataclass(frozen=True, slots=True)
class SettlementFacts:
    """
    The part `settlement` of a vocabulary, by the names of its facts.

    `shares` has the fact of each role's share, `parties` of those roles that may name parties, and `accounts` are the roles that need
    name none. `countries` has for a role that stands for a country the fact that says which, and `free` for each fact the value with
    which nothing is payable. `name` is that of the book of benefits, if there is one: `by` is whoever supplies, `agreement` the agreement
    that an exchange names, `data` which data these are, and `made_from` what they were made from, which must be said of data of the kinds
    in `sources`. `named`, `overdue` and `settlement` are the facts that the book fills.
    """

    price: str
    shares: Mapping[str, str]
    parties: Mapping[str, str] = field(default_factory=dict)
    free: Mapping[str, str] = field(default_factory=dict)
    accounts: frozenset[str] = frozenset()
    countries: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    title: Words = NO_WORDS
    by: str = ""
    agreement: str = ""
    made_from: str = ""
    data: str = ""
    sources: Mapping[str, frozenset[str]] = field(default_factory=dict)
    named: str = ""
    overdue: str = ""
    settlement: str = ""

    @property
    def of(self) -> str:
        """What an entry of the book stands under in an exchange."""
        return self.agreement

    @property
    def divides(self) -> tuple[str, ...]:
        """The facts by which a price is divided where no agreement matters."""
        return self.price, *self.free, *self.shares.values(), *self.parties.values()

    @property
    def inputs(self) -> frozenset[str]:
        """The facts from which what the book fills is made."""
        return frozenset(
            (*self.divides, *(each for each in (self.by, self.agreement, self.made_from, self.data) if each), *self.sources)
        )

    def unsaid(self, value: Callable[[str], Value]) -> tuple[str, ...]:
        """What must be said of data in which others may have a share, and is not: which data they are, and what they were made from."""
        sources = value(self.made_from) if self.made_from else Missing.LEFT_OUT
        made = any(value(fact) in kinds for fact, kinds in self.sources.items())
        lacks = made if sources is Missing.LEFT_OUT else not isinstance(sources, SetOf) or sources.open
        data = bool(self.data) and not isinstance(value(self.data), str)
        return tuple(fact for fact, unknown in ((self.data, data), (self.made_from, lacks)) if unknown and fact)

    @property
    def fills(self) -> tuple[str, ...]:
        """The facts that nobody states and the book fills."""
        return self.named, self.overdue, self.settlement

    @property
    def stated(self) -> tuple[str, ...]:
        """The facts that a sender states and the book fills too: they follow from an agreement."""
        return tuple(self.shares.values())


@dataclass(frozen=True, slots=True)
class PayableLine:
    """
    What is payable to one party, or to the account of a role that names no party (`party` is None).

    `share` is the share of the whole role. `units` are minor units, of the `base`. `fact` is the fact that names the party.

    Of a line that follows from an agreement `payee` and `payer` are keys of the page. `step` is the number of the step further up that
    it is of, None where it is of the price. `due` is the number of days until it is due, None where it is the exporter's own. `country` is
    the one for which a role gets it.
    """

    role: str
    share: Decimal | Fraction
    units: int
    party: str | None = None
    fact: str = ""
    payee: str | None = None
    payer: str = EXPORTER
    kind: str = "share"
    base: int = 0
    step: int | None = None
    agreement: str | None = None
    due: int | None = 30
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """
    The settlement of one exchange; `scale` is the digits after the point.

    The lines that divide the price come first, in the order of roles and parties or of the agreement, and add up to it. Those further up
    come after them: each is paid by its payer out of what the payer gets. `exceeding` are the agreements by which somebody would pay
    more than that.
    """

    state: SettlementState
    price: Money | None = None
    scale: int = 0
    lines: tuple[PayableLine, ...] = ()
    exceeding: tuple[str, ...] = ()

    def amount(self, units: int) -> str:
        """An amount in minor units as a decimal text, with all digits of the currency."""
        return amount_text(units, self.scale)

    @property
    def divided(self) -> tuple[PayableLine, ...]:
        """The lines that add up to the price."""
        return tuple(each for each in self.lines if each.step is None)

    @property
    def upward(self) -> tuple[PayableLine, ...]:
        """The lines of the steps further up."""
        return tuple(each for each in self.lines if each.step is not None)


def amount_text(units: int, scale: int) -> str:
    """Minor units as a decimal text: 3600000 with two digits after the point is `36000.00`."""
    digits = f"{abs(units):0{scale + 1}d}"
    whole, part = digits[: len(digits) - scale], digits[len(digits) - scale :]
    return f"{'-' if units < 0 else ''}{whole}{'.' if scale else ''}{part}"


def settle(
    words: SettlementFacts, value: Callable[[str], Value], page: BenefitsPage | None = None, price: Value | None = None
) -> Settlement | None:
    """
    The settlement of an exchange with these values; None where it speaks neither of a price nor of shares, and no agreement matters.

    `price` is divided in the place of the price that the exchange states: what is left of it after a refund.
    """
    price = value(words.price) if price is None else price
    shares = {role: value(fact) for role, fact in words.shares.items()}
    free = any(value(fact) == word for fact, word in words.free.items())
    if price is Missing.LEFT_OUT and not free and not owed(page) and all(each is Missing.LEFT_OUT for each in shares.values()):
        return None
    if isinstance(price, Disputed):
        return Settlement("price-disputed")
    if not isinstance(price, Money):
        reported = page is not None and page.pricing is not None and page.pricing.kind != "fixed"
        return Settlement("nothing-payable" if free else "not-reported" if reported else "price-unknown")
    if price.amount < 0:
        return Settlement("price-below-zero", price)
    if price.amount == 0:
        return Settlement("nothing-payable", price)
    if free:
        return Settlement("price-of-a-free-supply", price)
    found = _by_page(words, value, page, price, shares) if page is not None and owed(page) else None
    found = found or _by_statement(words, value, price, shares)
    countries = {role: _only(value(fact)) for role, fact in words.countries.items()}
    return replace(found, lines=tuple(replace(each, country=countries.get(each.role)) for each in found.lines))


def _only(value: Value) -> str | None:
    """The one country that a fact names; None where it names none, several or perhaps others."""
    if isinstance(value, SetOf) and not value.open and len(value.members) == 1:
        (value,) = value.members
    return value if isinstance(value, str) else None


def owed(page: BenefitsPage | None) -> bool:
    """Whether a share is owed by an agreement, or may be."""
    if page is None:
        return False
    return page.named is not None or bool(page.steps) or page.state not in ("none", "read")


def _by_statement(
    words: SettlementFacts, value: Callable[[str], Value], price: Money, shares: Mapping[str, Value]
) -> Settlement:
    """The price, divided by the shares and among the parties that the exchange states."""
    known: dict[str, Decimal | Fraction] = {}
    for role, share in shares.items():
        if isinstance(share, Disputed):
            return Settlement("shares-disputed", price)
        if not isinstance(share, Range) or share.low != share.high:
            return Settlement("shares-unknown", price)
        known[role] = share.low
    parties: dict[str, tuple[str, ...]] = {}
    for role, fact in words.parties.items():
        named = value(fact)
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
    found = divide(price, known, parties, words.parties)
    public = [
        replace(each, kind="public") if each.party is None and each.role in words.accounts else each for each in found.lines
    ]
    return replace(found, lines=tuple(public))


def divide(
    price: Money,
    shares: Mapping[str, Decimal | Fraction],
    parties: Mapping[str, Sequence[str]],
    facts: Mapping[str, str] | None = None,
) -> Settlement:
    """
    Divide a price above zero by the shares of all roles, and each role's amount among its parties.

    `shares` are at least zero; `facts` is the fact that names the parties of a role. The units of the lines add up to those of the price.
    """
    units, scale, wrong = units_of(price)
    if wrong is not None:
        return Settlement(wrong, price)
    roles = sorted(role for role, share in shares.items() if share)
    if sum(Fraction(shares[role]) for role in roles) != 1:
        return Settlement("shares-do-not-close", price)
    amounts = largest_remainder(units, [Fraction(shares[role]) for role in roles])
    lines: list[PayableLine] = []
    for role, amount in zip(roles, amounts, strict=True):
        named = sorted(parties.get(role, ()))
        if not named:
            lines.append(PayableLine(role, shares[role], amount, base=units))
            continue
        each = largest_remainder(amount, [Fraction(1, len(named))] * len(named))
        fact = (facts or {}).get(role, "")
        lines += (
            PayableLine(role, shares[role], part, party, fact, base=units) for party, part in zip(named, each, strict=True)
        )
    return Settlement("settled", price, scale, tuple(lines))


def units_of(price: Money) -> tuple[int, int, SettlementState | None]:
    """The minor units of a price and the digits after the point, or why it has none."""
    units = minor_units()
    if price.currency not in units:
        return 0, 0, "unknown-currency"
    scale = units[price.currency]
    if scale is None:
        return 0, 0, "no-minor-unit"
    exact = Fraction(price.amount) * 10**scale
    if exact.denominator != 1:
        return 0, 0, "price-finer-than-the-unit"
    if exact > MOST_UNITS:
        return 0, 0, "price-too-large"
    return exact.numerator, scale, None


def _by_page(
    words: SettlementFacts, value: Callable[[str], Value], page: BenefitsPage, price: Money, shares: Mapping[str, Value]
) -> Settlement:
    """The price, divided by the agreement that the exchange names or by what it states, and what others have further up."""
    units, scale, wrong = units_of(price)
    if wrong is not None:
        return Settlement(wrong, price)
    if page.state == "chain-too-long":
        return Settlement("chain-too-long", price, scale)
    if page.state == "asked":
        return Settlement("agreement-not-named", price, scale)
    if page.state == "unsaid":
        return Settlement("sources-unknown", price, scale)
    if page.state == "unheld":
        return Settlement("asset-not-held", price, scale)
    if words.made_from in words.unsaid(value):
        return Settlement("sources-unknown", price, scale)
    room: dict[tuple[str, str], int] = {}
    if page.named is not None:
        found = by_agreement(page.named, units, price.currency, scale, page.on, room)
        if not isinstance(found, Divided):
            return Settlement(found, price, scale, exceeding=(page.named.agreement,) if found == "exceeds" else ())
        lines = [_agreed(each, words.accounts) for each in found.lines]
        own = found.own
    else:
        stated = Settlement("settled", price, scale, (_whole_price(units),))
        if any(share is not Missing.LEFT_OUT for share in shares.values()):
            stated = _by_statement(words, value, price, shares)
        if stated.state != "settled":
            return stated
        exporter = value(words.by) if words.by else Missing.LEFT_OUT
        lines = list(stated.lines)
        own = sum(each.units for each in lines if _is_own(each, exporter, words.accounts))
        lines = [replace(each, due=None) if each.party is not None and each.party == exporter else each for each in lines]
    paid = upward(page, units, own, price.currency, scale, room)
    if not isinstance(paid, Divided):
        return Settlement(paid, price, scale)
    if paid.exceeding:
        return Settlement("exceeds", price, scale, exceeding=paid.exceeding)
    return Settlement("settled", price, scale, (*lines, *(_agreed(each, words.accounts) for each in paid.lines)))


def _is_own(line: PayableLine, exporter: Value, accounts: frozenset[str]) -> bool:
    """
    Whether a line is the exporter's own: it names the exporter, or no party takes it.

    What a role gets that has an account by the vocabulary, like the public, is taken by that account.
    """
    if line.party is None:
        return line.role not in accounts
    return line.party == exporter


def _whole_price(units: int) -> PayableLine:
    """The exporter's own line where the exchange states no share: what no other party takes is its own."""
    return PayableLine("", Fraction(1), units, payee=EXPORTER, base=units, due=None)


def _agreed(line: ChainLine, accounts: frozenset[str]) -> PayableLine:
    """A line of an agreement as what is payable. The exporter owes its own line to nobody."""
    own = line.payee == EXPORTER and line.step is None
    kind = line.kind
    if kind == "share":
        kind = (
            "upward"
            if line.step is not None
            else "public"
            if line.role in accounts and line.payee == f"{ROLE}{line.role}"
            else kind
        )
    return PayableLine(
        role=line.role or "",
        share=line.ratio,
        units=line.units,
        payee=line.payee,
        payer=line.payer,
        kind=kind,
        base=line.base,
        step=line.step,
        agreement=line.agreement,
        due=None if own else line.days,
    )

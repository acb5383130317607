"""
The sums of agreements on benefit: what each is paid by the agreement that divides a price, and by those further up, to the unit.

A page of the book of benefits and a price in minor units go in, lines come out. Each step is divided by largest remainder, ties in the
order of the agreement, and what a share does not take, or a cap cuts off, stays with its payer. Whether a payer has enough is reckoned in
fractions, so no rounding decides it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, TypeAlias

from engine.books.benefit_page import EXPORTER, BenefitShare, BenefitsPage, BenefitStep

Undivided: TypeAlias = Literal["exceeds", "cap-without-the-currency"]


@dataclass(frozen=True, slots=True)
class ChainLine:
    """
    What a payee gets by an agreement: `units`, out of the `base`. `step` is the number of the step further up, None of the price itself.
    """

    agreement: str
    step: int | None
    payer: str
    payee: str
    role: str | None
    ratio: Fraction
    kind: str
    units: Fraction
    base: Fraction
    days: int


@dataclass(frozen=True, slots=True)
class Divided:
    """The lines of a division: those of the price, if an agreement divides it, and then those further up, by their steps."""

    lines: tuple[ChainLine, ...]


@dataclass(frozen=True, slots=True)
class NotPaid:
    """Why nothing is divided. `agreements` are those by which a payer would pay more than it gets."""

    state: Undivided
    agreements: tuple[str, ...] = ()


def largest_remainder(whole: int, shares: Sequence[Fraction]) -> list[int]:
    """Whole numbers in the proportion of shares that add up to one; they add up to `whole`. Of equal remainders the first comes first."""
    exact = [whole * share for share in shares]
    found = [int(each) for each in exact]
    left = whole - sum(found)
    for place in sorted(range(len(shares)), key=lambda place: found[place] - exact[place])[:left]:
        found[place] += 1
    return found


def pay(page: BenefitsPage, price: int, currency: str, scale: int, own: tuple[Fraction, int]) -> Divided | NotPaid:
    """
    Divide a price by the agreements of a page.

    `own` is what is the exporter's own where the page names no agreement: exactly, and in units.
    """
    exactly = _Payments(page, price, currency, scale, exact=True).made(own[0])
    if isinstance(exactly, NotPaid):
        return exactly
    return _Payments(page, price, currency, scale, exact=False).made(Fraction(own[1]))


class _Payments:
    """One reckoning: exactly, or in whole units."""

    def __init__(self, page: BenefitsPage, price: int, currency: str, scale: int, exact: bool) -> None:
        self.page = page
        self.price = Fraction(price)
        self.currency, self.scale = currency, scale
        self.exact = exact
        self.room: dict[tuple[str, str], Fraction] = {}  # what is left under the cap of an agreement and a payee

    def made(self, own: Fraction) -> Divided | NotPaid:
        """All payments; `own` is the exporter's where no agreement divides the price."""
        steps = [self.page.steps[number] for number in _taken(self.page)]
        steps += [] if self.page.named is None else [self.page.named]
        if any(self.currency not in each.room for step in steps for each in self.counting(step) if each.room is not None):
            return NotPaid("cap-without-the-currency")
        lines: list[ChainLine] = []
        if self.page.named is not None:
            named = self.named(self.page.named)
            if named is None:
                return NotPaid("exceeds", (self.page.named.agreement,))
            lines, own = named, sum((each.units for each in named if each.payee == EXPORTER), Fraction(0))
        exceeding: dict[str, None] = {}
        lines += self.upward(own, exceeding)
        return NotPaid("exceeds", tuple(exceeding)) if exceeding else Divided(tuple(lines))

    def named(self, step: BenefitStep) -> list[ChainLine] | None:
        """
        The price, divided by the agreement that the exchange names; None where it gives away more than all of it.

        Commissions are taken first. Shares of the price divide what they leave, and shares of the income what those leave. What no other
        party takes is the exporter's.
        """
        shares = self.counting(step)
        lines: list[ChainLine] = []
        left = self.price
        for stage in (
            [each for each in shares if each.kind == "commission"],
            [each for each in shares if each.kind != "commission" and each.of == "price"],
            [each for each in shares if each.kind != "commission" and each.of == "income"],
        ):
            base = left
            amounts = self.amounts(base, [(step, share) for share in stage], base)
            if amounts is None:
                return None
            left -= sum(amounts)
            lines += (_line(step, None, EXPORTER, *each, base) for each in zip(stage, amounts, strict=True))
        own = [number for number, each in enumerate(lines) if each.payee == EXPORTER]
        if own:
            lines[own[0]] = replace(lines[own[0]], units=lines[own[0]].units + left)
        elif left or _rest(shares):
            rest, all_ = _rest(shares), self.price
            lines.append(ChainLine(step.agreement, None, EXPORTER, EXPORTER, None, rest, "share", left, all_, step.days))
        return lines

    def upward(self, own: Fraction, exceeding: dict[str, None]) -> list[ChainLine]:
        """
        What others have a share in further up. The exporter pays out of its own, and each payee of what it receives.

        All that one payer owes of what it received in one place is divided together: first commissions and shares of the price, which
        are of the whole price, then the shares of what they leave. `exceeding` gets the agreements by which it would pay more.
        """
        received: dict[int | None, dict[str, Fraction]] = {None: {EXPORTER: own}}
        lines: list[ChainLine] = []
        together: dict[tuple[int | None, str], list[int]] = {}
        for number in _taken(self.page):
            step = self.page.steps[number]
            together.setdefault((step.after, step.payer), []).append(number)
        for (after, payer), numbers in together.items():
            if payer not in received.get(after, {}):
                continue  # its share has ended, and it takes no part
            left = received[after][payer]
            owed = [
                (number, self.page.steps[number], share)
                for number in numbers
                for share in self.counting(self.page.steps[number])
                if share.payee != payer
            ]
            first = [each for each in owed if each[2].kind == "commission"]
            first += [each for each in owed if each[2].kind != "commission" and each[2].of == "price"]
            then = [each for each in owed if each[2].kind != "commission" and each[2].of == "income"]
            for stage, whole in ((first, self.price), (then, None)):
                base = left if whole is None else whole
                amounts = self.amounts(base, [(step, share) for _, step, share in stage], left)
                if amounts is None:
                    exceeding |= dict.fromkeys(step.agreement for _, step, _ in stage)
                    break
                for (number, step, share), units in zip(stage, amounts, strict=True):
                    left -= units
                    gets = received.setdefault(number, {})
                    gets[share.payee] = gets.get(share.payee, Fraction(0)) + units
                    lines.append(_line(step, number, payer, share, units, base))
        lines.sort(key=lambda line: -1 if line.step is None else line.step)
        return lines

    def counting(self, step: BenefitStep) -> list[BenefitShare]:
        """The shares of a step that count on the day."""
        return [each for each in step.shares if Fraction(each.ratio) > 0 and (each.until is None or self.page.on <= each.until)]

    def amounts(
        self, whole: Fraction, shares: Sequence[tuple[BenefitStep, BenefitShare]], left: Fraction
    ) -> list[Fraction] | None:
        """What each of some shares gets of a whole, under its cap; None where that is more than is left, or than the whole."""
        ratios = [Fraction(share.ratio) for _, share in shares]
        rest = 1 - sum(ratios, Fraction(0))
        if rest < 0:
            return None
        wanted = [whole * each for each in ratios]
        split = wanted if self.exact else [Fraction(each) for each in largest_remainder(int(whole), [*ratios, rest])[:-1]]
        found = [self.capped(amount, *each) for amount, each in zip(split, shares, strict=True)]
        if self.exact:
            return None if sum(found, Fraction(0)) > left else found
        while sum(found, Fraction(0)) > left:  # by rounding alone: a unit is taken back where most was added
            place = max(range(len(found)), key=lambda place: (found[place] > 0, found[place] - wanted[place], place))
            found[place] -= 1
        return found

    def capped(self, amount: Fraction, step: BenefitStep, share: BenefitShare) -> Fraction:
        """What a cap leaves of an amount, which is then taken from its room."""
        if share.room is None:
            return amount
        most = Fraction(int(Fraction(share.room[self.currency]) * 10**self.scale))
        left = self.room.setdefault((step.agreement, share.payee), most)
        self.room[step.agreement, share.payee] = left - min(amount, left)
        return min(amount, left)


def _taken(page: BenefitsPage) -> Iterable[int]:
    """
    The numbers of the steps that are taken.

    What the data were made from, and a grant, takes its share by one agreement of each payer once. A path that comes back to a party that
    it has passed ends there: whoever has paid on it before is paid, and does not pay again.
    """
    passed: dict[int | None, frozenset[str]] = {None: frozenset()}
    once: set[tuple[str, str, str]] = set()
    for number, step in enumerate(page.steps):
        before = passed.get(step.after)
        if before is None or step.payer in before or (step.by, step.agreement, step.payer) in once:
            continue
        once.add((step.by, step.agreement, step.payer))
        passed[number] = before | {step.payer}
        yield number


def _rest(shares: Iterable[BenefitShare]) -> Fraction:
    """What the shares of an agreement leave, of what its commissions leave."""
    sums = {"price": Fraction(0), "income": Fraction(0)}
    for each in shares:
        if each.kind != "commission":
            sums[each.of] += Fraction(each.ratio)
    return (1 - sums["price"]) * (1 - sums["income"])


def shares_by_role(page: BenefitsPage) -> Mapping[str, Fraction]:
    """
    The share of each role by the agreement that the exchange names, of what its commissions leave of the price.

    A share of the price counts too where it is paid further up, to whom the exporter has its right from.
    """
    named = page.named
    if named is None:
        return {}
    up = [each for step in page.steps if step.agreement == named.agreement and step.after is None for each in step.shares]
    shares = [*named.shares, *(each for each in up if each.of == "price")]
    shares = [each for each in shares if each.kind != "commission" and (each.until is None or page.on <= each.until)]
    left = 1 - sum((Fraction(each.ratio) for each in shares if each.of == "price"), Fraction(0))
    found: dict[str, Fraction] = {}
    for each in shares:
        if each.role is not None:
            part = Fraction(each.ratio) * (left if each.of == "income" else 1)
            found[each.role] = found.get(each.role, Fraction(0)) + part
    return found


def _line(step: BenefitStep, number: int | None, payer: str, share: BenefitShare, units: Fraction, base: Fraction) -> ChainLine:
    return ChainLine(
        step.agreement, number, payer, share.payee, share.role, Fraction(share.ratio), share.kind, units, base, step.days
    )

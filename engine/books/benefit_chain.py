"""
The sums of agreements on benefit: what each is paid by the agreement that divides a price, and by those further up, to the unit.

A page of the book of benefits and a price in minor units go in, lines come out. All sums are exact: each step is divided by largest
remainder, ties in the order of the agreement, and what a share does not take, or a cap cuts off, stays with its payer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Literal

from engine.books.benefit_page import EXPORTER, BenefitShare, BenefitsPage, BenefitStep

Room = dict[tuple[str, str], int]  # what is left under the cap of an agreement and a payee, in minor units

NO_SUM: Literal["cap-without-the-currency"] = "cap-without-the-currency"


@dataclass(frozen=True, slots=True)
class ChainLine:
    """
    What a payee gets by an agreement: `units`, out of the `base`. `step` is the number of the step further up, None of the price itself.
    """

    agreement: str | None
    step: int | None
    payer: str
    payee: str
    role: str | None
    ratio: Fraction
    kind: str
    units: int
    base: int
    days: int


@dataclass(frozen=True, slots=True)
class Divided:
    """The lines of a division, and what is the exporter's own. `exceeding` are agreements by which more is owed than there is."""

    lines: tuple[ChainLine, ...]
    own: int = 0
    exceeding: tuple[str, ...] = ()


def largest_remainder(whole: int, shares: Sequence[Fraction]) -> list[int]:
    """Whole numbers in the proportion of shares that add up to one; they add up to `whole`. Of equal remainders the first comes first."""
    exact = [whole * share for share in shares]
    found = [int(each) for each in exact]
    left = whole - sum(found)
    for place in sorted(range(len(shares)), key=lambda place: found[place] - exact[place])[:left]:
        found[place] += 1
    return found


def by_agreement(
    step: BenefitStep, units: int, currency: str, scale: int, on: date, room: Room
) -> Divided | Literal["exceeds", "cap-without-the-currency"]:
    """
    A price, divided by the agreement that the exchange names.

    Commissions are taken first. Shares of the price divide what they leave, and shares of the income what those leave. What no other
    party takes is the exporter's.
    """
    shares = [each for each in step.shares if _counts(each, on)]
    lines: list[ChainLine] = []
    left = units
    for stage in (
        [each for each in shares if each.kind == "commission"],
        [each for each in shares if each.kind != "commission" and each.of == "price"],
        [each for each in shares if each.kind != "commission" and each.of == "income"],
    ):
        base = left
        amounts = _amounts(base, stage)
        if amounts is None:
            return "exceeds"
        for share, amount in zip(stage, amounts, strict=True):
            part = _capped(amount, share, step.agreement, currency, scale, room)
            if part is None:
                return NO_SUM
            left -= part
            lines.append(_line(step, None, EXPORTER, share, part, base))
    own = [number for number, each in enumerate(lines) if each.payee == EXPORTER]
    if own:
        lines[own[0]] = replace(lines[own[0]], units=lines[own[0]].units + left)
    elif left or _rest(shares):
        lines.append(ChainLine(step.agreement, None, EXPORTER, EXPORTER, None, _rest(shares), "share", left, units, step.days))
    return Divided(tuple(lines), sum(each.units for each in lines if each.payee == EXPORTER))


def upward(
    page: BenefitsPage, units: int, own: int, currency: str, scale: int, room: Room
) -> Divided | Literal["cap-without-the-currency"]:
    """
    What others have a share in further up, step by step. The exporter pays out of its `own` units, and each payee of what it receives.

    All that one payer owes of what it received in one place is divided together: first commissions and shares of the price, which are of
    the whole price, then the shares of what they leave. So what rounding adds is never more than there is.
    """
    received: dict[int | None, dict[str, int]] = {None: {EXPORTER: own}}
    lines: list[ChainLine] = []
    exceeding: dict[str, None] = {}
    together: dict[tuple[int | None, str], list[int]] = {}
    for number in _taken(page):
        step = page.steps[number]
        together.setdefault((step.after, step.payer), []).append(number)
    for (after, payer), numbers in together.items():
        if payer not in received.get(after, {}):
            continue  # its share has ended, and it takes no part
        left = received[after][payer]
        shares = [(page.steps[each], each, share) for each in numbers for share in page.steps[each].shares]
        shares = [each for each in shares if _counts(each[2], page.on) and each[2].payee != payer]
        first = [each for each in shares if each[2].kind == "commission"]
        first += [each for each in shares if each[2].kind != "commission" and each[2].of == "price"]
        then = [each for each in shares if each[2].kind != "commission" and each[2].of == "income"]
        for stage, whole in ((first, units), (then, None)):
            base = left if whole is None else whole
            amounts = _amounts(base, [share for _, _, share in stage])
            paid = []
            for (step, number, share), amount in zip(stage, amounts or (), strict=amounts is not None):
                part = _capped(amount, share, step.agreement, currency, scale, room)
                if part is None:
                    return NO_SUM
                paid.append(_line(step, number, payer, share, part, base))
            if amounts is None or sum(line.units for line in paid) > left:
                exceeding |= dict.fromkeys(step.agreement for step, _, _ in stage)
                break
            for line in paid:
                left -= line.units
                gets = received.setdefault(line.step, {})
                gets[line.payee] = gets.get(line.payee, 0) + line.units
            lines += paid
    lines.sort(key=lambda line: -1 if line.step is None else line.step)
    return Divided(tuple(lines), exceeding=tuple(exceeding))


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


def _counts(share: BenefitShare, on: date) -> bool:
    return Fraction(share.ratio) > 0 and (share.until is None or on <= share.until)


def _amounts(whole: int, shares: Sequence[BenefitShare]) -> list[int] | None:
    """What each of some shares gets of a whole; None where they are more than all of it."""
    ratios = [Fraction(each.ratio) for each in shares]
    rest = 1 - sum(ratios, Fraction(0))
    return None if rest < 0 else largest_remainder(whole, [*ratios, rest])[:-1]


def _capped(amount: int, share: BenefitShare, agreement: str, currency: str, scale: int, room: Room) -> int | None:
    """What a cap leaves of an amount, which is then taken from its room; None where the cap names no sum in the currency."""
    if share.room is None:
        return amount
    if currency not in share.room:
        return None
    left = room.setdefault((agreement, share.payee), int(Fraction(share.room[currency]) * 10**scale))
    room[agreement, share.payee] = left - min(amount, left)
    return min(amount, left)


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
    shares = [each for each in shares if _counts(each, page.on) and each.kind != "commission"]
    left = 1 - sum((Fraction(each.ratio) for each in shares if each.of == "price"), Fraction(0))
    found: dict[str, Fraction] = {}
    for each in shares:
        if each.role is not None:
            part = Fraction(each.ratio) * (left if each.of == "income" else 1)
            found[each.role] = found.get(each.role, Fraction(0)) + part
    return found


def _line(step: BenefitStep, number: int | None, payer: str, share: BenefitShare, units: int, base: int) -> ChainLine:
    return ChainLine(
        step.agreement, number, payer, share.payee, share.role, Fraction(share.ratio), share.kind, units, base, step.days
    )

"""
Random chains of agreements against a plain model that follows each payer's money from hand to hand.

The model is a recursion over purses: whoever gets something pays what it owes of it, and each of those pays in turn. It knows nothing of
lines. It is run in fractions first, which says whether everybody has enough. `make fuzz` tries many more.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from engine.books.benefit_page import BenefitShare, BenefitsPage, BenefitStep
from engine.books.settlement import SettlementFacts, settle
from engine.values import Missing, Money, Range, Value
from tests.chance import examples, seed

DAY = date(2026, 11, 25)
ROLES = ("provider", "operator", "public")
WORDS = SettlementFacts(
    price="price",
    shares={role: f"share.{role}" for role in ROLES},
    parties={role: f"parties.{role}" for role in ROLES},
    accounts=frozenset({"public"}),
    name="benefits",
    by="exporter",
)
CURRENCIES = {"CNY": 2, "JPY": 0, "KWD": 3}
PARTIES = ("exporter", "p1", "p2", "p3", "p4", "role:public")
RATIOS = ("1/3", "0.25", "1/7", "0.1", "0.01", "2/9", "0", "0.333333")

Purse = dict[str, Fraction]
Paid = dict[tuple[str, str, str], Fraction]  # by payer, payee and agreement; no agreement is ""


class TooMuch(Exception):
    """Somebody would pay more than it has."""


# --- the model --------------------------------------------------------------------------------------------------------


def parts(whole: Fraction, ratios: list[Fraction], exactly: bool) -> list[Fraction]:
    """What each gets: exactly, or the whole units and then unit by unit whoever lacks most."""
    if sum(ratios) > 1:
        raise TooMuch
    wanted = [whole * each for each in ratios] + [whole * (1 - sum(ratios))]
    if exactly:
        return wanted[:-1]
    got = [Fraction(each.numerator // each.denominator) for each in wanted]
    while sum(got) < whole:
        lack = [want - have for want, have in zip(wanted, got, strict=True)]
        got[lack.index(max(lack))] += 1
    return got[:-1]


class World:
    """What is left under the caps, and which steps are walked; either in fractions or in whole units."""

    def __init__(self, page: BenefitsPage, price: int, currency: str, exactly: bool) -> None:
        self.page, self.price, self.currency, self.exactly = page, Fraction(price), currency, exactly
        self.left: dict[tuple[str, str], Fraction] = {}
        self.paid: Paid = {}
        self.walked: list[int] = []
        for number, step in enumerate(page.steps):
            same = any(
                (page.steps[each].by, page.steps[each].agreement, page.steps[each].payer)
                == (step.by, step.agreement, step.payer)
                for each in self.walked
            )
            if not same and step.payer not in self.way(step.after) and (step.after is None or step.after in self.walked):
                self.walked.append(number)

    def way(self, place: int | None) -> list[str]:
        """Who has paid on the way to a place."""
        return [] if place is None else [*self.way(self.page.steps[place].after), self.page.steps[place].payer]

    def pays(self, payer: str, payee: str, agreement: str, units: Fraction) -> None:
        self.paid[payer, payee, agreement] = self.paid.get((payer, payee, agreement), Fraction(0)) + units

    def capped(self, agreement: str, share: BenefitShare, units: Fraction) -> Fraction:
        if share.room is None:
            return units
        most = Fraction(int(Decimal(share.room[self.currency]) * 10 ** CURRENCIES[self.currency]))
        most = self.left.setdefault((agreement, share.payee), most)
        self.left[agreement, share.payee] -= min(units, most)
        return min(units, most)

    def pay(self, payer: str, place: int | None, purse: Fraction) -> Purse:
        """What everybody has in the end of what a payer got in one place."""
        owed = [
            (number, self.page.steps[number].agreement, share)
            for number in self.walked
            if (self.page.steps[number].after, self.page.steps[number].payer) == (place, payer)
            for share in self.page.steps[number].shares
            if share.payee != payer and Fraction(share.ratio) and (share.until is None or share.until >= self.page.on)
        ]
        gets: dict[tuple[int, str], Fraction] = {}
        have = purse
        first = [each for each in owed if each[2].kind == "commission"]
        of_price = [each for each in owed if each[2].kind != "commission" and each[2].of == "price"]
        for some, of_all in ((first + of_price, True), ([each for each in owed if each not in first + of_price], False)):
            whole = self.price if of_all else have
            ratios = [Fraction(share.ratio) for _, _, share in some]
            given = [
                self.capped(agreement, share, units)
                for (_, agreement, share), units in zip(some, parts(whole, ratios, self.exactly), strict=True)
            ]
            while sum(given) > have:
                if self.exactly:
                    raise TooMuch
                added = [(units > 0, units - whole * ratio) for units, ratio in zip(given, ratios, strict=True)]
                given[len(added) - 1 - added[::-1].index(max(added))] -= 1
            have -= sum(given)
            for (number, agreement, share), units in zip(some, given, strict=True):
                self.pays(payer, share.payee, agreement, units)
                gets[number, share.payee] = gets.get((number, share.payee), Fraction(0)) + units
        found: Purse = {payer: have}
        for (number, payee), units in gets.items():
            for who, more in self.pay(payee, number, units).items():
                found[who] = found.get(who, Fraction(0)) + more
        return found


def purses(
    page: BenefitsPage, price: int, currency: str, stated: dict[str, Fraction] | None, exactly: bool
) -> tuple[Purse, Paid]:
    """What everybody has in the end, and who paid whom what. Raises TooMuch."""
    world = World(page, price, currency, exactly)
    purse: Purse = {"exporter": Fraction(0)}
    if page.named is not None:
        shares = [each for each in page.named.shares if each.until is None or each.until >= page.on]
        have = Fraction(price)
        for some in (
            [each for each in shares if each.kind == "commission"],
            [each for each in shares if each.kind != "commission" and each.of == "price"],
            [each for each in shares if each.kind != "commission" and each.of == "income"],
        ):
            given = parts(have, [Fraction(each.ratio) for each in some], exactly)
            for share, units in zip(some, given, strict=True):
                units = world.capped(page.named.agreement, share, units)
                world.pays("exporter", share.payee, page.named.agreement, units)
                purse[share.payee] = purse.get(share.payee, Fraction(0)) + units
                have -= units
        world.pays("exporter", "exporter", page.named.agreement, have)
        purse["exporter"] += have
    elif stated is None:
        world.pays("exporter", "exporter", "", Fraction(price))
        purse["exporter"] = Fraction(price)
    else:
        roles = sorted(role for role, ratio in stated.items() if ratio)
        for role, units in zip(roles, parts(Fraction(price), [stated[role] for role in roles], exactly), strict=True):
            world.pays("exporter", f"role:{role}", "", units)
            has = "role:public" if role == "public" else "exporter"
            purse[has] = purse.get(has, Fraction(0)) + units
    for who, units in world.pay("exporter", None, purse.pop("exporter")).items():
        purse[who] = purse.get(who, Fraction(0)) + units
    return purse, world.paid


def expected(page: BenefitsPage, price: int, currency: str, stated: dict[str, Fraction] | None) -> tuple[Purse, Paid] | str:
    """What everybody has in the end, and who paid whom what; or the word for why nobody has anything."""
    try:
        purses(page, price, currency, stated, exactly=True)
    except TooMuch:
        return "exceeds"
    return purses(page, price, currency, stated, exactly=False)


# --- random chains ----------------------------------------------------------------------------------------------------


def random_share(chance: random.Random, payee: str, currency: str, cap: bool) -> BenefitShare:
    room = {currency: str(Decimal(chance.randrange(200)) / 4)} if cap else None
    return BenefitShare(
        payee=payee,
        role="public" if payee == "role:public" else None,
        ratio=chance.choice(RATIOS),
        of=chance.choice(("price", "income", "income", "income")),
        kind=chance.choice(("share", "share", "share", "component", "commission")),
        room=room,
        until=chance.choice((None, None, None, DAY, DAY - timedelta(days=1))),
    )


def random_step(
    chance: random.Random, currency: str, payer: str, after: int | None, by: str, agreement: str, caps: float
) -> BenefitStep:
    payees = chance.sample(PARTIES, chance.randint(1, 3))
    shares = tuple(random_share(chance, each, currency, chance.random() < caps) for each in payees)
    return BenefitStep(agreement=agreement, version=1, payer=payer, after=after, by=by, shares=shares)


def random_page(chance: random.Random, currency: str) -> BenefitsPage:
    """A page of agreements on what data were made from and on grants, some reached by several paths, some in a circle."""
    steps: list[BenefitStep] = []
    for number in range(chance.randint(0, 7)):
        after = chance.choice([None, None, *range(number)]) if number else None
        payer = "exporter" if after is None else chance.choice([each.payee for each in steps[after].shares])
        by, agreement = f"{'asset' if after is None else 'c'}:{number}", f"a{number}"
        caps = 0.2
        if steps and chance.random() < 0.15:
            again = chance.choice(steps)
            by, agreement = again.by, again.agreement
            caps = 0  # one room for several payers is taken in the order in which they pay, which the model has not
        steps.append(random_step(chance, currency, payer, after, by, agreement, caps))
    named = None
    if chance.random() < 0.5:
        ratios = chance.choice((("1/2", "1/3", "1/6"), ("0.6", "0.3", "0.1"), ("1/7", "6/7", "0"), ("0.2", "0.2", "0.2")))
        payees = chance.choice((("exporter", "p1", "role:public"), ("p2", "p1", "p3")))
        shares = [
            BenefitShare(
                payee=payee,
                ratio=ratio,
                of=chance.choice(("price", "price", "price", "income")),
                room={currency: "3"} if chance.random() < 0.1 else None,
            )
            for payee, ratio in zip(payees, ratios, strict=True)
        ]
        if chance.random() < 0.3:
            shares.append(BenefitShare(payee="p4", ratio=chance.choice(("0.05", "1/9")), of="price", kind="commission"))
        named = BenefitStep(agreement="sale", version=1, payer="exporter", shares=tuple(shares))
    return BenefitsPage(on=DAY, state="read", named=named, steps=tuple(steps))


def random_chain(chance: random.Random) -> str:
    """One page and price, settled by the engine and by the model; the word for how it ended."""
    currency = chance.choice(list(CURRENCIES))
    page = random_page(chance, currency)
    price = chance.choice((chance.randint(1, 20), chance.randint(1, 10**5), chance.randint(1, 10**12)))
    stated = (
        {"provider": Fraction(1, 2), "operator": Fraction(1, 4), "public": Fraction(1, 4)} if chance.random() < 0.5 else None
    )
    told: dict[str, Value] = {"price": Money(Decimal(price) / 10 ** CURRENCIES[currency], currency), "exporter": "x"}
    for role, ratio in (stated or {}).items():
        told[f"share.{role}"] = Range.exact(Decimal(ratio.numerator) / ratio.denominator)
    found = settle(WORDS, lambda fact: told.get(fact, Missing.LEFT_OUT), page)
    if found is None:
        raise AssertionError(page)
    if page.named is None and not page.steps:
        assert found.state == ("shares-unknown" if stated is None else "settled")
        return "no agreement"
    wanted = expected(page, price, currency, stated)
    if isinstance(wanted, str):
        assert (found.state, found.lines) == (wanted, ()), page
        return wanted
    assert found.state == "settled", (found, page)
    has: Counter[str] = Counter()
    purse, paid = wanted
    pays: Counter[tuple[str, str, str]] = Counter()
    for line in found.lines:
        pays[line.payer, line.payee or f"role:{line.role}", line.agreement or ""] += line.units
        payee = line.payee or ("role:public" if line.role == "public" else "exporter")
        has[payee] += line.units
        has[line.payer] -= line.units if line.step is not None else 0
        assert line.units >= 0, page
    assert {who: units for who, units in has.items() if units} == {who: units for who, units in purse.items() if units}, page
    assert {each: units for each, units in pays.items() if units} == {each: units for each, units in paid.items() if units}, (
        page
    )
    assert min(has.values()) >= 0, page
    assert sum(has.values()) == sum(line.units for line in found.divided) == price, page
    return "upward" if found.upward else "settled"


@pytest.mark.random
def test_random_chains_pay_everybody_as_a_plain_model_does() -> None:
    """Each unit is where it belongs, and all of them add up to the price; each way to end occurs."""
    chance = random.Random(seed(36))
    ends = Counter(random_chain(chance) for _ in examples(200))
    assert ends.keys() == {"no agreement", "settled", "upward", "exceeds"}, ends
    assert ends["upward"] > ends.total() / 4, ends

"""Random histories of commitments, payments, disputes, refunds and withdrawals, against a plain model of who owes what."""

import random
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

import engine
from tests.chance import examples, seed
from tests.service.conftest import BOTH_DATABASES
from tests.service.ledger.desk import Desk, desk, opened
from tests.service.ledger.test_benefit_payments import DOCUMENT, LINES, done, overdue
from tests.service.ledger.test_benefits import lines

__all__ = ["desk", "opened"]
pytestmark = pytest.mark.usefixtures("audited")

SCALE = {"CNY": 2, "JPY": 0, "KWD": 3}
EXPORTERS = ("clinic", "bank")
PARTIES = ("clinic", "bank", "fund", "firm")


@dataclass
class Part:
    """A part of a line that somebody reported."""

    amount: Fraction
    back: bool
    state: str = "reported"

    def adds(self, *states: str) -> Fraction:
        """How much it adds to what was paid, if it is in one of some states."""
        return (-self.amount if self.back else self.amount) if self.state in states else Fraction(0)


@dataclass
class Line:
    """A line as the model has it."""

    commitment: str
    payer: str
    payee: str | None
    share: Fraction
    due: date
    payable: Fraction = Fraction(0)
    parts: list[Part] = field(default_factory=list)

    @property
    def paid(self) -> Fraction:
        """What counts as paid."""
        return sum((each.adds("reported", "confirmed", "found-paid") for each in self.parts), Fraction(0))

    @property
    def confirmed(self) -> Fraction:
        """What was confirmed of it."""
        return sum((each.adds("confirmed", "found-paid") for each in self.parts), Fraction(0))

    @property
    def disputed(self) -> Fraction:
        """What is disputed."""
        return sum((each.amount for each in self.parts if each.state == "disputed"), Fraction(0))

    def state(self, day: date) -> str:
        """How it stands on a day."""
        if self.payer == self.payee:
            return "own"
        if self.disputed:
            return "disputed"
        if self.paid < self.payable:
            return "overdue" if self.due < day else "due"
        if self.paid > self.payable:
            return "claim"
        if not self.payable:
            return "nothing"
        return "confirmed" if self.confirmed == self.paid else "reported"


@dataclass
class Sale:
    """A commitment as the model has it."""

    price: Fraction
    currency: str
    lines: dict[int, Line]
    refunded: Fraction = Fraction(0)
    ended: bool = False

    def reverse(self) -> None:
        """End it: nothing of it is payable."""
        self.ended = True
        for line in self.lines.values():
            line.payable = Fraction(0)

    def divides(self, left: Fraction) -> bool:
        """Whether what is left of the price can be divided."""
        return left >= 0

    def divide(self) -> None:
        """Bring the lines to what is left of the price: whole units, the largest remainders first, of equal ones the earlier line."""
        unit = Fraction(1, 10 ** SCALE[self.currency])
        whole = (self.price - self.refunded) / unit
        exact = {number: whole * line.share for number, line in self.lines.items()}
        units = {number: each.numerator // each.denominator for number, each in exact.items()}
        order = sorted(exact, key=lambda number: (units[number] - exact[number], number))
        for number in order[: int(whole) - sum(units.values())]:
            units[number] += 1
        for number, line in self.lines.items():
            line.payable = units[number] * unit


class Model:
    """What was done at a desk, and what the ledger must say of it."""

    def __init__(self, desk: Any, chance: random.Random, payers: Collection[str] = EXPORTERS) -> None:
        self.desk, self.chance, self.payers = desk, chance, payers
        self.sales: dict[str, Sale] = {}
        self.refusals = 0

    @property
    def today(self) -> date:
        """The day of the desk."""
        now: datetime = self.desk.now[0]
        return now.date()

    @property
    def lines(self) -> dict[int, Line]:
        """All lines by their numbers."""
        return {number: line for sale in self.sales.values() for number, line in sale.lines.items()}

    def sell(self) -> None:
        """Commit an exchange with a price."""
        cuts = sorted(self.chance.randint(0, 100) for _ in range(2))
        shares = {"operator": cuts[0], "provider": cuts[1] - cuts[0], "public": 100 - cuts[1]}
        currency, exporter = self.chance.choice(list(SCALE)), self.chance.choice(EXPORTERS)
        price, first = self.chance.randint(1, 10**6), len(lines(self.desk, limit="1000"))
        named = {role: self.chance.choice(PARTIES) for role in ("operator", "provider")}
        made = self.desk.commit(
            1,
            exporter,
            terms__price=f"{engine.amount_text(price, SCALE[currency])} {currency}",
            terms__share={role: f"{share / 100:.2f}" for role, share in shares.items()} | {"rest": "0"},
            **{f"terms__parties__{role}": [party] for role, party in named.items()},
        )["id"]
        due = self.today + timedelta(days=30)
        roles = [role for role, share in shares.items() if share]
        of = {
            number: Line(made, exporter, named.get(role), Fraction(shares[role], 100), due)
            for number, role in enumerate(roles, first)
        }
        self.sales[made] = Sale(Fraction(price, 10 ** SCALE[currency]), currency, of)
        self.sales[made].divide()

    def some_line(self) -> tuple[int, Line]:
        """A line, by its number."""
        return self.chance.choice(sorted(self.lines.items(), key=lambda each: each[0]))

    def sent(self, units: int, scale: int) -> dict[str, str]:
        """A report of an amount."""
        amount = engine.amount_text(units, scale)
        return {"amount": amount, "dated": self.today.isoformat(), "evidence": "bank", "document": DOCUMENT}

    def pay(self) -> None:
        """Report that something was paid, or paid back: at times more than is owed, which is refused."""
        number, line = self.some_line()
        scale = SCALE[self.sales[line.commitment].currency]
        owed = line.payable - line.paid
        most = max(1, int(abs(owed) * 10**scale))
        units = self.chance.choice([most, self.chance.randint(1, most + most // 4)])
        amount = Fraction(units, 10**scale)
        back = owed < 0 if self.chance.random() < 0.9 else owed > 0
        answer = self.desk.post(f"{LINES}/{number}/paid", {**self.sent(units, scale), "back": back})
        if line.payer == line.payee or not owed or back != (owed < 0):
            assert answer.status_code == 409, answer.text
        elif amount > abs(owed):
            assert answer.status_code == 400, answer.text
        else:
            done(answer)
            line.parts.append(Part(amount, owed < 0))
            return
        self.refusals += 1

    def judge(self) -> None:
        """Confirm, dispute or settle a part, or all of them."""
        number, line = self.some_line()
        ways: list[tuple[str, str, str, dict[str, Any]]] = [
            ("reported", "confirmed", "confirm", {}),
            ("reported", "disputed", "dispute", {"reason": "no"}),
            ("disputed", "found-paid", "settle", {"paid": True, "reason": "seen"}),
            ("disputed", "found-unpaid", "settle", {"paid": False, "reason": "seen"}),
        ]
        before, after, path, sent = self.chance.choice(ways)
        part = self.chance.choice([None, *range(len(line.parts))])
        chosen = [each for place, each in enumerate(line.parts) if part in (None, place) and each.state == before]
        answer = self.desk.post(f"{LINES}/{number}/{path}", sent if part is None else {**sent, "part": part})
        if not chosen:
            assert answer.status_code == 409, answer.text
            self.refusals += 1
            return
        done(answer)
        for each in chosen:
            each.state = after

    def refund(self) -> None:
        """Refund a part of a price: at times more than is left, which is refused."""
        id, sale = self.chance.choice(sorted(self.sales.items()))
        scale = SCALE[sale.currency]
        left = int((sale.price - sale.refunded) * 10**scale)
        units = self.chance.randint(1, left // 2 + 2)
        amount = Fraction(units, 10**scale)
        answer = self.desk.post(f"/v1/commitments/{id}/refund", self.sent(units, scale))
        rest = sale.price - sale.refunded - amount
        if sale.ended or (rest >= 0 and not sale.divides(rest)):
            assert answer.status_code == 409, answer.text
        elif rest < 0:
            assert answer.status_code == 400, answer.text
        else:
            done(answer)
            sale.refunded += amount
            sale.divide()
            return
        self.refusals += 1

    def withdraw(self) -> None:
        """Withdraw a commitment: all of it is reversed, once."""
        id, sale = self.chance.choice(sorted(self.sales.items()))
        answer = self.desk.post(f"/v1/commitments/{id}/withdraw", {"reason": "no"})
        assert answer.status_code == (409 if sale.ended else 200), answer.text
        sale.reverse()

    def wait(self) -> None:
        """Some days pass."""
        self.desk.now[0] += timedelta(days=self.chance.randint(1, 12))

    def agree(self) -> None:
        """The ledger says what the model says: line by line, of each payer, and in the balances."""
        shown = {each["number"]: each for each in lines(self.desk, limit="1000")}
        after = dict.fromkeys(self.lines, Fraction(0))
        for each in shown.values():
            after[each.get("of", each["number"])] += Fraction(each["amount"])
        assert after == {number: line.payable for number, line in self.lines.items()}
        for number, line in self.lines.items():
            told = shown[number]
            found = [Fraction(told[name]) for name in ("payable", "paid", "confirmed", "disputed")]
            assert found == [line.payable, line.paid, line.confirmed, line.disputed], told
            assert told["state"] == line.state(self.today), told
        for exporter in self.payers:
            late = sum(
                1
                for line in self.lines.values()
                if line.payer == exporter and line.payer != line.payee and line.due < self.today and line.paid < line.payable
            )
            assert overdue(self.desk, exporter) == late
        sums: dict[tuple[str, str], list[Fraction]] = {}
        for line in self.lines.values():
            key = (line.payee or "", self.sales[line.commitment].currency)
            held = sums.setdefault(key, [Fraction(0)] * 5)
            left = max(line.payable - line.paid, Fraction(0)) if line.payer != line.payee else Fraction(0)
            for at, each in enumerate(
                (left, left * (line.due < self.today), line.paid, line.disputed, max(line.paid - line.payable, Fraction(0)))
            ):
                held[at] += each
        told_sums: dict[tuple[str, str], list[Fraction]] = {}
        for each in done(self.desk.client.get(f"{LINES}/balances?limit=1000"))["balances"]:
            amounts = [Fraction(each[name]) for name in ("due", "overdue", "paid", "disputed", "claims")]
            before = told_sums.get((each.get("party", ""), each["currency"]), [Fraction(0)] * 5)
            told_sums[each.get("party", ""), each["currency"]] = [a + b for a, b in zip(before, amounts, strict=True)]
        assert told_sums == sums


@pytest.mark.random
@BOTH_DATABASES
def test_random_histories_are_as_a_plain_model_has_them(desk: Desk) -> None:
    """Whatever is done in whatever order: each line stands as it must, and the log makes the same rows."""
    chance = random.Random(seed(36))
    model = Model(desk, chance)
    model.sell()
    steps = [model.sell, *[model.pay] * 4, *[model.judge] * 4, model.refund, model.refund, model.withdraw, model.wait]
    for number in examples(60):
        step = chance.choice(steps)
        if step is model.withdraw and chance.random() < 0.5:
            continue
        step()
        if number % 6 == 5:
            model.agree()
    model.agree()
    assert model.refusals
